/** What the parts of this module share. */
import type { MaybePromise } from '../../core/hooks.ts';
import type { Home } from '../../core/module.ts';
import { type BareJid, type Domain, domainOf, type Jid } from '../../jid/jid.ts';
import { RateLimit } from '../../kit/limits.ts';
import type { Clients } from '../caps/index.ts';
import type { RosterApi } from '../roster/index.ts';
import { type Item, isAccount, type Node } from './node.ts';
import { ACCOUNT_DEFAULTS, type NodeConfig, SERVICE_DEFAULTS } from './node-config.ts';
import type { Nodes } from './nodes.ts';
import type { PubSubSettings } from './settings.ts';
import type { WatchedClients } from './watched.ts';

/** Something that happened to a node. */
export type Change = {
  readonly service: BareJid;
  readonly node: string;
  /** What {@link PublishOptions.origin} said, for whoever must know his own doings. */
  readonly origin: string | undefined;
} & (
  | { readonly kind: 'published'; readonly item: Item }
  | { readonly kind: 'retracted'; readonly ids: readonly string[] }
  | { readonly kind: 'purged' | 'deleted' | 'configured' }
);

/** Is told of changes when they are on the disk; a request is answered when he is done. */
export type ChangeListener = (change: Change) => MaybePromise<void>;

/** The module's means. */
export interface Context {
  readonly home: Home<PubSubSettings>;
  readonly nodes: Nodes;
  readonly rosters: RosterApi;
  readonly clients: Clients;
  readonly watched: WatchedClients;
  readonly listeners: ChangeListener[];
  /** Those who fill nodes that are not there yet, by the names of the nodes. */
  readonly fillers: Map<string, (account: BareJid) => Promise<void>>;
  /** How often accounts ask owners for their approval. */
  readonly requests: RateLimit<BareJid>;
  /** The host that a service belongs to. */
  hostOf(service: BareJid): Domain;
  settingsOf(service: BareJid): PubSubSettings;
  /** Whether an account blocks somebody (XEP-0191); nothing is sent to him in its name. */
  isBlocked(account: BareJid, jid: Jid): MaybePromise<boolean>;
}

/** Owners are not asked more often by one account, however it goes and comes. */
const REQUESTS = { burst: 20, perSecond: 20 / 3600 };

/** Makes the means. */
export function createContext(
  home: Home<PubSubSettings>,
  parts: Pick<Context, 'nodes' | 'rosters' | 'clients' | 'watched' | 'isBlocked'>,
): Context {
  const hostOf = (service: BareJid): Domain =>
    home.hosts.ownerOf(domainOf(service))?.domain ?? domainOf(service);
  return {
    home,
    ...parts,
    listeners: [],
    fillers: new Map(),
    requests: new RateLimit(home.clock, REQUESTS),
    hostOf,
    settingsOf: (service) => home.configOf(hostOf(service)),
  };
}

/** How a new node of a service is configured unless somebody says otherwise. */
export const defaultsOf = (service: BareJid): NodeConfig =>
  isAccount(service) ? ACCOUNT_DEFAULTS : SERVICE_DEFAULTS;

/** How many items a node keeps. */
export function roomOf(config: NodeConfig, settings: PubSubSettings): number {
  return config.maxItems === 'max'
    ? settings.maxItems
    : Math.min(config.maxItems, settings.maxItems);
}

/** Tells the listeners; what one of them fails with is logged. */
export async function tell({ listeners, home }: Context, change: Change): Promise<void> {
  for (const listener of listeners)
    try {
      await listener(change);
    } catch (error) {
      home.log.error({ err: error, node: change.node }, 'a change of a node was not followed');
    }
}

/** Whether an address is in a domain that is served here. */
export const isLocal = ({ home }: Context, jid: Jid): boolean =>
  home.hosts.get(domainOf(jid)) !== undefined;

/** A node with the service that it is at, for logs and errors. */
export const nameOf = (node: Node): string => `${node.service} ${node.name}`;

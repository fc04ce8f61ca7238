/** Nodes, as far as they are values: XEP-0060 §4. */
import type { BareJid, Jid } from '../../jid/jid.ts';
import { localOf } from '../../jid/jid.ts';
import type { NodeConfig } from './node-config.ts';
import type { SubscriptionOptions } from './subscription-options.ts';

/** §4.1: how an account stands to a node; `none` is not recorded. */
export const AFFILIATIONS = [
  'owner',
  'publisher',
  'publish-only',
  'member',
  'none',
  'outcast',
] as const;
/** One of {@link AFFILIATIONS}. */
export type Affiliation = (typeof AFFILIATIONS)[number];

/** §4.2: how a subscription stands; `none` is not recorded, and nothing waits to be configured. */
export type SubscriptionState = 'subscribed' | 'pending';

/** An item that was published. */
export interface Item {
  readonly id: string;
  /** Who published it: a full JID, as it came (§7.1.2.3). */
  readonly publisher: Jid;
  /** In ms since the epoch. */
  readonly at: number;
  /** The payload as XML; '' if it has none. */
  readonly xml: string;
}

/** A node as it is known in memory. Its items are in the database, but for the last one. */
export interface Node {
  /** Its number in the database. */
  readonly token: number;
  /** The account or the domain at which it is. */
  readonly service: BareJid;
  readonly name: string;
  readonly created: number;
  readonly creator: BareJid;
  readonly config: NodeConfig;
  readonly affiliations: ReadonlyMap<BareJid, Affiliation>;
  readonly subscriptions: ReadonlyMap<Jid, SubscriptionState>;
  /** What subscribers have set, where it is not as usual. */
  readonly options: ReadonlyMap<Jid, SubscriptionOptions>;
  /** How many items are kept, and how many bytes they have. */
  readonly count: number;
  readonly bytes: number;
}

/** Whether a service is an account (XEP-0163). */
export const isAccount = (service: BareJid): boolean => localOf(service) !== '';

/** How somebody stands to a node; an account owns its own (XEP-0163 §3.2). */
export function affiliationOf(node: Node, account: BareJid): Affiliation {
  if (account === node.service) return 'owner';
  return node.affiliations.get(account) ?? 'none';
}

/** All who own a node. */
export function ownersOf(node: Node): BareJid[] {
  const named = [...node.affiliations].flatMap(([account, affiliation]) =>
    affiliation === 'owner' ? [account] : [],
  );
  return isAccount(node.service) ? [node.service, ...named] : named;
}

/** The subscriptions of an account, whichever of its addresses they are for. */
export function subscriptionsOf(
  node: Node,
  account: BareJid,
): readonly (readonly [Jid, SubscriptionState])[] {
  const found: (readonly [Jid, SubscriptionState])[] = [];
  for (const entry of node.subscriptions)
    if (entry[0] === account || entry[0].startsWith(`${account}/`)) found.push(entry);
  return found;
}

/** Whether an account is subscribed, by any of its addresses. */
export const isSubscribed = (node: Node, account: BareJid): boolean =>
  node.subscriptions.size > 0 &&
  subscriptionsOf(node, account).some(([, state]) => state === 'subscribed');

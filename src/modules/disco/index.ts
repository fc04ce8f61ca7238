/** XEP-0030: Service Discovery, for hosts and their accounts. */
import { z } from 'zod';
import { componentsOf } from '../../config/components.ts';
import type { MaybePromise } from '../../core/hooks.ts';
import { type IqRequest, onIq, type Reply, reply } from '../../core/iq.ts';
import { defineModule } from '../../core/module.ts';
import { type BareJid, bareOf, type Domain, type Jid } from '../../jid/jid.ts';
import { PROGRAM } from '../../kit/program.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import { optionalAttr, payload } from '../../xml/codec.ts';
import { roster } from '../roster/index.ts';
import {
  DISCO_INFO,
  DISCO_ITEMS,
  type DiscoIdentity,
  type DiscoInfo,
  type DiscoItem,
  infoElement,
  itemsElement,
} from './info.ts';

export {
  DISCO_INFO,
  DISCO_ITEMS,
  type DiscoIdentity,
  type DiscoInfo,
  type DiscoItem,
  infoElement,
  itemsElement,
} from './info.ts';

/** A request for disco#info. */
export const InfoQuery = payload('query', DISCO_INFO, { node: optionalAttr('node') });
/** A request for disco#items. */
export const ItemsQuery = payload('query', DISCO_ITEMS, { node: optionalAttr('node') });

/** Answers for nodes of a host; undefined for a node that is not its own. */
export type FindNode = (host: Domain, node: string) => DiscoInfo | undefined;

/** A node of a host that is not the same for all; `forbidden` for who may not see it. */
export interface HostNode {
  info(): MaybePromise<DiscoInfo>;
  items(): MaybePromise<readonly DiscoItem[]>;
}

/** Answers for nodes of a host by who asks; undefined for a node that is not its own. */
export type FindHostNode = (
  asked: Pick<Query, 'host' | 'session'>,
  node: string,
) => MaybePromise<HostNode | 'forbidden' | undefined>;

/** A node of an account, for those who are signed in to it. */
export interface AccountNode {
  info(): MaybePromise<DiscoInfo>;
  items(): MaybePromise<readonly DiscoItem[]>;
}

/** Answers for nodes of accounts; undefined for a node that is not its own. */
export type FindAccountNode = (
  asked: Pick<Query, 'host' | 'account' | 'session'>,
  node: string,
) => AccountNode | undefined;

/** A node of an account that others may see, too; what they may not is refused. */
export interface SharedNode {
  info(): MaybePromise<DiscoInfo>;
  items(): MaybePromise<readonly DiscoItem[] | StanzaFailure>;
}

/** What accounts are besides being accounts, such as a service of nodes (XEP-0163). */
export interface AccountService {
  isOn(host: Domain): boolean;
  /** Told of accounts, and of their server. */
  readonly identities: readonly DiscoIdentity[];
  /** The nodes of an account that somebody may know of. */
  items(account: BareJid, asker: Jid): Promise<readonly DiscoItem[]>;
  /** One of them; undefined if there is none for him. */
  node(account: BareJid, asker: Jid, node: string): Promise<SharedNode | undefined>;
}

/** What other modules may use. */
export interface DiscoApi {
  /** What the host says of itself. */
  serverInfo(host: Domain): DiscoInfo;
  /** Adds nodes of hosts (XEP-0030 §3.2). */
  addServerNode(find: FindNode): void;
  /** Adds nodes of hosts that are not the same for all. */
  addHostNode(find: FindHostNode): void;
  /** Adds nodes of accounts, which others are forbidden to see. */
  addAccountNode(find: FindAccountNode): void;
  /** Adds what accounts are, and nodes of theirs that others may see. */
  addAccountService(service: AccountService): void;
}

const config = z.object({
  name: z
    .string()
    .min(1)
    .default(PROGRAM.name)
    .describe('The name of the service, as clients may show it.'),
});

type Query = IqRequest<{ readonly node?: string | undefined }>;

/** The module. */
export const disco = defineModule<z.output<typeof config>, DiscoApi>({
  name: 'disco',
  specs: [
    { xep: 30, version: '2.5.0', covers: 'complete' },
    { xep: 128, version: '1.0.1', covers: 'complete' },
  ],
  needs: ['roster'],
  features: [DISCO_INFO, DISCO_ITEMS],
  accountFeatures: [DISCO_INFO, DISCO_ITEMS],
  config,
  setup(home) {
    const rosters = home.use(roster);
    const finders: FindNode[] = [];
    const hostFinders: FindHostNode[] = [];
    const accountFinders: FindAccountNode[] = [];
    const nodeOfHost = async (query: Query) => {
      for (const find of hostFinders) {
        const found = await find(query, query.payload.node ?? '');
        if (found !== undefined) return found;
      }
      return undefined;
    };
    const nodeOfAccount = (query: Query): AccountNode | undefined => {
      const { node } = query.payload;
      if (node === undefined) return undefined;
      return accountFinders.map((find) => find(query, node)).find((found) => found !== undefined);
    };
    const services: AccountService[] = [];
    const servicesOf = (host: Domain) => services.filter(({ isOn }) => isOn(host));
    const identitiesOf = (host: Domain) => servicesOf(host).flatMap(({ identities }) => identities);
    const sharedItems = async ({ account, from, host }: Query) =>
      (await Promise.all(servicesOf(host).map(({ items }) => items(account, from)))).flat();
    const sharedNode = async ({ account, from, host, payload: { node } }: Query) => {
      if (node === undefined) return undefined;
      const found = servicesOf(host).map((service) => service.node(account, from, node));
      return (await Promise.all(found)).find((each) => each !== undefined);
    };
    const infoOfShared = async (query: Query) => {
      const found = await sharedNode(query);
      return found === undefined
        ? undefined
        : reply.result(infoElement(await found.info(), query.payload.node));
    };
    const itemsOfShared = async (query: Query): Promise<Reply | undefined> => {
      const items = await (await sharedNode(query))?.items();
      if (items === undefined) return undefined;
      return 'condition' in items
        ? { kind: 'refuse', failure: items }
        : reply.result(itemsElement(items, query.payload.node));
    };
    const serverInfo = (host: Domain): DiscoInfo => ({
      identities: [
        { category: 'server', type: 'im', name: home.configOf(host).name },
        ...identitiesOf(host),
      ],
      features: home.features(host, 'server'),
      forms: home.serverForms(host),
    });
    const infoOfServer = async (query: Query) => {
      const {
        host,
        payload: { node },
      } = query;
      const own = node === undefined ? undefined : await nodeOfHost(query);
      if (own === 'forbidden') return reply.refuse('forbidden');
      if (own !== undefined) return reply.result(infoElement(await own.info(), node));
      const infos =
        node === undefined ? [serverInfo(host)] : finders.map((find) => find(host, node));
      const info = infos.find((found) => found !== undefined);
      return info === undefined
        ? reply.refuse('item-not-found') // §7
        : reply.result(infoElement(info, node));
    };
    const itemsOfServer = async (query: Query) => {
      const {
        host,
        payload: { node },
      } = query;
      const own = node === undefined ? undefined : await nodeOfHost(query);
      if (own === 'forbidden') return reply.refuse('forbidden');
      if (own !== undefined) return reply.result(itemsElement(await own.items(), node));
      if (node !== undefined) return reply.refuse('item-not-found');
      const config = home.hosts.get(host)?.config;
      const components = config === undefined ? [] : componentsOf(config);
      const items = components.map(({ domain, config: own }) => ({
        jid: domain,
        name: 'name' in own ? own.name : undefined,
      }));
      return reply.result(itemsElement(items));
    };
    const infoOfAccount = async (query: Query) => {
      const { host, account, payload } = query;
      const { node } = payload;
      const found = nodeOfAccount(query);
      if (found !== undefined) return reply.result(infoElement(await found.info(), node));
      if (node !== undefined) return reply.refuse('item-not-found');
      const isGuest = home.sessions.of(account).some((session) => session.isAnonymous);
      const identity = { category: 'account', type: isGuest ? 'anonymous' : 'registered' };
      const features = home.features(host, 'account');
      const identities = [identity, ...identitiesOf(host)];
      return reply.result(infoElement({ identities, features, forms: [] }));
    };
    const itemsOfAccount = async (query: Query) => {
      const { account, payload } = query;
      const { node } = payload;
      const found = nodeOfAccount(query);
      if (found !== undefined) return reply.result(itemsElement(await found.items(), node));
      if (node !== undefined) return reply.refuse('item-not-found');
      const available = home.sessions.of(account).filter(({ presence }) => presence !== undefined);
      const shared = await sharedItems(query);
      return reply.result(itemsElement([...available.map(({ jid }) => ({ jid })), ...shared]));
    };
    const maySee = async ({ account, from }: Query) =>
      (await rosters.of(account)).items.get(bareOf(from))?.from === true;

    return {
      iq: [
        onIq('get', ['server'], InfoQuery, infoOfServer),
        onIq('get', ['server'], ItemsQuery, itemsOfServer),
        onIq(
          'get',
          ['self'],
          InfoQuery,
          async (query) => (await infoOfShared(query)) ?? infoOfAccount(query),
        ),
        onIq(
          'get',
          ['self'],
          ItemsQuery,
          async (query) => (await itemsOfShared(query)) ?? itemsOfAccount(query),
        ),
        // §8: whether an account exists, and who is online, is for those who may see its presence.
        onIq('get', ['account'], InfoQuery, async (query) => {
          if (nodeOfAccount(query) !== undefined) return reply.refuse('forbidden');
          const shared = await infoOfShared(query);
          if (shared !== undefined) return shared;
          return (await maySee(query)) ? infoOfAccount(query) : reply.refuse('service-unavailable');
        }),
        onIq('get', ['account'], ItemsQuery, async (query) => {
          if (nodeOfAccount(query) !== undefined) return reply.refuse('forbidden');
          const shared = await itemsOfShared(query);
          if (shared !== undefined) return shared;
          if (await maySee(query)) return itemsOfAccount(query);
          // What an account shows to all it may show to strangers.
          const isWhole = query.payload.node === undefined;
          return isWhole ? reply.result(itemsElement(await sharedItems(query))) : nothing(query);
        }),
        onIq('get', ['nobody'], InfoQuery, (query) =>
          reply.refuse(nodeOfAccount(query) === undefined ? 'service-unavailable' : 'forbidden'),
        ),
        onIq('get', ['nobody'], ItemsQuery, (query) =>
          nodeOfAccount(query) === undefined ? nothing(query) : reply.refuse('forbidden'),
        ),
      ],
      api: {
        serverInfo,
        addServerNode: (find) => void finders.push(find),
        addHostNode: (find) => void hostFinders.push(find),
        addAccountNode: (find) => void accountFinders.push(find),
        addAccountService: (service) => void services.push(service),
      },
    };
  },
});

/** The items of what must not be known (§8). */
function nothing({ payload: { node } }: Query) {
  return reply.result(itemsElement([], node));
}

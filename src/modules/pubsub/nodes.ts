/**
 * The nodes: the one owner of their tables, and of a bounded cache of whole services without their
 * items. What is done to one node is done one thing after the other, each on the disk before the next
 * begins.
 */
import type { MaybePromise } from '../../core/hooks.ts';
import type { BareJid, Jid } from '../../jid/jid.ts';
import type { Clock } from '../../kit/clock.ts';
import { createExclusive } from '../../kit/exclusive.ts';
import { nextSerial } from '../../kit/ids.ts';
import { BoundedMap } from '../../kit/limits.ts';
import type { Store } from '../../store/store.ts';
import type { Affiliation, Item, Node, SubscriptionState } from './node.ts';
import { isAccount } from './node.ts';
import { type NodeConfig, nodeConfig } from './node-config.ts';
import { isDefault, type SubscriptionOptions, storedOptions } from './subscription-options.ts';
import { createTables, type ItemPage, type PubSubTables, type StoredItem } from './tables.ts';

/** Services that are remembered, whole but for their items. */
const CACHED_SERVICES = 10_000;
/** Up to which size the last item of a node stays in memory, in characters. */
const HOT_ITEM = 8192;

type Changeable<T> = { -readonly [Part in keyof T]: T[Part] };

/** A node in memory. */
interface Known extends Changeable<Omit<Node, 'affiliations' | 'subscriptions' | 'options'>> {
  readonly affiliations: Map<BareJid, Affiliation>;
  readonly subscriptions: Map<Jid, SubscriptionState>;
  readonly options: Map<Jid, SubscriptionOptions>;
  /** The last item; undefined if it is not in memory, null if there is none. */
  last: Item | undefined | null;
  /** The highest number in the order of its items. */
  top: number;
}

type Service = Map<string, Known>;

/** What became of an item that was to be kept. */
export interface Kept {
  /** Items that had to go for it. */
  readonly dropped: readonly string[];
}

/** Reads and changes nodes. All that is asynchronous may reject with a StoreError. */
export interface Nodes {
  /** The nodes of a service by their names. */
  of(service: BareJid): MaybePromise<ReadonlyMap<string, Node>>;
  find(service: BareJid, name: string): MaybePromise<Node | undefined>;
  /** Does something with a node, or with nothing under its name, alone. */
  alone<T>(
    service: BareJid,
    name: string,
    task: (node: Node | undefined) => Promise<T>,
  ): Promise<T>;
  /** Makes a node that is not there; inside {@link alone}. */
  create(parts: {
    readonly service: BareJid;
    readonly name: string;
    readonly config: NodeConfig;
    readonly creator: BareJid;
  }): Promise<Node>;
  /** Changes the configuration, and keeps no more than `most` items from then on. */
  configure(node: Node, config: NodeConfig, most: number): Promise<void>;
  affiliate(
    node: Node,
    affiliations: ReadonlyMap<BareJid, Affiliation>,
    subscriptions: ReadonlyMap<Jid, SubscriptionState | undefined>,
    /** Of those who are subscribed by then. */
    options?: ReadonlyMap<Jid, SubscriptionOptions>,
  ): Promise<void>;
  /** The subscriptions that have ended by their leases. */
  ended(): Promise<readonly { service: BareJid; node: string; jid: Jid }[]>;
  /** Keeps an item in place of one of the same id, and no more than `most`. */
  put(node: Node, item: Item, most: number): Promise<Kept>;
  /** Remembers an item that is not kept. */
  remember(node: Node, item: Item): void;
  /** Removes an item; false if there is none. */
  remove(node: Node, id: string): Promise<boolean>;
  purge(node: Node): Promise<void>;
  drop(node: Node): Promise<void>;
  dropAll(service: BareJid): Promise<void>;
  /** The item that was published last; undefined if there is none. */
  last(node: Node): MaybePromise<Item | undefined>;
  items(node: Node, page: Omit<ItemPage, 'since'>): Promise<readonly StoredItem[]>;
  /** Some by their ids; no more than have so many bytes, but one at least. */
  byIds(node: Node, ids: readonly string[], bytes?: number): Promise<readonly StoredItem[]>;
  /** The ids of the latest items, oldest first. */
  ids(node: Node, most: number): Promise<readonly string[]>;
  /** How many items there are now. */
  size(node: Node): Promise<number>;
  /** Where an item stands in the order; undefined if there is none. */
  place(node: Node, id: string): Promise<number | undefined>;
  /** How many items stand before a place. */
  countBefore(node: Node, serial: number): Promise<number>;
  /** Bytes of all items of a service. */
  usage(service: BareJid): Promise<number>;
  /** Removes items whose time is over. */
  expire(): Promise<void>;
  /** The nodes with which an account has to do at services other than itself. */
  nodesWith(account: BareJid): Promise<readonly { service: BareJid; node: string }[]>;
}

/** Opens the nodes. */
export function createNodes(store: Store, clock: Clock): Nodes {
  const tables = createTables(store);
  const cache = new BoundedMap<BareJid, Service>(CACHED_SERVICES);
  const loading = new Map<BareJid, Promise<Service>>();
  // Services that are being changed: what is read meanwhile must be the object that will change.
  const changing = new Map<BareJid, { readonly service: Service; tasks: number }>();
  const exclusive = createExclusive<string>();

  const load = (service: BareJid): Promise<Service> => {
    const begun = loading.get(service);
    if (begun !== undefined) return begun;
    const loaded = readService(tables, service).then((nodes) => {
      cache.set(service, nodes);
      return nodes;
    });
    loading.set(service, loaded);
    const forget = () => void loading.delete(service);
    loaded.then(forget, forget);
    return loaded;
  };
  const of = (service: BareJid): MaybePromise<Service> =>
    changing.get(service)?.service ?? cache.get(service) ?? load(service);

  /** The node as it is in memory: whoever has it was given it here. */
  const known = (node: Node) => node as Known;

  const since = ({ config: { itemExpire } }: Node): number =>
    itemExpire === 'max' ? 0 : clock.now() - itemExpire * 1000;
  const isFresh = (node: Node, item: Item) => item.at >= since(node);

  /** What all items of a node together do not exceed need not be measured. */
  const bound = (node: Node, bytes: number | undefined) =>
    bytes !== undefined && node.bytes > bytes ? bytes : undefined;

  const forgetItems = (node: Known, gone: readonly { id: string; bytes: number }[]) => {
    for (const { id, bytes } of gone) {
      node.count -= 1;
      node.bytes -= bytes;
      if (node.last?.id === id) node.last = undefined;
    }
  };

  return {
    of,
    find(service, name) {
      const nodes = of(service);
      return nodes instanceof Promise ? nodes.then((found) => found.get(name)) : nodes.get(name);
    },
    alone: (service, name, task) =>
      exclusive(JSON.stringify([service, name]), async () => {
        const nodes = await of(service);
        const mark = changing.get(service) ?? { service: nodes, tasks: 0 };
        mark.tasks += 1;
        changing.set(service, mark);
        try {
          return await task(mark.service.get(name));
        } finally {
          mark.tasks -= 1;
          if (mark.tasks === 0) {
            changing.delete(service);
            cache.set(service, mark.service);
          }
        }
      }),
    async create({ service, name, config, creator }) {
      const created = clock.now();
      const owner = isAccount(service) ? undefined : creator;
      const parts = { service, node: name, config, created, creator, owner };
      const token = await tables.create(parts);
      if (token === undefined) throw new Error(`${service} has a node ${name} already`);
      const node: Known = {
        token,
        service,
        name,
        created,
        creator,
        config,
        affiliations: new Map(owner === undefined ? [] : [[owner, 'owner']]),
        subscriptions: new Map(),
        options: new Map(),
        count: 0,
        bytes: 0,
        last: null,
        top: 0,
      };
      (await of(service)).set(name, node);
      return node;
    },
    async configure(node, config, most) {
      const gone = await tables.configure(node.token, config, most);
      known(node).config = config;
      forgetItems(known(node), gone);
    },
    async affiliate(node, affiliations, subscriptions, options = new Map()) {
      await tables.affiliate(node.token, affiliations, subscriptions, options);
      const to = known(node);
      for (const [jid, affiliation] of affiliations)
        if (affiliation === 'none') to.affiliations.delete(jid);
        else to.affiliations.set(jid, affiliation);
      for (const [jid, state] of subscriptions)
        if (state !== undefined) to.subscriptions.set(jid, state);
        else {
          to.subscriptions.delete(jid);
          to.options.delete(jid);
        }
      for (const [jid, each] of options)
        if (isDefault(each)) to.options.delete(jid);
        else to.options.set(jid, each);
    },
    ended: () => tables.ended(clock.now()),
    async put(node, item, most) {
      const at = known(node);
      const serial = Math.max(nextSerial(), at.top + 1);
      const bytes = Buffer.byteLength(item.xml);
      const isFull = at.count >= most;
      const { replaced, dropped } = await tables.put(
        node.token,
        { ...item, serial },
        bytes,
        most,
        isFull,
      );
      if (replaced === undefined) at.count += 1;
      at.bytes += bytes - (replaced ?? 0);
      at.top = serial;
      forgetItems(at, dropped);
      at.last = item.xml.length <= HOT_ITEM ? item : undefined;
      return { dropped: dropped.map(({ id }) => id) };
    },
    remember(node, item) {
      known(node).last = item.xml.length <= HOT_ITEM ? item : null;
    },
    async remove(node, id) {
      const bytes = await tables.remove(node.token, id);
      if (bytes !== undefined) forgetItems(known(node), [{ id, bytes }]);
      return bytes !== undefined;
    },
    async purge(node) {
      await tables.purge(node.token);
      Object.assign(known(node), { count: 0, bytes: 0, last: null });
    },
    async drop(node) {
      await tables.drop(node.token);
      (await of(node.service)).delete(node.name);
    },
    async dropAll(service) {
      await tables.dropAll(service);
      (await of(service)).clear();
    },
    last(node) {
      const { last } = known(node);
      if (last === null) return undefined;
      if (last !== undefined) return isFresh(node, last) ? last : undefined;
      if (!node.config.isPersistent) return undefined;
      const { top } = known(node);
      const read = tables.items(node.token, { from: 'newest', most: 1, since: since(node) });
      return read.then(([item]) => {
        const at = known(node);
        // Unless another one was published meanwhile.
        if (at.last === undefined && at.top === top)
          if (item === undefined) at.last = null;
          else if (item.xml.length <= HOT_ITEM) at.last = item;
        return item;
      });
    },
    items: (node, { bytes, ...page }) =>
      tables.items(node.token, { ...page, bytes: bound(node, bytes), since: since(node) }),
    async byIds(node, ids, bytes) {
      const most = bound(node, bytes);
      const wanted =
        most === undefined ? ids : await tables.fitting(node.token, ids, since(node), most);
      return tables.byIds(node.token, wanted, since(node));
    },
    ids: (node, most) => tables.ids(node.token, most, since(node)),
    place: (node, id) => tables.place(node.token, id),
    countBefore: (node, serial) => tables.countBefore(node.token, serial, since(node)),
    size: async (node) =>
      node.config.itemExpire === 'max' ? node.count : tables.countSince(node.token, since(node)),
    async usage(service) {
      let sum = 0;
      for (const { bytes } of (await of(service)).values()) sum += bytes;
      return sum;
    },
    async expire() {
      for (const { service, node: name, expire } of await tables.expiring())
        await this.alone(service, name, async (node) => {
          if (node === undefined || expire === null) return;
          forgetItems(known(node), await tables.expire(node.token, since(node)));
        });
    },
    nodesWith: async (account) =>
      (await tables.nodesWith(account)).filter(({ service }) => service !== account),
  };
}

async function readService(tables: PubSubTables, service: BareJid): Promise<Service> {
  const { nodes, sums, affiliations, subscriptions } = await tables.load(service);
  const byToken = new Map<number, Known>();
  for (const { token, node, config, created, creator } of nodes)
    byToken.set(token, {
      token,
      service,
      name: node,
      created,
      creator,
      config: nodeConfig.parse(JSON.parse(config)),
      affiliations: new Map(),
      subscriptions: new Map(),
      options: new Map(),
      count: 0,
      bytes: 0,
      last: null,
      top: 0,
    });
  for (const { node, count, bytes, top } of sums) {
    const at = byToken.get(node);
    if (at !== undefined) Object.assign(at, { count, bytes, top, last: undefined });
  }
  for (const { node, jid, affiliation } of affiliations)
    byToken.get(node)?.affiliations.set(jid, affiliation);
  for (const { node, jid, state, options } of subscriptions) {
    byToken.get(node)?.subscriptions.set(jid, state);
    if (options !== null) byToken.get(node)?.options.set(jid, storedOptions(options));
  }
  return new Map([...byToken.values()].map((node) => [node.name, node]));
}

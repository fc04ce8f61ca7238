/** Nodes and items in the database. */
import { sql } from 'kysely';
import type { BareJid, Jid } from '../../jid/jid.ts';
import type { Query, Store } from '../../store/store.ts';
import type { Tables } from './migrations.ts';
import type { Affiliation, Item, SubscriptionState } from './node.ts';
import type { NodeConfig } from './node-config.ts';
import { isDefault, type SubscriptionOptions } from './subscription-options.ts';

/** Leases that are ended at a time. */
const MOST_ENDED = 1000;

/** A node as it is read. */
export interface NodeRow {
  readonly token: number;
  readonly node: string;
  readonly config: string;
  readonly created: number;
  readonly creator: BareJid;
}

/** Which items are read: those before or after one, by the order of publication. */
export interface ItemPage {
  /** `oldest` counts from the beginning, or from `after`; `newest` from the end, or from `before`. */
  readonly from: 'oldest' | 'newest';
  readonly most: number;
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  readonly skip?: number | undefined;
  /** No more than have so many bytes together, but one at least; all if it is left out. */
  readonly bytes?: number | undefined;
  /** Only what was published since then, in ms since the epoch. */
  readonly since: number;
}

/** An item with its place in the order. */
export interface StoredItem extends Item {
  readonly serial: number;
}

/** The tables. All that is asynchronous may reject with a StoreError. */
export type PubSubTables = ReturnType<typeof createTables>;

/** Opens them. */
export function createTables(store: Store) {
  const db = store.tables<Tables>();
  const items = (node: number) => db.selectFrom('pubsub_items').where('node', '=', node);
  const columns = ['id', 'publisher', 'at', 'xml', 'serial'] as const;
  const tokens = (service: BareJid) =>
    db.selectFrom('pubsub_nodes').select('token').where('service', '=', service);

  const affiliateQuery = (node: number, jid: BareJid, affiliation: Affiliation): Query =>
    affiliation === 'none'
      ? db.deleteFrom('pubsub_affiliations').where('node', '=', node).where('jid', '=', jid)
      : db
          .insertInto('pubsub_affiliations')
          .values({ node, jid, affiliation })
          .onConflict((at) => at.columns(['node', 'jid']).doUpdateSet({ affiliation }));
  const subscribeQuery = (node: number, jid: Jid, state: SubscriptionState | undefined): Query =>
    state === undefined
      ? db.deleteFrom('pubsub_subscriptions').where('node', '=', node).where('jid', '=', jid)
      : db
          .insertInto('pubsub_subscriptions')
          .values({ node, jid, state, options: null, expire: null })
          .onConflict((at) => at.columns(['node', 'jid']).doUpdateSet({ state }));
  const optionsQuery = (node: number, jid: Jid, options: SubscriptionOptions): Query =>
    db
      .updateTable('pubsub_subscriptions')
      .set({
        options: isDefault(options) ? null : JSON.stringify(options),
        expire: options.expire ?? null,
      })
      .where('node', '=', node)
      .where('jid', '=', jid);
  const trimQuery = (node: number, most: number) =>
    db
      .deleteFrom('pubsub_items')
      .where('node', '=', node)
      .where(
        'serial',
        '<=',
        items(node).select('serial').orderBy('serial', 'desc').limit(1).offset(most),
      )
      .returning(['id', 'bytes']);

  return {
    /** All of a service but its items. */
    async load(service: BareJid) {
      const [nodes, sums, affiliations, subscriptions] = await Promise.all([
        store.read(db.selectFrom('pubsub_nodes').selectAll().where('service', '=', service)),
        store.read(
          db
            .selectFrom('pubsub_items')
            .select(({ fn }) => [
              'node',
              fn.countAll<number>().as('count'),
              fn.sum<number>('bytes').as('bytes'),
              fn.max('serial').as('top'),
            ])
            .where('node', 'in', tokens(service))
            .groupBy('node'),
        ),
        store.read(
          db.selectFrom('pubsub_affiliations').selectAll().where('node', 'in', tokens(service)),
        ),
        store.read(
          db.selectFrom('pubsub_subscriptions').selectAll().where('node', 'in', tokens(service)),
        ),
      ]);
      return { nodes, sums, affiliations, subscriptions };
    },
    /** Makes a node; undefined when there is one of that name. */
    async create(parts: {
      readonly service: BareJid;
      readonly node: string;
      readonly config: NodeConfig;
      readonly created: number;
      readonly creator: BareJid;
      readonly owner: BareJid | undefined;
    }): Promise<number | undefined> {
      const { service, node, config, created, creator, owner } = parts;
      const [made] = await store.write(
        db
          .insertInto('pubsub_nodes')
          .values({ service, node, ...configColumns(config), created, creator })
          .onConflict((at) => at.doNothing())
          .returning('token'),
        ...(owner === undefined
          ? []
          : [
              db
                .insertInto('pubsub_affiliations')
                .columns(['node', 'jid', 'affiliation'])
                .expression(
                  db
                    .selectFrom('pubsub_nodes')
                    .select((at) => [
                      'token',
                      at.val(owner).as('jid'),
                      at.val('owner').as('affiliation'),
                    ])
                    .where('service', '=', service)
                    .where('node', '=', node),
                )
                .onConflict((at) => at.doNothing()),
            ]),
      );
      return made.rows[0]?.token;
    },
    /** Changes the configuration, and removes what no more than `most` items leave no room for. */
    async configure(token: number, config: NodeConfig, most: number) {
      const [, trimmed] = await store.write(
        db.updateTable('pubsub_nodes').set(configColumns(config)).where('token', '=', token),
        trimQuery(token, most),
      );
      return trimmed.rows;
    },
    /** Changes affiliations and subscriptions. */
    async affiliate(
      token: number,
      affiliations: Iterable<readonly [BareJid, Affiliation]>,
      subscriptions: Iterable<readonly [Jid, SubscriptionState | undefined]>,
      options: Iterable<readonly [Jid, SubscriptionOptions]>,
    ): Promise<void> {
      await store.write(
        ...[...affiliations].map(([jid, affiliation]) => affiliateQuery(token, jid, affiliation)),
        ...[...subscriptions].map(([jid, state]) => subscribeQuery(token, jid, state)),
        ...[...options].map(([jid, each]) => optionsQuery(token, jid, each)),
      );
    },
    /** Subscriptions whose leases have ended, some at a time. */
    ended: (now: number) =>
      store.read(
        db
          .selectFrom('pubsub_subscriptions')
          .innerJoin('pubsub_nodes', 'pubsub_nodes.token', 'pubsub_subscriptions.node')
          .select(['pubsub_nodes.service', 'pubsub_nodes.node', 'pubsub_subscriptions.jid'])
          .where('pubsub_subscriptions.expire', '<=', now)
          .limit(MOST_ENDED),
      ),
    /** Keeps an item in place of one of the same id, and no more than `most` items. */
    async put(token: number, item: StoredItem, bytes: number, most: number, isFull: boolean) {
      const { id, serial, publisher, at, xml } = item;
      const replaced = db
        .deleteFrom('pubsub_items')
        .where('node', '=', token)
        .where('id', '=', id)
        .returning('bytes');
      const added = db
        .insertInto('pubsub_items')
        .values({ node: token, id, serial, publisher, at, bytes, xml });
      if (!isFull) {
        const [before] = await store.write(replaced, added);
        return { replaced: before.rows[0]?.bytes, dropped: [] };
      }
      const [before, , dropped] = await store.write(replaced, added, trimQuery(token, most));
      return { replaced: before.rows[0]?.bytes, dropped: dropped.rows };
    },
    /** Removes one item; its bytes, or undefined if there is none. */
    async remove(token: number, id: string): Promise<number | undefined> {
      const [removed] = await store.write(
        db
          .deleteFrom('pubsub_items')
          .where('node', '=', token)
          .where('id', '=', id)
          .returning('bytes'),
      );
      return removed.rows[0]?.bytes;
    },
    async purge(token: number): Promise<void> {
      await store.write(db.deleteFrom('pubsub_items').where('node', '=', token));
    },
    /** Removes what was published before a moment. */
    async expire(token: number, before: number) {
      const [gone] = await store.write(
        db
          .deleteFrom('pubsub_items')
          .where('node', '=', token)
          .where('at', '<', before)
          .returning(['id', 'bytes']),
      );
      return gone.rows;
    },
    /** Nodes whose items go after a time. */
    expiring: () =>
      store.read(
        db
          .selectFrom('pubsub_nodes')
          .select(['service', 'node', 'expire'])
          .where('expire', 'is not', null),
      ),
    /** Items of a node, oldest first. */
    async items(token: number, page: ItemPage): Promise<readonly StoredItem[]> {
      const { from, most, after, before, skip, since, bytes } = page;
      const order = from === 'oldest' ? 'asc' : 'desc';
      let query = items(token).orderBy('serial', order).limit(most);
      if (since > 0) query = query.where('at', '>=', since);
      if (after !== undefined) query = query.where('serial', '>', after);
      if (before !== undefined) query = query.where('serial', '<', before);
      if (skip !== undefined) query = query.offset(skip);
      if (bytes !== undefined) {
        const sizes = await store.read(query.select(['serial', 'bytes']));
        const fitting = within(sizes, bytes).map(({ serial }) => serial);
        if (fitting.length === 0) return [];
        query = items(token).orderBy('serial', order).where('serial', 'in', fitting);
      }
      const rows = await store.read(query.select(columns));
      return from === 'oldest' ? rows : rows.reverse();
    },
    /** Items by their ids, in the order of the ids. */
    async byIds(token: number, ids: readonly string[], since: number) {
      const rows = await store.read(
        items(token).select(columns).where('id', 'in', ids).where('at', '>=', since),
      );
      return inOrder(rows, ids);
    },
    /** Those of some ids that are there, in their order, as many as have so many bytes. */
    async fitting(token: number, ids: readonly string[], since: number, bytes: number) {
      const sizes = await store.read(
        items(token).select(['id', 'bytes']).where('id', 'in', ids).where('at', '>=', since),
      );
      return within(inOrder(sizes, ids), bytes).map(({ id }) => id);
    },
    /** The ids of items, oldest first, without what they hold. */
    async ids(token: number, most: number, since: number): Promise<readonly string[]> {
      const rows = await store.read(
        items(token).select('id').where('at', '>=', since).orderBy('serial', 'desc').limit(most),
      );
      return rows.map(({ id }) => id).reverse();
    },
    /** Where an item stands in the order. */
    async place(token: number, id: string): Promise<number | undefined> {
      return (await store.first(items(token).select('serial').where('id', '=', id)))?.serial;
    },
    /** How many items stand before a place. */
    async countBefore(token: number, serial: number, since: number): Promise<number> {
      const row = await store.first(
        items(token)
          .select(({ fn }) => fn.countAll<number>().as('count'))
          .where('serial', '<', serial)
          .where('at', '>=', since),
      );
      return row?.count ?? 0;
    },
    /** How many items a node has that were published since then. */
    async countSince(token: number, since: number): Promise<number> {
      const row = await store.first(
        items(token)
          .select(({ fn }) => fn.countAll<number>().as('count'))
          .where('at', '>=', since),
      );
      return row?.count ?? 0;
    },
    /** Removes a node with all that it has; its items first (§8.4). */
    async drop(token: number): Promise<void> {
      await store.write(
        db.deleteFrom('pubsub_items').where('node', '=', token),
        db.deleteFrom('pubsub_subscriptions').where('node', '=', token),
        db.deleteFrom('pubsub_affiliations').where('node', '=', token),
        db.deleteFrom('pubsub_nodes').where('token', '=', token),
      );
    },
    /** Removes all nodes of a service. */
    async dropAll(service: BareJid): Promise<void> {
      await store.write(
        db.deleteFrom('pubsub_items').where('node', 'in', tokens(service)),
        db.deleteFrom('pubsub_subscriptions').where('node', 'in', tokens(service)),
        db.deleteFrom('pubsub_affiliations').where('node', 'in', tokens(service)),
        db.deleteFrom('pubsub_nodes').where('service', '=', service),
      );
    },
    /** The nodes with which an account has to do: affiliated or subscribed. */
    async nodesWith(account: BareJid) {
      const affiliated = db
        .selectFrom('pubsub_affiliations')
        .select('node')
        .where('jid', '=', account);
      const subscribed = db
        .selectFrom('pubsub_subscriptions')
        .select('node')
        .where((at) =>
          at.or([
            at('jid', '=', account as Jid),
            // All addresses of the account: '0' comes after '/'.
            at.and([
              at('jid', '>', sql<Jid>`${account} || '/'`),
              at('jid', '<', sql<Jid>`${account} || '0'`),
            ]),
          ]),
        );
      return store.read(
        db
          .selectFrom('pubsub_nodes')
          .select(['service', 'node'])
          .where('token', 'in', affiliated.union(subscribed)),
      );
    },
  };
}

function inOrder<T extends { readonly id: string }>(rows: readonly T[], ids: readonly string[]) {
  const found = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => found.get(id) ?? []);
}

/** As many of them, from the first on, as have so many bytes; one at least. */
function within<T extends { readonly bytes: number }>(rows: readonly T[], most: number): T[] {
  let sum = 0;
  const end = rows.findIndex(({ bytes }, index) => {
    sum += bytes;
    return sum > most && index > 0;
  });
  return end < 0 ? [...rows] : rows.slice(0, end);
}

const configColumns = (config: NodeConfig) => ({
  config: JSON.stringify(config),
  expire: config.itemExpire === 'max' ? null : config.itemExpire,
});

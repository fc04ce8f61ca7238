/**
 * The rosters: the one owner of their tables, and of a bounded cache of whole rosters. Changes of one
 * roster are made one after the other, each on the disk before the next begins.
 */
import type { MaybePromise } from '../../core/hooks.ts';
import type { BareJid } from '../../jid/jid.ts';
import { createExclusive } from '../../kit/exclusive.ts';
import { randomId } from '../../kit/ids.ts';
import { BoundedMap } from '../../kit/limits.ts';
import type { Migration, Query, Store } from '../../store/store.ts';
import { isSeenChange, type RosterItem, subscriptionOf } from './item.ts';

/** An account's contacts. */
export interface Roster {
  /** Changes whenever the user would see a difference (RFC 6121 §2.6.3); opaque. */
  readonly version: string;
  /** Changes with each change of any item, seen or not. */
  readonly revision: number;
  /** By contact; those who only ask for a subscription are among them, not listed. */
  readonly items: ReadonlyMap<BareJid, RosterItem>;
}

/** What becomes of an item. */
export interface Decision {
  /** The new state; undefined removes the item. */
  readonly after: RosterItem | undefined;
  /** The text of a subscription request that is now pending, to be kept with it. */
  readonly request?: string;
}

/** What a change did. */
export interface RosterChange {
  readonly before: RosterItem | undefined;
  readonly after: RosterItem | undefined;
  /** Whether the user's resources are to be told (§2.1.6). */
  readonly isSeen: boolean;
}

/** Reads and changes rosters. All that is asynchronous may reject with a StoreError. */
export interface Rosters {
  /** The roster of an account; empty for an account that has none. */
  of(account: BareJid): MaybePromise<Roster>;
  /**
   * Changes one item, alone with the roster. `decide` sees it as it is and answers undefined to leave
   * everything. Resolves when the change is on the disk.
   */
  change(
    account: BareJid,
    contact: BareJid,
    decide: (item: RosterItem | undefined, roster: Roster) => Decision | undefined,
  ): Promise<RosterChange | undefined>;
  /**
   * Puts items in place of those of the same contacts, alone with the roster, with the texts of the subscription
   * requests that are pending. `decide` sees the roster as it is. Resolves when that is on the disk.
   */
  fill(
    account: BareJid,
    decide: (roster: Roster) => readonly (Decision & { readonly after: RosterItem })[],
  ): Promise<void>;
  /** The texts of the subscription requests that wait for an answer, oldest first. */
  requests(account: BareJid): Promise<readonly string[]>;
  /** Removes all of an account. */
  removeAll(account: BareJid): Promise<void>;
}

interface Tables {
  roster_items: {
    account: BareJid;
    contact: BareJid;
    name: string | null;
    /** A JSON list. */
    group_names: string;
    subscription: 'none' | 'to' | 'from' | 'both';
    pending_out: number;
    pending_in: number;
    approved: number;
    listed: number;
  };
  roster_requests: {
    account: BareJid;
    contact: BareJid;
    stanza: string;
    received: number;
  };
  roster_versions: { account: BareJid; version: string };
}

/** The migrations of the rosters' tables. */
export const rosterMigrations: readonly Migration[] = [
  {
    name: 'roster items, requests and versions',
    up: [
      `CREATE TABLE roster_items (
        account TEXT NOT NULL, contact TEXT NOT NULL, name TEXT, group_names TEXT NOT NULL,
        subscription TEXT NOT NULL, pending_out INTEGER NOT NULL, pending_in INTEGER NOT NULL,
        approved INTEGER NOT NULL, listed INTEGER NOT NULL, PRIMARY KEY (account, contact)
      )`,
      `CREATE TABLE roster_requests (
        account TEXT NOT NULL, contact TEXT NOT NULL, stanza TEXT NOT NULL,
        received BIGINT NOT NULL, PRIMARY KEY (account, contact)
      )`,
      'CREATE TABLE roster_versions (account TEXT PRIMARY KEY, version TEXT NOT NULL)',
    ],
  },
];

/** Rosters that are remembered, whole; those of users who are online are used most. */
const CACHED_ROSTERS = 10_000;
/** The version of a roster that was never changed, which is empty for all. */
const UNTOUCHED = '0';

interface Loaded {
  version: string;
  revision: number;
  readonly items: Map<BareJid, RosterItem>;
}

/** Opens the rosters. */
export function createRosters(store: Store, now: () => number): Rosters {
  const db = store.tables<Tables>();
  const cache = new BoundedMap<BareJid, Loaded>(CACHED_ROSTERS);
  const loading = new Map<BareJid, Promise<Loaded>>();
  // Rosters that are being changed: what is read meanwhile must be the object that will change.
  const changing = new Map<BareJid, Loaded>();
  const exclusive = createExclusive<BareJid>();

  const read = async (account: BareJid): Promise<Loaded> => {
    const [rows, versions] = await Promise.all([
      store.read(db.selectFrom('roster_items').selectAll().where('account', '=', account)),
      store.first(
        db.selectFrom('roster_versions').select('version').where('account', '=', account),
      ),
    ]);
    const items = new Map(rows.map((row) => [row.contact, itemOf(row)]));
    return { version: versions?.version ?? UNTOUCHED, revision: 0, items };
  };
  const load = (account: BareJid): Promise<Loaded> => {
    const known = loading.get(account);
    if (known !== undefined) return known;
    const loaded = read(account).then((roster) => {
      cache.set(account, roster);
      return roster;
    });
    loading.set(account, loaded);
    const forget = () => void loading.delete(account);
    loaded.then(forget, forget);
    return loaded;
  };
  const of = (account: BareJid): MaybePromise<Loaded> =>
    changing.get(account) ?? cache.get(account) ?? load(account);

  const alone = <T>(account: BareJid, task: (roster: Loaded) => Promise<T>): Promise<T> =>
    exclusive(account, async () => {
      const roster = await of(account);
      changing.set(account, roster);
      try {
        return await task(roster);
      } finally {
        changing.delete(account);
        cache.set(account, roster);
      }
    });

  const itemWrites = (account: BareJid, contact: BareJid, decision: Decision): Query[] => {
    const { after, request } = decision;
    const ofContact = { account, contact };
    const writes: Query[] = [];
    if (after?.pendingIn !== true)
      writes.push(
        db
          .deleteFrom('roster_requests')
          .where('account', '=', account)
          .where('contact', '=', contact),
      );
    else if (request !== undefined)
      writes.push(
        db
          .insertInto('roster_requests')
          .values({ ...ofContact, stanza: request, received: now() })
          .onConflict((conflict) => conflict.doNothing()),
      );
    if (after === undefined) {
      writes.push(
        db.deleteFrom('roster_items').where('account', '=', account).where('contact', '=', contact),
      );
    } else {
      const values = rowOf(after);
      writes.push(
        db
          .insertInto('roster_items')
          .values({ ...ofContact, ...values })
          .onConflict((conflict) => conflict.columns(['account', 'contact']).doUpdateSet(values)),
      );
    }
    return writes;
  };

  const versionWrite = (account: BareJid, version: string): Query =>
    db
      .insertInto('roster_versions')
      .values({ account, version })
      .onConflict((conflict) => conflict.column('account').doUpdateSet({ version }));

  return {
    of,
    change: (account, contact, decide) =>
      alone(account, async (roster) => {
        const before = roster.items.get(contact);
        const decision = decide(before, roster);
        if (decision === undefined) return undefined;
        const { after } = decision;
        const writes = itemWrites(account, contact, decision);
        const isSeen = isSeenChange(before, after);
        const version = isSeen ? randomId() : roster.version;
        if (isSeen) writes.push(versionWrite(account, version));
        await store.write(...writes);
        if (after === undefined) roster.items.delete(contact);
        else roster.items.set(contact, after);
        roster.version = version;
        roster.revision += 1;
        return { before, after, isSeen };
      }),
    fill: (account, decide) =>
      alone(account, async (roster) => {
        const decisions = decide(roster);
        if (decisions.length === 0) return;
        const version = randomId();
        await store.write(
          ...decisions.flatMap((each) => itemWrites(account, each.after.contact, each)),
          versionWrite(account, version),
        );
        for (const { after } of decisions) roster.items.set(after.contact, after);
        roster.version = version;
        roster.revision += 1;
      }),
    async requests(account) {
      const rows = await store.read(
        db
          .selectFrom('roster_requests')
          .select('stanza')
          .where('account', '=', account)
          .orderBy('received')
          .orderBy('contact'),
      );
      return rows.map(({ stanza }) => stanza);
    },
    removeAll: (account) =>
      alone(account, async (roster) => {
        await store.write(
          db.deleteFrom('roster_items').where('account', '=', account),
          db.deleteFrom('roster_requests').where('account', '=', account),
          db.deleteFrom('roster_versions').where('account', '=', account),
        );
        roster.items.clear();
        roster.version = UNTOUCHED;
        roster.revision += 1;
      }),
  };
}

const rowOf = (item: RosterItem) => ({
  name: item.name ?? null,
  group_names: JSON.stringify(item.groups),
  subscription: subscriptionOf(item),
  pending_out: item.pendingOut ? 1 : 0,
  pending_in: item.pendingIn ? 1 : 0,
  approved: item.approved ? 1 : 0,
  listed: item.isListed ? 1 : 0,
});

const itemOf = (row: Tables['roster_items']): RosterItem => ({
  contact: row.contact,
  name: row.name ?? undefined,
  // What is in the column was written by rowOf.
  groups: JSON.parse(row.group_names) as string[],
  to: row.subscription === 'to' || row.subscription === 'both',
  from: row.subscription === 'from' || row.subscription === 'both',
  pendingOut: row.pending_out === 1,
  pendingIn: row.pending_in === 1,
  approved: row.approved === 1,
  isListed: row.listed === 1,
});

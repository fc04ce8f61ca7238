/**
 * Whom accounts block: the one owner of the table, and of a bounded cache, so that the question that
 * each stanza asks is one look-up for those who block nobody.
 */
import type { MaybePromise } from '../../core/hooks.ts';
import { type BareJid, bareOf, domainOf, type Jid } from '../../jid/jid.ts';
import { createExclusive } from '../../kit/exclusive.ts';
import { BoundedMap } from '../../kit/limits.ts';
import type { Migration, Query, Store } from '../../store/store.ts';

/** Whom an account blocks. Never changed: a change makes a new one. */
export interface BlockedJids {
  /** In the order in which they were blocked. */
  readonly jids: ReadonlySet<Jid>;
  /** Whether an address is blocked by itself, its bare JID or its domain (XEP-0191 §5). */
  has(jid: Jid): boolean;
}

/** Reads and changes the lists. All that is asynchronous may reject with a StoreError. */
export interface BlockLists {
  of(account: BareJid): MaybePromise<BlockedJids>;
  /**
   * Changes a list, alone with it. `decide` sees it as it is and answers with the new one, or undefined
   * to leave it; `also` is written with it. Resolves when that is on the disk.
   */
  change(
    account: BareJid,
    decide: (now: BlockedJids) => ReadonlySet<Jid> | undefined,
    also?: readonly Query[],
  ): Promise<{ readonly before: BlockedJids; readonly after: BlockedJids }>;
  /** Removes all of an account. */
  removeAll(account: BareJid): Promise<void>;
}

interface Tables {
  blocked_jids: { account: BareJid; jid: Jid; since: number };
}

/** The migration of the lists' table. */
export const blockListMigration: Migration = {
  name: 'blocked JIDs',
  up: [
    `CREATE TABLE blocked_jids (
      account TEXT NOT NULL, jid TEXT NOT NULL, since BIGINT NOT NULL, PRIMARY KEY (account, jid)
    )`,
  ],
};

/** Accounts whose lists are remembered, most of them empty. */
const CACHED_LISTS = 20_000;

/** The list of those who block nobody; the same object for all of them. */
export const NOBODY: BlockedJids = { jids: new Set(), has: () => false };

function listOf(jids: ReadonlySet<Jid>): BlockedJids {
  if (jids.size === 0) return NOBODY;
  return { jids, has: (jid) => jids.has(jid) || jids.has(bareOf(jid)) || jids.has(domainOf(jid)) };
}

/** Opens the lists. */
export function createBlockLists(store: Store, now: () => number): BlockLists {
  const db = store.tables<Tables>();
  const cache = new BoundedMap<BareJid, BlockedJids>(CACHED_LISTS);
  const exclusive = createExclusive<BareJid>();
  /** A look-up that began before a change must not write what it saw over it. */
  let changes = 0;

  const load = async (account: BareJid): Promise<BlockedJids> => {
    const begun = changes;
    const rows = await store.read(
      db
        .selectFrom('blocked_jids')
        .select('jid')
        .where('account', '=', account)
        .orderBy('since')
        .orderBy('jid'),
    );
    const list = listOf(new Set(rows.map(({ jid }) => jid)));
    if (begun === changes) cache.set(account, list);
    return list;
  };
  const of = (account: BareJid) => cache.get(account) ?? load(account);

  const writes = (account: BareJid, before: BlockedJids, after: ReadonlySet<Jid>): Query[] => {
    const gone = [...before.jids].filter((jid) => !after.has(jid));
    const queries: Query[] = gone.map((jid) =>
      db.deleteFrom('blocked_jids').where('account', '=', account).where('jid', '=', jid),
    );
    const since = now();
    for (const jid of after)
      if (!before.jids.has(jid))
        queries.push(db.insertInto('blocked_jids').values({ account, jid, since }));
    return queries;
  };

  return {
    of,
    change: (account, decide, also = []) =>
      exclusive(account, async () => {
        const before = await of(account);
        const next = decide(before);
        if (next === undefined) return { before, after: before };
        const queries = [...writes(account, before, next), ...also];
        if (queries.length > 0) await store.write(...queries);
        const after = listOf(next);
        changes += 1;
        cache.set(account, after);
        return { before, after };
      }),
    removeAll: (account) =>
      exclusive(account, async () => {
        await store.write(db.deleteFrom('blocked_jids').where('account', '=', account));
        changes += 1;
        cache.delete(account);
      }),
  };
}

/**
 * The accounts of which an import has begun and not ended: the one owner of the table. They are locked; an
 * import that is run again goes on with them.
 */
import type { BareJid } from '../../jid/jid.ts';
import type { Migration, Query, Store } from '../../store/store.ts';

/** Reads and changes it. */
export interface Unfinished {
  has(account: BareJid): Promise<boolean>;
  /** The query that notes one. */
  beginning(account: BareJid): Query;
  /** The query that notes that it has ended. */
  ending(account: BareJid): Query;
  remove(account: BareJid): Promise<void>;
}

interface Tables {
  portable_unfinished: { account: BareJid };
}

/** The migrations of the table. */
export const unfinishedMigrations: readonly Migration[] = [
  {
    name: 'accounts whose import has not ended',
    up: ['CREATE TABLE portable_unfinished (account TEXT PRIMARY KEY)'],
  },
];

/** Opens it. */
export function createUnfinished(store: Store): Unfinished {
  const db = store.tables<Tables>();
  const ending = (account: BareJid) =>
    db.deleteFrom('portable_unfinished').where('account', '=', account);
  return {
    async has(account) {
      const found = db.selectFrom('portable_unfinished').selectAll().where('account', '=', account);
      return (await store.first(found)) !== undefined;
    },
    beginning: (account) =>
      db
        .insertInto('portable_unfinished')
        .values({ account })
        .onConflict((at) => at.doNothing()),
    ending,
    async remove(account) {
      await store.write(ending(account));
    },
  };
}

/**
 * How far imports have come: the one owner of these tables. Accounts of which one has begun and not ended are
 * locked, and an import that is run again goes on with them. Messages that wait have no ids: which of them were
 * taken in is remembered, for they may have been read when the same file comes again.
 */
import { createHash } from 'node:crypto';
import type { BareJid } from '../../jid/jid.ts';
import type { Migration, Query, Store } from '../../store/store.ts';

/** Reads and changes it. */
export interface Unfinished {
  has(account: BareJid): Promise<boolean>;
  /** The query that notes one. */
  beginning(account: BareJid): Query;
  /** The query that notes that it has ended. */
  ending(account: BareJid): Query;
  /** Those of some texts of an account that were not noted yet. */
  unseen(account: BareJid, texts: readonly string[]): Promise<ReadonlySet<string>>;
  /** Notes texts. */
  note(account: BareJid, texts: Iterable<string>): Promise<void>;
  /** Forgets an account. */
  remove(account: BareJid): Promise<void>;
}

interface Tables {
  portable_unfinished: { account: BareJid };
  portable_messages: { account: BareJid; digest: string };
}

/** The migrations of the table. */
export const unfinishedMigrations: readonly Migration[] = [
  {
    name: 'how far imports have come',
    up: [
      'CREATE TABLE portable_unfinished (account TEXT PRIMARY KEY)',
      `CREATE TABLE portable_messages (
        account TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (account, digest)
      )`,
    ],
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
    async unseen(account, texts) {
      const byDigest = new Map(texts.map((text) => [digestOf(text), text]));
      const known = await store.read(
        db
          .selectFrom('portable_messages')
          .select('digest')
          .where('account', '=', account)
          .where('digest', 'in', [...byDigest.keys()]),
      );
      for (const { digest } of known) byDigest.delete(digest);
      return new Set(byDigest.values());
    },
    async note(account, texts) {
      const rows = [...texts].map((text) => ({ account, digest: digestOf(text) }));
      if (rows.length === 0) return;
      await store.write(
        db
          .insertInto('portable_messages')
          .values(rows)
          .onConflict((at) => at.doNothing()),
      );
    },
    async remove(account) {
      await store.write(
        ending(account),
        db.deleteFrom('portable_messages').where('account', '=', account),
      );
    },
  };
}

const digestOf = (text: string) => createHash('sha256').update(text).digest('base64url');

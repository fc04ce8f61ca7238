/** The index of texts, and how far it goes in each archive: the one owner of these tables. */
import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Migration, Store } from '../../store/store.ts';
import type { SearchableText } from '../archive/index.ts';

/**
 * Which messages of an archive are in the index: those between two numbers, both included, in so far
 * as they can be searched. `oldest` is 0 when nothing older is left.
 */
export interface Span {
  readonly oldest: number;
  readonly newest: number;
}

/** Reads and writes the index. */
export interface TextTable {
  /** What is indexed of an archive; undefined when nothing was ever searched in it. */
  span(owner: number): Promise<Span | undefined>;
  /** Adds texts, and says how far the index goes with them. */
  add(owner: number, texts: readonly SearchableText[], span: Span): Promise<void>;
  /** Takes all of an archive out. */
  reset(owner: number): Promise<void>;
  /** The condition on `serial` for what an expression finds in an archive. */
  matching(owner: number, expression: string): RawBuilder<SqlBool>;
}

interface Tables {
  archive_text_spans: { owner: number } & Span;
}

/** The migrations of the index. */
export const textMigrations: readonly Migration[] = [
  {
    name: 'index of archived texts',
    up: [
      // It holds no texts: those are in the archive. The owner is a word of each, so that a search in
      // one archive passes over what is in others.
      `CREATE VIRTUAL TABLE archive_texts USING fts5(
        owner, text, content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2'
      )`,
      `CREATE TABLE archive_text_spans (
        owner INTEGER PRIMARY KEY, oldest BIGINT NOT NULL, newest BIGINT NOT NULL
      )`,
      // Whoever takes a message out of the archive, and for whatever reason, takes it out of here.
      `CREATE TRIGGER archive_texts_forget AFTER DELETE ON archive_messages
        WHEN old.searchable = 1
        BEGIN DELETE FROM archive_texts WHERE rowid = old.serial; END`,
      `CREATE TRIGGER archive_text_spans_forget AFTER DELETE ON archive_owners
        BEGIN DELETE FROM archive_text_spans WHERE owner = old.token; END`,
    ],
  },
  {
    name: 'texts that are replaced leave the index',
    up: [
      `CREATE TRIGGER archive_texts_replaced AFTER UPDATE OF searchable ON archive_messages
        WHEN old.searchable = 1 AND new.searchable = 0
        BEGIN DELETE FROM archive_texts WHERE rowid = old.serial; END`,
    ],
  },
];

/** Opens the index. */
export function createTextTable(store: Store): TextTable {
  const db = store.tables<Tables>();
  return {
    span: (owner) =>
      store.first(
        db.selectFrom('archive_text_spans').select(['oldest', 'newest']).where('owner', '=', owner),
      ),
    async add(owner, texts, span) {
      // Of a message that was taken out or replaced meanwhile, nothing is left behind here.
      const rows = texts.map(({ serial, text }) =>
        sql`INSERT INTO archive_texts (rowid, owner, text)
          SELECT ${serial}, ${String(owner)}, ${text}
          WHERE EXISTS (
            SELECT 1 FROM archive_messages WHERE serial = ${serial} AND searchable = 1
          )`.compile(db),
      );
      const spans = db
        .insertInto('archive_text_spans')
        .values({ owner, ...span })
        .onConflict((at) => at.column('owner').doUpdateSet(span));
      await store.write(...rows, spans);
    },
    async reset(owner) {
      await store.write(
        sql`DELETE FROM archive_texts WHERE rowid IN (
          SELECT serial FROM archive_messages WHERE owner = ${owner} AND searchable = 1
        )`.compile(db),
        db.deleteFrom('archive_text_spans').where('owner', '=', owner),
      );
    },
    matching: (owner, expression) =>
      sql<SqlBool>`serial IN (SELECT rowid FROM archive_texts WHERE archive_texts MATCH ${`owner:"${owner}" AND text:(${expression})`})`,
  };
}

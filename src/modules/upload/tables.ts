/** What is kept of files in the database: all but their content. */
import type { BareJid, Domain } from '../../jid/jid.ts';
import type { Migration, Store } from '../../store/store.ts';
import type { Purpose } from './payloads.ts';

/** A file that is here. */
export interface StoredFile {
  /** By which it is found in addresses and on the disk. */
  readonly id: string;
  readonly account: BareJid;
  readonly host: Domain;
  readonly name: string;
  readonly type: string;
  /** In bytes. */
  readonly size: number;
  readonly purpose: Purpose;
  /** When it came, in ms since the epoch. */
  readonly stored: number;
  /** When its owner wants it gone. */
  readonly expires: number | undefined;
}

interface Tables {
  upload_files: Omit<StoredFile, 'expires'> & { expires: number | null };
  upload_days: { account: BareJid; day: number; bytes: number };
}

/** The migrations. */
export const uploadMigrations: readonly Migration[] = [
  {
    name: 'uploaded files',
    up: [
      `CREATE TABLE upload_files (
        id TEXT PRIMARY KEY, account TEXT NOT NULL, host TEXT NOT NULL, name TEXT NOT NULL,
        type TEXT NOT NULL, size BIGINT NOT NULL, purpose TEXT NOT NULL, stored BIGINT NOT NULL,
        expires BIGINT
      )`,
      'CREATE INDEX upload_files_by_account ON upload_files (account, purpose, size)',
      'CREATE INDEX upload_files_by_age ON upload_files (host, stored, size)',
      'CREATE INDEX upload_files_by_end ON upload_files (expires)',
      `CREATE TABLE upload_days (
        account TEXT NOT NULL, day BIGINT NOT NULL, bytes BIGINT NOT NULL,
        PRIMARY KEY (account, day)
      )`,
    ],
  },
];

/** Purposes whose files are kept for the host's term only. */
const PASSING: readonly Purpose[] = ['message', 'ephemeral'];

/** Which files to list, newest first. */
export interface FileFilter {
  readonly account?: BareJid | undefined;
  readonly host?: Domain | undefined;
  readonly offset: number;
  readonly limit: number;
}

/** An amount of files. */
export interface Usage {
  readonly files: number;
  readonly bytes: number;
}

/** Reads and changes what is known of files. */
export interface FileTables {
  find(id: string): Promise<StoredFile | undefined>;
  /** Which of these are known. */
  known(ids: readonly string[]): Promise<ReadonlySet<string>>;
  /** Writes down a file, and its size in its owner's account of the day. */
  add(file: StoredFile, day: number): Promise<void>;
  /** Forgets files. */
  remove(ids: readonly string[]): Promise<void>;
  list(
    filter: FileFilter,
  ): Promise<{ readonly files: readonly StoredFile[]; readonly total: number }>;
  /** What a user has for some purposes. */
  usageOf(account: BareJid, purposes: readonly Purpose[]): Promise<Usage>;
  usageOfHost(host: Domain): Promise<Usage>;
  /** What a user has uploaded in a day, which is counted from the epoch. */
  usageOn(account: BareJid, day: number): Promise<number>;
  /** Files of a user that do not stay for good, oldest first. */
  passing(account: BareJid, most: number): Promise<readonly StoredFile[]>;
  /** Files that are to go: those of a host that came before a moment. */
  old(host: Domain, before: number, most: number): Promise<readonly string[]>;
  /** Files that are to go since their owners said so. */
  ended(now: number, most: number): Promise<readonly string[]>;
  /** Files of an account. */
  of(account: BareJid, most: number): Promise<readonly string[]>;
  /** Forgets the accounts of days before one. */
  forgetDays(before: number): Promise<void>;
  forgetAccount(account: BareJid): Promise<void>;
}

/** Opens the tables. */
export function createFileTables(store: Store): FileTables {
  const db = store.tables<Tables>();
  const idsOf = (rows: readonly { id: string }[]) => rows.map(({ id }) => id);
  return {
    async find(id) {
      const row = await store.first(db.selectFrom('upload_files').selectAll().where('id', '=', id));
      return row === undefined ? undefined : fileOf(row);
    },
    async known(ids) {
      if (ids.length === 0) return new Set();
      return new Set(
        idsOf(await store.read(db.selectFrom('upload_files').select('id').where('id', 'in', ids))),
      );
    },
    async add(file, day) {
      await store.write(
        db.insertInto('upload_files').values({ ...file, expires: file.expires ?? null }),
        db
          .insertInto('upload_days')
          .values({ account: file.account, day, bytes: file.size })
          .onConflict((conflict) =>
            conflict
              .columns(['account', 'day'])
              .doUpdateSet((row) => ({ bytes: row('upload_days.bytes', '+', file.size) })),
          ),
      );
    },
    async remove(ids) {
      if (ids.length > 0) await store.write(db.deleteFrom('upload_files').where('id', 'in', ids));
    },
    async list({ account, host, offset, limit }) {
      let query = db.selectFrom('upload_files');
      if (account !== undefined) query = query.where('account', '=', account);
      if (host !== undefined) query = query.where('host', '=', host);
      const [rows, count] = await Promise.all([
        store.read(
          query.selectAll().orderBy('stored', 'desc').orderBy('id').limit(limit).offset(offset),
        ),
        store.first(query.select((of) => of.fn.countAll<number>().as('total'))),
      ]);
      return { files: rows.map(fileOf), total: Number(count?.total ?? 0) };
    },
    usageOf: (account, purposes) =>
      usage(
        db
          .selectFrom('upload_files')
          .where('account', '=', account)
          .where('purpose', 'in', purposes),
      ),
    usageOfHost: (host) => usage(db.selectFrom('upload_files').where('host', '=', host)),
    async usageOn(account, day) {
      const row = await store.first(
        db
          .selectFrom('upload_days')
          .select('bytes')
          .where('account', '=', account)
          .where('day', '=', day),
      );
      return Number(row?.bytes ?? 0);
    },
    async passing(account, most) {
      const rows = await store.read(
        db
          .selectFrom('upload_files')
          .selectAll()
          .where('account', '=', account)
          .where('purpose', 'in', PASSING)
          .orderBy('stored')
          .limit(most),
      );
      return rows.map(fileOf);
    },
    old: async (host, before, most) =>
      idsOf(
        await store.read(
          db
            .selectFrom('upload_files')
            .select('id')
            .where('host', '=', host)
            .where('stored', '<', before)
            .where('purpose', 'in', PASSING)
            .limit(most),
        ),
      ),
    ended: async (now, most) =>
      idsOf(
        await store.read(
          db.selectFrom('upload_files').select('id').where('expires', '<=', now).limit(most),
        ),
      ),
    of: async (account, most) =>
      idsOf(
        await store.read(
          db.selectFrom('upload_files').select('id').where('account', '=', account).limit(most),
        ),
      ),
    async forgetDays(before) {
      await store.write(db.deleteFrom('upload_days').where('day', '<', before));
    },
    async forgetAccount(account) {
      await store.write(db.deleteFrom('upload_days').where('account', '=', account));
    },
  };

  type Chosen = ReturnType<typeof db.selectFrom<'upload_files'>>;

  async function usage(query: Chosen): Promise<Usage> {
    const row = await store.first(
      query.select((of) => [
        of.fn.countAll<number>().as('files'),
        of.fn.sum<number | null>('size').as('bytes'),
      ]),
    );
    return { files: Number(row?.files ?? 0), bytes: Number(row?.bytes ?? 0) };
  }
}

function fileOf(row: Tables['upload_files']): StoredFile {
  return {
    ...row,
    size: Number(row.size),
    stored: Number(row.stored),
    expires: row.expires === null ? undefined : Number(row.expires),
  };
}

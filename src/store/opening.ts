/** Opening a database: lock, check for damage, backup, migrations, settings. Synchronous. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import type { Clock } from '../kit/clock.ts';
import { failureOf, StoreError } from './errors.ts';
import { type PendingMigration, pendingOf, type RecordedMigration } from './migrations.ts';
import type { OpenReport, OpenRequest } from './protocol.ts';

/** An open database. */
export interface OpenDatabase {
  readonly db: Database.Database;
  readonly report: OpenReport;
  /** Closes it, and lets other processes in. */
  close(): void;
}

/** Only the owner may read what the server knows. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
const BACKUPS_KEPT = 3;

/**
 * Opens a database, as writer also creating it (and its folder) and running pending migrations.
 * @throws StoreError of any kind that concerns files, with a message for an admin
 */
export function openDatabase(request: OpenRequest, clock: Clock): OpenDatabase {
  try {
    return request.role === 'writer' ? openWriter(request, clock) : openReader(request);
  } catch (error) {
    throw explained(error, request.file);
  }
}

function openReader({ file }: OpenRequest): OpenDatabase {
  const db = new Database(file, { readonly: true, fileMustExist: true });
  return {
    db,
    report: { migrated: [], backup: undefined, checkMs: 0 },
    close: () => db.close(),
  };
}

function openWriter(request: OpenRequest, clock: Clock): OpenDatabase {
  const isFile = request.file !== ':memory:';
  const release = isFile ? takeFile(request) : () => {};
  let db: Database.Database | undefined;
  try {
    db = new Database(request.file);
    const open = db;
    const start = clock.monotonic();
    check(open, request.file);
    const checkMs = clock.monotonic() - start;
    const recorded = recordedIn(open);
    const pending = pendingOf(request.file, request.migrations, recorded);
    open.pragma('journal_mode = WAL');
    open.pragma(`synchronous = ${request.synchronous}`);
    const needsBackup = isFile && pending.length > 0 && recorded.length > 0;
    const backup = needsBackup ? backupBefore(open, request) : undefined;
    migrate(open, pending, request.now, backup);
    open.pragma('foreign_keys = ON');
    const migrated = pending.map(({ owner, position }) => `${owner}:${position}`);
    const close = () => {
      open.close();
      release();
    };
    return { db: open, report: { migrated, backup, checkMs }, close };
  } catch (error) {
    db?.close();
    release();
    throw error;
  }
}

/**
 * Makes the file, and keeps other processes out for as long as this one lives: caches hold what the
 * file held, so that two writers would harm each other. A transaction on a second, empty database is
 * a lock that the operating system takes back even after a kill.
 */
function takeFile({ file, lockWaitMs }: OpenRequest): () => void {
  mkdirSync(dirname(file), { recursive: true, mode: FOLDER_MODE });
  const lockFile = `${file}.lock`;
  for (const path of [lockFile, file]) closeSync(openSync(path, 'a', FILE_MODE));
  const lock = new Database(lockFile, { timeout: lockWaitMs });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    throw error;
  }
  return () => lock.close();
}

function check(db: Database.Database, file: string): void {
  const findings = db.pragma('quick_check(1)', { simple: true });
  if (findings !== 'ok') {
    throw new StoreError('corrupt', `the database ${file} is damaged: ${String(findings)}`);
  }
}

const MIGRATIONS_TABLE = `create table if not exists migrations (
  owner text not null,
  position integer not null,
  name text not null,
  at bigint not null,
  primary key (owner, position)
)`;

function recordedIn(db: Database.Database): RecordedMigration[] {
  const table = db.prepare("select 1 from sqlite_schema where type = 'table' and name = ?");
  if (table.get('migrations') === undefined) return [];
  return db
    .prepare<[], RecordedMigration>(
      'select owner, position, name from migrations order by position',
    )
    .all();
}

/** All pending migrations in one transaction: a database is of the old schema or of the new. */
function migrate(
  db: Database.Database,
  pending: readonly PendingMigration[],
  now: number,
  backup: string | undefined,
): void {
  if (pending.length === 0) return;
  // Rebuilding a table that others refer to works only without; checked below instead.
  db.pragma('foreign_keys = OFF');
  db.exec('BEGIN IMMEDIATE');
  try {
    db.exec(MIGRATIONS_TABLE);
    const record = db.prepare(
      'insert into migrations (owner, position, name, at) values (?, ?, ?, ?)',
    );
    for (const migration of pending) {
      runMigration(db, migration, backup);
      record.run(migration.owner, migration.position, migration.name, now);
    }
    const dangling = db.pragma('foreign_key_check');
    if (Array.isArray(dangling) && dangling.length > 0) {
      throw new StoreError('migration', `migrations left ${dangling.length} dangling references`);
    }
    db.exec('COMMIT');
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function runMigration(
  db: Database.Database,
  { owner, position, name, up }: PendingMigration,
  backup: string | undefined,
): void {
  try {
    for (const sql of up) db.exec(sql);
  } catch (error) {
    const { kind, message, code } = failureOf(error);
    throw new StoreError(
      kind === 'constraint' || kind === 'query' ? 'migration' : kind,
      `migration ${owner}:${position} (${name}) failed and nothing was changed: ${message}` +
        (backup === undefined ? '' : `; a backup from before it is ${backup}`),
      code,
    );
  }
}

function backupBefore(db: Database.Database, { file, now }: OpenRequest): string {
  const stamp = new Date(now).toISOString().replace(/[-:.]/g, '');
  const toFile = `${file}.before-${stamp}.bak`;
  backupTo(db, toFile);
  const start = `${basename(file)}.before-`;
  const folder = dirname(file);
  const backups = readdirSync(folder)
    .filter((name) => name.startsWith(start) && name.endsWith('.bak'))
    .sort();
  for (const old of backups.slice(0, -BACKUPS_KEPT)) rmSync(join(folder, old));
  return toFile;
}

/**
 * Writes a compact copy of the database as of now, replacing `toFile`, which is whole at any moment.
 * Others may go on reading and writing.
 */
export function backupTo(db: Database.Database, toFile: string): void {
  const part = `${toFile}.part`;
  rmSync(part, { force: true });
  closeSync(openSync(part, 'wx', FILE_MODE));
  try {
    db.prepare('VACUUM INTO ?').run(part);
    sync(part, 'r+');
    renameSync(part, toFile);
    sync(dirname(toFile), 'r');
  } finally {
    if (existsSync(part)) rmSync(part);
  }
}

function sync(path: string, flags: 'r' | 'r+'): void {
  const handle = openSync(path, flags);
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** The error with a message that says which file, and what an admin can do. */
function explained(error: unknown, file: string): StoreError {
  if (error instanceof StoreError) return error;
  const { kind, message, code } = failureOf(error);
  switch (kind) {
    case 'locked':
      return new StoreError(kind, `the database ${file} is in use by another process`, code);
    case 'not-a-database':
      return new StoreError(kind, `${file} is not a database`, code);
    case 'corrupt':
      return new StoreError(kind, `the database ${file} is damaged: ${message}`, code);
    case 'readonly':
      return new StoreError(
        kind,
        `the database ${file} or its folder is read-only: ${message}`,
        code,
      );
    case 'full':
      return new StoreError(kind, `no space is left for the database ${file}: ${message}`, code);
    default:
      return new StoreError(kind, `the database ${file} cannot be opened: ${message}`, code);
  }
}

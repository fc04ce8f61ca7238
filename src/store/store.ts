/**
 * The database of the server, behind an asynchronous face (DESIGN: no acknowledged message is lost,
 * the event loop never waits). Writes go to one thread, which commits them in groups; reads go to
 * another, so that they never wait for an fsync and a slow search never delays a commit. What takes
 * microseconds may be read on the caller's thread.
 */
import type {
  Compilable,
  CompiledQuery,
  DeleteResult,
  InsertResult,
  Kysely,
  UpdateResult,
} from 'kysely';
import { type Clock, systemClock } from '../kit/clock.ts';
import type { Logger } from '../kit/log.ts';
import { StoreError } from './errors.ts';
import type { OwnedMigrations } from './migrations.ts';
import { Near } from './near.ts';
import { type EngineClient, startEngine } from './port.ts';
import type { OpenReport, OpenRequest } from './protocol.ts';
import { buildersFor, type Query, statementOf } from './query.ts';
import { type Commit, ReadQueue, WriteQueue } from './queues.ts';

export { StoreError, type StoreErrorKind } from './errors.ts';
export { manyRows } from './many.ts';
export type { Migration, OwnedMigrations } from './migrations.ts';
export { prepare, type Query } from './query.ts';
export type { Commit } from './queues.ts';

/** How a store is opened. */
export interface StoreOptions {
  /** A path (its folder is made), or `:memory:` for a database that ends with the store. */
  readonly file: string;
  /** Dates migrations and their backups. */
  readonly clock: Clock;
  readonly log: Logger;
  /** The migrations of every owner, whether his module is switched on or not. */
  readonly migrations: readonly OwnedMigrations[];
  /** `full` (default) has each commit on the disk before it is reported; `normal` may lose the last ones when power fails. */
  readonly synchronous?: 'full' | 'normal';
  /** The least pause between two commits, in ms (default 2); a lone write is committed at once. */
  readonly groupMs?: number;
  /** Writes, and likewise reads, that may wait (default 20,000); more are `overloaded`. */
  readonly queueMost?: number;
  /** How long to wait for another process that has the database open, in ms (default 2,000). */
  readonly lockWaitMs?: number;
  /** Whether SQLite has threads of its own; by default as soon as the program is compiled. */
  readonly thread?: boolean;
  /** Is told of each commit, for metrics. */
  readonly onCommit?: (commit: Commit) => void;
  /** Is told when a database thread died; from then on every call is rejected. */
  readonly onFailure?: (error: StoreError) => void;
}

/** What one query of a `write` did. */
export interface WriteResult<Row = unknown> {
  /** Rows inserted, updated or deleted: 0 tells that a conditional write did not apply. */
  readonly changes: number;
  /** What `RETURNING` asked for (the way to learn a new id, in PostgreSQL too); else empty. */
  readonly rows: readonly Row[];
}

type KyselyResult = InsertResult | UpdateResult | DeleteResult;
type RowOf<Q> =
  Q extends Compilable<infer Row> ? Row : Q extends CompiledQuery<infer Row> ? Row : never;

/** The results of queries, each with the rows that its query returns. */
export type WriteResults<Queries extends readonly Query[]> = {
  -readonly [Index in keyof Queries]: WriteResult<Exclude<RowOf<Queries[Index]>, KyselyResult>>;
};

/** What a store is doing. */
export interface StoreStats {
  /** Writes not yet committed. */
  readonly queued: number;
  /** Reads not yet answered. */
  readonly reading: number;
  /** Commits since the store was opened. */
  readonly commits: number;
  /** Writes (batches) in them. */
  readonly writes: number;
  /** Writes in the last commit. */
  readonly groupSize: number;
  /** How long it took, fsync included. */
  readonly lastCommitMs: number;
}

/** An open database. Every method rejects with a {@link StoreError}. */
export interface Store {
  /** Kysely's builder for the caller's tables: it builds queries, which the methods below run. */
  tables<Tables>(): Kysely<Tables>;
  /** All rows of a query. Sees every write that was reported before the call. Blobs are Uint8Arrays. */
  read<Row>(query: Query<Row>): Promise<Row[]>;
  /** The first row of a query. */
  first<Row>(query: Query<Row>): Promise<Row | undefined>;
  /**
   * The same as `read`, and at once where that can be: for some rows by their key, of a table that is small and
   * always in use. Anything else would hold up all clients.
   */
  glance<Row>(query: Query<Row>): Row[] | Promise<Row[]>;
  /**
   * Runs queries all or none, in order. Resolves when they are committed and on the disk. One that
   * fails undoes its own batch only: batches that share the commit are not concerned.
   */
  write<const Queries extends readonly Query[]>(
    ...queries: Queries
  ): Promise<WriteResults<Queries>>;
  /** Writes a compact copy of the database as of now to a file, replacing it. */
  backup(toFile: string): Promise<void>;
  /** Figures of the moment. */
  stats(): StoreStats;
  /** Takes nothing more, finishes what waits, and closes the file. */
  close(): Promise<void>;
}

const GROUP_MS = 2;
const QUEUE_MOST = 20_000;
const LOCK_WAIT_MS = 2000;

/**
 * Opens a store: locks the file against other processes, checks it for damage, makes a backup if
 * migrations are pending on a database with data, and runs them.
 * @throws StoreError `locked`, `corrupt`, `not-a-database`, `readonly`, `newer`, `migration`, `full`
 *   or `io`, with a message for the admin
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { file, clock, log } = options;
  const isThread = options.thread ?? import.meta.url.endsWith('.js');
  const request: OpenRequest = {
    file,
    role: 'writer',
    synchronous: options.synchronous ?? 'full',
    migrations: options.migrations,
    lockWaitMs: options.lockWaitMs ?? LOCK_WAIT_MS,
    now: clock.now(),
  };
  const onFailure = (error: StoreError) => {
    log.fatal({ err: error }, 'the database failed, and nothing can be kept any more');
    options.onFailure?.(error);
  };
  const start = async (role: OpenRequest['role'], failed = onFailure) => {
    const engine = startEngine(isThread, failed);
    try {
      return { engine, report: await engine.call('open', { ...request, role }) };
    } catch (error) {
      await engine.close();
      throw error;
    }
  };
  const writer = await start('writer');
  report(log, file, writer.report);
  // A database in memory is seen by its one connection only.
  const reader = file === ':memory:' ? writer : await start('reader');
  const backup = async (toFile: string) => {
    // A connection of its own: a long copy holds up neither reads nor writes, and ends by itself if it fails.
    const copier = file === ':memory:' ? writer : await start('reader', () => {});
    try {
      await copier.engine.call('backup', toFile);
    } finally {
      if (copier !== writer) await copier.engine.close();
    }
  };
  const near = file === ':memory:' ? undefined : new Near(file);
  return new QueuedStore(options, writer.engine, reader.engine, near, backup);
}

function report(log: Logger, file: string, { migrated, backup, checkMs }: OpenReport): void {
  if (migrated.length > 0) log.info({ file, migrated, backup }, 'the database was migrated');
  log.info({ file, checkMs: Math.round(checkMs) }, 'the database is open');
}

class QueuedStore implements Store {
  readonly #writer: EngineClient;
  readonly #reader: EngineClient;
  readonly #near: Near | undefined;
  readonly #backup: (toFile: string) => Promise<void>;
  readonly #writes: WriteQueue;
  readonly #reads: ReadQueue;
  #commits = 0;
  #written = 0;
  #last: Commit = { size: 0, ms: 0 };
  #backups: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(
    options: StoreOptions,
    writer: EngineClient,
    reader: EngineClient,
    near: Near | undefined,
    backup: (toFile: string) => Promise<void>,
  ) {
    this.#writer = writer;
    this.#reader = reader;
    this.#near = near;
    this.#backup = backup;
    const most = options.queueMost ?? QUEUE_MOST;
    this.#reads = new ReadQueue(reader, most);
    this.#writes = new WriteQueue({
      engine: writer,
      // Groups are paced by the disk, which knows nothing of a clock that a test holds still.
      clock: systemClock,
      groupMs: options.groupMs ?? GROUP_MS,
      most,
      onCommit: (commit) => {
        this.#commits++;
        this.#written += commit.size;
        this.#last = commit;
        options.onCommit?.(commit);
      },
    });
  }

  tables<Tables>(): Kysely<Tables> {
    return buildersFor<Tables>();
  }

  async read<Row>(query: Query<Row>): Promise<Row[]> {
    this.#refuseWhenClosed();
    // The row type is what Kysely derived from the query that is run here.
    return (await this.#reads.add(statementOf(query), false)) as Row[];
  }

  async first<Row>(query: Query<Row>): Promise<Row | undefined> {
    this.#refuseWhenClosed();
    const rows = await this.#reads.add(statementOf(query), true);
    return rows[0] as Row | undefined;
  }

  glance<Row>(query: Query<Row>): Row[] | Promise<Row[]> {
    this.#refuseWhenClosed();
    try {
      // The row type is what Kysely derived from the query that is run here.
      if (this.#near !== undefined) return this.#near.rows(statementOf(query)) as Row[];
    } catch {
      // It is held by somebody, or at fault: the reader waits, or tells why.
    }
    return this.read(query);
  }

  async write<const Queries extends readonly Query[]>(
    ...queries: Queries
  ): Promise<WriteResults<Queries>> {
    this.#refuseWhenClosed();
    const statements = queries.map(statementOf);
    const results = statements.length === 0 ? [] : await this.#writes.add(statements);
    // The engine answers each statement with a result of its own, in their order.
    return results as unknown as WriteResults<Queries>;
  }

  async backup(toFile: string): Promise<void> {
    this.#refuseWhenClosed();
    // One after the other, and known to close().
    const done = this.#backups.then(() => this.#backup(toFile));
    this.#backups = done.catch(() => {});
    await done;
  }

  stats(): StoreStats {
    return {
      queued: this.#writes.size,
      reading: this.#reads.size,
      commits: this.#commits,
      writes: this.#written,
      groupSize: this.#last.size,
      lastCommitMs: this.#last.ms,
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  async #finish(): Promise<void> {
    await this.#writes.drain();
    await this.#reads.drain();
    await this.#backups;
    this.#near?.close();
    if (this.#reader !== this.#writer) await this.#reader.close();
    // Last, since the last connection to close folds the write-ahead log into the file.
    await this.#writer.close();
  }

  #refuseWhenClosed(): void {
    if (this.#closing !== undefined) throw new StoreError('closed', 'the store is closed');
  }
}

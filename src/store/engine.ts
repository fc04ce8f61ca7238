/** The synchronous side of the store: one SQLite connection and what may be done with it. */
import type Database from 'better-sqlite3';
import { type Clock, systemClock } from '../kit/clock.ts';
import { BoundedMap } from '../kit/limits.ts';
import { failureOf, StoreError, type StoreFailure } from './errors.ts';
import { backupTo, type OpenDatabase, openDatabase } from './opening.ts';
import {
  type Engine,
  type GroupReply,
  type GroupRequest,
  isFailure,
  type ReadsReply,
  type ReadsRequest,
  type WireResult,
  type WireRows,
  type WireStatement,
} from './protocol.ts';

/** An engine that waits for its `open`. Runs in a database thread, where blocking is right. */
export function createEngine(clock: Clock = systemClock): Engine {
  let opened: { readonly file: OpenDatabase; readonly connection: Connection } | undefined;
  const current = () => {
    if (opened === undefined) throw new StoreError('closed', 'the database is not open');
    return opened;
  };
  return {
    open(request) {
      const file = openDatabase(request, clock);
      opened = { file, connection: new Connection(file.db, clock) };
      return file.report;
    },
    group: (request) => current().connection.group(request),
    reads: (request) => current().connection.reads(request),
    backup(toFile) {
      backupTo(current().file.db, toFile);
      return null;
    },
    close() {
      opened?.file.close();
      opened = undefined;
      return null;
    },
  };
}

/** Prepared statements that are kept; each distinct SQL text is one. */
const STATEMENTS_KEPT = 500;

type Prepared = Database.Statement<unknown[], unknown>;
type Outcome = readonly WireResult[] | StoreFailure;

class Connection {
  readonly #db: Database.Database;
  readonly #clock: Clock;
  readonly #statements = new BoundedMap<string, Prepared>(STATEMENTS_KEPT);

  constructor(db: Database.Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** Commits batches in one transaction; one that fails is rolled back alone. */
  group({ texts, batches }: GroupRequest): GroupReply {
    const start = this.#clock.monotonic();
    const statements = texts.map((sql) => this.#tryPrepare(sql));
    let outcomes: readonly Outcome[];
    try {
      outcomes = this.#commit(statements, batches);
    } catch (error) {
      // A deferred foreign key shows at COMMIT only: find the batch that breaks it, spare the others.
      if (failureOf(error).kind !== 'constraint') throw error;
      outcomes = batches.map((batch) => this.#commitAlone(statements, batch));
    }
    return { outcomes, ms: this.#clock.monotonic() - start };
  }

  /** Runs queries that write nothing. */
  reads({ texts, reads }: ReadsRequest): ReadsReply {
    const statements = texts.map((sql) => this.#tryPrepare(sql));
    return reads.map(({ statement: [text, parameters], isFirst }) => {
      try {
        const statement = found(statements[text]);
        if (!statement.readonly)
          throw new StoreError('query', `a read that writes: ${texts[text]}`);
        return rowsFrom(statement, parameters, isFirst);
      } catch (error) {
        return failureOf(error);
      }
    });
  }

  #commit(
    statements: readonly (Prepared | StoreFailure)[],
    batches: readonly (readonly WireStatement[])[],
  ): Outcome[] {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const outcomes = batches.map((batch) => this.#runBatch(statements, batch));
      this.#db.exec('COMMIT');
      return outcomes;
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  #commitAlone(
    statements: readonly (Prepared | StoreFailure)[],
    batch: readonly WireStatement[],
  ): Outcome {
    try {
      return found(this.#commit(statements, [batch])[0]);
    } catch (error) {
      return failureOf(error);
    }
  }

  /** Throws only what concerns the whole group. */
  #runBatch(
    statements: readonly (Prepared | StoreFailure)[],
    batch: readonly WireStatement[],
  ): Outcome {
    // A single statement is atomic by itself.
    const needsSavepoint = batch.length > 1;
    if (needsSavepoint) this.#db.exec('SAVEPOINT batch');
    let outcome: Outcome;
    try {
      outcome = batch.map(([text, parameters]) => runOne(found(statements[text]), parameters));
    } catch (error) {
      outcome = failureOf(error);
      if (outcome.kind !== 'constraint' && outcome.kind !== 'query') throw error;
    }
    if (!this.#db.inTransaction) {
      throw new StoreError('query', 'a statement ended the transaction of its group');
    }
    if (needsSavepoint) {
      this.#db.exec(isFailure(outcome) ? 'ROLLBACK TO batch; RELEASE batch' : 'RELEASE batch');
    }
    return outcome;
  }

  /** A statement that cannot be prepared fails where it is used, not the others of its message. */
  #tryPrepare(sql: string): Prepared | StoreFailure {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    try {
      const statement = this.#db.prepare<unknown[], unknown>(sql);
      this.#statements.set(sql, statement);
      return statement;
    } catch (error) {
      const failure = failureOf(error);
      return { ...failure, message: `${failure.message}, in: ${sql}` };
    }
  }
}

function runOne(statement: Prepared, parameters: WireStatement[1]): WireResult {
  if (!statement.reader) return { changes: statement.run(...parameters).changes, rows: [] };
  const rows = statement.raw(false).all(...parameters);
  return { changes: statement.readonly ? 0 : rows.length, rows };
}

function rowsFrom(statement: Prepared, parameters: WireStatement[1], isFirst: boolean): WireRows {
  const raw = statement.raw(true) as Database.Statement<unknown[], unknown[]>; // by raw()'s contract
  const values: unknown[] = [];
  const rows = isFirst ? [raw.get(...parameters) ?? []] : raw.all(...parameters);
  for (const row of rows) for (const value of row) values.push(value);
  return { columns: columnsOf(statement), values };
}

/** Asked of SQLite once for each statement. */
const columnsByStatement = new WeakMap<Prepared, readonly string[]>();

function columnsOf(statement: Prepared): readonly string[] {
  const known = columnsByStatement.get(statement);
  if (known !== undefined) return known;
  const columns = statement.columns().map(({ name }) => name);
  columnsByStatement.set(statement, columns);
  return columns;
}

/** The thing itself, or the failure that stands in its place thrown as an error. */
function found<T extends object>(thing: T | StoreFailure | undefined): T {
  if (thing === undefined) throw new StoreError('query', 'a statement without a text');
  if ('kind' in thing) throw StoreError.of(thing);
  return thing;
}

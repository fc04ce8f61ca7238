/**
 * Reads on this thread, for what each login asks: some rows by their key, of small tables that are always in
 * use. SQLite finds them in some microseconds; the way to another thread and back takes a twentieth of a
 * login (bench, `logins`). It waits for nobody: what it does not get at once is asked of the reader's thread.
 */
import Database from 'better-sqlite3';
import { BoundedMap } from '../kit/limits.ts';
import { StoreError } from './errors.ts';
import type { Statement } from './protocol.ts';

/** Prepared statements that are kept; a few are used. */
const STATEMENTS_KEPT = 50;
/** Its own part of the file in memory, in KiB. */
const CACHE_KIB = 512;

/** A connection of this thread, made when it is needed first: a server starts without it. */
export class Near {
  readonly #file: string;
  readonly #statements = new BoundedMap<string, Database.Statement<unknown[], unknown>>(
    STATEMENTS_KEPT,
  );
  #db: Database.Database | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /**
   * All rows of a query.
   * @throws StoreError `query` for one that writes; what SQLite throws
   */
  rows({ sql, parameters }: Statement): unknown[] {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      this.#db ??= open(this.#file);
      statement = this.#db.prepare<unknown[], unknown>(sql);
      if (!statement.readonly) throw new StoreError('query', `a read that writes: ${sql}`);
      this.#statements.set(sql, statement);
    }
    return statement.all(...parameters);
  }

  close(): void {
    this.#db?.close();
  }
}

function open(file: string): Database.Database {
  const db = new Database(file, { readonly: true, fileMustExist: true, timeout: 0 });
  db.pragma(`cache_size = -${CACHE_KIB}`);
  return db;
}

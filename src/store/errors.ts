/** How the store says no: one error type whose `kind` tells the caller what he can do about it. */

/**
 * What went wrong:
 * `constraint` a rule of a table (unique, foreign key, not null, check) forbids the write ·
 * `query` the statement or a parameter is wrong (a bug) ·
 * `overloaded` too many calls wait; try later ·
 * `closed` the store is closed ·
 * `full` no space is left ·
 * `io` the operating system or the database thread failed ·
 * `corrupt` the file is damaged ·
 * `not-a-database` the file is something else ·
 * `locked` another process uses it ·
 * `readonly` the file or its folder cannot be written ·
 * `newer` it was written by a newer program ·
 * `migration` a migration failed or a list of migrations was not just appended to.
 */
export type StoreErrorKind =
  | 'constraint'
  | 'query'
  | 'overloaded'
  | 'closed'
  | 'full'
  | 'io'
  | 'corrupt'
  | 'not-a-database'
  | 'locked'
  | 'readonly'
  | 'newer'
  | 'migration';

/** An error as plain data, which is how it crosses from the database's thread. */
export interface StoreFailure {
  readonly kind: StoreErrorKind;
  readonly message: string;
  /** The code of SQLite or the operating system, such as `SQLITE_CONSTRAINT_UNIQUE`. */
  readonly code: string | undefined;
}

/** Why a call to the store failed. Its message never holds parameters, which may be private. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly kind: StoreErrorKind;
  /** The code of SQLite or the operating system, for logs. */
  readonly code: string | undefined;

  constructor(kind: StoreErrorKind, message: string, code?: string) {
    super(message);
    this.kind = kind;
    this.code = code;
  }

  /** The error that a failure describes. */
  static of(failure: StoreFailure): StoreError {
    return new StoreError(failure.kind, failure.message, failure.code);
  }
}

const KINDS: readonly (readonly [start: string, kind: StoreErrorKind])[] = [
  ['SQLITE_CONSTRAINT', 'constraint'],
  ['SQLITE_FULL', 'full'],
  ['ENOSPC', 'full'],
  ['EDQUOT', 'full'],
  ['SQLITE_CORRUPT', 'corrupt'],
  ['SQLITE_NOTADB', 'not-a-database'],
  ['SQLITE_BUSY', 'locked'],
  ['SQLITE_LOCKED', 'locked'],
  ['SQLITE_READONLY', 'readonly'],
  ['SQLITE_PERM', 'readonly'],
  ['EACCES', 'readonly'],
  ['EPERM', 'readonly'],
  ['EROFS', 'readonly'],
  ['SQLITE_CANTOPEN', 'io'],
  ['SQLITE_IOERR', 'io'],
  ['SQLITE_NOMEM', 'io'],
  ['SQLITE_INTERRUPT', 'io'],
  ['SQLITE_PROTOCOL', 'io'],
  ['SQLITE_', 'query'],
  ['E', 'io'],
];

/** Describes anything thrown by SQLite, Node or this room. A thing without a code is a wrong query. */
export function failureOf(error: unknown): StoreFailure {
  const message = error instanceof Error ? error.message : String(error);
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string'
      ? error.code
      : undefined;
  if (error instanceof StoreError) return { kind: error.kind, message, code };
  // Wrong bindings come from better-sqlite3 as TypeError and RangeError, Node's own start with ERR_.
  if (code === undefined || code.startsWith('ERR_')) return { kind: 'query', message, code };
  const kind = KINDS.find(([start]) => code.startsWith(start))?.[1] ?? 'io';
  return { kind, message, code };
}

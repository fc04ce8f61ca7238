/** What the store asks of an engine, as plain data that can cross to another thread. */
import type { StoreFailure } from './errors.ts';
import type { OwnedMigrations } from './migrations.ts';

/** What a statement takes as a parameter and gives as a column. */
export type SqlValue = string | number | bigint | Uint8Array | null;

/** SQL text with a value for each of its `?`. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly SqlValue[];
}

/** How an engine opens its file. */
export interface OpenRequest {
  /** A path, or `:memory:`. */
  readonly file: string;
  /** A `writer` locks, checks and migrates (and also reads); a `reader` comes after it. */
  readonly role: 'writer' | 'reader';
  readonly synchronous: 'full' | 'normal';
  readonly migrations: readonly OwnedMigrations[];
  /** How long to wait for another process that holds the database. */
  readonly lockWaitMs: number;
  /** The time, in ms since the epoch, that migrations and their backup are dated by. */
  readonly now: number;
}

/** What opening did. */
export interface OpenReport {
  /** Migrations that were run, as `owner:position`. */
  readonly migrated: readonly string[];
  /** The backup made before them, if the database held data. */
  readonly backup: string | undefined;
  /** How long the check for damage took. */
  readonly checkMs: number;
}

/**
 * A statement within a message: the index of its text in the message's `texts` (the same few texts
 * come again and again; naming them once per message saves most of the copying), and its parameters.
 */
export type WireStatement = readonly [text: number, parameters: readonly SqlValue[]];

/** Batches to be committed together; each is atomic on its own. */
export interface GroupRequest {
  readonly texts: readonly string[];
  readonly batches: readonly (readonly WireStatement[])[];
}

/** What one statement of a batch did. */
export interface WireResult {
  readonly changes: number;
  readonly rows: readonly unknown[];
}

/** What became of a group: for each batch its results, or why it alone was rolled back. */
export interface GroupReply {
  readonly outcomes: readonly (readonly WireResult[] | StoreFailure)[];
  /** From BEGIN to the end of COMMIT, fsync included. */
  readonly ms: number;
}

/** Queries that came in one turn of the loop. */
export interface ReadsRequest {
  readonly texts: readonly string[];
  readonly reads: readonly { readonly statement: WireStatement; readonly isFirst: boolean }[];
}

/**
 * Rows as they cross: the names of the columns, and the values of all rows one after the other. A page of an
 * archive takes a third of the time that it would take as objects (bench, `archive`).
 */
export interface WireRows {
  readonly columns: readonly string[];
  readonly values: readonly unknown[];
}

/** For each query its rows or why it failed. */
export type ReadsReply = readonly (WireRows | StoreFailure)[];

/** Each operation of an engine, with what it takes and gives. */
export interface Operations {
  open: { argument: OpenRequest; result: OpenReport };
  group: { argument: GroupRequest; result: GroupReply };
  reads: { argument: ReadsRequest; result: ReadsReply };
  backup: { argument: string; result: null };
  close: { argument: null; result: null };
}

/** The synchronous side: each method throws what {@link failureOf} understands. */
export type Engine = {
  readonly [Op in keyof Operations]: (
    argument: Operations[Op]['argument'],
  ) => Operations[Op]['result'];
};

/** One call to an engine. */
export type Request<Op extends keyof Operations = keyof Operations> = {
  readonly [One in Op]: {
    readonly id: number;
    readonly op: One;
    readonly argument: Operations[One]['argument'];
  };
}[Op];

/** Its answer. */
export type Reply =
  | { readonly id: number; readonly failure: StoreFailure }
  | { readonly id: number; readonly result: Operations[keyof Operations]['result'] };

/** Tells a failure from results in an outcome. */
export function isFailure(outcome: object): outcome is StoreFailure {
  return 'kind' in outcome;
}

/** The rows as objects. */
export function rowsOf({ columns, values }: WireRows): unknown[] {
  const rows: unknown[] = [];
  const width = columns.length;
  for (let from = 0; from < values.length; from += width) {
    const row: Record<string, unknown> = {};
    columns.forEach((name, index) => {
      row[name] = values[from + index];
    });
    rows.push(row);
  }
  return rows;
}

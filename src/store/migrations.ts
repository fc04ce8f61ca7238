/** Migrations: what each part of the program does to the database, once, in the order of its list. */
import { StoreError } from './errors.ts';

/**
 * One step of a schema, never changed once released.
 *
 * It is SQL text, not calls of a query builder: what ran on a database years ago must not depend on
 * the version of a library. Text is written in what SQLite and PostgreSQL share (`create table`,
 * `create index`, `insert … select`; types `text`, `integer`, `bigint`, `blob`, `double precision`;
 * flags as `integer`). An automatic id is written `id integer primary key`.
 */
export interface Migration {
  /** What it does, in a few words: `add groups`. */
  readonly name: string;
  /** Statements, run in order. */
  readonly up: readonly string[];
}

/** All migrations of one owner (a room or module); a released list is only ever appended to. */
export interface OwnedMigrations {
  readonly owner: string;
  readonly migrations: readonly Migration[];
}

/** A migration that a database has had. */
export interface RecordedMigration {
  readonly owner: string;
  /** Counted from 1 within its owner. */
  readonly position: number;
  readonly name: string;
}

/** A migration that a database has yet to get. */
export interface PendingMigration extends RecordedMigration {
  readonly up: readonly string[];
}

/**
 * What is still to be run, in order of owners and of their lists.
 * @param recorded what the database has had, in order of position
 * @throws StoreError `newer` when the database has had one that the program does not know,
 *   `migration` when a list was changed elsewhere than at its end or an owner has two lists
 */
export function pendingOf(
  file: string,
  program: readonly OwnedMigrations[],
  recorded: readonly RecordedMigration[],
): PendingMigration[] {
  const known = new Map(program.map(({ owner, migrations }) => [owner, migrations]));
  if (known.size < program.length) {
    throw new StoreError('migration', 'two lists of migrations have the same owner');
  }
  const had = new Map<string, number>();
  for (const { owner } of recorded) had.set(owner, (had.get(owner) ?? 0) + 1);
  refuseNewer(file, known, had);
  for (const { owner, position, name } of recorded) {
    const own = known.get(owner)?.[position - 1]?.name;
    if (own !== name) {
      throw new StoreError(
        'migration',
        `migration ${owner}:${position} of the database ${file} is "${name}", in this program it is ` +
          `"${own}": a list of migrations may only be appended to`,
      );
    }
  }
  return program.flatMap(({ owner, migrations }) =>
    migrations
      .map(({ name, up }, index) => ({ owner, position: index + 1, name, up }))
      .slice(had.get(owner) ?? 0),
  );
}

function refuseNewer(
  file: string,
  known: ReadonlyMap<string, readonly Migration[]>,
  had: ReadonlyMap<string, number>,
): void {
  const beyond = [...had]
    .map(([owner, count]) => ({ owner, count, own: known.get(owner)?.length ?? 0 }))
    .filter(({ count, own }) => count > own);
  if (beyond.length === 0) return;
  const theirs = beyond.map(({ owner, count }) => `${owner}:${count}`).join(', ');
  const ours = beyond.map(({ owner, own }) => (own > 0 ? `${owner}:${own}` : `no ${owner}`));
  throw new StoreError(
    'newer',
    `the database ${file} was written by a newer rtcd (knows ${theirs}, this program ` +
      `${ours.join(', ')}): run that version, or restore a backup from before it`,
  );
}

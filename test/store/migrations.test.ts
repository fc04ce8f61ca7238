import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { CompiledQuery } from 'kysely';
import { describe, expect, test } from 'vitest';
import type { OwnedMigrations, StoreError } from '../../src/store/store.ts';
import { manualClock } from '../support/clock.ts';
import { notes, openTestStore, type Tables, tempFolder } from './support.ts';

const addRank = { name: 'add a rank', up: ['alter table note add column rank integer'] };
const broken = {
  name: 'break',
  up: ['create table half (a text)', "insert into note (title) values ('x')", 'create nonsense'],
};
const withNotes = (...more: OwnedMigrations['migrations']): OwnedMigrations[] => [
  { owner: 'notes', migrations: [...notes.migrations, ...more] },
];
const refusal = (promise: Promise<unknown>): Promise<StoreError> =>
  promise.then(
    () => Promise.reject(new Error('was not refused')),
    (error: StoreError) => error,
  );
const backupsIn = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.bak'))
    .sort();

/** A closed database with the first migration and one note. */
async function databaseWithNote(): Promise<{ folder: string; file: string }> {
  const folder = tempFolder();
  const file = join(folder, 'test.db');
  const store = await openTestStore({ file });
  const tables = store.tables<Tables>();
  await store.write(tables.insertInto('note').values({ title: 'a', body: null }));
  await store.close();
  return { folder, file };
}

describe('migrations', () => {
  test('run once, in order of owners and lists, and a new database needs no backup', async () => {
    const folder = tempFolder();
    const file = join(folder, 'test.db');
    const links = {
      owner: 'links',
      migrations: [
        { name: 'links', up: ['create table link (note integer references note (id))'] },
        { name: 'one link', up: ['insert into link (note) select id from note'] },
      ],
    };
    const migrations = [...withNotes(addRank), links];
    for (const clock of [manualClock(5), manualClock(6)]) {
      const store = await openTestStore({ file, migrations, clock });
      const rows = await store.read(
        CompiledQuery.raw('select owner, position, name, at from migrations order by rowid'),
      );
      expect(rows).toEqual([
        { owner: 'notes', position: 1, name: 'notes and their tags', at: 5 },
        { owner: 'notes', position: 2, name: 'add a rank', at: 5 },
        { owner: 'links', position: 1, name: 'links', at: 5 },
        { owner: 'links', position: 2, name: 'one link', at: 5 },
      ]);
      await store.close();
    }
    expect(backupsIn(folder)).toEqual([]);
  });

  test('a pending one on a database with data is preceded by a backup', async () => {
    const { folder, file } = await databaseWithNote();
    const clock = manualClock(Date.UTC(2026, 1, 3, 4, 5, 6, 7));
    const store = await openTestStore({ file, migrations: withNotes(addRank), clock });
    expect(await store.first(CompiledQuery.raw('select title, rank from note'))).toEqual({
      title: 'a',
      rank: null,
    });
    expect(backupsIn(folder)).toEqual(['test.db.before-20260203T040506007Z.bak']);
    const backup = await openTestStore({
      file: join(folder, 'test.db.before-20260203T040506007Z.bak'),
    });
    expect(await backup.read(CompiledQuery.raw('select * from note'))).toEqual([
      { id: 1, title: 'a', body: null },
    ]);
  });

  test('only the newest three backups are kept', async () => {
    const { folder, file } = await databaseWithNote();
    writeFileSync(join(folder, 'test.db.mine.bak'), 'not ours to prune');
    const clock = manualClock(Date.UTC(2026, 0, 1));
    for (const count of [1, 2, 3, 4, 5]) {
      const more = Array.from({ length: count }, (_, index) => ({
        name: `${index}`,
        up: [`create table more${index} (a text)`],
      }));
      const store = await openTestStore({ file, migrations: withNotes(...more), clock });
      await store.close();
      clock.advance(1000);
    }
    expect(backupsIn(folder)).toEqual([
      'test.db.before-20260101T000002000Z.bak',
      'test.db.before-20260101T000003000Z.bak',
      'test.db.before-20260101T000004000Z.bak',
      'test.db.mine.bak',
    ]);
  });

  test('one that fails leaves the database as it was, all others undone too, and the backup', async () => {
    const { folder, file } = await databaseWithNote();
    const error = await refusal(openTestStore({ file, migrations: withNotes(addRank, broken) }));
    expect(error.kind).toBe('migration');
    expect(error.message).toMatch(/migration notes:3 \(break\) failed .*syntax error.* backup /);
    expect(backupsIn(folder)).toHaveLength(1);
    const store = await openTestStore({ file });
    expect(await store.read(CompiledQuery.raw('select * from note'))).toEqual([
      { id: 1, title: 'a', body: null },
    ]);
    const half = CompiledQuery.raw("select 1 from sqlite_schema where name = 'half'");
    expect(await store.read(half)).toEqual([]);
  });

  test('a table that others refer to can be rebuilt, but no reference may dangle', async () => {
    const { file } = await databaseWithNote();
    const rebuild = {
      name: 'rebuild',
      up: [
        "insert into tag values (1, 'x')",
        'create table note2 (id integer primary key, title text not null, body text)',
        'insert into note2 select id, title, body from note',
        'drop table note',
        'alter table note2 rename to note',
      ],
    };
    const empty = { name: 'empty', up: ['delete from note'] };
    const dangling = await refusal(openTestStore({ file, migrations: withNotes(rebuild, empty) }));
    expect(dangling).toMatchObject({ kind: 'migration', message: /1 dangling/ });
    const store = await openTestStore({ file, migrations: withNotes(rebuild) });
    expect(await store.read(CompiledQuery.raw('select * from tag'))).toEqual([
      { note: 1, tag: 'x' },
    ]);
    const stray = CompiledQuery.raw("insert into tag values (2, 'y')");
    expect((await refusal(store.write(stray))).kind).toBe('constraint');
  });

  test.each([
    {
      what: 'an owner with more migrations',
      migrations: [notes],
      message: 'knows notes:2, this program notes:1',
    },
    { what: 'an unknown owner', migrations: [], message: 'knows notes:2, this program no notes' },
  ])('a newer database is refused: $what', async ({ migrations, message }) => {
    const { folder, file } = await databaseWithNote();
    await (await openTestStore({ file, migrations: withNotes(addRank) })).close();
    const before = backupsIn(folder);
    const extra = { owner: 'extra', migrations: [{ name: 'x', up: ['create table extra (a)'] }] };
    const error = await refusal(openTestStore({ file, migrations: [...migrations, extra] }));
    expect(error.kind).toBe('newer');
    expect(error.message).toContain(`${file} was written by a newer rtcd (${message})`);
    expect(backupsIn(folder)).toEqual(before);
    const outside = new Database(file, { readonly: true });
    expect(outside.prepare("select 1 from sqlite_schema where name = 'extra'").all()).toEqual([]);
    outside.close();
  });

  test('a list that was changed in its middle, or two lists of one owner, are refused', async () => {
    const { file } = await databaseWithNote();
    const changed = [{ owner: 'notes', migrations: [addRank, ...notes.migrations] }];
    const error = await refusal(openTestStore({ file, migrations: changed }));
    expect(error).toMatchObject({ kind: 'migration', message: /may only be appended to/ });
    const twice = await refusal(openTestStore({ migrations: [notes, notes] }));
    expect(twice).toMatchObject({ kind: 'migration', message: /same owner/ });
  });
});

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { CompiledQuery } from 'kysely';
import { describe, expect, expectTypeOf, test } from 'vitest';
import type { Commit, StoreError } from '../../src/store/store.ts';
import { openTestStore, type Tables, tempFolder } from './support.ts';

const places = [
  { place: 'memory', file: () => ':memory:' },
  { place: 'a file', file: () => join(tempFolder(), 'test.db') },
];
const kindOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'success',
    (error: StoreError) => error.kind,
  );

describe.each(places)('a store in $place', ({ file }) => {
  test('reads what was written before, and types it', async () => {
    const store = await openTestStore({ file: file() });
    const tables = store.tables<Tables>();
    await store.write(tables.insertInto('note').values({ title: 'a', body: 'α' }));
    const rows = await store.read(tables.selectFrom('note').select(['title', 'body']));
    expectTypeOf(rows).toEqualTypeOf<{ title: string; body: string | null }[]>();
    expect(rows).toEqual([{ title: 'a', body: 'α' }]);
    expect(await store.first(tables.selectFrom('note').select('id'))).toEqual({ id: 1 });
    expect(
      await store.first(tables.selectFrom('note').select('id').where('id', '=', 2)),
    ).toBeUndefined();
  });

  test('the same text gives rows of the same shape, written and read, all of them and the first', async () => {
    const store = await openTestStore({ file: file() });
    const both = CompiledQuery.raw("select 1 as one, null as label union select 2, 'x' order by 1");
    const rows = [
      { one: 1, label: null },
      { one: 2, label: 'x' },
    ];
    expect(await store.read(both)).toEqual(rows);
    expect((await store.write(both))[0].rows).toEqual(rows);
    expect(await store.first(both)).toEqual(rows[0]);
    expect(await store.read(CompiledQuery.raw('select 1 as one where 0'))).toEqual([]);
    expect(await store.first(CompiledQuery.raw('select 1 as one where 0'))).toBeUndefined();
  });

  test('a batch is all or nothing, and its failure is its own', async () => {
    const commits: Commit[] = [];
    const store = await openTestStore({ file: file(), onCommit: (commit) => commits.push(commit) });
    const tables = store.tables<Tables>();
    const note = (title: string) => tables.insertInto('note').values({ title, body: null });
    const outcomes = await Promise.all([
      kindOf(store.write(note('a'))),
      kindOf(store.write(note('b'), note('c'), note('a'))),
      kindOf(store.write(note('a'))),
      kindOf(store.write(CompiledQuery.raw('insert into nowhere values (1)'))),
      kindOf(store.write(note('d'), note('e'))),
    ]);
    expect(outcomes).toEqual(['success', 'constraint', 'constraint', 'query', 'success']);
    expect(commits.map(({ size }) => size)).toEqual([5]);
    const titles = await store.read(tables.selectFrom('note').select('title').orderBy('id'));
    expect(titles.map(({ title }) => title)).toEqual(['a', 'd', 'e']);
  });

  test('a deferred foreign key fails its batch only', async () => {
    const store = await openTestStore({ file: file() });
    const tables = store.tables<Tables>();
    const outcomes = await Promise.all([
      kindOf(store.write(tables.insertInto('note').values({ id: 1, title: 'a', body: null }))),
      kindOf(store.write(tables.insertInto('tag').values({ note: 7, tag: 'x' }))),
      kindOf(store.write(tables.insertInto('tag').values({ note: 1, tag: 'x' }))),
    ]);
    expect(outcomes).toEqual(['success', 'constraint', 'success']);
    expect(await store.read(tables.selectFrom('tag').selectAll())).toEqual([{ note: 1, tag: 'x' }]);
  });

  test('a conditional write tells whether it applied, and what it returned', async () => {
    const store = await openTestStore({ file: file() });
    const tables = store.tables<Tables>();
    const insert = tables
      .insertInto('note')
      .values({ title: 'a', body: null })
      .onConflict((conflict) => conflict.doNothing())
      .returning(['id', 'title']);
    const [first] = await store.write(insert);
    expectTypeOf(first.rows).toEqualTypeOf<readonly { id: number | undefined; title: string }[]>();
    expect(first).toEqual({ changes: 1, rows: [{ id: 1, title: 'a' }] });
    const rename = tables.updateTable('note').set({ title: 'b' }).where('title', '=', 'a');
    expect(await store.write(insert, rename, rename)).toEqual([
      { changes: 0, rows: [] },
      { changes: 1, rows: [] },
      { changes: 0, rows: [] },
    ]);
  });

  test('blobs, big numbers and foreign letters survive', async () => {
    const store = await openTestStore({ file: file() });
    const query = CompiledQuery.raw('select ? as a, ? as b, ? as c, ? as d', [
      Buffer.from('\0\x01\xff', 'latin1'),
      Number.MAX_SAFE_INTEGER,
      'ß 🙂 \0 end',
      null,
    ]);
    expect(await store.first(query)).toEqual({
      a: Uint8Array.of(0, 1, 255),
      b: Number.MAX_SAFE_INTEGER,
      c: 'ß 🙂 \0 end',
      d: null,
    });
  });

  test('a glance sees what was written before, and changes nothing', async () => {
    const store = await openTestStore({ file: file() });
    const tables = store.tables<Tables>();
    const titled = (title: string) =>
      tables.selectFrom('note').select(['title', 'body']).where('title', '=', title);
    expect(await store.glance(titled('a'))).toEqual([]);
    await store.write(tables.insertInto('note').values({ title: 'a', body: 'α' }));
    expect(await store.glance(titled('a'))).toEqual([{ title: 'a', body: 'α' }]);
    await store.write(tables.deleteFrom('note').where('title', '=', 'a'));
    expect(await store.glance(titled('a'))).toEqual([]);
    const writing = CompiledQuery.raw("insert into note (title) values ('b')");
    expect(await kindOf(Promise.resolve(store.glance(writing)))).toBe('query');
    expect(await store.glance(titled('b'))).toEqual([]);
    await store.close();
    expect(() => store.glance(titled('a'))).toThrow('closed');
  });

  test('a read cannot write', async () => {
    const store = await openTestStore({ file: file() });
    const sneaky = CompiledQuery.raw("insert into note (title) values ('a') returning id");
    expect(await kindOf(store.read(sneaky))).toBe('query');
    expect(await store.read(store.tables<Tables>().selectFrom('note').selectAll())).toEqual([]);
  });

  test('a parameter that SQL does not know is refused before it can hurt its group', async () => {
    const store = await openTestStore({ file: file() });
    const select = (value: unknown) => CompiledQuery.raw('select ? as a', [value]);
    const kinds = await Promise.all(
      [undefined, true, {}, () => 1, Symbol('s'), 1].map((value) =>
        kindOf(store.read(select(value))),
      ),
    );
    expect(kinds).toEqual(['query', 'query', 'query', 'query', 'query', 'success']);
  });

  test('a statement that ends the transaction fails, and the store goes on', async () => {
    const store = await openTestStore({ file: file() });
    expect(await kindOf(store.write(CompiledQuery.raw('ROLLBACK')))).toBe('query');
    const note = store.tables<Tables>().insertInto('note').values({ title: 'a', body: null });
    expect(await kindOf(store.write(note))).toBe('success');
  });

  test('a full disk fails the group, and the store goes on when there is space', async () => {
    const store = await openTestStore({ file: file() });
    const tables = store.tables<Tables>();
    const note = (title: string, bytes: number) =>
      tables.insertInto('note').values({ title, body: 'x'.repeat(bytes) });
    await store.write(CompiledQuery.raw('pragma max_page_count = 30'));
    const outcomes = await Promise.all([
      kindOf(store.write(note('small', 10))),
      kindOf(store.write(note('large', 1_000_000))),
    ]);
    expect(outcomes).toEqual(['full', 'full']);
    await store.write(CompiledQuery.raw('pragma max_page_count = 1000000'));
    expect(await kindOf(store.write(note('large', 1_000_000)))).toBe('success');
    expect(await store.read(tables.selectFrom('note').select('title'))).toEqual([
      { title: 'large' },
    ]);
  });

  test('close finishes what waits and refuses what comes', async () => {
    const path = file();
    const store = await openTestStore({ file: path, groupMs: 3_600_000 });
    const tables = store.tables<Tables>();
    const note = (title: string) => tables.insertInto('note').values({ title, body: null });
    await store.write(note('at once'));
    const grouped = kindOf(store.write(note('waits for company')));
    const read = store.first(tables.selectFrom('note').select('title'));
    const closed = store.close();
    expect(await kindOf(store.write(note('late')))).toBe('closed');
    expect(await kindOf(store.read(tables.selectFrom('note').selectAll()))).toBe('closed');
    await closed;
    expect(await grouped).toBe('success');
    expect(await read).toEqual({ title: 'at once' });
    if (path === ':memory:') return;
    expect(existsSync(`${path}-wal`)).toBe(false);
    const again = await openTestStore({ file: path });
    expect(await again.read(tables.selectFrom('note').select('title'))).toHaveLength(2);
  });

  test('a backup holds everything so far, and replaces an older one', async () => {
    const folder = tempFolder();
    const store = await openTestStore({ file: file() });
    const tables = store.tables<Tables>();
    for (const title of ['a', 'b']) {
      await store.write(tables.insertInto('note').values({ title, body: null }));
      await store.backup(join(folder, 'backup'));
    }
    const copy = await openTestStore({ file: join(folder, 'backup') });
    expect(await copy.read(tables.selectFrom('note').select('title'))).toEqual([
      { title: 'a' },
      { title: 'b' },
    ]);
    expect(statSync(join(folder, 'backup')).mode & 0o777).toBe(0o600);
    expect(await kindOf(store.backup(join(folder, 'no/such/folder')))).toBe('io');
  });
});

describe('grouping', () => {
  test('writes of one turn share a commit', async () => {
    const commits: Commit[] = [];
    const store = await openTestStore({ groupMs: 0, onCommit: (commit) => commits.push(commit) });
    const tables = store.tables<Tables>();
    const writes = Array.from({ length: 100 }, (_, index) =>
      store.write(tables.insertInto('note').values({ title: `${index}`, body: null })),
    );
    expect(store.stats().queued).toBe(100);
    await Promise.all(writes);
    expect(commits.map(({ size }) => size)).toEqual([100]);
    expect(store.stats()).toMatchObject({ queued: 0, commits: 1, writes: 100, groupSize: 100 });
  });

  test('writes that come while a commit is under way share the next', async () => {
    const commits: number[] = [];
    const store = await openTestStore({ groupMs: 0, onCommit: ({ size }) => commits.push(size) });
    const tables = store.tables<Tables>();
    const note = (title: string) =>
      store.write(tables.insertInto('note').values({ title, body: null }));
    const first = note('first');
    await new Promise(setImmediate);
    const others = [note('a'), note('b')];
    await Promise.all([first, ...others]);
    expect(commits).toEqual([1, 2]);
  });

  test('too many that wait are refused at once, and later ones are served', async () => {
    const store = await openTestStore({ queueMost: 3 });
    const tables = store.tables<Tables>();
    const note = (title: string) =>
      kindOf(store.write(tables.insertInto('note').values({ title, body: null })));
    const read = () => kindOf(store.read(tables.selectFrom('note').selectAll()));
    const most = ['success', 'success', 'success', 'overloaded'];
    expect(await Promise.all(['a', 'b', 'c', 'd'].map(note))).toEqual(most);
    expect(await Promise.all([read(), read(), read(), read()])).toEqual(most);
    expect(await note('d')).toBe('success');
    expect(await read()).toBe('success');
  });
});

test('a glance at a file is there at once', async () => {
  const store = await openTestStore({ file: join(tempFolder(), 'test.db') });
  expect(store.glance(CompiledQuery.raw('select 1 as one'))).toEqual([{ one: 1 }]);
});

test('the file is private, in WAL, with foreign keys', async () => {
  const file = join(tempFolder(), 'new', 'test.db');
  const store = await openTestStore({ file });
  for (const path of [file, `${file}-wal`]) expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(file, '..')).mode & 0o777).toBe(0o700);
  const [synchronous, keys] = await store.write(
    CompiledQuery.raw('pragma synchronous'),
    CompiledQuery.raw('pragma foreign_keys'),
  );
  expect([synchronous.rows, keys.rows]).toEqual([[{ synchronous: 2 }], [{ foreign_keys: 1 }]]);
  const outside = new Database(file, { readonly: true });
  expect(outside.pragma('journal_mode', { simple: true })).toBe('wal');
  outside.close();
});

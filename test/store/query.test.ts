import { CompiledQuery } from 'kysely';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { buildersFor, prepare, statementOf } from '../../src/store/query.ts';
import { openTestStore, type Tables } from './support.ts';

describe('prepare', () => {
  const tables = buildersFor<Tables>();

  test('compiles once and binds values by name, beside constants', () => {
    let builds = 0;
    const find = prepare((is: { title: string; most: number }) => {
      builds++;
      return tables
        .selectFrom('note')
        .select('id')
        .where('title', '=', is.title)
        .where('body', '=', 'constant')
        .where('title', '!=', is.title)
        .limit(is.most);
    });
    const a = statementOf(find({ title: 'a', most: 1 }));
    const b = statementOf(find({ title: 'b', most: 2 }));
    expect(builds).toBe(1);
    expect(a.sql).toBe(b.sql);
    expect(a.parameters).toEqual(['a', 'constant', 'a', 1]);
    expect(b.parameters).toEqual(['b', 'constant', 'b', 2]);
  });

  test('keeps the row type, for every kind of statement', async () => {
    const store = await openTestStore();
    const add = prepare((is: { title: string; body: string | null }) =>
      tables
        .insertInto('note')
        .values({ title: is.title, body: is.body })
        .onConflict((conflict) => conflict.column('title').doUpdateSet({ body: is.body }))
        .returning('title'),
    );
    const find = prepare((is: { title: string }) =>
      tables.selectFrom('note').select('body').where('title', '=', is.title),
    );
    const [added] = await store.write(
      add({ title: 'a', body: null }),
      add({ title: 'b', body: 'x' }),
    );
    expectTypeOf(added.rows).toEqualTypeOf<readonly { title: string }[]>();
    await store.write(add({ title: 'a', body: 'y' }));
    const row = await store.first(find({ title: 'a' }));
    expectTypeOf(row).toEqualTypeOf<{ body: string | null } | undefined>();
    expect(row).toEqual({ body: 'y' });
  });
});

test('a builder cannot run its query', async () => {
  const query = buildersFor<Tables>().selectFrom('note').selectAll();
  await expect(query.execute()).rejects.toMatchObject({ kind: 'query' });
});

test('a wrong parameter is named by its place, not its value', () => {
  const wrong = CompiledQuery.raw('select ?, ?', [1, { secret: 'x' }]);
  expect(() => statementOf(wrong)).toThrow('parameter 2 is of type object, in: select ?, ?');
});

test('a Buffer is copied, without the pool it is part of', () => {
  const part = Buffer.from('secret').subarray(0, 2);
  const [copy] = statementOf(CompiledQuery.raw('select ?', [part])).parameters;
  expect(copy).toEqual(Uint8Array.from(Buffer.from('se')));
  expect(copy instanceof Uint8Array && copy.buffer.byteLength).toBe(2);
});

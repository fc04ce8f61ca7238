import { expect, test } from 'vitest';
import { manyRows } from '../../src/store/many.ts';

const insert = manyRows(2, (rows) => `INSERT INTO pair (a, b) VALUES ${rows}`);

test.each([
  [0, []],
  [1, [1]],
  [3, [1, 1, 1]],
  [5, [4, 1]],
  [150, [64, 64, 16, 4, 1, 1]],
])('%i rows take few statements, of few texts', (count, sizes) => {
  const values = Array.from({ length: 2 * count }, (_, index) => index);
  const queries = insert(values);
  expect(queries.map(({ parameters }) => parameters.length / 2)).toEqual(sizes);
  expect(queries.flatMap(({ parameters }) => parameters)).toEqual(values);
  for (const { sql, parameters } of queries)
    expect(sql.match(/\?/g)).toHaveLength(parameters.length);
});

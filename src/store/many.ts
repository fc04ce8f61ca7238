/** Statements that take the values of many rows at once: what a row costs is mostly its statement. */
import { CompiledQuery } from 'kysely';
import type { SqlValue } from './protocol.ts';

/** Rows of one statement: few sizes make up any number, so that few texts are ever prepared. */
const SIZES = [64, 16, 4, 1] as const;

/**
 * Makes what turns the values of rows, one after the other, into as few statements as can be.
 * @param width values of a row
 * @param textOf the SQL around the rows, which it is given as `(?, ?), (?, ?) …`
 */
export function manyRows(
  width: number,
  textOf: (rows: string) => string,
): (values: readonly SqlValue[]) => CompiledQuery[] {
  const row = `(${Array(width).fill('?').join(', ')})`;
  const bySize = SIZES.map(
    (size) => [size, CompiledQuery.raw(textOf(Array(size).fill(row).join(', ')))] as const,
  );
  return (values) => {
    const queries: CompiledQuery[] = [];
    let from = 0;
    for (const [size, query] of bySize)
      while (values.length - from >= size * width) {
        queries.push({ ...query, parameters: values.slice(from, from + size * width) });
        from += size * width;
      }
    return queries;
  };
}

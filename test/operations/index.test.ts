import { describe, expect, test } from 'vitest';
import { describeOperation } from '../../src/core/operation-description.ts';
import { declaredOperations } from '../../src/operations/index.ts';
import { moduleOperations } from '../support/module-operations.ts';

const all = [...declaredOperations(), ...(await moduleOperations())];
const descriptions = all.map(describeOperation);

describe('the operations', () => {
  test('can be described without a server', () => {
    expect(descriptions.map(({ name }) => name)).toContain('accounts.add');
    expect(JSON.parse(JSON.stringify(descriptions))).toEqual(descriptions);
  });

  test.each(descriptions)('$name explains itself and all of its input', (description) => {
    const { summary, input, positional, secret, command } = description;
    expect(summary).toMatch(/^[A-Z].*\.$/);
    expect(command.length).toBeGreaterThan(0);
    const fields = Object.entries(input.properties ?? {});
    for (const [field, schema] of fields) expect(schema.description, field).toMatch(/\.$/);
    const names = fields.map(([field]) => field);
    expect(names).toEqual(expect.arrayContaining([...positional, ...secret]));
  });

  test('a watch is described by one of its values', () => {
    const watch = descriptions.find(({ name }) => name === 'watch.account');
    expect(Object.keys(watch?.output.properties ?? {})).toEqual([
      'at',
      'direction',
      'stream',
      'xml',
    ]);
  });
});

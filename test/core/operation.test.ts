/** How an operation refuses an input. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { domain } from '../../src/config/fields.ts';
import { createOperations, operation, success } from '../../src/core/operation.ts';
import { createLog } from '../../src/kit/log.ts';
import { StoreError } from '../../src/store/store.ts';

const OPERATIONS = createOperations(
  [
    operation({
      name: 'test.take',
      command: ['test', 'take'],
      summary: 'Take something.',
      effect: 'read',
      input: z.object({
        name: z.string().min(1).max(5).optional(),
        word: z.string().min(3, 'A word has three letters.').optional(),
        days: z.int().min(0).max(9).optional(),
        jids: z.array(z.string()).max(1).optional(),
        dns: z.array(z.string().regex(/^\d+$/, 'is no number')).optional(),
        words: z.array(z.enum(['one', 'two'])).optional(),
        names: z.array(domain()).optional(),
      }),
      output: z.object({}),
      run: () => success({}),
    }),
  ],
  {
    audit: { record: async () => {} },
    log: createLog({ level: 'silent' }).area('test'),
    mayRun: () => true,
  },
);

test.each([
  ['name', '', 'Something has to be written here.'],
  ['name', 'much too long', 'It has at most 5 characters.'],
  ['word', 'ab', 'A word has three letters.'],
  ['days', -1, 'It is at least 0.'],
  ['days', 10, 'It is at most 9.'],
  ['jids', ['a', 'b'], 'There are at most 1.'],
  ['dns', ['x'], "'x' is no number"],
  ['dns', ['1', 'x'], "'x' (number 2 of 2) is no number"],
  ['dns', ['x', 'y'], "'x' (number 1 of 2) is no number; 'y' (number 2 of 2) is no number"],
  ['dns', [7], 'It is a text.'],
  ['dns', ['1', 7], 'number 2 of 2: It is a text.'],
  ['words', ['one', 'on'], "'on' (number 2 of 2): It is one of one, two."],
  ['names', ['a', 'b c'], expect.stringMatching(/^'b c' \(number 2 of 2\) is not a domain: /)],
])('%s %j is refused in words for a person', async (field, value, text) => {
  const actor = { name: 'root', via: 'socket' } as const;
  const outcome = await OPERATIONS.run('test.take', { [field]: value }, actor);
  expect(outcome).toMatchObject({ ok: false, why: 'invalid-input', fields: { [field]: text } });
});

test('the disk is full: what was done is told, what has to be noted first is not shown', async () => {
  const of = (effect: 'read' | 'change') =>
    operation({
      name: `test.${effect}`,
      command: ['test', effect],
      summary: 'Do something.',
      effect,
      isAudited: true,
      input: z.object({ isFailing: z.boolean().default(false) }),
      output: z.object({ done: z.boolean() }),
      run: async ({ isFailing }) => (isFailing ? Promise.reject(full) : success({ done: true })),
    });
  const full = new StoreError('full', 'database or disk is full');
  const operations = createOperations([of('read'), of('change')], {
    audit: { record: () => Promise.reject(full) },
    log: createLog({ level: 'silent' }).area('test'),
    mayRun: () => true,
  });
  const actor = { name: 'root', via: 'socket' } as const;
  const told = { ok: false, why: 'unavailable', text: 'The database: database or disk is full.' };
  expect(await operations.run('test.change', {}, actor)).toEqual(success({ done: true }));
  expect(await operations.run('test.change', { isFailing: true }, actor)).toEqual(told);
  expect(await operations.run('test.read', {}, actor)).toEqual(told);
});

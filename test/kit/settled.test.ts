import { expect, test } from 'vitest';
import { bothSettled } from '../../src/kit/settled.ts';

test('resolves when both are over, well or not, and holds nothing of them', async () => {
  const done: string[] = [];
  const late = Promise.reject(new Error('late')).finally(() => done.push('late'));
  expect(await bothSettled(bothSettled(undefined, 'rows'), late)).toBeUndefined();
  expect(done).toEqual(['late']);
});

import { expect, test } from 'vitest';
import { Patience } from '../../../src/modules/offline/patience.ts';

const after = (...answers: readonly number[]) => {
  const patience = new Patience();
  for (const ms of answers) patience.note(ms);
  return patience.ms;
};

test('nobody waits less than two round trips of a wired line, nor for ever', () => {
  expect(after()).toBe(40);
  expect(after(...Array(1000).fill(1))).toBe(40);
  expect(after(...Array(1000).fill(86_400_000))).toBe(200);
});

test('who is usually answered late waits for twice as long', () => {
  expect(after(...Array(1000).fill(60))).toBeCloseTo(120, 0);
});

test('one late answer, or a clock that was set back, changes little', () => {
  expect(after(...Array(1000).fill(30), 5000)).toBeLessThan(70);
  expect(after(...Array(1000).fill(30), -5000)).toBeGreaterThan(55);
});

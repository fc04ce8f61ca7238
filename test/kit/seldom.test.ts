import { expect, test } from 'vitest';
import { seldom } from '../../src/kit/seldom.ts';
import { manualClock } from '../support/clock.ts';

test('a thing that happens often is said at once, and later how often it was', () => {
  const clock = manualClock();
  const said: unknown[] = [];
  const happens = seldom<string>(clock, 1000, (...all) => void said.push(all));
  for (const each of ['a', 'b', 'c']) happens(each);
  clock.advance(999);
  happens('d');
  clock.advance(1);
  happens('e');
  clock.advance(1000);
  happens('f');
  expect(said).toEqual([
    ['a', 0],
    ['e', 3],
    ['f', 0],
  ]);
});

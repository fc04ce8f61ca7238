import { describe, expect, test } from 'vitest';
import { BoundedMap, RateLimit } from '../../src/kit/limits.ts';
import { manualClock } from '../support/clock.ts';

describe('BoundedMap', () => {
  test('forgets the least recently used', () => {
    const map = new BoundedMap<string, number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.get('a');
    map.set('c', 3);
    expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([1, undefined, 3, 2]);
  });

  test('deletes and clears', () => {
    const map = new BoundedMap<string, number>(2);
    map.set('a', 1);
    map.delete('a');
    map.set('b', 2);
    map.clear();
    expect(map.size).toBe(0);
  });
});

describe('RateLimit', () => {
  test('gives a burst, then so many a second', () => {
    const clock = manualClock();
    const limit = new RateLimit<string>(clock, { burst: 2, perSecond: 1 });
    expect([limit.take('x'), limit.take('x'), limit.take('x')]).toEqual([true, true, false]);
    expect(limit.take('y')).toBe(true);
    clock.advance(1000);
    expect([limit.take('x'), limit.take('x')]).toEqual([true, false]);
    limit.clear('x');
    expect(limit.take('x', 2)).toBe(true);
  });

  test('can be asked without taking', () => {
    const limit = new RateLimit<string>(manualClock(), { burst: 1, perSecond: 0 });
    expect([limit.has('x'), limit.has('x'), limit.take('x'), limit.has('x')]).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });
});

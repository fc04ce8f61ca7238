import { describe, expect, test } from 'vitest';
import { BoundedMap, RateLimit } from '../../src/kit/limits.ts';
import { manualClock } from '../support/clock.ts';

describe('BoundedMap', () => {
  test('keeps what is used, forgets what is not, and never holds more than its bound', () => {
    const map = new BoundedMap<string, number>(10);
    map.set('used', 0);
    for (let index = 1; index <= 100; index += 1) {
      map.set(`once ${index}`, index);
      expect(map.get('used')).toBe(0);
      expect(map.size).toBeLessThanOrEqual(10);
    }
    expect(map.get('once 1')).toBeUndefined();
    expect(map.get('once 100')).toBe(100);
  });

  test('a value that is set anew replaces the old one in either generation', () => {
    const map = new BoundedMap<string, number>(2);
    map.set('a', 1);
    map.set('b', 2);
    map.set('a', 3);
    expect([map.get('a'), map.size]).toEqual([3, 2]);
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

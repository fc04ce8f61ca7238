import { describe, expect, test } from 'vitest';
import { createLanes } from '../../../src/modules/push/lanes.ts';
import { createPace } from '../../../src/modules/push/pace.ts';
import { manualClock } from '../../support/clock.ts';

describe('lanes', () => {
  const setUp = (limits: { perLane: number; total: number }) => {
    const lanes = createLanes(limits);
    const begun: string[] = [];
    const done = new Map<string, () => void>();
    const run = (lane: string, name: string) =>
      lanes.run(lane, () => {
        begun.push(name);
        return new Promise((resolve) => done.set(name, resolve));
      });
    const end = async (name: string) => {
      done.get(name)?.();
      await new Promise((resolve) => setImmediate(resolve));
    };
    return { begun, run, end };
  };

  test('a lane has so much room, and goes on in its order', async () => {
    const { begun, run, end } = setUp({ perLane: 2, total: 10 });
    for (const name of ['1', '2', '3', '4']) run('a', name);
    run('b', 'x');
    expect(begun).toEqual(['1', '2', 'x']);
    await end('2');
    expect(begun).toEqual(['1', '2', 'x', '3']);
    await end('1');
    await end('3');
    expect(begun).toEqual(['1', '2', 'x', '3', '4']);
  });

  test('where all is full, each lane has its turn', async () => {
    const { begun, run, end } = setUp({ perLane: 2, total: 2 });
    for (const name of ['a1', 'a2', 'a3', 'a4']) run('a', name);
    for (const name of ['b1', 'b2']) run('b', name);
    expect(begun).toEqual(['a1', 'a2']);
    for (const name of ['a1', 'a2', 'b1']) await end(name);
    expect(begun.slice(2)).toEqual(['a3', 'b1', 'a4']);
    for (const name of ['a3', 'a4']) await end(name);
    expect(begun.slice(5)).toEqual(['b2']);
  });
});

describe('pace', () => {
  test('a few go at once, then one in its time; a rest allows a few again', () => {
    const clock = manualClock();
    const pace = createPace(clock);
    const delays = (count: number) => Array.from({ length: count }, () => pace.delay('a', 6));
    expect(delays(4)).toEqual([0, 0, 0, 10_000]);
    clock.advance(9000);
    expect(delays(1)).toEqual([1000]);
    expect(pace.delay('b', 6)).toBe(0);
    clock.advance(1000);
    expect(delays(2)).toEqual([0, 10_000]);
    clock.advance(3_600_000);
    expect(delays(4)).toEqual([0, 0, 0, 10_000]);
  });
});

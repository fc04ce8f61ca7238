import { describe, expect, test } from 'vitest';
import { Received, readCounter, Unacknowledged } from '../../src/stream/acks.ts';

describe('XEP-0198 §4: what came and is handled', () => {
  test('counts from zero, one for each stanza', () => {
    const received = new Received();
    expect(received.handled).toBe(0);
    received.pass();
    received.pass();
    expect(received.handled).toBe(2);
  });

  test('a stanza that is not durable yet holds back those after it', () => {
    const received = new Received();
    const first = received.begin();
    received.pass();
    const third = received.begin();
    received.settle(third);
    expect(received.handled).toBe(0);
    expect(received.isSettled).toBe(false);
    received.settle(first);
    expect(received.handled).toBe(3);
    expect(received.isSettled).toBe(true);
  });

  test('tells once all that had come by then is handled, whatever came later', () => {
    const received = new Received(7);
    const places = [received.begin(), received.begin()];
    const told: number[] = [];
    received.whenSettled(() => told.push(received.handled));
    received.begin();
    for (const place of places) received.settle(place);
    expect(told).toEqual([9]);
  });

  test('settles thousands in any order', () => {
    const received = new Received();
    const places = Array.from({ length: 5000 }, () => received.begin());
    for (const place of [...places].reverse()) received.settle(place);
    expect(received.handled).toBe(5000);
    for (const place of places) received.settle(place); // said twice, it changes nothing
    expect(received.handled).toBe(5000);
  });

  test('the counter goes from 2^32-1 to zero', () => {
    const received = new Received(2 ** 32 - 1);
    received.pass();
    expect(received.handled).toBe(0);
  });
});

describe('XEP-0198 §4: what went and is not acknowledged', () => {
  test('takes out what a counter covers, and keeps the rest in order', () => {
    const sent = new Unacknowledged<string>();
    for (const each of ['a', 'b', 'c']) sent.push(each);
    expect(sent.acknowledge(2)).toEqual(['a', 'b']);
    expect(sent.acknowledge(2)).toEqual([]);
    expect(sent.list()).toEqual(['c']);
  });

  test('refuses a counter that is too high, or lower than one before', () => {
    const sent = new Unacknowledged<string>();
    sent.push('a');
    expect(sent.acknowledge(2)).toBeUndefined();
    expect(sent.acknowledge(1)).toEqual(['a']);
    expect(sent.acknowledge(0)).toBeUndefined();
  });

  test('wraps around at 2^32', () => {
    const sent = new Unacknowledged<string>(2 ** 32 - 1);
    sent.push('a');
    sent.push('b');
    expect(sent.acknowledge(1)).toEqual(['a', 'b']);
  });

  test('survives being emptied a thousand times', () => {
    const sent = new Unacknowledged<number>();
    for (let each = 0; each < 1000; each += 1) {
      sent.push(each);
      if (each % 3 === 0) sent.acknowledge(each);
    }
    expect(sent.list()).toEqual([999]);
    expect(sent.takeAll()).toEqual([999]);
    expect(sent.length).toBe(0);
  });

  test.each([
    [10, 10, false],
    [10, 9, true],
    [10, 11, false],
    [2, 2 ** 32 - 1, true],
    [2 ** 32 - 1, 2, false],
  ])('where %i were acknowledged, %i is of the past: %s', (acknowledged, handled, isPast) => {
    expect(new Unacknowledged(acknowledged).isPast(handled)).toBe(isPast);
  });
});

describe('the counter as text', () => {
  test.each([
    ['0', 0],
    ['4294967295', 2 ** 32 - 1],
    ['4294967296', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%s is %s', (text, value) => expect(readCounter(text)).toBe(value));
});

/** XEP-0198 §4: when requests are answered. */
import { expect, test } from 'vitest';
import { Managed } from '../../src/c2s/managed.ts';
import { manualClock } from '../support/clock.ts';

function managed() {
  const clock = manualClock();
  const counts: string[] = [];
  const stream = new Managed({
    clock,
    resumeId: undefined,
    resumeMs: 0,
    write: (text) => void counts.push(/h="(\d+)"/.exec(text)?.[1] ?? text),
  });
  return { clock, counts, stream };
}

test('at once where all is handled, and else once it is', () => {
  const { clock, counts, stream } = managed();
  stream.answer();
  const place = stream.received.begin();
  stream.answer();
  expect(counts).toEqual(['0']);
  stream.received.settle(place);
  clock.advance(60_000);
  expect(counts).toEqual(['0', '1']);
});

test('each of them after a while at the latest, however long it takes', () => {
  const { clock, counts, stream } = managed();
  const place = stream.received.begin();
  for (let requests = 1; requests <= 3; requests += 1) {
    stream.answer();
    clock.advance(1000);
    expect(counts).toHaveLength(requests);
  }
  clock.advance(60_000);
  expect(counts).toEqual(['0', '0', '0']);
  stream.received.settle(place);
  expect(counts.slice(3)).toContain('1');
});

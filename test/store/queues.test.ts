import { describe, expect, test } from 'vitest';
import { StoreError } from '../../src/store/errors.ts';
import type { EngineClient } from '../../src/store/port.ts';
import type { GroupReply, GroupRequest } from '../../src/store/protocol.ts';
import { WriteQueue } from '../../src/store/queues.ts';
import { manualClock } from '../support/clock.ts';

/** An engine that keeps the groups it is given, and answers when told. */
function heldEngine() {
  const groups: { size: number; answer(): Promise<void>; fail(): Promise<void> }[] = [];
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  const call = (_: string, request: GroupRequest) => {
    const { promise, resolve, reject } = deferred<GroupReply>();
    const answer = () => {
      resolve({ outcomes: request.batches.map(() => []), ms: 1 });
      return turn();
    };
    const fail = () => {
      reject(new StoreError('io', 'the commit failed'));
      return turn();
    };
    groups.push({ size: request.batches.length, answer, fail });
    return promise;
  };
  return { groups, turn, client: { call, close: turn } as unknown as EngineClient };
}

function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

function queueWith(engine: EngineClient, groupMs: number) {
  const clock = manualClock();
  const queue = new WriteQueue({ engine, clock, groupMs, most: 10_000, onCommit: () => {} });
  const write = () => queue.add([{ sql: 'x', parameters: [] }]);
  return { clock, queue, write };
}

describe('WriteQueue', () => {
  test('a lone write goes at once; those that follow wait for company', async () => {
    const { groups, turn, client } = heldEngine();
    const { clock, write } = queueWith(client, 5);
    const lone = write();
    await turn();
    expect(groups.map(({ size }) => size)).toEqual([1]);
    const during = write();
    await groups[0]?.answer();
    await lone;
    const after = write();
    clock.advance(4);
    await turn();
    expect(groups).toHaveLength(1);
    clock.advance(1);
    expect(groups.map(({ size }) => size)).toEqual([1, 2]);
    await groups[1]?.answer();
    await Promise.all([during, after]);
  });

  test('a failed commit rejects its whole group and not the next', async () => {
    const { groups, turn, client } = heldEngine();
    const { write, queue } = queueWith(client, 0);
    const outcomes = Promise.allSettled([write(), write()]);
    await turn();
    const next = write();
    await groups[0]?.fail();
    await turn();
    await groups[1]?.answer();
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await next).toEqual([]);
    expect(queue.size).toBe(0);
  });

  test('a great many writes are spread over groups of a bounded size', async () => {
    const { groups, turn, client } = heldEngine();
    const { write, queue } = queueWith(client, 5);
    const all = Promise.all(Array.from({ length: 4500 }, write));
    for (const index of [0, 1]) {
      await turn();
      await groups[index]?.answer();
    }
    const drained = queue.drain();
    await turn();
    await groups[2]?.answer();
    await Promise.all([all, drained]);
    expect(groups.map(({ size }) => size)).toEqual([2000, 2000, 500]);
  });
});

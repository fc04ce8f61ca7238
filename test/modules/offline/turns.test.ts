import { expect, test } from 'vitest';
import { deferred } from '../../../src/kit/deferred.ts';
import { Turns } from '../../../src/modules/offline/turns.ts';
import { bare } from '../../operations/support.ts';

const joe = bare('joe@falcot.com');
/** Longer than new messages wait. */
const LONG_MS = 3000;

/** Turns by a clock whose timers a test sets off, as late and in whatever order it likes. */
function stage() {
  let time = 0;
  const timers: (() => void)[] = [];
  const clock = {
    now: () => time,
    monotonic: () => time,
    after(_: number, task: () => void) {
      timers.push(task);
      return { cancel: () => void timers.splice(timers.indexOf(task), 1) };
    },
    every: () => ({ cancel() {} }),
  };
  const turns = new Turns(clock);
  const passed: string[] = [];
  const say = async (text: string) => {
    await turns.pass(joe);
    passed.push(text);
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const elapse = () => {
    time += LONG_MS;
  };
  return { turns, timers, passed, say, settle, elapse };
}

test('new messages go in the order in which they came, when the turn is over', async () => {
  const { turns, passed, say, settle } = stage();
  const work = deferred<void>();
  void turns.take(joe, () => work.promise);
  for (const text of ['1', '2', '3']) void say(text);
  await settle();
  expect(passed).toEqual([]);
  work.resolve();
  await settle();
  expect(passed).toEqual(['1', '2', '3']);
});

test('and when it takes too long, however late timers are', async () => {
  const { turns, timers, passed, say, settle, elapse } = stage();
  void turns.take(joe, () => deferred<void>().promise);
  for (const text of ['1', '2', '3']) void say(text);
  for (const timer of timers.slice(1, 2)) timer();
  await settle();
  expect(passed).toEqual(['1', '2']);
  elapse();
  void say('4');
  await settle();
  expect(passed).toEqual(['1', '2', '3', '4']);
  expect(timers).toEqual([]);
  void say('5');
  await settle();
  expect(passed.at(-1)).toBe('5');
});

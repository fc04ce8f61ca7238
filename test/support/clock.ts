/** A clock that stands still until the test moves it. */
import type { Clock } from '../../src/kit/clock.ts';

/** A {@link Clock} with hands. */
export interface ManualClock extends Clock {
  /** Moves time on by `ms` and fires, in order, the timers that fall due. */
  advance(ms: number): void;
  /** Sets the time of day (ms since the epoch), as an admin does: no time passes. */
  set(now: number): void;
}

/** Makes a clock that starts at `begin` (ms since the epoch). */
export function manualClock(begin = Date.UTC(2026, 0, 1)): ManualClock {
  let start = begin;
  let elapsed = 0;
  const due: { at: number; every: number | undefined; task: () => void }[] = [];
  const add = (ms: number, every: number | undefined, task: () => void) => {
    const entry = { at: elapsed + ms, every, task };
    due.push(entry);
    return {
      cancel() {
        const index = due.indexOf(entry);
        if (index >= 0) due.splice(index, 1);
      },
    };
  };
  return {
    now: () => start + elapsed,
    monotonic: () => elapsed,
    after: (ms, task) => add(ms, undefined, task),
    every: (ms, task) => add(ms, ms, task),
    advance(ms) {
      const end = elapsed + ms;
      for (;;) {
        const next = due.filter((entry) => entry.at <= end).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        elapsed = next.at;
        if (next.every === undefined) due.splice(due.indexOf(next), 1);
        else next.at += next.every;
        next.task();
      }
      elapsed = end;
    },
    set(now) {
      start = now - elapsed;
    },
  };
}

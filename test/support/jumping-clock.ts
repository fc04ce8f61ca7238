/** The machine's clock, which a test can set forward: what falls due meanwhile happens at once. */
import { type Clock, systemClock, type Timer } from '../../src/kit/clock.ts';

/** A {@link Clock} that runs, and jumps when told. */
export interface JumpingClock extends Clock {
  /** Sets it forward by `ms`, and fires in order the timers that fall due. */
  jump(ms: number): void;
}

interface Entry {
  at: number;
  readonly every: number | undefined;
  readonly task: () => void;
  real: Timer | undefined;
}

/** Makes a clock that agrees with the machine's. */
export function jumpingClock(): JumpingClock {
  const entries = new Set<Entry>();
  let ahead = 0;
  const monotonic = () => systemClock.monotonic() + ahead;

  const fire = (entry: Entry) => {
    entry.real?.cancel();
    if (entry.every === undefined) entries.delete(entry);
    else {
      entry.at += entry.every;
      arm(entry);
    }
    entry.task();
  };
  const arm = (entry: Entry) => {
    const rest = Math.max(0, entry.at - monotonic());
    entry.real = systemClock.after(rest, () => fire(entry));
  };
  const start = (ms: number, every: number | undefined, task: () => void): Timer => {
    const entry: Entry = { at: monotonic() + ms, every, task, real: undefined };
    entries.add(entry);
    arm(entry);
    return {
      cancel() {
        entries.delete(entry);
        entry.real?.cancel();
      },
    };
  };

  return {
    now: () => systemClock.now() + ahead,
    monotonic,
    after: (ms, task) => start(ms, undefined, task),
    every: (ms, task) => start(ms, ms, task),
    jump(ms) {
      const target = ahead + ms;
      const base = systemClock.monotonic();
      for (;;) {
        const [next] = [...entries].filter(({ at }) => at <= base + target).sort(byTime);
        if (next === undefined) break;
        ahead = Math.max(ahead, next.at - base);
        fire(next);
      }
      ahead = target;
      for (const entry of entries) {
        entry.real?.cancel();
        arm(entry);
      }
    },
  };
}

const byTime = (one: Entry, other: Entry) => one.at - other.at;

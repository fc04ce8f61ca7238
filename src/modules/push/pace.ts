/** How fast things may follow each other, with a few at once: the time each has to wait. */
import type { Clock } from '../../kit/clock.ts';
import { BoundedMap } from '../../kit/limits.ts';

/** Tells when each may go. */
export interface Pace {
  /** 0, and the turn is taken; or after how many ms it may be asked for again. */
  delay(key: string, perMinute: number): number;
}

/** So many may go at once after a rest. */
const BURST = 3;
/** The most keys that are remembered. */
const KEYS = 50_000;

/** Makes a pace for many keys. */
export function createPace(clock: Clock): Pace {
  // For each key when its turns are paid off, in ms of the monotonic clock.
  const paid = new BoundedMap<string, number>(KEYS);
  return {
    delay(key, perMinute) {
      const interval = 60_000 / perMinute;
      const now = clock.monotonic();
      const until = Math.max(now, paid.get(key) ?? 0);
      const wait = until - (BURST - 1) * interval - now;
      if (wait > 0) return wait;
      paid.set(key, until + interval);
      return 0;
    },
  };
}

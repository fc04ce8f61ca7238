/** Time as a value that is passed in, so that logic can be tested without waiting. */

/** A timer that was started by a {@link Clock}. */
export interface Timer {
  /** Stops the timer; harmless when it has fired or was cancelled. */
  cancel(): void;
}

/** The one source of time: logic never asks `Date` itself. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds on a scale that never jumps, for durations. */
  monotonic(): number;
  /** Calls `task` once after `ms` milliseconds. Does not keep the process alive. */
  after(ms: number, task: () => void): Timer;
  /** Calls `task` each `ms` milliseconds until cancelled. Does not keep the process alive. */
  every(ms: number, task: () => void): Timer;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, task) {
    const handle = setTimeout(task, ms).unref();
    return { cancel: () => clearTimeout(handle) };
  },
  every(ms, task) {
    const handle = setInterval(task, ms).unref();
    return { cancel: () => clearInterval(handle) };
  },
};

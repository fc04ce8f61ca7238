/**
 * The numbers of archived messages: they rise by the order in which messages came, are never given
 * twice, and tell the time, so that a span of time is a span of numbers.
 */

/** Numbers for each millisecond. They stay safe integers until the year 2109. */
const PER_MS = 2048;

/** The least number that a message of a moment has; `ms` counts from the epoch. */
export const serialAt = (ms: number): number => ms * PER_MS;

/** A moment, and the number of a message that came then. */
export interface Place {
  readonly serial: number;
  /** When the message came, in ms since the epoch. */
  readonly at: number;
}

/** Gives numbers. */
export interface Serials {
  /** The number of a message that comes now. */
  next(): Place;
  /** A number was given to a message of another time. */
  note(place: Place): void;
  /** The last number that was given, here or before. */
  readonly last: number;
  /**
   * By how many ms a number is ahead of its message's time, at most. It is 0 unless the clock was set
   * back, or more messages came in a millisecond than there are numbers for it.
   */
  readonly drift: number;
}

/** What is remembered from one start to the next. */
export interface SerialState {
  readonly last: number;
  readonly drift: number;
}

/** Goes on where another one ended. */
export function createSerials(now: () => number, state: SerialState): Serials {
  let { last, drift } = state;
  return {
    next() {
      const at = now();
      last = Math.max(last + 1, serialAt(at));
      drift = Math.max(drift, Math.floor(last / PER_MS) - at);
      return { serial: last, at };
    },
    note({ serial, at }) {
      last = Math.max(last, serial);
      drift = Math.max(drift, Math.floor(serial / PER_MS) - at);
    },
    get last() {
      return last;
    },
    get drift() {
      return drift;
    },
  };
}

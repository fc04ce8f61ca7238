/** Gives each of many things the same while, and then hands them on in groups, in their order. */
import type { Clock, Timer } from '../kit/clock.ts';

/** The things that have a while. */
export class Grace<T> {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #due: (things: readonly T[]) => void;
  #waiting: { readonly thing: T; readonly until: number }[] = [];
  #timer: Timer | undefined;

  /** @param due takes those whose while of `ms` milliseconds is over */
  constructor(clock: Clock, ms: number, due: (things: readonly T[]) => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#due = due;
  }

  /** Begins the while of one. */
  add(thing: T): void {
    this.#waiting.push({ thing, until: this.#clock.monotonic() + this.#ms });
    if (this.#timer === undefined) this.#arm(this.#ms);
  }

  /** Ends the while of all: they are handed on now. */
  end(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#handOn(this.#waiting.length);
  }

  #arm(ms: number): void {
    this.#timer = this.#clock.after(ms, () => {
      this.#timer = undefined;
      const now = this.#clock.monotonic();
      const later = this.#waiting.findIndex(({ until }) => until > now);
      this.#handOn(later === -1 ? this.#waiting.length : later);
      const [first] = this.#waiting;
      if (first !== undefined) this.#arm(Math.max(1, first.until - now));
    });
  }

  #handOn(count: number): void {
    if (count === 0) return;
    const over = this.#waiting.splice(0, count);
    this.#due(over.map(({ thing }) => thing));
  }
}

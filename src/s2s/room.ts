/**
 * Holds back who asks by dialback and does not read our answers: whoever connects may ask, and what is
 * answered waits in memory.
 */
import type { Clock } from '../kit/clock.ts';
import { deferred } from '../kit/deferred.ts';

/** How long he is held back. Two servers that hold each other back must not do so for ever. */
const LONGEST_MS = 30_000;

/** The stream that is held back. */
export interface RoomPort {
  readonly clock: Clock;
  /** Whether so much waits to be read by the other side that nothing should be added. */
  isFull(): boolean;
  /** Reads nothing more until the work is done. */
  hold(work: Promise<void>): void;
}

/** The room that one stream has for answers. */
export class Room {
  readonly #port: RoomPort;
  #open: (() => void) | undefined;

  constructor(port: RoomPort) {
    this.#port = port;
  }

  /** Something was answered: holds the asker back if there is no room for more. */
  check(): void {
    const { clock, isFull, hold } = this.#port;
    if (this.#open !== undefined || !isFull()) return;
    const { promise, resolve } = deferred<void>();
    const timer = clock.after(LONGEST_MS, () => this.open());
    this.#open = () => {
      timer.cancel();
      this.#open = undefined;
      resolve();
    };
    hold(promise);
  }

  /** There is room again, or nobody is there to ask any more. */
  open(): void {
    this.#open?.();
  }
}

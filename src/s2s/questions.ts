/**
 * What was asked by dialback on one stream and is not answered yet. An answer that nobody asked for
 * on that very stream means nothing (XEP-0220 §3.1).
 */
import type { Clock, Timer } from '../kit/clock.ts';
import { deferred } from '../kit/deferred.ts';
import type { DialbackAnswer } from './dialback.ts';

/** How long an answer may take: the other side has to find a third one first. */
const PATIENCE_MS = 30_000;

interface Open {
  readonly promise: Promise<DialbackAnswer>;
  settle(answer: DialbackAnswer): void;
}

/** The open questions of one stream. */
export class Questions {
  readonly #clock: Clock;
  readonly #open = new Map<string, Open>();
  /** How all is answered once nothing can be asked any more. */
  #ended: DialbackAnswer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many wait. */
  get size(): number {
    return this.#open.size;
  }

  /** Asks, unless the same was asked already; the promise never rejects. */
  ask(key: string, send: () => void): Promise<DialbackAnswer> {
    if (this.#ended !== undefined) return Promise.resolve(this.#ended);
    const before = this.#open.get(key);
    if (before !== undefined) return before.promise;
    let timer: Timer | undefined;
    const { promise, resolve } = deferred<DialbackAnswer>();
    const settle = (answer: DialbackAnswer) => {
      timer?.cancel();
      this.#open.delete(key);
      resolve(answer);
    };
    timer = this.#clock.after(PATIENCE_MS, () => settle(failed('no answer came in time')));
    this.#open.set(key, { promise, settle });
    send();
    return promise;
  }

  /** Whether something was asked and is not answered. */
  has(key: string): boolean {
    return this.#open.has(key);
  }

  /** Takes an answer; false when nothing of the kind was asked. */
  answer(key: string, answer: DialbackAnswer): boolean {
    const open = this.#open.get(key);
    open?.settle(answer);
    return open !== undefined;
  }

  /**
   * The stream is over: all that is open has failed (§2.1).
   * @param condition that of the stream error by which the other side ended it, if there was one
   */
  end(why: string, condition?: string): void {
    this.#ended ??= failed(why, condition);
    for (const { settle } of [...this.#open.values()]) settle(this.#ended);
  }
}

const failed = (text: string, condition = 'remote-server-timeout'): DialbackAnswer => ({
  type: 'error',
  condition,
  text,
});

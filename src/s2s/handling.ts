/**
 * What came on one stream. Each stanza counts once all that was promised of it is true (DESIGN D1),
 * and the other side is told how many do (XEP-0198 §4).
 */
import type { MaybePromise } from '../core/hooks.ts';
import type { Creditor } from '../core/sessions.ts';
import type { Clock, Timer } from '../kit/clock.ts';
import { ackText, Received } from '../stream/acks.ts';

/** How long what came may take to be handled before it is counted as it is. */
const SETTLE_MS = 2000;
/** How long an answer to a request waits for what came before to be handled. */
const ANSWER_MS = 1000;
/** Stanzas that may be on their way to the disk before no more are read. */
const MAX_UNSETTLED = 1000;

/** The stream under it. */
export interface HandlingPort {
  readonly clock: Clock;
  write(text: string): void;
}

/** What came on one stream, and how much of it is handled. */
export class Handling {
  readonly #port: HandlingPort;
  #received = new Received();
  #unsettled = 0;
  #answering: Timer | undefined;
  #isAnswerDue = false;
  #isOver = false;

  constructor(port: HandlingPort) {
    this.#port = port;
  }

  /** What is counted now. */
  get received(): Received {
    return this.#received;
  }

  /** Counts from zero, or goes on with the count of a stream that is resumed. */
  count(received = new Received()): void {
    this.#received = received;
  }

  /**
   * Has a stanza handled, and counts it once all that was promised of it is true. A promise means
   * that the next one has to wait.
   */
  take(handle: (creditor: Creditor) => MaybePromise<void>): MaybePromise<void> {
    const received = this.#received;
    let place: number | undefined;
    let open = 1;
    const begin = () => {
      this.#unsettled += 1;
      return received.begin();
    };
    const done = () => {
      open -= 1;
      if (open > 0 || place === undefined) return;
      this.#unsettled -= 1;
      received.settle(place);
    };
    const handled = handle({
      isWaiting: true,
      owe(work) {
        open += 1;
        place ??= begin();
        work.then(done, done);
      },
    });
    if (handled instanceof Promise) {
      place ??= begin();
      return handled.finally(done).then(() => this.#room());
    }
    if (place === undefined) received.pass();
    done();
    return this.#room();
  }

  /** Resolves when there is room for what comes next, or after a while; undefined if there is now. */
  #room(): Promise<void> | undefined {
    return this.#unsettled > MAX_UNSETTLED ? this.settled().then(() => {}) : undefined;
  }

  /** Answers a request, once all that came before it is handled, or after a while. */
  answer(): void {
    this.#isAnswerDue = true;
    if (this.#answering !== undefined) return;
    const received = this.#received;
    const say = () => {
      if (!this.#isAnswerDue || this.#isOver) return;
      this.#isAnswerDue = false;
      this.#answering?.cancel();
      this.#answering = undefined;
      this.#port.write(ackText(received.handled));
    };
    // However many requests come at once, one answer is for all of them.
    if (received.isSettled) return void queueMicrotask(say);
    this.#answering = this.#port.clock.after(ANSWER_MS, say);
    received.whenSettled(say);
  }

  /**
   * Resolves when all that came is handled; after a while, with a count that leaves out what is not:
   * it will be sent again.
   */
  settled(received = this.#received): Promise<Received> {
    return new Promise((resolve) => {
      const timer = this.#port.clock.after(SETTLE_MS, () =>
        resolve(received.isSettled ? received : new Received(received.handled)),
      );
      received.whenSettled(() => {
        timer.cancel();
        resolve(received);
      });
    });
  }

  /** The stream is over: nothing is answered any more. */
  end(): void {
    this.#isOver = true;
    this.#answering?.cancel();
  }
}

/**
 * Whose turn it is to be given what is kept for an account: its sessions, one after the other, and new
 * messages behind them. Nobody waits for long because of one who takes his time.
 */
import { type MaybePromise, type Verdict, verdict } from '../../core/hooks.ts';
import type { BareJid } from '../../jid/jid.ts';
import type { Clock, Timer } from '../../kit/clock.ts';
import { createExclusive } from '../../kit/exclusive.ts';

/** How long new messages wait for older ones to be delivered first. */
const TURN_MS = 2000;

/** A new message that waits. */
interface Newcomer {
  readonly go: () => void;
  readonly timer: Timer;
}

/** What those have in common whose turns follow each other. */
export class Queue {
  #isSlow = false;
  /** Called when the one whose turn it is takes its time: no stream of the account is held up by that. */
  readonly #waiting = new Set<() => void>();
  /** New messages, in the order in which they came. */
  readonly #newcomers = new Set<Newcomer>();

  /** The one whose turn it is waits for its client. */
  async pause(room: Promise<void>): Promise<void> {
    this.#isSlow = true;
    for (const go of this.#waiting) go();
    this.#waiting.clear();
    await room;
    this.#isSlow = false;
  }

  /** Resolves when a turn is over, or when it, or one before it, takes its time. */
  async wait(done: Promise<void>): Promise<void> {
    if (this.#isSlow) return;
    await new Promise<void>((resolve) => {
      this.#waiting.add(resolve);
      void done.then(() => {
        this.#waiting.delete(resolve);
        resolve();
      });
    });
  }

  /**
   * Has a new message wait until turns are done, or for some time. None goes before one that came earlier,
   * however late timers are: what stands in an archive behind another one is also read behind it.
   */
  follow(done: Promise<void>, ms: number, clock: Clock): Promise<void> | undefined {
    if (ms <= 0 && this.#newcomers.size === 0) return undefined;
    return new Promise((resolve) => {
      const timer = clock.after(ms, () => this.#release(one));
      const one = { go: resolve, timer };
      this.#newcomers.add(one);
      if (ms <= 0) this.#release(one);
      else void done.then(() => this.#release(one));
    });
  }

  /** Lets a new message go, and those that came before it. */
  #release(last: Newcomer): void {
    if (!this.#newcomers.has(last)) return;
    for (const one of this.#newcomers) {
      this.#newcomers.delete(one);
      one.timer.cancel();
      one.go();
      if (one === last) return;
    }
  }
}

/** The latest turn of an account. */
interface Latest {
  readonly done: Promise<void>;
  /**
   * Until when new messages wait for it, by the monotonic clock. All wait together: a client that takes
   * its time shall not hold up a whole domain that writes to it, message by message.
   */
  readonly until: number;
  readonly queue: Queue;
}

/** The turns of all accounts. */
export class Turns {
  readonly #clock: Clock;
  readonly #exclusive = createExclusive<BareJid>();
  readonly #latest = new Map<BareJid, Latest>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Does a turn's work when all before it are done.
   * @param work never fails
   * @returns a promise of its end, or of the moment when it is known that it takes its time
   */
  take(account: BareJid, work: (queue: Queue) => Promise<void>): Promise<void> {
    const queue = this.#latest.get(account)?.queue ?? new Queue();
    const done = this.#exclusive(account, () => work(queue));
    const one = { done, until: this.#clock.monotonic() + TURN_MS, queue };
    this.#latest.set(account, one);
    void done.then(() => {
      if (this.#latest.get(account) === one) this.#latest.delete(account);
    });
    return queue.wait(done);
  }

  /** Passes when nothing older is on its way to an account, or it takes too long. */
  pass(account: BareJid): MaybePromise<Verdict> {
    const busy = this.#latest.get(account);
    if (busy === undefined) return verdict.pass;
    const { queue, done, until } = busy;
    const followed = queue.follow(done, until - this.#clock.monotonic(), this.#clock);
    return followed === undefined ? verdict.pass : followed.then(() => verdict.pass);
  }
}

/**
 * Whose turn it is to be given what is kept for an account: its sessions, one after the other, and new
 * messages behind them. Nobody waits for long because of one who takes his time.
 */
import { type MaybePromise, type Verdict, verdict } from '../../core/hooks.ts';
import type { BareJid } from '../../jid/jid.ts';
import type { Clock } from '../../kit/clock.ts';
import { createExclusive } from '../../kit/exclusive.ts';

/** How long new messages wait for older ones to be delivered first. */
const TURN_MS = 2000;

/** What those have in common whose turns follow each other. */
export class Queue {
  #isSlow = false;
  /** Called when the one whose turn it is takes its time: no stream of the account is held up by that. */
  readonly #waiting = new Set<() => void>();

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
    const wait = busy === undefined ? 0 : busy.until - this.#clock.monotonic();
    if (busy === undefined || wait <= 0) return verdict.pass;
    return new Promise((resolve) => {
      const late = this.#clock.after(wait, () => resolve(verdict.pass));
      void busy.done.then(() => {
        late.cancel();
        resolve(verdict.pass);
      });
    });
  }
}

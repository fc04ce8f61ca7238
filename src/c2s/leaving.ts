/**
 * How a session leaves its connection: not before what its client sent is handled, and to sleep where
 * the client may come back to it (XEP-0198 §5).
 */
import type { SessionEnd } from '../core/sessions.ts';
import type { Clock, Timer } from '../kit/clock.ts';
import type { Link } from './link.ts';
import type { ClientSession } from './session.ts';

/** How long a session whose stream is over stays while something that the client sent is being handled. */
const LEAVE_MS = 10_000;

/** The connection that is left. */
export interface Left extends Pick<Link, 'note'> {
  readonly session: ClientSession | undefined;
  /** Whether something that the client sent is being handled. */
  readonly isHeld: boolean;
  /** It has no session from now on. */
  part(): void;
}

/** A session's way out of a connection. */
export class Leaving {
  readonly #connection: Left;
  readonly #clock: Clock;
  /** Set once the session has to end. */
  #end: SessionEnd | undefined;
  #hasSaidGoodbye = false;
  #timer: Timer | undefined;
  #onLeft: (() => void) | undefined;

  constructor(connection: Left, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /** Whether the session has to end, or has. */
  get isDue(): boolean {
    return this.#end !== undefined;
  }

  /** The client closes its stream, so that it will not come back to the session. */
  sayGoodbye(): void {
    this.#hasSaidGoodbye = true;
  }

  /** Says why the session is going to end; what was said first holds. */
  because(end: SessionEnd): void {
    this.#end ??= end;
  }

  /** Ends the session once nothing that the client sent is being handled any more, or after a while. */
  begin(end: SessionEnd, isLate = false): void {
    this.because(end);
    const { session, isHeld } = this.#connection;
    if (session !== undefined && isHeld && !isLate) {
      session.makeRoom(); // what is being handled waits for no reader any more
      this.#timer ??= this.#clock.after(LEAVE_MS, () => this.begin(end, true));
      return;
    }
    this.#timer?.cancel();
    this.#connection.part();
    this.parted();
    if (session !== undefined) this.#dismiss(session, this.#end ?? end);
  }

  /** What was held is handled. */
  released(): void {
    if (this.#end !== undefined) this.begin(this.#end);
  }

  /** The connection has no session any more. */
  parted(): void {
    this.#onLeft?.();
  }

  /** Resolves when the session has left the table, or sleeps. */
  async left(): Promise<void> {
    if (this.#connection.session === undefined) return;
    await new Promise<void>((resolve) => {
      this.#onLeft = resolve;
    });
  }

  #dismiss(session: ClientSession, end: SessionEnd): void {
    if (end.kind === 'lost' && !this.#hasSaidGoodbye && session.sleep()) return;
    this.#connection.note('info', { account: session.jid, why: end.text }, 'session ended');
    void session.remove(end);
  }
}

/** Whether all that was promised to a session's client comes true in time, in ms. */
export function settlesWithin(
  ms: number,
  session: ClientSession | undefined,
  clock: Clock,
): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = clock.after(ms, () => resolve(false));
    const settled = session?.settled() ?? Promise.resolve();
    void settled.then(() => {
      timer.cancel();
      resolve(true);
    });
  });
}

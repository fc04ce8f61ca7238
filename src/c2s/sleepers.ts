/** Sessions that their clients may resume (XEP-0198 §5), whether a client is connected or not. */
import { type BareJid, domainOf } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import { BoundedMap } from '../kit/limits.ts';
import type { ClientSession } from './session.ts';

/** Sessions that are over, of which is remembered how much was handled. */
const REMEMBERED = 10_000;

/** A session that may be resumed; or none, and how much of what its client sent was handled. */
export type Found =
  | { readonly ok: true; readonly session: ClientSession }
  | { readonly ok: false; readonly handled: number | undefined };

/** The sessions that may be resumed. */
export interface Sleepers {
  /** Takes a session that may be resumed from now on. */
  add(id: string, session: ClientSession): void;
  /**
   * Notes that a session sleeps: its client is gone, and may come back for so many ms, whatever the time of
   * day is set to meanwhile.
   */
  sleep(session: ClientSession, ms: number): void;
  /** Notes that a client is back. */
  wake(session: ClientSession): void;
  /** Forgets a session that is over. */
  remove(id: string, session: ClientSession): void;
  /**
   * The session that a client of an account names; those of others are as unknown as none (§8). A guest
   * has another account each time he logs in: to know the id, which nobody can guess, proves that the
   * session of a guest of the same host is his.
   */
  find(id: string, account: BareJid, isGuest: boolean): Found;
  /** Ends those that have slept too long. */
  expire(): void;
  /**
   * Until when the client of a session that sleeps may come back, in ms since the epoch, by what the clock
   * says now: for whoever starts again after this one, and has no other clock in common with it.
   */
  until(session: ClientSession): number | undefined;
  /** Those that sleep, the one that fell asleep first first. */
  asleep(): readonly ClientSession[];
}

/** Makes an empty table. */
export function createSleepers(clock: Clock): Sleepers {
  const byId = new Map<string, ClientSession>();
  /** By the monotonic clock. */
  const untils = new Map<ClientSession, number>();
  const over = new BoundedMap<string, { readonly account: BareJid; readonly handled: number }>(
    REMEMBERED,
  );
  return {
    add: (id, session) => void byId.set(id, session),
    sleep: (session, ms) => void untils.set(session, clock.monotonic() + ms),
    wake: (session) => void untils.delete(session),
    remove(id, session) {
      untils.delete(session);
      if (byId.get(id) !== session) return;
      byId.delete(id);
      over.set(id, { account: session.account, handled: session.handledCount });
    },
    find(id, account, isGuest) {
      const session = byId.get(id);
      if (session?.account === account) return { ok: true, session };
      if (isGuest && session?.isAnonymous === true && session.host === domainOf(account))
        return { ok: true, session };
      const before = over.get(id);
      return { ok: false, handled: before?.account === account ? before.handled : undefined };
    },
    expire() {
      const now = clock.monotonic();
      for (const [session, until] of [...untils])
        if (until <= now) void session.remove({ kind: 'lost', text: 'it was not resumed in time' });
    },
    until(session) {
      const until = untils.get(session);
      return until === undefined ? undefined : clock.now() + Math.round(until - clock.monotonic());
    },
    asleep: () => [...untils.keys()],
  };
}

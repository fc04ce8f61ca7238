/**
 * Watches whether clients that are connected acknowledge what they were sent: a device that is asleep
 * may seem to be there until somebody tries to reach it.
 */
import type { Parcel } from '../../core/parcel.ts';
import type { Session } from '../../core/sessions.ts';
import type { Clock, Timer } from '../../kit/clock.ts';

/** Watches. */
export interface Vigil {
  /**
   * Watches a parcel that a session was handed; `ms` is how long the client may take. `told` is called
   * once: whether the client has it.
   */
  watch(session: Session, parcel: Parcel, ms: number, told: (has: boolean) => void): void;
  /** The session has no client any more, or is over: nothing more will be heard. */
  end(session: Session): void;
  stop(): void;
}

interface Watched {
  readonly parcel: Parcel;
  /** On the monotonic clock. */
  readonly until: number;
  readonly told: (has: boolean) => void;
}

interface Watch {
  readonly parcels: Watched[];
  timer: Timer;
}

/** Parcels that are watched of one session; if it takes none of these, others need no asking. */
const MOST = 100;

/** Begins to watch. */
export function createVigil(clock: Clock): Vigil {
  const watches = new Map<Session, Watch>();

  const arm = (session: Session, ms: number) => clock.after(ms, () => check(session));
  const check = (session: Session) => {
    const watch = watches.get(session);
    if (watch === undefined) return;
    const now = clock.monotonic();
    const later = watch.parcels.findIndex(({ until }) => until > now);
    const due = watch.parcels.splice(0, later < 0 ? watch.parcels.length : later);
    const [next] = watch.parcels;
    if (next === undefined) watches.delete(session);
    else watch.timer = arm(session, next.until - now);
    tell(due, session);
  };
  const tell = (due: readonly Watched[], session: Session) => {
    for (const { parcel, told } of due) told(!isOpen(parcel, session));
  };

  return {
    watch(session, parcel, ms, told) {
      parcel.isAsked = true;
      const watched = { parcel, until: clock.monotonic() + ms, told };
      const watch = watches.get(session);
      if (watch === undefined)
        watches.set(session, { parcels: [watched], timer: arm(session, ms) });
      else if (watch.parcels.length < MOST) watch.parcels.push(watched);
    },
    end(session) {
      const watch = watches.get(session);
      if (watch === undefined) return;
      watch.timer.cancel();
      watches.delete(session);
      tell(watch.parcels, session);
    },
    stop() {
      for (const { timer } of watches.values()) timer.cancel();
      watches.clear();
    },
  };
}

/** Whether nothing says that the session's client has it. */
const isOpen = (parcel: Parcel, session: Session): boolean =>
  parcel.holders.includes(session) || parcel.end !== 'acknowledged';

/** To whom a session sent presence directly (RFC 6121 §4.6.1): they are told when it ends. */
import type { Session } from '../../core/sessions.ts';
import type { Jid } from '../../jid/jid.ts';

/** The addresses of each session. */
export interface Directed {
  /** Notes an address; false when the session has too many already. */
  add(session: Session, to: Jid, most: number): boolean;
  has(session: Session, to: Jid): boolean;
  /** Forgets an address: one of the two said goodbye to the other. */
  delete(session: Session, to: Jid): void;
  /** All addresses of a session. */
  list(session: Session): readonly Jid[];
  /** All addresses of a session, which are forgotten thereby. */
  take(session: Session): readonly Jid[];
}

const NONE: readonly Jid[] = [];

/** Makes an empty record. */
export function createDirected(): Directed {
  const bySession = new WeakMap<Session, Set<Jid>>();
  return {
    add(session, to, most) {
      const known = bySession.get(session);
      if (known === undefined) {
        if (most < 1) return false;
        bySession.set(session, new Set([to]));
        return true;
      }
      if (known.size >= most && !known.has(to)) return false;
      known.add(to);
      return true;
    },
    has: (session, to) => bySession.get(session)?.has(to) === true,
    delete: (session, to) => void bySession.get(session)?.delete(to),
    list: (session) => [...(bySession.get(session) ?? NONE)],
    take(session) {
      const known = bySession.get(session);
      if (known === undefined) return NONE;
      bySession.delete(session);
      return [...known];
    },
  };
}

/** Who is signed in to the console: kept in memory, bounded, under hashes of their ids. */
import type { BareJid } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import { randomId } from '../kit/ids.ts';
import { BoundedMap } from '../kit/limits.ts';
import { digest } from './secrets.ts';

/** A message that the next page shows once. */
export interface Flash {
  readonly tone: 'done' | 'problem';
  readonly text: string;
  /** Something to copy: a generated password, a certificate request. */
  readonly detail?: { readonly label: string; readonly text: string };
}

/** A signed-in admin. */
export interface WebSession {
  readonly account: BareJid;
  /** What each of its forms must carry. */
  readonly csrf: string;
  /** Stands for the password as it was: it changes with the password. */
  readonly passwordMark: string;
  /** Takes the messages that wait for the next page. */
  takeFlashes(): readonly Flash[];
  /** Leaves a message for the next page. */
  flash(message: Flash): void;
}

/** The signed-in admins. */
export interface WebSessions {
  /** Signs in; the id is for the cookie only and kept nowhere. */
  open(
    account: BareJid,
    passwordMark: string,
  ): { readonly id: string; readonly session: WebSession };
  /** The session of an id that is neither too old nor idle for too long; if that is a use, it is used now. */
  find(id: string, how: { readonly isUse: boolean }): WebSession | undefined;
  /** Signs out. */
  close(id: string): void;
}

/** After so long without a request a session is over. */
export const IDLE_MS = 30 * 60_000;
/** After so long a session is over in any case. */
export const ABSOLUTE_MS = 12 * 3_600_000;
/** The most sessions that are kept; only admins can make one, by their password. */
const MAX_SESSIONS = 500;
/** The most messages that wait for one session. */
const MAX_FLASHES = 5;
const ID_BYTES = 32;

interface Entry {
  readonly session: WebSession;
  readonly since: number;
  used: number;
}

/** Makes an empty set of sessions. */
export function createWebSessions(clock: Clock): WebSessions {
  const entries = new BoundedMap<string, Entry>(MAX_SESSIONS);
  return {
    open(account, passwordMark) {
      const id = randomId(ID_BYTES);
      const now = clock.monotonic();
      const session = makeSession(account, passwordMark);
      entries.set(digest(id), { session, since: now, used: now });
      return { id, session };
    },
    find(id, { isUse }) {
      const key = digest(id);
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      const now = clock.monotonic();
      if (now - entry.used > IDLE_MS || now - entry.since > ABSOLUTE_MS) {
        entries.delete(key);
        return undefined;
      }
      if (isUse) entry.used = now;
      return entry.session;
    },
    close: (id) => entries.delete(digest(id)),
  };
}

function makeSession(account: BareJid, passwordMark: string): WebSession {
  const flashes: Flash[] = [];
  return {
    account,
    passwordMark,
    csrf: randomId(ID_BYTES),
    takeFlashes: () => flashes.splice(0),
    flash(message) {
      flashes.push(message);
      if (flashes.length > MAX_FLASHES) flashes.shift();
    },
  };
}

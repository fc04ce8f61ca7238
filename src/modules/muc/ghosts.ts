/** Occupants of other servers who fell silent are asked for a sign of life: XEP-0045 §17.4. */
import { type BareJid, type FullJid, isFull, type Jid } from '../../jid/jid.ts';
import type { Clock } from '../../kit/clock.ts';
import { randomId } from '../../kit/ids.ts';
import { BoundedMap } from '../../kit/limits.ts';
import { iqGet } from '../../stanza/build.ts';
import type { StanzaCondition } from '../../stanza/condition.ts';
import { conditionOf } from '../../stanza/error.ts';
import type { Iq, Stanza } from '../../stanza/stanza.ts';
import { el } from '../../xml/element.ts';
import type { Room } from './room.ts';

/** How often is looked for who is silent. */
const ROUND_MS = 60_000;
/** How long the answer may take. */
const ANSWER_MS = 120_000;
/** Sessions of other servers that are remembered. */
const MAX_SESSIONS = 100_000;

/** That a session is not there; a client that knows no ping says service-unavailable, and is. */
const GONE: ReadonlySet<StanzaCondition> = new Set([
  'gone',
  'item-not-found',
  'recipient-unavailable',
  'remote-server-not-found',
  'remote-server-timeout',
]);

/** What it takes to find ghosts. */
export interface GhostOptions {
  readonly clock: Clock;
  /** After how long a silence occupants of a room are asked, in ms. */
  pingTime(room: BareJid): number;
  isRemote(session: FullJid): boolean;
  lively(): Iterable<Room>;
  send(stanza: Stanza): void;
  drop(session: FullJid): void;
}

/** Finds ghosts. */
export interface Ghosts {
  /** Something came from an address. */
  heard(from: Jid): void;
  /** What may be an answer. */
  hear(answer: Iq): void;
  stop(): void;
}

interface Asked {
  readonly session: FullJid;
  readonly at: number;
}

/** Begins to look for ghosts. */
export function createGhosts(options: GhostOptions): Ghosts {
  const { clock } = options;
  const last = new BoundedMap<Jid, number>(MAX_SESSIONS);
  const asked = new Map<string, Asked>();

  const round = () => {
    const now = clock.monotonic();
    for (const [id, { session, at }] of asked) {
      if (now - at < ANSWER_MS) continue;
      asked.delete(id);
      options.drop(session);
    }
    const waiting = new Set([...asked.values()].map(({ session }) => session));
    for (const room of options.lively()) {
      const silence = options.pingTime(room.jid);
      for (const session of room.places.keys()) {
        if (!options.isRemote(session) || waiting.has(session)) continue;
        const since = last.get(session);
        if (since === undefined) last.set(session, now);
        else if (now - since >= silence) ask(room, session, now);
      }
    }
  };
  const ask = (room: Room, session: FullJid, now: number) => {
    const id = randomId();
    asked.set(id, { session, at: now });
    last.set(session, now);
    const payload = el('ping', { xmlns: 'urn:xmpp:ping' });
    options.send(iqGet({ from: room.jid, to: session, id, payload }));
  };
  const timer = clock.every(ROUND_MS, round);

  return {
    heard(from) {
      if (isFull(from) && options.isRemote(from)) last.set(from, clock.monotonic());
    },
    hear(answer) {
      const found = asked.get(answer.id);
      // A server answers for a session that it does not have.
      if (found === undefined || found.session !== answer.from) return;
      asked.delete(answer.id);
      const condition = conditionOf(answer);
      if (condition !== undefined && GONE.has(condition)) options.drop(found.session);
      else last.set(found.session, clock.monotonic());
    },
    stop: () => timer.cancel(),
  };
}

/** Leaving a room, and being removed from it: XEP-0045 §7.14, §8.2, §9.1, §10.9, §11. */
import type { FullJid, Jid } from '../../jid/jid.ts';
import { presence } from '../../stanza/build.ts';
import type { Presence } from '../../stanza/stanza.ts';
import { type Element, el } from '../../xml/element.ts';
import { sessionOf } from './entering.ts';
import {
  isShown,
  type Notice,
  occupantIdElement,
  shownSession,
  tellOthers,
  tellSelf,
  userElement,
} from './presence.ts';
import { type Occupant, occupantAt, occupantJid, withOccupant, withoutOccupant } from './room.ts';
import type { Turn } from './turn.ts';

/** The codes of §15.6.2. */
const BANNED = 301;
const KICKED = 307;

/** A session of an occupant leaves (§7.14); it is told so itself, whatever became of its client. */
export function leave(turn: Turn, stanza: Presence): void {
  const occupant = occupantAt(turn.room, stanza.from);
  if (occupant === undefined) return; // §13.3: silently
  // §10.1.3: the room that he did not configure ends, and he is told so.
  if (turn.room.isLocked && turn.room.places.size === 1)
    return void destroy(turn, { venue: undefined, password: '', reason: '' });
  const { children } = sessionOf(stanza);
  depart(turn, occupant, stanza.from, { type: 'unavailable', children });
}

/** A session is out of reach: it leaves, and others are told why (§11.1). */
export function drop(turn: Turn, session: Jid): void {
  const occupant = occupantAt(turn.room, session);
  if (occupant !== undefined)
    depart(turn, occupant, session, { type: 'unavailable', codes: [333] });
}

/** One session of an occupant goes; the occupant stays while he has others. */
function depart(turn: Turn, occupant: Occupant, session: Jid, notice: Notice): void {
  const left = occupant.sessions.filter(({ jid }) => jid !== session);
  const gone = occupant.sessions.filter(({ jid }) => jid === session);
  if (left.length === 0) return void remove(turn, occupant, notice);
  const now = { ...occupant, sessions: left };
  turn.room = withOccupant(turn.room, now);
  const parting = { ...occupant, sessions: gone };
  tellSelf(turn, parting, { ...notice, role: 'none' });
  // What others see of him is what another client of his says from now on.
  if (shownSession(occupant)?.jid !== session) return;
  if (isShown(turn.room, now.role)) tellOthers(turn, now, {});
  tellSelf(turn, now, {});
}

/** An occupant goes with all of his sessions. */
export function remove(turn: Turn, occupant: Occupant, notice: Notice): void {
  tellRemoved(turn, occupant, notice);
  tellRemoval(turn, occupant, notice);
}

/** Takes an occupant out and tells him; {@link tellRemoval} tells the others. */
export function tellRemoved(turn: Turn, occupant: Occupant, notice: Notice): void {
  tellSelf(turn, occupant, { ...notice, type: 'unavailable', role: 'none' });
  const isRemoved = notice.codes?.some((code) => code === BANNED || code === KICKED) === true;
  if (isRemoved) turn.removed.push(...sessionsOf(occupant));
  turn.room = withoutOccupant(turn.room, occupant);
}

/** Tells those who are left, and ends a room that was there only for its occupants. */
export function tellRemoval(turn: Turn, occupant: Occupant, notice: Notice): void {
  if (isShown(turn.room, occupant.role))
    tellOthers(turn, occupant, { ...notice, type: 'unavailable', role: 'none', actor: undefined });
  endIfEmpty(turn);
}

/** A room that is not persistent ends with its last occupant (§7.14); a locked one, too (§10.1.3). */
export function endIfEmpty(turn: Turn): void {
  const { occupants, config, isLocked } = turn.room;
  if (occupants.size === 0 && (isLocked || !config.isPersistent)) turn.isOver = true;
}

/** Where people are to meet instead, and why (§10.9). */
export interface Farewell {
  readonly venue: Jid | undefined;
  readonly password: string;
  readonly reason: string;
}

/** Ends the room; each occupant is told once, and of himself alone. */
export function destroy(turn: Turn, farewell: Farewell): void {
  const { room, terms } = turn;
  const { venue, password, reason } = farewell;
  for (const occupant of room.occupants.values()) {
    const destroyed = el(
      'destroy',
      { jid: venue },
      password !== '' && el('password', undefined, password),
      reason !== '' && el('reason', undefined, reason),
    );
    const item = { affiliation: 'none', role: 'none' } as const;
    const stanza = goodbye(turn, occupant, userElement(item, [110], destroyed));
    turn.sendAll(stanza, sessionsOf(occupant));
  }
  turn.isOver = true;
  if (room.config.isPersistent && !room.isLocked) turn.tombstone = { at: terms.now, venue, reason };
}

/** The service goes down: each occupant is told of himself (§11.2). */
export function shutDown(turn: Turn): void {
  for (const occupant of turn.room.occupants.values()) {
    const notice = { type: 'unavailable', role: 'none', codes: [332] } as const;
    tellSelf(turn, occupant, notice);
  }
}

/** The service goes down while the server stays: nobody is in the room afterwards. One that nobody configured ends. */
export function vacate(turn: Turn): void {
  shutDown(turn);
  turn.room = { ...turn.room, occupants: new Map(), places: new Map() };
  turn.isOver = turn.room.isLocked;
}

const sessionsOf = ({ sessions }: Occupant): readonly FullJid[] => sessions.map(({ jid }) => jid);

/** That an occupant is gone, with nothing of what he is to the room. */
function goodbye({ room }: Turn, { nick, id }: Occupant, x: Element): Presence {
  return presence({
    type: 'unavailable',
    from: occupantJid(room, nick),
    children: [x, occupantIdElement(id)],
  });
}

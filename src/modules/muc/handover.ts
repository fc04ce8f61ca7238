/**
 * Occupants whose sessions outlive the process (XEP-0198 §5) stay in their rooms over a restart in good
 * order: nobody tells them that they left, and those who stay hear only of those who do not.
 */
import { z } from 'zod';
import type { SessionMemory } from '../../core/module.ts';
import type { Session } from '../../core/sessions.ts';
import { type BareJid, type FullJid, parseBare } from '../../jid/jid.ts';
import type { Clock } from '../../kit/clock.ts';
import { presence } from '../../stanza/build.ts';
import type { Presence } from '../../stanza/stanza.ts';
import { readStored } from '../../stanza/stored.ts';
import { sessionOf } from './entering.ts';
import { remove, shutDown } from './leaving.ts';
import { userElement } from './presence.ts';
import { defaultRole, roleNamed } from './privileges.ts';
import {
  affiliationOf,
  occupantAt,
  occupantJid,
  occupantNamed,
  type Room,
  withOccupant,
} from './room.ts';
import type { Turn } from './turn.ts';

/** In larger rooms it is left to clients to find out who did not come back. */
const MAX_ROLL = 200;
/** How long after the start who is not there again is missed. */
const ROLL_CALL_MS = 10_000;

const savedPlace = z.object({
  room: z.string(),
  nick: z.string(),
  role: z.string(),
  /** What the account was to the room. */
  affiliation: z.string().optional(),
  /** What its presence said. */
  presence: z.string(),
  /** The nicks of the others whom it saw. */
  others: z.array(z.string()),
});
type SavedPlace = z.infer<typeof savedPlace>;

/** What it takes to remember places. */
export interface HandoverOptions {
  readonly clock: Clock;
  lively(): Iterable<Room>;
  change<T>(jid: BareJid, act: (turn: Turn) => T): Promise<T | undefined>;
  failed(error: unknown): void;
}

/** The service goes down: those who outlive it stay, the others are told, and are gone (§11.2). */
export function handOver(turn: Turn, outlives: (session: FullJid) => boolean): void {
  const { room } = turn;
  const stays = (session: FullJid) => !room.isLocked && outlives(session);
  if (![...room.places.keys()].some(stays)) return void shutDown(turn);
  for (const occupant of room.occupants.values()) {
    const staying = occupant.sessions.filter(({ jid }) => stays(jid));
    const notice = { type: 'unavailable', role: 'none', codes: [332] } as const;
    if (staying.length === 0) remove(turn, occupant, notice);
    else turn.room = withOccupant(turn.room, { ...occupant, sessions: staying });
  }
}

/** Remembers where sessions are. */
export function createHandover(options: HandoverOptions): SessionMemory {
  const { clock, lively, change, failed } = options;

  const placeIn = (room: Room, { jid }: Session): SavedPlace[] => {
    const occupant = occupantAt(room, jid);
    const own = occupant?.sessions.find((each) => each.jid === jid);
    if (occupant === undefined || own === undefined) return [];
    const said = presence({ from: jid, to: occupantJid(room, occupant.nick) });
    said.element.children.push(...own.children);
    const isLarge = room.occupants.size > MAX_ROLL;
    const others = isLarge ? [] : [...room.occupants.values()].map(({ nick }) => nick);
    const { nick, role } = occupant;
    const affiliation = affiliationOf(room, occupant.account);
    return [{ room: room.jid, nick, role, affiliation, presence: said.wire.text, others }];
  };

  const comeBack = async (session: Session, place: SavedPlace) => {
    const room = parseBare(place.room);
    const said = readStored(place.presence);
    if (!room.ok || said?.kind !== 'presence') return;
    const isBack = await change(room.value, (turn) => reenter(turn, place, said));
    if (isBack !== true) return session.send(farewell(place, session.jid));
    clock.after(ROLL_CALL_MS, () => {
      change(room.value, (turn) => rollCall(turn, place, session.jid)).catch(failed);
    });
  };

  return {
    save(session) {
      const places = [...lively()].flatMap((room) => placeIn(room, session));
      return places.length === 0 ? undefined : places;
    },
    restore(session, saved) {
      for (const raw of Array.isArray(saved) ? saved : []) {
        const place = savedPlace.safeParse(raw);
        if (place.success) comeBack(session, place.data).catch(failed);
      }
    },
  };
}

/** Puts a session back where it was, and tells nobody; false if that place is taken. */
function reenter(turn: Turn, { nick, role: name, affiliation }: SavedPlace, said: Presence) {
  const { room, terms } = turn;
  const session = sessionOf(said);
  const account = session.jid.slice(0, session.jid.indexOf('/')) as BareJid;
  const present = occupantNamed(room, nick);
  const now = affiliationOf(room, account);
  const usual = defaultRole(now, room.config);
  if (usual === 'none' || (present !== undefined && present.account !== account)) return false;
  // Lists are changed on a stopped server, too: his role follows from what he is by now.
  const given = affiliation === now ? roleNamed(name) : undefined;
  const role = given === undefined || given === 'none' ? usual : given;
  const id = terms.occupantId(room.jid, account);
  const occupant = present ?? { nick, account, id, role, sessions: [] };
  turn.room = withOccupant(room, { ...occupant, sessions: [...occupant.sessions, session] });
  return true;
}

/** Tells a session of those whom it saw and who are not there any more. */
function rollCall(turn: Turn, { others }: SavedPlace, to: FullJid): void {
  const { room } = turn;
  if (occupantAt(room, to) === undefined) return;
  const item = { affiliation: 'none', role: 'none' } as const;
  for (const nick of others) {
    if (occupantNamed(room, nick) !== undefined) continue;
    const from = occupantJid(room, nick);
    turn.send(presence({ type: 'unavailable', from, to, children: [userElement(item, [333])] }));
  }
}

/** The session is not in the room any more. */
function farewell({ room, nick }: SavedPlace, to: FullJid): Presence {
  const item = { affiliation: 'none', role: 'none' } as const;
  const from = `${room}/${nick}` as FullJid;
  return presence({ type: 'unavailable', from, to, children: [userElement(item, [110, 332])] });
}

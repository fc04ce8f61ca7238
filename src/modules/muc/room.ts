/** A room as a value: who belongs to it, who is in it, what was said. Nothing here changes in place. */
import { type BareJid, domainOf, type FullJid, type Jid, resourceOf } from '../../jid/jid.ts';
import type { Message } from '../../stanza/stanza.ts';
import type { Element } from '../../xml/element.ts';
import type { Activity } from './activity.ts';
import { type Hats, NO_HATS } from './hats.ts';
import { keyOf, type NickKey } from './nicks.ts';
import type { Affiliation, Role } from './privileges.ts';
import { DEFAULT_CONFIG, type RoomConfig } from './room-config.ts';
import { type ListChange, withChanges } from './versions.ts';

/** An account that has an affiliation with a room. */
export interface Affiliate {
  readonly affiliation: Exclude<Affiliation, 'none'>;
  /** The nick that is reserved for it; '' if none is. */
  readonly nick: string;
  /** Why it has the affiliation; '' if nobody said. */
  readonly reason: string;
}

/** One of the sessions of an occupant. */
export interface OccupantSession {
  readonly jid: FullJid;
  /** What its presence said: show, status, caps and so on, without what only a room may say. */
  readonly children: readonly Element[];
  readonly language: string | undefined;
}

/** Somebody in a room: one account under one nick, with one session or several. */
export interface Occupant {
  readonly nick: string;
  readonly account: BareJid;
  /** XEP-0421: the same each time that the account comes. */
  readonly id: string;
  readonly role: Exclude<Role, 'none'>;
  /** The last one is the one whose presence others see. */
  readonly sessions: readonly OccupantSession[];
}

/** A message that who enters is sent. */
export interface Said {
  /** From the occupant, with the time at which it was said (XEP-0203). */
  readonly message: Message;
  readonly at: number;
  /** The XEP-0359 id that the room gave it. */
  readonly id: string;
  /** Who said it. */
  readonly account: BareJid;
}

/** The subject of a room. */
export interface Subject {
  /** '' when it was taken away. */
  readonly text: string;
  /** The nick of who set it. */
  readonly nick: string;
  readonly at: number;
}

/** A room. */
export interface Room {
  readonly jid: BareJid;
  readonly config: RoomConfig;
  /** In ms since the epoch. */
  readonly created: number;
  /** Who made it by entering it; undefined where an admin of the server did. */
  readonly creator: BareJid | undefined;
  /** Whether its first owner has yet to configure it (XEP-0045 §10.1). */
  readonly isLocked: boolean;
  readonly affiliates: ReadonlyMap<BareJid, Affiliate>;
  /** The last changes of these, oldest first (XEP-0463). */
  readonly changes: readonly ListChange[];
  readonly occupants: ReadonlyMap<NickKey, Occupant>;
  /** Where each session is. */
  readonly places: ReadonlyMap<FullJid, NickKey>;
  readonly subject: Subject | undefined;
  /** Oldest first. */
  readonly history: readonly Said[];
  /** When each account last spoke, for rooms with a pause; ms since the epoch. */
  readonly spoke: ReadonlyMap<BareJid, number>;
  readonly hats: Hats;
  /** The hashes of its pictures (XEP-0486). */
  readonly pictures: readonly string[];
  readonly activity: Activity | undefined;
  /** Roles that moderators gave, for who leaves and comes again (§5.1); while it is in memory. */
  readonly roles: ReadonlyMap<BareJid, Exclude<Role, 'none'>>;
}

/** A room in which nobody is and nothing was said. */
export function emptyRoom(
  parts: Pick<Room, 'jid' | 'created'> & Partial<Omit<Room, 'jid' | 'created'>>,
): Room {
  return {
    config: DEFAULT_CONFIG,
    isLocked: false,
    creator: undefined,
    affiliates: new Map(),
    changes: [],
    occupants: new Map(),
    places: new Map(),
    subject: undefined,
    history: [],
    spoke: new Map(),
    roles: new Map(),
    hats: NO_HATS,
    pictures: [],
    activity: undefined,
    ...parts,
  };
}

/** What an account is to a room; a ban of its domain counts, too (§9.2). */
export function affiliationOf(room: Room, account: BareJid): Affiliation {
  const own = room.affiliates.get(account);
  if (own !== undefined) return own.affiliation;
  const domain = room.affiliates.get(domainOf(account));
  return domain?.affiliation === 'outcast' ? 'outcast' : 'none';
}

/** The occupant whose session has that address. */
export function occupantAt(room: Room, session: Jid): Occupant | undefined {
  // Only full JIDs are keys: a bare one is not found.
  const key = room.places.get(session as FullJid);
  return key === undefined ? undefined : room.occupants.get(key);
}

/** The occupant of a nick. */
export const occupantNamed = (room: Room, nick: string): Occupant | undefined =>
  room.occupants.get(keyOf(nick));

/** The occupants of an account; it may be there under several nicks. */
export const occupantsOf = (room: Room, account: BareJid): readonly Occupant[] =>
  [...room.occupants.values()].filter((occupant) => occupant.account === account);

const reservations = new WeakMap<Room['affiliates'], ReadonlyMap<NickKey, BareJid>>();

/** The account for which a nick is reserved; looked for once for as long as the lists stay. */
export function reserverOf({ affiliates }: Room, nick: string): BareJid | undefined {
  let reserved = reservations.get(affiliates);
  if (reserved === undefined) {
    const found = new Map<NickKey, BareJid>();
    for (const [account, { nick: own }] of affiliates)
      if (own !== '') found.set(keyOf(own), account);
    reserved = found;
    reservations.set(affiliates, reserved);
  }
  return reserved.get(keyOf(nick));
}

/** The nick that an address at the room names; '' for the room itself. */
export const nickIn = (jid: Jid): string => resourceOf(jid);

/** The address of an occupant in the room; a nick that is there was prepared. */
export const occupantJid = (room: Pick<Room, 'jid'>, nick: string): FullJid =>
  `${room.jid}/${nick}` as FullJid;

const listeners = new WeakMap<Room['places'], readonly FullJid[]>();

/** The sessions of all occupants; made once for as long as nobody comes or goes. */
export function everyone({ places }: Room): readonly FullJid[] {
  const known = listeners.get(places);
  if (known !== undefined) return known;
  const all = [...places.keys()];
  listeners.set(places, all);
  return all;
}

/** The room with an occupant as he is now. */
export function withOccupant(room: Room, occupant: Occupant): Room {
  const key = keyOf(occupant.nick);
  const occupants = new Map(room.occupants).set(key, occupant);
  const before = room.occupants.get(key);
  const isSame = before?.sessions.length === occupant.sessions.length;
  if (isSame && occupant.sessions.every(({ jid }) => room.places.get(jid) === key))
    return { ...room, occupants };
  const places = new Map(room.places);
  for (const { jid } of before?.sessions ?? []) places.delete(jid);
  for (const { jid } of occupant.sessions) places.set(jid, key);
  return { ...room, occupants, places };
}

/** The room without an occupant. */
export function withoutOccupant(room: Room, { nick, sessions }: Occupant): Room {
  const occupants = new Map(room.occupants);
  occupants.delete(keyOf(nick));
  const places = new Map(room.places);
  for (const { jid } of sessions) places.delete(jid);
  return { ...room, occupants, places };
}

/** The room with what accounts are to it, undefined for nothing, and a record of it. What they were given ends. */
export function withAffiliates(
  room: Room,
  changes: readonly (readonly [account: BareJid, now: Affiliate | undefined])[],
): Room {
  const affiliates = new Map(room.affiliates);
  const roles = new Map(room.roles);
  const made: Pick<ListChange, 'account' | 'before' | 'now'>[] = [];
  for (const [account, now] of changes) {
    const before = affiliates.get(account)?.affiliation ?? 'none';
    const after = now?.affiliation ?? 'none';
    if (after !== before) made.push({ account, before, now: after });
    if (now === undefined) affiliates.delete(account);
    else affiliates.set(account, now);
    roles.delete(account);
  }
  return { ...room, affiliates, roles, changes: withChanges(room, made) };
}

/** The most accounts whose roles are remembered when they leave. */
const MAX_ROLES = 1000;

/** The room with the role that a moderator gave an account. */
export function withRole(room: Room, account: BareJid, role: Exclude<Role, 'none'>): Room {
  const roles = new Map(room.roles);
  roles.delete(account);
  const [oldest] = roles.keys();
  if (roles.size >= MAX_ROLES && oldest !== undefined) roles.delete(oldest);
  return { ...room, roles: roles.set(account, role) };
}

/** The owners of a room. */
export function ownersOf(room: Room): readonly BareJid[] {
  const owners: BareJid[] = [];
  for (const [account, { affiliation }] of room.affiliates)
    if (affiliation === 'owner') owners.push(account);
  return owners;
}

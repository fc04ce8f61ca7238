/** Entering a room, and making one by entering it: XEP-0045 §7.2, §10.1. */
import { type BareJid, bareOf, type FullJid, type Jid, localOf } from '../../jid/jid.ts';
import { message, presence } from '../../stanza/build.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import { Delay } from '../../stanza/delay.ts';
import type { Presence } from '../../stanza/stanza.ts';
import { childOf, childrenOf, type Element, el, serialise, textOf } from '../../xml/element.ts';
import { isForged } from './forgery.ts';
import { chosen, type HistoryLimits, HistoryWish } from './history.ts';
import { type ListsWish, sendLists } from './list-sync.ts';
import { MAV, MUC } from './names.ts';
import { faultOfNick } from './nicks.ts';
import { isShown, showRoom, tellOthers, tellSelf, userElement } from './presence.ts';
import { defaultRole, isAtLeast, type Role, rankOfRole } from './privileges.ts';
import {
  type Affiliate,
  affiliationOf,
  emptyRoom,
  nickIn,
  type Occupant,
  type OccupantSession,
  occupantAt,
  occupantJid,
  occupantNamed,
  type Room,
  reserverOf,
  withOccupant,
} from './room.ts';
import { DEFAULT_CONFIG } from './room-config.ts';
import type { Terms, Turn } from './turn.ts';

/** Places beyond the limit for those who keep order in a full room (§7.2.9). */
const SPARE_PLACES = 20;
/** The most elements of a presence that are passed on, and how large they may be together, in characters. */
const MAX_CHILDREN = 20;
const MAX_PRESENCE = 16_384;

/** The mark of who enters, with a password and a wish about history. */
export interface EntryMark {
  readonly password: string;
  readonly history: HistoryLimits;
  /** What he asks of the lists (XEP-0463); undefined for nothing. */
  readonly lists: ListsWish | undefined;
}

/** The mark on a presence; undefined when there is none. */
export function entryMark({ element }: Presence): EntryMark | undefined {
  const x = childOf(element, 'x', MUC);
  if (x === undefined) return undefined;
  const password = childOf(x, 'password', MUC);
  const history = childOf(x, 'history', MUC);
  const lists = childOf(x, 'mav', MAV);
  return {
    password: password === undefined ? '' : textOf(password),
    // A wish that is not understood is none.
    history: (history === undefined ? undefined : HistoryWish.decode(history)) ?? {},
    lists: lists && { since: lists.attrs['since'] },
  };
}

/** The session that a presence speaks for: what it says without what only a room may say (§13.3). */
export function sessionOf(stanza: Presence): OccupantSession {
  const room = bareOf(stanza.to ?? stanza.from);
  const honest = childrenOf(stanza.element).filter((child) => !isForged(child, room));
  // Who enters is sent that of all: what is too large goes, the rest stays.
  let size = 0;
  const children = honest.slice(0, MAX_CHILDREN).filter((child) => {
    const own = serialise(child).length;
    const fits = size + own <= MAX_PRESENCE;
    if (fits) size += own;
    return fits;
  });
  return {
    // Presence comes from a client, which has a resource; who has none is no occupant to be.
    jid: stanza.from as FullJid,
    children,
    language: stanza.element.attrs['xml:lang'],
  };
}

/** A new room, locked, of which somebody is the owner. */
export function newRoom(stanza: Presence & { readonly to: FullJid }, terms: Terms): Room {
  const jid = bareOf(stanza.to);
  const owner: Affiliate = { affiliation: 'owner', nick: '', reason: '' };
  return emptyRoom({
    jid,
    config: { ...DEFAULT_CONFIG, name: localOf(jid) },
    created: terms.now,
    creator: bareOf(stanza.from),
    isLocked: true,
    affiliates: new Map([[bareOf(stanza.from), owner]]),
  });
}

/** Whether a nick is another one's: he is there with it, or it is reserved for him (§7.2.8). */
export function isTaken(room: Room, nick: string, stanza: Presence): boolean {
  const account = bareOf(stanza.from);
  const present = occupantNamed(room, nick);
  if (present !== undefined) return present.account !== account;
  const reserver = reserverOf(room, nick);
  return reserver !== undefined && reserver !== account;
}

/** Why somebody may not enter under a nick; undefined when he may. */
function refusalOf(turn: Turn, stanza: Presence, nick: string, mark: EntryMark) {
  const { room, terms } = turn;
  const account = bareOf(stanza.from);
  const affiliation = affiliationOf(room, account);
  const refuse = (condition: StanzaFailure['condition'], text?: string, type?: 'wait') => ({
    condition,
    text,
    type,
  });
  if (terms.isShutOut(stanza.from))
    return refuse('forbidden', 'You were removed from a room here; come back later.');
  if (affiliation === 'outcast') return refuse('forbidden', 'You are banned from this room.');
  if (room.isLocked && affiliation !== 'owner')
    return refuse('item-not-found', 'The room is being configured.');
  if (room.config.isMembersOnly && affiliation === 'none')
    return refuse('registration-required', 'Only members may enter this room.');
  if (room.config.password !== '' && room.config.password !== mark.password)
    return refuse('not-authorized', 'The password of the room is needed.');
  if (isTaken(room, nick, stanza)) return refuse('conflict', `${nick} is somebody else here.`);
  const present = occupantNamed(room, nick);
  if (present !== undefined)
    return present.sessions.length < terms.settings.sessionsPerNick
      ? undefined
      : refuse('resource-constraint', 'You are here with too many clients.');
  const most = Math.min(
    room.config.maxOccupants === 0 ? Number.POSITIVE_INFINITY : room.config.maxOccupants,
    terms.settings.maxOccupants,
  );
  const spare = isAtLeast(affiliation, 'admin') ? SPARE_PLACES : 0;
  if (room.occupants.size >= most + spare)
    return refuse('service-unavailable', 'The room is full.', 'wait');
  if (terms.roomsOf(account) >= terms.settings.roomsPerUser)
    return refuse('resource-constraint', 'You are in too many rooms.');
  return undefined;
}

/** The role by his affiliation, or the one that a moderator gave him when he was there (§5.1). */
function roleOfNewcomer(room: Room, account: BareJid): Role {
  const usual = defaultRole(affiliationOf(room, account), room.config);
  const given = room.roles.get(account);
  if (given === undefined || usual === 'none') return usual;
  // Who lost his voice does not get it back by leaving; what was gained is of moderated rooms.
  return room.config.isModerated || rankOfRole(given) < rankOfRole(usual) ? given : usual;
}

/** Somebody who is not there enters (§7.2). */
export function enter(
  turn: Turn,
  stanza: Presence & { readonly to: FullJid },
  mark: EntryMark,
  isNew: boolean,
): void {
  const { room, terms } = turn;
  const asked = nickIn(stanza.to);
  const account = bareOf(stanza.from);
  // §7.2.3: who has a nick of his own here is led to it, not turned away.
  const own = room.config.areNicksLocked ? (room.affiliates.get(account)?.nick ?? '') : '';
  const nick = own === '' ? asked : own;
  const failure = faultOfNick(nick, terms) ?? refusalOf(turn, stanza, nick, mark);
  if (failure !== undefined) return void turn.refuse(stanza, failure);
  const session = sessionOf(stanza);
  const present = occupantNamed(room, nick);
  const role = roleOfNewcomer(room, account);
  if (role === 'none') return void turn.refuse(stanza, { condition: 'forbidden' });
  const occupant: Occupant =
    present === undefined
      ? { nick, account, id: terms.occupantId(room.jid, account), role, sessions: [session] }
      : { ...present, sessions: [...present.sessions, session] };
  if (mark.lists !== undefined) sendLists(turn, occupant, session.jid, mark.lists, stanza.id);
  showRoom(turn, occupant, [session.jid]);
  turn.room = withOccupant(room, occupant);
  if (isShown(turn.room, occupant.role)) tellOthers(turn, occupant, {});
  const selfCodes = [
    ...(room.config.whois === 'anyone' ? [100] : []),
    ...(room.config.isLogged ? [170] : []),
    ...(isNew ? [201] : []),
    ...(nick === asked ? [] : [210]),
  ];
  const others = present?.sessions.map(({ jid }) => jid) ?? [];
  if (others.length > 0) tellSelf(turn, occupant, {}, others);
  welcome(turn, occupant, session.jid, { selfCodes, history: mark.history, id: stanza.id });
}

/** Who is there enters again: he lost track, and is told all anew (§7.2.1). */
export function resynchronise(turn: Turn, stanza: Presence, mark: EntryMark): void {
  const occupant = occupantAt(turn.room, stanza.from);
  if (occupant === undefined) return;
  const session = sessionOf(stanza);
  const { config } = turn.room;
  const before = occupant.sessions.find(({ jid }) => jid === session.jid);
  const isChanged = textIn(before?.children ?? []) !== textIn(session.children);
  const now = withSession(occupant, session);
  turn.room = withOccupant(turn.room, now);
  if (isChanged && isShown(turn.room, now.role)) tellOthers(turn, now, {});
  if (mark.lists !== undefined) sendLists(turn, now, session.jid, mark.lists, stanza.id);
  showRoom(turn, now, [session.jid]);
  const selfCodes = [
    ...(config.whois === 'anyone' ? [100] : []),
    ...(config.isLogged ? [170] : []),
    ...(now.nick === nickIn(stanza.to ?? stanza.from) ? [] : [210]),
  ];
  welcome(turn, now, session.jid, { selfCodes, history: mark.history, id: stanza.id });
}

const textIn = (children: readonly Element[]) => children.map(serialise).join('');

/** The occupant with a session as it is now, which others see from then on. */
export function withSession(occupant: Occupant, session: OccupantSession): Occupant {
  const others = occupant.sessions.filter(({ jid }) => jid !== session.jid);
  return { ...occupant, sessions: [...others, session] };
}

/** His own presence, the history and the subject, in this order (§7.1). */
function welcome(
  turn: Turn,
  occupant: Occupant,
  to: FullJid,
  said: {
    readonly selfCodes: readonly number[];
    readonly history: HistoryLimits;
    readonly id: string | undefined;
  },
): void {
  const { room, terms } = turn;
  tellSelf(turn, occupant, { selfCodes: said.selfCodes }, [to], said.id);
  const first = terms.hearsSince(to);
  const history =
    first === undefined
      ? said.history
      : { ...said.history, since: Math.max(first, said.history.since ?? first) };
  for (const each of chosen(room, history, terms.now, to.length)) turn.sendAll(each.message, [to]);
  turn.sendAll(subjectMessage(room, terms.newId()), [to]);
}

/** The message that tells the subject (§7.2.15). */
export function subjectMessage(room: Room, id: string) {
  const { subject } = room;
  const from = subject === undefined ? room.jid : occupantJid(room, subject.nick);
  const children: Element[] = [el('subject', undefined, subject?.text ?? '')];
  if (subject !== undefined)
    children.push(Delay.encode({ from: room.jid, stamp: subject.at, reason: '' }));
  return message({ type: 'groupchat', id, from, to: room.jid, children });
}

/** Tells a client that it is not in the room, though it seems to think so (§7.2.17). */
export function notThere(stanza: Presence & { readonly to: Jid }): Presence {
  const item = { affiliation: 'none', role: 'none', reason: 'You are not in the room.' } as const;
  const children = [userElement(item, [110, 307, 333])];
  return presence({ type: 'unavailable', from: stanza.to, to: stanza.from, children });
}

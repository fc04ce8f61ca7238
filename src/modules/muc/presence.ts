/** What a room says of an occupant, to himself, to those who see real JIDs and to the others (§7.2). */
import type { FullJid } from '../../jid/jid.ts';
import { presence } from '../../stanza/build.ts';
import type { Presence } from '../../stanza/stanza.ts';
import { type Child, type Element, el } from '../../xml/element.ts';
import { hatsElement } from './hats.ts';
import { ownVersion, stepFor, versionElement } from './lists.ts';
import { MUC_USER, OCCUPANT_ID } from './names.ts';
import type { Affiliation, Role } from './privileges.ts';
import {
  affiliationOf,
  everyone,
  type Occupant,
  type OccupantSession,
  occupantJid,
  type Room,
} from './room.ts';
import type { Turn } from './turn.ts';
import type { ListChange } from './versions.ts';

/** What is said beside role and affiliation. */
export interface Notice {
  readonly type?: 'unavailable';
  /** What others are told, when it is not the role that the occupant has. */
  readonly role?: Role;
  readonly affiliation?: Affiliation;
  /** The nick in the `<item/>`: the new one of who changes it. */
  readonly nick?: string;
  /** The nick of who did it. */
  readonly actor?: string | undefined;
  readonly reason?: string | undefined;
  /** Status codes for all. */
  readonly codes?: readonly number[];
  /** Status codes for the occupant himself, beside 110. */
  readonly selfCodes?: readonly number[];
  /** What the presence itself says; that of the shown session if left out. */
  readonly children?: readonly Element[];
  /** The change of the lists of which all hear by it (XEP-0463). */
  readonly change?: ListChange | undefined;
}

/** Whether occupants of a role see real JIDs. */
export const seesJids = (room: Room, role: Role): boolean =>
  room.config.whois === 'anyone' || role === 'moderator';

/** Whether others see the presence of a role. */
export const isShown = (room: Room, role: Role): boolean =>
  role !== 'none' && room.config.presenceOf.includes(role);

/** The session whose presence others see. */
export const shownSession = ({ sessions }: Occupant): OccupantSession | undefined =>
  sessions.at(-1);

/** The `<occupant-id/>` of an occupant (XEP-0421). */
export const occupantIdElement = (id: string): Element =>
  el('occupant-id', { xmlns: OCCUPANT_ID, id });

/** The `<x/>` with an `<item/>` and status codes, in order. */
export function userElement(
  item: {
    readonly affiliation: Affiliation;
    readonly jid?: string | undefined;
    readonly nick?: string | undefined;
    readonly role: Role;
    readonly actor?: string | undefined;
    readonly reason?: string | undefined;
  },
  codes: readonly number[] = [],
  ...more: Child[]
): Element {
  const { affiliation, jid, nick, role, actor, reason } = item;
  return el(
    'x',
    { xmlns: MUC_USER },
    el(
      'item',
      { affiliation, jid, nick, role },
      actor !== undefined && el('actor', { nick: actor }),
      reason !== undefined && reason !== '' && el('reason', undefined, reason),
    ),
    ...codes.toSorted((one, other) => one - other).map((code) => el('status', { code })),
    ...more,
  );
}

/** For whom a presence is made. */
interface View {
  readonly withJid: boolean;
  readonly codes: readonly number[];
  readonly id?: string | undefined;
  /** XEP-0463: from which version of the lists it leads to which. */
  readonly version?: Element | undefined;
}

/** The presence of an occupant, not addressed yet. */
export function presenceOf(room: Room, occupant: Occupant, notice: Notice, view: View): Presence {
  const shown = shownSession(occupant);
  const { type, role = occupant.role, nick, actor, reason } = notice;
  const affiliation = notice.affiliation ?? affiliationOf(room, occupant.account);
  const jid = view.withJid ? shown?.jid : undefined;
  const said = notice.children ?? (type === 'unavailable' ? [] : (shown?.children ?? []));
  const stanza = presence({
    from: occupantJid(room, occupant.nick),
    type,
    id: view.id,
    attrs: { 'xml:lang': type === 'unavailable' ? undefined : shown?.language },
    children: [
      userElement({ affiliation, jid, nick, role, actor, reason }, view.codes, view.version),
      occupantIdElement(occupant.id),
      type === 'unavailable' ? undefined : hatsElement(room.hats, occupant.account),
    ],
  });
  // What clients said stands first and is not copied: a room of many says it often.
  stanza.element.children.unshift(...said);
  return stanza;
}

/** Tells an occupant of himself: one session of his, or all. */
export function tellSelf(
  turn: Turn,
  occupant: Occupant,
  notice: Notice,
  to: readonly FullJid[] = occupant.sessions.map(({ jid }) => jid),
  id?: string,
): void {
  const codes = [...(notice.codes ?? []), ...(notice.selfCodes ?? []), 110];
  const { role, change } = notice;
  const version = ownVersion(turn.room, occupant, { role, upTo: turn.told, change });
  turn.sendAll(presenceOf(turn.room, occupant, notice, { withJid: true, codes, id, version }), to);
}

/** Tells all others of an occupant, whether his role is shown or not: ask {@link isShown} first. */
export function tellOthers(turn: Turn, occupant: Occupant, notice: Notice): void {
  const { room } = turn;
  const { codes = [], change } = notice;
  if (room.config.whois === 'anyone' && change === undefined) {
    const own = new Set(occupant.sessions.map(({ jid }) => jid));
    const others = everyone(room).filter((jid) => !own.has(jid));
    turn.sendAll(presenceOf(room, occupant, notice, { withJid: true, codes }), others);
    return;
  }
  const audiences = new Map<string, { readonly view: View; readonly to: FullJid[] }>();
  for (const each of room.occupants.values()) {
    if (each.nick === occupant.nick) continue;
    const withJid = seesJids(room, each.role);
    const step = change === undefined ? undefined : stepFor(room, each, change);
    const key = `${withJid} ${step?.until}`;
    const audience = audiences.get(key) ?? {
      view: { withJid, codes, version: step && versionElement(step.until, step.since) },
      to: [],
    };
    audiences.set(key, audience);
    for (const { jid } of each.sessions) audience.to.push(jid);
  }
  for (const { view, to } of audiences.values())
    turn.sendAll(presenceOf(room, occupant, notice, view), to);
}

/** Tells all of an occupant as he is now: others if his role is shown, then himself. */
export function announce(turn: Turn, occupant: Occupant, notice: Notice = {}): void {
  if (isShown(turn.room, occupant.role)) tellOthers(turn, occupant, notice);
  tellSelf(turn, occupant, notice);
}

/** Tells all that an occupant has another role: who was seen and is no longer leaves for the others. */
export function announceChange(
  turn: Turn,
  before: Occupant,
  now: Occupant,
  notice: Notice = {},
): void {
  const wasShown = isShown(turn.room, before.role);
  if (isShown(turn.room, now.role)) tellOthers(turn, now, notice);
  else if (wasShown)
    tellOthers(turn, now, { type: 'unavailable', role: 'none', change: notice.change });
  tellSelf(turn, now, notice);
  if (seesJids(turn.room, before.role) !== seesJids(turn.room, now.role)) showRoom(turn, now);
}

/** Sends an occupant, or one session of his, the presence of all others whom he may see. */
export function showRoom(
  turn: Turn,
  occupant: Occupant,
  to: readonly FullJid[] = occupant.sessions.map(({ jid }) => jid),
): void {
  const { room } = turn;
  const withJid = seesJids(room, occupant.role);
  for (const other of room.occupants.values())
    if (other.nick !== occupant.nick && isShown(room, other.role))
      turn.sendAll(presenceOf(room, other, {}, { withJid, codes: [] }), to);
}

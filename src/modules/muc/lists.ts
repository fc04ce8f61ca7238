/** Who may get which lists of a room: XEP-0045 §9.2, §9.5, §10.5, §10.8; with XEP-0463. */
import type { Element } from '../../xml/element.ts';
import { el } from '../../xml/element.ts';
import { MAV } from './names.ts';
import {
  AFFILIATIONS,
  type Affiliation,
  affiliationMay,
  isAtLeast,
  type Party,
} from './privileges.ts';
import { affiliationOf, type Occupant, type Room } from './room.ts';
import type { RoomConfig } from './room-config.ts';
import { type ListChange, type Lists, type Step, stepOf, versionOf } from './versions.ts';

/** Whether somebody may get the list of those who have an affiliation. */
export function mayGetList(
  { whois, memberListFor }: RoomConfig,
  { role, affiliation }: Party,
  list: Affiliation,
): boolean {
  if (isAtLeast(affiliation, 'admin'))
    return whois === 'anyone' || !isAtLeast(list, 'admin') || affiliation === 'owner'; // §10.5, §10.8
  if (list === 'outcast' || list === 'none') return false;
  // §5.2.1, §9.5: where JIDs are no secret members may have the list, and occupants as configured.
  if (whois !== 'anyone') return false;
  const isListed = role !== 'none' && memberListFor.includes(role);
  return isListed || affiliationMay(affiliation, 'getMemberList');
}

/** The lists that somebody may get; empty for none. */
export const listsFor = (config: RoomConfig, party: Party): Lists =>
  new Set(AFFILIATIONS.filter((list) => list !== 'none' && mayGetList(config, party, list)));

/** The lists that an occupant may get, in a role that may be another one than he has. */
export const listsOf = (room: Room, { account, role }: Occupant, as: Party['role'] = role): Lists =>
  listsFor(room.config, { role: as, affiliation: affiliationOf(room, account) });

/** `<mav/>`, between two versions or at one. */
export const versionElement = (until: string, since?: string): Element =>
  el('mav', { xmlns: MAV, since, until });

/** The same for an occupant, of lists with the changes up to one by its number (§On Join). */
export function ownVersion(
  room: Room,
  occupant: Occupant,
  told: {
    readonly role?: Party['role'] | undefined;
    readonly upTo: number;
    readonly change?: ListChange | undefined;
  },
): Element | undefined {
  const lists = listsOf(room, occupant, told.role);
  if (lists.size === 0) return undefined;
  const step = told.change === undefined ? undefined : stepOf(room, told.change, lists);
  return versionElement(step?.until ?? versionOf(room, lists, told.upTo), step?.since);
}

/** A change as an occupant sees it; undefined if he is not to know of it. */
export function stepFor(room: Room, occupant: Occupant, change: ListChange): Step | undefined {
  const lists = listsOf(room, occupant);
  return lists.size === 0 ? undefined : stepOf(room, change, lists);
}

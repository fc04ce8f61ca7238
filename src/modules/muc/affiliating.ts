/** What follows from another role or affiliation: XEP-0045 §5.1.3, §5.2.2, §9, §10. */
import { type BareJid, type Jid, localOf } from '../../jid/jid.ts';
import { message } from '../../stanza/build.ts';
import { el } from '../../xml/element.ts';
import { tellRemoval, tellRemoved } from './leaving.ts';
import { MUC_USER } from './names.ts';
import { announceChange, type Notice, userElement } from './presence.ts';
import {
  type Affiliation,
  defaultRole,
  isAtLeast,
  type Role,
  rankOf,
  rankOfRole,
} from './privileges.ts';
import {
  affiliationOf,
  everyone,
  type Occupant,
  occupantsOf,
  type Room,
  withAffiliates,
  withOccupant,
  withRole,
} from './room.ts';
import type { Turn } from './turn.ts';

/** Another affiliation of an account, and who says so. */
export interface AffiliationChange {
  readonly account: BareJid;
  readonly to: Affiliation;
  /** The nick to reserve; '' frees the one that is; undefined leaves it as it is. */
  readonly nick?: string | undefined;
  readonly reason: string;
  /** The nick of who does it; undefined if he is not there. */
  readonly actor?: string | undefined;
  /** Who does it. */
  readonly by: BareJid;
}

/** Work to be done once whoever asked is told of success. */
export type Afterwards = () => void;

/** Makes the changes; presence tells those concerned, once what is returned is called. */
export function affiliate(turn: Turn, changes: readonly AffiliationChange[]): Afterwards[] {
  const { room } = turn;
  if (changes.length === 0) return [];
  turn.room = withAffiliates(
    room,
    changes.map(({ account, to, nick, reason }) => {
      if (to === 'none') return [account, undefined];
      // §9.1: who is banned has no nick reserved.
      const reserved = to === 'outcast' ? '' : (nick ?? room.affiliates.get(account)?.nick ?? '');
      return [account, { affiliation: to, nick: reserved, reason }];
    }),
  );
  const here = new Set<BareJid>();
  for (const occupant of room.occupants.values()) here.add(occupant.account);
  return changes.map((change) => {
    const { account, actor, reason } = change;
    const before = affiliationOf(room, account);
    const now = affiliationOf(turn.room, account);
    return () => {
      const present = concerned(turn.room, account, here);
      for (const occupant of present) follow(turn, occupant, before, { actor, reason });
      if (present.length === 0 && before !== now) tellAbsent(turn, change, before);
    };
  });
}

/** The occupants that an affiliation is about; that of a domain is about all of its accounts. */
function concerned(room: Room, account: BareJid, here: ReadonlySet<BareJid>): readonly Occupant[] {
  if (localOf(account) !== '') return here.has(account) ? occupantsOf(room, account) : [];
  return [...room.occupants.values()].filter(
    (occupant) => occupant.account === account || occupant.account.endsWith(`@${account}`),
  );
}

/** What becomes of an occupant by what his account is now. */
function follow(turn: Turn, occupant: Occupant, before: Affiliation, notice: Notice): void {
  const { room } = turn;
  const now = affiliationOf(room, occupant.account);
  const usual = defaultRole(now, room.config);
  if (now === 'outcast') return void expel(turn, occupant, { ...notice, codes: [301] });
  if (usual === 'none') return void expel(turn, occupant, { ...notice, codes: [321] }); // §9.4
  setRole(turn, occupant, roleAfter(occupant.role, before, now, usual), notice);
}

/** §5.1.3: who rises gains the role of his affiliation; who loses the upper ones loses theirs. */
function roleAfter(
  role: Occupant['role'],
  before: Affiliation,
  now: Affiliation,
  usual: Exclude<Role, 'none'>,
): Occupant['role'] {
  const isFall = isAtLeast(before, 'admin') && rankOf(now) < rankOf(before);
  if (isFall) return usual;
  return rankOfRole(usual) > rankOfRole(role) ? usual : role;
}

/** Gives an occupant a role, and tells all. */
export function setRole(
  turn: Turn,
  occupant: Occupant,
  role: Occupant['role'],
  notice: Notice,
): void {
  const now = { ...occupant, role };
  turn.room = withOccupant(turn.room, now);
  announceChange(turn, occupant, now, notice);
}

/** A moderator gives an occupant a role, which he has again when he leaves and comes back. */
export function giveRole(
  turn: Turn,
  occupant: Occupant,
  role: Occupant['role'],
  notice: Notice,
): void {
  turn.room = withRole(turn.room, occupant.account, role);
  setRole(turn, occupant, role, notice);
}

/** Removes an occupant, who is told why and by whom; the others are told why. */
export function expel(turn: Turn, occupant: Occupant, notice: Notice): void {
  tellRemoved(turn, occupant, notice);
  tellRemoval(turn, occupant, notice);
}

/** The occupants hear of owners and admins who are not there (§10.3 to §10.7); new members of theirs. */
function tellAbsent(turn: Turn, change: AffiliationChange, before: Affiliation): void {
  const { room, terms } = turn;
  const { account, to } = change;
  if (isAtLeast(to, 'admin') || isAtLeast(before, 'admin')) {
    const item = { affiliation: to, jid: account, role: 'none' } as const;
    const notice = message({
      id: terms.newId(),
      from: room.jid,
      to: room.jid,
      children: [userElement(item)],
    });
    turn.sendAll(notice, whoSeesJids(room));
  }
  const isNew = before === 'none' && to === 'member';
  if (isNew && room.config.isMembersOnly && localOf(account) !== '')
    turn.send(invitation(turn, { from: change.by, to: account, reason: change.reason })); // §9.5
}

/** The sessions of those who see real JIDs. */
function whoSeesJids(room: Room) {
  if (room.config.whois === 'anyone') return everyone(room);
  return [...room.occupants.values()]
    .filter(({ role }) => role === 'moderator')
    .flatMap(({ sessions }) => sessions.map(({ jid }) => jid));
}

/** An invitation that the room sends for somebody (§7.8.2). */
export function invitation(
  { room, terms }: Turn,
  parts: {
    readonly from: string;
    readonly to: Jid;
    readonly reason: string;
    readonly thread?: string | undefined;
    readonly id?: string | undefined;
  },
) {
  const { from, to, reason, thread, id = terms.newId() } = parts;
  const { password } = room.config;
  return message({
    id,
    from: room.jid,
    to,
    children: [
      el(
        'x',
        { xmlns: MUC_USER },
        el(
          'invite',
          { from },
          reason !== '' && el('reason', undefined, reason),
          thread !== undefined && el('continue', { thread: thread === '' ? undefined : thread }),
        ),
        password !== '' && el('password', undefined, password),
      ),
    ],
  });
}

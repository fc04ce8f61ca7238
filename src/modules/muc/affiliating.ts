/** What follows from another role or affiliation: XEP-0045 §5.1.3, §5.2.2, §9, §10. */
import { type BareJid, type Jid, localOf } from '../../jid/jid.ts';
import { message } from '../../stanza/build.ts';
import { el } from '../../xml/element.ts';
import { tellRemoval, tellRemoved } from './leaving.ts';
import { tellLists } from './list-sync.ts';
import { MUC_USER } from './names.ts';
import { announceChange, isShown, type Notice } from './presence.ts';
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
  type Occupant,
  occupantNamed,
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
  /** Whether the room invites him anyway. */
  readonly isInvited?: boolean;
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
  const last = room.changes.at(-1)?.seq ?? 0;
  turn.told = Math.min(turn.told, last);
  const made = turn.room.changes.filter(({ seq }) => seq > last);
  const here = new Set<BareJid>();
  for (const occupant of room.occupants.values()) here.add(occupant.account);
  return changes.map((change) => {
    const { account, actor, reason } = change;
    const before = affiliationOf(room, account);
    const [next] = made;
    // One that changes nothing has no place in the record, which is in their order.
    const isMade = next?.account === account && next.now === change.to;
    const listed = isMade ? made.shift() : undefined;
    return () => {
      turn.told = listed?.seq ?? turn.told;
      const present = concerned(turn.room, account, here);
      // By the presence of one of his all hear of the account; a domain is nobody's.
      const first = localOf(account) === '' ? undefined : present[0];
      const wasShown = first !== undefined && isShown(turn.room, first.role);
      for (const occupant of present) {
        // Who has an affiliation of his own is none of those of the domain.
        const isMeant =
          first !== undefined ||
          affiliationOf(room, occupant.account) !== affiliationOf(turn.room, occupant.account);
        if (!isMeant) continue;
        const told = occupant === first ? listed : undefined;
        follow(turn, occupant, before, { actor, reason, change: told });
      }
      if (listed === undefined) return;
      const now = first && occupantNamed(turn.room, first.nick);
      const isNowShown = now !== undefined && isShown(turn.room, now.role);
      if (!wasShown && !isNowShown) tellLists(turn, listed, first);
      if (present.length === 0) invite(turn, change, before);
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

/** §9.5: who becomes a member of a room for members is invited. */
function invite(turn: Turn, change: AffiliationChange, before: Affiliation): void {
  const { account, to, by, reason, isInvited } = change;
  const isNew = before === 'none' && to === 'member' && isInvited !== true;
  if (isNew && turn.room.config.isMembersOnly && localOf(account) !== '')
    turn.send(invitation(turn, { from: by, to: account, reason }));
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

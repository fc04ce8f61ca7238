/**
 * XEP-0463: the lists of a room by versions. A version names all changes up to one of them; what
 * happened since is told from a bounded record of the last ones.
 */
import { createHash } from 'node:crypto';
import { type BareJid, domainOf } from '../../jid/jid.ts';
import type { Affiliation } from './privileges.ts';

/** The changes of a room's lists that are remembered; who knows an older version is sent the whole. */
export const MAX_CHANGES = 256;

/** Another affiliation of an account or a domain, as it stands in the lists. */
export interface ListChange {
  /** Counts the changes of the room, from 1. */
  readonly seq: number;
  /** Names the lists as they are with it. */
  readonly version: string;
  readonly account: BareJid;
  readonly before: Affiliation;
  readonly now: Affiliation;
}

/** What of a room decides on its versions. */
export interface Versioned {
  readonly jid: BareJid;
  readonly created: number;
  /** Oldest first; of those that are left the first is kept only for its version. */
  readonly changes: readonly ListChange[];
}

/**
 * The lists that somebody may get: those of owners, admins, members and outcasts. Each choice of them
 * has versions of its own, so that whoever may see more than before is sent the whole.
 */
export type Lists = ReadonlySet<Affiliation>;

/** A change as somebody sees it: it leads from one of his versions to another. */
export interface Step {
  readonly since: string;
  readonly until: string;
  /** What he sees now: `none` where he may not know more. */
  readonly affiliation: Affiliation;
}

/** What somebody is told who named the version that he has. */
export type Difference =
  | { readonly kind: 'current' }
  | { readonly kind: 'since'; readonly items: readonly (readonly [BareJid, Affiliation])[] }
  /** The version is not known, any more or at all. */
  | { readonly kind: 'whole' }
  /** He was none of those who had that version (§Security Considerations). */
  | { readonly kind: 'foreign' };

const hash = (text: string) => createHash('sha256').update(text).digest('base64url').slice(0, 16);

/** The version of lists to which nothing has happened yet. */
const startOf = ({ jid, created }: Versioned) => hash(`${jid}\0${created}`);

/** The changes with more of them. */
export function withChanges(
  room: Versioned,
  more: readonly Pick<ListChange, 'account' | 'before' | 'now'>[],
): readonly ListChange[] {
  if (more.length === 0) return room.changes;
  const changes = [...room.changes];
  let { seq, version } = changes.at(-1) ?? { seq: 0, version: startOf(room) };
  for (const { account, before, now } of more) {
    seq += 1;
    // It names all that came before, too: after a restore from a backup none is given twice.
    version = hash(`${version}\0${account}\0${now}`);
    changes.push({ seq, version, account, before, now });
  }
  // What has just happened is told before it is forgotten.
  return changes.slice(-Math.max(MAX_CHANGES, more.length + 1));
}

const LISTED = ['owner', 'admin', 'member', 'outcast'] as const satisfies readonly Affiliation[];

/** Which lists a version is of, as a digit before it. */
const markOf = (lists: Lists) =>
  LISTED.reduce((sum, list, bit) => sum + (lists.has(list) ? 1 << bit : 0), 0).toString(16);

const seen = (affiliation: Affiliation, lists: Lists) =>
  lists.has(affiliation) ? affiliation : 'none';

const isSeen = ({ before, now }: ListChange, lists: Lists) =>
  seen(before, lists) !== seen(now, lists);

/** The version of lists with the changes up to one by its number; of all if none is given. */
export function versionOf(
  room: Versioned,
  lists: Lists,
  upTo: number = Number.POSITIVE_INFINITY,
): string {
  const last = room.changes.findLast((each) => each.seq <= upTo && isSeen(each, lists));
  return `${markOf(lists)}${last?.version ?? oldestOf(room)}`;
}

/** The oldest version from which changes can be told. */
function oldestOf(room: Versioned): string {
  const [first] = room.changes;
  return first === undefined || first.seq === 1 ? startOf(room) : first.version;
}

/** A change for somebody who may get some lists; undefined if he sees nothing of it. */
export function stepOf(room: Versioned, change: ListChange, lists: Lists): Step | undefined {
  if (!isSeen(change, lists)) return undefined;
  return {
    since: versionOf(room, lists, change.seq - 1),
    until: `${markOf(lists)}${change.version}`,
    affiliation: seen(change.now, lists),
  };
}

/**
 * What happened since a version, for somebody who may get some lists now: each account once, as it is.
 * `listsOf` says which he could get with another affiliation; none if he could not.
 */
export function differenceSince(
  room: Versioned,
  since: string,
  viewer: {
    readonly account: BareJid;
    readonly affiliates: ReadonlyMap<BareJid, { readonly affiliation: Affiliation }>;
    readonly lists: Lists;
    listsOf(affiliation: Affiliation): Lists;
  },
): Difference {
  const { account, affiliates, lists, listsOf } = viewer;
  const mark = markOf(lists);
  const at = placeOf(room, since.slice(1));
  if (at === undefined) return { kind: 'whole' };
  const later = room.changes.slice(at);
  const own = (jid: BareJid) =>
    later.find((each) => each.account === jid)?.before ??
    affiliates.get(jid)?.affiliation ??
    'none';
  const isBanned = own(account) === 'none' && own(domainOf(account)) === 'outcast';
  const then = listsOf(isBanned ? 'outcast' : own(account));
  if (then.size === 0) return { kind: 'foreign' };
  if (since[0] !== mark || markOf(then) !== mark) return { kind: 'whole' };
  const visible = later.filter((each) => isSeen(each, lists));
  if (visible.length === 0) return { kind: 'current' };
  const items = new Map(visible.map((each) => [each.account, each.now]));
  for (const jid of items.keys())
    items.set(jid, seen(affiliates.get(jid)?.affiliation ?? 'none', lists));
  return { kind: 'since', items: [...items] };
}

/** The index of the first change after a version; undefined if it is not known. */
function placeOf(room: Versioned, version: string): number | undefined {
  const at = room.changes.findIndex((each) => each.version === version);
  if (at !== -1) return at + 1;
  return version === oldestOf(room) ? 0 : undefined;
}

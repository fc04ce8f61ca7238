/** All groups in memory, and what each account shares by them. */
import { createHash } from 'node:crypto';
import type { BareJid, Domain } from '../../jid/jid.ts';
import { BoundedMap } from '../../kit/limits.ts';
import type { SharedContacts } from '../roster/index.ts';
import type { GroupKey } from './table.ts';

/** A group with all who are in it now. */
export interface Group extends GroupKey {
  readonly isEveryone: boolean;
  readonly members: ReadonlySet<BareJid>;
  /** Whom the config puts in, accounts or not; undefined for a group that admins have made here. */
  readonly defined: readonly BareJid[] | undefined;
}

/** The groups. */
export interface Book {
  /** Sorted by host and name. */
  all(): readonly Group[];
  find(key: GroupKey): Group | undefined;
  /** What an account shares; the same object until a group that it is in changes. */
  sharedBy(account: BareJid): SharedContacts | undefined;
  /** The groups in which an account is. */
  of(account: BareJid): readonly Group[];
  /** Puts a group in, or in the place of the one of its name. */
  put(group: Group): void;
  remove(key: GroupKey): void;
}

/** Accounts for which is remembered what they share. */
const CACHED = 5000;

/** A text that stands for a group. */
export const keyOf = ({ host, name }: GroupKey) => JSON.stringify([host, name]);

/** Makes an empty book. */
export function createBook(): Book {
  const groups = new Map<string, Group>();
  const byMember = new Map<BareJid, Set<string>>();
  const shared = new BoundedMap<BareJid, SharedContacts>(CACHED);

  const forget = (group: Group) => {
    const key = keyOf(group);
    for (const member of group.members) {
      shared.delete(member);
      const own = byMember.get(member);
      own?.delete(key);
      if (own?.size === 0) byMember.delete(member);
    }
  };
  const of = (account: BareJid): Group[] =>
    [...(byMember.get(account) ?? [])].flatMap((key) => groups.get(key) ?? []);

  return {
    all: () => [...groups.values()].sort(byName),
    find: (key) => groups.get(keyOf(key)),
    of,
    sharedBy(account) {
      if (!byMember.has(account)) return undefined;
      const known = shared.get(account);
      if (known !== undefined) return known;
      const made = sharedIn(of(account).sort(byName), account);
      shared.set(account, made);
      return made;
    },
    put(group) {
      const key = keyOf(group);
      const before = groups.get(key);
      if (before !== undefined) forget(before);
      groups.set(key, group);
      for (const member of group.members) {
        shared.delete(member);
        const own = byMember.get(member);
        if (own === undefined) byMember.set(member, new Set([key]));
        else own.add(key);
      }
    },
    remove(key) {
      const before = groups.get(keyOf(key));
      if (before === undefined) return;
      forget(before);
      groups.delete(keyOf(key));
    },
  };
}

function byName(one: GroupKey, other: GroupKey): number {
  if (one.host !== other.host) return one.host < other.host ? -1 : 1;
  return one.name < other.name ? -1 : one.name > other.name ? 1 : 0;
}

function sharedIn(groups: readonly Group[], account: BareJid): SharedContacts {
  const contacts = new Map<BareJid, string[]>();
  for (const { name, members } of groups)
    for (const member of members) {
      if (member === account) continue;
      const known = contacts.get(member);
      if (known === undefined) contacts.set(member, [name]);
      else if (!known.includes(name)) known.push(name);
    }
  // By what is in it, so that a client's version of its roster holds over a restart.
  const digest = createHash('sha256');
  for (const contact of [...contacts.keys()].sort())
    digest.update(JSON.stringify([contact, contacts.get(contact)]));
  return { version: digest.digest('base64url').slice(0, VERSION_LENGTH), contacts };
}

const VERSION_LENGTH = 16;

/** Whether a group is one of a host. */
export const isOf =
  (host: Domain | undefined) =>
  (group: GroupKey): boolean =>
    host === undefined || group.host === host;

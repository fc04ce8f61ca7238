/**
 * Contacts that an account has by its groups, beside its own items: they are shown as if each were
 * subscribed to the other (RFC 6121 §2.1.2.5), and are never written among the items.
 */
import type { MaybePromise } from '../../core/hooks.ts';
import type { BareJid } from '../../jid/jid.ts';
import { BoundedMap } from '../../kit/limits.ts';
import { type RosterItem, strangerOf } from './item.ts';
import type { Roster } from './rosters.ts';

/** What an account shares. The same object as long as nothing of it changes. */
export interface SharedContacts {
  /** The same whenever the contacts and groups are, over restarts too. */
  readonly version: string;
  /** The groups in which each is, by their names. */
  readonly contacts: ReadonlyMap<BareJid, readonly string[]>;
}

/** Knows what accounts share. */
export interface SharedSource {
  /** Undefined for one that shares nothing. */
  of(account: BareJid): MaybePromise<SharedContacts | undefined>;
}

/** Puts rosters together. */
export interface Merging {
  /** A roster with what is shared; the same object as long as neither changes. */
  merged(account: BareJid, own: Roster, shared: SharedContacts | undefined): Roster;
}

/** Rosters that are remembered as they were put together. */
const CACHED = 5000;

/** Makes it. */
export function createMerging(): Merging {
  const cache = new BoundedMap<BareJid, Made>(CACHED);
  return {
    merged(account, own, shared) {
      if (shared === undefined) return own;
      const known = cache.get(account);
      if (
        known !== undefined &&
        known.own === own &&
        known.revision === own.revision &&
        known.shared === shared
      )
        return known.roster;
      const roster = merge(own, shared, known?.roster);
      cache.set(account, { own, revision: own.revision, shared, roster });
      return roster;
    },
  };
}

interface Made {
  readonly own: Roster;
  readonly revision: number;
  readonly shared: SharedContacts;
  readonly roster: Roster;
}

function merge(
  own: Roster,
  { version, contacts }: SharedContacts,
  last: Roster | undefined,
): Roster {
  const items = new Map(own.items);
  for (const [contact, groups] of contacts) {
    const item = sharedItem(own.items.get(contact) ?? strangerOf(contact), groups);
    const before = last?.items.get(contact);
    // The same item is the same object, so that who compares lists finds what changed.
    items.set(contact, before !== undefined && isSame(before, item) ? before : item);
  }
  return { version: `${own.version}+${version}`, revision: own.revision, items };
}

/** An item as its user sees it. */
function sharedItem(item: RosterItem, groups: readonly string[]): RosterItem {
  return {
    ...item,
    groups: [...item.groups, ...groups.filter((group) => !item.groups.includes(group))],
    to: true,
    from: true,
    pendingOut: false,
    pendingIn: false,
    isListed: true,
  };
}

function isSame(one: RosterItem, other: RosterItem): boolean {
  return (
    one.to === other.to &&
    one.from === other.from &&
    one.name === other.name &&
    one.approved === other.approved &&
    one.isListed === other.isListed &&
    one.pendingIn === other.pendingIn &&
    one.pendingOut === other.pendingOut &&
    one.groups.length === other.groups.length &&
    one.groups.every((group, index) => group === other.groups[index])
  );
}

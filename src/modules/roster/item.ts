/** An entry of a roster (RFC 6121 §2.1.2), and how two parties stand to each other (Appendix A.1). */
import type { BareJid } from '../../jid/jid.ts';

/** The subscriptions between an account and a contact, seen from the account (Appendix A.1). */
export interface Standing {
  /** The account receives the contact's presence. */
  readonly to: boolean;
  /** The contact receives the account's presence. */
  readonly from: boolean;
  /** The account has asked and was not answered: "Pending Out". */
  readonly pendingOut: boolean;
  /** The contact has asked and was not answered: "Pending In". */
  readonly pendingIn: boolean;
  /** The contact's request is approved before he makes it (§3.4). */
  readonly approved: boolean;
}

/** The standing of strangers. */
export const STRANGERS: Standing = {
  to: false,
  from: false,
  pendingOut: false,
  pendingIn: false,
  approved: false,
};

/** A contact of an account. Never changed: a change makes a new one. */
export interface RosterItem extends Standing {
  readonly contact: BareJid;
  readonly name: string | undefined;
  readonly groups: readonly string[];
  /** Whether the user sees it; one who only asks for a subscription is not in the roster (§3.1.3). */
  readonly isListed: boolean;
}

/** A contact of whom nothing is known yet. */
export const strangerOf = (contact: BareJid): RosterItem => ({
  ...STRANGERS,
  contact,
  name: undefined,
  groups: [],
  isListed: false,
});

/** The `subscription` attribute of a standing (§2.1.2.5). */
export function subscriptionOf({ to, from }: Standing): 'none' | 'to' | 'from' | 'both' {
  if (to) return from ? 'both' : 'to';
  return from ? 'from' : 'none';
}

/**
 * An item in another standing, or undefined when nothing is left that is worth a record. Whoever has
 * any relation but an unanswered request of his own is in the roster (Appendix A.1).
 */
export function withStanding(item: RosterItem, next: Standing): RosterItem | undefined {
  const { to, from, pendingOut, pendingIn, approved } = next;
  const isListed = item.isListed || to || from || pendingOut || approved;
  if (!isListed && !pendingIn) return undefined;
  return { ...item, to, from, pendingOut, pendingIn, approved, isListed };
}

/** Whether a user sees a difference between two states of an item (the "modification" of §2.6.3). */
export function isSeenChange(
  before: RosterItem | undefined,
  after: RosterItem | undefined,
): boolean {
  const was = before?.isListed === true ? before : undefined;
  const is = after?.isListed === true ? after : undefined;
  if (was === undefined || is === undefined) return was !== is;
  return (
    subscriptionOf(was) !== subscriptionOf(is) ||
    was.pendingOut !== is.pendingOut ||
    was.approved !== is.approved ||
    was.name !== is.name ||
    was.groups.length !== is.groups.length ||
    was.groups.some((group, index) => group !== is.groups[index])
  );
}

/**
 * What a subscription stanza does, as tables of RFC 6121 Appendix A.2 and A.3 written as a pure
 * function of how two parties stand. Pre-approval is that of §3.4.
 */
import type { PresenceType } from '../../stanza/stanza.ts';
import type { Standing } from '../roster/index.ts';

/** The types of presence that manage subscriptions (§3). */
export type SubscriptionType = 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed';

/** Whether a type of presence manages subscriptions. */
export function isSubscriptionType(type: PresenceType): type is SubscriptionType {
  return (
    type === 'subscribe' ||
    type === 'subscribed' ||
    type === 'unsubscribe' ||
    type === 'unsubscribed'
  );
}

/** What follows from a stanza that the account sends to the contact. */
export interface OutboundStep {
  readonly next: Standing;
  /** Whether the contact gets the stanza. */
  readonly isRouted: boolean;
}

/** What follows from a stanza that the contact sends to the account. */
export interface InboundStep {
  readonly next: Standing;
  /** Whether the account's resources get the stanza. */
  readonly isDelivered: boolean;
  /** What the server answers on behalf of the account. */
  readonly reply: 'subscribed' | 'unsubscribed' | undefined;
}

/** Appendix A.2: the account sends, the standing is its own. `next` is the same object if nothing changes. */
export function outbound(standing: Standing, type: SubscriptionType): OutboundStep {
  const { to, from, pendingIn } = standing;
  const step = (isRouted: boolean, changes: Partial<Standing>): OutboundStep => ({
    next: changed(standing, changes),
    isRouted,
  });
  switch (type) {
    case 'subscribe': // A.2.1
      return step(true, to ? {} : { pendingOut: true });
    case 'unsubscribe': // A.2.2
      return step(true, { to: false, pendingOut: false });
    case 'subscribed': // A.2.3, §3.4.2
      if (pendingIn) return step(true, { from: true, pendingIn: false });
      return step(false, from ? {} : { approved: true });
    case 'unsubscribed': // A.2.4, §3.2.2
      return step(from || pendingIn, { from: false, pendingIn: false, approved: false });
  }
}

/** Appendix A.3: the account receives, the standing is its own. `next` is the same object if nothing changes. */
export function inbound(standing: Standing, type: SubscriptionType): InboundStep {
  const { to, from, pendingOut, pendingIn, approved } = standing;
  const step = (
    isDelivered: boolean,
    changes: Partial<Standing>,
    reply?: InboundStep['reply'],
  ): InboundStep => ({ next: changed(standing, changes), isDelivered, reply });
  switch (type) {
    case 'subscribe': // A.3.1
      if (from) return step(false, {}, 'subscribed');
      if (approved) return step(false, { from: true, pendingIn: false }, 'subscribed');
      return step(!pendingIn, { pendingIn: true });
    case 'unsubscribe': // A.3.2
      if (!from && !pendingIn) return step(false, {});
      return step(true, { from: false, pendingIn: false }, 'unsubscribed');
    case 'subscribed': // A.3.3
      return pendingOut ? step(true, { to: true, pendingOut: false }) : step(false, {});
    case 'unsubscribed': // A.3.4
      return to || pendingOut ? step(true, { to: false, pendingOut: false }) : step(false, {});
  }
}

function changed(standing: Standing, changes: Partial<Standing>): Standing {
  const next = { ...standing, ...changes };
  const isSame =
    next.to === standing.to &&
    next.from === standing.from &&
    next.pendingOut === standing.pendingOut &&
    next.pendingIn === standing.pendingIn &&
    next.approved === standing.approved;
  return isSame ? standing : next;
}

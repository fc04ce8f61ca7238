/** The elements of rosters on the wire (RFC 6121 §2.1). */
import type { BareJid, Jid } from '../../jid/jid.ts';
import {
  attr,
  each,
  jidAttr,
  optional,
  optionalAttr,
  payload,
  struct,
  text,
} from '../../xml/codec.ts';
import { type Element, el } from '../../xml/element.ts';
import { type RosterItem, strangerOf, subscriptionOf } from './item.ts';

/** The namespace of rosters. */
export const ROSTER = 'jabber:iq:roster';

/** The element of roster gets, results, sets and pushes. */
export const Query = payload('query', ROSTER, {
  ver: optional(attr('ver')),
  items: each(
    'item',
    struct({
      jid: jidAttr('jid'),
      name: optionalAttr('name'),
      subscription: optionalAttr('subscription'),
      ask: optionalAttr('ask'),
      approved: optionalAttr('approved'),
      groups: each('group', text),
    }),
  ),
});

/** What a {@link Query} says. */
export interface QueryValue {
  readonly ver?: string | undefined;
  readonly items: readonly ItemValue[];
}

/** What an item on the wire says. */
export interface ItemValue {
  readonly jid: Jid;
  readonly name: string | undefined;
  readonly subscription: string | undefined;
  readonly ask: string | undefined;
  readonly approved: string | undefined;
  readonly groups: readonly string[];
}

/** A whole roster (§2.1.4); without a version where it is kept elsewhere. */
export function rosterResult(version: string | undefined, items: readonly RosterItem[]): Element {
  return Query.encode({ ver: version, items: items.map(encoded) });
}

/** The one item of a push (§2.1.6): as it is now, or removed. */
export function rosterPush(
  version: string,
  contact: BareJid,
  item: RosterItem | undefined,
): Element {
  if (item?.isListed === true) return Query.encode({ ver: version, items: [encoded(item)] });
  const removed = { ...encoded(strangerOf(contact)), subscription: 'remove' };
  return Query.encode({ ver: version, items: [removed] });
}

/** The stream feature of roster versioning (§2.6.1). */
export const versioningFeature = (): Element => el('ver', { xmlns: 'urn:xmpp:features:rosterver' });

const encoded = (item: RosterItem): ItemValue => ({
  jid: item.contact,
  name: item.name,
  subscription: subscriptionOf(item),
  ask: item.pendingOut ? 'subscribe' : undefined,
  approved: item.approved ? 'true' : undefined,
  groups: item.groups,
});

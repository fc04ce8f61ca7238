/** XEP-0203: Delayed Delivery. */
import type { Jid } from '../jid/jid.ts';
import { dateTimeAttr, jidAttr, optional, payload, text } from '../xml/codec.ts';
import { writeDateTime } from '../xml/date-time.ts';
import { escapeAttribute, escapeText } from '../xml/element.ts';
import { type Message, type Presence, withChildren } from './stanza.ts';

/**
 * When a stanza was first sent (`stamp`, milliseconds since the epoch), who delayed it and why
 * (`reason`, which may be ''): §4.
 */
export const Delay = payload('delay', 'urn:xmpp:delay', {
  from: optional(jidAttr('from')),
  stamp: dateTimeAttr('stamp'),
  reason: text,
});

/** A delay as text. */
export const delayText = ({ from, stamp, reason }: Required<DelayedBy>): string =>
  `<delay xmlns="${Delay.ns}" from="${escapeAttribute(from)}" stamp="${writeDateTime(stamp)}">` +
  `${escapeText(reason)}</delay>`;

/** Who delays a stanza, since when (ms since the epoch), and why. */
export interface DelayedBy {
  readonly from: Jid;
  readonly stamp: number;
  readonly reason?: string;
}

/**
 * A stanza with the time at which it first came, in the name of the one who delays it. A delay that
 * only pretends to be from there is left out (§5).
 */
export function delayed<S extends Message | Presence>(stanza: S, delay: DelayedBy): S {
  const children = stanza.element.children.filter(
    (child) => typeof child === 'string' || Delay.decode(child)?.from !== delay.from,
  );
  return withChildren(stanza, [...children, Delay.encode({ reason: '', ...delay })]);
}

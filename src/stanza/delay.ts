/** XEP-0203: Delayed Delivery. */
import { dateTimeAttr, jidAttr, optional, payload, text } from '../xml/codec.ts';

/**
 * When a stanza was first sent (`stamp`, milliseconds since the epoch), who delayed it and why
 * (`reason`, which may be ''): §4.
 */
export const Delay = payload('delay', 'urn:xmpp:delay', {
  from: optional(jidAttr('from')),
  stamp: dateTimeAttr('stamp'),
  reason: text,
});

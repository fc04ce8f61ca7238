/** XEP-0359: Unique and Stable Stanza IDs. */
import { type BareJid, type Jid, parseJid } from '../jid/jid.ts';
import { childOf, type Element, el, nsOf, serialise } from '../xml/element.ts';
import type { Message } from './stanza.ts';
import { withChildren } from './stanza.ts';
import { extendedWire } from './wire.ts';

/** The namespace of stanza ids, and the feature of whoever adds them by the rules of §3. */
export const STANZA_IDS = 'urn:xmpp:sid:0';

/** The id that an address has given to a message; undefined if it has none of it. */
export function stanzaIdOf({ element }: Message, by: Jid): string | undefined {
  for (const child of element.children)
    if (isStanzaId(child) && isBy(child, by)) return child.attrs.id;
  return undefined;
}

/** The id that a message's sender gave it (§2.2), which may be its `id`, too. */
export const originIdOf = ({ element }: Message): string | undefined =>
  childOf(element, 'origin-id', STANZA_IDS)?.attrs.id;

/** A message without ids that only pretend to be given by an address (§3, rule 2). */
export function withoutStanzaIds(message: Message, by: Jid): Message {
  const { children } = message.element;
  if (!children.some((child) => isStanzaId(child) && isBy(child, by))) return message;
  return withChildren(
    message,
    children.filter((child) => !isStanzaId(child) || !isBy(child, by)),
  );
}

/**
 * A message with an id by an account or room, which it has none of yet (§3, rule 4). What the message
 * was before is not written again.
 */
export function withStanzaId(message: Message, by: BareJid, id: string): Message {
  const stanzaId = el('stanza-id', { xmlns: STANZA_IDS, by, id });
  const stamped = withChildren(message, [...message.element.children, stanzaId]);
  return { ...stamped, wire: extendedWire(message.wire, 'message', serialise(stanzaId)) };
}

/** An id, by the name first: most children are something else. */
function isStanzaId(child: Element | string): child is Element {
  return typeof child !== 'string' && child.name === 'stanza-id' && nsOf(child) === STANZA_IDS;
}

/** `by` is an address like any other: it may be written in another way (§3, rule 7). */
function isBy(stanzaId: Element, by: Jid): boolean {
  const { by: raw } = stanzaId.attrs;
  if (raw === undefined) return false;
  if (raw === by) return true;
  const parsed = parseJid(raw);
  return parsed.ok && parsed.value === by;
}

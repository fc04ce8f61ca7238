/** Stanzas that were kept as text. */
import { type Jid, parseJid } from '../jid/jid.ts';
import { nextSerial } from '../kit/ids.ts';
import { type Element, el, escapeAttribute } from '../xml/element.ts';
import { parseElement } from '../xml/parse.ts';
import { type Message, readStanza, type Stanza } from './stanza.ts';
import type { Wire } from './wire.ts';

/**
 * The stanza of a text that was written from one with both addresses; undefined when the text is
 * damaged. A message of which the `serial` is known is still that one.
 */
export function readStored(text: string, serial?: number): Stanza | undefined {
  const parsed = parseElement(text);
  if (!parsed.ok) return undefined;
  const from = parseJid(parsed.element.attrs.from ?? '');
  if (!from.ok) return undefined;
  const read = readStanza(parsed.element, { from: from.value, defaultTo: undefined });
  if (!read.ok) return undefined;
  const { stanza } = read;
  return stanza.kind === 'message' && serial !== undefined ? { ...stanza, serial } : stanza;
}

/** The text of a stanza within another document, where it names the namespace that a stream has. */
export const standingAlone = (text: string): string =>
  text.replace(/^<(message|presence|iq)(?=[\s/>])/, '<$1 xmlns="jabber:client"');

/** A message whose content is text already. */
export interface WrittenParts {
  readonly from: Jid;
  readonly to: Jid;
  readonly id: string;
  /** Its children as XML, which is trusted to be sound. */
  readonly content: string;
}

/**
 * A message of type normal around text that was written before. The text is not read unless somebody
 * looks at the tree.
 */
export function writtenMessage({ from, to, id, content }: WrittenParts): Message {
  const head = `<message from="${escapeAttribute(from)}" id="${escapeAttribute(id)}"`;
  const textTo = (other: Jid) => `${head} to="${escapeAttribute(other)}">${content}</message>`;
  const text = textTo(to);
  const wire: Wire = { text, textTo };
  let element: Element | undefined;
  return {
    kind: 'message',
    type: 'normal',
    id,
    from,
    to,
    serial: nextSerial(),
    wire,
    get element() {
      element ??= treeOf(text) ?? el('message', { from, id, to });
      return element;
    },
  };
}

function treeOf(text: string): Element | undefined {
  const parsed = parseElement(text);
  return parsed.ok ? parsed.element : undefined;
}

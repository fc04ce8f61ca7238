/** Stanzas that were kept as text. */
import { type Jid, parseJid } from '../jid/jid.ts';
import { nextSerial } from '../kit/ids.ts';
import { type Element, el, escapeAttribute } from '../xml/element.ts';
import { parseElement, parsePlain } from '../xml/parse.ts';
import { type Message, readStanza, type Stanza } from './stanza.ts';
import type { Wire } from './wire.ts';

/**
 * The stanza of a text that was written from one with both addresses; undefined when the text is
 * damaged. A message of which the `serial` is known is still that one.
 */
export function readStored(text: string, serial?: number): Stanza | undefined {
  const plain = parsePlain(text);
  const element = plain ?? treeOf(text);
  if (element === undefined) return undefined;
  const addresses = addressesOf(element);
  const from = parseJid(element.attrs.from ?? '');
  if (!from.ok) return undefined;
  const read = readStanza(element, { from: from.value, defaultTo: undefined });
  if (!read.ok) return undefined;
  const { stanza } = read;
  if (stanza.kind !== 'message') return stanza;
  const { wire } = stanza;
  // What is there need not be written again, unless an address is written in another way now.
  const isSame = plain !== undefined && !namesNamespace(text) && addressesOf(element) === addresses;
  return {
    ...stanza,
    serial: serial ?? stanza.serial,
    wire: isSame ? { text, textTo: (to) => wire.textTo(to) } : wire,
  };
}

/** Whether the first tag says what a stream says for all (RFC 6120 §4.8.2): one between servers says another. */
const namesNamespace = (text: string): boolean =>
  text.slice(0, text.indexOf('>')).includes(' xmlns=');

const addressesOf = ({ attrs }: Element): string => `${attrs.from} ${attrs.to}`;

/** The text of a stanza within another document, where it names the namespace that a stream has. */
export function standingAlone(text: string): string {
  const start = STARTS.find((each) => text.startsWith(each));
  if (start === undefined || !/[\s/>]/.test(text.charAt(start.length))) return text;
  return `${start} xmlns="jabber:client"${text.slice(start.length)}`;
}

const STARTS = ['<message', '<presence', '<iq'] as const;

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
export const writtenMessage = (parts: WrittenParts): Message => new WrittenMessage(parts);

/** Its own wire, too: a page of an archive has many, and what they are made of costs (bench, `archive`). */
class WrittenMessage implements Message, Wire {
  readonly kind = 'message';
  readonly type = 'normal';
  readonly id: string;
  readonly from: Jid;
  readonly to: Jid;
  readonly serial = nextSerial();
  readonly wire: Wire = this;
  readonly text: string;
  readonly #content: string;
  #element: Element | undefined;

  constructor({ from, to, id, content }: WrittenParts) {
    this.id = id;
    this.from = from;
    this.to = to;
    this.#content = content;
    this.text = this.textTo(to);
  }

  textTo(to: Jid): string {
    const [from, id] = [escapeAttribute(this.from), escapeAttribute(this.id)];
    return `<message from="${from}" id="${id}" to="${escapeAttribute(to)}">${this.#content}</message>`;
  }

  get element(): Element {
    const { from, id, to } = this;
    this.#element ??= treeOf(this.text) ?? el('message', { from, id, to });
    return this.#element;
  }
}

function treeOf(text: string): Element | undefined {
  const parsed = parseElement(text);
  return parsed.ok ? parsed.element : undefined;
}

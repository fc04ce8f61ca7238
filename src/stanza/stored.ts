/** Stanzas that were kept as text. */
import { type Jid, parseJid } from '../jid/jid.ts';
import { nextSerial } from '../kit/ids.ts';
import { type Element, el, escapeAttribute } from '../xml/element.ts';
import { parseElement, parsePlain } from '../xml/parse.ts';
import type { Content } from './content.ts';
import { type Message, readStanza, type Stanza, typeOfMessage } from './stanza.ts';
import { type Wire, wireOf } from './wire.ts';

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
  const isSame =
    plain !== undefined &&
    !namesNamespace(text.slice(0, text.indexOf('>'))) &&
    addressesOf(element) === addresses;
  return {
    ...stanza,
    serial: serial ?? stanza.serial,
    wire: isSame ? { text, textTo: (to) => wire.textTo(to) } : wire,
  };
}

/** A message that was kept as text, and what was noted of it. */
export interface KeptMessage {
  readonly stanza: string;
  readonly serial: number | undefined;
  /** See {@link Message.content}; undefined: it is to be read. */
  readonly content: Content | undefined;
}

/**
 * A message that was kept for an address, as `readStored` would read it. Where its content is known, the text
 * is not read but for its first tag, unless somebody looks at the tree. Undefined when the text is damaged.
 */
export function readKept(kept: KeptMessage, to: Jid): Message | undefined {
  const { stanza: text, serial, content } = kept;
  if (content !== undefined) {
    const found = LazyMessage.of(text, to, serial ?? nextSerial(), content);
    if (found !== undefined) return found;
  }
  const stanza = readStored(text, serial);
  return stanza?.kind === 'message' ? stanza : undefined;
}

const MESSAGE_START = '<message ';
const MESSAGE_END = '</message>';

/** Its own wire, too: an account has a thousand that wait, and what they are made of costs (bench, `offline`). */
class LazyMessage implements Message, Wire {
  readonly kind = 'message';
  readonly type: Message['type'];
  readonly id: string | undefined;
  readonly from: Jid;
  readonly to: Jid;
  readonly serial: number;
  readonly wire: Wire = this;
  readonly text: string;
  readonly #content: Content;
  #element: Element | undefined;

  private constructor(
    text: string,
    tag: string,
    from: Jid,
    to: Jid,
    serial: number,
    content: Content,
  ) {
    this.type = typeOfMessage(valueIn(tag, ' type="'));
    this.id = valueIn(tag, ' id="');
    this.from = from;
    this.to = to;
    this.serial = serial;
    this.text = text;
    this.#content = content;
  }

  /** Undefined where more than the first tag has to be read to know what it says. */
  static of(text: string, to: Jid, serial: number, content: Content): LazyMessage | undefined {
    if (!text.startsWith(MESSAGE_START) || !text.endsWith(MESSAGE_END)) return undefined;
    const tag = text.slice(0, text.indexOf('>'));
    if (tag.includes('&') || namesNamespace(tag)) return undefined;
    const sender = valueIn(tag, ' from="') ?? '';
    const from = parseJid(sender);
    if (!from.ok || from.value !== sender || valueIn(tag, ' to="') !== to) return undefined;
    return new LazyMessage(text, tag, from.value, to, serial, content);
  }

  get content(): Content {
    return this.#content;
  }

  get element(): Element {
    const { from, to, id } = this;
    this.#element ??= treeOf(this.text) ?? el('message', { from, id, to });
    return this.#element;
  }

  textTo(to: Jid): string {
    return wireOf(this.element).textTo(to);
  }
}

/** The value of an attribute in a tag that we have written: no value in it has a quotation mark. */
function valueIn(tag: string, beginning: string): string | undefined {
  const found = tag.indexOf(beginning);
  if (found < 0) return undefined;
  const start = found + beginning.length;
  return tag.slice(start, tag.indexOf('"', start));
}

/** Whether the first tag says what a stream says for all (RFC 6120 §4.8.2): one between servers says another. */
const namesNamespace = (tag: string): boolean => tag.includes(' xmlns=');

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

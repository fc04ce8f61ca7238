/** The text of a stanza, made when first asked for and never again. */
import type { Jid } from '../jid/jid.ts';
import {
  type Element,
  escapeAttribute,
  serialiseAttributes,
  serialiseChildren,
} from '../xml/element.ts';

/** A stanza as XML text that can be written into any stream. */
export interface Wire {
  /** The stanza as it is. */
  readonly text: string;
  /** The stanza with another `to`; however many receive it, the rest is written only once. */
  textTo(to: Jid): string;
}

/** The text of an element that is a stanza and is not changed any more. */
export function wireOf(element: Element): Wire {
  return new ElementWire(element);
}

/**
 * The text of a stanza of a name with more at the end of its children. What it extends is not written
 * again.
 */
export function extendedWire(wire: Wire, name: string, more: string): Wire {
  const extended = (text: string) => extendedText(text, name, more);
  let whole: string | undefined;
  return {
    get text() {
      whole ??= extended(wire.text);
      return whole;
    },
    textTo: (to) => extended(wire.textTo(to)),
  };
}

/** The text of a stanza of a name with more at the end of its children. */
export function extendedText(text: string, name: string, more: string): string {
  const end = `</${name}>`;
  return text.endsWith(end)
    ? text.slice(0, -end.length) + more + end
    : `${text.slice(0, -'/>'.length)}>${more}${end}`;
}

class ElementWire implements Wire {
  readonly #element: Element;
  #text: string | undefined;
  /** Where `to` stands in the text, or would. */
  #toStart = 0;
  #toEnd = 0;
  #head: string | undefined;
  #rest = '';

  constructor(element: Element) {
    this.#element = element;
  }

  get text(): string {
    this.#text ??= this.#written();
    return this.#text;
  }

  textTo(to: Jid): string {
    const { text } = this;
    if (this.#head === undefined) {
      this.#head = text.slice(0, this.#toStart);
      this.#rest = text.slice(this.#toEnd);
    }
    return this.#head + toAttribute(to) + this.#rest;
  }

  /**
   * Joined, and not added up: V8 keeps what was added up as a tree of its parts, more than twenty for a chat
   * message, each of which its collector copies while the message is under way (bench, `pairs-held`).
   */
  #written(): string {
    const { name, attrs } = this.#element;
    const head = `<${name}${serialiseAttributes(attrs, 'to')}`;
    const to = attrs.to === undefined ? '' : toAttribute(attrs.to);
    const children = serialiseChildren(this.#element);
    this.#toStart = head.length;
    this.#toEnd = head.length + to.length;
    return [head, to, children === '' ? '/>' : `>${children}</${name}>`].join('');
  }
}

function toAttribute(to: string): string {
  return ` to="${escapeAttribute(to)}"`;
}

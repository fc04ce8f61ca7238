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
  #head = '';
  #rest: string | undefined;

  constructor(element: Element) {
    this.#element = element;
  }

  get text(): string {
    if (this.#text === undefined) {
      const rest = this.#restText(); // also makes the head
      const { to } = this.#element.attrs;
      this.#text = to === undefined ? this.#head + rest : this.#head + toAttribute(to) + rest;
    }
    return this.#text;
  }

  textTo(to: Jid): string {
    const rest = this.#restText();
    return this.#head + toAttribute(to) + rest;
  }

  /** What follows `to`; also makes the head, which is what precedes it. */
  #restText(): string {
    if (this.#rest === undefined) {
      const { name, attrs } = this.#element;
      this.#head = `<${name}${serialiseAttributes(attrs, 'to')}`;
      const children = serialiseChildren(this.#element);
      this.#rest = children === '' ? '/>' : `>${children}</${name}>`;
    }
    return this.#rest;
  }
}

function toAttribute(to: string): string {
  return ` to="${escapeAttribute(to)}"`;
}

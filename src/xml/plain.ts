/**
 * Elements as nearly all are written: with ASCII names and no prefixes, and whole. They are read here in one
 * go, at a third of what saxes needs (`bench/xml.bench.ts`). Whatever is less plain, or wrong, is left to
 * saxes: it alone says what is not XML, and what is read here must be what it would have read.
 */
import { Element, NO_NAMESPACE } from './element.ts';
import type { XmlLimits } from './events.ts';
import { hashOn, nameIn } from './names.ts';
import { namespaceInTree } from './tag.ts';

/** The stream in which an element stands. */
export interface PlainScope {
  /** The stream's content namespace. */
  readonly contentNs: string;
  /** The local name of the stream's own tag. */
  readonly root: string;
  readonly limits: XmlLimits;
}

const TAB = 0x09;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const QUOTE = 0x22;
const AMPERSAND = 0x26;
const APOSTROPHE = 0x27;
const SLASH = 0x2f;
const LESS = 0x3c;
const EQUALS = 0x3d;
const GREATER = 0x3e;
const BRACKET = 0x5d;
/** The first of two that are no characters (XML 1.0 §2.2). A decoded text has no lone surrogates. */
const NO_CHARACTER = 0xfffe;

/** What an ASCII character is in a name: its beginning and further in, further in only, or neither. */
const BEGINS_NAME = 2;
const IN_NAME = 1;
const NAME_CLASS = Uint8Array.from({ length: 0x80 }, (_, code) => {
  const character = String.fromCharCode(code);
  return /[A-Za-z_]/.test(character) ? BEGINS_NAME : /[0-9.-]/.test(character) ? IN_NAME : 0;
});

/** The five that XML predefines (XML 1.0 §4.6), and what they stand for. */
const REFERENCES = [
  ['&lt;', '<'],
  ['&gt;', '>'],
  ['&amp;', '&'],
  ['&apos;', "'"],
  ['&quot;', '"'],
] as const;

/** XML's own namespaces, which may be declared in few ways only. */
const OF_XML = 'http://www.w3.org/';

/** With more attributes than that, an element is none of the plain ones. */
const MOST_ATTRIBUTES = 16;
/** How many children may wait for their parents' ends, before what is left of them is given up. */
const KEPT_NODES = 256;

/**
 * What stands behind a text that may end within an element. It is no character of XML. To look behind a text's
 * end would make V8 read each character by a call from then on, at more than twice the cost.
 */
export const TEXT_END = '\0';

/** Reads plain elements out of a text, one after the other. It belongs to one thread and is never nested. */
class PlainReader {
  /** Behind the last element; where there was none, how far all was plain. */
  end = 0;

  #text = '';
  #at = 0;
  #elements = 0;
  /** How many elements are open. What follows, up to there, is said of each. */
  #depth = 0;
  /** The namespace as it is declared, and as the tree has it. */
  readonly #uris: string[] = [];
  readonly #namespaces: string[] = [];
  /** Where its children begin among those of all. */
  readonly #marks: number[] = [];
  #nodes: (Element | string)[] = [];
  #nodeCount = 0;
  /** The attributes of the present tag. */
  readonly #names: string[] = [];
  readonly #values: string[] = [];
  #attributeCount = 0;

  /**
   * The element that begins at a position; undefined if there is none here that is plain, whole and within
   * the limits of its levels, elements and attributes (that of its bytes is the caller's).
   */
  read(text: string, start: number, scope: PlainScope): Element | undefined {
    this.#text = text;
    this.#at = start;
    this.#elements = 0;
    this.#depth = 0;
    this.#nodeCount = 0;
    const element = this.#element(scope);
    // We are kept, and need not keep what may be large.
    this.#text = '';
    if (this.#nodes.length > KEPT_NODES) this.#nodes = [];
    this.end = this.#at;
    return element;
  }

  #element(scope: PlainScope): Element | undefined {
    let open: Element | null = null;
    for (;;) {
      if (this.#text.charCodeAt(this.#at) !== LESS) return undefined;
      if (this.#text.charCodeAt(this.#at + 1) === SLASH) {
        if (open === null || !this.#endTag(open)) return undefined;
        if (open.parent === null) return open;
        open = open.parent;
      } else {
        const element = this.#startTag(scope);
        if (element === undefined) return undefined;
        element.parent = open;
        if (open !== null) this.#nodes[this.#nodeCount++] = element;
        const isEmpty = this.#text.charCodeAt(this.#at) === SLASH;
        if (isEmpty) this.#at += 1;
        if (this.#text.charCodeAt(this.#at) !== GREATER) return undefined;
        this.#at += 1;
        if (!isEmpty) {
          this.#marks[this.#depth] = this.#nodeCount;
          this.#depth += 1;
          open = element;
        } else if (open === null) {
          return element;
        }
      }
      const content = this.#upTo(LESS);
      if (content === undefined || open === null) return undefined;
      if (content !== '') this.#nodes[this.#nodeCount++] = content;
    }
  }

  #endTag(element: Element): boolean {
    const { name } = element;
    const behind = this.#at + 2 + name.length;
    if (!this.#text.startsWith(name, this.#at + 2)) {
      const end = this.#text.indexOf(TEXT_END, this.#at);
      if (end >= 0 && name.startsWith(this.#text.slice(this.#at + 2, end))) this.#at = end;
      return false;
    }
    if (this.#text.charCodeAt(behind) !== GREATER) {
      this.#at = behind;
      return false;
    }
    this.#at = behind + 1;
    this.#depth -= 1;
    const mark = this.#marks[this.#depth] ?? 0;
    // An array that is just as long: one that grows by "push" begins with room for seventeen.
    if (mark < this.#nodeCount) element.children = this.#nodes.slice(mark, this.#nodeCount);
    this.#nodeCount = mark;
    return true;
  }

  /** Reads a start tag up to its `>` or `/`. */
  #startTag({ contentNs, root, limits }: PlainScope): Element | undefined {
    const depth = this.#depth;
    this.#elements += 1;
    if (depth >= limits.maxDepth || this.#elements > limits.maxElements) return undefined;
    this.#at += 1;
    const name = this.#name();
    if (name === undefined || (depth === 0 && name === root)) return undefined;
    const inherited = depth === 0 ? contentNs : (this.#uris[depth - 1] ?? '');
    const uri = this.#attributes(limits.maxAttributes, inherited);
    if (uri === undefined) return undefined;

    const parentNs = depth === 0 ? '' : (this.#namespaces[depth - 1] ?? '');
    const ns = namespaceInTree(uri, contentNs, parentNs);
    this.#uris[depth] = uri;
    this.#namespaces[depth] = ns;
    const element = new Element(name);
    const { attrs } = element;
    if (ns !== parentNs) attrs.xmlns = ns === NO_NAMESPACE ? '' : ns;
    for (let index = 0; index < this.#attributeCount; index += 1) {
      attrs[this.#names[index] ?? ''] = this.#values[index];
    }
    return element;
  }

  /**
   * Reads attributes, without `xmlns`, up to the `>` or `/` behind them.
   * @returns the namespace that holds in the element
   */
  #attributes(most: number, inherited: string): string | undefined {
    this.#attributeCount = 0;
    let declared: string | undefined;
    for (let count = 0; ; count += 1) {
      const isSpaced = this.#skipSpace();
      const code = this.#text.charCodeAt(this.#at);
      if (code === GREATER || code === SLASH) return declared ?? inherited;
      if (!isSpaced || count === most || count === MOST_ATTRIBUTES) return undefined;
      const name = this.#attributeName();
      if (name === undefined || this.#text.charCodeAt(this.#at) !== EQUALS) return undefined;
      this.#at += 1;
      const quote = this.#text.charCodeAt(this.#at);
      if (quote !== QUOTE && quote !== APOSTROPHE) return undefined;
      this.#at += 1;
      if (name === 'xmlns') {
        if (declared !== undefined) return undefined;
        declared = this.#namespace(quote);
        if (declared === undefined) return undefined;
      } else {
        const value = this.#upTo(quote);
        if (value === undefined || this.#hasAttribute(name)) return undefined;
        this.#names[this.#attributeCount] = name;
        this.#values[this.#attributeCount] = value;
        this.#attributeCount += 1;
      }
      this.#at += 1;
    }
  }

  #hasAttribute(name: string): boolean {
    for (let index = 0; index < this.#attributeCount; index += 1) {
      if (this.#names[index] === name) return true;
    }
    return false;
  }

  #skipSpace(): boolean {
    const start = this.#at;
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== SPACE && code !== NEWLINE && code !== TAB) return this.#at > start;
      this.#at += 1;
    }
  }

  /** A name without a prefix, which does not begin as those do that XML keeps for itself. */
  #name(): string | undefined {
    const start = this.#at;
    const name = this.#token();
    return name?.startsWith('xml') === true || this.#text.startsWith('__', start)
      ? undefined
      : name;
  }

  #attributeName(): string | undefined {
    const start = this.#at;
    if (this.#text.startsWith('xml:lang=', start)) {
      this.#at += 'xml:lang'.length;
      return 'xml:lang';
    }
    if (this.#text.startsWith('xmlns=', start)) {
      this.#at += 'xmlns'.length;
      return 'xmlns';
    }
    return this.#name();
  }

  #token(): string | undefined {
    const text = this.#text;
    const start = this.#at;
    let at = start;
    let hash = 0;
    let code = text.charCodeAt(at);
    if (NAME_CLASS[code] !== BEGINS_NAME) return undefined;
    do {
      hash = hashOn(hash, code);
      at += 1;
      code = text.charCodeAt(at);
    } while ((NAME_CLASS[code] ?? 0) !== 0);
    this.#at = at;
    return nameIn(text, start, at, hash);
  }

  /** The value of `xmlns`, of characters that need no second look. */
  #namespace(quote: number): string | undefined {
    const text = this.#text;
    const start = this.#at;
    let at = start;
    let hash = 0;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === quote) break;
      const isPlain = code > SPACE && code < 0x7f && code !== AMPERSAND && code !== LESS;
      if (!isPlain) {
        this.#at = at;
        return undefined;
      }
      hash = hashOn(hash, code);
      at += 1;
    }
    this.#at = at;
    if (text.startsWith(OF_XML, start)) return undefined;
    return nameIn(text, start, at, hash);
  }

  /** What stands before a `<` or a quote; undefined where saxes has to look. */
  #upTo(stop: number): string | undefined {
    const text = this.#text;
    let value = '';
    let start = this.#at;
    let at = start;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === stop) break;
      if (code === AMPERSAND) {
        const reference = REFERENCES.find(([written]) => text.startsWith(written, at));
        if (reference === undefined) return undefined;
        value += text.slice(start, at) + reference[1];
        at += reference[0].length;
        start = at;
        continue;
      }
      // Where the text ends without a mark, the code is NaN, which is not less than anything.
      if (!(code >= SPACE ? code < NO_CHARACTER : isBreak(code, stop))) {
        this.#at = at;
        return undefined;
      }
      if (code === LESS || (code === BRACKET && text.startsWith(']]>', at))) return undefined;
      at += 1;
    }
    this.#at = at;
    return value + text.slice(start, at);
  }
}

/** Whether it is whitespace that stays as it is: in an attribute it would become a space (XML 1.0 §3.3.3). */
function isBreak(code: number, stop: number): boolean {
  return stop === LESS && (code === NEWLINE || code === TAB);
}

const reader = new PlainReader();

/** The plain element that begins at a position of a text; see {@link PlainReader.read}. */
export function readPlain(text: string, start: number, scope: PlainScope): Element | undefined {
  return reader.read(text, start, scope);
}

/**
 * Where the element ends that {@link readPlain} read last. Where it found none, all before is plain, so that
 * one which only lacks its end has been read up to {@link TEXT_END}.
 */
export function plainEnd(): number {
  return reader.end;
}

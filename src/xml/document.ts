/**
 * A whole document, such as a file, as it is read: elements that hold others are told when they begin and end,
 * what is in them as whole elements, so that never more than one of these is in memory.
 */
import type { SaxesTagNS } from 'saxes';
import { Utf8 } from '../kit/utf8.ts';
import { append, type Element } from './element.ts';
import type { XmlLimits } from './events.ts';
import { DocumentSax, NOT_UTF8, openSax, type XmlFault } from './sax.ts';
import { elementOf, namespaceInTree } from './tag.ts';

/**
 * What a document tells. `open` and `close` are of an element that holds others, told without them; `size` is
 * about the bytes of an element; one that is `skipped` was larger than the limits. Nothing follows a `fault`, whose
 * `line` counts from 1.
 */
export type DocumentEvent =
  | { readonly kind: 'open'; readonly element: Element }
  | { readonly kind: 'close' }
  | { readonly kind: 'element'; readonly element: Element; readonly size: number }
  | { readonly kind: 'skipped'; readonly element: Element; readonly why: string }
  | { readonly kind: 'fault'; readonly fault: XmlFault; readonly line: number };

/** How a document is read. */
export interface DocumentOptions {
  /** Whether an element holds others, which stands in those of `path`, the outermost first. */
  opens(element: Element, path: readonly Element[]): boolean;
  /** Of each whole element, and of each tag. */
  readonly limits: XmlLimits;
}

/** Chunks are read in pieces of this size, so that limits take effect soon. */
const PIECE_BYTES = 16_384;

/** The namespace of stanzas, which is not named in trees (`tag.ts`). */
const CONTENT = 'jabber:client';

/** Thrown through saxes, which cannot be stopped otherwise, and caught in this file. */
const HALT = Symbol('halt');

/** Reads a document from its bytes. Never throws but where the source does. */
export async function* readDocument(
  source: AsyncIterable<Buffer>,
  options: DocumentOptions,
): AsyncGenerator<DocumentEvent> {
  const reader = new DocumentReader(options);
  for await (const chunk of source)
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      yield* reader.write(chunk.subarray(at, at + PIECE_BYTES));
      if (reader.isOver) return;
    }
  yield* reader.end();
}

class DocumentReader {
  readonly #options: DocumentOptions;
  readonly #utf8 = new Utf8();
  readonly #sax = openSax(
    {
      openTag: (tag) => this.#openTag(tag),
      closeTag: () => this.#closeTag(),
      text: (text) => this.#text(text),
      cdata: (text) => this.#text(text),
      fault: (fault) => this.#halt(fault),
    },
    DocumentSax,
  );
  /** The open elements that hold others. */
  readonly #path: Element[] = [];
  /** The open elements of the whole element that is being read, itself first, with their namespaces. */
  #open: { readonly element: Element; readonly ns: string }[] = [];
  #whole: Element | undefined;
  /** The element that is being passed over, and how many are open in it. */
  #skipped: { readonly element: Element; depth: number } | undefined;
  #elements = 0;
  #start = 0;
  /** Where saxes told something last: what it has read since is in its memory. */
  #told = 0;
  #events: DocumentEvent[] = [];
  isOver = false;

  constructor(options: DocumentOptions) {
    this.#options = options;
  }

  write(piece: Buffer): DocumentEvent[] {
    const decoded = this.#utf8.decode(piece);
    return this.#attempt(() => {
      if (decoded === undefined) return this.#halt(NOT_UTF8);
      this.#sax.write(decoded.text);
      const { maxBytes } = this.#options.limits;
      if (this.#whole !== undefined && this.#size() > maxBytes) this.#skip('it is too large');
      if (this.#sax.position - this.#told > maxBytes + PIECE_BYTES)
        this.#halt({ condition: 'policy-violation', text: 'A tag or a text is too long.' });
    });
  }

  /** What is told at the end of the bytes. */
  end(): DocumentEvent[] {
    return this.#attempt(() => void this.#sax.close());
  }

  #attempt(read: () => void): DocumentEvent[] {
    try {
      read();
    } catch (error) {
      if (error !== HALT) throw error;
      this.isOver = true;
    }
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #halt(fault: XmlFault): never {
    this.#events.push({ kind: 'fault', fault, line: this.#sax.line });
    throw HALT;
  }

  #size(): number {
    return this.#sax.position - this.#start;
  }

  #openTag(tag: SaxesTagNS): void {
    this.#told = this.#sax.position;
    if (this.#skipped !== undefined) {
      this.#skipped.depth += 1;
      return;
    }
    const { maxAttributes, maxDepth, maxElements } = this.#options.limits;
    const parent = this.#open.at(-1);
    const ns = namespaceInTree(tag.uri, CONTENT, parent?.ns ?? '');
    const element = elementOf(tag, ns, parent?.ns ?? '', maxAttributes);
    if (element === undefined)
      this.#halt({ condition: 'policy-violation', text: 'A tag has too many attributes.' });
    if (parent === undefined) {
      this.#begin(element, ns);
      return;
    }
    append(parent.element, element);
    this.#open.push({ element, ns });
    this.#elements += 1;
    if (this.#open.length > maxDepth) this.#skip('it is too deep');
    else if (this.#elements > maxElements) this.#skip('it has too many elements');
  }

  #begin(element: Element, ns: string): void {
    if (this.#options.opens(element, this.#path)) {
      this.#path.push(element);
      this.#events.push({ kind: 'open', element });
      return;
    }
    this.#whole = element;
    this.#open = [{ element, ns }];
    this.#elements = 1;
    this.#start = this.#sax.position;
  }

  #closeTag(): void {
    this.#told = this.#sax.position;
    if (this.#skipped !== undefined) {
      this.#skipped.depth -= 1;
      if (this.#skipped.depth === 0) this.#skipped = undefined;
      return;
    }
    if (this.#whole === undefined) {
      this.#path.pop();
      this.#events.push({ kind: 'close' });
      return;
    }
    this.#open.pop();
    if (this.#open.length > 0) return;
    this.#events.push({ kind: 'element', element: this.#whole, size: this.#size() });
    this.#whole = undefined;
  }

  #text(text: string): void {
    this.#told = this.#sax.position;
    const within = this.#open.at(-1);
    if (within !== undefined && this.#whole !== undefined) append(within.element, text);
  }

  /** Lets go of what was read of an element, and passes over the rest of it. */
  #skip(why: string): void {
    const element = this.#whole;
    if (element === undefined) return;
    this.#skipped = { element, depth: this.#open.length };
    this.#events.push({ kind: 'skipped', element: bare(element), why });
    this.#whole = undefined;
    this.#open = [];
  }
}

/** An element without what is in it. */
function bare(element: Element): Element {
  element.children.length = 0;
  return element;
}

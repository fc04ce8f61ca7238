/** One element from text, such as a stanza that was stored. */
import type { Element } from './element.ts';
import { type XmlFault, type XmlLimits, XmlParser } from './parser.ts';
import { plainEnd, readPlain } from './plain.ts';

/** An element, or what is wrong with its text. */
export type ElementOutcome =
  | { readonly ok: true; readonly element: Element }
  | { readonly ok: false; readonly fault: XmlFault };

/** For text that has come through the limits of a stream before. */
const UNLIMITED: XmlLimits = {
  maxBytes: Number.POSITIVE_INFINITY,
  maxDepth: Number.POSITIVE_INFINITY,
  maxAttributes: Number.POSITIVE_INFINITY,
  maxElements: Number.POSITIVE_INFINITY,
};

const BEGIN = Buffer.from("<stream xmlns='jabber:client'>");
const END = Buffer.from('</stream>');

/**
 * Reads exactly one element, with whitespace around it if need be. Without `xmlns`, or in
 * `jabber:client`, it is in the content namespace. Never throws.
 */
export function parseElement(source: string | Buffer, limits = UNLIMITED): ElementOutcome {
  if (typeof source === 'string' && limits === UNLIMITED) {
    const plain = parsePlain(source);
    if (plain !== undefined) return { ok: true, element: plain };
  }
  const reader = spare ?? new Reader();
  spare = undefined;
  const bytes = typeof source === 'string' ? Buffer.from(source) : source;
  const element = reader.read(bytes, limits);
  if (element === undefined) return { ok: false, fault: reader.end() };
  spare = reader;
  return { ok: true, element };
}

/** The same for an element that is plain and nothing else (`plain.ts`), undefined where it is not. */
export function parsePlain(source: string): Element | undefined {
  const element = readPlain(source, 0, ALONE);
  return plainEnd() === source.length ? element : undefined;
}

const ALONE = { contentNs: 'jabber:client', root: '', limits: UNLIMITED };

/** To make a parser costs as much as to read a message: one that has read a whole element reads on. */
let spare: Reader | undefined;

/** A stream that was begun, of which each element is read by itself. */
class Reader {
  readonly #parser: XmlParser;
  #elements: Element[] = [];
  #fault: XmlFault | undefined;
  #isClosed = false;

  constructor() {
    this.#parser = new XmlParser(
      {
        open: () => undefined,
        element: (element) => void this.#elements.push(element),
        close: () => {
          this.#isClosed = true;
        },
        fault: (found) => {
          this.#fault = found;
        },
      },
      UNLIMITED,
    );
    this.#parser.write(BEGIN);
  }

  /** The element; undefined if there is not just one, and then nothing more can be read. */
  read(source: Buffer, limits: XmlLimits): Element | undefined {
    this.#elements = [];
    this.#parser.limits = limits;
    this.#parser.write(source);
    const [element] = this.#elements;
    const isOne = element !== undefined && this.#elements.length === 1;
    // A character that has only begun would end in the next source.
    const isWhole = this.#parser.isBetween && (source.at(-1) ?? 0) < 0x80;
    return isOne && isWhole && !this.#isClosed ? element : undefined;
  }

  /** Why there was not one element. */
  end(): XmlFault {
    if (!this.#isClosed) this.#parser.write(END);
    return this.#fault ?? NOT_ONE;
  }
}

const NOT_ONE: XmlFault = {
  condition: 'not-well-formed',
  text: 'There must be exactly one whole element.',
};

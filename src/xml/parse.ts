/** One element from text, such as a stanza that was stored. */
import type { Element } from './element.ts';
import { type XmlFault, type XmlLimits, XmlParser } from './parser.ts';

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
  let fault: XmlFault | undefined;
  const elements: Element[] = [];
  let isClosed = false;
  const parser = new XmlParser(
    {
      open: () => undefined,
      element: (element) => void elements.push(element),
      close: () => {
        isClosed = true;
      },
      fault: (found) => {
        fault = found;
      },
    },
    UNLIMITED,
  );
  parser.write(BEGIN);
  parser.limits = limits;
  parser.write(typeof source === 'string' ? Buffer.from(source) : source);
  const isSourceWhole = !isClosed;
  parser.write(END);
  const element = elements.length === 1 ? elements[0] : undefined;
  if (element !== undefined && isSourceWhole && isClosed) return { ok: true, element };
  return { ok: false, fault: fault ?? NOT_ONE };
}

const NOT_ONE: XmlFault = {
  condition: 'not-well-formed',
  text: 'There must be exactly one whole element.',
};

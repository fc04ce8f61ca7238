import { type Element, serialise } from '../../src/xml/element.ts';
import {
  type StreamHeader,
  type XmlFault,
  type XmlHandlers,
  type XmlLimits,
  XmlParser,
} from '../../src/xml/parser.ts';

export const LIMITS: XmlLimits = {
  maxBytes: 10_000,
  maxDepth: 20,
  maxAttributes: 30,
  maxElements: 500,
};

export const HEADER =
  "<?xml version='1.0'?><stream:stream xmlns='jabber:client' " +
  "xmlns:stream='http://etherx.jabber.org/streams' to='example.com' version='1.0'>";

/** A parser with what it delivered, in order. */
export interface Reading {
  readonly parser: XmlParser;
  readonly headers: StreamHeader[];
  readonly elements: Element[];
  readonly faults: XmlFault[];
  /** `open`, `close`, `fault:<condition>` or an element's text. */
  readonly log: string[];
}

/** Starts a reading; `also` is called after each event was noted. */
export function reading(limits = LIMITS, also: Partial<XmlHandlers> = {}): Reading {
  const noted: Omit<Reading, 'parser'> = { headers: [], elements: [], faults: [], log: [] };
  const parser = new XmlParser(
    {
      open(header) {
        noted.headers.push(header);
        noted.log.push('open');
        also.open?.(header);
      },
      element(element) {
        noted.elements.push(element);
        noted.log.push(serialise(element));
        also.element?.(element);
      },
      close() {
        noted.log.push('close');
        also.close?.();
      },
      fault(fault) {
        noted.faults.push(fault);
        noted.log.push(`fault:${fault.condition}`);
        also.fault?.(fault);
      },
    },
    limits,
  );
  return { parser, ...noted };
}

/** Reads chunks after a proper header. */
export function readStream(chunks: readonly (string | Buffer)[], limits = LIMITS): Reading {
  const result = reading(limits);
  result.parser.write(Buffer.from(HEADER));
  for (const chunk of chunks) result.parser.write(Buffer.from(chunk));
  return result;
}

/** The conditions that some input after a proper header leads to. */
export function conditionsOf(...chunks: (string | Buffer)[]): string[] {
  return readStream(chunks).faults.map((fault) => fault.condition);
}

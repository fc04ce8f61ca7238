/** What may come on a stream: little before anybody has proved himself on it. */
import type { XmlLimits } from '../xml/parser.ts';

/** How deep the XML of one who is not authenticated may be: SASL, dialback and forms need no more. */
const EARLY_DEPTH = 16;
/** Elements in one stanza, which cost memory beyond their bytes. */
const MAX_ELEMENTS = 10_000;

/** Before somebody is authenticated; `mostDepth` where even less is needed. */
export function earlyLimits(
  limits: {
    readonly stanzaBytesBeforeAuth: number;
    readonly depth: number;
    readonly attributes: number;
  },
  mostDepth = EARLY_DEPTH,
): XmlLimits {
  return {
    maxBytes: limits.stanzaBytesBeforeAuth,
    maxDepth: Math.min(mostDepth, limits.depth),
    maxAttributes: limits.attributes,
    maxElements: MAX_ELEMENTS,
  };
}

/** Once somebody is. */
export function fullLimits(
  { depth, attributes }: { readonly depth: number; readonly attributes: number },
  maxBytes: number,
): XmlLimits {
  return { maxBytes, maxDepth: depth, maxAttributes: attributes, maxElements: MAX_ELEMENTS };
}

/** What a stream between servers may send: little before anybody proved himself on it. */
import type { XmlLimits } from '../xml/parser.ts';
import type { S2sServices } from './services.ts';

/** How deep the XML of one who is not authenticated may be: SASL and dialback need no more. */
const EARLY_DEPTH = 16;
/** Elements in one stanza, which cost memory beyond their bytes. */
const MAX_ELEMENTS = 10_000;

/** Before somebody is authenticated. */
export function earlyLimits({ limits }: Pick<S2sServices, 'limits'>): XmlLimits {
  const { stanzaBytesBeforeAuth, depth, attributes } = limits();
  return {
    maxBytes: stanzaBytesBeforeAuth,
    maxDepth: Math.min(EARLY_DEPTH, depth),
    maxAttributes: attributes,
    maxElements: MAX_ELEMENTS,
  };
}

/** Once somebody is. */
export function fullLimits({
  limits,
  settings,
}: Pick<S2sServices, 'limits' | 'settings'>): XmlLimits {
  const { depth, attributes } = limits();
  return {
    maxBytes: settings().stanzaBytes,
    maxDepth: depth,
    maxAttributes: attributes,
    maxElements: MAX_ELEMENTS,
  };
}

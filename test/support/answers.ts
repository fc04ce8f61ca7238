/** What tests ask of an answer. */
import type { Element } from '../../src/xml/element.ts';
import { childrenOf, nsOf, serialise } from '../../src/xml/element.ts';

const STANZA_ERRORS = 'urn:ietf:params:xml:ns:xmpp-stanzas';

/** The condition of an error; undefined for anything else. */
export function conditionIn(answer: Element): string | undefined {
  if (answer.attrs.type !== 'error') return undefined;
  const error = childrenOf(answer).find(({ name }) => name === 'error');
  return error === undefined
    ? undefined
    : childrenOf(error).find((child) => nsOf(child) === STANZA_ERRORS)?.name;
}

/** The payload of a result as text; '' when it is empty; the whole answer when it is no result. */
export function resultIn(answer: Element): string {
  if (answer.attrs.type !== 'result') return serialise(answer);
  const [payload] = childrenOf(answer);
  return payload === undefined ? '' : serialise(payload);
}

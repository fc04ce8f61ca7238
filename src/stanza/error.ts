/** Stanza errors (RFC 6120 §8.3): made, answered and read. */
import type { Jid } from '../jid/jid.ts';
import { childOf, childrenOf, type Element, el, nsOf, textOf } from '../xml/element.ts';
import { iq, message, presence } from './build.ts';
import {
  isStanzaCondition,
  STANZA_CONDITIONS,
  type StanzaCondition,
  type StanzaFailure,
} from './condition.ts';
import type { Stanza } from './stanza.ts';

/** The namespace of the defined conditions. */
export const STANZA_ERRORS = 'urn:ietf:params:xml:ns:xmpp-stanzas';

/** The `<error/>` child of a stanza of type error (RFC 6120 §8.3.2). */
export function errorElement(failure: StanzaFailure): Element {
  const { condition, app } = failure;
  const [usualType, sentence] = STANZA_CONDITIONS[condition];
  return el(
    'error',
    { code: failure.code, by: failure.by, type: failure.type ?? usualType },
    el(condition, { xmlns: STANZA_ERRORS }, failure.uri),
    el('text', { xmlns: STANZA_ERRORS, 'xml:lang': 'en' }, failure.text ?? sentence),
    app,
  );
}

/**
 * The error that answers a stanza, from whom it was addressed to unless `from` says otherwise.
 * Undefined where there must be none: errors and iq results are not answered (RFC 6120 §8.3.1).
 */
export function errorReply(stanza: Stanza, failure: StanzaFailure, from?: Jid): Stanza | undefined {
  const answerer = from ?? stanza.to;
  if (answerer === undefined) return undefined;
  return errorFor(stanza.element, failure, { from: answerer, to: stanza.from });
}

/**
 * The error that answers an element that `readStanza` refused: `to` is its sender, `from` whoever
 * refuses it. Undefined where there must be none.
 */
export function errorFor(
  element: Element,
  failure: StanzaFailure,
  { from, to }: { readonly from: Jid; readonly to: Jid },
): Stanza | undefined {
  const { name, attrs } = element;
  const { id } = attrs;
  if (attrs.type === 'error' || (name === 'iq' && attrs.type === 'result')) return undefined;
  const children = [failure.payload, errorElement(failure)]; // §8.3.1: in this order
  if (name === 'message') return message({ type: 'error', from, to, id, children });
  if (name === 'presence') return presence({ type: 'error', from, to, id, children });
  if (name !== 'iq') return undefined;
  return iq('error', from, to, id ?? '', children);
}

/** The condition of a stanza of type error, `undefined-condition` if it names none that is known. */
export function conditionOf(stanza: Stanza): StanzaCondition | undefined {
  if (stanza.type !== 'error') return undefined;
  const error = childOf(stanza.element, 'error');
  for (const child of error === undefined ? [] : childrenOf(error)) {
    if (isStanzaCondition(child.name) && nsOf(child) === STANZA_ERRORS) return child.name;
  }
  return 'undefined-condition';
}

/** The text of a stanza of type error, if it has one. */
export function errorTextOf(stanza: Stanza): string | undefined {
  if (stanza.type !== 'error') return undefined;
  const error = childOf(stanza.element, 'error');
  const text = error === undefined ? undefined : childOf(error, 'text', STANZA_ERRORS);
  return text === undefined ? undefined : textOf(text);
}

/** Stream features (RFC 6120 §4.3.2): what may, or must, be negotiated next. */
import { type Element, el, serialise } from '../xml/element.ts';
import { FAST_NS, SASL2_NS, UPGRADE_NS } from './login-request.ts';

/** The namespace of STARTTLS (RFC 6120 §5). */
export const TLS_NS = 'urn:ietf:params:xml:ns:xmpp-tls';
/** The namespace of SASL (RFC 6120 §6). */
export const SASL_NS = 'urn:ietf:params:xml:ns:xmpp-sasl';
/** The namespace of resource binding (RFC 6120 §7). */
export const BIND_NS = 'urn:ietf:params:xml:ns:xmpp-bind';
/** The namespace by which channel-binding types are announced (XEP-0440). */
const BINDING_NS = 'urn:xmpp:sasl-cb:0';

/** What is offered by SASL2 (XEP-0388 §2.1). */
export interface Sasl2Offer {
  /** The mechanisms, the preferred one first; at least one. */
  readonly mechanisms: readonly string[];
  /** What can be had besides, in the same step: `<bind/>`, `<sm/>`. */
  readonly inline: readonly Element[];
  /** The mechanisms by which a token can be proved (XEP-0484 §3.1); none if there are no tokens. */
  readonly tokenMechanisms: readonly string[];
  /** The tasks by which a client can give us keys that we lack (XEP-0480 §2.1). */
  readonly upgrades: readonly string[];
}

/** What was offered on a stream, to be held against what the client does. */
export interface Offer {
  /** The mechanisms of RFC 6120, the preferred one first; offered only where they may be used. */
  readonly mechanisms: readonly string[];
  /** Channel-binding types that this connection can do. */
  readonly channelBindings: readonly string[];
  /** Undefined where SASL2 was not offered. */
  readonly sasl2: Sasl2Offer | undefined;
}

/** What else decides the features of a stream that is not authenticated. */
export interface EarlyTerms {
  readonly isSecure: boolean;
  /** Whether the host demands TLS before anything else. */
  readonly isTlsRequired: boolean;
  /** What modules add. */
  readonly more: readonly Element[];
}

/** What was written last for an offer: nearly always the same for each stream that has it. */
const early = new WeakMap<Offer, EarlyTerms & { readonly text: string }>();

/** `<stream:features/>` before authentication. */
export function earlyFeatures(offer: Offer, terms: EarlyTerms): string {
  const { isSecure, isTlsRequired, more } = terms;
  const known = early.get(offer);
  const isKnown = known?.isSecure === isSecure && known.isTlsRequired === isTlsRequired;
  if (isKnown && known.more === more) return known.text;
  const text = writeEarly(offer, terms);
  early.set(offer, { isSecure, isTlsRequired, more, text });
  return text;
}

function writeEarly(offer: Offer, { isSecure, isTlsRequired, more }: EarlyTerms): string {
  const startTls = !isSecure && el('starttls', { xmlns: TLS_NS }, isTlsRequired && el('required'));
  if (!isSecure && isTlsRequired) return featuresText([startTls]); // §5.3.1: alone
  const mechanisms = offer.mechanisms.map((name) => el('mechanism', undefined, name));
  const bindings = offer.channelBindings.map((type) => el('channel-binding', { type }));
  return featuresText([
    startTls,
    mechanisms.length > 0 && el('mechanisms', { xmlns: SASL_NS }, ...mechanisms),
    offer.sasl2 !== undefined && authentication(offer.sasl2),
    bindings.length > 0 && el('sasl-channel-binding', { xmlns: BINDING_NS }, ...bindings),
    ...more,
  ]);
}

/** XEP-0388 §2.1 */
function authentication({ mechanisms, inline, tokenMechanisms, upgrades }: Sasl2Offer): Element {
  const named = (names: readonly string[]) => names.map((name) => el('mechanism', undefined, name));
  const all = [
    ...inline,
    ...(tokenMechanisms.length > 0
      ? [el('fast', { xmlns: FAST_NS }, ...named(tokenMechanisms))]
      : []),
  ];
  return el(
    'authentication',
    { xmlns: SASL2_NS },
    ...named(mechanisms),
    all.length > 0 && el('inline', undefined, ...all),
    ...upgrades.map((task) => el('upgrade', { xmlns: UPGRADE_NS }, task)),
  );
}

/** `<stream:features/>` after authentication: resource binding, and what modules add. */
export const boundFeatures = remembering((more) =>
  featuresText([el('bind', { xmlns: BIND_NS }), ...more]),
);

/** `<stream:features/>` of a session that was bound while logging in (XEP-0386): what modules add. */
export const laterFeatures = remembering(featuresText);

/** Remembers what was written for a list: what modules add is the same one for all streams of a host. */
function remembering(
  write: (more: readonly Element[]) => string,
): (more: readonly Element[]) => string {
  const written = new WeakMap<readonly Element[], string>();
  return (more) => {
    let text = written.get(more);
    if (text === undefined) {
      text = write(more);
      written.set(more, text);
    }
    return text;
  };
}

/** `<stream:features/>` of what is offered; false is left out. */
export function featuresText(features: readonly (Element | false)[]): string {
  const texts = features.map((feature) => (feature === false ? '' : serialise(feature)));
  return `<stream:features>${texts.join('')}</stream:features>`;
}

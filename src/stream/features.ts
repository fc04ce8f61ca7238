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

/** What decides the features of a stream that is not authenticated. */
export interface EarlyOffer {
  readonly isSecure: boolean;
  /** Whether the host demands TLS before anything else. */
  readonly isTlsRequired: boolean;
  /** SASL mechanisms, the preferred one first; offered only where they may be used. */
  readonly mechanisms: readonly string[];
  /** Channel-binding types that this connection can do. */
  readonly channelBindings: readonly string[];
  readonly sasl2: Sasl2Offer | undefined;
  /** What modules add. */
  readonly more: readonly Element[];
}

/** `<stream:features/>` before authentication. */
export function earlyFeatures(offer: EarlyOffer): string {
  const startTls =
    !offer.isSecure && el('starttls', { xmlns: TLS_NS }, offer.isTlsRequired && el('required'));
  if (!offer.isSecure && offer.isTlsRequired) return featuresText([startTls]); // §5.3.1: alone
  const mechanisms = offer.mechanisms.map((name) => el('mechanism', undefined, name));
  const bindings = offer.channelBindings.map((type) => el('channel-binding', { type }));
  return featuresText([
    startTls,
    mechanisms.length > 0 && el('mechanisms', { xmlns: SASL_NS }, ...mechanisms),
    offer.sasl2 !== undefined && authentication(offer.sasl2),
    bindings.length > 0 && el('sasl-channel-binding', { xmlns: BINDING_NS }, ...bindings),
    ...offer.more,
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
export function boundFeatures(more: readonly Element[]): string {
  return featuresText([el('bind', { xmlns: BIND_NS }), ...more]);
}

/** `<stream:features/>` of what is offered; false is left out. */
export function featuresText(features: readonly (Element | false)[]): string {
  const texts = features.map((feature) => (feature === false ? '' : serialise(feature)));
  return `<stream:features>${texts.join('')}</stream:features>`;
}

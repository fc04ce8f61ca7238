/** The negotiation of a stream by which another server comes to us (see negotiation.ts). */
import { type Domain, parseDomain } from '../jid/jid.ts';
import { SM_NS } from '../stream/acks.ts';
import { STREAM_NS, type StreamFailure } from '../stream/error.ts';
import { featuresText, SASL_NS, TLS_NS } from '../stream/features.ts';
import { DIALBACK_NS, readServerHeader } from '../stream/header.ts';
import { type Element, el, nsOf, textOf } from '../xml/element.ts';
import type { StreamHeader } from '../xml/parser.ts';
import { DIALBACK_FEATURE_NS } from './dialback.ts';
import {
  BIDI_FEATURE_NS,
  BIDI_NS,
  reportedError,
  type StreamAction,
  type StreamEvent,
  send,
} from './negotiation.ts';

/** RFC 6120 §6.4.5: tries by EXTERNAL after which a stream ends; a second one changes nothing. */
const EXTERNAL_TRIES = 3;

/** The state of a stream that came in. */
export interface Incoming {
  readonly phase: 'header' | 'open' | 'securing' | 'ended';
  readonly isSecure: boolean;
  /** Which of our domains it is for, once known to be served. */
  readonly local: Domain | undefined;
  /** Who it says it is, if it says so. */
  readonly remote: Domain | undefined;
  /** Whether it proved to be `remote` by SASL EXTERNAL. */
  readonly isAuthenticated: boolean;
  /** Whether it asked for stanzas in return (XEP-0288). */
  readonly isBidi: boolean;
  readonly failures: number;
}

/** What our domain demands of another one on this connection. */
export interface IncomingTerms {
  readonly isTlsRequired: boolean;
  /** Whether streams in both directions are offered. */
  readonly isBidiOffered: boolean;
  /** Whether the certificate that was shown proves the other domain. */
  readonly isProved: boolean;
  /** Why the two may not talk, if they may not. */
  readonly refusal: string | undefined;
}

/** What {@link stepIncoming} may ask. */
export interface IncomingContext {
  /** The terms; undefined if `local` is not served. */
  terms(local: Domain, remote: Domain | undefined): IncomingTerms | undefined;
  isServed(domain: Domain): boolean;
}

/** A state and what is to be done. */
export type IncomingStep = readonly [Incoming, readonly StreamAction[]];

/** The state of a stream that has just been accepted. */
export function beginIncoming(isSecure: boolean): Incoming {
  return {
    phase: 'header',
    isSecure,
    local: undefined,
    remote: undefined,
    isAuthenticated: false,
    isBidi: false,
    failures: 0,
  };
}

/** One step of a stream that came in. */
export function stepIncoming(
  state: Incoming,
  event: StreamEvent,
  context: IncomingContext,
): IncomingStep {
  switch (event.kind) {
    case 'header':
      return onClientHeader(state, event.header, context);
    case 'secured':
      // RFC 6120 §5.4.3.3: what was said in clear is void; anybody may have said it.
      return [{ ...beginIncoming(true), local: state.local }, [{ do: 'restart' }]];
    case 'element':
      return onRequest(state, event.element, context);
  }
}

/**
 * Ends a stream that came in. Before our header was sent, it is sent first (§4.9.1.2), also when TLS is
 * being set up, by which a new stream begins.
 */
export function endIncoming(state: Incoming, { condition, text }: StreamFailure): IncomingStep {
  const opening: StreamAction[] =
    state.phase === 'header' || state.phase === 'securing'
      ? [{ do: 'open', from: state.local, to: state.remote }]
      : [];
  return [{ ...state, phase: 'ended' }, [...opening, { do: 'end', condition, text }]];
}

function onClientHeader(
  state: Incoming,
  header: StreamHeader,
  context: IncomingContext,
): IncomingStep {
  const end = (condition: StreamFailure['condition'], text: string) =>
    endIncoming(state, { condition, text });
  const read = readServerHeader(header);
  if (!read.ok) return endIncoming(state, read);
  const { to, from, hasFeatures } = read.value;
  if (to === undefined) return end('improper-addressing', "The header lacks a 'to' address.");
  const terms = context.terms(to, from);
  if (terms === undefined) return end('host-unknown', `${to} is not served here.`);
  if (from !== undefined && context.isServed(from))
    return end('invalid-from', `${from} is served here, so nobody else may speak for it.`);
  if (terms.refusal !== undefined) return end('policy-violation', terms.refusal);
  if (state.isAuthenticated && (to !== state.local || from !== state.remote))
    return end('invalid-from', `This stream is from ${state.remote} to ${state.local}.`);
  if (!hasFeatures && terms.isTlsRequired && !state.isSecure)
    return end('unsupported-version', 'TLS is required here, and so is XMPP 1.0.'); // §4.9.3.25
  const next: Incoming = { ...state, phase: 'open', local: to, remote: from };
  const open: StreamAction = { do: 'open', from: to, to: from };
  if (!hasFeatures) return [next, [open]];
  const features: StreamAction = { do: 'send', text: offers(next, terms) };
  // Only now: in return (XEP-0288) stanzas may follow at once.
  const proved: readonly StreamAction[] = state.isAuthenticated ? [{ do: 'authenticated' }] : [];
  return [next, [open, features, ...proved]];
}

/** `<stream:features/>` of a stream that came in. */
function offers(state: Incoming, terms: IncomingTerms): string {
  const isTlsAwaited = !state.isSecure && terms.isTlsRequired;
  const bidi =
    terms.isBidiOffered && !state.isAuthenticated && el('bidi', { xmlns: BIDI_FEATURE_NS });
  if (isTlsAwaited) return featuresText([el('starttls', { xmlns: TLS_NS }, el('required')), bidi]);
  const dialback = el('dialback', { xmlns: DIALBACK_FEATURE_NS }, el('errors')); // XEP-0220 §2.4.2
  // XEP-0198 §2: by dialback stanzas may be sent without further features.
  const management = el('sm', { xmlns: SM_NS });
  if (state.isAuthenticated) return featuresText([dialback, management]);
  const external = el('mechanisms', { xmlns: SASL_NS }, el('mechanism', undefined, 'EXTERNAL'));
  return featuresText([
    !state.isSecure && el('starttls', { xmlns: TLS_NS }),
    // XEP-0178 §3, step 9: offered to one whose certificate fits.
    state.isSecure && terms.isProved && external,
    bidi,
    dialback,
    management,
  ]);
}

function onRequest(state: Incoming, element: Element, context: IncomingContext): IncomingStep {
  const end = (condition: StreamFailure['condition'], text: string) =>
    endIncoming(state, { condition, text });
  const ns = nsOf(element);
  if (ns === STREAM_NS && element.name === 'error') {
    const { condition, text } = reportedError(element);
    return [{ ...state, phase: 'ended' }, [{ do: 'close', why: text, condition }]];
  }
  if (state.phase !== 'open') return end('not-authorized', 'That was not expected here.');
  const { local, remote } = state;
  const terms = local === undefined ? undefined : context.terms(local, remote);
  if (terms === undefined) return end('host-gone', `${local} is no longer served here.`);
  switch (ns) {
    case TLS_NS:
      if (element.name === 'starttls' && !state.isSecure)
        return [
          { ...state, phase: 'securing' },
          [send(el('proceed', { xmlns: TLS_NS })), { do: 'secure' }],
        ];
      return end('unsupported-stanza-type', 'TLS cannot be begun here.');
    case SASL_NS:
      return onAuth(state, element, terms);
    case BIDI_NS:
      // XEP-0288 §2.2: after TLS, before the authentication.
      if (element.name === 'bidi' && terms.isBidiOffered && !state.isAuthenticated)
        return [{ ...state, isBidi: true }, []];
      return end('policy-violation', 'Both directions cannot be asked for here.');
    case DIALBACK_NS:
      return [state, [{ do: 'dialback', element }]];
    case SM_NS:
      return [state, [{ do: 'manage', element }]];
    case '':
      return [state, [{ do: 'stanza', element }]];
    default:
      return end('unsupported-stanza-type', `<${element.name}/> is not known here.`); // §4.9.3.24
  }
}

/** XEP-0178 §3, steps 10 and 11. */
function onAuth(state: Incoming, element: Element, terms: IncomingTerms): IncomingStep {
  const fail = (condition: string, text?: string): IncomingStep => {
    const sentence = text === undefined ? undefined : el('text', { 'xml:lang': 'en' }, text);
    const failure = send(el('failure', { xmlns: SASL_NS }, el(condition), sentence));
    const next = { ...state, failures: state.failures + 1 };
    if (next.failures < EXTERNAL_TRIES) return [next, [failure]];
    const [ended, actions] = endIncoming(next, {
      condition: 'policy-violation',
      text: 'Too many failed tries to authenticate.',
    });
    return [ended, [failure, ...actions]];
  };
  if (element.name !== 'auth' || state.isAuthenticated) return fail('malformed-request');
  if (!state.isSecure) return fail('encryption-required', 'Use STARTTLS first.');
  if (element.attrs['mechanism'] !== 'EXTERNAL') return fail('invalid-mechanism');
  const { remote } = state;
  if (remote === undefined) return fail('not-authorized', "The header lacks a 'from' address.");
  const given = textOf(element).trim();
  const authzid = given === '=' ? '' : Buffer.from(given, 'base64').toString('utf8');
  // XEP-0178 §3: what counts is the header's `from`; another name is not meant.
  if (authzid !== '' && !isName(authzid, remote))
    return fail('invalid-authzid', `The header is from ${remote}.`);
  if (!terms.isProved)
    return fail('not-authorized', `The certificate does not prove that this is ${remote}.`);
  return [
    { ...state, phase: 'header', isAuthenticated: true },
    [send(el('success', { xmlns: SASL_NS })), { do: 'restart' }],
  ];
}

/** Whether a text names a domain, in whatever way: `xn--…` is the same as what it stands for. */
function isName(text: string, domain: Domain): boolean {
  const parsed = parseDomain(text);
  return parsed.ok && parsed.value === domain;
}

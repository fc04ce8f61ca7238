/**
 * The negotiation of a client's stream (RFC 6120 §4.3): a pure function from a state and an event to
 * the next state and the actions that a connection carries out. No socket, no store, no time in it.
 */
import {
  type BareJid,
  type Domain,
  domainOf,
  type FullJid,
  makeBare,
  parseJid,
} from '../jid/jid.ts';
import type { SaslCondition, SaslStep } from '../sasl/index.ts';
import { childOf, childrenOf, type Element, el, nsOf, serialise, textOf } from '../xml/element.ts';
import type { StreamHeader } from '../xml/parser.ts';
import { failedText, readCounter, SM_NS } from './acks.ts';
import { STREAM_NS, type StreamFailure } from './error.ts';
import { BIND_NS, boundFeatures, earlyFeatures, SASL_NS, TLS_NS } from './features.ts';
import { readHeader } from './header.ts';

/** Where a stream is in its negotiation. */
export type Phase =
  | 'header' // a stream header is awaited
  | 'early' // features were sent; STARTTLS, SASL or an early IQ may come
  | 'securing' // <proceed/> was sent; TLS is being set up
  | 'sasl' // a mechanism runs
  | 'bind' // authenticated; a resource must be bound
  | 'bound'
  | 'ended';

/** The state of a stream's negotiation. */
export interface Negotiation {
  readonly phase: Phase;
  readonly isSecure: boolean;
  /** The host the client asked for, once it is known to be served. */
  readonly host: Domain | undefined;
  /** The account, once authenticated. */
  readonly account: BareJid | undefined;
  /** The mechanism that runs or has succeeded. */
  readonly mechanism: string | undefined;
  /** How many tries to log in have failed. */
  readonly failures: number;
}

/** What happened. */
export type NegotiationEvent =
  | { readonly kind: 'header'; readonly header: StreamHeader }
  | { readonly kind: 'element'; readonly element: Element }
  | { readonly kind: 'secured' }
  | { readonly kind: 'sasl'; readonly step: SaslStep }
  | { readonly kind: 'bound'; readonly jid: FullJid; readonly id: string }
  | { readonly kind: 'resumed'; readonly id: string; readonly handled: number }
  | { readonly kind: 'resume-failed'; readonly handled: number | undefined }
  | {
      readonly kind: 'bind-refused';
      readonly id: string;
      readonly condition: 'bad-request' | 'conflict' | 'resource-constraint';
    };

/** What the connection has to do, in order. */
export type NegotiationAction =
  /** Answer with our stream header. */
  | { readonly do: 'open'; readonly to: string | undefined }
  | { readonly do: 'send'; readonly text: string }
  /** Set up TLS, then report `secured`; what the client sent in clear after its request is void. */
  | { readonly do: 'secure' }
  /** Begin a mechanism with the client's initial response (none is empty); then report `sasl`. */
  | { readonly do: 'begin-sasl'; readonly mechanism: string; readonly data: Buffer }
  | { readonly do: 'continue-sasl'; readonly data: Buffer }
  | { readonly do: 'note-login'; readonly mechanism: string; readonly outcome: LoginOutcome }
  /** Expect a new stream header (§4.3.3). */
  | { readonly do: 'restart' }
  | { readonly do: 'bind'; readonly resource: string | undefined; readonly id: string }
  /** Resume a session (XEP-0198 §5); then report `resumed` or `resume-failed`. */
  | { readonly do: 'resume'; readonly id: string; readonly handled: number }
  | { readonly do: 'early-iq'; readonly element: Element }
  /** Close the stream after what was sent, without an error. */
  | { readonly do: 'close' }
  | ({ readonly do: 'end' } & StreamFailure);

/** How a login went, for metrics and logs. */
export type LoginOutcome = 'success' | SaslCondition;

/** What a host allows on this connection. */
export interface HostTerms {
  readonly isTlsRequired: boolean;
  /** The mechanisms offered here and now, the preferred one first. */
  readonly mechanisms: readonly string[];
  /** The channel-binding types that can be used here and now. */
  readonly channelBindings: readonly string[];
  readonly earlyFeatures: readonly Element[];
  readonly authenticatedFeatures: readonly Element[];
  /** Whether a module answers IQs with this payload before authentication. */
  answersEarly(payload: Element): boolean;
}

/** What the step function may ask. */
export interface NegotiationContext {
  /** The terms of a host; undefined if it is not served. */
  termsOf(host: Domain): HostTerms | undefined;
  readonly loginTries: number;
}

/** A state and what is to be done. */
export type Step = readonly [Negotiation, readonly NegotiationAction[]];

/** The state of a stream that has just been accepted. */
export function beginNegotiation(isSecure: boolean): Negotiation {
  return {
    phase: 'header',
    isSecure,
    host: undefined,
    account: undefined,
    mechanism: undefined,
    failures: 0,
  };
}

/** One step of the negotiation. */
export function negotiate(
  state: Negotiation,
  event: NegotiationEvent,
  context: NegotiationContext,
): Step {
  switch (event.kind) {
    case 'header':
      return onHeader(state, event.header, context);
    case 'secured':
      return [{ ...state, phase: 'header', isSecure: true }, [{ do: 'restart' }]];
    case 'sasl':
      return onSaslStep(state, event.step, context);
    case 'bound': {
      const bound = el('bind', { xmlns: BIND_NS }, el('jid', undefined, event.jid));
      const answer = el('iq', { type: 'result', id: event.id }, bound);
      return [{ ...state, phase: 'bound' }, [send(answer)]];
    }
    case 'resumed': {
      const { id: previd, handled: h } = event;
      const answer = el('resumed', { xmlns: SM_NS, previd, h });
      return [{ ...state, phase: 'bound' }, [send(answer)]];
    }
    case 'resume-failed': {
      const text = failedText('item-not-found', event.handled);
      return [{ ...state, phase: 'bind' }, [{ do: 'send', text }]];
    }
    case 'bind-refused':
      return [{ ...state, phase: 'bind' }, [send(refusal(event.id, event.condition))]];
    case 'element':
      return onElement(state, event.element, context);
  }
}

const send = (element: Element): NegotiationAction => ({ do: 'send', text: serialise(element) });

/** Ends the stream. Before our header was sent, it is sent first (§4.9.1.2). */
function end(state: Negotiation, condition: StreamFailure['condition'], text: string): Step {
  const opening: NegotiationAction[] =
    state.phase === 'header' ? [{ do: 'open', to: undefined }] : [];
  return [{ ...state, phase: 'ended' }, [...opening, { do: 'end', condition, text }]];
}

/** Ends a stream for a fault that its XML or a limit shows, whatever its phase. */
export function endFor(state: Negotiation, failure: StreamFailure): Step {
  const [next, actions] = end(state, failure.condition, failure.text);
  return [
    next,
    actions.map((action) => (action.do === 'end' ? { ...action, ...failure } : action)),
  ];
}

function onHeader(state: Negotiation, header: StreamHeader, context: NegotiationContext): Step {
  const read = readHeader(header);
  if (!read.ok) return end(state, read.condition, read.text);
  const { to, from } = read.value;
  const terms = context.termsOf(to);
  if (terms === undefined) return end(state, 'host-unknown', `${to} is not served here.`);
  if (state.account !== undefined && state.host !== to)
    return end(state, 'host-unknown', `This stream was authenticated for ${state.host}.`);
  const open: NegotiationAction = { do: 'open', to: from };
  if (state.account !== undefined) {
    const features = boundFeatures(terms.authenticatedFeatures);
    return [{ ...state, phase: 'bind' }, [open, { do: 'send', text: features }]];
  }
  const features = earlyFeatures({
    isSecure: state.isSecure,
    isTlsRequired: terms.isTlsRequired,
    mechanisms: terms.mechanisms,
    channelBindings: terms.channelBindings,
    more: terms.earlyFeatures,
  });
  return [{ ...state, phase: 'early', host: to }, [open, { do: 'send', text: features }]];
}

function onElement(state: Negotiation, element: Element, context: NegotiationContext): Step {
  const ns = nsOf(element);
  // A client may report an error of ours and then closes (§4.9.1.1).
  if (ns === STREAM_NS && element.name === 'error')
    return [{ ...state, phase: 'ended' }, [{ do: 'close' }]];
  switch (state.phase) {
    case 'early':
    case 'sasl':
      return beforeAuthentication(state, element, ns, context);
    case 'bind':
      return beforeBinding(state, element, ns);
    case 'header':
    case 'securing':
    case 'bound':
    case 'ended':
      return end(state, 'not-authorized', 'That was not expected at this point of the stream.');
  }
}

function beforeAuthentication(
  state: Negotiation,
  element: Element,
  ns: string,
  context: NegotiationContext,
): Step {
  const terms = state.host === undefined ? undefined : context.termsOf(state.host);
  if (terms === undefined) return end(state, 'host-gone', 'This host is no longer served here.');
  if (ns === TLS_NS && element.name === 'starttls') return startTls(state);
  if (ns === SASL_NS) return onSasl(state, element, terms, context);
  if (ns === SM_NS) return [state, [{ do: 'send', text: failedText('unexpected-request') }]]; // XEP-0198 §3
  if (ns === '' && element.name === 'iq' && mayAskEarly(state, element, terms))
    return [state, [{ do: 'early-iq', element }]];
  // §4.9.3.12: stanzas, and whatever else, from a client that has not logged in.
  return end(state, 'not-authorized', 'Log in first.');
}

/** In-band registration (XEP-0077) works before login; on a host that requires TLS, only over TLS. */
function mayAskEarly(state: Negotiation, iq: Element, terms: HostTerms): boolean {
  const [payload, ...others] = childrenOf(iq);
  if (state.phase !== 'early' || payload === undefined || others.length > 0) return false;
  return (state.isSecure || !terms.isTlsRequired) && terms.answersEarly(payload);
}

/** §5.4.2 */
function startTls(state: Negotiation): Step {
  if (state.phase === 'early' && !state.isSecure) {
    const proceed = send(el('proceed', { xmlns: TLS_NS }));
    return [{ ...state, phase: 'securing' }, [proceed, { do: 'secure' }]];
  }
  const failure = send(el('failure', { xmlns: TLS_NS })); // §5.4.2.2: and the stream is closed
  return [{ ...state, phase: 'ended' }, [failure, { do: 'close' }]];
}

/** §6.4 */
function onSasl(
  state: Negotiation,
  element: Element,
  terms: HostTerms,
  context: NegotiationContext,
): Step {
  switch (element.name) {
    case 'auth':
      return beginSasl(state, element, terms, context);
    case 'response': {
      if (state.phase !== 'sasl') return failSasl(state, 'not-authorized', undefined, context);
      const data = decodeBase64(textOf(element));
      if (data === undefined) return failSasl(state, 'incorrect-encoding', undefined, context);
      return [state, [{ do: 'continue-sasl', data }]];
    }
    case 'abort':
      return failSasl(state, 'aborted', undefined, context); // §6.5.1
    default:
      return failSasl(state, 'malformed-request', undefined, context);
  }
}

function beginSasl(
  state: Negotiation,
  element: Element,
  terms: HostTerms,
  context: NegotiationContext,
): Step {
  const mechanism = element.attrs['mechanism'];
  if (state.phase === 'sasl') return failSasl(state, 'malformed-request', undefined, context);
  if (!state.isSecure && terms.isTlsRequired)
    return failSasl(state, 'encryption-required', 'Use STARTTLS first.', context); // §6.5.4
  if (mechanism === undefined) return failSasl(state, 'invalid-mechanism', undefined, context);
  if (!terms.mechanisms.includes(mechanism)) {
    const text = `Offered here: ${terms.mechanisms.join(' ')}`;
    return failSasl(state, 'invalid-mechanism', text, context); // §6.5.7
  }
  const data = decodeBase64(textOf(element));
  if (data === undefined) return failSasl(state, 'incorrect-encoding', undefined, context); // §6.5.5
  return [{ ...state, phase: 'sasl', mechanism }, [{ do: 'begin-sasl', mechanism, data }]];
}

function onSaslStep(state: Negotiation, step: SaslStep, context: NegotiationContext): Step {
  switch (step.kind) {
    case 'challenge':
      return [state, [send(el('challenge', { xmlns: SASL_NS }, encodeBase64(step.data)))]];
    case 'failure':
      return failSasl(state, step.condition, step.text, context);
    case 'success': {
      const account = state.host === undefined ? undefined : makeBare(step.username, state.host);
      if (account?.ok !== true) return failSasl(state, 'not-authorized', undefined, context);
      const { data } = step;
      const success = el(
        'success',
        { xmlns: SASL_NS },
        data === undefined ? undefined : encodeBase64(data),
      );
      const mechanism = state.mechanism ?? '';
      return [
        { ...state, phase: 'header', account: account.value },
        [{ do: 'note-login', mechanism, outcome: 'success' }, send(success), { do: 'restart' }],
      ];
    }
  }
}

/** §6.4.5: a failure, a few of which end the stream. */
function failSasl(
  state: Negotiation,
  condition: SaslCondition,
  text: string | undefined,
  context: NegotiationContext,
): Step {
  const sentence = text === undefined ? undefined : el('text', { 'xml:lang': 'en' }, text);
  const failure = el('failure', { xmlns: SASL_NS }, el(condition), sentence);
  const failures = state.failures + 1;
  const actions: NegotiationAction[] = [
    { do: 'note-login', mechanism: state.mechanism ?? '', outcome: condition },
    send(failure),
  ];
  const next: Negotiation = { ...state, phase: 'early', mechanism: undefined, failures };
  if (failures < context.loginTries) return [next, actions];
  const ended = end(next, 'policy-violation', 'Too many failed tries to log in.');
  return [ended[0], [...actions, ...ended[1]]];
}

/** §7: until a resource is bound, nothing else is done. */
function beforeBinding(state: Negotiation, element: Element, ns: string): Step {
  const id = element.attrs.id;
  if (ns === SM_NS) return onManagement(state, element);
  const isStanza = ns === '' && ['iq', 'message', 'presence'].includes(element.name);
  if (!isStanza) return end(state, 'unsupported-stanza-type', `<${element.name}/> is unknown.`);
  const request = childOf(element, 'bind', BIND_NS);
  if (element.name === 'iq' && request !== undefined) {
    if (element.attrs.type !== 'set' || id === undefined || childrenOf(element).length !== 1)
      return [state, [send(refusal(id, 'bad-request'))]];
    const wanted = childOf(request, 'resource', BIND_NS);
    const resource = wanted === undefined ? undefined : textOf(wanted);
    return [state, [{ do: 'bind', resource: resource === '' ? undefined : resource, id }]];
  }
  // §7.1: what is for others is not looked at, and ends the stream; to what is for the server or the
  // account itself the answer is a stanza error, but for errors and results, which get none.
  if (isForOthers(state, element)) return end(state, 'not-authorized', 'Bind a resource first.');
  if (element.attrs.type === 'error' || element.attrs.type === 'result') return [state, []];
  return [state, [send(refusal(id, 'not-authorized', element.name))]];
}

/** XEP-0198 §5: a session may be resumed instead of binding a resource; nothing else comes before. */
function onManagement(state: Negotiation, element: Element): Step {
  const fail = (condition: string): Step => [state, [{ do: 'send', text: failedText(condition) }]];
  if (element.name !== 'resume') return fail('unexpected-request');
  const handled = readCounter(element.attrs['h']);
  const id = element.attrs['previd'];
  if (handled === undefined || id === undefined) return fail('bad-request');
  return [state, [{ do: 'resume', id, handled }]];
}

function isForOthers({ account }: Negotiation, { attrs }: Element): boolean {
  if (attrs.to === undefined || account === undefined) return false;
  const to = parseJid(attrs.to);
  return !to.ok || (to.value !== account && to.value !== domainOf(account));
}

const REFUSAL_TYPES = {
  'bad-request': 'modify',
  conflict: 'cancel',
  'not-authorized': 'auth',
  'resource-constraint': 'wait',
} as const;

/** A stanza error on a stream whose client has no address yet. */
function refusal(
  id: string | undefined,
  condition: keyof typeof REFUSAL_TYPES,
  name = 'iq',
): Element {
  const named = el(condition, { xmlns: 'urn:ietf:params:xml:ns:xmpp-stanzas' });
  const error = el('error', { type: REFUSAL_TYPES[condition] }, named);
  return el(name, { type: 'error', id }, error);
}

/** SASL data in base64 (§6.4.2, §6.4.3); undefined if it is none. "=" is an empty value. */
function decodeBase64(text: string): Buffer | undefined {
  const trimmed = text.trim();
  if (trimmed === '=' || trimmed === '') return Buffer.alloc(0);
  if (trimmed.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(trimmed)) return undefined;
  return Buffer.from(trimmed, 'base64');
}

const encodeBase64 = (data: Buffer) => (data.length === 0 ? '=' : data.toString('base64'));

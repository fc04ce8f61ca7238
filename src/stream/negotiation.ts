/**
 * The negotiation of a client's stream (RFC 6120 §4.3): a pure function from a state and an event to
 * the next state and the actions that a connection carries out. No socket, no store, no time in it.
 */
import { type BareJid, bareOf, domainOf, parseJid } from '../jid/jid.ts';
import { childrenOf, type Element, el, nsOf } from '../xml/element.ts';
import type { StreamHeader } from '../xml/parser.ts';
import { failed, SM_NS } from './acks.ts';
import { beforeBinding, onBindRefused, onBound, onResumed, onResumeFailed } from './binding.ts';
import { STREAM_NS, type StreamFailure } from './error.ts';
import { boundFeatures, earlyFeatures, SASL_NS, TLS_NS } from './features.ts';
import { readHeader } from './header.ts';
import { SASL2_NS } from './login-request.ts';
import {
  end,
  type HostTerms,
  type Negotiation,
  type NegotiationAction,
  type NegotiationContext,
  type NegotiationEvent,
  type Step,
  send,
} from './negotiation-state.ts';
import { onSasl, onSaslStep } from './sasl1.ts';
import {
  duringSasl2,
  fail,
  onAdmitted,
  onSasl2,
  onSasl2Step,
  onUpgradeBegun,
  onUpgraded,
} from './sasl2.ts';

export type * from './negotiation-state.ts';

/** The state of a stream that has just been accepted. */
export function beginNegotiation(isSecure: boolean): Negotiation {
  return {
    phase: 'header',
    isSecure,
    host: undefined,
    claimed: undefined,
    offer: undefined,
    account: undefined,
    mechanism: undefined,
    login: undefined,
    wasContinued: false,
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
    case 'element':
      return onElement(state, event.element, context);
    case 'bound':
      return onBound(state, event.jid, event.id);
    case 'resumed':
      return onResumed(state, event.id, event.handled);
    case 'resume-failed':
      return onResumeFailed(state, event.handled);
    case 'bind-refused':
      return onBindRefused(state, event.id, event.condition);
    case 'sasl': {
      if (state.login === undefined) return onSaslStep(state, event.step, context);
      return onSasl2Step(state, state.login, event.step, event.tasks ?? [], context);
    }
    case 'upgrade-begun':
      return onUpgradeBegun(state, event.salt, event.iterations);
    case 'upgrade-failed':
      return fail(state, event.condition, undefined, context);
    case 'upgraded':
      return state.login === undefined ? [state, []] : onUpgraded(state, state.login);
    case 'admitted':
      return state.login === undefined
        ? [state, []]
        : onAdmitted(state, state.login, event.admission, context);
  }
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
  const claimed = claimedIn(from);
  // XEP-0388 §2.1, by RFC 6120 §4.9.3.9
  if (claimed !== undefined && domainOf(claimed) !== to)
    return end(state, 'invalid-from', `${claimed} is not of ${to}.`);
  const open: NegotiationAction = { do: 'open', to: from };
  if (state.account !== undefined) {
    const features = boundFeatures(terms.authenticatedFeatures());
    return [{ ...state, phase: 'bind' }, [open, { do: 'send', text: features }]];
  }
  const offer = terms.offer();
  const features = earlyFeatures(offer, {
    isSecure: state.isSecure,
    isTlsRequired: terms.isTlsRequired,
    more: terms.earlyFeatures(),
  });
  return [
    { ...state, phase: 'early', host: to, claimed, offer },
    [open, { do: 'send', text: features }],
  ];
}

/** Whom a header names; undefined for what is no address. */
export function claimedIn(from: string | undefined): BareJid | undefined {
  const parsed = from === undefined ? undefined : parseJid(from);
  return parsed?.ok === true ? bareOf(parsed.value) : undefined;
}

function onElement(state: Negotiation, element: Element, context: NegotiationContext): Step {
  const ns = nsOf(element);
  // A client may report an error of ours and then closes (§4.9.1.1).
  if (ns === STREAM_NS && element.name === 'error')
    return [{ ...state, phase: 'ended' }, [{ do: 'close' }]];
  if (state.login !== undefined) return duringSasl2(state, state.login, element, ns, context);
  switch (state.phase) {
    case 'early':
    case 'sasl':
      return beforeAuthentication(state, element, ns, context);
    case 'bind':
      return beforeBinding(state, element, ns);
    case 'header':
    case 'securing':
    case 'tasks':
    case 'task':
    case 'admitted':
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
  if (ns === SM_NS) return [state, [send(failed('unexpected-request'))]]; // XEP-0198 §3
  if (ns === SASL2_NS && state.phase === 'early') return onSasl2(state, element, context);
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

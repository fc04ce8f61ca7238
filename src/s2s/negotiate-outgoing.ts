/** The negotiation of a stream by which we go to another server (see negotiation.ts). */
import type { Domain } from '../jid/jid.ts';
import { SM_NS } from '../stream/acks.ts';
import { STREAM_NS } from '../stream/error.ts';
import { SASL_NS, TLS_NS } from '../stream/features.ts';
import { DIALBACK_NS, readServerHeader } from '../stream/header.ts';
import { childOf, childrenOf, type Element, el, nsOf, textOf } from '../xml/element.ts';
import type { StreamHeader } from '../xml/parser.ts';
import { DIALBACK_FEATURE_NS } from './dialback.ts';
import {
  BIDI_FEATURE_NS,
  BIDI_NS,
  type GiveUp,
  reportedError,
  type StreamAction,
  type StreamEvent,
  send,
} from './negotiation.ts';

/** The state of a stream that we opened. */
export interface Outgoing {
  readonly phase: 'header' | 'features' | 'starttls' | 'securing' | 'sasl' | 'ready' | 'ended';
  readonly isSecure: boolean;
  /** Whether the other side took our certificate for a proof. */
  readonly isAuthenticated: boolean;
  readonly isBidi: boolean;
  /** Why the other side did not take our certificate for a proof; undefined if it did not say so. */
  readonly refusal: string | undefined;
  readonly knowsDialback: boolean;
  /** Whether it says that it knows dialback errors (XEP-0220 §2.4.2). */
  readonly knowsErrors: boolean;
  /** Whether it offers stream management (XEP-0198). */
  readonly knowsManagement: boolean;
  /** The stream's identifier, given by the other side. */
  readonly streamId: string | undefined;
}

/** What decides about a stream that we open. */
export interface OutgoingContext {
  readonly local: Domain;
  readonly remote: Domain;
  readonly isTlsRequired: boolean;
  /** Whether streams in both directions are wanted. */
  readonly isBidiWanted: boolean;
  /** Why the certificate does not do, where one that does is required; asked when TLS is set up. */
  distrust(): string | undefined;
}

/** A state and what is to be done. */
export type OutgoingStep = readonly [Outgoing, readonly StreamAction[]];

/** The first step of a stream that we open: our header, once the connection or its TLS stands. */
export function beginOutgoing(isSecure: boolean, context: OutgoingContext): OutgoingStep {
  const state: Outgoing = {
    phase: 'header',
    isSecure,
    isAuthenticated: false,
    isBidi: false,
    refusal: undefined,
    knowsDialback: false,
    knowsErrors: false,
    knowsManagement: false,
    streamId: undefined,
  };
  const distrust = isSecure ? context.distrust() : undefined;
  return distrust === undefined
    ? [state, [ourHeader(context)]]
    : giveUp(state, 'untrusted', distrust);
}

/** One step of a stream that we opened. */
export function stepOutgoing(
  state: Outgoing,
  event: StreamEvent,
  context: OutgoingContext,
): OutgoingStep {
  switch (event.kind) {
    case 'header':
      return onServerHeader(state, event.header, context);
    case 'secured': {
      const distrust = context.distrust();
      if (distrust !== undefined) return giveUp(state, 'untrusted', distrust);
      return [
        { ...state, phase: 'header', isSecure: true },
        [{ do: 'restart' }, ourHeader(context)],
      ];
    }
    case 'element':
      return onAnswer(state, event.element, context);
  }
}

const ourHeader = ({ local, remote }: OutgoingContext): StreamAction => ({
  do: 'open',
  from: local,
  to: remote,
});

const giveUp = (state: Outgoing, why: GiveUp, text: string): OutgoingStep => [
  { ...state, phase: 'ended' },
  [{ do: 'give-up', why, text }],
];

function onServerHeader(
  state: Outgoing,
  header: StreamHeader,
  context: OutgoingContext,
): OutgoingStep {
  const read = readServerHeader(header);
  if (!read.ok) return giveUp(state, 'no-xmpp', `it is no XMPP server: ${read.text}`);
  const { id, hasFeatures, knowsDialback } = read.value;
  const next = { ...state, streamId: id, knowsDialback };
  if (hasFeatures) return [{ ...next, phase: 'features' }, []];
  if (context.isTlsRequired && !state.isSecure)
    return giveUp(state, 'no-tls', 'it speaks no XMPP 1.0 and thus no TLS, which is required here');
  return ready({ ...next, knowsDialback: true });
}

/** §4.3.2: what the other side offers, and what we take of it. */
function onFeatures(state: Outgoing, features: Element, context: OutgoingContext): OutgoingStep {
  const dialback = childOf(features, 'dialback', DIALBACK_FEATURE_NS);
  const next: Outgoing = {
    ...state,
    knowsDialback: state.knowsDialback || dialback !== undefined,
    knowsErrors:
      dialback !== undefined && childOf(dialback, 'errors', DIALBACK_FEATURE_NS) !== undefined,
    knowsManagement: childOf(features, 'sm', SM_NS) !== undefined,
  };
  if (!state.isSecure) {
    if (childOf(features, 'starttls', TLS_NS) !== undefined)
      return [{ ...next, phase: 'starttls' }, [send(el('starttls', { xmlns: TLS_NS }))]];
    if (context.isTlsRequired)
      return giveUp(next, 'no-tls', 'it offers no TLS, which is required here');
  }
  if (state.isAuthenticated) return ready(next);
  const isBidi = context.isBidiWanted && childOf(features, 'bidi', BIDI_FEATURE_NS) !== undefined;
  const actions = isBidi ? [send(el('bidi', { xmlns: BIDI_NS }))] : [];
  const mechanisms = childOf(features, 'mechanisms', SASL_NS);
  const isExternal =
    mechanisms !== undefined &&
    childrenOf(mechanisms).some((each) => textOf(each).trim() === 'EXTERNAL');
  if (!isExternal || !state.isSecure) return ready({ ...next, isBidi }, actions);
  const authzid = Buffer.from(context.local).toString('base64');
  const auth = el('auth', { xmlns: SASL_NS, mechanism: 'EXTERNAL' }, authzid);
  return [{ ...next, isBidi, phase: 'sasl' }, [...actions, send(auth)]];
}

function ready(state: Outgoing, actions: readonly StreamAction[] = []): OutgoingStep {
  const canAsk = state.knowsDialback && state.streamId !== undefined;
  if (!state.isAuthenticated && !canAsk) {
    const text =
      state.refusal === undefined
        ? 'it offers neither SASL EXTERNAL nor dialback, so that nothing can be proved to it'
        : `it does not take our certificate for a proof (${state.refusal}), and knows no dialback`;
    return giveUp(state, 'no-authentication', text);
  }
  return [{ ...state, phase: 'ready' }, [...actions, { do: 'ready' }]];
}

function onAnswer(state: Outgoing, element: Element, context: OutgoingContext): OutgoingStep {
  const ns = nsOf(element);
  if (ns === STREAM_NS && element.name === 'error') {
    const { condition, text, ...more } = reportedError(element);
    return giveUp(state, { reported: condition, ...more }, text);
  }
  if (ns === STREAM_NS && element.name === 'features' && state.phase === 'features')
    return onFeatures(state, element, context);
  if (ns === TLS_NS && state.phase === 'starttls')
    return element.name === 'proceed'
      ? [{ ...state, phase: 'securing' }, [{ do: 'secure' }]]
      : giveUp(state, 'no-tls', 'it offers TLS but fails to begin it');
  if (ns === SASL_NS && state.phase === 'sasl') return onSaslAnswer(state, element, context);
  if (state.phase !== 'ready') return unexpected(state, element);
  if (ns === DIALBACK_NS) return [state, [{ do: 'dialback', element }]];
  if (ns === SM_NS) return [state, [{ do: 'manage', element }]];
  if (ns === '') return [state, [{ do: 'stanza', element }]];
  return unexpected(state, element);
}

function onSaslAnswer(state: Outgoing, element: Element, context: OutgoingContext): OutgoingStep {
  switch (element.name) {
    case 'success':
      return [
        { ...state, phase: 'header', isAuthenticated: true },
        [{ do: 'restart' }, ourHeader(context)],
      ];
    case 'challenge': // RFC 4422 appendix A: the initial response said it all
      return [state, [send(el('response', { xmlns: SASL_NS }, '='))]];
    default:
      return ready({ ...state, refusal: reportedError(element).text }); // XEP-0178 §3: dialback is left
  }
}

function unexpected(state: Outgoing, element: Element): OutgoingStep {
  const text = `<${element.name.slice(0, 100)}/> was not expected at this point of the stream`;
  return [
    { ...state, phase: 'ended' },
    [{ do: 'end', condition: 'unsupported-stanza-type', text }],
  ];
}

/** The state of a client's negotiation, what happens to it, and what is to be done (RFC 6120 §4.3). */
import type { BareJid, Domain, FullJid } from '../jid/jid.ts';
import type { SaslCondition, SaslStep } from '../sasl/index.ts';
import { type Element, serialise } from '../xml/element.ts';
import type { StreamHeader } from '../xml/parser.ts';
import type { StreamFailure } from './error.ts';
import type { Offer } from './features.ts';
import type { LoginRequest } from './login-request.ts';

export type { Offer } from './features.ts';

/** Where a stream is in its negotiation. */
export type Phase =
  | 'header' // a stream header is awaited
  | 'early' // features were sent; STARTTLS, SASL or an early IQ may come
  | 'securing' // <proceed/> was sent; TLS is being set up
  | 'sasl' // a mechanism runs
  | 'tasks' // SASL2: a task was set (XEP-0388 §2.6.3)
  | 'task' // SASL2: a task runs
  | 'admitted' // SASL2: what was asked for besides is being done
  | 'bind' // authenticated; a resource must be bound
  | 'bound'
  | 'ended';

/** A login by SASL2 on its way. */
export interface LoginState {
  readonly request: LoginRequest;
  /** Whom the mechanism has shown the client to be. */
  readonly account: BareJid | undefined;
  /** What the mechanism has to say besides success, until it is said. */
  readonly additional: Buffer | undefined;
  /** The tasks that are still to be done, the present one first. */
  readonly tasks: readonly string[];
}

/** The state of a stream's negotiation. */
export interface Negotiation {
  readonly phase: Phase;
  readonly isSecure: boolean;
  /** The host the client asked for, once it is known to be served. */
  readonly host: Domain | undefined;
  /** Whom the client says to be in its header; it is not proved by that. */
  readonly claimed: BareJid | undefined;
  readonly offer: Offer | undefined;
  /** The account, once authenticated. */
  readonly account: BareJid | undefined;
  /** The mechanism that runs or has succeeded. */
  readonly mechanism: string | undefined;
  /** The login by SASL2 that runs. */
  readonly login: LoginState | undefined;
  /** Whether a task was ever set, after which there is no second try by SASL2 (XEP-0388 §4.8). */
  readonly wasContinued: boolean;
  /** How many tries to log in have failed. */
  readonly failures: number;
}

/** What happened. */
export type NegotiationEvent =
  | { readonly kind: 'header'; readonly header: StreamHeader }
  | { readonly kind: 'element'; readonly element: Element }
  | { readonly kind: 'secured' }
  /** `tasks`, with success: what SASL2 has to see done before the client is let in. */
  | { readonly kind: 'sasl'; readonly step: SaslStep; readonly tasks?: readonly string[] }
  | { readonly kind: 'upgrade-begun'; readonly salt: Buffer; readonly iterations: number }
  | { readonly kind: 'upgraded' }
  | { readonly kind: 'upgrade-failed'; readonly condition: SaslCondition }
  | { readonly kind: 'admitted'; readonly admission: Admission }
  | { readonly kind: 'bound'; readonly jid: FullJid; readonly id: string }
  | { readonly kind: 'resumed'; readonly id: string; readonly handled: number }
  | { readonly kind: 'resume-failed'; readonly handled: number | undefined }
  | {
      readonly kind: 'bind-refused';
      readonly id: string;
      readonly condition: 'bad-request' | 'conflict' | 'resource-constraint';
    };

/**
 * What came of a login by SASL2, with the elements that `<success/>` is to hold: a session was `bound`
 * (XEP-0386) or `resumed` (XEP-0198), or the client is `authenticated` and nothing more.
 */
export type Admission =
  | { readonly kind: 'authenticated'; readonly parts: readonly Element[] }
  | {
      readonly kind: 'bound' | 'resumed';
      readonly jid: FullJid;
      readonly parts: readonly Element[];
    }
  | { readonly kind: 'refused'; readonly condition: SaslCondition };

/** What the connection has to do, in order. */
export type NegotiationAction =
  /** Answer with our stream header. */
  | { readonly do: 'open'; readonly to: string | undefined }
  | { readonly do: 'send'; readonly text: string }
  /** Set up TLS, then report `secured`; what the client sent in clear after its request is void. */
  | { readonly do: 'secure' }
  /** Begin a mechanism with the client's initial response (none is empty); then report `sasl`. */
  | {
      readonly do: 'begin-sasl';
      readonly mechanism: string;
      readonly data: Buffer;
      /** The mechanisms that were offered by the same profile of SASL. */
      readonly offered: readonly string[];
      /** What else is asked for, by SASL2. */
      readonly request: LoginRequest | undefined;
    }
  | { readonly do: 'continue-sasl'; readonly data: Buffer }
  | { readonly do: 'note-login'; readonly mechanism: string; readonly outcome: LoginOutcome }
  /** Begin a task of XEP-0480, then report `upgrade-begun`. */
  | { readonly do: 'begin-upgrade'; readonly task: string }
  /** Take the SaltedPassword of the task, then report `upgraded` or `upgrade-failed`. */
  | { readonly do: 'upgrade'; readonly salted: Buffer }
  /** Do what a login by SASL2 asked for besides, then report `admitted`. */
  | { readonly do: 'admit'; readonly request: LoginRequest }
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
  offer(): Offer;
  earlyFeatures(): readonly Element[];
  authenticatedFeatures(): readonly Element[];
  boundFeatures(): readonly Element[];
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

/** The action by which an element is sent. */
export const send = (element: Element): NegotiationAction => ({
  do: 'send',
  text: serialise(element),
});

/**
 * Ends the stream. Before our header was sent, it is sent first (§4.9.1.2), also when TLS is being set
 * up, by which a new stream begins.
 */
export function end(state: Negotiation, condition: StreamFailure['condition'], text: string): Step {
  const isUnopened = state.phase === 'header' || state.phase === 'securing';
  const opening: NegotiationAction[] = isUnopened ? [{ do: 'open', to: undefined }] : [];
  return [{ ...state, phase: 'ended' }, [...opening, { do: 'end', condition, text }]];
}

/**
 * The end of a try to log in (§6.4.5): what is sent, and back to where the client may try again, or
 * the end of the stream if it has tried too often.
 */
export function failLogin(
  state: Negotiation,
  condition: SaslCondition,
  failure: Element,
  { loginTries }: NegotiationContext,
): Step {
  const failures = state.failures + 1;
  const actions: NegotiationAction[] = [
    { do: 'note-login', mechanism: state.mechanism ?? '', outcome: condition },
    send(failure),
  ];
  const next: Negotiation = {
    ...state,
    phase: 'early',
    account: undefined,
    mechanism: undefined,
    login: undefined,
    failures,
  };
  if (failures < loginTries) return [next, actions];
  const ended = end(next, 'policy-violation', 'Too many failed tries to log in.');
  return [ended[0], [...actions, ...ended[1]]];
}

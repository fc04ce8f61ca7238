/** The conditions of stanza errors (RFC 6120 §8.3.3). */
import type { Jid } from '../jid/jid.ts';
import type { Element } from '../xml/element.ts';

/** What the sender may do about an error (RFC 6120 §8.3.2). */
export type ErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait';

/** Each defined condition with the type that it usually has, and a sentence for people. */
export const STANZA_CONDITIONS = {
  'bad-request': ['modify', 'The request is not understood.'],
  conflict: ['cancel', 'There is already something of that name.'],
  'feature-not-implemented': ['cancel', 'This is not supported here.'],
  forbidden: ['auth', 'You may not do this.'],
  gone: ['cancel', 'The recipient can no longer be reached at this address.'],
  'internal-server-error': ['cancel', 'The server failed to do this.'],
  'item-not-found': ['cancel', 'There is no such thing.'],
  'jid-malformed': ['modify', 'An address in the request is not a valid one.'],
  'not-acceptable': ['modify', 'The request does not meet the criteria of the recipient.'],
  'not-allowed': ['cancel', 'Nobody may do this.'],
  'not-authorized': ['auth', 'You must authenticate first.'],
  'policy-violation': ['modify', 'This is against the policy of the service.'],
  'recipient-unavailable': ['wait', 'The recipient is not available at the moment.'],
  redirect: ['modify', 'The recipient is at another address.'],
  'registration-required': ['auth', 'You must register first.'],
  'remote-server-not-found': ['cancel', 'The server of the recipient cannot be found.'],
  'remote-server-timeout': ['wait', 'The server of the recipient does not answer.'],
  'resource-constraint': ['wait', 'The service is too busy or too full to do this.'],
  'service-unavailable': ['cancel', 'The service is not available.'],
  'subscription-required': ['auth', 'You must be subscribed to do this.'],
  'undefined-condition': ['cancel', 'The request failed.'],
  'unexpected-request': ['wait', 'The request does not belong here at this moment.'],
} as const satisfies Readonly<Record<string, readonly [type: ErrorType, sentence: string]>>;

/** The name of a defined condition. */
export type StanzaCondition = keyof typeof STANZA_CONDITIONS;

/** Whether a name is that of a defined condition. */
export function isStanzaCondition(name: string): name is StanzaCondition {
  return Object.hasOwn(STANZA_CONDITIONS, name);
}

/** Why a stanza was refused, in the terms of RFC 6120 §8.3.2. */
export interface StanzaFailure {
  readonly condition: StanzaCondition;
  /** The type, where it is not the usual one of the condition. */
  readonly type?: ErrorType | undefined;
  /** A sentence for people, in English, where it says more than the condition's own. */
  readonly text?: string | undefined;
  /** Its number (XEP-0086), where clients are known to ask for that and for nothing else. */
  readonly code?: number | undefined;
  /** Where the addressee is now, as a URI; with `gone` and `redirect` (RFC 6120 §8.3.3.5, §8.3.3.14). */
  readonly uri?: string | undefined;
  /** Who found the error, where it is not the addressee (RFC 6120 §8.3.2). */
  readonly by?: Jid | undefined;
  /** An application-specific condition. */
  readonly app?: Element | undefined;
  /** What stands beside the `<error/>`, such as the form that XEP-0077 §3.2 asks to be filled in. */
  readonly payload?: Element | undefined;
}

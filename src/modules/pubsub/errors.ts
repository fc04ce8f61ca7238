/** The errors of XEP-0060, each with its condition, type and own condition as the text has them. */
import type { ErrorType, StanzaCondition, StanzaFailure } from '../../stanza/condition.ts';
import { el } from '../../xml/element.ts';
import { PUBSUB_ERRORS } from './names.ts';

const failure = (
  condition: StanzaCondition,
  own?: string,
  more: { readonly type?: ErrorType; readonly text?: string; readonly feature?: string } = {},
): StanzaFailure => ({
  condition,
  type: more.type,
  text: more.text,
  app: own === undefined ? undefined : el(own, { xmlns: PUBSUB_ERRORS, feature: more.feature }),
});

/** A feature that is not there, such as `subscription-options` (§11). */
export const unsupported = (feature: string): StanzaFailure =>
  failure('feature-not-implemented', 'unsupported', { feature });

/**
 * Nothing of that name (item or node). Profanity publishes its OMEMO devices only where the number says
 * that there are none yet.
 */
export const NOT_FOUND: StanzaFailure = { ...failure('item-not-found'), code: 404 };
/** The request breaks the schema. */
export const BAD_REQUEST: StanzaFailure = failure('bad-request');
/** §8.1.1, §8.2.3.2 …: it takes an owner. */
export const FORBIDDEN: StanzaFailure = failure('forbidden');
/** §6.1.3.1. */
export const INVALID_JID: StanzaFailure = failure('bad-request', 'invalid-jid');
/** §6.1.3.2, §6.5.9.6. */
export const PRESENCE_REQUIRED: StanzaFailure = failure(
  'not-authorized',
  'presence-subscription-required',
  { text: 'This is for those who are subscribed to the presence of its owner.' },
);
/** §6.1.3.3, §6.5.9.7. */
export const NOT_IN_GROUP: StanzaFailure = failure('not-authorized', 'not-in-roster-group', {
  text: 'This is for certain contacts of its owner.',
});
/** §6.1.3.4, §6.5.9.8. */
export const CLOSED_NODE: StanzaFailure = failure('not-allowed', 'closed-node', {
  text: 'This is for those whom its owner has named.',
});
/** §6.1.3.7. */
export const PENDING: StanzaFailure = failure('not-authorized', 'pending-subscription', {
  text: 'The subscription was not approved yet.',
});
/** §6.1.3.9. */
export const TOO_MANY_SUBSCRIPTIONS: StanzaFailure = failure(
  'policy-violation',
  'too-many-subscriptions',
  { type: 'wait' },
);
/** §6.2.3.2. */
export const NOT_SUBSCRIBED: StanzaFailure = failure('unexpected-request', 'not-subscribed', {
  type: 'cancel',
});
/** §6.3.4.2. */
export const NO_SUCH_SUBSCRIBER: StanzaFailure = failure('unexpected-request', 'not-subscribed', {
  type: 'modify',
});
/** §6.3.4.3. */
export const JID_REQUIRED: StanzaFailure = failure('bad-request', 'jid-required');
/** §6.5.9.3. */
export const SUBSCRIBERS_ONLY: StanzaFailure = failure('not-authorized', 'not-subscribed', {
  text: 'Items are for those who are subscribed.',
});
/** §7.1.3.4. */
export const NODE_FULL: StanzaFailure = failure('conflict', 'node-full');
/** §7.1.3.5. */
export const payloadTooBig = (most: number): StanzaFailure =>
  failure('not-acceptable', 'payload-too-big', { text: `An item may have up to ${most} bytes.` });
/** §7.1.3.6. */
export const INVALID_PAYLOAD: StanzaFailure = failure('bad-request', 'invalid-payload');
/** §7.1.3.7, §7.2.3.4. */
export const ITEM_REQUIRED: StanzaFailure = failure('bad-request', 'item-required');
/** §7.1.3.7. */
export const PAYLOAD_REQUIRED: StanzaFailure = failure('bad-request', 'payload-required');
/** §7.1.3.7. */
export const ITEM_FORBIDDEN: StanzaFailure = failure('bad-request', 'item-forbidden');
/** §7.1.5; the text names the options. */
export const preconditionNotMet = (names: readonly string[]): StanzaFailure =>
  failure('conflict', 'precondition-not-met', {
    text: `The node is configured differently: ${names.join(', ')}.`,
  });
/** §7.2.3.3, §8.2.3.3. */
export const NODE_REQUIRED: StanzaFailure = failure('bad-request', 'nodeid-required');
/** §8.1.2. */
export const UNSUPPORTED_ACCESS_MODEL: StanzaFailure = failure(
  'not-acceptable',
  'unsupported-access-model',
);
/** §6.3.6.2, §7.1.5, of a form that cannot be taken. */
export const invalidOptions = (text: string): StanzaFailure =>
  failure('bad-request', 'invalid-options', { text });
/** §8.2.5.2. */
export const notAcceptable = (text: string): StanzaFailure =>
  failure('not-acceptable', undefined, { text });
/** §8.1.1. */
export const EXISTS: StanzaFailure = failure('conflict');
/** More nodes than there may be. */
export const TOO_MANY_NODES: StanzaFailure = failure('policy-violation', 'max-nodes-exceeded', {
  type: 'cancel',
});
/** More bytes than there may be. */
export const NO_ROOM: StanzaFailure = failure('resource-constraint', undefined, {
  text: 'There is no room for more items.',
});

/** Why stanzas cannot go to another domain, in the terms of a stanza error (RFC 6120 §8.3.3). */
import type { Domain } from '../jid/jid.ts';
import type { StanzaFailure } from '../stanza/condition.ts';
import type { Connected } from './connect.ts';
import type { DialbackAnswer } from './dialback.ts';
import type { GiveUp } from './negotiation.ts';
import type { Resolved } from './resolver.ts';

/** A failure to reach a domain. */
export interface LinkFailure extends StanzaFailure {
  readonly text: string;
  /** Whether another try within minutes is of no use. */
  readonly isLasting: boolean;
}

const notFound = (text: string, isLasting: boolean): LinkFailure => ({
  condition: 'remote-server-not-found',
  text,
  isLasting,
});

/** §8.3.3.17: resolved, but no stream came about: no connection, TLS, SASL or dialback failed. */
const noStream = (text: string, isLasting: boolean): LinkFailure => ({
  condition: 'remote-server-timeout',
  text,
  isLasting,
});

/** The domain's servers could not be found. */
export function resolveFailure({ why, text }: Resolved & { readonly ok: false }): LinkFailure {
  if (why === 'dns-timeout') return noStream(text, false);
  return notFound(text, why !== 'dns-failure');
}

/** None of the domain's servers took a connection. */
export function connectFailure({ why, text }: Connected & { readonly ok: false }): LinkFailure {
  return why === 'not-found' ? notFound(text, true) : noStream(text, false);
}

/** What an other server says when it does not know the domain that we look for. */
const NOT_THERE = ['host-unknown', 'host-gone'];
/** What it says when it is about to be well again. */
const PASSING = [
  'connection-timeout',
  'internal-server-error',
  'remote-connection-failed',
  'reset',
  'resource-constraint',
  'system-shutdown',
];

/** A stream was opened, and led nowhere. */
export function streamFailure(where: string, why: GiveUp, text: string): LinkFailure {
  const sentence = `${where}: ${text}`;
  if (typeof why === 'string') return noStream(sentence, why !== 'closed');
  if (NOT_THERE.includes(why.reported)) return notFound(sentence, true);
  return noStream(sentence, !isPassing(why.reported));
}

/** Whether a stream error of another server says that it is about to be well again. */
export const isPassing = (condition: string): boolean => PASSING.includes(condition);

/** What it says when a stanza is not to its taste; the stream's end is then the stanza's fault. */
const FOR_STANZA = [
  'bad-format',
  'bad-namespace-prefix',
  'improper-addressing',
  'invalid-from',
  'invalid-namespace',
  'invalid-xml',
  'not-authorized',
  'not-well-formed',
  'policy-violation',
  'restricted-xml',
  'undefined-condition',
  'unsupported-encoding',
  'unsupported-stanza-type',
];

/** Whether a stream error of another server may be the fault of a stanza that it was sent. */
export const isForStanza = (condition: string): boolean => FOR_STANZA.includes(condition);

/**
 * The other server did not let us send (XEP-0220 §2.1.1).
 * @param refusal why it did not take our certificate for a proof before, if it said so
 */
export function dialbackFailure(
  answer: Exclude<DialbackAnswer, { type: 'valid' }>,
  refusal?: string,
): LinkFailure {
  if (answer.type === 'invalid')
    return {
      condition: 'internal-server-error',
      text: 'The other server found that our dialback key is not valid.',
      isLasting: true,
    };
  const { condition, text } = answer;
  const said = text === '' ? '' : ` (${text})`;
  const first = refusal === undefined ? '' : `, after it did not take our certificate: ${refusal}`;
  const isLasting = !condition.startsWith('remote-') && !isPassing(condition);
  return noStream(
    `The other server refused us by dialback: ${condition}${said}${first}`,
    isLasting,
  );
}

/** A stanza waited too long for a stream. */
export const timeoutFailure = (remote: Domain): LinkFailure =>
  noStream(`${remote} could not be reached in time.`, false);

/** A stanza was sent, and the other side has not said that it has it. */
export const silentFailure = (remote: Domain): LinkFailure =>
  noStream(`It was sent to ${remote}, which has not acknowledged it.`, false);

/** The other side ended its streams, each time when it was sent the same stanza. */
export const rejectedFailure = (remote: Domain, text: string): LinkFailure =>
  noStream(`${remote} ended the stream when it was sent this: ${text}`, true);

/** An admin does not want the two to talk. */
export const policyFailure = (text: string): LinkFailure => ({
  condition: 'not-authorized',
  type: 'cancel',
  text,
  isLasting: true,
});

/** What nobody keeps while the server goes down. */
export const SHUTDOWN_FAILURE: LinkFailure = {
  condition: 'remote-server-timeout',
  text: 'The server is going down before the other one could be reached.',
  isLasting: false,
};

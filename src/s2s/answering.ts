/**
 * What we answer to questions of dialback: as the receiving server, to one who wants to send for a
 * pair of domains (XEP-0220 §2.2.1), and as the authority for our domains (§2.2.2).
 */
import type { Domain } from '../jid/jid.ts';
import type { ServerStream } from './connection.ts';
import {
  type Addresses,
  type DialbackAnswer,
  type DialbackCondition,
  isDialbackKey,
  resultAnswer,
  verifyAnswer,
} from './dialback.ts';
import type { Parties, Proof } from './pairs.ts';
import type { S2sServices } from './services.ts';

/** How many pairs of one stream may wait for their verification. */
const MAX_WAITING = 20;

/**
 * Asks the authority for `remote` whether it gave out a key for one of our streams.
 * @param asker the stream on which the key was shown
 */
export type Verify = (
  pair: Parties,
  streamId: string,
  key: string,
  asker: Pick<ServerStream, 'remoteAddress'>,
) => Promise<DialbackAnswer>;

/** Answers the questions of one stream. */
export type Answerer = (
  stream: ServerStream,
  kind: 'result' | 'verify',
  parties: Addresses,
  id: string,
  key: string,
) => void;

/** Makes what answers the questions of one stream. */
export function createAnswerer(services: S2sServices, verify: Verify): Answerer {
  const { hosts, policy, secret, log } = services;
  /** The pairs whose authority is being asked. */
  const waiting = new Set<string>();

  return (stream, kind, { from, to }, id, key) => {
    const back = { from: to, to: from };
    if (kind === 'verify') {
      stream.send(verifyAnswer(back, id, authority(stream, from, to, id, key)));
      return;
    }
    const pair = { local: to, remote: from };
    const name = `${from} ${to}`;
    if (waiting.has(name)) return; // the answer to the first question serves both
    const said = barred(stream, pair) ?? receive(stream, pair);
    if (said !== undefined) return conclude(stream, pair, said);
    if (waiting.size >= MAX_WAITING)
      return conclude(stream, pair, error('resource-constraint', 'Too many wait already.'));
    waiting.add(name);
    void verify(pair, stream.streamId, key, stream)
      .catch((failure: unknown) => {
        services.metrics.errors.inc({ area: 's2s' });
        log.error({ err: failure, from, to }, 'a key could not be verified');
        return error('internal-server-error', 'The server made a mistake.');
      })
      .then((answer) => {
        waiting.delete(name);
        // An admin may have said something else while the authority was being asked.
        if (!stream.isOver) conclude(stream, pair, barred(stream, pair) ?? relayed(stream, answer));
      });
  };

  /** §2.2.2: did we give out this key? */
  function authority(
    stream: ServerStream,
    receiving: Domain,
    originating: Domain,
    streamId: string,
    key: string,
  ): DialbackAnswer {
    if (hosts.ownerOf(originating) === undefined)
      return error('item-not-found', `${originating} is not served here.`);
    const terms = policy.terms(originating);
    if (terms.requireTls && stream.protocol === undefined)
      return error('policy-violation', 'Use TLS first.');
    const isOurs = isDialbackKey(secret, { receiving, originating, streamId }, key);
    return { type: isOurs ? 'valid' : 'invalid' };
  }

  /** Why a pair may not be proved on a stream, however good its key is. */
  function barred(stream: ServerStream, { local, remote }: Parties): DialbackAnswer | undefined {
    if (hosts.ownerOf(local) === undefined)
      return error('item-not-found', `${local} is not served here.`);
    if (hosts.ownerOf(remote) !== undefined)
      return error('not-acceptable', `${remote} is served here, so nobody else speaks for it.`);
    if (policy.terms(local).requireTls && stream.protocol === undefined)
      return error('policy-violation', 'Use TLS first.');
    const refusal = policy.refusal(local, remote);
    return refusal === undefined ? undefined : error('policy-violation', refusal);
  }

  /** §2.2.1: what can be answered without asking the authority. */
  function receive(
    stream: ServerStream,
    { local, remote }: Parties,
  ): (DialbackAnswer & { readonly proof?: Proof }) | undefined {
    if (stream.isAccepted(remote, local)) return { type: 'valid' };
    if (stream.proves(remote)) return { type: 'valid', proof: 'certificate' };
    if (!policy.terms(local).secureAuth) return undefined;
    const judged = stream.judge(remote);
    const problems = judged?.ok === false ? judged.problems.map(({ text }) => text) : [];
    const why = problems.length === 0 ? '' : ` (${problems.join('; ')})`;
    return error('not-authorized', `A certificate has to prove ${remote} here${why}.`);
  }

  /** §2.2.1 and §2.5: what the authority's answer means to the one who asked us. */
  function relayed(
    stream: ServerStream,
    answer: DialbackAnswer,
  ): DialbackAnswer & { readonly proof?: Proof } {
    if (answer.type === 'valid') return { type: 'valid', proof: 'dialback' };
    // An `invalid` would cost the stream its other pairs, too.
    if (answer.type === 'invalid' && stream.accepts.length > 0)
      return error('forbidden', 'The authority for this domain does not know the key.');
    return answer;
  }

  function conclude(
    stream: ServerStream,
    { local, remote }: Parties,
    answer: DialbackAnswer & { readonly proof?: Proof },
  ): void {
    const back = { from: local, to: remote };
    const { proof } = answer;
    const isFull = proof !== undefined && !stream.hasRoom;
    const said = isFull ? error('resource-constraint', 'Too many domains on one stream.') : answer;
    stream.send(resultAnswer(back, said));
    if (said.type === 'valid') {
      if (proof !== undefined) stream.accept(remote, local, proof);
      return;
    }
    const why = said.type === 'error' ? said : { condition: 'invalid', text: '' };
    stream.note('info', { from: remote, to: local, ...why }, 'a domain was not proved by dialback');
    // §2.2.1: MUST close the stream, if this was the first attempt.
    if (said.type === 'invalid') stream.close('its key is not valid');
  }
}

function error(condition: DialbackCondition, text: string): DialbackAnswer {
  return { type: 'error', condition, text };
}

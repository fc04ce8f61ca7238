/** What is answered to questions of dialback, while the authority is being asked. */
import { describe, expect, test } from 'vitest';
import { deferred } from '../../src/kit/deferred.ts';
import { createLog } from '../../src/kit/log.ts';
import { createMetrics } from '../../src/kit/metrics.ts';
import { createAnswerer } from '../../src/s2s/answering.ts';
import type { ServerStream } from '../../src/s2s/connection.ts';
import type { DialbackAnswer } from '../../src/s2s/dialback.ts';
import type { S2sServices } from '../../src/s2s/services.ts';
import { domain } from '../certs/support.ts';

const OURS = domain('ours.example');
const THEIRS = domain('theirs.example');

/** A stream on which a key came; the authority has not answered yet. */
function asked() {
  const authority = deferred<DialbackAnswer | Error>();
  const said: string[] = [];
  const accepted: string[] = [];
  let refusal: string | undefined;
  // What is not here is not used.
  const services = {
    hosts: { ownerOf: (each: string) => (each === OURS ? {} : undefined) },
    policy: { terms: () => ({ requireTls: false, secureAuth: false }), refusal: () => refusal },
    secret: 'secret',
    metrics: createMetrics({ process: false }),
    log: createLog({ level: 'silent' }).area('s2s'),
  } as unknown as S2sServices;
  const stream = {
    streamId: '1',
    isOver: false,
    hasRoom: true,
    accepts: [],
    isAccepted: () => false,
    proves: () => false,
    send: (text: string) => said.push(text),
    accept: (remote: string) => accepted.push(remote),
    note() {},
    close() {},
  } as unknown as ServerStream;
  const answer = createAnswerer(services, async () => {
    const answered = await authority.promise;
    if (answered instanceof Error) throw answered;
    return answered;
  });
  const ask = () => answer(stream, 'result', { from: THEIRS, to: OURS }, '', 'key');
  ask();
  return {
    ...{ authority, said, accepted, ask },
    refuse(text: string) {
      refusal = text;
    },
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('XEP-0220 §2.2.1: when the authority has answered', () => {
  test('the pair may send', async () => {
    const { authority, said, accepted } = asked();
    authority.resolve({ type: 'valid' });
    await settled();
    expect(said).toEqual([expect.stringMatching(/^<db:result .*type='valid'\/>$/)]);
    expect(accepted).toEqual([THEIRS]);
  });

  test('a domain that was blocked meanwhile may not', async () => {
    const { authority, said, accepted, refuse } = asked();
    refuse('It is blocked here.');
    authority.resolve({ type: 'valid' });
    await settled();
    expect(said).toEqual([expect.stringMatching(/type='error'.*<policy-violation .*blocked here/)]);
    expect(accepted).toEqual([]);
  });

  test('§2.5: and if it could not be asked by a mistake of ours, that is said too', async () => {
    const { authority, said, accepted, ask } = asked();
    authority.resolve(new Error('a bug'));
    await settled();
    expect(said).toEqual([expect.stringMatching(/type='error'.*<internal-server-error /)]);
    expect(accepted).toEqual([]);
    ask();
    await settled();
    expect(said).toHaveLength(2);
  });
});

/** What comes by a stream from another server, when handling it fails. */
import { describe, expect, test } from 'vitest';
import { createMetrics } from '../../src/kit/metrics.ts';
import { type IntakePort, takeIn } from '../../src/s2s/intake.ts';
import { Pairs } from '../../src/s2s/pairs.ts';
import type { Stanza } from '../../src/stanza/stanza.ts';
import { domain } from '../certs/support.ts';
import { parse } from '../support/scene.ts';

const OURS = domain('ours.example');
const THEIRS = domain('theirs.example');

/** A stream whose stanzas are routed by a function; what that answers with is routed well. */
function stream(route: (stanza: Stanza) => void | Promise<void>) {
  const answers: string[] = [];
  const handled: unknown[] = [];
  const notes: string[] = [];
  const accepts = new Pairs();
  accepts.add({ from: THEIRS, to: OURS, proof: 'external' });
  // What is not here is not used.
  const port = {
    services: {
      hosts: { ownerOf: (each: string) => (each === OURS ? {} : undefined) },
      metrics: createMetrics({ process: false }),
      story: { isOn: false },
      router: {
        route(stanza: Stanza) {
          if (stanza.type !== 'error') return route(stanza);
          answers.push(stanza.wire.text);
        },
      },
    },
    managed: {
      take: (handle: (creditor: undefined) => unknown) => handled.push(handle(undefined)),
    },
    pings: { take: () => false },
    accepts,
    language: () => undefined,
    used() {},
    note: (_: string, __: object, text: string) => notes.push(text),
  } as unknown as IntakePort;
  return {
    answers,
    notes,
    async take(xml: string) {
      takeIn(parse(xml), port);
      await Promise.all(handled);
    },
  };
}

const PARTIES = "from='romeo@theirs.example/hall' to='juliet@ours.example'";

describe('RFC 6120 §8.3.3.6: a stanza that cannot be handled, by a mistake here', () => {
  test.each([
    [
      'at once',
      () => {
        throw new Error('a bug');
      },
    ],
    ['later', () => Promise.reject(new Error('the disk'))],
  ])('is answered, since the other side will be told that it is handled: %s', async (_, route) => {
    const { take, answers, notes } = stream(route);
    await take(`<message ${PARTIES} id='1'><body>hello</body></message>`);
    expect(answers).toEqual([expect.stringContaining('<internal-server-error ')]);
    expect(answers[0]).toMatch(/id="1"/);
    expect(notes).toEqual(['a stanza could not be handled']);
  });

  test('a result is not answered', async () => {
    const { take, answers, notes } = stream(() => Promise.reject(new Error('the disk')));
    await take(`<iq ${PARTIES} id='2' type='result'/>`);
    expect(answers).toEqual([]);
    expect(notes).toHaveLength(1);
  });
});

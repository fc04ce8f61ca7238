/** The federation doctor and the operations on links, with real servers on both sides. */
import { afterEach, describe, expect, test } from 'vitest';
import type { ExaminationStep } from '../../src/operations/federation-service.ts';
import type { TestServer } from '../support/server.ts';
import {
  type Federation,
  type MemberOptions,
  startFederation,
} from '../support/several-servers.ts';

let open: Federation | undefined;
afterEach(async () => {
  await open?.stop();
  open = undefined;
});

async function examine(server: TestServer, domain: string): Promise<readonly ExaminationStep[]> {
  const steps: ExaminationStep[] = [];
  const values = await server.run('s2s.test', { domain });
  for await (const step of values as AsyncIterable<ExaminationStep>) steps.push(step);
  return steps;
}

async function pair(first: Partial<MemberOptions> = {}, second: Partial<MemberOptions> = first) {
  const federation = await startFederation();
  open = federation;
  const a = await federation.join({ hosts: { 'a.example': {} }, ...first });
  const b = await federation.join({ hosts: { 'b.example': {} }, ...second });
  return { federation, a, b };
}

const brief = (steps: readonly ExaminationStep[]) =>
  steps.map(({ step, verdict, cause }) => [step, verdict, cause].filter(Boolean).join(' '));

describe('the doctor', () => {
  test.each(['starttls', 'direct'] as const)(
    'finds nothing wrong by certificates: %s',
    async (found) => {
      const { a } = await pair({ found });
      const steps = await examine(a, 'b.example');
      expect(brief(steps).slice(-6)).toEqual([
        'tls ok',
        'certificate ok',
        'features ok',
        'authentication ok',
        'ping ok',
        'summary ok',
      ]);
      expect(steps.at(-3)?.text).toContain('SASL EXTERNAL');
    },
  );

  test('is believed by dialback, and says what is wrong all the same', async () => {
    const { a } = await pair({ certificate: 'self-signed' });
    const steps = await examine(a, 'b.example');
    expect(brief(steps).slice(-4)).toEqual([
      'features ok',
      'authentication ok',
      'ping ok',
      'summary warning self-signed',
    ]);
  });

  test('is refused where the other side blocks us', async () => {
    const { a } = await pair({}, { s2s: { block: ['a.example'] } });
    const steps = await examine(a, 'b.example');
    expect(steps.at(-1)).toMatchObject({ verdict: 'error', cause: 'refused' });
    expect(steps.at(-1)?.text).toContain('policy-violation');
  });

  test('finds that answers do not come back', async () => {
    // b.example looks for a.example where nobody is.
    const { federation, a } = await pair({ s2s: { bidi: false } });
    federation.record({ '_xmpp-server._tcp.a.example': { SRV: ['0 0 1 nobody.example'] } });
    const steps = examine(a, 'b.example');
    // The link that the ping takes; the doctor's own stream is none.
    await expect.poll(() => a.run('s2s.list')).toMatchObject({ links: [{ state: 'up' }] });
    a.clock.jump(20_000);
    expect((await steps).at(-1)).toMatchObject({ verdict: 'error', cause: 'no-answer' });
  });
});

describe('links', () => {
  test('are listed with their proof, and end when a domain is blocked', async () => {
    const { a, b } = await pair();
    await examine(a, 'b.example');
    const { links } = (await a.run('s2s.list')) as { links: object[] };
    expect(links).toContainEqual(
      expect.objectContaining({
        domain: 'b.example',
        host: 'a.example',
        state: 'up',
        secure: 'TLSv1.3',
        proof: 'external',
      }),
    );
    await a.run('s2s.block', { domain: 'b.example' });
    const upOf = async (server: TestServer) => {
      const now = (await server.run('s2s.list')) as { links: { state: string }[] };
      return now.links.filter(({ state }) => state === 'up');
    };
    for (const server of [a, b]) await expect.poll(() => upOf(server)).toEqual([]);
    expect(await a.run('s2s.show', { domain: 'b.example' })).toMatchObject({
      policy: [{ host: 'a.example', allowed: false }],
      history: expect.arrayContaining([expect.objectContaining({ outcome: 'opened' })]),
    });
    expect((await examine(a, 'b.example')).at(-1)).toMatchObject({ cause: 'blocked' });
    await a.run('s2s.reset', { domain: 'b.example' });
    expect((await examine(a, 'b.example')).at(-1)).toMatchObject({ verdict: 'ok' });
    expect(await a.run('s2s.close', { domain: 'b.example' })).toEqual({
      closed: expect.any(Number),
    });
  });
});

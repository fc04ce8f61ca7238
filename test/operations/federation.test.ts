import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ExaminationStep } from '../../src/operations/federation-service.ts';
import { federationOf, link } from '../support/federation-side.ts';
import { type Desk, domainNamed, setDesk } from './support.ts';

const falcot = domainNamed('falcot.com');
const far = domainNamed('far.example');

const step = (name: string, verdict: ExaminationStep['verdict']): ExaminationStep => ({
  step: name,
  subject: far,
  verdict,
  text: 'So it is.',
});

let desk: Desk;
let left: number;
let steps: () => AsyncIterable<ExaminationStep>;
beforeEach(async () => {
  desk = await setDesk(['jo@falcot.com', 'jo@second.example']);
  left = 0;
  steps = async function* () {
    try {
      yield step('tcp', 'ok');
      yield step('summary', 'error');
    } finally {
      left += 1;
    }
  };
  desk.world.federation = federationOf(
    {
      links: [
        link('zoo.example', falcot, { direction: 'in' }),
        link(far, falcot),
        link(far, 'second.example', { id: undefined, state: 'waiting', queued: 4, retryAt: 7.5 }),
      ],
      events: [
        {
          host: falcot,
          direction: 'out',
          outcome: 'failed',
          text: 'nobody listens there',
          first: 1,
          last: 2,
          count: 3,
        },
      ],
      steps: () => steps(),
    },
    desk.world.federationRules,
  );
});
afterEach(() => desk.stop());

async function valuesOf(input: object): Promise<unknown[]> {
  const outcome = await desk.run('s2s.test', input);
  if (!outcome.ok) return [outcome.text];
  const values: unknown[] = [];
  for await (const value of outcome.value as AsyncIterable<unknown>) values.push(value);
  return values;
}

describe('links', () => {
  test('are listed by their names, and found by parts of them', async () => {
    const all = await desk.value('s2s.list');
    expect(all['total']).toBe(3);
    expect(all['links']).toMatchObject([
      { domain: 'far.example', host: 'falcot.com', secure: 'TLSv1.3', proof: 'external' },
      { domain: 'far.example', host: 'second.example', id: '', queued: 4, retryAt: 8 },
      { domain: 'zoo.example' },
    ]);
    expect(await desk.value('s2s.list', { search: 'ZOO' })).toMatchObject({ total: 1 });
    expect(await desk.value('s2s.list', { host: 'falcot.com' })).toMatchObject({ total: 2 });
    expect((await desk.value('s2s.list', { offset: 2 }))['links']).toHaveLength(1);
  });

  test('of one domain are shown with what happened and what the policy says', async () => {
    await desk.value('s2s.block', { domain: 'far.example' });
    expect(await desk.value('s2s.show', { domain: 'FAR.example' })).toMatchObject({
      domain: 'far.example',
      policy: [
        { host: 'falcot.com', allowed: false, why: 'It is blocked here.' },
        { host: 'second.example', allowed: false },
      ],
      links: [{ host: 'falcot.com' }, { host: 'second.example' }],
      history: [{ times: 3, text: 'nobody listens there', last: 2 }],
    });
  });

  test('are closed', async () => {
    expect(await desk.value('s2s.close', { domain: 'far.example' })).toEqual({ closed: 2 });
  });
});

describe('the policy', () => {
  test('is said for all domains or one, listed, and taken back', async () => {
    await desk.value('s2s.block', { domain: 'far.example' });
    await desk.value('s2s.allow', { domain: 'zoo.example', host: 'falcot.com' });
    expect(await desk.value('s2s.rules')).toEqual({
      rules: [
        { domain: 'far.example', host: '*', verdict: 'block' },
        { domain: 'zoo.example', host: 'falcot.com', verdict: 'allow' },
      ],
    });
    await desk.value('s2s.reset', { domain: 'far.example' });
    expect((await desk.value('s2s.rules'))['rules']).toHaveLength(1);
    expect(await desk.refusal('s2s.reset', { domain: 'zoo.example' })).toMatch(/^not-found/);
    const audited = await desk.audit.list({ limit: 10 });
    expect(audited.map(({ operation }) => operation)).toContain('s2s.block');
  });

  test('is said for all below a domain, as in the config', async () => {
    const said = await desk.value('s2s.block', { domain: '*.Evil.example' });
    expect(said).toEqual({ domain: '*.evil.example', host: '*', verdict: 'block' });
    const present = desk.operations.find('s2s.block')?.present;
    expect(present?.(said as never)).toContain("rtcctl s2s reset '*.evil.example'");
    await desk.value('s2s.reset', { domain: '*.evil.example' });
    expect(await desk.refusal('s2s.block', { domain: '*' })).toMatch(
      /^invalid-input: domain: '\*'/,
    );
    expect(await desk.refusal('s2s.close', { domain: '*.evil.example' })).toMatch(/^invalid-input/);
  });

  test('is not for our own domains', async () => {
    expect(await desk.refusal('s2s.block', { domain: 'second.example' })).toMatch(/^refused/);
    expect(await desk.refusal('s2s.block', { domain: 'far.example', host: 'x.example' })).toMatch(
      /^not-found: x\.example is not served/,
    );
  });
});

describe('the examination', () => {
  test('tells its steps, and in the last one whether all is well', async () => {
    expect(await valuesOf({ domain: 'far.example' })).toEqual([
      { ...step('tcp', 'ok') },
      { ...step('summary', 'error'), healthy: false },
    ]);
  });

  test('goes for the domain that is named', async () => {
    expect(await valuesOf({ domain: 'far.example', host: 'nobody.example' })).toEqual([
      expect.stringMatching(/nobody\.example is not served here/),
    ]);
  });

  test('is made a few times at once only; who leaves makes room', async () => {
    const open: AsyncIterator<unknown>[] = [];
    for (let count = 0; count < 4; count += 1) {
      const outcome = await desk.run('s2s.test', { domain: 'far.example' });
      if (!outcome.ok) throw new Error(outcome.text);
      const iterator = (outcome.value as AsyncIterable<unknown>)[Symbol.asyncIterator]();
      await iterator.next();
      open.push(iterator);
    }
    expect(await desk.refusal('s2s.test', { domain: 'far.example' })).toMatch(/^unavailable/);
    await open[0]?.return?.();
    expect(left).toBe(1);
    expect(await valuesOf({ domain: 'far.example' })).toHaveLength(2);
    expect(await valuesOf({ domain: 'far.example' })).toHaveLength(2);
    for (const each of open) await each.return?.();
    expect(left).toBe(6);
  });

  test('that fails makes room, too', async () => {
    steps = () => ({
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('a mistake')) }),
    });
    for (let count = 0; count < 6; count += 1)
      await expect(valuesOf({ domain: 'far.example' })).rejects.toThrow('a mistake');
  });
});

test('without a running server there are none of these', async () => {
  desk.world.federation = undefined;
  expect(await desk.refusal('s2s.list')).toMatch(/^unavailable/);
  for (const name of ['show', 'test', 'close'])
    expect(await desk.refusal(`s2s.${name}`, { domain: 'far.example' })).toMatch(/^unavailable/);
});

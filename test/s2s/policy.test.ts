/** With whom our domains may talk. */
import { expect, onTestFinished, test } from 'vitest';
import type { Hosts } from '../../src/core/hosts.ts';
import type { Domain } from '../../src/jid/jid.ts';
import { createLog } from '../../src/kit/log.ts';
import { loadPolicy } from '../../src/s2s/policy.ts';
import { s2sMigrations } from '../../src/s2s/tables.ts';
import { openStore } from '../../src/store/store.ts';
import { domain } from '../certs/support.ts';
import { manualClock } from '../support/clock.ts';

const OURS = domain('ours.example');
const MOVING = domain('moving.example');

async function policyOf(served: ReadonlySet<string>, own: object, common: object) {
  const store = await openStore({
    file: ':memory:',
    clock: manualClock(),
    log: createLog({ level: 'silent' }).area('s2s'),
    migrations: [{ owner: 's2s', migrations: s2sMigrations }],
  });
  onTestFinished(() => store.close());
  const load = () =>
    loadPolicy({
      store,
      // What is not here is not used.
      hosts: {
        ownerOf: (each) => (served.has(each) ? { config: { s2s: own } } : undefined),
      } as Hosts,
      settings: () => ({ enabled: true, allow: [], block: [], ...common }) as never,
    });
  return { ...(await load()), load };
}

test('nobody else speaks for a domain that has become ours, whatever an admin said of it', async () => {
  const served = new Set<string>([OURS]);
  const policy = await policyOf(served, {}, {});
  await policy.set({ host: '*', domain: MOVING, verdict: 'allow' });
  expect(policy.refusal(OURS, MOVING)).toBeUndefined();
  served.add(MOVING);
  expect(policy.refusal(OURS, MOVING)).toBe('moving.example is served here.');
});

test('what an admin says outlives a restart, and so does that he takes it back', async () => {
  const policy = await policyOf(new Set([OURS]), {}, {});
  const rule = { host: OURS, domain: MOVING, verdict: 'block' } as const;
  await policy.set(rule);
  expect((await policy.load()).refusal(OURS, MOVING)).toContain('it is blocked here');
  expect(await policy.unset(rule)).toBe(true);
  expect((await policy.load()).rules()).toEqual([]);
});

test('what is said of all below a domain holds for them, but where nearer ones are named', async () => {
  const policy = await policyOf(new Set([OURS]), {}, {});
  const say = (pattern: `*.${string}`, verdict: 'allow' | 'block', host: Domain | '*' = '*') =>
    policy.set({ host, domain: `*.${domain(pattern.slice(2))}`, verdict });
  await say('*.evil.example', 'block');
  await say('*.good.evil.example', 'allow');
  await policy.set({ host: '*', domain: domain('worst.good.evil.example'), verdict: 'block' });
  const refused = ({ refusal }: Pick<typeof policy, 'refusal'>) =>
    ['evil', 'a.evil', 'b.a.evil', 'good.evil', 'a.good.evil', 'worst.good.evil', 'notevil'].filter(
      (each) => refusal(OURS, domain(`${each}.example`)) !== undefined,
    );
  const expected = ['a.evil', 'b.a.evil', 'good.evil', 'worst.good.evil'];
  expect(refused(policy)).toEqual(expected);
  expect(refused(await policy.load())).toEqual(expected);
  await say('*.evil.example', 'allow', OURS);
  expect(refused(policy)).toEqual(['worst.good.evil']);
  expect(await policy.unset({ host: '*', domain: `*.${domain('good.evil.example')}` })).toBe(true);
});

test.each([
  ['falcot.com', 'falcot.com', true],
  ['*.falcot.com', 'chat.falcot.com', true],
  ['*.falcot.com', 'falcot.com', false],
  ['*.falcot.com', 'notfalcot.com', false],
  ['falcot.com', 'chat.falcot.com', false],
])('with %s alone among those who are allowed, %s may come: %s', async (pattern, other, may) => {
  const policy = await policyOf(new Set([OURS]), {}, { allow: [pattern] });
  expect(policy.refusal(OURS, domain(other)) === undefined).toBe(may);
  const reverse = await policyOf(new Set([OURS]), {}, { block: [pattern] });
  expect(reverse.refusal(OURS, domain(other)) === undefined).toBe(!may);
});

test.each([
  ['of the server', {}, { secureAuth: true, requireTls: false }],
  ['of the domain', { secureAuth: true, requireTls: false }, { secureAuth: false }],
])('RFC 6120 §13.7.2: a certificate that is demanded demands TLS (%s)', async (_, own, common) => {
  const policy = await policyOf(new Set([OURS]), own, common);
  // Else who leaves out the offer of STARTTLS would be let through without any.
  expect(policy.terms(OURS)).toMatchObject({ secureAuth: true, requireTls: true });
});

/** With whom our domains may talk. */
import { expect, onTestFinished, test } from 'vitest';
import type { Hosts } from '../../src/core/hosts.ts';
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

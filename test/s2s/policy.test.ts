/** With whom our domains may talk. */
import { expect, test } from 'vitest';
import type { Hosts } from '../../src/core/hosts.ts';
import { createLog } from '../../src/kit/log.ts';
import { loadPolicy } from '../../src/s2s/policy.ts';
import { s2sMigrations } from '../../src/s2s/tables.ts';
import { openStore } from '../../src/store/store.ts';
import { domain } from '../certs/support.ts';
import { manualClock } from '../support/clock.ts';

const OURS = domain('ours.example');
const MOVING = domain('moving.example');

test('nobody else speaks for a domain that has become ours, whatever an admin said of it', async () => {
  const served = new Set<string>([OURS]);
  const store = await openStore({
    file: ':memory:',
    clock: manualClock(),
    log: createLog({ level: 'silent' }).area('s2s'),
    migrations: [{ owner: 's2s', migrations: s2sMigrations }],
  });
  const policy = await loadPolicy({
    store,
    // What is not here is not used.
    hosts: {
      ownerOf: (each) => (served.has(each) ? { config: { s2s: {} } } : undefined),
    } as Hosts,
    settings: () => ({ enabled: true, allow: [], block: [] }) as never,
  });
  await policy.set({ host: '*', domain: MOVING, verdict: 'allow' });
  expect(policy.refusal(OURS, MOVING)).toBeUndefined();
  served.add(MOVING);
  expect(policy.refusal(OURS, MOVING)).toBe('moving.example is served here.');
  await store.close();
});

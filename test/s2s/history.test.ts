import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLog } from '../../src/kit/log.ts';
import { createHistory, type History } from '../../src/s2s/history.ts';
import { s2sMigrations } from '../../src/s2s/tables.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { domain } from '../certs/support.ts';
import { manualClock } from '../support/clock.ts';

const OURS = domain('ours.example');
const THEIRS = domain('theirs.example');
const failed = { host: OURS, direction: 'out', outcome: 'failed' } as const;

const log = createLog({ level: 'silent' }).area('s2s');
const clock = manualClock(1000);
let store: Store;
let history: History;
beforeEach(async () => {
  store = await openStore({
    file: ':memory:',
    clock,
    log,
    migrations: [{ owner: 's2s', migrations: s2sMigrations }],
  });
  history = createHistory({ store, clock, log });
});
afterEach(() => store.close());

test('the latest first; the same thing is counted', async () => {
  history.note(THEIRS, { ...failed, text: 'refused' });
  clock.advance(10);
  history.note(THEIRS, { ...failed, text: 'no answer' });
  clock.advance(10);
  history.note(THEIRS, { ...failed, text: 'refused' });
  const expected = [
    { text: 'refused', count: 2, first: 1000, last: 1020 },
    { text: 'no answer', count: 1, first: 1010, last: 1010 },
  ];
  expect(await history.of(THEIRS)).toMatchObject(expected);
  expect(await history.of(OURS)).toEqual([]);
});

test('it outlives a restart, and goes on counting', async () => {
  const attempt = {
    host: 'xmpp.theirs.example',
    address: '192.0.2.7',
    port: 5269,
    isDirectTls: false,
    at: 1000,
    outcome: 'refused',
    text: 'nobody listens on this port',
    ms: 3,
  } as const;
  history.note(THEIRS, { ...failed, text: 'refused', attempts: [attempt] });
  await history.close();
  const other = createHistory({ store, clock, log });
  other.note(THEIRS, { ...failed, text: 'refused' });
  expect(await other.of(THEIRS)).toMatchObject([{ count: 2, attempts: [] }]);
  expect(await history.of(THEIRS)).toHaveLength(1);
});

test('it is written a while later, in one group', async () => {
  for (let index = 0; index < 10; index += 1) {
    history.note(THEIRS, { ...failed, text: `${index % 3}` });
    clock.advance(100);
  }
  const { writes } = store.stats();
  clock.advance(5000);
  expect(await history.of(THEIRS)).toHaveLength(3);
  expect(store.stats().writes).toBe(writes + 1);
});

test('it is bounded for each domain', async () => {
  for (let index = 0; index < 100; index += 1) {
    clock.advance(1);
    history.note(THEIRS, { ...failed, text: `${index} ${'x'.repeat(2000)}` });
  }
  const entries = await history.of(THEIRS);
  expect(entries).toHaveLength(30);
  expect(entries[0]?.text).toMatch(/^99 /);
  expect(entries[0]?.text).toHaveLength(1000);
});

test('it is bounded in domains: those not heard of for longest go', async () => {
  for (let index = 0; index < 2100; index += 1) {
    clock.advance(1);
    history.note(domain(`d${index}.example`), { ...failed, text: 'refused' });
    if (index % 500 === 499) await history.close();
  }
  for (let index = 0; index < 100; index += 1) {
    clock.advance(1);
    history.note(THEIRS, { ...failed, text: 'refused' });
    await history.close();
  }
  expect(await history.of(domain('d0.example'))).toEqual([]);
  expect(await history.of(domain('d2099.example'))).toHaveLength(1);
});

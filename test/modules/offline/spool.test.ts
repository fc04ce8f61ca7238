import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BareJid, parseBare } from '../../../src/jid/jid.ts';
import { createLog } from '../../../src/kit/log.ts';
import { createSpool, spoolMigrations } from '../../../src/modules/offline/spool.ts';
import { openStore, type Store } from '../../../src/store/store.ts';
import { type ManualClock, manualClock } from '../../support/clock.ts';

const LIMITS = { maxMessages: 1000, maxBytes: 1_000_000 };
let store: Store;
let clock: ManualClock;
beforeEach(async () => {
  clock = manualClock();
  store = await openStore({
    file: ':memory:',
    clock,
    log: createLog({ level: 'silent' }).area('store'),
    migrations: [{ owner: 'offline', migrations: spoolMigrations }],
  });
});
afterEach(() => store.close());

const juliet = ((): BareJid => {
  const parsed = parseBare('juliet@verona.example');
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
})();

/** Keeps a text; answers its row. */
async function keep(spool: ReturnType<typeof createSpool>, stanza: string) {
  const added = await spool.add(juliet, { stanza, serial: 1, content: undefined }, LIMITS);
  if (added === undefined) throw new Error('there is no room');
  await added.written;
  return added.row;
}

test('D1 what a session that slept over a restart acknowledges late is no later message', async () => {
  const before = createSpool(store, clock);
  const first = await keep(before, 'the first');
  await before.remove([first.id]); // another device had it
  clock.advance(1);
  const after = createSpool(store, clock);
  const second = await keep(after, 'the second');
  await after.remove([first.id]); // and now the one that slept
  expect((await after.next(juliet, 0, 10)).map(({ stanza }) => stanza)).toEqual(['the second']);
  expect(second.id).toBeGreaterThan(first.id);
});

test('many of one turn have their order, and a clock that was set back changes nothing', async () => {
  const spool = createSpool(store, clock);
  const rows = await Promise.all(
    Array.from({ length: 150 }, (_, index) => keep(spool, `message ${index}`)),
  );
  expect(new Set(rows.map(({ id }) => id)).size).toBe(150);
  clock.advance(-1000);
  const again = createSpool(store, clock);
  await keep(again, 'the last');
  const kept = (await again.next(juliet, 0, 200)).map(({ stanza }) => stanza);
  expect(kept).toEqual([...rows.map((_, index) => `message ${index}`), 'the last']);
});

test('what is removed is what was named, whether it stood together or not', async () => {
  const spool = createSpool(store, clock);
  const rows = await Promise.all(Array.from({ length: 40 }, (_, at) => keep(spool, `${at}`)));
  const isNamed = (at: number) => (at > 2 && at < 20) || at === 25 || at === 26 || at > 31;
  await spool.remove(
    rows
      .filter((_, at) => isNamed(at))
      .map(({ id }) => id)
      .toReversed(),
  );
  const left = (await spool.next(juliet, 0, 100)).map(({ stanza }) => Number(stanza));
  expect(left).toEqual(rows.map((_, at) => at).filter((at) => !isNamed(at)));
  await spool.remove([]);
});

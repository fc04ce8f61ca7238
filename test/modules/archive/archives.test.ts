import { join } from 'node:path';
import { CompiledQuery } from 'kysely';
import { describe, expect, test } from 'vitest';
import { secretMigrations } from '../../../src/core/secret.ts';
import { parseBare, parseJid } from '../../../src/jid/jid.ts';
import { createArchives } from '../../../src/modules/archive/archives.ts';
import { archiveMigrations } from '../../../src/modules/archive/messages.ts';
import { openTestStore, tempFolder } from '../../store/support.ts';
import { manualClock } from '../../support/clock.ts';

const owner = parseBare('juliet@capulet.example');
const peer = parseJid('romeo@montague.example/orchard');
if (!owner.ok || !peer.ok) throw new Error('no addresses');

/** An archive on a file, as at a start of the server. */
async function start(file: string, now?: number) {
  const store = await openTestStore({
    file,
    migrations: [
      { owner: 'secrets', migrations: secretMigrations },
      { owner: 'archive', migrations: archiveMigrations },
    ],
  });
  const archives = createArchives({
    store,
    clock: manualClock(now),
    kept: () => {},
    adopted: async () => {},
  });
  const juliet = await archives.of(owner.ok ? owner.value : expect.fail());
  const keep = async (text: string) => {
    const place = archives.reserve(juliet);
    const to = peer.ok ? peer.value : expect.fail();
    await archives.keep(place, { peer: to, text, isSearchable: true });
    return place;
  };
  const all = () => archives.messages.page(juliet.token, {}, 'beginning', 100);
  return { store, archives, juliet, keep, all };
}

describe('archives from one start to the next', () => {
  test('XEP-0359 §3: ids are stable', async () => {
    const file = join(tempFolder(), 'x.sqlite');
    const first = await start(file);
    const { uid, serial } = await first.keep('<message/>');
    await first.store.close();
    const second = await start(file);
    expect(second.juliet.token).toBe(first.juliet.token);
    expect((await second.archives.readUids(second.juliet, [uid])).get(uid)).toBe(serial);
    expect(await second.all()).toMatchObject([{ serial, stanza: '<message/>' }]);
  });

  test('XEP-0313 §3.2: no id is given twice, though all messages are gone and the clock is set back', async () => {
    const file = join(tempFolder(), 'x.sqlite');
    const first = await start(file, Date.UTC(2030, 0, 1));
    const { serial } = await first.keep('<message/>');
    const { archives, juliet } = first;
    expect(await archives.prune(juliet.token, undefined, 10)).toBe(1);
    await first.store.close();
    const second = await start(file, Date.UTC(2026, 0, 1));
    expect((await second.keep('<message/>')).serial).toBe(serial + 1);
  });

  test('a message is found by its own time, though the clock was set back before the last start', async () => {
    const file = join(tempFolder(), 'x.sqlite');
    const first = await start(file, Date.UTC(2030, 0, 1));
    await first.keep('<message id="1"/>');
    await first.store.close();
    const second = await start(file, Date.UTC(2026, 0, 1));
    await second.keep('<message id="2"/>');
    await second.store.close();
    const third = await start(file, Date.UTC(2026, 0, 2));
    const span = { since: Date.UTC(2025, 11, 31), until: Date.UTC(2026, 0, 2) };
    const found = await third.archives.messages.page(third.juliet.token, span, 'end', 10);
    expect(found).toMatchObject([{ stanza: '<message id="2"/>' }]);
  });

  test('a start that failed is tried again', async () => {
    const store = await openTestStore({
      migrations: [{ owner: 'archive', migrations: archiveMigrations }],
    });
    const archives = createArchives({
      store,
      clock: manualClock(),
      kept: () => {},
      adopted: async () => {},
    });
    const jid = owner.ok ? owner.value : expect.fail();
    await expect(archives.of(jid)).rejects.toThrow('server_secrets'); // the table is not there yet
    for (const sql of secretMigrations.flatMap(({ up }) => up))
      await store.write(CompiledQuery.raw(sql));
    expect(await archives.of(jid)).toMatchObject({ jid });
  });

  test('two that come at once are one owner', async () => {
    const { archives } = await start(':memory:');
    const jid = parseBare('nurse@capulet.example');
    if (!jid.ok) expect.fail(jid.why);
    const [one, other] = await Promise.all([archives.of(jid.value), archives.of(jid.value)]);
    expect(one).toBe(other);
  });
});

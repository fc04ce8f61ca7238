/** XEP-0313 §3.2: what is not to be kept any longer goes, the oldest first, in small steps. */
import { afterEach, describe, expect, test } from 'vitest';
import { defineModule } from '../../../src/core/module.ts';
import { parseBare } from '../../../src/jid/jid.ts';
import { type ArchiveApi, archive } from '../../../src/modules/archive/index.ts';
import type { Actor, Scene } from '../../support/scene.ts';
import { archiveScene, askArchive, JULIET, MAM, NURSE, ROMEO, takeMessages } from './support.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ALL = { archive_messages: 0, archive_owners: 0 };

function bare(raw: string) {
  const parsed = parseBare(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
}

describe('what goes out of archives', () => {
  let scene: Scene;
  let juliet: Actor;
  let romeo: Actor;
  let api: ArchiveApi;

  const begin = async (settings: Record<string, unknown> = {}) => {
    const watcher = defineModule({
      name: 'watcher',
      specs: [],
      needs: ['archive'],
      setup(home) {
        api = home.use(archive);
        return {};
      },
    });
    scene = await archiveScene({ archive: settings }, { behind: [watcher] });
    juliet = await scene.connect(`${JULIET}/balcony`);
    romeo = await scene.connect(`${ROMEO}/orchard`);
  };
  afterEach(() => scene.stop());

  const say = (body: string, to = ROMEO, actor = juliet) =>
    actor.send(`<message to='${to}' type='chat'><body>${body}</body></message>`);
  const bodies = async (actor = juliet) => (await askArchive(actor)).bodies;
  const rows = async (table: keyof typeof ALL): Promise<number> => {
    const db = scene.store.tables<Record<keyof typeof ALL, object>>();
    const row = await scene.store.first(
      db.selectFrom(table).select(({ fn }) => fn.countAll<number>().as('count')),
    );
    return Number(row?.count);
  };
  /** Lets time pass until something is so: the steps of the sweeper are paced by the clock. */
  const passUntil = async (isSo: () => Promise<boolean>, stepMs = 20) => {
    for (let tries = 0; tries < 500; tries += 1) {
      if (await isSo()) return;
      scene.clock.advance(stepMs);
    }
    expect.fail('it did not come to be');
  };

  test('by the config: messages that are too old, and no others', async () => {
    await begin({ keep: '2d' });
    await say('old');
    scene.clock.advance(DAY);
    await say('middle');
    scene.clock.advance(DAY - HOUR);
    await say('new');
    expect(await bodies()).toEqual(['old', 'middle', 'new']);
    scene.clock.advance(2 * HOUR);
    await passUntil(async () => (await rows('archive_messages')) === 4);
    expect(await bodies()).toEqual(['middle', 'new']);
    expect(await bodies(romeo)).toEqual(['middle', 'new']);
  });

  test('nothing goes by itself where the config says nothing', async () => {
    await begin();
    await say('old');
    scene.clock.advance(3650 * DAY);
    await say('new');
    expect(await bodies()).toEqual(['old', 'new']);
  });

  test('for one user, longer or shorter than for others', async () => {
    await begin({ keep: '2d' });
    await say('old');
    await api.service.setRetention(bare(JULIET), 0);
    await api.service.setRetention(bare(ROMEO), 1);
    scene.clock.advance(DAY + 2 * HOUR);
    await passUntil(async () => (await rows('archive_messages')) === 1);
    expect(await bodies(romeo)).toEqual([]);
    scene.clock.advance(10 * DAY);
    expect(await bodies()).toEqual(['old']);
    await api.service.setRetention(bare(JULIET), undefined);
    scene.clock.advance(HOUR);
    await passUntil(async () => (await rows('archive_messages')) === 0);
  });

  test('§3.2 the ids of what is gone are not given again, and are not found', async () => {
    await begin({ keep: '1d' });
    await say('old');
    const [id = ''] = (await askArchive(juliet)).ids;
    scene.clock.advance(2 * DAY);
    await passUntil(async () => (await rows('archive_messages')) === 0);
    expect(await askArchive(juliet, { set: { after: id } })).toMatchObject({
      error: 'item-not-found',
    });
    await say('new');
    expect((await askArchive(juliet)).ids).not.toContain(id);
  });

  test('many, step by step, and every message that comes meanwhile is kept', async () => {
    await begin({ keep: '1d' });
    for (let count = 0; count < 1200; count += 1) void say(String(count), NURSE);
    await say('last');
    expect(await rows('archive_messages')).toBe(2402);
    takeMessages(juliet);
    scene.clock.advance(DAY + HOUR);
    const seen = new Set<number>();
    await passUntil(async () => {
      seen.add(await rows('archive_messages'));
      await say('meanwhile');
      return (await bodies())[0] === 'meanwhile';
    });
    expect(seen.size).toBeGreaterThan(2);
  });

  describe('an account that ends', () => {
    test('takes its archive along, and its side only', async () => {
      await begin();
      for (let count = 0; count < 600; count += 1) void say(String(count));
      await say('last');
      await juliet.ask('set', `<prefs xmlns='${MAM}' default='never'/>`);
      const before = await rows('archive_messages');
      await scene.registry.removeAccount(bare(JULIET), 'gone');
      await passUntil(async () => (await rows('archive_messages')) === before / 2);
      await passUntil(async () => (await rows('archive_owners')) === 1);
      expect((await askArchive(romeo, { set: { max: 1, before: '' } })).bodies).toEqual(['last']);
    });

    test('leaves nothing to who gets its address later, from the first moment on', async () => {
      await begin();
      await say('secret');
      await juliet.ask('set', `<prefs xmlns='${MAM}' default='never'/>`);
      const [id = ''] = (await askArchive(juliet)).ids;
      await scene.registry.removeAccount(bare(JULIET), 'gone');
      await scene.accounts.create(bare(JULIET), 'secret');
      juliet = await scene.connect(`${JULIET}/other`);
      expect(await bodies()).toEqual([]);
      expect((await askArchive(juliet, { fields: { ids: id } })).error).toBe('item-not-found');
      await say('mine');
      expect(await bodies()).toEqual(['mine']);
      await passUntil(async () => (await rows('archive_messages')) === 3);
    });
  });
});

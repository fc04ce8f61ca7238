/** The operations on rooms, on real ones. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createOperations, type Operations } from '../../src/core/operation.ts';
import { bareOf } from '../../src/jid/jid.ts';
import { muc } from '../../src/modules/muc/index.ts';
import { roomOperations } from '../../src/operations/rooms.ts';
import {
  CHAT,
  COVEN,
  calm,
  codesIn,
  enter,
  type House,
  join,
  makeRoom,
  openHouse,
} from '../modules/muc/house.ts';

describe('rooms', () => {
  let house: House;
  let operations: Operations;
  /** The operations that were written to the audit log. */
  let audited: string[];
  beforeEach(async () => {
    audited = [];
    house = await openHouse();
    const { scene } = house;
    operations = createOperations(
      roomOperations({ rooms: scene.registry.apiOf(muc), clock: scene.clock }),
      {
        audit: { record: async ({ operation }) => void audited.push(operation) },
        log: scene.log.area('test'),
        mayRun: () => true,
      },
    );
  });
  afterEach(() => house.scene.stop());

  test('are for an admin of their host, too', async () => {
    const { scene } = house;
    const steward = 'crone1@shakespeare.lit';
    await scene.accounts.setRole(bareOf(house.crone1.jid), 'admin');
    const judged = createOperations(
      roomOperations({ rooms: scene.registry.apiOf(muc), clock: scene.clock }),
      {
        audit: { record: async () => {} },
        log: scene.log.area('test'),
        mayRun: scene.authority.mayRun,
      },
    );
    const runs = async (name: string, input: object) => {
      const outcome = await judged.run(name, input, { name: steward, via: 'console' });
      return outcome.ok ? 'done' : outcome.why;
    };
    expect(await runs('rooms.list', {})).toBe('done');
    expect(await runs('rooms.create', { room: `own@${CHAT}`, owner: steward })).toBe('done');
    expect(await runs('rooms.list', { domain: 'chat.other.example' })).toBe('forbidden');
    expect(await runs('rooms.destroy', { room: 'a@chat.other.example' })).toBe('forbidden');
  });
  const run = async (name: string, input: object) => {
    const outcome = await operations.run(name, input, { name: 'root', via: 'socket' });
    await calm(house.scene);
    return outcome;
  };
  const value = async (name: string, input: object) => {
    const outcome = await run(name, input);
    if (!outcome.ok) expect.fail(`${name}: ${outcome.text}`);
    return outcome.value as Record<string, never>;
  };

  test('are made, listed, shown and destroyed, and made again by an admin only', async () => {
    const room = `staff@${CHAT}`;
    await value('rooms.create', {
      room,
      owner: 'crone1@shakespeare.lit',
      members: ['hag66@shakespeare.lit'],
      membersOnly: true,
      name: 'Staff',
    });
    expect(await run('rooms.create', { room, owner: 'crone1@shakespeare.lit' })).toMatchObject({
      why: 'conflict',
    });
    expect(await run('rooms.create', { room: 'a@b.example', owner: 'a@b' })).toMatchObject({
      why: 'not-found',
      text: `There are no rooms at b.example; they are at ${CHAT}.`,
    });
    expect(await value('rooms.list', {})).toMatchObject({
      total: 1,
      rooms: [{ jid: room, name: 'Staff', occupants: 0, public: false, persistent: true }],
    });
    expect(await value('rooms.list', { search: 'nobody' })).toMatchObject({ total: 0 });
    expect(await value('rooms.list', { host: 'shakespeare.lit' })).toMatchObject({ total: 1 });
    expect(await value('rooms.list', { host: 'other.example' })).toMatchObject({ total: 0 });
    await house.hag66.send(join('hag', '', room));
    expect(codesIn(house.hag66.inbox.at(-2))).toEqual([110]);
    await house.hecate.send(join('hecate', '', room));
    expect(house.hecate.inbox[0]?.attrs.type).toBe('error');
    expect(await value('rooms.show', { room })).toMatchObject({
      occupants: 1,
      members: 2,
      occupantList: [{ nick: 'hag', account: 'hag66@shakespeare.lit', affiliation: 'member' }],
    });
    await value('rooms.destroy', { room, reason: 'Closed.', venue: COVEN });
    expect(String(house.hag66.inbox.at(-1))).toContain('Closed.');
    house.hag66.inbox.length = 0;
    await house.hag66.send(join('hag', '', room));
    expect(String(house.hag66.inbox[0])).toContain('<gone');
    await value('rooms.create', { room, owner: 'hag66@shakespeare.lit' });
    house.hag66.inbox.length = 0;
    await house.hag66.send(join('hag', '', room));
    expect(codesIn(house.hag66.inbox.at(-2))).toEqual([110]);
  });

  test('are configured key by key', async () => {
    await makeRoom(house.crone1, 'firstwitch');
    await enter(house.hag66, 'thirdwitch');
    const set = ['isMembersOnly=true', 'name=A Dark Cave', 'historyMost=5', 'presenceOf=moderator'];
    const { settings } = (await value('rooms.config', { room: COVEN, set })) as never as {
      settings: { key: string; value: string }[];
    };
    const known = Object.fromEntries(settings.map((each) => [each.key, each.value]));
    expect(known).toMatchObject({
      isMembersOnly: 'true',
      name: 'A Dark Cave',
      historyMost: '5',
      presenceOf: 'moderator',
    });
    expect(codesIn(house.hag66.inbox[0])).toEqual([110, 322]);
    for (const wrong of ['isMembersOnly=perhaps', 'historyMost=all', 'colour=red', 'whois=nobody'])
      expect(await run('rooms.config', { room: COVEN, set: [wrong] })).toMatchObject({
        why: 'invalid-input',
      });
    await value('rooms.config', { room: COVEN, set: ['password=cauldronburn'] });
    const shown = JSON.stringify(await value('rooms.show', { room: COVEN }));
    expect(shown).not.toContain('cauldronburn');
  });

  test('have members, and somebody is removed or banned', async () => {
    await makeRoom(house.crone1, 'firstwitch');
    await enter(house.hag66, 'thirdwitch');
    await value('rooms.kick', { room: COVEN, nick: 'thirdwitch', reason: 'Noise.' });
    expect(codesIn(house.hag66.inbox[0])).toEqual([110, 307]);
    const accounts = ['hag66@shakespeare.lit', 'far.example'];
    await value('rooms.affiliation', { room: COVEN, affiliation: 'outcast', accounts });
    expect(await value('rooms.members', { room: COVEN, affiliation: 'outcast' })).toMatchObject({
      members: accounts.map((jid) => ({ jid, affiliation: 'outcast' })),
    });
    const owner = { room: COVEN, affiliation: 'none', accounts: ['crone1@shakespeare.lit'] };
    expect(await run('rooms.affiliation', owner)).toMatchObject({ why: 'conflict' });
    expect(await run('rooms.kick', { room: COVEN, nick: 'nobody' })).toMatchObject({
      why: 'not-found',
    });
  });

  test('forget what was said', async () => {
    await makeRoom(house.crone1, 'firstwitch');
    const say = (text: string) =>
      house.crone1.send(`<message to='${COVEN}' type='groupchat'><body>${text}</body></message>`);
    await say('old');
    house.scene.clock.advance(10 * 86_400_000);
    await say('new');
    expect(await value('rooms.history', { room: COVEN })).toMatchObject({
      messages: [
        { nick: 'firstwitch', account: 'crone1@shakespeare.lit', text: 'old' },
        { text: 'new' },
      ],
    });
    expect(audited, 'who reads what others said').toEqual(['rooms.history']);
    expect(await value('rooms.purge', { room: COVEN, days: 5 })).toMatchObject({ removed: 1 });
    expect(await value('rooms.history', { room: COVEN })).toMatchObject({
      messages: [{ text: 'new' }],
    });
    expect(await value('rooms.purge', { room: COVEN })).toMatchObject({ removed: 1 });
  });

  test.each(['show', 'members', 'history', 'purge', 'config', 'destroy'])(
    'that are not there: %s',
    async (name) => {
      expect(await run(`rooms.${name}`, { room: `no@${CHAT}` })).toMatchObject({
        why: 'not-found',
        text: `There is no room no@${CHAT}.`,
      });
    },
  );
});

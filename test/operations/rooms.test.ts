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
  /** And what it has of the last one's input. */
  let told: unknown;
  beforeEach(async () => {
    audited = [];
    house = await openHouse();
    const { scene } = house;
    operations = createOperations(roomOperations({ ...scene, rooms: scene.registry.apiOf(muc) }), {
      audit: {
        async record({ operation, input }) {
          audited.push(operation);
          told = input;
        },
      },
      log: scene.log.area('test'),
      mayRun: () => true,
    });
  });
  afterEach(() => house.scene.stop());

  test('are for an admin of their host, too', async () => {
    const { scene } = house;
    const steward = 'crone1@shakespeare.lit';
    await scene.accounts.setRole(bareOf(house.crone1.jid), 'admin');
    const judged = createOperations(
      roomOperations({ ...scene, rooms: scene.registry.apiOf(muc) }),
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
    expect(
      await run('rooms.create', { room: `new@${CHAT}`, owner: 'crome1@shakespeare.lit' }),
    ).toMatchObject({ why: 'not-found', text: 'There is no account crome1@shakespeare.lit.' });
    expect(await value('rooms.list', {})).toMatchObject({
      total: 1,
      rooms: [{ jid: room, name: 'Staff', occupants: 0, public: false, persistent: true }],
    });
    expect(await value('rooms.list', { search: 'nobody' })).toMatchObject({ total: 0 });
    expect(await value('rooms.list', { host: 'shakespeare.lit' })).toMatchObject({ total: 1 });
    expect(await run('rooms.list', { host: 'other.example' })).toMatchObject({
      text: expect.stringContaining('other.example is not served here'),
    });
    expect(await run('rooms.list', { domain: 'b.example' })).toMatchObject({
      text: `There are no rooms at b.example; they are at ${CHAT}.`,
    });
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
        text: expect.not.stringContaining('Invalid'),
      });
    await value('rooms.config', { room: COVEN, set: ['name=Cave', 'password=cauldronburn'] });
    expect(told).toEqual({ room: COVEN, set: ['name=Cave', 'password=********'] });
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

  describe('what was said', () => {
    interface Page {
      readonly messages: readonly { id: string; text: string; kind: string; account: string }[];
      readonly older?: string;
      readonly canSearch: boolean;
    }
    const read = async (input: object = {}) =>
      (await value('rooms.history', { room: COVEN, ...input })) as never as Page;
    const textsIn = ({ messages }: Page) => messages.map(({ text }) => text);
    const say = (inner: string) =>
      house.crone1.send(`<message to='${COVEN}' type='groupchat'>${inner}</message>`);

    test.each(['archived', 'remembered'])(
      'is read page by page, newest first: %s',
      async (kind) => {
        const isArchived = kind === 'archived';
        await makeRoom(
          house.crone1,
          'firstwitch',
          isArchived ? {} : { '{urn:rtcd:muc}archive': '0' },
        );
        for (const text of ['one', 'two', 'three', 'four', 'five'])
          await say(`<body>${text}</body>`);
        await say("<displayed xmlns='urn:xmpp:chat-markers:0' id='x'/>");
        const first = await read({ limit: 2 });
        expect(textsIn(first)).toEqual(['five', 'four']);
        const second = await read({ limit: 2, before: first.older });
        expect(textsIn(second)).toEqual(['three', 'two']);
        const last = await read({ limit: 2, before: second.older });
        expect(textsIn(last)).toEqual(['one']);
        expect(last.older).toBeUndefined();
        expect(new Set(audited)).toEqual(new Set(['rooms.history']));
        const strange = { room: COVEN, before: 'strange' };
        expect(await run('rooms.history', strange)).toMatchObject({ why: 'not-found' });
      },
    );

    test('is read on where much of it has nothing to show, and beyond memory', async () => {
      await makeRoom(house.crone1, 'firstwitch', { '{urn:rtcd:muc}archive': '1' });
      await say('<subject>Fire</subject>');
      await say('<body>old</body>');
      for (let count = 0; count < 120; count += 1) {
        if (count % 20 === 0) house.scene.clock.advance(60_000);
        await say(`<displayed xmlns='urn:xmpp:chat-markers:0' id='${count}'/>`);
      }
      const page = await read({ limit: 2 });
      expect(page.messages.map(({ kind }) => kind)).toEqual(['message', 'subject']);
      expect(page.older).toBeUndefined();
    });

    test.each(['archived', 'remembered'])(
      'XEP-0425 §3.1, §4 is taken back by the room: %s',
      async (kind) => {
        const isArchived = kind === 'archived';
        await makeRoom(
          house.crone1,
          'firstwitch',
          isArchived ? {} : { '{urn:rtcd:muc}archive': '0' },
        );
        await enter(house.hag66, 'thirdwitch');
        await say('<body>DM me for free magic potions!</body>');
        const [said] = (await read()).messages;
        const input = { room: COVEN, id: said?.id, reason: 'Not in this forum' };
        house.hag66.inbox.length = 0;
        await value('rooms.moderate', input);
        const told = String(house.hag66.inbox.at(-1));
        expect(told).toContain(`from="${COVEN}"`);
        expect(told).toContain(
          `<retract xmlns="urn:xmpp:message-retract:1" id="${said?.id}"><moderated xmlns="urn:xmpp:message-moderate:1" by="${COVEN}"/><reason>Not in this forum</reason></retract>`,
        );
        const after = await read();
        expect(after.messages).toMatchObject([
          { id: said?.id, kind: 'retracted', text: 'Not in this forum', nick: 'firstwitch' },
        ]);
        expect(await run('rooms.moderate', input)).toMatchObject({ why: 'conflict' });
        const strange = { room: COVEN, id: 'strange' };
        expect(await run('rooms.moderate', strange)).toMatchObject({ why: 'not-found' });
        await house.hecate.send(join('hecate'));
        expect(house.hecate.inbox.map(String).join('')).not.toContain('magic potions');
        expect(audited).toContain('rooms.moderate');
      },
    );

    test('is searched only where the archive can be', async () => {
      await makeRoom(house.crone1, 'firstwitch');
      await say('<body>the raven</body>');
      expect((await read()).canSearch).toBe(false);
      const search = { room: COVEN, search: 'raven' };
      expect(await run('rooms.history', search)).toMatchObject({ why: 'unavailable' });
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
        { text: 'new' },
        { nick: 'firstwitch', account: 'crone1@shakespeare.lit', text: 'old', kind: 'message' },
      ],
    });
    expect(audited, 'who reads what others said').toEqual(['rooms.history']);
    expect(await value('rooms.purge', { room: COVEN, days: 5 })).toMatchObject({ removed: 1 });
    expect(await value('rooms.history', { room: COVEN })).toMatchObject({
      messages: [{ text: 'new' }],
    });
    expect(await value('rooms.purge', { room: COVEN })).toMatchObject({ removed: 1 });
  });

  test.each(['show', 'members', 'history', 'moderate', 'purge', 'config', 'destroy'])(
    'that are not there: %s',
    async (name) => {
      expect(await run(`rooms.${name}`, { room: `no@${CHAT}`, id: 'x' })).toMatchObject({
        why: 'not-found',
        text: `There is no room no@${CHAT}.`,
      });
    },
  );
});

/** Rooms of groups: membership and bookmarks follow who is in the group. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createOperations, type Operations } from '../../../src/core/operation.ts';
import { bookmarks } from '../../../src/modules/bookmarks/index.ts';
import { groupRooms } from '../../../src/modules/group-rooms/index.ts';
import { modules } from '../../../src/modules/index.ts';
import { roomOperations } from '../../../src/operations/rooms.ts';
import { childrenOf, serialise } from '../../../src/xml/element.ts';
import { domainNamed } from '../../operations/support.ts';
import { resultIn } from '../../support/answers.ts';
import { type Actor, type Scene, startScene } from '../../support/scene.ts';
import { calm } from '../muc/house.ts';

const [JOE, EVA, LUCIE] = ['joe@falcot.com', 'eva@falcot.com', 'lucie@falcot.com'];
const ROOM = 'engine@conference.falcot.com';
const BOOKMARKS =
  "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:bookmarks:1'/></pubsub>";

let scene: Scene;
let operations: Operations;
let eva: Actor;
beforeEach(async () => {
  scene = await startScene({
    modules,
    accounts: [JOE, EVA, LUCIE],
    host: {
      components: { [domainNamed('conference.falcot.com')]: { type: 'muc', name: 'Rooms' } },
    },
  });
  operations = createOperations(
    [
      ...roomOperations({ ...scene, rooms: scene.registry.apiOf(groupRooms) }),
      ...scene.registry.operations,
    ],
    { audit: { record: async () => {} }, log: scene.log.area('test'), mayRun: () => true },
  );
  eva = await scene.connect(`${EVA}/desk`);
  await run('groups.create', { name: 'engineering' });
  await run('groups.add', { name: 'engineering', jids: [JOE, EVA] });
});
afterEach(() => scene.stop());

async function run(name: string, input: object) {
  const outcome = await operations.run(name, input, { name: 'root', via: 'socket' });
  if (!outcome.ok) expect.fail(`${name}: ${outcome.text}`);
  await settled();
  return outcome.value;
}
/** What follows from a change, which nobody waits for, is done. */
async function settled() {
  for (let turn = 0; turn < 5; turn += 1) await calm(scene);
}
const members = async () =>
  ((await run('rooms.members', { room: ROOM })) as { members: object[] }).members;
const bookmarksOf = async (actor: Actor) => {
  const answer = await actor.ask('get', BOOKMARKS);
  return resultIn(answer).includes('<item ') ? serialise(answer) : '';
};
const create = () =>
  run('rooms.create', { room: ROOM, owner: JOE, name: 'Engine Room', group: 'engineering' });

describe('a room of a group', () => {
  test('has those in it as members, whose clients enter it', async () => {
    await create();
    expect(await members()).toMatchObject([
      { jid: JOE, affiliation: 'owner' },
      { jid: EVA, affiliation: 'member' },
    ]);
    const found = await bookmarksOf(eva);
    expect(found).toContain(`<item id="${ROOM}"`);
    expect(found).toContain('name="Engine Room" autojoin="true"');
    expect(await run('rooms.groups', {})).toEqual({
      rooms: [{ room: ROOM, group: 'engineering', host: 'falcot.com' }],
    });
  });

  test('follows who comes into the group, and who leaves it', async () => {
    await create();
    await run('groups.add', { name: 'engineering', jids: [LUCIE] });
    expect(await members()).toContainEqual(
      expect.objectContaining({ jid: LUCIE, affiliation: 'member' }),
    );
    const lucie = await scene.connect(`${LUCIE}/desk`);
    expect(await bookmarksOf(lucie)).toContain(ROOM);
    await run('groups.remove', { name: 'engineering', jids: [JOE, LUCIE] });
    expect(await members()).toMatchObject([
      { jid: JOE, affiliation: 'owner' }, // by the room, not by the group
      { jid: EVA, affiliation: 'member' },
    ]);
    expect(await bookmarksOf(lucie)).toBe('');
  });

  test('keeps banned whom it has banned, and a bookmark as its user has it', async () => {
    await run('rooms.create', { room: ROOM, owner: JOE });
    await run('rooms.affiliation', { room: ROOM, accounts: [EVA], affiliation: 'outcast' });
    const own = `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:xmpp:bookmarks:1'><item id='${ROOM}'><conference xmlns='urn:xmpp:bookmarks:1' name='Mine'/></item></publish></pubsub>`;
    const joe = await scene.connect(`${JOE}/desk`);
    await joe.ask('set', own);
    await run('rooms.group', { room: ROOM, group: 'engineering' });
    expect(await members()).toContainEqual(
      expect.objectContaining({ jid: EVA, affiliation: 'outcast' }),
    );
    expect(await bookmarksOf(eva)).toBe('');
    expect(await bookmarksOf(joe)).toContain('name="Mine"');
  });

  test('is given to another group, taken back, and ends with all that belongs to it', async () => {
    await create();
    await run('groups.create', { name: 'sales' });
    await run('groups.add', { name: 'sales', jids: [LUCIE, EVA] });
    await run('rooms.group', { room: ROOM, group: 'sales' });
    expect((await members()).length).toBe(3);
    await run('rooms.ungroup', { room: ROOM });
    expect(await members()).toMatchObject([{ jid: JOE }]);
    expect(await bookmarksOf(eva)).toBe('');
    await run('rooms.group', { room: ROOM, group: 'engineering' });
    expect(await bookmarksOf(eva)).toContain(ROOM);
    await run('rooms.destroy', { room: ROOM });
    expect(await bookmarksOf(eva)).toBe('');
    expect(await run('rooms.groups', {})).toEqual({ rooms: [] });
  });

  test('goes back to itself when the group is no more', async () => {
    await create();
    await run('groups.delete', { name: 'engineering' });
    expect(await members()).toMatchObject([{ jid: JOE }]);
    expect(await bookmarksOf(eva)).toBe('');
    expect(await run('rooms.groups', {})).toEqual({ rooms: [] });
  });

  test('catches up with who came and went while the server was not running', async () => {
    await create();
    const [orphan, gone] = ['orphan@conference.falcot.com', 'gone@conference.falcot.com'];
    await run('rooms.create', { room: orphan, owner: JOE, members: [EVA] });
    const affiliate = (account: string, affiliation: string) =>
      run('rooms.affiliation', { room: ROOM, accounts: [account], affiliation });
    // As if Eva had come into the group then, Lucie had left it, and a group and a room had gone.
    await affiliate(EVA, 'none');
    await affiliate(LUCIE, 'member');
    const db = scene.store.tables<{
      group_rooms: { room: string; host: string; name: string };
      group_room_members: { room: string; member: string };
    }>();
    const group = { host: 'falcot.com', name: 'engineering' };
    await scene.store.write(
      db.deleteFrom('group_room_members').where('member', '=', EVA),
      db.insertInto('group_room_members').values([
        { room: ROOM, member: LUCIE },
        { room: orphan, member: EVA },
      ]),
      db.insertInto('group_rooms').values([
        { ...group, room: orphan, name: 'no more' },
        { ...group, room: gone },
      ]),
    );
    scene.clock.advance(2000);
    await settled();
    expect(await members()).toMatchObject([
      { jid: JOE, affiliation: 'owner' },
      { jid: EVA, affiliation: 'member' },
    ]);
    expect(await bookmarksOf(eva)).toContain(ROOM);
    expect(await bookmarksOf(await scene.connect(`${LUCIE}/desk`))).toBe('');
    expect(await run('rooms.members', { room: orphan })).toMatchObject({ members: [{ jid: JOE }] });
    expect(await run('rooms.groups', {})).toMatchObject({ rooms: [{ room: ROOM }] });
    const noted = await scene.store.read(db.selectFrom('group_room_members').selectAll());
    expect(noted).toEqual([
      { room: ROOM, member: EVA },
      { room: ROOM, member: JOE },
    ]);
  });

  test('catches up though another one cannot', async () => {
    const first = 'a@conference.falcot.com';
    for (const room of [first, ROOM])
      await run('rooms.create', { room, owner: JOE, group: 'engineering' });
    // As if Eva had come into the group while the server was not running.
    await run('rooms.affiliation', { room: ROOM, accounts: [EVA], affiliation: 'none' });
    const db = scene.store.tables<{ group_room_members: { member: string } }>();
    await scene.store.write(db.deleteFrom('group_room_members').where('member', '=', EVA));
    const bookmark = vi.spyOn(scene.registry.apiOf(bookmarks), 'add');
    bookmark.mockRejectedValueOnce(new Error('full'));
    scene.clock.advance(2000);
    await settled();
    bookmark.mockRestore();
    expect(await members()).toContainEqual(
      expect.objectContaining({ jid: EVA, affiliation: 'member' }),
    );
  });

  test('is left by who leaves the group though another one cannot follow', async () => {
    for (const room of ['a@conference.falcot.com', ROOM])
      await run('rooms.create', { room, owner: JOE, group: 'engineering' });
    const bookmark = vi.spyOn(scene.registry.apiOf(bookmarks), 'remove');
    bookmark.mockRejectedValueOnce(new Error('full'));
    await run('groups.remove', { name: 'engineering', jids: [EVA] });
    bookmark.mockRestore();
    expect(await members()).toMatchObject([{ jid: JOE, affiliation: 'owner' }]);
  });

  test('leaves alone at the start what its users and admins have changed', async () => {
    await create();
    await run('rooms.affiliation', { room: ROOM, accounts: [EVA], affiliation: 'none' });
    await eva.ask(
      'set',
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><retract node='urn:xmpp:bookmarks:1'><item id='${ROOM}'/></retract></pubsub>`,
    );
    scene.clock.advance(2000);
    await settled();
    expect(await members()).toMatchObject([{ jid: JOE, affiliation: 'owner' }]);
    expect(await bookmarksOf(eva)).toBe('');
  });

  test('needs a room and a group that are there', async () => {
    const attempt = (name: string, input: object) =>
      operations.run(name, input, { name: 'root', via: 'socket' });
    expect(await attempt('rooms.group', { room: ROOM, group: 'engineering' })).toMatchObject({
      why: 'not-found',
    });
    expect(
      await attempt('rooms.create', { room: ROOM, owner: JOE, group: 'nobody' }),
    ).toMatchObject({ why: 'not-found', text: 'falcot.com has no group nobody.' });
    expect(childrenOf(await eva.ask('get', BOOKMARKS)).length).toBeGreaterThan(0);
  });
});

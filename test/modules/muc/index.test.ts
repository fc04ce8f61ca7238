/** How rooms live: through restarts, without ghosts, and whatever strangers do. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type BareJid, bareOf } from '../../../src/jid/jid.ts';
import { muc } from '../../../src/modules/muc/index.ts';
import type { Stanza } from '../../../src/stanza/stanza.ts';
import { childOf, serialise, textOf } from '../../../src/xml/element.ts';
import { stanza } from '../../operations/support.ts';
import { conditionIn } from '../../support/answers.ts';
import type { Actor } from '../../support/scene.ts';
import {
  admin,
  CHAT,
  COVEN,
  calm,
  codesIn,
  configure,
  enter,
  type House,
  join,
  makeRoom,
  openHouse,
} from './house.ts';

const FAR = 'far@far.example/x' as never;
const say = (text: string, room = COVEN) =>
  `<message to='${room}' type='groupchat'><body>${text}</body></message>`;
const textsIn = (actor: Actor) =>
  actor.inbox.flatMap((each) => {
    const body = childOf(each, 'body');
    return body === undefined ? [] : [textOf(body)];
  });

let house: House;
let crone1: Actor;
let hag66: Actor;
/** What was sent to other domains. */
let sent: Stanza[];
/** Somebody of another domain sends. */
const far = async (xml: string) => {
  await house.scene.router.route(stanza(xml, FAR));
  await calm(house.scene);
};
beforeEach(async () => {
  house = await openHouse({ pingTime: '15m', roomsPerOwner: 3, maxRooms: 5 });
  ({ crone1, hag66 } = house);
  sent = [];
  house.scene.router.useRemote((each) => {
    sent.push(each);
    return { kind: 'handled' };
  });
});
afterEach(() => house.scene.stop());

describe('what lasts', () => {
  /** Everything but the database is made anew. */
  const restart = async () => {
    const { registry } = house.scene;
    await registry.leave();
    await calm(house.scene);
  };

  test('configuration, lists, subject and history are read again', async () => {
    await makeRoom(crone1, 'firstwitch', {
      persistentroom: '1',
      roomname: 'A Dark Cave',
      roomadmins: 'wiccarocks@shakespeare.lit',
    });
    await crone1.send(`<message to='${COVEN}' type='groupchat'><subject>Fire</subject></message>`);
    for (const text of ['one', 'two']) await crone1.send(say(text));
    await crone1.send(`<presence to='${COVEN}/firstwitch' type='unavailable'/>`);
    const { createRoomTables } = await import('../../../src/modules/muc/tables.ts');
    const room = await createRoomTables(house.scene.store).load(COVEN as never);
    expect(room?.config).toMatchObject({ name: 'A Dark Cave', isPersistent: true });
    expect([...(room?.affiliates ?? [])].map(([jid, each]) => [jid, each.affiliation])).toEqual([
      ['crone1@shakespeare.lit', 'owner'],
      ['wiccarocks@shakespeare.lit', 'admin'],
    ]);
    expect(room?.subject).toMatchObject({ text: 'Fire', nick: 'firstwitch' });
    expect(
      room?.history.map(({ message }) => textOf(childOf(message.element, 'body') as never)),
    ).toEqual(['one', 'two']);
    expect(room?.history[0]?.message.wire.text).toContain('<delay');
  });

  test('of a room that is gone nothing is left', async () => {
    await makeRoom(crone1, 'firstwitch');
    await crone1.send(say('one'));
    await crone1.send(`<presence to='${COVEN}/firstwitch' type='unavailable'/>`);
    const db = house.scene.store.tables<Record<string, Record<string, unknown>>>();
    for (const table of ['muc_rooms', 'muc_affiliations', 'muc_history', 'muc_tombstones'])
      expect(await house.scene.store.read(db.selectFrom(table).selectAll())).toEqual([]);
  });

  test('a room that nobody configured is nowhere written', async () => {
    await crone1.send(join('firstwitch'));
    await crone1.send(say('one'));
    const db = house.scene.store.tables<Record<string, Record<string, unknown>>>();
    expect(await house.scene.store.read(db.selectFrom('muc_rooms').selectAll())).toEqual([]);
    expect(await house.scene.store.read(db.selectFrom('muc_history').selectAll())).toEqual([]);
  });

  test('§11.2 when the server goes down all are told', async () => {
    await makeRoom(crone1, 'firstwitch');
    await enter(hag66, 'thirdwitch', [crone1]);
    await restart();
    expect(codesIn(hag66.inbox[0])).toEqual([110, 332]);
    expect(codesIn(crone1.inbox[0])).toEqual([110, 332]);
    expect(crone1.inbox.length).toBe(1);
  });

  test('XEP-0198 §5 who is back has the role that he had, unless he is something else by then', async () => {
    const { registry } = house.scene;
    await makeRoom(crone1, 'firstwitch', { roomadmins: 'hag66@shakespeare.lit' });
    for (const [actor, nick] of [
      [hag66, 'thirdwitch'],
      [house.hecate, 'hecate'],
    ] as const)
      await enter(actor, nick);
    await crone1.ask('set', admin("<item nick='hecate' role='moderator'/>"), COVEN);
    const all = [hag66, house.hecate].map(({ session }) => [
      session,
      JSON.parse(JSON.stringify(registry.saveMemory(session))),
    ]);
    for (const { send } of [hag66, house.hecate])
      await send(`<presence to='${COVEN}/x' type='unavailable'/>`);
    const item = "<item affiliation='none' jid='hag66@shakespeare.lit'/>";
    await crone1.ask('set', admin(item), COVEN);
    for (const [session, saved] of all) registry.restoreMemory(session, saved);
    await calm(house.scene);
    const found = await registry.apiOf(muc).show(COVEN as BareJid);
    expect(found?.occupantList.map(({ nick, role }) => [nick, role])).toEqual([
      ['firstwitch', 'moderator'],
      ['thirdwitch', 'participant'],
      ['hecate', 'moderator'],
    ]);
  });

  test('a removed account has nothing in any room', async () => {
    await makeRoom(crone1, 'firstwitch', {
      persistentroom: '1',
      roomadmins: 'hag66@shakespeare.lit',
    });
    await house.scene.registry.removeAccount(bareOf(hag66.jid), 'gone');
    await calm(house.scene);
    const list = await crone1.ask('get', admin("<item affiliation='admin'/>"), COVEN);
    expect(serialise(list)).not.toContain('hag66');
  });
});

describe('ghosts', () => {
  beforeEach(async () => {
    await makeRoom(crone1, 'firstwitch');
    await far(join('far'));
    crone1.inbox.length = 0;
    sent.length = 0;
  });
  const error = (condition: string, to = `${COVEN}/firstwitch`) =>
    `<message to='${to}' type='error'><error type='cancel'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`;

  test.each([
    'gone',
    'item-not-found',
    'recipient-unavailable',
    'redirect',
    'remote-server-not-found',
    'remote-server-timeout',
    'service-unavailable',
  ])('§11.1, §17.4 whose messages come back as %s has left', async (condition) => {
    await far(error(condition));
    expect(codesIn(crone1.inbox[0])).toEqual([333]);
    expect(crone1.inbox[0]?.attrs).toMatchObject({ type: 'unavailable', from: `${COVEN}/far` });
    expect(codesIn(sent.at(-1)?.element)).toEqual([110, 333]);
  });

  test.each(['not-acceptable', 'policy-violation', 'bad-request'])(
    '§17.4 who merely refuses a message by %s has not',
    async (condition) => {
      await far(error(condition));
      await crone1.nothing();
    },
  );

  test('§17.4 presence that comes back tells the same', async () => {
    await far(
      `<presence to='${COVEN}/firstwitch' type='error'><error type='cancel'><remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>`,
    );
    expect(codesIn(crone1.inbox[0])).toEqual([333]);
  });

  test('§11.1 when the way to a domain breaks, its users have left', async () => {
    const [host] = house.scene.hosts.all();
    const hooks = host?.dispatch.domainChanged ?? [];
    const change = async (domain: string, now: 'gone' | 'again', service: string) => {
      for (const hook of hooks) await hook(domain as never, now, service as never);
      await calm(house.scene);
    };
    await change('far.example', 'again', CHAT);
    await change('far.example', 'gone', 'shakespeare.lit');
    await change('other.example', 'gone', CHAT);
    await crone1.nothing();
    await change('far.example', 'gone', CHAT);
    expect(codesIn(crone1.inbox[0])).toEqual([333]);
  });

  test('nobody is removed by the error of somebody else, nor while he is connected', async () => {
    await house.hecate.send(error('gone', COVEN));
    await crone1.send(error('gone', COVEN));
    await crone1.nothing();
    await crone1.send(say('still here'));
    expect(textsIn(crone1)).toEqual(['still here']);
  });

  test('§17.4 who is silent for long is asked, and removed if he does not answer', async () => {
    house.scene.clock.advance(60_000);
    house.scene.clock.advance(900_000);
    await calm(house.scene);
    expect(sent.map(({ element }) => serialise(element)).join('')).toContain('urn:xmpp:ping');
    const [asked] = sent;
    await far(`<iq type='result' id='${asked?.id}' to='${COVEN}'/>`);
    await crone1.nothing();
    sent.length = 0;
    for (let minutes = 0; minutes < 20; minutes += 1) house.scene.clock.advance(60_000);
    await calm(house.scene);
    expect(sent.some(({ kind }) => kind === 'iq')).toBe(true);
    expect(codesIn(crone1.inbox[0])).toEqual([333]);
  });

  test('§17.4 a room that cannot be changed in the database takes nothing else with it', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    await crone1.send(`<presence to='${COVEN}/firstwitch' type='unavailable'/>`);
    house.scene.clock.advance(60_000);
    house.scene.clock.advance(900_000);
    await calm(house.scene);
    const asked = sent.find(({ kind }) => kind === 'iq');
    // With him the room would end.
    const full = vi.spyOn(house.scene.store, 'write').mockRejectedValue(new Error('full'));
    await far(
      `<iq type='error' id='${asked?.id}' to='${COVEN}'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
    );
    expect(full).toHaveBeenCalled();
    full.mockRestore();
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
    expect((await house.scene.registry.apiOf(muc).show(COVEN as BareJid))?.occupants).toBe(1);
  });

  test('§17.4 a client that knows no ping is there', async () => {
    house.scene.clock.advance(60_000);
    house.scene.clock.advance(900_000);
    await calm(house.scene);
    const [asked] = sent;
    await far(
      `<iq type='error' id='${asked?.id}' to='${COVEN}'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
    );
    await crone1.nothing();
  });
});

describe('strangers', () => {
  test('nobody makes more rooms than he may, nor all together', async () => {
    for (const name of ['a', 'b', 'c']) await makeRoom(crone1, 'x', {}, `${name}@${CHAT}`);
    await crone1.send(join('x', '', `d@${CHAT}`));
    expect(conditionIn(await crone1.next())).toBe('resource-constraint');
    for (const name of ['e', 'f']) await makeRoom(hag66, 'x', {}, `${name}@${CHAT}`);
    await house.hecate.send(join('x', '', `g@${CHAT}`));
    expect(conditionIn(await house.hecate.next())).toBe('resource-constraint');
  });

  test('rooms that wait to be configured count, too', async () => {
    for (const name of ['a', 'b', 'c']) await crone1.send(join('x', '', `${name}@${CHAT}`));
    crone1.inbox.length = 0;
    await crone1.send(join('x', '', `d@${CHAT}`));
    expect(conditionIn(await crone1.next())).toBe('resource-constraint');
  });

  test('and they take places of the service', async () => {
    for (const name of ['a', 'b', 'c']) await crone1.send(join('x', '', `${name}@${CHAT}`));
    for (const name of ['d', 'e']) await hag66.send(join('x', '', `${name}@${CHAT}`));
    await house.hecate.send(join('x', '', `f@${CHAT}`));
    expect(conditionIn(await house.hecate.next())).toBe('resource-constraint');
  });

  test('whoever is made an owner by others may still make rooms of his own', async () => {
    for (const name of ['a', 'b', 'c'])
      await makeRoom(
        crone1,
        'x',
        { roomowners: [bareOf(crone1.jid), bareOf(hag66.jid)] },
        `${name}@${CHAT}`,
      );
    await hag66.send(join('x', '', `d@${CHAT}`));
    expect(codesIn(hag66.inbox.at(0))).toEqual([110, 201]);
  });

  test('nobody makes room for more by giving his rooms away', async () => {
    for (const name of ['a', 'b', 'c'])
      await makeRoom(
        crone1,
        'x',
        { persistentroom: '1', roomowners: ['nobody@nowhere.example'], roomadmins: [] },
        `${name}@${CHAT}`,
      );
    await crone1.send(join('x', '', `d@${CHAT}`));
    expect(conditionIn(await crone1.next())).toBe('resource-constraint');
  });

  test('nobody takes names from others without end by destroying rooms of his', async () => {
    const rooms = Array.from({ length: 52 }, (_, index) => `r${index}@${CHAT}`);
    for (const room of rooms) {
      await makeRoom(crone1, 'x', { persistentroom: '1' }, room);
      const end = "<query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query>";
      await crone1.ask('set', end, room);
      house.scene.clock.advance(1);
    }
    const answers = [];
    for (const room of [rooms[1], rooms[2], rooms[51]]) {
      hag66.inbox.length = 0;
      await hag66.send(join('x', '', room));
      answers.push(conditionIn(await hag66.next()));
    }
    expect(answers).toEqual([undefined, 'gone', 'gone']);
  });

  test('a room is made once, whoever comes at the same time', async () => {
    await Promise.all([crone1.send(join('one')), hag66.send(join('two'))]);
    const made = [crone1, hag66].filter(({ inbox }) => codesIn(inbox[0]).includes(201));
    expect(made.length).toBe(1);
  });

  test('a client without a resource does not enter, nor a room that is no room', async () => {
    await house.scene.router.route(stanza(join('x'), 'far@far.example/x' as never));
    await calm(house.scene);
    await hag66.send(
      `<presence to='${CHAT}/x'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
    );
    await hag66.send(`<message to='${CHAT}'><body>x</body></message>`);
    expect(conditionIn(await hag66.next())).toBe('service-unavailable');
  });

  test('a thousand who want to enter a full room are told so', async () => {
    await makeRoom(crone1, 'firstwitch', { maxusers: '10' });
    for (let count = 0; count < 1000; count += 1)
      void house.scene.router.route(stanza(join(`n${count}`), `u${count}@far.example/x` as never));
    await calm(house.scene);
    const refused = sent.filter(({ element }) => conditionIn(element) === 'service-unavailable');
    expect(refused.length).toBe(991);
  });

  test('five thousand are banned at once, and listed', async () => {
    await makeRoom(crone1, 'firstwitch', { persistentroom: '1' });
    const items = Array.from(
      { length: 4999 },
      (_, index) => `<item affiliation='outcast' jid='u${index}@far.example'/>`,
    );
    expect(conditionIn(await crone1.ask('set', admin(items.join('')), COVEN))).toBeUndefined();
    const list = serialise(await crone1.ask('get', admin("<item affiliation='outcast'/>"), COVEN));
    expect(list.split('<item ').length).toBe(5000);
    const more = "<item affiliation='outcast' jid='more@far.example'/>";
    expect(conditionIn(await crone1.ask('set', admin(more), COVEN))).toBe('resource-constraint');
  });

  test('history keeps within its limit', async () => {
    await makeRoom(crone1, 'firstwitch', { 'muc#maxhistoryfetch': '5' });
    for (let count = 0; count < 200; count += 1) await crone1.send(say(String(count)));
    const db = house.scene.store.tables<{ muc_history: { id: number } }>();
    const rows = await house.scene.store.read(db.selectFrom('muc_history').select('id'));
    expect(rows.length).toBeLessThan(100);
    await hag66.send(join('thirdwitch'));
    expect(textsIn(hag66)).toEqual(['195', '196', '197', '198', '199']);
  });

  test('history keeps within its limit in each of several rooms', async () => {
    const rooms = ['one', 'two'].map((name) => `${name}@${CHAT}`);
    for (const room of rooms)
      await makeRoom(crone1, 'firstwitch', { 'muc#maxhistoryfetch': '5' }, room);
    for (let count = 0; count < 128; count += 1)
      for (const room of rooms) await crone1.send(say(String(count), room));
    const db = house.scene.store.tables<{ muc_history: { room: string } }>();
    const all = await house.scene.store.read(db.selectFrom('muc_history').select('room'));
    for (const room of rooms)
      expect(all.filter((row) => row.room === room).length).toBeLessThan(70);
  });

  test('history keeps within its size in the database, and after a restart', async () => {
    const row = { room: COVEN, at: 1, account: 'hag66@shakespeare.lit' };
    const large = `<message type="groupchat" from="${COVEN}/hag" to="${COVEN}"><body>${'x'.repeat(200_000)}</body></message>`;
    const db = house.scene.store.tables<Record<string, Record<string, unknown>>>();
    const kept = { name: '', is_public: 0, is_persistent: 1, config: '{}', created: 1 };
    await house.scene.store.write(
      db.insertInto('muc_rooms').values({ jid: COVEN, domain: CHAT, ...kept }),
      ...['a', 'b', 'c', 'd', 'e'].map((stanza_id) =>
        db.insertInto('muc_history').values({ ...row, stanza_id, stanza: large }),
      ),
    );
    await crone1.send(join('firstwitch'));
    expect(textsIn(crone1).length).toBe(2);
    await crone1.send(say('small'));
    const left = await house.scene.store.read(db.selectFrom('muc_history').select('stanza_id'));
    expect(left.map(({ stanza_id }) => stanza_id).slice(0, -1)).toEqual(['d', 'e']);
  });

  test('what is slow for one holds up nobody else, and keeps its order', async () => {
    await makeRoom(crone1, 'firstwitch');
    await far(join('far'));
    let open = () => {};
    const blocked = new Promise<void>((resolve) => {
      open = resolve;
    });
    const got: string[] = [];
    house.scene.router.useRemote((each) => {
      got.push(textOf(childOf(each.element, 'body') ?? each.element));
      return blocked.then(() => ({ kind: 'handled' }) as const);
    });
    crone1.inbox.length = 0;
    for (const text of ['one', 'two', 'three']) await crone1.send(say(text));
    expect(textsIn(crone1)).toEqual(['one', 'two', 'three']);
    expect(got).toEqual(['one']);
    open();
    await calm(house.scene);
    expect(got).toEqual(['one', 'two', 'three']);
  });

  test('who reads too slowly leaves when what the room is doing is done', async () => {
    await makeRoom(crone1, 'firstwitch', { persistentroom: '1' });
    await crone1.send(`<presence to='${COVEN}/firstwitch' type='unavailable'/>`);
    await far(join('far'));
    await enter(crone1, 'firstwitch');
    let open = () => {};
    const blocked = new Promise<void>((resolve) => {
      open = resolve;
    });
    house.scene.router.useRemote(() => blocked.then(() => ({ kind: 'handled' }) as const));
    for (let count = 0; count < 1990; count += 1)
      void house.scene.router.route(
        stanza(`<message to='${COVEN}/far' type='chat'><body>x</body></message>`, crone1.jid),
      );
    while (!crone1.inbox.some(({ attrs }) => attrs['type'] === 'unavailable')) {
      crone1.inbox.length = 0;
      void house.scene.router.route(stanza(say('slow?'), crone1.jid));
      await calm(house.scene);
    }
    open();
    expect(crone1.inbox.map(({ name }) => name)).toEqual(['message', 'presence']);
    expect(codesIn(crone1.inbox[1])).toEqual([333]);
  });

  test('a room of the owner alone, whose form changes nothing of others', async () => {
    await makeRoom(crone1, 'firstwitch');
    expect(conditionIn(await configure(hag66, {}))).toBe('forbidden');
  });
});

/** The support chat between real sockets: each visitor in a room of his own, colleagues in the lobby. */
import { request } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { auth, Client, loggedIn, textIn } from '../support/client.ts';
import { HOST, startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a secret for tests';
const ROOMS = 'conference.localhost';
const LOBBY = `support@${ROOMS}`;
const GUESTS = 'guest.localhost';
const OPEN = 'open.localhost';
const LOST = 'lost.localhost';
const HOUR = 3_600_000;

let server: TestServer;
let connected: Client[] = [];
beforeAll(async () => {
  const chat = (room: string) => ({
    anonymous: true,
    modules: { webClient: { support: { room, conversations: 6, keepFor: '90m' } } },
  });
  server = await startServer({
    hosts: {
      localhost: { components: { [ROOMS]: { type: 'muc' } } },
      [GUESTS]: chat(LOBBY),
      [OPEN]: chat(`open@${ROOMS}`),
      [LOST]: chat(`nowhere@${ROOMS}`),
      'none.localhost': { anonymous: true },
    },
    accounts: { 'juliet@localhost': PASSWORD, 'romeo@localhost': PASSWORD },
  });
  const owner = 'juliet@localhost';
  await server.run('rooms.create', { room: `open@${ROOMS}`, owner });
  await server.run('rooms.create', {
    ...{ room: LOBBY, owner, members: ['romeo@localhost'], membersOnly: true },
  });
});
afterAll(() => server.stop());
afterEach(async () => {
  for (const client of connected) client.destroy();
  connected = [];
  const found = (await server.run('rooms.list', { search: 'support-' })) as {
    readonly rooms: readonly { readonly jid: string }[];
  };
  for (const { jid } of found.rooms) await server.run('rooms.destroy', { room: jid });
});

/** Asks for a conversation as the page does. */
const ask = (body: unknown, { host = GUESTS, type = 'application/json', from = HOST } = {}) =>
  new Promise<{ readonly status: number; readonly room: string }>((resolve, reject) => {
    const place = { host: HOST, port: server.ports.http, localAddress: from };
    const headers = { Host: host, 'Content-Type': type };
    request(
      { ...place, path: '/support/conversation', method: 'POST', headers, agent: false },
      (response) => {
        let text = '';
        response.on('data', (chunk) => (text += chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            room: text.startsWith('{') ? JSON.parse(text).room : '',
          }),
        );
      },
    )
      .on('error', reject)
      .end(typeof body === 'string' ? body : JSON.stringify(body));
  });
let asked = 10;
/** Another address for each: one has only some conversations at a time. */
const newAddress = () => `127.0.0.${asked++}`;
const open = async (nick: string, from = newAddress()) => (await ask({ nick }, { from })).room;

async function guest(from = HOST): Promise<Client> {
  const client = await Client.connect({ port: server.ports.c2sTls, tls: {}, from, to: GUESTS });
  connected.push(client);
  await client.open();
  await client.ask(auth('ANONYMOUS', ''));
  await client.open();
  await client.bind();
  return client;
}
async function colleague(user: string): Promise<Client> {
  const client = await loggedIn({ port: server.ports.c2s, user, password: PASSWORD });
  connected.push(client);
  client.send('<presence/>');
  await enter(client, LOBBY, user);
  return client;
}
/** Enters a room; answers its presence of him, or the error. */
async function enter(client: Client, room: string, nick: string) {
  client.send(
    `<presence to='${room}/${nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
  );
  const at = `${room}/${nick}`;
  return client.seek(({ name, attrs }) => name === 'presence' && attrs.from === at);
}
const say = (client: Client, room: string, body: string) =>
  client.send(`<message to='${room}' type='groupchat'><body>${body}</body></message>`);
const heard = (client: Client, text: string) =>
  client.seek((element) => element.name === 'message' && textIn(element).includes(text));
/** What came to a client until now. */
async function soFar(client: Client): Promise<string> {
  client.send(`<iq type='get' id='now'><ping xmlns='urn:xmpp:ping'/></iq>`);
  let all = '';
  await client.seek((element) => {
    all += String(element);
    return element.attrs.id === 'now';
  });
  return all;
}

describe('visitors', () => {
  test('have conversations of their own, which nobody else finds, and colleagues hear who waits', async () => {
    const juliet = await colleague('juliet');
    const rooms = [await open('Visitor 1001'), await open('Visitor 1002')] as const;
    for (const room of rooms) expect(room).toMatch(/^support-[0-9a-f]{32}@conference\.localhost$/);
    expect(String(await heard(juliet, 'Visitor 1001 is waiting'))).toContain(
      `xmpp:${rooms[0]}?join`,
    );
    const invited = await juliet.seek(
      (element) => element.attrs.from === rooms[1] && String(element).includes('<invite'),
    );
    expect(String(invited)).toContain('Visitor 1002 is waiting.');

    const [one, other] = [await guest(), await guest()];
    expect((await enter(one, rooms[0], 'Visitor 1001')).attrs.type).toBeUndefined();
    await enter(other, rooms[1], 'Visitor 1002');
    expect(String(await enter(juliet, rooms[0], 'Juliet'))).toContain('role="moderator"');
    say(one, rooms[0], 'Where is my parcel?');
    await heard(juliet, 'Where is my parcel?');
    say(juliet, rooms[0], 'It comes tomorrow');
    await heard(one, 'It comes tomorrow');
    expect(await soFar(other)).not.toMatch(/parcel|tomorrow|1001/);

    // The lobby is not for them, and no list leads to a room.
    expect(String(await enter(other, LOBBY, 'Visitor 1002'))).toContain('registration-required');
    other.send(
      `<iq type='get' id='d' to='${ROOMS}'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`,
    );
    const list = await other.seek(({ attrs }) => attrs.id === 'd');
    expect(list.attrs.type).toBe('result');
    expect(String(list)).not.toContain('support-');
  });

  test('come back into their conversation; if nobody is there, colleagues are called again', async () => {
    const romeo = await colleague('romeo');
    const room = await open('Visitor 2001');
    await heard(romeo, 'Visitor 2001 is waiting');
    expect(await ask({ nick: 'Visitor 2001', room })).toEqual({ status: 200, room });
    expect(await soFar(romeo)).not.toContain('2001 is waiting:'); // once in two minutes
    server.clock.jump(121_000);
    await ask({ nick: 'Visitor 2001', room });
    await heard(romeo, 'Visitor 2001 is waiting');
    server.clock.jump(121_000);
    await enter(romeo, room, 'Romeo');
    await ask({ nick: 'Visitor 2001', room });
    expect(await soFar(romeo)).not.toContain('2001 is waiting:');
  });

  test('get no other room by naming it', async () => {
    const from = newAddress();
    for (const named of [LOBBY, `open@${ROOMS}`, `support-0@${ROOMS}`, 'romeo@localhost']) {
      const { status, room } = await ask({ nick: 'Visitor 3001', room: named }, { from });
      expect(status).toBe(200);
      expect(room).not.toBe(named);
    }
  });

  test.each([
    ['kicks', "nick='Visitor 4001' role='none'"],
    ['bans', "nick='Visitor 4001' affiliation='outcast'"],
  ])('whom a colleague %s stay away for an hour, whoever they are then', async (_, item) => {
    const juliet = await colleague('juliet');
    const from = newAddress();
    const room = await open('Visitor 4001', from);
    const visitor = await guest(from);
    await enter(visitor, room, 'Visitor 4001');
    await enter(juliet, room, 'Juliet');
    juliet.send(
      `<iq type='set' id='k' to='${room}'><query xmlns='http://jabber.org/protocol/muc#admin'><item ${item}/></query></iq>`,
    );
    expect((await juliet.seek(({ attrs }) => attrs.id === 'k')).attrs.type).toBe('result');
    const again = await guest(from);
    expect(String(await enter(again, room, 'Visitor 4002'))).toContain('forbidden');
    expect((await ask({ nick: 'Visitor 4002' }, { from })).status).toBe(403);
    expect((await ask({ nick: 'Visitor 4002', room }, { from })).status).toBe(403);
    // Others are not meant, and colleagues come from anywhere.
    const stranger = await guest(newAddress());
    expect((await enter(stranger, room, 'Visitor 4003')).attrs.type).toBeUndefined();
    await colleague('romeo');
    server.clock.jump(HOUR + 1000);
    const later = await guest(from);
    expect((await enter(later, room, 'Visitor 4004')).attrs.type).toBeUndefined();
  });
});

describe('what strangers ask for is bounded', () => {
  test.each([
    ['a form of another site', { nick: 'Visitor 1000' }, { type: 'text/plain' }, 415],
    ['no JSON', '{', {}, 400],
    ['another name', { nick: '<b>Juliet</b>' }, {}, 400],
    ['an address that is none', { nick: 'Visitor 1000', room: '@' }, {}, 400],
    ['a lobby that is open to them', { nick: 'Visitor 1000' }, { host: OPEN }, 503],
    ['a lobby that is not there', { nick: 'Visitor 1000' }, { host: LOST }, 503],
    ['a domain without a chat', { nick: 'Visitor 1000' }, { host: 'none.localhost' }, 404],
  ])('%s', async (_, body, options, status) => {
    expect((await ask(body, options)).status).toBe(status);
  });

  test('how often one address asks, and how many there are', async () => {
    const from = newAddress();
    const statuses = [];
    for (let n = 0; n < 6; n += 1)
      statuses.push((await ask({ nick: `Visitor 500${n}` }, { from })).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
    const other = { from: newAddress() };
    expect((await ask({ nick: 'Visitor 6000' }, other)).status).toBe(200);
    expect((await ask({ nick: 'Visitor 6001' }, other)).status).toBe(503);
  });
});

test('a conversation is kept for as long as the config says, and while somebody is in it', async () => {
  const juliet = await colleague('juliet');
  const room = await open('Visitor 7001');
  const left = await open('Visitor 7002');
  await enter(juliet, room, 'Juliet');
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 200_000) {
      server.clock.jump(200_000);
      await soFar(juliet); // who would be taken for gone
    }
  };
  await pass(HOUR);
  expect(await server.run('rooms.list', { search: 'support-' })).toMatchObject({ total: 2 });
  await pass(HOUR);
  await expect
    .poll(() => server.run('rooms.list', { search: 'support-' }))
    .toMatchObject({ rooms: [{ jid: room }], total: 1 });
  expect(left).not.toBe(room);
});

/** Rooms between real sockets: several clients, a restart, floods. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Element } from '../../src/xml/element.ts';
import { Client, loggedIn, textIn } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a secret for tests';
const NAMES = ['ann', 'bob', 'eve'] as const;
const SERVICE = 'conference.localhost';
const ROOM = `lobby@${SERVICE}`;

let server: TestServer;
beforeAll(async () => {
  server = await startServer({
    accounts: Object.fromEntries(NAMES.map((name) => [`${name}@localhost`, PASSWORD])),
  });
});
afterAll(() => server.stop());

let connected: Client[] = [];
afterEach(async () => {
  for (const client of connected) client.send('</stream:stream>');
  connected = [];
  await expect.poll(() => server.run('sessions.list')).toMatchObject({ total: 0 });
});

async function arrive(user: (typeof NAMES)[number], resource = 'a'): Promise<Client> {
  const client = await loggedIn({
    port: server.ports.c2sTls,
    tls: { servername: 'localhost' },
    user,
    password: PASSWORD,
    resource,
  });
  connected.push(client);
  return client;
}

const entry = (nick: string, room = ROOM) =>
  `<presence to='${room}/${nick}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`;
const say = (text: string) =>
  `<message to='${ROOM}' type='groupchat' id='${text}'><body>${text}</body></message>`;
/** The text of a child; undefined when there is none. */
function partOf(element: Element, name: string): string | undefined {
  const part = element.children.find(
    (child): child is Element => typeof child !== 'string' && child.name === name,
  );
  return part === undefined ? undefined : textIn(part);
}
const isSubject = (element: Element) =>
  element.name === 'message' && partOf(element, 'subject') !== undefined;

/** Enters, and waits until that is done. */
async function enter(client: Client, nick: string): Promise<void> {
  client.send(entry(nick));
  await client.seek(isSubject);
}

/** The texts of the next messages. */
async function hear(client: Client, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) {
    const element = await client.seek(
      (each) => each.name === 'message' && partOf(each, 'body') !== undefined,
    );
    texts.push(partOf(element, 'body') ?? '');
  }
  return texts;
}

describe('XEP-0045 over sockets', () => {
  test('a room that an admin made is entered, and all hear all in one order', async () => {
    await server.run('rooms.create', { room: ROOM, owner: 'ann@localhost', name: 'Lobby' });
    const clients = await Promise.all(NAMES.map((name) => arrive(name)));
    await Promise.all(clients.map((client, index) => enter(client, NAMES[index] ?? '')));
    for (let round = 0; round < 30; round += 1)
      for (const [index, client] of clients.entries()) client.send(say(`${round}-${index}`));
    const heard = await Promise.all(clients.map((client) => hear(client, 90)));
    expect(heard[1]).toEqual(heard[0]);
    expect(heard[2]).toEqual(heard[0]);
    for (const index of [0, 1, 2]) {
      const own = heard[0]?.filter((text) => text.endsWith(`-${index}`));
      expect(own).toEqual(Array.from({ length: 30 }, (_, round) => `${round}-${index}`));
    }
  });

  test('a restart tells all, and loses neither the room, its subject nor what was said', async () => {
    const ann = await arrive('ann');
    await enter(ann, 'ann');
    ann.send(`<message to='${ROOM}' type='groupchat'><subject>Today</subject></message>`);
    await ann.seek(isSubject);
    ann.send(say('before'));
    expect(await hear(ann, 1)).toEqual(['before']);
    const told = ann.seek(
      (each) => each.name === 'presence' && each.toString().includes('code="332"'),
    );
    server = await server.restart();
    await told;
    connected = [];
    const bob = await arrive('bob');
    bob.send(entry('bob'));
    expect((await hear(bob, 1)).length).toBe(1);
    const subject = await bob.seek(isSubject);
    expect(partOf(subject, 'subject')).toBe('Today');
    expect(await server.run('rooms.history', { room: ROOM, limit: 1 })).toMatchObject({
      messages: [{ nick: 'ann', text: 'before' }],
    });
  });

  test('XEP-0198 §5 who can resume his session is still there after a restart', async () => {
    const [ann, bob, eve] = [await arrive('ann'), await arrive('bob'), await arrive('eve')];
    const enable = async (client: Client) => {
      client.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
      return (await client.seek(({ name }) => name === 'enabled')).attrs['id'] ?? '';
    };
    const ids = [await enable(ann), await enable(bob)];
    for (const [client, nick] of [
      [eve, 'eve'],
      [ann, 'ann'],
      [bob, 'bob'],
    ] as const)
      await enter(client, nick);
    await ann.seek(({ attrs }) => attrs['from'] === `${ROOM}/bob`);
    const told = eve.seek((each) => each.toString().includes('code="332"'));
    server = await server.restart();
    await told;
    connected = [];
    const resume = async (user: string, id: string) => {
      const client = await Client.connect({ port: server.ports.c2sTls, tls: {} });
      connected.push(client);
      await client.open();
      await client.plain(user, PASSWORD);
      await client.open();
      client.send(`<resume xmlns='urn:xmpp:sm:3' previd='${id}' h='0'/>`);
      await client.seek(({ name }) => name === 'resumed');
      return client;
    };
    const ping = `<iq type='get' id='self' to='${ROOM}/ann'><ping xmlns='urn:xmpp:ping'/></iq>`;
    const annAgain = await resume('ann', ids[0] ?? '');
    annAgain.send(ping);
    expect((await annAgain.seek(({ attrs }) => attrs.id === 'self')).attrs.type).toBe('result');
    const bobAgain = await resume('bob', ids[1] ?? '');
    annAgain.send(say('we are still here'));
    const heard = await bobAgain.seek((each) =>
      each.toString().includes('<body>we are still here'),
    );
    expect(heard.attrs.from).toBe(`${ROOM}/ann`);
    // Of what was sent to them, and sent again, only eve's leaving tells of the restart.
    const ends = bobAgain.text.match(/<presence[^>]*type="unavailable"[^>]*>/g) ?? [];
    expect(ends.map((each) => /from="([^"]*)"/.exec(each)?.[1])).toEqual([`${ROOM}/eve`]);
    expect(await server.run('rooms.show', { room: ROOM })).toMatchObject({ occupants: 2 });
  });

  test('whose connection breaks leaves, and his nick is free', async () => {
    const [ann, bob] = [await arrive('ann'), await arrive('bob')];
    await enter(ann, 'ann');
    await enter(bob, 'bob');
    await ann.seek(({ attrs }) => attrs['from'] === `${ROOM}/bob`);
    bob.reset();
    const gone = await ann.seek(({ attrs }) => attrs['from'] === `${ROOM}/bob`);
    expect(gone.attrs.type).toBe('unavailable');
    connected = connected.filter((client) => client !== bob);
    await enter(await arrive('eve'), 'bob');
  });

  test('a flood of entries and exits ends well', async () => {
    const [ann, bob] = [await arrive('ann'), await arrive('bob')];
    await enter(ann, 'ann');
    for (let count = 0; count < 100; count += 1)
      bob.send(`${entry('bob')}<presence to='${ROOM}/bob' type='unavailable'/>`);
    bob.send("<iq type='get' id='after' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
    await bob.seek(({ attrs }) => attrs.id === 'after');
    expect(await server.run('rooms.show', { room: ROOM })).toMatchObject({ occupants: 1 });
    ann.send(say('still here'));
    await hear(ann, 1);
  });
});

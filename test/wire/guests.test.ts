/** Guests (SASL ANONYMOUS) between real sockets: how many there may be, and how they come back. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Element } from '../../src/xml/element.ts';
import { auth, Client, loggedIn, textIn } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a secret for tests';
const SM = "xmlns='urn:xmpp:sm:3'";
const ENABLE = `<enable ${SM} resume='true'/>`;
const resume = (id = '') => `<resume ${SM} previd='${id}' h='0'/>`;
const ROOMS = { 'conference.localhost': { type: 'muc' } };
const join = (room: string) =>
  `<presence to='${room}@conference.localhost/x'><x xmlns='http://jabber.org/protocol/muc'/></presence>`;

let server: TestServer;
let connected: Client[] = [];
beforeAll(async () => {
  server = await startServer({
    hosts: {
      localhost: { anonymous: true, components: ROOMS },
      'guest.localhost': { anonymous: true },
    },
    accounts: { 'juliet@localhost': PASSWORD },
    config: { limits: { guests: { perAddress: 2, total: 3 } } },
  });
});
afterAll(() => server.stop());
afterEach(async () => {
  for (const client of connected) client.destroy();
  connected = [];
  const left = () => {
    server.clock.jump(660_000);
    return server.run('sessions.list');
  };
  await expect.poll(left).toMatchObject({ total: 0 });
});

/** A guest who is let in and has not bound a resource. */
async function stranger(from = '127.0.0.1', to = 'localhost'): Promise<Client> {
  const client = await Client.connect({ port: server.ports.c2sTls, tls: {}, from, to });
  connected.push(client);
  await client.open();
  expect((await client.ask(auth('ANONYMOUS', ''))).name).toBe('success');
  await client.open();
  return client;
}
const jidIn = (bound: Element) => textIn(bound);

async function guest(from?: string): Promise<{ client: Client; jid: string; id: string }> {
  const client = await stranger(from);
  const jid = jidIn(await client.bind());
  const { id = '' } = (await client.ask(ENABLE)).attrs;
  return { client, jid, id };
}
/** Breaks a connection, and waits until its session sleeps. */
async function lose({ client, jid }: { client: Client; jid: string }): Promise<void> {
  client.destroy();
  await expect
    .poll(async () => JSON.stringify(await server.run('sessions.list', { search: jid })))
    .toContain('"state":"asleep"');
}

describe('XEP-0198 §5: a guest', () => {
  test('comes back to his session, though he is another one at each login', async () => {
    const before = await guest();
    await lose(before);
    const other = await loggedIn({
      port: server.ports.c2sTls,
      tls: {},
      user: 'juliet',
      password: PASSWORD,
    });
    connected.push(other);
    await other.sent(`<message to='${before.jid}' type='chat'><body>Stay</body></message>`);
    await other.ping();
    const client = await stranger();
    expect(await client.ask(resume(before.id))).toMatchObject({
      name: 'resumed',
      attrs: { previd: before.id },
    });
    expect(textIn(await client.seek(({ name }) => name === 'message'))).toBe('Stay');
    const listed = JSON.stringify(await server.run('sessions.list', { host: 'localhost' }));
    expect(listed).toContain(before.jid);
    expect(listed).toContain('"mechanism":"ANONYMOUS"');
    client.send(
      "<iq type='get' id='d'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
    );
    const answer = await client.seek(({ attrs }) => attrs.id === 'd');
    expect(answer.attrs).toMatchObject({ type: 'result', to: before.jid });
    // What he is from now on is the one that he was.
    expect(String(answer)).toContain('anonymous');
  });

  test('and nobody else: no account, and no guest of another host', async () => {
    const before = await guest();
    await lose(before);
    const account = await Client.connect({ port: server.ports.c2sTls, tls: {} });
    connected.push(account);
    await account.open();
    await account.plain('juliet', PASSWORD);
    await account.open();
    const elsewhere = await stranger('127.0.0.1', 'guest.localhost');
    for (const client of [account, elsewhere])
      expect(String(await client.ask(resume(before.id)))).toContain('item-not-found');
    // And a guest does not come into an account's.
    const id = (await account.bind('phone')) && (await account.ask(ENABLE)).attrs.id;
    const thief = await stranger();
    expect(String(await thief.ask(resume(id)))).toContain('item-not-found');
  });
});

describe('XEP-0175 §2: guests are bounded', () => {
  test('by address; one who sleeps makes room', async () => {
    const first = await guest();
    await guest();
    const third = await stranger();
    expect(String(await third.bind())).toContain('resource-constraint');
    await guest('127.0.0.2');
    await lose(first);
    expect((await third.bind()).attrs.type).toBe('result');
    const listed = JSON.stringify(await server.run('sessions.list'));
    expect(listed).not.toContain(first.jid);
  });

  test('and in all', async () => {
    for (const from of ['127.0.0.1', '127.0.0.2', '127.0.0.3']) await guest(from);
    expect(String(await (await stranger('127.0.0.4')).bind())).toContain('resource-constraint');
  });

  test('they make no rooms', async () => {
    const { client } = await guest();
    client.send(join('balcony'));
    expect(String(await client.seek(({ name }) => name === 'presence'))).toContain('not-allowed');
  });
});

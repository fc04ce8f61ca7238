/**
 * What a stranger may do to a connection, rather than say on it: slowness, silence, half-closed and
 * broken sockets, crowds, other protocols. After each, a good client is served.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { scramClient } from '../sasl/scram-client.ts';
import { auth, Client, type ClientOptions, loggedIn, textIn } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a secret for tests';
const AUTH_MS = 30_000;
const PER_ADDRESS = 150;
const HEADER =
  "<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client'" +
  " xmlns:stream='http://etherx.jabber.org/streams'>";
const STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
const PING = "<iq type='get' id='ping' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>";

let server: TestServer;
beforeAll(async () => {
  server = await startServer({
    config: { limits: { authTimeout: `${AUTH_MS}ms`, connectionsPerAddress: PER_ADDRESS } },
    accounts: { 'juliet@localhost': PASSWORD, 'romeo@localhost': PASSWORD },
  });
});
afterAll(() => server.stop());

/** A good client is served as if nothing had happened. */
async function serveGoodClient(): Promise<void> {
  const good = await bound('romeo');
  await good.ping();
  good.destroy();
}
afterEach(serveGoodClient);

const direct = (): ClientOptions => ({
  port: server.ports.c2sTls,
  tls: { servername: 'localhost' },
});
const inClear = (from?: string) =>
  Client.connect({ port: server.ports.c2s, ...(from === undefined ? {} : { from }) });

async function bound(user: string, resource?: string): Promise<Client> {
  const named = resource === undefined ? {} : { resource };
  return loggedIn({ ...direct(), user, password: PASSWORD, ...named });
}

async function opened(): Promise<Client> {
  const client = await inClear();
  await client.open();
  return client;
}

async function secured(from?: string): Promise<Client> {
  const client = await Client.connect({ ...direct(), ...(from === undefined ? {} : { from }) });
  await client.open();
  return client;
}

/** The stream ends with an error, and the connection with it. */
async function expectEnd(client: Client, condition: string): Promise<void> {
  const [error] = (await client.rest()).slice(-1);
  expect(error?.name).toBe('stream:error');
  expect(String(error)).toContain(`<${condition} `);
  await client.closed();
  expect(client.text).toMatch(/<\/stream:error><\/stream:stream>$/);
}

const sessionsOf = async (user: string) => {
  const listed = await server.run('sessions.list', { search: `${user}@` });
  return (listed as { total: number }).total;
};

describe('slowness and silence', () => {
  test('a client that sends byte by byte is served', async () => {
    const slow = await inClear();
    for (const byte of Buffer.from(HEADER)) await slow.trickle(byte);
    expect((await slow.header()).attrs.from).toBe('localhost');
    expect(String(await slow.next())).toContain('<required/>');
    slow.destroy();
  });

  test('§4.9.3.4 a header that never ends within the limits: time runs out', async () => {
    const slow = await inClear();
    for (const byte of Buffer.from(HEADER.slice(0, -1))) await slow.trickle(byte);
    server.clock.jump(AUTH_MS);
    await slow.header(); // §4.9.1.2: a header precedes the error
    await expectEnd(slow, 'connection-timeout');
  });

  test('§4.9.3.4 each byte is a sign of life, yet time runs out', async () => {
    const slow = await inClear();
    await slow.open();
    for (let spent = 0; spent < AUTH_MS; spent += 1000) {
      await slow.trickle(0x20);
      server.clock.jump(1000);
    }
    await expectEnd(slow, 'connection-timeout');
  });

  test('§4.9.3.4 nothing at all', async () => {
    const silent = await inClear();
    await serveGoodClient(); // the server has accepted the one before
    server.clock.jump(AUTH_MS);
    await silent.header();
    await expectEnd(silent, 'connection-timeout');
  });

  test('a TLS handshake that is never begun on the port of direct TLS', async () => {
    const silent = await Client.connect({ port: server.ports.c2sTls });
    await serveGoodClient();
    server.clock.jump(AUTH_MS);
    server.clock.jump(AUTH_MS); // the goodbye cannot be said, and has a time of its own
    await silent.closed();
  });

  test('a TLS handshake that is never begun after <proceed/>', async () => {
    const silent = await inClear();
    await silent.open();
    expect((await silent.ask(STARTTLS)).name).toBe('proceed');
    server.clock.jump(AUTH_MS);
    server.clock.jump(AUTH_MS);
    await silent.closed();
  });

  test('an exchange of SASL that stops half way', async () => {
    const silent = await secured();
    const { first } = scramClient({ digest: 'sha1', username: 'juliet', password: PASSWORD });
    const challenge = await silent.ask(auth('SCRAM-SHA-1', first.toString('base64')));
    expect(challenge.name).toBe('challenge');
    server.clock.jump(AUTH_MS);
    await expectEnd(silent, 'connection-timeout');
  });

  test('a login without binding a resource', async () => {
    const silent = await secured();
    await silent.plain('juliet', PASSWORD);
    await silent.open();
    server.clock.jump(AUTH_MS);
    await expectEnd(silent, 'connection-timeout');
  });

  test('a client that has been bound is not asked to log in again', async () => {
    const client = await bound('juliet');
    server.clock.jump(AUTH_MS);
    await client.ping();
    client.destroy();
  });
});

describe('sockets', () => {
  test('§4.4 the last stanzas, the closing tag and the end of TCP at once: all is answered', async () => {
    const client = await bound('juliet');
    client.send(`${PING}</stream:stream>`);
    client.endSocket();
    const [answer] = await client.rest();
    expect(answer?.attrs).toMatchObject({ type: 'result', id: 'ping' });
    expect(client.text).toMatch(/<\/stream:stream>$/);
    await client.closed();
  });

  test.each([
    ['before anything', ''],
    ['in the middle of a header', HEADER.slice(0, 40)],
    ['after a header', HEADER],
    ['in the middle of a request', `${HEADER}<start`],
  ])('the end of TCP %s', async (_, text) => {
    const client = await inClear();
    client.send(text);
    client.endSocket();
    await client.closed();
  });

  test('the end of TCP in the middle of a stanza ends the session', async () => {
    const client = await bound('juliet');
    client.send("<message to='romeo@localhost'><body>never");
    client.endSocket();
    await client.closed();
    await expect.poll(() => sessionsOf('juliet')).toBe(0);
  });

  test('a connection that breaks while a password is checked', async () => {
    const client = await secured();
    client.send(auth('PLAIN', Buffer.from(`\0juliet\0${PASSWORD}`).toString('base64')));
    client.reset();
    await client.closed();
    expect(await sessionsOf('juliet')).toBe(0);
  });

  test('a connection that breaks while a resource is bound leaves no session', async () => {
    for (let round = 0; round < 10; round += 1) {
      const client = await secured();
      await client.plain('juliet', PASSWORD);
      await client.open();
      client.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
      client.reset();
      await client.closed();
    }
    await expect.poll(() => sessionsOf('juliet')).toBe(0);
  });
});

describe('other protocols', () => {
  test('a TLS client on the port of STARTTLS', async () => {
    const port = server.ports.c2s;
    await expect(Client.connect({ port, tls: {} })).rejects.toThrow();
  });

  test('an HTTP request over TLS', async () => {
    const browser = await Client.connect({ ...direct() });
    browser.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await browser.header();
    await expectEnd(browser, 'not-well-formed');
  });

  test('STARTTLS asked for twice at once: the second is void', async () => {
    const client = await inClear();
    await client.open();
    expect((await client.ask(STARTTLS + STARTTLS)).name).toBe('proceed');
    await client.upgrade();
    const { features } = await client.open();
    expect(String(features)).toContain('mechanism');
    client.destroy();
  });

  test('§5.4.3.3 a header, a login and a stanza that were injected before TLS are void', async () => {
    const client = await inClear();
    await client.open();
    const login = auth('PLAIN', Buffer.from(`\0juliet\0${PASSWORD}`).toString('base64'));
    expect((await client.ask(`${STARTTLS}${HEADER}${login}`)).name).toBe('proceed');
    await client.upgrade();
    const { header, features } = await client.open();
    expect(header.attrs.from).toBe('localhost');
    expect(String(features)).toContain('mechanism'); // not logged in
    client.destroy();
  });

  test('text instead of a TLS handshake after <proceed/>', async () => {
    const client = await inClear();
    await client.open();
    await client.ask(STARTTLS);
    client.send(HEADER);
    await client.closed();
    expect(client.text.match(/<stream:stream/g)).toHaveLength(1);
  });
});

describe('a second header (§4.9.3.1)', () => {
  const second = HEADER.slice("<?xml version='1.0'?>".length);

  test('in clear', async () => {
    const client = await inClear();
    await client.open();
    client.send(second);
    await expectEnd(client, 'bad-format');
  });

  test('under TLS without a login', async () => {
    const client = await secured();
    client.send(second);
    await expectEnd(client, 'bad-format');
  });

  test('after binding', async () => {
    const client = await bound('juliet');
    client.send(second);
    await expectEnd(client, 'bad-format');
  });

  test('with an XML declaration', async () => {
    const client = await bound('juliet');
    client.send(HEADER);
    const [error] = await client.rest();
    expect(String(error)).toMatch(/<(not-well-formed|restricted-xml) /);
    await client.closed();
  });
});

describe('§4.9.1.1 an error that the client reports is not answered by another', () => {
  const report =
    "<stream:error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>";
  const openers = [
    ['in clear', () => opened()],
    ['under TLS', () => secured()],
    ['after binding', () => bound('juliet')],
  ] as const;
  test.each(openers)('%s', async (_, connect) => {
    const client = await connect();
    client.send(`${report}</stream:stream>`);
    expect(await client.rest()).toEqual([]);
    await client.closed();
    expect(client.text).toMatch(/<\/stream:stream>$/);
    expect(client.text).not.toContain('stream:error');
  });
});

describe('crowds', () => {
  test('one address fills its share; another is served at once, and the share comes back', async () => {
    const crowd = '127.0.0.3';
    const held: Client[] = [];
    for (let index = 0; index < PER_ADDRESS; index += 1) held.push(await inClear(crowd));
    await Promise.all(held.slice(0, 10).map((client) => client.open()));

    const refused = await inClear(crowd);
    await refused.header();
    await expectEnd(refused, 'policy-violation');
    const refusedTls = Client.connect({ ...direct(), from: crowd });
    await expect(refusedTls).rejects.toThrow();

    const good = await bound('juliet');
    await good.ping();
    good.destroy();

    for (const client of held) client.destroy();
    await expect
      .poll(async () => {
        const again = await inClear(crowd);
        const { features } = await again.open();
        again.destroy();
        return features.name;
      })
      .toBe('stream:features');
  });

  test('§13.12 an address with too many failed logins waits; others do not', async () => {
    const guesser = '127.0.0.4';
    const failed = async () => {
      const client = await secured(guesser);
      const answers: string[] = [];
      for (let tries = 0; tries < 5; tries += 1)
        answers.push(String(await client.ask(auth('PLAIN', '!'))));
      client.destroy();
      return answers.join();
    };
    for (let round = 0; round < 20; round += 1)
      expect(await failed()).toContain('incorrect-encoding');

    const client = await secured(guesser);
    expect(String(await client.plain('juliet', PASSWORD))).toContain('<temporary-auth-failure/>');
    const elsewhere = await secured('127.0.0.5');
    expect((await elsewhere.plain('juliet', PASSWORD)).name).toBe('success');
    server.clock.jump(AUTH_MS - 1000); // some of it comes back
    expect((await client.plain('juliet', PASSWORD)).name).toBe('success');
    for (const each of [client, elsewhere]) each.destroy();
  });
});

describe('bytes', () => {
  test('§11.6 a byte order mark before the header is passed over', async () => {
    const client = await inClear();
    client.send(`\ufeff${HEADER}`);
    await client.header();
    expect((await client.next()).name).toBe('stream:features');
    client.destroy();
  });

  test('a character that is cut between two packets', async () => {
    const one = await bound('juliet');
    const two = await bound('romeo', 'hall');
    const text = Buffer.from("<message to='romeo@localhost/hall'><body>💬ä</body></message>");
    for (const byte of text) await one.trickle(byte);
    expect(textIn(await two.next())).toBe('💬ä');
    one.destroy();
    two.destroy();
  });
});

/** RFC 6120 §4–§7 over real sockets, step by step: stream ids, features, bindings of the channel. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Element } from '../../src/xml/element.ts';
import { scramClient } from '../sasl/scram-client.ts';
import { auth, Client, loggedIn, textIn, within } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a secret for tests';
const SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'";
const AUTH_SECONDS = 17;
const EARLY_BYTES = 12_000;
const BYTES = 40_000;

let server: TestServer;
beforeAll(async () => {
  server = await startServer({
    config: {
      limits: {
        authTimeout: `${AUTH_SECONDS}s`,
        idlePing: '90s',
        stanzaBytesBeforeAuth: EARLY_BYTES,
        stanzaBytes: BYTES,
        resourcesPerAccount: 3,
      },
    },
    hosts: { localhost: {}, 'other.example': {} },
    accounts: { 'juliet@localhost': PASSWORD, 'romeo@localhost': PASSWORD },
  });
});
afterAll(() => server.stop());

/** The names of the features, in order. */
const namesIn = (features: Element) =>
  features.children.map((child) => (typeof child === 'string' ? child : child.name));
const isBound = (answer: Element) => textIn(answer).startsWith('juliet@localhost/');

/** A client under direct TLS whose stream is open. */
async function secured(tls: object = {}, to = 'localhost'): Promise<Client> {
  const options = { port: server.ports.c2sTls, tls: { servername: to, ...tls }, to };
  const client = await Client.connect(options);
  await client.open();
  return client;
}

/** How long each TLS record is, with its header. */
function recordLengths(bytes: Buffer): number[] {
  const lengths: number[] = [];
  for (let at = 0; at < bytes.length; at += lengths.at(-1) ?? 0)
    lengths.push(5 + bytes.readUInt16BE(at + 3));
  return lengths;
}

async function cleared(): Promise<Client> {
  const client = await Client.connect({ port: server.ports.c2s });
  await client.open();
  return client;
}

const juliet = (resource?: string) =>
  loggedIn({
    port: server.ports.c2sTls,
    tls: { servername: 'localhost' },
    user: 'juliet',
    password: PASSWORD,
    ...(resource === undefined ? {} : { resource }),
  });

describe('§4.7 the header of the server', () => {
  test('§4.7.3 each stream of a connection has an id of its own', async () => {
    const client = await Client.connect({ port: server.ports.c2s });
    const ids: (string | undefined)[] = [];
    ids.push((await client.open()).header.attrs.id);
    await client.startTls(); // §5.4.3.3
    ids.push((await client.open()).header.attrs.id);
    expect((await client.plain('juliet', PASSWORD)).name).toBe('success'); // §6.4.6
    ids.push((await client.open()).header.attrs.id);
    expect(ids.every((id) => id !== undefined && id.length >= 16)).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
    client.destroy();
  });

  test('§4.7.2 without a from of the client there is no to', async () => {
    const client = await Client.connect({ port: server.ports.c2s });
    const { header } = await client.open();
    expect(header.attrs.to).toBeUndefined();
    client.destroy();
  });

  test.each(['1.0', '1.1', '2.0', '01.0'])(
    '§4.7.5 version %s of a client is answered with 1.0',
    async (version) => {
      const client = await Client.connect({ port: server.ports.c2s });
      client.send(
        `<stream:stream to='localhost' version='${version}' xmlns='jabber:client'` +
          " xmlns:stream='http://etherx.jabber.org/streams'>",
      );
      expect((await client.header()).attrs['version']).toBe('1.0');
      expect((await client.next()).name).toMatch(/features$/);
      client.destroy();
    },
  );

  test('§4.9.1.2 a host that is not served: a header with an empty from, then the error', async () => {
    const client = await Client.connect({ port: server.ports.c2s, to: 'elsewhere.example' });
    const { header, features: error } = await client.open();
    expect(header.attrs.from).toBe('');
    expect(String(error)).toContain('<host-unknown ');
    await client.closed();
  });

  test('RFC 6122 §2.2 a host in capitals is the same host', async () => {
    const client = await Client.connect({ port: server.ports.c2s, to: 'LocalHost' });
    expect((await client.open()).header.attrs.from).toBe('localhost');
    client.destroy();
  });

  test('§4.8.5 any prefix may stand for the namespace of streams', async () => {
    const client = await Client.connect({ port: server.ports.c2sTls, tls: {} });
    client.send(
      "<s:stream to='localhost' version='1.0' xmlns='jabber:client'" +
        " xmlns:s='http://etherx.jabber.org/streams'>",
    );
    await client.header();
    expect(namesIn(await client.next())).toContain('mechanisms');
    client.destroy();
  });
});

describe('§4.3.2 features', () => {
  test('in clear: STARTTLS alone; under TLS: mechanisms, bindings, limits; then bind', async () => {
    const client = await Client.connect({ port: server.ports.c2s });
    const clear = await client.open();
    expect(namesIn(clear.features)).toEqual(['starttls']);
    await client.startTls();
    const early = await client.open();
    expect(namesIn(early.features).slice(0, 3)).toEqual([
      'mechanisms',
      'authentication',
      'sasl-channel-binding',
    ]);
    expect(String(early.features)).not.toContain('starttls');
    // XEP-0478 §3: the limits that hold now, and those that hold later
    expect(String(early.features)).toContain(`<max-bytes>${EARLY_BYTES}</max-bytes>`);
    expect(String(early.features)).toContain(`<idle-seconds>${AUTH_SECONDS}</idle-seconds>`);
    await client.plain('juliet', PASSWORD);
    const { features } = await client.open();
    expect(namesIn(features)[0]).toBe('bind');
    expect(namesIn(features)).toContain('session');
    expect(namesIn(features)).not.toContain('mechanisms');
    expect(String(features)).toContain(`<max-bytes>${BYTES}</max-bytes>`);
    expect(String(features)).toContain('<idle-seconds>90</idle-seconds>');
    client.destroy();
  });

  test('XEP-0440 §3 under TLS 1.2 tls-unique is announced instead of tls-exporter', async () => {
    const tls = { servername: 'localhost', maxVersion: 'TLSv1.2' as const };
    const client = await Client.connect({ port: server.ports.c2sTls, tls });
    const { features } = await client.open();
    const types = [...String(features).matchAll(/<channel-binding type="([^"]+)"/g)];
    expect(types.map((match) => match[1])).toEqual(['tls-unique', 'tls-server-end-point']);
    client.destroy();
  });
});

describe('§5 STARTTLS', () => {
  test('XEP-0368 without ALPN, direct TLS works too', async () => {
    const client = await secured();
    expect(client.tls.alpnProtocol).toBe(false);
    client.destroy();
  });

  test.each(['localhost', 'other.example'])('SNI %s: its certificate by STARTTLS', async (name) => {
    const client = await cleared();
    await client.startTls({ servername: name });
    expect(client.tls.getPeerCertificate().subjectaltname).toContain(`DNS:${name}`);
    client.destroy();
  });

  test('the two hosts have two certificates', async () => {
    const shown = await Promise.all(
      ['localhost', 'other.example'].map(async (name) => {
        const client = await secured({}, name);
        const { fingerprint256 } = client.tls.getPeerCertificate();
        client.destroy();
        return fingerprint256;
      }),
    );
    expect(shown[0]).not.toBe(shown[1]);
  });

  test('a ClientHello that comes byte by byte', async () => {
    const bare = connect(server.ports.c2sTls, '127.0.0.1').setNoDelay();
    const socket = new Duplex({
      read() {},
      async write(chunk: Buffer, _, done) {
        for (const byte of chunk) await new Promise((sent) => bare.write(Buffer.of(byte), sent));
        done();
      },
    });
    bare.on('data', (chunk) => socket.push(chunk));
    const secured = connectTls({ socket, servername: 'localhost', rejectUnauthorized: false });
    await within(once(secured, 'secureConnect'), 'TLS');
    bare.destroy();
  });

  test('what is offered under TLS fits into the room that the handshake needed', async () => {
    const bare = connect(server.ports.c2sTls, '127.0.0.1').setNoDelay();
    const came: Buffer[] = [];
    const socket = new Duplex({
      read() {},
      write: (chunk: Buffer, _, done) => void bare.write(chunk, done),
    });
    bare.on('data', (chunk) => {
      came.push(chunk);
      socket.push(chunk);
    });
    const secured = connectTls({ socket, servername: 'localhost', rejectUnauthorized: false });
    await within(once(secured, 'secureConnect'), 'TLS');
    const flight = Buffer.concat(came).length;
    let text = '';
    const offered = new Promise<void>((resolve) => {
      secured.on('data', (chunk) => {
        text += chunk;
        if (text.includes('</stream:features>')) resolve();
      });
    });
    secured.write(
      "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' " +
        "version='1.0' to='localhost'>",
    );
    await within(offered, 'features');
    bare.destroy();
    const room = Math.max(1024, flight);
    const lengths = recordLengths(Buffer.concat(came).subarray(flight));
    expect(text.length).toBeGreaterThan(room); // or there is nothing to see here
    expect(Math.max(...lengths)).toBeLessThanOrEqual(room);
  });

  test('who does not begin TLS is told nothing in clear', async () => {
    const client = await cleared();
    await client.ask("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    const { text } = client;
    server.clock.jump(AUTH_SECONDS * 1000);
    await client.closed();
    expect(client.text).toBe(text);
  });

  test('who leaves instead of beginning TLS is let go', async () => {
    const client = await cleared();
    await client.ask("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    client.endSocket();
    await client.closed();
  });

  test('TLS 1.1 is not spoken', async () => {
    const tls = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' };
    await expect(secured(tls)).rejects.toThrow();
  });
});

/** The end-point hash (RFC 5929 §4.1) of what the client was shown, whose signature has SHA-256. */
const endPointOf = (client: Client) =>
  createHash('sha256').update(client.tls.getPeerCertificate().raw).digest();

describe('§6 SCRAM with channel binding', () => {
  const finished = (client: Client) => client.tls.getFinished() ?? Buffer.alloc(0);
  const exporter = (client: Client) =>
    client.tls.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
  const bindings = [
    ['TLSv1.3', 'tls-exporter', exporter],
    ['TLSv1.3', 'tls-server-end-point', endPointOf],
    ['TLSv1.2', 'tls-unique', finished],
    ['TLSv1.2', 'tls-server-end-point', endPointOf],
  ] as const;
  const hashes = ['SHA-1', 'SHA-256', 'SHA-512'] as const;
  const rows = bindings.flatMap(([version, type, dataOf]) =>
    hashes.map((hash) => [`SCRAM-${hash}-PLUS`, version, type, dataOf] as const),
  );

  test.each(rows)('%s, %s, %s', async (mechanism, version, type, dataOf) => {
    const client = await secured({ minVersion: version, maxVersion: version });
    const channel = { type, data: dataOf(client) };
    expect((await client.scram(mechanism, 'juliet', PASSWORD, channel)).name).toBe('success');
    await client.open();
    expect(isBound(await client.bind())).toBe(true);
    client.destroy();
  });

  test.each(rows)(
    'RFC 5802 §6 %s, %s, %s with wrong data',
    async (mechanism, version, type, of) => {
      const client = await secured({ minVersion: version, maxVersion: version });
      const data = Buffer.from(of(client));
      data[0] = (data[0] ?? 0) ^ 1;
      const answer = await client.scram(mechanism, 'juliet', PASSWORD, { type, data });
      expect(String(answer)).toContain('<not-authorized/>');
      client.destroy();
    },
  );

  test('after STARTTLS the binding is that of the TLS connection', async () => {
    const client = await cleared();
    await client.startTls();
    await client.open();
    const channel = { type: 'tls-exporter', data: exporter(client) };
    const answer = await client.scram('SCRAM-SHA-256-PLUS', 'juliet', PASSWORD, channel);
    expect(answer.name).toBe('success');
    client.destroy();
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'RFC 5929 §3.1 a resumed session of %s binds to its own connection',
    async (version) => {
      const tls = { minVersion: version, maxVersion: version };
      const first = await secured(tls);
      const session = first.tls.getSession();
      if (session === undefined) throw new Error('there was no ticket');
      first.destroy();
      const client = await secured({ ...tls, session });
      expect(client.tls.isSessionReused()).toBe(true);
      const type = version === 'TLSv1.3' ? 'tls-exporter' : 'tls-unique';
      // On resumption the server is the first to say Finished.
      const unique = () => client.tls.getPeerFinished() ?? Buffer.alloc(0);
      const data = version === 'TLSv1.3' ? exporter(client) : unique();
      const channel = { type, data };
      const answer = await client.scram('SCRAM-SHA-256-PLUS', 'juliet', PASSWORD, channel);
      expect(answer.name).toBe('success');
      client.destroy();
    },
  );
});

describe('§6.4 the exchange', () => {
  test('§6.4.2 without an initial response the server asks for it', async () => {
    const client = await secured();
    client.send(`<auth ${SASL} mechanism='PLAIN'/>`);
    const challenge = await client.next();
    expect([challenge.name, textIn(challenge)]).toEqual(['challenge', '=']);
    const data = Buffer.from(`\0juliet\0${PASSWORD}`).toString('base64');
    expect((await client.ask(`<response ${SASL}>${data}</response>`)).name).toBe('success');
    client.destroy();
  });

  test('§6.4.4 an abort between the two messages of SCRAM; another try is free', async () => {
    const client = await secured();
    const { first } = scramClient({ digest: 'sha1', username: 'juliet', password: PASSWORD });
    const challenge = await client.ask(auth('SCRAM-SHA-1', first.toString('base64')));
    expect(challenge.name).toBe('challenge');
    expect(String(await client.ask(`<abort ${SASL}/>`))).toContain('<aborted/>');
    expect((await client.scram('SCRAM-SHA-1', 'juliet', PASSWORD)).name).toBe('success');
    client.destroy();
  });

  test('§6.3.8 acting as oneself is allowed', async () => {
    const client = await secured();
    const data = Buffer.from(`juliet@localhost\0juliet\0${PASSWORD}`).toString('base64');
    expect((await client.ask(auth('PLAIN', data))).name).toBe('success');
    client.destroy();
  });

  test('an account of one host is none of another', async () => {
    const client = await secured({}, 'other.example');
    expect(String(await client.plain('juliet', PASSWORD))).toContain('<not-authorized/>');
    client.destroy();
  });

  test('a user in capitals is the same user', async () => {
    const client = await secured();
    expect((await client.plain('JULIET', PASSWORD)).name).toBe('success');
    await client.open();
    expect(isBound(await client.bind())).toBe(true);
    client.destroy();
  });
});

describe('§7 binding', () => {
  test('§7.6.2.1 no more resources than an account may have; one less, and there is room', async () => {
    const held = [await juliet('1'), await juliet('2'), await juliet('3')];
    const late = await secured();
    await late.plain('juliet', PASSWORD);
    await late.open();
    const refused = await late.bind('4');
    expect(refused.attrs.type).toBe('error');
    expect(String(refused)).toContain('<resource-constraint ');
    const [one] = held;
    one?.send('</stream:stream>');
    await one?.closed();
    expect(textIn(await late.bind('4'))).toBe('juliet@localhost/4');
    for (const client of [...held, late]) client.destroy();
    await emptied('juliet');
  });

  test('§7.7.2.1 a resource that cannot be one, then one that can', async () => {
    const client = await secured();
    await client.plain('juliet', PASSWORD);
    await client.open();
    for (const bad of ['x'.repeat(1024), 'a\u200eb']) {
      const answer = await client.bind(bad);
      expect(answer.attrs.type).toBe('error');
      expect(String(answer)).toContain('<bad-request ');
    }
    expect(textIn(await client.bind('fine'))).toBe('juliet@localhost/fine');
    client.destroy();
  });

  test('§7.1 a second resource on one stream is not allowed; the first stays', async () => {
    const client = await juliet('first');
    const answer = await client.bind('second');
    expect(answer.attrs.type).toBe('error');
    expect(String(answer)).toContain('<not-allowed ');
    await client.ping();
    client.destroy();
    await emptied('juliet');
  });

  test('§7.1 a stanza to another entity before binding ends the stream', async () => {
    const client = await secured();
    await client.plain('juliet', PASSWORD);
    await client.open();
    client.send("<message to='romeo@localhost'><body>early</body></message>");
    const [error] = await client.rest();
    expect(error?.name).toBe('stream:error');
    expect(String(error)).toContain('<not-authorized ');
    await client.closed();
  });

  test('§7.1 a stanza to the server before binding is refused, and binding is still possible', async () => {
    const client = await secured();
    await client.plain('juliet', PASSWORD);
    await client.open();
    const ping = "<ping xmlns='urn:xmpp:ping'/>";
    const refused = await client.ask(`<iq type='get' id='e' to='localhost'>${ping}</iq>`);
    expect(refused.attrs).toMatchObject({ type: 'error', id: 'e' });
    expect(String(refused)).toContain('<not-authorized ');
    expect(isBound(await client.bind())).toBe(true);
    client.destroy();
    await emptied('juliet');
  });
});

/** Resolves once the server has no session of a user any more. */
async function emptied(user: string): Promise<void> {
  await expect
    .poll(() => server.run('sessions.list', { search: `${user}@` }))
    .toMatchObject({ total: 0 });
}

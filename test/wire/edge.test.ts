/** One port for clients, other servers and browsers. */
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Client, loggedIn, within } from '../support/client.ts';
import { HOST, startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a secret for tests';
let server: TestServer;
beforeAll(async () => {
  server = await startServer({ accounts: { 'juliet@localhost': PASSWORD }, config: { edge: {} } });
});
afterAll(() => server.stop());

const clear = async () => {
  const socket = connectTcp({ host: HOST, port: server.ports.edge });
  await within(once(socket, 'connect'), 'connecting');
  return socket;
};
async function secured(alpn?: string[], servername = 'localhost'): Promise<TLSSocket> {
  const socket = connect({
    ...{ host: HOST, port: server.ports.edge, servername, rejectUnauthorized: false },
    ...(alpn === undefined ? {} : { ALPNProtocols: alpn }),
  });
  await within(once(socket, 'secureConnect'), 'TLS');
  return socket;
}
/** All that comes until the other side closes. */
async function rest(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => (text += chunk));
  socket.on('error', () => {}); // a reset is an end, too
  await within(new Promise((resolve) => socket.once('close', resolve)), 'the end');
  return text;
}

describe('a client', () => {
  const signIn = (tls?: object) =>
    loggedIn({
      port: server.ports.edge,
      user: 'juliet',
      password: PASSWORD,
      ...(tls === undefined ? {} : { tls }),
    });

  test.each([
    ['by STARTTLS', undefined],
    ['by TLS that names it', { ALPNProtocols: ['xmpp-client'] }],
    ['by TLS that names nothing', {}],
  ])('logs in %s', async (_, tls) => {
    const client = await signIn(tls);
    await client.ping();
    client.destroy();
  });

  test('has channel binding as at any port', async () => {
    for (const tls of [{ ALPNProtocols: ['xmpp-client'] }, {}]) {
      const client = await Client.connect({ port: server.ports.edge, tls });
      const { features } = await client.open();
      expect(String(features)).toContain('SCRAM-SHA-256-PLUS');
      client.destroy();
    }
  });

  test('may send its header a byte at a time', async () => {
    const client = await Client.connect({ port: server.ports.edge });
    for (const byte of Buffer.from("<?xml version='1.0'?><stream:stream to='localhost' "))
      await client.trickle(byte);
    client.send(
      "version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
    );
    expect((await client.header()).attrs.from).toBe('localhost');
    client.destroy();
  });
});

describe('another server', () => {
  const header =
    "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' " +
    "to='localhost' from='other.example' version='1.0'>";
  const answerTo = async (socket: Socket) => {
    socket.write(header);
    const [chunk] = (await within(once(socket, 'data'), 'a header')) as [Buffer];
    socket.destroy();
    return chunk.toString();
  };

  test.each([
    ['in clear', () => clear()],
    ['by TLS that names it', () => secured(['xmpp-server'])],
    ['by TLS that names nothing', () => secured()],
  ])('opens its stream %s', async (_, open) => {
    expect(await answerTo(await open())).toMatch(/xmlns='jabber:server'.*from='localhost'/);
  });
});

describe('a browser', () => {
  const get = async (socket: Socket, path = '/healthz') => {
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    return rest(socket);
  };

  test.each([
    ['that names HTTP', ['http/1.1']],
    ['that names nothing', undefined],
  ])('%s is served over HTTPS', async (_, alpn) => {
    const answer = await get(await secured(alpn));
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toMatch(/strict-transport-security/i);
  });

  test('speaks XMPP over WebSocket (RFC 7395)', async () => {
    const socket = new WebSocket(`wss://localhost:${server.ports.edge}/xmpp-websocket`, 'xmpp', {
      rejectUnauthorized: false,
      lookup: (_name, _options, found) => found(null, [{ address: HOST, family: 4 }]),
    });
    await within(once(socket, 'open'), 'WebSocket');
    socket.send("<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='localhost' version='1.0'/>");
    const [frame] = await within(once(socket, 'message'), 'an answer');
    expect(String(frame)).toContain("<open xmlns='urn:ietf:params:xml:ns:xmpp-framing'");
    socket.terminate();
  });

  test('in clear is sent on to HTTPS, by its host’s own address only', async () => {
    const answer = await get(await clear(), '/chat?a=b');
    expect(answer).toMatch(/^HTTP\/1\.1 308 /);
    expect(answer).toContain(`\r\nLocation: https://localhost:${server.ports.edge}/chat?a=b\r\n`);
    for (const request of [
      'GET /chat HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n',
      'GET http://elsewhere.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n',
      'GET /\x07 HTTP/1.1\r\nHost: localhost\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n',
    ]) {
      const socket = await clear();
      socket.write(request);
      expect(await rest(socket)).toMatch(/^HTTP\/1\.1 400 /);
    }
  });
});

describe('whoever is nothing of that', () => {
  test.each(['SSH-2.0-OpenSSH_9.2\r\n', '\x16\x03\x01\x00\x05\x02hello', '\x00\x00'])(
    '%j is closed',
    async (bytes) => {
      const socket = await clear();
      socket.write(Buffer.from(bytes, 'latin1'));
      expect(await rest(socket)).toBe('');
    },
  );

  test('and says too much before it is known is closed', async () => {
    const socket = await clear();
    socket.write(`<stream:stream a='${'x'.repeat(40_000)}`);
    expect(await rest(socket)).toBe('');
  });

  test('and says nothing is closed in the end, and so is who breaks off TLS', async () => {
    const silent = await clear();
    const slow = await clear();
    slow.write(Buffer.from([0x16, 3, 1, 2, 0]));
    const ends = Promise.all([rest(silent), rest(slow)]);
    let isOver = false;
    void ends.finally(() => (isOver = true));
    while (!isOver) {
      server.clock.jump(10_001); // again, since the server may not have taken them yet
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await ends).toEqual(['', '']);
  });
});

test('what is not to be served at this port is not', async () => {
  const own = await startServer({ config: { edge: { serves: ['c2s'] } } });
  try {
    const client = await Client.connect({ port: own.ports.edge });
    await client.open();
    client.destroy();
    const socket = connect({
      ...{ host: HOST, port: own.ports.edge, rejectUnauthorized: false, servername: 'localhost' },
      ALPNProtocols: ['http/1.1'],
    });
    expect(await rest(socket)).toBe('');
  } finally {
    await own.stop();
  }
});

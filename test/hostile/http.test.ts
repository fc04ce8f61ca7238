/** Hostile HTTP at the doors of clients, BOSH and WebSocket; after each try a good client is served. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { deflateRawSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { BoshClient } from '../support/bosh.ts';
import { loggedIn, within } from '../support/client.ts';
import { random } from '../support/random.ts';
import { HOST, startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a secret for tests';
const NS = "xmlns='http://jabber.org/protocol/httpbind'";
const SESSIONS_MOST = 12;
const QUEUE = 64 * 1024;

let server: TestServer;
let clients: BoshClient[] = [];
let sockets: Socket[] = [];
beforeAll(async () => {
  server = await startServer({
    accounts: { 'juliet@localhost': PASSWORD, 'romeo@localhost': PASSWORD },
    config: {
      limits: { connectionsPerAddress: SESSIONS_MOST, sendQueueBytes: QUEUE },
    },
  });
});
afterAll(() => server.stop());
afterEach(async () => {
  for (const client of clients) client.vanish();
  for (const socket of sockets) socket.destroy();
  [clients, sockets] = [[], []];
  await expect
    .poll(() => {
      server.clock.jump(700_000);
      return server.run('sessions.list');
    })
    .toMatchObject({ total: 0 });
  const good = await newClient().login('juliet', PASSWORD);
  const { text } = await good.ask("<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>");
  expect(text).toContain('type="result" id="p"');
  await good.ask('', "type='terminate'");
});

const urlOf = () => `http://${HOST}:${server.ports.http}/http-bind`;
function newClient(): BoshClient {
  const client = new BoshClient(urlOf());
  clients.push(client);
  return client;
}

async function connected(text: string | Buffer): Promise<Socket> {
  const socket = connect({ host: HOST, port: server.ports.http });
  socket.on('error', () => {}); // a reset is an end, too
  sockets.push(socket);
  await within(once(socket, 'connect'), 'connecting');
  socket.write(text);
  return socket;
}
/** All that comes until the other side closes. */
async function rest(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on('data', (chunk) => parts.push(chunk));
  await within(new Promise((resolve) => socket.once('close', resolve)), 'the end');
  return Buffer.concat(parts);
}
const head = (lines: readonly string[], path = '/http-bind') =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;

describe('BOSH', () => {
  test.each([
    ['many headers', Array.from({ length: 3000 }, (_, n) => `X-${n}: a`)],
    ['a long header', [`X: ${'a'.repeat(64 * 1024)}`]],
  ])('header bombs: %s', async (_, lines) => {
    expect(String(await rest(await connected(head(lines))))).toMatch(/^HTTP\/1.1 431 /);
  });

  test('a body that does not come', async () => {
    const socket = await connected(`${head(['Content-Length: 100'])}<body `);
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk));
    await expect
      .poll(() => {
        server.clock.jump(31_000);
        return answer;
      })
      .toMatch(/^HTTP\/1.1 408 /);
  });

  test('bodies that are larger than they say, or say nothing', async () => {
    const chunk = `${(32 * 1024).toString(16)}\r\n${' '.repeat(32 * 1024)}\r\n`;
    const socket = await connected(
      [
        head(['Transfer-Encoding: chunked', 'Connection: close']),
        chunk.repeat(40),
        '0\r\n\r\n',
      ].join(''),
    );
    expect(String(await rest(socket))).toMatch(/^HTTP\/1.1 200 .*condition='bad-request'/s);
    const { attrs } = await newClient().post(
      `<body rid='1' to='localhost' ${NS}>${'<a/>'.repeat(20_000)}</body>`,
    );
    expect(attrs['condition']).toBe('bad-request');
  });

  test.each(['gzip', 'deflate', 'br'])('a bomb in %s is not opened', async (encoding) => {
    const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024));
    const { attrs } = await newClient().post(bomb, { headers: { 'Content-Encoding': encoding } });
    expect(attrs['condition']).toBe('bad-request');
  });

  test.each([
    ['two lengths', ['Content-Length: 4', 'Content-Length: 5'], 'abcde'],
    ['a length and chunks', ['Content-Length: 4', 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
    ['a length that is none', ['Content-Length: +4'], 'abcd'],
    ['chunks of a bad size', ['Transfer-Encoding: chunked'], '0x1\r\na\r\n0\r\n\r\n'],
    ['a folded header', ['Transfer-Encoding: chunked', ' , identity'], '0\r\n\r\n'],
    ['chunks that are not last', ['Transfer-Encoding: chunked, identity'], '0\r\n\r\n'],
    ['a space before the colon', ['Transfer-Encoding : chunked'], '0\r\n\r\n'],
  ])('RFC 9112 §11.2 nothing is smuggled: %s', async (_, lines, body) => {
    const smuggled = 'GET /chat HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const answer = String(await rest(await connected(head(lines) + body + smuggled)));
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer.match(/HTTP\/1.1/g)).toHaveLength(1);
  });

  test('one address has no more sessions than it may', async () => {
    for (let n = 0; n < SESSIONS_MOST; n++)
      expect((await newClient().open()).attrs['sid']).toBeTruthy();
    expect((await newClient().open()).attrs['condition']).toBe('policy-violation');
  });

  test('who does not come for what he is sent is let go, with all that waits for him', async () => {
    const lazy = await newClient().login('romeo', PASSWORD);
    await lazy.until(/<presence /, "<presence xmlns='jabber:client'/>");
    const { total } = (await server.run('sessions.list')) as { total: number };
    expect(total).toBe(1);
    const friend = await loggedIn({ port: server.ports.c2s, user: 'juliet', password: PASSWORD });
    const body = 'x'.repeat(8000);
    for (let n = 0; n < 30; n++)
      friend.send(`<message type='headline' to='romeo@localhost'><body>${body}</body></message>`);
    await expect.poll(() => server.run('sessions.list')).toMatchObject({ total: 1 });
    expect((await lazy.ask()).attrs['type']).toBe('terminate');
    friend.destroy();
  });

  test('bodies of chance', async () => {
    const { below } = random(7);
    const seeds = [
      `<body rid='1' to='localhost' ver='1.6' hold='1' wait='60' ${NS}><presence xmlns='jabber:client'/></body>`,
      `<body rid='2' sid='x' pause='3' key='a' newkey='b' ack='1' type='terminate' ${NS}/>`,
    ];
    for (let n = 0; n < 60; n++) {
      const bytes = Buffer.from(seeds[n % seeds.length] ?? '');
      for (let change = below(4); change >= 0; change--) bytes[below(bytes.length)] = below(256);
      const { status, attrs } = await newClient().post(bytes);
      expect([200, 400, 403, 404]).toContain(status);
      if (attrs['sid'] !== undefined) server.clock.jump(61_000);
    }
  });
});

describe('WebSocket', () => {
  /** A client that has opened one, and sends bytes of its own. */
  async function upgraded(...more: string[]): Promise<Socket> {
    const socket = await connected(
      [
        'GET /xmpp-websocket HTTP/1.1',
        'Host: localhost',
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Protocol: xmpp',
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        ...more,
        '\r\n',
      ].join('\r\n'),
    );
    const [answer] = await within(once(socket, 'data'), 'an answer');
    expect(String(answer)).toMatch(/^HTTP\/1.1 101 /);
    expect(String(answer)).not.toMatch(/extensions/i);
    return socket;
  }
  /** A frame (RFC 6455 §5.2) with a mask, unless its second byte says otherwise. */
  const frame = (first: number, payload: Buffer, second = 0x80 | Math.min(payload.length, 126)) => {
    const length = payload.length < 126 ? Buffer.alloc(0) : Buffer.alloc(2);
    if (length.length > 0) length.writeUInt16BE(payload.length);
    const mask = (second & 0x80) === 0 ? Buffer.alloc(0) : Buffer.alloc(4);
    return Buffer.concat([Buffer.from([first, second]), length, mask, payload]);
  };
  /** The code of the frame that closes it. */
  const codeOf = (bytes: Buffer) => {
    const at = bytes.indexOf(0x88);
    return at === -1 ? undefined : bytes.readUInt16BE(at + 2);
  };
  const text = Buffer.from('<open/>');

  test.each([
    ['without a mask', frame(0x81, text, text.length), 1002],
    ['of an opcode that there is not', frame(0x83, text), 1002],
    ['that says it is compressed', frame(0xc1, deflateRawSync(Buffer.alloc(100_000))), 1002],
    ['that goes on with nothing', frame(0x80, text), 1002],
    ['of control that is large', frame(0x89, Buffer.alloc(200)), 1002],
    ['that is no UTF-8', frame(0x81, Buffer.from([0xff, 0xfe])), 1007],
    ['that is endless', Buffer.from('81ff00000001000000000000000000', 'hex'), 1009],
  ])('a frame %s', async (_, bytes, code) => {
    const socket = await upgraded('Sec-WebSocket-Extensions: permessage-deflate');
    socket.write(bytes);
    expect(codeOf(await rest(socket))).toBe(code);
  });

  test('one message in frames without end', async () => {
    const socket = await upgraded();
    socket.write(frame(0x01, Buffer.alloc(60_000, '<')));
    const ended = rest(socket);
    for (let n = 0; n < 10; n++) socket.write(frame(0x00, Buffer.alloc(60_000, '<')));
    expect(codeOf(await ended)).toBe(1009);
  });

  test('frames of chance', async () => {
    const { below } = random(11);
    for (let n = 0; n < 20; n++) {
      const socket = await upgraded();
      socket.write(Buffer.from(Array.from({ length: 200 }, () => below(256))));
      socket.end();
      await rest(socket);
    }
  });
});

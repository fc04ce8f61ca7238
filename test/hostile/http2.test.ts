/** Hostile HTTP/2; after each try a good client is served. */
import { type ClientHttp2Stream, constants } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { within } from '../support/client.ts';
import {
  answerTo,
  CONNECTION_PREFACE,
  FRAME,
  frame,
  framesIn,
  Http2Client,
  securedForHttp2,
} from '../support/http2.ts';
import { random } from '../support/random.ts';
import { startServer, type TestServer } from '../support/server.ts';

type Frames = ReturnType<typeof framesIn>;

const CALM = constants.NGHTTP2_ENHANCE_YOUR_CALM;
const REFUSED = constants.NGHTTP2_REFUSED_STREAM;
/** A literal field that is not kept (RFC 7541 §6.2.2), of a name and value of fewer than 127 bytes. */
const field = (name: string, value: string) =>
  Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
/** A GET, as RFC 7541 writes it. */
const GET = Buffer.concat([
  ...[field(':method', 'GET'), field(':scheme', 'https')],
  ...[field(':path', '/healthz'), field(':authority', 'localhost')],
]);
/** A POST whose body is to follow. */
const POST = Buffer.concat([
  ...[field(':method', 'POST'), field(':scheme', 'https')],
  ...[field(':path', '/http-bind'), field(':authority', 'localhost')],
]);
const END_STREAM = 1;
const END_HEADERS = 4;
const ACK = 1;

let server: TestServer;
let clients: Http2Client[] = [];
let sockets: TLSSocket[] = [];
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());
afterEach(async () => {
  for (const client of clients) client.destroy();
  for (const socket of sockets) socket.destroy();
  [clients, sockets] = [[], []];
  expect((await (await connected()).ask('/healthz')).status).toBe(200);
});

async function connected(): Promise<Http2Client> {
  const client = await Http2Client.connect({ port: server.ports.https });
  clients.push(client);
  return client;
}
/** A connection on which only these frames go. */
async function raw(...frames: readonly Buffer[]): Promise<TLSSocket> {
  const socket = await securedForHttp2({ port: server.ports.https });
  sockets.push(socket);
  socket.write(Buffer.concat([CONNECTION_PREFACE, frame(FRAME.settings), ...frames]));
  return socket;
}
/** All frames until the server ends the connection; `meanwhile` is done again and again. */
async function rest(socket: TLSSocket, meanwhile = () => {}) {
  const parts: Buffer[] = [];
  socket.on('data', (part) => parts.push(part));
  let isOver = false;
  const over = new Promise<void>((resolve) => socket.once('close', resolve)).then(() => {
    isOver = true;
  });
  while (!isOver && !socket.destroyed) {
    meanwhile();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await within(over, 'the end');
  return framesIn(Buffer.concat(parts));
}
/** The frames until there are enough of them, or the server ends the connection. */
async function first(socket: TLSSocket, isEnough: (frames: Frames) => boolean): Promise<Frames> {
  let seen = Buffer.alloc(0);
  let isOver = false;
  socket.on('data', (part: Buffer) => (seen = Buffer.concat([seen, part])));
  socket.once('close', () => (isOver = true));
  await expect.poll(() => isOver || isEnough(framesIn(seen))).toBe(true);
  return framesIn(seen);
}
const isAnswer = (frames: Frames) =>
  frames.some(({ type }) => type === FRAME.headers || type === FRAME.reset);
/** Why the server ended a connection (RFC 9113 §6.8). */
const reasonIn = (frames: Frames) =>
  frames.findLast(({ type }) => type === FRAME.goaway)?.payload.readUInt32BE(4);
const pass = (ms: number) => () => server.clock.jump(ms);
describe('requests', () => {
  const takenBack = (count: number) =>
    Array.from({ length: count }, (_, n) =>
      Buffer.concat([
        frame(FRAME.headers, { flags: END_HEADERS | END_STREAM, stream: 2 * n + 1, payload: GET }),
        frame(FRAME.reset, { stream: 2 * n + 1, payload: Buffer.from([0, 0, 0, 8]) }),
      ]),
    );

  test('that are taken back as fast as they come (CVE-2023-44487) end the connection', async () => {
    expect(reasonIn(await rest(await raw(...takenBack(150))))).toBe(CALM);
  });

  test('of which a page takes some back are served', async () => {
    const last = frame(FRAME.headers, {
      ...{ flags: END_HEADERS | END_STREAM, stream: 201, payload: GET },
    });
    const said = await first(await raw(...takenBack(50), last), (frames) =>
      frames.some(({ type, payload }) => type === FRAME.data && payload.length > 0),
    );
    expect(reasonIn(said)).toBeUndefined();
  });

  test('beyond what may be at a time are refused, and in the end the connection is', async () => {
    const headers = (_: unknown, n: number) =>
      frame(FRAME.headers, { flags: END_HEADERS, stream: 2 * n + 1, payload: POST });
    const said = await first(await raw(...Array.from({ length: 101 }, headers)), (frames) =>
      frames.some(({ type }) => type === FRAME.reset),
    );
    const [reset, ...others] = said.filter(({ type }) => type === FRAME.reset);
    expect(reset?.payload.readUInt32BE()).toBe(REFUSED);
    expect(others).toEqual([]);
    await rest(await raw(...Array.from({ length: 400 }, headers)));
  });

  test('without an end are ended', async () => {
    const client = await connected();
    const bodies = ['/http-bind', '/admin/sign-in'].map((path) => {
      const stream = client.begin({ ':method': 'POST', ':path': path }, false);
      stream.write('abc');
      return stream;
    });
    const answers = await Promise.all(
      bodies.map(async (stream) => {
        const answer = answerTo(stream);
        while (!stream.destroyed) {
          server.clock.jump(2000);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        return (await answer).status;
      }),
    );
    expect(answers).toEqual([408, 408]);
  });
});

describe('headers', () => {
  test.each([
    ['large', { 'x-large': 'a'.repeat(17_000) }],
    ['many', Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`x-${n}`, 'a']))],
  ])('that are %s are refused', async (_, headers) => {
    const client = await connected();
    const stream = client.begin({ ':path': '/healthz', ...headers }, true);
    const { status } = await answerTo(stream);
    expect(status === 431 || stream.rstCode === CALM).toBe(true);
  });

  test('that grow when they are unpacked (RFC 7541 §7.3), from one who acknowledges no limit', async () => {
    const large = Buffer.concat([
      Buffer.from([0x40, 1]), // kept in the table
      Buffer.from('x'),
      Buffer.from([0x7f, 0xa1, 0x1e]), // 4000 bytes, as RFC 7541 §5.1 writes it
      Buffer.alloc(4000, 'a'),
    ]);
    const bomb = Buffer.concat([GET, large, Buffer.alloc(90, 0x80 | 62)]); // 90 times the same
    const frames = [
      frame(FRAME.headers, { flags: END_HEADERS | END_STREAM, stream: 1, payload: bomb }),
    ];
    const said = await first(await raw(...frames), isAnswer);
    expect(reasonIn(said)).toBeUndefined(); // it was read as it was meant
    expect(said.some(({ type }) => type === FRAME.data)).toBe(false);
  });

  test('that never end (CONTINUATION flood) end the connection', async () => {
    const more = frame(FRAME.continuation, { stream: 1, payload: field('x', 'a') });
    const socket = await raw(
      frame(FRAME.headers, { stream: 1, payload: GET }),
      ...Array.from({ length: 200 }, () => more),
    );
    expect(reasonIn(await rest(socket))).not.toBe(0);
  });

  test('that come slowly end the connection', async () => {
    const socket = await raw(frame(FRAME.settings, { flags: ACK }));
    socket.write(frame(FRAME.headers, { stream: 1, payload: GET }));
    await rest(socket, pass(5000));
  });

  test.each([
    ['two hosts', field('host', 'elsewhere.example'), 12],
    ['an address in the path', undefined, undefined],
    ['a field of a connection', field('connection', 'keep-alive'), undefined],
    ['chunks', field('transfer-encoding', 'chunked'), undefined],
    ['capital letters', field('X-Y', 'a'), undefined],
    ['a line break, which is left out', field('x', 'a\r\nb: c'), 8],
  ])('§8.2 %s', async (_, more, status) => {
    const path = more === undefined ? 'https://elsewhere.example/healthz' : '/healthz';
    const payload = Buffer.concat([
      ...[field(':method', 'GET'), field(':scheme', 'https')],
      ...[field(':path', path), field(':authority', 'localhost'), more ?? Buffer.alloc(0)],
    ]);
    const socket = await raw(
      frame(FRAME.settings, { flags: ACK }),
      frame(FRAME.headers, { flags: END_HEADERS | END_STREAM, stream: 1, payload }),
    );
    const said = await first(socket, isAnswer);
    const [head] = said.filter(({ type }) => type === FRAME.headers);
    // RFC 7541 A: 200 is the entry 8 of its table, 400 the entry 12.
    if (status === undefined) expect(head).toBeUndefined();
    else expect(head?.payload[0]).toBe(0x80 | status);
  });
});

describe('a connection', () => {
  test('that says nothing, or acknowledges no settings, is ended', async () => {
    const silent = await securedForHttp2({ port: server.ports.https });
    sockets.push(silent);
    await rest(silent, pass(11_000));
    const deaf = await raw(frame(FRAME.headers, { flags: END_HEADERS, stream: 1, payload: POST }));
    expect(reasonIn(await rest(deaf, pass(4000)))).toBe(CALM);
  });

  test('that stays when it was told to go is ended', async () => {
    const socket = await securedForHttp2({ port: server.ports.https, stays: true });
    sockets.push(socket);
    const settings = [frame(FRAME.settings), frame(FRAME.settings, { flags: ACK })];
    socket.write(Buffer.concat([CONNECTION_PREFACE, ...settings]));
    await first(
      socket,
      (frames) => frames.filter(({ type }) => type === FRAME.settings).length === 2,
    );
    const ping = frame(FRAME.ping, { payload: Buffer.alloc(8) });
    const said = await rest(socket, () => {
      server.clock.jump(3000);
      socket.write(ping);
    });
    expect(reasonIn(said)).toBe(0);
  });

  test('that pings and pings is ended', async () => {
    const ping = frame(FRAME.ping, { payload: Buffer.alloc(8) });
    const socket = await raw(...Array.from({ length: 20_000 }, () => ping));
    socket.pause(); // it reads no answer
    const ended = new Promise<void>((resolve) => socket.once('close', resolve));
    socket.on('data', () => {});
    await rest(socket, pass(11_000));
    await within(ended, 'the end');
  });

  test('that opens no window for its answers does not keep them', async () => {
    const shut = Buffer.from([0, constants.NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0, 0, 0, 0]);
    const socket = await raw(
      frame(FRAME.settings, { payload: shut }),
      frame(FRAME.settings, { flags: ACK }),
      ...[1, 3, 5].map((stream) =>
        frame(FRAME.headers, { flags: END_HEADERS | END_STREAM, stream, payload: GET }),
      ),
    );
    const heads = await first(
      socket,
      (frames) => frames.filter(({ type }) => type === FRAME.headers).length === 3,
    );
    expect(reasonIn(heads)).toBeUndefined();
    const said = await rest(socket, pass(5000));
    expect(said.filter(({ type }) => type === FRAME.reset)).toHaveLength(3);
    expect(said.some(({ type, payload }) => type === FRAME.data && payload.length > 0)).toBe(false);
  });

  test('that talks nonsense is ended, and nobody else minds', async () => {
    const next = random(11).below;
    for (let n = 0; n < 20; n += 1) {
      const payload = Buffer.from(Array.from({ length: next(60) }, () => next(256)));
      const socket = await raw(
        frame(next(12), { flags: next(256), stream: next(5), payload }),
        frame(FRAME.data, { stream: 99 }),
      );
      await rest(socket, pass(11_000));
    }
    const clear = await securedForHttp2({ port: server.ports.https });
    sockets.push(clear);
    clear.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await rest(clear, pass(11_000));
  });

  test('opens no tunnel', async () => {
    const client = await connected();
    const tunnel: ClientHttp2Stream = client.session.request(
      { ':method': 'CONNECT', ':authority': 'localhost:22' },
      { endStream: true },
    );
    tunnel.on('error', () => {});
    expect((await answerTo(tunnel)).status).toBe(405);
  });
});

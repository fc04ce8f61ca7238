/** Whether an answer went out, over real sockets. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect as connectHttp2, constants, createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, connect, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { HttpEnv } from '../../src/http/client.ts';
import { whenOver } from '../../src/http/sent.ts';
import { deferred } from '../../src/kit/deferred.ts';
import { within } from '../support/client.ts';

/** More than the system takes for one who does not read. */
const LARGE = 'x'.repeat(16_000_000);

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

/** A server that answers `/large` and `/small`, and nothing else. */
async function served(isHttp2 = false) {
  const begun = deferred<void>();
  const over = deferred<boolean>();
  const handle = (env: HttpEnv['Bindings'], end: (text: string) => void) => {
    whenOver(env, over.resolve);
    if (env.incoming.url === '/large') end(LARGE);
    if (env.incoming.url === '/small') end('whole');
    begun.resolve();
  };
  const server: Server = isHttp2
    ? createHttp2Server((incoming, outgoing) =>
        handle({ incoming, outgoing }, (text) => void outgoing.end(text)),
      )
    : createServer((incoming: IncomingMessage, outgoing: ServerResponse) =>
        handle({ incoming, outgoing }, (text) => void outgoing.end(text)),
      );
  server.listen(0, '127.0.0.1');
  await within(once(server, 'listening'), 'the server');
  ending.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  return {
    port,
    begun: () => within(begun.promise, 'the request'),
    isSent: () => within(over.promise, 'the end of the answer'),
  };
}

async function ask(port: number, path: string) {
  const socket = connect(port, '127.0.0.1');
  ending.push(() => socket.destroy());
  await within(once(socket, 'connect'), 'connecting');
  socket.on('error', () => {});
  socket.pause();
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  return socket;
}

test('HTTP/1.1: one that was read', async () => {
  const server = await served();
  await ask(server.port, '/small');
  expect(await server.isSent()).toBe(true);
});

test.each(['/large', '/none'])('HTTP/1.1: one whose connection broke: %s', async (path) => {
  const server = await served();
  const socket = await ask(server.port, path);
  await server.begun();
  socket.destroy();
  expect(await server.isSent()).toBe(false);
});

test.each([
  ['/small', true],
  ['/large', false],
  ['/none', false],
] as const)('HTTP/2: %s', async (path, isWhole) => {
  const server = await served(true);
  const client = connectHttp2(`http://127.0.0.1:${server.port}`);
  client.on('error', () => {});
  ending.push(() => client.destroy());
  const stream = client.request({ ':path': path });
  stream.on('error', () => {});
  if (isWhole) stream.resume();
  await server.begun();
  if (!isWhole) stream.close(constants.NGHTTP2_CANCEL);
  expect(await server.isSent()).toBe(isWhole);
});

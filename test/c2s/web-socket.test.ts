/** The door of WebSockets. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createWebSocketDoor, type WebSocketStream } from '../../src/c2s/web-socket.ts';
import { within } from '../support/client.ts';

let server: Server;
let maxBytes: number;
let came: WebSocketStream | undefined;
let heard: string[];
beforeEach(async () => {
  heard = [];
  const door = createWebSocketDoor({
    maxBytes: () => maxBytes,
    maxEarlyBytes: () => 10_000,
    refusal: () => undefined,
    accept(stream) {
      came = stream;
      stream.on('data', (part) => heard.push(String(part)));
      stream.on('error', () => {});
    },
  });
  server = createServer().on('upgrade', door).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
});

/** A client that has come in. */
async function enter(): Promise<WebSocket> {
  const { port } = server.address() as AddressInfo;
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, 'xmpp');
  await within(once(socket, 'open'), 'opening');
  return socket;
}

test('RFC 6120 §13.12: of who has not logged in no more is kept than of others who have not', async () => {
  maxBytes = 2_000_000;
  const text = `<a>${'x'.repeat(1_500_000)}</a>`;
  const stranger = await enter();
  stranger.send(text);
  stranger.on('error', () => {});
  await within(once(stranger, 'close'), 'the end');
  expect(heard.length).toBe(0);
  const friend = await enter();
  came?.welcome();
  friend.send(text);
  await expect.poll(() => heard.join('').length).toBe(text.length);
  friend.terminate();
});

test('many messages at once are as many messages, before logging in too', async () => {
  maxBytes = 20_000;
  const socket = await enter();
  const texts = Array.from({ length: 40 }, (_, index) => `<a>${index}${'x'.repeat(8000)}</a>`);
  for (const text of texts) {
    socket.send(text);
    socket.ping('there?');
  }
  await expect.poll(() => heard).toEqual(texts);
  socket.terminate();
});

test('a message is as long as may be when its client came: the config may have changed', async () => {
  const text = `<a>${'x'.repeat(500)}</a>`;
  const say = async () => {
    const socket = await enter();
    socket.send(text);
    return socket;
  };
  maxBytes = 400;
  const [code] = await within(once(await say(), 'close'), 'the end');
  expect(code).toBe(1009); // RFC 6455 §7.4.1: too big
  maxBytes = 600;
  const socket = await say();
  await expect.poll(() => heard).toEqual([text]);
  socket.terminate();
});

/** The door of WebSockets. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createWebSocketDoor } from '../../src/c2s/web-socket.ts';
import { within } from '../support/client.ts';

let server: Server;
let maxBytes: number;
let heard: string[];
beforeEach(async () => {
  heard = [];
  const door = createWebSocketDoor({
    maxBytes: () => maxBytes,
    refusal: () => undefined,
    accept(stream) {
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

test('a message is as long as may be when its client came: the config may have changed', async () => {
  const text = `<a>${'x'.repeat(500)}</a>`;
  const say = async () => {
    const { port } = server.address() as AddressInfo;
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, 'xmpp');
    await within(once(socket, 'open'), 'opening');
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

import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeInMemory } from '../../src/certs/folder.ts';
import { createHttpServer } from '../../src/http/server.ts';
import { systemClock } from '../../src/kit/clock.ts';
import { createLog } from '../../src/kit/log.ts';
import { domainNamed } from '../operations/support.ts';
import { Http2Client } from '../support/http2.ts';

const server = createHttpServer({
  log: createLog({ level: 'silent' }).area('http'),
  clock: systemClock,
  limits: { connectionsPerAddress: 2 },
});
/** What the app read of bodies. */
const heard: string[] = [];
server.app.post('/hear', async (c) => {
  heard.push(await c.req.text().catch(() => 'broken'));
  return c.text('heard');
});
server.app.get('/short', (c) =>
  c.text('x', 200, { Connection: 'close', 'Keep-Alive': 'timeout=5' }),
);
server.app.get('/broken', () => {
  throw new Error('a bug');
});
let client: Http2Client;
let port: number;

beforeAll(async () => {
  const domain = domainNamed('localhost');
  const { chainPem, keyPem } = await makeInMemory({
    ...{ folder: '/nowhere', domain, names: [], clock: systemClock },
  });
  const https = { tls: () => ({ cert: chainPem, key: keyPem }), hstsMs: 0 };
  ({ port } = await server.listen({ host: '127.0.0.1', port: 0, https }));
  client = await Http2Client.connect({ port });
});
afterAll(async () => {
  client.destroy();
  await server.close(100);
});

test.each([
  ['of a length that was told', { 'content-length': 100 }, ['broken']],
  ['of any length', {}, []], // which is read before the app is asked
])('a body that breaks off is not taken for whole: %s', async (_, headers, expected) => {
  heard.length = 0;
  const stream = client.begin({ ':method': 'POST', ':path': '/hear', ...headers }, false);
  stream.write('transfer=1');
  await client.ask('/short'); // so it is being read
  stream.close(8);
  await client.ask('/short');
  await expect.poll(() => heard).toEqual(expected);
});

test('nor is one whose connection the client closes', async () => {
  heard.length = 0;
  const leaving = await Http2Client.connect({ port });
  const headers = { ':method': 'POST', ':path': '/hear', 'content-length': 100 };
  leaving.begin(headers, false).write('transfer=1');
  await leaving.ask('/short'); // so it is being read
  leaving.leave();
  await expect.poll(() => heard).toEqual(['broken']);
});

test('RFC 9113 §8.2.2 headers of a connection are left out', async () => {
  const { status, headers } = await client.ask('/short');
  expect(status).toBe(200);
  expect(Object.keys(headers)).not.toContain('connection');
  expect(Object.keys(headers)).not.toContain('keep-alive');
});

test('a bug is answered with 500, and security headers', async () => {
  expect(await client.ask('/broken')).toMatchObject({
    status: 500,
    headers: { 'x-content-type-options': 'nosniff' },
  });
});

test('one connection carries many requests, and counts as one', async () => {
  heard.length = 0;
  const answers = await Promise.all(
    Array.from({ length: 90 }, (_, n) => client.ask('/hear', { ':method': 'POST' }, `${n}`)),
  );
  expect(answers.every(({ text }) => text === 'heard')).toBe(true);
  expect(new Set(heard).size).toBe(90);
  const second = await Http2Client.connect({ port });
  await expect(Http2Client.connect({ port })).rejects.toThrow();
  second.destroy();
});

test('bodies over the limit are refused, and those that are as large as may be are read', async () => {
  const send = (bytes: number) => client.ask('/hear', { ':method': 'POST' }, 'a'.repeat(bytes));
  expect((await send(1_048_576)).status).toBe(200);
  expect((await send(1_048_577)).status).toBe(413);
});

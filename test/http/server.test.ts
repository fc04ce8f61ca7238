import { once } from 'node:events';
import { link, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect, createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { Hono } from 'hono';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HttpEnv } from '../../src/http/client.ts';
import type { HttpLimits } from '../../src/http/limits.ts';
import { ListenError } from '../../src/http/listen-error.ts';
import { createHttpServer, type HttpServer } from '../../src/http/server.ts';
import { systemClock } from '../../src/kit/clock.ts';
import { createLog } from '../../src/kit/log.ts';
import { jumpingClock } from '../support/jumping-clock.ts';

const log = createLog({ level: 'silent' }).area('http');
const servers: HttpServer[] = [];
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rtcd-http-'));
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close(100);
  await rm(folder, { recursive: true });
});

const make = (limits: Partial<HttpLimits> = {}) => {
  const server = createHttpServer({ log, clock: systemClock, limits });
  server.app.get('/hello', (c) => c.text('hello'));
  server.app.post('/echo', async (c) => c.text(await c.req.text()));
  server.app.get('/broken', () => {
    throw new Error('a bug');
  });
  servers.push(server);
  return server;
};
const started = async (limits: Partial<HttpLimits> = {}) => {
  const server = make(limits);
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  return { server, port, url: `http://127.0.0.1:${port}` };
};
/** Writes raw bytes and reads until the server ends the connection. */
const raw = (port: number, text: string, whenAnswered = '') =>
  new Promise<string>((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.once('data', () => socket.write(whenAnswered));
    socket.on('error', reject);
    socket.on('close', () => resolve(answer));
  });
/** The status of an answer; 0 where there is none. */
const statusOf = (url: string) =>
  fetch(url).then(
    ({ status }) => status,
    () => 0,
  );
const overSocket = (path: string, url = '/') =>
  new Promise<string>((resolve, reject) => {
    request({ socketPath: path, path: url }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => resolve(text));
    })
      .on('error', reject)
      .end();
  });

describe('listening', () => {
  test('several interfaces serve the same app', async () => {
    const server = make();
    const one = await server.listen({ host: '127.0.0.1', port: 0 });
    const two = await server.listen({ host: '127.0.0.2', port: 0 });
    for (const { address, port } of [one, two])
      expect(await (await fetch(`http://${address}:${port}/hello`)).text()).toBe('hello');
  });

  test('a taken port is a typed error that names it', async () => {
    const { port } = await started();
    const error = await make()
      .listen({ host: '127.0.0.1', port })
      .catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ListenError);
    expect(error).toMatchObject({ kind: 'in-use', where: `127.0.0.1:${port}` });
  });

  test('an address that this machine has not is a typed error', async () => {
    const error = await make()
      .listen({ host: '192.0.2.1', port: 0 })
      .catch((thrown) => thrown);
    expect(error).toMatchObject({ name: 'ListenError', kind: 'unavailable' });
  });

  test('one listener closes without the others', async () => {
    const server = make();
    const one = await server.listen({ host: '127.0.0.1', port: 0 });
    const two = await server.listen({ host: '127.0.0.1', port: 0 });
    await one.close(20);
    await expect(fetch(`http://127.0.0.1:${one.port}/hello`)).rejects.toThrow();
    expect((await fetch(`http://127.0.0.1:${two.port}/hello`)).status).toBe(200);
    expect(server.closing.aborted).toBe(false);
  });

  test('a listener closes without waiting for what was upgraded, which goes on', async () => {
    const server = make();
    const taken = new Promise<Duplex>((resolve) =>
      server.upgrade('/up', (_, socket) => {
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
        );
        resolve(socket);
      }),
    );
    const one = await server.listen({ host: '127.0.0.1', port: 0 });
    const client = connect(one.port, '127.0.0.1');
    client.write('GET /up HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n');
    const upgraded = await taken;
    await once(client, 'data');
    await one.close(20);
    await expect(fetch(`http://127.0.0.1:${one.port}/hello`)).rejects.toThrow();
    upgraded.write('still here');
    expect(String(await once(client, 'data'))).toBe('still here');
    client.destroy();
    upgraded.destroy();
  });

  test('close ends requests that do not end themselves, and frees the port', async () => {
    const { server, port, url } = await started();
    server.app.get(
      '/forever',
      () =>
        new Response(
          new ReadableStream({ start: (c) => c.enqueue(new TextEncoder().encode('x')) }),
        ),
    );
    const answer = await fetch(`${url}/forever`).catch(() => undefined);
    await server.close(20);
    await answer?.text().catch(() => undefined);
    await expect(fetch(`http://127.0.0.1:${port}/hello`)).rejects.toThrow();
    expect(server.closing.aborted).toBe(true);
  });
});

describe('limits', () => {
  test('a body over the limit is refused, announced or not', async () => {
    const { url } = await started({ bodyBytes: 100 });
    const small = await fetch(`${url}/echo`, { method: 'POST', body: 'x'.repeat(100) });
    expect(await small.text()).toHaveLength(100);
    const announced = await fetch(`${url}/echo`, { method: 'POST', body: 'x'.repeat(101) });
    expect(announced.status).toBe(413);
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('x'.repeat(101)));
        controller.close();
      },
    });
    const streamed = await fetch(`${url}/echo`, {
      method: 'POST',
      body,
      duplex: 'half',
    } as RequestInit);
    expect(streamed.status).toBe(413);
  });

  test('headers over the limit are refused', async () => {
    const { url } = await started({ headerBytes: 2000 });
    const answer = await fetch(`${url}/hello`, { headers: { 'x-long': 'x'.repeat(3000) } });
    expect(answer.status).toBe(431);
  });

  test('a client that sends its headers slowly is let go', async () => {
    const { port, url } = await started({ headersTimeoutMs: 100, requestTimeoutMs: 200 });
    expect(await raw(port, 'GET /hello HTTP/1.1\r\nHost: x\r\n')).toContain('408');
    expect((await fetch(`${url}/hello`)).status).toBe(200);
  });

  test('a client that sends its body slowly is let go', async () => {
    const { port } = await started({ headersTimeoutMs: 100, requestTimeoutMs: 200 });
    const answer = await raw(
      port,
      'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc',
    );
    expect(answer).not.toContain('200 OK');
  });

  test.each(['POST /nothing', 'POST /own/x', 'POST /own/../echo', 'GET /hello', 'GET /own/x'])(
    'who is answered and goes on sending slowly is let go: %s',
    async (line) => {
      const patience = { headersTimeoutMs: 100, requestTimeoutMs: 200, keepAliveMs: 60_000 };
      const { server, port } = await started(patience);
      server.mount(
        '/own',
        new Hono().post('/y', (c) => c.text('y')),
        '/own/',
      );
      const answer = await raw(
        port,
        `${line} HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\nabc`,
        'd',
      );
      expect(answer).toMatch(/^HTTP\/1.1 (?:200|404|408) /);
    },
  );

  test('a body that is bounded by whoever takes it may take its time, and be large', async () => {
    const { server, port } = await started({ requestTimeoutMs: 100, bodyBytes: 10 });
    const own = new Hono<HttpEnv>().put('/x', async (c) =>
      c.text(`${(await c.req.text()).length}`),
    );
    server.mount('/own', own, '/own/');
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.on('data', (part) => (answer += part));
    socket.write('PUT /own/x HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n');
    // Another one comes too late meanwhile.
    await raw(port, 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc');
    socket.write('x'.repeat(20));
    await expect.poll(() => answer).toMatch(/^HTTP\/1.1 200 OK[\s\S]*20$/);
    socket.destroy();
  });

  test('one address has no more connections than it may, and those that end count no more', async () => {
    const { port, url } = await started({ connectionsPerAddress: 1, keepAliveMs: 50 });
    const held = connect(port, '127.0.0.1');
    await new Promise((resolve) => held.once('connect', resolve));
    await expect(fetch(`${url}/hello`)).rejects.toThrow();
    held.destroy();
    await expect.poll(() => statusOf(`${url}/hello`)).toBe(200);
  });

  test('an answer that its client does not read is not kept for good', async () => {
    const clock = jumpingClock();
    const server = createHttpServer({ log, clock, limits: { connectionsPerAddress: 1 } });
    servers.push(server);
    const asked = new Promise<void>((resolve) => {
      server.app.get('/large', (c) => {
        resolve();
        return c.body(new Uint8Array(16 * 1024 * 1024));
      });
    });
    server.app.get('/hello', (c) => c.text('hello'));
    const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
    const silent = connect(port, '127.0.0.1').pause();
    silent.on('error', () => {});
    silent.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n');
    await asked;
    const waiting = { timeout: 10_000 };
    await expect
      .poll(() => {
        clock.jump(3_000_000);
        return statusOf(`http://127.0.0.1:${port}/hello`);
      }, waiting)
      .toBe(200);
    silent.destroy();
  });

  test('who may not use his connection for something else does not keep it', async () => {
    const { port, url } = await started({ connectionsPerAddress: 1 });
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    client.on('error', () => {});
    client.resume();
    client.write('GET /x HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
    await once(client, 'end'); // it does not end its own side
    try {
      await expect.poll(() => statusOf(`${url}/hello`), { timeout: 10_000 }).toBe(200);
    } finally {
      client.destroy();
    }
  });

  test.each(['GET / HTTP/9.9\r\n\r\n', '\0\0\0', 'GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n'])(
    'nonsense %# does not stop the server',
    async (text) => {
      const { port, url } = await started({ keepAliveMs: 100, headersTimeoutMs: 100 });
      expect(await raw(port, text)).not.toContain('200 OK');
      expect((await fetch(`${url}/hello`)).status).toBe(200);
    },
  );
});

describe('every response', () => {
  test('has the security headers, errors too', async () => {
    const { app } = make();
    for (const path of ['/hello', '/nothing', '/broken']) {
      const { headers } = await app.request(path);
      expect(headers.get('x-content-type-options'), path).toBe('nosniff');
      expect(headers.get('x-frame-options'), path).toBe('DENY');
      expect(headers.get('content-security-policy'), path).toContain("default-src 'none'");
      expect(headers.get('referrer-policy'), path).toBe('same-origin');
    }
  });

  test('keeps a policy that it brings itself', async () => {
    const { app } = make();
    app.get('/own', (c) => c.text('x', 200, { 'Content-Security-Policy': "default-src 'self'" }));
    expect((await app.request('/own')).headers.get('content-security-policy')).toBe(
      "default-src 'self'",
    );
  });

  test('404 and 500 are text for programs and pages for people, and tell nothing', async () => {
    const { app } = make();
    expect(await (await app.request('/<b>')).text()).not.toContain('<b>');
    const page = await app.request('/broken', { headers: { accept: 'text/html' } });
    expect(page.status).toBe(500);
    expect(page.headers.get('content-type')).toContain('text/html');
    expect(await page.text()).not.toContain('a bug');
  });
});

describe('a unix socket', () => {
  const app = new Hono().get('/', (c) => c.text('over the socket'));
  const path = () => join(folder, 'admin.sock');

  test('is for its owner only and serves its own app', async () => {
    const server = make();
    await server.listenSocket(path(), app);
    expect((await stat(path())).mode & 0o777).toBe(0o600);
    expect(await overSocket(path())).toBe('over the socket');
    expect(await overSocket(path(), '/hello')).not.toBe('hello');
  });

  test('is taken over when nobody answers on it', async () => {
    // A listener whose file outlives it, as after a crash.
    const left = createNetServer();
    await new Promise<void>((resolve) => left.listen(path(), resolve));
    await link(path(), `${path()}.kept`);
    await new Promise((resolve) => left.close(resolve));
    await rename(`${path()}.kept`, path());
    await make().listenSocket(path(), app);
    expect(await overSocket(path())).toBe('over the socket');
  });

  test('is not taken from a server that answers', async () => {
    await make().listenSocket(path(), app);
    const error = await make()
      .listenSocket(path(), app)
      .catch((thrown) => thrown);
    expect(error).toMatchObject({ name: 'ListenError', kind: 'in-use', where: path() });
    expect(await overSocket(path())).toBe('over the socket');
  });

  test('does not replace a file that is not a socket', async () => {
    await writeFile(path(), 'precious');
    const error = await make()
      .listenSocket(path(), app)
      .catch((thrown) => thrown);
    expect(error).toMatchObject({ kind: 'in-use' });
    expect((await stat(path())).size).toBe(8);
  });

  test('goes with the server', async () => {
    const server = make();
    await server.listenSocket(path(), app);
    await server.close();
    await expect(stat(path())).rejects.toThrow();
  });
});

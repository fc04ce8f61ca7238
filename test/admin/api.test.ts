import type { Hono } from 'hono';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createApi } from '../../src/admin/api.ts';
import { createOperations, failure, operation, success } from '../../src/core/operation.ts';
import type { HttpEnv } from '../../src/http/client.ts';
import { createHttpServer, type HttpServer } from '../../src/http/server.ts';
import { systemClock } from '../../src/kit/clock.ts';
import { createLog } from '../../src/kit/log.ts';
import { message } from '../../src/stanza/build.ts';
import { bare, type ConsoleScene, socketApi, startConsole } from './console-scene.ts';
import { type Visitor, visit } from './visitor.ts';

const ADMIN = 'lucie@falcot.com';
let console: ConsoleScene;

beforeEach(async () => {
  console = await startConsole({ accounts: [ADMIN, 'joe@falcot.com'] });
});
afterEach(() => console.stop());

const post = (app: Hono<never>, name: string, body: unknown, type = 'application/json') =>
  app.request(`/api/operations/${name}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': type },
  });

describe('the API on the admin socket', () => {
  const api = () => socketApi(console) as unknown as Hono<never>;

  test('lists the operations with their schemas', async () => {
    const { ok, value } = (await (await api().request('/api/operations')).json()) as {
      ok: boolean;
      value: { name: string; command: string[]; secret: string[]; input: { properties: object } }[];
    };
    expect(ok).toBe(true);
    const add = value.find(({ name }) => name === 'accounts.add');
    expect(add).toMatchObject({ command: ['adduser'], effect: 'change', secret: ['password'] });
    expect(Object.keys(add?.input.properties ?? {})).toEqual(['jid', 'password', 'admin', 'role']);
  });

  test('describes itself as OpenAPI', async () => {
    const document = (await (await api().request('/api/openapi.json')).json()) as {
      openapi: string;
      paths: Record<string, { post: { operationId: string } }>;
    };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toHaveLength(console.operations.list.length);
    expect(document.paths['/api/operations/accounts.add']?.post.operationId).toBe('accounts.add');
    expect(JSON.stringify(document)).not.toContain('$schema');
  });

  test('runs one as root', async () => {
    const answer = await post(api(), 'accounts.add', {
      jid: 'eva@falcot.com',
      password: 'long enough',
    });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ ok: true, value: { jid: 'eva@falcot.com' } });
  });

  test('tells it in words, too, where these are asked for and there are some', async () => {
    const jid = 'joe@falcot.com';
    expect(await (await post(api(), 'accounts.lock?words', { jid })).json()).toEqual({
      ok: true,
      value: { jid, locked: true },
      text: `${jid} is locked.`,
    });
    const without = await (await post(api(), 'accounts.show?words', { jid })).json();
    expect(without).not.toHaveProperty('text');
  });

  test('an empty body is an empty input', async () => {
    expect((await post(api(), 'accounts.list', '', 'text/plain')).status).toBe(200);
  });

  test.each([
    ['invalid-input', 400, 'accounts.add', { jid: 'eva@falcot.com' }],
    ['invalid-input', 400, 'accounts.add', '{"jid":'],
    ['invalid-input', 400, 'accounts.add', [1, 2]],
    ['unknown-operation', 404, 'accounts.explode', {}],
    ['unknown-operation', 404, '__proto__', {}],
    ['not-found', 404, 'accounts.show', { jid: 'nobody@falcot.com' }],
    ['conflict', 409, 'accounts.add', { jid: 'joe@falcot.com', password: 'long enough' }],
  ])('answers %s with status %i (%s)', async (why, status, name, input) => {
    const answer = await post(api(), name, input);
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ ok: false, why });
  });

  test('names the faulty fields', async () => {
    const answer = await post(api(), 'accounts.add', { jid: 'a b@falcot.com', password: '' });
    const { fields } = (await answer.json()) as { fields: Record<string, string> };
    expect(Object.keys(fields).sort()).toEqual(['jid', 'password']);
  });

  test('takes nothing but JSON, which no form can send', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded'])
      expect((await post(api(), 'accounts.list', '{}', type)).status).toBe(400);
  });

  test('answers JSON where there is nothing', async () => {
    expect(await (await api().request('/api/nothing')).json()).toMatchObject({ ok: false });
  });
});

describe('the API for a signed-in admin', () => {
  test('is closed to others', async () => {
    const stranger = visit(console.app);
    for (const path of ['/api/operations', '/api/openapi.json'])
      expect((await stranger.get(path)).status).toBe(401);
    expect((await stranger.call('accounts.list', {})).status).toBe(401);
  });

  test('runs operations in the name of the admin, audited as rest', async () => {
    const visitor = visit(console.app);
    await visitor.signIn(ADMIN);
    expect((await visitor.call('accounts.lock', { jid: 'joe@falcot.com' })).status).toBe(200);
    const answer = await visitor.call('audit.list', {});
    expect(await answer.json()).toMatchObject({
      value: {
        entries: [
          {
            actor: ADMIN,
            via: 'rest',
            remote: '192.0.2.10',
            operation: 'accounts.lock',
            outcome: 'done',
          },
        ],
      },
    });
  });

  test('needs the token, and nothing that says elsewhere', async () => {
    const visitor = visit(console.app);
    await visitor.signIn(ADMIN);
    const lock = (headers: Record<string, string>) =>
      visitor.call('accounts.lock', { jid: 'joe@falcot.com' }, headers);
    expect((await lock({ 'x-csrf-token': '' })).status).toBe(403);
    expect((await lock({ 'x-csrf-token': 'wrong' })).status).toBe(403);
    expect((await lock({ origin: 'https://evil.example' })).status).toBe(403);
    expect((await lock({ 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await lock({ origin: 'http://localhost' })).status).toBe(200);
  });
});

describe('a watch', () => {
  const log = createLog({ level: 'silent' }).area('test');
  const servers: HttpServer[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close(50);
  });

  /** An endless count that says how far it got and whether it was ended. */
  const counter = (padding: number) => {
    const seen = { asked: 0, isOver: false, ended: Promise.resolve() };
    let end = () => {};
    seen.ended = new Promise((resolve) => (end = resolve));
    const values: AsyncIterable<{ n: number; pad: string }> = {
      [Symbol.asyncIterator]: () => ({
        async next() {
          seen.asked += 1;
          return { done: false, value: { n: seen.asked, pad: 'x'.repeat(padding) } };
        },
        async return() {
          seen.isOver = true;
          end();
          return { done: true, value: undefined };
        },
      }),
    };
    return { seen, values };
  };
  const watching = (values: AsyncIterable<unknown>, closing?: AbortSignal, noted = log) => {
    const watch = operation({
      name: 'test.watch',
      command: ['watch'],
      summary: 'Count.',
      effect: 'watch',
      input: z.object({}),
      output: z.unknown(),
      run: () => success(values),
    });
    const audit = { record: async () => {} };
    const operations = createOperations([watch], { audit, log, mayRun: () => true });
    const actorOf = () => ({ name: 'root', via: 'socket' }) as const;
    return { app: createApi({ operations, log: noted, version: '0', actorOf, closing }) };
  };
  const serve = async (values: AsyncIterable<unknown>) => {
    const http = createHttpServer({ log, clock: systemClock });
    servers.push(http);
    http.mount('/', watching(values, http.closing).app);
    const { port } = await http.listen({ host: '127.0.0.1', port: 0 });
    const leaving = new AbortController();
    const response = await fetch(`http://127.0.0.1:${port}/api/operations/test.watch`, {
      method: 'POST',
      signal: leaving.signal,
    });
    return { http, response, leaving };
  };

  test('answers one JSON value a line', async () => {
    async function* three() {
      yield { n: 1, text: 'a\nb' };
      yield { n: 2 };
      yield { n: 3 };
    }
    const { response } = await serve(three());
    expect(response.headers.get('content-type')).toBe('application/x-ndjson');
    const lines = (await response.text()).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).n)).toEqual([1, 2, 3]);
  });

  test('is ended when the reader leaves', async () => {
    const { seen, values } = counter(10);
    const { response, leaving } = await serve(values);
    await response.body?.getReader().read();
    leaving.abort();
    await seen.ended;
    expect(seen.isOver).toBe(true);
  });

  test('that waits for its next value when the reader leaves ends without an error', async () => {
    const complaints: string[] = [];
    const noted = createLog({
      level: 'warn',
      format: 'json',
      destination: { write: (line) => void complaints.push(line) },
    }).area('test');
    let end = (_: IteratorResult<unknown>) => {};
    const waiting = new Promise<IteratorResult<unknown>>((resolve) => {
      end = resolve;
    });
    const over = { done: true, value: undefined } as const;
    const values: AsyncIterable<unknown> = {
      [Symbol.asyncIterator]: () => ({
        next: () => waiting,
        async return() {
          end(over);
          return over;
        },
      }),
    };
    const response = await watching(values, undefined, noted).app.request(
      '/api/operations/test.watch',
      {
        method: 'POST',
      },
    );
    const reader = response.body?.getReader();
    const reading = reader?.read();
    await reader?.cancel();
    await reading;
    await waiting;
    await new Promise((resolve) => setImmediate(resolve));
    expect(complaints).toEqual([]);
  });

  test('asks for a value only when the reader has taken the last one', async () => {
    const { seen, values } = counter(10);
    const response = await watching(values).app.request('/api/operations/test.watch', {
      method: 'POST',
    });
    const reader = response.body?.getReader();
    expect(seen.asked).toBe(0);
    for (let taken = 1; taken <= 5; taken += 1) {
      await reader?.read();
      expect(seen.asked).toBe(taken);
    }
    await reader?.cancel();
    expect(seen.isOver).toBe(true);
  });

  test('is ended when the server stops', async () => {
    const { seen, values } = counter(10);
    const { http, response } = await serve(values);
    await response.body?.getReader().read();
    await http.close();
    await seen.ended;
  });

  test.each([
    ['signs out', (admin: Visitor) => admin.submit('/admin/sign-out', {}, { from: '/admin' })],
    ['is locked', () => console.scene.accounts.setLocked(bare(ADMIN), true)],
  ])('tells nothing more when who looks %s', async (_, leave) => {
    const joe = bare('joe@falcot.com');
    const said = message({ from: joe, to: bare(ADMIN) });
    const admin = visit(console.app);
    await admin.signIn(ADMIN);
    const response = await admin.call('watch.account', { jid: joe });
    const reader = response.body?.getReader();
    console.watch.record(joe, 'in', 'stream', said);
    expect(await reader?.read()).toMatchObject({ done: false });
    await leave(admin);
    console.watch.record(joe, 'in', 'stream', said);
    expect(await reader?.read()).toMatchObject({ done: true });
    expect(console.watch.isActive).toBe(false);
  });

  test('of a watch ends at once and frees its place', async () => {
    const api = socketApi(console);
    for (let round = 0; round < 20; round += 1) {
      const response = await api.request('/api/operations/watch.account', {
        method: 'POST',
        body: JSON.stringify({ jid: 'joe@falcot.com' }),
        headers: { 'content-type': 'application/json' },
      });
      expect(response.status, `round ${round}`).toBe(200);
      await response.body?.cancel();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(console.watch.isActive).toBe(false);
  });
});

describe('bytes that come with an input', () => {
  const import_ = (app: Hono<HttpEnv>, input: string, body: string) =>
    app.request(`/api/sources/portable.import?input=${encodeURIComponent(input)}`, {
      method: 'POST',
      body,
    });

  test('are for the admin socket only', async () => {
    expect((await import_(console.app, '{"file":"-"}', '')).status).toBe(401);
    const admin = visit(console.app);
    await admin.signIn(ADMIN);
    const path = '/api/sources/portable.import?input={"file":"-"}';
    expect((await admin.submit(path, {}, { from: '/admin' })).status).toBe(403);
    expect(await (await admin.call('portable.import', { file: '-' })).json()).toMatchObject({
      why: 'refused',
      text: 'No file was sent along.',
    });
  });

  test('are read by the operation', async () => {
    const api = socketApi(console);
    const file = "<server-data xmlns='urn:xmpp:pie:0'><host jid='far.example'/></server-data>";
    expect(await (await import_(api, '{"file":"-"}', file)).json()).toMatchObject({
      value: { passed: [{ of: 'far.example', why: 'it is not served here' }] },
    });
    expect((await import_(api, '{', file)).status).toBe(400);
  });
});

test('a failure has a status for each reason', async () => {
  const log = createLog({ level: 'silent' }).area('test');
  const refuse = (['refused', 'unavailable', 'internal', 'forbidden'] as const).map((why) =>
    operation({
      name: `test.${why}`,
      command: [why],
      summary: why,
      effect: 'read',
      input: z.object({}),
      output: z.unknown(),
      run: () => failure(why, why),
    }),
  );
  const audit = { record: async () => {} };
  const operations = createOperations(refuse, { audit, log, mayRun: () => true });
  const actorOf = () => ({ name: 'root', via: 'socket' }) as const;
  const app = createApi({ operations, log, version: '0', actorOf });
  const status = async (why: string) =>
    (await app.request(`/api/operations/test.${why}`, { method: 'POST' })).status;
  expect(
    await Promise.all(['refused', 'unavailable', 'internal', 'forbidden'].map(status)),
  ).toEqual([422, 503, 500, 403]);
});

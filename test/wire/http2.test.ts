/** HTTP/2 at the port of HTTPS and at the one port for all: whatever is served over HTTP/1.1. */
import { once } from 'node:events';
import { constants } from 'node:http2';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { BoshClient } from '../support/bosh.ts';
import { loggedIn, within } from '../support/client.ts';
import { answerTo, Http2Client, type Http2Place } from '../support/http2.ts';
import { type PortName, startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a secret for tests';
const ADMIN = 'juliet@localhost';
/** Where a proxy is that speaks the PROXY protocol. */
const PROXY = '127.0.0.2';
const FORM = { ':method': 'POST', 'content-type': 'application/x-www-form-urlencoded' };

let server: TestServer;
let clients: Http2Client[] = [];
beforeAll(async () => {
  server = await startServer({
    accounts: { [ADMIN]: PASSWORD },
    config: { edge: {}, proxyProtocol: [PROXY], admins: [ADMIN] },
    hosts: { localhost: {}, 'falcot.example': {} },
  });
});
afterAll(() => server.stop());
afterEach(() => {
  for (const client of clients) client.destroy();
  clients = [];
});

async function connected(port: PortName = 'https', more: Omit<Http2Place, 'port'> = {}) {
  const client = await Http2Client.connect({ port: server.ports[port], ...more });
  clients.push(client);
  return client;
}

describe.each(['https', 'edge'] as const)('at %s', (port) => {
  test('the console: cookies, forms and origins as over HTTP/1.1', async () => {
    const client = await connected(port);
    const page = await client.ask('/admin/sign-in');
    expect(page).toMatchObject({
      status: 200,
      headers: { 'strict-transport-security': 'max-age=15552000', 'x-frame-options': 'DENY' },
    });
    const [cookie = ''] = String(page.headers['set-cookie']).split(';');
    const token = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const body = new URLSearchParams({ csrf: token, jid: ADMIN, password: PASSWORD }).toString();
    const origin = `https://localhost:${server.ports[port]}`;
    const send = (from: string) =>
      client.ask('/admin/sign-in', { ...FORM, origin: from, cookie }, body);
    expect((await send('https://evil.example')).status).toBe(403);
    const signed = await send(origin);
    expect(signed.status).toBe(303);
    // RFC 9113 §8.2.3: cookies may come in several fields.
    const [session = ''] = String(signed.headers['set-cookie']).split(';');
    const overview = await client.ask('/admin', { cookie: ['other=1', session] });
    expect(overview.text).toContain('Sign out');
  });

  test('§8.3.1 a host by its `:authority`, or by `Host` alone', async () => {
    const client = await connected(port, { servername: 'falcot.example' });
    const links = async (headers: object) =>
      (await client.ask('/.well-known/host-meta.json', { ...headers })).text;
    expect(await links({})).toContain('wss://falcot.example:');
    expect(await links({ ':authority': 'localhost' })).toContain('wss://localhost:');
    expect(await links({ host: 'localhost' })).toContain('wss://localhost:');
  });

  test('a file: put, got, in part, and asked about', async () => {
    const juliet = await loggedIn({ port: server.ports.c2s, user: 'juliet', password: PASSWORD });
    const file = Buffer.from('☾'.repeat(400_000));
    const slot = await juliet.ask(
      `<iq type='get' id='s' to='upload.localhost'><request xmlns='urn:xmpp:http:upload:0' filename='a.txt' size='${file.length}' content-type='text/plain'/></iq>`,
    );
    juliet.destroy();
    const pathOf = (name: string) =>
      new URL(new RegExp(`<${name} url="([^"]+)"`).exec(String(slot))?.[1] ?? '').pathname;
    const client = await connected(port);
    const put = (headers: object) =>
      client.ask(pathOf('put'), { ':method': 'PUT', ...headers }, file);
    expect((await put({})).status).toBe(411); // which closes nothing for other requests
    expect((await put({ 'content-length': file.length })).status).toBe(201);
    const path = pathOf('get');
    const all = await client.ask(path);
    expect(all.bytes.equals(file)).toBe(true);
    const part = await client.ask(path, { range: 'bytes=30-59' });
    expect(part).toMatchObject({
      status: 206,
      headers: { 'content-range': `bytes 30-59/${file.length}`, 'content-length': '30' },
      text: '☾'.repeat(10),
    });
    const head = await client.ask(path, { ':method': 'HEAD' });
    expect(head).toMatchObject({ status: 200, headers: { 'content-length': `${file.length}` } });
    expect(head.bytes).toHaveLength(0);
    expect((await client.ask(path, { 'if-none-match': String(all.headers['etag']) })).status).toBe(
      304,
    );
  });

  test('BOSH: two requests at a time in one connection, and who comes by a proxy is known', async () => {
    const client = await connected(port, {
      from: PROXY,
      preface: 'PROXY TCP4 192.0.2.7 192.0.2.1 51000 5281\r\n',
    });
    const bosh = new BoshClient('/http-bind', async (_, init) => {
      const { status, headers, text } = await client.ask(
        '/http-bind',
        { ':method': 'POST' },
        String(init?.body),
      );
      return new Response(text, {
        status,
        headers: { 'content-type': String(headers['content-type']) },
      });
    });
    await bosh.login('juliet', PASSWORD);
    expect(await server.run('sessions.list')).toMatchObject({
      total: 1,
      sessions: [{ remote: '192.0.2.7' }],
    });
    const waiting = bosh.ask();
    const ping = bosh.ask("<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>");
    expect((await waiting).status).toBe(200);
    expect((await ping).text).toContain('type="result" id="p"');
    await bosh.ask('', "type='terminate'");
    await expect.poll(() => server.run('sessions.list')).toMatchObject({ total: 0 });
  });

  test('XEP-0124 what comes is not spent on a request of BOSH that was taken back', async () => {
    const client = await connected(port);
    const begin = (body: string) => {
      const stream = client.begin({ ':path': '/http-bind', ':method': 'POST' }, false);
      stream.end(body);
      return stream;
    };
    const bosh = new BoshClient('/http-bind', async (_, init) => {
      const { status, text } = await answerTo(begin(String(init?.body)));
      return new Response(text, { status });
    });
    await bosh.login('juliet', PASSWORD);
    await bosh.until(/<presence /, "<presence xmlns='jabber:client'/>");
    const held = begin(bosh.text());
    await client.ask('/healthz'); // by then it is held
    held.close(constants.NGHTTP2_CANCEL);
    await client.ask('/healthz'); // by then it is taken back
    const other = await loggedIn({ port: server.ports.c2s, user: 'juliet', password: PASSWORD });
    other.send("<message type='chat' to='juliet@localhost'><body>for you</body></message>");
    await other.ping();
    expect((await bosh.ask()).text).toContain('for you');
    await bosh.ask('', "type='terminate'");
    other.destroy();
    await expect.poll(() => server.run('sessions.list')).toMatchObject({ total: 0 });
  });

  test('a client that breaks off leaves its session as over HTTP/1.1', async () => {
    const client = await connected(port);
    const bosh = new BoshClient('/http-bind', async (_, init) => {
      const { status, text } = await client.ask(
        '/http-bind',
        { ':method': 'POST' },
        String(init?.body),
      );
      return new Response(text, { status });
    });
    await bosh.login('juliet', PASSWORD);
    void bosh.ask();
    client.destroy();
    await expect
      .poll(() => {
        server.clock.jump(400_000);
        return server.run('sessions.list');
      })
      .toMatchObject({ total: 0 });
  });
});

test('§6.8 a connection at which nothing happens is ended in good order', async () => {
  const client = await connected();
  await client.ask('/healthz');
  const { session } = client;
  const goodbye = once(session, 'goaway');
  let isOver = false;
  void once(session, 'close').then(() => (isOver = true));
  await expect
    .poll(() => {
      server.clock.jump(10_001);
      return isOver;
    })
    .toBe(true);
  expect((await goodbye)[0]).toBe(0); // NO_ERROR
});

test('what is under way is answered before the server ends', async () => {
  const own = await startServer();
  const client = await Http2Client.connect({ port: own.ports.https });
  const held = client.begin({ ':path': '/http-bind', ':method': 'POST' }, false);
  const answer = answerTo(held);
  await client.ask('/healthz'); // so the other one has come, too
  const goodbye = once(client.session, 'goaway');
  const stopped = own.stop();
  await within(goodbye, 'GOAWAY');
  held.end('nonsense');
  expect((await answer).text).toContain("condition='bad-request'");
  await stopped;
  client.destroy();
});

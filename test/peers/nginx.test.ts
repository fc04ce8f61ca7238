/** strophe.js in Chromium, by BOSH and by WebSocket, and all that goes by HTTP through Debian's nginx. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BROWSER_ARGS } from '../browser/arguments.ts';
import { loggedIn, within } from '../support/client.ts';
import { freePorts, type Nginx, startNginx } from '../support/nginx.ts';
import { describeWith, findChromium } from '../support/peers.ts';
import { HOST, startServer, type TestServer } from '../support/server.ts';
import { putStrophe, stepOf } from './strophe.ts';

const PASSWORD = 'a secret for tests';
/** Where nginx comes from. */
const PROXY = '127.0.0.2';
/** Where nginx comes from with connections as they are. */
const STREAM_PROXY = '127.0.0.4';
const NS = "xmlns='http://jabber.org/protocol/httpbind'";

describeWith(['chromium', 'nginx', 'nginx-stream'], 'strophe.js and nginx', () => {
  let server: TestServer;
  let nginx: Nginx;
  let port: number;
  let streamPort: number;
  let site: Server;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    [port, streamPort] = await freePorts();
    site = createServer((_, response) => {
      response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>A page</title>');
    }).listen(0, HOST);
    await once(site, 'listening');
    server = await startServer({
      accounts: { 'juliet@localhost': PASSWORD },
      config: {
        proxyProtocol: [STREAM_PROXY],
        http: { trustedProxies: [PROXY], origins: [pageOrigin()] },
      },
      hosts: { localhost: { http: { publicUrl: `https://localhost:${port}` } } },
    });
    const certificates = join(server.folder, 'data/certs/localhost.self-signed');
    nginx = await startNginx({
      ...{ port, behind: server.ports.http, address: PROXY, domain: 'localhost' },
      stream: { port: streamPort, behind: server.ports.c2s, address: STREAM_PROXY },
      ...{ certificate: `${certificates}.pem`, key: `${certificates}.key` },
    });
    browser = await chromium.launch({ executablePath: findChromium() ?? '', args: BROWSER_ARGS });
    page = await browser.newPage({ ignoreHTTPSErrors: true });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    site?.close();
    await nginx?.stop();
    await server?.stop();
  });

  test.each([
    ['BOSH', () => `http://${HOST}:${server.ports.http}/http-bind`],
    ['WebSocket', () => `ws://${HOST}:${server.ports.http}/xmpp-websocket`],
    ['BOSH through nginx', () => `https://localhost:${port}/http-bind`],
    ['WebSocket through nginx', () => `wss://localhost:${port}/xmpp-websocket`],
  ])('strophe.js from a page of another origin, by %s', async (_, service) => {
    await openPage();
    const jid = await step('login', service(), 'juliet@localhost', PASSWORD);
    expect(jid).toMatch(/^juliet@localhost\//);
    expect(await server.run('sessions.list')).toMatchObject({
      sessions: [{ remote: HOST }],
      total: 1,
    });
    const texts = Array.from({ length: 20 }, (_, n) => `message ${n} ☾ <&>`);
    expect(await step('say', texts)).toEqual(texts);
    expect(await step('leave')).toBe(true);
    await expect.poll(() => server.run('sessions.list')).toMatchObject({ total: 0 });
  });

  test('a page of an origin that is not allowed gets in by neither', async () => {
    const other = { headers: { Origin: 'https://evil.example' } };
    const body = `<body rid='1' to='localhost' ver='1.6' ${NS}/>`;
    const direct = `http://${HOST}:${server.ports.http}/http-bind`;
    expect((await fetch(direct, { method: 'POST', body, ...other })).status).toBe(403);
    const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' };
    const words = {
      'Sec-WebSocket-Protocol': 'xmpp',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    const headers = { ...other.headers, ...upgrade, ...words };
    expect((await ask('/xmpp-websocket', { headers })).status).toBe(403);
    expect((await ask('/http-bind', { method: 'POST', ...other }, body)).status).toBe(403);
  });

  test('who comes from elsewhere is seen as himself, whatever he says of himself', async () => {
    const client = { localAddress: '127.0.0.3' };
    const lies = {
      'X-Forwarded-For': '192.0.2.1',
      Forwarded: 'for=192.0.2.1',
      'X-Real-IP': '192.0.2.1',
    };
    let rid = 1;
    let sid = '';
    const send = async (payload: string, attrs = '') => {
      const body = `<body rid='${rid++}' ${sid} ${attrs} ${NS} xmlns:xmpp='urn:xmpp:xbosh'>${payload}</body>`;
      return (await ask('/http-bind', { method: 'POST', headers: lies, ...client }, body)).text;
    };
    const opened = await send('', "to='localhost' ver='1.6' hold='1' wait='60'");
    sid = / sid='[^']+'/.exec(opened)?.[0] ?? '';
    const data = Buffer.from(`\0juliet\0${PASSWORD}`).toString('base64');
    await send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${data}</auth>`);
    await send('', "xmpp:restart='true' to='localhost'");
    await send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
    expect(await server.run('sessions.list')).toMatchObject({
      sessions: [{ remote: client.localAddress }],
    });
    await send('', "type='terminate'");
  });

  test('a client that comes through as he is, by the PROXY protocol', async () => {
    const client = await loggedIn({
      ...{ port: streamPort, user: 'juliet', password: PASSWORD, from: '127.0.0.3' },
    });
    expect(await server.run('sessions.list')).toMatchObject({
      sessions: [{ remote: '127.0.0.3' }],
    });
    client.destroy();
    await expect.poll(() => server.run('sessions.list')).toMatchObject({ total: 0 });
  });

  test('files, the web client and host-meta go through it', async () => {
    const romeo = await loggedIn({ port: server.ports.c2s, user: 'juliet', password: PASSWORD });
    const file = Buffer.from('☾'.repeat(100_000));
    const slot = await romeo.ask(
      `<iq type='get' id='s' to='upload.localhost'><request xmlns='urn:xmpp:http:upload:0' filename='a.txt' size='${file.length}' content-type='text/plain'/></iq>`,
    );
    const urlOf = (name: string) =>
      new URL(new RegExp(`<${name} url="([^"]+)"`).exec(String(slot))?.[1] ?? '');
    expect(urlOf('put').port).toBe(String(port));
    const { pathname } = urlOf('put');
    expect(
      (
        await ask(
          pathname,
          {
            method: 'PUT',
            headers: { 'Content-Length': file.length, 'Content-Type': 'text/plain' },
          },
          file,
        )
      ).status,
    ).toBe(201);
    expect((await ask(urlOf('get').pathname)).text).toBe(file.toString());
    expect((await ask('/chat')).status).toBe(200);
    const { links } = JSON.parse((await ask('/.well-known/host-meta.json')).text);
    expect(links).toEqual([
      { rel: 'urn:xmpp:alt-connections:websocket', href: `wss://localhost:${port}/xmpp-websocket` },
      { rel: 'urn:xmpp:alt-connections:xbosh', href: `https://localhost:${port}/http-bind` },
    ]);
    romeo.destroy();
  });

  test.each([
    ['two lengths', 'Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde'],
    ['a length and chunks', 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a length that is none', 'Content-Length: +4\r\n\r\nabcd'],
    ['chunks of a bad size', 'Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n'],
    ['a space before the colon', 'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n'],
  ])('RFC 9112 §11.2 nothing is smuggled: %s', async (_, rest) => {
    const smuggled = 'GET /chat HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const socket = connect({
      host: HOST,
      port,
      servername: 'localhost',
      rejectUnauthorized: false,
    });
    socket.on('error', () => {});
    let answer = '';
    socket.on('data', (chunk) => (answer += chunk));
    await within(once(socket, 'secureConnect'), 'TLS');
    socket.write(`POST /http-bind HTTP/1.1\r\nHost: localhost\r\n${rest}${smuggled}`);
    await within(new Promise((resolve) => socket.once('close', resolve)), 'the end');
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
    expect(answer.match(/HTTP\/1.1/g)).toHaveLength(1);
  });

  const pageOrigin = () => {
    const address = site.address();
    return `http://${HOST}:${typeof address === 'object' && address !== null ? address.port : 0}`;
  };

  /** A page of another origin, with strophe.js in it. */
  async function openPage(): Promise<void> {
    await page.goto(`${pageOrigin()}/`);
    await putStrophe(page);
  }

  /** Has the page do a step. */
  const step = (name: string, ...words: unknown[]) => stepOf(page, name, ...words);

  /** Asks nginx. */
  const ask = (path: string, options: object = {}, body: string | Buffer = '') =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      const place = { host: HOST, port, path, servername: 'localhost', agent: false };
      const asked = request(
        {
          ...place,
          rejectUnauthorized: false,
          ...options,
          headers: { Host: `localhost:${port}`, ...Reflect.get(options, 'headers') },
        },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (chunk) => parts.push(chunk));
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() }),
          );
        },
      );
      asked.on('error', reject).end(body);
    });
});

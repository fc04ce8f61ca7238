/** Caddy and HAProxy of Debian before a server, as docs/proxies has it; nginx is in nginx.test.ts. */
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { BoshClient } from '../support/bosh.ts';
import { loggedIn, within } from '../support/client.ts';
import { Http2Client } from '../support/http2.ts';
import { freePorts } from '../support/nginx.ts';
import { describeWith } from '../support/peers.ts';
import { type RunningProxy, startCaddy, startHaproxy } from '../support/proxies.ts';
import { HOST, startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a secret for tests';
/** Where HAProxy comes from, and a client. */
const PROXY = '127.0.0.6';
const CLIENT = '127.0.0.3';
/** What a client says of itself, and nobody believes. */
const LIES = {
  'x-forwarded-for': '192.0.2.1',
  'x-forwarded-proto': 'http',
  'x-real-ip': '192.0.2.1',
  forwarded: 'for=192.0.2.1',
};

describeWith(['caddy', 'haproxy'], 'Caddy and HAProxy', () => {
  let server: TestServer;
  let proxies: readonly RunningProxy[] = [];
  let caddy: number;
  let haproxy: number;
  let clients: Http2Client[] = [];

  beforeAll(async () => {
    [caddy, haproxy] = await freePorts();
    server = await startServer({
      accounts: { 'juliet@localhost': PASSWORD },
      config: { edge: {}, proxyProtocol: [PROXY], http: { trustedProxies: [HOST] } },
      hosts: { localhost: { http: { publicUrl: `https://localhost:${caddy}` } } },
    });
    const certificates = join(server.folder, 'data/certs/localhost.self-signed');
    proxies = [
      await startCaddy({
        ...{ port: caddy, behind: server.ports.http },
        ...{ certificate: `${certificates}.pem`, key: `${certificates}.key` },
      }),
      await startHaproxy({ port: haproxy, behind: server.ports.edge, address: PROXY }),
    ];
  }, 60_000);
  afterEach(async () => {
    for (const client of clients) client.destroy();
    clients = [];
    await expect
      .poll(() => {
        server.clock.jump(400_000);
        return server.run('sessions.list');
      })
      .toMatchObject({ total: 0 });
  });
  afterAll(async () => {
    for (const proxy of proxies) await proxy.stop();
    await server?.stop();
  });

  const connect = async (port: number) => {
    const client = await Http2Client.connect({ port, from: CLIENT });
    clients.push(client);
    return client;
  };
  /** Somebody logs in by BOSH, telling lies; he is seen as who he is. */
  const logInByBosh = async (port: number) => {
    const client = await connect(port);
    const bosh = new BoshClient('/http-bind', async (_, init) => {
      const headers = { ':method': 'POST', ...LIES };
      const { status, text } = await client.ask('/http-bind', headers, String(init?.body));
      return new Response(text, { status });
    });
    await bosh.login('juliet', PASSWORD);
    expect(await server.run('sessions.list')).toMatchObject({ sessions: [{ remote: CLIENT }] });
    await bosh.ask('', "type='terminate'");
  };

  test('BOSH through Caddy, by HTTP/2', () => logInByBosh(caddy));

  test('WebSocket through Caddy', async () => {
    const address = `wss://${HOST}:${caddy}/xmpp-websocket`;
    const socket = new WebSocket(address, 'xmpp', {
      ...{ rejectUnauthorized: false, servername: 'localhost', localAddress: CLIENT },
      headers: { ...LIES, Host: `localhost:${caddy}` },
    });
    await within(once(socket, 'open'), 'WebSocket');
    socket.send("<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='localhost' version='1.0'/>");
    const [frame] = await within(once(socket, 'message'), 'an answer');
    expect(String(frame)).toContain('<open ');
    socket.terminate();
  });

  test('files, the web client and host-meta through Caddy', async () => {
    const juliet = await loggedIn({ port: server.ports.c2s, user: 'juliet', password: PASSWORD });
    const file = Buffer.from('☾'.repeat(100_000));
    const slot = await juliet.ask(
      `<iq type='get' id='s' to='upload.localhost'><request xmlns='urn:xmpp:http:upload:0' filename='a.txt' size='${file.length}' content-type='text/plain'/></iq>`,
    );
    juliet.destroy();
    const urlOf = (name: string) =>
      new URL(new RegExp(`<${name} url="([^"]+)"`).exec(String(slot))?.[1] ?? '');
    expect(urlOf('put').port).toBe(String(caddy));
    const client = await connect(caddy);
    const put = await client.ask(
      urlOf('put').pathname,
      { ':method': 'PUT', 'content-length': file.length, 'content-type': 'text/plain' },
      file,
    );
    expect(put.status).toBe(201);
    expect((await client.ask(urlOf('get').pathname)).bytes.equals(file)).toBe(true);
    expect((await client.ask('/chat')).status).toBe(200);
    expect((await client.ask('/.well-known/host-meta.json')).text).toContain(
      `wss://localhost:${caddy}/xmpp-websocket`,
    );
  });

  test.each([
    ['STARTTLS', {}],
    ['TLS that names it', { tls: { ALPNProtocols: ['xmpp-client'] } }],
    ['TLS that names nothing', { tls: {} }],
  ])('a client through HAProxy comes through as he is, by %s', async (_, way) => {
    const juliet = await loggedIn({
      ...{ port: haproxy, user: 'juliet', password: PASSWORD, from: CLIENT },
      ...way,
    });
    expect(await server.run('sessions.list')).toMatchObject({ sessions: [{ remote: CLIENT }] });
    juliet.destroy();
  });

  test('BOSH through HAProxy, by HTTP/2', () => logInByBosh(haproxy));
});

/** The PROXY protocol at each port; the proxy is at 127.0.0.2, everybody else comes without it. */
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loggedIn, within } from '../support/client.ts';
import { HOST, type PortName, startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a secret for tests';
const PROXY = '127.0.0.2';
const V1 = 'PROXY TCP4 192.0.2.7 192.0.2.1 51000 5222\r\n';
const V2 = Buffer.from(
  `0d0a0d0a000d0a515549540a21210024${'20010db8000000000000000000000007'.repeat(2)}dc041466`,
  'hex',
);

let server: TestServer;
beforeAll(async () => {
  server = await startServer({
    accounts: { 'juliet@localhost': PASSWORD },
    config: { edge: {}, proxyProtocol: [PROXY] },
    hosts: {
      localhost: {
        components: { 'game.localhost': { type: 'external', secret: 'a component secret' } },
      },
    },
  });
});
afterAll(() => server.stop());

const signIn = (port: PortName, tls?: object, preface: string | Buffer = V1, from = PROXY) =>
  loggedIn({
    ...{ port: server.ports[port], user: 'juliet', password: PASSWORD, from, preface },
    ...(tls === undefined ? {} : { tls }),
  });

/** A connection of the proxy. */
async function proxied(port: PortName, text: string | Buffer): Promise<Socket> {
  const socket = connectTcp({ host: HOST, port: server.ports[port], localAddress: PROXY });
  socket.on('error', () => {}); // a reset is an end, too
  await within(once(socket, 'connect'), 'connecting');
  socket.write(text);
  return socket;
}
/** What comes first. */
const first = async (socket: Socket) => String((await within(once(socket, 'data'), 'data'))[0]);
/** All that comes until the other side closes. */
async function rest(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => (text += chunk));
  socket.on('error', () => {});
  await within(new Promise((resolve) => socket.once('close', resolve)), 'the end');
  return text;
}

describe('who is behind the proxy is known', () => {
  test.each([
    ['c2s', 'c2s', undefined, V1, '192.0.2.7'],
    ['c2s, version 2', 'c2s', undefined, V2, '2001:db8::7'],
    ['c2s by TLS', 'c2sTls', {}, V1, '192.0.2.7'],
    ['the edge, by STARTTLS', 'edge', undefined, V1, '192.0.2.7'],
    ['the edge, by TLS', 'edge', { ALPNProtocols: ['xmpp-client'] }, V2, '2001:db8::7'],
    ['the edge, by TLS that names nothing', 'edge', {}, V1, '192.0.2.7'],
  ] as const)('at %s', async (_, port, tls, preface, address) => {
    const client = await signIn(port, tls, preface);
    await client.ping();
    expect(await server.run('sessions.list', { search: address })).toMatchObject({ total: 1 });
    client.destroy();
    await expect.poll(() => server.run('sessions.list')).toMatchObject({ total: 0 });
  });

  test('at the ports of other servers and of components', async () => {
    const header = (ns: string, to: string) =>
      `<stream:stream xmlns='${ns}' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='${to}'>`;
    const s2s = await proxied('s2s', V1 + header('jabber:server', 'localhost'));
    expect(await first(s2s)).toContain('<stream:stream ');
    const component = await proxied(
      'component',
      V1 + header('jabber:component:accept', 'game.localhost'),
    );
    expect(await first(component)).toContain("from='game.localhost'");
    s2s.destroy();
    component.destroy();
  });

  test('at HTTP: one who is not of this machine may not come in clear', async () => {
    const request = `OPTIONS /http-bind HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`;
    const body = "<body rid='1' xmlns='http://jabber.org/protocol/httpbind'/>";
    const post = `POST /http-bind HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    expect(await rest(await proxied('http', V1 + request))).toMatch(/^HTTP\/1.1 204 /);
    expect(await rest(await proxied('http', V1 + post))).toMatch(/^HTTP\/1.1 403 /);
    const local = V1.replace('192.0.2.7', '127.0.0.1');
    expect(await rest(await proxied('http', local + post))).toMatch(
      /^HTTP\/1.1 200 [\s\S]*improper-/,
    );
  });

  test.each(['https', 'edge'] as const)('at HTTPS: %s', async (port) => {
    const under = await proxied(port, V2);
    const over = connect({
      ...{ socket: under, servername: 'localhost', rejectUnauthorized: false },
      ALPNProtocols: ['http/1.1'],
    });
    await within(once(over, 'secureConnect'), 'TLS');
    over.write(
      'GET /.well-known/host-meta HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    );
    expect(await rest(over)).toMatch(/^HTTP\/1.1 200 /);
  });
});

describe('what is wrong is refused', () => {
  const PORTS = ['c2s', 'c2sTls', 's2s', 's2sTls', 'component', 'http', 'https', 'edge'] as const;

  test.each(PORTS)('a proxy without a header, at %s', async (port) => {
    const sent = ["<?xml version='1.0'?><stream:stream ", 'GET / HTTP/1.1\r\n\r\n', '\x16\x03\x01'];
    for (const text of [...sent, 'PROXY TCP4 elsewhere here 1 2\r\n'])
      expect(await rest(await proxied(port, text))).toBe('');
  });

  test('a header that does not come to its end', async () => {
    const socket = await proxied('c2s', V1.slice(0, 20));
    const ended = rest(socket);
    await expect
      .poll(() => {
        server.clock.jump(6000);
        return socket.destroyed;
      })
      .toBe(true);
    expect(await ended).toBe('');
  });

  test('a header of somebody who is no proxy', async () => {
    const socket = connectTcp({ host: HOST, port: server.ports.c2s });
    socket.write(V1);
    expect(await rest(socket)).toMatch(/<stream:error>/);
    const client = await signIn('c2s', undefined, '', HOST);
    expect(await server.run('sessions.list', { search: HOST })).toMatchObject({ total: 1 });
    client.destroy();
  });
});

/** HTTPS: each host's certificate, and what is served there. */
import { once } from 'node:events';
import { request } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { within } from '../support/client.ts';
import { HOST, startServer, type TestServer } from '../support/server.ts';

const FRAMING = "xmlns='urn:ietf:params:xml:ns:xmpp-framing'";
const PROXIED = 'https://chat.falcot.example/x/';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({
    hosts: { localhost: {}, 'falcot.example': { http: { publicUrl: PROXIED } } },
  });
});
afterAll(() => server.stop());

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Asks a host over HTTPS. */
const ask = (path: string, host = 'localhost') =>
  new Promise<Answer>((resolve, reject) => {
    const options = { host: HOST, port: server.ports.https, path, rejectUnauthorized: false };
    request({ ...options, servername: host, headers: { host }, agent: false }, (response) => {
      let text = '';
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
    })
      .on('error', reject)
      .end();
  });

/** A TLS connection; the name that it asks for is optional. */
async function secured(servername?: string, alpn: string[] = []): Promise<TLSSocket> {
  const socket = connect({
    host: HOST,
    port: server.ports.https,
    rejectUnauthorized: false,
    ...(servername === undefined ? {} : { servername }),
    ...(alpn.length === 0 ? {} : { ALPNProtocols: alpn }),
  });
  await within(once(socket, 'secureConnect'), 'TLS');
  return socket;
}
const certificateFor = async (servername?: string) => {
  const socket = await secured(servername);
  const { subject, fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return { name: String(subject.CN), fingerprint256 };
};

describe('certificates', () => {
  test('each host has its own, chosen by the name that is asked for', async () => {
    expect((await certificateFor('localhost')).name).toBe('localhost');
    expect((await certificateFor('falcot.example')).name).toBe('falcot.example');
    expect((await certificateFor('conference.falcot.example')).name).toBe('falcot.example');
    expect(['localhost', 'falcot.example']).toContain((await certificateFor()).name);
  });

  test('one that was replaced is not given again, named or not', async () => {
    const { name: first } = await certificateFor();
    const before = await certificateFor(first);
    await server.run('certificates.generate', { domain: first });
    const after = await certificateFor(first);
    expect(after.fingerprint256).not.toBe(before.fingerprint256);
    expect((await certificateFor()).fingerprint256).toBe(after.fingerprint256);
  });
});

describe('what is spoken', () => {
  test.each([
    [['http/1.1'], 'http/1.1'],
    [['h2', 'http/1.1'], 'h2'],
    [['http/1.1', 'h2'], 'h2'],
    [[], false],
  ])('of %j: %s', async (offered, agreed) => {
    const socket = await secured('localhost', offered);
    expect(socket.alpnProtocol).toBe(agreed);
    socket.destroy();
  });

  test('to who knows something else only, nothing', async () => {
    await expect(secured('localhost', ['spdy/3'])).rejects.toThrow();
  });

  test('who speaks no TLS is let go, and nobody else minds', async () => {
    const socket = connectTcp(server.ports.https, HOST);
    socket.on('error', () => {});
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    socket.resume();
    await within(once(socket, 'close'), 'the end');
    expect((await ask('/healthz')).status).toBe(200);
  });

  test('who never ends the handshake is let go', async () => {
    const socket = connectTcp(server.ports.https, HOST);
    socket.on('error', () => {});
    await once(socket, 'connect');
    const end = once(socket, 'close');
    socket.resume();
    await expect
      .poll(() => {
        server.clock.jump(20_000);
        return socket.destroyed || socket.readableEnded;
      })
      .toBe(true);
    await within(end, 'the end');
  });
});

describe('what is served', () => {
  test('RFC 6797 §6.1 over TLS, and only there, browsers are told to come so again', async () => {
    for (const path of ['/healthz', '/nothing'])
      expect((await ask(path)).headers['strict-transport-security']).toBe('max-age=15552000');
    const clear = await fetch(`http://${HOST}:${server.ports.http}/healthz`); // RFC 6797 §7.2
    expect(clear.headers.has('strict-transport-security')).toBe(false);
  });

  test('the console, with cookies that only TLS carries', async () => {
    const page = await ask('/admin/sign-in');
    expect(page.text).toContain('Sign in');
    expect(String(page.headers['set-cookie'])).toMatch(/^__Host-rtcd-form=.*Secure/);
  });

  test('XMPP over WebSocket (RFC 7395)', async () => {
    const address = `wss://${HOST}:${server.ports.https}/xmpp-websocket`;
    const socket = new WebSocket(address, 'xmpp', {
      rejectUnauthorized: false,
    });
    await within(once(socket, 'open'), 'opening');
    const heard = once(socket, 'message');
    socket.send(`<open ${FRAMING} to='falcot.example' version='1.0'/>`);
    expect(String((await within(heard, 'an answer'))[0])).toContain("from='falcot.example'");
    socket.terminate();
  });
});

describe('XEP-0156', () => {
  const LINK = 'urn:xmpp:alt-connections:websocket';
  const BOSH = 'urn:xmpp:alt-connections:xbosh';

  test('§2.3 host-meta names WebSocket and BOSH at the port that is open, to all origins', async () => {
    const { headers, text } = await ask('/.well-known/host-meta');
    expect(text).toBe(
      `<?xml version='1.0' encoding='utf-8'?>\n<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0"><Link rel="${LINK}" href="wss://localhost:${server.ports.https}/xmpp-websocket"/><Link rel="${BOSH}" href="https://localhost:${server.ports.https}/http-bind"/></XRD>\n`,
    );
    expect(headers['content-type']).toBe('application/xrd+xml');
    expect(headers['access-control-allow-origin']).toBe('*');
    expect((await ask('/healthz')).headers['access-control-allow-origin']).toBeUndefined(); // §3
  });

  test('§2.3 host-meta.json, at the public address of each host', async () => {
    const { headers, text } = await ask('/.well-known/host-meta.json', 'falcot.example');
    expect(JSON.parse(text)).toEqual({
      links: [
        { rel: LINK, href: 'wss://chat.falcot.example/x/xmpp-websocket' },
        { rel: BOSH, href: 'https://chat.falcot.example/x/http-bind' },
      ],
    });
    expect(headers['content-type']).toBe('application/json');
    expect(headers['access-control-allow-origin']).toBe('*');
  });

  test.each(['elsewhere.example', 'not a host', '127.0.0.1'])('nothing for %s', async (host) => {
    for (const end of ['', '.json']) {
      const at = `http://${HOST}:${server.ports.http}/.well-known/host-meta${end}`;
      expect((await fetch(at, { headers: { host } })).status).toBe(404);
    }
  });
});

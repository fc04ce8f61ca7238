/** RFC 6120 over real sockets: headers, TLS, login, binding, closing. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { auth, Client, loggedIn, textIn } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a secret for tests';

describe('streams', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({
      hosts: { localhost: {}, 'guest.example': { anonymous: true }, 'other.example': {} },
      accounts: {
        'juliet@localhost': PASSWORD,
        'romeo@localhost': PASSWORD,
        'locked@localhost': PASSWORD,
      },
    });
    await server.run('accounts.lock', { jid: 'locked@localhost' });
  });
  afterAll(() => server.stop());

  const clear = (to?: string) =>
    Client.connect({ port: server.ports.c2s, ...(to === undefined ? {} : { to }) });
  const secured = async (options: { to?: string; tls?: object } = {}) => {
    const client = await Client.connect({
      port: server.ports.c2sTls,
      tls: { servername: options.to ?? 'localhost', ...options.tls },
      ...(options.to === undefined ? {} : { to: options.to }),
    });
    return { client, ...(await client.open()) };
  };
  const juliet = (resource?: string) =>
    loggedIn({
      port: server.ports.c2s,
      user: 'juliet',
      password: PASSWORD,
      ...(resource === undefined ? {} : { resource }),
    });
  const mechanismsIn = (features: { children: unknown[] } & object) => {
    const [, offered = ''] = /<mechanisms .*?>(.*)<\/mechanisms>/.exec(String(features)) ?? [];
    return [...offered.matchAll(/<mechanism>([^<]+)/g)].map((match) => match[1]);
  };

  describe('§4.7 headers', () => {
    test('§4.7 from, id, version, language; to echoes the client', async () => {
      const client = await clear();
      const { header } = await client.open("from='juliet@localhost' xml:lang='de'");
      expect(header.attrs).toMatchObject({
        from: 'localhost',
        to: 'juliet@localhost',
        version: '1.0',
        'xml:lang': 'en',
      });
      expect(header.attrs.id).toMatch(/^[\w-]{16,}$/);
      client.destroy();
    });

    test('§4.3.2 in clear there is STARTTLS, required, and nothing else', async () => {
      const client = await clear();
      const { features } = await client.open();
      expect(String(features)).toContain('<required/>');
      expect(mechanismsIn(features)).toEqual([]);
      client.destroy();
    });

    test('§4.4 a stream that the client closes is closed by the server', async () => {
      const client = await juliet();
      client.send('</stream:stream>');
      expect(await client.rest()).toEqual([]);
      await client.closed();
      expect(client.text).toMatch(/<\/stream:stream>$/);
    });
  });

  describe('§5, XEP-0368: TLS', () => {
    test('direct TLS with ALPN xmpp-client', async () => {
      const { client } = await secured({ tls: { ALPNProtocols: ['xmpp-client'] } });
      expect(client.tls.alpnProtocol).toBe('xmpp-client');
      client.destroy();
    });

    test('direct TLS with another protocol only is refused', async () => {
      const tls = { ALPNProtocols: ['h2'] };
      await expect(secured({ tls })).rejects.toThrow();
    });

    test('the certificate is that of the server name', async () => {
      const { client } = await secured({ to: 'other.example' });
      expect(client.tls.getPeerCertificate().subjectaltname).toContain('other.example');
      client.destroy();
    });

    test("without a server name, STARTTLS takes the certificate of the stream's host", async () => {
      const client = await clear('other.example');
      await client.open();
      await client.startTls({ servername: '' });
      expect(client.tls.getPeerCertificate().subjectaltname).toContain('other.example');
      client.destroy();
    });

    test.each(['TLSv1.2', 'TLSv1.3'] as const)(
      '%s sessions are resumed by ticket',
      async (version) => {
        const tls = { minVersion: version, maxVersion: version };
        const first = await secured({ tls });
        const ticket = first.client.tls.getSession() ?? Buffer.alloc(0);
        const session =
          version === 'TLSv1.3'
            ? await new Promise<Buffer>((resolve) => {
                first.client.tls.once('session', resolve);
                first.client.send(' ');
                if (first.client.tls.getSession() !== undefined)
                  resolve(first.client.tls.getSession() ?? ticket);
              })
            : ticket;
        first.client.destroy();
        const second = await secured({ tls: { ...tls, session } });
        expect(second.client.tls.isSessionReused()).toBe(true);
        // A resumed session authenticates too: its channel binding is another one (RFC 5929 §3.1).
        const answer = await second.client.plain('juliet', PASSWORD);
        expect(answer.name).toBe('success');
        second.client.destroy();
      },
    );
  });

  describe('§6 SASL', () => {
    test('mechanisms, the preferred one first, and XEP-0440', async () => {
      const { client, features } = await secured();
      expect(mechanismsIn(features)).toEqual([
        'SCRAM-SHA-512-PLUS',
        'SCRAM-SHA-256-PLUS',
        'SCRAM-SHA-1-PLUS',
        'SCRAM-SHA-512',
        'SCRAM-SHA-256',
        'SCRAM-SHA-1',
        'PLAIN',
      ]);
      expect(String(features)).toMatch(/<channel-binding type="tls-exporter"\/>/);
      expect(String(features)).toMatch(/<channel-binding type="tls-server-end-point"\/>/);
      client.destroy();
    });

    test.each(['SCRAM-SHA-1', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])('%s', async (mechanism) => {
      const { client } = await secured();
      expect((await client.scram(mechanism, 'juliet', PASSWORD)).name).toBe('success');
      await client.open();
      expect(textIn(await client.bind('hall'))).toBe('juliet@localhost/hall');
      client.destroy();
    });

    const exporter = (client: Client) =>
      client.tls.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
    const bindings = [
      ['TLSv1.3', 'tls-exporter', exporter],
      ['TLSv1.3', 'tls-unique', (client: Client) => client.tls.getFinished() ?? Buffer.alloc(0)],
      ['TLSv1.2', 'tls-unique', (client: Client) => client.tls.getFinished() ?? Buffer.alloc(0)],
    ] as const;
    test.each(bindings)('SCRAM-SHA-256-PLUS, %s, %s', async (version, type, dataOf) => {
      const { client } = await secured({ tls: { minVersion: version, maxVersion: version } });
      const channel = { type, data: dataOf(client) };
      const answer = await client.scram('SCRAM-SHA-256-PLUS', 'juliet', PASSWORD, channel);
      expect(answer.name).toBe('success');
      client.destroy();
    });

    test('RFC 5802 §6 a channel binding of another connection is refused', async () => {
      const { client } = await secured();
      const channel = { type: 'tls-exporter', data: Buffer.alloc(32) };
      const answer = await client.scram('SCRAM-SHA-256-PLUS', 'juliet', PASSWORD, channel);
      expect(String(answer)).toContain('not-authorized');
      client.destroy();
    });

    test('a wrong password and an unknown user cannot be told apart', async () => {
      const answers: string[] = [];
      for (const user of ['juliet', 'nobody']) {
        const { client } = await secured();
        answers.push(String(await client.plain(user, 'wrong')));
        answers.push(String(await client.scram('SCRAM-SHA-1', user, 'wrong')));
        client.destroy();
      }
      expect(answers.slice(0, 2)).toEqual(answers.slice(2));
    });

    test('§6.5.2 a locked account is told so after the right password only', async () => {
      const { client } = await secured();
      expect(String(await client.plain('locked', 'wrong'))).toContain('not-authorized');
      expect(String(await client.plain('locked', PASSWORD))).toContain('account-disabled');
      client.destroy();
    });

    test('RFC 4505 a guest, where the host lets guests in, and nowhere else', async () => {
      const { client, features } = await secured({ to: 'guest.example' });
      expect(mechanismsIn(features)).toContain('ANONYMOUS');
      client.send(auth('ANONYMOUS', ''));
      expect((await client.next()).name).toBe('success');
      await client.open();
      expect(textIn(await client.bind())).toMatch(/^[\w-]+@guest\.example\/.+/);
      client.destroy();
      const { client: other } = await secured();
      other.send(auth('ANONYMOUS', ''));
      expect(String(await other.next())).toContain('invalid-mechanism');
      other.destroy();
    });
  });

  describe('§7 binding', () => {
    test('§7.6 the server makes a resource up', async () => {
      const client = await juliet();
      client.destroy();
      expect(client.text).toMatch(/<jid>juliet@localhost\/[\w-]{16}<\/jid>/);
    });

    test('§7.7.2.2 a resource that is taken: the older session ends with a conflict', async () => {
      const first = await juliet('balcony');
      const second = await juliet('balcony');
      const [error] = await first.rest();
      expect(String(error)).toContain('<conflict ');
      await first.closed();
      second.send("<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
      expect((await second.next()).attrs).toMatchObject({ type: 'result', id: 'p' });
      second.destroy();
    });

    test('RFC 3921 §3 the old session element is optional and works', async () => {
      const client = await juliet();
      const session = "<session xmlns='urn:ietf:params:xml:ns:xmpp-session'/>";
      client.send(`<iq type='set' id='s' to='localhost'>${session}</iq>`);
      expect((await client.next()).attrs).toMatchObject({ type: 'result', id: 's' });
      client.destroy();
    });
  });

  describe('messages', () => {
    test('reach the other one, with a stamped from, in order', async () => {
      const one = await juliet('hall');
      const two = await loggedIn({
        port: server.ports.c2sTls,
        tls: { servername: 'localhost' },
        user: 'romeo',
        password: PASSWORD,
        resource: 'street',
      });
      const many = 1000;
      const texts = Array.from({ length: many }, (_, index) => String(index));
      one.send(
        texts
          .map((text) => `<message to='romeo@localhost/street'><body>${text}</body></message>`)
          .join(''),
      );
      for (const text of texts) {
        const message = await two.next();
        expect(message.attrs.from).toBe('juliet@localhost/hall');
        expect(textIn(message)).toBe(text);
      }
      one.destroy();
      two.destroy();
    });

    test('for who is away wait, and survive a goodbye right behind them', async () => {
      const one = await juliet();
      one.send(
        "<message to='locked@localhost' type='chat'><body>later</body></message></stream:stream>",
      );
      await one.closed();
      await server.run('accounts.unlock', { jid: 'locked@localhost' });
      const two = await loggedIn({ port: server.ports.c2s, user: 'locked', password: PASSWORD });
      two.send('<presence/>');
      let message = await two.next();
      while (message.name !== 'message') message = await two.next();
      expect(textIn(message)).toContain('later');
      expect(String(message)).toContain('urn:xmpp:delay');
      two.destroy();
      await server.run('accounts.lock', { jid: 'locked@localhost' });
    });
  });
});

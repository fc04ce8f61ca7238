/** rtcd servers with domains of their own, which talk with each other over real sockets. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, describe, expect, test } from 'vitest';
import type { Domain } from '../../src/jid/jid.ts';
import { domain } from '../certs/support.ts';
import { sendsOnTo, startFake } from '../s2s/fake-server.ts';
import type { Client } from '../support/client.ts';
import { connectedComponent } from '../support/component.ts';
import type { TestServer } from '../support/server.ts';
import {
  bodyOf,
  type Federation,
  type MemberOptions,
  startFederation,
} from '../support/several-servers.ts';

let open: Federation | undefined;
afterEach(async () => {
  await open?.stop();
  open = undefined;
});

const A = domain('a.example');
const B = domain('b.example');

/** A federation of a.example with romeo, and b.example with juliet; both are logged in. */
async function couple(
  first: Partial<MemberOptions> = {},
  second: Partial<MemberOptions> = first,
): Promise<{
  federation: Federation;
  a: TestServer;
  b: TestServer;
  romeo: Client;
  juliet: Client;
}> {
  const federation = await startFederation();
  open = federation;
  const a = await federation.join({ hosts: { [A]: {} }, accounts: ['romeo'], ...first });
  const b = await federation.join({ hosts: { [B]: {} }, accounts: ['juliet'], ...second });
  const romeo = await available(federation, a, 'romeo@a.example');
  const juliet = await available(federation, b, 'juliet@b.example');
  return { federation, a, b, romeo, juliet };
}

async function available(federation: Federation, server: TestServer, jid: string) {
  const client = await federation.enter(server, jid);
  client.send('<presence/>');
  await client.seek(({ name }) => name === 'presence');
  return client;
}

function say(client: Client, to: string, body: string): void {
  client.send(`<message to='${to}' type='chat' id='${body}'><body>${body}</body></message>`);
}

const message = (client: Client) => client.seek(({ name }) => name === 'message');

/** The condition and the text of the error that comes back. */
async function bounce(client: Client): Promise<{ condition: string; text: string }> {
  const element = await client.seek(({ attrs }) => attrs.type === 'error');
  const error = element.children.find((each) => typeof each !== 'string' && each.name === 'error');
  if (error === undefined || typeof error === 'string') return expect.fail(`${element}`);
  const parts = error.children.flatMap((each) => (typeof each === 'string' ? [] : [each]));
  return {
    condition: parts.find(({ name }) => name !== 'text')?.name ?? '',
    text: parts.find(({ name }) => name === 'text')?.children.join('') ?? '',
  };
}

/** What a server's links with a domain are like. */
const links = (server: TestServer, other: Domain) =>
  server.federation.side
    .list(other)
    .map(({ direction, authenticatedBy, protocol, state }) => ({
      direction,
      authenticatedBy,
      protocol,
      state,
    }))
    .sort((one, other) => one.direction.localeCompare(other.direction));

/** Whether nothing is on its way from a server to another. */
const isQuiet = (server: TestServer) =>
  server.federation.side
    .list()
    .every(({ queued, unacknowledged }) => queued + unacknowledged === 0);

const up = (direction: string, authenticatedBy: string) => ({
  direction,
  authenticatedBy,
  protocol: 'TLSv1.3',
  state: 'up',
});

/** A message there, and one back. */
async function converse(romeo: Client, juliet: Client): Promise<void> {
  say(romeo, 'juliet@b.example', 'Shall I?');
  const heard = await message(juliet);
  expect(bodyOf(heard)).toBe('Shall I?');
  say(juliet, heard.attrs.from ?? '', 'Do!');
  expect(bodyOf(await message(romeo))).toBe('Do!');
}

describe('two servers', () => {
  test('XEP-0178 §3: by STARTTLS and EXTERNAL, a stream for each direction', async () => {
    const { a, b, romeo, juliet } = await couple({ s2s: { bidi: false } });
    await converse(romeo, juliet);
    expect(links(a, B)).toEqual([up('in', 'external'), up('out', 'external')]);
    expect(links(b, A)).toEqual([up('in', 'external'), up('out', 'external')]);
  });

  test('XEP-0288: both directions on one stream', async () => {
    const { a, b, romeo, juliet } = await couple();
    await converse(romeo, juliet);
    expect(links(a, B)).toEqual([up('both', 'external')]);
    expect(links(b, A)).toEqual([up('both', 'external')]);
  });

  test('XEP-0220: by dialback where certificates are self-signed', async () => {
    const options = { certificate: 'self-signed', s2s: { bidi: false } } as const;
    const { a, b, romeo, juliet } = await couple(options);
    await converse(romeo, juliet);
    expect(links(a, B)).toEqual([up('in', 'dialback'), up('out', 'dialback')]);
    expect(links(b, A)).toEqual([up('in', 'dialback'), up('out', 'dialback')]);
  });

  test('XEP-0288: both directions on one stream, by dialback', async () => {
    const { a, b, romeo, juliet } = await couple({ certificate: 'self-signed' });
    await converse(romeo, juliet);
    expect(links(a, B)).toEqual([up('both', 'dialback')]);
    expect(links(b, A)).toEqual([up('both', 'dialback')]);
  });

  test.each(['trusted', 'self-signed'] as const)(
    'XEP-0368: by TLS from the first byte, with certificates that are %s',
    async (certificate) => {
      const { a, romeo, juliet } = await couple({ certificate, found: 'direct' });
      await converse(romeo, juliet);
      const proof = certificate === 'trusted' ? 'external' : 'dialback';
      expect(links(a, B)).toEqual([up('both', proof)]);
    },
  );

  test('one with a certificate, one without', async () => {
    const { a, romeo, juliet } = await couple(
      { s2s: { bidi: false } },
      { certificate: 'self-signed', s2s: { bidi: false } },
    );
    await converse(romeo, juliet);
    expect(links(a, B)).toEqual([up('in', 'dialback'), up('out', 'external')]);
  });

  test('a certificate that is for servers only proves who connects, unless the config minds', async () => {
    const certificate = { usages: ['serverAuth'] } as const;
    const { a, romeo, juliet } = await couple({ certificate });
    await converse(romeo, juliet);
    expect(links(a, B)).toEqual([up('both', 'external')]);
    await open?.stop();
    const strict = { certificate, s2s: { acceptServerUsage: false, bidi: false } };
    const other = await couple(strict);
    await converse(other.romeo, other.juliet);
    expect(links(other.a, B)).toEqual([up('in', 'dialback'), up('out', 'dialback')]);
  });

  test('messages come in order, however many there are', async () => {
    const { romeo, juliet } = await couple();
    const count = 500;
    for (let index = 0; index < count; index += 1) say(romeo, 'juliet@b.example', `${index}`);
    for (let index = 0; index < count; index += 1)
      expect(bodyOf(await message(juliet))).toBe(`${index}`);
  });

  test.each(['trusted', 'self-signed'] as const)(
    'both begin at the same moment, with certificates that are %s',
    async (certificate) => {
      const { romeo, juliet } = await couple({ certificate });
      for (const body of ['one', 'two', 'three']) {
        say(romeo, 'juliet@b.example', body);
        say(juliet, 'romeo@a.example', body);
      }
      for (const body of ['one', 'two', 'three']) {
        expect(bodyOf(await message(juliet))).toBe(body);
        expect(bodyOf(await message(romeo))).toBe(body);
      }
      await converse(romeo, juliet);
    },
  );

  test('RFC 6121 §3: subscriptions and presence', async () => {
    const { romeo, juliet } = await couple();
    for (const client of [romeo, juliet])
      await client.ask("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>");
    romeo.send("<presence to='juliet@b.example' type='subscribe'/>");
    await juliet.seek(({ attrs }) => attrs.type === 'subscribe');
    juliet.send("<presence to='romeo@a.example' type='subscribed'/>");
    await romeo.seek(({ attrs }) => attrs.type === 'subscribed');
    const seen = await romeo.seek(
      ({ name, attrs }) => name === 'presence' && attrs.type === undefined,
    );
    expect(seen.attrs.from).toMatch(/^juliet@b\.example\//);
    juliet.send('</stream:stream>');
    const gone = await romeo.seek(({ attrs }) => attrs.type === 'unavailable');
    expect(gone.attrs.from).toBe(seen.attrs.from);
  });

  test('a request to the other server is answered', async () => {
    const { romeo } = await couple();
    romeo.send("<iq type='get' id='p' to='b.example'><ping xmlns='urn:xmpp:ping'/></iq>");
    const answer = await romeo.seek(({ attrs }) => attrs.id === 'p');
    expect(answer.attrs).toMatchObject({ type: 'result', from: 'b.example' });
  });

  test('RFC 6120 §4.4: who is idle closes politely, and comes again when needed', async () => {
    const { a, b, romeo, juliet } = await couple({ s2s: { idleTimeout: '20s' } });
    await converse(romeo, juliet);
    await until(() => isQuiet(a) && isQuiet(b)); // what is asked for now would not be answered in time
    a.clock.jump(30_000);
    await until(() => links(a, B).length === 0 && links(b, A).length === 0);
    await converse(romeo, juliet);
  });

  test('a server that ends says so to the other, which comes again', async () => {
    const { federation, a, b, romeo, juliet } = await couple();
    await converse(romeo, juliet);
    expect(a.federation.side.closeDomain(B)).toBe(1);
    await until(() => links(b, A).length === 0);
    await converse(romeo, juliet);
    expect(federation.dns.questions.length).toBeGreaterThan(0);
  });
});

describe('RFC 7673: DNS says, validated, which certificate is right', () => {
  async function withTlsa(right: boolean) {
    const federation = await startFederation({ isAuthentic: true });
    open = federation;
    const a = await federation.join({
      hosts: { [A]: {} },
      accounts: ['romeo'],
      s2s: { secureAuth: right },
    });
    const certificate = 'self-signed';
    const b = await federation.join({ hosts: { [B]: {} }, accounts: ['juliet'], certificate });
    const listed = await b.run('certificates.list');
    const [{ publicKeySha256 }] = (listed as { certificates: [{ publicKeySha256: string }] })
      .certificates;
    const hash = right
      ? publicKeySha256
      : publicKeySha256.replace(/^../, (first) => (first === '00' ? 'ff' : '00'));
    federation.record({ [`_${b.ports.s2s}._tcp.xmpp2.test.example`]: { TLSA: [`3 1 1 ${hash}`] } });
    const romeo = await available(federation, a, 'romeo@a.example');
    const juliet = await available(federation, b, 'juliet@b.example');
    return { a, romeo, juliet };
  }

  test('a self-signed one does where certificates are demanded', async () => {
    const { a, romeo, juliet } = await withTlsa(true);
    say(romeo, 'juliet@b.example', 'hello');
    expect(bodyOf(await message(juliet))).toBe('hello');
    expect(a.federation.side.list(B)).toMatchObject([{ certificate: 'dane' }]);
  });

  test('another one does not, though none is demanded', async () => {
    const { romeo } = await withTlsa(false);
    say(romeo, 'juliet@b.example', 'hello');
    expect(await bounce(romeo)).toMatchObject({ text: expect.stringMatching(/TLSA/) });
  });
});

describe('several domains on one server', () => {
  test('talk with each other without a network', async () => {
    const federation = await startFederation();
    open = federation;
    const hosts = { 'a.example': {}, 'b.example': {} };
    const server = await federation.join({ hosts, accounts: ['romeo', 'juliet'], found: 'none' });
    const romeo = await available(federation, server, 'romeo@a.example');
    const juliet = await available(federation, server, 'juliet@b.example');
    await converse(romeo, juliet);
    expect(server.federation.side.list()).toEqual([]);
    expect(federation.dns.questions).toEqual([]);
  });

  test('XEP-0220 §2.6.1: two of ours share a stream to one of theirs', async () => {
    const certificate = 'self-signed';
    const { federation, a, juliet } = await couple(
      { certificate, hosts: { [A]: {}, 'a2.example': {} } },
      { certificate },
    );
    const romeo = await available(federation, a, 'romeo@a.example');
    const other = await available(federation, a, 'romeo@a2.example');
    say(romeo, 'juliet@b.example', 'one');
    expect(bodyOf(await message(juliet))).toBe('one');
    say(other, 'juliet@b.example', 'two');
    const heard = await message(juliet);
    expect(heard.attrs.from).toMatch(/^romeo@a2\.example\//);
    say(juliet, heard.attrs.from ?? '', 'back');
    expect(bodyOf(await message(other))).toBe('back');
    const ids = a.federation.side.list(B).map(({ id }) => id);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });

  test('XEP-0220 §2.6.2: one of ours reaches two of theirs by one stream', async () => {
    const certificate = 'self-signed';
    const { federation, a, b, romeo, juliet } = await couple(
      { certificate },
      { certificate, hosts: { [B]: {}, 'b2.example': {} } },
    );
    const other = await available(federation, b, 'juliet@b2.example');
    say(romeo, 'juliet@b.example', 'one');
    expect(bodyOf(await message(juliet))).toBe('one');
    say(romeo, 'juliet@b2.example', 'two');
    expect(bodyOf(await message(other))).toBe('two');
    const ids = a.federation.side.list().map(({ id }) => id);
    expect(new Set(ids).size).toBe(1);
  });

  test('who proved himself by EXTERNAL has a stream of his own', async () => {
    const { federation, a, juliet } = await couple({ hosts: { [A]: {}, 'a2.example': {} } }, {});
    const romeo = await available(federation, a, 'romeo@a.example');
    const other = await available(federation, a, 'romeo@a2.example');
    say(romeo, 'juliet@b.example', 'one');
    expect(bodyOf(await message(juliet))).toBe('one');
    say(other, 'juliet@b.example', 'two');
    expect(bodyOf(await message(juliet))).toBe('two');
    const proofs = a.federation.side.list(B).map(({ authenticatedBy }) => authenticatedBy);
    expect(proofs).toEqual(['external', 'external']);
  });
});

describe('a component', () => {
  test.each(['trusted', 'self-signed'] as const)(
    'is reached from another server, and writes to it; certificates: %s',
    async (certificate) => {
      const components = { 'irc.b.example': { type: 'external', secret: 'wherefore' } };
      const { federation, b, romeo } = await couple(
        { certificate },
        { certificate, hosts: { [B]: { components } } },
      );
      federation.record({
        '_xmpp-server._tcp.irc.b.example': { SRV: [`1 1 ${b.ports.s2s} xmpp2.test.example`] },
      });
      const component = await connectedComponent({
        port: b.ports.component,
        domain: 'irc.b.example',
        secret: 'wherefore',
      });
      try {
        say(romeo, 'room@irc.b.example', 'hello');
        const heard = await component.next();
        expect(bodyOf(heard)).toBe('hello');
        component.send(
          `<message from='room@irc.b.example/x' to='${heard.attrs.from}'><body>welcome</body></message>`,
        );
        expect(bodyOf(await message(romeo))).toBe('welcome');
      } finally {
        component.destroy();
      }
    },
  );
});

describe('what cannot be delivered comes back', () => {
  test.each([
    ['a domain that is not in DNS', {}, 'remote-server-not-found', /does not exist/],
    [
      'a domain that declines',
      { '_xmpp-server._tcp.no.example': { SRV: ['0 0 0 .'] } },
      'remote-server-not-found',
      /no XMPP server/,
    ],
    [
      'a port that is closed',
      {
        '_xmpp-server._tcp.no.example': { SRV: ['0 0 1 closed.example'] },
        'closed.example': { A: ['127.0.0.1'] },
      },
      'remote-server-timeout',
      /closed\.example \(127\.0\.0\.1\) port 1: refused/,
    ],
  ])('%s', async (_, records, condition, text) => {
    const { federation, romeo } = await couple({ s2s: { queueTime: '1s' } });
    federation.record(records);
    say(romeo, 'nobody@no.example', 'hello');
    expect(await bounce(romeo)).toEqual({ condition, text: expect.stringMatching(text) });
  });

  test('what waits for a server that cannot be reached comes back after its time', async () => {
    const { federation, a, romeo } = await couple();
    federation.record({
      '_xmpp-server._tcp.no.example': { SRV: ['0 0 1 closed.example'] },
      'closed.example': { A: ['127.0.0.1'] },
    });
    say(romeo, 'nobody@no.example', 'hello');
    await until(() => a.federation.side.list(domain('no.example'))[0]?.failure !== undefined);
    expect(a.federation.side.list(domain('no.example'))).toMatchObject([
      { state: 'waiting', queued: 1, failure: expect.stringMatching(/refused/) },
    ]);
    a.clock.jump(61_000);
    expect(await bounce(romeo)).toMatchObject({ condition: 'remote-server-timeout' });
  });

  test('DESIGN D1: it, or the answer, is kept until its sender has acknowledged that', async () => {
    const { federation, a, romeo } = await couple();
    federation.record({
      '_xmpp-server._tcp.no.example': { SRV: ['0 0 1 closed.example'] },
      'closed.example': { A: ['127.0.0.1'] },
    });
    const database = new Database(join(a.folder, 'data', 'rtcd.sqlite'), { readonly: true });
    try {
      const spooled = () => database.prepare('SELECT id FROM s2s_spool').all().length;
      romeo.send("<enable xmlns='urn:xmpp:sm:3'/>");
      await romeo.seek(({ name }) => name === 'enabled');
      say(romeo, 'nobody@no.example', 'hello');
      await expect.poll(spooled).toBe(1);
      const answers = () => database.prepare('SELECT id FROM offline_messages').all().length;
      a.clock.jump(61_000);
      let heard = 0;
      await romeo.seek(({ name, attrs }) => {
        if (['message', 'presence', 'iq'].includes(name)) heard += 1;
        return attrs.type === 'error';
      });
      // What was asked for before this is written before it.
      await a.run('accounts.add', { jid: 'nurse@a.example', password: 'secret' });
      expect(spooled() + answers()).toBeGreaterThan(0);
      await expect.poll(spooled).toBe(0);
      expect(answers()).toBe(1);
      romeo.send(`<a xmlns='urn:xmpp:sm:3' h='${heard}'/>`);
      await expect.poll(answers).toBe(0);
    } finally {
      database.close();
    }
  });

  test('a queue that is full', async () => {
    const { federation, romeo } = await couple({ s2s: { queueStanzas: 2 } });
    federation.record({
      '_xmpp-server._tcp.no.example': { SRV: ['0 0 1 closed.example'] },
      'closed.example': { A: ['127.0.0.1'] },
    });
    for (const body of ['one', 'two', 'three']) say(romeo, 'nobody@no.example', body);
    const refused = await romeo.seek(({ attrs }) => attrs.type === 'error');
    expect(refused.attrs.id).toBe('three');
    expect(`${refused}`).toContain('resource-constraint');
  });

  test('a certificate is demanded and not there', async () => {
    const { a, romeo } = await couple(
      { s2s: { secureAuth: true } },
      { certificate: 'self-signed' },
    );
    say(romeo, 'juliet@b.example', 'hello');
    expect(await bounce(romeo)).toEqual({
      condition: 'remote-server-timeout',
      text: expect.stringMatching(/certificate does not prove b\.example.*signed by its own key/),
    });
    expect(await a.federation.side.history(B)).toMatchObject([{ outcome: 'failed', count: 1 }]);
  });

  test('a certificate is demanded, and it is expired', async () => {
    const certificate = { from: -20, until: -10 };
    const { romeo } = await couple({ s2s: { secureAuth: true } }, { certificate });
    say(romeo, 'juliet@b.example', 'hello');
    expect(await bounce(romeo)).toEqual({
      condition: 'remote-server-timeout',
      text: expect.stringMatching(/expired/),
    });
  });

  test('the other demands a certificate and has none shown', async () => {
    const { a, romeo } = await couple(
      { certificate: 'self-signed' },
      { s2s: { secureAuth: true } },
    );
    say(romeo, 'juliet@b.example', 'hello');
    const { condition, text } = await bounce(romeo);
    expect(condition).toBe('remote-server-timeout'); // XEP-0220 §2.5
    expect(text).toMatch(/not-authorized.*A certificate has to prove a\.example/);
    expect((await a.federation.side.history(B))[0]).toMatchObject({ outcome: 'failed' });
  });
});

describe('RFC 6120 §4.9.3.19: a server that sends us on', () => {
  /** The way to b.example begins at a port of our own. */
  async function leading(
    port: (b: TestServer) => Promise<number>,
    second: Partial<MemberOptions> = {},
  ) {
    const all = await couple({ s2s: { secureAuth: true } }, second);
    const lead = await port(all.b);
    all.federation.record({
      [`_xmpp-server._tcp.${B}`]: { SRV: [`1 1 ${lead} xmpp2.test.example`] },
    });
    return all;
  }

  test('to the host that serves the domain', async () => {
    const { a, romeo, juliet } = await leading(async ({ ports }) => {
      const second = await startFake({ instead: sendsOnTo(`127.0.0.1:${ports.s2s}`) });
      const first = await startFake({ instead: sendsOnTo(`127.0.0.1:${second.port}`) });
      return first.port;
    });
    say(romeo, 'juliet@b.example', 'hello');
    expect(bodyOf(await message(juliet))).toBe('hello');
    expect(links(a, B)).toEqual([up('both', 'external')]);
  });

  test('the certificate there has to prove the domain, as it had to here', async () => {
    const { romeo } = await leading(
      async ({ ports }) => (await startFake({ instead: sendsOnTo(`127.0.0.1:${ports.s2s}`) })).port,
      { certificate: { dns: ['other.example'] } },
    );
    say(romeo, 'juliet@b.example', 'hello');
    expect(await bounce(romeo)).toEqual({
      condition: 'remote-server-timeout',
      text: expect.stringMatching(/certificate does not prove b\.example/),
    });
  });

  test.each([
    ['to itself', (own: number) => `127.0.0.1:${own}`],
    ['nowhere', () => 'no host'],
  ])('%s: the stanza comes back', async (_, to) => {
    let own = 0;
    const { romeo } = await leading(async () => {
      const fake = await startFake({ instead: (socket, said) => sendsOnTo(to(own))(socket, said) });
      own = fake.port;
      return own;
    });
    say(romeo, 'juliet@b.example', 'hello');
    expect(await bounce(romeo)).toMatchObject({ text: expect.stringMatching(/see-other-host/) });
  });
});

describe('policy', () => {
  test('a domain that is blocked while it is talked with, and allowed again', async () => {
    const { a, b, romeo, juliet } = await couple();
    await converse(romeo, juliet);
    await until(() => isQuiet(a) && isQuiet(b));
    const { policy, side } = a.federation;
    await policy.set({ host: '*', domain: B, verdict: 'block' });
    side.enforce();
    say(romeo, 'juliet@b.example', 'hello');
    const { condition, text } = await bounce(romeo);
    expect({ condition, text }).toEqual({
      condition: 'not-authorized',
      text: 'a.example does not talk with b.example: it is blocked here.',
    });
    await until(() => links(b, A).every(({ state }) => state !== 'up'));
    say(juliet, 'romeo@a.example', 'hello');
    expect(await bounce(juliet)).toMatchObject({ text: expect.stringMatching(/policy-violation/) });
    expect(await policy.unset({ host: '*', domain: B })).toBe(true);
    await converse(romeo, juliet);
  });

  test.each(['trusted', 'self-signed'] as const)(
    'a domain that is blocked while it is being reached (%s)',
    async (certificate) => {
      const { a, b, romeo } = await couple({ certificate, s2s: { secureAuth: false } });
      const { policy, side } = a.federation;
      say(romeo, 'juliet@b.example', 'hello');
      const isConnecting = () => [...side.list(B)].some(({ state }) => state === 'connecting');
      await until(isConnecting, eachTurn); // it may be over within a moment
      await policy.set({ host: '*', domain: B, verdict: 'block' });
      side.enforce();
      expect(await bounce(romeo)).toMatchObject({ condition: 'not-authorized' });
      const isTried = async () =>
        (await side.history(B)).some(({ text }) => !text.endsWith('dialback to follow'));
      await until(isTried);
      await until(() => [...links(a, B), ...links(b, A)].every(({ state }) => state !== 'up'));
    },
  );

  test('what is demanded anew ends the streams that do not have it', async () => {
    const { a, b, romeo, juliet } = await couple({ certificate: 'self-signed' });
    say(romeo, 'juliet@b.example', 'hello');
    expect(bodyOf(await message(juliet))).toBe('hello');
    expect(links(a, B)).toMatchObject([{ state: 'up', authenticatedBy: 'dialback' }]);
    await a.configure({ hosts: { [A]: {} }, config: { s2s: { secureAuth: true } } });
    await a.run('server.reload');
    await until(() => [...links(a, B), ...links(b, A)].every(({ state }) => state !== 'up'));
  });

  test('RFC 6120 §4.9.3.5: a domain of ours that is removed is gone', async () => {
    const { a, b, romeo, juliet } = await couple({ hosts: { [A]: {}, 'a2.example': {} } }, {});
    say(juliet, 'romeo@a.example', 'hello');
    expect(bodyOf(await message(romeo))).toBe('hello');
    await a.configure({ hosts: { 'a2.example': {} } });
    await a.run('server.reload');
    const isTold = async () =>
      (await b.federation.side.history(A)).some(({ text }) => text.includes('host-gone'));
    await until(isTold);
  });

  test('the lists of the config, for one domain of several', async () => {
    const { federation, a, juliet } = await couple(
      {
        hosts: { [A]: { s2s: { allow: ['*.other.example'] } }, 'a2.example': {} },
        s2s: { block: ['bad.example'] },
      },
      {},
    );
    const romeo = await available(federation, a, 'romeo@a.example');
    const other = await available(federation, a, 'romeo@a2.example');
    say(romeo, 'juliet@b.example', 'hello');
    expect(await bounce(romeo)).toMatchObject({ condition: 'not-authorized' });
    say(other, 'somebody@bad.example', 'hello');
    expect(await bounce(other)).toMatchObject({ condition: 'not-authorized' });
    say(other, 'juliet@b.example', 'hello');
    expect(bodyOf(await message(juliet))).toBe('hello');
  });

  test('a domain that does not federate', async () => {
    const { romeo, juliet } = await couple({ hosts: { [A]: { s2s: { enabled: false } } } }, {});
    say(romeo, 'juliet@b.example', 'hello');
    expect(await bounce(romeo)).toMatchObject({ condition: 'not-authorized' });
    say(juliet, 'romeo@a.example', 'hello');
    expect(await bounce(juliet)).toMatchObject({
      text: expect.stringMatching(/policy-violation.*does not talk with other servers/),
    });
  });
});

const nowAndThen = () => new Promise((resolve) => setTimeout(resolve, 20));
const eachTurn = () => new Promise((resolve) => setImmediate(resolve));

/** Waits until something is so; what makes it so is under way. */
async function until(
  isSo: () => boolean | Promise<boolean>,
  pause: () => Promise<unknown> = nowAndThen,
): Promise<void> {
  const deadline = performance.now() + 8000;
  while (!(await isSo())) {
    if (performance.now() > deadline) expect.fail(`it never became so: ${isSo}`);
    await pause();
  }
}

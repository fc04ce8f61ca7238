/** SASL2, Bind 2 and FAST between real sockets (XEP-0388, XEP-0386, XEP-0484). */
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Element, serialise } from '../../src/xml/element.ts';
import { scramClient } from '../sasl/scram-client.ts';
import { Client, loggedIn, textIn } from '../support/client.ts';
import {
  agent,
  authenticate,
  bind2,
  conditionOf,
  fast,
  jidIn,
  LAPTOP,
  opened,
  PHONE,
  part,
  plain2,
  proofOf,
  replyOf,
  requestToken,
  scram2,
} from '../support/sasl2.ts';
import { startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a secret for tests';
const SM = "xmlns='urn:xmpp:sm:3'";
/** A new account for each test. */
let user = '';
let JULIET = '';
let tests = 0;

let server: TestServer;
beforeAll(async () => {
  server = await startServer({
    accounts: { 'romeo@localhost': PASSWORD },
    config: { limits: { resourcesPerAccount: 3, resumeTimeout: '60s' } },
  });
});
afterAll(() => server.stop());

let connected: Client[] = [];
beforeEach(async () => {
  tests += 1;
  user = `juliet${tests}`;
  JULIET = `${user}@localhost`;
  await server.run('accounts.add', { jid: JULIET, password: PASSWORD });
});
afterEach(() => {
  for (const client of connected) client.destroy();
  connected = [];
});

async function open(from = JULIET) {
  const { client, features } = await opened(server.ports.c2sTls, from);
  connected.push(client);
  return { client, features };
}

/** A client that has logged in with the password; answers success too, and takes the features. */
async function login(inner = agent(PHONE) + bind2()) {
  const { client } = await open();
  const success = await client.ask(plain2(user, PASSWORD, inner));
  expect(success.name).toBe('success');
  const features = await client.next();
  return { client, success, features };
}

/** Logs in and answers the token that was asked for. */
async function tokenFor(mechanism = 'HT-SHA-256-NONE', id = PHONE): Promise<string> {
  const { client, success } = await login(agent(id) + requestToken(mechanism));
  client.destroy();
  return tokenIn(success) ?? '';
}

const tokenIn = (success: Element) => part(success, 'token')?.attrs['token'];

/** Logs in by a token on a new connection. */
async function loginBy(token: string, options: Parameters<typeof fast>[2] = {}, name = user) {
  const { client } = await open(`${name}@localhost`);
  return { client, answer: await client.ask(fast(name, token, options)) };
}

describe('XEP-0388', () => {
  test('§2.1 the feature, beside that of RFC 6120', async () => {
    const { features } = await open();
    const offered = serialise(part(features, 'authentication') as Element);
    expect(offered).toContain('<mechanism>SCRAM-SHA-512-PLUS</mechanism>');
    expect(offered).toContain('<sm xmlns="urn:xmpp:sm:3"/>');
    expect(offered).toContain(
      '<bind xmlns="urn:xmpp:bind:0"><inline><feature var="urn:xmpp:sm:3"/>' +
        '<feature var="urn:xmpp:carbons:2"/><feature var="urn:xmpp:csi:0"/></inline></bind>',
    );
    expect(offered).not.toContain('tls-0rtt');
    expect(offered).not.toContain('upgrade');
    expect(part(features, 'mechanisms')).toBeDefined();
  });

  test('§3 is not there without TLS, even where TLS is not required', async () => {
    const lax = await startServer({ config: { tls: { required: false } } });
    try {
      const client = await Client.connect({ port: lax.ports.c2s });
      const { features } = await client.open();
      expect(part(features, 'mechanisms')).toBeDefined();
      expect(part(features, 'authentication')).toBeUndefined();
      const answer = await client.ask(plain2('juliet', PASSWORD));
      expect(conditionOf(answer)).toBe('encryption-required');
      client.destroy();
    } finally {
      await lax.stop();
    }
  });

  test.each(['SCRAM-SHA-1', 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-512-PLUS'])(
    '§2.6.1 %s: both sides prove themselves, then features and a resource by RFC 6120',
    async (mechanism) => {
      const { client } = await open();
      const data = () =>
        client.tls.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
      const channel = mechanism.endsWith('PLUS')
        ? { channel: { type: 'tls-exporter', data: data() } }
        : {};
      const success = await scram2(client, { mechanism, user, password: PASSWORD, ...channel });
      expect(success.name).toBe('success');
      expect(jidIn(success)).toBe(JULIET);
      const features = await client.next();
      expect(part(features, 'bind')).toBeDefined();
      expect(part(features, 'authentication')).toBeUndefined();
      expect((await client.bind('balcony')).attrs.type).toBe('result');
      await client.ping();
    },
  );

  test('§2.1 from another domain is invalid-from', async () => {
    const client = await Client.connect({ port: server.ports.c2sTls, tls: {} });
    connected.push(client);
    client.restart();
    client.send(
      "<stream:stream to='localhost' from='juliet@elsewhere.example' version='1.0'" +
        " xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
    );
    await client.header();
    expect(String(await client.next())).toContain('<invalid-from');
    await client.closed();
  });

  test('§2.4 a stanza while a mechanism runs ends the stream', async () => {
    const { client } = await open();
    const scram = scramClient({ digest: 'sha256', username: user, password: PASSWORD });
    await client.ask(authenticate('SCRAM-SHA-256', scram.first));
    client.send('<presence/>');
    expect(String(await client.next())).toContain('<not-authorized');
    await client.closed();
  });

  test('§2.6.2 a failure leaves all as it was: another try succeeds, by either profile', async () => {
    const { client } = await open();
    const wrong = agent(PHONE) + bind2() + requestToken();
    expect(conditionOf(await client.ask(plain2(user, 'wrong', wrong)))).toBe('not-authorized');
    expect((await client.plain(user, 'wrong')).name).toBe('failure');
    expect((await client.ask(plain2(user, PASSWORD, wrong))).name).toBe('success');
    expect(await server.run('sessions.list', { search: user })).toMatchObject({ total: 1 });
  });

  test('RFC 6120 §6.4.5 tries are counted', async () => {
    const { client } = await open();
    for (let tries = 1; tries < 5; tries += 1)
      expect(conditionOf(await client.ask(plain2(user, 'wrong')))).toBe('not-authorized');
    client.send(plain2(user, 'wrong'));
    expect((await client.rest()).map(String).join('')).toContain('policy-violation');
  });

  test('a locked account is account-disabled, one that is unknown or wrong not-authorized', async () => {
    await server.run('accounts.lock', { jid: JULIET });
    const { client } = await open();
    expect(conditionOf(await client.ask(plain2(user, PASSWORD)))).toBe('account-disabled');
    const { client: stranger } = await open('nobody@localhost');
    expect(conditionOf(await stranger.ask(plain2('nobody', PASSWORD)))).toBe('not-authorized');
  });

  test('what is sent behind it is handled when it is done', async () => {
    const { client } = await open();
    const ping = `<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`;
    client.send(plain2(user, PASSWORD, bind2()) + ping);
    expect((await client.next()).name).toBe('success');
    expect((await client.next()).name).toBe('stream:features');
    expect((await client.next()).attrs).toMatchObject({ id: 'p', type: 'result' });
  });

  test('ANONYMOUS gets a name, a resource, and no token', async () => {
    const open = await startServer({ hosts: { localhost: { anonymous: true } } });
    try {
      const { client } = await opened(open.ports.c2sTls, 'localhost');
      const inner = agent(PHONE) + bind2() + requestToken();
      const success = await client.ask(authenticate('ANONYMOUS', '', inner));
      expect(jidIn(success)).toMatch(/^[0-9a-f-]{36}@localhost\/AwesomeXMPP\//);
      expect(part(success, 'token')).toBeUndefined();
      await client.next();
      await client.ping();
      client.destroy();
    } finally {
      await open.stop();
    }
  });
});

describe('XEP-0474, XEP-0515', () => {
  test.each(['SASL2', 'RFC 6120'])(
    'what was offered by %s is in the challenge',
    async (profile) => {
      const { client, features } = await open();
      const scram = scramClient({ digest: 'sha256', username: user, password: PASSWORD });
      const initial = scram.first.toString('base64');
      const challenge = await client.ask(
        profile === 'SASL2'
          ? authenticate('SCRAM-SHA-256', scram.first)
          : `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256'>${initial}</auth>`,
      );
      const list = part(features, profile === 'SASL2' ? 'authentication' : 'mechanisms') as Element;
      const names = list.children.flatMap((child) =>
        typeof child !== 'string' && child.name === 'mechanism' ? [textIn(child)] : [],
      );
      const bindings = (part(features, 'sasl-channel-binding') as Element).children.map((child) =>
        typeof child === 'string' ? '' : (child.attrs.type ?? ''),
      );
      const hash = createHash('sha256')
        .update(`${names.sort().join('\x1e')}\x1f${bindings.sort().join('\x1e')}`)
        .digest('base64');
      const first = Buffer.from(textIn(challenge), 'base64').toString();
      expect(first).toContain(`,h=${hash},t=0304`);
    },
  );

  test('under TLS 1.2 it is told as such', async () => {
    const client = await Client.connect({
      port: server.ports.c2sTls,
      tls: { servername: 'localhost', maxVersion: 'TLSv1.2' },
    });
    connected.push(client);
    const { features } = await client.open();
    expect(String(features)).toContain('HT-SHA-256-UNIQ');
    expect(String(features)).not.toContain('HT-SHA-256-EXPR');
    const scram = scramClient({ digest: 'sha1', username: user, password: PASSWORD });
    const challenge = await client.ask(authenticate('SCRAM-SHA-1', scram.first));
    expect(Buffer.from(textIn(challenge), 'base64').toString()).toMatch(/,t=0303$/);
  });
});

describe('XEP-0386', () => {
  test('§3.2 success names the full JID, which begins with the tag; no offer to bind again', async () => {
    const { client, success, features } = await login();
    const jid = jidIn(success) ?? '';
    expect(jid).toMatch(new RegExp(`^${JULIET}/AwesomeXMPP/[A-Za-z0-9_-]{12}$`));
    expect(part(success, 'bound')?.attrs.xmlns).toBe('urn:xmpp:bind:0');
    expect(part(features, 'bind')).toBeUndefined();
    expect(part(features, 'session')).toBeUndefined();
    expect(part(features, 'sm')).toBeDefined();
    await client.ping();
    expect(String(await client.bind('other'))).toContain('not-allowed');
  });

  test('§3.2.1 the resource is the same for an installation and tag, and tells nothing', async () => {
    const jids = [];
    for (const inner of [
      agent(PHONE) + bind2(),
      agent(PHONE, 'renamed', 'moved') + bind2(),
      agent(LAPTOP) + bind2(),
      agent(PHONE) + bind2('', 'Other'),
      agent(PHONE) + bind2('', ''),
      bind2(),
      bind2(),
    ]) {
      const { client, success } = await login(inner);
      jids.push(jidIn(success) ?? '');
      client.destroy();
      await client.closed();
    }
    const [first, again, laptop, otherTag, noTag, nobody, nobodyAgain] = jids;
    expect(again).toBe(first);
    expect(new Set([first, laptop, otherTag, noTag, nobody, nobodyAgain]).size).toBe(6);
    expect(noTag).toMatch(/\/[A-Za-z0-9_-]{12}$/);
    for (const jid of jids) expect(jid.toLowerCase()).not.toContain(PHONE.slice(0, 8));
  });

  test.each([
    ['has what a resource cannot have', 'a\u2028b'],
    ['is too long for one', 'x'.repeat(1500)],
  ])('§3.2.1 a tag that %s is left out', async (_, tag) => {
    const { success } = await login(bind2('', tag));
    expect(jidIn(success)).toMatch(new RegExp(`^${JULIET}/[A-Za-z0-9_-]{16}$`));
  });

  test('§3.2 an earlier session of the same installation ends, others stay', async () => {
    const first = await login(agent(PHONE) + bind2('', 'Old'));
    const laptop = await login(agent(LAPTOP) + bind2());
    await login(agent(PHONE) + bind2('', 'New'));
    expect(String(await first.client.next())).toContain('<conflict');
    await first.client.closed();
    await laptop.client.ping();
    expect(await server.run('sessions.list', { search: user })).toMatchObject({ total: 2 });
  });

  test('without room for another session the client is logged in and may bind by itself', async () => {
    for (const id of [PHONE, LAPTOP, PHONE.replace('d4', 'd5')]) await login(agent(id) + bind2());
    const { client, success, features } = await login(bind2());
    expect(jidIn(success)).toBe(JULIET);
    expect(part(success, 'bound')).toBeUndefined();
    expect(part(features, 'bind')).toBeDefined();
    expect(String(await client.bind('one-more'))).toContain('resource-constraint');
  });

  test('§3.2 with carbons (XEP-0280) and inactive (XEP-0352) from the first moment on', async () => {
    const { client, success, features } = await login(
      agent(PHONE) +
        bind2("<enable xmlns='urn:xmpp:carbons:2'/><inactive xmlns='urn:xmpp:csi:0'/>"),
    );
    expect(part(success, 'bound')?.children).toEqual([]);
    expect(part(features, 'csi')).toBeDefined();
    const { sessions } = (await server.run('sessions.list', { search: user })) as {
      sessions: { client: string }[];
    };
    expect(JSON.stringify(sessions)).toMatch(/carbons/);
    expect(JSON.stringify(sessions)).toMatch(/inactive/);
    await client.ping();
  });

  test('§3.2 <active/>, and what nobody knows, are passed over', async () => {
    const { success } = await login(
      agent(PHONE) + bind2("<active xmlns='urn:xmpp:csi:0'/><x xmlns='urn:example:unknown'/>"),
    );
    expect(part(success, 'bound')?.children).toEqual([]);
  });

  test('§3.2 XEP-0198 is enabled on the way, and the features do not offer it again', async () => {
    const { client, success, features } = await login(
      agent(PHONE) + bind2(`<enable ${SM} resume='true'/>`),
    );
    const enabled = part(part(success, 'bound') as Element, 'enabled') as Element;
    expect(enabled.attrs).toMatchObject({ xmlns: 'urn:xmpp:sm:3', resume: 'true' });
    expect(part(features, 'sm')).toBeUndefined();
    client.send('<presence/>');
    await client.seek(({ name }) => name === 'presence');
    client.send(`<r ${SM}/>`);
    expect((await client.seek(({ name }) => name === 'a')).attrs['h']).toBe('1');
  });
});

describe('XEP-0484', () => {
  test.each(['HT-SHA-256-NONE', 'HT-SHA-256-ENDP', 'HT-SHA-256-EXPR'])(
    '§3.2–§3.4 %s: a token is given and logs in, and both sides prove that they have it',
    async (mechanism) => {
      const before = server.clock.now();
      const { client, success } = await login(agent(PHONE) + bind2() + requestToken(mechanism));
      const given = part(success, 'token') as Element;
      expect(given.attrs.xmlns).toBe('urn:xmpp:fast:0');
      const expiry = Date.parse(given.attrs['expiry'] ?? '');
      expect(Math.abs(expiry - before - 30 * 86_400_000)).toBeLessThan(60_000);
      client.destroy();
      const token = given.attrs['token'] ?? '';
      const { client: next } = await open();
      const binding = bindingOf(next, mechanism);
      const answer = await next.ask(fast(user, token, { mechanism, binding, inner: bind2() }));
      expect(answer.name).toBe('success');
      expect(textIn(part(answer, 'additional-data') as Element)).toBe(
        replyOf(token, binding).toString('base64'),
      );
      expect(jidIn(answer)).toBe(jidIn(success));
      expect(part(answer, 'token')).toBeUndefined();
      await next.next();
      await next.ping();
    },
  );

  const bindingOf = (client: Client, mechanism: string): Buffer => {
    if (mechanism.endsWith('NONE')) return Buffer.alloc(0);
    if (mechanism.endsWith('EXPR'))
      return client.tls.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
    const { raw } = client.tls.getPeerCertificate();
    return createHash('sha256').update(raw).digest();
  };

  test('§3.4 it is good for its mechanism, account, and user agent only', async () => {
    const none = await tokenFor('HT-SHA-256-NONE');
    const endp = await tokenFor('HT-SHA-256-ENDP', LAPTOP);
    const wrong = async (token: string, options: Parameters<typeof fast>[2], name = user) =>
      conditionOf((await loginBy(token, options, name)).answer);
    expect(await wrong(none, { id: LAPTOP })).toBe('not-authorized');
    expect(await wrong(none, {}, 'romeo')).toBe('not-authorized');
    expect(await wrong(endp, { id: LAPTOP })).toBe('not-authorized');
    expect(await wrong('guessed', {})).toBe('not-authorized');
    expect((await loginBy(none)).answer.name).toBe('success');
  });

  test('a token of another user is nobody’s, though it comes with the right user agent', async () => {
    const token = await tokenFor();
    const { client } = await open('romeo@localhost');
    const proof = proofOf('romeo', token);
    const inner = `${agent(PHONE)}<fast xmlns='urn:xmpp:fast:0'/>`;
    const answer = await client.ask(authenticate('HT-SHA-256-NONE', proof, inner));
    expect(conditionOf(answer)).toBe('not-authorized');
  });

  test('§3.3 none without a user agent that has an id, nor for a mechanism that was not offered', async () => {
    for (const inner of [
      bind2() + requestToken(),
      `<user-agent/>${requestToken()}`,
      agent(PHONE) + requestToken('HT-SHA-256-UNIQ'),
      agent(PHONE) + requestToken('PLAIN'),
    ])
      expect(tokenIn((await login(inner)).success)).toBeUndefined();
  });

  test('§3.5 an old one is replaced; it is good until the new one is used', async () => {
    const old = await tokenFor();
    expect(tokenIn((await loginBy(old)).answer)).toBeUndefined();
    server.clock.jump(25 * 3_600_000);
    const lost = tokenIn((await loginBy(old)).answer) ?? '';
    const next = tokenIn((await loginBy(old)).answer) ?? '';
    expect(new Set([old, lost, next]).size).toBe(3);
    // The one that was given out and not used is void: there is a newer one.
    expect(conditionOf((await loginBy(lost)).answer)).toBe('not-authorized');
    expect((await loginBy(next)).answer.name).toBe('success');
  });

  test('§3.5 with the new one in use the old one is void', async () => {
    const old = await tokenFor();
    server.clock.jump(25 * 3_600_000);
    const next = tokenIn((await loginBy(old)).answer) ?? '';
    expect((await loginBy(next)).answer.name).toBe('success');
    expect(conditionOf((await loginBy(old)).answer)).toBe('not-authorized');
    expect((await loginBy(next)).answer.name).toBe('success');
  });

  test('§3.4 a count that came before is a replay', async () => {
    const token = await tokenFor();
    const counted = async (count: number) =>
      (await loginBy(token, { attrs: `count='${count}'` })).answer;
    expect((await counted(1)).name).toBe('success');
    expect(conditionOf(await counted(1))).toBe('not-authorized');
    expect((await counted(5)).name).toBe('success');
    expect(conditionOf(await counted(4))).toBe('not-authorized');
    expect((await counted(6)).name).toBe('success');
  });

  test('§3.6 one that is used for the last time is void, and not replaced', async () => {
    const token = await tokenFor();
    server.clock.jump(25 * 3_600_000);
    const { answer } = await loginBy(token, { attrs: "invalidate='true'" });
    expect(answer.name).toBe('success');
    expect(tokenIn(answer)).toBeUndefined();
    expect(conditionOf((await loginBy(token)).answer)).toBe('not-authorized');
  });

  test('§3.6 but another one is given if it is asked for', async () => {
    const token = await tokenFor();
    const { answer } = await loginBy(token, { attrs: "invalidate='1'", inner: requestToken() });
    const next = tokenIn(answer) ?? '';
    expect((await loginBy(next)).answer.name).toBe('success');
  });

  test('§4.2 an expired one is credentials-expired', async () => {
    const token = await tokenFor();
    server.clock.jump(31 * 86_400_000);
    expect(conditionOf((await loginBy(token)).answer)).toBe('credentials-expired');
  });

  test.each([
    ['a new password', 'accounts.password', { password: 'another secret' }],
    ['a lock', 'accounts.lock', {}],
  ])('%s voids all tokens', async (_, operation, input) => {
    const token = await tokenFor();
    await server.run(operation, { jid: JULIET, ...input });
    if (operation === 'accounts.lock') await server.run('accounts.unlock', { jid: JULIET });
    expect(conditionOf((await loginBy(token)).answer)).toBe('not-authorized');
  });

  test('an account that is made anew has none', async () => {
    const token = await tokenFor();
    await server.run('accounts.remove', { jid: JULIET });
    await server.run('accounts.add', { jid: JULIET, password: PASSWORD });
    expect(conditionOf((await loginBy(token)).answer)).toBe('not-authorized');
  });

  test('one that was replaced on a connection at the same time is taken once more, by both', async () => {
    const token = await tokenFor();
    const both = await Promise.all([loginBy(token), loginBy(token)]);
    expect(both.map(({ answer }) => answer.name)).toEqual(['success', 'success']);
    expect((await loginBy(token)).answer.name).toBe('success');
  });
});

describe('XEP-0198 §9.2', () => {
  const ENABLE = `<enable ${SM} resume='true'/>`;

  test('a session is resumed in one round trip after TLS, without features', async () => {
    const { client, success } = await login(
      agent(PHONE) + bind2(ENABLE) + requestToken('HT-SHA-256-EXPR'),
    );
    const jid = jidIn(success);
    const token = tokenIn(success) ?? '';
    const id = part(part(success, 'bound') as Element, 'enabled')?.attrs['id'] ?? '';
    client.send('<presence/>');
    await client.seek(({ name }) => name === 'presence');
    client.reset();
    await client.closed();
    const romeo = await loggedIn({
      port: server.ports.c2sTls,
      tls: {},
      user: 'romeo',
      password: PASSWORD,
    });
    connected.push(romeo);
    romeo.send(`<message to='${JULIET}' type='chat'><body>Wake up.</body></message>`);
    await romeo.ping();

    const next = await Client.connect({
      port: server.ports.c2sTls,
      tls: { servername: 'localhost' },
    });
    connected.push(next);
    const binding = next.tls.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
    const mechanism = 'HT-SHA-256-EXPR';
    const inner = `<resume ${SM} previd='${id}' h='1'/>${bind2(ENABLE)}`;
    // Written before anything was heard of the server, the header with it: the answer is all there is.
    const sent = vi.spyOn(next, 'send');
    next.restart();
    next.send(
      `<?xml version='1.0'?><stream:stream to='localhost' from='${JULIET}' version='1.0'` +
        ` xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>` +
        fast(user, token, { mechanism, binding, inner }),
    );
    await next.header();
    expect((await next.next()).name).toBe('stream:features');
    const answer = await next.next();
    expect(answer.name).toBe('success');
    expect(jidIn(answer)).toBe(jid);
    expect(part(answer, 'resumed')?.attrs).toMatchObject({ previd: id, h: '1' });
    expect(part(answer, 'bound')).toBeUndefined();
    // What was missed comes next, with no features before it.
    const message = await next.next();
    expect(textIn(message)).toContain('Wake up.');
    expect(sent).toHaveBeenCalledTimes(1);
  });

  test('one that is gone is failed, and a new session is bound', async () => {
    const inner = `<resume ${SM} previd='nobody-knows' h='7'/>${agent(PHONE)}${bind2(ENABLE)}`;
    const { success, features } = await login(inner);
    expect(String(part(success, 'failed'))).toContain('item-not-found');
    expect(part(part(success, 'bound') as Element, 'enabled')).toBeDefined();
    expect(part(features, 'bind')).toBeUndefined();
  });

  test('one of another account is as unknown as none', async () => {
    const { success } = await login(agent(PHONE) + bind2(ENABLE));
    const id = part(part(success, 'bound') as Element, 'enabled')?.attrs['id'];
    const { client } = await open('romeo@localhost');
    const answer = await client.ask(
      plain2('romeo', PASSWORD, `<resume ${SM} previd='${id}' h='0'/>`),
    );
    expect(answer.name).toBe('success');
    expect(String(part(answer, 'failed'))).toContain('item-not-found');
    expect(part(await client.next(), 'bind')).toBeDefined();
  });

  test('a request that lacks something is failed', async () => {
    const { success } = await login(`<resume ${SM} previd='x'/>`);
    expect(String(part(success, 'failed'))).toContain('bad-request');
  });
});

test('a token, and the session that it resumes, outlive a restart of the server', async () => {
  const own = await startServer({ accounts: { 'juliet@localhost': PASSWORD } });
  let now = own;
  try {
    const { client } = await opened(own.ports.c2sTls, 'juliet@localhost');
    const inner = agent(PHONE) + bind2(`<enable ${SM} resume='true'/>`) + requestToken();
    const success = await client.ask(plain2('juliet', PASSWORD, inner));
    const id = part(part(success, 'bound') as Element, 'enabled')?.attrs['id'];
    client.send('<presence/>');
    await client.seek(({ name }) => name === 'presence');
    now = await own.restart();
    const { client: next } = await opened(now.ports.c2sTls, 'juliet@localhost');
    const resume = `<resume ${SM} previd='${id}' h='1'/>`;
    const answer = await next.ask(fast('juliet', tokenIn(success) ?? '', { inner: resume }));
    expect(answer.name).toBe('success');
    expect(part(answer, 'resumed')).toBeDefined();
    expect(jidIn(answer)).toBe(jidIn(success));
    expect(await now.run('accounts.devices', { jid: 'juliet@localhost' })).toMatchObject({
      devices: [{ software: 'AwesomeXMPP', online: true, access: 'password, token' }],
    });
    next.destroy();
  } finally {
    await now.stop();
  }
});

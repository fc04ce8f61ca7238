/** Another server that lies, breaks the rules, or is only a nuisance. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Domain } from '../../src/jid/jid.ts';
import type { Element } from '../../src/xml/element.ts';
import { domain } from '../certs/support.ts';
import { issue } from '../s2s/authority.ts';
import { Client, textIn } from '../support/client.ts';
import type { TestServer } from '../support/server.ts';
import { AUTHORITY, bodyOf, type Federation, startFederation } from '../support/several-servers.ts';

const OURS = domain('ours.example');
const EVIL = domain('evil.example');

let federation: Federation;
let server: TestServer;
let victim: Client;
beforeAll(async () => {
  federation = await startFederation();
  server = await federation.join({
    hosts: { [OURS]: {}, 'second.example': {} },
    accounts: ['romeo'],
    s2s: { authTimeout: '20s' },
  });
  victim = await federation.enter(server, 'romeo@ours.example');
  victim.send('<presence/>');
  await victim.seek(({ name }) => name === 'presence');
});
afterAll(() => federation.stop());

const peers = new Set<Client>();
afterEach(() => {
  for (const peer of peers) peer.destroy();
  peers.clear();
});

const HEADER =
  "xmlns='jabber:server' xmlns:db='jabber:server:dialback' xmlns:stream='http://etherx.jabber.org/streams'";
const header = (attrs: string) => `<?xml version='1.0'?><stream:stream ${HEADER} ${attrs}>`;
const from = (remote: string, local: string = OURS) =>
  `from='${remote}' to='${local}' version='1.0'`;

async function call(port = server.ports.s2s): Promise<Client> {
  const peer = await Client.connect({ port, to: OURS });
  peers.add(peer);
  return peer;
}

/** Opens a stream; answers the header and the features. */
async function begin(peer: Client, attrs: string) {
  peer.restart();
  peer.send(header(attrs));
  const head = await peer.header();
  return { head, features: await peer.next() };
}

/** A stream over TLS, with a certificate if there is one. */
async function secured(
  remote: Domain | string,
  certificate?: { pem: string; keyPem: string },
): Promise<{ peer: Client; head: Element; features: Element }> {
  const peer = await call();
  await begin(peer, from(remote));
  const tls = certificate === undefined ? {} : { cert: certificate.pem, key: certificate.keyPem };
  await peer.startTls(tls);
  return { peer, ...(await begin(peer, from(remote))) };
}

/** A stream that has proved to be a domain by EXTERNAL. */
async function proved(remote: string): Promise<Client> {
  const { peer } = await secured(remote, issue({ dns: [remote], by: AUTHORITY }));
  const answer = await peer.ask(external(remote));
  expect(answer.name).toBe('success');
  await begin(peer, from(remote));
  return peer;
}

const external = (authzid: string) =>
  `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>${
    authzid === '' ? '=' : Buffer.from(authzid).toString('base64')
  }</auth>`;

/** The stream error by which the server ends a stream. */
async function streamError(peer: Client): Promise<string> {
  const elements = await peer.rest();
  await peer.closed();
  const error = elements.at(-1);
  if (error?.name !== 'stream:error') return expect.fail(`no stream error: ${elements.join('')}`);
  const [condition] = error.children;
  return typeof condition === 'string' ? condition : (condition?.name ?? '');
}

const chat = (sender: string, to = 'romeo@ours.example', body = 'false') =>
  `<message from='${sender}' to='${to}' type='chat'><body>${body}</body></message>`;

describe('RFC 6120 §4.7: headers', () => {
  test.each([['a client’s namespace', "xmlns='jabber:client'", 'invalid-namespace']])(
    '%s',
    async (_, ns, condition) => {
      const peer = await call();
      peer.restart();
      peer.send(
        `<stream:stream ${ns} xmlns:stream='http://etherx.jabber.org/streams' ${from(EVIL)}>`,
      );
      await peer.header();
      expect(await streamError(peer)).toBe(condition);
    },
  );

  test.each([
    ['a domain that is not served', from(EVIL, 'nowhere.example'), 'host-unknown'],
    ['no domain at all', `from='${EVIL}' version='1.0'`, 'improper-addressing'],
    ['as one of ours', from('second.example'), 'invalid-from'],
    ['as an address with a user', from('user@evil.example'), 'invalid-from'],
    [
      'without a version, where TLS is required',
      `from='${EVIL}' to='${OURS}'`,
      'unsupported-version',
    ],
  ])('%s', async (_, attrs, condition) => {
    const peer = await call();
    peer.restart();
    peer.send(header(attrs));
    await peer.header();
    expect(await streamError(peer)).toBe(condition);
  });
});

describe('before TLS', () => {
  test('§5.3.1: TLS is required, and nothing else is offered but what goes with it', async () => {
    const { features } = await begin(await call(), from(EVIL));
    expect(features.children.map((each) => (typeof each === 'string' ? each : each.name))).toEqual([
      'starttls',
      'bidi',
    ]);
  });

  test('XEP-0220 §2.5: dialback is refused, and the stream stays', async () => {
    const peer = await call();
    await begin(peer, from(EVIL));
    const answer = await peer.ask(`<db:result from='${EVIL}' to='${OURS}'>key</db:result>`);
    expect(answer.attrs).toMatchObject({ type: 'error', from: OURS, to: EVIL });
    expect(`${answer}`).toContain('policy-violation');
    const verified = await peer.ask(
      `<db:verify from='${EVIL}' to='${OURS}' id='x'>key</db:verify>`,
    );
    expect(`${verified}`).toContain('policy-violation');
  });

  test('EXTERNAL is refused', async () => {
    const peer = await call();
    await begin(peer, from(EVIL));
    expect(`${await peer.ask(external(EVIL))}`).toContain('encryption-required');
  });

  test('what is sent in clear after STARTTLS is void', async () => {
    const peer = await call();
    await begin(peer, from(EVIL));
    peer.send(`<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>${chat('x@evil.example')}`);
    expect((await peer.next()).name).toBe('proceed');
    await peer.upgrade();
    expect((await begin(peer, from(EVIL))).features.name).toBe('stream:features');
  });
});

describe('without a proof', () => {
  test.each([
    ['a stanza', chat('x@evil.example'), 'not-authorized'],
    ['an element that nobody knows', "<what xmlns='urn:what'/>", 'unsupported-stanza-type'],
    ['dialback without addresses', '<db:result>key</db:result>', 'improper-addressing'],
    ['bytes without end', `<message><body>${'x'.repeat(20_000)}`, 'policy-violation'],
    ['a DTD', '<!DOCTYPE x>', 'restricted-xml'],
    ['no XML', '<message></presence>', 'not-well-formed'],
  ])('%s', async (_, text, condition) => {
    const { peer } = await secured(EVIL);
    peer.send(text);
    expect(await streamError(peer)).toBe(condition);
  });

  test('XEP-0178 §3: EXTERNAL is not offered without a certificate, and is refused', async () => {
    const { peer, features } = await secured(EVIL);
    expect(`${features}`).not.toContain('EXTERNAL');
    expect(`${await peer.ask(external(EVIL))}`).toContain('not-authorized');
  });

  test.each([
    ['of another name', { dns: ['other.example'], by: AUTHORITY }],
    ['that is self-signed', { dns: [EVIL] }],
    ['that is expired', { dns: [EVIL], by: AUTHORITY, from: -9, until: -1 }],
    ['of an authority that nobody knows', { dns: [EVIL], by: issue({ isAuthority: true }) }],
    ['that is for mail only', { dns: [EVIL], by: AUTHORITY, usages: ['emailProtection'] as const }],
  ])('a certificate %s', async (_, options) => {
    const { peer, features } = await secured(EVIL, issue(options));
    expect(`${features}`).not.toContain('EXTERNAL');
    for (let tries = 1; tries < 3; tries += 1)
      expect(`${await peer.ask(external(EVIL))}`).toContain('not-authorized');
    peer.send(external(EVIL));
    expect(await streamError(peer)).toBe('policy-violation');
  });

  test('EXTERNAL for another domain than that of the header', async () => {
    const certificate = issue({ dns: [EVIL, 'other.example'], by: AUTHORITY });
    const { peer } = await secured(EVIL, certificate);
    expect(`${await peer.ask(external('other.example'))}`).toContain('invalid-authzid');
  });

  test('who proves nothing is sent away after a while', async () => {
    const { peer } = await secured(EVIL);
    server.clock.jump(20_500);
    expect(await streamError(peer)).toBe('connection-timeout');
  });
});

describe('with a proof', () => {
  test('stanzas arrive', async () => {
    const peer = await proved(EVIL);
    peer.send(chat('x@evil.example', undefined, 'true'));
    expect(bodyOf(await victim.seek(({ name }) => name === 'message'))).toBe('true');
  });

  test.each([
    ['§8.1.2.2: for another domain', chat('x@other.example'), 'invalid-from'],
    ['§8.1.2.2: for one of ours', chat('juliet@ours.example'), 'invalid-from'],
    ['§8.1.2.2: for a domain below its own', chat('x@sub.evil.example'), 'invalid-from'],
    ['§8.1.1.2: without to', "<message from='x@evil.example'/>", 'improper-addressing'],
    ['§8.1.2.2: without from', "<message to='romeo@ours.example'/>", 'improper-addressing'],
    ['no address', chat('x@@evil.example'), 'improper-addressing'],
    ['to nobody here', chat('x@evil.example', 'x@nowhere.example'), 'host-unknown'],
    ['to another of ours', chat('x@evil.example', 'x@second.example'), 'improper-addressing'],
    ['an element that nobody knows', "<what xmlns='urn:what'/>", 'unsupported-stanza-type'],
    ['too large', `<message><body>${'x'.repeat(600_000)}`, 'policy-violation'],
  ])('%s', async (_, text, condition) => {
    const peer = await proved(EVIL);
    peer.send(text);
    expect(await streamError(peer)).toBe(condition);
    await victim.ping();
  });

  test('RFC 6120 §4.4: what was sent before both have said goodbye is taken', async () => {
    const peer = await proved(EVIL);
    expect(server.federation.side.closeDomain(EVIL)).toBe(1);
    peer.send(`${chat('x@evil.example', undefined, 'last words')}</stream:stream>`);
    expect(bodyOf(await victim.seek(({ name }) => name === 'message'))).toBe('last words');
    expect(await peer.rest()).toEqual([]);
    await peer.closed();
  });

  test('the header that follows EXTERNAL is from another domain', async () => {
    const { peer } = await secured(EVIL, issue({ dns: [EVIL], by: AUTHORITY }));
    await peer.ask(external(EVIL));
    peer.restart();
    peer.send(header(from('other.example')));
    await peer.header();
    expect(await streamError(peer)).toBe('invalid-from');
  });

  test('the proof goes no further than TLS: another stream has to bring its own', async () => {
    await proved(EVIL);
    const { peer } = await secured(EVIL);
    peer.send(chat('x@evil.example'));
    expect(await streamError(peer)).toBe('not-authorized');
  });

  test('a stanza that is not in order is answered, and the stream stays', async () => {
    const peer = await proved(EVIL);
    peer.send("<iq type='get' from='evil.example' to='ours.example' id='1'/>");
    peer.send(chat('x@evil.example', undefined, 'still here'));
    expect(bodyOf(await victim.seek(({ name }) => name === 'message'))).toBe('still here');
  });

  test('a second domain of the same certificate is taken without dialling back', async () => {
    const names = [EVIL, 'second-evil.example'];
    const { peer } = await secured(EVIL, issue({ dns: names, by: AUTHORITY }));
    await peer.ask(external(EVIL));
    await begin(peer, from(EVIL));
    const result = `<db:result from='second-evil.example' to='${OURS}'>any</db:result>`;
    expect((await peer.ask(result)).attrs.type).toBe('valid');
    peer.send(chat('x@second-evil.example', undefined, 'also me'));
    expect(bodyOf(await victim.seek(({ name }) => name === 'message'))).toBe('also me');
    // What another has to prove stays another's.
    const other = `<db:result from='third.example' to='${OURS}'>any</db:result>`;
    expect(`${await peer.ask(other)}`).toContain('remote-server-not-found');
  });
});

describe('XEP-0220: dialback', () => {
  test('§2.2.1: a key that the authority does not know', async () => {
    await federation.join({ hosts: { 'honest.example': {} } });
    const { peer } = await secured('honest.example');
    const answer = await peer.ask(`<db:result from='honest.example' to='${OURS}'>bad</db:result>`);
    expect(answer.attrs.type).toBe('invalid');
    expect((await peer.rest()).length).toBe(0); // MUST close the stream
    await peer.closed();
  });

  test('§2.5: with other pairs proved, it costs only its own', async () => {
    const peer = await proved(EVIL);
    const answer = await peer.ask(`<db:result from='honest.example' to='${OURS}'>bad</db:result>`);
    expect(`${answer}`).toContain('forbidden');
    peer.send(chat('x@evil.example', undefined, 'me again'));
    expect(bodyOf(await victim.seek(({ name }) => name === 'message'))).toBe('me again');
  });

  test.each([
    ['to a domain that is not served', EVIL, 'nowhere.example', 'item-not-found'],
    ['from one of ours', 'second.example', OURS, 'not-acceptable'],
    ['from a domain that is nowhere', 'void.example', OURS, 'remote-server-not-found'],
  ])('§2.5: a question %s', async (_, sender, target, condition) => {
    const { peer } = await secured(EVIL);
    const answer = await peer.ask(`<db:result from='${sender}' to='${target}'>key</db:result>`);
    expect(answer.attrs).toMatchObject({ type: 'error', from: target, to: sender });
    expect(`${answer}`).toContain(`<${condition} `);
  });

  test('§2.5: an authority that cannot be reached', async () => {
    federation.record({
      '_xmpp-server._tcp.deaf.example': { SRV: ['0 0 1 deaf.test.example'] },
      'deaf.test.example': { A: ['127.0.0.1'] },
    });
    const { peer } = await secured('deaf.example');
    const answer = await peer.ask(`<db:result from='deaf.example' to='${OURS}'>key</db:result>`);
    expect(`${answer}`).toContain('remote-connection-failed');
  });

  test('§2.2.2: a key that we did not give out, and one for a domain that is not ours', async () => {
    const { peer } = await secured(EVIL);
    const verify = (to: string) =>
      peer.ask(`<db:verify from='${EVIL}' to='${to}' id='any'>key</db:verify>`);
    expect((await verify(OURS)).attrs).toMatchObject({ type: 'invalid', id: 'any', from: OURS });
    expect(`${await verify('nowhere.example')}`).toContain('item-not-found');
  });

  test.each(['result', 'verify'])('§3.1: an answer that nobody asked for: %s', async (kind) => {
    const { peer } = await secured(EVIL);
    peer.send(`<db:${kind} from='${EVIL}' to='${OURS}' id='any' type='valid'/>`);
    peer.send(chat('x@evil.example'));
    expect(await streamError(peer)).toBe('not-authorized');
  });

  test('the same question many times is asked of the authority once', async () => {
    federation.record({
      '_xmpp-server._tcp.slow.example': { SRV: ['0 0 1 slow.test.example'] },
      'slow.test.example': 'silence',
    });
    const { peer } = await secured('slow.example');
    for (let index = 0; index < 30; index += 1)
      peer.send(`<db:result from='slow.example' to='${OURS}'>key ${index}</db:result>`);
    const answer = await peer.next();
    expect(answer.attrs.type).toBe('error');
    peer.send('</stream:stream>');
    expect(await peer.rest()).toEqual([]);
  });

  test('§2.5: no more than some may wait for their authority', async () => {
    const { peer } = await secured(EVIL);
    for (let index = 0; index < 30; index += 1) {
      const name = `slow${index}.example`;
      federation.record({
        [`_xmpp-server._tcp.${name}`]: 'silence',
        [`_xmpps-server._tcp.${name}`]: 'silence',
      });
      peer.send(`<db:result from='${name}' to='${OURS}'>key</db:result>`);
    }
    const answers = [];
    for (let index = 0; index < 10; index += 1) answers.push(`${await peer.next()}`);
    expect(answers.every((answer) => answer.includes('resource-constraint'))).toBe(true);
  });

  test('a long text instead of a key', async () => {
    const { peer } = await secured(EVIL);
    peer.send(`<db:result from='${EVIL}' to='${OURS}'>${'k'.repeat(50_000)}</db:result>`);
    expect(await streamError(peer)).toBe('policy-violation');
  });
});

describe('XEP-0288: both directions', () => {
  test('nothing is sent back to one who asked for it and proved nothing', async () => {
    const { peer } = await secured(EVIL);
    peer.send("<bidi xmlns='urn:xmpp:bidi'/>");
    victim.send("<message to='x@evil.example' id='b'><body>secret</body></message>");
    const error = await victim.seek(({ attrs }) => attrs.type === 'error');
    expect(`${error}`).toContain('remote-server-not-found');
    expect(peer.text).not.toContain('secret');
  });

  test('it cannot be asked for once authenticated', async () => {
    const peer = await proved(EVIL);
    peer.send("<bidi xmlns='urn:xmpp:bidi'/>");
    expect(await streamError(peer)).toBe('policy-violation');
  });

  test('who proved to be one domain gets what is for that one only', async () => {
    const { peer } = await secured(EVIL, issue({ dns: [EVIL], by: AUTHORITY }));
    peer.send("<bidi xmlns='urn:xmpp:bidi'/>");
    await peer.ask(external(EVIL));
    await begin(peer, from(EVIL));
    victim.send("<message to='x@evil.example'><body>for you</body></message>");
    expect(bodyOf(await peer.next())).toBe('for you');
    victim.send("<message to='x@other.example'><body>not for you</body></message>");
    await victim.seek(({ attrs }) => attrs.type === 'error');
    peer.send('</stream:stream>');
    expect((await peer.rest()).map(textIn)).toEqual([]);
  });
});

describe('XEP-0198: stream management', () => {
  const SM = "xmlns='urn:xmpp:sm:3'";
  const ENABLE = `<enable ${SM} resume='true'/>`;
  const FAILED = (condition: string, h = '') =>
    `<failed xmlns="urn:xmpp:sm:3"${h}><${condition} xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>`;

  /** A managed stream, and the name by which it may be resumed. */
  async function managed(remote: string): Promise<{ peer: Client; id: string }> {
    const peer = await proved(remote);
    const answer = await peer.ask(ENABLE);
    expect(answer.attrs).toMatchObject({ resume: 'true', max: '300' });
    return { peer, id: answer.attrs['id'] ?? '' };
  }
  const resume = (id: string, h: number) => `<resume ${SM} previd='${id}' h='${h}'/>`;

  test('§2: is offered where stanzas may be sent, or a proof may follow without features', async () => {
    const { peer, features } = await secured(EVIL, issue({ dns: [EVIL], by: AUTHORITY }));
    expect(`${features}`).toContain('<sm xmlns="urn:xmpp:sm:3"/>'); // after dialback
    await peer.ask(external(EVIL));
    expect(`${(await begin(peer, from(EVIL))).features}`).toContain('<sm xmlns="urn:xmpp:sm:3"/>');
    expect(`${(await begin(await call(), from(EVIL))).features}`).not.toContain('urn:xmpp:sm:3');
  });

  test.each([ENABLE, `<resume ${SM} previd='x' h='0'/>`])(
    '§3, §5: before a proof, and the stream stays: %s',
    async (request) => {
      const { peer } = await secured(EVIL);
      expect(`${await peer.ask(request)}`).toBe(FAILED('unexpected-request'));
      expect(`${await peer.ask(request)}`).toBe(FAILED('unexpected-request'));
    },
  );

  test.each([ENABLE, `<resume ${SM} previd='x' h='0'/>`])(
    '§3: a second attempt: %s',
    async (request) => {
      const { peer } = await managed(EVIL);
      peer.send(request);
      expect(`${await peer.next()}`).toBe(FAILED('unexpected-request'));
      expect(await streamError(peer)).toBe('policy-violation');
    },
  );

  test('§4: only stanzas count, those that came since', async () => {
    const peer = await proved(EVIL);
    peer.send(chat('x@evil.example', undefined, 'before'));
    await victim.seek(({ name }) => name === 'message');
    await peer.ask(ENABLE);
    peer.send(
      `<r ${SM}/>${chat('x@evil.example')}<presence from='x@evil.example' to='romeo@ours.example'/>`,
    );
    await victim.seek(({ name }) => name === 'presence');
    await expect
      .poll(async () => (await peer.ask(`<r ${SM}/>`)).attrs['h'], { timeout: 5000 })
      .toBe('2');
  });

  test('§4: a thousand requests get few answers', async () => {
    const { peer } = await managed(EVIL);
    peer.send(`<r ${SM}/>`.repeat(1000));
    peer.send(`<what xmlns='urn:what'/>`);
    const answers = await peer.rest();
    expect(answers.length).toBeLessThan(50);
  });

  test.each([
    ['§6: more than it was sent', `<a ${SM} h='1'/>`, 'undefined-condition'],
    ['no counter', `<a ${SM}/>`, 'bad-format'],
    ['an element that nobody knows', `<what ${SM}/>`, 'unsupported-stanza-type'],
  ])('%s', async (_, text, condition) => {
    const { peer } = await managed(EVIL);
    peer.send(text);
    expect(await streamError(peer)).toBe(condition);
  });

  test('answers that nobody asked for mean nothing', async () => {
    const { peer } = await managed(EVIL);
    for (const name of ['enabled', 'resumed', 'failed'])
      peer.send(`<${name} ${SM} id='x' previd='x' h='7' resume='true'/>`);
    expect((await peer.ask(`<r ${SM}/>`)).attrs['h']).toBe('0');
  });

  test('§5: a stream that broke is resumed by its owner, once and again', async () => {
    const { peer, id } = await managed(EVIL);
    peer.send(chat('x@evil.example', undefined, 'one'));
    expect(bodyOf(await victim.seek(({ name }) => name === 'message'))).toBe('one');
    peer.reset();
    for (const h of ['1', '1']) {
      const next = await proved(EVIL);
      expect((await next.ask(resume(id, 0))).attrs).toMatchObject({ h, previd: id });
      next.reset();
    }
  });

  test('§5: while the old one is open, it has a conflict', async () => {
    const { peer, id } = await managed(EVIL);
    const next = await proved(EVIL);
    expect((await next.ask(resume(id, 0))).name).toBe('resumed');
    expect(await streamError(peer)).toBe('conflict');
    next.send(chat('x@evil.example', undefined, 'still me'));
    expect(bodyOf(await victim.seek(({ name }) => name === 'message'))).toBe('still me');
  });

  test('§8: nobody else resumes it, however he knows its name', async () => {
    const { peer, id } = await managed(EVIL);
    const thief = await proved('thief.example');
    expect(`${await thief.ask(resume(id, 0))}`).toBe(FAILED('item-not-found'));
    peer.reset();
    expect(`${await thief.ask(resume(id, 0))}`).toBe(FAILED('item-not-found'));
    const { peer: unproved } = await secured(EVIL);
    expect(`${await unproved.ask(resume(id, 0))}`).toBe(FAILED('unexpected-request'));
    const owner = await proved(EVIL);
    expect((await owner.ask(resume(id, 0))).name).toBe('resumed');
  });

  test('§8: a stream for several domains is not resumed: who proves one is not the others', async () => {
    const names = [EVIL, 'second-evil.example'];
    const { peer } = await secured(EVIL, issue({ dns: names, by: AUTHORITY }));
    await peer.ask(external(EVIL));
    await begin(peer, from(EVIL));
    const { attrs } = await peer.ask(ENABLE);
    const result = `<db:result from='second-evil.example' to='${OURS}'>any</db:result>`;
    expect((await peer.ask(result)).attrs.type).toBe('valid');
    peer.reset();
    const next = await proved(EVIL);
    expect(`${await next.ask(resume(attrs['id'] ?? '', 0))}`).toBe(FAILED('item-not-found'));
  });

  test('§6: who claims to have had more than he was sent is sent away', async () => {
    const { peer, id } = await managed(EVIL);
    peer.reset();
    const next = await proved(EVIL);
    next.send(resume(id, 1));
    expect(await streamError(next)).toBe('undefined-condition');
  });

  test('§7: a stream that was closed is over', async () => {
    const { peer, id } = await managed(EVIL);
    peer.send('</stream:stream>');
    expect((await peer.rest()).at(-1)?.name).toBe('a'); // its last word
    await peer.closed();
    const next = await proved(EVIL);
    expect(`${await next.ask(resume(id, 0))}`).toBe(FAILED('item-not-found'));
  });

  test('XEP-0288, §5: what it has not acknowledged is sent again, to it alone', async () => {
    const both = async () => {
      const { peer } = await secured(EVIL, issue({ dns: [EVIL], by: AUTHORITY }));
      peer.send("<bidi xmlns='urn:xmpp:bidi'/>");
      await peer.ask(external(EVIL));
      await begin(peer, from(EVIL));
      return peer;
    };
    const peer = await both();
    const { attrs } = await peer.ask(ENABLE);
    for (const body of ['one', 'two'])
      victim.send(`<message to='x@evil.example'><body>${body}</body></message>`);
    const isMessage = ({ name }: Element) => name === 'message';
    for (const body of ['one', 'two']) expect(bodyOf(await peer.seek(isMessage))).toBe(body);
    peer.reset();
    const next = await both();
    next.send(resume(attrs['id'] ?? '', 1));
    expect((await next.next()).name).toBe('resumed');
    expect(bodyOf(await next.seek(isMessage))).toBe('two');
    next.send(`<a ${SM} h='2'/>`);
    next.send('</stream:stream>');
    expect((await next.rest()).filter(isMessage)).toEqual([]);
  });
});

test('nothing is left of all that', async () => {
  for (const peer of peers) peer.destroy();
  const deadline = performance.now() + 8000;
  const honest = domain('honest.example'); // whom we asked about keys
  const left = () =>
    server.federation.side.list().filter((link) => link.state === 'up' && link.domain !== honest);
  while (left().length > 0 && performance.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 20));
  expect(left()).toEqual([]);
  await victim.ping();
});

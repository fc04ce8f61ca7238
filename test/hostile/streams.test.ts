/**
 * What a stranger, or a client that has logged in, may send by mistake or malice. Each gets the error
 * that RFC 6120 names, and then a good client is served.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { auth, Client, loggedIn } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a secret for tests';
const STREAMS = 'http://etherx.jabber.org/streams';
const BEFORE_AUTH = 10_000;
const AFTER_AUTH = 30_000;

let server: TestServer;
beforeAll(async () => {
  server = await startServer({
    config: {
      limits: {
        stanzaBytesBeforeAuth: BEFORE_AUTH,
        stanzaBytes: AFTER_AUTH,
        depth: 20,
        attributes: 10,
        loginTries: 3,
        connectionsPerAddress: 40,
      },
    },
    accounts: { 'juliet@localhost': PASSWORD, 'romeo@localhost': PASSWORD },
  });
});
afterAll(() => server.stop());

const client = (user = 'juliet', resource?: string) =>
  loggedIn({
    port: server.ports.c2s,
    user,
    password: PASSWORD,
    ...(resource === undefined ? {} : { resource }),
  });

/** A good client is served as if nothing had happened. */
async function serveGoodClient(): Promise<void> {
  const good = await client('romeo');
  good.send("<iq type='get' id='good' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
  expect((await good.next()).attrs).toMatchObject({ type: 'result', id: 'good' });
  good.destroy();
}

const header = (attrs = "to='localhost' version='1.0'", ns = 'jabber:client', stream = STREAMS) =>
  `<?xml version='1.0'?><stream:stream ${attrs} xmlns='${ns}' xmlns:stream='${stream}'>`;

describe('before TLS and login', () => {
  afterEach(serveGoodClient);

  const headers: readonly (readonly [title: string, text: string | Buffer, condition: string])[] = [
    [
      '§4.9.3.10 another stream namespace',
      header(undefined, undefined, 'urn:x'),
      'invalid-namespace',
    ],
    [
      '§4.8.3 the content namespace of servers',
      header(undefined, 'jabber:server'),
      'invalid-namespace',
    ],
    ['§4.8.3 no content namespace', header(undefined, ''), 'invalid-namespace'],
    ['§4.9.3.6 an unknown host', header("to='elsewhere.example' version='1.0'"), 'host-unknown'],
    ['§4.9.3.6 a host that is no domain', header("to='a@b/c' version='1.0'"), 'host-unknown'],
    ['§4.7.2 no host', header("version='1.0'"), 'improper-addressing'],
    ['§4.9.3.25 no version', header("to='localhost'"), 'unsupported-version'],
    ['§4.9.3.25 version 0.9', header("to='localhost' version='0.9'"), 'unsupported-version'],
    ['§4.9.3.25 version that is none', header("to='localhost' version='x'"), 'unsupported-version'],
    ['§11.1 a DTD', `<!DOCTYPE x [<!ENTITY a "b">]>${header()}`, 'restricted-xml'],
    ['§11.1 a comment', `<!-- hello -->${header()}`, 'restricted-xml'],
    ['§11.1 a processing instruction', `<?php x ?>${header()}`, 'restricted-xml'],
    [
      '§11.6 another encoding',
      header().replace("version='1.0'?", "version='1.0' encoding='latin1'?"),
      'unsupported-encoding',
    ],
    ['§4.9.3.22 UTF-16', Buffer.from(header(), 'utf16le'), 'not-well-formed'],
    [
      '§4.9.3.22 bytes that are no UTF-8',
      Buffer.concat([Buffer.from(header()), Buffer.from([0xc3, 0x28])]),
      'unsupported-encoding',
    ],
    ['§4.9.3.13 tags that do not match', `${header()}<a></b>`, 'not-well-formed'],
    ['§4.9.3.13 an HTTP request', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', 'not-well-formed'],
    ['§4.9.3.13 a TLS hello in clear', Buffer.from('16030100c8010000c40303', 'hex'), ''],
    ['§11.3 an unbound prefix', `${header()}<x:y/>`, 'not-well-formed'],
    [
      '§4.9.3.2 an unbound prefix of the stream',
      "<s:stream xmlns='jabber:client'>",
      'bad-namespace-prefix',
    ],
    ['§11 NUL', `${header()}<a>\0</a>`, 'not-well-formed'],
    ['§11 a foreign entity', `${header()}<a>&nbsp;</a>`, 'restricted-xml'],
    ['§11 a character that XML forbids', `${header()}<a>&#x1;</a>`, 'not-well-formed'],
    ['§4.9.3.1 text in the stream', `${header()}hello `.repeat(2), ''],
    [
      'a root element that is no stream',
      `<flood xmlns='jabber:client' xmlns:stream='${STREAMS}'>`,
      '',
    ],
    ['a stream in the stream', `${header()}${header().slice(21)}</stream:stream>`, 'bad-format'],
    ['a header that never ends', `<stream:stream ${'a'.repeat(BEFORE_AUTH)}`, 'policy-violation'],
    [
      'an attribute that never ends',
      `<stream:stream to='${'a'.repeat(BEFORE_AUTH)}`,
      'policy-violation',
    ],
    [
      '§4.9.3.12 a message',
      `${header()}<message to='juliet@localhost'><body>x</body></message>`,
      'not-authorized',
    ],
    ['§4.9.3.12 presence', `${header()}<presence/>`, 'not-authorized'],
    [
      '§4.9.3.12 an IQ',
      `${header()}<iq type='get' id='1'><x xmlns='urn:x'/></iq>`,
      'not-authorized',
    ],
    ['an unsolicited result', `${header()}<iq type='result' id='1'/>`, 'not-authorized'],
    ['an unknown element', `${header()}<hello xmlns='urn:x'/>`, 'not-authorized'],
    [
      'an element larger than allowed',
      `${header()}<iq><a>${'x'.repeat(BEFORE_AUTH)}</a></iq>`,
      'policy-violation',
    ],
    ['elements deeper than allowed', `${header()}${'<a>'.repeat(100)}`, 'policy-violation'],
    [
      'more attributes than allowed',
      `${header()}<a ${Array.from({ length: 50 }, (_, i) => `a${i}=''`).join(' ')}/>`,
      'policy-violation',
    ],
    ['an attribute twice', `${header()}<a b='' b=''/>`, 'not-well-formed'],
  ];
  test.each(headers)('%s', async (_, text, condition) => {
    const bad = await Client.connect({ port: server.ports.c2s });
    bad.send(text);
    await bad.rest();
    await bad.closed();
    expect(bad.text).toContain(condition === '' ? '<stream:error>' : `<${condition} `);
    expect(bad.text).toContain('<stream:stream '); // §4.9.1.2: a header precedes the error
    expect(bad.text).toMatch(/<\/stream:error><\/stream:stream>$/);
  });

  test('§5.4.3.3 what is sent in clear behind <starttls/> is void', async () => {
    const bad = await Client.connect({ port: server.ports.c2s });
    await bad.open();
    bad.send(
      `<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>${header()}${auth('PLAIN', 'AGEAYg==')}`,
    );
    expect((await bad.next()).name).toBe('proceed');
    await bad.upgrade().catch(() => {}); // the injected bytes are no TLS: the handshake may fail
    bad.destroy();
    expect(bad.text).not.toContain('failure');
  });

  test('§6.5.4 login in clear', async () => {
    const bad = await Client.connect({ port: server.ports.c2s });
    await bad.open();
    bad.send(auth('PLAIN', 'AGEAYg=='));
    expect(String(await bad.next())).toContain('encryption-required');
    bad.destroy();
  });

  test('text on the port of direct TLS', async () => {
    const bad = await Client.connect({ port: server.ports.c2sTls });
    bad.send(header());
    await bad.closed();
    expect(bad.text).not.toContain('stream');
  });

  test('garbage in the middle of a TLS handshake', async () => {
    const bad = await Client.connect({ port: server.ports.c2s });
    await bad.open();
    bad.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    await bad.next();
    bad.send(Buffer.alloc(4096, 0x16));
    await bad.closed();
  });

  test('a socket that is closed on one side only', async () => {
    const bad = await Client.connect({ port: server.ports.c2s });
    await bad.open();
    bad.endSocket();
    await bad.closed();
  });

  test('more connections than one address may have', async () => {
    const held: Client[] = [];
    let refused = '';
    // Connections of earlier tests may still be closing, so the limit may come a little earlier.
    while (refused === '' && held.length <= 40) {
      const one = await Client.connect({ port: server.ports.c2s });
      held.push(one);
      const { features } = await one.open();
      if (features.name === 'stream:error') refused = String(features);
    }
    expect(refused).toContain('<policy-violation ');
    expect(held.length).toBeGreaterThan(30);
    for (const each of held) each.destroy();
    await Promise.all(held.map((each) => each.closed()));
    await vi.waitFor(async () => {
      const page = await fetch(`http://127.0.0.1:${server.ports.http}/metrics`);
      expect(await page.text()).toContain('rtcd_connections{kind="c2s"} 0\n');
    });
  });
});

describe('during login', () => {
  afterEach(serveGoodClient);
  const SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'";
  const secured = async () => {
    const one = await Client.connect({
      port: server.ports.c2sTls,
      tls: { servername: 'localhost' },
    });
    await one.open();
    return one;
  };

  const failures: readonly (readonly [title: string, text: string, condition: string])[] = [
    ['§6.5.7 an unknown mechanism', auth('CRAM-MD5', ''), 'invalid-mechanism'],
    ['§6.5.7 no mechanism', `<auth ${SASL}/>`, 'invalid-mechanism'],
    [
      '§6.5.7 a mechanism for guests where there are none',
      auth('ANONYMOUS', ''),
      'invalid-mechanism',
    ],
    ['§6.5.5 no base64', auth('PLAIN', '!!!!'), 'incorrect-encoding'],
    ['§6.5.5 base64 of a wrong length', auth('PLAIN', 'AAA'), 'incorrect-encoding'],
    ['§6.5.9 PLAIN without NULs', auth('PLAIN', 'YWJj'), 'malformed-request'],
    [
      '§6.5.9 PLAIN with one NUL too many',
      auth('PLAIN', Buffer.from('\0a\0b\0c').toString('base64')),
      'malformed-request',
    ],
    [
      '§6.5.6 acting as someone else',
      auth('PLAIN', Buffer.from(`romeo@localhost\0juliet\0${PASSWORD}`).toString('base64')),
      'invalid-authzid',
    ],
    [
      '§6.5.10 an impossible name',
      auth('PLAIN', Buffer.from('\0a@b\0c').toString('base64')),
      'not-authorized',
    ],
    [
      'RFC 5802 rubbish',
      auth('SCRAM-SHA-1', Buffer.from('rubbish').toString('base64')),
      'malformed-request',
    ],
    [
      'RFC 5802 §5.1 an extension that must be understood',
      auth('SCRAM-SHA-1', Buffer.from('n,,m=x,n=a,r=b').toString('base64')),
      'malformed-request',
    ],
    [
      'RFC 5802 §6 a downgrade',
      auth('SCRAM-SHA-1', Buffer.from('y,,n=juliet,r=b').toString('base64')),
      'not-authorized',
    ],
    [
      'RFC 5802 §6 an unknown channel binding',
      auth('SCRAM-SHA-1-PLUS', Buffer.from('p=x,,n=juliet,r=b').toString('base64')),
      'malformed-request',
    ],
    ['a response to nothing', `<response ${SASL}>AA==</response>`, 'not-authorized'],
    ['§6.5.1 an abort of nothing', `<abort ${SASL}/>`, 'aborted'],
    ['an unknown element of SASL', `<hello ${SASL}/>`, 'malformed-request'],
  ];
  test.each(failures)('%s', async (_, text, condition) => {
    const bad = await secured();
    bad.send(text);
    const answer = await bad.next();
    expect(answer.name).toBe('failure');
    expect(String(answer)).toContain(`<${condition}/>`);
    // The stream goes on: the right password is still taken.
    expect((await bad.plain('juliet', PASSWORD)).name).toBe('success');
    bad.destroy();
  });

  test('§6.4.5 too many failures end the stream', async () => {
    const bad = await secured();
    for (let tries = 0; tries < 3; tries += 1)
      expect((await bad.plain('juliet', 'wrong')).name).toBe('failure');
    const [error] = await bad.rest();
    expect(String(error)).toContain('<policy-violation ');
    await bad.closed();
  });

  test('a new stream without having logged in', async () => {
    const bad = await secured();
    bad.send(header());
    await bad.rest();
    expect(bad.text).toMatch(/<not-well-formed |<not-authorized |<bad-format /);
  });

  test('§5.4.2.2 STARTTLS under TLS', async () => {
    const bad = await secured();
    bad.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
    expect((await bad.next()).name).toBe('failure');
    await bad.closed();
  });

  test('between login and binding: a stanza, a resource that is none, one too many', async () => {
    const bad = await secured();
    await bad.plain('juliet', PASSWORD);
    await bad.open();
    bad.send("<message to='juliet@localhost' id='m'/>");
    expect(String(await bad.next())).toContain('not-authorized');
    const resource = await bad.bind('x'.repeat(1024));
    expect(String(resource)).toContain('bad-request');
    expect((await bad.bind('fine')).attrs.type).toBe('result');
    expect(String(await bad.bind('again'))).toContain('not-allowed');
    bad.destroy();
  });
});

describe('after login', () => {
  afterEach(serveGoodClient);

  const ends: readonly (readonly [title: string, text: string | Buffer, condition: string])[] = [
    [
      "§8.1.2.1 somebody else's address",
      "<message from='romeo@localhost' to='juliet@localhost'/>",
      'invalid-from',
    ],
    [
      "§8.1.2.1 another resource's address",
      "<message from='juliet@localhost/other'/>",
      'invalid-from',
    ],
    ['§4.9.3.24 an unknown element', "<hello xmlns='urn:x'/>", 'unsupported-stanza-type'],
    [
      '§4.9.3.24 a stanza of another namespace',
      "<message xmlns='jabber:server'/>",
      'unsupported-stanza-type',
    ],
    [
      'a stanza larger than allowed',
      `<message><body>${'x'.repeat(AFTER_AUTH)}</body></message>`,
      'policy-violation',
    ],
    ['a stanza that never ends', `<message><body>${'x'.repeat(AFTER_AUTH)}`, 'policy-violation'],
    [
      'a stanza of more elements than allowed',
      `<message>${'<a/>'.repeat(11_000)}</message>`,
      'policy-violation',
    ],
    ['a stanza deeper than allowed', `<message>${'<a>'.repeat(21)}`, 'policy-violation'],
    ['§11.1 a comment', '<message><!-- x --></message>', 'restricted-xml'],
    ['§11.1 a processing instruction', '<message><?x y?></message>', 'restricted-xml'],
    ['§11.1 a DTD', '<!DOCTYPE x>', 'restricted-xml'],
    ['§4.9.3.13 a tag that is not closed', '<message><body></message>', 'not-well-formed'],
    ['§4.9.3.1 text between stanzas', 'hello<presence/>', 'bad-format'],
    ['bytes that are no UTF-8', Buffer.from([0x3c, 0x61, 0x3e, 0xff]), 'unsupported-encoding'],
    [
      'half of a surrogate pair',
      Buffer.from('<message>\xed\xa0\x80</message>', 'latin1'),
      'unsupported-encoding',
    ],
    ['a stream in the stream', `${header().slice(21)}</stream:stream>`, 'bad-format'],
  ];
  test.each(ends)('the stream ends: %s', async (_, text, condition) => {
    const bad = await client();
    bad.send(text);
    await bad.rest();
    await bad.closed();
    expect(bad.text).toContain(`<${condition} `);
  });

  const QUERY = "<query xmlns='urn:x'/>";
  const errors: readonly (readonly [title: string, text: string, condition: string])[] = [
    ['§8.2.3 an IQ without a type', `<iq id='1'>${QUERY}</iq>`, 'bad-request'],
    ['§8.2.3 an IQ of an unknown type', `<iq id='1' type='do'>${QUERY}</iq>`, 'bad-request'],
    ['§8.2.3 an IQ without an id', `<iq type='get'>${QUERY}</iq>`, 'bad-request'],
    ['§8.2.3 a request without a child', "<iq type='get' id='1'/>", 'bad-request'],
    [
      '§8.2.3 a request with two children',
      `<iq type='set' id='1'>${QUERY}${QUERY}</iq>`,
      'bad-request',
    ],
    [
      '§8.3.3.19 a request that nobody understands',
      `<iq type='get' id='1' to='localhost'>${QUERY}</iq>`,
      'service-unavailable',
    ],
    ['§8.3.3.8 an address that is none', "<message to='@localhost'/>", 'jid-malformed'],
    [
      '§8.3.3.8 an address that is too long',
      `<message to='${'x'.repeat(1024)}@localhost'/>`,
      'jid-malformed',
    ],
    ['RFC 6121 §4.7.1 an unknown type of presence', "<presence type='dancing'/>", 'bad-request'],
    [
      '§10.4 a domain that nobody can find',
      "<message to='x@nowhere.invalid'/>",
      'remote-server-not-found',
    ],
    [
      'RFC 6121 §8.5.1 an account that does not exist',
      "<message to='nobody@localhost'><body>x</body></message>",
      'service-unavailable',
    ],
    [
      'RFC 6121 §8.5.3.2.3 an IQ to a resource that is gone',
      `<iq type='get' id='1' to='juliet@localhost/gone'>${QUERY}</iq>`,
      'service-unavailable',
    ],
    [
      'a message to the server',
      "<message to='localhost'><body>x</body></message>",
      'service-unavailable',
    ],
    [
      "RFC 6121 §2.1.4 somebody else's roster",
      "<iq type='get' id='1' to='romeo@localhost'><query xmlns='jabber:iq:roster'/></iq>",
      'forbidden',
    ],
  ];
  test.each(errors)('a stanza error: %s', async (_, text, condition) => {
    const bad = await client();
    bad.send(text);
    const answer = await bad.next();
    expect(answer.attrs.type).toBe('error');
    expect(String(answer)).toContain(`<${condition} `);
    // The stream goes on.
    bad.send("<iq type='get' id='after' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
    expect((await bad.next()).attrs).toMatchObject({ type: 'result', id: 'after' });
    bad.destroy();
  });

  const silent: readonly (readonly [title: string, text: string])[] = [
    ['§8.3.1 an error to nobody', "<message type='error' to='nobody@localhost'/>"],
    ['§8.3.1 a result to nobody', "<iq type='result' id='1' to='nobody@localhost'/>"],
    [
      '§8.3.1 an error to a resource that is gone',
      "<iq type='error' id='1' to='juliet@localhost/gone'/>",
    ],
    ['an error without a recipient', "<message type='error'/>"],
    ['an unsolicited result to the server', "<iq type='result' id='1' to='localhost'/>"],
    ['presence to the server', "<presence to='localhost'/>"],
    ['presence to nobody', "<presence to='nobody@localhost'/>"],
    ['whitespace', ' \n\t '],
  ];
  test.each(silent)('never answered: %s', async (_, text) => {
    const bad = await client();
    bad.send(`${text}<iq type='get' id='after' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`);
    expect((await bad.next()).attrs).toMatchObject({ type: 'result', id: 'after' });
    bad.destroy();
  });

  test('CDATA is only text, and what it hides is escaped for the next', async () => {
    const two = await client('romeo', 'hall');
    const one = await client();
    one.send("<message to='romeo@localhost/hall'><body><![CDATA[<x>&]]></body></message>");
    expect(String(await two.next())).toContain('&lt;x&gt;&amp;');
    one.destroy();
    two.destroy();
  });

  test('a namespace prefix is no way to smuggle an element past the reader', async () => {
    const two = await client('romeo', 'hall');
    const one = await client();
    one.send("<message to='romeo@localhost/hall' xmlns:p='urn:p'><p:body>x</p:body></message>");
    expect(String(await two.next())).toMatch(/<body xmlns="urn:p">x<\/body>/);
    one.destroy();
    two.destroy();
  });
});

/**
 * The edges of what is allowed, from both sides: the last that is taken and the first that is not;
 * and what is meant to confuse a reader (prototypes, prefixes, quotes, spoofed answers). After each,
 * a good client is served.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Element } from '../../src/xml/element.ts';
import { scramClient } from '../sasl/scram-client.ts';
import { auth, Client, loggedIn, textIn } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a secret for tests';
const EARLY_BYTES = 10_000;
const DEPTH = 12;
const ATTRIBUTES = 10;
const ELEMENTS = 10_000;
const SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'";
const STREAMS = "xmlns:stream='http://etherx.jabber.org/streams'";
const PING = "<ping xmlns='urn:xmpp:ping'/>";

let server: TestServer;
let clients: Client[] = [];
beforeAll(async () => {
  server = await startServer({
    config: {
      limits: {
        stanzaBytesBeforeAuth: EARLY_BYTES,
        stanzaBytes: '256KiB',
        depth: DEPTH,
        attributes: ATTRIBUTES,
      },
    },
    hosts: { localhost: {}, 'other.example': {} },
    accounts: { 'juliet@localhost': PASSWORD, 'romeo@localhost': PASSWORD },
  });
});
afterAll(() => server.stop());
afterEach(async () => {
  const good = await bound('romeo');
  await good.ping();
  for (const client of clients) client.destroy();
  clients = [];
  await expect.poll(() => server.run('sessions.list')).toMatchObject({ total: 0 });
});

async function bound(user: string, resource?: string): Promise<Client> {
  const place = { port: server.ports.c2sTls, tls: { servername: 'localhost' } };
  const named = resource === undefined ? {} : { resource };
  return noted(await loggedIn({ ...place, user, password: PASSWORD, ...named }));
}

async function connected(): Promise<Client> {
  const tls = { servername: 'localhost' };
  return noted(await Client.connect({ port: server.ports.c2sTls, tls }));
}

async function secured(): Promise<Client> {
  const client = await connected();
  await client.open();
  return client;
}

function noted(client: Client): Client {
  clients.push(client);
  return client;
}

const header = (attrs: string, more = '') =>
  `<?xml version='1.0'?><stream:stream version='1.0' xmlns='jabber:client' ${STREAMS} ${attrs}>${more}`;

async function expectEnd(client: Client, condition: string): Promise<void> {
  const [error] = (await client.rest()).slice(-1);
  expect(error?.name).toBe('stream:error');
  expect(String(error)).toContain(`<${condition} `);
  await client.closed();
}

const failureIn = (element: Element) => {
  expect(element.name).toBe('failure');
  const [condition] = element.children;
  return typeof condition === 'object' ? condition.name : condition;
};

describe('§4.7 headers that are taken', () => {
  test.each([
    ['in capitals', "to='LOCALHOST'"],
    ['with a dot behind the host (RFC 7622 §3.2)', "to='localhost.'"],
    ['with an attribute that nobody knows', "to='localhost' hello='x'"],
    ['with a language that is none', "to='localhost' xml:lang='???'"],
    ['with another namespace', "to='localhost' xmlns:x='urn:x' x:y='z'"],
    ['with an id, which only the server may give', "to='localhost' id='mine'"],
  ])('%s', async (_, attrs) => {
    const client = await connected();
    client.send(header(attrs));
    const answer = await client.header();
    expect(answer.attrs.from).toBe('localhost');
    expect(answer.attrs.id).not.toBe('mine');
    expect(String(await client.next())).toContain('mechanism');
  });

  test('§4.7.2 a from with quotes and angle brackets is echoed, and does not break the header', async () => {
    const from = `a'"><stream:error>&@localhost`;
    const client = await connected();
    const escaped = 'a&apos;&quot;&gt;&lt;stream:error&gt;&amp;@localhost';
    client.send(header(`to='localhost' from='${escaped}'`));
    expect((await client.header()).attrs.to).toBe(from);
    expect((await client.next()).name).toBe('stream:features');
  });

  test('§11.5 with a declaration of UTF-8, in any case', async () => {
    const client = await connected();
    client.send(
      header("to='localhost'").replace("version='1.0'?", "version='1.0' encoding='utf-8'?"),
    );
    await client.header();
    expect((await client.next()).name).toBe('stream:features');
  });

  test('a header of just the bytes that are allowed, and one of one more', async () => {
    const of = (bytes: number) => {
      const around = header("to='localhost' a=''").length;
      return header(`to='localhost' a='${'x'.repeat(bytes - around)}'`);
    };
    const good = await connected();
    good.send(of(EARLY_BYTES));
    await good.header();
    expect((await good.next()).name).toBe('stream:features');
    const bad = await connected();
    bad.send(of(EARLY_BYTES + 1));
    await bad.header();
    await expectEnd(bad, 'policy-violation');
  });
});

describe('§6 login', () => {
  const begun = async (client: Client) => {
    const scram = scramClient({ digest: 'sha256', username: 'juliet', password: PASSWORD });
    const challenge = await client.ask(auth('SCRAM-SHA-256', scram.first.toString('base64')));
    const first = Buffer.from(textIn(challenge), 'base64');
    return { final: scram.final(first).toString(), first: first.toString() };
  };
  const response = (text: string) =>
    `<response ${SASL}>${Buffer.from(text).toString('base64')}</response>`;

  const second: readonly (readonly [
    title: string,
    text: (final: string) => string,
    condition: string,
  ])[] = [
    ['another <auth/>', () => auth('PLAIN', 'AGEAYg=='), 'malformed-request'],
    ['no base64', () => `<response ${SASL}>@@@</response>`, 'incorrect-encoding'],
    ['nothing', () => `<response ${SASL}/>`, 'malformed-request'],
    ['the empty value', () => `<response ${SASL}>=</response>`, 'malformed-request'],
    ['another nonce', (final) => response(final.replace(/r=[^,]+/, 'r=x')), 'malformed-request'],
    [
      'no binding of the gs2 header',
      (final) => response(final.replace(/c=[^,]+/, 'c=eSws')),
      'not-authorized',
    ],
    [
      'a proof of a wrong length',
      (final) => response(final.replace(/p=.+/, 'p=AAAA')),
      'not-authorized',
    ],
    ['no proof', (final) => response(final.replace(/,p=.+/, '')), 'malformed-request'],
    ['bytes that are no UTF-8', () => `<response ${SASL}>////</response>`, 'malformed-request'],
    ['<success/>, as if it were the server', () => `<success ${SASL}/>`, 'malformed-request'],
    ['<abort/>', () => `<abort ${SASL}/>`, 'aborted'],
  ];
  test.each(second)('RFC 5802 in the middle of SCRAM: %s', async (_, text, condition) => {
    const client = await secured();
    const { final } = await begun(client);
    expect(failureIn(await client.ask(text(final)))).toBe(condition);
    // The exchange is over; another one may begin.
    expect((await client.scram('SCRAM-SHA-256', 'juliet', PASSWORD)).name).toBe('success');
  });

  test('RFC 5802 §5.1 the proof of one exchange is worth nothing in another', async () => {
    const client = await secured();
    const { final } = await begun(client);
    await client.ask(`<abort ${SASL}/>`);
    await begun(client);
    expect(failureIn(await client.ask(response(final)))).toBe('malformed-request');
  });

  const firsts: readonly (readonly [
    title: string,
    mechanism: string,
    data: string,
    condition: string,
  ])[] = [
    ['a mechanism in small letters', 'plain', 'AGEAYg==', 'invalid-mechanism'],
    ['EXTERNAL without a certificate', 'EXTERNAL', '=', 'invalid-mechanism'],
    ['a name of a prototype', '__proto__', '=', 'invalid-mechanism'],
    ['a name with a NUL in base64', 'PLAIN', b64('\0ju\0liet\0x'), 'malformed-request'],
    ['an empty password', 'PLAIN', b64('\0juliet\0'), 'malformed-request'],
    ['an empty name', 'PLAIN', b64('\0\0secret'), 'malformed-request'],
    ['a full JID as the name', 'PLAIN', b64('\0juliet@localhost/x\0secret'), 'not-authorized'],
    ['a password with a control character', 'PLAIN', b64('\0juliet\0a\u0007'), 'not-authorized'],
    ['an authzid that is no JID', 'PLAIN', b64(`@@\0juliet\0${PASSWORD}`), 'invalid-authzid'],
    [
      'an authzid with a resource',
      'PLAIN',
      b64(`juliet@localhost/x\0juliet\0${PASSWORD}`),
      'invalid-authzid',
    ],
    ['-PLUS without a binding', 'SCRAM-SHA-256-PLUS', b64('n,,n=juliet,r=x'), 'malformed-request'],
    [
      'a binding without -PLUS',
      'SCRAM-SHA-256',
      b64('p=tls-exporter,,n=juliet,r=x'),
      'malformed-request',
    ],
    [
      'a binding that TLS 1.3 has not',
      'SCRAM-SHA-256-PLUS',
      b64('p=x,,n=juliet,r=x'),
      'malformed-request',
    ],
    ['a wrongly escaped name', 'SCRAM-SHA-256', b64('n,,n=a=40b,r=x'), 'malformed-request'],
    [
      'SCRAM in UTF-16',
      'SCRAM-SHA-256',
      Buffer.from('n,,n=a,r=x', 'utf16le').toString('base64'),
      'malformed-request',
    ],
  ];
  test.each(firsts)('%s', async (_, mechanism, data, condition) => {
    const client = await secured();
    expect(failureIn(await client.ask(auth(mechanism, data)))).toBe(condition);
  });

  test('data larger than an element may be', async () => {
    const client = await secured();
    client.send(auth('PLAIN', 'A'.repeat(EARLY_BYTES)));
    await expectEnd(client, 'policy-violation');
  });

  test('§6.4.6 a login for one host, then a header for another', async () => {
    const client = await secured();
    await client.plain('juliet', PASSWORD);
    client.restart();
    client.send(header("to='other.example'"));
    await client.header();
    await expectEnd(client, 'host-unknown');
  });

  test('§6.4.6 a stanza instead of a new header', async () => {
    const client = await secured();
    await client.plain('juliet', PASSWORD);
    client.restart();
    client.send(`<iq type='get' id='1'>${PING}</iq>`);
    await client.header();
    await expectEnd(client, 'invalid-namespace');
  });

  test('another login after the first', async () => {
    const client = await secured();
    await client.plain('juliet', PASSWORD);
    await client.open();
    client.send(auth('PLAIN', b64(`\0romeo\0${PASSWORD}`)));
    await expectEnd(client, 'unsupported-stanza-type');
  });

  test('another login after binding', async () => {
    const client = await bound('juliet');
    client.send(auth('PLAIN', b64(`\0romeo\0${PASSWORD}`)));
    await expectEnd(client, 'unsupported-stanza-type');
  });

  test.each([
    ['a get', `<iq type='get' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>`],
    ['no id', `<iq type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>`],
    [
      'two children',
      `<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><x/></iq>`,
    ],
  ])('§7.6 a request to bind that is none: %s', async (_, request) => {
    const client = await secured();
    await client.plain('juliet', PASSWORD);
    await client.open();
    expect(String(await client.ask(request))).toContain('<bad-request ');
    expect((await client.bind('fine')).attrs.type).toBe('result');
  });
});

describe('§13.12 the last that is taken, the first that is not', () => {
  const nested = (levels: number) =>
    `<message to='juliet@localhost/hall'>${'<a>'.repeat(levels - 1)}${'</a>'.repeat(levels - 1)}</message>`;
  const wide = (elements: number) =>
    `<message to='juliet@localhost/hall'>${'<a/>'.repeat(elements - 1)}</message>`;
  const rich = (attributes: number) =>
    `<message to='juliet@localhost/hall' ${Array.from({ length: attributes - 1 }, (_, n) => `a${n}=''`).join(' ')}/>`;
  const declaring = (attributes: number) =>
    `<message to='juliet@localhost/hall' ${Array.from({ length: attributes - 1 }, (_, n) => `xmlns:a${n}='urn:${n}'`).join(' ')}/>`;
  const rows = [
    ['levels', nested, DEPTH],
    ['elements', wide, ELEMENTS],
    ['attributes', rich, ATTRIBUTES],
    ['declarations of namespaces, which are attributes too', declaring, ATTRIBUTES],
  ] as const;

  test.each(rows)('%s', async (_, make, most) => {
    const client = await bound('juliet', 'hall');
    client.send(make(most));
    expect((await client.next()).name).toBe('message');
    client.send(make(most + 1));
    await expectEnd(client, 'policy-violation');
  });
});

describe('§11 XML that is taken as the text it is', () => {
  const texts: readonly (readonly [title: string, xml: string, text: string])[] = [
    ['the five entities', '&lt;&gt;&amp;&quot;&apos;', `<>&"'`],
    ['references to characters', '&#65;&#x1F4AC;', 'A💬'],
    ['CDATA with an end in two parts', '<![CDATA[a]]]]><![CDATA[>b]]>', 'a]]>b'],
    ['CDATA that looks like a comment', '<![CDATA[<!-- x -->]]>', '<!-- x -->'],
    ['line ends (XML §2.11)', 'a\r\nb\rc', 'a\nb\nc'],
    ['characters beyond the first plane', '𐍈', '𐍈'],
  ];
  test.each(texts)('%s', async (_, xml, text) => {
    const client = await bound('juliet', 'hall');
    const message = await client.ask(
      `<message to='juliet@localhost/hall'><body>${xml}</body></message>`,
    );
    expect(textIn(message)).toBe(text);
  });

  const wrong: readonly (readonly [title: string, xml: string, condition: string])[] = [
    ['half of a surrogate pair as a reference', '&#xD800;', 'not-well-formed'],
    ['U+FFFE', '\ufffe', 'not-well-formed'],
    ['a reference to NUL', '&#0;', 'not-well-formed'],
    ['a reference beyond Unicode', '&#x110000;', 'not-well-formed'],
    ['the end of CDATA in text', ']]>', 'not-well-formed'],
    ['an entity of HTML in an attribute', "<a b='&nbsp;'/>", 'restricted-xml'],
    ['an angle bracket in an attribute', "<a b='<'/>", 'not-well-formed'],
    ['an attribute without quotes', '<a b=c/>', 'not-well-formed'],
    ['a name that is none', '<1a/>', 'not-well-formed'],
    [
      'an attribute twice by two prefixes',
      "<a xmlns:p='urn:x' xmlns:q='urn:x' p:b='' q:b=''/>",
      'not-well-formed',
    ],
    ['the prefix xml bound to something else', "<a xmlns:xml='urn:x'/>", 'not-well-formed'],
    ['a style sheet', '<?xml-stylesheet href="x"?>', 'restricted-xml'],
  ];
  test.each(wrong)('not taken: %s', async (_, xml, condition) => {
    const client = await bound('juliet', 'hall');
    client.send(`<message to='juliet@localhost/hall'><body>${xml}</body></message>`);
    await expectEnd(client, condition);
  });

  test('CDATA between stanzas', async () => {
    const client = await bound('juliet');
    client.send('<![CDATA[ ]]>');
    await expectEnd(client, 'bad-format');
  });
});

describe('§8 stanzas that are meant to confuse', () => {
  test.each([
    ['§8.1.2.1 an empty from', "<message from='' to='romeo@localhost'/>"],
    ['§8.1.2.1 the server as from', "<message from='localhost' to='romeo@localhost'/>"],
    [
      '§8.1.2.1 another host as from',
      "<message from='juliet@other.example' to='romeo@localhost'/>",
    ],
  ])('%s', async (_, text) => {
    const client = await bound('juliet');
    client.send(text);
    await expectEnd(client, 'invalid-from');
  });

  const errors: readonly (readonly [title: string, text: string, condition: string])[] = [
    ['§8.3.3.8 an empty to', "<message to=''/>", 'jid-malformed'],
    ['§8.3.3.8 a to with an empty resource', "<message to='romeo@localhost/'/>", 'jid-malformed'],
    ['§8.3.3.8 presence to what is no JID', "<presence to='a@b@c'/>", 'jid-malformed'],
    ['a type of a prototype', `<iq type='constructor' id='1'>${PING}</iq>`, 'bad-request'],
    [
      'a payload of a prototype',
      "<iq type='get' id='1' to='localhost'><__proto__ xmlns='__proto__'/></iq>",
      'service-unavailable',
    ],
    [
      'an attribute of a prototype',
      "<iq type='get' id='1' to='localhost'><x xmlns='urn:x' __proto__='y'/></iq>",
      'service-unavailable',
    ],
    ['RFC 6121 §4.7.1 the type available', "<presence type='available'/>", 'bad-request'],
    ['only text as a payload', "<iq type='get' id='1'>hello</iq>", 'bad-request'],
    [
      'a payload in the content namespace',
      "<iq type='get' id='1' to='localhost'><ping/></iq>",
      'service-unavailable',
    ],
  ];
  test.each(errors)('%s', async (_, text, condition) => {
    const client = await bound('juliet');
    const answer = await client.ask(text);
    expect(answer.attrs.type).toBe('error');
    expect(String(answer)).toContain(`<${condition} `);
    await client.ping();
  });

  test('RFC 6121 §5.2.2 a message of an unknown type is a normal one', async () => {
    const client = await bound('juliet', 'hall');
    const message = await client.ask("<message to='juliet@localhost/hall' type='dance'/>");
    expect(message.name).toBe('message');
    expect(message.attrs.type).not.toBe('error');
  });

  test('RFC 6121 §2.1.6 a roster push of somebody who is not the server goes to nobody', async () => {
    const romeo = await bound('romeo', 'street');
    const juliet = await bound('juliet', 'hall');
    const item = "<query xmlns='jabber:iq:roster'><item jid='evil@localhost'/></query>";
    const refused = await romeo.ask(`<iq type='set' id='1' to='juliet@localhost'>${item}</iq>`);
    expect(refused.attrs.type).toBe('error');
    romeo.send(`<iq type='set' id='2' to='juliet@localhost/hall'>${item}</iq>`);
    // What comes by the full JID names its sender, by which a client knows it.
    expect((await juliet.next()).attrs.from).toBe('romeo@localhost/street');
  });

  test('§8.3.1 errors that answer errors: the loop has no second round', async () => {
    const romeo = await bound('romeo', 'street');
    const juliet = await bound('juliet', 'hall');
    const error =
      "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>";
    romeo.send(`<message type='error' id='e' to='juliet@localhost/hall'>${error}</message>`);
    const heard = await juliet.next();
    expect(heard.attrs).toMatchObject({ type: 'error', id: 'e' });
    juliet.send('</stream:stream>');
    await juliet.closed();
    for (const name of ['message', 'presence', 'iq'])
      romeo.send(`<${name} type='error' id='f' to='juliet@localhost/hall'>${error}</${name}>`);
    await romeo.ping(); // nothing came back
  });

  test('a stanza inside of a stanza is no stanza', async () => {
    const romeo = await bound('romeo', 'street');
    const juliet = await bound('juliet', 'hall');
    const inner =
      "<message xmlns='jabber:client' from='friar@localhost' to='romeo@localhost'><body>fake</body></message>";
    juliet.send(`<message to='romeo@localhost/street'><x xmlns='urn:x'>${inner}</x></message>`);
    const heard = await romeo.next();
    expect(heard.attrs.from).toBe('juliet@localhost/hall');
    await romeo.ping(); // and nothing else
  });
});

function b64(text: string): string {
  return Buffer.from(text).toString('base64');
}

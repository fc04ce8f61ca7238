/** RFC 6120 §8, §10 and RFC 6121 §8 between real sockets: addresses, stamps, order. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from '../support/client.ts';
import { loggedIn, textIn } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a secret for tests';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({
    hosts: { localhost: {}, 'other.example': {} },
    accounts: {
      'juliet@localhost': PASSWORD,
      'romeo@localhost': PASSWORD,
      'nurse@other.example': PASSWORD,
    },
  });
});
afterAll(() => server.stop());

let connected: Client[] = [];
afterEach(async () => {
  // Whoever leaves without a goodbye may not have read what it was sent, and gets it again.
  for (const client of connected) client.send('</stream:stream>');
  connected = [];
  await expect.poll(() => server.run('sessions.list')).toMatchObject({ total: 0 });
});

/** A client with a resource that is available, with a priority if one is given. */
async function available(user: string, resource: string, priority?: number): Promise<Client> {
  const client = await present(user, resource);
  const stated = priority === undefined ? '' : `<priority>${priority}</priority>`;
  client.send(`<presence>${stated}</presence>`);
  await client.seek((element) => element.attrs.from === `${user}@localhost/${resource}`);
  return client;
}

/** A client with a resource. */
async function present(user: string, resource: string, to = 'localhost'): Promise<Client> {
  const client = await loggedIn({
    port: server.ports.c2sTls,
    tls: { servername: to },
    to,
    user,
    password: PASSWORD,
    resource,
  });
  connected.push(client);
  return client;
}

const chat = (to: string, text: string, more = "type='chat'") =>
  `<message to='${to}' ${more}><body>${text}</body></message>`;

/** What comes before the answer to a ping: all that was on its way. */
async function heard(client: Client): Promise<string[]> {
  client.send("<iq type='get' id='mark' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>");
  const texts: string[] = [];
  for (;;) {
    const element = await client.next();
    if (element.attrs.id === 'mark') return texts;
    if (element.name === 'message') texts.push(textIn(element));
  }
}

describe('§8.1.2 addresses', () => {
  test.each([
    ['none', ''],
    ['the bare JID', "from='juliet@localhost'"],
    ['the full JID', "from='juliet@localhost/hall'"],
    ['the full JID in another spelling', "from='JULIET@LOCALHOST/hall'"],
  ])('§8.1.2.1 a from of %s: the other one sees the full JID', async (_, from) => {
    const juliet = await present('juliet', 'hall');
    const romeo = await available('romeo', 'street');
    juliet.send(`<message to='romeo@localhost' ${from}><body>hi</body></message>`);
    const message = await romeo.next();
    expect(message.attrs).toMatchObject({ from: 'juliet@localhost/hall', to: 'romeo@localhost' });
  });

  test('§8.1.1.1 to another host of this server', async () => {
    const juliet = await present('juliet', 'hall');
    const nurse = await present('nurse', 'room', 'other.example');
    juliet.send(chat('nurse@other.example/room', 'hello'));
    expect((await nurse.next()).attrs.from).toBe('juliet@localhost/hall');
  });

  test('§10.3.1 without a to, a message is for the own account', async () => {
    const one = await available('juliet', 'hall');
    one.send("<message type='chat'><body>note to self</body></message>");
    expect(textIn(await one.next())).toBe('note to self');
  });

  test('§8.1.3 an id with any characters comes back as it was', async () => {
    const client = await present('juliet', 'hall');
    const ping = "<ping xmlns='urn:xmpp:ping'/>";
    const answer = await client.ask(
      `<iq type='get' id='&lt;&quot;&apos;&amp;>é' to='localhost'>${ping}</iq>`,
    );
    expect(answer.attrs.id).toBe('<"\'&>é');
  });

  test('§8.1.5 the language of the stream becomes that of the stanza', async () => {
    const romeo = await available('romeo', 'street');
    const juliet = await loggedIn({
      port: server.ports.c2sTls,
      tls: { servername: 'localhost' },
      user: 'juliet',
      password: PASSWORD,
      header: "xml:lang='it'",
    });
    connected.push(juliet);
    juliet.send(chat('romeo@localhost', 'ciao'));
    juliet.send(chat('romeo@localhost', 'hello', "xml:lang='en'"));
    expect((await romeo.next()).attrs['xml:lang']).toBe('it');
    expect((await romeo.next()).attrs['xml:lang']).toBe('en');
  });
});

describe('RFC 6121 §8.5 who receives a message', () => {
  test('§8.5.3.1 to a full JID: that resource alone, available or not', async () => {
    const juliet = await present('juliet', 'hall');
    const street = await present('romeo', 'street');
    const garden = await available('romeo', 'garden');
    juliet.send(chat('romeo@localhost/street', 'here'));
    await juliet.ping();
    expect(await heard(street)).toEqual(['here']);
    expect(await heard(garden)).toEqual([]);
  });

  test('§8.5.2.1.1 to the bare JID: the resources that are available with no negative priority', async () => {
    const juliet = await present('juliet', 'hall');
    const street = await available('romeo', 'street');
    const garden = await available('romeo', 'garden', 5);
    const mute = await available('romeo', 'mute', -1);
    const absent = await present('romeo', 'absent');
    for (const client of [street, garden, mute, absent]) await heard(client);
    juliet.send(chat('romeo@localhost', 'everybody'));
    await juliet.ping();
    expect(await heard(street)).toEqual(['everybody']);
    expect(await heard(garden)).toEqual(['everybody']);
    expect(await heard(mute)).toEqual([]);
    expect(await heard(absent)).toEqual([]);
  });

  test('§8.5.3.2.1 to a resource that is not there: chat goes to those who are', async () => {
    const juliet = await present('juliet', 'hall');
    const street = await available('romeo', 'street');
    juliet.send(chat('romeo@localhost/gone', 'where are you'));
    await juliet.ping();
    expect(await heard(street)).toEqual(['where are you']);
  });

  test('§8.5.3.2.1 to a resource that is not there: a normal message comes back', async () => {
    const juliet = await present('juliet', 'hall');
    await available('romeo', 'street');
    const error = await juliet.ask(chat('romeo@localhost/gone', 'letter', "id='l'"));
    expect(error.attrs).toMatchObject({ type: 'error', id: 'l', from: 'romeo@localhost/gone' });
    expect(String(error)).toContain('<service-unavailable ');
  });

  test('§8.5.2.2.1 to an account where nobody is: it waits, in order, and comes once', async () => {
    const juliet = await present('juliet', 'hall');
    for (const text of ['one', 'two', 'three']) juliet.send(chat('romeo@localhost', text));
    await juliet.ping();
    const street = await available('romeo', 'street');
    const texts = await heard(street);
    expect(texts.map((text) => text.slice(0, 5).trim())).toEqual([
      expect.stringContaining('one'),
      expect.stringContaining('two'),
      expect.stringContaining('three'),
    ]);
    street.send('</stream:stream>');
    await street.closed();
    const garden = await available('romeo', 'garden');
    expect(await heard(garden)).toEqual([]);
  });

  test('§8.5.3.2.3 an IQ to a resource goes there, and its answer comes back', async () => {
    const juliet = await present('juliet', 'hall');
    const romeo = await present('romeo', 'street');
    juliet.send("<iq type='get' id='v' to='romeo@localhost/street'><x xmlns='urn:x'/></iq>");
    const request = await romeo.next();
    expect(request.attrs).toMatchObject({ type: 'get', id: 'v', from: 'juliet@localhost/hall' });
    romeo.send("<iq type='result' id='v' to='juliet@localhost/hall'><x xmlns='urn:x'/></iq>");
    expect((await juliet.next()).attrs).toMatchObject({
      type: 'result',
      id: 'v',
      from: 'romeo@localhost/street',
    });
  });
});

describe('§10.1 order', () => {
  test('a thousand stanzas of three kinds, in one write, arrive in the order of sending', async () => {
    const juliet = await present('juliet', 'hall');
    const romeo = await present('romeo', 'street');
    const kinds = [
      (n: number) => `<message to='romeo@localhost/street' id='${n}'><body>${n}</body></message>`,
      (n: number) => `<iq to='romeo@localhost/street' type='get' id='${n}'><x xmlns='urn:x'/></iq>`,
      (n: number) => `<presence to='romeo@localhost/street' id='${n}'/>`,
    ];
    const numbers = Array.from({ length: 1000 }, (_, index) => index);
    juliet.send(numbers.map((n) => kinds[n % kinds.length]?.(n) ?? '').join(''));
    const ids: string[] = [];
    while (ids.length < numbers.length) ids.push((await romeo.next()).attrs.id ?? '');
    expect(ids).toEqual(numbers.map(String));
  });

  test('answers come in the order of the questions, though some need the database', async () => {
    const juliet = await present('juliet', 'hall');
    const questions = [
      "<query xmlns='jabber:iq:roster'/>",
      "<ping xmlns='urn:xmpp:ping'/>",
      "<query xmlns='jabber:iq:private'><x xmlns='urn:x'/></query>",
      "<vCard xmlns='vcard-temp'/>",
    ];
    const numbers = Array.from({ length: 200 }, (_, index) => index);
    juliet.send(
      numbers
        .map((n) => `<iq type='get' id='${n}'>${questions[n % questions.length]}</iq>`)
        .join(''),
    );
    const ids: string[] = [];
    while (ids.length < numbers.length) ids.push((await juliet.next()).attrs.id ?? '');
    expect(ids).toEqual(numbers.map(String));
  });

  test('a message is never before the presence that was sent before it', async () => {
    const juliet = await present('juliet', 'hall');
    const romeo = await present('romeo', 'street');
    juliet.send(
      "<presence to='romeo@localhost/street'/>" +
        "<message to='romeo@localhost/street'><body>now</body></message>" +
        "<presence to='romeo@localhost/street' type='unavailable'/>",
    );
    const names = [await romeo.next(), await romeo.next(), await romeo.next()].map(
      ({ name, attrs }) => `${name} ${attrs.type ?? ''}`.trim(),
    );
    expect(names).toEqual(['presence', 'message', 'presence unavailable']);
  });
});

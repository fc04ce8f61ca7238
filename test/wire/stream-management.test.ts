/** XEP-0198 between real sockets: acknowledgements, resumption, and what becomes of the rest. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { childOf, type Element, serialise } from '../../src/xml/element.ts';
import { Client, loggedIn, textIn } from '../support/client.ts';
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
    config: { limits: { unackedStanzas: 50, resumeTimeout: '60s', sendQueueBytes: '64KiB' } },
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
afterEach(async () => {
  for (const client of connected) client.destroy();
  connected = [];
  const left = () => {
    server.clock.jump(66_000); // whoever fell asleep by now
    return server.run('sessions.list');
  };
  await expect.poll(left).toMatchObject({ total: 0 });
});

async function connect(name: string, resource: string): Promise<Client> {
  const client = await loggedIn({
    port: server.ports.c2sTls,
    tls: {},
    user: name,
    password: PASSWORD,
    resource,
  });
  connected.push(client);
  return client;
}

/** A client that has logged in, and has not bound a resource. */
async function unbound(name: string): Promise<Client> {
  const client = await Client.connect({ port: server.ports.c2sTls, tls: {} });
  connected.push(client);
  await client.open();
  expect((await client.plain(name, PASSWORD)).name).toBe('success');
  await client.open();
  return client;
}

/** A client with stream management that is available; answers the name to resume by. */
async function managed(resource: string, name = user) {
  const client = await connect(name, resource);
  const enabled = await client.ask(`<enable ${SM} resume='true'/>`);
  expect(enabled.name).toBe('enabled');
  client.send('<presence/>');
  await client.seek(({ attrs }) => attrs.from === `${name}@localhost/${resource}`);
  return { client, id: enabled.attrs['id'] ?? '' };
}

const chat = (text: string, to = JULIET) =>
  `<message to='${to}' type='chat'><body>${text}</body></message>`;
const isMessage = ({ name }: Element) => name === 'message';
const isAnswer = ({ name }: Element) => name === 'a';

const bodyOf = (message: Element) =>
  textIn(
    message.children.find((child) => typeof child !== 'string' && child.name === 'body') as Element,
  );

/** The texts of the next messages, as many as are asked for. */
async function texts(client: Client, count: number): Promise<string[]> {
  const found: string[] = [];
  while (found.length < count) found.push(bodyOf(await client.seek(isMessage)));
  return found;
}

/** Acknowledges all that came since stream management was enabled. */
const acknowledge = (client: Client) => acknowledgeFrom(client, 0, '<enabled');

/** Acknowledges all that came since the session was resumed, and what was had before. */
async function acknowledgeFrom(client: Client, before: number, mark = '<resumed'): Promise<void> {
  const since = client.text.slice(client.text.indexOf(mark));
  const count = before + (since.match(/<(message|presence|iq)[ >]/g)?.length ?? 0);
  client.send(`<a ${SM} h='${count}'/><r ${SM}/>`);
  await client.seek(isAnswer);
}

/** Waits until a session has no client. */
async function asleep(): Promise<void> {
  const of = (list: unknown) => (list as { sessions: { state: string }[] }).sessions;
  await expect
    .poll(async () => of(await server.run('sessions.list')).map(({ state }) => state))
    .toContain('asleep');
}

/** Resumes; answers what came. */
async function resume(id: string, handled: number): Promise<{ client: Client; answer: Element }> {
  const client = await unbound(user);
  const answer = await client.ask(`<resume ${SM} previd='${id}' h='${handled}'/>`);
  return { client, answer };
}

describe('§3 enabling', () => {
  test('is offered after the login only', async () => {
    const client = await Client.connect({ port: server.ports.c2sTls, tls: {} });
    connected.push(client);
    const isOffered = ({ features }: { readonly features: Element }) =>
      childOf(features, 'sm', 'urn:xmpp:sm:3') !== undefined;
    expect(isOffered(await client.open())).toBe(false);
    await client.plain(user, PASSWORD);
    expect(isOffered(await client.open())).toBe(true);
  });

  test('before the login, before a resource is bound, and twice: unexpected-request', async () => {
    const early = await Client.connect({ port: server.ports.c2sTls, tls: {} });
    connected.push(early);
    await early.open();
    const refused =
      '<failed xmlns="urn:xmpp:sm:3"><unexpected-request xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>';
    const said = async (client: Client, text: string) => serialise(await client.ask(text));
    expect(await said(early, `<enable ${SM}/>`)).toBe(refused);
    const client = await unbound(user);
    expect(await said(client, `<enable ${SM}/>`)).toBe(refused);
    expect((await client.bind('x')).attrs.type).toBe('result');
    expect((await client.ask(`<enable ${SM}/>`)).name).toBe('enabled');
    expect(await said(client, `<enable ${SM}/>`)).toBe(refused);
    expect(await said(client, `<resume ${SM} previd='x' h='0'/>`)).toBe(refused);
  });

  test('without resume there is no name to resume by', async () => {
    const client = await connect(user, 'x');
    const enabled = await client.ask(`<enable ${SM}/>`);
    expect(enabled.attrs).toEqual({ xmlns: 'urn:xmpp:sm:3' });
  });

  test('§5 the time to resume is the shorter of both wishes', async () => {
    const client = await connect(user, 'x');
    const { attrs } = await client.ask(`<enable ${SM} resume='1' max='60'/>`);
    expect(attrs).toMatchObject({ resume: 'true', max: '60' });
  });
});

describe('§4 acknowledgements', () => {
  test('a request is answered with what was handled since enabling', async () => {
    const { client } = await managed('hall');
    client.send(`<r ${SM}/>`);
    expect((await client.seek(isAnswer)).attrs['h']).toBe('1'); // the presence
    client.send(`${chat('a')}<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq><r ${SM}/>`);
    expect((await client.seek(isAnswer)).attrs['h']).toBe('3');
  });

  test('D1: a message to one who is away is acknowledged when it is kept', async () => {
    const { client } = await managed('hall');
    client.send(`${chat('later', 'romeo@localhost')}<r ${SM}/>`);
    expect((await client.seek(isAnswer)).attrs['h']).toBe('2');
    const romeo = await connect('romeo', 'street');
    romeo.send('<presence/>');
    expect(await texts(romeo, 1)).toEqual(['later']);
  });

  test('the server asks once for what it sent, and not again before there is an answer', async () => {
    const { client } = await managed('hall');
    const romeo = await connect('romeo', 'street');
    await client.seek(({ name }) => name === 'r');
    for (const text of ['1', '2', '3']) romeo.send(chat(text));
    await texts(client, 3);
    client.send(`<a ${SM} h='1'/>`);
    await client.seek(({ name }) => name === 'r');
    client.send(`<a ${SM} h='4'/>`);
    await client.ping();
  });

  test('§6 a count that is too high ends the stream', async () => {
    const { client } = await managed('hall');
    client.send(`<a ${SM} h='10'/>`);
    const error = (await client.rest()).at(-1);
    expect(serialise(error ?? expect.fail('no error'))).toContain(
      '<handled-count-too-high xmlns="urn:xmpp:sm:3" h="10" send-count="1"/>',
    );
  });

  test.each([
    ['none', ''],
    ['a word', "h='x'"],
    ['too large a number', "h='4294967296'"],
  ])('an acknowledgement with %s as its count is malformed', async (_, attrs) => {
    const { client } = await managed('hall');
    client.send(`<a ${SM} ${attrs}/>`);
    expect(serialise((await client.rest()).at(-1) ?? expect.fail())).toContain('bad-format');
  });

  test('who never acknowledges ends, and what he did not have waits for him', async () => {
    const { client } = await managed('hall');
    const romeo = await connect('romeo', 'street');
    for (let index = 0; index < 210; index += 1) romeo.send(chat(`${index}`));
    const said = await client.rest();
    expect(serialise(said.at(-1) ?? expect.fail())).toContain('resource-constraint');
    const again = await connect(user, 'hall');
    again.send('<presence/>');
    const all = await texts(again, 210);
    expect(all).toEqual(Array.from({ length: 210 }, (_, index) => `${index}`));
  });
});

describe('§5 resumption', () => {
  test('all that was sent meanwhile comes, in order, and once', async () => {
    const { client, id } = await managed('hall');
    const romeo = await connect('romeo', 'street');
    romeo.send(chat('before'));
    expect(await texts(client, 1)).toEqual(['before']);
    client.reset();
    await asleep();
    romeo.send(chat('one'));
    romeo.send(chat('two', `${JULIET}/hall`));
    await romeo.ping();
    const { client: back, answer } = await resume(id, 2); // the presence and «before»
    expect(answer.attrs).toMatchObject({ previd: id, h: '1' });
    expect(await texts(back, 2)).toEqual(['one', 'two']);
    romeo.send(chat('three'));
    expect(await texts(back, 1)).toEqual(['three']);
    back.send(`<a ${SM} h='5'/>`);
    await back.ping();
  });

  test('what was not acknowledged is sent again; after a while with its time', async () => {
    const { client, id } = await managed('hall');
    const romeo = await connect('romeo', 'street');
    romeo.send(chat('lost'));
    await texts(client, 1);
    client.reset();
    await asleep();
    server.clock.jump(30_000);
    const { client: back } = await resume(id, 1);
    const message = await back.seek(isMessage);
    expect(serialise(message)).toMatch(/<body>lost<\/body>.*<delay .*from="localhost"/);
  });

  test('§5 all of it comes though it is more than may wait to be read', async () => {
    const { client, id } = await managed('hall');
    const romeo = await connect('romeo', 'street');
    client.reset();
    await asleep();
    const long = Array.from({ length: 20 }, (_, at) => `${at} ${'x'.repeat(8000)}`);
    romeo.send(long.map((text) => chat(text)).join(''));
    await romeo.ping();
    const { client: back, answer } = await resume(id, 1);
    expect(answer.name).toBe('resumed');
    expect(await texts(back, long.length)).toEqual(long);
    await acknowledgeFrom(back, 1);
  });

  test('presence stays as it was', async () => {
    const { client, id } = await managed('hall');
    client.reset();
    await asleep();
    expect(await server.run('sessions.list')).toMatchObject({
      sessions: [{ state: 'asleep', presence: 'available' }],
    });
    const { answer } = await resume(id, 1);
    expect(answer.name).toBe('resumed');
    expect(await server.run('sessions.list')).toMatchObject({
      sessions: [{ state: 'connected', presence: 'available' }],
    });
  });

  test('an open stream is taken over: conflict', async () => {
    const { client, id } = await managed('hall');
    const { client: back, answer } = await resume(id, 1);
    expect(answer.name).toBe('resumed');
    expect(serialise((await client.rest()).at(-1) ?? expect.fail())).toContain('conflict');
    await back.ping();
    expect(await server.run('sessions.list')).toMatchObject({ total: 1 });
  });

  test('an unknown name, and that of another account: item-not-found, and a resource can be bound', async () => {
    const { id } = await managed('street', 'romeo');
    for (const name of ['nonsense', id]) {
      const { client, answer } = await resume(name, 0);
      expect(serialise(answer)).toBe(
        '<failed xmlns="urn:xmpp:sm:3"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></failed>',
      );
      expect((await client.bind('x')).attrs.type).toBe('result');
      client.send('</stream:stream>');
      await client.closed();
    }
  });

  test('what was said wrongly: bad-request', async () => {
    const client = await unbound(user);
    const answer = await client.ask(`<resume ${SM} previd='x'/>`);
    expect(serialise(answer)).toContain('bad-request');
  });

  test('who is too late is told how much was handled, and gets the rest as offline messages', async () => {
    const { client, id } = await managed('hall');
    const romeo = await connect('romeo', 'street');
    client.reset();
    await asleep();
    romeo.send(chat('late'));
    await romeo.ping();
    server.clock.jump(66_000);
    await expect.poll(() => server.run('sessions.list')).toMatchObject({ total: 1 });
    const { client: back, answer } = await resume(id, 1);
    expect(answer.name).toBe('failed');
    expect(answer.attrs['h']).toBe('1');
    await back.bind('hall');
    back.send('<presence/>');
    const message = await back.seek(isMessage);
    expect(serialise(message)).toMatch(/<body>late<\/body>.*<delay .*from="localhost"/);
  });

  test('a stream that was closed politely is over', async () => {
    const { client, id } = await managed('hall');
    client.send('</stream:stream>');
    await client.closed();
    const { answer } = await resume(id, 1);
    expect(answer.name).toBe('failed');
  });

  test('a count that is too high ends the new stream; the session sleeps on', async () => {
    const { client, id } = await managed('hall');
    client.reset();
    await asleep();
    const { answer } = await resume(id, 7);
    expect(serialise(answer)).toContain('handled-count-too-high');
    expect((await resume(id, 1)).answer.name).toBe('resumed');
  });
});

describe('§4 what nobody acknowledged', () => {
  test('goes to a device that comes meanwhile', async () => {
    const { client } = await managed('phone');
    const romeo = await connect('romeo', 'street');
    client.reset();
    await asleep();
    romeo.send(chat('where are you?'));
    await romeo.ping();
    const { client: laptop } = await managed('laptop');
    expect(await texts(laptop, 1)).toEqual(['where are you?']);
  });

  test('goes to another device that is there, when the session ends', async () => {
    const { client } = await managed('phone');
    const { client: laptop } = await managed('laptop');
    const romeo = await connect('romeo', 'street');
    client.reset();
    await asleep();
    romeo.send(chat('for the phone', `${JULIET}/phone`));
    await romeo.ping();
    laptop.send(`<r ${SM}/>`);
    await laptop.seek(isAnswer);
    server.clock.jump(66_000);
    expect(await texts(laptop, 1)).toEqual(['for the phone']);
  });

  test('is not sent again when one device has it', async () => {
    const { client: phone } = await managed('phone');
    const { client: laptop } = await managed('laptop');
    const romeo = await connect('romeo', 'street');
    phone.reset();
    await asleep();
    romeo.send(chat('hello'));
    await texts(laptop, 1);
    await acknowledge(laptop);
    server.clock.jump(66_000);
    laptop.send('</stream:stream>');
    await laptop.closed();
    await expect.poll(() => server.run('sessions.list')).toMatchObject({ total: 1 });
    const { client: next } = await managed('desk');
    romeo.send(chat('and again'));
    expect(await texts(next, 1)).toEqual(['and again']);
  });

  test('an IQ comes back as one that could not be delivered', async () => {
    const { client } = await managed('phone');
    const romeo = await connect('romeo', 'street');
    client.reset();
    await asleep();
    romeo.send(
      `<iq type='get' id='v' to='${JULIET}/phone'><query xmlns='jabber:iq:version'/></iq>`,
    );
    await romeo.ping();
    server.clock.jump(66_000);
    const answer = await romeo.seek(({ attrs }) => attrs.id === 'v');
    expect(serialise(answer)).toContain('service-unavailable');
  });

  test('without stream management: what the client may not have read waits for it', async () => {
    const client = await connect(user, 'hall');
    client.send('<presence/>');
    await client.next();
    const romeo = await connect('romeo', 'street');
    client.read(false);
    romeo.send(chat('into the void'));
    await romeo.ping();
    client.reset();
    await expect.poll(() => server.run('sessions.list')).toMatchObject({ total: 1 });
    const back = await connect(user, 'hall');
    back.send('<presence/>');
    expect(await texts(back, 1)).toEqual(['into the void']);
  });

  test('without stream management: what it read does not come twice', async () => {
    const client = await connect(user, 'hall');
    client.send('<presence/>');
    await client.next();
    const romeo = await connect('romeo', 'street');
    romeo.send(chat('once'));
    await texts(client, 1);
    await client.ping();
    client.reset();
    await expect.poll(() => server.run('sessions.list')).toMatchObject({ total: 1 });
    const back = await connect(user, 'hall');
    back.send('<presence/>');
    await back.next();
    romeo.send(chat('twice'));
    expect(await texts(back, 1)).toEqual(['twice']);
  });
});

describe('a restart in good order', () => {
  const restart = async () => {
    server = await server.restart();
  };

  test('§5 the session is resumed: its counters, its queue, its presence', async () => {
    const { client, id } = await managed('hall');
    const romeo = await connect('romeo', 'street');
    romeo.send(chat('before'));
    await texts(client, 1);
    client.send(`${chat('mine')}<r ${SM}/>`);
    await client.seek(isAnswer);
    await restart();
    expect(serialise((await client.rest()).at(-1) ?? expect.fail())).toContain('system-shutdown');
    expect(await server.run('sessions.list')).toMatchObject({
      sessions: [{ jid: `${JULIET}/hall`, state: 'asleep', presence: 'available' }],
    });
    const { client: back, answer } = await resume(id, 1); // it has the presence only
    expect(answer.attrs).toMatchObject({ previd: id, h: '2' });
    expect(await texts(back, 2)).toEqual(['before', 'mine']);
    await acknowledgeFrom(back, 1);
    const again = await connect('romeo', 'street');
    again.send(chat('after'));
    expect(await texts(back, 1)).toEqual(['after']);
  });

  test('§4 what was not resumed in time waits in the spool, and comes once', async () => {
    const { client } = await managed('hall');
    const romeo = await connect('romeo', 'street');
    client.reset();
    await asleep();
    romeo.send(chat('while you were out'));
    await romeo.ping();
    await restart();
    server.clock.jump(66_000);
    await expect.poll(() => server.run('sessions.list')).toMatchObject({ total: 0 });
    const { client: back } = await managed('hall');
    expect(await texts(back, 1)).toEqual(['while you were out']);
    await acknowledge(back);
    const again = await connect('romeo', 'street');
    again.send(chat('and now'));
    expect(await texts(back, 1)).toEqual(['and now']);
  });

  test('whom the session met directly hears when it does not come back', async () => {
    const { client } = await managed('hall');
    const romeo = await connect('romeo', 'street');
    client.send("<presence to='romeo@localhost/street'/>");
    await romeo.seek(({ name }) => name === 'presence');
    client.reset();
    await asleep();
    await restart();
    const again = await connect('romeo', 'street');
    server.clock.jump(66_000);
    const gone = await again.seek(({ name }) => name === 'presence');
    expect(gone.attrs).toMatchObject({ type: 'unavailable', from: `${JULIET}/hall` });
  });
});

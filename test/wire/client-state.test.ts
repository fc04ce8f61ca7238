/** XEP-0352 between real sockets: what is held back, and how it comes in the end. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Element, serialise } from '../../src/xml/element.ts';
import { Client, loggedIn } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a secret for tests';
const SM = "xmlns='urn:xmpp:sm:3'";
const ACTIVE = "<active xmlns='urn:xmpp:csi:0'/>";
const INACTIVE = "<inactive xmlns='urn:xmpp:csi:0'/>";
const CARBONS = "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>";
const LIMITS = { maxStanzas: 8, maxBytes: 4000 };

let server: TestServer;
beforeAll(async () => {
  server = await startServer({
    accounts: { 'romeo@localhost': PASSWORD },
    config: { modules: { csi: LIMITS }, limits: { resumeTimeout: '60s' } },
  });
});
afterAll(() => server.stop());

/** A new account for each test. */
let user = '';
let JULIET = '';
let tests = 0;
const connected: Client[] = [];
beforeEach(async () => {
  tests += 1;
  user = `juliet${tests}`;
  JULIET = `${user}@localhost`;
  await server.run('accounts.add', { jid: JULIET, password: PASSWORD });
});
afterEach(() => {
  for (const client of connected.splice(0)) client.destroy();
});

async function connect(name: string, resource: string): Promise<Client> {
  const port = server.ports.c2sTls;
  const client = await loggedIn({ port, tls: {}, user: name, password: PASSWORD, resource });
  connected.push(client);
  return client;
}
/** A client that is available and has read all that comes of that. */
async function available(resource: string, name = user): Promise<Client> {
  const client = await connect(name, resource);
  client.send('<presence/>');
  await client.seek(({ attrs }) => attrs.from === `${name}@localhost/${resource}`);
  return client;
}
const PING = (id: string) =>
  `<iq type='get' id='${id}' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`;
let pings = 0;
/** What comes before the answer to a ping that is sent now, after some text; each as a word. */
async function heard(client: Client, text = ''): Promise<string[]> {
  pings += 1;
  const id = `ping${pings}`;
  client.send(text + PING(id));
  const found: string[] = [];
  for (;;) {
    const element = await client.next();
    if (element.name === 'iq' && element.attrs['id'] === id) return found;
    found.push(wordOf(element));
  }
}
/** A stanza in a word: a message's body or the name of what else it has; what presence shows. */
function wordOf(element: Element): string {
  const children = element.children.filter((child) => typeof child !== 'string');
  const first = children.find(({ name }) => name !== 'delay');
  const text = first?.children.filter((child) => typeof child === 'string').join('') ?? '';
  if (element.name === 'presence') return `presence ${text || (element.attrs.type ?? 'available')}`;
  return text || (first?.name ?? element.name);
}
/** Resolves when what a client sent before is handled. */
const settled = (client: Client) => heard(client);

/** The condition of the stream error with which a stream ends. */
async function streamError(client: Client): Promise<string | undefined> {
  const error = (await client.rest()).find(({ name }) => name === 'stream:error');
  return error?.children.map((child) => (typeof child === 'string' ? '' : child.name))[0];
}

const say = (text: string, to = JULIET) =>
  `<message to='${to}' type='chat'><body>${text}</body></message>`;
const state = (name: string, to = JULIET) =>
  `<message to='${to}' type='chat'><${name} xmlns='http://jabber.org/protocol/chatstates'/></message>`;
const receipt = (id: string, to = JULIET) =>
  `<message to='${to}'><received xmlns='urn:xmpp:receipts' id='${id}'/></message>`;
const show = (text: string) => `<presence><show>${text}</show></presence>`;

describe('§4 the protocol', () => {
  test('is offered after the login only', async () => {
    const client = await Client.connect({ port: server.ports.c2sTls, tls: {} });
    connected.push(client);
    expect(serialise((await client.open()).features)).not.toContain('urn:xmpp:csi:0');
    await client.plain(user, PASSWORD);
    expect(serialise((await client.open()).features)).toContain('<csi xmlns="urn:xmpp:csi:0"/>');
  });

  test('there is no reply; all are active until they say something else', async () => {
    const [phone, romeo] = [await available('phone'), await available('orchard', 'romeo')];
    romeo.send(state('composing'));
    await settled(romeo);
    expect(await heard(phone)).toEqual(['composing']);
    for (const text of [INACTIVE, INACTIVE, ACTIVE, ACTIVE, INACTIVE])
      expect(await heard(phone, text)).toEqual([]);
    expect(await server.run('sessions.list', { search: JULIET })).toMatchObject({
      sessions: [{ state: 'inactive' }],
    });
  });

  test('an element that is not defined ends the stream, and so does one before the login', async () => {
    const phone = await available('phone');
    phone.send("<asleep xmlns='urn:xmpp:csi:0'/>");
    expect(await streamError(phone)).toBe('unsupported-stanza-type');
    const early = await Client.connect({ port: server.ports.c2sTls, tls: {} });
    connected.push(early);
    await early.open();
    early.send(INACTIVE);
    expect(await streamError(early)).toBe('not-authorized');
  });

  test('where the module is off it is not offered, and its elements are not known', async () => {
    const without = await startServer({
      accounts: { 'romeo@localhost': PASSWORD },
      config: { modules: { csi: false } },
    });
    try {
      const port = without.ports.c2sTls;
      const client = await loggedIn({
        port,
        tls: {},
        user: 'romeo',
        password: PASSWORD,
        resource: 'a',
      });
      connected.push(client);
      expect(client.text).not.toContain('urn:xmpp:csi:0');
      client.send(INACTIVE);
      expect(await streamError(client)).toBe('unsupported-stanza-type');
    } finally {
      await without.stop();
    }
  });
});

describe('§3.2 what an inactive client has', () => {
  let phone: Client;
  let laptop: Client;
  let romeo: Client;
  beforeEach(async () => {
    phone = await available('phone');
    laptop = await available('laptop');
    romeo = await available('orchard', 'romeo');
    await heard(phone, INACTIVE);
  });

  test('of presence only the last, once the user is back', async () => {
    for (const text of ['away', 'dnd', 'xa']) laptop.send(show(text));
    await settled(laptop);
    // §5.1: all of it is there before the answer to what comes after.
    expect(await heard(phone, ACTIVE)).toEqual(['presence xa']);
    laptop.send(show('chat'));
    await settled(laptop);
    expect(await heard(phone)).toEqual(['presence chat']);
  });

  test('a message at once, after what was held before it, in its order', async () => {
    romeo.send(receipt('1') + state('composing') + receipt('2') + state('active'));
    await settled(romeo);
    laptop.send(show('away'));
    await settled(laptop);
    romeo.send(say('Wherefore?') + receipt('3'));
    const found: string[] = [];
    while (found.at(-1) !== 'Wherefore?') found.push(wordOf(await phone.next()));
    expect(found).toEqual(['received', 'received', 'active', 'presence away', 'Wherefore?']);
    await settled(romeo);
    expect(await heard(phone, ACTIVE)).toEqual(['received']);
  });

  test('an answer that it asked for at once, with what was held', async () => {
    romeo.send(receipt('1'));
    await settled(romeo);
    expect(await heard(phone)).toEqual(['received']);
  });

  test('all, when it is too many', async () => {
    for (let index = 0; index < LIMITS.maxStanzas; index += 1) romeo.send(receipt(`r${index}`));
    await settled(romeo);
    romeo.send(receipt('last'));
    for (let index = 0; index < LIMITS.maxStanzas; index += 1)
      expect(serialise(await phone.next())).toContain(`id="r${index}"`);
    expect(serialise(await phone.next())).toContain('id="last"');
  });

  test('all, when it is too much', async () => {
    romeo.send(receipt('a') + receipt('b'.repeat(LIMITS.maxBytes)));
    expect(serialise(await phone.next())).toContain('id="a"');
    expect(serialise(await phone.next())).toContain('id="bbb');
  });

  test('what was held for long says since when', async () => {
    romeo.send(receipt('1'));
    await settled(romeo);
    server.clock.jump(10_000);
    phone.send(ACTIVE);
    expect(serialise(await phone.next())).toMatch(
      /<received xmlns="urn:xmpp:receipts" id="1"\/><delay xmlns="urn:xmpp:delay" from="localhost" stamp="/,
    );
  });

  test('what the user sends from another client, when something else goes out', async () => {
    expect((await phone.ask(CARBONS)).attrs.type).toBe('result');
    expect(await server.run('sessions.list', { search: `${JULIET}/phone` })).toMatchObject({
      sessions: [{ state: 'inactive', extras: 'carbons' }],
    });
    laptop.send(say('Good night', 'romeo@localhost/orchard'));
    await settled(laptop);
    romeo.send(say('Parting is such sweet sorrow', `${JULIET}/laptop`));
    expect((await phone.next()).children.map((child) => (child as Element).name)).toEqual(['sent']);
    expect((await phone.next()).children.map((child) => (child as Element).name)).toEqual([
      'received',
    ]);
  });

  test('what it was given and never had goes to another client that is there', async () => {
    romeo.send(receipt('1', `${JULIET}/phone`).replace('<message', "<message type='chat'"));
    await settled(romeo);
    phone.reset();
    expect(wordOf(await laptop.seek(({ name }) => name === 'message'))).toBe('received');
  });

  test('what a later one made void is not kept for anybody', async () => {
    laptop.send('</stream:stream>');
    await laptop.closed();
    const hint = "<store xmlns='urn:xmpp:hints'/></message>";
    for (const name of ['composing', 'paused', 'active'])
      romeo.send(state(name).replace('</message>', hint));
    await settled(romeo);
    expect(await heard(phone, ACTIVE)).toEqual(['presence unavailable', 'active']);
    await settled(phone);
    phone.send('</stream:stream>');
    await phone.closed();
    const next = await connect(user, 'tablet');
    expect(await heard(next, '<presence/>')).toEqual(['presence available']);
  });

  test('nothing of it, if it goes; messages among it reach the next who comes', async () => {
    laptop.send('</stream:stream>');
    await laptop.closed();
    romeo.send(receipt('1') + state('composing') + receipt('2'));
    await settled(romeo);
    phone.reset();
    await expect
      .poll(() => server.run('sessions.list', { search: JULIET }))
      .toMatchObject({ total: 0 });
    const next = await connect(user, 'tablet');
    expect(await heard(next, '<presence/>')).toEqual([
      'presence available',
      'received',
      'received',
    ]);
  });
});

describe('XEP-0198 and what is held back', () => {
  const managed = async () => {
    const phone = await connect(user, 'phone');
    const enabled = await phone.ask(`<enable ${SM} resume='true'/>`);
    phone.send('<presence/>');
    await phone.seek(({ name }) => name === 'presence');
    return { phone, id: enabled.attrs['id'] ?? '' };
  };
  const counted = (client: Client) => {
    const since = client.text.slice(client.text.indexOf('<enabled'));
    return since.match(/<(message|presence|iq)[ >]/g)?.length ?? 0;
  };
  const resume = async (id: string, handled: number) => {
    const client = await Client.connect({ port: server.ports.c2sTls, tls: {} });
    connected.push(client);
    await client.open();
    await client.plain(user, PASSWORD);
    await client.open();
    const answer = await client.ask(`<resume ${SM} previd='${id}' h='${handled}'/>`);
    expect(answer.name).toBe('resumed');
    return client;
  };

  test('what is held is not counted before it is written', async () => {
    const [{ phone }, romeo] = [await managed(), await available('orchard', 'romeo')];
    await heard(phone, INACTIVE);
    romeo.send(receipt('1') + state('composing') + state('paused'));
    await settled(romeo);
    phone.send(`<a ${SM} h='${counted(phone)}'/>`);
    // One that says more than it was sent would be told so.
    expect(await heard(phone, ACTIVE)).toEqual(expect.arrayContaining(['received', 'paused']));
    phone.send(`<a ${SM} h='${counted(phone)}'/>`);
    await heard(phone);
  });

  test('§5.2 what was held comes after the resumption, in order, to a client that is active', async () => {
    const [{ phone, id }, romeo] = [await managed(), await available('orchard', 'romeo')];
    await heard(phone, INACTIVE);
    romeo.send(receipt('1') + state('composing'));
    await settled(romeo);
    const handled = counted(phone);
    phone.reset();
    await expect
      .poll(() => server.run('sessions.list', { search: JULIET }))
      .toMatchObject({ sessions: [{ state: 'asleep' }] });
    romeo.send(say('Art thou there?') + state('active'));
    await settled(romeo);
    const back = await resume(id, handled);
    const words = ['received', 'composing', 'Art thou there?', 'active'];
    for (const word of words) expect(wordOf(await back.next())).toBe(word);
    romeo.send(state('gone'));
    expect(wordOf(await back.seek(({ name }) => name === 'message'))).toBe('gone');
  });

  test('who comes back while the server thinks that he is there has what was held', async () => {
    const [{ phone, id }, romeo] = [await managed(), await available('orchard', 'romeo')];
    await heard(phone, INACTIVE);
    romeo.send(receipt('1'));
    await settled(romeo);
    const back = await resume(id, counted(phone));
    expect(wordOf(await back.next())).toBe('received');
  });

  test('a session that outlives a restart has what was held, and carbons as before', async () => {
    const [{ phone, id }, romeo] = [await managed(), await available('orchard', 'romeo')];
    await heard(phone, CARBONS);
    await heard(phone, INACTIVE);
    romeo.send(receipt('1'));
    await settled(romeo);
    const handled = counted(phone);
    phone.reset();
    await expect
      .poll(() => server.run('sessions.list', { search: JULIET }))
      .toMatchObject({ sessions: [{ state: 'asleep' }] });
    server = await server.restart();
    const laptop = await connect(user, 'laptop');
    laptop.send(say('Ay me!', 'romeo@localhost/orchard'));
    await settled(laptop);
    const back = await resume(id, handled);
    expect(wordOf(await back.next())).toBe('received');
    expect(serialise(await back.next())).toContain('<sent xmlns="urn:xmpp:carbons:2">');
  });

  test('a session that nobody resumes gives messages among it to who comes', async () => {
    const [{ phone }, romeo] = [await managed(), await available('orchard', 'romeo')];
    await heard(phone, INACTIVE);
    romeo.send(receipt('1') + state('composing'));
    await settled(romeo);
    phone.reset();
    await expect
      .poll(() => server.run('sessions.list', { search: JULIET }))
      .toMatchObject({ sessions: [{ state: 'asleep' }] });
    const next = await connect(user, 'tablet');
    next.send('<presence/>');
    await next.seek(({ name }) => name === 'presence');
    server.clock.jump(66_000);
    await expect
      .poll(() => server.run('sessions.list', { search: `${JULIET}/phone` }))
      .toMatchObject({ total: 0 });
    expect(wordOf(await next.seek(({ name }) => name === 'message'))).toBe('received');
  });
});

test('a client that changes its state all the time is served all the same', async () => {
  const [phone, romeo] = [await available('phone'), await available('orchard', 'romeo')];
  phone.send((INACTIVE + ACTIVE).repeat(2000));
  romeo.send(receipt('1') + say('x'));
  const found: string[] = [];
  while (found.length < 2) found.push(wordOf(await phone.next()));
  expect(found).toEqual(['received', 'x']);
});

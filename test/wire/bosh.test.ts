/** XEP-0124 and XEP-0206 over real sockets; strophe.js speaks it in test/peers. */
import { createHash } from 'node:crypto';
import { request } from 'node:https';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { BoshClient } from '../support/bosh.ts';
import { loggedIn } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a secret for tests';
const NS = "xmlns='http://jabber.org/protocol/httpbind'";
const SM = "xmlns='urn:xmpp:sm:3'";
const TERMINATE = 'terminate';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({
    accounts: { 'juliet@localhost': PASSWORD, 'romeo@localhost': PASSWORD },
    config: { limits: { stanzaBytes: '1536KiB' } },
  });
});
afterAll(() => server.stop());

let clients: BoshClient[] = [];
const urlOf = () => `http://127.0.0.1:${server.ports.http}/http-bind`;
const newClient = () => {
  const client = new BoshClient(urlOf());
  clients.push(client);
  return client;
};
const juliet = (opening?: string) => newClient().login('juliet', PASSWORD, opening);

afterEach(async () => {
  for (const client of clients) client.vanish();
  clients = [];
  await expect
    .poll(() => {
      server.clock.jump(700_000);
      return server.run('sessions.list');
    })
    .toMatchObject({ total: 0 });
});

/** A message to oneself. */
const note = (body: string) =>
  `<message xmlns='jabber:client' type='chat' to='juliet@localhost'><body>${body}</body></message>`;
const PRESENCE = "<presence xmlns='jabber:client'/>";

/** One who has said that he is there, and has read all that came of it. */
async function present(opening?: string): Promise<BoshClient> {
  const client = await juliet(opening);
  await client.until(/<presence /, PRESENCE);
  return client;
}

describe('§7 a session', () => {
  test('§7.2 XEP-0206 §4 is opened with all its terms and the features of the stream', async () => {
    const client = newClient();
    const { status, type, attrs, text } = await client.post(
      `<body content='text/xml; charset=utf-8' from='juliet@localhost' hold='1' rid='1573741820'
        to='localhost' route='xmpp:example.com:9999' ver='1.6' wait='60' ack='1' xml:lang='en'
        xmpp:version='1.0' ${NS} xmlns:xmpp='urn:xmpp:xbosh'/>`,
    );
    expect([status, type]).toEqual([200, 'text/xml; charset=utf-8']);
    expect(attrs).toMatchObject({
      ...{ wait: '60', inactivity: '30', polling: '5', requests: '2', hold: '1', ver: '1.6' },
      ...{ ack: '1573741820', maxpause: '120', charsets: 'UTF-8', from: 'localhost' },
      ...{ 'xmpp:version': '1.0', 'xmpp:restartlogic': 'true' },
      sid: expect.stringMatching(/^.{32}$/),
      authid: expect.stringMatching(/^.{16}$/),
    });
    expect(text).toContain("xmlns:stream='http://etherx.jabber.org/streams'");
    expect(text).toMatch(/<stream:features>.*<mechanism>SCRAM-SHA-1<\/mechanism>/);
    expect(text).not.toContain('starttls');
  });

  test.each([
    ["ver='1.6' wait='5' hold='0'", { wait: '5', hold: '0', requests: '1', inactivity: '60' }],
    ["ver='1.6' wait='0' hold='1'", { wait: '0', hold: '0', requests: '1' }],
    ["ver='1.20' wait='9999' hold='99'", { wait: '60', hold: '4', requests: '5', ver: '1.11' }],
    ["ver='0.5'", { wait: '60', hold: '1', ver: '0.5' }],
  ])('§7.2 nobody gets more than he asked for: %s', async (opening, terms) => {
    expect((await newClient().open(opening)).attrs).toMatchObject(terms);
  });

  test('§7.1 the answers have the Content-Type that the client wants, and nothing runs in them', async () => {
    const answer = await newClient().open("ver='1.6' content='text/html'");
    expect(answer.type).toBe('text/html');
    const { headers } = await fetch(urlOf(), { method: 'POST', body: '' });
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*sandbox/);
  });

  test.each([
    ['improper-addressing', `<body rid='1' ver='1.6' ${NS}/>`],
    ['host-unknown', `<body rid='1' ver='1.6' to='nowhere.example' ${NS}/>`],
    ['bad-request', `<body ver='1.6' to='localhost' ${NS}/>`],
    ['bad-request', `<body rid='9007199254740992' ver='1.6' to='localhost' ${NS}/>`],
    ['bad-request', `<body rid='0' ver='1.6' to='localhost' ${NS}/>`],
    ['bad-request', `<body rid='1' ver='one' to='localhost' ${NS}/>`],
    ['bad-request', `<body rid='1' ver='1.6' wait='-1' to='localhost' ${NS}/>`],
    ['bad-request', `<body rid='1' ver='1.6' content='a/b&#13;&#10;x: y' to='localhost' ${NS}/>`],
    ['bad-request', "<body rid='1' ver='1.6' to='localhost'/>"],
    ['bad-request', `<body rid='1' to='localhost' ${NS}>text</body>`],
    ['bad-request', `<body rid='1' to='localhost' ${NS}><a></body>`],
    ['bad-request', `<body rid='1' to='localhost' ${NS}><!-- a comment --></body>`],
    ['bad-request', `<body rid='1' to='localhost' ${NS}><?a pi?></body>`],
    ['bad-request', `<!DOCTYPE a [<!ENTITY b 'c'>]><body rid='1' to='localhost' ${NS}/>`],
    [
      'bad-request',
      `<body rid='1' to='localhost' ${NS}>${'<a>'.repeat(70)}${'</a>'.repeat(70)}</body>`,
    ],
    ['bad-request', ''],
    ['item-not-found', `<body rid='2' sid='nobody' ${NS}/>`],
  ])('§17.2 %s: %s', async (condition, text) => {
    const { status, attrs } = await newClient().post(text);
    expect([status, attrs['type'], attrs['condition']]).toEqual([200, TERMINATE, condition]);
  });

  test('§17.2 XEP-0206 §6 an error of the stream is inside', async () => {
    const client = newClient();
    await client.open();
    const { attrs, text } = await client.ask("<message xmlns='jabber:client'/>");
    expect(attrs).toMatchObject({ type: TERMINATE, condition: 'remote-stream-error' });
    expect(text).toMatch(/xmlns:stream=.*<stream:error><not-authorized /);
    expect((await client.ask()).attrs['condition']).toBe('item-not-found');
  });

  test('§17.1 clients without a version are told by statuses of HTTP', async () => {
    const client = newClient();
    await client.open("wait='60' hold='1'");
    expect((await client.ask('', '', client.rid + 9)).status).toBe(404);
    const eager = newClient();
    await eager.open("wait='60' hold='1'");
    const [, second] = await Promise.all([eager.ask(), eager.ask()]);
    expect(second.status).toBe(403);
  });
});

describe('§8 payloads', () => {
  test('XEP-0206 §5 SASL, a restart and a resource', async () => {
    const client = await juliet();
    expect(await server.run('sessions.list')).toMatchObject({ total: 1 });
    const { text } = await client.ask(
      "<iq xmlns='jabber:client' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>",
    );
    expect(text).toMatch(/<iq xmlns='jabber:client' type="result" id="p"/);
  });

  test('XEP-0206 §2 stanzas that name no namespace are stanzas all the same', async () => {
    const client = await juliet();
    const { text } = await client.ask("<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>");
    expect(text).toMatch(/type="result" id="p"/);
  });

  test('§8 a request is held until there is something, and no more than `hold` are', async () => {
    const client = await present();
    void client.ask();
    void client.ask(note('one') + note('two'));
    await expect.poll(() => client.heard).toMatch(/>one<.*>two</);
  });

  test('§8 what nobody answers within `wait` is answered empty', async () => {
    const client = await juliet("ver='1.6' wait='20' hold='1'");
    const held = client.ask();
    await expect
      .poll(async () => {
        server.clock.jump(21_000);
        return Promise.race([held, new Promise((resolve) => setImmediate(resolve))]);
      })
      .toMatchObject({ text: `<body ${NS}/>` });
  });

  test('§14.2 requests that come in another order have their turn', async () => {
    const client = await present("ver='1.6' wait='60' hold='2'");
    const [first, second] = [client.text(note('first')), client.text(note('second'))];
    void client.post(second);
    void client.post(first);
    await expect.poll(() => client.heard).toMatch(/>first<.*>second</);
  });
});

describe('§9 acknowledgements', () => {
  test('§9.1 answers tell what came meanwhile', async () => {
    const client = await present();
    const [first, second] = [client.text(note('one')), client.text(note('two'))];
    void client.post(second);
    expect((await client.post(first)).attrs['ack']).toBe(String(client.rid));
  });

  test('§9.2 a client that says what it lacks is told since when', async () => {
    const client = await present("ver='1.6' wait='60' hold='1' ack='1'");
    await client.until(/>one</, note('one'));
    const had = client.rid - 1;
    server.clock.jump(6000);
    const { attrs } = await client.ask('', `ack='${had}'`);
    expect(attrs).toMatchObject({
      report: String(had + 1),
      time: expect.stringMatching(/^\d{4,}$/),
    });
  });
});

describe('§10 to §13', () => {
  test('§10 a pause releases all; who does not come back after it is missed', async () => {
    const client = await present();
    const held = client.ask();
    server.clock.jump(6000);
    const pause = await client.ask('', "pause='100'");
    expect([(await held).text, pause.text]).toEqual([
      expect.stringContaining('<body '),
      `<body ${NS}/>`,
    ]);
    server.clock.jump(101_000);
    await expect.poll(() => server.run('sessions.list')).toMatchObject({ total: 0 });
    expect((await client.ask()).attrs['condition']).toBe('item-not-found');
  });

  test('§10 a pause that is longer than may be is refused', async () => {
    const client = await juliet();
    expect((await client.ask('', "pause='121'")).attrs['condition']).toBe('policy-violation');
  });

  test('§10 who sends no request for too long is missed', async () => {
    const client = await present();
    server.clock.jump(31_000);
    await expect.poll(() => server.run('sessions.list')).toMatchObject({ total: 0 });
    expect((await client.ask()).attrs['condition']).toBe('item-not-found');
  });

  test('§10 what is said to him meanwhile is no sign of his life', async () => {
    const friend = await loggedIn({
      ...{ port: server.ports.c2s, user: 'romeo', password: PASSWORD },
    });
    await present();
    for (let times = 0; times < 4; times++) {
      friend.send("<message type='headline' to='juliet@localhost'><body>news</body></message>");
      await friend.ping();
      server.clock.jump(10_000);
    }
    await expect.poll(() => server.run('sessions.list')).toMatchObject({ total: 1 });
    friend.destroy();
  });

  test('§11 too many requests at a time', async () => {
    const client = await present();
    const [next, afterNext, third] = [client.text(note('a')), client.text(), client.text()];
    const early = client.post(afterNext);
    const over = await client.post(third);
    expect(over.attrs['condition']).toBe('item-not-found'); // §14.2: it is outside of the window
    expect((await early).attrs['condition']).toBe('other-request');
    expect((await client.post(next)).attrs['condition']).toBe('item-not-found');
  });

  test('§11 empty requests that follow each other too fast', async () => {
    const client = await present();
    const [first, second] = await Promise.all([client.ask(), client.ask()]);
    expect(second.attrs['condition']).toBe('policy-violation');
    expect(first.attrs['condition']).toBe('other-request');
  });

  test('§12 one who polls asks no more often than every 5 s', async () => {
    const client = newClient();
    await client.open("ver='1.6' wait='0' hold='0'");
    server.clock.jump(6000);
    expect((await client.ask()).text).toBe(`<body ${NS}/>`);
    server.clock.jump(6000);
    expect((await client.ask()).text).toBe(`<body ${NS}/>`);
    expect((await client.ask()).attrs['condition']).toBe('policy-violation');
  });

  test('§13 the client ends the session: the oldest request is told so', async () => {
    const client = await present();
    const held = client.ask();
    server.clock.jump(6000);
    const last = await client.ask(
      "<presence xmlns='jabber:client' type='unavailable'/>",
      "type='terminate'",
    );
    expect((await held).attrs['type']).toBe(TERMINATE);
    expect(last.text).toBe(`<body ${NS}/>`);
    expect(await server.run('sessions.list')).toMatchObject({ total: 0 });
  });
});

describe('§14.3 broken connections', () => {
  test('an answer is given once more, and what the client asked for is not done again', async () => {
    const client = await present();
    const request = client.text(note('once'));
    const first = await client.post(request);
    const again = await client.post(request);
    expect(again.text).toBe(first.text);
    const seen = first.text + (await client.until(/>last</, note('last')));
    expect(seen.match(/>once</g)).toHaveLength(1);
  });

  test('one that is held is answered with an error that is none, and the new one is held', async () => {
    const client = await present();
    const request = client.text();
    const both = [client.post(request), client.post(request)];
    expect((await Promise.race(both)).text).toBe(`<body type='error' ${NS}/>`);
    void client.ask(note('for you'));
    await Promise.all(both);
    await expect.poll(() => client.heard).toContain('>for you<');
  });

  test('what is not kept any more ends the session, and so does asking again and again', async () => {
    const client = await present();
    expect((await client.ask('', '', client.rid - 5)).attrs['condition']).toBe('item-not-found');
    const other = await present();
    const request = other.text(note('once'));
    let last = await other.post(request);
    for (let times = 0; times < 12 && last.attrs['type'] === undefined; times++)
      last = await other.post(request);
    expect(last.attrs['condition']).toBe('policy-violation');
  });

  test('what a vanished client did not get waits for its next session', async () => {
    const friend = await loggedIn({
      ...{ port: server.ports.c2s, user: 'romeo', password: PASSWORD },
    });
    await present();
    friend.send("<message type='chat' to='juliet@localhost'><body>are you there?</body></message>");
    await expect
      .poll(() => {
        server.clock.jump(31_000);
        return server.run('sessions.list');
      })
      .toMatchObject({ total: 1 });
    const next = await juliet();
    expect(await next.until(/are you there/, PRESENCE)).toContain('Offline Storage');
    friend.destroy();
  });

  test('what a client did not get before it said goodbye waits for its next session', async () => {
    const client = await present("ver='1.6' wait='60' hold='1' ack='1'");
    const had = client.rid;
    await client.until(/>unread</, note('unread'));
    await client.ask('', `type='terminate' ack='${had}'`);
    const next = await juliet();
    expect(await next.until(/>unread</, PRESENCE)).toContain('Offline Storage');
  });

  test('nor does it have what only the answer to its goodbye brings', async () => {
    const friend = await loggedIn({
      ...{ port: server.ports.c2s, user: 'romeo', password: PASSWORD },
    });
    const client = await present();
    friend.send("<message type='chat' to='juliet@localhost'><body>one more thing</body></message>");
    await friend.ping();
    const { text } = await client.ask('', "type='terminate'");
    expect(text).toContain('one more thing');
    const next = await juliet();
    expect(await next.until(/one more thing/, PRESENCE)).toContain('Offline Storage');
    friend.destroy();
  });

  test('what a client got is not sent to its next session, too', async () => {
    const client = await present();
    await client.until(/>once</, note('once'));
    await client.ask('', "type='terminate'");
    const next = await juliet();
    await next.until(/<presence /, PRESENCE);
    await next.until(/>last</, note('last'));
    expect(next.heard).not.toContain('>once<');
  });
});

describe('§15 keys', () => {
  const keys = ['seed'];
  for (let n = 1; n <= 4; n++)
    keys.push(
      createHash('sha1')
        .update(keys[n - 1] ?? '')
        .digest('hex'),
    );

  test('§15.4 follow each other, and §15.5 others follow them', async () => {
    const client = newClient();
    await client.open(`ver='1.6' wait='0' hold='0' newkey='${keys[2]?.toUpperCase()}'`);
    server.clock.jump(6000);
    const { text } = await client.ask('', `key='${keys[1]}' newkey='${keys[4]}'`);
    expect(text).toBe(`<body ${NS}/>`);
    server.clock.jump(6000);
    expect((await client.ask('', `key='${keys[3]}'`)).text).toBe(`<body ${NS}/>`);
    expect((await client.ask('', `key='${keys[3]}'`)).attrs['condition']).toBe('item-not-found');
  });

  test('§15.4 a request without its key is not the client', async () => {
    const client = newClient();
    await client.open(`ver='1.6' newkey='${keys[4]}'`);
    expect((await client.ask()).attrs['condition']).toBe('item-not-found');
  });
});

describe('§19.1 a session that began over TLS', () => {
  /** Sends a request over TLS. */
  const secured = (body: string) =>
    new Promise<string>((resolve, reject) => {
      const place = { host: '127.0.0.1', port: server.ports.https, path: '/http-bind' };
      const tls = { servername: 'localhost', rejectUnauthorized: false, agent: false };
      request({ ...place, ...tls, method: 'POST' }, (response) => {
        let text = '';
        response.on('data', (chunk) => (text += chunk));
        response.on('end', () => resolve(text));
      })
        .on('error', reject)
        .end(body);
    });

  test('goes on over TLS only', async () => {
    const client = newClient();
    const text = await secured(`<body rid='7' to='localhost' ver='1.6' wait='0' ${NS}/>`);
    client.sid = / sid='([^']+)'/.exec(text)?.[1] ?? '';
    client.rid = 7;
    const next = client.text();
    await expect(client.post(next)).rejects.toThrow();
    server.clock.jump(6000);
    expect(await secured(next)).toBe(`<body ${NS}/>`);
  });
});

describe('who may come', () => {
  test('in clear from elsewhere nobody may', async () => {
    const elsewhere = { headers: { 'X-Forwarded-For': '192.0.2.1' } };
    const { status } = await newClient().post(`<body rid='1' to='localhost' ${NS}/>`, elsewhere);
    expect(status).toBe(403);
  });

  test('other methods and compressed requests are refused', async () => {
    expect((await fetch(urlOf())).status).toBe(405);
    const bomb = gzipSync(Buffer.alloc(1024 * 1024));
    const client = newClient();
    const packed = await client.post(bomb, { headers: { 'Content-Encoding': 'gzip' } });
    expect(packed.attrs['condition']).toBe('bad-request');
  });

  describe('§17.2 a request that is too large', () => {
    const MUCH = 2 * 1024 * 1024;
    const inPieces = (text: string): RequestInit => {
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(Buffer.from(text));
          controller.close();
        },
      });
      return { body, duplex: 'half' } as RequestInit;
    };

    test.each([
      ['of known size', () => ({})],
      ['of unknown size', inPieces],
    ])('%s ends the session, and the client is told so', async (_, how) => {
      const client = await juliet();
      const held = client.ask();
      const large = client.text(note('x'.repeat(MUCH)));
      const { status, attrs } = await client.post(large, how(large));
      expect([status, attrs]).toMatchObject([
        200,
        { type: 'terminate', condition: 'policy-violation' },
      ]);
      expect((await held).attrs).toMatchObject({ condition: 'other-request' });
      expect((await client.ask()).attrs).toMatchObject({ condition: 'item-not-found' });
    });

    test('is none that the limit of a stanza allows', async () => {
      const client = await present();
      await client.until(/x<\/body>/, note('x'.repeat(1400 * 1024)));
    });

    test('opens none', async () => {
      const blank = ' '.repeat(MUCH);
      const ask = (attrs: string) =>
        newClient().post(`<body rid='1' to='localhost' ${attrs} ${NS}>${blank}</body>`);
      expect((await ask("ver='1.6'")).attrs).toMatchObject({ condition: 'policy-violation' });
      expect((await ask('')).status).toBe(403); // §17.1: for clients without a version
      expect((await newClient().post(blank)).attrs).toMatchObject({ condition: 'bad-request' });
    });
  });

  test('pages of all origins may, unless the config names some', async () => {
    const origin = {
      headers: { Origin: 'https://falcot.com', 'Access-Control-Request-Method': 'POST' },
    };
    const preflight = await fetch(urlOf(), { method: 'OPTIONS', ...origin });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://falcot.com');
    expect(preflight.headers.get('access-control-allow-headers')).toBe('Content-Type');
  });
});

test('XEP-0198 a session is resumed over BOSH', async () => {
  const client = await juliet();
  const enabled = await client.until(/<enabled /, `<enable ${SM} resume='true'/>`);
  const [, id] = / id="([^"]+)"/.exec(enabled) ?? [];
  client.vanish();
  server.clock.jump(31_000);
  await expect
    .poll(() => server.run('sessions.list'))
    .toMatchObject({ sessions: [{ state: 'asleep' }] });
  const back = newClient();
  await back.open();
  const data = Buffer.from(`\0juliet\0${PASSWORD}`).toString('base64');
  await back.until(
    /<success /,
    `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${data}</auth>`,
  );
  await back.until(/<stream:features>/, '', "xmpp:restart='true' to='localhost'");
  expect(await back.until(/<resumed /, `<resume ${SM} previd='${id}' h='0'/>`)).toMatch(
    /<resumed /,
  );
});

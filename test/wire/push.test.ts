/** XEP-0357 over real sockets: app servers at a component and at another domain. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Element } from '../../src/xml/element.ts';
import { summaryIn } from '../modules/push/app-server.ts';
import { Client, loggedIn } from '../support/client.ts';
import { connectedComponent } from '../support/component.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { bodyOf, type Federation, startFederation } from '../support/several-servers.ts';

const SM = "xmlns='urn:xmpp:sm:3'";
const ROMEO = 'romeo@falcot.com';
const SERVICE = 'push.falcot.com';
const SECRET = 'Verona';
const STANZAS = 'urn:ietf:params:xml:ns:xmpp-stanzas';

const enabling = (service = SERVICE) =>
  `<iq type='set' id='enable'><enable xmlns='urn:xmpp:push:0' jid='${service}' node='n'/></iq>`;
const chat = (to: string, body = 'hello') =>
  `<message to='${to}' type='chat'><body>${body}</body></message>`;
const isIq = ({ name }: Element) => name === 'iq';

/** A way for an app server to be told, and to answer. */
const answering = (app: Client) => ({
  /** The next notification, as a summary, with an answer to it. */
  async told(answer: (attrs: string) => string = (attrs) => `<iq type='result' ${attrs}/>`) {
    const request = await app.seek(isIq);
    const { id, from, to } = request.attrs;
    app.send(answer(`id='${id}' from='${to}' to='${from}'`));
    return summaryIn(request);
  },
});

describe('an app server that is a component', () => {
  let server: TestServer;
  let app: Client;
  const clients: Client[] = [];
  beforeEach(async () => {
    server = await startServer({
      hosts: {
        'falcot.com': { components: { [SERVICE]: { type: 'external', secret: SECRET } } },
      },
      accounts: { [ROMEO]: 'secret', 'juliet@falcot.com': 'secret' },
    });
    app = await component();
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await server.stop();
  });

  const noted = (client: Client) => {
    clients.push(client);
    return client;
  };
  const component = async () =>
    noted(
      await connectedComponent({ port: server.ports.component, domain: SERVICE, secret: SECRET }),
    );
  const enter = async (user: string) => {
    const place = { port: server.ports.c2sTls, tls: {}, to: 'falcot.com', password: 'secret' };
    return noted(await loggedIn({ ...place, user, resource: 'phone' }));
  };
  /** A phone that may resume, is available and has push notifications. */
  const phone = async () => {
    const client = await enter('romeo');
    const enabled = await client.ask(`<enable ${SM} resume='true'/>`);
    client.send('<presence/>');
    client.send(enabling());
    await client.seek(({ attrs }) => attrs.id === 'enable');
    return { client, id: enabled.attrs['id'] ?? '' };
  };
  const say = async (body?: string) => {
    const juliet = await enter('juliet');
    juliet.send(chat(ROMEO, body));
    await juliet.ping();
    juliet.destroy();
  };
  const registration = async () => {
    const list = (await server.run('push.list', { jid: ROMEO })) as {
      registrations: readonly Record<string, unknown>[];
    };
    return list.registrations[0];
  };
  const state = async () => (await registration())?.['state'];
  /** The phone loses its connection. */
  const loseConnection = async (client: Client) => {
    client.reset();
    await expect.poll(state).toBe('asleep');
  };
  const resume = async (id: string) => {
    const place = { port: server.ports.c2sTls, tls: {}, to: 'falcot.com' };
    const client = noted(await Client.connect(place));
    await client.open();
    await client.plain('romeo', 'secret');
    await client.open();
    expect((await client.ask(`<resume ${SM} previd='${id}' h='0'/>`)).name).toBe('resumed');
    return client;
  };

  test('wakes a phone whose session sleeps, which then resumes', async () => {
    const { client, id } = await phone();
    await loseConnection(client);
    await say();
    expect(await answering(app).told()).toBe('message-count=1');
    await expect.poll(registration).toMatchObject({ result: 'published', unseen: 1 });
    const back = await resume(id);
    expect(bodyOf(await back.seek(({ name }) => name === 'message'))).toBe('hello');
    await expect.poll(registration).toMatchObject({ state: 'connected', unseen: 0 });
  });

  test('wakes one that seems to be connected and acknowledges nothing', async () => {
    await phone();
    await say();
    server.clock.jump(10_000);
    expect(await answering(app).told()).toBe('message-count=1');
  });

  test('wakes one at which nobody looks sooner, and not if it acknowledges', async () => {
    const { client } = await phone();
    client.send("<inactive xmlns='urn:xmpp:csi:0'/>");
    await client.ping();
    await say('1');
    await client.seek(({ name }) => name === 'message');
    const since = client.text.slice(client.text.indexOf('<enabled'));
    const count = since.match(/<(message|presence|iq)[ >]/g)?.length ?? 0;
    client.send(`<a ${SM} h='${count}'/>`);
    await client.ping();
    server.clock.jump(3000);
    await say('2');
    server.clock.jump(3000);
    expect(await answering(app).told()).toBe('message-count=1');
  });

  test('wakes one that sleeps through a restart, and not one that resumed after it', async () => {
    const { client, id } = await phone();
    await loseConnection(client);
    server = await server.restart();
    app = await component();
    expect(await state()).toBe('asleep');
    await say('1');
    expect(await answering(app).told()).toBe('message-count=1');
    await resume(id);
    await expect.poll(registration).toMatchObject({ state: 'connected', unseen: 0 });
    await say('2');
    await expect.poll(registration).toMatchObject({ unseen: 0 });
    expect(app.text).not.toContain('<value>2</value>');
  });

  test('that is away is tried again', async () => {
    const { client } = await phone();
    await loseConnection(client);
    app.destroy();
    await expect
      .poll(
        async () => ((await server.run('components.list')) as { components: unknown[] }).components,
      )
      .toMatchObject([{ connected: false }]);
    await say();
    await expect.poll(registration).toMatchObject({ failures: 1, state: 'asleep' });
    expect((await registration())?.['result']).toContain('remote-server-timeout');
    app = await component();
    server.clock.jump(30_000);
    expect(await answering(app).told()).toBe('message-count=1');
    await expect.poll(registration).toMatchObject({ failures: 0 });
  });

  test('that refuses is left alone; an admin sees what it said', async () => {
    const { client } = await phone();
    await loseConnection(client);
    await say();
    const error =
      `<error type='cancel'><item-not-found xmlns='${STANZAS}'/>` +
      `<text xmlns='${STANZAS}'>The device was removed.</text></error>`;
    await answering(app).told((attrs) => `<iq type='error' ${attrs}>${error}</iq>`);
    await expect
      .poll(registration)
      .toMatchObject({ state: 'ended', result: 'item-not-found: The device was removed.' });
  });

  test('rtcctl push test shows its answer', async () => {
    await phone();
    const testing = server.run('push.test', { jid: ROMEO });
    expect(await answering(app).told()).toBe('message-count=1');
    expect(await testing).toMatchObject({ answers: [{ level: 'ok', answer: 'published' }] });
  });

  test.each([
    ['nothing but a type', (attrs: string) => `<iq type='error' ${attrs}/>`, 'undefined-condition'],
    [
      'an unknown condition',
      (attrs: string) => `<iq type='error' ${attrs}><error type='x'><y/></error></iq>`,
      'undefined-condition',
    ],
    [
      'a result with anything in it',
      (attrs: string) => `<iq type='result' ${attrs}><x xmlns='y'><z/></x></iq>`,
      'published',
    ],
  ])('that answers %s is understood', async (_, answer, result) => {
    const { client } = await phone();
    await loseConnection(client);
    await say();
    await answering(app).told(answer);
    await expect.poll(registration).toMatchObject({ result });
  });

  test('answers to what was not asked, or from somebody else, are not taken', async () => {
    const { client } = await phone();
    await loseConnection(client);
    await say();
    const request = await app.seek(isIq);
    const { id } = request.attrs;
    const refusal = `<error type='cancel'><item-not-found xmlns='${STANZAS}'/></error>`;
    for (const attrs of [
      `id='other' from='${SERVICE}' to='falcot.com'`,
      `id='${id}' from='x@${SERVICE}' to='falcot.com'`,
      `id='${id}' from='${SERVICE}' to='${ROMEO}'`,
    ])
      app.send(`<iq type='error' ${attrs}>${refusal}</iq>`);
    app.send(`<iq type='result' id='${id}' from='${SERVICE}' to='falcot.com'/>`);
    await expect.poll(registration).toMatchObject({ state: 'asleep', result: 'published' });
  });

  test('that writes to the user each time brings no notification of its own', async () => {
    const { client } = await phone();
    await loseConnection(client);
    await say();
    expect(await answering(app).told()).toBe('message-count=1');
    for (let count = 0; count < 20; count += 1)
      app.send(`<message from='${SERVICE}' to='${ROMEO}' type='chat'><body>woken</body></message>`);
    await say();
    expect(await answering(app).told()).toBe('message-count=2');
    await expect.poll(registration).toMatchObject({ unseen: 2 });
  });
});

describe('an app server at another domain', () => {
  let federation: Federation;
  beforeEach(async () => {
    federation = await startFederation();
  });
  afterEach(() => federation.stop());

  test('is told over a stream between servers, and answers by it', async () => {
    const a = await federation.join({ hosts: { 'a.example': {} }, accounts: ['romeo', 'juliet'] });
    const b = await federation.join({
      hosts: {
        'b.example': { components: { 'push.b.example': { type: 'external', secret: SECRET } } },
      },
      certificate: { dns: ['b.example', 'push.b.example'] },
      machine: 'xmpp.b.example',
    });
    federation.record({
      '_xmpp-server._tcp.push.b.example': { SRV: [`1 1 ${b.ports.s2s} xmpp.b.example`] },
    });
    const app = await connectedComponent({
      port: b.ports.component,
      domain: 'push.b.example',
      secret: SECRET,
    });
    const registration = async () =>
      ((await a.run('push.list')) as { registrations: unknown[] }).registrations[0];
    try {
      const romeo = await federation.enter(a, 'romeo@a.example');
      romeo.send(enabling('push.b.example'));
      await romeo.seek(({ attrs }) => attrs.id === 'enable');
      romeo.send('</stream:stream>');
      await romeo.closed();
      const juliet = await federation.enter(a, 'juliet@a.example');
      juliet.send(chat('romeo@a.example'));
      expect(await answering(app).told()).toBe('message-count=1');
      await expect.poll(registration).toMatchObject({ result: 'published', state: 'away' });
    } finally {
      app.destroy();
    }
  });

  test('that cannot be found is told to the admin, and tried again', async () => {
    const a = await federation.join({
      hosts: { 'a.example': {} },
      accounts: ['romeo', 'juliet'],
      s2s: { queueTime: '1s' },
    });
    const romeo = await federation.enter(a, 'romeo@a.example');
    romeo.send(enabling('push.nowhere.example'));
    await romeo.seek(({ attrs }) => attrs.id === 'enable');
    const { answers } = (await a.run('push.test', { jid: 'romeo@a.example' })) as {
      answers: { level: string; answer: string }[];
    };
    expect(answers).toMatchObject([
      { level: 'warning', answer: expect.stringContaining('remote-server-not-found') },
    ]);
  });
});

/** The story of a message as rtcctl tells it, of messages between real sockets. */
import { afterEach, describe, expect, test } from 'vitest';
import type { ToldStory } from '../../src/operations/story.ts';
import type { Element } from '../../src/xml/element.ts';
import { Client, loggedIn } from '../support/client.ts';
import { connectedComponent } from '../support/component.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { type Federation, startFederation } from '../support/several-servers.ts';

const PASSWORD = 'a secret for tests';
const SM = "xmlns='urn:xmpp:sm:3'";
const isMessage = ({ name }: Element) => name === 'message';

let server: TestServer | undefined;
let federation: Federation | undefined;
let clients: Client[] = [];
afterEach(async () => {
  for (const client of clients) client.destroy();
  clients = [];
  await server?.stop();
  server = undefined;
  await federation?.stop();
  federation = undefined;
});

/** The messages of somebody, the earliest first: verdict, and the kinds of steps but `archived`. */
async function trace(on: TestServer, jid: string, input: object = {}) {
  const told = (await on.run('messages.trace', { jid, ...input })) as {
    messages: ToldStory[];
    note?: string;
  };
  return told.messages.map(({ ids, outcome, verdict, steps }) => ({
    id: ids[0],
    outcome,
    verdict: verdict.replace(/\d+(\.\d)? m?s/, '… ms'),
    steps: steps
      .map(({ step }) => step.kind)
      .filter((kind) => kind !== 'archived')
      .join(' '),
  }));
}

const say = (client: Client, to: string, id: string) =>
  client.send(`<message to='${to}' type='chat' id='${id}'><body>${id}</body></message>`);

describe('between clients of one server', () => {
  const start = async (): Promise<TestServer> => {
    server = await startServer({
      accounts: { 'romeo@localhost': PASSWORD, 'juliet@localhost': PASSWORD },
    });
    return server;
  };
  const connect = async (on: TestServer, user: string, resource: string) => {
    const tls = {};
    const client = await loggedIn({
      port: on.ports.c2sTls,
      tls,
      user,
      password: PASSWORD,
      resource,
    });
    clients.push(client);
    return client;
  };
  /** A client that may resume, and is available. */
  const managed = async (on: TestServer, user: string, resource: string) => {
    const client = await connect(on, user, resource);
    const enabled = await client.ask(`<enable ${SM} resume='true'/>`);
    client.send('<presence/>');
    await client.seek(({ name }) => name === 'presence');
    return { client, id: enabled.attrs['id'] ?? '' };
  };
  /** Comes back to a session, having had so many stanzas. */
  const resume = async (on: TestServer, user: string, id: string, had: number) => {
    const client = await Client.connect({ port: on.ports.c2sTls, tls: {} });
    clients.push(client);
    await client.open();
    await client.plain(user, PASSWORD);
    await client.open();
    const answer = await client.ask(`<resume ${SM} previd='${id}' h='${had}'/>`);
    expect(answer.name).toBe('resumed');
    return client;
  };

  test('a client has it and says so', async () => {
    const on = await start();
    const { client: juliet } = await managed(on, 'juliet', 'phone');
    const romeo = await connect(on, 'romeo', 'desk');
    say(romeo, 'juliet@localhost', 'm1');
    await juliet.seek(isMessage);
    expect(await trace(on, 'romeo@localhost')).toEqual([
      {
        id: 'm1',
        outcome: 'sent',
        verdict: 'handed to phone, not acknowledged yet',
        steps: 'received handed',
      },
    ]);
    juliet.send(`<a ${SM} h='2'/>`);
    await juliet.ping();
    expect(await trace(on, 'juliet@localhost', { id: 'm1' })).toEqual([
      {
        id: 'm1',
        outcome: 'delivered',
        verdict: 'delivered to phone and acknowledged after … ms',
        steps: 'received handed acknowledged',
      },
    ]);
  });

  test('XEP-0313: it is archived for both, and found by both ids', async () => {
    const on = await start();
    const { client: juliet } = await managed(on, 'juliet', 'phone');
    const romeo = await connect(on, 'romeo', 'desk');
    say(romeo, 'juliet@localhost', 'm1');
    const heard = await juliet.seek(isMessage);
    const stamped = heard.children.find(
      (child) => typeof child !== 'string' && child.name === 'stanza-id',
    );
    const id = typeof stamped === 'object' ? stamped.attrs['id'] : undefined;
    const told = (await on.run('messages.trace', { jid: 'romeo@localhost', id })) as {
      messages: ToldStory[];
    };
    expect(told.messages).toMatchObject([
      {
        ids: ['m1', expect.any(String), id],
        steps: [
          { step: { kind: 'received' } },
          { step: { kind: 'archived', account: 'romeo@localhost' } },
          { step: { kind: 'archived', account: 'juliet@localhost', id } },
          { step: { kind: 'handed' } },
        ],
      },
    ]);
  });

  test('nobody is there, and the server is started anew: it is one story', async () => {
    let on = await start();
    const romeo = await connect(on, 'romeo', 'desk');
    say(romeo, 'juliet@localhost', 'm1');
    await romeo.ping();
    expect(await trace(on, 'romeo@localhost')).toMatchObject([
      { outcome: 'waiting', verdict: 'waiting for the next login of juliet@localhost' },
    ]);
    on = await on.restart();
    server = on;
    const juliet = await connect(on, 'juliet', 'phone');
    juliet.send('<presence/>');
    await juliet.seek(isMessage);
    juliet.send("<iq type='get' id='done'><ping xmlns='urn:xmpp:ping'/></iq>");
    await juliet.seek(({ attrs }) => attrs.id === 'done');
    expect(await trace(on, 'romeo@localhost')).toMatchObject([
      { outcome: 'delivered', steps: 'received kept handed acknowledged' },
    ]);
  });

  test('a client sleeps while the server is started anew, and comes back: it is one story', async () => {
    let on = await start();
    const { client: juliet, id } = await managed(on, 'juliet', 'phone');
    const romeo = await connect(on, 'romeo', 'desk');
    say(romeo, 'juliet@localhost', 'm1');
    await juliet.seek(isMessage);
    juliet.reset();
    const asleep = expect.objectContaining({
      outcome: 'waiting',
      verdict: 'waiting for phone to come back',
    });
    await expect.poll(() => trace(on, 'romeo@localhost')).toEqual([asleep]);
    on = await on.restart();
    server = on;
    const back = await resume(on, 'juliet', id, 1);
    await back.seek(isMessage);
    back.send(`<a ${SM} h='2'/><r ${SM}/>`);
    await back.seek(({ name }) => name === 'a');
    expect(await trace(on, 'romeo@localhost')).toMatchObject([
      {
        outcome: 'delivered',
        steps: 'received handed hibernated hibernated resent acknowledged',
      },
    ]);
  });

  test('XEP-0352: what is held back from an inactive client, until it looks again', async () => {
    const on = await start();
    const { client: juliet } = await managed(on, 'juliet', 'phone');
    const romeo = await connect(on, 'romeo', 'desk');
    juliet.send("<inactive xmlns='urn:xmpp:csi:0'/>");
    juliet.send(`<r ${SM}/>`);
    await juliet.seek(({ name }) => name === 'a');
    const composing = "<composing xmlns='http://jabber.org/protocol/chatstates'/>";
    romeo.send(`<message to='juliet@localhost' type='chat' id='m1'>${composing}</message>`);
    await romeo.ping();
    expect(await trace(on, 'romeo@localhost')).toEqual([]);
    expect(await trace(on, 'romeo@localhost', { signals: true })).toMatchObject([
      { outcome: 'waiting', verdict: 'held back until phone is active' },
    ]);
    juliet.send("<active xmlns='urn:xmpp:csi:0'/>");
    await juliet.seek(isMessage);
    expect(await trace(on, 'romeo@localhost', { signals: true })).toMatchObject([
      { outcome: 'sent', steps: 'received handed held handed' },
    ]);
  });

  test('it is off as the config says, and what was noted stays', async () => {
    const on = await start();
    const romeo = await connect(on, 'romeo', 'desk');
    say(romeo, 'juliet@localhost', 'm1');
    await romeo.ping();
    await on.configure({ config: { story: { enabled: false } } });
    await on.run('server.reload');
    say(romeo, 'juliet@localhost', 'm2');
    await romeo.ping();
    expect((await trace(on, 'romeo@localhost')).map(({ id }) => id)).toEqual(['m1']);
    expect(await on.run('messages.trace', { jid: 'romeo@localhost' })).toMatchObject({
      note: expect.stringContaining('story.enabled is false'),
    });
  });
});

describe('between servers', () => {
  const couple = async () => {
    federation = await startFederation();
    const a = await federation.join({ hosts: { 'a.example': {} }, accounts: ['romeo'] });
    const b = await federation.join({ hosts: { 'b.example': {} }, accounts: ['juliet'] });
    const romeo = await federation.enter(a, 'romeo@a.example');
    const juliet = await federation.enter(b, 'juliet@b.example');
    juliet.send('<presence/>');
    await juliet.next();
    return { a, b, romeo, juliet };
  };

  test('each tells its part', async () => {
    const { a, b, romeo, juliet } = await couple();
    say(romeo, 'juliet@b.example', 'm1');
    await juliet.seek(isMessage);
    await juliet.ping();
    await expect
      .poll(() => trace(a, 'romeo@a.example'))
      .toEqual([
        {
          id: 'm1',
          outcome: 'delivered',
          verdict: 'accepted by b.example after … ms',
          steps: 'received queued sent accepted',
        },
      ]);
    expect(await trace(b, 'juliet@b.example')).toMatchObject([
      { id: 'm1', outcome: 'delivered', steps: 'received handed acknowledged' },
    ]);
  });

  test('what the other one says of it is told with the message', async () => {
    const { a, romeo } = await couple();
    say(romeo, 'tybalt@b.example', 'm1');
    await romeo.seek(isMessage);
    await romeo.ping();
    expect(await trace(a, 'tybalt@b.example')).toMatchObject([
      {
        id: 'm1',
        outcome: 'bounced',
        verdict: expect.stringMatching(/^bounced by b\.example after … ms: service-unavailable/),
        steps: expect.stringMatching(/^received queued sent .*handed.* acknowledged/),
      },
    ]);
  });

  test('a domain that is not found is named', async () => {
    const { a, romeo } = await couple();
    say(romeo, 'mercutio@nowhere.example', 'm1');
    await romeo.seek(isMessage);
    await romeo.ping();
    expect(await trace(a, 'romeo@a.example', { failed: true })).toMatchObject([
      {
        outcome: 'bounced',
        verdict: expect.stringContaining('mercutio@nowhere.example: remote-server-not-found: '),
        steps: 'received queued bounced handed acknowledged',
      },
    ]);
  });
});

test('a component has it, and writes back', async () => {
  server = await startServer({
    accounts: { 'romeo@localhost': PASSWORD },
    hosts: { localhost: { components: { 'irc.localhost': { type: 'external', secret: 'sssh' } } } },
  });
  const romeo = await loggedIn({
    port: server.ports.c2sTls,
    tls: {},
    user: 'romeo',
    password: PASSWORD,
  });
  const irc = await connectedComponent({
    port: server.ports.component,
    domain: 'irc.localhost',
    secret: 'sssh',
  });
  clients = [romeo, irc];
  say(romeo, '#verona@irc.localhost', 'm1');
  const heard = await irc.seek(isMessage);
  irc.send(
    `<message from='#verona@irc.localhost/ben' to='${heard.attrs.from}' id='m2'><body>x</body></message>`,
  );
  await romeo.seek(isMessage);
  await romeo.ping();
  expect(await trace(server, 'romeo@localhost')).toMatchObject([
    { id: 'm1', outcome: 'sent', steps: 'received sent' },
    { id: 'm2', outcome: 'delivered', steps: 'received handed acknowledged' },
  ]);
});

test('XEP-0045: a room has it; what it says to each is no story, and a refusal is told', async () => {
  server = await startServer({
    accounts: { 'romeo@localhost': PASSWORD },
    hosts: { localhost: { components: { 'rooms.localhost': { type: 'muc' } } } },
  });
  const romeo = await loggedIn({
    port: server.ports.c2sTls,
    tls: {},
    user: 'romeo',
    password: PASSWORD,
  });
  clients = [romeo];
  const room = 'verona@rooms.localhost';
  const write = (to: string, id: string) =>
    romeo.send(`<message to='${to}' type='groupchat' id='${id}'><body>x</body></message>`);
  write('mantua@rooms.localhost', 'm1');
  await romeo.seek(isMessage);
  romeo.send(`<presence to='${room}/romeo'><x xmlns='http://jabber.org/protocol/muc'/></presence>`);
  await romeo.seek(({ attrs }) => attrs.from === `${room}/romeo`);
  write(room, 'm2');
  await romeo.seek(({ attrs }) => attrs.id === 'm2');
  romeo.send("<iq type='get' id='done'><ping xmlns='urn:xmpp:ping'/></iq>");
  await romeo.seek(({ attrs }) => attrs.id === 'done');
  expect(await trace(server, 'romeo@localhost')).toMatchObject([
    { id: 'm1', outcome: 'bounced' },
    { id: 'm2', outcome: 'delivered', verdict: 'taken by rooms.localhost after … ms' },
  ]);
});

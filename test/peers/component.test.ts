/** Components that are not ours: one written with slixmpp, and biboumi, a gateway to IRC. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { childrenOf, type Element } from '../../src/xml/element.ts';
import { type Client, loggedIn, within } from '../support/client.ts';
import { type ClientProgram, startPython } from '../support/client-program.ts';
import { describeWith, findCommand } from '../support/peers.ts';
import { endProcess, gather } from '../support/program.ts';
import { HOST, startServer, type TestServer } from '../support/server.ts';

const GATEWAY = 'irc.falcot.com';
const SECRET = 'a secret of "Verona" & Mantua';
const ROMEO = 'romeo@falcot.com';
const INFO = 'http://jabber.org/protocol/disco#info';
const config = (components: object) => ({ hosts: { 'falcot.com': { components } } });

let server: TestServer;
let romeo: Client;
beforeEach(async () => {
  server = await startServer({
    ...config({ [GATEWAY]: { type: 'external', secret: SECRET } }),
    accounts: { [ROMEO]: 'secret' },
  });
  romeo = await loggedIn({
    port: server.ports.c2s,
    to: 'falcot.com',
    user: 'romeo',
    password: 'secret',
    resource: 'orchard',
  });
});
afterEach(() => server.stop());

/** The category and type of what answers disco#info. */
async function identitiesOf(jid: string): Promise<string[]> {
  const answer = await romeo.ask(
    `<iq type='get' id='info' to='${jid}'><query xmlns='${INFO}'/></iq>`,
  );
  expect(answer.attrs).toMatchObject({ type: 'result', id: 'info', from: jid });
  const query = childrenOf(answer).find(({ name }) => name === 'query');
  return (query === undefined ? [] : childrenOf(query))
    .filter(({ name }) => name === 'identity')
    .map(({ attrs }) => `${attrs['category']}/${attrs.type}`);
}

describeWith(['slixmpp'], 'a component with slixmpp', () => {
  let component: ClientProgram;
  beforeEach(() => {
    component = startPython('slixmpp_component.py');
  });
  afterEach(() => component.kill());
  const connect = (secret = SECRET) =>
    component.ask('connect', { jid: GATEWAY, secret, host: HOST, port: server.ports.component });

  test('comes in, answers disco, and chats under addresses of its own', async () => {
    await connect();
    expect(await identitiesOf(GATEWAY)).toEqual(['gateway/irc']);
    romeo.send(
      `<message to='juliet@${GATEWAY}' type='chat'><body>☾ &lt;&amp;&gt;</body></message>`,
    );
    await component.sees({
      event: 'message',
      from: `${ROMEO}/orchard`,
      to: `juliet@${GATEWAY}`,
      body: '☾ <&>',
    });
    const sender = `juliet@${GATEWAY}/balcony`;
    await component.ask('message', { sender, to: `${ROMEO}/orchard`, body: 'Ay me!' });
    const heard = await romeo.seek(({ name }) => name === 'message');
    expect(heard.attrs).toMatchObject({ from: sender, type: 'chat' });
    expect(childrenOf(heard).find(({ name }) => name === 'body')?.children).toEqual(['Ay me!']);
  });

  test('asks the server, and is told when somebody is not there', async () => {
    await connect();
    await component.ask('ping', { to: 'falcot.com' });
    expect(await component.ask('version', { to: 'falcot.com' })).toBe('rtcd');
    const to = 'tybalt@falcot.com';
    await component.ask('message', { sender: GATEWAY, to, body: 'anybody?' });
    await component.sees({
      event: 'message',
      sender: to,
      type: 'error',
      condition: 'service-unavailable',
    });
  });

  test('can be subscribed to, and is seen', async () => {
    await connect();
    romeo.send('<presence/>');
    romeo.send(`<presence to='${GATEWAY}' type='subscribe'/>`);
    await component.sees({ event: 'subscribe', from: ROMEO, to: GATEWAY });
    await component.ask('presence', { sender: GATEWAY, to: ROMEO, type: 'subscribed' });
    await component.ask('presence', { sender: GATEWAY, to: ROMEO });
    const isSeen = ({ name, attrs }: Element) =>
      name === 'presence' && attrs.from === GATEWAY && attrs.type === undefined;
    await romeo.seek(isSeen);
  });

  test('is an app server, and is told of what came for who is away', async () => {
    await connect();
    const enable = `<enable xmlns='urn:xmpp:push:0' jid='${GATEWAY}' node='n'/>`;
    await romeo.ask(`<iq type='set' id='push'>${enable}</iq>`);
    romeo.send('</stream:stream>');
    await romeo.closed();
    await component.ask('message', { sender: `joe@${GATEWAY}`, to: ROMEO, body: 'not of itself' });
    await server.run('accounts.add', { jid: 'juliet@falcot.com', password: 'secret' });
    const juliet = await loggedIn({
      port: server.ports.c2s,
      to: 'falcot.com',
      user: 'juliet',
      password: 'secret',
    });
    juliet.send(`<message to='${ROMEO}' type='chat'><body>Art thou gone so?</body></message>`);
    expect(await component.sees({ event: 'published' })).toMatchObject({
      from: 'falcot.com',
      node: 'n',
      values: { FORM_TYPE: ['urn:xmpp:push:summary'], 'message-count': '1' },
    });
    await expect
      .poll(() => server.run('push.list', { jid: ROMEO }))
      .toMatchObject({ registrations: [{ result: 'published' }] });
  });

  test('is refused with a wrong secret', async () => {
    await expect(connect('guess')).rejects.toThrow('refused');
    await component.sees({ event: 'stream-error', condition: 'not-authorized' });
  });

  test('is refused while another one is connected', async () => {
    await connect();
    const second = startPython('slixmpp_component.py');
    const { component: port } = server.ports;
    await expect(
      second.ask('connect', { jid: GATEWAY, secret: SECRET, host: HOST, port }),
    ).rejects.toThrow('refused');
    await second.sees({ event: 'stream-error', condition: 'conflict' });
    await second.kill();
    await component.ask('ping', { to: 'falcot.com' });
  });

  test('ends its stream when it speaks for others', async () => {
    await connect();
    await component.ask('message', { sender: ROMEO, to: ROMEO, body: 'I am you' });
    await component.sees({ event: 'stream-error', condition: 'invalid-from' });
  });

  test('leaves and comes back', async () => {
    await connect();
    await component.ask('logout');
    const answer = await romeo.ask(
      `<message to='${GATEWAY}' id='1'><body>Are you there?</body></message>`,
    );
    expect(answer.attrs).toMatchObject({ type: 'error', id: '1' });
    await connect();
    expect(await identitiesOf(GATEWAY)).toEqual(['gateway/irc']);
  });

  test('is told when the config has it no more', async () => {
    await connect();
    await server.configure(config({}));
    await server.run('server.reload');
    await component.sees({ event: 'stream-error', condition: 'host-gone' });
  });

  test('is told when the server goes down', async () => {
    await connect();
    await server.stop();
    await component.sees({ event: 'stream-error', condition: 'system-shutdown' });
  });
});

describeWith(['biboumi'], 'biboumi, a gateway to IRC', () => {
  let biboumi: ChildProcess;
  let log: () => string;
  beforeEach(async () => {
    const file = join(server.folder, 'biboumi.cfg');
    const settings = {
      hostname: GATEWAY,
      password: SECRET,
      xmpp_server_ip: HOST,
      port: server.ports.component,
      db_name: join(server.folder, 'biboumi.sqlite'),
      log_level: 0,
    };
    const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
    await writeFile(file, lines.join(''));
    biboumi = spawn(findCommand('biboumi') ?? '', [file], { stdio: ['ignore', 'pipe', 'pipe'] });
    log = gather(biboumi);
  });
  afterEach(() => endProcess(biboumi));

  const isConnected = async () => {
    const { components } = (await server.run('components.list')) as {
      components: { connected: boolean }[];
    };
    return components.some(({ connected }) => connected);
  };
  /** Waits until it has come in; it tries again by itself. */
  async function arrived(): Promise<void> {
    const arrival = async () => {
      while (!(await isConnected())) await new Promise((resolve) => setTimeout(resolve, 50));
    };
    await within(arrival(), 'biboumi').catch((error: unknown) => {
      throw new Error(`${error}\n${log()}`);
    });
  }

  test('comes in and answers disco, for itself and for its channels', async () => {
    await arrived();
    expect(await identitiesOf(GATEWAY)).toContain('conference/irc');
    expect(await identitiesOf(`#verona%irc.example@${GATEWAY}`)).toContain('conference/irc');
  });

  test('answers pings and ad-hoc commands', async () => {
    await arrived();
    const ping = await romeo.ask(
      `<iq type='get' id='1' to='${GATEWAY}'><ping xmlns='urn:xmpp:ping'/></iq>`,
    );
    expect(ping.attrs).toMatchObject({ id: '1', from: GATEWAY });
    const items = await romeo.ask(
      `<iq type='get' id='2' to='${GATEWAY}'><query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/></iq>`,
    );
    expect(items.attrs).toMatchObject({ id: '2', type: 'result' });
  });
});

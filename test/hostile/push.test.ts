/**
 * Clients and app servers that misuse push notifications: registrations without end, large forms,
 * floods of messages, app servers in a circle. Afterwards a good client is served.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Element } from '../../src/xml/element.ts';
import { type Client, loggedIn } from '../support/client.ts';
import { connectedComponent } from '../support/component.ts';
import { startServer, type TestServer } from '../support/server.ts';

const SERVICE = 'push.falcot.com';
const OTHER = 'push2.falcot.com';
const SECRET = 'Verona';
const ROMEO = 'romeo@falcot.com';

describe('push notifications that are misused', () => {
  let server: TestServer;
  const clients: Client[] = [];
  beforeEach(async () => {
    const external = { type: 'external', secret: SECRET };
    server = await startServer({
      hosts: { 'falcot.com': { components: { [SERVICE]: external, [OTHER]: external } } },
      accounts: { [ROMEO]: 'secret', 'juliet@falcot.com': 'secret' },
    });
  });
  afterEach(async () => {
    await (await enter('juliet')).ping();
    for (const client of clients.splice(0)) client.destroy();
    await server.stop();
  });

  const enter = async (user: string) => {
    const place = { port: server.ports.c2sTls, tls: {}, to: 'falcot.com', password: 'secret' };
    const client = await loggedIn({ ...place, user });
    clients.push(client);
    return client;
  };
  const appServer = async (domain: string) => {
    const app = await connectedComponent({ port: server.ports.component, domain, secret: SECRET });
    clients.push(app);
    return app;
  };
  const enabling = (id: string, node: string, service = SERVICE, inner = '') =>
    `<iq type='set' id='${id}'><enable xmlns='urn:xmpp:push:0' jid='${service}' node='${node}'>` +
    `${inner}</enable></iq>`;
  const enabled = async (client: Client, service: string, node = 'n') => {
    client.send(enabling(node, node, service));
    return client.seek(({ attrs }) => attrs.id === node);
  };
  const total = async () => ((await server.run('push.list')) as { total: number }).total;
  const registrations = async () =>
    ((await server.run('push.list')) as { registrations: { unseen: number }[] }).registrations;
  const countOf = (app: Client) => app.text.match(/<publish/g)?.length ?? 0;

  test('10,000 registrations: ten stay, and after thirty there is a wait', async () => {
    const romeo = await enter('romeo');
    for (let count = 0; count < 10_000; count += 1) romeo.send(enabling(`e${count}`, `n${count}`));
    const answers: Element[] = [];
    while (answers.length < 10_000) answers.push(await romeo.seek(({ name }) => name === 'iq'));
    const taken = answers.filter(({ attrs }) => attrs.type === 'result');
    expect(taken.length).toBeGreaterThanOrEqual(30);
    expect(taken.length).toBeLessThan(100);
    expect(await total()).toBe(10);
  });

  test('forms as large as a stanza may be, and with a thousand fields, are refused', async () => {
    const romeo = await enter('romeo');
    const type = '<value>http://jabber.org/protocol/pubsub#publish-options</value>';
    const form = (fields: string) =>
      `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>${type}</field>${fields}</x>`;
    const large = form(`<field var='secret'><value>${'x'.repeat(200_000)}</value></field>`);
    const many = form(
      Array.from({ length: 1000 }, (_, index) => `<field var='f${index}'><value/></field>`).join(
        '',
      ),
    );
    for (const [id, inner] of [
      ['large', large],
      ['many', many],
    ] as const) {
      romeo.send(enabling(id, 'n', SERVICE, inner));
      const answer = await romeo.seek(({ attrs }) => attrs.id === id);
      expect(answer.toString()).toContain('policy-violation');
    }
    expect(await total()).toBe(0);
  });

  test('1,000 messages are a few notifications for each registration', async () => {
    const app = await appServer(SERVICE);
    const romeo = await enter('romeo');
    for (const node of ['a', 'b', 'c']) await enabled(romeo, SERVICE, node);
    romeo.destroy();
    await expect.poll(() => server.run('sessions.list')).toMatchObject({ total: 0 });
    const juliet = await enter('juliet');
    const answering = answerAll(app);
    for (let count = 0; count < 1000; count += 1)
      juliet.send(`<message to='${ROMEO}' type='chat'><body>${count}</body></message>`);
    await juliet.ping();
    // There is no room for more, but the archive has it: it is not refused, and told of.
    juliet.send(`<message to='${ROMEO}' type='chat'><body>one more</body></message>`);
    await juliet.ping();
    server.clock.jump(5000);
    await expect
      .poll(registrations)
      .toMatchObject([{ unseen: 1001 }, { unseen: 1001 }, { unseen: 1001 }]);
    expect(countOf(app)).toBeLessThanOrEqual(3 * 5);
    answering.stop();
  });

  test('two app servers that write for each other’s notifications do not go round', async () => {
    const [one, other] = [await appServer(SERVICE), await appServer(OTHER)];
    const romeo = await enter('romeo');
    await enabled(romeo, SERVICE, 'one');
    await enabled(romeo, OTHER, 'other');
    romeo.destroy();
    await expect.poll(() => server.run('sessions.list')).toMatchObject({ total: 0 });
    const write = (from: string) =>
      `<message from='${from}' to='${ROMEO}' type='chat'><body>again</body></message>`;
    const answering = [answerAll(one, write(SERVICE)), answerAll(other, write(OTHER))];
    one.send(write(SERVICE));
    const juliet = await enter('juliet');
    juliet.send(`<message to='${ROMEO}' type='chat'><body>hello</body></message>`);
    await juliet.ping();
    await expect.poll(registrations).toMatchObject([{ unseen: 1 }, { unseen: 1 }]);
    server.clock.jump(60_000);
    await juliet.ping();
    expect([countOf(one), countOf(other)]).toEqual([1, 1]);
    for (const each of answering) each.stop();
  });
});

/** Answers all that an app server is asked, and sends something else besides. */
function answerAll(app: Client, besides = ''): { stop(): void } {
  let isOver = false;
  const go = async () => {
    while (!isOver) {
      const { id, from, to } = (await app.seek(({ name }) => name === 'iq')).attrs;
      app.send(`${besides}<iq type='result' id='${id}' from='${to}' to='${from}'/>`);
    }
  };
  void go().catch(() => {});
  return {
    stop() {
      isOver = true;
    },
  };
}

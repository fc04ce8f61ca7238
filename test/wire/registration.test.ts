/** XEP-0445 over a real stream: a token, an account, a login; and the way that has no token. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { childrenOf, serialise } from '../../src/xml/element.ts';
import { Client, loggedIn } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a long enough secret';
const PREAUTH = 'urn:xmpp:pars:0';

let server: TestServer;
let clients: Client[] = [];
beforeAll(async () => {
  server = await startServer({
    accounts: { 'romeo@localhost': PASSWORD },
    hosts: { localhost: {}, 'closed.example': { modules: { invitations: false } } },
  });
});
afterEach(() => {
  for (const client of clients) client.destroy();
  clients = [];
});
afterAll(() => server.stop());

/** A stream over TLS that has not logged in; answers what registration features it has. */
async function begun(to = 'localhost'): Promise<{ client: Client; offered: readonly string[] }> {
  const client = await Client.connect({ port: server.ports.c2sTls, tls: { servername: to }, to });
  clients.push(client);
  const { features } = await client.open();
  const offered = childrenOf(features)
    .filter(({ name }) => name === 'register')
    .map(({ attrs }) => attrs['xmlns'] ?? '');
  return { client, offered };
}
const invite = async (input: object = {}): Promise<string> => {
  const made = (await server.run('invitations.create', { host: 'localhost', ...input })) as {
    url: string;
  };
  return made.url.split('/').at(-1) ?? '';
};
const set = async (client: Client, id: string, payload: string) =>
  serialise(await client.ask(`<iq type='set' to='${client.to}' id='${id}'>${payload}</iq>`));
const preauth = (token: string) => `<preauth xmlns='${PREAUTH}' token='${token}'/>`;
const register = (name: string) =>
  `<query xmlns='jabber:iq:register'><username>${name}</username><password>${PASSWORD}</password></query>`;

describe('XEP-0445', () => {
  test('§3 the feature is offered where one can be invited', async () => {
    expect((await begun()).offered).toEqual([
      'urn:xmpp:ibr-token:0',
      'http://jabber.org/features/iq-register',
    ]);
    expect((await begun('closed.example')).offered).toEqual([]);
  });

  test('§3 in clear, where TLS is demanded, neither is offered nor answered', async () => {
    const client = await Client.connect({ port: server.ports.c2s });
    clients.push(client);
    const { features } = await client.open();
    expect(serialise(features)).not.toContain('ibr-token');
    client.send(`<iq type='set' to='localhost' id='p'>${preauth(await invite())}</iq>`);
    expect(await client.rest().then((all) => all.map(serialise).join(''))).not.toContain(
      'type="result"',
    );
  });

  test('§4 a token, an account, and a login on the same stream', async () => {
    const token = await invite({ inviter: 'romeo@localhost' });
    const { client } = await begun();
    expect(await set(client, 'p', preauth(token))).toMatch(
      /^<iq [^>]*type="result" from="localhost" id="p"\/>$/,
    );
    expect(await set(client, 'r', register('juliet'))).toMatch(/type="result"/);
    const juliet = await loggedIn({
      port: server.ports.c2s,
      user: 'juliet',
      password: PASSWORD,
    });
    clients.push(juliet);
    const roster = await juliet.ask("<iq type='get' id='l'><query xmlns='jabber:iq:roster'/></iq>");
    expect(serialise(roster)).toMatch(/<item jid="romeo@localhost" subscription="both"/);
    expect(await set(client, 's', register('nurse'))).toContain('<not-allowed ');
    const other = (await begun()).client;
    expect(await set(other, 'q', preauth(token))).toContain('<item-not-found ');
    expect(await set(other, 't', register('nurse'))).toContain('<not-allowed ');
  });
});

/** SASL2 from the hands of somebody who means no good, over real sockets. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Client, loggedIn, textIn } from '../support/client.ts';
import {
  agent,
  authenticate,
  bind2,
  conditionOf,
  fast,
  LAPTOP,
  opened,
  PHONE,
  part,
  plain2,
  requestToken,
} from '../support/sasl2.ts';
import { startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a secret for tests';
const JULIET = 'juliet@localhost';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({
    accounts: { [JULIET]: PASSWORD, 'romeo@localhost': PASSWORD, 'nurse@localhost': PASSWORD },
    config: { devices: { perAccount: 4 }, limits: { resourcesPerAccount: 50 } },
  });
});
afterAll(() => server.stop());

let connected: Client[] = [];
afterEach(() => {
  for (const client of connected) client.destroy();
  connected = [];
});

async function open(from = JULIET, address?: string) {
  const { client } = await opened(server.ports.c2sTls, from, address);
  connected.push(client);
  return client;
}

interface Devices {
  devices: { id: string; software: string; name: string; resource: string; access: string }[];
}
const devicesOf = async (jid: string) =>
  ((await server.run('accounts.devices', { jid })) as Devices).devices;
const uuid = (index: number) => `d4565fa7-4d72-4749-b3d3-${String(index).padStart(12, '0')}`;

describe('user agents', () => {
  test('a giant one ends the stream before it is read whole', async () => {
    const client = await open();
    client.send(plain2('juliet', PASSWORD, agent(PHONE, 'x'.repeat(20_000))));
    expect((await client.rest()).map(String).join('')).toContain('<policy-violation');
  });

  test('one as large as may be is cut, and steers no terminal', async () => {
    const client = await open();
    const evil = `\u009b31mred\u202e\n${'é'.repeat(1500)}`;
    const answer = await client.ask(plain2('juliet', PASSWORD, agent(PHONE, evil, evil) + bind2()));
    expect(answer.name).toBe('success');
    const [device] = await devicesOf(JULIET);
    expect(device?.software.length).toBeLessThanOrEqual(100);
    expect(device?.software).toMatch(/^31mred é+$/);
  });

  test('a thousand of them leave no more devices than there may be', async () => {
    for (let index = 0; index < 12; index += 1) {
      const client = await open('nurse@localhost');
      await client.ask(plain2('nurse', PASSWORD, agent(uuid(index)) + requestToken()));
      client.destroy();
    }
    expect(await devicesOf('nurse@localhost')).toHaveLength(4);
  });

  test.each([
    ['two', agent(PHONE) + agent(LAPTOP)],
    ['one in another namespace', `<user-agent xmlns='urn:example:x' id='no uuid'/>`],
    ['one in another element', `<x xmlns='urn:example:x'>${agent('no uuid')}</x>`],
  ])('%s: what is not ours is passed over', async (_, inner) => {
    const client = await open('romeo@localhost');
    expect((await client.ask(plain2('romeo', PASSWORD, inner))).name).toBe('success');
  });
});

describe('the wrong order', () => {
  const NS = "xmlns='urn:xmpp:sasl:2'";

  test.each([
    ['<authenticate/> once one is in', plain2('romeo', PASSWORD)],
    ['<response/> once one is in', `<response ${NS}>AA==</response>`],
    ['<next/> once one is in', `<next ${NS} task='UPGR-SCRAM-SHA-256'/>`],
    ['<abort/> once one is in', `<abort ${NS}/>`],
  ])('%s ends the stream', async (_, xml) => {
    const client = await open('romeo@localhost');
    expect((await client.ask(plain2('romeo', PASSWORD, bind2()))).name).toBe('success');
    await client.next();
    client.send(xml);
    expect((await client.rest()).map(String).join('')).toContain('<unsupported-stanza-type');
  });

  test('two logins in one packet: the second is not looked at before the first is done', async () => {
    const client = await open('romeo@localhost');
    client.send(plain2('romeo', PASSWORD, bind2()) + plain2('juliet', 'guess', bind2()));
    const heard = (await client.rest()).map(({ name }) => name);
    expect(heard).toEqual(['success', 'stream:features', 'stream:error']);
  });

  test('a failure binds nothing and gives no token, whatever was asked for', async () => {
    const client = await open('romeo@localhost');
    const inner = agent(LAPTOP) + bind2() + requestToken();
    const answer = await client.ask(plain2('romeo', 'wrong', inner));
    expect(conditionOf(answer)).toBe('not-authorized');
    expect(String(answer)).not.toContain('token');
    expect(await server.run('sessions.list', { search: 'romeo' })).toMatchObject({ total: 0 });
  });

  test('a login that is broken off leaves nothing', async () => {
    const client = await open('romeo@localhost');
    client.send(plain2('romeo', PASSWORD, agent(PHONE) + bind2() + requestToken()));
    client.reset();
    await client.closed();
    const left = () => server.run('sessions.list', { search: 'romeo' });
    await expect.poll(left).toMatchObject({ total: 0 });
  });
});

describe('guessing tokens', () => {
  test('is slowed down like guessing passwords, for the address, by whatever name', async () => {
    // From an address of its own: it is shut out for a while.
    const address = '127.0.0.66';
    let answer = '';
    for (let tries = 0; tries < 150 && answer !== 'temporary-auth-failure'; tries += 1) {
      const client = await open('romeo@localhost', address);
      answer = conditionOf(await client.ask(fast('romeo', `guess ${tries}`))) ?? '';
      client.destroy();
    }
    expect(answer).toBe('temporary-auth-failure');
    const client = await open(JULIET, address);
    expect(conditionOf(await client.ask(plain2('juliet', PASSWORD)))).toBe(
      'temporary-auth-failure',
    );
  });

  test('what is no HT message is malformed', async () => {
    for (const data of ['', 'juliet', '\0', '\0proof', `${'x'.repeat(3000)}\0proof`]) {
      const client = await open();
      const inner = `${agent(PHONE)}<fast xmlns='urn:xmpp:fast:0'/>`;
      const answer = await client.ask(authenticate('HT-SHA-256-NONE', data, inner));
      expect(['malformed-request', 'not-authorized']).toContain(conditionOf(answer));
      client.destroy();
    }
  });

  test('a proof that was seen on another connection is of no use where it is bound', async () => {
    const client = await open();
    const inner = agent(PHONE) + requestToken('HT-SHA-256-EXPR');
    const success = await client.ask(plain2('juliet', PASSWORD, inner));
    const token = part(success, 'token')?.attrs['token'] ?? '';
    const binding = client.tls.exportKeyingMaterial(
      32,
      'EXPORTER-Channel-Binding',
      Buffer.alloc(0),
    );
    const next = await open();
    // Made for the first connection, replayed on the second.
    const replay = fast('juliet', token, { mechanism: 'HT-SHA-256-EXPR', binding });
    expect(conditionOf(await next.ask(replay))).toBe('not-authorized');
  });
});

describe('a device that is revoked', () => {
  test('is out at once, and its token is void', async () => {
    const client = await open('romeo@localhost');
    const inner = agent(LAPTOP) + bind2() + requestToken();
    const success = await client.ask(plain2('romeo', PASSWORD, inner));
    await client.next();
    const token = part(success, 'token')?.attrs['token'] ?? '';
    const laptop = (await devicesOf('romeo@localhost')).find(({ access }) =>
      access.includes('token'),
    );
    const outcome = await server.run('accounts.revoke', {
      jid: 'romeo@localhost',
      device: laptop?.id,
    });
    expect(outcome).toMatchObject({ ended: 1, knowsPassword: true });
    expect((await client.rest()).map(String).join('')).toContain('<not-authorized');
    const next = await open('romeo@localhost');
    const answer = await next.ask(fast('romeo', token, { id: LAPTOP }));
    expect(conditionOf(answer)).toBe('not-authorized');
  });
});

test('a client from before SASL2 is known by the resource that it asks for', async () => {
  const client = await loggedIn({
    port: server.ports.c2sTls,
    tls: {},
    user: 'romeo',
    password: PASSWORD,
    resource: 'old-client.1234',
  });
  connected.push(client);
  const known = (await devicesOf('romeo@localhost')).find(
    ({ resource }) => resource === 'old-client.1234',
  );
  expect(known).toMatchObject({ software: '', access: 'password', online: true });
  const list = "<iq type='get' id='1'><list xmlns='urn:xmpp:cam:0'/></iq>";
  const answer = await client.ask(list);
  expect(String(answer)).toContain(known?.id);
  expect(textIn(answer)).not.toContain('undefined');
});

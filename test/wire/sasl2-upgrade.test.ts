/** XEP-0480 between real sockets: an account that came with old keys gets the others. */
import { pbkdf2Sync } from 'node:crypto';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Element } from '../../src/xml/element.ts';
import { type Client, textIn } from '../support/client.ts';
import {
  agent,
  bind2,
  conditionOf,
  fast,
  jidIn,
  opened,
  PHONE,
  part,
  plain2,
  requestToken,
  scram2,
} from '../support/sasl2.ts';
import { startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a secret for tests';
const NS = "xmlns='urn:xmpp:sasl:2'";
const SIZES = { 'SHA-256': 32, 'SHA-512': 64 } as const;

let server: TestServer;
beforeAll(async () => {
  const first = await startServer({
    accounts: {
      'old@localhost': PASSWORD,
      'bogus@localhost': PASSWORD,
      'fast@localhost': PASSWORD,
      'new@localhost': PASSWORD,
    },
  });
  // As if they had been taken from a server that knew SHA-1 only.
  server = await first.restart(() => {
    const db = new Database(join(first.folder, 'data', 'rtcd.sqlite'));
    db.exec("DELETE FROM scram_keys WHERE hash <> 'SHA-1' AND account <> 'new@localhost'");
    db.close();
  });
});
afterAll(() => server.stop());

let connected: Client[] = [];
afterEach(() => {
  for (const client of connected) client.destroy();
  connected = [];
});

async function open(from: string) {
  const { client, features } = await opened(server.ports.c2sTls, from);
  connected.push(client);
  return { client, features };
}

const mechanismsIn = (list: Element | undefined) =>
  (list?.children ?? []).flatMap((child) =>
    typeof child !== 'string' && child.name === 'mechanism' ? [textIn(child)] : [],
  );
const upgradesIn = (features: Element) =>
  (part(features, 'authentication')?.children ?? []).flatMap((child) =>
    typeof child !== 'string' && child.name === 'upgrade' ? [textIn(child)] : [],
  );
const wanted = (...hashes: string[]) =>
  hashes
    .map((hash) => `<upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-SCRAM-${hash}</upgrade>`)
    .join('');
const taskIn = (answer: Element) => textIn(part(answer, 'tasks') as Element);

/** Does a task; answers what comes after it. */
async function upgrade(
  client: Client,
  hash: keyof typeof SIZES,
  password = PASSWORD,
): Promise<Element> {
  const told = await client.ask(`<next ${NS} task='UPGR-SCRAM-${hash}'/>`);
  const salt = part(told, 'salt') as Element;
  const iterations = Number(salt.attrs['iterations']);
  expect(iterations).toBeGreaterThanOrEqual(4096);
  const octets = Buffer.from(textIn(salt), 'base64');
  const digest = hash.replace('SHA-', 'sha');
  const salted = pbkdf2Sync(password, octets, iterations, SIZES[hash], digest);
  return client.ask(taskData(salted.toString('base64')));
}
const taskData = (data: string) =>
  `<task-data ${NS}><hash xmlns='urn:xmpp:scram-upgrade:0'>${data}</hash></task-data>`;

test('§2.1 offered is what an account lacks, and by what it can log in', async () => {
  const { features } = await open('old@localhost');
  const list = mechanismsIn(part(features, 'authentication'));
  expect(list).toEqual(['SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1', 'PLAIN']);
  expect(mechanismsIn(part(features, 'mechanisms'))).toEqual(list);
  expect(upgradesIn(features)).toEqual(['UPGR-SCRAM-SHA-512', 'UPGR-SCRAM-SHA-256']);
});

test('§2.1 nothing to one that lacks nothing', async () => {
  const { features } = await open('new@localhost');
  expect(mechanismsIn(part(features, 'authentication'))).toContain('SCRAM-SHA-512-PLUS');
  expect(upgradesIn(features)).toEqual([]);
});

test('§2.2, §3 both are done in turn, then the client is in; afterwards it can use them', async () => {
  const { client } = await open('old@localhost');
  const first = await scram2(client, {
    mechanism: 'SCRAM-SHA-1',
    user: 'old',
    password: PASSWORD,
    inner: wanted('SHA-256', 'SHA-512') + agent(PHONE) + bind2(),
  });
  expect(first.name).toBe('continue');
  expect(taskIn(first)).toBe('UPGR-SCRAM-SHA-256');
  const second = await upgrade(client, 'SHA-256');
  expect(second.name).toBe('continue');
  expect(taskIn(second)).toBe('UPGR-SCRAM-SHA-512');
  expect(part(second, 'additional-data')).toBeUndefined();
  const success = await upgrade(client, 'SHA-512');
  expect(success.name).toBe('success');
  expect(jidIn(success)).toMatch(/^old@localhost\/AwesomeXMPP\//);
  expect(part(success, 'additional-data')).toBeUndefined();
  await client.next();
  await client.ping();
  for (const mechanism of ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1']) {
    const { client: next, features } = await open('old@localhost');
    expect(mechanismsIn(part(features, 'authentication'))).toContain(mechanism);
    expect(upgradesIn(features)).toEqual([]);
    const inner = wanted('SHA-256', 'SHA-512'); // there is nothing to be done any more
    const answer = await scram2(next, { mechanism, user: 'old', password: PASSWORD, inner });
    expect(answer.name).toBe('success');
  }
});

describe('hostile', () => {
  const begin = async () => {
    const { client } = await open('bogus@localhost');
    const inner = wanted('SHA-256') + agent(PHONE) + bind2() + requestToken();
    const answer = await client.ask(plain2('bogus', PASSWORD, inner));
    expect(taskIn(answer)).toBe('UPGR-SCRAM-SHA-256');
    return client;
  };

  test.each([
    ['of another length', Buffer.alloc(31).toString('base64'), 'malformed-request'],
    ['of nothing', '', 'malformed-request'],
    ['that is no base64', '%%%', 'incorrect-encoding'],
    ['without end', 'A'.repeat(8000), 'malformed-request'],
  ])('a hash %s fails the login: no session, no keys', async (_, data, condition) => {
    const client = await begin();
    await client.ask(`<next ${NS} task='UPGR-SCRAM-SHA-256'/>`);
    expect(conditionOf(await client.ask(taskData(data)))).toBe(condition);
    client.send(plain2('bogus', PASSWORD));
    expect((await client.rest()).map(String).join('')).toContain('<not-authorized');
    expect(await server.run('sessions.list', { search: 'bogus' })).toMatchObject({ total: 0 });
    expect(upgradesIn((await open('bogus@localhost')).features)).toHaveLength(2);
  });

  test.each([
    ['a stanza in the middle of it', '<presence/>'],
    ['another login', plain2('bogus', PASSWORD)],
    ['data before it began', taskData('AAAA')],
  ])('%s ends the stream', async (_, xml) => {
    const client = await begin();
    client.send(xml);
    expect((await client.rest()).map(String).join('')).toContain('<not-authorized');
    await client.closed();
  });

  test('a token leads to no upgrade: its holder would know a password', async () => {
    const { client } = await open('fast@localhost');
    const inner = agent(PHONE) + requestToken();
    const success = await client.ask(plain2('fast', PASSWORD, inner));
    const token = part(success, 'token')?.attrs['token'] ?? '';
    const { client: next } = await open('fast@localhost');
    const answer = await next.ask(fast('fast', token, { inner: wanted('SHA-256') }));
    expect(answer.name).toBe('success');
    expect(upgradesIn((await open('fast@localhost')).features)).toHaveLength(2);
  });

  test('a client that waits for ever is told so', async () => {
    const client = await begin();
    server.clock.jump(31_000);
    expect((await client.rest()).map(String).join('')).toContain('<connection-timeout');
  });
});

test('unknown names are offered what known ones are, the same each time', async () => {
  const offers = new Set<string>();
  const KINDS = ['SCRAM-SHA-1-PLUS,SCRAM-SHA-1,PLAIN'];
  for (let index = 0; index < 12; index += 1) {
    const offered = async () => {
      const { client, features } = await open(`nobody${index}@localhost`);
      client.destroy();
      return mechanismsIn(part(features, 'authentication')).join();
    };
    const offer = await offered();
    expect(await offered()).toBe(offer);
    offers.add(offer);
  }
  const all = mechanismsIn(part((await open('new@localhost')).features, 'authentication')).join();
  for (const offer of offers) expect([...KINDS, all]).toContain(offer);
});

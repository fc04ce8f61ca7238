/** Signs of life (RFC 6120 §4.6), over real sockets and with a clock that jumps. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Client, loggedIn } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a secret for tests';
const PING_MS = 60_000;
const TIMEOUT_MS = 20_000;
/** Connections are looked at every few seconds. */
const SWEEP_MS = 5000;

let server: TestServer;
let client: Client;

async function start(limits: object): Promise<void> {
  server = await startServer({
    config: { limits: { idlePing: `${PING_MS}ms`, idleTimeout: `${TIMEOUT_MS}ms`, ...limits } },
    accounts: { 'juliet@localhost': PASSWORD },
  });
  client = await loggedIn({
    port: server.ports.c2sTls,
    tls: { servername: 'localhost' },
    user: 'juliet',
    password: PASSWORD,
  });
}

afterEach(async () => {
  client.destroy();
  await server.stop();
});

describe('§4.6.4 checking whether a silent client is there', () => {
  beforeEach(() => start({}));

  test('it is pinged once (XEP-0199); no answer ends the stream', async () => {
    server.clock.jump(PING_MS + SWEEP_MS);
    const ping = await client.next();
    expect(ping.attrs).toMatchObject({ type: 'get', from: 'localhost' });
    expect(String(ping)).toContain('<ping xmlns="urn:xmpp:ping"/>');
    await pass(TIMEOUT_MS + SWEEP_MS);
    const said = await client.rest();
    expect(said.map(String)).toEqual([expect.stringContaining('<connection-timeout ')]);
    await client.closed();
    expect(await server.run('sessions.list')).toMatchObject({ total: 0 });
  });

  test.each([
    ['an answer', (id: string) => `<iq type='result' id='${id}' to='localhost'/>`],
    ['an error', (id: string) => `<iq type='error' id='${id}' to='localhost'/>`],
    ['whitespace', () => ' '],
    ['the half of a stanza', () => '<message'],
  ])('%s keeps it, and the next silence is counted anew', async (_, reply) => {
    server.clock.jump(PING_MS + SWEEP_MS);
    const { id } = (await client.next()).attrs;
    client.send(reply(id ?? ''));
    await expect.poll(lastActive).toBeGreaterThan(server.clock.now() - PING_MS);
    server.clock.jump(TIMEOUT_MS + SWEEP_MS);
    server.clock.jump(PING_MS - TIMEOUT_MS);
    expect((await client.next()).attrs).toMatchObject({ type: 'get' });
  });

  test('who sends now and then is left alone', async () => {
    for (let spent = 0; spent < 3 * (PING_MS + TIMEOUT_MS); spent += PING_MS / 2) {
      server.clock.jump(PING_MS / 2);
      await client.ping(); // fails if a ping of the server comes first
    }
  });
});

describe('§4.6.1 whitespace keepalive', () => {
  beforeEach(() => start({ whitespacePing: '15s' }));

  test('a space is sent to a silent client, between stanzas', async () => {
    const before = client.text.length;
    server.clock.jump(15_000 + SWEEP_MS);
    await expect.poll(() => client.text.slice(before)).toMatch(/^ +$/);
    await client.ping();
  });
});

/** Time passes second by second, with room for what is written to be sent. */
async function pass(ms: number): Promise<void> {
  for (let spent = 0; spent < ms; spent += 1000) {
    server.clock.jump(1000);
    await new Promise((turn) => setImmediate(turn));
  }
}

async function lastActive(): Promise<number> {
  const listed = await server.run('sessions.list');
  const { sessions } = listed as { sessions: readonly { lastActive: string | number }[] };
  return new Date(sessions[0]?.lastActive ?? 0).getTime();
}

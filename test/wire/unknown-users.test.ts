/** Nobody learns from a failed login whether the account exists: not by the answer, not by the work. */
import type * as Crypto from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { scramClient } from '../sasl/scram-client.ts';
import { auth, Client, textIn } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a secret for tests';

/** The rounds and hashes of each key derivation that the server did. */
const derivations = vi.hoisted<string[]>(() => []);
vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof Crypto>();
  const pbkdf2: typeof crypto.pbkdf2 = (password, salt, rounds, size, digest, done) => {
    derivations.push(`${rounds} ${digest}`);
    crypto.pbkdf2(password, salt, rounds, size, digest, done);
  };
  return { ...crypto, pbkdf2 };
});

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ accounts: { 'juliet@localhost': PASSWORD } });
});
afterAll(() => server.stop());
beforeEach(() => {
  derivations.length = 0;
});

async function secured(): Promise<Client> {
  const options = { port: server.ports.c2sTls, tls: { servername: 'localhost' } };
  const client = await Client.connect(options);
  await client.open();
  return client;
}

/** What is heard from the login on, and what work it was. */
async function plainAs(user: string) {
  const client = await secured();
  const before = client.text.length;
  derivations.length = 0;
  await client.plain(user, 'wrong');
  client.destroy();
  return { heard: client.text.slice(before), work: [...derivations] };
}

/** The same of SCRAM, with nonce and salt put aside. */
async function scramAs(user: string, mechanism: string) {
  const client = await secured();
  const before = client.text.length;
  derivations.length = 0;
  const digest = `sha${mechanism.replace('SCRAM-SHA-', '')}`;
  const scram = scramClient({ digest, username: user, password: 'wrong' });
  const challenge = await client.ask(auth(mechanism, scram.first.toString('base64')));
  const first = Buffer.from(textIn(challenge), 'base64').toString();
  const [, nonce = '', salt = '', rounds = ''] =
    /^r=(.+),s=(.+),i=(\d+),h=[^,]+,t=0304$/.exec(first) ?? [];
  const final = scram.final(Buffer.from(first)).toString('base64');
  await client.ask(`<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>${final}</response>`);
  client.destroy();
  const heard = client.text.slice(before).replace(textIn(challenge), '…');
  const lengths = { nonce: nonce.length, salt: Buffer.from(salt, 'base64').length };
  return { salt, shape: { heard, lengths, rounds, work: [...derivations] } };
}

describe('an unknown user and a wrong password', () => {
  test('PLAIN: the same bytes, the same rounds of the same hash', async () => {
    const known = await plainAs('juliet');
    expect(known.work).toHaveLength(1);
    expect(await plainAs('nobody')).toEqual(known);
  });

  test.each(['SCRAM-SHA-1', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])(
    '%s: the same but for nonce and salt, which lasts',
    async (mechanism) => {
      const known = await scramAs('juliet', mechanism);
      const unknown = await scramAs('nobody', mechanism);
      expect(unknown.shape).toEqual(known.shape);
      // RFC 5802 §9: a salt that changes at each try would tell that it is made up.
      expect((await scramAs('nobody', mechanism)).salt).toBe(unknown.salt);
      expect((await scramAs('juliet', mechanism)).salt).toBe(known.salt);
      expect((await scramAs('somebody', mechanism)).salt).not.toBe(unknown.salt);
    },
  );

  test('a locked account is told of only after the right password', async () => {
    await server.run('accounts.lock', { jid: 'juliet@localhost' });
    const nobody = await plainAs('nobody');
    expect(await plainAs('juliet')).toEqual(nobody);
    const client = await secured();
    const answers = [
      await client.plain('juliet', PASSWORD),
      await client.scram('SCRAM-SHA-256', 'juliet', PASSWORD),
    ];
    for (const answer of answers) expect(String(answer)).toContain('<account-disabled/>');
    client.destroy();
    await server.run('accounts.unlock', { jid: 'juliet@localhost' });
    const again = await secured();
    expect((await again.plain('juliet', PASSWORD)).name).toBe('success');
    again.destroy();
  });
});

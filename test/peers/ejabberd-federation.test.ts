/** ejabberd of Debian as another server: chat, presence and requests both ways, and refusals. */
import { afterEach, expect, test } from 'vitest';
import { type Cable, makeCable } from '../support/cable.ts';
import { type EjabberdOptions, startEjabberd } from '../support/ejabberd.ts';
import type { OtherServer } from '../support/other-server.ts';
import { describeWith } from '../support/peers.ts';
import {
  bodyOf,
  type Federation,
  type MemberOptions,
  startFederation,
} from '../support/several-servers.ts';
import {
  askAcross,
  befriendAcross,
  type Couple,
  converse,
  coupleIn,
  failure,
  hearsNoMore,
  managements,
  message,
  missEachOther,
  OURS,
  proofs,
  restartAmidst,
  restartOursAmidst,
  say,
  THEIRS,
  writeToWhoIsAway,
  writeWhileCut,
} from './two-domains.ts';

let federation: Federation | undefined;
let ejabberd: OtherServer | undefined;
const cables: Cable[] = [];
/** For tests that start servers again, or wait for a line. */
const SLOW_MS = 60_000;
afterEach(async () => {
  await ejabberd?.stop();
  await federation?.stop();
  for (const cable of cables.splice(0)) await cable.stop();
  ejabberd = undefined;
  federation = undefined;
});

async function couple(
  ours: Partial<MemberOptions> = {},
  theirs: Partial<EjabberdOptions> = {},
): Promise<Couple> {
  const opened = await startFederation();
  federation = opened;
  return coupleIn(opened, { machine: 'localhost', ...ours }, async () => {
    ejabberd = await startEjabberd(opened, { domain: THEIRS, accounts: ['juliet'], ...theirs });
    return ejabberd;
  });
}

function newCable(): Cable {
  const cable = makeCable();
  cables.push(cable);
  return cable;
}

describeWith(['ejabberd'], 'ejabberd', () => {
  test('STARTTLS and EXTERNAL', async () => {
    const both = await couple({}, { secureAuth: true });
    await converse(both);
    expect(proofs(both.server)).toEqual(['in external', 'out external']);
  });

  test('dialback', async () => {
    const both = await couple({ certificate: 'self-signed' }, { certificate: 'self-signed' });
    await converse(both);
    expect(proofs(both.server)).toEqual(['in dialback', 'out dialback']);
  });

  test('who writes first does not matter', async () => {
    const { server, romeo, juliet } = await couple();
    say(juliet, 'romeo@ours.example', 'Good night!');
    const heard = await message(romeo);
    expect(bodyOf(heard)).toBe('Good night!');
    say(romeo, heard.attrs.from ?? '', 'Stay!');
    expect(bodyOf(await message(juliet))).toBe('Stay!');
    expect(proofs(server)).toEqual(['in external', 'out external']);
  });

  test('XEP-0368: TLS from the first byte, both ways', async () => {
    const both = await couple({ found: 'direct' }, { found: 'direct', secureAuth: true });
    await converse(both);
    expect(proofs(both.server)).toEqual(['in external', 'out external']);
  });

  test('RFC 6121 §3: subscriptions and presence both ways', async () => {
    await befriendAcross(await couple());
  });

  test('ping and disco both ways', async () => {
    await askAcross(await couple());
  });

  test('nobody of that name: an error comes back, both ways', async () => {
    await missEachOther(await couple());
  });

  test('RFC 6121 §8.5.2.2: messages wait for who is away, both ways', async () => {
    await writeToWhoIsAway(await couple());
  });

  // What comes to ejabberd while somebody is coming may stay in its own offline store until he comes the
  // next time: it reads that store once, and files the message after.
  const RETRY = { retry: 8, timeout: SLOW_MS };

  test('messages wait while ejabberd is started again', RETRY, async () => {
    await restartAmidst(await couple());
  });

  test('messages wait while we are started again', RETRY, async () => {
    await restartOursAmidst(await couple());
  });

  // It knows no XEP-0198 between servers: what it wrote into the cut is lost in its own socket.
  test(
    'a line that is cut for ten seconds: what we wrote arrives, by pings',
    async () => {
      const [toUs, toThem] = [newCable(), newCable()];
      const both = await couple({ cable: toUs }, { secureAuth: true, cable: toThem });
      await writeWhileCut(both, [toUs, toThem], false);
      expect(managements(both.server)).toEqual(['in none', 'out none']);
    },
    SLOW_MS,
  );

  test.each([
    ['expired', { from: -20, until: -10 }, /expired/],
    [
      'of another name',
      { dns: ['other.example'] },
      /is for other\.example, not for theirs\.example/,
    ],
    ['self-signed', 'self-signed', /signed by its own key/],
  ] as const)('we demand a certificate, and its is %s', async (_, certificate, text) => {
    const { server, romeo, juliet } = await couple({ s2s: { secureAuth: true } }, { certificate });
    say(romeo, 'juliet@theirs.example', 'hello');
    const error = `${await failure(romeo)}`;
    expect(error).toContain('remote-server-timeout');
    expect(error).toMatch(text);
    say(juliet, 'romeo@ours.example', 'hello');
    expect(`${await failure(juliet)}`).toContain('remote-server-timeout');
    expect(proofs(server)).toEqual([]);
  });

  // One of another name is nothing that we would show: it is self-signed, then.
  test.each([
    ['expired', { from: -20, until: -10 }, /certificate has expired/],
    ['of another name', { dns: ['other.example'] }, /self.signed certificate/],
    ['self-signed', 'self-signed', /self.signed certificate/],
  ] as const)('it demands a certificate, and ours is %s', async (_, certificate, text) => {
    const { server, romeo, juliet } = await couple({ certificate }, { secureAuth: true });
    say(romeo, 'juliet@theirs.example', 'hello');
    const error = `${await failure(romeo)}`;
    expect(error).toContain('remote-server-timeout');
    expect(error).toMatch(text);
    expect((await server.federation.side.history(THEIRS))[0]).toMatchObject({ outcome: 'failed' });
    say(juliet, 'romeo@ours.example', 'hello');
    expect(`${await failure(juliet)}`).toMatch(text);
    expect(proofs(server)).toEqual([]);
  });

  test('a domain that we block cannot write to us, nor we to it', async () => {
    const { server, romeo, juliet } = await couple({ s2s: { block: [THEIRS] } });
    say(romeo, 'juliet@theirs.example', 'hello');
    expect(`${await failure(romeo)}`).toContain('not-authorized');
    say(juliet, 'romeo@ours.example', 'hello');
    expect(`${await failure(juliet)}`).toContain('ours.example does not talk with theirs.example');
    expect(proofs(server)).toEqual([]);
  });

  test('ejabberd blocks us: it takes our proof, and refuses what we send by it', async () => {
    const access = { others: [{ deny: 'unwanted' }, { allow: 'all' }] };
    const settings = { acl: { unwanted: { server: OURS } }, access_rules: access };
    const { server, romeo, juliet } = await couple(
      {},
      { settings: { ...settings, s2s_access: 'others' } },
    );
    say(juliet, 'romeo@ours.example', 'hello');
    expect(`${await failure(juliet)}`).toContain('forbidden');
    say(romeo, 'juliet@theirs.example', 'hello');
    await expect
      .poll(async () => (await server.federation.side.history(THEIRS))[0])
      .toMatchObject({ outcome: 'failed', text: expect.stringContaining('invalid-from') });
    await expect.poll(() => proofs(server)).toEqual([]);
    await hearsNoMore(juliet);
  });

  test('without TLS nobody is talked with, both ways', async () => {
    const { server, romeo, juliet } = await couple({}, { settings: { s2s_use_starttls: false } });
    say(romeo, 'juliet@theirs.example', 'hello');
    expect(`${await failure(romeo)}`).toContain('it offers no TLS, which is required here');
    say(juliet, 'romeo@ours.example', 'hello');
    expect(`${await failure(juliet)}`).toContain('STARTTLS is disabled');
    expect(proofs(server)).toEqual([]);
  });

  test('XEP-0220: without TLS by dialback, where we do not require it', async () => {
    const both = await couple(
      { s2s: { requireTls: false } },
      { settings: { s2s_use_starttls: false } },
    );
    await converse(both);
    expect(proofs(both.server)).toEqual(['in dialback', 'out dialback']);
  });
});

/** Prosody of Debian as another server: chat, presence and requests both ways, and refusals. */
import { afterEach, expect, test } from 'vitest';
import { type Cable, makeCable } from '../support/cable.ts';
import type { OtherServer } from '../support/other-server.ts';
import { describeWith } from '../support/peers.ts';
import { type ProsodyOptions, startProsody } from '../support/prosody.ts';
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
  managements,
  message,
  missEachOther,
  proofs,
  restartAmidst,
  restartOursAmidst,
  say,
  THEIRS,
  writeToWhoIsAway,
  writeWhileCut,
} from './two-domains.ts';

let federation: Federation | undefined;
let prosody: OtherServer | undefined;
const cables: Cable[] = [];
/** For tests that start servers again, or wait for a line. */
const SLOW_MS = 60_000;
afterEach(async () => {
  await prosody?.stop();
  await federation?.stop();
  for (const cable of cables.splice(0)) await cable.stop();
  prosody = undefined;
  federation = undefined;
});

async function couple(
  ours: Partial<MemberOptions> = {},
  theirs: Partial<ProsodyOptions> = {},
): Promise<Couple> {
  const opened = await startFederation();
  federation = opened;
  return coupleIn(opened, ours, async () => {
    prosody = await startProsody(opened, { domain: THEIRS, accounts: ['juliet'], ...theirs });
    return prosody;
  });
}

function newCable(): Cable {
  const cable = makeCable();
  cables.push(cable);
  return cable;
}

describeWith(['prosody', 'lua-unbound'], 'Prosody', () => {
  test.each([true, false])(
    'STARTTLS and EXTERNAL, both directions on one stream: %s',
    async (bidi) => {
      const both = await couple({ s2s: { bidi } }, { secureAuth: true });
      await converse(both);
      expect(proofs(both.server)).toEqual(
        bidi ? ['both external'] : ['in external', 'out external'],
      );
    },
  );

  test.each([true, false])('dialback, both directions on one stream: %s', async (bidi) => {
    const both = await couple(
      { certificate: 'self-signed', s2s: { bidi } },
      { certificate: 'self-signed' },
    );
    await converse(both);
    expect(proofs(both.server)).toEqual(bidi ? ['both dialback'] : ['in dialback', 'out dialback']);
  });

  test('who writes first does not matter', async () => {
    const { server, romeo, juliet } = await couple();
    say(juliet, 'romeo@ours.example', 'Good night!');
    const heard = await message(romeo);
    expect(bodyOf(heard)).toBe('Good night!');
    say(romeo, heard.attrs.from ?? '', 'Stay!');
    expect(bodyOf(await message(juliet))).toBe('Stay!');
    expect(proofs(server)).toEqual(['both external']);
  });

  test('XEP-0368: TLS from the first byte, both ways', async () => {
    const both = await couple({ found: 'direct', s2s: { bidi: false } }, { found: 'direct' });
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

  test(
    'messages wait while Prosody is started again',
    async () => {
      await restartAmidst(await couple());
    },
    SLOW_MS,
  );

  test(
    'messages wait while we are started again',
    async () => {
      await restartOursAmidst(await couple());
    },
    SLOW_MS,
  );

  test.each([true, false])(
    'XEP-0198: a line that is cut for ten seconds; both directions on one stream: %s',
    async (bidi) => {
      const [toUs, toThem] = [newCable(), newCable()];
      const both = await couple(
        { s2s: { bidi }, cable: toUs },
        {
          secureAuth: true,
          modules: ['smacks'],
          lines: ['smacks_s2s_resend = true'],
          cable: toThem,
        },
      );
      await writeWhileCut(both, [toUs, toThem], true);
      // After the cut each may have come to the other.
      const found = () => [...new Set(managements(both.server))].sort();
      const expected = bidi ? ['both acks'] : ['in acks', 'out acks'];
      await expect.poll(found, { timeout: 8000 }).toEqual(expected);
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
  ] as const)(
    'where a certificate is demanded, one that is %s is refused',
    async (_, certificate, text) => {
      const { server, romeo, juliet } = await couple(
        { s2s: { secureAuth: true } },
        { certificate },
      );
      say(romeo, 'juliet@theirs.example', 'hello');
      const error = await failure(romeo);
      expect(`${error}`).toContain('remote-server-timeout');
      expect(`${error}`).toMatch(text);
      // The same the other way: Prosody is told by a dialback error why.
      say(juliet, 'romeo@ours.example', 'hello');
      expect((await failure(juliet)).name).toBe('message');
      expect(proofs(server)).toEqual([]);
    },
  );

  test('Prosody demands a certificate, and ours is self-signed', async () => {
    const { server, romeo } = await couple({ certificate: 'self-signed' }, { secureAuth: true });
    say(romeo, 'juliet@theirs.example', 'hello');
    const error = await failure(romeo);
    expect(`${error}`).toMatch(/remote-server-timeout/);
    expect((await server.federation.side.history(THEIRS))[0]).toMatchObject({ outcome: 'failed' });
  });

  test('a domain that is blocked cannot write to us, nor we to it', async () => {
    const { server, romeo, juliet } = await couple({ s2s: { block: [THEIRS] } });
    say(romeo, 'juliet@theirs.example', 'hello');
    expect(`${await failure(romeo)}`).toContain('not-authorized');
    say(juliet, 'romeo@ours.example', 'hello');
    expect((await failure(juliet)).name).toBe('message');
    expect(proofs(server)).toEqual([]);
  });
});

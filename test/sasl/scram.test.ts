import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { createExchange } from '../../src/sasl/index.ts';
import type { SaslContext, SaslStep } from '../../src/sasl/mechanism.ts';
import { scramExchange } from '../../src/sasl/scram.ts';
import { DEFAULT_ITERATIONS, deriveKeys, type ScramHash } from '../../src/sasl/scram-keys.ts';
import { CHANNEL, contextWith } from './context.ts';
import { scramClient } from './scram-client.ts';

const MECHANISMS = [
  { mechanism: 'SCRAM-SHA-1', digest: 'sha1', gs2: 'n,,' },
  { mechanism: 'SCRAM-SHA-256', digest: 'sha256', gs2: 'n,,' },
  { mechanism: 'SCRAM-SHA-512', digest: 'sha512', gs2: 'n,,' },
  { mechanism: 'SCRAM-SHA-1-PLUS', digest: 'sha1', gs2: 'p=tls-exporter,,' },
  { mechanism: 'SCRAM-SHA-256-PLUS', digest: 'sha256', gs2: 'p=tls-exporter,,' },
  { mechanism: 'SCRAM-SHA-512-PLUS', digest: 'sha512', gs2: 'p=tls-server-end-point,,' },
];

let juliet: SaslContext & { readonly lookups: string[] };
beforeAll(async () => {
  juliet = await contextWith({ juliet: 'r0m30', 'a,b=c': 'odd' });
});

const begin = (mechanism: string, context: SaslContext = juliet) => {
  const exchange = createExchange(mechanism, context);
  if (exchange === undefined) throw new Error(`no ${mechanism}`);
  return exchange;
};
const challengeOf = (step: SaslStep) => {
  if (step.kind !== 'challenge') throw new Error(`expected a challenge, not ${step.kind}`);
  return step.data;
};
const outcomeOf = (step: SaslStep) => (step.kind === 'failure' ? step.condition : step.kind);
const answer = async (mechanism: string, first: string, context?: SaslContext) =>
  outcomeOf(await begin(mechanism, context).step(Buffer.from(first)));

describe('vectors', () => {
  const vector = async (
    hash: ScramHash,
    salt: string,
    serverNonce: string,
    [clientFirst, serverFirst, clientFinal, serverFinal]: [string, string, string, string],
  ) => {
    const keys = await deriveKeys('pencil', hash, 4096, Buffer.from(salt, 'base64'));
    const context = await contextWith({}, { credentials: async () => keys, offered: undefined });
    const exchange = scramExchange({ hash, plus: false }, context, serverNonce);
    expect(challengeOf(await exchange.step(Buffer.from(clientFirst))).toString()).toBe(serverFirst);
    expect(await exchange.step(Buffer.from(clientFinal))).toEqual({
      kind: 'success',
      username: 'user',
      data: Buffer.from(serverFinal),
    });
  };

  test('RFC 5802 §5: SCRAM-SHA-1', () =>
    vector('SHA-1', 'QSXCR+Q6sek8bf92', '3rfcNHYJY1ZVvWVs7j', [
      'n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL',
      'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
      'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
      'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
    ]));

  test('RFC 7677 §3: SCRAM-SHA-256', () =>
    vector('SHA-256', 'W22ZaJ0SNY7soEsUEjb6gQ==', '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0', [
      'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
      'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
      'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
    ]));
});

describe.each(MECHANISMS)('$mechanism', ({ mechanism, digest, gs2 }) => {
  const client = (username: string, password: string, header = gs2) =>
    scramClient({
      digest,
      username,
      password,
      gs2: header,
      ...(header.startsWith('p=') ? { channel: CHANNEL } : {}),
    });

  test('§3 both sides prove that they know the password', async () => {
    const exchange = begin(mechanism);
    const side = client('Juliet', 'r0m30');
    const final = side.final(challengeOf(await exchange.step(side.first)));
    const step = await exchange.step(final);
    expect(step).toMatchObject({ kind: 'success', username: 'juliet' });
    expect(step.kind === 'success' && step.data !== undefined && side.trusts(step.data)).toBe(true);
    expect(outcomeOf(await exchange.step(final))).toBe('malformed-request');
  });

  test('§5.1 a name with comma and equals sign', async () => {
    const exchange = begin(mechanism);
    const side = client('a,b=c', 'odd');
    const step = await exchange.step(side.final(challengeOf(await exchange.step(side.first))));
    expect(step).toMatchObject({ kind: 'success', username: 'a,b=c' });
  });

  test('§5.1 authzid is handed on, decoded', async () => {
    const exchange = begin(mechanism);
    const side = client('juliet', 'r0m30', gs2.replace(',,', ',a=x=3Dy@example.com,'));
    const step = await exchange.step(side.final(challengeOf(await exchange.step(side.first))));
    expect(step).toMatchObject({ kind: 'success', authzid: 'x=y@example.com' });
  });

  test('RFC 4422 §5 without an initial response, an empty challenge asks for it', async () => {
    const exchange = begin(mechanism);
    expect(challengeOf(await exchange.step(Buffer.alloc(0)))).toHaveLength(0);
    const side = client('juliet', 'r0m30');
    const step = await exchange.step(side.final(challengeOf(await exchange.step(side.first))));
    expect(step.kind).toBe('success');
    const mute = begin(mechanism);
    await mute.step(Buffer.alloc(0));
    expect(outcomeOf(await mute.step(Buffer.alloc(0)))).toBe('malformed-request');
  });

  test('a wrong password and an unknown user hear the same', async () => {
    const heard = [];
    for (const [username, password] of [
      ['juliet', 'wrong'],
      ['nobody', 'wrong'],
      ['nobody', 'r0m30'],
    ] as const) {
      const exchange = begin(mechanism);
      const side = client(username, password);
      const challenge = challengeOf(await exchange.step(side.first));
      expect(challenge.toString()).toMatch(
        /^r=cNonce[!-+\--~]{24},s=[A-Za-z0-9+/]{22}==,i=\d+,h=[^,]+,t=0304$/,
      );
      heard.push(await exchange.step(side.final(challenge)));
    }
    expect(heard[0]).toMatchObject({ kind: 'failure', condition: 'not-authorized' });
    expect(heard[1]).toEqual(heard[0]);
    expect(heard[2]).toEqual(heard[0]);
  });

  test('fuzz: any other password and any changed octet fails', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ minLength: 1 }).filter((text) => text !== 'r0m30'),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (password, at, change) => {
          const wrong = begin(mechanism);
          const stranger = client('juliet', password);
          const reply = stranger.final(challengeOf(await wrong.step(stranger.first)));
          expect(outcomeOf(await wrong.step(reply))).toBe('not-authorized');

          const tampered = begin(mechanism);
          const side = client('juliet', 'r0m30');
          const final = side.final(challengeOf(await tampered.step(side.first)));
          final[at % final.length] = (final[at % final.length] ?? 0) ^ change;
          expect((await tampered.step(final)).kind).toBe('failure');
        },
      ),
      { numRuns: 60 },
    );
  });

  test('fuzz: a first message that was changed on the way never leads to success', async () => {
    const side = client('juliet', 'r0m30');
    for (let at = 0; at < side.first.length; at++) {
      for (const change of [1, 32, 128]) {
        const exchange = begin(mechanism);
        const first = Buffer.from(side.first);
        first[at] = (first[at] ?? 0) ^ change;
        const step = await exchange.step(first);
        if (step.kind === 'failure') continue;
        const nonce = /^r=([^,]+),/.exec(challengeOf(step).toString())?.[1] ?? '';
        if (!nonce.startsWith('cNonce')) continue; // the client itself stops here
        expect((await exchange.step(side.final(challengeOf(step)))).kind).toBe('failure');
      }
    }
  });
});

describe('unknown users', () => {
  test('the made-up salt lasts, differs between users and hashes, and follows the seed', async () => {
    const saltOf = async (mechanism: string, username: string, context?: SaslContext) => {
      const step = await begin(mechanism, context).step(Buffer.from(`n,,n=${username},r=x`));
      return challengeOf(step)
        .toString()
        .replace(/^r=[^,]+,|,h=.*/g, '');
    };
    const salt = await saltOf('SCRAM-SHA-1', 'nobody');
    expect(salt).toMatch(new RegExp(`,i=${DEFAULT_ITERATIONS}$`));
    expect(await saltOf('SCRAM-SHA-1', 'NoBody')).toBe(salt);
    expect(await saltOf('SCRAM-SHA-1', 'nobody2')).not.toBe(salt);
    expect(await saltOf('SCRAM-SHA-256', 'nobody')).not.toBe(salt);
    const other = await contextWith({}, { fakeSeed: Buffer.from('another secret') });
    expect(await saltOf('SCRAM-SHA-1', 'nobody', other)).not.toBe(salt);
  });

  test('known and unknown users are looked up once, for the hash of the mechanism', async () => {
    const context = await contextWith({ juliet: 'r0m30' });
    await begin('SCRAM-SHA-256', context).step(Buffer.from('n,,n=juliet,r=x'));
    await begin('SCRAM-SHA-256', context).step(Buffer.from('n,,n=nobody,r=x'));
    expect(context.lookups).toEqual(['SHA-256 juliet', 'SHA-256 nobody']);
  });

  test('a store that fails is no failure of the client: the step rejects', async () => {
    const credentials = () => Promise.reject(new Error('the disk is full'));
    const context = await contextWith({}, { credentials });
    await expect(begin('SCRAM-SHA-1', context).step(Buffer.from('n,,n=a,r=x'))).rejects.toThrow(
      'the disk is full',
    );
  });
});

describe('RFC 5802 §6: channel binding', () => {
  test('y to a server that offered -PLUS is a downgrade', async () => {
    expect(await answer('SCRAM-SHA-1', 'y,,n=juliet,r=x')).toBe('not-authorized');
    const without = await contextWith({ juliet: 'r0m30' }, { offered: undefined });
    expect(await answer('SCRAM-SHA-1', 'y,,n=juliet,r=x', without)).toBe('challenge');
  });

  test('y is signed', async () => {
    const without = await contextWith({ juliet: 'r0m30' }, { offered: undefined });
    const exchange = begin('SCRAM-SHA-256', without);
    const side = scramClient({
      digest: 'sha256',
      username: 'juliet',
      password: 'r0m30',
      gs2: 'y,,',
    });
    const challenge = challengeOf(await exchange.step(Buffer.from('n,,n=juliet,r=cNonce')));
    expect(outcomeOf(await exchange.step(side.final(challenge)))).toBe('not-authorized');
  });

  test.each([
    ['-PLUS without binding', 'SCRAM-SHA-1-PLUS', 'n,,n=juliet,r=x'],
    ['-PLUS with y', 'SCRAM-SHA-1-PLUS', 'y,,n=juliet,r=x'],
    ['binding without -PLUS', 'SCRAM-SHA-1', 'p=tls-exporter,,n=juliet,r=x'],
    ['a type that the connection lacks', 'SCRAM-SHA-1-PLUS', 'p=tls-unique,,n=juliet,r=x'],
    ['a type that nobody knows', 'SCRAM-SHA-1-PLUS', 'p=toString,,n=juliet,r=x'],
  ])('%s is refused', async (_what, mechanism, first) => {
    expect(await answer(mechanism, first)).toBe('malformed-request');
  });

  test('data of another connection is refused', async () => {
    const exchange = begin('SCRAM-SHA-256-PLUS');
    const channel = Buffer.from('another TLS state, of 32 octets.');
    const gs2 = 'p=tls-exporter,,';
    const options = { digest: 'sha256', username: 'juliet', password: 'r0m30', gs2, channel };
    const side = scramClient(options);
    const final = side.final(challengeOf(await exchange.step(side.first)));
    expect(outcomeOf(await exchange.step(final))).toBe('not-authorized');
  });
});

describe('RFC 5802 §5.1, §7: first messages', () => {
  test.each([
    ['an optional extension', 'n,,n=juliet,r=x,z=anything', 'challenge'],
    ['a mandatory extension before the name', 'n,,m=new,n=juliet,r=x', 'malformed-request'],
    ['a mandatory extension behind the nonce', 'n,,n=juliet,r=x,m=new', 'malformed-request'],
    ['no gs2-header', 'n=juliet,r=x', 'malformed-request'],
    ['half a gs2-header', 'n,n=juliet,r=x', 'malformed-request'],
    ['an empty authzid', 'n,a=,n=juliet,r=x', 'malformed-request'],
    ['a flag that is none', 'N,,n=juliet,r=x', 'malformed-request'],
    ['a binding without a type', 'p=,,n=juliet,r=x', 'malformed-request'],
    ['no name', 'n,,r=x', 'malformed-request'],
    ['an empty name', 'n,,n=,r=x', 'malformed-request'],
    ['no nonce', 'n,,n=juliet', 'malformed-request'],
    ['an empty nonce', 'n,,n=juliet,r=', 'malformed-request'],
    ['a nonce with a space', 'n,,n=juliet,r=a b', 'malformed-request'],
    ['the nonce first', 'n,,r=x,n=juliet', 'malformed-request'],
    ['an attribute that is none', 'n,,n=juliet,r=x,1=2', 'malformed-request'],
    ['a trailing comma', 'n,,n=juliet,r=x,', 'malformed-request'],
    ['a bare equals sign in the name', 'n,,n=jul=iet,r=x', 'malformed-request'],
    ['an escape in lower case', 'n,,n=jul=2ciet,r=x', 'malformed-request'],
    ['a bare equals sign in the authzid', 'n,a=x=y,n=juliet,r=x', 'malformed-request'],
    ['a NUL', 'n,,n=jul\0iet,r=x', 'malformed-request'],
    ['a name that no account can have', 'n,,n=foo bar,r=x', 'not-authorized'],
    ['a name that escapes an @', 'n,,n=juliet@example.com,r=x', 'not-authorized'],
    ['a line end', 'n,,n=juliet,r=x\n', 'malformed-request'],
  ])('%s', async (_what, first, expected) => {
    expect(await answer('SCRAM-SHA-1', first)).toBe(expected);
  });

  test('text that is not UTF-8, and text without end', async () => {
    const first = Buffer.concat([
      Buffer.from('n,,n=jul'),
      Buffer.from([0xff]),
      Buffer.from(',r=x'),
    ]);
    expect(outcomeOf(await begin('SCRAM-SHA-1').step(first))).toBe('malformed-request');
    const long = `n,,n=juliet,r=${'x'.repeat(1 << 20)}`;
    expect(await answer('SCRAM-SHA-1', long)).toBe('malformed-request');
  });
});

describe('RFC 5802 §5.1, §7: final messages', () => {
  const side = () => scramClient({ digest: 'sha1', username: 'juliet', password: 'r0m30' });
  const change = async (edit: (final: string) => string) => {
    const exchange = begin('SCRAM-SHA-1');
    const client = side();
    const final = client.final(challengeOf(await exchange.step(client.first))).toString();
    return outcomeOf(await exchange.step(Buffer.from(edit(final))));
  };

  test.each<[string, (final: string) => string, string]>([
    ['as it is', (final) => final, 'success'],
    ['without padding', (final) => final.replace(/=$/, ''), 'malformed-request'],
    ['base64 with a space', (final) => final.replace('c=biws', 'c=bi ws'), 'malformed-request'],
    ['base64url', (final) => final.replace(/p=.*/, 'p=-_8='), 'malformed-request'],
    [
      'base64 that is not canonical',
      (final) => final.replace(/p=.*/, 'p=AB=='),
      'malformed-request',
    ],
    ['a proof that is too short', (final) => final.replace(/p=.*/, 'p=AAAA'), 'not-authorized'],
    ['another header', (final) => final.replace('c=biws', 'c=eSws'), 'not-authorized'],
    ['another nonce', (final) => final.replace(',r=', ',r=x'), 'malformed-request'],
    ["the client's nonce alone", (f) => f.replace(/r=[^,]+/, 'r=cNonce'), 'malformed-request'],
    ['no proof', (final) => final.replace(/,p=.*/, ''), 'malformed-request'],
    ['something behind the proof', (final) => `${final},x=y`, 'malformed-request'],
    ['an extension that is not signed', (f) => f.replace(',p=', ',x=y,p='), 'not-authorized'],
    ['a mandatory extension', (f) => f.replace(',p=', ',m=y,p='), 'malformed-request'],
    ['nothing', () => '', 'malformed-request'],
  ])('%s', async (_what, edit, expected) => {
    expect(await change(edit)).toBe(expected);
  });
});

describe('deriveKeys', () => {
  test('prepares the password, draws a new salt each time, and refuses what none may use', async () => {
    const salt = Buffer.from('salt');
    const keys = await deriveKeys('I\u00adX', 'SHA-256', 4, salt);
    expect(keys).toEqual(await deriveKeys('\u2168', 'SHA-256', 4, salt));
    expect(keys).toMatchObject({ hash: 'SHA-256', iterations: 4, salt });
    const [one, two] = [await deriveKeys('a', 'SHA-1'), await deriveKeys('a', 'SHA-1')];
    expect(one?.iterations).toBe(DEFAULT_ITERATIONS);
    expect(one?.salt).toHaveLength(16);
    expect(one?.salt).not.toEqual(two?.salt);
    expect(await deriveKeys('', 'SHA-1')).toBeUndefined();
    expect(await deriveKeys('a\u0007', 'SHA-1')).toBeUndefined();
  });
});

test('fuzz: any octets, at any step, are answered and never throw', async () => {
  const token = fc.constantFrom('n,,', 'n=juliet', ',r=x', 'c=biws', ',p=', 'm=', ',', '=', '\0');
  const octets = fc.oneof(
    fc.uint8Array({ maxLength: 64 }).map((data) => Buffer.from(data)),
    fc.array(fc.oneof(token, fc.string())).map((parts) => Buffer.from(parts.join(''))),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...MECHANISMS.map(({ mechanism }) => mechanism), 'PLAIN', 'ANONYMOUS'),
      fc.boolean(),
      fc.array(octets, { minLength: 1, maxLength: 3 }),
      async (mechanism, begunWell, messages) => {
        const exchange = begin(mechanism);
        if (begunWell) await exchange.step(Buffer.from('n,,n=juliet,r=x'));
        for (const message of messages) {
          expect(['challenge', 'failure']).toContain((await exchange.step(message)).kind);
        }
      },
    ),
    { numRuns: 1000 },
  );
});

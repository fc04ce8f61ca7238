import { describe, expect, test } from 'vitest';
import { prepareLocal } from '../../src/jid/jid.ts';
import { createExchange, mechanismNames, verifyPassword } from '../../src/sasl/index.ts';
import type { SaslContext, SaslStep } from '../../src/sasl/mechanism.ts';
import { deriveKeys } from '../../src/sasl/scram-keys.ts';
import { contextWith } from './context.ts';

const step = async (mechanism: string, context: SaslContext, ...messages: (string | Buffer)[]) => {
  const exchange = createExchange(mechanism, context);
  let last: SaslStep | undefined;
  for (const message of messages) last = await exchange?.step(Buffer.from(message));
  return last;
};

describe('PLAIN (RFC 4616)', () => {
  const users = { juliet: 'r0m30', 'b\u00e4r': 'h\u00f6hle' };

  test.each([
    ['\0juliet\0r0m30', { kind: 'success', username: 'juliet' }],
    ['\0Juliet\0r0m30', { kind: 'success', username: 'juliet' }],
    ['\0ba\u0308r\0ho\u0308hle', { kind: 'success', username: 'b\u00e4r' }],
    [
      'romeo@a.example\0juliet\0r0m30',
      { kind: 'success', username: 'juliet', authzid: 'romeo@a.example' },
    ],
  ])('§2 %j', async (message, expected) => {
    expect(await step('PLAIN', await contextWith(users), message)).toEqual(expected);
  });

  test.each([
    ['no NUL', 'juliet'],
    ['one NUL', 'juliet\0r0m30'],
    ['three NULs', '\0juliet\0r0m30\0'],
    ['no name', '\0\0r0m30'],
    ['no password', '\0juliet\0'],
    ['not UTF-8', Buffer.from([0, 0x6a, 0, 0xff])],
    ['without end', `\0juliet\0${'x'.repeat(1 << 20)}`],
  ])('§2 %s is malformed', async (_what, message) => {
    expect(await step('PLAIN', await contextWith(users), message)).toMatchObject({
      kind: 'failure',
      condition: 'malformed-request',
    });
  });

  test('a wrong password, an unknown user and an impossible name hear the same', async () => {
    const context = await contextWith(users);
    const wrong = await step('PLAIN', context, '\0juliet\0wrong');
    expect(wrong).toMatchObject({ kind: 'failure', condition: 'not-authorized' });
    expect(await step('PLAIN', context, '\0nobody\0r0m30')).toEqual(wrong);
    expect(await step('PLAIN', context, '\0foo bar\0r0m30')).toEqual(wrong);
    expect(await step('PLAIN', context, '\0juliet\0a\u0007')).toEqual(wrong);
  });

  test('RFC 4422 §5 without an initial response, an empty challenge asks for it, once', async () => {
    const context = await contextWith(users);
    expect(await step('PLAIN', context, '')).toEqual({ kind: 'challenge', data: Buffer.alloc(0) });
    expect(await step('PLAIN', context, '', '\0juliet\0r0m30')).toMatchObject({ kind: 'success' });
    expect(await step('PLAIN', context, '', '')).toMatchObject({ condition: 'malformed-request' });
    expect(await step('PLAIN', context, '\0juliet\0wrong', '\0juliet\0r0m30')).toMatchObject({
      condition: 'malformed-request',
    });
  });

  test('an account with keys of one hash only', async () => {
    const keys = await deriveKeys('r0m30', 'SHA-1', 4);
    const credentials: SaslContext['credentials'] = async (_username, hash) =>
      hash === 'SHA-1' ? keys : undefined;
    const context = await contextWith({}, { credentials });
    expect(await verifyPassword(context, 'juliet', 'r0m30')).toBe(true);
    expect(await verifyPassword(context, 'juliet', 'wrong')).toBe(false);
  });

  test('an unknown user costs the look-ups and the rounds of a known one', async () => {
    const context = await contextWith(users, {}, 10_000);
    const cost = async (username: string) => {
      context.lookups.length = 0;
      const before = process.cpuUsage();
      for (let i = 0; i < 20; i++) await verifyPassword(context, username, 'wrong');
      return { cpu: process.cpuUsage(before).user, lookups: context.lookups.length };
    };
    await cost('juliet');
    const known = await cost('juliet');
    const unknown = await cost('nobody');
    expect(unknown.lookups).toBe(known.lookups);
    expect(unknown.cpu).toBeGreaterThan(known.cpu / 4); // without the rounds it is a hundredth
  });
});

describe('ANONYMOUS (RFC 4505)', () => {
  test('§2 each stranger gets another name, which is a localpart', async () => {
    const context = await contextWith({}, { anonymousAllowed: true });
    const names = new Set<string>();
    for (const trace of ['', 'sirhc', 'juliet@example.com', '\u00e4']) {
      const last = await step('ANONYMOUS', context, trace);
      if (last?.kind !== 'success') throw new Error('not let in');
      expect(prepareLocal(last.username)).toBe(last.username);
      names.add(last.username);
    }
    expect(names.size).toBe(4);
  });

  test('§2 trace information has at most 255 characters and no control', async () => {
    const context = await contextWith({}, { anonymousAllowed: true });
    const condition = 'malformed-request';
    expect(await step('ANONYMOUS', context, '\u00e4'.repeat(255))).toMatchObject({
      kind: 'success',
    });
    expect(await step('ANONYMOUS', context, 'a'.repeat(256))).toMatchObject({ condition });
    expect(await step('ANONYMOUS', context, 'a\u0007')).toMatchObject({ condition });
    expect(await step('ANONYMOUS', context, Buffer.from([0xff]))).toMatchObject({ condition });
    expect(await step('ANONYMOUS', context, 'a', 'a')).toMatchObject({ condition });
  });

  test('a host that lets no strangers in', async () => {
    expect(await step('ANONYMOUS', await contextWith({}), '')).toMatchObject({
      kind: 'failure',
      condition: 'invalid-mechanism',
    });
  });
});

describe('names', () => {
  const offer = { hashes: ['SHA-1', 'SHA-512', 'SHA-256'], plain: true, anonymous: true } as const;

  test('-PLUS first, strong before weak, PLAIN last', () => {
    expect(mechanismNames({ ...offer, channelBinding: true })).toEqual([
      'SCRAM-SHA-512-PLUS',
      'SCRAM-SHA-256-PLUS',
      'SCRAM-SHA-1-PLUS',
      'SCRAM-SHA-512',
      'SCRAM-SHA-256',
      'SCRAM-SHA-1',
      'ANONYMOUS',
      'PLAIN',
    ]);
    expect(
      mechanismNames({
        hashes: ['SHA-256'],
        plain: false,
        anonymous: false,
        channelBinding: false,
      }),
    ).toEqual(['SCRAM-SHA-256']);
  });

  test('each offered name has an exchange, and no other', async () => {
    const context = await contextWith({});
    for (const name of mechanismNames({ ...offer, channelBinding: true })) {
      expect(createExchange(name, context), name).toBeDefined();
    }
    for (const name of [
      '',
      'plain',
      'SCRAM-SHA-',
      '-PLUS',
      'PLAIN-PLUS',
      'SCRAM-SHA-384',
      'EXTERNAL',
    ]) {
      expect(createExchange(name, context), name).toBeUndefined();
    }
  });
});

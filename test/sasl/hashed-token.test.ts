/** draft-schmaus-kitten-sasl-ht-09, as XEP-0484 uses it. */
import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type HashedToken, tokenExchange, tokenMechanisms } from '../../src/sasl/hashed-token.ts';
import { CHANNEL } from './context.ts';

const TOKEN: HashedToken = { secret: 'WXZzciBwYmFmdmZnZiBqdmd1IGp2eXFhcmZm', isExpired: false };
const NONE = 'HT-SHA-256-NONE';

const tag = (secret: string, role: string, binding: Buffer | string = '') =>
  createHmac('sha256', secret).update(role).update(binding).digest();
const message = (user: string, proof: Buffer) => Buffer.concat([Buffer.from(`${user}\0`), proof]);

function exchangeOf(mechanism: string, held: Readonly<Record<string, readonly HashedToken[]>>) {
  const proved: HashedToken[] = [];
  const asked: string[] = [];
  const exchange = tokenExchange(
    mechanism,
    {
      async tokens(username, wanted) {
        asked.push(`${username} ${wanted}`);
        return held[username] ?? [];
      },
      proved: (token) => void proved.push(token),
    },
    { channelBinding: (type) => (type === 'tls-unique' ? undefined : CHANNEL) },
  );
  if (exchange === undefined) throw new Error(`no ${mechanism}`);
  return { exchange, proved, asked };
}

test('§2: the mechanisms follow the channel bindings; NONE needs none', () => {
  expect(tokenMechanisms(['tls-exporter', 'tls-server-end-point'])).toEqual([
    'HT-SHA-256-EXPR',
    'HT-SHA-256-ENDP',
    'HT-SHA-256-NONE',
  ]);
  expect(tokenMechanisms(['tls-unique'])).toEqual(['HT-SHA-256-UNIQ', 'HT-SHA-256-NONE']);
  expect(tokenMechanisms([])).toEqual(['HT-SHA-256-NONE']);
});

test('another family has no such exchange', () => {
  const source = { tokens: async () => [], proved: () => {} };
  for (const name of ['PLAIN', 'HT-SHA-512-NONE', '', 'toString'])
    expect(tokenExchange(name, source, { channelBinding: () => CHANNEL })).toBeUndefined();
});

describe.each([
  [NONE, ''],
  ['HT-SHA-256-EXPR', CHANNEL],
  ['HT-SHA-256-ENDP', CHANNEL],
] as const)('%s', (mechanism, binding) => {
  test('§3.3 both sides prove that they have the token', async () => {
    const { exchange, proved, asked } = exchangeOf(mechanism, { juliet: [TOKEN] });
    const step = await exchange.step(message('Juliet', tag(TOKEN.secret, 'Initiator', binding)));
    expect(step).toEqual({
      kind: 'success',
      username: 'juliet',
      data: tag(TOKEN.secret, 'Responder', binding),
    });
    expect(proved).toEqual([TOKEN]);
    expect(asked).toEqual([`juliet ${mechanism}`]);
  });

  test.each([
    ['the tag of the other side', tag(TOKEN.secret, 'Responder', binding)],
    ['another token', tag('another', 'Initiator', binding)],
    ['another channel', tag(TOKEN.secret, 'Initiator', 'another channel')],
    ['nothing', Buffer.alloc(0)],
    ['a part of it', tag(TOKEN.secret, 'Initiator', binding).subarray(1)],
  ])('§3.2 %s is refused', async (_what, proof) => {
    const { exchange, proved } = exchangeOf(mechanism, { juliet: [TOKEN] });
    expect(await exchange.step(message('juliet', proof))).toMatchObject({
      kind: 'failure',
      condition: 'not-authorized',
    });
    expect(proved).toEqual([]);
  });
});

test('one of several tokens is found', async () => {
  const newer = { secret: 'newer', isExpired: false };
  const { exchange, proved } = exchangeOf(NONE, { juliet: [newer, TOKEN] });
  expect(await exchange.step(message('juliet', tag(TOKEN.secret, 'Initiator')))).toMatchObject({
    kind: 'success',
  });
  expect(proved).toEqual([TOKEN]);
});

test('XEP-0484 §4.2: an expired token is told as such, to who has it only', async () => {
  const held = { juliet: [{ ...TOKEN, isExpired: true }] };
  const proof = tag(TOKEN.secret, 'Initiator');
  expect(await exchangeOf(NONE, held).exchange.step(message('juliet', proof))).toMatchObject({
    condition: 'credentials-expired',
  });
  expect(await exchangeOf(NONE, held).exchange.step(message('juliet', CHANNEL))).toMatchObject({
    condition: 'not-authorized',
  });
});

test('somebody without a token hears what a wrong token does', async () => {
  const wrong = await exchangeOf(NONE, { juliet: [TOKEN] }).exchange.step(
    message('juliet', CHANNEL),
  );
  for (const name of ['romeo', 'no name@@'])
    expect(await exchangeOf(NONE, {}).exchange.step(message(name, CHANNEL))).toEqual(wrong);
  const lure = tag('a token that nobody was given', 'Initiator');
  expect(await exchangeOf(NONE, {}).exchange.step(message('romeo', lure))).toEqual(wrong);
});

test.each([
  ['no name', Buffer.from('\0proof')],
  ['no separator', Buffer.from('juliet')],
  ['nothing', Buffer.alloc(0)],
  ['a name that is no UTF-8', Buffer.from([0xff, 0x00, 0x01])],
])('§3.1 %s is malformed', async (_what, data) => {
  const { exchange } = exchangeOf(NONE, { juliet: [TOKEN] });
  expect(await exchange.step(data)).toMatchObject({ condition: 'malformed-request' });
});

test('a channel binding that the connection lacks is refused', async () => {
  const { exchange } = exchangeOf('HT-SHA-256-UNIQ', { juliet: [TOKEN] });
  expect(
    await exchange.step(message('juliet', tag(TOKEN.secret, 'Initiator', CHANNEL))),
  ).toMatchObject({ condition: 'malformed-request' });
});

test('an exchange is over after one step', async () => {
  const { exchange } = exchangeOf(NONE, { juliet: [TOKEN] });
  const right = message('juliet', tag(TOKEN.secret, 'Initiator'));
  await exchange.step(right);
  expect(await exchange.step(right)).toMatchObject({ condition: 'malformed-request' });
});

test('fuzz: any octets are answered and never succeed', () =>
  fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 80 }), async (octets) => {
      const { exchange } = exchangeOf(NONE, { juliet: [TOKEN] });
      expect((await exchange.step(Buffer.from(octets))).kind).toBe('failure');
    }),
  ));

/** XEP-0474 and XEP-0515: the list of what was offered, told where nobody can change it. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Offered, protection } from '../../src/sasl/downgrade.ts';
import type { SaslStep } from '../../src/sasl/mechanism.ts';
import { scramExchange } from '../../src/sasl/scram.ts';
import { deriveKeys } from '../../src/sasl/scram-keys.ts';
import { contextWith } from './context.ts';
import { scramClient } from './scram-client.ts';

/** The lists of the examples. */
const EXAMPLE: Offered = {
  mechanisms: ['SCRAM-SHA-1', 'SCRAM-SHA-1-PLUS'],
  channelBindings: ['tls-server-end-point', 'tls-exporter'],
  tls: undefined,
};
const CLIENT_NONCE = '12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6';
const SERVER_NONCE = 'a09117a6-ac50-4f2f-93f1-93799c2bddf6';
const HASH = 'h=G6k/rBLDqgOhRRaCuuatSDFkJ08=';
const SERVER_FIRST = `r=${CLIENT_NONCE}${SERVER_NONCE},s=QSXCR+Q6sek8bf92,i=4096`;
const BINDING = 'cD10bHMtZXhwb3J0ZXIsLFRISVMgSVMgRkFLRSBDQiBEQVRB';

const textOf = (step: SaslStep) => {
  if (step.kind === 'failure') throw new Error(`${step.condition}: ${step.text}`);
  return step.data?.toString();
};

async function example(tls: string | undefined) {
  const keys = await deriveKeys('pencil', 'SHA-1', 4096, Buffer.from('QSXCR+Q6sek8bf92', 'base64'));
  const context = await contextWith(
    {},
    {
      credentials: async () => keys,
      offered: { ...EXAMPLE, tls },
      channelBinding: () => Buffer.from('THIS IS FAKE CB DATA'),
    },
  );
  const exchange = scramExchange({ hash: 'SHA-1', plus: true }, context, SERVER_NONCE);
  const first = await exchange.step(Buffer.from(`p=tls-exporter,,n=user,r=${CLIENT_NONCE}`));
  return { exchange, first: textOf(first) };
}

describe('the examples', () => {
  test('XEP-0474 §6.3: the hash is behind the iteration count', async () => {
    const { exchange, first } = await example(undefined);
    expect(first).toBe(`${SERVER_FIRST},${HASH}`);
    const final = `c=${BINDING},r=${CLIENT_NONCE}${SERVER_NONCE},x=19C6532F-1CF4-4A27-A18D-DC9CEA41BBB3,p=M/SIDjT+dfcxUh89jZEypRvFxB4=`;
    expect(textOf(await exchange.step(Buffer.from(final)))).toBe('v=MQrMPvv7yv4x4Cq4W4Ih25EqS2c=');
  });

  test('XEP-0515 §4.3: and the version of TLS behind the hash', async () => {
    const { exchange, first } = await example('TLSv1.3');
    expect(first).toBe(`${SERVER_FIRST},${HASH},t=0304`);
    const final = `c=${BINDING},r=${CLIENT_NONCE}${SERVER_NONCE},p=KHUfN8dSy1K95crT4D5y1ItLJfs=`;
    expect(textOf(await exchange.step(Buffer.from(final)))).toBe('v=3w34ZIMVRkx2f2Ozb3/ecRPVdv4=');
  });
});

describe('XEP-0474 §6.1: the hash', () => {
  const hashOf = (text: string) => `,h=${createHash('sha256').update(text).digest('base64')}`;

  test('is by the hash of the mechanism, over both lists in the order of octets', () => {
    const offered = {
      mechanisms: ['SCRAM-SHA-256', 'PLAIN', 'SCRAM-SHA-1'],
      channelBindings: ['tls-unique', 'tls-exporter'],
      tls: undefined,
    };
    expect(protection('SHA-256', offered)).toBe(
      hashOf('PLAIN\x1eSCRAM-SHA-1\x1eSCRAM-SHA-256\x1ftls-exporter\x1etls-unique'),
    );
  });

  test('has no second list where no channel bindings were announced', () => {
    const offered = { mechanisms: ['PLAIN'], channelBindings: [], tls: undefined };
    expect(protection('SHA-256', offered)).toBe(hashOf('PLAIN'));
  });
});

test.each([
  ['TLSv1.3', ',t=0304'],
  ['TLSv1.2', ',t=0303'],
  ['TLSv1.1', ',t=0302'],
  ['TLSv1', ',t=0301'],
  [undefined, ''],
])('XEP-0515 §4.1: %s is told as "%s"', (tls, told) => {
  const text = protection('SHA-1', { ...EXAMPLE, tls });
  expect(text).toBe(`,${HASH}${told}`);
});

test('XEP-0474 §6.2: a hash that was changed on its way fails the login', async () => {
  const context = await contextWith({ juliet: 'r0m30' });
  const exchange = scramExchange({ hash: 'SHA-256', plus: false }, context);
  const client = scramClient({ digest: 'sha256', username: 'juliet', password: 'r0m30' });
  const first = textOf(await exchange.step(client.first)) ?? '';
  const changed = first.replace(/h=[^,]+/, `h=${Buffer.alloc(32).toString('base64')}`);
  expect(changed).not.toBe(first);
  expect(await exchange.step(client.final(Buffer.from(changed)))).toMatchObject({
    condition: 'not-authorized',
  });
});

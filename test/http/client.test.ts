import { Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import { type Client, createClientOf } from '../../src/http/client.ts';

const ask = async (
  peer: string,
  headers: Record<string, string> = {},
  trusted: readonly string[] = [],
): Promise<Client> => {
  const clientOf = createClientOf(trusted);
  const app = new Hono().get('/', (c) => c.json(clientOf(c)));
  const env = { incoming: { socket: { remoteAddress: peer } } };
  return (await app.request('/', { headers }, env)).json() as Promise<Client>;
};

describe('the client of a request', () => {
  test('is the socket peer, an IPv4-mapped address written plainly', async () => {
    expect(await ask('::ffff:192.0.2.7')).toEqual({
      address: '192.0.2.7',
      isSecure: false,
      isLocal: false,
    });
    expect(await ask('127.0.0.1')).toMatchObject({ isLocal: true });
    expect(await ask('::1')).toMatchObject({ isLocal: true });
  });

  test('is not what an untrusted peer says', async () => {
    const forged = { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https' };
    expect(await ask('198.51.100.1', forged)).toEqual({
      address: '198.51.100.1',
      isSecure: false,
      isLocal: false,
    });
  });

  test('is never local behind a proxy, trusted or not', async () => {
    const headers = { 'x-forwarded-for': '127.0.0.1' };
    expect(await ask('127.0.0.1', headers)).toMatchObject({ isLocal: false });
    expect(await ask('127.0.0.1', headers, ['127.0.0.1'])).toMatchObject({ isLocal: false });
    expect(await ask('127.0.0.1', { forwarded: 'for=192.0.2.1' })).toMatchObject({
      isLocal: false,
    });
  });

  test('is the last address before our proxies', async () => {
    const headers = {
      'x-forwarded-for': '203.0.113.66, 198.51.100.9, 10.0.0.2',
      'x-forwarded-proto': 'https',
    };
    expect(await ask('10.0.0.1', headers, ['10.0.0.0/8'])).toEqual({
      address: '198.51.100.9',
      isSecure: true,
      isLocal: false,
    });
  });

  test.each(['unknown', '198.51.100.9:4711', ''])(
    'is our proxy where that names nobody (%j): what stands before it anyone can write',
    async (last) => {
      const headers = { 'x-forwarded-for': `203.0.113.66, ${last}` };
      expect(await ask('10.0.0.1', headers, ['10.0.0.1'])).toMatchObject({ address: '10.0.0.1' });
    },
  );

  test('nonsense in the headers leaves the peer', async () => {
    const headers = { 'x-forwarded-for': 'me, <script>, ' };
    expect(await ask('10.0.0.1', headers, ['10.0.0.1', 'x', '1.2.3.4/99'])).toMatchObject({
      address: '10.0.0.1',
    });
  });
});

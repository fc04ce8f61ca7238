import { describe, expect, test } from 'vitest';
import { beginScram, KeyCache } from '../../bench/load/scram.ts';

describe('RFC 5802: SCRAM, the client of the load generator', () => {
  const exchange = () =>
    beginScram('user', 'pencil', new KeyCache(true), 'fyko+d2lbbFgONRv9qkxdawL');
  const CHALLENGE = 'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096';

  test('§5 the example exchange', async () => {
    const scram = exchange();
    expect(scram.first).toBe('n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL');
    expect(await scram.answer(CHALLENGE)).toBe(
      'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
    );
    expect(() => scram.check('v=rmF9pqV8S7suAoZWja4dJRkFsKQ=')).not.toThrow();
    expect(() => scram.check('v=AAAApqV8S7suAoZWja4dJRkFsKQ=')).toThrow('password');
  });

  test('§5.1 a nonce that does not begin with ours is refused', async () => {
    await expect(exchange().answer('r=other,s=QSXCR+Q6sek8bf92,i=4096')).rejects.toThrow();
  });
});

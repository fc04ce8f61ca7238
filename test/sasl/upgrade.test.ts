/** XEP-0480 §3: keys made from what a client computed. */
import { pbkdf2Sync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { deriveKeys } from '../../src/sasl/scram-keys.ts';
import { beginUpgrade, hashOfUpgrade, upgradeTask } from '../../src/sasl/upgrade.ts';

describe.each([
  ['SHA-256', 'sha256', 32],
  ['SHA-512', 'sha512', 64],
] as const)('%s', (hash, digest, size) => {
  test('§2.1 the task is named after the mechanism without -PLUS', () => {
    expect(upgradeTask(hash)).toBe(`UPGR-SCRAM-${hash}`);
    expect(hashOfUpgrade(`UPGR-SCRAM-${hash}`)).toBe(hash);
    expect(hashOfUpgrade(`UPGR-SCRAM-${hash}-PLUS`)).toBeUndefined();
  });

  test('§3 the SaltedPassword gives the keys that the password gives', async () => {
    const { salt, iterations, keysOf } = beginUpgrade(hash);
    const salted = pbkdf2Sync('pencil', salt, iterations, size, digest);
    expect(keysOf(salted)).toEqual(await deriveKeys('pencil', hash, iterations, salt));
  });

  test('another length is no SaltedPassword', () => {
    const { keysOf } = beginUpgrade(hash);
    for (const length of [0, 1, size - 1, size + 1])
      expect(keysOf(Buffer.alloc(length))).toBeUndefined();
  });

  test('each upgrade has a salt of its own', () => {
    expect(beginUpgrade(hash).salt).not.toEqual(beginUpgrade(hash).salt);
  });
});

test('nobody is led to SHA-1', () => expect(hashOfUpgrade('UPGR-SCRAM-SHA-1')).toBeUndefined());

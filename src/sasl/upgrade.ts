/** Tasks by which a client gives the server keys that it lacks (XEP-0480 §3). */
import { randomBytes } from 'node:crypto';
import {
  DEFAULT_ITERATIONS,
  DIGEST_BYTES,
  keysFrom,
  SALT_BYTES,
  type ScramHash,
  type ScramKeys,
} from './scram-keys.ts';

/** The hashes to which an account can be upgraded: nobody needs to be led to SHA-1. */
export const UPGRADE_HASHES = ['SHA-512', 'SHA-256'] as const satisfies readonly ScramHash[];

/** The name of the task by which keys for a hash are made. */
export const upgradeTask = (hash: ScramHash): string => `UPGR-SCRAM-${hash}`;

/** The hash that a task is about; undefined for a name that is none of ours. */
export const hashOfUpgrade = (task: string): ScramHash | undefined =>
  UPGRADE_HASHES.find((hash) => upgradeTask(hash) === task);

/** One upgrade on its way. */
export interface Upgrade {
  readonly salt: Buffer;
  readonly iterations: number;
  /** The keys of the client's SaltedPassword; undefined for what cannot be one. */
  keysOf(salted: Buffer): ScramKeys | undefined;
}

/** Begins an upgrade with a salt of its own. */
export function beginUpgrade(hash: ScramHash): Upgrade {
  const salt = randomBytes(SALT_BYTES);
  const iterations = DEFAULT_ITERATIONS;
  return {
    salt,
    iterations,
    keysOf: (salted) =>
      salted.length === DIGEST_BYTES[hash]
        ? keysFrom(salted, { hash, iterations, salt })
        : undefined,
  };
}

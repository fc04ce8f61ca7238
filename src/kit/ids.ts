/** Identifiers that nobody can guess. */
import { randomBytes } from 'node:crypto';

const POOL_BYTES = 4096;
let pool = randomBytes(POOL_BYTES);
let used = 0;

/**
 * A random identifier of `bytes` random bytes as base64url (12 bytes give 16 characters, 96 bits).
 * Random bytes are drawn in blocks since one system call per identifier shows on the hot path.
 */
export function randomId(bytes = 12): string {
  if (used + bytes > pool.length) {
    pool = randomBytes(Math.max(POOL_BYTES, bytes));
    used = 0;
  }
  const id = pool.toString('base64url', used, used + bytes);
  used += bytes;
  return id;
}

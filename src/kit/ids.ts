/** Identifiers that nobody can guess, and numbers that anybody may. */
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

/** How many numbers each millisecond of a process's life has for itself. */
const SERIALS_PER_MS = 1024;
let serial = Math.floor(performance.timeOrigin) * SERIALS_PER_MS;

/**
 * The next of a row of rising numbers. Each run of the program begins its row at the moment of its
 * start, so that the rows of two runs do not meet: they may be kept, and found again in the next one.
 */
export function nextSerial(): number {
  serial += 1;
  return serial;
}

/** What a server keeps of a password: the keys of SCRAM (RFC 5802 §3), and how they are checked. */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { preparePassword } from '../jid/jid.ts';

/** The hashes of SCRAM that are spoken, strongest first. */
export const SCRAM_HASHES = ['SHA-512', 'SHA-256', 'SHA-1'] as const;

/** One of {@link SCRAM_HASHES}. */
export type ScramHash = (typeof SCRAM_HASHES)[number];

/** The keys of one password for one hash. */
export interface ScramKeys {
  readonly hash: ScramHash;
  readonly iterations: number;
  readonly salt: Buffer;
  /** H(ClientKey): what the client's proof is checked against. */
  readonly storedKey: Buffer;
  /** What the server proves itself with. */
  readonly serverKey: Buffer;
}

/**
 * PBKDF2's rounds for new keys. XEP-0438 §7 names 10,000 as the least; RFC 7677 §4 asked for 4,096.
 * More would be paid at each login by every phone and, with PLAIN, by the server, which takes some
 * milliseconds of a core for this many.
 */
export const DEFAULT_ITERATIONS = 10_000;

/** Octets of a new salt (XEP-0438 §6). */
export const SALT_BYTES = 16;
/** The hashes by the names that Node has for them. */
export const DIGESTS = { 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-512': 'sha512' } as const;
/** How many octets the hashes have. */
export const DIGEST_BYTES = { 'SHA-1': 20, 'SHA-256': 32, 'SHA-512': 64 } as const;
const pbkdf2InPool = promisify(pbkdf2);

/** HMAC by a hash of SCRAM. */
export const hmac = (hash: ScramHash, key: Buffer, data: string): Buffer =>
  createHmac(DIGESTS[hash], key).update(data).digest();

/** Whether two secrets are equal, in a time that tells nothing. */
export const isSame = (a: Buffer, b: Buffer): boolean =>
  a.length === b.length && timingSafeEqual(a, b);

/**
 * The keys of a password, computed in the thread pool. `undefined` for a password that may not be
 * used (see `preparePassword`). Without a salt, a new one is drawn.
 */
export async function deriveKeys(
  password: string,
  hash: ScramHash,
  iterations: number = DEFAULT_ITERATIONS,
  salt: Buffer = randomBytes(SALT_BYTES),
): Promise<ScramKeys | undefined> {
  const prepared = preparePassword(password);
  if (prepared === undefined) return undefined;
  const salted = await pbkdf2InPool(prepared, salt, iterations, DIGEST_BYTES[hash], DIGESTS[hash]);
  return keysFrom(salted, { hash, iterations, salt });
}

/** The keys of a SaltedPassword (§3). */
export function keysFrom(
  salted: Buffer,
  { hash, iterations, salt }: Pick<ScramKeys, 'hash' | 'iterations' | 'salt'>,
): ScramKeys {
  const storedKey = createHash(DIGESTS[hash])
    .update(hmac(hash, salted, 'Client Key'))
    .digest();
  return { hash, iterations, salt, storedKey, serverKey: hmac(hash, salted, 'Server Key') };
}

/** Whether a client's proof for an exchange was made from the password of these keys (§3). */
export function isProof(keys: ScramKeys, proof: Buffer, authMessage: string): boolean {
  if (proof.length !== DIGEST_BYTES[keys.hash]) return false;
  const signature = hmac(keys.hash, keys.storedKey, authMessage);
  const clientKey = Buffer.from(proof.map((octet, at) => octet ^ (signature[at] ?? 0)));
  return isSame(createHash(DIGESTS[keys.hash]).update(clientKey).digest(), keys.storedKey);
}

/** Where passwords are checked against. */
export interface CredentialSource {
  /** The keys of a user, by prepared localpart, for a hash; `undefined` if he or they do not exist. */
  credentials(username: string, hash: ScramHash): Promise<ScramKeys | undefined>;
  /** A secret of the server that lasts; unknown users get the same made-up salt at each try. */
  readonly fakeSeed: Buffer;
}

/** Keys of which nobody has the password; `isKnown` tells them from a user's. */
export interface FoundKeys {
  readonly keys: ScramKeys;
  readonly isKnown: boolean;
}

/**
 * A user's keys for a hash, or keys that look like them and are the same at each try. The made-up
 * ones are computed for known users too, so that both take the same time.
 */
export async function findKeys(
  source: CredentialSource,
  username: string,
  hash: ScramHash,
): Promise<FoundKeys> {
  const found = await source.credentials(username, hash);
  const subject = `${hash}\0${username}`;
  const made: ScramKeys = {
    hash,
    iterations: DEFAULT_ITERATIONS,
    salt: hmac('SHA-512', source.fakeSeed, `salt\0${subject}`).subarray(0, SALT_BYTES),
    storedKey: hmac(hash, source.fakeSeed, `stored key\0${subject}`),
    serverKey: hmac(hash, source.fakeSeed, `server key\0${subject}`),
  };
  return { keys: found ?? made, isKnown: found !== undefined };
}

/** PLAIN takes the first hash that an account has keys of; SHA-256 costs the server least. */
const CHECK_ORDER = ['SHA-256', 'SHA-512', 'SHA-1'] as const;

/**
 * Whether a password is the user's (prepared localpart). An unknown user costs as many look-ups and
 * rounds as a known one. Rejects only where `credentials` does.
 */
export async function verifyPassword(
  source: CredentialSource,
  username: string,
  password: string,
): Promise<boolean> {
  const all = await Promise.all(CHECK_ORDER.map((hash) => findKeys(source, username, hash)));
  const found = all.find(({ isKnown }) => isKnown) ?? all[0];
  if (found === undefined) return false;
  const { keys, isKnown } = found;
  const derived = await deriveKeys(password, keys.hash, keys.iterations, keys.salt);
  return derived !== undefined && isSame(derived.storedKey, keys.storedKey) && isKnown;
}

/** SCRAM-SHA-1 (RFC 5802), the client's side, for passwords that need no preparation (ASCII). */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify(pbkdf2);
const DIGEST = 'sha1';
const DIGEST_BYTES = 20;
/** §7: the base64 of "n,,": no authzid, no channel binding. */
const GS2_HEADER = 'n,,';

/** What SCRAM needs of a password; kept, the client need not run PBKDF2 at its next login (§5.1). */
export interface ClientKeys {
  readonly clientKey: Buffer;
  readonly serverKey: Buffer;
}

/**
 * The keys of passwords seen before, by password, salt and rounds. Real clients keep them too; here
 * they keep the generator's own PBKDF2 from being what is measured.
 */
export class KeyCache {
  readonly #keys = new Map<string, ClientKeys>();
  readonly #isOn: boolean;

  /** A cache that is off derives the keys at each login, as a client does that keeps nothing. */
  constructor(isOn: boolean) {
    this.#isOn = isOn;
  }

  /** The keys of a password. PBKDF2 runs in the thread pool. */
  async keysOf(password: string, salt: string, rounds: number): Promise<ClientKeys> {
    const name = `${rounds} ${salt} ${password}`;
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    const keys = await deriveClientKeys(password, Buffer.from(salt, 'base64'), rounds);
    if (this.#isOn) this.#keys.set(name, keys);
    return keys;
  }
}

/** Derives the keys of a password (§3). */
export async function deriveClientKeys(
  password: string,
  salt: Buffer,
  rounds: number,
): Promise<ClientKeys> {
  const salted = await derive(password, salt, rounds, DIGEST_BYTES, DIGEST);
  return { clientKey: hmac(salted, 'Client Key'), serverKey: hmac(salted, 'Server Key') };
}

const hmac = (key: Buffer, data: string) => createHmac(DIGEST, key).update(data).digest();

/** StoredKey, which a server keeps (§3). */
export const storedKeyOf = (clientKey: Buffer): Buffer =>
  createHash(DIGEST).update(clientKey).digest();

/** The parts of a server's message, by their letters (§5.1). */
function partsOf(message: string): Map<string, string> {
  return new Map(message.split(',').map((part) => [part.slice(0, 1), part.slice(2)] as const));
}

/** One login. */
export interface ScramExchange {
  /** client-first-message, with its GS2 header. */
  readonly first: string;
  /** client-final-message, for a server-first-message. Rejects one that is not meant for us. */
  answer(serverFirst: string): Promise<string>;
  /** Throws unless the server proved that it knows the password too (server-final-message). */
  check(serverFinal: string): void;
}

/** Begins a login. `nonce` is given by tests only. */
export function beginScram(
  user: string,
  password: string,
  keys: KeyCache,
  nonce: string = randomBytes(18).toString('base64'),
): ScramExchange {
  const bare = `n=${user},r=${nonce}`;
  let signature = Buffer.alloc(0);
  return {
    first: GS2_HEADER + bare,
    async answer(serverFirst) {
      const parts = partsOf(serverFirst);
      const [serverNonce, salt, rounds] = ['r', 's', 'i'].map((letter) => parts.get(letter));
      if (serverNonce === undefined || salt === undefined || !serverNonce.startsWith(nonce))
        throw new Error(`the server's challenge is not one of SCRAM: ${serverFirst}`);
      const { clientKey, serverKey } = await keys.keysOf(password, salt, Number(rounds));
      const final = `c=${Buffer.from(GS2_HEADER).toString('base64')},r=${serverNonce}`;
      const authMessage = `${bare},${serverFirst},${final}`;
      const mask = hmac(storedKeyOf(clientKey), authMessage);
      const proof = Buffer.from(clientKey.map((octet, at) => octet ^ (mask[at] ?? 0)));
      signature = hmac(serverKey, authMessage);
      return `${final},p=${proof.toString('base64')}`;
    },
    check(serverFinal) {
      const given = Buffer.from(partsOf(serverFinal).get('v') ?? '', 'base64');
      if (given.length !== signature.length || !timingSafeEqual(given, signature))
        throw new Error('the server does not know the password');
    },
  };
}

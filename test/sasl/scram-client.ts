/** A client of SCRAM for tests, written apart from the server's code. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';

export interface ScramClientOptions {
  readonly digest: string;
  readonly username: string;
  readonly password: string;
  readonly nonce?: string;
  /** The gs2-header; `n,,` if absent. */
  readonly gs2?: string;
  readonly channel?: Buffer;
}

export interface ScramClient {
  readonly first: Buffer;
  /** The client-final-message for a server-first-message. */
  final(serverFirst: Buffer): Buffer;
  /** Whether a server-final-message proves that the server has the keys. */
  trusts(serverFinal: Buffer): boolean;
}

export function scramClient(options: ScramClientOptions): ScramClient {
  const { digest, username, password, nonce = 'cNonce', gs2 = 'n,,', channel } = options;
  const hmac = (key: Buffer, text: string) => createHmac(digest, key).update(text).digest();
  const hash = (data: Buffer) => createHash(digest).update(data).digest();
  const bare = `n=${username.replace(/=/g, '=3D').replace(/,/g, '=2C')},r=${nonce}`;
  let expected = '';
  return {
    first: Buffer.from(gs2 + bare),
    final(serverFirst) {
      const [, full = '', salt = '', count = ''] =
        /^r=([^,]+),s=([^,]+),i=([0-9]+)(?:,[a-z]=[^,]+)*$/.exec(serverFirst.toString()) ?? [];
      if (!full.startsWith(nonce)) throw new Error('the nonce does not go on from ours');
      const saltOctets = Buffer.from(salt, 'base64');
      const size = hash(saltOctets).length;
      const salted = pbkdf2Sync(password, saltOctets, Number(count), size, digest);
      const binding = Buffer.concat([Buffer.from(gs2), channel ?? Buffer.alloc(0)]);
      const withoutProof = `c=${binding.toString('base64')},r=${full}`;
      const message = `${bare},${serverFirst.toString()},${withoutProof}`;
      const clientKey = hmac(salted, 'Client Key');
      const signature = hmac(hash(clientKey), message);
      const proof = Buffer.from(clientKey.map((octet, at) => octet ^ (signature[at] ?? 0)));
      expected = `v=${hmac(hmac(salted, 'Server Key'), message).toString('base64')}`;
      return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`);
    },
    trusts: (serverFinal) => serverFinal.toString() === expected,
  };
}

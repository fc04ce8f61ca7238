/** Surroundings of an exchange for tests: a few users with cheap keys. */
import type { Offered } from '../../src/sasl/downgrade.ts';
import type { SaslContext } from '../../src/sasl/mechanism.ts';
import { deriveKeys, SCRAM_HASHES, type ScramKeys } from '../../src/sasl/scram-keys.ts';

/** What is offered, unless a test says otherwise. */
export const OFFERED: Offered = {
  mechanisms: ['SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1'],
  channelBindings: ['tls-exporter', 'tls-server-end-point'],
  tls: 'TLSv1.3',
};

export const CHANNEL = Buffer.from('thirty-two octets of a TLS state');

/** A context that knows the given users; `lookups` lists what was asked for. */
export async function contextWith(
  users: Readonly<Record<string, string>>,
  overrides: Partial<SaslContext> = {},
  iterations = 4,
): Promise<SaslContext & { readonly lookups: string[] }> {
  const table = new Map<string, ScramKeys>();
  for (const [name, password] of Object.entries(users)) {
    for (const hash of SCRAM_HASHES) {
      const keys = await deriveKeys(password, hash, iterations);
      if (keys !== undefined) table.set(`${hash} ${name}`, keys);
    }
  }
  const lookups: string[] = [];
  return {
    credentials: async (username, hash) => {
      lookups.push(`${hash} ${username}`);
      return table.get(`${hash} ${username}`);
    },
    fakeSeed: Buffer.from('a secret of the server'),
    channelBinding: (type) => (type === 'tls-unique' ? undefined : CHANNEL),
    offered: OFFERED,
    anonymousAllowed: false,
    lookups,
    ...overrides,
  };
}

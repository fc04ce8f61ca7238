/** The mechanisms by their names. */
import { anonymousExchange } from './anonymous.ts';
import type { SaslContext, SaslExchange } from './mechanism.ts';
import { plainExchange } from './plain.ts';
import { scramExchange } from './scram.ts';
import { SCRAM_HASHES, type ScramHash } from './scram-keys.ts';

export type { Offered } from './downgrade.ts';
export {
  type HashedToken,
  type TokenSource,
  tokenExchange,
  tokenMechanisms,
} from './hashed-token.ts';
export {
  CHANNEL_BINDING_TYPES,
  type ChannelBindingType,
  type SaslCondition,
  type SaslContext,
  type SaslExchange,
  type SaslFailure,
  type SaslStep,
} from './mechanism.ts';
export {
  type CredentialSource,
  DEFAULT_ITERATIONS,
  DIGEST_BYTES,
  deriveKeys,
  SCRAM_HASHES,
  type ScramHash,
  type ScramKeys,
  verifyPassword,
} from './scram-keys.ts';
export { readBase64 } from './text.ts';
export {
  beginUpgrade,
  hashOfUpgrade,
  UPGRADE_HASHES,
  type Upgrade,
  upgradeTask,
} from './upgrade.ts';

/** What a host offers on a stream. */
export interface MechanismOffer {
  readonly hashes: readonly ScramHash[];
  /** Whether PLAIN is offered: under TLS only. */
  readonly plain: boolean;
  readonly anonymous: boolean;
  /** Whether the connection has data for channel binding, so that -PLUS forms are offered. */
  readonly channelBinding: boolean;
}

/** The names of the offered mechanisms, best first: -PLUS, strong before weak, PLAIN last. */
export function mechanismNames(offer: MechanismOffer): string[] {
  const scram = SCRAM_HASHES.filter((hash) => offer.hashes.includes(hash)).map(
    (hash) => `SCRAM-${hash}`,
  );
  return [
    ...(offer.channelBinding ? scram.map((name) => `${name}-PLUS`) : []),
    ...scram,
    ...(offer.anonymous ? ['ANONYMOUS'] : []),
    ...(offer.plain ? ['PLAIN'] : []),
  ];
}

/**
 * Starts an exchange by a mechanism's name; `undefined` if there is none of that name. Whether the
 * name was offered is for the caller to check.
 */
export function createExchange(mechanism: string, context: SaslContext): SaslExchange | undefined {
  if (mechanism === 'PLAIN') return plainExchange(context);
  if (mechanism === 'ANONYMOUS') return anonymousExchange(context);
  const plus = mechanism.endsWith('-PLUS');
  const hash = SCRAM_HASHES.find((each) => mechanism === `SCRAM-${each}${plus ? '-PLUS' : ''}`);
  return hash === undefined ? undefined : scramExchange({ hash, plus }, context);
}

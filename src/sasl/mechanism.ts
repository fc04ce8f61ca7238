/** The shapes of the server's side of SASL (RFC 4422): no socket, no XML and no store in here. */
import type { Offered } from './downgrade.ts';
import type { CredentialSource } from './scram-keys.ts';

/** Why authentication failed, by the names of RFC 6120 §6.5. */
export type SaslCondition =
  | 'aborted'
  | 'account-disabled'
  | 'credentials-expired'
  | 'encryption-required'
  | 'incorrect-encoding'
  | 'invalid-authzid'
  | 'invalid-mechanism'
  | 'malformed-request'
  | 'mechanism-too-weak'
  | 'not-authorized'
  | 'temporary-auth-failure';

/** The exchange ended without a user; `text` is for a person who reads logs, and names no secret. */
export interface SaslFailure {
  readonly kind: 'failure';
  readonly condition: SaslCondition;
  readonly text?: string;
}

/** What the server answers to one message of the client. */
export type SaslStep =
  | { readonly kind: 'challenge'; readonly data: Buffer }
  | {
      readonly kind: 'success';
      /** Additional data with success, such as SCRAM's server signature. */
      readonly data?: Buffer;
      /** The localpart of the user, prepared by RFC 7622 §3.3. */
      readonly username: string;
      /** Whom the user asks to act as, unprepared; the caller decides (RFC 6120 §6.3.8). */
      readonly authzid?: string;
    }
  | SaslFailure;

/** One client's exchange by one mechanism. */
export interface SaslExchange {
  /**
   * Takes the client's next message, decoded from base64; no initial response and an empty one are
   * both empty. One step at a time. After success or failure each further step fails. Never rejects
   * because of what a client sent, only where `credentials` of the context rejects: the store is to
   * blame then, and the answer `temporary-auth-failure`.
   */
  step(data: Buffer): Promise<SaslStep>;
}

/** The kinds of channel binding (RFC 5929, RFC 9266), in the order in which they are preferred. */
export const CHANNEL_BINDING_TYPES = [
  'tls-exporter',
  'tls-unique',
  'tls-server-end-point',
] as const;

/** One of {@link CHANNEL_BINDING_TYPES}. */
export type ChannelBindingType = (typeof CHANNEL_BINDING_TYPES)[number];

/** What an exchange asks of its surroundings. */
export interface SaslContext extends CredentialSource {
  /** The data of the TLS connection, or `undefined` where it has none of this type. */
  channelBinding(type: ChannelBindingType): Buffer | undefined;
  /** What was offered on this stream; undefined if nobody can have changed it on its way. */
  readonly offered: Offered | undefined;
  /** Whether strangers may come in by ANONYMOUS. */
  readonly anonymousAllowed: boolean;
}

/** A failed step. */
export const failure = (condition: SaslCondition, text: string): SaslFailure => ({
  kind: 'failure',
  condition,
  text,
});

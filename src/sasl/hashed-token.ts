/**
 * HT: a token that the server gave out is proved in one round trip (draft-schmaus-kitten-sasl-ht-09,
 * the version that XEP-0484 names).
 */
import { createHmac } from 'node:crypto';
import { prepareLocal } from '../jid/jid.ts';
import {
  type ChannelBindingType,
  failure,
  type SaslContext,
  type SaslExchange,
  type SaslStep,
} from './mechanism.ts';
import { isSame } from './scram-keys.ts';
import { decodeText } from './text.ts';

const DIGEST = 'sha256';
/** Checked where a user has no token, so that he takes as long as one who has. */
const NOBODYS: HashedToken = { secret: 'a token that nobody was given', isExpired: false };

/** A token that a client may be proving. */
export interface HashedToken {
  readonly secret: string;
  readonly isExpired: boolean;
}

/** The tokens that an exchange is about. */
export interface TokenSource<Token extends HashedToken = HashedToken> {
  /** Those that the user (prepared localpart) could prove here and now by the mechanism. */
  tokens(username: string, mechanism: string): Promise<readonly Token[]>;
  /** Told of the one that was proved. */
  proved(token: Token): void;
}

/** §2: the mechanisms by what they are bound to, the preferred one first. */
const BINDINGS: readonly (readonly [name: string, type: ChannelBindingType | undefined])[] = [
  ['HT-SHA-256-EXPR', 'tls-exporter'],
  ['HT-SHA-256-UNIQ', 'tls-unique'],
  ['HT-SHA-256-ENDP', 'tls-server-end-point'],
  ['HT-SHA-256-NONE', undefined],
];

/** The mechanisms that can be used where these channel-binding types can be. */
export function tokenMechanisms(channelBindings: readonly string[]): string[] {
  return BINDINGS.filter(([, type]) => type === undefined || channelBindings.includes(type)).map(
    ([name]) => name,
  );
}

/** Starts an exchange by a mechanism's name; undefined for another family's. */
export function tokenExchange<Token extends HashedToken>(
  mechanism: string,
  source: TokenSource<Token>,
  { channelBinding }: Pick<SaslContext, 'channelBinding'>,
): SaslExchange | undefined {
  const [, type] = BINDINGS.find(([name]) => name === mechanism) ?? ['', null];
  if (type === null) return undefined;
  let isOver = false;
  return {
    async step(data) {
      if (isOver) return failure('malformed-request', 'the exchange is over');
      isOver = true;
      const binding = type === undefined ? Buffer.alloc(0) : channelBinding(type);
      if (binding === undefined) return failure('malformed-request', 'no such channel binding');
      return verify({ mechanism, source, binding }, data);
    },
  };
}

interface Bound<Token extends HashedToken> {
  readonly mechanism: string;
  readonly source: TokenSource<Token>;
  readonly binding: Buffer;
}

/** §3.1, §3.2 */
async function verify<Token extends HashedToken>(
  { mechanism, source, binding }: Bound<Token>,
  data: Buffer,
): Promise<SaslStep> {
  const end = data.indexOf(0);
  const name = end < 1 ? undefined : decodeText(data.subarray(0, end));
  if (name === undefined) return failure('malformed-request', 'not an HT message');
  const username = prepareLocal(name);
  const found = username === undefined ? [] : await source.tokens(username, mechanism);
  const hashed = data.subarray(end + 1);
  const isProof = ({ secret }: HashedToken) => isSame(hashed, tag(secret, 'Initiator', binding));
  if (found.length === 0) isProof(NOBODYS);
  const [proved] = found.filter(isProof); // all of them, whichever is right
  if (proved === undefined || username === undefined)
    return failure('not-authorized', 'the user or the token is wrong');
  if (proved.isExpired) return failure('credentials-expired', 'the token has expired');
  source.proved(proved);
  return { kind: 'success', username, data: tag(proved.secret, 'Responder', binding) }; // §3.3
}

const tag = (secret: string, role: 'Initiator' | 'Responder', binding: Buffer): Buffer =>
  createHmac(DIGEST, secret).update(role).update(binding).digest();

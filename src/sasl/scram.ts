/** SCRAM with SHA-1, SHA-256 and SHA-512, with and without channel binding (RFC 5802, RFC 7677). */
import { randomBytes } from 'node:crypto';
import { prepareLocal } from '../jid/jid.ts';
import { protection } from './downgrade.ts';
import {
  CHANNEL_BINDING_TYPES,
  failure,
  type SaslContext,
  type SaslExchange,
  type SaslFailure,
  type SaslStep,
} from './mechanism.ts';
import { type FoundKeys, findKeys, hmac, isProof, isSame, type ScramHash } from './scram-keys.ts';
import {
  type BindingFlag,
  type ClientFirst,
  readClientFinal,
  readClientFirst,
} from './scram-messages.ts';
import { decodeText } from './text.ts';

/** Which SCRAM mechanism is spoken. */
export interface ScramVariant {
  readonly hash: ScramHash;
  /** Whether it is the -PLUS form. */
  readonly plus: boolean;
}

/** Between the two messages of the client. */
interface Challenged extends FoundKeys {
  readonly first: ClientFirst;
  readonly username: string;
  /** The client's nonce followed by ours. */
  readonly nonce: string;
  readonly serverFirst: string;
  /** What `c=` must hold: the gs2-header, and the channel's data if it is bound. */
  readonly binding: Buffer;
}

type State =
  | { readonly kind: 'first'; readonly wasPrompted: boolean }
  | ({ readonly kind: 'final' } & Challenged)
  | { readonly kind: 'over' };

const NONCE_BYTES = 18;

/**
 * Starts an exchange. An unknown user gets a challenge like any other, and fails where a wrong
 * password does, in the same words.
 *
 * @param serverNonce the server's part of the nonce, printable and without a comma
 */
export function scramExchange(
  variant: ScramVariant,
  context: SaslContext,
  serverNonce: string = randomBytes(NONCE_BYTES).toString('base64'),
): SaslExchange {
  let state: State = { kind: 'first', wasPrompted: false };
  return {
    async step(data) {
      const current = state;
      state = { kind: 'over' };
      if (current.kind === 'over') return failure('malformed-request', 'the exchange is over');
      if (current.kind === 'final') return finish(current, data);
      if (data.length === 0 && !current.wasPrompted) {
        state = { kind: 'first', wasPrompted: true }; // RFC 4422 §5: an empty challenge asks for it
        return { kind: 'challenge', data };
      }
      const challenged = await challenge(variant, context, serverNonce, data);
      if ('condition' in challenged) return challenged;
      state = { kind: 'final', ...challenged };
      return { kind: 'challenge', data: Buffer.from(challenged.serverFirst) };
    },
  };
}

async function challenge(
  { hash, plus }: ScramVariant,
  context: SaslContext,
  serverNonce: string,
  data: Buffer,
): Promise<Challenged | SaslFailure> {
  const first = readClientFirst(decodeText(data) ?? '');
  if (first === undefined) return failure('malformed-request', 'not a SCRAM first message');
  const channel = channelOf(first.binding, plus, context);
  if (!Buffer.isBuffer(channel)) return channel;
  const username = prepareLocal(first.username);
  if (username === undefined) return failure('not-authorized', WRONG);
  const { keys, isKnown } = await findKeys(context, username, hash);
  const nonce = first.nonce + serverNonce;
  const salt = keys.salt.toString('base64');
  const { offered } = context;
  const told = offered === undefined ? '' : protection(hash, offered);
  const serverFirst = `r=${nonce},s=${salt},i=${keys.iterations}${told}`;
  const binding = Buffer.concat([Buffer.from(first.gs2Header), channel]);
  return { first, username, keys, isKnown, nonce, serverFirst, binding };
}

const WRONG = 'the user or the password is wrong';

/** The data that the exchange is bound to: empty without channel binding (RFC 5802 §6). */
function channelOf(flag: BindingFlag, plus: boolean, context: SaslContext): Buffer | SaslFailure {
  if (plus !== (flag.kind === 'p')) {
    return failure('malformed-request', 'the channel binding flag contradicts the mechanism');
  }
  const wasOffered = context.offered?.mechanisms.some((name) => name.endsWith('-PLUS'));
  if (flag.kind === 'y' && wasOffered === true) {
    // Somebody between us took the -PLUS mechanisms out of the list that we sent.
    return failure('not-authorized', 'channel binding was offered');
  }
  if (flag.kind !== 'p') return Buffer.alloc(0);
  const type = CHANNEL_BINDING_TYPES.find((known) => known === flag.type);
  const channel = type === undefined ? undefined : context.channelBinding(type);
  return channel ?? failure('malformed-request', 'unsupported type of channel binding');
}

function finish(challenged: Challenged, data: Buffer): SaslStep {
  const { first, username, keys, isKnown, nonce, serverFirst, binding } = challenged;
  const final = readClientFinal(decodeText(data) ?? '');
  if (final === undefined) return failure('malformed-request', 'not a SCRAM final message');
  if (final.nonce !== nonce) return failure('malformed-request', 'the nonce is not ours');
  if (!isSame(final.binding, binding)) {
    return failure('not-authorized', 'the channel binding does not match');
  }
  const authMessage = `${first.bare},${serverFirst},${final.withoutProof}`;
  if (!isProof(keys, final.proof, authMessage) || !isKnown) {
    return failure('not-authorized', WRONG);
  }
  const signature = hmac(keys.hash, keys.serverKey, authMessage).toString('base64');
  const success = { kind: 'success', username, data: Buffer.from(`v=${signature}`) } as const;
  return first.authzid === undefined ? success : { ...success, authzid: first.authzid };
}

/**
 * Downgrade protection: what the server offered, told again inside SCRAM, where nobody in between can
 * change it (XEP-0474, XEP-0515).
 */
import { createHash } from 'node:crypto';
import { DIGESTS, type ScramHash } from './scram-keys.ts';

/** What was offered on a stream, by the profile of SASL that the client uses. */
export interface Offered {
  readonly mechanisms: readonly string[];
  /** The channel-binding types that were announced (XEP-0440); none if nothing was announced. */
  readonly channelBindings: readonly string[];
  /** The version of TLS by the name that Node has for it; undefined without TLS. */
  readonly tls: string | undefined;
}

const BETWEEN = '\x1e';
const LISTS = '\x1f';

/** RFC 8446 §4.1.2 and its predecessors, as XEP-0515 §4.1 writes them. */
const TLS_VERSIONS: Readonly<Record<string, string>> = {
  'TLSv1.3': '0304',
  'TLSv1.2': '0303',
  'TLSv1.1': '0302',
  TLSv1: '0301',
};

/** The attributes that are added to a server-first-message, each with its comma before it. */
export function protection(hash: ScramHash, offered: Offered): string {
  const version = TLS_VERSIONS[offered.tls ?? ''];
  const told = version === undefined ? '' : `,t=${version}`; // XEP-0515 §4.1
  return `,h=${offerHash(hash, offered)}${told}`;
}

/** XEP-0474 §6.1 */
function offerHash(hash: ScramHash, { mechanisms, channelBindings }: Offered): string {
  const bindings =
    channelBindings.length === 0 ? '' : `${LISTS}${sorted(channelBindings).join(BETWEEN)}`;
  const text = `${sorted(mechanisms).join(BETWEEN)}${bindings}`;
  return createHash(DIGESTS[hash]).update(text).digest('base64');
}

/** By octets (RFC 4790 §9.3): these names are ASCII, whose units have that order. */
const sorted = (names: readonly string[]) => [...names].sort();

/** DANE: what DNS says of a server's certificate (RFC 6698, RFC 7671, RFC 7673). */
import { createHash, type X509Certificate } from 'node:crypto';
import type { Connected } from './connect.ts';
import type { Dns, QueryOptions } from './dns.ts';
import type { TlsaRecord } from './dns-message.ts';
import { placeOfHost } from './names.ts';

/** Validated TLSA records of a host and port. */
export interface DaneTerms {
  /** The host of the SRV record, a name that the certificate may have (RFC 7673 §4.1). */
  readonly host: string;
  readonly records: readonly TlsaRecord[];
}

/** What DNS says of the server at the end of a connection. */
export type DaneFinding =
  /** Nothing that could be believed: certificates are judged by their authorities. */
  | { readonly kind: 'none' }
  | { readonly kind: 'terms'; readonly terms: DaneTerms }
  /** DNS should say something and does not: the server must not be used (RFC 7673 §3.4). */
  | { readonly kind: 'failed'; readonly text: string };

/** How TLSA records fit a chain. */
export type DaneMatch =
  /** DANE-EE: the certificate is good, whatever its names and its time. */
  | { readonly kind: 'end-entity' }
  /** DANE-TA: the chain is good if it is good up to this certificate. */
  | { readonly kind: 'anchor'; readonly anchor: X509Certificate }
  /** PKIX-EE or PKIX-TA: it fits, and must be good by its authority too. */
  | { readonly kind: 'constraint' }
  | { readonly kind: 'mismatch' }
  /** No record can be used: as if there were none. */
  | { readonly kind: 'unusable' };

const USAGE = { pkixAnchor: 0, pkixEnd: 1, anchor: 2, end: 3 } as const;
const SELECTOR = { certificate: 0, key: 1 } as const;
const HASHES: Readonly<Record<number, { name: string; length: number }>> = {
  1: { name: 'sha256', length: 32 },
  2: { name: 'sha512', length: 64 },
};
/** More records than this are not compared. */
const MAX_RECORDS = 16;

/**
 * Asks for the TLSA records of the server that was connected to. Only where the way there was
 * validated: otherwise they prove nothing. Never rejects.
 */
export async function findDane(
  dns: Dns,
  { target, isSecure }: Pick<Extract<Connected, { ok: true }>, 'target' | 'isSecure'>,
  options?: QueryOptions,
): Promise<DaneFinding> {
  if (!isSecure || placeOfHost(target.host).kind !== 'name') return { kind: 'none' };
  const name = `_${target.port}._tcp.${target.host}`;
  const outcome = await dns.query(name, 'TLSA', options);
  switch (outcome.kind) {
    case 'records':
      if (!outcome.isValidated) return { kind: 'none' };
      return { kind: 'terms', terms: { host: target.host, records: outcome.records } };
    case 'none':
      return { kind: 'none' };
    case 'failed':
      return { kind: 'failed', text: `${name} cannot be looked up: ${outcome.text}` };
  }
}

/**
 * Compares TLSA records with a chain; what fits and asks for least comes first.
 * @param chain the server's certificate first
 * @param path the way to a known authority
 */
export function matchDane(
  { records }: DaneTerms,
  chain: readonly [X509Certificate, ...X509Certificate[]],
  path: readonly X509Certificate[],
): DaneMatch {
  const usable = records.filter(isUsable).slice(0, MAX_RECORDS);
  if (usable.length === 0) return { kind: 'unusable' };
  const [leaf, ...issuers] = chain;
  const of = (usage: number) => usable.filter((each) => each.usage === usage);
  if (of(USAGE.end).some((each) => fits(each, leaf))) return { kind: 'end-entity' };
  for (const record of of(USAGE.anchor)) {
    const anchor = issuers.find((each) => fits(record, each));
    if (anchor !== undefined) return { kind: 'anchor', anchor };
  }
  const isConstrained =
    of(USAGE.pkixEnd).some((each) => fits(each, leaf)) ||
    of(USAGE.pkixAnchor).some((each) => path.slice(1).some((issuer) => fits(each, issuer)));
  return { kind: isConstrained ? 'constraint' : 'mismatch' };
}

/** RFC 6698 §4.1: values that are not defined, and hashes of the wrong length, are no records. */
function isUsable({ usage, selector, matching, data }: TlsaRecord): boolean {
  if (usage > USAGE.end || selector > SELECTOR.key || data.length === 0) return false;
  return matching === 0 || HASHES[matching]?.length === data.length;
}

/** RFC 6698 §2.1: selector and matching type. */
function fits({ selector, matching, data }: TlsaRecord, certificate: X509Certificate): boolean {
  const content =
    selector === SELECTOR.certificate
      ? certificate.raw
      : certificate.publicKey.export({ type: 'spki', format: 'der' });
  const hash = HASHES[matching];
  return data.equals(hash === undefined ? content : createHash(hash.name).update(content).digest());
}

/** What a certificate says of how it may be used (RFC 5280 §4.2), read from its DER. */
import type { X509Certificate } from 'node:crypto';
import { type Asn1, bytesOf, decode, inside, isTagged, oidOf } from '../certs/der.ts';
import { OID, SIGNATURE_HASHES } from '../certs/oids.ts';

/** Domains that an authority may, or may not, certify (RFC 5280 §4.2.1.10). */
export interface NameConstraints {
  /** Suffixes, lower case; undefined where names of this kind are not limited. */
  readonly permitted: readonly string[] | undefined;
  readonly excluded: readonly string[];
}

/** The terms of a certificate. */
export interface CertificateTerms {
  /** Object identifiers of critical extensions that are not understood here. */
  readonly unknownCritical: readonly string[];
  /** How many authorities may follow below this one; undefined for any number. */
  readonly pathLength: number | undefined;
  /** Object identifiers of extendedKeyUsage; undefined where the use is not limited. */
  readonly usages: readonly string[] | undefined;
  /** Whether the key may sign a handshake; true where keyUsage is silent. */
  readonly maySignHandshakes: boolean;
  readonly constraints: NameConstraints | undefined;
  /** The hash of its signature, such as `sha256`; undefined where that is not told apart. */
  readonly hash: string | undefined;
}

const ID = {
  nameConstraints: '2.5.29.30',
  certificatePolicies: '2.5.29.32',
  policyConstraints: '2.5.29.36',
} as const;

/** Extensions that are obeyed, or that concern policies, which nobody asks for here. */
const UNDERSTOOD: readonly string[] = [
  OID.basicConstraints,
  OID.keyUsage,
  OID.extendedKeyUsage,
  OID.subjectAltName,
  OID.subjectKeyIdentifier,
  ...Object.values(ID),
];

interface Extension {
  readonly id: string;
  readonly isCritical: boolean;
  readonly value: Asn1 | undefined;
}

/** Reads the terms of a certificate; undefined when its DER, or one of its terms, is broken. */
export function termsOf({ raw }: X509Certificate): CertificateTerms | undefined {
  const [body, algorithm] = inside(decode(raw));
  if (body === undefined) return undefined;
  const wrapper = inside(body).find((node) => isTagged(node, 3));
  const extensions = inside(inside(wrapper)[0]).map(readExtension);
  // A limit that cannot be read must not pass for no limit.
  if (extensions.some(({ id, value }) => UNDERSTOOD.includes(id) && value === undefined))
    return undefined;
  const extensionOf = (id: string) => extensions.find((each) => each.id === id)?.value;
  const usage = extensionOf(OID.extendedKeyUsage);
  return {
    unknownCritical: extensions
      .filter(({ id, isCritical }) => isCritical && !UNDERSTOOD.includes(id))
      .map(({ id }) => id),
    pathLength: pathLengthOf(extensionOf(OID.basicConstraints)),
    usages: usage === undefined ? undefined : inside(usage).map(oidOf),
    maySignHandshakes: maySign(extensionOf(OID.keyUsage)),
    constraints: constraintsOf(extensionOf(ID.nameConstraints)),
    hash: SIGNATURE_HASHES[oidOf(inside(algorithm)[0])],
  };
}

function readExtension(node: Asn1): Extension {
  const [id, ...rest] = inside(node);
  return {
    id: oidOf(id),
    // The value stands last; a BOOLEAN before it is there only to say "critical".
    isCritical: rest.length > 1 && bytesOf(rest[0]).some((byte) => byte !== 0),
    value: decode(bytesOf(rest.at(-1))),
  };
}

function pathLengthOf(constraints: Asn1 | undefined): number | undefined {
  const [, length] = inside(constraints);
  if (length === undefined) return undefined;
  const bytes = bytesOf(length);
  return bytes.length > 0 && bytes.length <= 4 ? bytes.readUIntBE(0, bytes.length) : undefined;
}

/** §4.2.1.3: digitalSignature (bit 0) or keyAgreement (bit 4), or keyEncipherment (bit 2) of old. */
function maySign(usage: Asn1 | undefined): boolean {
  if (usage === undefined) return true;
  const [, bits = 0] = bytesOf(usage);
  return (bits & 0b1010_1000) !== 0;
}

function constraintsOf(value: Asn1 | undefined): NameConstraints | undefined {
  if (value === undefined) return undefined;
  const subtrees = (tag: number) =>
    inside(inside(value).find((node) => isTagged(node, tag)))
      .map((subtree) => inside(subtree)[0])
      .filter((base) => isTagged(base, 2))
      .map((base) => bytesOf(base).toString('latin1').toLowerCase().replace(/^\./, ''));
  const permitted = subtrees(0);
  return { permitted: permitted.length > 0 ? permitted : undefined, excluded: subtrees(1) };
}

/** Whether an authority with these constraints may certify a domain (A-labels, lower case). */
export function mayCertify({ permitted, excluded }: NameConstraints, domain: string): boolean {
  const isWithin = (suffix: string) =>
    suffix === '' || domain === suffix || domain.endsWith(`.${suffix}`);
  return (permitted?.some(isWithin) ?? true) && !excluded.some(isWithin);
}

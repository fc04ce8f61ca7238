/** What a certificate says: its names, its life, its hashes. */
import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { type Asn1, bytesOf, decode, inside, isTagged, oidOf } from './der.ts';
import { HASHES, OID, SIGNATURE_HASHES } from './oids.ts';

/** The names of a certificate's subjectAltName. */
export interface CertificateNames {
  /** DNS-IDs, lower case, A-labels; may begin with `*.`. */
  readonly dns: readonly string[];
  /** IP addresses as text. */
  readonly ip: readonly string[];
  /** SRV-IDs such as `_xmpp-server.falcot.com` (RFC 4985), lower case. */
  readonly services: readonly string[];
  /** XmppAddrs (RFC 6120 §13.7.1.4), as they stand. */
  readonly xmpp: readonly string[];
}

/** Reads the certificates of a PEM text, in its order; undefined when there is none or one is broken. */
export function readChain(pem: string): X509Certificate[] | undefined {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g);
  if (blocks === null) return undefined;
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return undefined;
  }
}

/**
 * Puts a chain in order: the key's certificate first, then each one's issuer; what belongs to no
 * place is left out. Undefined when none has the key.
 */
export function orderChain(
  certificates: readonly X509Certificate[],
  key: KeyObject,
): X509Certificate[] | undefined {
  let last = certificates.find((each) => each.checkPrivateKey(key));
  if (last === undefined) return undefined;
  const ordered = [last];
  for (;;) {
    const issuer = certificates.find(
      (each) => !ordered.includes(each) && last?.checkIssued(each) === true,
    );
    if (issuer === undefined || isSelfSigned(last)) return ordered;
    ordered.push(issuer);
    last = issuer;
  }
}

/** Whether a certificate was signed with its own key. */
export function isSelfSigned(certificate: X509Certificate): boolean {
  // checkIssued would also ask whether its key may sign certificates, which a leaf's may not.
  return certificate.issuer === certificate.subject && certificate.verify(certificate.publicKey);
}

/** The parts of a TBSCertificate (RFC 5280 §4.1). */
function partsOf(raw: Buffer): { root: readonly Asn1[]; extensions: readonly Asn1[] } {
  const root = inside(decode(raw));
  const wrapper = inside(root[0]).find((node) => isTagged(node, 3));
  return { root, extensions: inside(inside(wrapper)[0]) };
}

/** The names in a certificate's subjectAltName, from its DER; none for what is no certificate. */
export function namesOf(raw: Buffer): CertificateNames {
  const names = { dns: [], ip: [], services: [], xmpp: [] } as Record<
    keyof CertificateNames,
    string[]
  >;
  const extension = partsOf(raw).extensions.find(
    (each) => oidOf(inside(each)[0]) === OID.subjectAltName,
  );
  const list = inside(decode(bytesOf(inside(extension).at(-1))));
  for (const name of list) {
    if (isTagged(name, 2)) names.dns.push(bytesOf(name).toString('latin1').toLowerCase());
    else if (isTagged(name, 7)) names.ip.push(ipText(bytesOf(name)));
    else if (isTagged(name, 0)) {
      const [type, value] = inside(name);
      const content = bytesOf(inside(value)[0]);
      if (oidOf(type) === OID.xmppAddress) names.xmpp.push(content.toString('utf8'));
      if (oidOf(type) === OID.serviceName)
        names.services.push(content.toString('latin1').toLowerCase());
    }
  }
  return names;
}

/** An address's bytes as text, IPv6 in its canonical form (RFC 5952). */
function ipText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return '';
  const groups = Array.from({ length: 8 }, (_, index) =>
    bytes.readUInt16BE(index * 2).toString(16),
  );
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/**
 * Whether a certificate's names cover a domain (RFC 6125 §6.4, RFC 6120 §13.7.2): as a DNS-ID, with a
 * wildcard for exactly its first label, as an IP address, a SRV-ID of XMPP, or an XmppAddr.
 * @param domain with A-labels, as `domainToAscii` gives it
 * @param unicode the same with U-labels, for XmppAddrs, if it differs
 */
export function covers(names: CertificateNames, domain: string, unicode = domain): boolean {
  const address = domain.replace(/^\[|\]$/g, '');
  if (isIP(address) !== 0) return names.ip.includes(address);
  const name = domain.toLowerCase();
  return (
    names.dns.includes(name) ||
    names.dns.includes(wildcardOf(name)) ||
    ['_xmpp-client.', '_xmpp-server.'].some((each) => names.services.includes(each + name)) ||
    names.xmpp.some((each) => each === domain || each === unicode)
  );
}

/** The wildcard that would cover a name: `*.falcot.com` for `chat.falcot.com`. */
export function wildcardOf(name: string): string {
  return `*.${name.split('.').slice(1).join('.')}`;
}

/**
 * The `tls-server-end-point` channel binding (RFC 5929 §4.1): the certificate's hash by its
 * signature's own hash function, or by SHA-256 if that is MD5 or SHA-1; undefined where the
 * signature has no single hash function (Ed25519).
 */
export function endPointHash(raw: Buffer): Buffer | undefined {
  const hash = signatureHash(raw);
  if (hash === undefined) return undefined;
  const weak = hash === 'md5' || hash === 'sha1';
  return createHash(weak ? 'sha256' : hash)
    .update(raw)
    .digest();
}

function signatureHash(raw: Buffer): string | undefined {
  const [algorithm, parameters] = inside(partsOf(raw).root[1]);
  const name = oidOf(algorithm);
  if (name !== OID.rsaPss) return SIGNATURE_HASHES[name];
  const hash = inside(parameters).find((node) => isTagged(node, 0));
  // RFC 4055 §3.1: SHA-1 unless it is named.
  return hash === undefined ? 'sha1' : HASHES[oidOf(inside(inside(hash)[0])[0])];
}

/** The SHA-256 of the public key (SubjectPublicKeyInfo), as a TLSA `3 1 1` record has it: hex. */
export function publicKeyHash(certificate: X509Certificate): string {
  const der = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('hex');
}

/** The kind of a key in words: `RSA 2048`, `EC P-256`, `Ed25519`. */
export function keyTypeOf(key: KeyObject): string {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'rsa' || type === 'rsa-pss') return `RSA ${details?.modulusLength ?? ''}`.trim();
  if (type !== 'ec') return type === 'ed25519' ? 'Ed25519' : (type ?? 'unknown');
  const curves: Record<string, string> = {
    prime256v1: 'P-256',
    secp384r1: 'P-384',
    secp521r1: 'P-521',
  };
  const curve = details?.namedCurve ?? '';
  return `EC ${curves[curve] ?? curve}`;
}

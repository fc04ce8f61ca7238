/** Makes keys, self-signed certificates and certificate requests. */
import {
  createHash,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import { type Domain, domainToAscii } from '../jid/jid.ts';
import * as der from './der.ts';
import { OID } from './oids.ts';

const generate = promisify(generateKeyPair);

/**
 * The kinds of key that can be made. EC (P-256) is fast and small; RSA (2048 bits unless it says
 * otherwise) is for authorities that ask for it.
 */
export type KeyKind = 'ec' | 'rsa' | 'rsa-3072' | 'rsa-4096';

const RSA_BITS = { rsa: 2048, 'rsa-3072': 3072, 'rsa-4096': 4096 } as const;

/** The organisation by which a certificate that rtcd made for itself is recognised. */
export const SELF_SIGNED_MARK = 'rtcd self-signed';

/** RFC 5280 appendix A: the longest common name (ub-common-name). */
const MAX_COMMON_NAME = 64;

/** What a certificate or a request is for. */
export interface CertificateSubject {
  readonly key: KeyObject;
  readonly domain: Domain;
  /** Further domains it shall name, such as components. */
  readonly names: readonly Domain[];
}

/** Makes a private key, off the event loop's thread. */
export async function generateKey(kind: KeyKind): Promise<KeyObject> {
  const { privateKey } =
    kind === 'ec'
      ? await generate('ec', { namedCurve: 'P-256' })
      : await generate('rsa', { modulusLength: RSA_BITS[kind] });
  return privateKey;
}

/** A private key as PEM (PKCS #8). */
export function keyPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/**
 * Makes a self-signed certificate, as PEM.
 * @param from the first moment of its life, in milliseconds since the epoch
 * @param until the last one
 */
export function selfSignedCertificate(
  subject: CertificateSubject,
  from: number,
  until: number,
): string {
  const { key, domain } = subject;
  const name = distinguishedName(domain, SELF_SIGNED_MARK);
  const body = der.sequence(
    der.tagged(0, der.integer(Buffer.from([2]))), // version 3
    der.integer(serialNumber()),
    signatureAlgorithm(key),
    name,
    der.sequence(der.time(from), der.time(until)),
    name,
    publicKeyInfo(key),
    der.tagged(
      3,
      der.sequence(
        extension(OID.basicConstraints, der.sequence(), true),
        extension(OID.keyUsage, keyUsage(key), true),
        extension(
          OID.extendedKeyUsage,
          der.sequence(der.oid(OID.serverAuth), der.oid(OID.clientAuth)),
        ),
        extension(OID.subjectKeyIdentifier, der.octets(keyIdentifier(key))),
        extension(OID.subjectAltName, alternativeNames(subject, true)),
      ),
    ),
  );
  return der.pem('CERTIFICATE', signed(body, key));
}

/**
 * Makes a certificate request (PKCS #10, RFC 2986), as PEM.
 * @param withXmppNames whether to ask for SRV-IDs and XmppAddrs too, which few authorities issue
 */
export function certificateRequest(subject: CertificateSubject, withXmppNames = false): string {
  const { key, domain } = subject;
  const extensions = der.sequence(
    extension(OID.subjectAltName, alternativeNames(subject, withXmppNames)),
  );
  const body = der.sequence(
    der.integer(Buffer.from([0])), // version 1
    distinguishedName(domain),
    publicKeyInfo(key),
    der.tagged(0, der.sequence(der.oid(OID.extensionRequest), der.set(extensions))),
  );
  return der.pem('CERTIFICATE REQUEST', signed(body, key));
}

/** The body with its signature: the outer shape of certificates and requests alike. */
function signed(body: der.Asn1, key: KeyObject): Buffer {
  const signature = sign('sha256', der.encode(body), key);
  return der.encode(der.sequence(body, signatureAlgorithm(key), der.bits(signature)));
}

function signatureAlgorithm(key: KeyObject): der.Asn1 {
  return key.asymmetricKeyType === 'ec'
    ? der.sequence(der.oid(OID.ecdsaWithSha256)) // RFC 5758 §3.2: no parameters
    : der.sequence(der.oid(OID.rsaWithSha256), der.nothing());
}

function publicKeyDer(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

function publicKeyInfo(key: KeyObject): der.Asn1 {
  const info = der.decode(publicKeyDer(key));
  if (info === undefined) throw new Error('a public key that was just exported is no DER');
  return info;
}

/** RFC 5280 §4.2.1.2 leaves the method free; this one identifies the whole SubjectPublicKeyInfo. */
function keyIdentifier(key: KeyObject): Buffer {
  return createHash('sha256').update(publicKeyDer(key)).digest().subarray(0, 20);
}

/** digitalSignature and, for RSA key exchange of TLS 1.2, keyEncipherment. */
function keyUsage(key: KeyObject): der.Asn1 {
  return key.asymmetricKeyType === 'ec'
    ? der.bits(Buffer.from([0b1000_0000]), 7)
    : der.bits(Buffer.from([0b1010_0000]), 5);
}

/** A positive number of at most 20 octets, with no zero in front (RFC 5280 §4.1.2.2). */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

function extension(id: string, value: der.Asn1, isCritical = false): der.Asn1 {
  const critical = isCritical ? [der.boolean(true)] : [];
  return der.sequence(der.oid(id), ...critical, der.octets(der.encode(value)));
}

function distinguishedName(domain: Domain, organisation?: string): der.Asn1 {
  const attribute = (id: string, value: string) =>
    der.set(der.sequence(der.oid(id), der.text('utf8', value)));
  const ascii = domainToAscii(domain);
  return der.sequence(
    ...(organisation === undefined ? [] : [attribute(OID.organisation, organisation)]),
    ...(ascii.length > MAX_COMMON_NAME ? [] : [attribute(OID.commonName, ascii)]),
  );
}

/** GeneralNames (RFC 5280 §4.2.1.6). */
function alternativeNames({ domain, names }: CertificateSubject, withXmppNames: boolean): der.Asn1 {
  const domains = [...new Set([domain, ...names])];
  const other = (id: string, value: der.Asn1) => der.tagged(0, der.oid(id), der.tagged(0, value));
  return der.sequence(
    ...domains.map(hostName),
    ...domains
      .filter((each) => withXmppNames && !isAddress(each))
      .flatMap((each) => {
        const ascii = domainToAscii(each);
        return [
          other(OID.serviceName, der.text('ia5', `_xmpp-client.${ascii}`)), // RFC 6120 §13.7.1.2
          other(OID.serviceName, der.text('ia5', `_xmpp-server.${ascii}`)),
          other(OID.xmppAddress, der.text('utf8', each)), // RFC 6120 §13.7.1.4
        ];
      }),
  );
}

const bare = (domain: string) => domain.replace(/^\[|\]$/g, '');
const isAddress = (domain: Domain) => isIP(bare(domain)) !== 0;

/** A dNSName, or an iPAddress for a domain that is one. */
function hostName(domain: Domain): der.Asn1 {
  if (!isAddress(domain)) return der.taggedBytes(2, Buffer.from(domainToAscii(domain), 'latin1'));
  return der.taggedBytes(7, addressBytes(bare(domain)));
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  // The URL parser expands an embedded IPv4 address.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const before = groups(head);
  const after = tail === undefined ? [] : groups(tail);
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  const bytes = Buffer.alloc(16);
  [...before, ...zeros, ...after].forEach((group, index) => {
    bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  });
  return bytes;
}

/** Authorities and certificates of every kind, made by OpenSSL's own rules with node-forge. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import forge from 'node-forge';
import { quick } from '../support/signing.ts';

/** One day in milliseconds. */
export const DAY = 86_400_000;

/** A certificate with its key. */
export interface Issued {
  readonly pem: string;
  readonly keyPem: string;
  readonly certificate: X509Certificate;
  readonly subject: string;
  readonly key: forge.pki.rsa.PrivateKey;
}

/** What a certificate is to be like. */
export interface IssueOptions {
  readonly subject?: string;
  /** Who signs; itself when there is none. */
  readonly by?: Issued;
  readonly dns?: readonly string[];
  /** SRV-IDs and XmppAddrs, as DER inside an otherName. */
  readonly other?: readonly { readonly id: string; readonly value: string }[];
  readonly isAuthority?: boolean;
  readonly pathLength?: number;
  /** Days from now. */
  readonly from?: number;
  readonly until?: number;
  /** extendedKeyUsage; none when it is left out. */
  readonly usages?: readonly ('clientAuth' | 'serverAuth' | 'emailProtection')[];
  readonly hash?: 'sha1' | 'sha256';
  readonly bits?: number;
  /** Whether it has a key that no other has; authorities do. To make one takes long. */
  readonly hasOwnKey?: boolean;
  /** Whose key it has. */
  readonly keyOf?: Issued;
  /** Further extensions as node-forge has them. */
  readonly extensions?: readonly object[];
}

/** RFC 4985 (id-on-dnsSRV) and RFC 6120 §13.7.1.4 (id-on-xmppAddr). */
export const OTHER_NAMES = { srv: '1.3.6.1.5.5.7.8.7', xmpp: '1.3.6.1.5.5.7.8.5' } as const;

let serial = 0x10_0000;

function newKey(modulusLength: number): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

const shared = newKey(2048);

/** Issues a certificate. */
export function issue(options: IssueOptions = {}): Issued {
  const { subject = options.dns?.[0] ?? 'someone', by, hash = 'sha256', bits = 2048 } = options;
  const isShared = bits === 2048 && options.isAuthority !== true && options.hasOwnKey !== true;
  const keyPem = options.keyOf?.keyPem ?? (isShared ? shared : newKey(bits));
  const key = forge.pki.privateKeyFromPem(keyPem);
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.setRsaPublicKey(key.n, key.e);
  serial += 1;
  certificate.serialNumber = `01${serial.toString(16)}`;
  certificate.validity.notBefore = new Date(Date.now() + (options.from ?? -1) * DAY);
  certificate.validity.notAfter = new Date(Date.now() + (options.until ?? 90) * DAY);
  certificate.setSubject([{ name: 'commonName', value: subject }]);
  certificate.setIssuer([{ name: 'commonName', value: by?.subject ?? subject }]);
  certificate.setExtensions([...extensionsOf(options)]);
  const signer = by ?? { key, keyPem };
  certificate.sign(quick(signer.key, signer.keyPem, hash), forge.md[hash].create());
  const pem = forge.pki.certificateToPem(certificate).replaceAll('\r\n', '\n');
  return { pem, keyPem, certificate: new X509Certificate(pem), subject, key };
}

function* extensionsOf(options: IssueOptions): Iterable<object> {
  const { dns = [], other = [], isAuthority = false, pathLength, usages } = options;
  if (isAuthority) {
    const length = pathLength === undefined ? {} : { pathLenConstraint: pathLength };
    yield { name: 'basicConstraints', cA: true, critical: true, ...length };
    yield { name: 'keyUsage', keyCertSign: true, critical: true };
  }
  if (usages !== undefined)
    yield { name: 'extKeyUsage', ...Object.fromEntries(usages.map((each) => [each, true])) };
  if (dns.length + other.length > 0) {
    const { asn1 } = forge;
    const names = [
      ...dns.map((value) => asn1.create(asn1.Class.CONTEXT_SPECIFIC, 2, false, value)),
      ...other.map(({ id, value }) => {
        const type = id === OTHER_NAMES.xmpp ? asn1.Type.UTF8 : asn1.Type.IA5STRING;
        const text = asn1.create(
          asn1.Class.UNIVERSAL,
          type,
          false,
          Buffer.from(value).toString('latin1'),
        );
        return asn1.create(asn1.Class.CONTEXT_SPECIFIC, 0, true, [
          asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OID, false, asn1.oidToDer(id).getBytes()),
          asn1.create(asn1.Class.CONTEXT_SPECIFIC, 0, true, [text]),
        ]);
      }),
    ];
    yield {
      id: '2.5.29.17',
      value: asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, names),
    };
  }
  yield* options.extensions ?? [];
}

/** A critical nameConstraints extension (RFC 5280 §4.2.1.10) for DNS names. */
export function nameConstraints(permitted: readonly string[], excluded: readonly string[]): object {
  const { asn1 } = forge;
  const subtrees = (tag: number, names: readonly string[]) =>
    names.length === 0
      ? []
      : [
          asn1.create(
            asn1.Class.CONTEXT_SPECIFIC,
            tag,
            true,
            names.map((name) =>
              asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [
                asn1.create(asn1.Class.CONTEXT_SPECIFIC, 2, false, name),
              ]),
            ),
          ),
        ];
  const value = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [
    ...subtrees(0, permitted),
    ...subtrees(1, excluded),
  ]);
  return { id: '2.5.29.30', critical: true, value };
}

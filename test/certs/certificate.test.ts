import { createHash, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import forge from 'node-forge';
import { describe, expect, test } from 'vitest';
import {
  type CertificateNames,
  covers,
  endPointHash,
  keyTypeOf,
  namesOf,
  publicKeyHash,
} from '../../src/certs/certificate.ts';
import { generateKey, selfSignedCertificate } from '../../src/certs/generate.ts';
import { DAY, domain, issue, keyOf } from './support.ts';

const none: CertificateNames = { dns: [], ip: [], services: [], xmpp: [] };

describe('RFC 6125 §6.4: names that cover a domain', () => {
  test.each<[string, string, boolean]>([
    ['falcot.com', 'falcot.com', true],
    ['falcot.com', 'FALCOT.com', true],
    ['falcot.com', 'chat.falcot.com', false],
    ['*.falcot.com', 'chat.falcot.com', true],
    ['*.falcot.com', 'falcot.com', false],
    ['*.falcot.com', 'a.chat.falcot.com', false],
    ['ch*.falcot.com', 'chat.falcot.com', false],
    ['*', 'com', false],
  ])('%s for %s: %s', (name, wanted, expected) => {
    expect(covers({ ...none, dns: [name] }, wanted)).toBe(expected);
  });

  test('SRV-IDs of XMPP, XmppAddrs and addresses count, SRV-IDs of others do not', () => {
    expect(covers({ ...none, services: ['_xmpp-server.falcot.com'] }, 'falcot.com')).toBe(true);
    expect(covers({ ...none, services: ['_imap.falcot.com'] }, 'falcot.com')).toBe(false);
    expect(covers({ ...none, services: ['_xmpp-server.x.falcot.com'] }, 'falcot.com')).toBe(false);
    expect(
      covers({ ...none, xmpp: ['münchen.example'] }, 'xn--mnchen-3ya.example', 'münchen.example'),
    ).toBe(true);
    expect(covers({ ...none, ip: ['2001:db8::7'] }, '[2001:db8::7]')).toBe(true);
    expect(covers({ ...none, dns: ['192.0.2.7'] }, '192.0.2.7')).toBe(false);
  });

  test('names of what is no certificate are none, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(namesOf(Buffer.from(bytes))).toEqual(none);
      }),
    );
  });

  test('a certificate with any byte changed is read without an exception', () => {
    const { raw } = new X509Certificate(issue(['falcot.com']));
    fc.assert(
      fc.property(fc.nat(raw.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const broken = Buffer.from(raw);
        broken[at] = byte;
        namesOf(broken);
        endPointHash(broken);
      }),
    );
  });
});

describe('RFC 5929 §4.1: tls-server-end-point', () => {
  const signedWith = (hash: 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512') => {
    const key = forge.pki.privateKeyFromPem(keyOf(0));
    const certificate = forge.pki.createCertificate();
    certificate.publicKey = forge.pki.setRsaPublicKey(key.n, key.e);
    certificate.serialNumber = '01';
    certificate.setSubject([{ name: 'commonName', value: 'falcot.com' }]);
    certificate.setIssuer([{ name: 'commonName', value: 'falcot.com' }]);
    certificate.sign(key, forge.md[hash].create());
    return new X509Certificate(forge.pki.certificateToPem(certificate)).raw;
  };
  test.each([
    ['md5', 'sha256'],
    ['sha1', 'sha256'],
    ['sha256', 'sha256'],
    ['sha384', 'sha384'],
    ['sha512', 'sha512'],
  ] as const)('a signature with %s is hashed with %s', (signature, hash) => {
    const raw = signedWith(signature);
    expect(endPointHash(raw)).toEqual(createHash(hash).update(raw).digest());
  });

  test('ECDSA with SHA-256', async () => {
    const key = await generateKey('ec');
    const now = Date.now();
    const { raw } = new X509Certificate(
      selfSignedCertificate({ key, domain: domain('a.example'), names: [] }, now, now + DAY),
    );
    expect(endPointHash(raw)).toEqual(createHash('sha256').update(raw).digest());
  });

  test('what is no certificate has none', () => {
    expect(endPointHash(Buffer.from('rubbish'))).toBeUndefined();
  });
});

test('the key’s kind, and its hash as TLSA 3 1 1 has it', () => {
  const certificate = new X509Certificate(issue(['falcot.com']));
  expect(keyTypeOf(certificate.publicKey)).toBe('RSA 2048');
  const info = forge.asn1.toDer(
    forge.pki.publicKeyToAsn1(forge.pki.certificateFromPem(certificate.toString()).publicKey),
  );
  const expected = createHash('sha256').update(info.getBytes(), 'latin1').digest('hex');
  expect(publicKeyHash(certificate)).toBe(expected);
});

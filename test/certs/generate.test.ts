import { spawnSync } from 'node:child_process';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import forge from 'node-forge';
import { describe, expect, test } from 'vitest';
import { namesOf, readChain } from '../../src/certs/certificate.ts';
import { importPair, makeRequest, makeSelfSigned } from '../../src/certs/folder.ts';
import {
  certificateRequest,
  generateKey,
  keyPem,
  selfSignedCertificate,
} from '../../src/certs/generate.ts';
import { systemClock } from '../../src/kit/clock.ts';
import { caPem, DAY, domain, handshake, issue, keyOf, put, temporaryFolder } from './support.ts';

const falcot = domain('falcot.com');
const conference = domain('conference.falcot.com');
const now = Date.now();

describe('a self-signed certificate', () => {
  test.each(['ec', 'rsa'] as const)('with a key of kind %s is accepted by TLS', async (kind) => {
    const key = await generateKey(kind);
    const cert = selfSignedCertificate(
      { key, domain: falcot, names: [conference] },
      now,
      now + DAY,
    );
    const secureContext = createSecureContext({ cert, key: keyPem(key) });
    for (const servername of [falcot, conference]) {
      const { client } = await handshake({ secureContext }, { ca: cert, servername });
      expect(client.authorized).toBe(true);
    }
  });

  test('names what RFC 6120 §13.7.1.2 and RFC 6120 §13.7.1.4 ask for', async () => {
    const key = await generateKey('ec');
    const pem = selfSignedCertificate(
      { key, domain: domain('münchen.example'), names: [] },
      now,
      now + DAY,
    );
    expect(namesOf(new X509Certificate(pem).raw)).toEqual({
      dns: ['xn--mnchen-3ya.example'],
      ip: [],
      services: ['_xmpp-client.xn--mnchen-3ya.example', '_xmpp-server.xn--mnchen-3ya.example'],
      xmpp: ['münchen.example'],
    });
  });

  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['[2001:db8::7]', '2001:db8::7'],
  ])('for the address %s has it as an iPAddress', async (host, ip) => {
    const key = await generateKey('ec');
    const pem = selfSignedCertificate({ key, domain: domain(host), names: [] }, now, now + DAY);
    const certificate = new X509Certificate(pem);
    expect(namesOf(certificate.raw)).toMatchObject({ dns: [], ip: [ip] });
    expect(certificate.checkIP(ip)).toBe(ip);
  });

  test('for a domain longer than a common name may be', async () => {
    const long = domain(`${'a'.repeat(60)}.${'b'.repeat(60)}.example`);
    const key = await generateKey('ec');
    const certificate = new X509Certificate(
      selfSignedCertificate({ key, domain: long, names: [] }, now, now + DAY),
    );
    expect(certificate.subject).not.toContain('CN=');
    expect(certificate.checkHost(long)).toBe(long);
  });

  test('RFC 5280 §4.1.2.5 may live beyond 2049', async () => {
    const key = await generateKey('ec');
    const until = Date.UTC(2055, 5, 1);
    const pem = selfSignedCertificate({ key, domain: falcot, names: [] }, now, until);
    expect(Date.parse(new X509Certificate(pem).validTo)).toBe(until);
  });

  test('is written with a key that only its owner may read, and keeps that key', async () => {
    const folder = await temporaryFolder();
    const options = {
      folder: join(folder, 'certs'),
      domain: falcot,
      names: [],
      clock: systemClock,
    };
    const files = await makeSelfSigned(options);
    expect((await stat(files.key)).mode & 0o777).toBe(0o600);
    expect((await stat(files.certificate)).mode & 0o777).toBe(0o644);
    expect((await stat(options.folder)).mode & 0o777).toBe(0o700);
    const [certificate, key] = await Promise.all([
      readFile(files.certificate),
      readFile(files.key),
    ]);
    await makeSelfSigned(options);
    expect(await readFile(files.key)).toEqual(key);
    expect(await readFile(files.certificate)).not.toEqual(certificate);
    await makeSelfSigned({ ...options, key: 'ec' });
    expect(await readFile(files.key)).not.toEqual(key);
  });
});

describe('a certificate request', () => {
  const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
  test.runIf(hasOpenssl).each(['ec', 'rsa'] as const)(
    'with a key of kind %s is verified by openssl',
    async (kind) => {
      const key = await generateKey(kind);
      const pem = certificateRequest({ key, domain: falcot, names: [conference] });
      const { status, stdout } = spawnSync('openssl', ['req', '-verify', '-noout', '-text'], {
        input: pem,
        encoding: 'utf8',
      });
      expect(status).toBe(0);
      expect(stdout).toContain('DNS:falcot.com, DNS:conference.falcot.com');
      expect(stdout).not.toContain('othername');
    },
  );

  test('is verified by node-forge, and asks for XMPP names when told so', async () => {
    const key = await generateKey('rsa');
    const request = (withXmppNames: boolean) =>
      forge.pki.certificationRequestFromPem(
        certificateRequest({ key, domain: falcot, names: [] }, withXmppNames),
      );
    expect(request(false).verify()).toBe(true);
    expect(request(false).subject.getField('CN').value).toBe('falcot.com');
    const size = (withXmppNames: boolean) =>
      JSON.stringify(request(withXmppNames).getAttribute({ name: 'extensionRequest' })).length;
    expect(size(true)).toBeGreaterThan(size(false));
  });

  test('leaves its key in the folder, and a second one is for the same key', async () => {
    const options = { folder: await temporaryFolder(), domain: falcot, names: [] };
    const { csrPem, keyFile, csrFile } = await makeRequest(options);
    const key = await readFile(keyFile, 'utf8');
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
    expect(await readFile(csrFile, 'utf8')).toBe(csrPem);
    await makeRequest(options);
    expect(await readFile(keyFile, 'utf8')).toBe(key);
  });
});

describe('an import', () => {
  const attempt = async (certificate: string, key?: string) => {
    const folder = await temporaryFolder();
    return {
      folder,
      outcome: await importPair({ folder, domain: falcot, clock: systemClock, certificate, key }),
    };
  };

  test('orders the chain, leaves out what is not of it, and writes with safe modes', async () => {
    const stray = issue(['other.example'], { key: 1 });
    const leaf = issue(['falcot.com']);
    const { folder, outcome } = await attempt(`${caPem}${stray}${leaf}`, keyOf(0));
    expect(outcome.ok).toBe(true);
    const file = join(folder, 'falcot.com.pem');
    const written = readChain(await readFile(file, 'utf8'))?.map((each) => each.subject);
    expect(written).toEqual(['CN=falcot.com', 'CN=Test CA']);
    expect((await stat(join(folder, 'falcot.com.key'))).mode & 0o777).toBe(0o600);
  });

  test('leaves a request alone whose certificate is still on its way', async () => {
    const folder = await temporaryFolder();
    const { keyFile, csrFile } = await makeRequest({ folder, domain: falcot, names: [] });
    const imported = await importPair({
      ...{ folder, domain: falcot, clock: systemClock },
      ...{ certificate: issue(['falcot.com']), key: keyOf(0) },
    });
    expect(imported.ok).toBe(true);
    for (const file of [keyFile, csrFile]) expect((await stat(file)).size).toBeGreaterThan(0);
  });

  test('takes the key of the request when none is given, and clears the request', async () => {
    const folder = await temporaryFolder();
    await put(join(folder, 'falcot.com.request.key'), keyOf(1));
    const certificate = issue(['falcot.com'], { key: 1 });
    const outcome = await importPair({ folder, domain: falcot, clock: systemClock, certificate });
    expect(outcome.ok).toBe(true);
    const key = await readFile(join(folder, 'falcot.com.key'), 'utf8');
    expect(createPublicKey(key).equals(createPublicKey(keyOf(1)))).toBe(true);
    await expect(stat(join(folder, 'falcot.com.request.key'))).rejects.toThrow('ENOENT');
  });

  test.each([
    ['no certificate', 'rubbish', keyOf(0), 'no readable certificate'],
    ['a broken one', caPem.replace('MII', 'AAA'), keyOf(0), 'no readable certificate'],
    ['no key', issue(['falcot.com']), 'rubbish', 'there is no private key'],
    ['another key', issue(['falcot.com']), keyOf(1), 'does not belong to the certificate'],
    ['another name', issue(['falcot.org']), keyOf(0), 'does not name falcot.com'],
    ['an expired one', issue(['falcot.com'], { from: -9, until: -1 }), keyOf(0), 'expired on'],
    ['one of the future', issue(['falcot.com'], { from: 5 }), keyOf(0), 'valid only from'],
    ['no key at all', issue(['falcot.com']), undefined, 'there is no key for falcot.com yet'],
  ])('refuses %s, and leaves the folder as it was', async (_, certificate, key, why) => {
    const { folder, outcome } = await attempt(certificate, key);
    expect(outcome).toMatchObject({ ok: false, problems: [expect.stringContaining(why)] });
    await expect(stat(join(folder, 'falcot.com.pem'))).rejects.toThrow('ENOENT');
  });

  test('tells all that speaks against a certificate', async () => {
    const { outcome } = await attempt(issue(['falcot.org'], { from: -9, until: -1 }), keyOf(0));
    expect(outcome.ok ? [] : outcome.problems).toHaveLength(2);
  });

  test('refuses a key with a passphrase', async () => {
    const forged = forge.pki.privateKeyFromPem(keyOf(0));
    const encrypted = forge.pki.encryptRsaPrivateKey(forged, 'secret', { algorithm: 'aes128' });
    const { outcome } = await attempt(issue(['falcot.com']), encrypted);
    expect(outcome).toMatchObject({ ok: false, problems: [expect.stringContaining('encrypted')] });
  });
});

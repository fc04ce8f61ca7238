import { createHash, X509Certificate } from 'node:crypto';
import { type AddressInfo, connect as connectPlain, createServer } from 'node:net';
import { connect, createSecureContext, rootCertificates, TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { generateKey, selfSignedCertificate } from '../../src/certs/generate.ts';
import { type Domain, parseDomain } from '../../src/jid/jid.ts';
import { systemClock } from '../../src/kit/clock.ts';
import { findDane, matchDane } from '../../src/s2s/dane.ts';
import type { Dns } from '../../src/s2s/dns.ts';
import { createDns } from '../../src/s2s/dns-cache.ts';
import type { TlsaRecord } from '../../src/s2s/dns-message.ts';
import type { Target } from '../../src/s2s/resolver.ts';
import {
  createTrust,
  evidenceOf,
  type JudgeOptions,
  type PeerEvidence,
} from '../../src/s2s/trust.ts';
import { startDns } from '../support/dns.ts';
import { DAY, type Issued, issue, nameConstraints, OTHER_NAMES } from './authority.ts';

const domain = (raw: string): Domain => {
  const parsed = parseDomain(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
};
const falcot = domain('falcot.com');

const root = issue({ subject: 'Root', isAuthority: true });
const middle = issue({ subject: 'Middle', isAuthority: true, by: root });
const trust = createTrust({ clock: systemClock, authorities: () => root.pem });
const evidence = (chain: readonly Issued[], verification?: string): PeerEvidence => ({
  chain: chain.map(({ certificate }) => certificate),
  verification,
});
const good = issue({ dns: ['falcot.com'], by: middle });

/** What is wrong with a chain for falcot.com. */
function problems(
  chain: readonly Issued[],
  options: Partial<JudgeOptions> & { verification?: string; domain?: Domain } = {},
): readonly string[] {
  const { verification, domain: wanted = falcot, ...rest } = options;
  const judged = trust.judge(evidence(chain, verification), wanted, { role: 'server', ...rest });
  return judged.ok ? [] : judged.problems.map(({ kind }) => kind);
}

describe('the chain (RFC 5280 §6.1)', () => {
  test('one that leads to an authority is good, whatever else is sent with it, in any order', () => {
    const stranger = issue({ subject: 'Stranger', isAuthority: true });
    expect(problems([good, middle])).toEqual([]);
    expect(problems([good, stranger, root, middle])).toEqual([]);
    expect(trust.judge(evidence([good, middle]), falcot, { role: 'server' })).toEqual({
      ok: true,
      by: 'authority',
      names: ['falcot.com'],
    });
  });

  test('no certificate', () => {
    expect(problems([])).toEqual(['no-certificate']);
  });

  test('one that is missing, or an authority that nobody knows', () => {
    const other = issue({ subject: 'Other', isAuthority: true });
    expect(problems([good])).toEqual(['unknown-authority']);
    expect(problems([issue({ dns: ['falcot.com'], by: other }), other])).toEqual([
      'unknown-authority',
    ]);
  });

  test('an authority that only has the name of a known one', () => {
    const forger = issue({ subject: 'Root', isAuthority: true });
    const forged = issue({ dns: ['falcot.com'], by: forger });
    expect(problems([forged, forger])).toEqual(['unknown-authority']);
    expect(problems([forged, root])).toEqual(['unknown-authority']);
  });

  test('self-signed, unless the admin put that very certificate among the authorities', () => {
    const own = issue({ dns: ['falcot.com'] });
    expect(problems([own])).toEqual(['self-signed']);
    const pinned = createTrust({ clock: systemClock, authorities: () => own.pem });
    expect(pinned.judge(evidence([own]), falcot, { role: 'server' })).toMatchObject({ ok: true });
  });

  test.each<[string, readonly Issued[], readonly string[]]>([
    ['expired', [issue({ dns: ['falcot.com'], by: root, from: -9, until: -2 })], ['expired']],
    [
      'not valid yet',
      [issue({ dns: ['falcot.com'], by: root, from: 2, until: 9 })],
      ['not-yet-valid'],
    ],
    [
      'all at once',
      [issue({ dns: ['other.example'], from: -9, until: -2 })],
      ['self-signed', 'expired', 'wrong-name'],
    ],
    ['SHA-1', [issue({ dns: ['falcot.com'], by: root, hash: 'sha1' })], ['weak']],
    ['a short key', [issue({ dns: ['falcot.com'], by: root, bits: 1024 })], ['weak']],
    [
      'a term that is not understood',
      [
        issue({
          dns: ['falcot.com'],
          by: root,
          extensions: [{ id: '1.2.3.4', critical: true, value: '\x05\x00' }],
        }),
      ],
      ['broken-chain'],
    ],
  ])('%s', (_, chain, expected) => {
    expect(problems(chain)).toEqual(expected);
  });

  test('§4.2.1.9: one that is no authority cannot issue, though a known one issued it', () => {
    const leaf = issue({ subject: 'leaf.example', dns: ['leaf.example'], by: root });
    const forged = issue({ dns: ['falcot.com'], by: leaf });
    expect(problems([forged, leaf])).not.toEqual([]);
  });

  test('§4.2.1.9: an authority with no more authorities below it', () => {
    const narrow = issue({ subject: 'Narrow', isAuthority: true, pathLength: 0, by: root });
    const below = issue({ subject: 'Below', isAuthority: true, by: narrow });
    expect(problems([issue({ dns: ['falcot.com'], by: narrow }), narrow])).toEqual([]);
    expect(problems([issue({ dns: ['falcot.com'], by: below }), below, narrow])).toEqual([
      'broken-chain',
    ]);
  });

  test.each<[readonly string[], readonly string[], boolean]>([
    [['falcot.com'], [], true],
    [['com'], [], true],
    [['other.example'], [], false],
    [[], ['falcot.com'], false],
    [['com'], ['falcot.com'], false],
    [[], ['alcot.com'], true],
  ])('§4.2.1.10: an authority for %j without %j: %s', (permitted, excluded, isGood) => {
    const extensions = [nameConstraints(permitted, excluded)];
    const limited = issue({ subject: 'Limited', isAuthority: true, by: root, extensions });
    const chain = [issue({ dns: ['falcot.com'], by: limited }), limited];
    expect(problems(chain)).toEqual(isGood ? [] : ['broken-chain']);
  });

  test('an authority that may not issue for this use', () => {
    const mail = issue({ subject: 'M', isAuthority: true, by: root, usages: ['emailProtection'] });
    expect(problems([issue({ dns: ['falcot.com'], by: mail }), mail])).toEqual(['usage']);
  });

  test('the best of several ways is taken', () => {
    const expired = issue({ subject: 'Twice', isAuthority: true, by: root, from: -9, until: -2 });
    const leaf = issue({ dns: ['falcot.com'], by: expired });
    expect(problems([leaf, expired])).toEqual(['expired']);
    // The same authority again, with another certificate for the same key.
    const again = createTrust({
      clock: systemClock,
      authorities: () => root.pem + middle.pem,
    });
    expect(again.judge(evidence([good]), falcot, { role: 'server' })).toMatchObject({ ok: true });
  });

  test('authorities that all sign each other end after so many signatures', () => {
    const ring = issue({ subject: 'Ring', isAuthority: true });
    const chain = Array.from({ length: 9 }, () =>
      issue({ subject: 'Ring', isAuthority: true, by: ring, keyOf: ring }),
    );
    const leaf = issue({ dns: ['falcot.com'], by: ring });
    const verify = vi.spyOn(X509Certificate.prototype, 'verify');
    onTestFinished(() => verify.mockRestore());
    expect(problems([leaf, ...chain, ring])).toEqual(['unknown-authority']);
    expect(verify.mock.calls.length).toBeGreaterThan(20);
    expect(verify.mock.calls.length).toBeLessThan(50);
  });

  test('public authorities are known, and text that is no certificate adds none', () => {
    const [first = ''] = rootCertificates;
    const certificate = new X509Certificate(first);
    const broken = createTrust({
      clock: systemClock,
      authorities: () => '-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----',
    });
    const judged = broken.judge({ chain: [certificate], verification: undefined }, falcot, {
      role: 'server',
    });
    const kinds = judged.ok ? [] : judged.problems.map(({ kind }) => kind);
    expect(kinds).toContain('wrong-name');
    expect(kinds).not.toContain('unknown-authority');
    expect(kinds).not.toContain('self-signed');
  });

  test('what OpenSSL refuses for reasons of its own is refused', () => {
    expect(problems([good, middle], { verification: 'CERT_REVOKED' })).toEqual(['revoked']);
    expect(problems([good, middle], { verification: 'CERT_SIGNATURE_FAILURE' })).toEqual([
      'broken-chain',
    ]);
    expect(problems([good, middle], { verification: 'INVALID_PURPOSE' })).toEqual([]);
    expect(problems([good, middle], { verification: 'SELF_SIGNED_CERT_IN_CHAIN' })).toEqual([]);
  });

  test('a certificate with any byte changed is judged without an exception, and is not good', () => {
    const { raw } = good.certificate;
    fc.assert(
      fc.property(fc.nat(raw.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = Buffer.from(raw);
        bytes[at] = (bytes[at] ?? 0) ^ change;
        let certificate: X509Certificate;
        try {
          certificate = new X509Certificate(bytes);
        } catch {
          return;
        }
        const chain = [certificate, middle.certificate];
        const judged = trust.judge({ chain, verification: undefined }, falcot, { role: 'server' });
        expect(judged.ok).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the use', () => {
  const forServers = issue({ dns: ['falcot.com'], by: root, usages: ['serverAuth'] });
  const forClients = issue({ dns: ['falcot.com'], by: root, usages: ['clientAuth'] });
  const forMail = issue({ dns: ['falcot.com'], by: root, usages: ['emailProtection'] });

  test('a server must have one for servers, a client one for clients', () => {
    expect(problems([forServers])).toEqual([]);
    expect(problems([forClients])).toEqual(['usage']);
    expect(problems([forClients], { role: 'client' })).toEqual([]);
    expect(problems([forServers], { role: 'client' })).toEqual(['usage']);
    expect(problems([forMail], { role: 'client' })).toEqual(['usage']);
    expect(problems([good, middle], { role: 'client' })).toEqual([]);
  });

  test('by setting, a client may have one for servers, but none for mail, nor of a stranger', () => {
    const options = { role: 'client', acceptServerUsage: true } as const;
    expect(problems([forServers], { ...options, verification: 'INVALID_PURPOSE' })).toEqual([]);
    expect(problems([forMail], options)).toEqual(['usage']);
    const own = issue({ dns: ['falcot.com'], usages: ['serverAuth'] });
    expect(problems([own], { ...options, verification: 'INVALID_PURPOSE' })).toEqual([
      'self-signed',
    ]);
  });
});

describe('names (RFC 6120 §13.7.1.2, RFC 6125 §6.4)', () => {
  const { srv, xmpp } = OTHER_NAMES;
  test.each<[string, Parameters<typeof issue>[0], string, boolean]>([
    ['DNS-ID', { dns: ['a.example', 'falcot.com'] }, 'falcot.com', true],
    ['another DNS-ID', { dns: ['a.example'] }, 'falcot.com', false],
    ['wildcard', { dns: ['*.falcot.com'] }, 'chat.falcot.com', true],
    ['wildcard for two labels', { dns: ['*.falcot.com'] }, 'a.chat.falcot.com', false],
    ['wildcard for no label', { dns: ['*.falcot.com'] }, 'falcot.com', false],
    ['SRV-ID', { other: [{ id: srv, value: '_xmpp-server.falcot.com' }] }, 'falcot.com', true],
    [
      'another SRV-ID',
      { other: [{ id: srv, value: '_xmpp-server.a.example' }] },
      'falcot.com',
      false,
    ],
    [
      'SRV-ID of c2s',
      { other: [{ id: srv, value: '_xmpp-client.falcot.com' }] },
      'falcot.com',
      false,
    ],
    ['XmppAddr', { other: [{ id: xmpp, value: 'Falcot.com' }] }, 'falcot.com', true],
    ['another XmppAddr', { other: [{ id: xmpp, value: 'a.example' }] }, 'falcot.com', false],
    ['XmppAddr of a user', { other: [{ id: xmpp, value: 'joe@falcot.com' }] }, 'falcot.com', false],
    [
      'XmppAddr with U-labels',
      { other: [{ id: xmpp, value: 'münchen.example' }] },
      'münchen.example',
      true,
    ],
    ['DNS-ID with A-labels', { dns: ['xn--mnchen-3ya.example'] }, 'münchen.example', true],
    ['common name only', { subject: 'falcot.com' }, 'falcot.com', false],
  ])('%s', (_, options, wanted, isGood) => {
    const leaf = issue({ ...options, by: root });
    expect(problems([leaf], { domain: domain(wanted) })).toEqual(isGood ? [] : ['wrong-name']);
  });

  test('an address as a domain', async () => {
    const address = domain('192.0.2.7');
    const key = await generateKey('ec');
    const pem = selfSignedCertificate(
      { key, domain: address, names: [] },
      Date.now() - DAY,
      Date.now() + DAY,
    );
    const own = createTrust({ clock: systemClock, authorities: () => pem });
    const chain = [new X509Certificate(pem)];
    const judge = (wanted: Domain) =>
      own.judge({ chain, verification: undefined }, wanted, { role: 'client' }).ok;
    expect([judge(address), judge(domain('192.0.2.8'))]).toEqual([true, false]);
  });
});

describe('DANE (RFC 7671, RFC 7673)', () => {
  const key = (issued: Issued) =>
    issued.certificate.publicKey.export({ type: 'spki', format: 'der' });
  const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest();
  const sha512 = (bytes: Buffer) => createHash('sha512').update(bytes).digest();
  const tlsa = (usage: number, selector: number, matching: number, data: Buffer): TlsaRecord => ({
    usage,
    selector,
    matching,
    data,
  });
  const judged = (chain: readonly Issued[], ...records: TlsaRecord[]) =>
    trust.judge(evidence(chain), falcot, {
      role: 'server',
      dane: { host: 'x.falcot.com', records },
    });
  const own = issue({ dns: ['nobody.example'], from: -9, until: -2, hasOwnKey: true });

  test.each([
    ['3 1 1', tlsa(3, 1, 1, sha256(key(own)))],
    ['3 1 2', tlsa(3, 1, 2, sha512(key(own)))],
    ['3 1 0', tlsa(3, 1, 0, key(own))],
    ['3 0 1', tlsa(3, 0, 1, sha256(own.certificate.raw))],
    ['3 0 0', tlsa(3, 0, 0, own.certificate.raw)],
  ])('%s: the certificate is good, whatever its name, issuer and time', (_, record) => {
    expect(judged([own], record)).toMatchObject({ ok: true, by: 'dane' });
    expect(judged([own], tlsa(3, 1, 1, Buffer.alloc(32)), record)).toMatchObject({ ok: true });
  });

  test('records of which none fits refuse even what an authority vouches for', () => {
    const other = judged([good, middle], tlsa(3, 1, 1, sha256(key(own))));
    expect(other).toMatchObject({ ok: false, problems: [{ kind: 'dane-mismatch' }] });
  });

  test('records that cannot be used are as none', () => {
    for (const record of [
      tlsa(4, 1, 1, Buffer.alloc(32)),
      tlsa(3, 2, 1, Buffer.alloc(32)),
      tlsa(3, 1, 3, Buffer.alloc(32)),
      tlsa(3, 1, 1, Buffer.alloc(31)),
      tlsa(3, 1, 0, Buffer.alloc(0)),
    ]) {
      expect(judged([good, middle], record)).toMatchObject({ ok: true, by: 'authority' });
      expect(judged([own], record)).toMatchObject({ ok: false });
    }
  });

  test('2 0 1: an authority of its own, whose certificates must name the host or the domain', () => {
    const anchor = issue({ subject: 'Private', isAuthority: true });
    const record = tlsa(2, 0, 1, sha256(anchor.certificate.raw));
    for (const name of ['x.falcot.com', 'falcot.com'])
      expect(judged([issue({ dns: [name], by: anchor }), anchor], record)).toMatchObject({
        ok: true,
        by: 'dane',
      });
    const wrong = issue({ dns: ['nobody.example'], by: anchor });
    expect(judged([wrong, anchor], record)).toMatchObject({ problems: [{ kind: 'wrong-name' }] });
    const unsigned = issue({ dns: ['falcot.com'], by: root });
    expect(judged([unsigned, anchor], record)).toMatchObject({ ok: false });
  });

  test('1 and 0 narrow what authorities say, and do not replace it', () => {
    expect(judged([good, middle], tlsa(1, 1, 1, sha256(key(good))))).toMatchObject({
      ok: true,
      by: 'authority',
    });
    expect(judged([good, middle], tlsa(0, 1, 1, sha256(key(root))))).toMatchObject({ ok: true });
    expect(judged([good, middle], tlsa(0, 1, 1, sha256(key(own))))).toMatchObject({ ok: false });
    expect(judged([own], tlsa(1, 1, 1, sha256(key(own))))).toMatchObject({ ok: false });
    // An authority that is sent along, but did not issue the certificate.
    const stranger = issue({ subject: 'Stranger', isAuthority: true });
    const record = tlsa(0, 1, 1, sha256(key(stranger)));
    expect(judged([good, middle, stranger], record)).toMatchObject({ ok: false });
  });

  test('a thousand records are not all compared', () => {
    const records = Array.from({ length: 1000 }, () => tlsa(3, 1, 1, Buffer.alloc(32)));
    const terms = { host: 'x', records: [...records, tlsa(3, 1, 1, sha256(key(own)))] };
    expect(matchDane(terms, [own.certificate], [])).toEqual({ kind: 'mismatch' });
  });

  test('§3: only where all of the way was validated', async () => {
    const record = tlsa(3, 1, 1, sha256(key(own)));
    const asked: string[] = [];
    let isValidated = true;
    const dns = {
      async query(name: string, type: string) {
        asked.push(`${type} ${name}`);
        return { kind: 'records', records: [record], ttl: 9, isValidated };
      },
      close: () => undefined,
    } as Dns;
    const target = { host: 'x.example', port: 5270 } as Target;
    expect(await findDane(dns, { target, isSecure: false })).toEqual({ kind: 'none' });
    expect(asked).toEqual([]);
    expect(await findDane(dns, { target, isSecure: true })).toEqual({
      kind: 'terms',
      terms: { host: 'x.example', records: [record] },
    });
    expect(asked).toEqual(['TLSA _5270._tcp.x.example']);
    isValidated = false;
    expect(await findDane(dns, { target, isSecure: true })).toEqual({ kind: 'none' });
  });

  test('a look-up that fails is not taken for "there is none"', async () => {
    const server = await startDns({ '_5269._tcp.x.example': 'SERVFAIL' });
    const settings = () => ({ servers: [server.server], timeoutMs: 5000 });
    const dns = createDns({ clock: systemClock, settings });
    onTestFinished(() => {
      dns.close();
      return server.stop();
    });
    const target = { host: 'x.example', port: 5269 } as Target;
    expect(await findDane(dns, { target, isSecure: true })).toMatchObject({ kind: 'failed' });
  });
});

describe('what a TLS socket tells', () => {
  /** Both sides of a handshake in which each shows a certificate, or the client none. */
  async function handshake(server: readonly Issued[], client: readonly Issued[]) {
    const context = (chain: readonly Issued[]) =>
      createSecureContext(
        chain.length === 0
          ? {}
          : { cert: chain.map(({ pem }) => pem).join(''), key: chain[0]?.keyPem ?? '' },
      );
    const accepted = new Promise<TLSSocket>((resolve) => {
      const listener = createServer((socket) => {
        const secured = new TLSSocket(socket, {
          isServer: true,
          secureContext: context(server),
          requestCert: true,
          rejectUnauthorized: false,
        });
        secured.on('error', () => undefined).on('secure', () => resolve(secured));
      }).listen(0, '127.0.0.1', () => {
        const { port } = listener.address() as AddressInfo;
        const socket = connect({
          socket: connectPlain(port, '127.0.0.1'),
          secureContext: context(client),
          rejectUnauthorized: false,
          servername: 'falcot.com',
        });
        onTestFinished(() => {
          socket.destroy();
          listener.close();
        });
        connected = new Promise((done) => socket.once('secureConnect', () => done(socket)));
      });
    });
    let connected: Promise<TLSSocket> = new Promise(() => undefined);
    const atServer = await accepted;
    onTestFinished(() => void atServer.destroy());
    return { atServer, atClient: await connected };
  }
  const names = (found: PeerEvidence) => found.chain.map(({ subject }) => subject);
  const forServers = issue({ dns: ['falcot.com'], by: middle, usages: ['serverAuth'] });

  test('the chain of either side; each is judged by what it showed', async () => {
    const { atServer, atClient } = await handshake([good, middle], [forServers, middle, root]);
    const ofServer = evidenceOf(atClient);
    const ofClient = evidenceOf(atServer);
    expect(names(ofServer)).toEqual(['CN=falcot.com', 'CN=Middle']);
    expect(names(ofClient)).toEqual(['CN=falcot.com', 'CN=Middle', 'CN=Root']);
    // The authority is none of Node's, and then the use is wrong: OpenSSL tells the last fault.
    expect(ofServer.verification).toBe('UNABLE_TO_GET_ISSUER_CERT_LOCALLY');
    expect(ofClient.verification).toBe('INVALID_PURPOSE');
    expect(trust.judge(ofServer, falcot, { role: 'server' })).toMatchObject({ ok: true });
    expect(trust.judge(ofClient, falcot, { role: 'client' })).toMatchObject({
      problems: [{ kind: 'usage' }],
    });
    const options = { role: 'client', acceptServerUsage: true } as const;
    expect(trust.judge(ofClient, falcot, options)).toMatchObject({ ok: true });
    expect(trust.judge(ofClient, domain('evil.example'), options)).toMatchObject({ ok: false });
  });

  test('a client that shows none', async () => {
    const { atServer } = await handshake([good, middle], []);
    expect(evidenceOf(atServer).chain).toEqual([]);
  });

  test('self-signed', async () => {
    const { atClient } = await handshake([issue({ dns: ['falcot.com'] })], []);
    expect(trust.judge(evidenceOf(atClient), falcot, { role: 'server' })).toMatchObject({
      problems: [{ kind: 'self-signed' }],
    });
  });
});

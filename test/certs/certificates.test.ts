import { createHash, X509Certificate } from 'node:crypto';
import { chmod, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { namesOf } from '../../src/certs/certificate.ts';
import type { Certificates, ServerTls } from '../../src/certs/types.ts';
import {
  caPem,
  DAY,
  domain,
  type Handshake,
  handshake,
  issue,
  keyOf,
  nextChange,
  opened,
  put,
  shiftedClock,
  temporaryFolder,
} from './support.ts';

const falcot = domain('falcot.com');
const chat = domain('chat.falcot.com');
const other = domain('other.example');
const oneHost = [{ domain: falcot, names: [] }];

/** Puts a pair into certbot's layout below the search folder. */
async function putLive(folder: string, certificate: string, key = keyOf(0)): Promise<void> {
  await put(join(folder, 'search/live/falcot.com/privkey.pem'), key);
  await put(join(folder, 'search/live/falcot.com/fullchain.pem'), certificate);
}

describe('a certificate is found', () => {
  test.each([
    ['certbot', 'live/falcot.com/fullchain.pem', 'live/falcot.com/privkey.pem'],
    ['certbot’s live folder itself', 'falcot.com/fullchain.pem', 'falcot.com/privkey.pem'],
    ['acme.sh with EC', 'falcot.com_ecc/fullchain.cer', 'falcot.com_ecc/falcot.com.key'],
    ['acme.sh with RSA', 'falcot.com/fullchain.cer', 'falcot.com/falcot.com.key'],
    ['plain .pem and .key', 'falcot.com.pem', 'falcot.com.key'],
    ['plain .crt and .key', 'falcot.com.crt', 'falcot.com.key'],
    ['plain .pem and -key.pem', 'falcot.com.pem', 'falcot.com-key.pem'],
    ['one file under another name', 'all.pem', 'all.pem'],
  ])('in the layout of %s', async (_, certificate, key) => {
    const folder = await temporaryFolder();
    const chain = `${issue(['falcot.com'])}${caPem}`;
    await put(join(folder, 'search', key), keyOf(0));
    await put(join(folder, 'search', certificate), certificate === key ? chain + keyOf(0) : chain);
    const certs = await opened(folder);
    expect(certs.info(falcot)).toMatchObject({
      source: 'found',
      issuer: 'CN=Test CA',
      chainLength: 2,
      selfSigned: false,
      problems: [],
      certificateFile: join(folder, 'search', certificate),
      keyFile: join(folder, 'search', key),
    });
  });

  test('by its names: a wildcard of the parent serves, an exact name is preferred', async () => {
    const folder = await temporaryFolder();
    await put(join(folder, 'search/wild.crt'), issue(['*.falcot.com']));
    await put(join(folder, 'search/wild.key'), keyOf(0));
    const hosts = [{ domain: chat, names: [] }];
    const certs = await opened(folder, { hosts });
    expect(certs.info(chat)?.names).toEqual(['*.falcot.com']);
    await put(join(folder, 'search/exact.key'), keyOf(0));
    await put(join(folder, 'search/exact.crt'), issue(['chat.falcot.com'], { until: 30 }));
    await certs.check();
    expect(certs.info(chat)?.names).toEqual(['chat.falcot.com']);
  });

  test('valid before expired, then the one that lives longest', async () => {
    const folder = await temporaryFolder();
    const lives = { old: { from: -90, until: -1 }, short: { until: 5 }, long: { until: 60 } };
    for (const [name, life] of Object.entries(lives)) {
      await put(join(folder, `search/${name}.pem`), issue(['falcot.com'], life) + keyOf(0));
    }
    const certs = await opened(folder);
    expect(certs.info(falcot)?.certificateFile).toMatch(/long\.pem$/);
  });

  test('the files that the config names win, an imported one wins over a found one', async () => {
    const folder = await temporaryFolder();
    await putLive(folder, issue(['falcot.com']));
    const certs = await opened(folder);
    expect(certs.info(falcot)?.source).toBe('found');
    const given = { domain: falcot, certificate: issue(['falcot.com']), key: keyOf(0) };
    expect((await certs.importCertificate(given)).ok).toBe(true);
    expect(certs.info(falcot)?.source).toBe('imported');
    const files = { certificate: join(folder, 'mine.pem'), key: join(folder, 'mine.key') };
    await put(files.certificate, issue(['falcot.com'], { key: 1 }));
    await put(files.key, keyOf(1));
    const tls = { minVersion: '1.2' } as const;
    await certs.reload({ hosts: [{ domain: falcot, names: [], files }], searchDirs: [], tls });
    expect(certs.info(falcot)).toMatchObject({
      source: 'configured',
      certificateFile: files.certificate,
    });
  });
});

describe('where there is none', () => {
  test('a self-signed one is made, names the host and its names, and stays', async () => {
    const folder = await temporaryFolder();
    const hosts = [{ domain: falcot, names: [chat] }];
    const first = await opened(folder, { hosts });
    const info = first.info(falcot);
    expect(info).toMatchObject({ source: 'self-signed', selfSigned: true, keyType: 'EC P-256' });
    expect(info?.names).toEqual(expect.arrayContaining(['falcot.com', 'chat.falcot.com']));
    const second = await opened(folder, { hosts });
    expect(second.info(falcot)?.fingerprint).toBe(info?.fingerprint);
  });

  test('it is made anew with its key when names are added or its end is near', async () => {
    const folder = await temporaryFolder();
    const clock = shiftedClock();
    const certs = await opened(folder, { clock });
    const before = certs.info(falcot);
    const tls = { minVersion: '1.2' } as const;
    await certs.reload({ hosts: [{ domain: falcot, names: [chat] }], searchDirs: [], tls });
    const named = certs.info(falcot);
    expect(named?.names).toContain('chat.falcot.com');
    expect(named?.publicKeySha256).toBe(before?.publicKeySha256);
    clock.ahead = 800 * DAY;
    await certs.check();
    expect(certs.info(falcot)?.notAfter).toBeGreaterThan((named?.notAfter ?? 0) + 700 * DAY);
  });

  test('one lives in memory where the folder cannot be written', async () => {
    const folder = await temporaryFolder();
    await put(join(folder, 'file'), '');
    const certs = await opened(folder, { folder: join(folder, 'file') });
    const info = certs.info(falcot);
    expect(info).toMatchObject({ source: 'self-signed' });
    expect(info?.problems.length).toBeGreaterThan(0);
    await certs.check();
    expect(certs.info(falcot)?.fingerprint).toBe(info?.fingerprint);
  });

  test('generating one on demand does not displace one of an authority', async () => {
    const folder = await temporaryFolder();
    const certs = await opened(folder);
    const before = certs.info(falcot);
    await certs.generateSelfSigned(falcot, { key: 'rsa', names: [other] });
    expect(certs.info(falcot)).toMatchObject({ keyType: 'RSA 2048', source: 'self-signed' });
    expect(certs.info(falcot)?.names).toContain('other.example');
    expect(certs.info(falcot)?.fingerprint).not.toBe(before?.fingerprint);
    await putLive(folder, issue(['falcot.com']));
    await certs.check();
    const found = certs.info(falcot);
    await certs.generateSelfSigned(falcot);
    expect(certs.info(falcot)).toEqual(found);
  });
});

describe('a change on disk', () => {
  test('is taken over when the files are written anew', async () => {
    const folder = await temporaryFolder();
    await putLive(folder, issue(['falcot.com']));
    const certs = await opened(folder);
    const before = certs.contextFor(falcot);
    const changed = nextChange(certs);
    await putLive(folder, issue(['falcot.com'], { key: 1 }), keyOf(1));
    const info = await changed;
    expect(info.fingerprint).toBe(certs.info(falcot)?.fingerprint);
    expect(info.problems).toEqual([]);
    expect(certs.contextFor(falcot)).not.toBe(before);
  });

  test('is taken over when certbot swaps its links', async () => {
    const folder = await temporaryFolder();
    const live = join(folder, 'search/live/falcot.com');
    const archive = join(folder, 'search/archive/falcot.com');
    await mkdir(live, { recursive: true });
    const [first, renewed] = [30, 60].map((until) => issue(['falcot.com'], { until }));
    for (const [index, chain] of [first, renewed].entries()) {
      await put(join(archive, `privkey${index + 1}.pem`), keyOf(0));
      await put(join(archive, `fullchain${index + 1}.pem`), chain ?? '');
    }
    const link = async (name: string, which: number) => {
      await symlink(`../../archive/falcot.com/${name}${which}.pem`, join(live, 'new'));
      await rename(join(live, 'new'), join(live, `${name}.pem`));
    };
    await link('privkey', 1);
    await link('fullchain', 1);
    const certs = await opened(folder);
    const endOf = (pem: string | undefined) => Date.parse(new X509Certificate(pem ?? '').validTo);
    expect(certs.info(falcot)?.notAfter).toBe(endOf(first));
    const changed = nextChange(certs);
    await link('fullchain', 2);
    expect((await changed).notAfter).toBe(endOf(renewed));
  });

  test('replaces a self-signed certificate as soon as a found one is there', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'search'));
    const certs = await opened(folder);
    const changed = nextChange(certs);
    await put(join(folder, 'search/falcot.com.pem'), issue(['falcot.com']) + keyOf(0));
    expect(await changed).toMatchObject({ source: 'found' });
  });

  test.each<[string, (folder: string) => Promise<void>]>([
    ['a broken certificate', (folder) => putLive(folder, 'rubbish')],
    ['a key of another', (folder) => putLive(folder, issue(['falcot.com']), keyOf(1))],
    [
      'an expired certificate',
      (folder) => putLive(folder, issue(['falcot.com'], { from: -9, until: -1 })),
    ],
    ['a certificate of another name', (folder) => putLive(folder, issue(['falcot.org']))],
    ['nothing at all', (folder) => rm(join(folder, 'search'), { recursive: true })],
  ])('to %s leaves the one in use, and is told', async (_, spoil) => {
    const folder = await temporaryFolder();
    await putLive(folder, issue(['falcot.com']));
    const certs = await opened(folder);
    const before = certs.info(falcot);
    const holder = certs.contextFor(falcot);
    await spoil(folder);
    await certs.check();
    expect(certs.contextFor(falcot)).toBe(holder);
    expect(certs.info(falcot)).toMatchObject({ fingerprint: before?.fingerprint, source: 'found' });
    expect(certs.info(falcot)?.problems.join()).toContain('can no longer be used');
  });

  test('to configured files that break leaves what they held', async () => {
    const folder = await temporaryFolder();
    const files = { certificate: join(folder, 'a.pem'), key: join(folder, 'a.key') };
    await put(files.key, keyOf(0));
    await put(files.certificate, issue(['falcot.com']));
    const certs = await opened(folder, { hosts: [{ domain: falcot, names: [], files }] });
    const before = certs.info(falcot)?.fingerprint;
    await put(files.key, keyOf(1));
    await certs.check();
    expect(certs.info(falcot)).toMatchObject({ fingerprint: before, source: 'configured' });
    expect(certs.info(falcot)?.problems[0]).toContain('does not belong');
  });
});

describe('files that the config names instead and that cannot be used', () => {
  const broken: readonly (readonly [title: string, key: string, what: string])[] = [
    ['since the key is that of another one', keyOf(1), 'does not belong'],
    ['since OpenSSL refuses the key', keyOf(2), 'cannot be used'],
  ];
  test.each(broken)('%s: the ones in use stay', async (_, key, what) => {
    const folder = await temporaryFolder();
    const good = { certificate: join(folder, 'a.pem'), key: join(folder, 'a.key') };
    const bad = { certificate: join(folder, 'b.pem'), key: join(folder, 'b.key') };
    await put(good.key, keyOf(0));
    await put(good.certificate, issue(['falcot.com']));
    await put(bad.key, key);
    await put(bad.certificate, issue(['falcot.com'], key === keyOf(2) ? { key: 2 } : {}));
    const hosts = (files: typeof good) => [{ domain: falcot, names: [], files }];
    const certs = await opened(folder, { hosts: hosts(good) });
    const before = certs.info(falcot)?.fingerprint;
    await certs.reload({ hosts: hosts(bad), searchDirs: [], tls: { minVersion: '1.2' } });
    expect(certs.info(falcot)).toMatchObject({ fingerprint: before, source: 'configured' });
    expect(certs.info(falcot)?.problems.join()).toContain(what);
    await certs.check();
    expect(certs.info(falcot)).toMatchObject({ fingerprint: before, source: 'configured' });
  });
});

describe('problems are told', () => {
  test('of configured files that cannot be used from the start', async () => {
    const folder = await temporaryFolder();
    const files = { certificate: join(folder, 'none.pem'), key: join(folder, 'none.key') };
    const certs = await opened(folder, { hosts: [{ domain: falcot, names: [], files }] });
    expect(certs.info(falcot)?.source).toBe('self-signed');
    expect(certs.info(falcot)?.problems[0]).toContain('none.pem: there is no such file');
  });

  test('of a configured certificate that names neither the host nor its names, or expired', async () => {
    const folder = await temporaryFolder();
    const files = { certificate: join(folder, 'a.pem'), key: join(folder, 'a.pem') };
    await put(files.key, issue(['falcot.org'], { from: -9, until: -1 }) + keyOf(0));
    const certs = await opened(folder, { hosts: [{ domain: falcot, names: [chat], files }] });
    expect(certs.info(falcot)?.problems).toEqual([
      'it does not name falcot.com',
      expect.stringContaining('it expired on'),
      'it does not name chat.falcot.com',
    ]);
  });

  test('of a key that OpenSSL refuses: a self-signed one stands in, or what was in use', async () => {
    const folder = await temporaryFolder();
    await putLive(folder, issue(['falcot.com'], { key: 2 }), keyOf(2));
    const certs = await opened(folder);
    expect(certs.info(falcot)?.source).toBe('self-signed');
    expect(certs.info(falcot)?.problems[0]).toContain('fullchain.pem: cannot be used');
    await putLive(folder, issue(['falcot.com']));
    await certs.check();
    const good = certs.contextFor(falcot);
    await putLive(folder, issue(['falcot.com'], { key: 2 }), keyOf(2));
    await certs.check();
    expect(certs.contextFor(falcot)).toBe(good);
    expect(certs.info(falcot)).toMatchObject({ source: 'found', keyType: 'RSA 2048' });
  });

  test('of one that expires soon', async () => {
    const folder = await temporaryFolder();
    await putLive(folder, issue(['falcot.com'], { until: 10.5 }));
    const certs = await opened(folder);
    expect(certs.info(falcot)?.problems).toEqual(['it expires in 10 days']);
  });

  test('unknown ciphers are refused on reload, and the settings before stay', async () => {
    const folder = await temporaryFolder();
    const certs = await opened(folder);
    const holder = certs.contextFor(falcot);
    const tls = { minVersion: '1.2', ciphers: 'ROT13' } as const;
    await expect(certs.reload({ hosts: oneHost, searchDirs: [], tls })).rejects.toThrow();
    await certs.check();
    expect(certs.contextFor(falcot)).toBe(holder);
  });
});

describe('TLS', () => {
  const hosts = [
    { domain: falcot, names: [domain('conference.falcot.com')] },
    { domain: other, names: [] },
  ];

  test('the certificate is chosen by server name: host, name of a host, wildcard, else the default', async () => {
    const folder = await temporaryFolder();
    await putLive(folder, issue(['falcot.com', '*.falcot.com']));
    const certs = await opened(folder, { hosts });
    const shownFor = async (servername: string | undefined, fallback?: typeof falcot) => {
      const client = {
        rejectUnauthorized: false,
        ...(servername === undefined ? {} : { servername }),
      };
      const { shown, believed } = await handshake(certs.serverOptions(fallback), client);
      expect(believed).toEqual(shown);
      return namesOf(shown).dns[0];
    };
    expect(await shownFor('other.example')).toBe('other.example');
    expect(await shownFor('OTHER.example')).toBe('other.example');
    expect(await shownFor('conference.falcot.com')).toBe('falcot.com');
    expect(await shownFor('anything.falcot.com')).toBe('falcot.com');
    expect(await shownFor('unknown.example')).toBe('falcot.com');
    expect(await shownFor(undefined)).toBe('falcot.com');
    expect(await shownFor(undefined, other)).toBe('other.example');
    expect(await shownFor('unknown.example', other)).toBe('other.example');
  });

  test('a client that trusts the authority is content with the chain that is sent', async () => {
    const folder = await temporaryFolder();
    await putLive(folder, issue(['falcot.com']) + caPem);
    const certs = await opened(folder);
    const { client } = await handshake(certs.serverOptions(undefined), {
      ca: caPem,
      servername: 'falcot.com',
    });
    expect(client.authorized).toBe(true);
  });

  describe('RFC 5929 §4.1: the end point hash is that of the certificate that is shown', () => {
    const named = { rejectUnauthorized: false, servername: 'other.example' };
    const hashOf = (raw: Buffer) => createHash('sha256').update(raw).digest();
    const meet = async (
      certs: Certificates,
      client: object,
      fallback?: typeof falcot,
    ): Promise<{ tls: ServerTls; met: Handshake; hash: () => Buffer | undefined }> => {
      const tls = certs.serverTls(fallback);
      const met = await handshake(tls.options, client);
      const { accepted } = met;
      if (accepted === undefined) throw new Error('nothing was accepted');
      return { tls, met, hash: () => tls.endPointHash(accepted) };
    };

    test('to one who names a host, and to one who names none', async () => {
      const certs = await opened(await temporaryFolder(), { hosts });
      const { met, hash } = await meet(certs, named);
      expect(hash()).toEqual(hashOf(met.shown));
      const nameless = await meet(certs, { rejectUnauthorized: false }, other);
      expect(nameless.met.shown).toEqual(met.shown);
      expect(nameless.hash()).toEqual(hashOf(met.shown));
      const unknown = await meet(certs, { ...named, servername: 'unknown.example' });
      expect(unknown.met.shown).not.toEqual(met.shown);
      expect(unknown.hash()).toEqual(hashOf(unknown.met.shown));
    });

    test('also when it was replaced since', async () => {
      const folder = await temporaryFolder();
      await putLive(folder, issue(['falcot.com']));
      const certs = await opened(folder);
      const client = { ...named, servername: 'falcot.com' };
      const before = await meet(certs, client);
      await putLive(folder, issue(['falcot.com']));
      await certs.check();
      const after = await meet(certs, client);
      expect(after.met.shown).not.toEqual(before.met.shown);
      expect(before.hash()).toEqual(hashOf(before.met.shown));
      expect(after.hash()).toEqual(hashOf(after.met.shown));
    });

    test('where TLS 1.3 is resumed, that of the host that was named', async () => {
      const certs = await opened(await temporaryFolder(), { hosts });
      const first = await meet(certs, named);
      await expect.poll(first.met.session).toBeDefined();
      const again = await meet(certs, { ...named, session: first.met.session() });
      expect(again.met.client.isSessionReused()).toBe(true);
      expect(again.hash()).toEqual(hashOf(first.met.shown));
    });

    test('of TLS 1.2 too, whatever the kinds of keys', async () => {
      const folder = await temporaryFolder();
      const certs = await opened(folder, { hosts });
      const old = { ...named, maxVersion: 'TLSv1.2' };
      const alike = await meet(certs, old);
      expect(alike.hash()).toEqual(hashOf(alike.met.shown));
      await certs.generateSelfSigned(falcot, { key: 'rsa' });
      const unlike = await meet(certs, old);
      expect(unlike.hash()).toEqual(hashOf(unlike.met.shown));
    });
  });

  test('a session ticket outlives the certificate', async () => {
    const folder = await temporaryFolder();
    await putLive(folder, issue(['falcot.com']));
    const certs = await opened(folder);
    const options = {
      rejectUnauthorized: false,
      servername: 'falcot.com',
      maxVersion: 'TLSv1.2',
    } as const;
    const { client } = await handshake(certs.serverOptions(falcot), options);
    const session = client.getSession();
    if (session === undefined) throw new Error('there is no session');
    await putLive(folder, issue(['falcot.com']));
    await certs.check();
    const again = await handshake(certs.serverOptions(falcot), { ...options, session });
    expect(again.client.isSessionReused()).toBe(true);
  });

  test('the oldest version is that of the settings, also after they change', async () => {
    const folder = await temporaryFolder();
    const certs = await opened(folder);
    const old = { rejectUnauthorized: false, maxVersion: 'TLSv1.2' } as const;
    expect((await handshake(certs.serverOptions(falcot), old)).client.getProtocol()).toBe(
      'TLSv1.2',
    );
    await certs.reload({ hosts: oneHost, searchDirs: [], tls: { minVersion: '1.3' } });
    await expect(handshake(certs.serverOptions(falcot), old)).rejects.toThrow();
  });
});

test('a host that is removed has no certificate any more, one that is added gets its own', async () => {
  const folder = await temporaryFolder();
  const certs = await opened(folder);
  await certs.reload({
    hosts: [{ domain: other, names: [] }],
    searchDirs: [],
    tls: { minVersion: '1.2' },
  });
  expect(certs.contextFor(falcot)).toBeUndefined();
  expect(certs.lookup('falcot.com')).toBe(certs.contextFor(other));
  expect(certs.list().map((each) => each.domain)).toEqual(['other.example']);
});

test('a search folder that may not be read is told, not fatal', async () => {
  const folder = await temporaryFolder();
  const locked = join(folder, 'search');
  await mkdir(locked);
  await writeFile(join(locked, 'falcot.com.pem'), issue(['falcot.com']) + keyOf(0));
  await chmod(locked, 0o000);
  const isReadable = await readdir(locked).then(
    () => true,
    () => false,
  );
  const certs = await opened(folder);
  const info = certs.info(falcot);
  await chmod(locked, 0o700);
  // root may read everything
  expect(info?.source).toBe(isReadable ? 'found' : 'self-signed');
  if (!isReadable) expect(info?.problems[0]).toContain('cannot be searched');
});

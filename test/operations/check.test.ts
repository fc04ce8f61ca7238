import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkCertificate, checkPort } from '../../src/operations/check.ts';
import { checkDns } from '../../src/operations/check-dns.ts';
import { createLookup, type Lookup } from '../../src/operations/dns-lookup.ts';
import type { Finding } from '../../src/operations/findings.ts';
import { machinePorts } from '../../src/operations/port-probe.ts';
import {
  certificate,
  type Desk,
  developmentConfig,
  domainNamed,
  lookupOf,
  setDesk,
} from './support.ts';

const now = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;
const falcot = domainNamed('falcot.com');

describe('server.check', () => {
  let desk: Desk;
  beforeEach(async () => {
    desk = await setDesk(['jo@falcot.com']);
    desk.world.certificates = [certificate('falcot.com')];
    desk.world.lookup = lookupOf({
      addresses: { 'falcot.com': ['127.0.0.1'] },
      srv: { '_xmpps-client._tcp.falcot.com': [['falcot.com', 5223]] },
    });
  });
  afterEach(() => desk.stop());

  test('finds nothing wrong where nothing is', async () => {
    const { healthy, findings } = await desk.value('server.check');
    expect((findings as Finding[]).filter(({ level }) => level !== 'ok')).toEqual([]);
    expect(healthy).toBe(true);
    expect(new Set((findings as Finding[]).map(({ area }) => area))).toEqual(
      new Set(['config', 'certificate', 'port', 'dns']),
    );
  });

  test('is not healthy with one error', async () => {
    desk.world.faults = [{ file: 'rtcd.yaml', line: 2, column: 1, key: 'x', message: 'is wrong' }];
    const { healthy, findings } = await desk.value('server.check');
    expect(healthy).toBe(false);
    expect(findings).toContainEqual({
      level: 'error',
      area: 'config',
      subject: 'rtcd.yaml:2',
      text: 'x: is wrong',
    });
  });

  test('takes only addresses for name servers', async () => {
    expect(await desk.refusal('server.check', { dns: ['dns.example'] })).toMatch(
      /not an IP address/,
    );
  });
});

describe('certificates', () => {
  const levels = (changes: Parameters<typeof certificate>[1]) =>
    checkCertificate(falcot, certificate('falcot.com', changes), now).map(
      ({ level, text }) => `${level}: ${text}`,
    );

  test.each([
    [{ notAfter: now + 90 * DAY }, /^ok: .*Let's Encrypt R11/],
    [{ notAfter: now + 29 * DAY }, /^warning: It ends in 29 days, on 2026-01-30/],
    [{ notAfter: now + 6 * DAY }, /^error: It ends in 6 days/],
    [{ notAfter: now }, /^error: It ended on 2026-01-01/],
    [{ notBefore: now + DAY }, /^error: It is not valid yet/],
    [{ selfSigned: true }, /^warning: It is self-signed/],
  ])('%j', (changes, first) => {
    expect(levels(changes)[0]).toMatch(first);
  });

  test('that do not name the domain are an error, other problems a warning, each told once', () => {
    const problems = ['it does not name falcot.com', 'it does not name chat.falcot.com'];
    expect(levels({ names: ['*.far.example'], problems })).toEqual([
      expect.stringMatching(/^ok/),
      expect.stringMatching(/^error: It does not name falcot.com, only \*.far.example/),
      'warning: it does not name chat.falcot.com.',
    ]);
  });

  test('self-signed ones are right for localhost; a missing one is never', () => {
    const local = domainNamed('localhost');
    const own = certificate('localhost', { selfSigned: true });
    expect(checkCertificate(local, own, now)).toMatchObject([{ level: 'ok' }]);
    expect(checkCertificate(local, undefined, now)).toMatchObject([{ level: 'error' }]);
  });
});

describe('DNS', () => {
  const check = async (lookup: Lookup, ports: { c2s?: number; c2sTls?: number } = {}) => {
    const usual = await developmentConfig();
    const { listeners } = usual.server;
    const config = {
      ...usual,
      server: {
        ...usual.server,
        listeners: {
          ...listeners,
          c2s: { ...listeners.c2s, port: ports.c2s ?? 5222 },
          c2sTls: { ...listeners.c2sTls, port: ports.c2sTls ?? 5223 },
        },
      },
    };
    const findings = await checkDns(falcot, { config, lookup, own: ['192.0.2.1'] });
    return findings.map(({ level, subject, text }) => `${level} ${subject}: ${text}`);
  };
  const here = { 'falcot.com': ['192.0.2.1'] };

  test('RFC 6120 §3.2.2 no SRV record is right on the usual port only', async () => {
    const lookup = lookupOf({ addresses: here });
    expect(await check(lookup)).toContainEqual(
      expect.stringMatching(/^ok _xmpp-client\._tcp\.falcot\.com: It has no record/),
    );
    expect(await check(lookup, { c2s: 15222 })).toContainEqual(
      expect.stringMatching(
        /^error .*Add: _xmpp-client\._tcp\.falcot\.com\. SRV 0 5 15222 falcot\.com\./,
      ),
    );
  });

  test('XEP-0368 direct TLS is not found without a record', async () => {
    expect(await check(lookupOf({ addresses: here }))).toContainEqual(
      expect.stringMatching(
        /^warning _xmpps-client\._tcp\.falcot\.com: .*SRV 0 5 5223 falcot\.com\./,
      ),
    );
  });

  test('records are compared with what is offered, and their targets with addresses', async () => {
    const srv = {
      '_xmpp-client._tcp.falcot.com': [
        ['chat.falcot.com', 5222],
        ['gone.falcot.com', 5222],
        ['chat.falcot.com', 5299],
      ] as [string, number][],
    };
    const addresses = { ...here, 'chat.falcot.com': ['192.0.2.1'] };
    const said = (await check(lookupOf({ addresses, srv }))).filter((text) =>
      text.includes('_xmpp-client._tcp.falcot.com:'),
    );
    expect(said).toEqual([
      expect.stringMatching(/^ok .*It leads to chat\.falcot\.com:5222 \(192\.0\.2\.1\)/),
      expect.stringMatching(/^error .*gone\.falcot\.com, which has no address/),
      expect.stringMatching(/^error .*chat\.falcot\.com:5299, but the server listens on 5222/),
    ]);
  });

  test('RFC 2782 a target of "." says that there is no service', async () => {
    const srv = { '_xmpp-client._tcp.falcot.com': [['', 0]] as [string, number][] };
    expect(await check(lookupOf({ addresses: here, srv }))).toContainEqual(
      expect.stringMatching(/^error .*no such service/),
    );
  });

  test('records for other servers are named only when there are some', async () => {
    const srv = { '_xmpp-server._tcp.falcot.com': [['falcot.com', 5269]] as [string, number][] };
    const said = (await check(lookupOf({ addresses: here, srv }))).join('\n');
    expect(said).toMatch(/warning _xmpp-server\._tcp\.falcot\.com: It is published/);
    expect((await check(lookupOf({ addresses: here }))).join('\n')).not.toContain('_xmpp-server');
  });

  test('addresses elsewhere, none, and a DNS that does not answer', async () => {
    const first = async (lookup: Lookup) => (await check(lookup))[0];
    expect(await first(lookupOf({ addresses: { 'falcot.com': ['198.51.100.7'] } }))).toMatch(
      /^warning .*not an address of this machine/,
    );
    expect(await first(lookupOf({}))).toMatch(/^warning .*It has no address/);
    const failing = async () => ({ ok: false, text: 'it did not answer' }) as const;
    expect(await first({ addresses: failing, srv: failing })).toMatch(/^error .*did not answer/);
  });

  test.each(['localhost', 'server.local', 'montague.example', '192.0.2.1'])(
    'is not asked for %s',
    async (name) => {
      const failing = () => Promise.reject(new Error('asked'));
      const config = await developmentConfig();
      const lookup = { addresses: failing, srv: failing };
      const findings = await checkDns(domainNamed(name), { config, lookup, own: [] });
      expect(findings).toMatchObject([{ level: 'ok' }]);
    },
  );
});

/** A name server that answers every question with a code (RFC 1035 §4.1.1), or never. */
async function nameServer(code: number | undefined) {
  const socket = createSocket('udp4');
  socket.on('message', (question, from) => {
    if (code === undefined) return;
    const answer = Buffer.from(question);
    answer.writeUInt16BE(0x8180 | code, 2);
    socket.send(answer, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return { address: `127.0.0.1:${socket.address().port}`, close: () => socket.close() };
}

describe('the look-up', () => {
  test.each([
    [3, { ok: true, records: [] }],
    [0, { ok: true, records: [] }],
    [2, { ok: false, text: 'the name server failed' }],
    [undefined, { ok: false, text: 'the name server did not answer in time' }],
  ])('of a name server that answers %s', async (code, expected) => {
    const server = await nameServer(code);
    try {
      const lookup = createLookup({ servers: [server.address], timeoutMs: 200, tries: 1 });
      expect(await lookup.srv('_xmpp-client._tcp.falcot.com')).toEqual(expected);
      expect(await lookup.addresses('falcot.com')).toEqual(expected);
    } finally {
      server.close();
    }
  });
});

describe('ports', () => {
  const taken = async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const at = server.address();
    if (at === null || typeof at === 'string') throw new Error('no port');
    return { port: at.port, close: () => new Promise((resolve) => server.close(resolve)) };
  };

  test('are probed: taken by whom, then free', async () => {
    const { port, close } = await taken();
    const state = await machinePorts.state('127.0.0.1', port);
    expect(state).toMatchObject({ kind: 'taken' });
    if (process.platform === 'linux')
      expect(state).toMatchObject({ owner: expect.stringContaining(`(pid ${process.pid})`) });
    expect(await machinePorts.answers('127.0.0.1', port)).toBe(true);
    await close();
    expect(await machinePorts.state('127.0.0.1', port)).toEqual({ kind: 'free' });
    expect(await machinePorts.answers('127.0.0.1', port)).toBe(false);
  });

  test('an address of another machine cannot be listened on', async () => {
    expect(await machinePorts.state('192.0.2.1', 50_000)).toEqual({ kind: 'no-address' });
  });

  test.each([
    [{ isServing: true, answers: true }, 'ok'],
    [{ isServing: true, answers: false }, 'error'],
    [{ isServing: false, state: { kind: 'free' } }, 'ok'],
    [{ isServing: false, state: { kind: 'taken', owner: 'nginx (pid 8)' } }, 'error'],
    [{ isServing: false, state: { kind: 'forbidden' } }, 'error'],
    [{ isServing: false, state: { kind: 'no-address' } }, 'error'],
    [{ isServing: false, state: { kind: 'failed', code: 'EMFILE' } }, 'error'],
  ] as const)('%j is %s', async (given, level) => {
    const ports = {
      state: async () => ('state' in given ? given.state : ({ kind: 'free' } as const)),
      answers: async () => 'answers' in given && given.answers,
    };
    const socket = { name: 'c2s', address: '192.0.2.1', port: 5222 };
    const finding = await checkPort(socket, { ports, isServing: given.isServing });
    expect(finding).toMatchObject({ level, area: 'port', subject: 'c2s 192.0.2.1:5222' });
    if ('state' in given && given.state.kind === 'taken')
      expect(finding.text).toContain('nginx (pid 8)');
  });
});

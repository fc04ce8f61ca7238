import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkCertificate, checkPort } from '../../src/operations/check.ts';
import type { Finding } from '../../src/operations/findings.ts';
import { machinePorts } from '../../src/operations/port-probe.ts';
import { bare, certificate, type Desk, domainNamed, lookupOf, setDesk } from './support.ts';

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

  test('warns of what is missing, and of a certificate that others do not believe', async () => {
    const missing = { file: 'rtcd.yaml', line: 2, column: 1, key: 'certificates', message: 'x' };
    desk.world.warnings = [missing];
    desk.world.doubts = ['the authority “Falcot Root” is not known here'];
    const { healthy, findings } = await desk.value('server.check');
    expect(healthy).toBe(true);
    expect((findings as Finding[]).filter(({ level }) => level === 'warning')).toEqual([
      { level: 'warning', area: 'config', subject: 'rtcd.yaml:2', text: 'certificates: x' },
      {
        level: 'warning',
        area: 'certificate',
        subject: 'falcot.com',
        text: 'It ends on 2026-06-01, but the authority “Falcot Root” is not known here. Clients warn of it, and other servers that verify certificates fall back to dialback or refuse.',
      },
    ]);
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

  test.each([
    [10, 'error', false],
    [100, 'warning', true],
    [1000, undefined, true],
  ])('%i MiB on the disk: %s', async (mebibytes, level, isHealthy) => {
    desk.world.roomBytes = mebibytes * 1024 * 1024;
    const { healthy, findings } = await desk.value('server.check');
    expect(healthy).toBe(isHealthy);
    const [found] = (findings as Finding[]).filter(({ area }) => area === 'disk');
    expect(found?.level).toBe(level);
    if (found !== undefined)
      expect(found.text).toMatch(`${mebibytes} MiB are left. Make room there`);
  });

  test('tells of an admin of a domain who is of another one', async () => {
    const host = desk.scene.hosts.get(falcot);
    if (host === undefined) throw new Error('no host');
    const admins = [bare('jo@falcot.com'), bare('eva@far.example')];
    desk.scene.hosts.replace([{ ...host, config: { ...host.config, admins } }]);
    const { healthy, findings } = await desk.value('server.check');
    expect(healthy).toBe(true);
    expect((findings as Finding[]).filter(({ level }) => level === 'warning')).toEqual([
      expect.objectContaining({
        area: 'config',
        subject: 'falcot.com',
        text: expect.stringMatching(/^eva@far\.example, of another domain, does not become/),
      }),
    ]);
  });

  test('takes only addresses for name servers', async () => {
    expect(await desk.refusal('server.check', { dns: ['dns.example'] })).toMatch(
      /not an IP address/,
    );
  });
});

describe('certificates', () => {
  const levels = (changes: Parameters<typeof certificate>[1]) =>
    checkCertificate(falcot, certificate('falcot.com', changes), now, []).map(
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
    expect(checkCertificate(local, own, now, [])).toMatchObject([{ level: 'ok' }]);
    expect(checkCertificate(local, undefined, now, [])).toMatchObject([{ level: 'error' }]);
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

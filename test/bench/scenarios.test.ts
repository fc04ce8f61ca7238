/** The load generator against rtcd: that it works, not how fast. */
import { rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Transport } from '../../bench/load/client.ts';
import type { Figure, Scene } from '../../bench/load/scene.ts';
import { KeyCache } from '../../bench/load/scram.ts';
import { runArchive } from '../../bench/scenarios/archive.ts';
import { runIdle } from '../../bench/scenarios/idle.ts';
import { runLogins } from '../../bench/scenarios/logins.ts';
import { runNodes } from '../../bench/scenarios/nodes.ts';
import { runOffline } from '../../bench/scenarios/offline.ts';
import { type PairsOptions, runPairs } from '../../bench/scenarios/pairs.ts';
import { runResume } from '../../bench/scenarios/resume.ts';
import { runRoom } from '../../bench/scenarios/room.ts';
import { runRoster } from '../../bench/scenarios/roster.ts';
import type { Certificate } from '../../bench/servers/certificate.ts';
import { makeFolder } from '../../bench/servers/child.ts';
import { accountsOf } from '../../bench/servers/people.ts';
import { startRtcd } from '../../bench/servers/rtcd.ts';
import type { RunningServer } from '../../bench/servers/setup.ts';
import { portFor } from '../../bench/stage.ts';
import { issue } from '../s2s/authority.ts';

const program = resolve(import.meta.dirname, '../../dist/main.js');
const people = { prefix: 'bench', password: 'a password', count: 8, contacts: 2 };
const accounts = accountsOf(people);
/** Accounts of the archive's own. */
const ARCHIVED = accounts.slice(6);
/** Two processes start, one after the other. */
const START_MS = 120_000;
const figureOf = (figures: readonly Figure[], name: string) =>
  figures.find((figure) => figure.name === name)?.value;

/** A certificate that is made without openssl, which need not be installed for tests. */
async function writeCertificate(folder: string): Promise<Certificate> {
  const { pem, keyPem } = issue({ dns: ['localhost'] });
  const [keyFile, certificateFile] = [join(folder, 'key'), join(folder, 'crt')];
  await writeFile(keyFile, keyPem);
  await writeFile(certificateFile, pem);
  return { keyFile, certificateFile, bothFile: '' };
}

describe('the load generator', () => {
  let server: RunningServer;
  let folder: string;
  beforeAll(async () => {
    folder = await makeFolder('test');
    const certificate = await writeCertificate(folder);
    const setup = { people, isArchiving: true, store: 'default', certificate } as const;
    server = await startRtcd({ ...setup, core: undefined }, { program });
  }, START_MS);
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const scene = (transport: Transport = 'starttls'): Scene => {
    const { pid, host, domain } = server;
    const port = portFor(transport, server);
    const context = createSecureContext();
    const endpoint = { host, port, domain, transport, context, timeout: 10_000 };
    return { endpoint, accounts, keys: new KeyCache(true), pids: [pid] };
  };

  const LOGINS = { logins: 6, concurrency: 2, loginAccounts: 4, loginsBefore: 2 };
  test.each(['tcp', 'starttls', 'direct', 'edge', 'websocket'] as const)(
    'logs in and out (%s)',
    async (transport) => {
      const figures = await runLogins(scene(transport), LOGINS);
      expect(figureOf(figures, 'logins')).toBeGreaterThan(0);
      expect(figureOf(figures, 'login latency max')).toBeGreaterThan(0);
    },
  );

  test('devices come back with a token and a TLS session', async () => {
    const figures = await runResume(scene('direct'), LOGINS);
    expect(figureOf(figures, 'logins')).toBeGreaterThan(0);
    expect(figureOf(figures, 'TLS sessions resumed')).toBe(100);
  });

  test('all come online and see their contacts', async () => {
    const figures = await runRoster(scene(), { contacts: 2, logins: 8, concurrency: 4 });
    expect(figureOf(figures, 'logins')).toBeGreaterThan(0);
    expect(figureOf(figures, 'contacts not seen')).toBe(0);
  });

  test('a wrong password is told, not measured', async () => {
    const wrong = { ...scene(), accounts: accountsOf({ ...people, password: 'another' }) };
    await expect(runLogins(wrong, LOGINS)).rejects.toThrow('not-authorized');
  });

  const chat: PairsOptions = {
    pairs: 2,
    window: 2,
    rate: undefined,
    seconds: 0.2,
    warmup: 0,
    body: 60,
  };
  test('a room hears one speaker, and nothing is lost', async () => {
    const options = { occupants: 4, window: 2, seconds: 0.2, warmup: 0, body: 60 };
    const figures = await runRoom(scene(), options);
    expect(figureOf(figures, 'deliveries')).toBeGreaterThan(0);
    expect(figureOf(figures, 'deliveries lost')).toBe(0);
  });

  test('subscribers of a node hear what is published, and nothing is lost', async () => {
    const options = { subscribers: 4, window: 2, seconds: 0.2, warmup: 0, body: 60 };
    const figures = await runNodes(scene(), options);
    expect(figureOf(figures, 'notifications')).toBeGreaterThan(0);
    expect(figureOf(figures, 'notifications lost')).toBe(0);
  });

  test.each([undefined, 500])('pairs chat (rate: %s), and nothing is lost', async (rate) => {
    const figures = await runPairs(scene(), { ...chat, rate });
    expect(figureOf(figures, 'messages')).toBeGreaterThan(0);
    expect(figureOf(figures, 'messages lost')).toBe(0);
    expect(figureOf(figures, 'stanzas out of place')).toBe(0);
  });

  test('an archive is filled and read through', async () => {
    const own = { ...scene(), accounts: ARCHIVED };
    const figures = await runArchive(own, { archived: 120, page: 50, body: 60, seconds: 0.2 });
    expect(figureOf(figures, 'pages')).toBeGreaterThan(0);
    expect(figureOf(figures, 'messages missing')).toBe(0);
    expect(figureOf(figures, 'messages out of place')).toBe(0);
  });

  test('what is kept for those who are away comes, in order', async () => {
    const figures = await runOffline(scene(), { kept: 20, absent: 2, body: 60 });
    expect(figureOf(figures, 'messages missing')).toBe(0);
    expect(figureOf(figures, 'messages out of place')).toBe(0);
  });

  test('idle sessions are opened and closed', async () => {
    const figures = await runIdle(scene(), { sessions: 4, rest: 0 });
    expect(figureOf(figures, 'memory with sessions')).toBeGreaterThan(0);
  });
});

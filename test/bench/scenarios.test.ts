/** The load generator against rtcd: that it works, not how fast. */
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { benchAccounts } from '../../bench/accounts.ts';
import type { RunningServer } from '../../bench/child.ts';
import type { Figure, Scene } from '../../bench/scenario.ts';
import { runArchive } from '../../bench/scenario-archive.ts';
import { runIdle } from '../../bench/scenario-idle.ts';
import { runLogins } from '../../bench/scenario-logins.ts';
import { runNodes } from '../../bench/scenario-nodes.ts';
import { type PairsOptions, runPairs } from '../../bench/scenario-pairs.ts';
import { runRoom } from '../../bench/scenario-room.ts';
import { KeyCache } from '../../bench/scram.ts';
import { startRtcd } from '../../bench/server-rtcd.ts';

const program = resolve(import.meta.dirname, '../../dist/main.js');
const accounts = benchAccounts('bench', 'a password', 6); // the last two are the archive's own
const figureOf = (figures: readonly Figure[], name: string) =>
  figures.find((figure) => figure.name === name)?.value;

describe('the load generator', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startRtcd({ program, accounts, profileFolder: undefined });
  });
  afterAll(() => server.stop());

  const scene = (isDirectTls = false): Scene => {
    const { pid, host, domain } = server;
    const port = isDirectTls ? server.directTlsPort : server.port;
    const context = createSecureContext();
    const endpoint = { host, port, domain, isDirectTls, context, timeout: 10_000 };
    return { endpoint, accounts, keys: new KeyCache(true), pid };
  };

  test.each([false, true])('logs in and out (direct TLS: %s)', async (isDirectTls) => {
    const options = { logins: 6, concurrency: 2, loginAccounts: 4 };
    const figures = await runLogins(scene(isDirectTls), options);
    expect(figureOf(figures, 'logins')).toBeGreaterThan(0);
    expect(figureOf(figures, 'login latency max')).toBeGreaterThan(0);
  });

  test('a wrong password is told, not measured', async () => {
    const wrong = { ...scene(), accounts: benchAccounts('bench', 'another', 6) };
    const options = { logins: 6, concurrency: 2, loginAccounts: 4 };
    await expect(runLogins(wrong, options)).rejects.toThrow('not-authorized');
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
    const figures = await runArchive(scene(), { archived: 120, page: 50, body: 60 });
    expect(figureOf(figures, 'messages read')).toBeGreaterThan(0);
    expect(figureOf(figures, 'messages missing')).toBe(0);
  });

  test('idle sessions are opened and closed', async () => {
    const figures = await runIdle(scene(), { sessions: 4, settle: 0 });
    expect(figureOf(figures, 'RSS with 4 sessions')).toBeGreaterThan(0);
  });
});

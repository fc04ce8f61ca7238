import {
  type AddressInfo,
  createServer,
  connect as dialSocket,
  type Server,
  Socket,
} from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/kit/clock.ts';
import { type Attempt, type ConnectOptions, connect } from '../../src/s2s/connect.ts';
import { connectFailure } from '../../src/s2s/failure.ts';
import type { Addresses, Target } from '../../src/s2s/resolver.ts';
import { manualClock } from '../support/clock.ts';

async function listening(address: string, port = 0): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => socket.on('error', () => undefined).resume());
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(port, address, resolve),
  );
  onTestFinished(() => void server.close());
  return { server, port: (server.address() as AddressInfo).port };
}

/** A port on which nobody listens. */
async function closedPort(address: string): Promise<number> {
  const { server, port } = await listening(address);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const target = (port: number, host = 'x.example'): Target => ({
  host,
  port,
  isDirectTls: false,
  srvName: undefined,
  priority: 0,
  weight: 0,
  isSecure: true,
});

const resolverOf = (hosts: Readonly<Record<string, readonly string[] | Promise<Addresses>>>) => ({
  addresses: async (host: string): Promise<Addresses> => {
    const addresses = hosts[host];
    if (addresses === undefined) return { ok: false, why: 'no-address', text: `no ${host}` };
    if (addresses instanceof Promise) return addresses;
    return { ok: true, addresses, ttl: 60, isSecure: true };
  },
});

async function connecting(
  targets: readonly Target[],
  hosts: Readonly<Record<string, readonly string[] | Promise<Addresses>>>,
  options: Partial<ConnectOptions> = {},
) {
  const connected = await connect(targets, {
    resolver: resolverOf(hosts),
    clock: systemClock,
    deadlineMs: 10_000,
    ...options,
  });
  if (connected.ok) onTestFinished(() => void connected.socket.destroy());
  return connected;
}

const brief = (attempts: readonly Attempt[]) =>
  attempts.map(({ address, outcome }) => `${address} ${outcome}`);

/** An address that never answers. */
const SILENT = '192.0.2.1';
const dial = (host: string, port: number) =>
  host === SILENT ? new Socket() : dialSocket({ host, port });

describe('targets and addresses', () => {
  test('the first that takes the connection', async () => {
    const { port } = await listening('127.0.0.1');
    const targets = [target(port), target(1, 'y.example')];
    const connected = await connecting(targets, { 'x.example': ['127.0.0.1'] });
    expect(connected).toMatchObject({ ok: true, address: '127.0.0.1', isSecure: true });
    expect(connected.ok && connected.remaining).toEqual([targets[1]]);
    expect(connected.ok && connected.socket.remotePort).toBe(port);
    expect(brief(connected.attempts)).toEqual(['127.0.0.1 connected']);
  });

  test('an address that refuses is followed by the next at once', async () => {
    const { port } = await listening('127.0.0.3');
    const hosts = { 'x.example': ['127.0.0.2', '127.0.0.3'] };
    const connected = await connecting([target(port)], hosts, { clock: manualClock() });
    expect(brief(connected.attempts)).toEqual(['127.0.0.2 refused', '127.0.0.3 connected']);
  });

  test('RFC 6120 §3.2.1(7): then the next target', async () => {
    const closed = await closedPort('127.0.0.2');
    const { port } = await listening('127.0.0.3');
    const targets = [target(closed), target(5269, 'nowhere.example'), target(port, 'y.example')];
    const hosts = { 'x.example': ['127.0.0.2'], 'y.example': ['127.0.0.3'] };
    const connected = await connecting(targets, hosts);
    expect(connected).toMatchObject({ ok: true, target: { host: 'y.example' }, remaining: [] });
    expect(brief(connected.attempts)).toEqual([
      '127.0.0.2 refused',
      ' no-address',
      '127.0.0.3 connected',
    ]);
  });

  test('RFC 8305 §5: a silent address loses to the next after its head start', async () => {
    const clock = manualClock();
    const { port } = await listening('127.0.0.3');
    const hosts = { 'x.example': [SILENT, '127.0.0.3'] };
    const asking = connecting([target(port)], hosts, { clock, dial });
    await new Promise(setImmediate);
    clock.advance(250);
    const connected = await asking;
    expect(brief(connected.attempts)).toEqual(['127.0.0.3 connected', `${SILENT} overtaken`]);
  });

  test('each attempt is told as it ends', async () => {
    const told: Attempt[] = [];
    const port = await closedPort('127.0.0.2');
    const hosts = { 'x.example': ['127.0.0.2'] };
    const connected = await connecting([target(port)], hosts, {
      onAttempt: (each) => told.push(each),
    });
    expect(told).toEqual(connected.attempts);
    expect(told[0]).toMatchObject({
      host: 'x.example',
      port,
      outcome: 'refused',
      isDirectTls: false,
    });
  });
});

describe('no connection', () => {
  test('refused by all', async () => {
    const port = await closedPort('127.0.0.2');
    const connected = await connecting([target(port)], { 'x.example': ['127.0.0.2'] });
    expect(connected).toMatchObject({
      ok: false,
      why: 'unreachable',
      text: `x.example (127.0.0.2) port ${port}: refused`,
    });
  });

  test('no host has an address', async () => {
    expect(await connecting([target(5269)], {})).toMatchObject({ ok: false, why: 'not-found' });
    expect(await connecting([], {})).toMatchObject({ ok: false, why: 'not-found' });
  });

  test('RFC 6120 §8.3.3.17: a host whose address DNS cannot tell now is not one that has none', async () => {
    const failing = Promise.resolve<Addresses>({
      ...{ ok: false, why: 'dns-timeout', text: 'x.example cannot be looked up' },
    });
    const connected = await connecting([target(5269, 'y.example'), target(5269)], {
      'x.example': failing,
    });
    expect(connected).toMatchObject({ ok: false, why: 'dns-failure' });
    if (connected.ok) return;
    const failure = { condition: 'remote-server-timeout', isLasting: false };
    expect(connectFailure(connected)).toMatchObject(failure);
  });

  test('the deadline ends a look-up', async () => {
    const clock = manualClock();
    const hosts = { 'x.example': new Promise<Addresses>(() => undefined) };
    const asking = connecting([target(5269), target(5269)], hosts, { clock, deadlineMs: 700 });
    await new Promise(setImmediate);
    clock.advance(700);
    const connected = await asking;
    expect(connected).toMatchObject({ ok: false, why: 'timed-out' });
    expect(connected.attempts).toMatchObject([{ address: '', outcome: 'timed-out', ms: 700 }]);
  });

  test('the deadline ends attempts', async () => {
    const clock = manualClock();
    const asking = connecting(
      [target(5269)],
      { 'x.example': [SILENT] },
      { clock, dial, deadlineMs: 700 },
    );
    await new Promise(setImmediate);
    clock.advance(700);
    const connected = await asking;
    expect(connected).toMatchObject({ ok: false, why: 'timed-out' });
    expect(brief(connected.attempts)).toEqual([`${SILENT} timed-out`]);
  });

  test('a signal ends all', async () => {
    const controller = new AbortController();
    const hosts = { 'x.example': new Promise<Addresses>(() => undefined) };
    const asking = connecting([target(5269)], hosts, { signal: controller.signal });
    controller.abort();
    expect(await asking).toMatchObject({ ok: false, why: 'cancelled' });
    const late = await connecting([target(5269)], hosts, { signal: controller.signal });
    expect(late).toMatchObject({ ok: false, why: 'cancelled', attempts: [] });
  });
});

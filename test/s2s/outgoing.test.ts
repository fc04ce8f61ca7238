/** A stream that we open to another server, as far as no other test has one. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/kit/clock.ts';
import { Flusher } from '../../src/kit/outbox.ts';
import type { DnsOutcome } from '../../src/s2s/dns.ts';
import { openStream } from '../../src/s2s/outgoing.ts';
import { Pings } from '../../src/s2s/pings.ts';
import { Resumptions } from '../../src/s2s/resumptions.ts';
import type { S2sServices } from '../../src/s2s/services.ts';
import { domain } from '../certs/support.ts';

/** Opens a stream to a server whose name and address DNSSEC has validated. */
async function opening(port: number, tlsa: () => Promise<DnsOutcome<never>>) {
  const target = { host: 'xmpp.theirs.example', port, isDirectTls: false, srvName: undefined };
  const began: unknown[] = [];
  const opened = await openStream({
    local: domain('ours.example'),
    remote: domain('theirs.example'),
    // What is not here is not used.
    services: {
      clock: systemClock,
      settings: () => ({ connectTimeout: 20_000 }),
      resolver: {
        resolve: async () => ({
          ...{ ok: true, from: 'srv', ttl: 1, isSecure: true, remarks: [] },
          targets: [{ ...target, priority: 0, weight: 0, isSecure: true }],
        }),
        addresses: async () => ({ ok: true, addresses: ['127.0.0.1'], ttl: 1, isSecure: true }),
      },
      dns: { query: tlsa },
    } as unknown as S2sServices,
    flusher: new Flusher(),
    verify: () => expect.fail('nobody asked'),
    pings: new Pings(),
    resumptions: new Resumptions(systemClock),
    signal: new AbortController().signal,
    otherHost: undefined,
    began: (stream) => began.push(stream),
    accepted() {},
    drained() {},
    opened() {},
    rejected() {},
    closed() {},
  });
  return { opened, began };
}

test('RFC 7673 §3.4: who cannot be judged because DNS fails is not used, and tried again soon', async () => {
  const server = createServer((socket) => void socket.on('error', () => {}));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const { opened, began } = await opening(port, async () => ({
    ...{ kind: 'failed', problem: 'timeout', text: 'no name server answered in time' },
  }));
  server.close();
  const failure = { condition: 'remote-server-timeout', isLasting: false };
  expect(opened).toMatchObject({ ok: false, failure });
  expect(began).toEqual([]);
});

test('RFC 7673: who hangs up while DNS is asked for his certificate is not waited for', async () => {
  const waiting: Socket[] = [];
  const server = createServer((socket) => void waiting.push(socket.on('error', () => {})));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  /** The other end of every connection hears all that was sent to it before this ends. */
  const roundTrip = async () => {
    const count = waiting.length;
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    while (waiting.length === count) await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    await once(socket, 'close');
  };
  const { opened, began } = await opening(port, async () => {
    while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
    waiting[0]?.resetAndDestroy();
    await roundTrip();
    return { kind: 'none', isNameKnown: true, ttl: 1, isValidated: true };
  });
  server.close();
  for (const socket of waiting) socket.destroy();
  expect(opened).toMatchObject({ ok: false, failure: { isLasting: false } });
  expect(began).toEqual([]);
});

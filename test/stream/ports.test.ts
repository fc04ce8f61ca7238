/** How many connections one address may have, before a byte of them is read. */
import { expect, test } from 'vitest';
import { createLog } from '../../src/kit/log.ts';
import { createMetrics } from '../../src/kit/metrics.ts';
import { noProxies } from '../../src/kit/proxy-gate.ts';
import { createPorts } from '../../src/stream/ports.ts';

const ports = () =>
  createPorts<'c2s'>({
    contentNs: 'jabber:client',
    log: createLog({ level: 'silent' }).area('c2s'),
    metrics: createMetrics({ process: false }),
    wayOf: () => 'starttls',
    connectionsPerAddress: () => 2,
    gate: noProxies,
    accept() {},
  });

test('addresses are counted by themselves, and again when a connection is over', () => {
  const { admit } = ports();
  const first = admit('192.0.2.1', 'c2s');
  expect(admit('192.0.2.1', 'c2s')).toBeDefined();
  expect(admit('192.0.2.1', 'c2s')).toBeUndefined();
  expect(admit('192.0.2.2', 'c2s')).toBeDefined();
  first?.();
  expect(admit('192.0.2.1', 'c2s')).toBeDefined();
});

test('the addresses of one /64 network, of which one customer has all, are one', () => {
  const { admit } = ports();
  expect(admit('2001:db8::1', 'c2s')).toBeDefined();
  expect(admit('2001:db8::2', 'c2s')).toBeDefined();
  expect(admit('2001:db8::3', 'c2s')).toBeUndefined();
  expect(admit('2001:db8:0:1::3', 'c2s')).toBeDefined();
});

test('nobody comes in any more when they are closed, by whichever way', () => {
  const { admit, close } = ports();
  close();
  expect(admit('192.0.2.1', 'c2s_websocket')).toBeUndefined();
});

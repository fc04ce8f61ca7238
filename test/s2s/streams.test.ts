/** The table of streams, as far as no other test has it. */
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/kit/clock.ts';
import { createLog } from '../../src/kit/log.ts';
import { createMetrics } from '../../src/kit/metrics.ts';
import type { Happening } from '../../src/s2s/history.ts';
import type { S2sServices } from '../../src/s2s/services.ts';
import { Streams } from '../../src/s2s/streams.ts';
import { domain } from '../certs/support.ts';

const OURS = domain('ours.example');
const THEIRS = domain('theirs.example');

/** A table without streams, whose names nobody resolves. */
function open() {
  const noted: Happening[] = [];
  const history = { note: (_: unknown, happening: Happening) => void noted.push(happening) };
  const streams = new Streams(
    // What is not here is not used.
    {
      clock: systemClock,
      resolver: { resolve: () => new Promise(() => {}) },
      settings: () => ({ authTimeout: 60_000, stanzaBytes: 10_000 }),
      limits: () => ({ stanzaBytesBeforeAuth: 10_000, depth: 16, attributes: 100 }),
      metrics: createMetrics({ process: false }),
      log: createLog({ level: 'silent' }).area('s2s'),
    } as unknown as S2sServices,
    history as never,
    { usable() {}, heard() {}, drained() {}, lost() {} },
  );
  onTestFinished(() => streams.close());
  return { streams, noted };
}

test('the history has the whole address of who came', () => {
  const { streams, noted } = open();
  const socket = Object.assign(new PassThrough(), { setKeepAlive() {} }) as unknown as Socket;
  streams.accept(socket, 'starttls', '2001:db8::25', () => {});
  const [stream] = streams.all;
  stream?.accept(THEIRS, OURS, 'dialback');
  expect(noted[0]?.text).toBe('came from 2001:db8::25, proved by dialback');
  stream?.destroy();
});

test('XEP-0220 §2.1.2: one address cannot have all keys verified that may be at a time', async () => {
  const { streams } = open();
  const ask = (index: number, asker: string) =>
    Promise.race([
      streams.verify({ local: OURS, remote: domain(`n${index}.example`) }, '1', 'key', asker),
      new Promise((resolve) => setImmediate(() => resolve('it is being asked'))),
    ]);
  const busy = { type: 'error', condition: 'resource-constraint' };
  for (let index = 0; index < 250; index += 1) void ask(index, `2001:db8::${index + 1}`);
  expect(await ask(250, '2001:db8::ffff')).toMatchObject(busy);
  expect(await ask(251, '192.0.2.1')).toBe('it is being asked');
  for (let index = 252; index < 501; index += 1) void ask(index, `192.0.2.${index % 4}`);
  expect(await ask(501, '198.51.100.1')).toMatchObject(busy);
});

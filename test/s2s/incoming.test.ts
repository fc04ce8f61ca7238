/** A stream by which another server comes, as far as no other test has one. */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/kit/clock.ts';
import { createLog } from '../../src/kit/log.ts';
import { createMetrics } from '../../src/kit/metrics.ts';
import { Flusher } from '../../src/kit/outbox.ts';
import { acceptStream } from '../../src/s2s/incoming.ts';
import { Pings } from '../../src/s2s/pings.ts';
import { Resumptions } from '../../src/s2s/resumptions.ts';
import type { S2sServices } from '../../src/s2s/services.ts';
import { domain } from '../certs/support.ts';

const OURS = domain('ours.example');

/** A connection whose other end reads when the test says so. */
class Deaf extends Duplex {
  heard = '';
  #taken: (() => void) | undefined;
  setKeepAlive() {
    return this;
  }
  /** Reads what waits. */
  listen() {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
  }
  override _read() {}
  override _write(chunk: Buffer, _: string, taken: () => void) {
    this.heard += chunk.toString();
    this.#taken = taken;
  }
  override _final(done: () => void) {
    done();
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('XEP-0220 §2.2: who asks and does not read the answers is not read any further', async () => {
  const socket = new Deaf();
  const stream = acceptStream({
    socket: socket as unknown as Socket,
    way: 'starttls',
    remoteAddress: '192.0.2.1',
    // What is not here is not used.
    services: {
      clock: systemClock,
      hosts: { ownerOf: (each: string) => (each === OURS ? {} : undefined) },
      policy: { terms: () => ({ requireTls: true, bidi: true }), refusal: () => undefined },
      settings: () => ({ authTimeout: 60_000 }),
      limits: () => ({ stanzaBytesBeforeAuth: 10_000, depth: 16, attributes: 100 }),
      secret: 'secret',
      metrics: createMetrics({ process: false }),
      log: createLog({ level: 'silent' }).area('s2s'),
    } as unknown as S2sServices,
    flusher: new Flusher(),
    verify: () => expect.fail('nobody may ask in clear'),
    pings: new Pings(),
    resumptions: new Resumptions(systemClock),
    accepted() {},
    drained() {},
    opened() {},
    replaced() {},
    closed() {},
  });
  const dialback = 'jabber:server:dialback';
  socket.push(
    `<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'` +
      ` xmlns:db='${dialback}' to='${OURS}' from='theirs.example' version='1.0'>`,
  );
  const asked = 10_000;
  for (let index = 0; index < asked; index += 1)
    socket.push(`<db:verify from='theirs.example' to='${OURS}' id='${index}'>k</db:verify>`);
  for (let turns = 0; turns < 100; turns += 1) await turn();
  expect(socket.writableLength).toBeLessThan(1024 * 1024);
  const answers = () => socket.heard.split('<db:verify ').length - 1;
  while (answers() < asked) {
    socket.listen();
    await turn();
  }
  expect(socket.heard).toContain(`id='${asked - 1}'`);
  stream.destroy();
});

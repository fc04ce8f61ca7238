/** The table of streams, as far as no other test has it. */
import type { Socket } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/kit/clock.ts';
import { deferred } from '../../src/kit/deferred.ts';
import { createLog } from '../../src/kit/log.ts';
import { createMetrics } from '../../src/kit/metrics.ts';
import type { Happening } from '../../src/s2s/history.ts';
import type { S2sServices } from '../../src/s2s/services.ts';
import { Streams } from '../../src/s2s/streams.ts';
import { domain } from '../certs/support.ts';
import { manualClock } from '../support/clock.ts';
import { header, startFake } from './fake-server.ts';

const OURS = domain('ours.example');
const THEIRS = domain('theirs.example');

/** A table without streams, whose names nobody resolves unless a test does. */
function open(services: object = {}) {
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
      ...services,
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

test('how long a stream is without use does not depend on the time of day', async () => {
  const clock = manualClock();
  const { streams } = open({
    clock,
    settings: () => ({ authTimeout: 60_000, stanzaBytes: 10_000, idleTimeout: 600_000 }),
  });
  const socket = Object.assign(new PassThrough(), { setKeepAlive() {} }) as unknown as Socket;
  streams.accept(socket, 'starttls', '192.0.2.1', () => {});
  const [stream] = streams.all;
  if (stream === undefined) return expect.fail('there is no stream');
  stream.accept(THEIRS, OURS, 'dialback');
  const reasons: string[] = [];
  stream.close = (why) => void reasons.push(why);
  clock.set(clock.now() + 86_400_000);
  clock.advance(600_000);
  expect(reasons).toEqual([]);
  clock.set(clock.now() - 2 * 86_400_000);
  clock.advance(700_000);
  expect(reasons[0]).toBe('it was idle');
  stream.destroy();
});

test('XEP-0198 §4: nothing more is read while what came is handled before the end', async () => {
  const { streams } = open({ hosts: { ownerOf: () => undefined } });
  let said = '';
  const socket = new Duplex({
    read() {},
    write(chunk, _, done) {
      said += chunk;
      done();
    },
  });
  const connection = Object.assign(socket, { setKeepAlive() {} }) as unknown as Socket;
  streams.accept(connection, 'starttls', '192.0.2.1', () => {});
  const [stream] = streams.all;
  if (stream === undefined) return expect.fail('there is no stream');
  const handled = deferred<void>();
  stream.managed.settled = () => handled.promise;
  const told = stream.endHandled({ condition: 'system-shutdown', text: '' });
  socket.push("<stream:stream xmlns='jabber:server' to='ours.example' version='1.0' ");
  socket.push("xmlns:stream='http://etherx.jabber.org/streams'>");
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  expect(said).toBe('');
  handled.resolve();
  await told;
  await new Promise(setImmediate);
  expect(said).toContain('<system-shutdown ');
  stream.destroy();
});

test('XEP-0220 §2.1.2: one address cannot have all keys verified that may be at a time', async () => {
  const { streams } = open();
  const ask = (index: number, asker: string) =>
    Promise.race([
      streams.verify({ local: OURS, remote: domain(`n${index}.example`) }, '1', 'key', {
        remoteAddress: asker,
      }),
      new Promise((resolve) => setImmediate(() => resolve('it is being asked'))),
    ]);
  const busy = { type: 'error', condition: 'resource-constraint' };
  for (let index = 0; index < 250; index += 1) void ask(index, `2001:db8::${index + 1}`);
  expect(await ask(250, '2001:db8::ffff')).toMatchObject(busy);
  expect(await ask(251, '192.0.2.1')).toBe('it is being asked');
  for (let index = 252; index < 501; index += 1) void ask(index, `192.0.2.${index % 4}`);
  expect(await ask(501, '198.51.100.1')).toMatchObject(busy);
});

test('XEP-0288 §2.2: a key is not verified on the very stream on which it was shown', async () => {
  const connections: Socket[] = [];
  const asked: string[] = [];
  // Whoever is called shows a key of his own on the same stream, before he answers.
  const fake = await startFake({
    instead(socket, said) {
      if (!connections.includes(socket)) connections.push(socket);
      const here = connections.indexOf(socket);
      const pair = "from='theirs.example' to='ours.example'";
      if (said.includes('<stream:stream'))
        socket.write(
          `${header(said)}<stream:features><bidi xmlns='urn:xmpp:features:bidi'/>` +
            "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback></stream:features>",
        );
      if (said.includes('<db:result from')) socket.write(`<db:result ${pair}>a key</db:result>`);
      const [, id] = /<db:verify [^>]*id='([^']+)'/.exec(said) ?? [];
      if (id !== undefined) {
        asked.push(`${here}`);
        socket.write(`<db:verify ${pair} id='${id}' type='valid'/>`);
        // On the stream where he is asked he shows one, too.
        if (here > 0) socket.write(`<db:result ${pair}>a key</db:result>`);
      }
      if (/<db:result [^>]*type='valid'/.test(said) && here === 0)
        socket.write(`<db:result ${pair} type='valid'/>`);
    },
  });
  const target = { host: 'xmpp.theirs.example', port: fake.port, isDirectTls: false };
  const { streams } = open({
    secret: 'secret',
    hosts: { ownerOf: (name: unknown) => (name === OURS ? { domain: OURS } : undefined) },
    policy: {
      terms: () => ({ requireTls: false, secureAuth: false, bidi: true }),
      refusal: () => undefined,
    },
    settings: () => ({
      ...{ authTimeout: 60_000, connectTimeout: 20_000, queueTime: 60_000, stanzaBytes: 10_000 },
    }),
    resolver: {
      resolve: async () => ({ ok: true, targets: [{ ...target, isSecure: false }] }),
      addresses: async () => ({ ok: true, addresses: ['127.0.0.1'], isSecure: false }),
    },
  });
  const reached = await streams.reach(OURS, THEIRS);
  expect(reached.ok).toBe(true);
  expect(asked[0]).toBe('1');
  while (asked.length < 2) await new Promise((resolve) => setImmediate(resolve));
  expect(asked).toEqual(['1', '0']);
  expect(connections).toHaveLength(2);
});

test('XEP-0198 §5: who cannot be reached to resume a stream of ours is written to on one of his', async () => {
  const pair = "from='theirs.example' to='ours.example'";
  const sockets: Socket[] = [];
  const fake = await startFake({
    instead(socket, said) {
      sockets.push(socket);
      if (said.includes('<stream:stream'))
        socket.write(
          `${header(said)}<stream:features><sm xmlns='urn:xmpp:sm:3'/>` +
            "<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback></stream:features>",
        );
      if (said.includes('<db:result from')) socket.write(`<db:result ${pair} type='valid'/>`);
      if (said.includes('<enable '))
        socket.write("<enabled xmlns='urn:xmpp:sm:3' id='one' resume='true'/>");
    },
  });
  const target = { host: 'xmpp.theirs.example', port: fake.port, isDirectTls: false };
  let isFound = true;
  const { streams } = open({
    secret: 'secret',
    policy: {
      terms: () => ({ requireTls: false, secureAuth: false, bidi: true }),
      refusal: () => undefined,
    },
    settings: () => ({
      ...{ authTimeout: 60_000, connectTimeout: 20_000, queueTime: 60_000, stanzaBytes: 10_000 },
    }),
    resolver: {
      resolve: async () =>
        isFound
          ? { ok: true, targets: [{ ...target, isSecure: false }] }
          : { ok: false, why: 'failed', text: 'nobody answers' },
      addresses: async () => ({ ok: true, addresses: ['127.0.0.1'], isSecure: false }),
    },
  });
  const reached = await streams.reach(OURS, THEIRS);
  if (!reached.ok) return expect.fail(reached.failure.text);
  const ours = reached.stream;
  await expect.poll(() => ours.managed.level).toBe('resumable');
  for (const socket of sockets) socket.destroy();
  await expect.poll(() => ours.managed.kept).toBe('ours');
  isFound = false;
  expect((await streams.reach(OURS, THEIRS)).ok).toBe(false);
  const socket = Object.assign(new PassThrough(), { setKeepAlive() {} }) as unknown as Socket;
  streams.accept(socket, 'starttls', '192.0.2.1', () => {});
  const [theirs] = streams.all;
  theirs?.allow(OURS, THEIRS, 'dialback');
  expect(await streams.reach(OURS, THEIRS)).toEqual({ ok: true, stream: theirs });
  theirs?.destroy();
});

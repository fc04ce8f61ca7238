/** A component's stream, as far as no other test has it. */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import { ComponentStream } from '../../src/component/connection.ts';
import { handshakeOf } from '../../src/component/handshake.ts';
import type { ComponentServices } from '../../src/component/services.ts';
import { createLog } from '../../src/kit/log.ts';
import { createMetrics } from '../../src/kit/metrics.ts';
import { Flusher } from '../../src/kit/outbox.ts';
import { domain } from '../certs/support.ts';
import { manualClock } from '../support/clock.ts';

const HOUR = 3_600_000;
const limits = { authTimeout: 30_000, idleTimeout: 60_000, stanzaBytes: 10_000 };

test.each([HOUR, -HOUR])(
  'XEP-0199 §4.1: a sign of life is one, though the clock is set by %i ms',
  async (ms) => {
    const clock = manualClock();
    let said = '';
    const socket = new Duplex({
      read() {},
      write(chunk, _, done) {
        said += chunk;
        done();
      },
    });
    const turn = () => new Promise(setImmediate);
    const stream = new ComponentStream({
      socket: Object.assign(socket, { setKeepAlive() {} }) as unknown as Socket,
      remote: '192.0.2.1',
      // What is not here is not used.
      services: {
        clock,
        limits: () => ({ stanzaBytesBeforeAuth: 10_000, depth: 16, attributes: 100, ...limits }),
        metrics: createMetrics({ process: false }),
        log: createLog({ level: 'silent' }).area('component'),
        story: { isOn: false },
      } as unknown as ComponentServices,
      flusher: new Flusher(),
      desk: {
        find: () => ({ secret: 'secret', host: domain('falcot.com') }),
        mayTry: () => true,
        noteFailure() {},
        admit: () => true,
        dismiss() {},
      },
      onClosed() {},
    });
    socket.push("<stream:stream xmlns='jabber:component:accept' to='irc.falcot.com' ");
    socket.push("xmlns:stream='http://etherx.jabber.org/streams'>");
    await turn();
    socket.push(`<handshake>${handshakeOf(stream.id, 'secret')}</handshake>`);
    await turn();
    stream.ping();
    await turn();
    expect(said).toContain('<ping ');
    clock.set(clock.now() + ms);
    socket.push(' ');
    await turn();
    clock.advance(limits.idleTimeout);
    await turn();
    expect(said).not.toContain('<stream:error>');
    stream.ping();
    clock.set(clock.now() + ms);
    clock.advance(limits.idleTimeout);
    await turn();
    expect(said).toContain('<connection-timeout ');
  },
);

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createEdge } from '../../src/edge/edge.ts';
import { systemClock } from '../../src/kit/clock.ts';
import { createLog } from '../../src/kit/log.ts';
import { tellRemote } from '../../src/kit/remote.ts';
import { within } from '../support/client.ts';

/** As many connections as one address may have of which nothing is known. */
const OF_ADDRESS = 100;

describe('connections of which nothing is known yet', () => {
  const clients: Socket[] = [];
  let end = async () => {};
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await end();
  });

  test('are counted by the network of their address: a /64 is one customer', async () => {
    let remote = '';
    let arrive = () => {};
    const edge = createEdge({
      clock: systemClock,
      log: createLog({ level: 'silent' }).area('edge'),
      gate(socket, next) {
        tellRemote(socket, remote);
        next();
        arrive();
      },
      tls: () => ({}),
      serves: () => true,
      homeOf: () => 'https://falcot.com',
      c2s: () => {},
      s2s: () => {},
      https: () => {},
    });
    const { port, close } = await edge.listen({ host: '127.0.0.1', port: 0 });
    end = close;
    const from = async (address: string) => {
      remote = address;
      const arrived = new Promise<void>((resolve) => {
        arrive = resolve;
      });
      const client = connect(port, '127.0.0.1');
      client.on('error', () => {});
      client.resume();
      clients.push(client);
      const closed = once(client, 'close');
      await within(arrived, 'the connection');
      return { client, closed };
    };
    for (let each = 1; each <= OF_ADDRESS; each += 1)
      await from(`2001:db8:0:1::${each.toString(16)}`);
    const refused = await from('2001:db8:0:1:ffff::1');
    await within(refused.closed, 'the end');
    const { client: served } = await from('2001:db8:0:2::1');
    served.write('GET / HTTP/1.1\r\nHost: falcot.com\r\n\r\n');
    const [answer] = await within(once(served, 'data'), 'an answer');
    expect(String(answer)).toMatch(/^HTTP\/1\.1 308 /);
  });
});

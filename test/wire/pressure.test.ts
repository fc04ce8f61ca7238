/** Readers that are slow and writers that are fast: queues are bounded, memory does not grow. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Client, loggedIn, textIn } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';

const PASSWORD = 'a secret for tests';
const QUEUE_BYTES = 64 * 1024;
/** More than the operating system buffers for a connection of loopback, several times over. */
const MUCH = 48 * 1024 * 1024;

let server: TestServer;
let clients: Client[] = [];
beforeEach(async () => {
  server = await startServer({
    config: { limits: { sendQueueBytes: QUEUE_BYTES } },
    accounts: { 'juliet@localhost': PASSWORD, 'romeo@localhost': PASSWORD },
  });
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  clients = [];
  await server.stop();
});

async function bound(user: string, resource: string): Promise<Client> {
  const place = { port: server.ports.c2sTls, tls: { servername: 'localhost' } };
  const client = await loggedIn({ ...place, user, password: PASSWORD, resource });
  clients.push(client);
  return client;
}

const sessionsOf = async (user: string) => {
  const listed = await server.run('sessions.list', { search: `${user}@` });
  return (listed as { total: number }).total;
};

/** The bytes that wait in the server to be sent, as the metrics tell. */
async function waiting(): Promise<number> {
  server.clock.jump(5000); // they are counted now and then
  const [, bytes] = /^rtcd_send_queue_bytes (\d+)$/m.exec(await page()) ?? [];
  return Number(bytes);
}

/** What monitoring reads. */
async function page(): Promise<string> {
  return (await fetch(`http://127.0.0.1:${server.ports.http}/metrics`)).text();
}

describe('§13.12 a reader who does not read', () => {
  test('ends when its queue is full; the sender and everybody else go on', async () => {
    const juliet = await bound('juliet', 'hall');
    const slow = await bound('romeo', 'slow');
    const quick = await bound('romeo', 'quick');
    slow.read(false);
    const body = 'x'.repeat(100_000);
    const headline = `<message type='headline' to='romeo@localhost/slow'><body>${body}</body></message>`;
    let most = 0;
    for (let sent = 0; sent < MUCH; sent += headline.length) {
      await juliet.sent(headline);
      if (sent % (32 * headline.length) === 0) most = Math.max(most, await waiting());
    }
    await juliet.ping();
    expect(await sessionsOf('romeo')).toBe(1); // the quick one
    expect(await page()).toContain('rtcd_stream_errors_total{condition="resource-constraint"} 1');
    // A stanza is queued whole, and then found to be too much.
    expect(most).toBeLessThan(QUEUE_BYTES + 2 * headline.length);
    juliet.send("<message to='romeo@localhost/quick'><body>still here</body></message>");
    expect(textIn(await quick.seek(({ name }) => name === 'message'))).toBe('still here');
    slow.read(true);
    await slow.rest();
    await slow.closed();
    expect(slow.text.length).toBeLessThan(MUCH / 2);
    const error = await juliet.ask(
      "<iq type='get' id='q' to='romeo@localhost/slow'><x xmlns='urn:x'/></iq>",
    );
    expect(String(error)).toContain('<service-unavailable ');
  });

  test('of the answers to its own questions ends too', async () => {
    const client = await bound('juliet', 'hall');
    client.read(false);
    const pings = Array.from(
      { length: 1000 },
      (_, n) => `<iq type='get' id='${n}' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`,
    ).join('');
    // It is cut off somewhere on the way, which its next packets find out.
    for (let sent = 0; sent < MUCH && !client.isClosed; sent += pings.length)
      await client.sent(pings).catch(() => {});
    await expect.poll(() => sessionsOf('juliet'), { timeout: 10_000 }).toBe(0);
    client.read(true);
    await client.closed();
  });

  test('XEP-0013 §2.6 who reads fetches more than may wait for him', async () => {
    const juliet = await bound('juliet', 'hall');
    const count = 300;
    const kept = `<message to='romeo@localhost'><body>${'x'.repeat(1000)}</body></message>`;
    juliet.send(kept.repeat(count));
    await juliet.ping();
    const romeo = await bound('romeo', 'orchard');
    romeo.send(
      "<iq type='get' id='f'><offline xmlns='http://jabber.org/protocol/offline'><fetch/></offline></iq>",
    );
    for (let read = 0; read < count; read += 1) expect((await romeo.next()).name).toBe('message');
    expect((await romeo.next()).attrs.type).toBe('result');
  });
});

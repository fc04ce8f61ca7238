/** A node with many subscribers, to which one publishes: what each item costs until all are told. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from './client.ts';
import { latencies, usageFigures } from './figures.ts';
import { Histogram } from './histogram.ts';
import { measureUsage, residentBytes } from './proc.ts';
import { type Figure, firstAccounts, logInAll, logOutAll, type Scene } from './scenario.ts';

/** How `nodes` runs. */
export interface NodesOptions {
  /** How many are subscribed. */
  readonly subscribers: number;
  /** How many items may be under way to the last of them. */
  readonly window: number;
  readonly seconds: number;
  readonly warmup: number;
  /** The length of an item's text, in bytes. */
  readonly body: number;
}

const LOGINS_AT_A_TIME = 8;
/** How long we wait for notifications that are under way, in milliseconds. */
const PATIENCE_MS = 60_000;
const TICK_MS = 10;
const PUBSUB = 'http://jabber.org/protocol/pubsub';

/** Lets one publish for many; rejects if a client loses its connection. */
export async function runNodes(scene: Scene, options: NodesOptions): Promise<Figure[]> {
  const accounts = firstAccounts(scene, options.subscribers);
  const clients = await logInAll(scene, accounts, LOGINS_AT_A_TIME);
  const lost = new Promise<never>((_, reject) => {
    for (const client of clients) client.onLost = reject;
  });
  try {
    return await Promise.race([lost, publish(scene, clients, options)]);
  } finally {
    await logOutAll(clients);
  }
}

async function publish(
  scene: Scene,
  clients: readonly Client[],
  options: NodesOptions,
): Promise<Figure[]> {
  const { domain } = scene.endpoint;
  const service = `pubsub.${domain}`;
  const node = `bench-${process.pid}`;
  const [publisher] = clients;
  const last = clients.at(-1);
  if (publisher === undefined || last === undefined) throw new Error('somebody must be subscribed');
  await ask(publisher, service, `<create node='${node}'/>`);
  for (const client of clients)
    await ask(client, service, `<subscribe node='${node}' jid='${client.jid}'/>`);

  const latency = new Histogram();
  const padding = 'x'.repeat(Math.max(0, options.body - 16));
  let isMeasuring = false;
  let isSending = true;
  let sent = 0;
  let received = 0;
  let measured = 0;
  const say = () => {
    sent += 1;
    const due = Math.round(performance.now() * 1000);
    const item = `<item id='current'><x xmlns='urn:bench'>${due} ${padding}</x></item>`;
    publisher.send(
      `<iq type='set' id='p${sent}' to='${service}'><pubsub xmlns='${PUBSUB}'><publish node='${node}'>${item}</publish></pubsub></iq>`,
    );
  };
  for (const client of clients)
    client.onStanza = (stanza) => {
      if (!stanza.startsWith('<message')) return;
      received += 1;
      if (isMeasuring) {
        measured += 1;
        const start = stanza.indexOf('>', stanza.indexOf('<x ')) + 1;
        latency.add(
          performance.now() - Number(stanza.slice(start, start + 20).split(' ', 1)) / 1000,
        );
      }
      if (client === last && isSending) say();
    };
  for (let count = 0; count < options.window; count += 1) say();
  await sleep(options.warmup * 1000);

  const finish = await measureUsage(scene.pid);
  isMeasuring = true;
  await sleep(options.seconds * 1000);
  isMeasuring = false;
  const usage = await finish();
  const rss = await residentBytes(scene.pid);
  isSending = false;
  const missing = () => sent * clients.length - received;
  for (let waited = 0; missing() > 0 && waited < PATIENCE_MS; waited += TICK_MS)
    await sleep(TICK_MS);

  return [
    { name: 'notifications', unit: '/s', value: measured / usage.seconds },
    ...latencies('notification', latency.summary()),
    {
      name: 'server CPU per 1,000 notifications',
      unit: 'ms',
      value: (1000 * usage.serverCpu) / measured,
    },
    ...usageFigures(usage),
    { name: 'server RSS', unit: 'MiB', value: rss / 2 ** 20 },
    { name: 'notifications lost', unit: '', value: missing() },
  ];
}

/** Sends a request to the service, and waits for the answer; rejects if it is an error. */
function ask(client: Client, service: string, inner: string): Promise<void> {
  return new Promise((resolve, reject) => {
    client.onStanza = (stanza) => {
      if (!stanza.startsWith('<iq')) return;
      if (stanza.includes('type="error"')) reject(new Error(stanza));
      else resolve();
    };
    client.send(
      `<iq type='set' id='ask' to='${service}'><pubsub xmlns='${PUBSUB}'>${inner}</pubsub></iq>`,
    );
  });
}

/** One thing said that many hear, again and again: what each of them costs until all have it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from './client.ts';
import { latencies, usageFigures } from './figures.ts';
import { Histogram } from './histogram.ts';
import { measureUsage, residentBytes } from './proc.ts';
import { type Figure, firstAccounts, logInAll, logOutAll, type Scene } from './scenario.ts';

/** How it runs. */
export interface FanOutOptions {
  /** How many may be under way to the one who is watched. */
  readonly window: number;
  readonly seconds: number;
  readonly warmup: number;
  /** The length of a text, in bytes. */
  readonly body: number;
}

/** Who says what to whom. */
export interface FanOut {
  /** What one who hears has heard, for the figures: `delivery`, `deliveries`. */
  readonly one: string;
  readonly many: string;
  /** What the text stands behind in what they hear. */
  readonly before: string;
  /** When this one has heard it, the next is said. */
  readonly watched: Client;
  /** Says a text for the n-th time. */
  say(text: string, count: number): void;
}

const LOGINS_AT_A_TIME = 8;
/** How long we wait for what is under way, in milliseconds. */
const PATIENCE_MS = 60_000;
const TICK_MS = 10;

/** Logs clients in, runs something with them, and logs them out; rejects if one loses its connection. */
export async function withClients(
  scene: Scene,
  count: number,
  run: (clients: readonly Client[]) => Promise<Figure[]>,
): Promise<Figure[]> {
  const clients = await logInAll(scene, firstAccounts(scene, count), LOGINS_AT_A_TIME);
  const lost = new Promise<never>((_, reject) => {
    for (const client of clients) client.onLost = reject;
  });
  try {
    return await Promise.race([lost, run(clients)]);
  } finally {
    await logOutAll(clients);
  }
}

/** Measures it. */
export async function measureFanOut(
  { pid }: Scene,
  clients: readonly Client[],
  options: FanOutOptions,
  { one, many, before, watched, say }: FanOut,
): Promise<Figure[]> {
  const latency = new Histogram();
  const padding = 'x'.repeat(Math.max(0, options.body - 16));
  let isMeasuring = false;
  let isSending = true;
  let sent = 0;
  let received = 0;
  let measured = 0;
  const sayNext = () => {
    sent += 1;
    say(`${Math.round(performance.now() * 1000)} ${padding}`, sent);
  };
  for (const client of clients)
    client.onStanza = (stanza) => {
      if (!stanza.startsWith('<message')) return;
      received += 1;
      if (isMeasuring) {
        measured += 1;
        const start = stanza.indexOf('>', stanza.indexOf(before)) + 1;
        latency.add(
          performance.now() - Number(stanza.slice(start, start + 20).split(' ', 1)) / 1000,
        );
      }
      if (client === watched && isSending) sayNext();
    };
  for (let count = 0; count < options.window; count += 1) sayNext();
  await sleep(options.warmup * 1000);

  const finish = await measureUsage(pid);
  isMeasuring = true;
  await sleep(options.seconds * 1000);
  isMeasuring = false;
  const usage = await finish();
  const rss = await residentBytes(pid);
  isSending = false;
  const missing = () => sent * clients.length - received;
  for (let waited = 0; missing() > 0 && waited < PATIENCE_MS; waited += TICK_MS)
    await sleep(TICK_MS);

  const cpu = (1000 * usage.serverCpu) / measured;
  return [
    { name: many, unit: '/s', value: measured / usage.seconds },
    ...latencies(one, latency.summary()),
    { name: `server CPU per 1,000 ${many}`, unit: 'ms', value: cpu },
    ...usageFigures(usage),
    { name: 'server RSS', unit: 'MiB', value: rss / 2 ** 20 },
    { name: `${many} lost`, unit: '', value: missing() },
  ];
}

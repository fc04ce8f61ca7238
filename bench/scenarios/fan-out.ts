/** One thing said that many hear, again and again: what each of them costs until all have it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../load/client.ts';
import { cpuPer, fault, latencies, usageFigures } from '../load/figures.ts';
import { Histogram } from '../load/histogram.ts';
import { measureUsage } from '../load/proc.ts';
import type { Figure, Scene } from '../load/scene.ts';

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

/** How long we wait for what is under way, in milliseconds. */
const PATIENCE_MS = 60_000;
/** How long we wait after the last one for what should not come. */
const AFTERWARDS_MS = 50;
const TICK_MS = 10;

/** Measures it. */
export async function measureFanOut(
  { pids }: Scene,
  clients: readonly Client[],
  options: FanOutOptions,
  { one, many, before, watched, say }: FanOut,
): Promise<Figure[]> {
  const latency = new Histogram();
  const padding = 'x'.repeat(Math.max(0, options.body - 24));
  let isMeasuring = false;
  let isSending = true;
  let sent = 0;
  let received = 0;
  let measured = 0;
  let misplaced = 0;
  const sayNext = () => {
    sent += 1;
    say(`${sent} ${Math.round(performance.now() * 1000)} ${padding}`, sent);
  };
  for (const client of clients) {
    let heard = 0;
    client.onStanza = (stanza) => {
      if (!stanza.startsWith('<message')) return;
      received += 1;
      heard += 1;
      const start = stanza.indexOf('>', stanza.indexOf(before)) + 1;
      const [number, at] = stanza.slice(start, start + 32).split(' ', 2);
      if (Number(number) !== heard) misplaced += 1;
      if (isMeasuring) {
        measured += 1;
        latency.add(performance.now() - Number(at) / 1000);
      }
      if (client === watched && isSending) sayNext();
    };
  }
  for (let count = 0; count < options.window; count += 1) sayNext();
  await sleep(options.warmup * 1000);

  const finish = await measureUsage(pids);
  isMeasuring = true;
  await sleep(options.seconds * 1000);
  isMeasuring = false;
  const usage = await finish();
  isSending = false;
  const missing = () => sent * clients.length - received;
  for (let waited = 0; missing() > 0 && waited < PATIENCE_MS; waited += TICK_MS)
    await sleep(TICK_MS);
  await sleep(AFTERWARDS_MS);

  return [
    { name: many, unit: '/s', value: measured / usage.seconds },
    ...latencies(one, latency.summary()),
    cpuPer(one, usage, measured),
    ...usageFigures(usage),
    fault(`${many} lost`, missing()),
    fault(`${many} out of place`, misplaced),
  ];
}

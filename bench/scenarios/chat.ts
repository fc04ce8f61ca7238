/** Messages between pairs of clients, each of which has its place in an order. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../load/client.ts';
import { cpuPer, fault, latencies, usageFigures } from '../load/figures.ts';
import { Histogram } from '../load/histogram.ts';
import { measureUsage } from '../load/proc.ts';
import type { Figure } from '../load/scene.ts';

/** Who chats; a {@link Client}, or what a test has in its place. */
export type Talker = Pick<Client, 'jid' | 'onStanza' | 'send'>;

/** How clients chat. */
export interface ChatOptions {
  /** How many messages of one sender may be under way, when there is no rate. */
  readonly window: number;
  /** Messages per second of all together; undefined sends as fast as the window allows. */
  readonly rate?: number | undefined;
  /** How long is measured, and how long the pairs chat before that, in seconds. */
  readonly seconds: number;
  readonly warmup: number;
  /** The length of a message's text, in bytes. */
  readonly body: number;
  /** How long we wait at the end for messages that are under way, in seconds; a minute if absent. */
  readonly patience?: number;
}

const PATIENCE_S = 60;
/** How long we wait after the last one for what should not come. */
const AFTERWARDS_MS = 50;
/** How often messages of a fixed rate are sent, in milliseconds. */
const TICK_MS = 2;

/** One direction of one pair. */
interface Flow {
  readonly from: Talker;
  /** The bare JID of the other side. */
  readonly to: string;
  sent: number;
  received: number;
}

/** The messages of all pairs. */
class Chat {
  readonly latency = new Histogram();
  isMeasuring = false;
  isSending = true;
  /** Messages that arrived while measuring. */
  measured = 0;
  /** Stanzas that are not the next message of their flow: bounces, doubles, gaps. */
  wrong = 0;

  readonly #flows: Flow[] = [];
  readonly #padding: string;
  readonly #isWindowed: boolean;

  constructor(clients: readonly Talker[], bodyBytes: number, isWindowed: boolean) {
    this.#padding = 'x'.repeat(Math.max(0, bodyBytes - 24)); // the numbers take some 24
    this.#isWindowed = isWindowed;
    for (const [index, from] of clients.entries()) {
      const to = clients[index % 2 === 0 ? index + 1 : index - 1];
      if (to === undefined) throw new Error('a pair has two clients');
      const flow = { from, to: to.jid.split('/', 1)[0] ?? '', sent: 0, received: 0 };
      const id = this.#flows.push(flow) - 1;
      to.onStanza = (stanza) => this.#receive(id, flow, stanza);
    }
  }

  /** Messages that were sent and have not arrived. */
  get missing(): number {
    return this.#flows.reduce((sum, { sent, received }) => sum + sent - received, 0);
  }

  /** Begins: each sender fills its window. */
  fill(window: number): void {
    for (const [id, flow] of this.#flows.entries())
      for (let count = 0; count < window; count += 1) this.#send(id, flow, performance.now());
  }

  /**
   * Sends at a fixed rate until sending ends. A latency counts from when its message was due, so that
   * a server that stands still for a while is not measured by the few messages sent meanwhile.
   */
  pace(rate: number): void {
    const began = performance.now();
    let count = 0;
    const timer = setInterval(() => {
      if (!this.isSending) return clearInterval(timer);
      for (;;) {
        const due = began + (count * 1000) / rate;
        if (due > performance.now()) return;
        const id = count % this.#flows.length;
        const flow = this.#flows[id];
        if (flow !== undefined) this.#send(id, flow, due);
        count += 1;
      }
    }, TICK_MS);
  }

  #send(id: number, flow: Flow, due: number): void {
    const number = flow.sent;
    flow.sent = number + 1;
    flow.from.send(
      `<message type='chat' to='${flow.to}' id='m${number}'>` +
        `<body>${id} ${number} ${Math.round(due * 1000)} ${this.#padding}</body>` +
        `<active xmlns='http://jabber.org/protocol/chatstates'/></message>`,
    );
  }

  #receive(id: number, flow: Flow, stanza: string): void {
    if (!stanza.startsWith('<message')) return;
    const now = performance.now();
    const start = stanza.indexOf('<body>') + 6;
    const [flowId, number, due] = stanza.slice(start, start + 40).split(' ', 3);
    if (Number(flowId) !== id || Number(number) !== flow.received) {
      this.wrong += 1;
      return;
    }
    flow.received += 1;
    if (this.isMeasuring) {
      this.measured += 1;
      this.latency.add(now - Number(due) / 1000);
    }
    if (this.#isWindowed && this.isSending) this.#send(id, flow, now);
  }
}

/** Lets pairs of clients, of which each sits beside its partner, chat for a while. */
export async function chat(
  pids: readonly number[],
  clients: readonly Talker[],
  options: ChatOptions,
): Promise<Figure[]> {
  const { rate } = options;
  const all = new Chat(clients, options.body, rate === undefined);
  if (rate === undefined) all.fill(options.window);
  else all.pace(rate);
  await sleep(options.warmup * 1000);

  const finish = await measureUsage(pids);
  all.isMeasuring = true;
  await sleep(options.seconds * 1000);
  all.isMeasuring = false;
  const usage = await finish();
  all.isSending = false;
  const patience = 1000 * (options.patience ?? PATIENCE_S);
  for (let waited = 0; all.missing > 0 && waited < patience; waited += TICK_MS)
    await sleep(TICK_MS);
  await sleep(AFTERWARDS_MS);

  const busiest = { ...usage, serverCpu: 10 * usage.busiestThreadPercent * usage.seconds };
  return [
    { name: 'messages', unit: '/s', value: all.measured / usage.seconds },
    ...latencies('end-to-end', all.latency.summary()),
    cpuPer('message', usage, all.measured),
    { ...cpuPer('message', busiest, all.measured), name: 'of it the busiest thread' },
    ...usageFigures(usage),
    fault('messages lost', all.missing),
    fault('stanzas out of place', all.wrong),
  ];
}

/** A room with many occupants, of whom one speaks: what each message costs until all have it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from './client.ts';
import { latencies, usageFigures } from './figures.ts';
import { Histogram } from './histogram.ts';
import { measureUsage, residentBytes } from './proc.ts';
import { type Figure, firstAccounts, logInAll, logOutAll, type Scene } from './scenario.ts';

/** How `room` runs. */
export interface RoomOptions {
  /** How many are in the room, the speaker among them. */
  readonly occupants: number;
  /** How many messages may be under way to the speaker himself. */
  readonly window: number;
  readonly seconds: number;
  readonly warmup: number;
  /** The length of a message's text, in bytes. */
  readonly body: number;
}

const LOGINS_AT_A_TIME = 8;
/** How long we wait for those who enter, and for messages that are under way, in milliseconds. */
const PATIENCE_MS = 60_000;
const TICK_MS = 10;

/** Lets one speak to many; rejects if a client loses its connection. */
export async function runRoom(scene: Scene, options: RoomOptions): Promise<Figure[]> {
  const clients = await logInAll(scene, firstAccounts(scene, options.occupants), LOGINS_AT_A_TIME);
  const lost = new Promise<never>((_, reject) => {
    for (const client of clients) client.onLost = reject;
  });
  try {
    return await Promise.race([lost, speak(scene, clients, options)]);
  } finally {
    await logOutAll(clients);
  }
}

async function speak(
  scene: Scene,
  clients: readonly Client[],
  options: RoomOptions,
): Promise<Figure[]> {
  const room = `bench-${process.pid}@conference.${scene.endpoint.domain}`;
  const [speaker] = clients;
  if (speaker === undefined) throw new Error('a room has somebody in it');
  await enterAll(clients, room);

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
    speaker.send(
      `<message type='groupchat' to='${room}' id='m${sent}'><body>${due} ${padding}</body></message>`,
    );
  };
  for (const client of clients)
    client.onStanza = (stanza) => {
      if (!stanza.startsWith('<message')) return;
      received += 1;
      if (isMeasuring) {
        measured += 1;
        const start = stanza.indexOf('<body>') + 6;
        latency.add(
          performance.now() - Number(stanza.slice(start, start + 20).split(' ', 1)) / 1000,
        );
      }
      if (client === speaker && isSending) say();
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
    { name: 'deliveries', unit: '/s', value: measured / usage.seconds },
    ...latencies('delivery', latency.summary()),
    {
      name: 'server CPU per 1,000 deliveries',
      unit: 'ms',
      value: (1000 * usage.serverCpu) / measured,
    },
    ...usageFigures(usage),
    { name: 'server RSS', unit: 'MiB', value: rss / 2 ** 20 },
    { name: 'deliveries lost', unit: '', value: missing() },
  ];
}

/** The first makes the room; the others enter it, one after the other's answer. */
async function enterAll(clients: readonly Client[], room: string): Promise<void> {
  for (const [index, client] of clients.entries()) {
    const subject = heard(client, (stanza) => stanza.includes('<subject'));
    client.send(
      `<presence to='${room}/n${index}'><x xmlns='http://jabber.org/protocol/muc'><history maxchars='0'/></x></presence>`,
    );
    await subject;
    if (index > 0) continue;
    const unlocked = heard(client, (stanza) => stanza.startsWith('<iq'));
    client.send(
      `<iq type='set' id='unlock' to='${room}'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='submit'/></query></iq>`,
    );
    await unlocked;
  }
}

function heard(client: Client, isIt: (stanza: string) => boolean): Promise<void> {
  return new Promise((resolve) => {
    client.onStanza = (stanza) => {
      if (isIt(stanza)) resolve();
    };
  });
}

/** An archive that is filled, and then read from its beginning to its end, page by page. */
import type { Client } from './client.ts';
import { latencies, usageFigures } from './figures.ts';
import { Histogram } from './histogram.ts';
import { measureUsage } from './proc.ts';
import { type Figure, logInAll, logOutAll, type Scene } from './scenario.ts';
import { attributeOf } from './splitter.ts';

/** How `archive` runs. */
export interface ArchiveOptions {
  /** Messages that are archived. */
  readonly archived: number;
  /** Messages of a page. */
  readonly page: number;
  /** The length of a message's text, in bytes. */
  readonly body: number;
}

/** Messages under way while the archive is filled. */
const WINDOW = 200;

/** Fills the archive of the last account with messages of the one before it, and reads it. */
export async function runArchive(scene: Scene, options: ArchiveOptions): Promise<Figure[]> {
  const clients = await logInAll(scene, scene.accounts.slice(-2), 2);
  const [sender, reader] = clients;
  if (sender === undefined || reader === undefined) throw new Error('two accounts are needed');
  const lost = new Promise<never>((_, reject) => {
    for (const client of clients) client.onLost = reject;
  });
  try {
    return await Promise.race([lost, measure(scene, sender, reader, options)]);
  } finally {
    await logOutAll(clients);
  }
}

async function measure(
  scene: Scene,
  sender: Client,
  reader: Client,
  options: ArchiveOptions,
): Promise<Figure[]> {
  const finishFilling = await measureUsage(scene.pid);
  await fill(sender, reader, options);
  const filling = await finishFilling();

  const latency = new Histogram();
  const finishReading = await measureUsage(scene.pid);
  const read = await readThrough(reader, options.page, latency);
  const reading = await finishReading();
  const perThousand = (cpu: number) => (1000 * cpu) / options.archived;
  return [
    { name: 'messages archived', unit: '/s', value: options.archived / filling.seconds },
    { name: 'server CPU per 1,000 archived', unit: 'ms', value: perThousand(filling.serverCpu) },
    { name: 'messages read', unit: '/s', value: read / reading.seconds },
    { name: 'server CPU per 1,000 read', unit: 'ms', value: perThousand(reading.serverCpu) },
    ...latencies(`page of ${options.page}`, latency.summary()),
    ...usageFigures(reading),
    { name: 'messages missing', unit: '', value: options.archived - read },
  ];
}

/** Sends all messages; resolves when the last one has arrived. */
function fill(sender: Client, reader: Client, { archived, body }: ArchiveOptions): Promise<void> {
  const to = reader.jid.split('/', 1)[0] ?? '';
  const padding = 'x'.repeat(Math.max(0, body - 24));
  let sent = 0;
  let arrived = 0;
  const send = () => {
    if (sent === archived) return;
    sent += 1;
    sender.send(
      `<message type='chat' to='${to}' id='m${sent}'><body>word ${sent} ${padding}</body></message>`,
    );
  };
  return new Promise((resolve) => {
    reader.onStanza = (stanza) => {
      if (!stanza.startsWith('<message')) return;
      arrived += 1;
      if (arrived === archived) resolve();
      else send();
    };
    for (let count = 0; count < WINDOW; count += 1) send();
  });
}

/** Reads the archive; resolves to how many messages were in it. */
function readThrough(reader: Client, page: number, latency: Histogram): Promise<number> {
  let read = 0;
  let asked = 0;
  let begun = 0;
  const ask = (after: string) => {
    asked += 1;
    begun = performance.now();
    reader.send(
      `<iq type='set' id='q${asked}'><query xmlns='urn:xmpp:mam:2'>` +
        `<set xmlns='http://jabber.org/protocol/rsm'><max>${page}</max>${after}</set></query></iq>`,
    );
  };
  return new Promise((resolve, reject) => {
    reader.onStanza = (stanza) => {
      if (stanza.startsWith('<message')) {
        read += 1;
        return;
      }
      if (attributeOf(stanza, 'id') !== `q${asked}`) return;
      latency.add(performance.now() - begun);
      const last = /<last>([^<]*)<\/last>/.exec(stanza)?.[1];
      if (attributeOf(stanza, 'type') !== 'result') reject(new Error(`no page: ${stanza}`));
      else if (last === undefined || /complete=["']true/.test(stanza)) resolve(read);
      else ask(`<after>${last}</after>`);
    };
    ask('');
  });
}

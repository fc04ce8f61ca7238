/** An archive that is filled, and then read from its beginning to its end, page by page. */
import type { Client } from '../load/client.ts';
import { cpuPer, fault, latencies, usageFigures } from '../load/figures.ts';
import { Histogram } from '../load/histogram.ts';
import { measureUsage } from '../load/proc.ts';
import { type Figure, firstAccounts, type Scene, withClients } from '../load/scene.ts';
import { attributeOf } from '../load/splitter.ts';

/** How `archive` runs. */
export interface ArchiveOptions {
  /** Messages that are archived. */
  readonly archived: number;
  /** Messages of a page. */
  readonly page: number;
  /** The length of a message's text, in bytes. */
  readonly body: number;
  /** For how long it is read again, from its beginning on, in seconds. */
  readonly seconds: number;
}

/** Messages under way while the archive is filled. */
const WINDOW = 200;

/** Fills the archive of one account with messages of another, and reads it. */
export function runArchive(scene: Scene, options: ArchiveOptions): Promise<Figure[]> {
  return withClients(scene, firstAccounts(scene, 2), ([sender, reader]) => {
    if (sender === undefined || reader === undefined) throw new Error('two accounts are needed');
    return measure(scene, sender, reader, options);
  });
}

async function measure(
  scene: Scene,
  sender: Client,
  reader: Client,
  options: ArchiveOptions,
): Promise<Figure[]> {
  const finishFilling = await measureUsage(scene.pids);
  await fill(sender, reader, options);
  const filling = await finishFilling();

  // The first time shows that all is there, in order; the server is warm after it.
  const { read, misplaced } = await readThrough(reader, options.page, () => true);
  const latency = new Histogram();
  const finishReading = await measureUsage(scene.pids);
  const end = performance.now() + options.seconds * 1000;
  const takePage = (milliseconds: number) => {
    latency.add(milliseconds);
    return performance.now() < end;
  };
  while (performance.now() < end) await readThrough(reader, options.page, takePage);
  const reading = await finishReading();
  return [
    { name: 'messages archived', unit: '/s', value: options.archived / filling.seconds },
    cpuPer('message archived', filling, options.archived),
    { name: 'pages', unit: '/s', value: latency.count / reading.seconds },
    cpuPer('page', reading, latency.count),
    ...latencies('page', latency.summary()),
    ...usageFigures(reading),
    fault('messages missing', options.archived - read),
    fault('messages out of place', misplaced),
  ];
}

/** Sends all messages; resolves when the last one has arrived. */
export function fill(
  sender: Client,
  reader: Client,
  { archived, body }: Pick<ArchiveOptions, 'archived' | 'body'>,
): Promise<void> {
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

/** What was in an archive. */
interface Content {
  readonly read: number;
  /** Messages that did not stand where they were sent. */
  readonly misplaced: number;
}

/**
 * Reads the archive from its beginning to its end.
 * @param onPage is told how long each page took, in ms; false ends the reading there
 */
function readThrough(
  reader: Client,
  page: number,
  onPage: (milliseconds: number) => boolean,
): Promise<Content> {
  let read = 0;
  let misplaced = 0;
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
        if (!stanza.includes(`<body>word ${read} `)) misplaced += 1;
        return;
      }
      if (attributeOf(stanza, 'id') !== `q${asked}`) return;
      const goesOn = onPage(performance.now() - begun);
      const last = /<last>([^<]*)<\/last>/.exec(stanza)?.[1];
      if (attributeOf(stanza, 'type') !== 'result') reject(new Error(`no page: ${stanza}`));
      else if (!goesOn || last === undefined || /complete=["']true/.test(stanza))
        resolve({ read, misplaced });
      else ask(`<after>${last}</after>`);
    };
    ask('');
  });
}

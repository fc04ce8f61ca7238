/** Pages from anywhere in an archive that is there already, and what a further message costs it. */
import type { Client } from '../load/client.ts';
import { cpuPer, latencies, usageFigures } from '../load/figures.ts';
import { Histogram } from '../load/histogram.ts';
import { measureUsage } from '../load/proc.ts';
import { type Figure, firstAccounts, type Scene, withClients } from '../load/scene.ts';
import { attributeOf } from '../load/splitter.ts';
import { fill } from './archive.ts';

/** How `history` runs. */
export interface HistoryOptions {
  readonly page: number;
  readonly body: number;
  /** For how long pages are asked for, in seconds. */
  readonly seconds: number;
  /** When the first message came, and the last, in ms since the epoch. */
  readonly begin: number;
  readonly end: number;
  /** Messages that come afterwards. */
  readonly further: number;
}

/** Where the next page is to begin, as a share: spread over all, and the same in each run. */
const GOLDEN = 0.618_033_988_75;

/** Reads pages of the first account's archive, and lets the second one write to it. */
export function runHistory(scene: Scene, options: HistoryOptions): Promise<Figure[]> {
  return withClients(scene, firstAccounts(scene, 2), async ([reader, sender]) => {
    if (sender === undefined || reader === undefined) throw new Error('two accounts are needed');
    await readPages(reader, options, new Histogram());
    const latency = new Histogram();
    const finishReading = await measureUsage(scene.pids);
    await readPages(reader, options, latency);
    const reading = await finishReading();
    const finishWriting = await measureUsage(scene.pids);
    await fill(sender, reader, { archived: options.further, body: options.body });
    const writing = await finishWriting();
    return [
      { name: 'pages', unit: '/s', value: latency.count / reading.seconds },
      cpuPer('page', reading, latency.count),
      ...latencies('page', latency.summary()),
      cpuPer('message archived', writing, options.further),
      ...usageFigures(reading),
    ];
  });
}

/** Asks for one page after the other; rejects if one is empty. */
function readPages(
  reader: Client,
  { page, seconds, begin, end: last }: HistoryOptions,
  latency: Histogram,
): Promise<void> {
  const until = performance.now() + seconds * 1000;
  let asked = 0;
  let begun = 0;
  let came = 0;
  const ask = () => {
    asked += 1;
    came = 0;
    begun = performance.now();
    // Not from the last hundredth, where a page might not be full.
    const share = ((asked * GOLDEN) % 1) * 0.99;
    const start = new Date(Math.round(begin + share * (last - begin))).toISOString();
    reader.send(
      `<iq type='set' id='h${asked}'><query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data' type='submit'>` +
        "<field var='FORM_TYPE' type='hidden'><value>urn:xmpp:mam:2</value></field>" +
        `<field var='start'><value>${start}</value></field></x>` +
        `<set xmlns='http://jabber.org/protocol/rsm'><max>${page}</max></set></query></iq>`,
    );
  };
  return new Promise((resolve, reject) => {
    reader.onStanza = (stanza) => {
      if (stanza.startsWith('<message')) came += 1;
      else if (attributeOf(stanza, 'id') === `h${asked}`) {
        latency.add(performance.now() - begun);
        if (came !== page) reject(new Error(`a page has ${came} messages: ${stanza}`));
        else if (performance.now() < until) ask();
        else resolve();
      }
    };
    ask();
  });
}

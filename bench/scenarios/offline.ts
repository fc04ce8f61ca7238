/** Messages for somebody who is not there, and his coming back. */
import { Client } from '../load/client.ts';
import { cpuPer, fault, usageFigures } from '../load/figures.ts';
import { measureUsage } from '../load/proc.ts';
import { type Figure, firstAccounts, logInAll, logOutAll, type Scene } from '../load/scene.ts';
import { attributeOf } from '../load/splitter.ts';

/** How `offline` runs. */
export interface OfflineOptions {
  /** Messages that are kept for each one who is away. */
  readonly kept: number;
  /** Accounts that are away. */
  readonly absent: number;
  /** The length of a message's text, in bytes. */
  readonly body: number;
}

/** How long all may take, in milliseconds; then what has not come counts as missing. */
const PATIENCE = 120_000;

/** Sends to accounts without a session, and then has them come, one after the other. */
export async function runOffline(scene: Scene, options: OfflineOptions): Promise<Figure[]> {
  const [first, ...away] = firstAccounts(scene, 1 + options.absent);
  if (first === undefined) throw new Error('accounts are needed');
  // Who logs in once has keys that need not be derived while it is measured.
  await logOutAll(await logInAll(scene, away, 4));
  const [sender] = await logInAll(scene, [first], 1);
  if (sender === undefined) throw new Error('the sender could not log in');
  try {
    const finishKeeping = await measureUsage(scene.pids);
    for (const { user } of away) await leave(sender, `${user}@${scene.endpoint.domain}`, options);
    const keeping = await finishKeeping();

    const all = away.length * options.kept;
    let came = 0;
    let misplaced = 0;
    const readers: Client[] = [];
    for (const account of away)
      readers.push(await Client.logIn(scene.endpoint, account, scene.keys, { isAbsent: true }));
    const finishDraining = await measureUsage(scene.pids);
    for (const reader of readers) {
      const drained = await drain(reader, options.kept);
      came += drained.came;
      misplaced += drained.misplaced;
    }
    const draining = await finishDraining();
    await logOutAll(readers);
    return [
      { name: 'messages kept', unit: '/s', value: all / keeping.seconds },
      cpuPer('message kept', keeping, all),
      { name: 'messages drained', unit: '/s', value: came / draining.seconds },
      cpuPer('message drained', draining, all),
      ...usageFigures(draining),
      fault('messages missing', all - came),
      fault('messages out of place', misplaced),
    ];
  } finally {
    await logOutAll([sender]);
  }
}

/** Sends what is to be kept; resolves when the server has answered what was sent last. */
function leave(sender: Client, to: string, { kept, body }: OfflineOptions): Promise<void> {
  const padding = 'x'.repeat(Math.max(0, body - 10));
  return withPatience((done) => {
    sender.onStanza = (stanza) => {
      if (attributeOf(stanza, 'id') === 'sent') done();
    };
    for (let number = 0; number < kept; number += 1)
      sender.send(
        `<message type='chat' to='${to}' id='m${number}'><body>${number} ${padding}</body></message>`,
      );
    sender.send("<iq type='get' id='sent'><query xmlns='jabber:iq:roster'/></iq>");
  });
}

/** Becomes available; resolves when all that was kept has come, or patience is at an end. */
async function drain(
  reader: Client,
  kept: number,
): Promise<{ readonly came: number; readonly misplaced: number }> {
  let came = 0;
  let misplaced = 0;
  await withPatience((done) => {
    reader.onStanza = (stanza) => {
      if (!stanza.startsWith('<message')) return;
      if (attributeOf(stanza, 'id') !== `m${came}`) misplaced += 1;
      came += 1;
      if (came === kept) done();
    };
    reader.send('<presence/>');
  });
  return { came, misplaced };
}

function withPatience(work: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, PATIENCE);
    work(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

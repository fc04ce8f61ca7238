/**
 * DESIGN D1, against a simple model: devices that send, break, sleep, resume and come anew, and a
 * server that is killed at any moment. What was acknowledged is read by its recipient, in order.
 *
 * `RTCD_KILLS=1000 npx vitest run test/wire/durability.test.ts` soaks; `RTCD_SEED` repeats a run.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Device } from '../support/device.ts';
import { type Program, startProgram } from '../support/program.ts';
import { type Random, random } from '../support/random.ts';

const PASSWORD = 'a secret for tests';
const KILLS = Number(process.env['RTCD_KILLS'] ?? 25);
const SEED = Number(process.env['RTCD_SEED'] ?? Date.now() % 1_000_000);

let program: Program;
beforeEach(async () => {
  program = await startProgram({
    limits: { connectionsPerAddress: 10_000, resourcesPerAccount: 50 },
  });
  await program.addAccount('romeo', PASSWORD);
  await program.addAccount('juliet', PASSWORD);
}, 60_000);
afterEach(() => program.stop());

const device = (user: string, resource: string, isManaged = true, hasCarbons = false) =>
  new Device({ user, password: PASSWORD, resource, isManaged, hasCarbons });

describe(`D1 nothing that was acknowledged is lost (seed ${SEED})`, () => {
  test(`over ${KILLS} kills`, { timeout: 60_000 + KILLS * 8000 }, async () => {
    const pick = random(SEED);
    const romeo = device('romeo', 'street');
    const juliets = [
      device('juliet', 'phone', true, true),
      device('juliet', 'laptop'),
      device('juliet', 'tablet', true, true),
      device('juliet', 'old', false),
    ];
    const sent: string[] = [];
    for (let kill = 0; kill < KILLS; kill += 1) {
      await round({ romeo, juliets, sent, pick, tag: `${kill}` });
      if (pick.chance(0.8)) await program.kill();
      await program.restart();
      for (const each of [romeo, ...juliets]) each.cut();
    }
    await romeo.connect(program.ports.c2sTls);
    await romeo.settle();
    for (const juliet of juliets) {
      juliet.isTalkative = true;
      await juliet.connect(program.ports.c2sTls);
      juliet.send('<presence/>');
      await juliet.settle();
    }
    const read = new Set(juliets.flatMap((juliet) => juliet.read.map(({ text }) => text)));
    expect(sent.length).toBeGreaterThan(KILLS * 3);
    const missing = sent.filter((text) => !read.has(text));
    const stories = missing.map((id) => program.ctl(['trace', 'juliet@localhost', '--id', id]));
    expect((await Promise.all(stories)).map(({ stdout }) => stdout)).toEqual([]);
    for (const juliet of juliets) expect(outOfOrder(juliet.read)).toEqual([]);
    // Whatever each of them went through, all have the same archive, and nothing is missing in it.
    const archives = await Promise.all([romeo, ...juliets].map((each) => each.archive()));
    const [ofRomeo = [], ofJuliet, ...others] = archives;
    for (const other of others) expect(other).toEqual(ofJuliet);
    for (const archive of [ofRomeo, ofJuliet ?? []]) {
      expect(new Set(archive.map(({ id }) => id)).size).toBe(archive.length);
      const texts = new Set(archive.map(({ text }) => text));
      expect(sent.filter((text) => !texts.has(text))).toEqual([]);
    }
  });
});

interface Round {
  readonly romeo: Device;
  readonly juliets: readonly Device[];
  readonly sent: string[];
  readonly pick: Random;
  readonly tag: string;
}

/** Some steps at random; the last ones are under way when it ends. */
async function round({ romeo, juliets, sent, pick, tag }: Round): Promise<void> {
  const port = program.ports.c2sTls;
  await romeo.connect(port);
  const steps = 4 + pick.below(12);
  for (let step = 0; step < steps; step += 1) {
    const juliet = pick.from(juliets);
    switch (pick.below(8)) {
      case 0:
        if (!juliet.isConnected) await juliet.connect(port);
        break;
      case 1:
        juliet.cut();
        break;
      case 2:
        juliet.isTalkative = pick.chance(0.7);
        break;
      case 3:
        if (pick.chance(0.3)) await juliet.leave();
        else if (juliet.isConnected) await juliet.settle().catch(() => {});
        break;
      case 4:
        juliet.look(pick.chance(0.5));
        break;
      case 5:
        if (juliet.isConnected)
          juliet.send(`<presence><priority>${pick.from([-1, -1, 0, 5])}</priority></presence>`);
        break;
      default: {
        if (!romeo.isConnected) await romeo.connect(port);
        const to = pick.chance(0.5) ? 'juliet@localhost' : `${pick.from(juliets).jid}`;
        const count = 1 + pick.below(5);
        for (let index = 0; index < count; index += 1) {
          const text = `${tag}.${step}.${index}`;
          sent.push(text);
          romeo.say(to, text);
        }
        if (pick.chance(0.5)) romeo.request();
        if (pick.chance(0.3)) await romeo.settle();
        if (pick.chance(0.1)) romeo.cut();
      }
    }
  }
}

/**
 * Those that came after one that was sent later, leaving out what came again, and what says that it
 * is late: by its time (XEP-0203) a client puts it where it belongs.
 */
function outOfOrder(read: Device['read']): string[] {
  const key = (text: string) =>
    text
      .split('.')
      .map((part) => part.padStart(6, '0'))
      .join('.');
  const seen = new Set<string>();
  const first = read.filter(({ text }) => !seen.has(text) && seen.add(text));
  const timely = first.filter(({ isLate }) => !isLate);
  return timely
    .filter(({ text }, index) => index > 0 && key(timely[index - 1]?.text ?? '') > key(text))
    .map(({ text }) => text);
}

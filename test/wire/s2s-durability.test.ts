/**
 * DESIGN D1 between two servers, each in a process of its own, with both directions on one stream
 * and XEP-0198: either is killed at any moment, under load from both sides, or the line is cut. What
 * was acknowledged to its sender is read by its recipient.
 *
 * `RTCD_KILLS=200 npx vitest run test/wire/s2s-durability.test.ts` soaks; `RTCD_SEED` repeats a run.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { issue } from '../s2s/authority.ts';
import { type Cable, makeCable } from '../support/cable.ts';
import { Device } from '../support/device.ts';
import { startDns, type TestDns } from '../support/dns.ts';
import { LOOPBACK, type Program, startProgram } from '../support/program.ts';
import { type Random, random } from '../support/random.ts';
import { AUTHORITY } from '../support/several-servers.ts';

const PASSWORD = 'a secret for tests';
const KILLS = Number(process.env['RTCD_KILLS'] ?? 5);
const SEED = Number(process.env['RTCD_SEED'] ?? Date.now() % 1_000_000);

/** A server, the line to it, and the device of its only user. */
interface Place {
  readonly program: Program;
  readonly cable: Cable;
  readonly device: Device;
  readonly peer: string;
  /** What its user sent, in order. */
  readonly sent: string[];
}

let folder: string;
let dns: TestDns;
const places: Place[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rtcd-durability-'));
  const cables = [makeCable(), makeCable()] as const;
  const leads = await Promise.all(cables.map((cable) => cable.lead(0)));
  dns = await startDns({
    'xmpp.test.example': { A: [LOOPBACK] },
    '_xmpp-server._tcp.a.example': { SRV: [`1 1 ${leads[0]} xmpp.test.example`] },
    '_xmpp-server._tcp.b.example': { SRV: [`1 1 ${leads[1]} xmpp.test.example`] },
  });
  await writeFile(join(folder, 'authority.pem'), AUTHORITY.pem);
  places.push(await settle('a.example', 'romeo', 'juliet@b.example', cables[0]));
  places.push(await settle('b.example', 'juliet', 'romeo@a.example', cables[1]));
}, 60_000);
afterEach(async () => {
  for (const { program, cable } of places.splice(0)) {
    await program.stop('SIGKILL');
    await cable.stop();
  }
  await dns.stop();
  await rm(folder, { recursive: true, force: true });
});

async function settle(domain: string, user: string, peer: string, cable: Cable): Promise<Place> {
  const made = issue({ dns: [domain], by: AUTHORITY });
  await writeFile(join(folder, `${domain}.pem`), made.pem);
  await writeFile(join(folder, `${domain}.key`), made.keyPem);
  const settings = {
    certificates: [folder],
    dns: { servers: [dns.server] },
    s2s: { authorities: [join(folder, 'authority.pem')] },
    limits: { connectionsPerAddress: 10_000, resourcesPerAccount: 50 },
    // A device that acknowledges nothing leaves more than a mailbox usually holds.
    modules: { offline: { maxMessages: 100_000 } },
  };
  const program = await startProgram(settings, domain);
  await program.addAccount(user, PASSWORD);
  await cable.lead(program.ports.s2s);
  const device = new Device({ user, domain, password: PASSWORD, resource: 'x', isManaged: true });
  return { program, cable, device, peer, sent: [] };
}

test(`D1 nothing that was acknowledged is lost, over ${KILLS} kills of either server (seed ${SEED})`, {
  timeout: 300_000 + KILLS * 20_000,
}, async () => {
  const pick = random(SEED);
  for (let kill = 0; kill < KILLS; kill += 1) {
    const victim = pick.from(places);
    // What a device does not acknowledge is its server's to keep.
    for (const { device } of places) device.isTalkative = !device.isTalkative || pick.chance(0.3);
    for (const place of places.toSorted((one) => (one === victim ? -1 : 1)))
      await chatter(place, pick, `${kill}`);
    if (pick.chance(0.3)) {
      // Also what is under way on a line that breaks first.
      for (const { cable } of places) cable.cut();
      for (const place of places) await chatter(place, pick, `${kill}.cut`);
      for (const { cable } of places) cable.mend();
    }
    if (pick.chance(0.7)) victim.device.cut(); // what comes for him has to be kept
    const others = places.filter((place) => place !== victim);
    const busy = Promise.all(others.map((place) => stream(place, `${kill}.stream`)));
    await new Promise((resolve) => setTimeout(resolve, pick.below(60))); // at any moment
    await victim.program.kill();
    await busy;
    await victim.program.restart();
    await victim.cable.lead(victim.program.ports.s2s);
    victim.device.cut();
  }
  for (const { device, program } of places) {
    device.isTalkative = true;
    if (!device.isConnected) await device.connect(program.ports.c2sTls);
    await device.settle();
  }
  const [a, b] = places;
  if (a === undefined || b === undefined) return expect.fail('there are two');
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    expect(from.sent.length).toBeGreaterThan(KILLS);
    expect(from.device.returned).toEqual([]);
    const unread = () => {
      const read = new Set(to.device.read.map(({ text }) => text));
      return from.sent.filter((text) => !read.has(text));
    };
    // On a slow machine the next try to connect may be half a minute away.
    await expect.poll(unread, { timeout: 120_000, interval: 100 }).toEqual([]);
    const seen = new Set<string>();
    const firsts = to.device.read.filter(({ text }) => !seen.has(text) && seen.add(text));
    // What waited for a device says so by its time (XEP-0203); what came meanwhile does not wait for it.
    for (const wasLate of [false, true]) {
      const texts = firsts.filter(({ isLate }) => isLate === wasLate).map(({ text }) => text);
      expect(texts).toEqual(from.sent.filter((text) => texts.includes(text)));
    }
  }
});

/** A user says one thing after the other, for a while. */
async function stream({ device, peer, sent }: Place, tag: string): Promise<void> {
  for (let index = 0; index < 300; index += 1) {
    const text = `${tag}.${index}`;
    sent.push(text);
    device.say(peer, text);
    if (index % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  device.request();
}

/** A user says some things; some of it is settled. */
async function chatter({ device, program, peer, sent }: Place, pick: Random, tag: string) {
  if (!device.isConnected) await device.connect(program.ports.c2sTls);
  const count = 5 + pick.below(40);
  for (let index = 0; index < count; index += 1) {
    const text = `${tag}.${index}`;
    sent.push(text);
    device.say(peer, text);
  }
  device.request();
  if (pick.chance(0.5)) await device.settle();
}

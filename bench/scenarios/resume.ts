/** How fast devices come back: TLS that goes on, a token in place of a password, a resource at once. */
import { Client, type Resumption } from '../load/client.ts';
import { byPassword, byToken, type Pass } from '../load/entrance.ts';
import { cpuPer, latencies, usageFigures } from '../load/figures.ts';
import { Histogram } from '../load/histogram.ts';
import { measureUsage } from '../load/proc.ts';
import { type Figure, firstAccounts, inParallel, inTurns, type Scene } from '../load/scene.ts';
import type { Account } from '../servers/people.ts';
import type { LoginsOptions } from './logins.ts';

/** A device of an account, and what it keeps. */
class Device {
  readonly #scene: Scene;
  readonly #account: Account;
  #pass: Pass = { device: '', token: '' };
  #session: Buffer | undefined;

  constructor(scene: Scene, account: Account) {
    this.#scene = scene;
    this.#account = account;
  }

  /** Comes for the first time, with a password. */
  async enrol(): Promise<void> {
    const { domain } = this.#scene.endpoint;
    const keep = (pass: Pass) => {
      this.#pass = pass;
    };
    await (await this.#enter(byPassword(this.#account, domain, keep))).close();
  }

  /** Comes back. */
  comeBack(): Promise<Client> {
    return this.#enter(byToken(this.#account, this.#scene.endpoint.domain, this.#pass));
  }

  #enter(way: Parameters<typeof Client.enter>[2]): Promise<Client> {
    const onSession = (session: Buffer) => {
      this.#session = session;
    };
    const session = this.#session;
    const resumption: Resumption = session === undefined ? { onSession } : { session, onSession };
    return Client.enter(this.#scene.endpoint, this.#account, way, { resumption });
  }
}

/** Lets devices come back, again and again. */
async function cycleReturns(devices: readonly Device[], logins: number, concurrency: number) {
  const latency = new Histogram();
  let resumed = 0;
  await inTurns(devices, logins, concurrency, async (device) => {
    const began = performance.now();
    const client = await device.comeBack();
    latency.add(performance.now() - began);
    if (client.isResumed) resumed += 1;
    await client.close();
  });
  return { latency, resumed };
}

/** What it costs that devices come back; the scene's endpoint must be one for direct TLS. */
export async function runResume(scene: Scene, options: LoginsOptions): Promise<Figure[]> {
  const { logins, concurrency } = options;
  const devices = firstAccounts(scene, options.loginAccounts).map(
    (account) => new Device(scene, account),
  );
  await inParallel(devices.length, concurrency, (index) => devices[index]?.enrol());
  await cycleReturns(devices, options.loginsBefore, concurrency);
  const finish = await measureUsage(scene.pids);
  const { latency, resumed } = await cycleReturns(devices, logins, concurrency);
  const usage = await finish();
  return [
    { name: 'logins', unit: '/s', value: logins / usage.seconds },
    ...latencies('login', latency.summary()),
    cpuPer('login', usage, logins),
    { name: 'TLS sessions resumed', unit: '%', value: (100 * resumed) / logins },
    ...usageFigures(usage),
  ];
}

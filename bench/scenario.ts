/** What the scenarios share. */
import { type Account, Client, type Endpoint } from './client.ts';
import type { KeyCache } from './scram.ts';

/** The server under test and those who may log in. */
export interface Scene {
  readonly endpoint: Endpoint;
  readonly accounts: readonly Account[];
  readonly keys: KeyCache;
  /** The server's process, on this machine. */
  readonly pid: number;
}

/** A figure that is printed. */
export interface Figure {
  /** Its name in the table and, with the scenario before it, in JSON. */
  readonly name: string;
  readonly unit: string;
  readonly value: number;
}

/** Runs a number of jobs, some at a time; rejects with the first that fails. */
export async function inParallel(
  count: number,
  width: number,
  job: (index: number, worker: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  let hasFailed = false;
  const work = async (worker: number) => {
    while (next < count && !hasFailed) {
      const index = next;
      next += 1;
      await job(index, worker);
    }
  };
  const workers = Array.from({ length: Math.min(width, count) }, (_, worker) => work(worker));
  try {
    await Promise.all(workers);
  } finally {
    hasFailed = true;
    await Promise.allSettled(workers);
  }
}

/** The first accounts of a scene; throws if there are too few. */
export function firstAccounts(scene: Scene, count: number): readonly Account[] {
  if (scene.accounts.length < count) throw new Error(`${count} accounts are needed`);
  return scene.accounts.slice(0, count);
}

/** Logs accounts in, some at a time. If one fails, all are logged out. */
export async function logInAll(
  scene: Scene,
  accounts: readonly Account[],
  width: number,
): Promise<Client[]> {
  const clients: Client[] = [];
  try {
    await inParallel(accounts.length, width, async (index) => {
      const account = accounts[index];
      if (account === undefined) return;
      clients[index] = await Client.logIn(scene.endpoint, account, scene.keys);
    });
  } catch (error) {
    await logOutAll(clients);
    throw error;
  }
  return clients;
}

/** Logs clients out. */
export async function logOutAll(clients: readonly Client[]): Promise<void> {
  await Promise.all(Object.values(clients).map((client) => client.close()));
}

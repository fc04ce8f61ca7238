/** What the scenarios share. */
import type { Account } from '../servers/people.ts';
import { Client, type Endpoint } from './client.ts';
import type { KeyCache } from './scram.ts';

/** The server under test and those who may log in. */
export interface Scene {
  readonly endpoint: Endpoint;
  readonly accounts: readonly Account[];
  readonly keys: KeyCache;
  /** The server's process, on this machine; several where servers work together. */
  readonly pids: readonly number[];
}

/** A figure that is printed. */
export interface Figure {
  /** Its name in the table and, with the scenario before it, in JSON. */
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  /** Whether anything but 0 says that the server failed: what it lost, doubled or put out of order. */
  readonly isFault?: true;
}

/** Logins under way at a time, where they are not what is measured: few, so that little is in flight. */
const LOGINS_AT_A_TIME = 8;

/** Runs a number of jobs, some at a time; rejects with the first that fails. */
export async function inParallel(
  count: number,
  width: number,
  job: (index: number, worker: number) => Promise<void> | undefined,
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

/**
 * Runs a job with one of several things, many times, some at a time: each has a part of the things to
 * itself, so that no login meets the end of another session of its account.
 */
export async function inTurns<T>(
  things: readonly T[],
  count: number,
  width: number,
  job: (thing: T) => Promise<void>,
): Promise<void> {
  const turns: number[] = [];
  const share = Math.floor(things.length / width);
  await inParallel(count, width, (_, worker) => {
    const turn = turns[worker] ?? 0;
    turns[worker] = turn + 1;
    const thing = things[worker * share + (turn % share)];
    return thing === undefined ? undefined : job(thing);
  });
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

/**
 * Logs accounts in, does something with them, and logs them out; rejects if one of them loses its
 * connection meanwhile.
 */
export async function withClients<T>(
  scene: Scene,
  accounts: readonly Account[],
  run: (clients: readonly Client[]) => Promise<T>,
): Promise<T> {
  const clients = await logInAll(scene, accounts, LOGINS_AT_A_TIME);
  const lost = new Promise<never>((_, reject) => {
    for (const client of clients) client.onLost = reject;
  });
  try {
    return await Promise.race([lost, run(clients)]);
  } finally {
    await logOutAll(clients);
  }
}

/** Logs clients out. */
export async function logOutAll(clients: readonly Client[]): Promise<void> {
  await Promise.all(Object.values(clients).map((client) => client.close()));
}

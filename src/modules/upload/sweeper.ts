/**
 * Removes files whose time is over, and what a crash left behind: a row goes before its file, and a
 * file is in its place before its row, so that only files can be without the other one.
 */
import type { Home } from '../../core/module.ts';
import type { BareJid } from '../../jid/jid.ts';
import type { Timer } from '../../kit/clock.ts';
import type { Folder } from './folder.ts';
import type { UploadSettings } from './settings.ts';
import type { Slots } from './slots.ts';
import type { FileTables } from './tables.ts';
import { dayOf } from './terms.ts';

/** Files that are removed at a time. */
const STEP = 100;
const ROUND_MS = 60_000;
/** How often files without a row are looked for, beside the start. */
const ORPHANS_MS = 6 * 3_600_000;
/** After the start, users come first. */
const FIRST_MS = 2000;

/** What a sweeper works with. */
export interface SweeperOptions {
  readonly home: Home<UploadSettings>;
  readonly tables: FileTables;
  readonly folder: Folder;
  readonly slots: Slots;
}

/** Removes files. */
export interface Sweeper {
  /** Removes files and what is known of them. */
  remove(ids: readonly string[]): Promise<void>;
  /** Removes all that an account has. */
  removeAll(account: BareJid): Promise<void>;
  /** Removes what is to go by now. */
  sweep(): Promise<void>;
  /** Removes files of which nothing is known. */
  sweepOrphans(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a sweeper. */
export function startSweeper({ home, tables, folder, slots }: SweeperOptions): Sweeper {
  const { clock, log, hosts } = home;
  let isStopped = false;
  let working: Promise<unknown> = Promise.resolve();

  const remove = async (ids: readonly string[]) => {
    await tables.remove(ids);
    for (const id of ids) await folder.remove(id);
  };
  /** Removes what `next` gives, until it gives no more. */
  const drain = async (next: () => Promise<readonly string[]>) => {
    let removed = 0;
    while (!isStopped) {
      const ids = await next();
      await remove(ids);
      removed += ids.length;
      if (ids.length < STEP) break;
    }
    return removed;
  };
  const sweep = async () => {
    const now = clock.now();
    slots.expire();
    let removed = await drain(() => tables.ended(now, STEP));
    for (const { domain } of hosts.all()) {
      if (!home.isEnabled(domain)) continue; // what was kept while it was on may be wanted again
      const { keepFor } = home.configOf(domain);
      if (keepFor > 0) removed += await drain(() => tables.old(domain, now - keepFor, STEP));
    }
    await tables.forgetDays(dayOf(now));
    if (removed > 0) log.info({ removed }, 'uploaded files whose time was over were removed');
  };
  const sweepOrphans = async () => {
    let removed = 0;
    const isLost = (id: string) => !slots.isUnderWay(id);
    for (const id of (await folder.incoming()).filter(isLost)) {
      await folder.remove(id);
      removed += 1;
    }
    for await (const ids of folder.all())
      for (let at = 0; at < ids.length && !isStopped; at += STEP) {
        const some = ids.slice(at, at + STEP).filter(isLost);
        const known = await tables.known(some);
        for (const id of some.filter((each) => !known.has(each))) {
          await folder.remove(id);
          removed += 1;
        }
      }
    if (removed > 0) log.warn({ removed }, 'files that no upload completed were removed');
  };
  const waiting = new Set<() => Promise<void>>();
  /** One after the other, none twice; what fails is tried again in the next round. */
  const work = (task: () => Promise<void>) => {
    if (isStopped || waiting.has(task)) return;
    waiting.add(task);
    working = working.then(async () => {
      waiting.delete(task);
      if (!isStopped) await task();
    });
    working = working.catch((error: unknown) => {
      log.error({ err: error }, 'uploaded files could not be swept');
    });
  };
  const timers: readonly Timer[] = [
    clock.after(FIRST_MS, () => work(sweepOrphans)),
    clock.every(ROUND_MS, () => work(sweep)),
    clock.every(ORPHANS_MS, () => work(sweepOrphans)),
  ];
  return {
    remove,
    async removeAll(account) {
      slots.drop(account);
      await drain(() => tables.of(account, STEP));
      await tables.forgetAccount(account);
    },
    sweep,
    sweepOrphans,
    async stop() {
      for (const timer of timers) timer.cancel();
      isStopped = true;
      await working;
    },
  };
}

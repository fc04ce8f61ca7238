/**
 * Takes out of the archives what is not to be kept any longer: messages that are older than their
 * owner's term, and all of owners who were removed. In small steps, so that a write of a message never
 * waits long behind one of them.
 */
import type { BareJid } from '../../jid/jid.ts';
import type { Clock, Timer } from '../../kit/clock.ts';
import type { Logger } from '../../kit/log.ts';
import type { Store } from '../../store/store.ts';
import type { Archives } from './archives.ts';
import type { OwnerRow } from './owners.ts';
import { serialAt } from './serials.ts';

/** Messages that are taken out at a time: a few milliseconds of the database's time. */
const STEP = 500;
/** How long the database is left to others between two steps. */
const PAUSE_MS = 20;
/** How often what has become too old is looked for. */
const ROUND_MS = 3_600_000;
/** After the start, users come first. */
const FIRST_ROUND_MS = 60_000;
/** Owners that are looked at together. */
const OWNERS = 100;
const DAY_MS = 86_400_000;

/** Cleans the archives. */
export interface Sweeper {
  /** Begins a round now, or another one after that which is under way. */
  wake(): void;
  /** Ends after the step that is under way. */
  stop(): Promise<void>;
}

/** What a sweeper works with. */
export interface SweeperOptions {
  readonly archives: Archives;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long messages of an owner are kept that has no term of its own, in ms; 0 is for good. */
  keepMs(jid: BareJid): number;
}

/** Starts a sweeper. */
export function startSweeper(options: SweeperOptions): Sweeper {
  const { clock, log } = options;
  const ending = new AbortController();
  let isAsked = false;
  let working: Promise<void> | undefined;

  const work = async () => {
    while (isAsked && !ending.signal.aborted) {
      isAsked = false;
      try {
        await round(options, ending.signal);
      } catch (error) {
        log.error({ err: error }, 'the archives could not be cleaned; the next round tries again');
      }
    }
    working = undefined;
  };
  const wake = () => {
    isAsked = true;
    working ??= work();
  };
  const timers: readonly Timer[] = [clock.after(FIRST_ROUND_MS, wake), clock.every(ROUND_MS, wake)];
  return {
    wake,
    async stop() {
      for (const timer of timers) timer.cancel();
      ending.abort();
      await working;
    },
  };
}

/** Looks at all owners once. */
async function round(options: SweeperOptions, signal: AbortSignal): Promise<void> {
  const { archives, store, clock, log } = options;
  const { owners, messages } = archives;
  for await (const rows of pages((after) => owners.list(after, OWNERS, 'removed'), signal)) {
    for (const { token } of rows) {
      await prune(archives, token, undefined, clock, signal);
      if (!signal.aborted) await store.write(owners.forget(token));
    }
  }
  let removed = 0;
  for await (const rows of pages((after) => owners.list(after, OWNERS, 'all'), signal)) {
    const terms = rows.flatMap(({ token, jid, keepDays }) => {
      if (jid === null) return [];
      const keepMs = keepDays === null ? options.keepMs(jid) : keepDays * DAY_MS;
      return keepMs === 0 ? [] : [{ token, before: serialAt(clock.now() - keepMs) }];
    });
    // Asked together, of the thread that only reads: most archives have nothing that old.
    const oldest = await Promise.all(terms.map(({ token }) => messages.oldest(token)));
    for (const [index, { token, before }] of terms.entries())
      if ((oldest[index]?.serial ?? before) < before)
        removed += await prune(archives, token, before, clock, signal);
  }
  if (removed > 0) log.info({ removed }, 'messages that were too old were taken out of archives');
}

/** All owners, some at a time. */
async function* pages(
  list: (after: number) => Promise<readonly OwnerRow[]>,
  signal: AbortSignal,
): AsyncGenerator<readonly OwnerRow[]> {
  let after = 0;
  while (!signal.aborted) {
    const rows = await list(after);
    yield rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < OWNERS) return;
    after = last.token;
  }
}

/** Takes an archive's messages before a number out, or all, step by step; answers how many they were. */
async function prune(
  archives: Archives,
  token: number,
  before: number | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<number> {
  let removed = 0;
  while (!signal.aborted) {
    const step = await archives.prune(token, before, STEP);
    removed += step;
    if (step < STEP) break;
    await paused(clock, signal);
  }
  return removed;
}

/** Leaves the database to others for a moment; ends at once when the sweeper does. */
function paused(clock: Clock, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.after(PAUSE_MS, done);
    signal.addEventListener('abort', done);
  });
}

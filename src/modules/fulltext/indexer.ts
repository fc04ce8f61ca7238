/**
 * Fills the index. An archive is indexed from the first search in it on: who never searches pays
 * nothing for it, and the way of a message never does. The newest messages come first; what is left is
 * done in small steps, while the database has nothing better to do.
 */
import type { Clock, Timer } from '../../kit/clock.ts';
import { createExclusive } from '../../kit/exclusive.ts';
import { BoundedMap } from '../../kit/limits.ts';
import type { Logger } from '../../kit/log.ts';
import type { Store } from '../../store/store.ts';
import type { ArchiveApi, Owner } from '../archive/index.ts';
import type { Span, TextTable } from './table.ts';

/** Messages that are indexed at a time: a few milliseconds here, and in the database. */
const STEP = 100;
/** Steps that a search waits for. */
const STEPS_AT_ONCE = 20;
/** How long the database is left to others between two steps in the background. */
const PAUSE_MS = 50;
/** How long after a message its archive is caught up in the background. */
const DELAY_MS = 10_000;
/** Writes that wait when the database is too busy for this. */
const BUSY = 200;
/** Archives of which is remembered how far they are indexed. */
const REMEMBERED = 10_000;

/** Keeps the index up to date. */
export interface Indexer {
  /** Indexes what is not yet, as far as that goes quickly; whether nothing is left. */
  catchUp(owner: Owner): Promise<boolean>;
  /** Something new is in an archive. */
  note(owner: Owner): void;
  /** Forgets what is indexed of an archive, which is indexed anew from the next search on. */
  restart(owner: Owner): Promise<void>;
  /** Ends after the step that is under way. */
  stop(): Promise<void>;
}

/** What an indexer works with. */
export interface IndexerOptions {
  readonly table: TextTable;
  readonly texts: ArchiveApi['texts'];
  readonly store: Pick<Store, 'stats'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Makes an indexer. */
export function createIndexer({ table, texts, store, clock, log }: IndexerOptions): Indexer {
  const exclusive = createExclusive<number>();
  const spans = new BoundedMap<number, Span>(REMEMBERED);
  const behind = new Map<number, Owner>();
  let timer: Timer | undefined;
  let working: Promise<void> = Promise.resolve();
  let isStopped = false;

  const spanOf = async (owner: Owner) => spans.get(owner.token) ?? (await table.span(owner.token));

  /** One step; whether nothing is left. */
  const step = (owner: Owner): Promise<boolean> =>
    exclusive(owner.token, async () => {
      const span = await spanOf(owner);
      const newer = span === undefined ? [] : await texts(owner, { after: span.newest }, STEP);
      if (span !== undefined && newer.length > 0) {
        const newest = newer.at(-1)?.serial ?? span.newest;
        await keep(owner, newer, { oldest: span.oldest, newest });
        return false;
      }
      if (span?.oldest === 0) return true;
      const before = span?.oldest ?? Number.MAX_SAFE_INTEGER;
      const older = [...(await texts(owner, { before }, STEP))].reverse();
      const oldest = older.length < STEP ? 0 : (older[0]?.serial ?? 0);
      const newest = span?.newest ?? older.at(-1)?.serial ?? 0;
      await keep(owner, older, { oldest, newest });
      return oldest === 0;
    });
  const keep = async (owner: Owner, found: Parameters<TextTable['add']>[1], span: Span) => {
    await table.add(owner.token, found, span);
    spans.set(owner.token, span);
  };

  const schedule = (ms: number) => {
    if (isStopped) return;
    timer ??= clock.after(ms, () => {
      working = work().finally(() => {
        timer = undefined;
        if (behind.size > 0) schedule(PAUSE_MS);
      });
    });
  };
  /** A step for the archive that has waited longest. */
  const work = async () => {
    const [owner] = behind.values();
    if (owner === undefined || store.stats().queued > BUSY) return;
    behind.delete(owner.token);
    try {
      if (!(await step(owner)) && !owner.isGone) behind.set(owner.token, owner);
    } catch (error) {
      log.error({ err: error, account: owner.jid }, 'an archive could not be indexed');
    }
  };

  return {
    async catchUp(owner) {
      for (let steps = 0; steps < STEPS_AT_ONCE; steps += 1) if (await step(owner)) return true;
      behind.set(owner.token, owner);
      schedule(PAUSE_MS);
      return false;
    },
    note(owner) {
      if (spans.get(owner.token) === undefined) return; // nobody searches there
      behind.set(owner.token, owner);
      schedule(DELAY_MS);
    },
    restart: (owner) =>
      exclusive(owner.token, async () => {
        if ((await spanOf(owner)) === undefined) return;
        await table.reset(owner.token);
        spans.delete(owner.token);
      }),
    async stop() {
      isStopped = true;
      timer?.cancel();
      await working;
    },
  };
}

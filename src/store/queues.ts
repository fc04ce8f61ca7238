/** What waits on this side: writes until their group is committed, reads until the turn ends. */
import type { Clock, Timer } from '../kit/clock.ts';
import { StoreError } from './errors.ts';
import type { EngineClient } from './port.ts';
import {
  isFailure,
  rowsOf,
  type SqlValue,
  type Statement,
  type WireResult,
  type WireRows,
  type WireStatement,
} from './protocol.ts';

/** Writes in one group at most, so that no commit takes long. */
const GROUP_MOST = 2000;

/** One commit of a group. */
export interface Commit {
  /** Writes (batches) in the group. */
  readonly size: number;
  /** From its beginning to its fsync's end. */
  readonly ms: number;
}

/** How a {@link WriteQueue} groups. */
export interface WriteQueueOptions {
  readonly engine: EngineClient;
  readonly clock: Clock;
  /** The least time between the end of a commit and the next; a lone write is committed at once. */
  readonly groupMs: number;
  /** Writes that may wait; more are refused. */
  readonly most: number;
  readonly onCommit: (commit: Commit) => void;
}

interface Batch {
  readonly statements: readonly Statement[];
  resolve(results: readonly WireResult[]): void;
  reject(error: unknown): void;
}

/**
 * Groups writes: those of one turn of the loop, and all that come while a commit is under way or
 * until `groupMs` after it, share the next commit and its fsync.
 */
export class WriteQueue {
  readonly #options: WriteQueueOptions;
  #waiting: Batch[] = [];
  #inFlight = 0;
  #scheduled: Timer | undefined;
  #committedAt = Number.NEGATIVE_INFINITY;
  #drained: (() => void) | undefined;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
  }

  /** Writes not yet committed. */
  get size(): number {
    return this.#waiting.length + this.#inFlight;
  }

  /** Adds a batch; resolves when it is committed, rejects when it alone or its group failed. */
  add(statements: readonly Statement[]): Promise<readonly WireResult[]> {
    if (this.size >= this.#options.most) return Promise.reject(overloaded('writes', this.size));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ statements, resolve, reject });
      this.#schedule();
    });
  }

  /** Resolves when nothing waits any more; groups no longer wait for company. */
  drain(): Promise<void> {
    if (this.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained = resolve;
      this.#scheduled?.cancel();
      this.#scheduled = undefined;
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#scheduled !== undefined || this.#inFlight > 0 || this.#waiting.length === 0) return;
    const { clock, groupMs } = this.#options;
    const wait = this.#committedAt + groupMs - clock.monotonic();
    const isDue = wait <= 0 || this.#drained !== undefined || this.#waiting.length >= GROUP_MOST;
    this.#scheduled = isDue
      ? afterTurn(() => this.#send())
      : clock.after(Math.ceil(wait), () => this.#send());
  }

  #send(): void {
    this.#scheduled = undefined;
    const group = this.#waiting.splice(0, GROUP_MOST);
    this.#inFlight = group.length;
    this.#commit(group)
      .catch((error: unknown) => {
        for (const batch of group) batch.reject(error);
      })
      .finally(() => {
        this.#inFlight = 0;
        this.#committedAt = this.#options.clock.monotonic();
        if (this.size === 0) this.#drained?.();
        this.#schedule();
      });
  }

  async #commit(group: readonly Batch[]): Promise<void> {
    const { engine, onCommit } = this.#options;
    const texts = new Texts();
    const batches = group.map(({ statements }) => statements.map((one) => texts.wire(one)));
    const { outcomes, ms } = await engine.call('group', { texts: texts.all, batches });
    group.forEach((batch, index) => {
      const outcome = outcomes[index] ?? [];
      if (isFailure(outcome)) batch.reject(StoreError.of(outcome));
      else batch.resolve(outcome);
    });
    onCommit({ size: group.length, ms });
  }
}

interface Read {
  readonly statement: Statement;
  readonly isFirst: boolean;
  resolve(rows: readonly unknown[]): void;
  reject(error: unknown): void;
}

/** Gathers the reads of one turn of the loop into one message. */
export class ReadQueue {
  readonly #engine: EngineClient;
  readonly #most: number;
  #waiting: Read[] = [];
  #size = 0;
  #drained: (() => void) | undefined;

  /** @param most reads that may wait; more are refused */
  constructor(engine: EngineClient, most: number) {
    this.#engine = engine;
    this.#most = most;
  }

  /** Reads not yet answered. */
  get size(): number {
    return this.#size;
  }

  /** The rows of a query, or with `isFirst` no more than its first. */
  add(statement: Statement, isFirst: boolean): Promise<readonly unknown[]> {
    if (this.#size >= this.#most) return Promise.reject(overloaded('reads', this.#size));
    this.#size++;
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) afterTurn(() => this.#send());
      this.#waiting.push({ statement, isFirst, resolve, reject });
    });
  }

  /** Resolves when every read is answered. */
  drain(): Promise<void> {
    if (this.#size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#drained = resolve;
    });
  }

  #send(): void {
    const reads = this.#waiting;
    this.#waiting = [];
    this.#fetch(reads)
      .catch((error: unknown) => {
        for (const read of reads) read.reject(error);
      })
      .finally(() => {
        this.#size -= reads.length;
        if (this.#size === 0) this.#drained?.();
      });
  }

  async #fetch(reads: readonly Read[]): Promise<void> {
    const texts = new Texts();
    const wired = reads.map(({ statement, isFirst }) => ({
      statement: texts.wire(statement),
      isFirst,
    }));
    const outcomes = await this.#engine.call('reads', { texts: texts.all, reads: wired });
    reads.forEach((read, index) => {
      const outcome = outcomes[index] ?? NO_ROWS;
      if (isFailure(outcome)) read.reject(StoreError.of(outcome));
      else read.resolve(rowsOf(outcome));
    });
  }
}

const NO_ROWS: WireRows = { columns: [], values: [] };

/** The distinct texts of a message. */
class Texts {
  readonly all: string[] = [];
  readonly #indices = new Map<string, number>();

  wire({ sql, parameters }: Statement): WireStatement {
    let index = this.#indices.get(sql);
    if (index === undefined) {
      index = this.all.push(sql) - 1;
      this.#indices.set(sql, index);
    }
    return [index, parameters] satisfies readonly [number, readonly SqlValue[]];
  }
}

function afterTurn(task: () => void): Timer {
  const handle = setImmediate(task);
  return { cancel: () => clearImmediate(handle) };
}

function overloaded(what: 'reads' | 'writes', count: number): StoreError {
  return new StoreError('overloaded', `${count} ${what} wait for the database`);
}

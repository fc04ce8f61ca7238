/** Rows on their way out of the spool: until they are removed they are still read, and are not to be given. */
import type { BareJid } from '../../jid/jid.ts';
import { bothSettled } from '../../kit/settled.ts';
import type { Row, Spool } from './spool.ts';

/** Rows of an account that are read to be given, one after the other. */
export interface Page {
  /** The number of the last one. */
  last: number;
  /** Those that were not needed any more when it was asked for, in batches: they may be removed by now. */
  readonly before: readonly ReadonlySet<number>[];
  /** The same of those that are not needed any more since then. */
  readonly since: Set<number>;
}

/** Whether a row of a page is not to be given. */
export const isOver = ({ before, since }: Page, id: number): boolean =>
  since.has(id) || before.some((batch) => batch.has(id));

/** What is not needed any more. */
export class Departures {
  readonly #spool: Pick<Spool, 'free' | 'remove'>;
  /** Those that are removed together, next time. */
  #gone = new Set<number>();
  /** Batches that are being removed. */
  readonly #leaving = new Set<ReadonlySet<number>>();
  /** What a session of an account is being given. */
  readonly #pages = new Map<BareJid, Page>();
  #removing: Promise<unknown> = Promise.resolve();

  constructor(spool: Pick<Spool, 'free' | 'remove'>) {
    this.#spool = spool;
  }

  /** Whether none waits to be removed. */
  get isEmpty(): boolean {
    return this.#gone.size === 0;
  }

  /** Whether a row is not needed any more, and may still be read. */
  has(id: number): boolean {
    if (this.#gone.has(id)) return true;
    for (const batch of this.#leaving) if (batch.has(id)) return true;
    return false;
  }

  /** A row is not needed any more: it goes with the next batch. */
  add(account: BareJid, row: Row): void {
    this.#free(account, row);
    this.#gone.add(row.id);
  }

  /** Removes rows now, all but those that go already. */
  async remove(account: BareJid, rows: readonly Row[]): Promise<void> {
    for (const row of rows) this.#free(account, row);
    await this.#remove(new Set(rows.map(({ id }) => id)));
  }

  /** Removes what was added. */
  flush(): void {
    if (this.isEmpty) return;
    // What is not removed is delivered twice at worst.
    this.#removing = bothSettled(this.#removing, this.#remove(this.#gone));
    this.#gone = new Set();
  }

  /** Resolves when what was flushed is removed, or could not be. */
  async settled(): Promise<void> {
    await this.#removing;
  }

  /** Begins a page of an account, before it is read; it has one at a time. */
  begin(account: BareJid): Page {
    const before = [this.#gone, ...this.#leaving];
    const page = { last: Number.POSITIVE_INFINITY, before, since: new Set<number>() };
    this.#pages.set(account, page);
    return page;
  }

  /** Nothing is read for an account any more. */
  end(account: BareJid): void {
    this.#pages.delete(account);
  }

  #free(account: BareJid, row: Row): void {
    this.#spool.free(account, row);
    const page = this.#pages.get(account);
    if (page !== undefined && row.id <= page.last) page.since.add(row.id);
  }

  async #remove(batch: ReadonlySet<number>): Promise<void> {
    this.#leaving.add(batch);
    try {
      await this.#spool.remove([...batch]);
    } finally {
      this.#leaving.delete(batch);
    }
  }
}

/** Messages on their way into the spool, which a delivery must see. */
import type { BareJid } from '../../jid/jid.ts';
import { bothSettled } from '../../kit/settled.ts';

interface Entry {
  readonly work: Promise<unknown>;
  /** Resolves when that, and all before it, is done or failed. */
  readonly settled: Promise<unknown>;
}

/** What is being written for each account. */
export class Entering {
  readonly #byAccount = new Map<BareJid, Entry>();

  /** Adds work; that of messages which are written together is the same, and is noted once. */
  add(account: BareJid, work: Promise<unknown>): void {
    const before = this.#byAccount.get(account);
    if (before?.work === work) return;
    const one = { work, settled: bothSettled(before?.settled, work) };
    this.#byAccount.set(account, one);
    void one.settled.then(() => {
      if (this.#byAccount.get(account) === one) this.#byAccount.delete(account);
    });
  }

  /** Resolves when all that was added for an account is done, or failed. */
  async settled(account: BareJid): Promise<void> {
    await this.#byAccount.get(account)?.settled;
  }

  /** The same for all accounts. */
  async allSettled(): Promise<void> {
    await Promise.all([...this.#byAccount.values()].map(({ settled }) => settled));
  }
}

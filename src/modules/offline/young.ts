/** Messages that sessions hold and that are not written yet, since they may be acknowledged soon. */
import type { BareJid } from '../../jid/jid.ts';

/** What is young, and since when. */
interface Entry {
  readonly account: BareJid;
  /** It is not any more: it was acknowledged, or is being written. */
  readonly isOver: boolean;
}

/** Young messages, those of one account in the order in which they came. */
export class Young<E extends Entry> {
  readonly #byAccount = new Map<BareJid, E[]>();

  /** Whether there is none. */
  get isEmpty(): boolean {
    return this.#byAccount.size === 0;
  }

  /** Adds one that came after all others of its account; forgets the oldest, as far as they are over. */
  add(entry: E): void {
    const known = this.#byAccount.get(entry.account);
    if (known === undefined) {
      this.#byAccount.set(entry.account, [entry]);
      return;
    }
    let over = 0;
    while (known[over]?.isOver === true) over += 1;
    if (over > 0) known.splice(0, over);
    known.push(entry);
  }

  /** Takes all of an account out. */
  take(account: BareJid): readonly E[] {
    const found = this.#byAccount.get(account) ?? [];
    this.#byAccount.delete(account);
    return found.filter(({ isOver }) => !isOver);
  }

  /** Takes all out. */
  takeAll(): readonly E[] {
    return [...this.#byAccount.keys()].flatMap((account) => this.take(account));
  }

  /**
   * Takes out what is due, with all that came before it for the same account: they are written in
   * their order. Forgets what is over.
   */
  takeDue(isDue: (entry: E) => boolean): readonly E[] {
    const taken: E[] = [];
    for (const [account, entries] of this.#byAccount) {
      const last = entries.findLastIndex((entry) => !entry.isOver && isDue(entry));
      const left = entries.filter((entry, index) => index > last && !entry.isOver);
      taken.push(...entries.filter((entry, index) => index <= last && !entry.isOver));
      if (left.length === 0) this.#byAccount.delete(account);
      else this.#byAccount.set(account, left);
    }
    return taken;
  }
}

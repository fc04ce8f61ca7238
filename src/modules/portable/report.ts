/** What an import has done, summed up as it goes: however large the files are, this stays small. */
import type { Intake } from '../../core/intake.ts';
import type { BareJid } from '../../jid/jid.ts';

/** What becomes of accounts. */
export interface AccountCounts {
  made: number;
  /** An import of them had been interrupted. */
  completed: number;
  /** They were here, and something was added. */
  addedTo: number;
  /** They were here, or cannot be. */
  passedOver: number;
}

/** One kind of data. */
export interface KindCounts {
  readonly kind: string;
  taken: number;
  passed: number;
}

/** Something that was not taken in. */
export interface PassedRow {
  /** The account, host or file. */
  readonly of: string;
  readonly what: string;
  readonly why: string;
  times: number;
}

/** What becomes of somebody for whom something is taken in. */
export type Fate = 'made' | 'completed' | 'addedTo';

/** Somebody for whom something is taken in. */
export interface Person {
  readonly account: BareJid;
  readonly fate: Fate;
  /** How many of each kind. */
  readonly taken: ReadonlyMap<string, number>;
}

/** People who are told one by one. */
const MOST_PEOPLE = 200;
/** Rows that are told one by one; of the rest only how many there are. */
const MOST_ROWS = 1000;
/** How much of a text that comes from the file is told. */
const MOST_TEXT = 200;

/** Sums up. */
export class Report {
  readonly accounts: AccountCounts = { made: 0, completed: 0, addedTo: 0, passedOver: 0 };
  readonly kinds = new Map<string, KindCounts>();
  readonly rows = new Map<string, PassedRow>();
  /** The first of them. */
  readonly people = new Map<string, Person & { readonly taken: Map<string, number> }>();
  /** How many were passed over beyond those that are told. */
  untold = 0;

  /** Whether all was taken in. */
  get isWhole(): boolean {
    return this.rows.size === 0;
  }

  /** Somebody for whom something is taken in. */
  begin(account: BareJid, fate: Fate): void {
    this.accounts[fate] += 1;
    if (this.people.size < MOST_PEOPLE && !this.people.has(account))
      this.people.set(account, { account, fate, taken: new Map() });
  }

  /** What became of something of an account. */
  add(of: string, { kind, taken, passed }: Intake): void {
    const counts = this.kinds.get(kind) ?? { kind, taken: 0, passed: 0 };
    counts.taken += taken;
    counts.passed += passed.length;
    this.kinds.set(kind, counts);
    const own = this.people.get(of)?.taken;
    if (taken > 0) own?.set(kind, (own.get(kind) ?? 0) + taken);
    for (const { what, why } of passed) this.pass(of, what, why);
  }

  /** Something was not taken in. */
  pass(of: string, what: string, why: string): void {
    const told = { of: cut(of), what: cut(what), why: cut(why) };
    const key = JSON.stringify(told);
    const row = this.rows.get(key);
    if (row !== undefined) row.times += 1;
    else if (this.rows.size < MOST_ROWS) this.rows.set(key, { ...told, times: 1 });
    else this.untold += 1;
  }
}

const cut = (text: string) =>
  text.length <= MOST_TEXT ? text : `${text.slice(0, MOST_TEXT - 1)}…`;

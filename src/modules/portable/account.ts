/** One account on its way in (XEP-0227 §4): its data by the modules, its credentials here. */
import type { Intake, Newcomer, PassedOver, Portion } from '../../core/intake.ts';
import type { Home } from '../../core/module.ts';
import type { ScramKeys } from '../../sasl/index.ts';
import { type Element, nsOf, serialise } from '../../xml/element.ts';
import { isPassword, keysFor, readScram } from './credentials.ts';
import { PIE_SCRAM } from './names.ts';
import type { Report } from './report.ts';
import type { Unfinished } from './unfinished.ts';

/** Elements that are given to a module at a time, and their bytes. */
const MOST_TOGETHER = 100;
const BYTES_TOGETHER = 1 << 20;

/** What accounts are taken in with. */
export interface TakingParts {
  readonly home: Pick<Home<unknown>, 'accounts' | 'imported' | 'importEnded'>;
  readonly unfinished: Unfinished;
  readonly report: Report;
}

/** An account that is being taken in. */
export class Arrival {
  readonly newcomer: Newcomer;
  readonly #parts: TakingParts;
  readonly #password: string | undefined;
  readonly #keys: ScramKeys[] = [];
  #within: readonly Element[] = [];
  #elements: Element[] = [];
  #bytes = 0;

  constructor(parts: TakingParts, newcomer: Newcomer, password: string | undefined) {
    this.#parts = parts;
    this.newcomer = newcomer;
    this.#password = password;
  }

  /** Something that it had; `within` are the elements around it, below `<user/>`. */
  async take(element: Element, within: readonly Element[], bytes: number): Promise<void> {
    if (element.name === 'scram-credentials' && nsOf(element) === PIE_SCRAM) {
      this.#takeKeys(element);
      return;
    }
    const isSame =
      within.length > 0 &&
      within.length === this.#within.length &&
      within.every((each, index) => each === this.#within[index]);
    if (!isSame || this.#elements.length >= MOST_TOGETHER || this.#bytes + bytes > BYTES_TOGETHER)
      await this.flush();
    this.#within = within;
    this.#elements.push(element);
    this.#bytes += bytes;
  }

  /** Gives the module what was gathered. */
  async flush(): Promise<void> {
    const [first] = this.#elements;
    if (first === undefined) return;
    const portion: Portion = { within: this.#within, elements: this.#elements };
    this.#elements = [];
    this.#bytes = 0;
    if (this.#within[0]?.name === 'offline-messages') await this.#giveMessages(portion);
    else await this.#give(portion, first);
  }

  async #give(portion: Portion, first: Element): Promise<void> {
    const { home, report } = this.#parts;
    const intake = await home.imported(this.newcomer, portion);
    report.add(this.newcomer.account, intake ?? unknown(portion, first));
  }

  /** Those that were taken in before may have been read since: they are not given again. */
  async #giveMessages({ within, elements }: Portion): Promise<void> {
    const { report, unfinished } = this.#parts;
    const { account, isDry } = this.newcomer;
    const texts = elements.map((each) => serialise(each));
    const unseen = await unfinished.unseen(account, texts);
    const rest = elements.filter((_, index) => unseen.has(texts[index] ?? ''));
    const before = elements.length - rest.length;
    if (before > 0) report.add(account, { kind: 'offline messages', taken: before, passed: [] });
    const [first] = rest;
    if (first === undefined) return;
    await this.#give({ within, elements: rest }, first);
    if (!isDry) await unfinished.note(account, unseen);
  }

  #takeKeys(element: Element): void {
    const read = readScram(element);
    if (!read.ok) this.#pass(read.passed);
    else if (this.#keys.some(({ hash }) => hash === read.keys.hash))
      this.#pass({ what: `the key for SCRAM-${read.keys.hash}`, why: 'there are two' });
    else this.#keys.push(read.keys);
  }

  #pass(passed: PassedOver): void {
    const { report } = this.#parts;
    report.add(this.newcomer.account, { kind: 'credentials', taken: 0, passed: [passed] });
  }

  /** All of it has come: who is new can log in from now on. */
  async finish(): Promise<void> {
    await this.flush();
    const { home, report, unfinished } = this.#parts;
    const { account, isNew, isDry } = this.newcomer;
    if (!isDry) await home.importEnded(this.newcomer);
    const hasPassword = this.#hasPassword();
    const isKnown = hasPassword || this.#keys.length > 0;
    if (!isNew) {
      if (isKnown)
        this.#pass({ what: 'the password', why: 'the account exists, and keeps its own' });
      return;
    }
    if (isKnown) report.add(account, { kind: 'credentials', taken: 1, passed: [] });
    else
      this.#pass({
        what: 'the password',
        why: 'there is no password: give the account one, or nobody logs in',
      });
    if (isDry) return;
    // A password counts more than keys: all kinds can be made of it.
    const keys = hasPassword ? await keysFor(this.#password ?? '') : this.#keys;
    await home.accounts.admit(account, keys, [unfinished.ending(account)]);
  }

  #hasPassword(): boolean {
    const password = this.#password;
    if (password === undefined || password === '') return false;
    if (isPassword(password)) return true;
    this.#pass({ what: 'the password', why: 'it has characters that a password cannot have' });
    return false;
  }
}

/** What no module has taken. */
function unknown({ within, elements }: Portion, first: Element): Intake {
  const [holder = first] = within;
  const what = `<${holder.name} xmlns="${nsOf(holder) || 'jabber:client'}">`;
  const passed = elements.map(() => ({ what, why: 'nothing here keeps it' }));
  return { kind: 'other data', taken: 0, passed };
}

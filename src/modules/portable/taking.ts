/** Takes in what files of XEP-0227 have: whose each part is, and which accounts it may be for. */
import { type BareJid, type Domain, makeBare, parseDomain } from '../../jid/jid.ts';
import { type Element, nsOf } from '../../xml/element.ts';
import { Arrival, type TakingParts } from './account.ts';
import { type FileEvent, readFiles } from './files.ts';
import { PIES } from './names.ts';

/** What is to be taken in. */
export interface Wish {
  readonly file: string;
  /** Its bytes, where it is no file of this machine. */
  readonly source: AsyncIterable<Buffer> | undefined;
  readonly isDry: boolean;
  /** Whether accounts that are here already are given what they lack. */
  readonly intoExisting: boolean;
  /** The only account that is meant. */
  readonly only: BareJid | undefined;
}

/** Takes in a file with all that it includes; what became of it is in the report. */
export async function takeFiles(
  parts: TakingParts & { readonly isServed: (host: Domain) => boolean },
  wish: Wish,
): Promise<void> {
  const taking = new Taking(parts, wish);
  for await (const event of readFiles(wish.file, wish.source)) await taking.take(event);
}

class Taking {
  readonly #parts: Parameters<typeof takeFiles>[0];
  readonly #wish: Wish;
  /** The open elements. */
  readonly #path: Element[] = [];
  #host: Domain | undefined;
  #arrival: Arrival | undefined;

  constructor(parts: Parameters<typeof takeFiles>[0], wish: Wish) {
    this.#parts = parts;
    this.#wish = wish;
  }

  async take(event: FileEvent): Promise<void> {
    switch (event.kind) {
      case 'open':
        this.#path.push(event.element);
        if (this.#path.length === HOST) this.#openHost(event.element);
        if (this.#path.length === USER) await this.#openUser(event.element);
        return;
      case 'close':
        if (this.#path.length === USER) {
          await this.#arrival?.finish();
          this.#arrival = undefined;
        }
        if (this.#path.length === HOST) this.#host = undefined;
        this.#path.pop();
        return;
      case 'element':
        return this.#element(event.element, event.size);
      case 'skipped':
        return this.#pass(`<${event.element.name}/>`, event.why);
      case 'broken':
        this.#parts.report.pass(event.file, 'the file', event.why);
        if (event.isCut) await this.#breakOff();
    }
  }

  /** The file ends within a user: what is missing may come with a whole one, and the account waits for that. */
  async #breakOff(): Promise<void> {
    if (this.#arrival === undefined) return;
    await this.#arrival.flush();
    if (this.#arrival.newcomer.isNew)
      this.#pass('the account', 'it is not whole, and stays locked until an import of it ends');
    this.#arrival = undefined;
  }

  async #element(element: Element, size: number): Promise<void> {
    if (this.#path.length >= USER) {
      await this.#arrival?.take(standing(element), this.#path.slice(USER), size);
      return;
    }
    const isOurs = element.name === 'server-data' || element.name === 'user';
    if (this.#path.length === 0 || isOurs)
      this.#pass(`<${element.name}/>`, 'it is not what XEP-0227 has here');
    else this.#pass(`<${element.name}/>`, 'nothing here keeps it');
  }

  #pass(what: string, why: string): void {
    const of = this.#arrival?.newcomer.account ?? this.#host ?? this.#wish.file;
    this.#parts.report.pass(of, what, why);
  }

  #openHost({ attrs }: Element): void {
    const { report, isServed } = this.#parts;
    const raw = attrs['jid'] ?? '';
    const domain = parseDomain(raw);
    if (!domain.ok) report.pass(raw, 'the host', domain.why);
    else if (!isServed(domain.value)) report.pass(raw, 'the host', 'it is not served here');
    else this.#host = domain.value;
  }

  async #openUser({ attrs }: Element): Promise<void> {
    const host = this.#host;
    const { report, home } = this.#parts;
    if (host === undefined) {
      report.accounts.passedOver += 1;
      return;
    }
    const name = attrs['name'] ?? '';
    const jid = name === '' ? NAMELESS : makeBare(name, host);
    if (!jid.ok) {
      report.accounts.passedOver += 1;
      return report.pass(`${name}@${host}`, 'the account', jid.why);
    }
    const account = jid.value;
    const { only, isDry } = this.#wish;
    if (only !== undefined && only !== account) return;
    const isNew = await this.#isNew(account);
    if (isNew === undefined) return;
    if (isNew && !isDry && (await home.accounts.get(account)) === undefined) {
      const isMade = await home.accounts.announce(account, [
        this.#parts.unfinished.beginning(account),
      ]);
      if (!isMade) return report.pass(account, 'the account', 'somebody has just made it');
    }
    this.#arrival = new Arrival(this.#parts, { account, isNew, isDry }, attrs['password']);
  }

  /** Whether the account is made of what comes; undefined if it is to be left alone. */
  async #isNew(account: BareJid): Promise<boolean | undefined> {
    const { report, home, unfinished } = this.#parts;
    if ((await home.accounts.get(account)) === undefined) {
      report.begin(account, 'made');
      return true;
    }
    if (await unfinished.has(account)) {
      report.begin(account, 'completed');
      return true;
    }
    if (this.#wish.intoExisting) {
      report.begin(account, 'addedTo');
      return false;
    }
    report.accounts.passedOver += 1;
    report.pass(account, 'the account', 'it exists already, and is left alone');
    return undefined;
  }
}

/** How many elements are open within a host, and within a user. */
const HOST = 2;
const USER = 3;
const NAMELESS = { ok: false, why: 'it has no name' } as const;

/** A stanza that is written in the namespace of the format is one, too (Prosody writes them so). */
function standing(element: Element): Element {
  const isStanza = element.name === 'presence' || element.name === 'message';
  if (isStanza && PIES.includes(nsOf(element))) delete element.attrs.xmlns;
  return element;
}

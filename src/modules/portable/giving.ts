/** Accounts as a document of XEP-0227 (§4). */
import type { Accounts } from '../../core/accounts.ts';
import { type BareJid, type Domain, domainOf, localOf } from '../../jid/jid.ts';
import { escapeAttribute, serialise } from '../../xml/element.ts';
import { scramElement } from './credentials.ts';
import { PIE } from './names.ts';

/** What documents are made of. */
export interface GivingParts {
  readonly accounts: Pick<Accounts, 'list' | 'keysOf'>;
  exported(account: BareJid): AsyncIterable<string>;
}

/** What goes into a document. */
export interface Given {
  /** By domain; of each all accounts, or one. */
  readonly hosts: readonly { readonly domain: Domain; readonly only?: BareJid }[];
  /** Whether the keys of passwords are in it (§4.3, §7). */
  readonly hasCredentials: boolean;
  /** Is told of each account when it is whole. */
  given?(account: BareJid): void;
}

/** Accounts that are listed at a time. */
const PAGE = 200;

/** The document, as fast as it is read. */
export async function* documentOf(parts: GivingParts, given: Given): AsyncGenerator<string> {
  yield `<?xml version='1.0' encoding='UTF-8'?>\n<server-data xmlns="${PIE}">\n`;
  for (const { domain, only } of given.hosts) {
    yield `<host jid="${escapeAttribute(domain)}">\n`;
    const accounts = only === undefined ? accountsOf(parts, domain) : [only];
    for await (const account of accounts) {
      yield* userOf(parts, account, given.hasCredentials);
      given.given?.(account);
    }
    yield '</host>\n';
  }
  yield '</server-data>\n';
}

/** The document of one account, without credentials. */
export function ownDocumentOf(parts: GivingParts, account: BareJid): AsyncGenerator<string> {
  const hosts = [{ domain: domainOf(account), only: account }];
  return documentOf(parts, { hosts, hasCredentials: false });
}

async function* userOf(
  { accounts, exported }: GivingParts,
  account: BareJid,
  hasCredentials: boolean,
): AsyncGenerator<string> {
  yield `<user name="${escapeAttribute(localOf(account))}">\n`;
  const keys = hasCredentials ? await accounts.keysOf(account) : [];
  for (const key of keys) yield `${serialise(scramElement(key))}\n`;
  for await (const part of exported(account)) yield `${part}\n`;
  yield '</user>\n';
}

async function* accountsOf({ accounts }: GivingParts, host: Domain): AsyncGenerator<BareJid> {
  for (let offset = 0; ; offset += PAGE) {
    const page = await accounts.list({ host, offset, limit: PAGE });
    for (const { jid } of page.accounts) yield jid;
    if (page.accounts.length < PAGE) return;
  }
}

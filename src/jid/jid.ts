/**
 * XMPP addresses (RFC 7622). A JID is prepared once, where it comes in, and is a branded string from
 * then on: equal JIDs are equal strings, so that they serve as Map keys and SQL parameters.
 */
import { GenerationCache } from './cache.ts';
import { domainInAscii, prepareDomain } from './domain.ts';
import { MAX_PART_BYTES, prepareLocal, prepareResource } from './precis.ts';

export { prepareLocal, preparePassword, prepareResource } from './precis.ts';

declare const brand: unique symbol;

/** `local@domain` or `domain`: a JID without a resourcepart. */
export type BareJid = string & { readonly [brand]: { readonly hasResource: false } };

/** A domainpart, which is a bare JID by itself. */
export type Domain = string & {
  readonly [brand]: { readonly hasResource: false; readonly hasLocal: false };
};

/** `local@domain/resource` or `domain/resource`. */
export type FullJid = string & { readonly [brand]: { readonly hasResource: true } };

/** Any prepared address. */
export type Jid = BareJid | FullJid;

/** A prepared address, or why there is none, in words for a log or an error's text. */
export type JidOutcome<T extends Jid> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string };

const CACHE_ENTRIES = 8192;
/** Longer texts are prepared each time, so that the cache has a bound in bytes too. */
const MAX_CACHED_LENGTH = 256;
const MAX_RAW_LENGTH = 3 * MAX_PART_BYTES + 2;

const parsed = new GenerationCache<JidOutcome<Jid>>(CACHE_ENTRIES);

const refuse = (why: string) => ({ ok: false, why }) as const;

/** Prepares an address (RFC 7622 §3). Never throws; `parseJid(value)` of a value is that value. */
export function parseJid(raw: string): JidOutcome<Jid> {
  const known = parsed.get(raw);
  if (known !== undefined) return known;
  const outcome = prepareJid(raw);
  if (!outcome.ok) return outcome;
  // A part of a larger string keeps all of it in memory: what lives long is copied.
  const value = detach(outcome.value);
  const kept = { ok: true, value } as const;
  if (raw.length <= MAX_CACHED_LENGTH) parsed.set(raw === value ? value : detach(raw), kept);
  return kept;
}

const detach = <T extends string>(text: T): T => Buffer.from(text).toString() as T;

function prepareJid(raw: string): JidOutcome<Jid> {
  if (raw.length > MAX_RAW_LENGTH) return refuse('the address is too long');
  // §3.1: the first slash ends the bare part, the first @ in that ends the localpart.
  const slash = raw.indexOf('/');
  const bare = slash < 0 ? raw : raw.slice(0, slash);
  const at = bare.indexOf('@');
  const domain = prepareDomain(bare.slice(at + 1));
  if (domain === undefined) return refuse('the domainpart is not a domain name');
  const local = at < 0 ? '' : prepareLocal(bare.slice(0, at));
  if (local === undefined) return refuse('the localpart is empty, too long or not allowed');
  const prepared = local === '' ? domain : `${local}@${domain}`;
  if (slash < 0) return { ok: true, value: prepared as BareJid };
  return withResource(prepared as BareJid, raw.slice(slash + 1));
}

/** Prepares an address that must have no resourcepart. */
export function parseBare(raw: string): JidOutcome<BareJid> {
  const outcome = parseJid(raw);
  if (!outcome.ok) return outcome;
  const { value } = outcome;
  return isBare(value) ? { ok: true, value } : refuse('the address has a resourcepart');
}

/** Prepares an address that must be a domain alone. */
export function parseDomain(raw: string): JidOutcome<Domain> {
  const outcome = parseJid(raw);
  if (!outcome.ok) return outcome;
  const { value } = outcome;
  return /[@/]/.test(value)
    ? refuse('the address is not a domain alone')
    : { ok: true, value: value as string as Domain };
}

/** Prepares an address that must have a resourcepart. */
export function parseFull(raw: string): JidOutcome<FullJid> {
  const outcome = parseJid(raw);
  if (!outcome.ok) return outcome;
  const { value } = outcome;
  return isFull(value) ? { ok: true, value } : refuse('the address has no resourcepart');
}

/** Whether an address has a resourcepart. */
export const isFull = (jid: Jid): jid is FullJid => jid.includes('/');

/** Whether an address has no resourcepart. */
export const isBare = (jid: Jid): jid is BareJid => !jid.includes('/');

/** The address without its resourcepart. */
export function bareOf(jid: Jid): BareJid {
  const slash = jid.indexOf('/');
  return (slash < 0 ? jid : jid.slice(0, slash)) as BareJid;
}

/** The domainpart. */
export function domainOf(jid: Jid): Domain {
  const bare: string = bareOf(jid);
  return bare.slice(bare.indexOf('@') + 1) as Domain;
}

/** The localpart, or `''`. */
export function localOf(jid: Jid): string {
  const bare = bareOf(jid);
  const at = bare.indexOf('@');
  return at < 0 ? '' : bare.slice(0, at);
}

/** The resourcepart, or `''`. */
export function resourceOf(jid: Jid): string {
  const slash = jid.indexOf('/');
  return slash < 0 ? '' : jid.slice(slash + 1);
}

/** The full JID of a resourcepart that is not prepared yet. */
export function withResource(bare: BareJid, resource: string): JidOutcome<FullJid> {
  const prepared = prepareResource(resource);
  return prepared === undefined
    ? refuse('the resourcepart is empty, too long or not allowed')
    : { ok: true, value: `${bare}/${prepared}` as FullJid };
}

/** The bare JID of a localpart, which is not empty, and a domainpart, neither prepared yet. */
export function makeBare(local: string, domain: string): JidOutcome<BareJid> {
  if (local.includes('@') || /[@/]/.test(domain)) return refuse('a part contains @ or /');
  return parseBare(`${local}@${domain}`);
}

/** A domain with A-labels (`xn--…`), as DNS and certificates have it; IP literals stay. */
export const domainToAscii = (domain: Domain): string => domainInAscii(domain);

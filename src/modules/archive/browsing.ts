/** An archive as somebody looks through it who is not its owner: page by page, the newest first. */
import type { Archives } from './archives.ts';
import type { Criteria } from './messages.ts';
import type { Owner } from './owners.ts';
import type { Search } from './search.ts';

/** What is looked for. */
export interface BrowseWish<T> {
  /** The UID of the message before which the page ends; undefined for the newest page. */
  readonly before: string | undefined;
  /** Words that all occur; undefined for all messages. */
  readonly text: string | undefined;
  /** How many messages a page has at most. */
  readonly most: number;
  /** What of a stanza's text is shown; undefined for one that has nothing to show, which is left out. */
  shown(stanza: string): T | undefined;
}

/** A message of a page. */
export interface Browsed<T> {
  readonly uid: string;
  /** When it came, in ms since the epoch. */
  readonly at: number;
  readonly value: T;
}

/** A page, and the UID before which the next one ends, if there is more; or why there is none. */
export type BrowsePage<T> =
  | { readonly ok: true; readonly messages: readonly Browsed<T>[]; readonly older?: string }
  | { readonly ok: false; readonly why: 'unknown-uid' | 'no-search' };

/** Messages that are read at a time. */
const STEP = 100;
/** Messages that one page reads at most, where many have nothing to show; a page may be short then. */
const MOST_READ = 5000;

/** Reads a page. May reject with a StoreError. */
export async function browse<T>(
  archives: Archives,
  owner: Owner,
  search: Search | undefined,
  { before, text, most, shown }: BrowseWish<T>,
): Promise<BrowsePage<T>> {
  let end =
    before === undefined ? undefined : (await archives.readUids(owner, [before])).get(before);
  if (before !== undefined && end === undefined) return { ok: false, why: 'unknown-uid' };
  await archives.flushed();
  const messages: Browsed<T>[] = [];
  const criteria: Criteria | undefined =
    text === undefined ? {} : await criteriaFor(search, owner, text);
  if (criteria === undefined)
    return search === undefined ? { ok: false, why: 'no-search' } : { ok: true, messages };
  for (let read = 0; read < MOST_READ; read += STEP) {
    const rows = await archives.messages.page(
      owner.token,
      { ...criteria, before: end },
      'end',
      STEP,
    );
    for (const row of rows) {
      const { serial, at, stanza } = row;
      const value = shown(stanza);
      if (value !== undefined && messages.length === most)
        return { ok: true, messages, ...olderOf(archives, owner, end) };
      end = serial;
      if (value !== undefined) messages.push({ uid: archives.uidOf(owner, row), at, value });
    }
    if (rows.length < STEP) return { ok: true, messages };
  }
  return { ok: true, messages, ...olderOf(archives, owner, end) };
}

async function criteriaFor(search: Search | undefined, owner: Owner, text: string) {
  await search?.catchUp(owner);
  const matching = search?.matching(owner, text);
  return matching === undefined ? undefined : { matching };
}

const olderOf = (archives: Archives, owner: Owner, end: number | undefined) =>
  end === undefined ? {} : { older: archives.uidOf(owner, { serial: end, uid: null }) };

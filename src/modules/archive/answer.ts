/** Queries, answered: the same for an account's archive and for a room's (XEP-0313 §4). */
import { type Reply, reply } from '../../core/iq.ts';
import { bareOf, isFull, type Jid, resourceOf } from '../../jid/jid.ts';
import type { PageReport, PageRequest } from '../../stanza/rsm.ts';
import type { Message } from '../../stanza/stanza.ts';
import type { Element } from '../../xml/element.ts';
import type { Archives } from './archives.ts';
import type { Archived, Criteria } from './messages.ts';
import type { Owner } from './owners.ts';
import { FIELDS, type FieldName, FULLTEXT_FIELD, finElement } from './payloads.ts';
import { type ArchiveQuery, readQuery } from './query.ts';
import { resultMessage } from './results.ts';
import type { Search } from './search.ts';

/** Whose archive is asked, by whom, and what is allowed. */
export interface Asked {
  readonly owner: Owner;
  /** Who asks, and gets the results. */
  readonly to: Jid;
  /** The search, where it is switched on. */
  readonly search: Search | undefined;
  readonly limits: PageLimits;
  /** Sends a result. */
  send(message: Message): void;
  /** What of a stanza's text whoever asks may see; all of it if left out. */
  readonly shown?: ((stanza: string) => string) | undefined;
}

/** How much one page may be. */
export interface PageLimits {
  /** Messages of a page, where the query does not say. */
  readonly usual: number;
  /** Messages of a page at most, whatever the query says. */
  readonly most: number;
  /** Bytes after which a page ends, with one message at least. */
  readonly bytes: number;
}

/** Messages that are read at a time: a page that is not made larger is read at once. */
const READ_AT_A_TIME = 51;
/** What a result has beside its stanza, in bytes, about. */
const RESULT_BYTES = 400;
/** Up to this many messages are counted, and passed over to reach a position. */
const COUNTED = 100_000;

/** The fields that a query may have. */
export function fieldsFor(search: Search | undefined): readonly FieldName[] {
  const all = Object.keys(FIELDS) as FieldName[]; // the keys of that very object
  return search === undefined ? all.filter((name) => name !== FULLTEXT_FIELD) : all;
}

/** Answers a `<query/>`: sends the results in their order, and gives the `<fin/>`. */
export async function answerQuery(
  archives: Archives,
  element: Element,
  asked: Asked,
): Promise<Reply> {
  const { owner, search, limits } = asked;
  const terms = { fields: fieldsFor(search), idsMost: limits.most };
  const read = readQuery(element, terms);
  if (!read.ok) return { kind: 'refuse', failure: read.failure };
  const { query } = read;
  await archives.flushed(); // what a client has been told of can be found
  const places = await placesOf(archives, owner, query);
  if (places === undefined) return reply.refuse('item-not-found'); // §4.1.3, §4.3.2
  const isCaughtUp = query.fulltext === undefined || (await search?.catchUp(owner)) === true;
  const criteria = criteriaOf(owner, query, places, search);
  // Asked for in the same turn, they go to the database and back together.
  const [areThere, page] = await Promise.all([
    places.named.length === 0 || archives.messages.hasAll(owner.token, places.named),
    criteria === undefined
      ? NOTHING
      : pageOf(archives, owner, criteria, places, query.page, limits),
  ]);
  if (!areThere) return reply.refuse('item-not-found');
  if (page === 'too far')
    return reply.refuse('feature-not-implemented', 'Ask for what comes after a UID.');
  const ends = sendPage(page.rows, archives, query, asked);
  const report = { ...page.report, ends };
  return reply.result(finElement({ report, isComplete: page.isComplete, isUnstable: !isCaughtUp }));
}

/** Sends the results of a page; answers the UIDs of its first and last message, if it has any. */
function sendPage(
  rows: readonly Archived[],
  archives: Archives,
  { queryid, isFlipped }: ArchiveQuery,
  { owner, to, shown, send }: Asked,
): PageReport['ends'] {
  const recipient = { from: owner.jid, to, queryid };
  const uids = archives.uidsOf(owner, rows);
  const sendOne = (row: Archived, uid: string) => {
    const seen = shown === undefined ? row : { ...row, stanza: shown(row.stanza) };
    send(resultMessage(recipient, seen, uid));
  };
  const results = rows.map((row, index) => [row, uids[index] ?? ''] as const);
  for (const [row, uid] of isFlipped ? results.reverse() : results) sendOne(row, uid); // §4.3.4
  const [first, last] = [uids[0], uids.at(-1)];
  return first === undefined || last === undefined ? undefined : { first, last };
}

/** The messages that a query names. */
interface Places {
  /** All of them, which must be in the archive. */
  readonly named: readonly number[];
  readonly after: number | undefined;
  readonly before: number | undefined;
  readonly pageAfter: number | undefined;
  readonly pageBefore: number | undefined;
  readonly among: readonly number[] | undefined;
}

/** Reads the UIDs that a query names; undefined when one of them is none of that archive. */
async function placesOf(
  archives: Archives,
  owner: Owner,
  { afterId, beforeId, ids, page }: ArchiveQuery,
): Promise<Places | undefined> {
  const named: number[] = [];
  const serials = await archives.readUids(owner, [
    ...[afterId, beforeId, page.after, page.before].flatMap((uid) => uid ?? []),
    ...(ids ?? []),
  ]);
  let isStrange = false;
  const place = (uid: string | undefined): number | undefined => {
    if (uid === undefined || uid === '') return undefined; // an empty <before/> names none
    const serial = serials.get(uid);
    if (serial === undefined) isStrange = true;
    else named.push(serial);
    return serial;
  };
  const places = {
    after: place(afterId),
    before: place(beforeId),
    pageAfter: place(page.after),
    pageBefore: place(page.before),
    among: ids?.map((uid) => place(uid) ?? 0),
  };
  return isStrange || ids?.includes('') === true ? undefined : { ...places, named };
}

/** What is asked for, on all pages; undefined when nothing can match. */
function criteriaOf(
  owner: Owner,
  query: ArchiveQuery,
  { after, before, among }: Places,
  search: Search | undefined,
): Criteria | undefined {
  const { with: peer, fulltext } = query;
  const matching = fulltext === undefined ? undefined : search?.matching(owner, fulltext);
  if (fulltext !== undefined && matching === undefined) return undefined;
  return {
    // §4.1.1: a bare JID stands for all of its resources
    peer: peer === undefined ? undefined : bareOf(peer),
    resource: peer !== undefined && isFull(peer) ? resourceOf(peer) : undefined,
    since: query.start,
    until: query.end,
    after,
    before,
    among,
    matching,
  };
}

/** A page: messages in the order of the archive. */
interface Page {
  readonly rows: readonly Archived[];
  readonly report: PageReport;
  readonly isComplete: boolean;
}

const NOTHING: Page = { rows: [], report: { count: 0 }, isComplete: true };

/** Reads a page (XEP-0059). */
async function pageOf(
  { messages }: Archives,
  owner: Owner,
  criteria: Criteria,
  { pageAfter, pageBefore }: Places,
  { max, before, index }: PageRequest,
  limits: PageLimits,
): Promise<Page | 'too far'> {
  if (max === 0) {
    const count = await messages.count(owner.token, criteria, COUNTED);
    return { rows: [], report: { count }, isComplete: count === 0 }; // XEP-0059 §2.7
  }
  let from = pageAfter;
  if (index !== undefined && index > 0) {
    if (index > COUNTED) return 'too far'; // XEP-0059 §2.6
    const first = await messages.at(owner.token, criteria, index);
    if (first === undefined) return { rows: [], report: {}, isComplete: true };
    from = Math.max(from ?? 0, first.serial - 1);
  }
  const isBackwards = before !== undefined;
  const window: Criteria = {
    ...criteria,
    after: larger(criteria.after, from),
    before: smaller(criteria.before, pageBefore),
  };
  const most = Math.min(max ?? limits.usual, limits.most);
  const read = await readPage(messages, owner, window, isBackwards, most, limits.bytes);
  const isWhole = from === undefined && pageBefore === undefined && !read.hasMore;
  const report: PageReport = {
    // What costs nothing to know; to count all that match would cost more than the page.
    count: isWhole ? read.rows.length : undefined,
    index: isWhole || (from === undefined && !isBackwards) ? 0 : index,
  };
  return { rows: read.rows, report, isComplete: !read.hasMore };
}

/** Reads messages until a page is full, by number or by bytes. */
async function readPage(
  messages: Archives['messages'],
  owner: Owner,
  window: Criteria,
  isBackwards: boolean,
  most: number,
  bytes: number,
): Promise<{ readonly rows: readonly Archived[]; readonly hasMore: boolean }> {
  const rows: Archived[] = [];
  const inOrder = () => (isBackwards ? [...rows].reverse() : rows);
  let left = bytes;
  let rest = window;
  for (;;) {
    const wanted = Math.min(READ_AT_A_TIME, most + 1 - rows.length);
    const some = await messages.page(owner.token, rest, isBackwards ? 'end' : 'beginning', wanted);
    for (const row of some) {
      left -= row.stanza.length + RESULT_BYTES;
      if (rows.length === most || (left < 0 && rows.length > 0))
        return { rows: inOrder(), hasMore: true };
      rows.push(row);
    }
    const last = rows.at(-1);
    if (some.length < wanted || last === undefined) return { rows: inOrder(), hasMore: false };
    rest = { ...rest, [isBackwards ? 'before' : 'after']: last.serial };
  }
}

const larger = (one: number | undefined, other: number | undefined) =>
  one === undefined || other === undefined ? (one ?? other) : Math.max(one, other);
const smaller = (one: number | undefined, other: number | undefined) =>
  one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);

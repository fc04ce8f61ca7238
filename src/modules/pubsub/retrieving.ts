/** Items are asked for: XEP-0060 §6.5, by pages of XEP-0059. */
import type { BareJid, Jid } from '../../jid/jid.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import { type PageRequest, pageReport, RSM, readPageRequest } from '../../stanza/rsm.ts';
import { childOf, childrenOf, type Element, el, isNamed } from '../../xml/element.ts';
import { isOwner, refusalToRead } from './access.ts';
import type { Context } from './context.ts';
import { BAD_REQUEST, NOT_FOUND, unsupported } from './errors.ts';
import { itemElement } from './events.ts';
import { PUBSUB } from './names.ts';
import type { Item, Node } from './node.ts';
import { done, type Outcome, refused } from './outcome.ts';
import type { StoredItem } from './tables.ts';

/** The most items of one answer. */
const MAX_PAGE = 1000;
/** An answer is cut off there, in characters, unless its first item is larger. */
const MAX_ANSWER = 512 * 1024;
/** No more than that is read of the database for it: a character has up to three bytes. */
const MAX_READ = 3 * MAX_ANSWER;
/** The most items that are asked for by their ids. */
const MAX_IDS = 500;

/** Answers `<items/>`. */
export async function retrieve(
  context: Context,
  {
    service,
    node: name,
    from,
    pubsub,
    items,
  }: {
    readonly service: BareJid;
    readonly node: string;
    readonly from: Jid;
    readonly pubsub: Element;
    readonly items: Element;
  },
): Promise<Outcome<Element>> {
  const node = await context.nodes.find(service, name);
  if (node === undefined) return refused(NOT_FOUND);
  const failure = isOwner(node, from) ? undefined : await refusalToRead(context, node, from);
  if (failure !== undefined) return refused(failure);
  const ids = childrenOf(items).flatMap((item) =>
    isNamed(item, 'item', PUBSUB) ? [item.attrs.id ?? ''] : [],
  );
  if (ids.length > 0) return byIds(context, node, ids);
  // The set is a child of <pubsub/>, and of <items/> for some clients.
  const isInside = childOf(pubsub, 'set', RSM) === undefined;
  const page = readPageRequest(isInside ? items : pubsub);
  const most = countOf(items.attrs['max_items']);
  if (page === undefined || Number.isNaN(most)) return refused(BAD_REQUEST);
  if (!node.config.isPersistent) return lastOnly(context, node);
  const isPaged = childOf(isInside ? items : pubsub, 'set', RSM) !== undefined;
  return isPaged ? paged(context, node, page) : latest(context, node, most);
}

const answer = (node: Node, items: readonly Item[], set?: Element): Outcome<Element> =>
  done(
    el(
      'pubsub',
      { xmlns: PUBSUB },
      el('items', { node: node.name }, ...items.map((item) => itemElement(node, item, true))),
      set,
    ),
  );

/** The number of `max_items`; undefined if there is none, NaN if it is no such number. */
function countOf(raw: string | undefined): number | undefined {
  if (raw === undefined) return undefined;
  return /^\d{1,9}$/.test(raw) && Number(raw) > 0 ? Number(raw) : Number.NaN;
}

/** §6.5.8 */
async function byIds(
  context: Context,
  node: Node,
  ids: readonly string[],
): Promise<Outcome<Element>> {
  if (ids.length > MAX_IDS || ids.includes('')) return refused(BAD_REQUEST);
  if (!node.config.isPersistent) return lastOnly(context, node, ids);
  const found = await context.nodes.byIds(node, [...new Set(ids)], MAX_READ);
  return answer(node, fitting(found, 'oldest'));
}

/** §6.5.5: of a node that keeps nothing there is the last item, perhaps. */
async function lastOnly(
  context: Context,
  node: Node,
  ids?: readonly string[],
): Promise<Outcome<Element>> {
  const last = await context.nodes.last(node);
  if (last === undefined && ids === undefined) return refused(unsupported('persistent-items'));
  const isWanted = last !== undefined && (ids === undefined || ids.includes(last.id));
  return answer(node, isWanted ? [last] : []);
}

/** §6.5.2, §6.5.7: the most recent ones, oldest first; what was left out is told by a set (§6.5.4). */
async function latest(
  context: Context,
  node: Node,
  asked: number | undefined,
): Promise<Outcome<Element>> {
  const most = Math.min(asked ?? MAX_PAGE, MAX_PAGE);
  const items = await context.nodes.items(node, { from: 'newest', most, bytes: MAX_READ });
  const shown = fitting(items, 'newest');
  const total = await context.nodes.size(node);
  const isWhole = shown.length >= Math.min(asked ?? total, total);
  const [first, last] = [shown[0], shown.at(-1)];
  if (isWhole || first === undefined || last === undefined) return answer(node, shown);
  const index = await context.nodes.countBefore(node, first.serial);
  const ends = { first: first.id, last: last.id };
  return answer(node, shown, pageReport({ ends, index, count: total }));
}

async function paged(context: Context, node: Node, page: PageRequest): Promise<Outcome<Element>> {
  const { nodes } = context;
  const { after, before, index } = page;
  const most = Math.min(page.max ?? MAX_PAGE, MAX_PAGE);
  const places = await placesOf(context, node, { after, before });
  if ('condition' in places) return refused(places);
  const count = await nodes.size(node);
  if (most === 0) return answer(node, [], pageReport({ count }));
  const from = before === undefined ? 'oldest' : 'newest';
  const items = await nodes.items(node, { from, most, ...places, skip: index, bytes: MAX_READ });
  const shown = fitting(items, from);
  const [first, last] = [shown[0], shown.at(-1)];
  if (first === undefined || last === undefined) return answer(node, [], pageReport({ count }));
  const position = await nodes.countBefore(node, first.serial);
  const ends = { first: first.id, last: last.id };
  return answer(node, shown, pageReport({ ends, index: position, count }));
}

/** XEP-0059 §2.2: an item that is named must be there. */
async function placesOf(
  { nodes }: Context,
  node: Node,
  { after, before }: Pick<PageRequest, 'after' | 'before'>,
): Promise<{ after?: number; before?: number } | StanzaFailure> {
  const places: { after?: number; before?: number } = {};
  for (const [key, id] of [
    ['after', after],
    ['before', before],
  ] as const) {
    if (id === undefined || id === '') continue;
    const place = await nodes.place(node, id);
    if (place === undefined) return NOT_FOUND;
    places[key] = place;
  }
  return places;
}

/** As many items as one answer holds, from one side on; at least one. */
function fitting(items: readonly StoredItem[], from: 'oldest' | 'newest'): readonly StoredItem[] {
  let size = 0;
  const fits = (item: StoredItem) => {
    size += item.xml.length;
    return size <= MAX_ANSWER || size === item.xml.length;
  };
  if (from === 'oldest') {
    const end = items.findIndex((item) => !fits(item));
    return end < 0 ? items : items.slice(0, end);
  }
  const end = items.findLastIndex((item) => !fits(item));
  return items.slice(end + 1);
}

/** XEP-0059: Result Set Management: pages of a large set of items, whatever the items are. */
import {
  type Child,
  childOf,
  childrenOf,
  type Element,
  el,
  isNamed,
  textOf,
} from '../xml/element.ts';

/** The namespace of result set management, and its feature. */
export const RSM = 'http://jabber.org/protocol/rsm';

/** Which page is asked for. Items go by their UIDs, which are opaque to whoever asks. */
export interface PageRequest {
  /** The most items of the page; 0 asks for the count alone (§2.7). */
  readonly max: number | undefined;
  /** The page begins after this item (§2.2). */
  readonly after: string | undefined;
  /** The page ends before this item (§2.3); '' asks for the last page (§2.5). */
  readonly before: string | undefined;
  /** The page begins with the item of this position, counted from 0 (§2.6). */
  readonly index: number | undefined;
}

/** What is said of the page that is given. */
export interface PageReport {
  /** The first and the last item in the order of the set; undefined when the page is empty. */
  readonly ends?: { readonly first: string; readonly last: string } | undefined;
  /** The position of the first item in the whole set, where it is known. */
  readonly index?: number | undefined;
  /** How many items the whole set has, where it is known. */
  readonly count?: number | undefined;
}

/** A request that names no page: the first one is meant. */
export const FIRST_PAGE: PageRequest = {
  max: undefined,
  after: undefined,
  before: undefined,
  index: undefined,
};

/**
 * The page that a query asks for by its `<set/>`; undefined when that is no proper one: a part twice,
 * or a number that is none. Without a `<set/>` it is {@link FIRST_PAGE}.
 */
export function readPageRequest(query: Element): PageRequest | undefined {
  const sets = childrenOf(query).filter((child) => isNamed(child, 'set', RSM));
  const [set] = sets;
  if (set === undefined) return FIRST_PAGE;
  const names = childrenOf(set).map(({ name }) => name);
  if (sets.length > 1 || new Set(names).size < names.length) return undefined;
  const partOf = (name: string) => {
    const part = childOf(set, name, RSM);
    return part === undefined ? undefined : textOf(part);
  };
  const [max, index] = [countOf(partOf('max')), countOf(partOf('index'))];
  if (Number.isNaN(max) || Number.isNaN(index)) return undefined;
  const after = partOf('after');
  // After nothing: from the beginning.
  return { max, after: after === '' ? undefined : after, before: partOf('before'), index };
}

/** The schema has `xs:int`, of which a negative one is of no use here; NaN if it is no such number. */
function countOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return /^\s*\+?\d{1,9}\s*$/.test(text) ? Number(text) : Number.NaN;
}

/** The `<set/>` of an answer. */
export function pageReport({ ends, index, count }: PageReport): Element {
  const children: Child[] = [];
  if (ends !== undefined)
    children.push(el('first', { index }, ends.first), el('last', undefined, ends.last));
  if (count !== undefined) children.push(el('count', undefined, String(count)));
  return el('set', { xmlns: RSM }, ...children);
}

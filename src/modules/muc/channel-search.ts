/** XEP-0433: Extended Channel Search, in the public rooms of one service, where its admin wants it. */

import type { BareJid, Domain, Jid } from '../../jid/jid.ts';
import { bareOf } from '../../jid/jid.ts';
import type { Clock } from '../../kit/clock.ts';
import { BoundedMap, RateLimit } from '../../kit/limits.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import {
  type Form,
  firstValueOf,
  formElement,
  isTrue,
  readForm,
  valuesOf,
} from '../../stanza/form.ts';
import { type PageRequest, pageReport, readPageRequest } from '../../stanza/rsm.ts';
import { type Child, childrenOf, type Element, el } from '../../xml/element.ts';
import type { RoomConfig } from './room-config.ts';

const BASE = 'urn:xmpp:channel-search:0';
/** The namespace of requests, and the feature. */
export const CHANNEL_SEARCH = `${BASE}:search`;
const PARAMS = `${BASE}:search-params`;
const ERRORS = `${BASE}:error`;
const BY_USERS = `{${BASE}:order}nusers`;
const BY_ADDRESS = `{${BASE}:order}address`;
const MUC_TYPE = 'xep-0045';

/** The shortest word that is searched for. */
const MIN_WORD = 2;
const MAX_QUERY = 200;
/** How long what was read of the rooms is good for (§6.2, note 2). */
const FRESH_MS = 10_000;
const SEARCHES_PER_MINUTE = 30;

/** A public room. */
export interface PublicRoom {
  readonly jid: BareJid;
  readonly config: RoomConfig;
}

/** What it takes. */
export interface ChannelSearchOptions {
  readonly clock: Clock;
  /** The public rooms of a service, by their addresses. */
  list(domain: Domain): Promise<readonly PublicRoom[]>;
  /** How many are in a room. */
  occupancy(room: BareJid): number;
}

/** The answer to a request, or why there is none. */
export type SearchAnswer =
  | { readonly ok: true; readonly payload: Element }
  | { readonly ok: false; readonly failure: StanzaFailure };

/** Answers `<search/>` (§4.2). `most` is the largest page. */
export function createChannelSearch({ clock, list, occupancy }: ChannelSearchOptions) {
  const limit = new RateLimit<BareJid>(clock, {
    burst: SEARCHES_PER_MINUTE,
    perSecond: SEARCHES_PER_MINUTE / 60,
  });
  const known = new BoundedMap<Domain, { at: number; rooms: Promise<readonly PublicRoom[]> }>(100);

  const roomsOf = (domain: Domain) => {
    const now = clock.monotonic();
    const found = known.get(domain);
    if (found !== undefined && now - found.at < FRESH_MS) return found.rooms;
    const rooms = list(domain);
    known.set(domain, { at: now, rooms });
    return rooms;
  };

  return async (
    request: Element,
    domain: Domain,
    from: Jid,
    most: number,
  ): Promise<SearchAnswer> => {
    const x = childrenOf(request).find((child) => child.name === 'x');
    if (x === undefined) return { ok: true, payload: searchForm() };
    const form = readForm(x);
    const page = readPageRequest(request);
    if (form?.type !== 'submit' || form.formType !== PARAMS || page === undefined)
      return refuse({ condition: 'bad-request' });
    if (!limit.take(bareOf(from)))
      return refuse({ condition: 'resource-constraint', type: 'wait', app: rateLimit() });
    const wish = readWish(form);
    if ('condition' in wish) return refuse(wish);
    const all = wish.hasType ? await roomsOf(domain) : [];
    const found = all
      .filter((room) => wish.matches(room))
      .map((room) => ({ ...room, users: occupancy(room.jid) }));
    if (wish.isByUsers) found.sort((one, other) => other.users - one.users);
    return { ok: true, payload: resultOf(found, wish.isByUsers, page, most) };
  };
}

const refuse = (failure: StanzaFailure): SearchAnswer => ({ ok: false, failure });
const condition = (name: string, ...children: Child[]) => el(name, { xmlns: ERRORS }, ...children);
const rateLimit = () => el('rate-limit', { xmlns: ERRORS, 'retry-after': 60 });

interface Wish {
  readonly isByUsers: boolean;
  /** Whether rooms are asked for at all, and not only other kinds of channels. */
  readonly hasType: boolean;
  matches(room: PublicRoom): boolean;
}

/** What a submitted form asks for, with the defaults of the template (§5); or the error of §4.2.2. */
function readWish(form: Form): Wish | StanzaFailure {
  const key = firstValueOf(form, 'key') ?? BY_USERS;
  if (key !== BY_USERS && key !== BY_ADDRESS)
    return {
      condition: 'feature-not-implemented',
      type: 'modify',
      app: condition('invalid-sort-key'),
    };
  const query = (firstValueOf(form, 'q') ?? '').slice(0, MAX_QUERY).trim();
  const isAll = isTrue(form, 'all') === true;
  if (isAll && query !== '')
    return {
      condition: 'bad-request',
      text: "'Search for' and 'Return all entries' exclude each other.",
      app: condition('conflicting-fields', el('var', undefined, 'all'), el('var', undefined, 'q')),
    };
  if (!isAll && firstValueOf(form, 'q') === undefined)
    return { condition: 'bad-request', type: 'cancel', app: condition('no-search-conditions') };
  const words = plain(query)
    .split(/\s+/)
    .filter((word) => word.length >= MIN_WORD);
  if (!isAll && words.length === 0)
    return {
      condition: 'bad-request',
      text: `Search terms must have at least ${MIN_WORD} characters.`,
      app: condition('invalid-search-terms'),
    };
  const isIn = (name: string) => isTrue(form, name) !== false;
  const [inName, inText, inAddress] = ['sinname', 'sindescription', 'sinaddress'].map(isIn);
  return {
    isByUsers: key === BY_USERS,
    hasType: valuesOf(form, 'types')?.includes(MUC_TYPE) ?? true,
    matches({ jid, config }) {
      const texts = [inName && config.name, inText && config.description, inAddress && jid];
      const text = plain(texts.filter((each) => typeof each === 'string').join('\n'));
      return words.every((word) => text.includes(word));
    },
  };
}

const plain = (text: string): string => text.normalize('NFKC').toLowerCase();

/** The template, with the defaults (§4.2.1, §5). */
function searchForm(): Element {
  const flag = (name: string, label: string) =>
    ({ name, type: 'boolean', label, values: ['true'] }) as const;
  const form = formElement({
    type: 'form',
    formType: PARAMS,
    fields: [
      { name: 'q', type: 'text-single', label: 'Search for', values: [] },
      { name: 'all', type: 'boolean', label: 'Return all entries', values: ['false'] },
      flag('sinname', 'Search in name'),
      flag('sindescription', 'Search in description'),
      flag('sinaddress', 'Search in address'),
      {
        name: 'types',
        type: 'list-multi',
        label: 'Service types',
        values: [MUC_TYPE],
        options: [{ label: 'XEP-0045 Multi User Chats', value: MUC_TYPE }],
      },
      {
        name: 'key',
        type: 'list-single',
        label: 'Sort results by',
        values: [BY_USERS],
        options: [
          { label: 'Number of online users', value: BY_USERS },
          { label: 'Address', value: BY_ADDRESS },
        ],
      },
    ],
  });
  return el('search', { xmlns: CHANNEL_SEARCH }, form);
}

type Found = PublicRoom & { readonly users: number };

/** One page of what was found (§4.2.2.1, XEP-0059). */
function resultOf(
  found: readonly Found[],
  isByUsers: boolean,
  page: PageRequest,
  most: number,
): Element {
  // By address an id is good for good; by users it is a position, which moves as people do (§5).
  const idOf = (room: Found, index: number) => (isByUsers ? `${index}` : room.jid);
  const all = found.map((room, index) => ({ room, id: idOf(room, index), index }));
  const isAfter = (id: string, other: string) =>
    isByUsers ? Number(id) > Number(other) : id > other;
  const { after, before } = page;
  const within = all.filter(
    ({ id }) =>
      (after === undefined || isAfter(id, after)) &&
      (before === undefined || before === '' || isAfter(before, id)),
  );
  const max = Math.min(most, page.max ?? most);
  const shown =
    before === undefined ? within.slice(0, max) : within.slice(Math.max(0, within.length - max));
  const [first, last] = [shown[0], shown.at(-1)];
  const ends = first && last && { first: first.id, last: last.id };
  return el(
    'result',
    { xmlns: CHANNEL_SEARCH },
    ...shown.map(({ room }) => itemOf(room)),
    pageReport({ ends, index: first?.index, count: found.length }),
  );
}

/** §6.2. */
function itemOf({ jid, config, users }: Found): Element {
  const { name, description, language, isMembersOnly, password, whois } = config;
  const isOpen = !isMembersOnly && password === '';
  return el(
    'item',
    { address: jid },
    name !== '' && el('name', undefined, name),
    description !== '' && el('description', undefined, description),
    language !== '' && el('language', undefined, language),
    el('nusers', undefined, String(users)),
    el('service-type', undefined, MUC_TYPE),
    isOpen && el('is-open', undefined, 'true'),
    el(
      'anonymity-mode',
      undefined,
      whois === 'anyone' ? `{${BASE}:anonymity}none` : 'muc_semianonymous',
    ),
  );
}

/** What a service of rooms says of itself, at its own address: XEP-0045 §6.2, §6.3. */
import type { MaybePromise, Verdict } from '../../core/hooks.ts';
import { verdict } from '../../core/hooks.ts';
import type { Home } from '../../core/module.ts';
import type { BareJid, Domain } from '../../jid/jid.ts';
import { randomId } from '../../kit/ids.ts';
import { iqResult } from '../../stanza/build.ts';
import type { Iq } from '../../stanza/stanza.ts';
import { childOf, type Element, el, isNamed, textOf } from '../../xml/element.ts';
import { DISCO_INFO, DISCO_ITEMS, infoElement } from '../disco/index.ts';
import { CHANNEL_SEARCH, createChannelSearch } from './channel-search.ts';
import { COMMON_FEATURES } from './disco.ts';
import { MUC } from './names.ts';
import type { Addressed } from './receive.ts';
import type { MucSettings } from './settings.ts';
import type { ListedRoom, RoomTables } from './tables.ts';

/** XEP-0307: a name for a room that nobody has. */
const UNIQUE = `${MUC}#unique`;
/** XEP-0059. */
const RSM = 'http://jabber.org/protocol/rsm';

const FEATURES = [...COMMON_FEATURES, 'muc_rooms', UNIQUE, RSM].sort();

/** Answers what is addressed to the service itself. */
export function createDesk(
  home: Home<MucSettings>,
  tables: RoomTables,
  occupancy: (room: BareJid) => number,
) {
  const search = createChannelSearch({ clock: home.clock, list: tables.publicRooms, occupancy });
  const nameOf = (domain: Domain, host: Domain): string | undefined => {
    const config = home.hosts.get(host)?.config.components[domain];
    return config?.type === 'muc' ? config.name : undefined;
  };

  const answer = (iq: Iq, payload?: Element): MaybePromise<Verdict> => {
    const sent = home.route(iqResult(iq, payload));
    return sent instanceof Promise ? sent.then(() => verdict.handled) : verdict.handled;
  };

  const list = async (iq: Iq, query: Element, domain: Domain, host: Domain): Promise<Verdict> => {
    const most = home.configOf(host).listedSize;
    const page = pageOf(query, most);
    if (page === undefined) return verdict.bounce({ condition: 'bad-request' });
    const filter = { domain, isPublic: true };
    const count = await tables.count(filter);
    const rooms = page.max === 0 ? [] : await tables.list({ ...filter, ...page, most: page.max });
    const isWhole = rooms.length === count && !page.isAsked;
    const set = isWhole ? undefined : setElement(rooms, count, page.isFirst);
    const items = rooms.map(({ jid, name }) =>
      el('item', { jid, name: name === '' ? undefined : name }),
    );
    return answer(iq, el('query', { xmlns: DISCO_ITEMS }, ...items, set));
  };

  return (stanza: Addressed, domain: Domain, host: Domain): MaybePromise<Verdict> => {
    if (stanza.kind === 'presence') return verdict.handled; // a service has none of its own
    if (stanza.kind === 'message' || stanza.payload === undefined)
      return verdict.bounce({ condition: 'service-unavailable' });
    const { type, payload } = stanza;
    if (type !== 'get') return verdict.bounce({ condition: 'service-unavailable' });
    const { node } = payload.attrs as { readonly node?: string };
    if (isNamed(payload, 'query', DISCO_INFO)) {
      if (node !== undefined) return verdict.bounce({ condition: 'item-not-found' });
      const identity = { category: 'conference', type: 'text', name: nameOf(domain, host) };
      const more = home.configOf(host).search ? [CHANNEL_SEARCH] : [];
      const features = [...FEATURES, ...more].sort();
      return answer(stanza, infoElement({ identities: [identity], features, forms: [] }));
    }
    if (isNamed(payload, 'query', DISCO_ITEMS))
      return node === undefined
        ? list(stanza, payload, domain, host)
        : verdict.bounce({ condition: 'item-not-found' });
    if (isNamed(payload, 'search', CHANNEL_SEARCH) && home.configOf(host).search) {
      const { listedSize } = home.configOf(host);
      return search(payload, domain, stanza.from, listedSize).then((said) =>
        said.ok ? answer(stanza, said.payload) : verdict.bounce(said.failure),
      );
    }
    if (isNamed(payload, 'unique', UNIQUE))
      return answer(stanza, el('unique', { xmlns: UNIQUE }, randomId(20).toLowerCase()));
    if (isNamed(payload, 'ping', 'urn:xmpp:ping')) return answer(stanza);
    return verdict.bounce({ condition: 'service-unavailable' });
  };
}

interface Page {
  readonly max: number;
  readonly after?: string;
  readonly before?: string;
  readonly isAsked: boolean;
  readonly isFirst: boolean;
}

/** The page that is asked for (XEP-0059 §2); undefined for a wrong number. */
function pageOf(query: Element, most: number): Page | undefined {
  const set = childOf(query, 'set', RSM);
  if (set === undefined) return { max: most, isAsked: false, isFirst: true };
  const partOf = (name: string) => {
    const part = childOf(set, name, RSM);
    return part === undefined ? undefined : textOf(part);
  };
  const [max, after, before] = [partOf('max'), partOf('after'), partOf('before')];
  if (max !== undefined && !/^\d{1,9}$/.test(max)) return undefined;
  return {
    max: Math.min(most, max === undefined ? most : Number(max)),
    ...(after === undefined || after === '' ? {} : { after }),
    ...(before === undefined ? {} : { before }),
    isAsked: true,
    isFirst: (after === undefined || after === '') && before === undefined,
  };
}

function setElement(rooms: readonly ListedRoom[], count: number, isFirst: boolean): Element {
  const [first, last] = [rooms[0], rooms.at(-1)];
  return el(
    'set',
    { xmlns: RSM },
    first !== undefined && el('first', { index: isFirst ? 0 : undefined }, first.jid),
    last !== undefined && el('last', undefined, last.jid),
    el('count', undefined, String(count)),
  );
}

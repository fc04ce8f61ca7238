/** What disco#info says of an entity: XEP-0030 §3.1, with the forms of XEP-0128. */
import type { Jid } from '../../jid/jid.ts';
import { type Element, el } from '../../xml/element.ts';

/** The namespace of disco#info. */
export const DISCO_INFO = 'http://jabber.org/protocol/disco#info';
/** The namespace of disco#items. */
export const DISCO_ITEMS = 'http://jabber.org/protocol/disco#items';

/** What kind of entity it is, as the registry of disco categories names it. */
export interface DiscoIdentity {
  readonly category: string;
  readonly type: string;
  readonly name?: string | undefined;
  /** The language of the name. */
  readonly lang?: string | undefined;
}

/** Identities, features and forms of an entity. */
export interface DiscoInfo {
  readonly identities: readonly DiscoIdentity[];
  readonly features: readonly string[];
  /** XEP-0128 forms: `<x xmlns='jabber:x:data' type='result'/>`. */
  readonly forms: readonly Element[];
}

/** The answer to disco#info; `node` is that of the request (§3.2). */
export function infoElement(info: DiscoInfo, node?: string): Element {
  return el(
    'query',
    { xmlns: DISCO_INFO, node },
    ...info.identities.map(({ category, type, name, lang }) =>
      el('identity', { category, type, name, 'xml:lang': lang }),
    ),
    ...info.features.map((feature) => el('feature', { var: feature })),
    ...info.forms,
  );
}

/** An item of disco#items (§4.1). */
export interface DiscoItem {
  readonly jid: Jid;
  readonly node?: string | undefined;
  readonly name?: string | undefined;
}

/** The answer to disco#items; `node` is that of the request. */
export function itemsElement(items: readonly DiscoItem[], node?: string): Element {
  const elements = items.map(({ jid, node: own, name }) => el('item', { jid, node: own, name }));
  return el('query', { xmlns: DISCO_ITEMS, node }, ...elements);
}

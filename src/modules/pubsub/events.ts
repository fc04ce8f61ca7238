/** What notifications say: XEP-0060 §7.1.2, §7.2.2.1, §8.2.5.3, §8.4.2, §8.5.2, §12.14. */
import type { Jid } from '../../jid/jid.ts';
import { childrenOf, type Element, el, textOf } from '../../xml/element.ts';
import { parseElement } from '../../xml/parse.ts';
import { ADDRESSES, PUBSUB, PUBSUB_EVENT } from './names.ts';
import type { Item, Node } from './node.ts';

const event = (child: Element): Element => el('event', { xmlns: PUBSUB_EVENT }, child);

/** An item as it stands in notifications and answers; it names its publisher if the node wants that. */
export function itemElement(node: Node, item: Item, hasPayload: boolean): Element {
  const publisher = node.config.itemReply === 'publisher' ? item.publisher : undefined;
  return el('item', { id: item.id, publisher }, hasPayload ? payloadOf(item) : undefined);
}

/** The payload of an item; undefined if it has none. */
export function payloadOf({ xml }: Item): Element | undefined {
  const parsed = xml === '' ? undefined : parseElement(xml);
  return parsed?.ok === true ? parsed.element : undefined;
}

/** §7.1.2: an item was published. Without one (§4.3, a transient node without payloads) it is empty. */
export function publishedEvent(node: Node, item: Item | undefined): Element {
  const hasPayload = node.config.deliversPayloads;
  return event(
    el(
      'items',
      { node: node.name },
      item === undefined ? undefined : itemElement(node, item, hasPayload),
    ),
  );
}

/** §7.2.2.1: items were removed. */
export const retractedEvent = (node: Node, ids: readonly string[]): Element =>
  event(el('items', { node: node.name }, ...ids.map((id) => el('retract', { id }))));

/** §8.5.2: all items were removed. */
export const purgedEvent = (node: Node): Element => event(el('purge', { node: node.name }));

/** §8.4.2: the node is gone, perhaps to another place. */
export const deletedEvent = (node: Node, redirect: string | undefined): Element =>
  event(
    el(
      'delete',
      { node: node.name },
      redirect === undefined ? undefined : el('redirect', { uri: redirect }),
    ),
  );

/** §8.2.5.3: the configuration changed; the form comes where payloads are delivered. */
export const configuredEvent = (node: Node, form: Element): Element =>
  event(el('configuration', { node: node.name }, node.config.deliversPayloads ? form : undefined));

/** §12.14: how a subscription stands now. */
export const subscriptionEvent = (node: Node, jid: Jid, subscription: string): Element =>
  event(el('subscription', { node: node.name, jid, subscription }));

/** §8.9.4: how an account stands to a node now. */
export const affiliationNotice = (node: Node, jid: Jid, affiliation: string): Element =>
  el(
    'pubsub',
    { xmlns: PUBSUB },
    el('affiliations', { node: node.name }, el('affiliation', { jid, affiliation })),
  );

/** XEP-0163 §4.3.1: from which of the account's clients it comes. */
export const replyTo = (publisher: Jid): Element =>
  el('addresses', { xmlns: ADDRESSES }, el('address', { type: 'replyto', jid: publisher }));

/** The payload of an item that is published: its one child; undefined for several (§7.1.3.6). */
export function payloadIn(item: Element): Element | 'none' | undefined {
  const [payload, ...more] = childrenOf(item);
  if (more.length > 0) return undefined;
  return payload ?? 'none';
}

/** The longest text of a body, in characters. */
const MAX_BODY = 500;

/**
 * What an event says to people, for subscribers who want a body beside the payload (§16.4.2): the title of
 * what was published, or its id. Undefined where nothing was published.
 */
export function bodyOf(node: Node, event: Element): Element | undefined {
  const [items] = childrenOf(event);
  const item = items === undefined ? undefined : childrenOf(items)[0];
  if (items?.name !== 'items' || item?.name !== 'item') return undefined;
  const [payload] = childrenOf(item);
  const parts = payload === undefined ? [] : childrenOf(payload);
  const said = ['title', 'summary', 'body'].flatMap((name) =>
    parts.filter((part) => part.name === name).map((part) => textOf(part).trim()),
  );
  const text = said.find((each) => each !== '') ?? item.attrs['id'] ?? '';
  const name = node.config.title === '' ? node.name : node.config.title;
  return el('body', undefined, `${name}: ${text.slice(0, MAX_BODY)}`);
}

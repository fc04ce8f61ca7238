/** What a service and its nodes say of themselves: XEP-0060 §5.1 to §5.5. */
import { type BareJid, bareOf, type Jid } from '../../jid/jid.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import type { FormField } from '../../stanza/form.ts';
import { FIRST_PAGE, type PageRequest, pageReport } from '../../stanza/rsm.ts';
import { writeDateTime } from '../../xml/date-time.ts';
import type { Element } from '../../xml/element.ts';
import { DISCO_INFO, DISCO_ITEMS, type DiscoInfo, type DiscoItem } from '../disco/index.ts';
import { isOwner, maySee, refusalToRead } from './access.ts';
import { metaDataForm } from './config-form.ts';
import type { Context } from './context.ts';
import { PUBSUB, SERVICE_FEATURES } from './names.ts';
import { type Node, ownersOf } from './node.ts';

/** The most items of a list. */
const MAX_LISTED = 1000;

/** What a service at a domain of its own is (§5.1). */
export const serviceInfo = (name: string | undefined): DiscoInfo => ({
  identities: [{ category: 'pubsub', type: 'service', name }],
  features: [DISCO_INFO, DISCO_ITEMS, ...SERVICE_FEATURES].sort(),
  forms: [],
});

/** The nodes of a service that somebody may know of, in the order of their names (§5.2). */
export async function visibleNodes(
  context: Context,
  service: BareJid,
  from: Jid,
): Promise<readonly Node[]> {
  const nodes: Node[] = [];
  for (const node of (await context.nodes.of(service)).values())
    if (await maySee(context, node, from)) nodes.push(node);
  return nodes.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A node as disco#items names it. */
export const nodeItem = ({ service, name, config }: Node): DiscoItem => ({
  jid: service,
  node: name,
  name: config.title === '' ? undefined : config.title,
});

/** A page of nodes (XEP-0059); undefined if it begins or ends where none is. */
export function pageOfNodes(
  nodes: readonly Node[],
  page: PageRequest,
): { readonly items: readonly DiscoItem[]; readonly set: Element | undefined } | undefined {
  const placeOf = (name: string) => nodes.findIndex((node) => node.name === name);
  const { after, before, index = 0, max = MAX_LISTED } = page;
  const from = after === undefined ? index : placeOf(after) + 1;
  const to = before === undefined || before === '' ? nodes.length : placeOf(before);
  if ((after !== undefined && from === 0) || to < 0) return undefined;
  const most = Math.min(max, MAX_LISTED);
  const begin = before === undefined ? from : Math.max(from, to - most);
  const shown = nodes.slice(begin, Math.min(to, begin + most));
  const [first, last] = [shown[0], shown.at(-1)];
  const isWhole = page === FIRST_PAGE && shown.length === nodes.length;
  const ends =
    first === undefined || last === undefined
      ? {}
      : { ends: { first: first.name, last: last.name }, index: begin };
  return {
    items: shown.map(nodeItem),
    set: isWhole ? undefined : pageReport({ ...ends, count: nodes.length }),
  };
}

/** A node that somebody asks about; undefined if it is not there for him. */
export async function findVisible(
  context: Context,
  service: BareJid,
  name: string,
  from: Jid,
): Promise<Node | undefined> {
  const node = await context.nodes.find(service, name);
  return node !== undefined && (await maySee(context, node, from)) ? node : undefined;
}

/** §5.3, §5.4 */
export function nodeInfo(context: Context, node: Node): DiscoInfo {
  const { service, config, created, creator, affiliations, subscriptions } = node;
  const owners = ownersOf(node);
  const publishers = [...affiliations].flatMap(([jid, affiliation]) =>
    affiliation === 'publisher' || affiliation === 'publish-only' ? [jid] : [],
  );
  let subscribers = 0;
  for (const state of subscriptions.values()) if (state === 'subscribed') subscribers += 1;
  const field = (
    name: string,
    type: FormField['type'],
    label: string,
    values: readonly string[],
  ): FormField => ({ name: `pubsub#${name}`, type, label, values });
  const automatic: readonly FormField[] = [
    field('creation_date', 'text-single', 'When it was made', [writeDateTime(created)]),
    field('creator', 'jid-single', 'Who made it', [creator]),
    field('owner', 'jid-multi', 'Whose it is', owners),
    field('publisher', 'jid-multi', 'Who else publishes', publishers),
    field('num_subscribers', 'text-single', 'How many are subscribed', [String(subscribers)]),
  ];
  const terms = { service, settings: context.settingsOf(service) };
  const shown = automatic.filter(({ values }) => values.length > 0);
  return {
    identities: [
      { category: 'pubsub', type: 'leaf', name: config.title === '' ? undefined : config.title },
    ],
    features: [PUBSUB],
    forms: [metaDataForm(config, terms, shown)],
  };
}

/** §5.5: the ids of items, for those who may read them. */
export async function itemIds(
  context: Context,
  node: Node,
  from: Jid,
): Promise<readonly DiscoItem[] | StanzaFailure> {
  const failure = isOwner(node, bareOf(from))
    ? undefined
    : await refusalToRead(context, node, from);
  if (failure !== undefined) return failure;
  const ids = await context.nodes.ids(node, MAX_LISTED);
  return ids.map((id) => ({ jid: node.service, name: id }));
}

/** The nodes of an account as XEP-0227 §4.9 has them: how they are configured, then what is in them. */
import type { BareJid } from '../../jid/jid.ts';
import { type Element, el, escapeAttribute, serialise } from '../../xml/element.ts';
import { configForm } from './config-form.ts';
import type { Context } from './context.ts';
import { payloadOf } from './events.ts';
import { PUBSUB, PUBSUB_OWNER } from './names.ts';
import type { Node } from './node.ts';
import { termsFor } from './request.ts';

/** Items that are read at a time. */
const PAGE = 50;

/** All nodes of an account; nothing for one that has none. */
export async function* exportedNodes(context: Context, account: BareJid): AsyncIterable<string> {
  const nodes = [...(await context.nodes.of(account)).values()];
  if (nodes.length === 0) return;
  const terms = await termsFor(context, account, account);
  const described = nodes.flatMap((node) => [
    el('configure', { node: node.name }, configForm(node.config, terms)),
    ...relationsOf(node),
  ]);
  yield serialise(el('pubsub', { xmlns: PUBSUB_OWNER }, ...described));
  yield `<pubsub xmlns="${PUBSUB}">`;
  for (const node of nodes) yield* exportedItems(context, node);
  yield '</pubsub>';
}

function relationsOf({ name, affiliations, subscriptions }: Node): Element[] {
  const listed = [...affiliations].map(([jid, affiliation]) =>
    el('affiliation', { jid, affiliation }),
  );
  const subscribed = [...subscriptions].map(([jid, subscription]) =>
    el('subscription', { jid, subscription }),
  );
  return [
    ...(listed.length === 0 ? [] : [el('affiliations', { node: name }, ...listed)]),
    ...(subscribed.length === 0 ? [] : [el('subscriptions', { node: name }, ...subscribed)]),
  ];
}

async function* exportedItems({ nodes }: Context, node: Node): AsyncIterable<string> {
  yield `<items node="${escapeAttribute(node.name)}">`;
  let after: number | undefined;
  do {
    const page = await nodes.items(node, { from: 'oldest', most: PAGE, after });
    for (const item of page) yield serialise(el('item', { id: item.id }, payloadOf(item)));
    after = page.length < PAGE ? undefined : page.at(-1)?.serial;
  } while (after !== undefined);
  yield '</items>';
}

/**
 * Nodes that an account had on another server (XEP-0227 §4.10). Nobody is notified. What is in a node may come
 * before its configuration: until that is there, nobody but the account reads it.
 */
import type { Intake, Newcomer, PassedOver, Portion } from '../../core/intake.ts';
import { type BareJid, parseBare, parseJid } from '../../jid/jid.ts';
import { childrenOf, clone, type Element, isNamed, serialise } from '../../xml/element.ts';
import { type ConfigChanges, readKnownFields } from './config-form.ts';
import { type Context, defaultsOf } from './context.ts';
import { makeNode, refusalToCreate, roomIn } from './creating.ts';
import { PUBSUB, PUBSUB_OWNER } from './names.ts';
import { AFFILIATIONS, type Affiliation, type Node, type SubscriptionState } from './node.ts';
import { PRIVATE_LIST } from './node-config.ts';
import { refusalToKeep } from './publishing.ts';
import { formIn, termsFor } from './request.ts';

/** Takes nodes or items in; undefined for what is neither. */
export async function importedNodes(
  context: Context,
  newcomer: Newcomer,
  { within, elements }: Portion,
): Promise<Intake | undefined> {
  const [holder, items] = within;
  if (holder !== undefined && items !== undefined && isNamed(holder, 'pubsub', PUBSUB))
    return importedItems(context, newcomer, items.attrs['node'] ?? '', elements);
  if (!elements.every((each) => within.length === 0 && isNamed(each, 'pubsub', PUBSUB_OWNER)))
    return undefined;
  const passed: PassedOver[] = [];
  let taken = 0;
  for (const part of elements.flatMap(childrenOf)) {
    const name = part.attrs['node'] ?? '';
    const why = await takePart(context, newcomer, name, part, passed);
    if (why !== undefined) passed.push({ what: `the node ${name}`, why });
    else if (part.name === 'configure') taken += 1;
  }
  return { kind: 'nodes', taken, passed };
}

/** A part of what is told of a node: why it was not taken, if it was not. */
async function takePart(
  context: Context,
  { account, isNew, isDry }: Newcomer,
  name: string,
  part: Element,
  passed: PassedOver[],
): Promise<string | undefined> {
  const existing = await context.nodes.find(account, name);
  const isConfig = part.name === 'configure';
  if (!isConfig && part.name !== 'affiliations' && part.name !== 'subscriptions')
    return `<${part.name}/> is not kept here`;
  if (existing !== undefined && !isNew) return isConfig ? 'it is here already' : undefined;
  const config = isConfig ? await configIn(context, account, name, part, passed) : undefined;
  if (isDry) return undefined;
  return context.nodes.alone(account, name, async (known) => {
    const node = known ?? (await make(context, account, name, config ?? PRIVATE_LIST));
    if (typeof node === 'string') return node;
    if (config !== undefined && known !== undefined) {
      const next = { ...defaultsOf(account), ...config };
      await context.nodes.configure(node, next, roomIn(context, { ...node, config: next }));
    }
    if (part.name === 'affiliations') await affiliate(context, node, part);
    if (part.name === 'subscriptions') await subscribe(context, node, part);
    return undefined;
  });
}

async function make(
  context: Context,
  account: BareJid,
  name: string,
  config: ConfigChanges,
): Promise<Node | string> {
  const refused = await refusalToCreate(context, account, name, account);
  if (refused !== undefined) return refused.text ?? refused.condition;
  return makeNode(context, { service: account, name, from: account, config });
}

/** §4.10.1: options that are not known are left out; with a word for those whose value cannot be. */
async function configIn(
  context: Context,
  account: BareJid,
  name: string,
  part: Element,
  passed: PassedOver[],
): Promise<ConfigChanges> {
  const form = formIn(part);
  if (form === undefined) return {};
  const read = readKnownFields(form, await termsFor(context, account, account));
  for (const each of read.refused)
    passed.push({ what: `${each} of the node ${name}`, why: 'its value cannot be here' });
  // Who may read it was said in a way that is not known here: nobody, then.
  return read.refused.includes('pubsub#access_model')
    ? { ...read.changes, accessModel: 'whitelist' }
    : read.changes;
}

async function affiliate({ nodes }: Context, node: Node, part: Element): Promise<void> {
  const found = new Map<BareJid, Affiliation>();
  for (const { attrs } of childrenOf(part)) {
    const jid = parseBare(attrs['jid'] ?? '');
    const affiliation = AFFILIATIONS.find((each) => each === attrs['affiliation']);
    if (jid.ok && jid.value !== node.service && affiliation !== undefined)
      found.set(jid.value, affiliation);
  }
  await nodes.affiliate(node, found, new Map());
}

async function subscribe({ nodes }: Context, node: Node, part: Element): Promise<void> {
  const found = new Map<Parameters<Node['subscriptions']['get']>[0], SubscriptionState>();
  for (const { attrs } of childrenOf(part)) {
    const jid = parseJid(attrs['jid'] ?? '');
    // Prosody writes the state under the name of what it is.
    const state = attrs['subscription'] ?? attrs['subscribed'];
    if (jid.ok && (state === 'subscribed' || state === 'pending')) found.set(jid.value, state);
  }
  await nodes.affiliate(node, new Map(), found);
}

async function importedItems(
  context: Context,
  newcomer: Newcomer,
  name: string,
  elements: readonly Element[],
): Promise<Intake> {
  const passed: PassedOver[] = [];
  let taken = 0;
  for (const element of elements) {
    const why = await takeItem(context, newcomer, name, element);
    if (why === undefined) taken += 1;
    else passed.push({ what: `an item of the node ${name}`, why });
  }
  return { kind: 'items of nodes', taken, passed };
}

/** Keeps an item; why not, if not. */
async function takeItem(
  context: Context,
  { account, isNew, isDry }: Newcomer,
  name: string,
  element: Element,
): Promise<string | undefined> {
  const { id } = element.attrs;
  const [content] = childrenOf(element);
  // Prosody writes an item into an item.
  const isTwice = content !== undefined && isNamed(content, 'item', PUBSUB);
  const [payload] = isTwice ? childrenOf(content) : [content];
  if (element.name !== 'item' || id === undefined || id === '') return 'it has no id';
  if (payload === undefined) return 'it has no payload';
  const node = await context.nodes.find(account, name);
  const [before] = node === undefined ? [] : await context.nodes.byIds(node, [id]);
  if (before !== undefined && !isNew) return 'there is one of the same id already';
  const xml = serialise(clone(payload));
  if (before?.xml === xml || isDry) return undefined;
  if (!isNew && node !== undefined && node.count >= roomIn(context, node))
    return 'the node is full';
  return context.nodes.alone(account, name, async (known) => {
    const at = known ?? (await make(context, account, name, PRIVATE_LIST));
    if (typeof at === 'string') return at;
    if (!at.config.isPersistent) return 'the node keeps no items';
    const refused = await refusalToKeep(context, at, account, { id, payload }, xml);
    if (refused !== undefined) return refused.text ?? refused.condition;
    const item = { id, publisher: account, at: context.home.clock.now(), xml };
    await context.nodes.put(at, item, roomIn(context, at));
    return undefined;
  });
}

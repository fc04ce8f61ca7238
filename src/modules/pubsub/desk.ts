/** The requests of everybody: XEP-0060 §5.6, §5.7, §6, §7 and §8.1. */
import { type Reply, reply } from '../../core/iq.ts';
import { bareOf, parseJid } from '../../jid/jid.ts';
import { childrenOf, type Element, el, isNamed, nsOf } from '../../xml/element.ts';
import {
  type ConfigOutcome,
  type FormTerms,
  readConfigForm,
  readPublishOptions,
} from './config-form.ts';
import type { Context } from './context.ts';
import { createNode } from './creating.ts';
import {
  BAD_REQUEST,
  INVALID_JID,
  INVALID_PAYLOAD,
  ITEM_REQUIRED,
  invalidOptions,
  NODE_REQUIRED,
} from './errors.ts';
import { payloadIn } from './events.ts';
import { PUBSUB, PUBSUB_OWNER } from './names.ts';
import { affiliationOf, type Node, subscriptionsOf } from './node.ts';
import {
  getDefaults,
  getOptions,
  optionsBeside,
  optionsResult,
  setOptions,
} from './options-desk.ts';
import { handleOwner } from './owner-desk.ts';
import { fill, publish, retract } from './publishing.ts';
import {
  type Asked,
  answered,
  formIn,
  type Handler,
  type Request,
  refuse,
  termsFor,
} from './request.ts';
import { retrieve } from './retrieving.ts';
import { subscribe, unsubscribe } from './subscribing.ts';

/** Answers a request. */
export async function handle(context: Context, asked: Asked): Promise<Reply> {
  const { pubsub, type } = asked;
  const ns = nsOf(pubsub);
  const children = childrenOf(pubsub).filter((child) => nsOf(child) === ns);
  const [verb] = children;
  if (verb === undefined) return refuse(BAD_REQUEST);
  const { node } = verb.attrs as { readonly node?: string };
  const request: Request = { ...asked, verb, node: node ?? '', children };
  if (ns === PUBSUB_OWNER) return handleOwner(context, request);
  const verbs: Readonly<Record<string, Handler>> = type === 'get' ? GETS : SETS;
  const handler = Object.hasOwn(verbs, verb.name) ? verbs[verb.name] : undefined;
  return handler === undefined
    ? reply.refuse('feature-not-implemented')
    : handler(context, request);
}

const GETS: Readonly<Record<string, Handler>> = {
  async items(context, request) {
    const { service, node, from, pubsub, verb } = request;
    if (node === '') return refuse(NODE_REQUIRED);
    if (bareOf(from) === service) await fill(context, service, node);
    return answered(
      await retrieve(context, { service, node, from, pubsub, items: verb }),
      (payload) => payload,
    );
  },
  subscriptions: listSubscriptions,
  affiliations: listAffiliations,
  options: getOptions,
  default: getDefaults,
};

const SETS: Readonly<Record<string, Handler>> = {
  publish: handlePublish,
  retract: handleRetract,
  create: handleCreate,
  async subscribe(context, request) {
    const asked = subscriptionIn(request);
    if ('condition' in asked) return refuse(asked);
    const { node, jid } = asked;
    const options = optionsBeside(context, request, jid);
    if (options !== undefined && 'condition' in options) return refuse(options);
    return answered(await subscribe(context, { ...asked, options }), (subscription) =>
      el(
        'pubsub',
        { xmlns: PUBSUB },
        el('subscription', { node, jid, subscription }),
        options === undefined ? undefined : optionsResult(context, jid, options),
      ),
    );
  },
  async unsubscribe(context, request) {
    const asked = subscriptionIn(request);
    if ('condition' in asked) return refuse(asked);
    return answered(await unsubscribe(context, asked), () => undefined);
  },
  options: setOptions,
};

function subscriptionIn({ service, node, from, verb }: Request) {
  if (node === '') return NODE_REQUIRED;
  const jid = parseJid(verb.attrs['jid'] ?? '');
  return jid.ok ? { service, node, from, jid: jid.value } : INVALID_JID;
}

async function handlePublish(context: Context, request: Request): Promise<Reply> {
  const { service, node, from, verb, children } = request;
  if (node === '') return refuse(NODE_REQUIRED);
  const items = childrenOf(verb).filter((child) => isNamed(child, 'item', PUBSUB));
  const [item] = items;
  if (items.length > 1) return refuse(BAD_REQUEST); // §7.1.1: one at most
  const payload = item === undefined ? 'none' : payloadIn(item);
  if (payload === undefined) return refuse(INVALID_PAYLOAD);
  const { id } = item?.attrs ?? {};
  if (id !== undefined && !isItemId(id)) return refuse(BAD_REQUEST);
  const expected = optionsIn(children, await termsFor(context, service, from));
  if (!expected.ok) return refuse(expected.failure);
  if (bareOf(from) === service) await fill(context, service, node);
  const outcome = await publish(context, {
    service,
    node,
    from,
    item:
      item === undefined ? undefined : { id, payload: payload === 'none' ? undefined : payload },
    expected: expected.changes,
  });
  return answered(outcome, (made) =>
    el(
      'pubsub',
      { xmlns: PUBSUB },
      el('publish', { node }, made === undefined ? undefined : el('item', { id: made })),
    ),
  );
}

/** An id of an item has up to 1024 bytes. */
const isItemId = (id: string): boolean => id !== '' && Buffer.byteLength(id) <= 1024;

function optionsIn(children: readonly Element[], terms: FormTerms): ConfigOutcome {
  const options = children.find(({ name }) => name === 'publish-options');
  if (options === undefined) return { ok: true, changes: {} };
  const form = formIn(options);
  if (form === undefined)
    return { ok: false, failure: invalidOptions('There is no form in publish-options.') };
  return readPublishOptions(form, terms);
}

async function handleRetract(context: Context, request: Request): Promise<Reply> {
  const { service, node, from, verb } = request;
  if (node === '') return refuse(NODE_REQUIRED);
  const [item, ...more] = childrenOf(verb).filter((child) => isNamed(child, 'item', PUBSUB));
  const { id = '' } = item?.attrs ?? {};
  if (id === '') return refuse(ITEM_REQUIRED); // §7.2.3.4
  if (more.length > 0) return refuse(BAD_REQUEST); // §7.2.1: one
  if (bareOf(from) === service) await fill(context, service, node);
  const notify = ['1', 'true'].includes(verb.attrs['notify'] ?? '');
  const outcome = await retract(context, { service, node, from, id, notify });
  return answered(outcome, () => undefined);
}

async function handleCreate(context: Context, request: Request): Promise<Reply> {
  const { service, node, from, children, verb } = request;
  const configures = children.filter(({ name }) => name === 'configure');
  const [configure] = configures;
  // §8.1.3: after <create/>, and without a node of its own
  if (configures.length > 1 || configure?.attrs['node'] !== undefined) return refuse(BAD_REQUEST);
  const form = configure === undefined ? undefined : formIn(configure);
  if (configure !== undefined && form === undefined && childrenOf(configure).length > 0)
    return refuse(BAD_REQUEST);
  const terms = await termsFor(context, service, from);
  const config: ConfigOutcome =
    form === undefined ? { ok: true, changes: {} } : readConfigForm(form, terms);
  if (!config.ok) return refuse(config.failure);
  const name = verb.attrs['node'] === undefined ? undefined : node;
  if (name === '') return refuse(NODE_REQUIRED);
  const outcome = await createNode(context, { service, name, from, config: config.changes });
  return answered(outcome, (made) =>
    name === undefined ? el('pubsub', { xmlns: PUBSUB }, el('create', { node: made })) : undefined,
  );
}

/** The nodes that a list is about: one, if it is named. */
async function nodesFor(context: Context, { service, verb }: Request): Promise<readonly Node[]> {
  const { node } = verb.attrs as { readonly node?: string };
  const nodes = await context.nodes.of(service);
  if (node === undefined) return [...nodes.values()];
  const one = nodes.get(node);
  return one === undefined ? [] : [one];
}

/** §5.6: all subscriptions of the asker, whichever of his addresses they are for. */
async function listSubscriptions(context: Context, request: Request): Promise<Reply> {
  const { from, verb } = request;
  const listed = (await nodesFor(context, request)).flatMap((node) =>
    subscriptionsOf(node, bareOf(from)).map(([jid, subscription]) =>
      el('subscription', { node: node.name, jid, subscription }),
    ),
  );
  const list = el('subscriptions', { node: verb.attrs['node'] }, ...listed);
  return reply.result(el('pubsub', { xmlns: PUBSUB }, list));
}

/** §5.7: all affiliations of the asker. */
async function listAffiliations(context: Context, request: Request): Promise<Reply> {
  const { from, verb } = request;
  const listed = (await nodesFor(context, request)).flatMap((node) => {
    const affiliation = affiliationOf(node, bareOf(from));
    return affiliation === 'none' ? [] : [el('affiliation', { node: node.name, affiliation })];
  });
  const list = el('affiliations', { node: verb.attrs['node'] }, ...listed);
  return reply.result(el('pubsub', { xmlns: PUBSUB }, list));
}

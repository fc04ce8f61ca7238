/** Requests about the options of subscriptions: XEP-0060 §6.3, §6.4. */
import { reply } from '../../core/iq.ts';
import { bareOf, type Jid, localOf, parseJid } from '../../jid/jid.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import { type Element, el } from '../../xml/element.ts';
import { type Context, isLocal } from './context.ts';
import {
  BAD_REQUEST,
  FORBIDDEN,
  INVALID_JID,
  invalidOptions,
  JID_REQUIRED,
  NO_SUCH_SUBSCRIBER,
  NODE_REQUIRED,
  NOT_FOUND,
} from './errors.ts';
import { PUBSUB } from './names.ts';
import type { Node } from './node.ts';
import { done, type Outcome, refused } from './outcome.ts';
import { answered, formIn, type Handler, type Request, refuse } from './request.ts';
import {
  DEFAULT_OPTIONS,
  type OptionTerms,
  optionsForm,
  readOptions,
  type SubscriptionOptions,
} from './subscription-options.ts';

/** What the options of a subscriber depend on. */
export const optionTerms = (context: Context, jid: Jid): OptionTerms => ({
  isLocal: isLocal(context, jid) && localOf(jid) !== '',
  now: context.home.clock.now(),
});

/** The options of a subscription. */
const optionsOf = (node: Node, jid: Jid): SubscriptionOptions =>
  node.options.get(jid) ?? DEFAULT_OPTIONS;

interface Which {
  readonly jid: Jid;
  readonly node: string;
}

/** Whose options of which node are meant (§6.3.4). */
function whichIn({ node, from, verb }: Request): Which | StanzaFailure {
  const raw = verb.attrs['jid'];
  if (node === '') return NODE_REQUIRED;
  if (raw === undefined || raw === '') return JID_REQUIRED;
  const jid = parseJid(raw);
  if (!jid.ok) return INVALID_JID;
  return bareOf(jid.value) === bareOf(from) ? { node, jid: jid.value } : FORBIDDEN;
}

/** A subscriber asks for the form (§6.3.2). */
export const getOptions: Handler = async (context, request) => {
  const which = whichIn(request);
  if ('condition' in which) return refuse(which);
  const node = await context.nodes.find(request.service, which.node);
  if (node === undefined) return refuse(NOT_FOUND);
  if (!node.subscriptions.has(which.jid)) return refuse(NO_SUCH_SUBSCRIBER);
  const terms = optionTerms(context, which.jid);
  const form = optionsForm(optionsOf(node, which.jid), terms, 'form');
  return reply.result(
    el('pubsub', { xmlns: PUBSUB }, el('options', { node: which.node, jid: which.jid }, form)),
  );
};

/** A subscriber submits it (§6.3.5). */
export const setOptions: Handler = async (context, request) => {
  const which = whichIn(request);
  if ('condition' in which) return refuse(which);
  const { jid } = which;
  const form = formIn(request.verb);
  const { nodes } = context;
  const outcome = await nodes.alone(request.service, which.node, async (node): Promise<Outcome> => {
    if (node === undefined) return refused(NOT_FOUND);
    const state = node.subscriptions.get(jid);
    if (state === undefined) return refused(NO_SUCH_SUBSCRIBER);
    if (form?.type === 'cancel') return done(undefined);
    if (form === undefined) return refused(invalidOptions('There is no form in options.'));
    const options = readOptions(form, optionsOf(node, jid), optionTerms(context, jid));
    if ('condition' in options) return refused(options);
    await nodes.affiliate(node, new Map(), new Map([[jid, state]]), new Map([[jid, options]]));
    return done(undefined);
  });
  return answered(outcome, () => undefined);
};

/** Somebody asks how new subscriptions are (§6.4), at a node or at all. */
export const getDefaults: Handler = async (context, { service, from, node, verb }) => {
  if (node !== '' && (await context.nodes.find(service, node)) === undefined)
    return refuse(NOT_FOUND);
  const form = optionsForm(DEFAULT_OPTIONS, optionTerms(context, from), 'result');
  const name = verb.attrs['node'];
  return reply.result(el('pubsub', { xmlns: PUBSUB }, el('default', { node: name }, form)));
};

/** The options that stand beside `<subscribe/>` (§6.3.7); undefined if there are none. */
export function optionsBeside(
  context: Context,
  { children }: Request,
  jid: Jid,
): SubscriptionOptions | undefined | StanzaFailure {
  const all = children.filter(({ name }) => name === 'options');
  const [options] = all;
  if (options === undefined) return undefined;
  const { node, jid: own } = options.attrs as { readonly node?: string; readonly jid?: string };
  if (all.length > 1 || children[0] === options || node !== undefined || own !== undefined)
    return BAD_REQUEST;
  const form = formIn(options);
  if (form === undefined) return invalidOptions('There is no form in options.');
  return readOptions(form, DEFAULT_OPTIONS, optionTerms(context, jid));
}

/** The options as the answer to `<subscribe/>` shows them. */
export const optionsResult = (context: Context, jid: Jid, options: SubscriptionOptions): Element =>
  el('options', undefined, optionsForm(options, optionTerms(context, jid), 'result'));

/** Subscriptions: XEP-0060 §5.6, §6.1, §6.2, §8.6, §12.14. */
import { type BareJid, bareOf, type Jid, parseJid } from '../../jid/jid.ts';
import { randomId } from '../../kit/ids.ts';
import { message } from '../../stanza/build.ts';
import { type Form, firstValueOf, formElement, isTrue } from '../../stanza/form.ts';
import { el } from '../../xml/element.ts';
import { isOwner, refusalToSubscribe } from './access.ts';
import type { Context } from './context.ts';
import { isDeliverable } from './deliverable.ts';
import {
  FORBIDDEN,
  INVALID_JID,
  NOT_FOUND,
  NOT_SUBSCRIBED,
  PENDING,
  TOO_MANY_SUBSCRIPTIONS,
  unsupported,
} from './errors.ts';
import { subscriptionEvent } from './events.ts';
import { SUBSCRIBE_AUTHORIZATION } from './names.ts';
import {
  affiliationOf,
  type Node,
  ownersOf,
  type SubscriptionState,
  subscriptionsOf,
} from './node.ts';
import { send, sendLast, sendTo } from './notify.ts';
import { done, type Outcome, refused, type Told } from './outcome.ts';
import { DEFAULT_OPTIONS, type SubscriptionOptions } from './subscription-options.ts';

/** Somebody asks to be subscribed, or not any more. */
export interface SubscriptionRequest {
  readonly service: BareJid;
  readonly node: string;
  readonly from: Jid;
  /** The address that is to be notified. */
  readonly jid: Jid;
  /** What he sets at once (§6.3.7). */
  readonly options?: SubscriptionOptions | undefined;
}

/** With how many of its addresses an account may be subscribed to one node; others want places, too. */
const MOST_OF_ACCOUNT = 20;

/** Subscribes (§6.1); answers how the subscription stands. */
export async function subscribe(
  context: Context,
  { service, node: name, from, jid, options }: SubscriptionRequest,
): Promise<Outcome<SubscriptionState>> {
  if (bareOf(jid) !== bareOf(from)) return refused(INVALID_JID); // §6.1.3.1
  const { nodes, home } = context;
  return nodes.alone(service, name, async (node): Promise<Outcome<SubscriptionState>> => {
    if (node === undefined) return refused(NOT_FOUND);
    const failure = await refusalToSubscribe(context, node, from);
    if (failure !== undefined) return refused(failure);
    if (!node.config.allowsSubscriptions) return refused(unsupported('subscribe')); // §6.1.3.10
    if (home.sessions.of(bareOf(from))[0]?.isAnonymous === true) return refused(FORBIDDEN); // §6.1.3.6
    const before = node.subscriptions.get(jid);
    if (before === 'pending') return refused(PENDING); // §6.1.3.7
    const set = options === undefined ? undefined : new Map([[jid, options]]);
    if (before === 'subscribed') {
      if (set !== undefined) await nodes.affiliate(node, new Map(), new Map(), set);
      return done(before); // §6.1.6
    }
    const own = subscriptionsOf(node, bareOf(from)).length;
    const isFull = node.subscriptions.size >= context.settingsOf(service).maxSubscriptions;
    if (isFull || own >= MOST_OF_ACCOUNT) return refused(TOO_MANY_SUBSCRIPTIONS); // §6.1.3.9
    // §6.1.4: whoever stands on a list of the owner needs no approval.
    const needsApproval =
      node.config.accessModel === 'authorize' && affiliationOf(node, bareOf(from)) === 'none';
    if (needsApproval && !context.requests.take(bareOf(from)))
      return refused(TOO_MANY_SUBSCRIPTIONS);
    const state = needsApproval ? 'pending' : 'subscribed';
    await nodes.affiliate(node, new Map(), new Map([[jid, state]]), set);
    const told = needsApproval ? askOwners(context, node, jid) : welcome(context, node, jid);
    return done(state, Promise.all([told, tellOwners(context, node, jid, state)]));
  });
}

/** §6.1.7: the last item goes to whoever is subscribed now. */
async function welcome(context: Context, node: Node, jid: Jid): Promise<void> {
  const { sendLast: when, deliversNotifications } = node.config;
  if (when === 'never' || !deliversNotifications) return;
  if (!isDeliverable(context, jid, node.options.get(jid) ?? DEFAULT_OPTIONS)) return;
  const item = await context.nodes.last(node);
  if (item !== undefined) await sendLast(context, node, item, jid);
}

/** `pubsub#notify_sub`: owners hear who subscribes and who leaves. */
async function tellOwners(
  context: Context,
  node: Node,
  jid: Jid,
  state: SubscriptionState | 'none',
): Promise<void> {
  if (!node.config.notifiesSubscribers || state === 'pending') return;
  for (const owner of ownersOf(node))
    await sendTo(context, node, owner, subscriptionEvent(node, jid, state));
}

/** Ends a subscription (§6.2). */
export async function unsubscribe(
  context: Context,
  { service, node: name, from, jid }: SubscriptionRequest,
): Promise<Outcome> {
  const { nodes } = context;
  return nodes.alone(service, name, async (node): Promise<Outcome> => {
    if (node === undefined) return refused(NOT_FOUND);
    if (bareOf(jid) !== bareOf(from)) return refused(FORBIDDEN); // §6.2.3.3
    if (!node.subscriptions.has(jid)) return refused(NOT_SUBSCRIBED);
    await nodes.affiliate(node, new Map(), new Map([[jid, undefined]]));
    return done(undefined, tellOwners(context, node, jid, 'none'));
  });
}

/** Ends subscriptions that somebody else decided on, and tells whose they were (§12.14). */
export async function cancel(context: Context, node: Node, jids: readonly Jid[]): Promise<Told> {
  if (jids.length === 0) return { told: Promise.resolve() };
  const { nodes } = context;
  await nodes.affiliate(node, new Map(), new Map(jids.map((jid) => [jid, undefined])));
  const sent = jids.map((jid) => sendTo(context, node, jid, subscriptionEvent(node, jid, 'none')));
  return { told: Promise.all(sent) };
}

/** §8.6: the owners are asked. */
async function askOwners(context: Context, node: Node, jid: Jid): Promise<void> {
  const form = formElement({
    type: 'form',
    formType: SUBSCRIBE_AUTHORIZATION,
    title: 'Request for a subscription',
    instructions: [`May ${jid} subscribe to ${node.name}?`],
    fields: [
      { name: 'pubsub#node', type: 'text-single', label: 'Node', values: [node.name] },
      {
        name: 'pubsub#subscriber_jid',
        type: 'jid-single',
        label: 'Address of the subscriber',
        values: [jid],
      },
      { name: 'pubsub#allow', type: 'boolean', label: 'Allow it?', values: ['0'] },
    ],
  });
  const body = el('body', undefined, `May ${jid} subscribe to ${node.name}?`);
  for (const to of ownersOf(node))
    await send(
      context,
      message({ from: node.service, to, id: randomId(), children: [body, form] }),
    );
}

/** An owner answers (§8.6): a form that does not hold together, or is not his to answer, is dropped. */
export async function answerRequest(
  context: Context,
  service: BareJid,
  from: Jid,
  form: Form,
): Promise<void> {
  if (form.type !== 'submit') return; // cancelled: it remains pending
  const name = firstValueOf(form, 'pubsub#node') ?? '';
  const subscriber = parseJid(firstValueOf(form, 'pubsub#subscriber_jid') ?? '');
  const isAllowed = isTrue(form, 'pubsub#allow');
  if (!subscriber.ok || isAllowed === undefined) return;
  const jid = subscriber.value;
  const { nodes } = context;
  const told = await nodes.alone(
    service,
    name,
    async (node): Promise<readonly Promise<unknown>[]> => {
      if (node === undefined || !isOwner(node, from)) return [];
      if (node.subscriptions.get(jid) !== 'pending') return [];
      if (!isAllowed) return [(await cancel(context, node, [jid])).told];
      await nodes.affiliate(node, new Map(), new Map([[jid, 'subscribed']]));
      const event = subscriptionEvent(node, jid, 'subscribed');
      return [
        sendTo(context, node, jid, event).then(() => welcome(context, node, jid)),
        tellOwners(context, node, jid, 'subscribed'),
      ];
    },
  );
  await Promise.all(told);
}

/** A subscription that an owner changes. */
export interface SubscriptionChange {
  readonly jid: Jid;
  /** Undefined if it is to stay as it is (§8.8.2.1). */
  readonly to: SubscriptionState | 'none' | undefined;
}

/** An owner changes subscriptions (§8.8.2); answers those that could not be changed, as they are. */
export async function manageSubscriptions(
  context: Context,
  {
    service,
    node: name,
    from,
    changes,
  }: {
    readonly service: BareJid;
    readonly node: string;
    readonly from: Jid;
    readonly changes: readonly SubscriptionChange[];
  },
): Promise<Outcome<readonly SubscriptionChange[]>> {
  const { nodes } = context;
  return nodes.alone(
    service,
    name,
    async (node): Promise<Outcome<readonly SubscriptionChange[]>> => {
      if (node === undefined) return refused(NOT_FOUND);
      if (!isOwner(node, from)) return refused(FORBIDDEN);
      const room = context.settingsOf(service).maxSubscriptions;
      const failed: SubscriptionChange[] = [];
      const taken = new Map<Jid, SubscriptionState | undefined>();
      let size = node.subscriptions.size;
      for (const { jid, to } of changes) {
        const before = node.subscriptions.get(jid);
        if (to === undefined || to === (before ?? 'none')) continue;
        const isNew = before === undefined;
        // An outcast has no subscription (§4.1), and nobody is put on a waiting list by others.
        const isWrong =
          to === 'pending' ||
          (to === 'subscribed' && affiliationOf(node, bareOf(jid)) === 'outcast') ||
          (isNew && size >= room);
        if (isWrong) failed.push({ jid, to: before ?? 'none' });
        else {
          if (isNew) size += 1;
          taken.set(jid, to === 'none' ? undefined : to);
        }
      }
      await nodes.affiliate(node, new Map(), taken);
      const told = [...taken].map(([jid, state]) =>
        sendTo(context, node, jid, subscriptionEvent(node, jid, state ?? 'none')).then(() =>
          state === 'subscribed' ? welcome(context, node, jid) : undefined,
        ),
      );
      return done(failed, Promise.all(told));
    },
  );
}

/** Ends the subscriptions whose leases are over (§12.19). */
export async function endLeases(context: Context): Promise<void> {
  const { nodes, home } = context;
  for (const { service, node: name, jid } of await nodes.ended())
    await nodes.alone(service, name, async (node) => {
      const expire = node?.options.get(jid)?.expire;
      // He may have renewed it meanwhile.
      if (node !== undefined && expire !== undefined && expire <= home.clock.now())
        await cancel(context, node, [jid]);
    });
}

/** A subscriber is gone for good, as the error of a notification says (§12.4). */
export async function dropSubscriber(context: Context, service: BareJid, jid: Jid): Promise<void> {
  const { nodes } = context;
  for (const { name, subscriptions } of [...(await nodes.of(service)).values()]) {
    if (!subscriptions.has(jid)) continue;
    await nodes.alone(service, name, async (node) => {
      if (node?.subscriptions.has(jid) === true)
        await nodes.affiliate(node, new Map(), new Map([[jid, undefined]]));
    });
  }
}

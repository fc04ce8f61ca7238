/** Items come and go: XEP-0060 §7 and §8.5. */
import { type BareJid, bareOf, type Jid } from '../../jid/jid.ts';
import { randomId } from '../../kit/ids.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import { type Element, serialise } from '../../xml/element.ts';
import { isOwner, mayPublish } from './access.ts';
import { type ConfigChanges, refusedPrecondition } from './config-form.ts';
import { type Context, tell } from './context.ts';
import { makeNode, refusalToCreate, roomIn } from './creating.ts';
import {
  FORBIDDEN,
  ITEM_FORBIDDEN,
  ITEM_REQUIRED,
  NO_ROOM,
  NODE_FULL,
  NOT_FOUND,
  PAYLOAD_REQUIRED,
  payloadTooBig,
  unsupported,
} from './errors.ts';
import { publishedEvent, purgedEvent, retractedEvent } from './events.ts';
import { affiliationOf, type Item, isAccount, type Node } from './node.ts';
import { notifyAll } from './notify.ts';
import { done, type Outcome, refused } from './outcome.ts';

/** Something to be published. */
export interface Publication {
  readonly service: BareJid;
  readonly node: string;
  /** Who publishes: a full JID, or a service itself. */
  readonly from: Jid;
  /** Undefined for a request without an item (§4.3). */
  readonly item:
    | { readonly id: string | undefined; readonly payload: Element | undefined }
    | undefined;
  /** What the publisher takes for granted; with it a node is made that is not there (§7.1.5). */
  readonly expected: ConfigChanges;
  /** Whether the server itself wants it: an existing node may be configured otherwise. */
  readonly isOwn?: boolean | undefined;
  /** A word for the listeners, see `Change` in context.ts. */
  readonly origin?: string | undefined;
}

/** Publishes; answers the id of the item, undefined for none (§7.1.2). */
export async function publish(
  context: Context,
  publication: Publication,
): Promise<Outcome<string | undefined>> {
  const { service, node: name, from, expected, item, origin, isOwn } = publication;
  return context.nodes.alone(
    service,
    name,
    async (existing): Promise<Outcome<string | undefined>> => {
      const refusal =
        existing === undefined
          ? await refusalToAutoCreate(context, publication)
          : refusalToPublish(existing, publication);
      if (refusal !== undefined && isOwn !== true) return refused(refusal);
      const node = existing ?? (await makeNode(context, { service, name, from, config: expected }));
      const xml = item?.payload === undefined ? '' : serialise(item.payload);
      const fault =
        eventFault(node, item, xml) ?? (await refusalToKeep(context, node, from, item, xml));
      if (fault !== undefined) return refused(fault);
      if (item === undefined) {
        const { sent } = await notifyAll(context, node, publishedEvent(node, undefined), from);
        return done(undefined, sent);
      }
      const { id = randomId() } = item;
      const published: Item = { id, publisher: from, at: context.home.clock.now(), xml };
      const dropped = await keep(context, node, published);
      const { sent } = await notifyAll(context, node, publishedEvent(node, published), from);
      const told = tell(context, {
        kind: 'published',
        service,
        node: name,
        item: published,
        origin,
      });
      return done(id, Promise.all([dropped?.sent, sent, told]));
    },
  );
}

/** Keeps an item, if the node does; what has to go for it is told (§7.1.2.6). */
async function keep(context: Context, node: Node, item: Item) {
  const { nodes } = context;
  if (!node.config.isPersistent) {
    nodes.remember(node, item);
    return undefined;
  }
  const { dropped } = await nodes.put(node, item, roomIn(context, node));
  const { whenFull, notifiesRetract, maxItems } = node.config;
  // Of a node that has one item the new one says that the old one is gone.
  const isTold = whenFull === 'retract-oldest' && notifiesRetract && maxItems !== 1;
  if (dropped.length === 0 || !isTold) return undefined;
  return notifyAll(context, node, retractedEvent(node, dropped));
}

async function refusalToAutoCreate(
  context: Context,
  { service, node, from }: Publication,
): Promise<StanzaFailure | undefined> {
  const failure = await refusalToCreate(context, service, node, from);
  // §7.1.3.3: of another's account nobody learns more than that it has no such node.
  return failure === FORBIDDEN && isAccount(service) ? NOT_FOUND : failure;
}

function refusalToPublish(node: Node, { from, expected }: Publication): StanzaFailure | undefined {
  if (!mayPublish(node, from)) return FORBIDDEN; // §7.1.3.1
  return refusedPrecondition(node.config, expected);
}

/** §4.3, §7.1.3.7: whether there is an item and a payload is what the kind of the node says. */
function eventFault(
  { config }: Node,
  item: Publication['item'],
  xml: string,
): StanzaFailure | undefined {
  const { isPersistent, deliversPayloads } = config;
  if (!isPersistent && !deliversPayloads) return item === undefined ? undefined : ITEM_FORBIDDEN;
  if (item === undefined) return isPersistent ? ITEM_REQUIRED : PAYLOAD_REQUIRED;
  return deliversPayloads && xml === '' ? PAYLOAD_REQUIRED : undefined;
}

/** Why a node does not keep an item of somebody; undefined if it does. */
export async function refusalToKeep(
  context: Context,
  node: Node,
  from: Jid,
  item: Publication['item'],
  xml: string,
): Promise<StanzaFailure | undefined> {
  const { nodes } = context;
  const settings = context.settingsOf(node.service);
  const { maxPayload, isPersistent, whenFull } = node.config;
  const most = Math.min(
    settings.maxPayload,
    maxPayload === 'max' ? settings.maxPayload : maxPayload,
  );
  const bytes = Buffer.byteLength(xml);
  if (bytes > most) return payloadTooBig(most); // §7.1.3.5
  if (!isPersistent) return undefined;
  const room = roomIn(context, node);
  const isFull = whenFull === 'reject' && node.count >= room;
  const affiliation = affiliationOf(node, bareOf(from));
  const isTrusted = affiliation === 'owner' || affiliation === 'publisher';
  if (item?.id !== undefined && (isFull || !isTrusted)) {
    const [before] = await nodes.byIds(node, [item.id]);
    // What another has published is removed by being replaced (§4.1).
    if (before !== undefined && !isTrusted && bareOf(before.publisher) !== bareOf(from))
      return FORBIDDEN;
    if (before === undefined && isFull) return NODE_FULL;
  } else if (isFull) return NODE_FULL; // §7.1.3.4
  const { bytesPerAccount, bytesPerService } = settings;
  const limit = isAccount(node.service) ? bytesPerAccount : bytesPerService;
  const leaving = room === 1 ? node.bytes : 0;
  return (await nodes.usage(node.service)) + bytes - leaving > limit ? NO_ROOM : undefined;
}

/** Something to be removed. */
export interface Retraction {
  readonly service: BareJid;
  readonly node: string;
  readonly from: Jid;
  readonly id: string;
  /** Whether the request asks for notifications (§7.2.2.1). */
  readonly notify: boolean;
  /** Whether the server itself, or its admin, wants it. */
  readonly isOwn?: boolean | undefined;
  readonly origin?: string | undefined;
}

/** Removes an item (§7.2). */
export async function retract(context: Context, retraction: Retraction): Promise<Outcome> {
  const { service, node: name, from, id, notify, origin, isOwn } = retraction;
  return context.nodes.alone(service, name, async (node): Promise<Outcome> => {
    if (node === undefined) return refused(NOT_FOUND);
    const failure = isOwn === true ? undefined : await refusalToRetract(context, node, from, id);
    if (failure !== undefined) return refused(failure);
    if (!(await context.nodes.remove(node, id))) return refused(NOT_FOUND);
    const isTold = notify || node.config.notifiesRetract;
    const sent = isTold
      ? (await notifyAll(context, node, retractedEvent(node, [id]))).sent
      : undefined;
    const told = tell(context, { kind: 'retracted', service, node: name, ids: [id], origin });
    return done(undefined, Promise.all([sent, told]));
  });
}

/** §4.1: owners and publishers remove any item, others what they have published. */
async function refusalToRetract(
  { nodes }: Context,
  node: Node,
  from: Jid,
  id: string,
): Promise<StanzaFailure | undefined> {
  if (!mayPublish(node, from)) return FORBIDDEN;
  if (!node.config.isPersistent) return unsupported('persistent-items'); // §7.2.3.5
  const [item] = await nodes.byIds(node, [id]);
  if (item === undefined) return NOT_FOUND; // §7.2.3.2
  const affiliation = affiliationOf(node, bareOf(from));
  if (affiliation === 'owner' || affiliation === 'publisher') return undefined;
  return bareOf(item.publisher) === bareOf(from) ? undefined : FORBIDDEN;
}

/** Removes all items (§8.5). */
export async function purge(
  context: Context,
  { service, node: name, from, origin }: Pick<Retraction, 'service' | 'node' | 'from' | 'origin'>,
): Promise<Outcome> {
  return context.nodes.alone(service, name, async (node): Promise<Outcome> => {
    if (node === undefined) return refused(NOT_FOUND);
    if (!isOwner(node, from)) return refused(FORBIDDEN);
    if (!node.config.isPersistent) return refused(unsupported('persistent-items'));
    await context.nodes.purge(node);
    const sent = node.config.notifiesRetract
      ? (await notifyAll(context, node, purgedEvent(node))).sent
      : undefined;
    const told = tell(context, { kind: 'purged', service, node: name, origin });
    return done(undefined, Promise.all([sent, told]));
  });
}

/** Runs whatever fills a node of an account that is not there yet. */
export async function fill(context: Context, service: BareJid, name: string): Promise<void> {
  const filler = isAccount(service) ? context.fillers.get(name) : undefined;
  if (filler === undefined) return;
  if ((await context.nodes.find(service, name)) === undefined) await filler(service);
}

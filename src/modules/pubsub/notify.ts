/** Sends notifications: the text is written once, however many receive it. */
import type { Jid } from '../../jid/jid.ts';
import { randomId } from '../../kit/ids.ts';
import { addressedTo } from '../../stanza/address.ts';
import { message } from '../../stanza/build.ts';
import { Delay } from '../../stanza/delay.ts';
import type { Message } from '../../stanza/stanza.ts';
import type { Element } from '../../xml/element.ts';
import { audienceOf, type Target } from './audience.ts';
import type { Context } from './context.ts';
import { bodyOf, publishedEvent, replyTo } from './events.ts';
import { type Item, isAccount, type Node } from './node.ts';

/**
 * Sends an event to all whom it concerns. Resolves when it is on its way to those who are known to want
 * it, with a promise that it has been handed over: who publishes much waits for that.
 */
export async function notifyAll(
  context: Context,
  node: Node,
  event: Element,
  publisher?: Jid,
): Promise<{ readonly sent: Promise<unknown> }> {
  if (!node.config.deliversNotifications) return { sent: Promise.resolve() };
  const { targets, doubtful } = await audienceOf(context, node);
  const make = stanzaMaker(node, event, publisher);
  for (const late of doubtful)
    late.then(
      (target) => {
        if (target !== undefined) void send(context, make(target));
      },
      (error: unknown) => context.home.log.error({ err: error }, 'a client was not asked'),
    );
  context.home.metrics.notifications.inc(targets.length);
  const later: Promise<unknown>[] = [];
  for (const target of targets) {
    const routed = send(context, make(target));
    if (routed !== undefined) later.push(routed);
  }
  return { sent: Promise.all(later) };
}

/**
 * Makes the message for each target of the same text; there are more texts if some are told the
 * publisher, or want a body.
 */
function stanzaMaker(
  node: Node,
  event: Element,
  publisher: Jid | undefined,
): (target: Target) => Message {
  const isSigned = publisher !== undefined && isAccount(node.service) && publisher !== node.service;
  const made = new Map<string, Message>();
  return ({ jid, isClose, wantsBody = false }) => {
    const hasReplyTo = isSigned && isClose;
    const key = `${hasReplyTo} ${wantsBody}`;
    const first = made.get(key);
    if (first !== undefined) return addressedTo(first, jid);
    const stanza = message({
      from: node.service,
      to: jid,
      type: node.config.notificationType,
      id: randomId(),
      children: [
        wantsBody ? bodyOf(node, event) : undefined,
        event,
        hasReplyTo && publisher !== undefined ? replyTo(publisher) : undefined,
      ],
    });
    made.set(key, stanza);
    return stanza;
  };
}

/** Sends the last item to somebody who came (§6.1.7, XEP-0163 §4.3.4), with its time (XEP-0203). */
export function sendLast(context: Context, node: Node, item: Item, to: Jid): Promise<void> {
  const delay = Delay.encode({ from: node.service, stamp: item.at, reason: '' });
  const event = publishedEvent(node, item);
  const body = node.options.get(to)?.includesBody === true ? bodyOf(node, event) : undefined;
  return sendTo(context, node, to, ...(body === undefined ? [] : [body]), event, delay);
}

/** Sends an event, or something else that concerns a node, to one address. */
export async function sendTo(
  context: Context,
  node: Node,
  to: Jid,
  ...children: readonly Element[]
): Promise<void> {
  const type = node.config.notificationType;
  await send(context, message({ from: node.service, to, type, id: randomId(), children }));
}

/** Routes; what happens to one message is no matter to others. */
export function send({ home }: Context, stanza: Message): Promise<void> | undefined {
  const failed = (error: unknown) =>
    home.log.error({ err: error, to: stanza.to }, 'a notification was not routed');
  try {
    const routed = home.route(stanza);
    return routed instanceof Promise ? routed.catch(failed) : undefined;
  } catch (error) {
    failed(error);
    return undefined;
  }
}

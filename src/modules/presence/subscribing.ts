/** RFC 6121 §3: subscription stanzas change rosters, and travel between bare JIDs. */
import { type Verdict, verdict } from '../../core/hooks.ts';
import type { Session } from '../../core/sessions.ts';
import { type BareJid, bareOf, domainOf, type Jid, localOf } from '../../jid/jid.ts';
import { presence } from '../../stanza/build.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import type { Presence } from '../../stanza/stanza.ts';
import { readStored } from '../../stanza/stored.ts';
import { type Roster, type RosterChange, strangerOf, withStanding } from '../roster/index.ts';
import type { Context } from './context.ts';
import { type InboundStep, inbound, outbound, type SubscriptionType } from './subscription.ts';

/** Who sends a subscription stanza: a session, or what acts for an account. */
export type Sender = Pick<Session, 'account' | 'isAnonymous'>;

/** A session sends a subscription stanza (§3.1.2, §3.1.5, §3.2.2, §3.3.2, §3.4.2). */
export async function sendSubscription(
  context: Context,
  stanza: Presence & { readonly to: Jid },
  type: SubscriptionType,
  sender: Sender,
): Promise<Verdict> {
  const { rosters } = context;
  const { account } = sender;
  const contact = bareOf(stanza.to);
  if (contact === account) return verdict.drop('a subscription to oneself');
  const isShared = (await rosters.sharedGroups(account, contact)) !== undefined;
  if (isShared) return aboutShared(type);
  const refusal = await refusalToAsk(context, contact, type, sender);
  if (refusal !== undefined) return verdict.bounce(refusal);

  let failure: StanzaFailure | undefined;
  let isRouted = false;
  const change = await rosters.change(account, contact, (item = strangerOf(contact), roster) => {
    const step = outbound(item, type);
    isRouted = step.isRouted;
    if (step.next === item) return undefined;
    const after = withStanding(item, step.next);
    if (after?.isListed === true && !item.isListed) failure = rosters.refusalToAdd(account, roster);
    return failure === undefined ? { after } : undefined;
  });
  if (failure !== undefined) return verdict.bounce(failure);

  // The order is that of §3.2.2 and §3.1.5: the last word of a subscription, the stanza, the push,
  // the first word of a subscription.
  if (isRevoked(change)) await context.sendUnavailable(account, contact);
  if (isRouted) await context.routeAll([betweenBare(stanza, account, contact)]);
  if (isRouted && type === 'subscribe') context.reminding.asked(account);
  if (change?.isSeen === true) await rosters.push(account, contact);
  if (isGranted(change)) await context.sendPresence(account, contact);
  return verdict.handled;
}

/** Who shares a group sees the other: that is neither asked for nor taken back. */
function aboutShared(type: SubscriptionType): Verdict {
  if (type === 'subscribe' || type === 'subscribed')
    return verdict.drop('they see each other by a group');
  return verdict.bounce({
    condition: 'not-allowed',
    text: 'You see each other by a group of the server.',
  });
}

/** An account receives a subscription stanza (§3.1.3, §3.1.6, §3.2.3, §3.3.3). */
export async function receiveSubscription(
  context: Context,
  stanza: Presence,
  type: SubscriptionType,
  account: BareJid,
): Promise<Verdict> {
  const { home, rosters } = context;
  const contact = bareOf(stanza.from);
  if (contact === account) return verdict.drop('a subscription to oneself');
  if (context.isTemporary(account)) return verdict.drop('a subscription to a temporary account');

  const bare = betweenBare(stanza, contact, account);
  const limits = home.configOf(domainOf(account));
  let step: InboundStep | undefined;
  let isNew = false;
  const change = await rosters.change(account, contact, (item = strangerOf(contact), roster) => {
    const found = inbound(item, type);
    const isNewRequest = found.next.pendingIn && !item.pendingIn;
    if (isNewRequest && requestsIn(roster) >= limits.maxRequests) return undefined;
    step = found;
    isNew = isNewRequest;
    if (found.next === item) return undefined;
    const after = withStanding(item, found.next);
    return isNewRequest ? { after, request: keptText(bare, limits.maxRequestBytes) } : { after };
  });
  if (step === undefined) return verdict.drop('too many subscription requests wait for an answer');

  if (step.isDelivered) {
    // §3.1.3: a request is for whoever is available; the rest for whoever follows the roster.
    const sessions =
      type === 'subscribe' ? context.available(account) : rosters.interested(account);
    for (const session of sessions) session.send(bare);
  }
  if (type === 'subscribe' && step.next.pendingIn) context.requested(account, contact, bare, isNew);
  const replying = step.reply;
  const answer =
    replying === undefined ? [] : [presence({ type: replying, from: account, to: contact })];
  if (replying === 'subscribed') await context.routeAll(answer);
  if (change?.isSeen === true) await rosters.push(account, contact);
  // Also where he was subscribed before: he asks because he does not know, and so has not seen it.
  if (replying === 'subscribed') await context.sendPresence(account, contact);
  if (isRevoked(change)) await context.sendUnavailable(account, contact);
  if (replying === 'unsubscribed') await context.routeAll(answer); // Appendix A.3.2 [1]
  return verdict.handled;
}

/**
 * Delivers the requests that wait for an answer to a resource that became available (§3.1.3), but for
 * those of whom the account has blocked since.
 */
export async function deliverRequests(context: Context, session: Session): Promise<void> {
  const { rosters } = context;
  const { account } = session;
  const { items } = await rosters.of(account);
  if (![...items.values()].some((item) => item.pendingIn)) return;
  const blocks = await context.barrierOf(account)?.of(account);
  for (const text of await rosters.requests(account)) {
    const stanza = readStored(text);
    if (stanza !== undefined && blocks?.(stanza.from) !== true) session.send(stanza);
  }
}

/** §3.1.2: what the user's server finds out before it asks on his behalf. */
async function refusalToAsk(
  { home, isLocal }: Context,
  contact: BareJid,
  type: SubscriptionType,
  sender: Sender,
): Promise<StanzaFailure | undefined> {
  if (sender.isAnonymous)
    return { condition: 'not-allowed', text: 'An anonymous account has no subscriptions.' };
  if (type !== 'subscribe' || !isLocal(contact)) return undefined;
  const exists = localOf(contact) !== '' && (await home.accounts.exists(contact));
  return exists ? undefined : { condition: 'item-not-found', text: 'There is no such account.' };
}

const isGranted = (change: RosterChange | undefined): boolean =>
  change?.before?.from !== true && change?.after?.from === true;

const isRevoked = (change: RosterChange | undefined): boolean =>
  change?.before?.from === true && change.after?.from !== true;

function requestsIn({ items }: Roster): number {
  let count = 0;
  for (const item of items.values()) if (item.pendingIn) count += 1;
  return count;
}

/** The stanza from bare JID to bare JID, whatever resources it named (§3.1.2, §3.1.3). */
function betweenBare(stanza: Presence, from: BareJid, to: BareJid): Presence {
  if (stanza.from === from && stanza.to === to) return stanza;
  const { from: _from, to: _to, id, type: _type, ...attrs } = stanza.element.attrs;
  const { children } = stanza.element;
  return presence({ type: stanza.type, from, to, id, attrs, children });
}

/** The text to keep of a request: all of it, or without content where that is too much (§3.1.3). */
function keptText(request: Presence, most: number): string {
  const { text } = request.wire;
  if (Buffer.byteLength(text) <= most) return text;
  return presence({ type: 'subscribe', from: request.from, to: request.to }).wire.text;
}

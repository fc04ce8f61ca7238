/**
 * What presence does to the nodes of accounts: XEP-0060 §9.1, §12.2 and XEP-0163 §4.3.4, §7.1. Whoever
 * comes is sent the last items of what he wants; whoever may not read any more is subscribed no more.
 */
import { type MaybePromise, type Verdict, verdict } from '../../core/hooks.ts';
import type { Session } from '../../core/sessions.ts';
import { type BareJid, bareOf, type FullJid, isFull } from '../../jid/jid.ts';
import { conditionOf } from '../../stanza/error.ts';
import { DATA_FORMS, readForm } from '../../stanza/form.ts';
import type { Message, Presence, Stanza } from '../../stanza/stanza.ts';
import { childrenOf, isNamed } from '../../xml/element.ts';
import type { CapsMark, Wanted } from '../caps/index.ts';
import type { RosterChange, RosterItem } from '../roster/index.ts';
import { isRefused, type Listener, sessionsOf } from './audience.ts';
import { type Context, isLocal } from './context.ts';
import { SUBSCRIBE_AUTHORIZATION } from './names.ts';
import type { Node } from './node.ts';
import { sendLast } from './notify.ts';
import { recheck } from './owning.ts';
import { answerRequest, dropSubscriber } from './subscribing.ts';

const NOTHING: Wanted = new Set();

/** Does what need not be waited for: a client that is asked something must not be held up by it. */
export function detached({ home }: Context, work: Promise<unknown>): void {
  work.catch((error: unknown) =>
    home.log.error({ err: error }, 'work on nodes that nobody waits for failed'),
  );
}

/** Something came for an account. */
export function receive(context: Context, stanza: Stanza, account: BareJid): MaybePromise<Verdict> {
  if (stanza.to !== account) return verdict.pass;
  switch (stanza.kind) {
    case 'presence':
      return receivePresence(context, stanza, account);
    case 'message':
      return receiveMessage(context, stanza, account);
    case 'iq':
      return verdict.pass;
  }
}

function receivePresence(
  context: Context,
  stanza: Presence,
  account: BareJid,
): MaybePromise<Verdict> {
  const { from, type } = stanza;
  if (type === 'unavailable' || type === 'error') {
    context.watched.forget(account, from);
    return verdict.pass;
  }
  if (type !== 'available' || !isFull(from) || bareOf(from) === account) return verdict.pass;
  const mark = context.clients.markOf(stanza);
  if (mark === undefined) {
    context.watched.forget(account, from);
    return verdict.pass;
  }
  const roster = context.rosters.of(account);
  const note = (item: RosterItem | undefined) => {
    watch(context, account, { jid: from, mark, isClose: item?.from === true });
    return verdict.pass;
  };
  const contact = bareOf(from);
  return roster instanceof Promise
    ? roster.then(({ items }) => note(items.get(contact)))
    : note(roster.items.get(contact));
}

/** Remembers a client that shows its presence; contacts who are here are looked up when it matters. */
function watch(context: Context, account: BareJid, listener: Listener): void {
  const { jid, mark, isClose } = listener;
  if (isClose && isLocal(context, jid)) return;
  const most = context.settingsOf(account).watchedPerAccount;
  const before = context.watched.note(account, { jid, mark, isStranger: !isClose }, most);
  if (before?.mark.key !== mark.key)
    detached(context, greet(context, account, listener, before?.mark));
}

function receiveMessage(
  context: Context,
  stanza: Message,
  account: BareJid,
): MaybePromise<Verdict> {
  if (stanza.type === 'error') {
    if (isGone(stanza)) detached(context, dropSubscriber(context, account, stanza.from));
    return verdict.pass;
  }
  if (bareOf(stanza.from) !== account) return verdict.pass;
  return takeAnswer(context, stanza, account) ?? verdict.pass;
}

/** §12.4: the error of a notification that says that its recipient is gone for good. */
export function isGone(stanza: Message): boolean {
  const condition = conditionOf(stanza);
  return condition === 'gone' || condition === 'item-not-found';
}

/** Takes an owner's answer to a request for a subscription (§8.6); undefined if it is none. */
export function takeAnswer(
  context: Context,
  stanza: Message,
  service: BareJid,
): Promise<Verdict> | undefined {
  for (const child of childrenOf(stanza.element)) {
    if (!isNamed(child, 'x', DATA_FORMS)) continue;
    const form = readForm(child);
    const isAnswer = form?.type === 'submit' || form?.type === 'cancel';
    if (isAnswer && form?.formType === SUBSCRIBE_AUTHORIZATION)
      return answerRequest(context, service, stanza.from, form).then(() => verdict.handled);
  }
  return undefined;
}

/** A session is there, or says that it can do something else. */
export function sessionChanged(
  context: Context,
  session: Session,
  before: Presence | undefined,
): void {
  const { clients, rosters } = context;
  const { account, jid, presence } = session;
  const mark = presence === undefined ? undefined : clients.markOf(presence);
  if (mark === undefined) return;
  const old = before === undefined ? undefined : clients.markOf(before);
  if (old?.key === mark.key) return;
  const listener: Listener = { jid, mark, isClose: true };
  const work = async () => {
    await greet(context, account, listener, old);
    const { items } = await rosters.of(account);
    for (const { contact, to } of items.values())
      if (to && isLocal(context, contact)) await greet(context, contact, listener, old);
  };
  detached(context, work());
}

/**
 * Sends a client the last items of an account's nodes, as far as it wants and may have them (XEP-0163
 * §4.3.4). What it wanted by an older mark it has already.
 */
async function greet(
  context: Context,
  owner: BareJid,
  { jid, mark }: Listener,
  older: CapsMark | undefined,
): Promise<void> {
  const nodes = [...(await context.nodes.of(owner)).values()].filter(isSentOnPresence);
  if (nodes.length === 0) return;
  const wanted = await context.clients.wanted(mark, jid, owner);
  const had = older === undefined ? NOTHING : await known(context, older, jid, owner);
  for (const node of nodes)
    if (wanted.has(node.name) && !had.has(node.name)) await sendTo(context, node, jid);
}

/** What a client wanted before, if that is known. */
function known(context: Context, mark: CapsMark, jid: FullJid, owner: BareJid): Wanted {
  const wanted = context.clients.wanted(mark, jid, owner);
  return wanted instanceof Promise ? NOTHING : wanted;
}

const isSentOnPresence = ({ config }: Node): boolean =>
  config.sendLast === 'on_sub_and_presence' && config.deliversNotifications;

async function sendTo(context: Context, node: Node, jid: FullJid): Promise<void> {
  if (await isRefused(context, node, jid)) return;
  const item = await context.nodes.last(node);
  if (item !== undefined) await sendLast(context, node, item, jid);
}

/** How a contact stands to an account has changed (XEP-0163 §7.1). */
export async function rosterChanged(
  context: Context,
  account: BareJid,
  contact: BareJid,
  { before, after }: RosterChange,
): Promise<void> {
  const isSame =
    before?.from === after?.from && before?.groups.join('\0') === after?.groups.join('\0');
  if (isSame) return;
  const nodes = [...(await context.nodes.of(account)).values()];
  for (const { name, subscriptions } of nodes)
    if (subscriptions.size > 0)
      await context.nodes.alone(account, name, async (node) => {
        if (node !== undefined) await recheck(context, node, contact);
      });
  const gained = nodes.filter(
    (node) => isSentOnPresence(node) && isReadableBy(node, after) && !isReadableBy(node, before),
  );
  if (gained.length === 0) return;
  const listeners = sessionsOf(context, contact);
  for (const client of context.watched.of(account))
    if (bareOf(client.jid) === contact) listeners.push({ ...client, isClose: true });
  for (const { jid, mark } of listeners) {
    const wanted = await context.clients.wanted(mark, jid, account);
    for (const node of gained) if (wanted.has(node.name)) await sendTo(context, node, jid);
  }
}

/** Whether a contact may read a node for being one. */
function isReadableBy({ config }: Node, item: RosterItem | undefined): boolean {
  if (item?.from !== true) return false;
  if (config.accessModel === 'roster')
    return item.groups.some((group) => config.rosterGroups.includes(group));
  return config.accessModel === 'presence' || config.accessModel === 'open';
}

/**
 * Whom a notification is for: XEP-0060 §9.1, §12.3 and XEP-0163 §4. At a service these are its
 * subscribers. At an account they are also its own clients and those of contacts, as far as each wants to
 * hear of the node and may.
 */
import type { MaybePromise } from '../../core/hooks.ts';
import { type BareJid, bareOf, type FullJid, isBare, type Jid } from '../../jid/jid.ts';
import type { CapsMark } from '../caps/index.ts';
import { refusalToRead, refusalToSubscribe } from './access.ts';
import type { Context } from './context.ts';
import { isDeliverable } from './deliverable.ts';
import { isAccount, type Node } from './node.ts';

/** A client that may want to hear. */
export interface Listener {
  readonly jid: FullJid;
  readonly mark: CapsMark;
  /** Whether it sees the presence of the account (XEP-0163 §4.3.1). */
  readonly isClose: boolean;
}

/** Somebody to whom a notification goes. */
export interface Target {
  readonly jid: Jid;
  readonly isClose: boolean;
  /** Whether he wants a body beside the payload (`pubsub#include_body`). */
  readonly wantsBody?: boolean;
}

/** Those to whom it goes. */
export interface Audience {
  readonly targets: readonly Target[];
  /** Those of whom it is not known yet whether they want it: they are being asked. */
  readonly doubtful: readonly Promise<Target | undefined>[];
}

/** The audience of a node as it is now. */
export async function audienceOf(context: Context, node: Node): Promise<Audience> {
  const targets = new Map<Jid, Target>();
  const doubtful: Promise<Target | undefined>[] = [];
  const covered = new Set<BareJid>();
  /** Whether clients of which that is not known yet want it, by their accounts. */
  const asked = new Map<BareJid, Promise<boolean>[]>();
  if (isAccount(node.service))
    for (const listener of await listenersOf(context, node.service)) {
      const { jid, isClose } = listener;
      const target = { jid, isClose };
      const wanted = wants(context, listener, node);
      if (wanted === false) continue;
      const refused = isRefused(context, node, jid);
      if ((refused instanceof Promise ? await refused : refused) === true) continue;
      const account = bareOf(jid);
      if (wanted === true) {
        targets.set(jid, target);
        covered.add(account);
      } else {
        doubtful.push(wanted.then((does) => (does ? target : undefined)));
        asked.set(account, [...(asked.get(account) ?? []), wanted]);
      }
    }
  for (const [jid, state] of node.subscriptions) {
    if (state !== 'subscribed' || targets.has(jid)) continue;
    // XEP-0163 §4.3.2: whose clients are known to want it has it at these.
    if (isBare(jid) && covered.has(jid)) continue;
    const options = node.options.get(jid);
    if (options !== undefined && !isDeliverable(context, jid, options)) continue;
    // One of many thousands waits for nothing that need not be looked up.
    const refused = isRefused(context, node, jid, refusalToSubscribe);
    if ((refused instanceof Promise ? await refused : refused) === true) continue;
    const target = { jid, isClose: false, wantsBody: options?.includesBody === true };
    const unsure = isBare(jid) ? asked.get(jid) : undefined;
    if (unsure === undefined) targets.set(jid, target);
    else
      doubtful.push(Promise.all(unsure).then((all) => (all.includes(true) ? undefined : target)));
  }
  return { targets: [...targets.values()], doubtful };
}

/**
 * Whether somebody may not hear of a node, or is not to. Who is subscribed was approved, where that takes
 * an approval: he is judged as one who may subscribe.
 */
export function isRefused(
  context: Context,
  node: Node,
  jid: Jid,
  judge = refusalToRead,
): MaybePromise<boolean> {
  const isBlocked = bareOf(jid) !== node.service && context.isBlocked(node.service, jid);
  const decide = (blocked: boolean): MaybePromise<boolean> => {
    if (blocked) return true;
    const refusal = judge(context, node, jid);
    return refusal instanceof Promise
      ? refusal.then((late) => late !== undefined)
      : refusal !== undefined;
  };
  return isBlocked instanceof Promise ? isBlocked.then(decide) : decide(isBlocked);
}

/** Whether a client wants to hear of a node (§9.2). */
function wants(context: Context, { jid, mark }: Listener, node: Node): MaybePromise<boolean> {
  const wanted = context.clients.wanted(mark, jid, node.service);
  return wanted instanceof Promise
    ? wanted.then((names) => names.has(node.name))
    : wanted.has(node.name);
}

/** All clients that show their presence, and what they can do, to an account. */
export async function listenersOf(context: Context, account: BareJid): Promise<Listener[]> {
  const { items } = await context.rosters.of(account);
  const found = sessionsOf(context, account);
  for (const { contact, from } of items.values())
    if (from) found.push(...sessionsOf(context, contact));
  for (const { jid, mark } of context.watched.of(account))
    found.push({ jid, mark, isClose: items.get(bareOf(jid))?.from === true });
  return found;
}

/** The clients of an account that are here, available, and say what they can do. */
export function sessionsOf({ home, clients }: Context, account: BareJid): Listener[] {
  return home.sessions.of(account).flatMap(({ jid, presence }) => {
    const mark = presence === undefined ? undefined : clients.markOf(presence);
    return mark === undefined ? [] : [{ jid, mark, isClose: true }];
  });
}

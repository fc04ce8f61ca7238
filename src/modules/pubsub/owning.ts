/** What owners do with nodes: XEP-0060 §8.2, §8.4, §8.9. */
import { type BareJid, bareOf, type Jid } from '../../jid/jid.ts';
import { isOwner, refusalToSubscribe } from './access.ts';
import { isRefused, listenersOf } from './audience.ts';
import { type ConfigChanges, configForm } from './config-form.ts';
import { type Context, roomOf, tell } from './context.ts';
import { FORBIDDEN, NOT_FOUND } from './errors.ts';
import { affiliationNotice, configuredEvent, deletedEvent } from './events.ts';
import { type Affiliation, affiliationOf, isAccount, type Node, subscriptionsOf } from './node.ts';
import type { NodeConfig } from './node-config.ts';
import { notifyAll, sendLast, sendTo } from './notify.ts';
import { done, type Outcome, refused, type Told } from './outcome.ts';
import { cancel } from './subscribing.ts';

/** Who asks for something of a node. */
export interface OwnerRequest {
  readonly service: BareJid;
  readonly node: string;
  readonly from: Jid;
}

/** Changes the configuration (§8.2.5). */
export async function configure(
  context: Context,
  { service, node: name, from, changes }: OwnerRequest & { readonly changes: ConfigChanges },
): Promise<Outcome> {
  const { nodes } = context;
  return nodes.alone(service, name, async (node): Promise<Outcome> => {
    if (node === undefined) return refused(NOT_FOUND);
    if (!isOwner(node, from)) return refused(FORBIDDEN);
    const before = node.config;
    const settings = context.settingsOf(service);
    const config = { ...before, ...changes };
    // What is not kept any more need not be there.
    const room = config.isPersistent ? roomOf(config, settings) : 0;
    await nodes.configure(node, config, room);
    const cancelled = await recheck(context, node);
    const form = configForm(config, { service, settings }, 'result');
    const notified = config.notifiesConfig
      ? await notifyAll(context, node, configuredEvent(node, form))
      : undefined;
    const settled = [cancelled.told, notified?.sent, admit(context, node, before)];
    const told = tell(context, { kind: 'configured', service, node: name, origin: undefined });
    return done(undefined, Promise.all([...settled, told]));
  });
}

/** Ends the subscriptions of those who might not subscribe any more. */
export async function recheck(context: Context, node: Node, only?: BareJid): Promise<Told> {
  const lost: Jid[] = [];
  for (const jid of node.subscriptions.keys())
    if (only === undefined || bareOf(jid) === only)
      if ((await refusalToSubscribe(context, node, jid)) !== undefined) lost.push(jid);
  return cancel(context, node, lost);
}

/** §12.2: who could not read before, and can now, is sent the last item. */
async function admit(context: Context, node: Node, before: NodeConfig): Promise<void> {
  const { accessModel, rosterGroups, sendLast: when, deliversNotifications } = node.config;
  const isSame =
    accessModel === before.accessModel &&
    JSON.stringify(rosterGroups) === JSON.stringify(before.rosterGroups);
  if (isSame || !isAccount(node.service) || !deliversNotifications) return;
  if (when !== 'on_sub_and_presence') return;
  const item = await context.nodes.last(node);
  if (item === undefined) return;
  const old: Node = { ...node, config: before };
  for (const { jid, mark } of await listenersOf(context, node.service)) {
    if ((await isRefused(context, node, jid)) || !(await isRefused(context, old, jid))) continue;
    const wanted = context.clients.wanted(mark, jid, node.service);
    // Who must be asked first hears of the next one.
    if (!(wanted instanceof Promise) && wanted.has(node.name))
      await sendLast(context, node, item, jid);
  }
}

/** Deletes a node with all that it has (§8.4). */
export async function remove(
  context: Context,
  { service, node: name, from, redirect }: OwnerRequest & { readonly redirect: string | undefined },
): Promise<Outcome> {
  const { nodes } = context;
  return nodes.alone(service, name, async (node): Promise<Outcome> => {
    if (node === undefined) return refused(NOT_FOUND);
    if (!isOwner(node, from)) return refused(FORBIDDEN);
    return done(undefined, (await takeAway(context, node, redirect)).told);
  });
}

/** Deletes a node, inside `alone`. */
export async function takeAway(context: Context, node: Node, redirect?: string): Promise<Told> {
  const event = deletedEvent(node, redirect);
  const pending = [...node.subscriptions].flatMap(([jid, state]) =>
    state === 'pending' ? [jid] : [],
  );
  await context.nodes.drop(node);
  const { service, name } = node;
  const told = tell(context, { kind: 'deleted', service, node: name, origin: undefined });
  if (!node.config.notifiesDelete) return { told };
  const { sent } = await notifyAll(context, node, event);
  const others = pending.map((jid) => sendTo(context, node, jid, event));
  return { told: Promise.all([told, sent, ...others]) };
}

/** An affiliation that an owner changes. */
export interface AffiliationChange {
  readonly jid: BareJid;
  /** Undefined if it is to stay as it is (§8.9.2.1). */
  readonly to: Affiliation | undefined;
}

/** An owner changes affiliations (§8.9.2); answers those that could not be changed, as they are. */
export async function affiliate(
  context: Context,
  {
    service,
    node: name,
    from,
    changes,
  }: OwnerRequest & { readonly changes: readonly AffiliationChange[] },
): Promise<Outcome<readonly AffiliationChange[]>> {
  const { nodes } = context;
  return nodes.alone(
    service,
    name,
    async (node): Promise<Outcome<readonly AffiliationChange[]>> => {
      if (node === undefined) return refused(NOT_FOUND);
      if (!isOwner(node, from)) return refused(FORBIDDEN);
      const most = context.settingsOf(service).maxAffiliations;
      const { taken, failed } = judge(node, changes, most);
      await nodes.affiliate(node, taken, new Map());
      const settled: Promise<unknown>[] = [];
      for (const [jid, affiliation] of taken) {
        if (subscriptionsOf(node, jid).length > 0)
          settled.push((await recheck(context, node, jid)).told);
        settled.push(sendTo(context, node, jid, affiliationNotice(node, jid, affiliation)));
      }
      return done(failed, Promise.all(settled));
    },
  );
}

/** §4.1, §8.9.2.4: a node keeps an owner; each change is judged as if those before it were made. */
function judge(node: Node, changes: readonly AffiliationChange[], most: number) {
  const taken = new Map<BareJid, Affiliation>();
  const failed: AffiliationChange[] = [];
  let owners = isAccount(node.service) ? 1 : 0;
  for (const affiliation of node.affiliations.values()) if (affiliation === 'owner') owners += 1;
  let size = node.affiliations.size;
  for (const { jid, to } of changes) {
    const before = affiliationOf(node, jid);
    if (to === undefined || to === before) continue;
    const isLastOwner = before === 'owner' && (owners === 1 || jid === node.service);
    if (isLastOwner || (before === 'none' && size >= most)) {
      failed.push({ jid, to: before });
      continue;
    }
    if (before === 'owner') owners -= 1;
    if (to === 'owner') owners += 1;
    if (before === 'none') size += 1;
    if (to === 'none') size -= 1;
    taken.set(jid, to);
  }
  return { taken, failed };
}

/** The configuration, for an owner (§8.2.1). */
export async function configOf(
  context: Context,
  { service, node: name, from }: OwnerRequest,
): Promise<Outcome<Node>> {
  const node = await context.nodes.find(service, name);
  if (node === undefined) return refused(NOT_FOUND);
  return isOwner(node, from) ? done(node) : refused(FORBIDDEN);
}

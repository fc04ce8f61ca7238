/** Makes nodes: XEP-0060 §8.1, also on a first publication (§7.1.4). */
import {
  type BareJid,
  bareOf,
  domainOf,
  type Jid,
  localOf,
  prepareResource,
} from '../../jid/jid.ts';
import { randomId } from '../../kit/ids.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import type { ConfigChanges } from './config-form.ts';
import { type Context, defaultsOf, roomOf } from './context.ts';
import { EXISTS, FORBIDDEN, notAcceptable, TOO_MANY_NODES } from './errors.ts';
import { isAccount, type Node } from './node.ts';
import { done, type Outcome, refused } from './outcome.ts';

/** A node that somebody wants to make. */
export interface Creation {
  readonly service: BareJid;
  /** Undefined for one whose name the service chooses (§8.1.1, instant nodes). */
  readonly name: string | undefined;
  readonly from: Jid;
  readonly config: ConfigChanges;
}

/** Makes a node, as somebody asks for it; answers its name. */
export async function createNode(context: Context, creation: Creation): Promise<Outcome<string>> {
  const { service, from, name = randomId() } = creation;
  return context.nodes.alone(service, name, async (existing): Promise<Outcome<string>> => {
    const failure = await refusalToCreate(context, service, name, from);
    if (failure !== undefined) return refused(failure);
    if (existing !== undefined) return refused(EXISTS);
    await makeNode(context, { service, name, from, config: creation.config });
    return done(name);
  });
}

/** Makes it, inside `alone`; whether that may be is the caller's to know. */
export function makeNode(
  context: Context,
  { service, name, from, config }: Creation & { readonly name: string },
): Promise<Node> {
  const full = { ...defaultsOf(service), ...config };
  return context.nodes.create({ service, name, config: full, creator: bareOf(from) });
}

/** Why somebody may not make a node; undefined if he may. */
export async function refusalToCreate(
  context: Context,
  service: BareJid,
  name: string,
  from: Jid,
): Promise<StanzaFailure | undefined> {
  const account = bareOf(from);
  const settings = context.settingsOf(service);
  if (isAccount(service) ? account !== service : !(await mayCreate(context, service, account)))
    return FORBIDDEN;
  // §4.6: such as a resourcepart could be.
  if (prepareResource(name) === undefined)
    return notAcceptable('A name of a node has up to 1023 bytes, and no control characters.');
  const nodes = await context.nodes.of(service);
  const most = isAccount(service) ? settings.nodesPerAccount : settings.maxNodes;
  if (nodes.size >= most) return TOO_MANY_NODES;
  if (isAccount(service)) return undefined;
  let own = 0;
  for (const { creator } of nodes.values()) if (creator === account) own += 1;
  return own >= settings.nodesPerOwner ? TOO_MANY_NODES : undefined;
}

async function mayCreate(
  { home, hostOf, settingsOf }: Context,
  service: BareJid,
  account: BareJid,
): Promise<boolean> {
  const { creation } = settingsOf(service);
  if (creation === 'anyone') return true;
  const host = home.hosts.get(domainOf(account));
  // A host is no account: it publishes push notifications wherever its users say.
  if (host === undefined || localOf(account) === '') return false;
  // An account that ends with its session owns nothing that lasts.
  if (home.sessions.of(account)[0]?.isAnonymous === true) return false;
  // Nor is a service a way out of this server for those who may not leave it (core/bounds.ts).
  if (creation === 'local') return !(await home.authority.isGuest(account));
  const { admins } = home.server();
  if (admins.includes(account)) return true;
  if (home.hosts.get(hostOf(service))?.config.admins.includes(account) === true) return true;
  return (await home.accounts.get(account))?.isAdmin === true;
}

/** How many items a node has room for. */
export const roomIn = (context: Context, node: Node): number =>
  roomOf(node.config, context.settingsOf(node.service));

/** Who may do what with a node: XEP-0060 §4.1, §4.5, §6.5.1. */
import type { MaybePromise } from '../../core/hooks.ts';
import { type BareJid, bareOf, type Jid } from '../../jid/jid.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import type { Roster } from '../roster/index.ts';
import { type Context, isLocal } from './context.ts';
import {
  CLOSED_NODE,
  FORBIDDEN,
  NOT_IN_GROUP,
  PRESENCE_REQUIRED,
  SUBSCRIBERS_ONLY,
} from './errors.ts';
import { affiliationOf, isAccount, isSubscribed, type Node, ownersOf } from './node.ts';

/** Why somebody may not retrieve items; undefined if he may (§6.5.1). */
export function refusalToRead(
  context: Context,
  node: Node,
  from: Jid,
): MaybePromise<StanzaFailure | undefined> {
  return refusal(context, node, bareOf(from), (account) =>
    isSubscribed(node, account) ? undefined : SUBSCRIBERS_ONLY,
  );
}

/** Why somebody may not subscribe; undefined if he may, perhaps after an approval (§6.1.3). */
export function refusalToSubscribe(
  context: Context,
  node: Node,
  from: Jid,
): MaybePromise<StanzaFailure | undefined> {
  return refusal(context, node, bareOf(from), () => undefined);
}

/** The access models; `unapproved` judges who needs the approval of an owner. */
function refusal(
  context: Context,
  node: Node,
  account: BareJid,
  unapproved: (account: BareJid) => StanzaFailure | undefined,
): MaybePromise<StanzaFailure | undefined> {
  switch (affiliationOf(node, account)) {
    case 'owner':
    case 'publisher':
    case 'member':
      return undefined;
    case 'outcast': // §6.1.3.8, §6.5.9.10
    case 'publish-only': // §4.1
      return FORBIDDEN;
    case 'none':
      break;
  }
  switch (node.config.accessModel) {
    case 'open':
      return undefined;
    case 'whitelist':
      return CLOSED_NODE;
    case 'authorize':
      return unapproved(account);
    case 'presence':
      return knownTo(context, node, account, () => true, PRESENCE_REQUIRED);
    case 'roster': {
      const allowed = node.config.rosterGroups;
      return knownTo(
        context,
        node,
        account,
        (groups) => groups.some((group) => allowed.includes(group)),
        NOT_IN_GROUP,
      );
    }
  }
}

/** Whether one of the owners shows his presence to an account, and has it in certain groups. */
function knownTo(
  context: Context,
  node: Node,
  account: BareJid,
  test: (groups: readonly string[]) => boolean,
  failure: StanzaFailure,
): MaybePromise<StanzaFailure | undefined> {
  const owners = isAccount(node.service)
    ? [node.service]
    : ownersOf(node).filter((owner) => isLocal(context, owner));
  return anyKnows(context, owners, account, test, failure);
}

function anyKnows(
  context: Context,
  [owner, ...others]: readonly BareJid[],
  account: BareJid,
  test: (groups: readonly string[]) => boolean,
  failure: StanzaFailure,
): MaybePromise<StanzaFailure | undefined> {
  if (owner === undefined) return failure;
  const judge = ({ items }: Roster) => {
    const item = items.get(account);
    if (item?.from === true && test(item.groups)) return undefined;
    return anyKnows(context, others, account, test, failure);
  };
  const roster = context.rosters.of(owner);
  return roster instanceof Promise ? roster.then(judge) : judge(roster);
}

/** Whether somebody may publish (§4.1, `pubsub#publish_model`). */
export function mayPublish(node: Node, from: Jid): boolean {
  const account = bareOf(from);
  switch (affiliationOf(node, account)) {
    case 'owner':
    case 'publisher':
    case 'publish-only':
      return true;
    case 'outcast':
      return false;
    case 'member':
    case 'none':
      break;
  }
  const { publishModel } = node.config;
  return publishModel === 'open' || (publishModel === 'subscribers' && isSubscribed(node, account));
}

/** Whether somebody owns a node. */
export const isOwner = (node: Node, from: Jid): boolean =>
  affiliationOf(node, bareOf(from)) === 'owner';

/** Whether somebody may know that a node is there: he has to do with it, or could (§5.2, §5.3). */
export async function maySee(context: Context, node: Node, from: Jid): Promise<boolean> {
  if (affiliationOf(node, bareOf(from)) === 'publish-only') return true;
  return (await refusalToSubscribe(context, node, from)) === undefined;
}

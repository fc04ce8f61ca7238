/** Roster gets and sets (RFC 6121 §2.1.3, §2.1.5). */
import type { MaybePromise } from '../../core/hooks.ts';
import { type IqRequest, type Reply, reply } from '../../core/iq.ts';
import type { Session } from '../../core/sessions.ts';
import { type BareJid, bareOf } from '../../jid/jid.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import type { RosterApi, RosterLimits } from './api.ts';
import { type RosterItem, strangerOf } from './item.ts';
import { type ItemValue, type QueryValue, rosterResult } from './payloads.ts';
import type { Roster } from './rosters.ts';

/** A roster get or set by a resource of the account. */
export type RosterRequest = IqRequest<QueryValue>;

/** Answers with the roster, or with nothing when the asker has it already (§2.6.3). */
export function getRoster(request: RosterRequest, api: RosterApi): MaybePromise<Reply> {
  const { account, session, payload } = request;
  if (session === undefined) return reply.refuse('forbidden');
  const known = api.of(account);
  if (known instanceof Promise)
    return known.then((late) => resultFor(session, late, payload.ver, api));
  return resultFor(session, known, payload.ver, api);
}

function resultFor(
  session: Session,
  { version, items }: Roster,
  ver: string | undefined,
  api: RosterApi,
): Reply {
  const listed = [...items.values()].filter((item) => item.isListed);
  const result = ver === version ? undefined : rosterResult(version, listed);
  return reply.result(result, () => api.follow(session, { version, items: listed }));
}

/** Adds, updates or removes one item. */
export function setRoster(
  request: RosterRequest,
  api: RosterApi,
  limits: RosterLimits,
): MaybePromise<Reply> {
  const { account, session, payload } = request;
  const [item, ...others] = payload.items;
  if (session === undefined) return reply.refuse('forbidden');
  if (item === undefined || others.length > 0)
    return reply.refuse('bad-request', 'A roster set has exactly one item.'); // §2.3.3
  if (session.isAnonymous)
    return reply.refuse('not-allowed', 'An anonymous account keeps no contacts.');
  const contact = bareOf(item.jid);
  if (contact === account)
    return reply.refuse('not-allowed', 'An account is no contact of its own.');
  if (item.subscription === 'remove') return removeItem(account, contact, api);
  const fault = faultOf(item, limits);
  if (fault !== undefined) return { kind: 'refuse', failure: fault };
  return putItem(account, contact, item, api);
}

/** §2.3, §2.4; a `subscription` other than `remove`, `ask` and `approved` are the server's to say. */
async function putItem(
  account: BareJid,
  contact: BareJid,
  { name, groups }: ItemValue,
  api: RosterApi,
): Promise<Reply> {
  let failure: StanzaFailure | undefined;
  const shared = await api.sharedGroups(account, contact);
  // The groups of the company are not the user's own, though his client sends them back with its own.
  const own = groups.filter((group) => shared?.includes(group) !== true);
  const isOwn = shared === undefined || name !== undefined || own.length > 0;
  await api.change(account, contact, (before = strangerOf(contact), roster) => {
    if (!isOwn && !before.isListed) return undefined;
    failure = before.isListed ? undefined : api.refusalToAdd(account, roster);
    if (failure !== undefined) return undefined;
    const named = name === '' ? undefined : name;
    return { after: { ...before, name: named, groups: own, isListed: true } };
  });
  if (failure !== undefined) return { kind: 'refuse', failure };
  return reply.result(undefined, () => api.push(account, contact));
}

/** §2.5. */
async function removeItem(account: BareJid, contact: BareJid, api: RosterApi): Promise<Reply> {
  if ((await api.sharedGroups(account, contact)) !== undefined)
    return reply.refuse('not-allowed', 'This contact is in the roster by a group of the server.');
  let removed: RosterItem | undefined;
  await api.change(account, contact, (before) => {
    removed = before?.isListed === true ? before : undefined;
    return removed === undefined ? undefined : { after: undefined };
  });
  const item = removed;
  if (item === undefined) return reply.refuse('item-not-found'); // §2.5.3
  return reply.result(undefined, async () => {
    await api.push(account, contact);
    await api.sendFarewell(account, item);
  });
}

/** §2.3.3: why an item cannot be in a roster; undefined if it can. */
export function faultOf(
  { name, groups }: Pick<ItemValue, 'name' | 'groups'>,
  limits: RosterLimits,
): StanzaFailure | undefined {
  if (new Set(groups).size < groups.length)
    return { condition: 'bad-request', text: 'A group is named twice.' };
  const because = (text: string): StanzaFailure => ({ condition: 'not-acceptable', text });
  if (name !== undefined && name.length > limits.maxNameLength)
    return because(`A name has at most ${limits.maxNameLength} characters.`);
  if (groups.length > limits.maxGroups)
    return because(`A contact is in at most ${limits.maxGroups} groups.`);
  if (groups.some((group) => group === '')) return because('A group has a name.');
  if (groups.some((group) => group.length > limits.maxGroupLength))
    return because(`The name of a group has at most ${limits.maxGroupLength} characters.`);
  return undefined;
}

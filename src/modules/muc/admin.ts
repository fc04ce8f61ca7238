/** `muc#admin`: roles and affiliations, lists of them and changes: XEP-0045 §8.2 to §10.8. */
import { type BareJid, bareOf, parseJid, prepareResource } from '../../jid/jid.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import type { Iq } from '../../stanza/stanza.ts';
import { childOf, childrenOf, type Element, el, isNamed, textOf } from '../../xml/element.ts';
import { type AffiliationChange, type Afterwards, affiliate, giveRole } from './affiliating.ts';
import { tellRemoval, tellRemoved } from './leaving.ts';
import { mayGetList } from './lists.ts';
import { MUC_ADMIN } from './names.ts';
import { faultOfNick, keyOf } from './nicks.ts';
import { shownSession } from './presence.ts';
import {
  type Affiliation,
  affiliationMay,
  affiliationNamed,
  isAtLeast,
  type Party,
  type Role,
  refusalOfAffiliation,
  refusalOfRole,
  roleNamed,
} from './privileges.ts';
import {
  affiliationOf,
  type Occupant,
  occupantAt,
  occupantNamed,
  occupantsOf,
  ownersOf,
  type Room,
  reserverOf,
} from './room.ts';
import type { Turn } from './turn.ts';

/** The longest reason that is passed on, in characters. */
export const MAX_REASON = 1000;

interface Item {
  readonly jid: BareJid | undefined;
  readonly nick: string | undefined;
  readonly role: Role | undefined;
  readonly affiliation: Affiliation | undefined;
  readonly reason: string;
}

/** The reason in an element, cut to what is passed on. */
export function reasonIn(element: Element, ns: string): string {
  const reason = childOf(element, 'reason', ns);
  return reason === undefined ? '' : textOf(reason).slice(0, MAX_REASON);
}

/** The items of a query; undefined when one has a wrong word or address. */
function itemsIn(query: Element): readonly Item[] | undefined {
  const items: Item[] = [];
  for (const element of childrenOf(query).filter((child) => isNamed(child, 'item', MUC_ADMIN))) {
    const { jid: raw, nick, role: roleName, affiliation: affiliationName } = element.attrs;
    const parsed = raw === undefined ? undefined : parseJid(raw);
    const role = roleNamed(roleName);
    const affiliation = affiliationNamed(affiliationName);
    if (parsed?.ok === false) return undefined;
    if ((roleName !== undefined && !role) || (affiliationName !== undefined && !affiliation))
      return undefined;
    // Affiliations are of accounts (§9.3, §10.3); who names a session means its account.
    const jid = parsed === undefined ? undefined : bareOf(parsed.value);
    items.push({ jid, nick, role, affiliation, reason: reasonIn(element, MUC_ADMIN) });
  }
  return items.length === 0 ? undefined : items;
}

const BAD: StanzaFailure = { condition: 'bad-request' };

/** What somebody is to a room, there or not. */
function partyOf(room: Room, stanza: Iq): Party & { readonly occupant: Occupant | undefined } {
  const occupant = occupantAt(room, stanza.from) ?? occupantsOf(room, bareOf(stanza.from))[0];
  const affiliation = affiliationOf(room, bareOf(stanza.from));
  return { occupant, role: occupant?.role ?? 'none', affiliation };
}

/** Somebody asks for a list. */
export function getList(turn: Turn, iq: Iq, query: Element): void {
  const items = itemsIn(query);
  const [item] = items ?? [];
  if (item === undefined || items?.length !== 1) return void turn.refuse(iq, BAD);
  const { role, affiliation } = item;
  if ((role === undefined) === (affiliation === undefined)) return void turn.refuse(iq, BAD);
  const failure =
    role === undefined
      ? refusalToList(turn.room, iq, affiliation ?? 'none')
      : refusalToListRole(turn.room, iq, role);
  if (failure !== undefined) return void turn.refuse(iq, { condition: failure });
  const listed =
    role === undefined
      ? affiliatesOf(turn.room, affiliation ?? 'none')
      : occupantsIn(turn.room, role);
  turn.answer(iq, el('query', { xmlns: MUC_ADMIN }, ...listed));
}

function refusalToListRole(room: Room, iq: Iq, role: Role) {
  const { role: own, affiliation } = partyOf(room, iq);
  // §8.5, §9.8: the lists of who has voice and who moderates.
  const isAllowed =
    role === 'moderator' ? affiliationMay(affiliation, 'assignModerators') : own === 'moderator';
  return isAllowed || isAtLeast(affiliation, 'admin') ? undefined : 'forbidden';
}

function refusalToList(room: Room, iq: Iq, list: Affiliation) {
  return mayGetList(room.config, partyOf(room, iq), list) ? undefined : 'forbidden';
}

function occupantsIn(room: Room, role: Role): Element[] {
  const found = [...room.occupants.values()].filter((occupant) => occupant.role === role);
  return found.map((occupant) =>
    el('item', {
      affiliation: affiliationOf(room, occupant.account),
      jid: shownSession(occupant)?.jid,
      nick: occupant.nick,
      role,
    }),
  );
}

function affiliatesOf(room: Room, affiliation: Affiliation): Element[] {
  const found: Element[] = [];
  for (const [jid, affiliate] of room.affiliates) {
    if (affiliate.affiliation !== affiliation) continue;
    const { nick, reason } = affiliate;
    const why = reason !== '' && el('reason', undefined, reason);
    found.push(el('item', { affiliation, jid, nick: nick === '' ? undefined : nick }, why));
  }
  return found;
}

/** Somebody changes roles or affiliations: all that he asks for, or nothing. */
export function change(turn: Turn, iq: Iq, query: Element): void {
  const items = itemsIn(query);
  if (items === undefined) return void turn.refuse(iq, BAD);
  const party = partyOf(turn.room, iq);
  const roles: RoleChange[] = [];
  const affiliations: AffiliationChange[] = [];
  for (const item of items) {
    const planned = plan(turn, iq, party, item);
    if ('condition' in planned) return void turn.refuse(iq, planned);
    if ('occupant' in planned) roles.push(planned);
    else affiliations.push(planned);
  }
  const failure = refusalOfAll(turn, affiliations);
  if (failure !== undefined) return void turn.refuse(iq, failure);
  carryOut(turn, iq, roles, affiliations);
}

interface RoleChange {
  readonly occupant: Occupant;
  readonly role: Role;
  readonly reason: string;
  readonly actor: string | undefined;
}

function plan(
  turn: Turn,
  iq: Iq,
  party: ReturnType<typeof partyOf>,
  item: Item,
): RoleChange | AffiliationChange | StanzaFailure {
  const { room } = turn;
  const { jid, nick, role, affiliation, reason } = item;
  const actor = party.occupant?.nick;
  if ((role === undefined) === (affiliation === undefined)) return BAD; // §13.4
  const named = nick === undefined || nick === '' ? undefined : occupantNamed(room, nick);
  if (role !== undefined) {
    if (nick === undefined) return BAD;
    if (party.role !== 'moderator' && !isAtLeast(party.affiliation, 'admin'))
      return { condition: 'forbidden' };
    if (named === undefined)
      return { condition: 'item-not-found', text: `${nick} is not in the room.` };
    const target = { role: named.role, affiliation: affiliationOf(room, named.account) };
    const refused = refusalOfRole(asModerator(party), target, role);
    if (refused !== undefined) return { condition: refused };
    if (role === 'none' && named === party.occupant)
      return { condition: 'conflict', text: 'You would kick yourself.' };
    return { occupant: named, role, reason, actor };
  }
  const account = jid ?? named?.account;
  if (account === undefined || affiliation === undefined) return BAD;
  if (!isAtLeast(party.affiliation, 'admin')) return { condition: 'forbidden' };
  const by = bareOf(iq.from);
  if (affiliation === 'outcast' && account === by)
    return { condition: 'conflict', text: 'You would ban yourself.' };
  const from = room.affiliates.get(account)?.affiliation ?? 'none';
  const refused = refusalOfAffiliation(party.affiliation, from, affiliation);
  if (refused !== undefined) return { condition: refused };
  // Beside a JID it is the nick to be reserved; an empty one frees that which was (§9.5).
  const reserved = jid === undefined ? undefined : nickToReserve(turn, nick);
  if (reserved === 'bad') return { condition: 'jid-malformed', text: `${nick} is no nick.` };
  return { account, to: affiliation, nick: reserved?.nick, reason, actor, by };
}

function nickToReserve({ terms }: Turn, raw: string | undefined) {
  if (raw === undefined) return undefined;
  if (raw === '') return { nick: '' };
  const nick = prepareResource(raw);
  return nick === undefined || faultOfNick(nick, terms) !== undefined ? 'bad' : { nick };
}

/** An admin or owner who is not there has the privileges of a moderator. */
const asModerator = (party: Party): Party =>
  isAtLeast(party.affiliation, 'admin') ? { ...party, role: 'moderator' } : party;

/** What is wrong with changes of affiliations when they are looked at together. */
export function refusalOfAll(
  { room, terms }: Turn,
  changes: readonly AffiliationChange[],
): StanzaFailure | undefined {
  if (changes.length === 0) return undefined;
  const after = new Map(changes.map(({ account, to }) => [account, to]));
  const owners = ownersOf(room).filter((jid) => (after.get(jid) ?? 'owner') === 'owner');
  const isOwned = owners.length > 0 || [...after.values()].includes('owner');
  if (!isOwned)
    return {
      condition: 'conflict',
      text: 'The room would have no owner any more.',
      type: 'cancel',
    };
  const added = [...after].filter(([jid, to]) => to !== 'none' && !room.affiliates.has(jid)).length;
  if (added > 0 && room.affiliates.size + added > terms.settings.maxAffiliations)
    return {
      condition: 'resource-constraint',
      text: `A room has at most ${terms.settings.maxAffiliations} accounts in its lists.`,
    };
  const asked = new Map<string, BareJid>();
  for (const { nick = '', account } of changes) {
    if (nick === '') continue;
    const holder = asked.get(keyOf(nick)) ?? reserverOf(room, nick);
    if (holder !== undefined && holder !== account)
      return { condition: 'conflict', text: `${nick} is reserved already.` };
    asked.set(keyOf(nick), account);
  }
  return undefined;
}

/** §8.2: who is removed is told first, then who asked, then all others. */
function carryOut(
  turn: Turn,
  iq: Iq,
  roles: readonly RoleChange[],
  affiliations: readonly AffiliationChange[],
): void {
  const afterwards: Afterwards[] = [];
  for (const { occupant, role, reason, actor } of roles) {
    if (role === 'none') {
      const notice = { codes: [307], reason, actor };
      tellRemoved(turn, occupant, notice);
      afterwards.push(() => tellRemoval(turn, occupant, { codes: [307] }));
    } else {
      afterwards.push(() => {
        const now = occupantNamed(turn.room, occupant.nick);
        if (now !== undefined) giveRole(turn, now, role, { reason });
      });
    }
  }
  afterwards.push(...affiliate(turn, affiliations));
  turn.answer(iq);
  for (const follow of afterwards) follow();
}

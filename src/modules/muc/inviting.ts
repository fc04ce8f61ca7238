/** Mediated invitations, and declining them: XEP-0045 §7.8.2. */
import { bareOf, type Jid, localOf, parseJid } from '../../jid/jid.ts';
import { message } from '../../stanza/build.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import type { Message } from '../../stanza/stanza.ts';
import { childOf, childrenOf, type Element, el, isNamed } from '../../xml/element.ts';
import { reasonIn } from './admin.ts';
import { affiliate, invitation } from './affiliating.ts';
import { MUC_USER } from './names.ts';
import { seesJids } from './presence.ts';
import { affiliationMay, isAtLeast, roleMay } from './privileges.ts';
import { affiliationOf, occupantAt, type Room } from './room.ts';
import type { Turn } from './turn.ts';

/** The longest thread that is passed on. */
const MAX_THREAD = 200;

/** The `<x/>` that carries invitations or the refusal of one; undefined when there is none. */
export function mediation({ element }: Message): Element | undefined {
  const x = childOf(element, 'x', MUC_USER);
  if (x === undefined) return undefined;
  const isAny = childrenOf(x).some(({ name }) => name === 'invite' || name === 'decline');
  return isAny ? x : undefined;
}

/** Those whom a message invites, as far as they are addresses. */
export function invitedIn(stanza: Message): readonly Jid[] {
  const x = stanza.type === 'groupchat' ? undefined : mediation(stanza);
  if (x === undefined || childOf(x, 'decline', MUC_USER) !== undefined) return [];
  return childrenOf(x).flatMap((child) => {
    const to = isNamed(child, 'invite', MUC_USER) ? parseJid(child.attrs.to ?? '') : undefined;
    return to?.ok === true ? [to.value] : [];
  });
}

/** The error for who invites an address that does not exist. */
export const nobodyAt = (jid: Jid) =>
  ({ condition: 'item-not-found', text: `There is nobody at ${jid}.` }) as const;

/** How many an account would invite by a message. */
export const invitedBy = (x: Element): number =>
  childrenOf(x).filter((child) => isNamed(child, 'invite', MUC_USER)).length;

/** Somebody invites, or declines. */
export function mediate(turn: Turn, stanza: Message, x: Element): void {
  const decline = childOf(x, 'decline', MUC_USER);
  if (decline === undefined) invite(turn, stanza, x);
  else refuse(turn, stanza, decline);
}

function invite(turn: Turn, stanza: Message, x: Element): void {
  const { room, terms } = turn;
  const failure = refusalToInvite(room, stanza);
  if (failure !== undefined) return void turn.refuse(stanza, failure);
  const invites = childrenOf(x).filter((child) => isNamed(child, 'invite', MUC_USER));
  if (invites.length > terms.settings.invitations)
    return void turn.refuse(stanza, {
      condition: 'policy-violation',
      text: `One message invites at most ${terms.settings.invitations}.`,
    });
  const invited: { readonly to: Jid; readonly element: Element }[] = [];
  for (const element of invites) {
    const to = parseJid(element.attrs.to ?? '');
    if (!to.ok) return void turn.refuse(stanza, { condition: 'jid-malformed' });
    const refusal = terms.uninvited?.get(bareOf(to.value));
    if (refusal !== undefined) return void turn.refuse(stanza, refusal);
    invited.push({ to: to.value, element });
  }
  for (const { to, element } of invited) {
    const thread = childOf(element, 'continue', MUC_USER)?.attrs['thread']?.slice(0, MAX_THREAD);
    const isContinued = childOf(element, 'continue', MUC_USER) !== undefined;
    turn.invitations.push({ to, inviter: stanza.from, id: stanza.id });
    if (room.config.isMembersOnly) admit(turn, stanza, to);
    turn.send(
      invitation(turn, {
        from: inviterOf(room, stanza),
        to,
        reason: reasonIn(element, MUC_USER),
        thread: isContinued ? (thread ?? '') : undefined,
        id: invited.length === 1 ? stanza.id : undefined,
      }),
    );
  }
}

/** The real JID where others see it, else the address in the room. */
function inviterOf(room: Room, stanza: Message): Jid {
  const occupant = occupantAt(room, stanza.from);
  if (room.config.whois === 'anyone' || occupant === undefined) return stanza.from;
  return `${room.jid}/${occupant.nick}` as Jid; // a nick that is there was prepared
}

function refusalToInvite(room: Room, stanza: Message): StanzaFailure | undefined {
  const occupant = occupantAt(room, stanza.from);
  if (occupant === undefined || !roleMay(occupant.role, 'invite'))
    return { condition: 'not-acceptable', text: 'Only occupants invite.' };
  const affiliation = affiliationOf(room, bareOf(stanza.from));
  const isAllowed =
    !room.config.isMembersOnly ||
    affiliationMay(affiliation, 'editMemberList') ||
    (room.config.canInvite && isAtLeast(affiliation, 'member'));
  return isAllowed ? undefined : { condition: 'forbidden', text: 'Only admins invite into it.' };
}

/** §9.5: who is invited into a members-only room becomes a member. */
function admit(turn: Turn, stanza: Message, to: Jid): void {
  const account = bareOf(to);
  const { room, terms } = turn;
  if (localOf(account) === '' || affiliationOf(room, account) !== 'none') return;
  if (room.affiliates.size >= terms.settings.maxAffiliations) return;
  const by = bareOf(stanza.from);
  const invited = { account, to: 'member', reason: '', by, isInvited: true } as const;
  for (const follow of affiliate(turn, [invited])) follow();
}

/** §7.8.2: the inviter is told, whether he was named by his JID or by his address in the room. */
function refuse(turn: Turn, stanza: Message, decline: Element): void {
  const { room } = turn;
  const to = parseJid(decline.attrs.to ?? '');
  if (!to.ok) return void turn.refuse(stanza, { condition: 'jid-malformed' });
  // §9.1: who is banned does not reach those in the room in this way either.
  if (affiliationOf(room, bareOf(stanza.from)) === 'outcast')
    return void turn.refuse(stanza, { condition: 'forbidden' });
  const inviters = mayName(room, stanza, to.value) ? invitersAt(room, to.value) : [];
  // Nobody outside is written to by somebody whom the room does not know.
  if (inviters.length === 0) return void turn.refuse(stanza, { condition: 'item-not-found' });
  const reason = reasonIn(decline, MUC_USER);
  const declined = message({
    id: stanza.id,
    from: room.jid,
    to: room.jid,
    children: [
      el(
        'x',
        { xmlns: MUC_USER },
        el(
          'decline',
          { from: bareOf(stanza.from) },
          reason !== '' && el('reason', undefined, reason),
        ),
      ),
    ],
  });
  turn.sendAll(declined, inviters);
}

/**
 * Whether somebody may have been invited by who has that address: else he would learn by the answer who is
 * there. Where JIDs are a secret an invitation names the nick, but for that of an admin to a new member (§9.5).
 */
function mayName(room: Room, { from }: Message, inviter: Jid): boolean {
  if (bareOf(inviter) === room.jid) return true;
  if (seesJids(room, occupantAt(room, from)?.role ?? 'none')) return true;
  const isMember = isAtLeast(affiliationOf(room, bareOf(from)), 'member');
  return isMember && isAtLeast(affiliationOf(room, bareOf(inviter)), 'admin');
}

function invitersAt(room: Room, jid: Jid) {
  const isHere = bareOf(jid) === room.jid;
  const found = [...room.occupants.values()].filter((occupant) =>
    isHere ? `${room.jid}/${occupant.nick}` === jid : occupant.account === bareOf(jid),
  );
  const sessions = found.flatMap((occupant) => occupant.sessions.map((each) => each.jid));
  const exact = sessions.filter((session) => session === jid);
  return exact.length > 0 ? exact : sessions;
}

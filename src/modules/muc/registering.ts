/** Registering with a room: membership, and a nick that nobody else may have: XEP-0045 §7.10. */
import { bareOf, prepareResource } from '../../jid/jid.ts';
import { firstValueOf, formElement, readForm } from '../../stanza/form.ts';
import type { Iq } from '../../stanza/stanza.ts';
import { childOf, childrenOf, type Element, el } from '../../xml/element.ts';
import { affiliate } from './affiliating.ts';
import { ROOM_REGISTER } from './names.ts';
import { faultOfNick } from './nicks.ts';
import { affiliationMay, isAtLeast } from './privileges.ts';
import { affiliationOf, occupantNamed, reserverOf } from './room.ts';
import type { Turn } from './turn.ts';

/** The namespace of registration (XEP-0077). */
export const REGISTER = 'jabber:iq:register';

const NICK = 'muc#register_roomnick';

/** Somebody asks what registering takes. */
export function getRegistration(turn: Turn, iq: Iq): void {
  const { room } = turn;
  const account = bareOf(iq.from);
  const nick = room.affiliates.get(account)?.nick ?? '';
  if (nick !== '')
    return void turn.answer(
      iq,
      el('query', { xmlns: REGISTER }, el('registered'), el('username', undefined, nick)),
    );
  if (!mayRegister(turn, iq)) return void turn.refuse(iq, { condition: 'not-allowed' });
  const instructions = 'Choose the nick that is to be yours in this room.';
  const form = formElement({
    type: 'form',
    formType: ROOM_REGISTER,
    title: `Registration with ${room.config.name === '' ? room.jid : room.config.name}`,
    instructions: [instructions],
    fields: [
      { name: NICK, type: 'text-single', label: 'Desired Nickname', isRequired: true, values: [] },
    ],
  });
  const text = el('instructions', undefined, instructions);
  turn.answer(iq, el('query', { xmlns: REGISTER }, text, form));
}

/** Members reserve their nick; others become members by it, where the room lets them, unless they soon end. */
function mayRegister({ room, terms }: Turn, iq: Iq): boolean {
  if (terms.isGuest(iq.from)) return false;
  const affiliation = affiliationOf(room, bareOf(iq.from));
  if (isAtLeast(affiliation, 'member')) return true;
  return room.config.canRegister && affiliationMay(affiliation, 'register');
}

/** Somebody registers, or takes his registration back (XEP-0077 §3.2). */
export function setRegistration(turn: Turn, iq: Iq, query: Element): void {
  const { room, terms } = turn;
  const account = bareOf(iq.from);
  const known = room.affiliates.get(account);
  if (childOf(query, 'remove', REGISTER) !== undefined) return void deregister(turn, iq);
  if (!mayRegister(turn, iq)) return void turn.refuse(iq, { condition: 'not-allowed' });
  const forms = childrenOf(query).map(readForm);
  const form = forms.find((each) => each?.type === 'submit' && each.formType === ROOM_REGISTER);
  const raw = form === undefined ? undefined : firstValueOf(form, NICK);
  const nick = raw === undefined ? undefined : prepareResource(raw);
  if (nick === undefined || faultOfNick(nick, terms) !== undefined)
    return void turn.refuse(iq, { condition: 'bad-request' });
  const reserver = reserverOf(room, nick);
  const present = occupantNamed(room, nick);
  const isTaken = reserver !== undefined && reserver !== account;
  if (isTaken || (present !== undefined && present.account !== account))
    return void turn.refuse(iq, { condition: 'conflict', text: `${nick} is somebody else here.` });
  if (known === undefined && room.affiliates.size >= terms.settings.maxAffiliations)
    return void turn.refuse(iq, { condition: 'resource-constraint' });
  const affiliation = known?.affiliation ?? 'member';
  const change = { account, to: affiliation, nick, reason: '', by: account, isInvited: true };
  const [follow] = affiliate(turn, [change]);
  turn.answer(iq);
  if (known === undefined) follow?.();
}

/** Who is no more than a member is none any more; others lose their nick only. */
function deregister(turn: Turn, iq: Iq): void {
  const account = bareOf(iq.from);
  const known = turn.room.affiliates.get(account);
  if (known === undefined || known.affiliation === 'outcast')
    return void turn.refuse(iq, { condition: 'registration-required' });
  const to = known.affiliation === 'member' ? 'none' : known.affiliation;
  const [follow] = affiliate(turn, [{ account, to, nick: '', reason: '', by: account }]);
  turn.answer(iq);
  if (to === 'none') follow?.();
}

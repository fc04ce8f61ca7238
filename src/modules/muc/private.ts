/** Messages and requests from one occupant to another: XEP-0045 §7.5, §13.4, §17.4; XEP-0410. */
import type { FullJid } from '../../jid/jid.ts';
import { message } from '../../stanza/build.ts';
import type { Iq, Message } from '../../stanza/stanza.ts';
import { el, isNamed, nsOf } from '../../xml/element.ts';
import { honest } from './forgery.ts';
import { MUC_USER } from './names.ts';
import { occupantIdElement, shownSession } from './presence.ts';
import { type Role, rankOfRole } from './privileges.ts';
import { nickIn, occupantAt, occupantJid, occupantNamed, type Room } from './room.ts';
import type { Turn } from './turn.ts';

/** The least role of who may send private messages; undefined when nobody may. */
function leastRole({ config }: Room): Role | undefined {
  switch (config.privateMessages) {
    case 'anyone':
      return 'visitor';
    case 'participants':
      return 'participant';
    case 'moderators':
      return 'moderator';
    case 'none':
      return undefined;
  }
}

/** A message to an occupant (§7.5). */
export function whisper(turn: Turn, stanza: Message & { readonly to: FullJid }): void {
  const { room } = turn;
  const sender = occupantAt(room, stanza.from);
  if (sender === undefined)
    return void turn.refuse(stanza, {
      condition: 'not-acceptable',
      text: 'Only occupants reach each other through a room.',
    });
  if (stanza.type === 'groupchat')
    return void turn.refuse(stanza, {
      condition: 'bad-request',
      text: 'A message to all goes to the address of the room.',
    });
  const recipient = occupantNamed(room, nickIn(stanza.to));
  if (recipient === undefined)
    return void turn.refuse(stanza, {
      condition: 'item-not-found',
      text: 'There is no such occupant.',
    });
  const least = leastRole(room);
  if (least === undefined || rankOfRole(sender.role) < rankOfRole(least))
    return void turn.refuse(stanza, {
      condition: 'forbidden',
      text: 'You may not send private messages here.',
    });
  const { type, id, element } = stanza;
  const passed = message({
    type,
    id,
    from: occupantJid(room, sender.nick),
    to: room.jid,
    attrs: { 'xml:lang': element.attrs['xml:lang'] },
  });
  // The mark tells other clients of both that this is no message of a contact (§7.5).
  const mark = el('x', { xmlns: MUC_USER });
  passed.element.children.push(...honest(stanza, room.jid), mark, occupantIdElement(sender.id));
  turn.sendAll(
    passed,
    recipient.sessions.map(({ jid }) => jid),
  );
}

const PING = 'urn:xmpp:ping';
const DISCO = 'http://jabber.org/protocol/disco#';

/** A request to an occupant: answered here where he asks for himself, else passed on (§13.4). */
export function ask(turn: Turn, iq: Iq & { readonly to: FullJid }): void {
  const { room } = turn;
  const { payload } = iq;
  const sender = occupantAt(room, iq.from);
  if (sender === undefined) {
    const isDisco = payload !== undefined && nsOf(payload).startsWith(DISCO);
    // §6.6 for disco; XEP-0410 §3.2 for the rest.
    const condition = isDisco ? 'bad-request' : 'not-acceptable';
    return void turn.refuse(iq, { condition, type: isDisco ? 'modify' : 'cancel', by: room.jid });
  }
  const nick = nickIn(iq.to);
  const recipient = occupantNamed(room, nick);
  if (recipient === undefined)
    return void turn.refuse(iq, {
      condition: 'item-not-found',
      text: 'There is no such occupant.',
    });
  if (recipient === sender && payload !== undefined && isNamed(payload, 'ping', PING))
    return void turn.answer(iq);
  const to = isOfAccount(iq) ? recipient.account : shownSession(recipient)?.jid;
  if (to === undefined) return void turn.refuse(iq, { condition: 'recipient-unavailable' });
  turn.relay = { iq, from: occupantJid(room, sender.nick), to };
}

/** Whether the account answers rather than one of its clients: vCards, avatars. */
function isOfAccount({ type, payload }: Iq): boolean {
  if (type !== 'get' || payload === undefined) return false;
  const ns = nsOf(payload);
  return ns === 'vcard-temp' || ns === 'http://jabber.org/protocol/pubsub';
}

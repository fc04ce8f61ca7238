/** Messages to all, and the subject: XEP-0045 §7.4, §8.1. */
import type { BareJid, Jid } from '../../jid/jid.ts';
import { message } from '../../stanza/build.ts';
import { contentOf } from '../../stanza/content.ts';
import type { Message } from '../../stanza/stanza.ts';
import { childOf, type Element, el, textOf } from '../../xml/element.ts';
import { isCounted, withMessage } from './activity.ts';
import { honest } from './forgery.ts';
import { isArchivable, isLasting, remembered, withSaid } from './history.ts';
import { retractOwn } from './moderating.ts';
import { STANZA_ID } from './names.ts';
import { occupantIdElement } from './presence.ts';
import { isAtLeast, roleMay } from './privileges.ts';
import {
  affiliationOf,
  everyone,
  type Occupant,
  occupantAt,
  occupantJid,
  type Room,
} from './room.ts';
import type { Turn } from './turn.ts';

/** Somebody speaks to all, or sets the subject. */
export function speak(turn: Turn, stanza: Message): void {
  const occupant = occupantAt(turn.room, stanza.from);
  if (occupant === undefined)
    return void turn.refuse(stanza, {
      condition: 'not-acceptable',
      type: 'modify',
      text: 'Only occupants speak in a room.',
    });
  if (isSubject(stanza.element)) return void setSubject(turn, stanza, occupant);
  const { room } = turn;
  if (!roleMay(occupant.role, 'speak'))
    return void turn.refuse(stanza, { condition: 'forbidden', text: 'You have no voice here.' });
  const { terms } = turn;
  // XEP-0500 §6: what has no body, such as a chat state, waits for nothing.
  const isBound = room.config.pause > 0 && childOf(stanza.element, 'body') !== undefined;
  const left = isBound ? pauseLeft(turn, occupant) : 0;
  if (left > 0)
    return void turn.refuse(stanza, {
      condition: 'policy-violation',
      type: 'wait',
      text: `There are ${room.config.pause} seconds between two messages here; ${left} are left.`,
    });
  const id = terms.saidId ?? terms.newId();
  const reflected = reflect(turn, stanza, occupant, id);
  turn.sendAll(reflected, everyone(room));
  if (isBound) turn.room = { ...turn.room, spoke: spokeAt(room, occupant.account, terms.now) };
  remember(turn, reflected, occupant, { id, session: stanza.from });
  retractOwn(turn, reflected, occupant);
}

/** The message as all hear it: from the occupant, with the client's id or one of ours (§7.4). */
function reflect({ room }: Turn, stanza: Message, occupant: Occupant, stanzaId: string): Message {
  const { id = stanzaId, element } = stanza;
  const reflected = message({
    type: 'groupchat',
    id,
    from: occupantJid(room, occupant.nick),
    to: room.jid,
    attrs: { 'xml:lang': element.attrs['xml:lang'] },
  });
  // Passed on as they are: nothing below them is copied.
  reflected.element.children.push(
    ...honest(stanza, room.jid),
    occupantIdElement(occupant.id),
    el('stanza-id', { xmlns: STANZA_ID, by: room.jid, id: stanzaId }),
  );
  return reflected;
}

/** The seconds that who is neither admin nor owner has yet to wait before he may speak again. */
function pauseLeft({ room, terms }: Turn, { account }: Occupant): number {
  const before = room.spoke.get(account);
  if (before === undefined || isAtLeast(affiliationOf(room, account), 'admin')) return 0;
  return Math.max(0, Math.ceil((before + room.config.pause * 1000 - terms.now) / 1000));
}

/** When each spoke, without those who may speak again. */
function spokeAt({ spoke, config }: Room, account: BareJid, now: number) {
  const recent = [...spoke].filter(([, at]) => now - at < config.pause * 1000);
  return new Map([...recent, [account, now] as const]);
}

/** Keeps what was said, as far as it is worth it. */
function remember(
  turn: Turn,
  said: Message,
  occupant: Occupant,
  { id, session }: { readonly id: string; readonly session: Jid },
): void {
  const { room, terms } = turn;
  const { account } = occupant;
  const content = contentOf(said);
  if (isArchivable(content)) turn.reflected = { message: said, publisher: occupant, session };
  if (isCounted(said))
    turn.room = { ...turn.room, activity: withMessage(room.activity, terms.now) };
  if (!isLasting(content)) return;
  const isOwner = isAtLeast(affiliationOf(room, account), 'owner');
  const kept = remembered(said, { room, at: terms.now, isOwner });
  const entry = { message: kept, at: terms.now, id, account };
  turn.said = entry;
  const limits = { most: room.config.historyMost, bytes: terms.settings.historySize };
  turn.room = { ...turn.room, history: withSaid(turn.room.history, entry, limits) };
}

/** §8.1: a subject and neither a body nor a thread. */
function isSubject(element: Element): boolean {
  return (
    childOf(element, 'subject') !== undefined &&
    childOf(element, 'body') === undefined &&
    childOf(element, 'thread') === undefined
  );
}

function setSubject(turn: Turn, stanza: Message, occupant: Occupant): void {
  const { room, terms } = turn;
  const { role, nick } = occupant;
  const isAllowed =
    role === 'moderator' || (room.config.canChangeSubject && roleMay(role, 'changeSubject'));
  if (!isAllowed)
    return void turn.refuse(stanza, {
      condition: 'forbidden',
      text: 'You may not set the subject.',
    });
  const element = childOf(stanza.element, 'subject');
  const text = element === undefined ? '' : textOf(element);
  if (Buffer.byteLength(text) > terms.settings.subjectSize)
    return void turn.refuse(stanza, {
      condition: 'policy-violation',
      text: `A subject has at most ${terms.settings.subjectSize} bytes.`,
    });
  turn.room = { ...room, subject: { text, nick, at: terms.now } };
  const told = reflect(turn, stanza, occupant, terms.saidId ?? terms.newId());
  turn.sendAll(told, everyone(room));
  turn.reflected = { message: told, publisher: occupant, session: stanza.from }; // XEP-0313 §6.1.2
}

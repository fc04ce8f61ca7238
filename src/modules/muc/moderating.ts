/** Messages that are taken back: by who said them (XEP-0424), or by a moderator (XEP-0425). */
import type { Jid } from '../../jid/jid.ts';
import { message } from '../../stanza/build.ts';
import { type Iq, type Message, withChildren } from '../../stanza/stanza.ts';
import { dateTimeAttr, payload } from '../../xml/codec.ts';
import { childOf, type Element, el, isNamed } from '../../xml/element.ts';
import { reasonIn } from './admin.ts';
import { MODERATE, OCCUPANT_ID, RETRACT, STANZA_ID } from './names.ts';
import { occupantIdElement } from './presence.ts';
import { everyone, type Occupant, occupantAt, occupantJid, type Room } from './room.ts';
import type { Turn } from './turn.ts';

/** XEP-0424 §5.1: what was retracted leaves a tombstone. */
export const TOMBSTONES = `${RETRACT}#tombstone`;

const Stamp = payload('retracted', RETRACT, { stamp: dateTimeAttr('stamp') });

/** A moderator takes back what somebody said (XEP-0425 §3). */
export function moderate(turn: Turn, iq: Iq, request: Element): void {
  const { room, terms } = turn;
  const moderator = occupantAt(room, iq.from);
  if (moderator?.role !== 'moderator')
    return void turn.refuse(iq, {
      condition: 'forbidden',
      type: 'modify',
      text: "Only moderators are allowed to moderate other participants' messages",
    });
  const id = request.attrs.id ?? '';
  if (id === '' || childOf(request, 'retract', RETRACT) === undefined)
    return void turn.refuse(iq, { condition: 'bad-request' });
  if (!isRemembered(room, id) && !terms.isRecorded)
    return void turn.refuse(iq, { condition: 'item-not-found', text: 'There is no such message.' });
  turn.answer(iq);
  takeBack(turn, {
    id,
    by: occupantJid(room, moderator.nick),
    occupantId: moderator.id,
    reason: reasonIn(request, MODERATE),
  });
}

const isRemembered = ({ history }: Room, id: string) => history.some((said) => said.id === id);

/**
 * The id of a message that a moderator wants to take back and that is not shown to newcomers any more: it
 * may be in the archive. Undefined where nothing need be looked for.
 */
export function idToLookFor(room: Room, { from, payload }: Iq): string | undefined {
  if (payload === undefined || !isNamed(payload, 'moderate', MODERATE)) return undefined;
  if (occupantAt(room, from)?.role !== 'moderator') return undefined;
  const { id = '' } = payload.attrs;
  return id === '' || isRemembered(room, id) ? undefined : id;
}

/** A message that is taken back, by whom and why. */
export interface Moderation {
  /** The id that the room gave the message. */
  readonly id: string;
  /** The moderator's address in the room, or the room's own where an admin of the server does it. */
  readonly by: Jid;
  /** That of the moderator (XEP-0421); undefined for the room. */
  readonly occupantId: string | undefined;
  /** '' for none. */
  readonly reason: string;
}

/** Takes back what somebody said: a tombstone takes its place, and all are told (XEP-0425 §3.1, §4). */
export function takeBack(turn: Turn, { id, by, occupantId, reason }: Moderation): void {
  const { room, terms } = turn;
  const moderated = () =>
    el(
      'moderated',
      { xmlns: MODERATE, by },
      occupantId !== undefined && occupantIdElement(occupantId),
    );
  const why = () => reason !== '' && el('reason', undefined, reason);
  bury(turn, id, [moderated(), why()]);
  const retract = el('retract', { xmlns: RETRACT, id }, moderated(), why());
  const stanzaId = terms.saidId ?? terms.newId();
  const told = message({
    type: 'groupchat',
    id: terms.newId(),
    from: room.jid,
    to: room.jid,
    children: [retract, el('stanza-id', { xmlns: STANZA_ID, by: room.jid, id: stanzaId })],
  });
  turn.reflected = { message: told, publisher: undefined, session: undefined };
  turn.sendAll(told, everyone(room));
}

/** Somebody takes back what he said himself: his message is heard, and what it names is buried. */
export function retractOwn(turn: Turn, stanza: Message, occupant: Occupant): void {
  const retract = childOf(stanza.element, 'retract', RETRACT);
  const id = retract?.attrs.id;
  if (id === undefined) return;
  const said = turn.room.history.find((each) => each.id === id);
  // Of what is only in the archive nobody knows who said it.
  if (said?.account === occupant.account) bury(turn, id, []);
}

/** Puts a tombstone in the place of a message. */
function bury(turn: Turn, id: string, inner: readonly (Element | false)[]): void {
  const { room, terms } = turn;
  const retracted = Stamp.encode({ stamp: terms.now });
  for (const each of inner) {
    if (each === false) continue;
    retracted.children.push(each);
    each.parent = retracted;
  }
  const tombstone = (old: Message): Message => withChildren(old, [...kept(old), retracted]);
  const history = room.history.map((said) =>
    said.id === id ? { ...said, message: tombstone(said.message) } : said,
  );
  turn.room = { ...room, history };
  const buried = history.find((said) => said.id === id)?.message;
  turn.retraction = { id, text: buried?.wire.text, tombstone };
}

/** What of a message may stay: whose it was, when, and its id. */
const kept = ({ element }: Message) =>
  element.children.filter(
    (child): child is Element =>
      typeof child !== 'string' &&
      (isNamed(child, 'delay', 'urn:xmpp:delay') ||
        isNamed(child, 'occupant-id', OCCUPANT_ID) ||
        isNamed(child, 'stanza-id', STANZA_ID)),
  );

/** What was taken back, for those who keep it. */
export interface Retraction {
  /** The id that the room gave it. */
  readonly id: string;
  /** The tombstone as history has it; undefined if it was no more in it. */
  readonly text: string | undefined;
  /** Makes the tombstone of a message that is kept elsewhere. */
  tombstone(old: Message): Message;
}

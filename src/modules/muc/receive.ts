/** What a room does with a stanza that is addressed to it or to one of its occupants. */
import { bareOf, type FullJid, isFull, type Jid } from '../../jid/jid.ts';
import type { StanzaCondition } from '../../stanza/condition.ts';
import { conditionOf } from '../../stanza/error.ts';
import type { Iq, Message, Presence, Stanza } from '../../stanza/stanza.ts';
import { isNamed, nsOf } from '../../xml/element.ts';
import { DISCO_INFO, DISCO_ITEMS } from '../disco/index.ts';
import { change, getList } from './admin.ts';
import { info, items } from './disco.ts';
import { enter, entryMark, newRoom, notThere, resynchronise } from './entering.ts';
import { COMMANDS, runHatCommand } from './hat-commands.ts';
import { mediate, mediation } from './inviting.ts';
import { drop, endIfEmpty, leave } from './leaving.ts';
import { moderate } from './moderating.ts';
import { rename, update } from './moving.ts';
import { MODERATE, MUC_ADMIN, MUC_OWNER, VCARD } from './names.ts';
import { faultOfNick, keyOf } from './nicks.ts';
import { getConfig, setConfig } from './owner.ts';
import { setVCard } from './picture.ts';
import { ask, whisper } from './private.ts';
import { getRegistration, REGISTER, setRegistration } from './registering.ts';
import { nickIn, occupantAt, type Room } from './room.ts';
import { speak } from './speaking.ts';
import { type Outcome, refusal, type Terms, Turn } from './turn.ts';
import { handleVoice, voiceForm } from './voice.ts';

/** A stanza to a room or an address in it. */
export type Addressed<S extends Stanza = Stanza> = S & { readonly to: Jid };

/** Handles a stanza; `room` is undefined where there is none yet. */
export function receive(room: Room | undefined, stanza: Addressed, terms: Terms): Outcome {
  if (room === undefined) return receiveNowhere(stanza, terms);
  const turn = new Turn(room, terms);
  switch (stanza.kind) {
    case 'presence':
      receivePresence(turn, stanza);
      break;
    case 'message':
      receiveMessage(turn, stanza);
      break;
    case 'iq':
      receiveIq(turn, stanza);
      break;
  }
  return turn.outcome;
}

const hasNick = <S extends Stanza>(stanza: Addressed<S>): stanza is S & { readonly to: FullJid } =>
  isFull(stanza.to);

/** There is no such room: it can be made by entering it, and nothing else. */
function receiveNowhere(stanza: Addressed, terms: Terms): Outcome {
  const room = bareOf(stanza.to);
  const answer = (sent: Stanza | undefined): Outcome => ({
    ...NOTHING,
    sends: sent === undefined ? [] : [{ stanza: sent }],
  });
  if (stanza.kind !== 'presence') {
    if (isEnd(stanza)) return NOTHING;
    // XEP-0410 §3.2: of who asks an occupant, item-not-found would say that he is in the room.
    const isOfOccupant = stanza.kind === 'iq' && hasNick(stanza);
    const condition = isOfOccupant ? 'not-acceptable' : 'item-not-found';
    return answer(refusal(stanza, { condition, text: 'There is no such room.' }, room));
  }
  if (stanza.type !== 'available') return NOTHING;
  if (!hasNick(stanza)) {
    const failure = faultOfNick('', terms);
    return failure === undefined ? NOTHING : answer(refusal(stanza, failure, room));
  }
  const mark = entryMark(stanza);
  if (mark === undefined) return answer(notThere(stanza));
  if (terms.creation !== undefined) return answer(refusal(stanza, terms.creation, room));
  const turn = new Turn(newRoom(stanza, terms), terms);
  enter(turn, stanza, mark, true);
  endIfEmpty(turn); // the nick was no good
  return turn.outcome;
}

const NOTHING: Outcome = {
  room: undefined,
  sends: [],
  relay: undefined,
  invitations: [],
  removed: [],
  tombstone: undefined,
  said: undefined,
  reflected: undefined,
  retraction: undefined,
  vcard: undefined,
};

/** Whether a stanza is the end of an exchange: it is answered by nobody. */
const isEnd = ({ type }: Stanza) => type === 'error' || type === 'result';

/** §17.4: errors that say that a session is gone, not merely that it does not want something. */
const GHOSTLY: ReadonlySet<StanzaCondition> = new Set([
  'gone',
  'item-not-found',
  'recipient-unavailable',
  'redirect',
  'remote-server-not-found',
  'remote-server-timeout',
]);

/** Whether an error tells that its sender, an occupant, is out of reach. */
export function isGhostly(stanza: Stanza): boolean {
  const condition = conditionOf(stanza);
  if (condition === undefined) return false;
  // A message of all or the presence of another cannot be delivered to a session that is gone; its
  // server says so by service-unavailable, too (RFC 6121 §8.5.3.2).
  return GHOSTLY.has(condition) || condition === 'service-unavailable';
}

function receivePresence(turn: Turn, stanza: Addressed<Presence>): void {
  if (stanza.type === 'unavailable') return void leave(turn, stanza);
  if (stanza.type === 'error') {
    if (isGhostly(stanza)) drop(turn, stanza.from);
    return;
  }
  if (stanza.type !== 'available') return; // §13.3: neither an entry nor an exit
  if (!hasNick(stanza)) {
    const failure = faultOfNick('', turn.terms);
    if (failure !== undefined) turn.refuse(stanza, failure);
    return;
  }
  if (!isFull(stanza.from)) return void turn.refuse(stanza, { condition: 'jid-malformed' });
  const mark = entryMark(stanza);
  const occupant = occupantAt(turn.room, stanza.from);
  if (occupant === undefined) {
    if (mark === undefined) return void turn.send(notThere(stanza));
    return void enter(turn, stanza, mark, false);
  }
  const isSame = keyOf(nickIn(stanza.to)) === keyOf(occupant.nick);
  if (!isSame) return void rename(turn, stanza, occupant);
  if (mark === undefined) update(turn, stanza, occupant);
  else resynchronise(turn, stanza, mark);
}

function receiveMessage(turn: Turn, stanza: Addressed<Message>): void {
  if (stanza.type === 'error') {
    if (isGhostly(stanza)) drop(turn, stanza.from);
    return;
  }
  if (turn.room.isLocked && occupantAt(turn.room, stanza.from) === undefined)
    return void turn.refuse(stanza, {
      condition: 'item-not-found',
      text: 'There is no such room.',
    });
  if (hasNick(stanza)) return void whisper(turn, stanza);
  if (stanza.type === 'groupchat') return void speak(turn, stanza);
  const invitations = mediation(stanza);
  if (invitations !== undefined) return void mediate(turn, stanza, invitations);
  const form = voiceForm(stanza);
  if (form !== undefined) return void handleVoice(turn, stanza, form);
  turn.refuse(stanza, {
    condition: 'bad-request',
    text: 'A message to all is of type groupchat.',
  });
}

function receiveIq(turn: Turn, iq: Addressed<Iq>): void {
  if (isEnd(iq)) return; // who relays has looked at it already
  if (hasNick(iq)) return void ask(turn, iq);
  const { payload, type } = iq;
  if (payload === undefined) return void turn.refuse(iq, { condition: 'bad-request' });
  const isGet = type === 'get';
  if (isGet && isNamed(payload, 'query', DISCO_INFO)) return void info(turn, iq, payload);
  if (isGet && isNamed(payload, 'query', DISCO_ITEMS)) return void items(turn, iq, payload);
  if (payload.name === 'query') {
    switch (nsOf(payload)) {
      case MUC_ADMIN:
        return void (isGet ? getList : change)(turn, iq, payload);
      case MUC_OWNER:
        return void (isGet ? getConfig : setConfig)(turn, iq, payload);
      case REGISTER:
        return void (isGet ? getRegistration : setRegistration)(turn, iq, payload);
    }
  }
  if (!isGet && isNamed(payload, 'moderate', MODERATE)) return void moderate(turn, iq, payload);
  if (!isGet && isNamed(payload, 'command', COMMANDS)) return void runHatCommand(turn, iq, payload);
  if (!isGet && isNamed(payload, 'vCard', VCARD)) return void setVCard(turn, iq, payload);
  if (isGet && isNamed(payload, 'ping', 'urn:xmpp:ping')) return void turn.answer(iq);
  turn.refuse(iq, { condition: 'service-unavailable' });
}

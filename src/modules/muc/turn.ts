/**
 * A turn: what one event does to one room. The functions of this module take a turn and change what it
 * holds, so that each is free to build on another; from outside, an event goes in, and the room as it
 * is then and what is to be sent come out.
 */
import type { BareJid, FullJid, Jid } from '../../jid/jid.ts';
import { iqResult, message } from '../../stanza/build.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import { errorElement, errorReply } from '../../stanza/error.ts';
import type { Iq, Message, Presence, Stanza } from '../../stanza/stanza.ts';
import { type Element, el } from '../../xml/element.ts';
import type { Uninvited } from './invitees.ts';
import type { Retraction } from './moderating.ts';
import { MUC } from './names.ts';
import type { Occupant, Room, Said } from './room.ts';
import type { MucSettings } from './settings.ts';

/** A stanza, which goes to its own address or, written once, to many. */
export interface Sending {
  readonly stanza: Stanza;
  readonly to?: readonly FullJid[];
}

/** A request from one occupant to another, whose answer finds the way back. */
export interface Relay {
  readonly iq: Iq;
  /** The asker's address in the room. */
  readonly from: FullJid;
  /** The session, or the account where that is who answers. */
  readonly to: Jid;
}

/** An invitation that a room sent for an occupant. */
export interface SentInvitation {
  readonly to: Jid;
  readonly inviter: Jid;
  /** The id of what the inviter sent. */
  readonly id: string | undefined;
}

/** The end of a room that was destroyed on purpose. */
export interface Tombstone {
  readonly at: number;
  /** Where people meet instead. */
  readonly venue: Jid | undefined;
  readonly reason: string;
}

/** What a turn knows beyond the room. */
export interface Terms {
  /** ms since the epoch. */
  readonly now: number;
  readonly settings: MucSettings;
  /** An id that nobody can guess. */
  newId(): string;
  /** XEP-0421. */
  occupantId(room: BareJid, account: BareJid): string;
  /** Why an account may not create the room; undefined if it may. Asked only when there is none. */
  readonly creation: StanzaFailure | undefined;
  /** Whether what is said is archived. */
  readonly hasArchive: boolean;
  /** The id that the archive has for what is said now. */
  readonly saidId: string | undefined;
  /** Whether the archive has the message that a moderator takes back; asked only where history has not. */
  readonly isRecorded: boolean;
  /** Whom of those that the stanza would invite its sender may not; undefined for nobody. */
  readonly uninvited: Uninvited | undefined;
  /** Since when a session may know what was said, in ms since the epoch; undefined: from the beginning. */
  hearsSince(session: FullJid): number | undefined;
  /** Whether a session is that of a guest who was removed, and may not come back yet. */
  isShutOut(session: Jid): boolean;
  /** Whether a session is that of a guest, whose account ends with it. */
  isGuest(session: Jid): boolean;
  /** How many rooms of the service an account is in. */
  roomsOf(account: BareJid): number;
}

/** A message as all heard it. */
export interface Reflected {
  readonly message: Message;
  /** Who sent it; undefined for the room itself. */
  readonly publisher: Occupant | undefined;
  /** His client. */
  readonly session: Jid | undefined;
}

/** The vCard of a room; `xml` is undefined when it was taken away. */
export interface PublishedCard {
  readonly xml: string | undefined;
  /** The hashes of its photos. */
  readonly pictures: readonly string[];
}

/** What became of an event. */
export interface Outcome {
  /** The room as it is now; undefined when there is none, or none any more. */
  readonly room: Room | undefined;
  readonly sends: readonly Sending[];
  readonly relay: Relay | undefined;
  /** How it was destroyed, if it was and must not come back. */
  readonly tombstone: Tombstone | undefined;
  /** What was said, if it is to be remembered. */
  readonly said: Said | undefined;
  /** The message as all heard it, if the archive is to have it, and whose it was. */
  readonly reflected: Reflected | undefined;
  /** Whom the room invites for somebody. */
  readonly invitations: readonly SentInvitation[];
  /** The sessions of those whom a moderator kicked or banned. */
  readonly removed: readonly FullJid[];
  /** What was taken back. */
  readonly retraction: Retraction | undefined;
  /** The vCard that an owner has published. */
  readonly vcard: PublishedCard | undefined;
}

/** A turn of a room that is there. */
export class Turn {
  room: Room;
  readonly terms: Terms;
  readonly sends: Sending[] = [];
  readonly invitations: SentInvitation[] = [];
  readonly removed: FullJid[] = [];
  relay: Relay | undefined;
  tombstone: Tombstone | undefined;
  said: Said | undefined;
  reflected: Reflected | undefined;
  retraction: Retraction | undefined;
  vcard: PublishedCard | undefined;
  /** Whether the room is over. */
  isOver = false;
  /** The number of the last change of the lists of which all have heard (XEP-0463). */
  told = Number.POSITIVE_INFINITY;

  constructor(room: Room, terms: Terms) {
    this.room = room;
    this.terms = terms;
  }

  /** Sends a stanza to its address. */
  send(stanza: Stanza): void {
    this.sends.push({ stanza });
  }

  /** Sends one stanza to many. */
  sendAll(stanza: Message | Presence, to: readonly FullJid[]): void {
    if (to.length > 0) this.sends.push({ stanza, to });
  }

  /** Answers a request. */
  answer(request: Iq, payload?: Element): void {
    this.send(iqResult(request, payload));
  }

  /** Refuses a stanza. */
  refuse(stanza: Stanza, failure: StanzaFailure): void {
    const answer = refusal(stanza, failure, this.room.jid);
    if (answer !== undefined) this.send(answer);
  }

  /** What became of the event. */
  get outcome(): Outcome {
    const { room, isOver, sends, relay, invitations, removed } = this;
    const { tombstone, said, reflected, retraction, vcard } = this;
    const now = isOver ? undefined : room;
    return {
      ...{ room: now, sends, relay, invitations, removed },
      ...{ tombstone, said, reflected, retraction, vcard },
    };
  }
}

/**
 * The error that a room answers with: presence carries the mark of rooms, a message what it was, and
 * both who found the error (XEP-0045 §7.2, §7.5).
 */
export function refusal(stanza: Stanza, failure: StanzaFailure, room: BareJid): Stanza | undefined {
  if (stanza.kind === 'iq') return errorReply(stanza, failure);
  const found = { by: room, ...failure };
  if (stanza.kind === 'presence')
    return errorReply(stanza, { payload: el('x', { xmlns: MUC }), ...found });
  if (stanza.type === 'error') return undefined;
  const { id, from, to, element } = stanza;
  const error = errorElement(found);
  // The children keep their parent, whose namespaces are the same.
  const answer = message({ type: 'error', id, from: to, to: from });
  answer.element.children.push(...element.children, error);
  error.parent = answer.element;
  return answer;
}

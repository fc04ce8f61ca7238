/**
 * Which sessions of an account receive a message: RFC 6121 §8.5, table by table. The interface does
 * not assume that a session is in this process (DESIGN §1).
 */
import { type BareJid, type FullJid, isFull, type Jid } from '../jid/jid.ts';
import type { Message, MessageType, Presence, Stanza } from '../stanza/stanza.ts';
import type { Session, Sessions } from './sessions.ts';

/**
 * What is to be done with a message: `deliver` it to sessions; `keep` it for later if a module can
 * (§8.5.2.2.1), otherwise it is refused; `refuse` it with service-unavailable; `ignore` it.
 */
export type Choice =
  | { readonly kind: 'deliver'; readonly sessions: readonly Session[] }
  | { readonly kind: 'keep' }
  | { readonly kind: 'refuse'; readonly why: string }
  | { readonly kind: 'ignore'; readonly why: string };

/** Chooses sessions, and hands stanzas to them. */
export interface Delivery {
  /** What to do with a message to an existing account, by the rules for its type and address. */
  choose(message: Message, account: BareJid): Choice;
  /** Hands a presence to a full JID, or to all available resources of a bare one (§8.5.2.1.2). */
  presence(presence: Presence, to: Jid, account: BareJid): void;
  /** Hands a stanza to exactly one full JID; false when nobody is bound there. */
  exact(stanza: Stanza, to: FullJid): boolean;
}

/** Delivery to the sessions of this process. */
export function createDelivery(sessions: Sessions): Delivery {
  return {
    choose(message, account) {
      // The client that it answers may be gone by now: it is the account that is to hear of it.
      const type = message.isOwed === true ? 'chat' : message.type;
      if (isFull(message.to)) {
        const session = sessions.at(message.to);
        if (session !== undefined) return { kind: 'deliver', sessions: [session] }; // §8.5.3.1
        return toMissingResource(type, account);
      }
      return toBareJid(type, account);
    },
    presence(presence, to, account) {
      if (isFull(to)) return sessions.at(to)?.send(presence); // §8.5.3.2.2: or silence
      for (const session of sessions.of(account))
        if (session.presence !== undefined) session.send(presence);
    },
    exact(stanza, to) {
      const session = sessions.at(to);
      session?.send(stanza);
      return session !== undefined;
    },
  };

  /** §8.5.2: the address is the account itself. */
  function toBareJid(type: MessageType, account: BareJid): Choice {
    const all = sessions.of(account);
    const ready = all.every(isReady) ? all : all.filter(isReady);
    switch (type) {
      case 'groupchat':
        return { kind: 'refuse', why: 'groupchat to an account' }; // §8.5.2.1.1, §8.5.2.2.1
      case 'error':
        return { kind: 'ignore', why: 'an error to a bare JID' };
      case 'headline':
        if (ready.length === 0) return { kind: 'ignore', why: 'a headline to nobody' };
        return { kind: 'deliver', sessions: ready };
      case 'normal':
      case 'chat':
        // Of the two ways that the RFC allows (the most available, or all) all: each device has it.
        if (ready.length === 0) return { kind: 'keep' };
        return { kind: 'deliver', sessions: ready };
    }
  }

  /** §8.5.3.2.1: the address is a resource that is not bound. */
  function toMissingResource(type: MessageType, account: BareJid): Choice {
    switch (type) {
      case 'chat':
        return toBareJid(type, account);
      case 'normal':
      case 'groupchat':
        // Of "ignore or refuse" the one by which nothing is lost silently.
        return { kind: 'refuse', why: 'no such resource' };
      case 'headline':
      case 'error':
        return { kind: 'ignore', why: 'no such resource' };
    }
  }
}

/** Whether a session takes messages to the bare JID (§8.5.2.1.1): it is available, and its priority not negative. */
export const isReady = ({ presence, priority }: Session): boolean =>
  presence !== undefined && priority >= 0;

/**
 * Whether nobody else is given a message when the resource that it is for is gone (§8.5.3.2.1), nor is it kept:
 * what a room says to an occupant, who leaves it with his session, and a headline to a client. Rooms and nodes
 * send as many of these as they have listeners, and what becomes of each need not be known (bench, `room-200`).
 */
export const isForOne = ({ type, to }: Message): boolean =>
  (type === 'groupchat' || type === 'headline') && isFull(to);

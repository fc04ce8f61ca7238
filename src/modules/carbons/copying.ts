/** Who is given a copy of which message: XEP-0280 §6.1, §7, §8. */
import type { Home } from '../../core/module.ts';
import type { Parcel } from '../../core/parcel.ts';
import type { Session } from '../../core/sessions.ts';
import { type BareJid, bareOf, isFull, type Jid } from '../../jid/jid.ts';
import type { Message } from '../../stanza/stanza.ts';
import type { PresenceApi } from '../presence/index.ts';
import { createAnswers } from './answers.ts';
import { copyOf } from './copy.ts';
import { type Direction, isEligible, isToOccupant } from './eligible.ts';

/** Hands copies to those who are to have them. */
export interface Copies {
  /** §8: what a session sends, to the others of its account. */
  ofSent(message: Message, session: Session): void;
  /** §7: what sessions were given, or none, to those that were not. */
  ofReceived(parcel: Parcel): void;
  /** §6.1: an error that may have come to a resource that is gone. */
  ofReceivedError(message: Message, account: BareJid): void;
}

/** Hands copies to sessions that are `enabled`. */
export function createCopies(
  { sessions, hosts, story }: Home<undefined>,
  enabled: WeakSet<Session>,
  presences: PresenceApi,
): Copies {
  const answers = createAnswers();
  const others = (account: BareJid, isLeftOut: (session: Session) => boolean) =>
    sessions.of(account).filter((session) => enabled.has(session) && !isLeftOut(session));

  const isThere = (address: Jid) => isFull(address) && sessions.at(address) !== undefined;

  /** By its content, or, of an error, by what it answers. */
  const isCopied = (message: Message, direction: Direction, account: BareJid) => {
    if (message.type !== 'error') return isEligible(message, direction);
    const peer = direction === 'sent' ? message.to : message.from;
    return answers.isExpected(account, peer, message.id);
  };

  /** §6.1, note: who is in a room with the same nick, if the sender is in it. */
  const inTheRoom = (message: Message, sender: Session, takers: readonly Session[]) => {
    if (!isToOccupant(message)) return takers;
    const room = bareOf(message.to);
    const nicks = presences.directedTo(sender, room);
    if (nicks.length === 0) return takers;
    return takers.filter((taker) =>
      presences.directedTo(taker, room).some((nick) => nicks.includes(nick)),
    );
  };

  /** XEP-0313 §3.5: the copies have the id in the account's archive, which the recipient has not. */
  const asSent = (message: Message, { host }: Session) =>
    (hosts.get(host)?.dispatch.asSent ?? []).reduce((shown, hook) => hook(shown), message);

  /** Sends a copy that nobody follows. */
  const send = (message: Message, copy: Message, taker: Session) => {
    taker.send(copy, taker.jid);
    if (story.isOn) story.note(message, { kind: 'copied', to: taker.jid });
  };

  return {
    ofSent(message, session) {
      const { account } = session;
      // What is for the account itself is also received by it, and copied then.
      if (bareOf(message.to) === account) return;
      const takers = others(account, (each) => each === session);
      if (takers.length === 0 || !isCopied(message, 'sent', account)) return;
      if (message.type !== 'error') answers.expect(account, message.to, message.id);
      const copy = copyOf(asSent(message, session), 'sent', account);
      for (const taker of inTheRoom(message, session, takers)) send(message, copy, taker);
    },
    ofReceived(parcel) {
      const { message, account, given } = parcel;
      const takers = others(
        account,
        (each) => given.includes(each) || each.jid === message.from, // §8: not to who sent it
      );
      if (takers.length === 0 || message.type === 'error') return;
      if (!isCopied(message, 'received', account)) return;
      answers.expect(account, message.from, message.id);
      const copy = copyOf(message, 'received', account);
      // A client that has a copy has the message (DESIGN D1).
      parcel.hand(takers);
      for (const taker of takers) taker.send(copy, taker.jid, parcel);
    },
    ofReceivedError(message, account) {
      // Where the resource is gone, one that is owed goes to the others itself.
      if (message.isOwed === true && !isThere(message.to)) return;
      const takers = others(account, ({ jid }) => jid === message.to || jid === message.from);
      if (takers.length === 0 || !isCopied(message, 'received', account)) return;
      const copy = copyOf(message, 'received', account);
      for (const taker of takers) send(message, copy, taker);
    },
  };
}

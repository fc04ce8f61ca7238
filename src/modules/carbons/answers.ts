/**
 * Which messages were copied, for the errors that answer them (XEP-0280 §6.1): an error is copied if
 * the message was. It need not contain that message (RFC 6120 §8.3.1), so the id must do.
 */
import { type BareJid, bareOf, type Jid } from '../../jid/jid.ts';
import { BoundedMap } from '../../kit/limits.ts';

/** Messages that are remembered; errors come soon or not at all. */
const MOST = 10_000;
/** Longer ids are not remembered. */
const MOST_CHARACTERS = 200;

/** A memory of copied messages, with a bound. */
export interface Answers {
  /** Notes that a message between an account and a peer was copied. */
  expect(account: BareJid, peer: Jid, id: string | undefined): void;
  /** Whether an error between the two that has this id may answer such a message. */
  isExpected(account: BareJid, peer: Jid, id: string | undefined): boolean;
}

/** Makes an empty memory. */
export function createAnswers(): Answers {
  const known = new BoundedMap<string, true>(MOST);
  return {
    expect(account, peer, id) {
      if (id !== undefined && id.length <= MOST_CHARACTERS)
        known.set(keyOf(account, peer, id), true);
    },
    isExpected: (account, peer, id) =>
      id !== undefined && known.get(keyOf(account, peer, id)) === true,
  };
}

/** No bare JID contains a space. */
const keyOf = (account: BareJid, peer: Jid, id: string) => `${account} ${bareOf(peer)} ${id}`;

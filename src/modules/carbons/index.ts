/** XEP-0280: Message Carbons: each resource of an account has both sides of all conversations. */
import { type MaybePromise, type Verdict, verdict } from '../../core/hooks.ts';
import { type IqRequest, onIq, type Reply, reply } from '../../core/iq.ts';
import { defineModule, type Home } from '../../core/module.ts';
import type { Parcel } from '../../core/parcel.ts';
import type { Session } from '../../core/sessions.ts';
import { type BareJid, bareOf } from '../../jid/jid.ts';
import { CARBONS } from '../../stanza/content.ts';
import type { Message } from '../../stanza/stanza.ts';
import { payload } from '../../xml/codec.ts';
import { type PresenceApi, presence } from '../presence/index.ts';
import { type Answers, createAnswers } from './answers.ts';
import { copyOf } from './copy.ts';
import { type Direction, isEligible, isToOccupant } from './eligible.ts';

/** `<enable/>`. */
export const Enable = payload('enable', CARBONS, {});
/** `<disable/>`. */
export const Disable = payload('disable', CARBONS, {});

/** What other modules may use. */
export interface CarbonsApi {
  /** Whether a session takes part. */
  isEnabled(session: Session): boolean;
  /** Has a session take part, as `<enable/>` does (XEP-0386 asks for it while it binds). */
  enable(session: Session): void;
}

/** The module. */
export const carbons = defineModule<undefined, CarbonsApi>({
  name: 'carbons',
  specs: [
    {
      xep: 280,
      version: '1.0.1',
      covers: 'complete',
      note: 'the rules of urn:xmpp:carbons:rules:0',
    },
    { xep: 297, version: '1.0', covers: 'partial', note: 'the form of carbon copies' },
  ],
  needs: ['presence'],
  features: [CARBONS, 'urn:xmpp:carbons:rules:0'],
  setup(home) {
    const enabled = new WeakSet<Session>();
    const copies = createCopies(home, enabled, home.use(presence));
    return {
      iq: [
        onIq(
          'set',
          ['self'],
          Enable,
          own((session) => enabled.add(session)),
        ),
        onIq(
          'set',
          ['self'],
          Disable,
          own((session) => enabled.delete(session)),
        ),
        // §4.1, §5.1; the same whether there is such an account or not.
        onIq('set', ['server', 'account', 'nobody'], Enable, () => reply.refuse('not-allowed')),
        onIq('set', ['server', 'account', 'nobody'], Disable, () => reply.refuse('not-allowed')),
      ],
      sessionNote: (session) => (enabled.has(session) ? 'carbons' : undefined),
      memory: {
        save: (session) => (enabled.has(session) ? true : undefined),
        restore(session, saved) {
          if (saved === true) enabled.add(session);
        },
      },
      hooks: {
        fromAccount(stanza, session) {
          if (stanza.kind === 'message') copies.ofSent(stanza, session);
          return verdict.pass;
        },
        toAccount(stanza, account): MaybePromise<Verdict> {
          if (stanza.kind === 'message' && stanza.type === 'error')
            copies.ofReceivedError(stanza, account);
          return verdict.pass;
        },
        handed: copies.ofReceived,
      },
      api: {
        isEnabled: (session) => enabled.has(session),
        enable: (session) => void enabled.add(session),
      },
    };
  },
});

/** §10.1: as often as the client likes. A request for oneself has a session, for it is of this host. */
const own =
  (change: (session: Session) => void) =>
  ({ session }: IqRequest<unknown>): Reply => {
    if (session === undefined) return reply.refuse('not-allowed');
    change(session);
    return reply.result();
  };

interface Copies {
  /** §8: what a session sends, to the others of its account. */
  ofSent(message: Message, session: Session): void;
  /** §7: what sessions were given, or none, to those that were not. */
  ofReceived(parcel: Parcel): void;
  /** §6.1: an error that may have come to a resource that is gone. */
  ofReceivedError(message: Message, account: BareJid): void;
}

function createCopies(
  { sessions, story }: Pick<Home<undefined>, 'sessions' | 'story'>,
  enabled: WeakSet<Session>,
  presences: PresenceApi,
): Copies {
  const answers: Answers = createAnswers();
  const others = (account: BareJid, isLeftOut: (session: Session) => boolean) =>
    sessions.of(account).filter((session) => enabled.has(session) && !isLeftOut(session));

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
      const copy = copyOf(message, 'sent', account);
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
      const takers = others(account, ({ jid }) => jid === message.to || jid === message.from);
      if (takers.length === 0 || !isCopied(message, 'received', account)) return;
      const copy = copyOf(message, 'received', account);
      for (const taker of takers) send(message, copy, taker);
    },
  };
}

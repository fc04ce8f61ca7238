/** Who is invited but does not exist: XEP-0045 §7.8.2. Of accounts here that is known, others' servers say it. */
import type { Home } from '../../core/module.ts';
import { type BareJid, bareOf, domainOf, isFull, type Jid, localOf } from '../../jid/jid.ts';
import { BoundedMap } from '../../kit/limits.ts';
import { message } from '../../stanza/build.ts';
import type { StanzaCondition, StanzaFailure } from '../../stanza/condition.ts';
import { conditionOf, errorElement } from '../../stanza/error.ts';
import type { Message } from '../../stanza/stanza.ts';
import { el } from '../../xml/element.ts';
import { invitedIn, nobodyAt } from './inviting.ts';
import { MUC_USER } from './names.ts';
import type { Addressed } from './receive.ts';
import type { SentInvitation } from './turn.ts';

/** Invitations that are remembered at a time; the oldest are forgotten. */
const MAX_OPEN = 10_000;

/** What a server says when it has nobody of that address (RFC 6121 §8.5.1), or is not there itself. */
const NOBODY: ReadonlySet<StanzaCondition> = new Set<StanzaCondition>([
  'gone',
  'item-not-found',
  'remote-server-not-found',
  'service-unavailable',
]);

/** Whom somebody may not invite, and why. */
export type Uninvited = ReadonlyMap<BareJid, StanzaFailure>;

/** A room is no way out of this server for those who may not leave it (core/bounds.ts). */
const OUTSIDE: StanzaFailure = {
  condition: 'forbidden',
  text: 'Guests invite people of this server only.',
};

/** Invitees, as far as the rooms know of them. */
export interface Invitees {
  /**
   * Those whom a message would invite that would be accounts here, and are none, or are out of bounds for a
   * guest; undefined when it invites nobody.
   */
  uninvited(stanza: Addressed<Message>, most: number): Promise<Uninvited> | undefined;
  /** Remembers an invitation to somebody elsewhere. */
  sent(room: BareJid, invitation: SentInvitation): void;
  /** The error for the inviter, if this one says that nobody was there to be invited. */
  returned(error: Addressed<Message>): Message | undefined;
}

/** Makes it. */
export function createInvitees(
  home: Pick<Home<unknown>, 'hosts' | 'accounts' | 'authority'>,
): Invitees {
  const open = new BoundedMap<string, SentInvitation>(MAX_OPEN);
  const keyOf = (room: BareJid, invitee: Jid) => `${room}\0${bareOf(invitee)}`;
  const isOurs = (jid: Jid) => home.hosts.get(domainOf(jid)) !== undefined;
  const isGuest = ({ from }: Message) =>
    home.hosts.get(domainOf(from)) !== undefined && home.authority.isGuest(bareOf(from));
  const refusalOf = async (stanza: Message, to: BareJid): Promise<StanzaFailure | undefined> => {
    if (!home.authority.isInside(domainOf(to)))
      return (await isGuest(stanza)) ? OUTSIDE : undefined;
    if (!isOurs(to) || localOf(to) === '') return undefined;
    return (await home.accounts.exists(to)) ? undefined : nobodyAt(to);
  };
  return {
    uninvited(stanza, most) {
      const invited = invitedIn(stanza).slice(0, most).map(bareOf);
      if (invited.length === 0) return undefined;
      const asked = invited.map(async (to) => [to, await refusalOf(stanza, to)] as const);
      return Promise.all(asked).then(
        (all) => new Map(all.flatMap(([to, failure]) => (failure ? [[to, failure]] : []))),
      );
    },
    sent(room, invitation) {
      if (!isOurs(invitation.to)) open.set(keyOf(room, invitation.to), invitation);
    },
    returned(error) {
      const condition = conditionOf(error);
      if (condition === undefined || !NOBODY.has(condition) || isFull(error.to)) return undefined;
      const room = bareOf(error.to);
      const key = keyOf(room, error.from);
      const invitation = open.get(key);
      if (invitation === undefined) return undefined;
      open.delete(key);
      const { inviter, id, to } = invitation;
      const invite = el('x', { xmlns: MUC_USER }, el('invite', { to }));
      const fault = errorElement({ by: room, ...nobodyAt(to) });
      return message({ type: 'error', id, from: room, to: inviter, children: [invite, fault] });
    },
  };
}

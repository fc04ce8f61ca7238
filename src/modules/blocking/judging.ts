/** What becomes of stanzas between an account and whom it blocks: XEP-0191 §3.3. */
import { type MaybePromise, type Verdict, verdict } from '../../core/hooks.ts';
import { type BareJid, bareOf, isFull, type Jid, parseJid } from '../../jid/jid.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import { contentOf, MUC_USER } from '../../stanza/content.ts';
import type { Message, Stanza } from '../../stanza/stanza.ts';
import { childOf, childrenOf, type Element, isNamed } from '../../xml/element.ts';
import { type BlockedJids, type BlockLists, NOBODY } from './lists.ts';
import { BLOCKING_ERRORS, blockedElement } from './payloads.ts';

/** The judges of both directions. */
export interface Judging {
  /** A stanza from a session of an account. */
  outbound(stanza: Stanza, account: BareJid): MaybePromise<Verdict>;
  /** A stanza for an account. */
  inbound(stanza: Stanza, account: BareJid): MaybePromise<Verdict>;
}

const BLOCKED = verdict.drop('the sender is blocked');

/** Makes the judges. */
export function createJudging(lists: BlockLists): Judging {
  /**
   * The `<blocked/>` elements that are on their way to users: an error that has one of them is ours, though
   * it is in the name of somebody who is blocked. What others send has elements of its own.
   */
  const ours = new WeakSet<Element>();
  const refusal = (): StanzaFailure => {
    const app = blockedElement();
    ours.add(app);
    return { condition: 'not-acceptable', type: 'cancel', app };
  };
  const isOurs = ({ element }: Stanza) => {
    const error = childOf(element, 'error');
    const found = error && childOf(error, 'blocked', BLOCKING_ERRORS);
    return found !== undefined && ours.has(found);
  };

  const judgeOutbound = (list: BlockedJids, { to }: Stanza, account: BareJid): Verdict => {
    const isBlocked = to !== undefined && isBlockedBy(list, account)?.(to) === true;
    return isBlocked ? verdict.bounce(refusal()) : verdict.pass;
  };
  const judgeInbound = (list: BlockedJids, stanza: Stanza, account: BareJid): Verdict => {
    if (isBlockedBy(list, account)?.(stanza.from) === true)
      return isOurs(stanza) ? verdict.pass : inboundVerdict(stanza);
    const isInvited = stanza.kind === 'message' && isInvitation(stanza, list);
    return isInvited ? verdict.drop('an invitation of somebody who is blocked') : verdict.pass;
  };

  return {
    // On the way of each stanza: for those who block nobody it is one look-up, and nothing is made.
    outbound(stanza, account) {
      const list = lists.of(account);
      if (list === NOBODY) return verdict.pass;
      if (list instanceof Promise) return list.then((late) => judgeOutbound(late, stanza, account));
      return judgeOutbound(list, stanza, account);
    },
    inbound(stanza, account) {
      const list = lists.of(account);
      if (list === NOBODY) return verdict.pass;
      if (list instanceof Promise) return list.then((late) => judgeInbound(late, stanza, account));
      return judgeInbound(list, stanza, account);
    },
  };
}

/**
 * What an account's list blocks; undefined if nothing. One's own resources never are (XEP-0016 §2.1, by
 * XEP-0191 §4).
 */
export function isBlockedBy(
  list: BlockedJids,
  account: BareJid,
): ((jid: Jid) => boolean) | undefined {
  return list === NOBODY ? undefined : (jid) => list.has(jid) && bareOf(jid) !== account;
}

function inboundVerdict(stanza: Stanza): Verdict {
  switch (stanza.kind) {
    case 'presence':
      return BLOCKED;
    case 'iq':
      return isRequest(stanza.type) ? UNAVAILABLE : BLOCKED;
    case 'message':
      // Of a room an error would have the user thrown out of it, for one of its occupants.
      return isConversation(stanza) ? UNAVAILABLE : BLOCKED;
  }
}

/** The same as from an account that nobody is signed in to. */
const UNAVAILABLE = verdict.bounce({ condition: 'service-unavailable' });

const isRequest = (type: string) => type === 'get' || type === 'set';

function isConversation(message: Message): boolean {
  if (message.type !== 'chat' && message.type !== 'normal') return false;
  return !(isFull(message.from) && contentOf(message).has('room'));
}

/** Whether a message invites to a room that is blocked, or in the name of somebody who is. */
function isInvitation({ element }: Message, list: BlockedJids): boolean {
  return childrenOf(element).some((child) => {
    if (isNamed(child, 'x', 'jabber:x:conference')) return hasRaw(child.attrs['jid'], list);
    if (!isNamed(child, 'x', MUC_USER)) return false;
    const said = childrenOf(child).filter(({ name }) => name === 'invite' || name === 'decline');
    return said.some(({ attrs }) => hasRaw(attrs.from, list));
  });
}

function hasRaw(raw: string | undefined, list: BlockedJids): boolean {
  const jid = raw === undefined ? undefined : parseJid(raw);
  return jid?.ok === true && list.has(jid.value);
}

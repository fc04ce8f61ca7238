/**
 * No doubles for clients that have both: who reads what he missed from his archive (XEP-0313 §6.1.1) is
 * not sent what was kept for him and stands there, too. It is as if he had acknowledged it.
 */
import type { Home } from '../../core/module.ts';
import type { Session } from '../../core/sessions.ts';
import { type BareJid, type Domain, domainOf } from '../../jid/jid.ts';
import { Delay } from '../../stanza/delay.ts';
import { type Form, readForm } from '../../stanza/form.ts';
import { readPageRequest } from '../../stanza/rsm.ts';
import type { Message, Stanza } from '../../stanza/stanza.ts';
import { stanzaIdOf } from '../../stanza/stanza-id.ts';
import { childOf, childrenOf, type Element, isNamed } from '../../xml/element.ts';

const MAM = 'urn:xmpp:mam:2';

/** Knows which sessions read their archive, and since when. */
export interface ArchiveReading {
  /** A session has bound its resource: by XEP-0386 §3.2 it reads its archive. */
  bound(session: Session): void;
  /** A session sends something: before it is available it may be a query of its archive. */
  sent(stanza: Stanza, session: Session): void;
  /** Whether a session had a kept message from its archive. */
  has(session: Session, message: Message): boolean;
  /** Whether an account's archive has a message, so that it need not be refused where there is no room. */
  holds(account: BareJid, message: Message): boolean;
}

/** Parts of a query that say from where on the client knows nothing. */
const BEGINNINGS: ReadonlySet<string> = new Set(['start', 'after-id']);
/** Parts of a query that leave nothing out but what the client knows already. */
const BOUNDS: ReadonlySet<string> = new Set([...BEGINNINGS, 'include-groupchat']);

/** Makes the knowledge. */
export function createArchiveReading(home: Home<unknown>): ArchiveReading {
  /** When it was read, in ms since the epoch. */
  const read = new WeakMap<Session, number>();
  // Who adds ids takes those away that others made up.
  const isArchiving = (host: Domain) => home.features(host, 'account').includes(MAM);
  const note = (session: Session) => {
    if (isArchiving(session.host)) read.set(session, home.clock.now());
  };
  return {
    bound(session) {
      if (session.isBind2) note(session);
    },
    sent(stanza, session) {
      if (stanza.kind !== 'iq' || stanza.type !== 'set' || session.presence !== undefined) return;
      const { payload, to } = stanza;
      if (payload === undefined || to !== session.account || !isNamed(payload, 'query', MAM))
        return;
      if (isOfAll(payload)) note(session);
    },
    has(session, message) {
      const since = read.get(session);
      if (since === undefined) return false;
      return stanzaIdOf(message, session.account) !== undefined && arrivalOf(message) < since;
    },
    holds: (account, message) =>
      stanzaIdOf(message, account) !== undefined && isArchiving(domainOf(account)),
  };
}

/**
 * Whether a query is for all messages that the client does not know: of everybody, not those with one
 * contact or some words, and from the first page on, or from the last one back to where they begin.
 */
function isOfAll(query: Element): boolean {
  const page = readPageRequest(query);
  if (page === undefined || page.max === 0 || (page.index ?? 0) > 0) return false;
  const x = childOf(query, 'x', 'jabber:x:data');
  const form = x === undefined ? EMPTY : readForm(x);
  if (form?.fields.every(({ name }) => BOUNDS.has(name)) !== true) return false;
  return page.before === undefined || form.fields.some(({ name }) => BEGINNINGS.has(name));
}

const EMPTY: Pick<Form, 'fields'> = { fields: [] };

/** When a kept message came; as late as can be if that is not written in it. */
function arrivalOf({ element, to }: Message): number {
  for (const child of childrenOf(element)) {
    const delay = Delay.decode(child);
    if (delay?.from === domainOf(to)) return delay.stamp;
  }
  return Number.POSITIVE_INFINITY;
}

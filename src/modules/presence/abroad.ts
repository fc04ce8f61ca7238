/**
 * Who of other domains was seen here: when a domain is beyond reach, nobody there will say goodbye,
 * so we say it to those who saw him; and when it is there again, they ask anew (RFC 6121 §4.3).
 */
import type { Session } from '../../core/sessions.ts';
import { type BareJid, bareOf, type Domain, domainOf, isFull, type Jid } from '../../jid/jid.ts';
import { presence } from '../../stanza/build.ts';
import type { Presence } from '../../stanza/stanza.ts';
import { type Context, probeOf } from './context.ts';
import { createSeen, type Sight } from './seen.ts';

/** How long the answers to our probes may take; who is not there by then is gone. */
const CONFIRM_MS = 30_000;

/** What this module knows of other domains. */
export interface Abroad {
  /** A presence comes from another domain. */
  note(stanza: Presence, account: BareJid): void;
  /** An account does not see a contact any more, or one resource of his: it blocks him. */
  conceal(account: BareJid, contact: Jid): void;
  /** What a session saw, at its own address or that of its account. */
  seenBy(session: Session): readonly Sight[];
  /** What an account saw before the server was started. */
  recall(account: BareJid, from: Jid, to: Jid): void;
  /** Asks anew all contacts of an account in other domains: they may have come and gone unnoticed. */
  confirm(account: BareJid): Promise<void>;
  /** A session is over, and perhaps the last one of its account. */
  forget(session: Jid, isLast: boolean): void;
  /** The way to another domain had broken, and is gone or there again. */
  changed(domain: Domain, now: 'gone' | 'again', host: Domain): Promise<void>;
}

/** Makes the record, with nobody in it. */
export function createAbroad(context: Context): Abroad {
  const { home } = context;
  const seen = createSeen();
  /** Contacts who were said to be gone with their domain, or could not be asked, by account. */
  const missed = new Map<BareJid, Set<BareJid>>();

  /** The sessions that get a presence to an address of an account (§8.5.2.1.2, §8.5.3). */
  const seersOf = (account: BareJid, to: Jid): readonly Session[] => {
    if (!isFull(to)) return context.available(account);
    const session = home.sessions.at(to);
    return session === undefined ? [] : [session];
  };

  /** Tells those who saw somebody that he is gone. */
  const sayGoodbye = (account: BareJid, from: Jid, to: Jid) => {
    seen.delete(account, from, to);
    const goodbye = presence({ type: 'unavailable', from, to });
    for (const session of seersOf(account, to)) session.send(goodbye, session.jid);
  };

  const miss = (account: BareJid, contact: BareJid) =>
    void missed.set(account, (missed.get(account) ?? new Set()).add(contact));

  /** An error came from a contact, such as our probe that could not reach him. */
  const missAsked = async (account: BareJid, contact: BareJid) => {
    const { items } = await context.rosters.of(account);
    const isHere = context.available(account).length > 0;
    if (isHere && items.get(contact)?.to === true) miss(account, contact);
  };

  const lose = (domain: Domain, host: Domain) => {
    for (const { account, from, to } of [...seen.of(domain, host)]) {
      sayGoodbye(account, from, to);
      miss(account, bareOf(from));
    }
  };

  /** Asks anew about the contacts of one account whom it saw or misses. */
  const ask = async (account: BareJid, contacts: ReadonlySet<BareJid>): Promise<void> => {
    if (context.available(account).length === 0) return;
    const { items } = await context.rosters.of(account);
    const asked = [...contacts].filter((contact) => items.get(contact)?.to === true);
    const probes = asked.map((contact) => probeOf(account, contact));
    const before = seen.mark();
    home.clock.after(CONFIRM_MS, () => {
      for (const contact of asked)
        for (const { from, to } of seen.before(account, contact, before))
          sayGoodbye(account, from, to);
    });
    await context.routeAll(probes);
  };

  const meetAgain = async (domain: Domain, host: Domain): Promise<void> => {
    const asking = new Map<BareJid, Set<BareJid>>();
    const add = (account: BareJid, contact: BareJid) =>
      void asking.set(account, (asking.get(account) ?? new Set()).add(contact));
    for (const { account, from } of seen.of(domain, host)) add(account, bareOf(from));
    for (const [account, contacts] of missed)
      for (const contact of contacts)
        if (domainOf(contact) === domain && domainOf(account) === host) {
          contacts.delete(contact);
          add(account, contact);
        }
    for (const [account, contacts] of asking) await ask(account, contacts);
  };

  return {
    note(stanza, account) {
      const { type, from, to = account } = stanza;
      if (context.isLocal(from)) return;
      if (type === 'available' && seersOf(account, to).length > 0) seen.add(account, from, to);
      if (type !== 'unavailable' && type !== 'error') return;
      seen.delete(account, from, to);
      // What answers a probe when nobody is there is from the bare JID (§4.3.2).
      if (!isFull(from))
        for (const each of seen.before(account, from, seen.mark()))
          sayGoodbye(account, each.from, each.to);
      if (type === 'error' && !isFull(from))
        missAsked(account, bareOf(from)).catch((error: unknown) =>
          home.log.error({ err: error, account }, 'who is not there was not noted'),
        );
    },
    conceal(account, contact) {
      for (const { from, to } of seen.before(account, bareOf(contact), seen.mark()))
        if (from === contact || !isFull(contact)) sayGoodbye(account, from, to);
    },
    seenBy: ({ account, jid }) => [...seen.by(account, account), ...seen.by(account, jid)],
    recall: seen.add,
    async confirm(account) {
      const { items } = await context.rosters.of(account);
      await ask(account, new Set([...items.keys()].filter((contact) => !context.isLocal(contact))));
    },
    forget(session, isLast) {
      const account = bareOf(session);
      if (isLast) missed.delete(account);
      seen.forget(account, isLast ? undefined : session);
    },
    async changed(domain, now, host) {
      if (now === 'gone') lose(domain, host);
      else await meetAgain(domain, host);
    },
  };
}

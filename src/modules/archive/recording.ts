/**
 * Keeps what accounts send and receive, as it passes (XEP-0313 §3.4, §6.1.1; XEP-0359). Nobody waits
 * for it: what is kept is owed.
 */
import type { MaybePromise, Verdict } from '../../core/hooks.ts';
import { verdict } from '../../core/hooks.ts';
import type { Home } from '../../core/module.ts';
import type { Session } from '../../core/sessions.ts';
import { type BareJid, bareOf, domainOf, isFull, type Jid } from '../../jid/jid.ts';
import type { Message, Stanza } from '../../stanza/stanza.ts';
import { withoutStanzaIds, withStanzaId } from '../../stanza/stanza-id.ts';
import type { Element } from '../../xml/element.ts';
import type { RosterApi } from '../roster/index.ts';
import type { Archives } from './archives.ts';
import type { Owner } from './owners.ts';
import { isWanted } from './preferences.ts';
import { rulesFor } from './prefs.ts';
import { worthOf } from './rules.ts';
import type { ArchiveSettings } from './settings.ts';

/** The hooks by which messages are kept. */
export interface Recording {
  fromAccount(stanza: Stanza, session: Session): MaybePromise<Verdict>;
  toAccount(stanza: Stanza, account: BareJid): MaybePromise<Verdict>;
  /**
   * A message as its sender's own clients may see it: with its id in the sender's archive, where it
   * was kept there and the sender has other sessions (XEP-0313 §3.5, for XEP-0280).
   */
  asSent(message: Message): Message;
}

/** Makes the hooks. */
export function createRecording(
  home: Home<ArchiveSettings>,
  archives: Archives,
  rosters: RosterApi,
): Recording {
  const { story } = home;
  /** Ids of what accounts with several sessions sent, by the message's tree. */
  const sentIds = new WeakMap<Element, string>();
  /** What is owed already for the message that was sent last, which is likely to come in next. */
  let sent: { readonly message: Message; readonly settled: Promise<unknown> } | undefined;

  const isContact = (account: BareJid) => (contact: BareJid) =>
    after(rosters.of(account), ({ items }) => items.get(contact)?.isListed === true);

  /** The owner of an account's archive, if it wants messages with an address. */
  const ownerFor = (account: BareJid, peer: Jid): MaybePromise<Owner | undefined> => {
    const room = archives.room();
    if (room !== undefined) return room.then(() => ownerFor(account, peer));
    return after(archives.of(account), (owner) => {
      const rules = rulesFor(owner, home.configOf(domainOf(account)));
      const wanted = isWanted(rules, account, peer, isContact(account));
      return after(wanted, (isSo) => (isSo ? owner : undefined));
    });
  };

  const keepSent = (owner: Owner, message: Message, worth: 'kept' | 'searchable') => {
    const place = archives.reserve(owner);
    if (home.sessions.of(owner.jid).length > 1) sentIds.set(message.element, place.uid);
    const entry = {
      peer: message.to,
      text: message.wire.text,
      isSearchable: worth === 'searchable',
    };
    const settled = archives.keep(place, entry);
    if (story.isOn) story.note(message, { kind: 'archived', account: owner.jid, id: place.uid });
    sent = { message, settled };
    return settled;
  };

  return {
    fromAccount(stanza, session) {
      if (stanza.kind !== 'message') return verdict.pass;
      const { account } = session;
      const message = withoutStanzaIds(stanza, account);
      const isSame = message === stanza;
      const worth = worthOf(message);
      // What one sends to oneself is kept once, where it comes in (§6.1.1).
      if (worth === 'none' || session.isAnonymous || bareOf(message.to) === account)
        return isSame ? verdict.pass : verdict.passAs(message);
      return after(ownerFor(account, message.to), (owner) => {
        const settled = owner === undefined ? undefined : keepSent(owner, message, worth);
        if (!isSame) return verdict.passAs(message, settled);
        return settled === undefined ? verdict.pass : verdict.passOwing(settled);
      });
    },
    toAccount(stanza, account) {
      if (stanza.kind !== 'message') return verdict.pass;
      const message = withoutStanzaIds(stanza, account);
      const passed = message === stanza ? verdict.pass : verdict.passAs(message);
      const worth = worthOf(message);
      if (worth === 'none' || home.accounts.isTemporary(account) || isRefused(message))
        return passed;
      return after(ownerFor(account, message.from), (owner) => {
        if (owner === undefined) return passed;
        const place = archives.reserve(owner);
        const entry = {
          peer: message.from,
          // Without the id, it is the text that its sender keeps.
          text: message.wire.text,
          isSearchable: worth === 'searchable',
        };
        const settled = archives.keep(place, entry);
        const kept = withStanzaId(message, account, place.uid); // §3.5
        if (story.isOn) story.note(kept, { kind: 'archived', account, id: place.uid });
        const isOwed = sent?.message === stanza && sent.settled === settled;
        return verdict.passAs(kept, isOwed ? undefined : settled);
      });
    },
    asSent(message) {
      const id = sentIds.get(message.element);
      return id === undefined ? message : withStanzaId(message, bareOf(message.from), id);
    },
  };

  /** What will be refused is not in the archive of who never got it (§6.1; RFC 6121 §8.5.3.2.1). */
  function isRefused({ type, to }: Message): boolean {
    return type === 'normal' && isFull(to) && home.sessions.at(to) === undefined;
  }
}

/** Goes on at once where nothing has to be waited for. */
function after<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

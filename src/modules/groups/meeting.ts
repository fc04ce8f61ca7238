/** Those who share a group see each other, in their rosters (RFC 6121 §2.1.6) and by presence (§4). */
import type { Home } from '../../core/module.ts';
import type { BareJid } from '../../jid/jid.ts';
import type { PresenceApi } from '../presence/index.ts';
import type { RosterApi, SharedContacts } from '../roster/index.ts';
import type { Meeting } from './groups.ts';

/** After so many contacts others have their turn. */
const SLICE = 100;

/** Makes it. */
export function createMeeting(
  { sessions }: Pick<Home<unknown>, 'sessions'>,
  rosters: RosterApi,
  presences: PresenceApi,
): Meeting {
  const isHere = (account: BareJid) => sessions.of(account).length > 0;

  const tellOf = async (
    account: BareJid,
    contact: BareJid,
    was: readonly string[] | undefined,
    is: readonly string[] | undefined,
  ) => {
    await rosters.push(account, contact);
    if (!isHere(contact)) return;
    const { items } = await rosters.own(account);
    // Those who subscribed by themselves see each other with or without a group.
    if (items.get(contact)?.from === true) return;
    if (was === undefined && is !== undefined) await presences.introduce(account, contact);
    if (was !== undefined && is === undefined) await presences.part(account, contact);
  };

  return {
    async changed(account, before, after) {
      let told = 0;
      for (const contact of changedBetween(before, after)) {
        const was = before?.contacts.get(contact);
        const is = after?.contacts.get(contact);
        await tellOf(account, contact, was, is);
        told += 1;
        if (told % SLICE === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

/** The contacts of whom one of two states says something else than the other. */
function changedBetween(
  before: SharedContacts | undefined,
  after: SharedContacts | undefined,
): readonly BareJid[] {
  if (before === after) return [];
  const contacts = new Set([...(before?.contacts.keys() ?? []), ...(after?.contacts.keys() ?? [])]);
  return [...contacts].filter(
    (contact) => !isSameList(before?.contacts.get(contact), after?.contacts.get(contact)),
  );
}

const isSameList = (one: readonly string[] | undefined, other: readonly string[] | undefined) =>
  one?.length === other?.length && one?.every((each, index) => each === other?.[index]) !== false;

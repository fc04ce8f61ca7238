/** What rosters offer to this module's handlers and to other modules. */
import type { MaybePromise } from '../../core/hooks.ts';
import type { Home, SessionMemory } from '../../core/module.ts';
import type { Session } from '../../core/sessions.ts';
import { type BareJid, domainOf } from '../../jid/jid.ts';
import { iqSet, presence } from '../../stanza/build.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import type { Iq } from '../../stanza/stanza.ts';
import type { RosterItem } from './item.ts';
import { rosterPush } from './payloads.ts';
import { createRosters, type Roster, type RosterChange, type Rosters } from './rosters.ts';
import { createMerging, type SharedContacts, type SharedSource } from './sharing.ts';

/** Limits of rosters, as an admin sets them for a host. */
export interface RosterLimits {
  readonly maxItems: number;
  readonly maxNameLength: number;
  readonly maxGroupLength: number;
  readonly maxGroups: number;
}

/** What a session was told of its roster. */
export interface SeenRoster {
  readonly version: string;
  readonly items: readonly RosterItem[];
}

/** Is told of each change of an item, once it is on the disk. */
export type RosterListener = (account: BareJid, contact: BareJid, change: RosterChange) => void;

/** What other modules may do with rosters. */
export interface RosterApi extends Rosters {
  /** The roster as the user sees it: his own items, and what he shares by groups. */
  of(account: BareJid): MaybePromise<Roster>;
  /** The user's own items alone. */
  own(account: BareJid): MaybePromise<Roster>;
  /** The groups by which an account shares a contact; undefined if it does not. */
  sharedGroups(account: BareJid, contact: BareJid): MaybePromise<readonly string[] | undefined>;
  /** Takes what knows what accounts share; there is one at most. */
  useShared(source: SharedSource): void;
  /** Tells the account's interested resources how an item is now (RFC 6121 §2.1.6). */
  push(account: BareJid, contact: BareJid): Promise<void>;
  /** The sessions that asked for the roster and so are told of changes ("interested", §2.2). */
  interested(account: BareJid): readonly Session[];
  /** From now on the session is told of changes, and now of those since what it was told. */
  follow(session: Session, seen: SeenRoster): Promise<void>;
  /** Why another contact cannot be listed; undefined when one can. */
  refusalToAdd(account: BareJid, roster: Roster): StanzaFailure | undefined;
  /** Who is told of changes, for sessions that outlive the process. */
  readonly memory: SessionMemory;
  /** Takes what tells a contact that an account is gone for him; there is one at most. */
  useParting(part: (account: BareJid, contact: BareJid) => MaybePromise<void>): void;
  /** Ends, towards the contact, what an item that is removed had: §2.5.2. */
  sendFarewell(account: BareJid, item: RosterItem): Promise<void>;
  /** Adds one who is told of all changes. */
  onChange(listener: RosterListener): void;
}

/** Opens the rosters. */
export function createRosterApi(home: Home<RosterLimits>): RosterApi {
  const rosters = createRosters(home.store, home.clock.now);
  const following = new WeakSet<Session>();
  const listeners: RosterListener[] = [];
  const merging = createMerging();
  let source: SharedSource | undefined;
  let parting: Parameters<RosterApi['useParting']>[0] | undefined;
  const of = (account: BareJid): MaybePromise<Roster> => {
    const own = rosters.of(account);
    const shared = source?.of(account);
    if (own instanceof Promise || shared instanceof Promise)
      return Promise.all([own, shared]).then(([mine, ours]) => merging.merged(account, mine, ours));
    return merging.merged(account, own, shared);
  };
  const groupsIn = (shared: SharedContacts | undefined, contact: BareJid) =>
    shared?.contacts.get(contact);
  const interested = (account: BareJid) =>
    home.sessions.of(account).filter((session) => following.has(session));
  return {
    ...rosters,
    of,
    own: rosters.of,
    sharedGroups(account, contact) {
      const shared = source?.of(account);
      if (shared instanceof Promise) return shared.then((late) => groupsIn(late, contact));
      return groupsIn(shared, contact);
    },
    useShared(brought) {
      if (source !== undefined) throw new Error('there is a source of shared contacts already');
      source = brought;
    },
    async change(account, contact, decide) {
      const change = await rosters.change(account, contact, decide);
      if (change !== undefined) for (const tell of listeners) tell(account, contact, change);
      return change;
    },
    onChange: (listener) => void listeners.push(listener),
    interested,
    memory: {
      save: (session) => (following.has(session) ? true : undefined),
      restore(session, saved) {
        if (saved === true) following.add(session);
      },
    },
    async push(account, contact) {
      const sessions = interested(account);
      if (sessions.length === 0) return;
      // As it is now: of two pushes the last is right, in whatever order their changes got here.
      const push = pushOf(account, contact, await of(account));
      for (const session of sessions) session.send(push, session.jid);
    },
    async follow(session, seen) {
      following.add(session);
      const roster = await of(session.account);
      if (roster.version === seen.version) return;
      const changed = new Set(roster.items.keys());
      for (const item of seen.items) {
        if (roster.items.get(item.contact) === item) changed.delete(item.contact);
        else changed.add(item.contact);
      }
      for (const contact of changed)
        session.send(pushOf(session.account, contact, roster), session.jid);
    },
    refusalToAdd(account, { items }) {
      const most = home.configOf(domainOf(account)).maxItems;
      if (items.size < most) return undefined;
      let listed = 0;
      for (const item of items.values()) if (item.isListed) listed += 1;
      if (listed < most) return undefined;
      return { condition: 'policy-violation', text: `A roster has at most ${most} contacts.` };
    },
    useParting(part) {
      if (parting !== undefined) throw new Error('it is told already who is gone');
      parting = part;
    },
    async sendFarewell(account, { contact, to, from, pendingOut, pendingIn }) {
      if (to || pendingOut)
        await home.route(presence({ type: 'unsubscribe', from: account, to: contact }));
      if (from) await parting?.(account, contact); // §3.2.2
      if (from || pendingIn)
        await home.route(presence({ type: 'unsubscribed', from: account, to: contact }));
    },
  };
}

function pushOf(account: BareJid, contact: BareJid, { version, items }: Roster): Iq {
  const payload = rosterPush(version, contact, items.get(contact));
  return iqSet({ from: account, to: account, payload });
}

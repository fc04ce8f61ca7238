/**
 * RFC 6121 §3: what an account said of subscriptions to a contact in another domain, and what came back
 * because it could not be reached. Until it is said again, the two servers know different things: a contact
 * goes on sending presence to who no longer wants it, or waits for an answer that was given. So it is
 * written down; and once the domain is there again, the contact is told how things are then. What he knows
 * already his server passes over (Appendix A.3).
 */
import type { MaybePromise } from '../../core/hooks.ts';
import { type BareJid, bareOf, type Domain, domainOf } from '../../jid/jid.ts';
import { randomId } from '../../kit/ids.ts';
import { BoundedMap } from '../../kit/limits.ts';
import { presence } from '../../stanza/build.ts';
import type { StanzaCondition } from '../../stanza/condition.ts';
import { conditionOf } from '../../stanza/error.ts';
import type { Presence } from '../../stanza/stanza.ts';
import type { Migration } from '../../store/store.ts';
import { STRANGERS, type Standing } from '../roster/index.ts';
import { type Context, isOfProbe } from './context.ts';
import type { SubscriptionType } from './subscription.ts';

/** Contacts to whom something is to be said again: of one account, and of all. */
const MOST_OF_ACCOUNT = 1000;
const MOST = 100_000;
/** How many of them are told at a time when the account comes. */
const MOST_AT_ONCE = 50;
/** A domain that was not reached for so long is gone for good. */
const KEPT_MS = 30 * 86_400_000;
/** Contacts of whom it is remembered that they were taken from a roster, and accounts that came. */
const REMEMBERED = 10_000;

/** Errors of stanzas that did not get there; others are answers. */
const UNREACHED: readonly (StanzaCondition | undefined)[] = [
  'remote-server-timeout',
  'remote-server-not-found',
  'internal-server-error',
  'resource-constraint',
];

interface Tables {
  presence_unheard: { account: BareJid; contact: BareJid; since: number };
}

/** The migrations of its table. */
export const unheardMigrations: readonly Migration[] = [
  {
    name: 'what other domains did not hear of subscriptions',
    up: [
      `CREATE TABLE presence_unheard (
        account TEXT NOT NULL, contact TEXT NOT NULL, since BIGINT NOT NULL,
        PRIMARY KEY (account, contact)
      )`,
    ],
  },
];

/** What is to be said again. */
export interface Unheard {
  /** A contact is taken from a roster. */
  parted(account: BareJid, contact: BareJid): void;
  /** An error came to the bare JID of an account. */
  returned(error: Presence, account: BareJid): Promise<void> | undefined;
  /** A domain is there again. */
  again(domain: Domain, host: Domain): Promise<void>;
  /** A resource of an account is there: the first time since the start, and then after some time. */
  came(account: BareJid, afterMs: number): Promise<void>;
  /** An account is removed. */
  forget(account: BareJid): Promise<void>;
}

/** Makes it. */
export function createUnheard(context: Context): Unheard {
  const { home, rosters, isLocal } = context;
  const table = createTable(home);
  const parted = new BoundedMap<string, true>(REMEMBERED);
  const cameAt = new BoundedMap<BareJid, number>(REMEMBERED);

  /** Tells a contact how things stand; what comes back is written down anew. */
  const tell = async (account: BareJid, contact: BareJid): Promise<void> => {
    table.pass(account, contact);
    const { items } = await rosters.of(account);
    const standing = items.get(contact) ?? STRANGERS;
    const said = wordsFor(standing);
    await context.routeAll(
      said.map((type) => presence({ type, from: account, to: contact, id: randomId() })),
    );
    if (standing.from) await context.sendPresence(account, contact);
    await table.settle(account, contact);
  };

  const note = async (account: BareJid, contact: BareJid): Promise<void> => {
    const { items } = await rosters.of(account);
    // Who else sends errors was told nothing that could have come back.
    const wasTold = items.has(contact) || parted.get(`${account} ${contact}`) === true;
    if (wasTold) await table.add(account, contact);
  };

  return {
    parted: (account, contact) => void parted.set(`${account} ${contact}`, true),
    returned(error, account) {
      const contact = bareOf(error.from);
      if (isLocal(contact) || isOfProbe(error.id)) return undefined;
      if (!UNREACHED.includes(conditionOf(error))) return undefined;
      return note(account, contact).catch((err: unknown) =>
        home.log.error({ err, account, contact }, 'what came back was not written down'),
      );
    },
    async again(domain, host) {
      const told: (readonly [BareJid, BareJid])[] = []; // what comes back meanwhile is for the next time
      for (const [account, contacts] of await table.all())
        if (domainOf(account) === host)
          for (const contact of contacts)
            if (domainOf(contact) === domain) told.push([account, contact]);
      for (const [account, contact] of told) await tell(account, contact);
    },
    async came(account, afterMs) {
      const contacts = (await table.all()).get(account);
      const before = cameAt.get(account);
      const isEarly = before !== undefined && home.clock.monotonic() - before < afterMs;
      if (contacts === undefined || afterMs === 0 || isEarly) return;
      cameAt.set(account, home.clock.monotonic());
      for (const contact of [...contacts].slice(0, MOST_AT_ONCE)) await tell(account, contact);
    },
    forget: table.forget,
  };
}

/** What a contact has to have heard in a standing; a probe asks for the rest (§4.3). */
function wordsFor({ to, from, pendingOut, pendingIn }: Standing): readonly SubscriptionType[] {
  const own: SubscriptionType[] = to ? [] : [pendingOut ? 'subscribe' : 'unsubscribe'];
  if (from) return [...own, 'subscribed'];
  return pendingIn ? own : [...own, 'unsubscribed'];
}

/** Of whom it is known, in memory as on the disk. */
function createTable({ store, clock }: Context['home']) {
  const db = store.tables<Tables>();
  let known: Map<BareJid, Set<BareJid>> | undefined;
  let loading: Promise<Map<BareJid, Set<BareJid>>> | undefined;
  let size = 0;

  const put = (into: Map<BareJid, Set<BareJid>>, account: BareJid, contact: BareJid): boolean => {
    const contacts = into.get(account) ?? new Set();
    if (contacts.has(contact) || contacts.size >= MOST_OF_ACCOUNT || size >= MOST) return false;
    into.set(account, contacts.add(contact));
    size += 1;
    return true;
  };
  const load = async () => {
    const before = clock.now() - KEPT_MS;
    await store.write(db.deleteFrom('presence_unheard').where('since', '<', before));
    const rows = await store.read(
      db.selectFrom('presence_unheard').select(['account', 'contact']).orderBy('since').limit(MOST),
    );
    known = new Map();
    for (const { account, contact } of rows) put(known, account, contact);
    return known;
  };
  const all = (): MaybePromise<Map<BareJid, Set<BareJid>>> => {
    if (known !== undefined) return known;
    loading ??= load().finally(() => {
      loading = undefined;
    });
    return loading;
  };

  return {
    all,
    async add(account: BareJid, contact: BareJid): Promise<void> {
      if (!put(await all(), account, contact)) return;
      const row = { account, contact, since: clock.now() };
      await store.write(
        db
          .insertInto('presence_unheard')
          .values(row)
          .onConflict((conflict) => conflict.doNothing()),
      );
    },
    /** Takes a contact out of memory alone: what is said to him now may come back. */
    pass(account: BareJid, contact: BareJid): void {
      const contacts = known?.get(account);
      if (contacts?.delete(contact) !== true) return;
      size -= 1;
      if (contacts.size === 0) known?.delete(account);
    },
    /** Takes a contact off the disk, unless what was said to him came back. */
    async settle(account: BareJid, contact: BareJid): Promise<void> {
      if (known?.get(account)?.has(contact) === true) return;
      await store.write(
        db
          .deleteFrom('presence_unheard')
          .where('account', '=', account)
          .where('contact', '=', contact),
      );
    },
    async forget(account: BareJid): Promise<void> {
      size -= known?.get(account)?.size ?? 0;
      known?.delete(account);
      await store.write(db.deleteFrom('presence_unheard').where('account', '=', account));
    },
  };
}

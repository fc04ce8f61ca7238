/** The owners of archives: their numbers, preferences and retention; the one owner of their table. */
import { type Generated, type Kysely, sql } from 'kysely';
import { z } from 'zod';
import type { MaybePromise } from '../../core/hooks.ts';
import { type BareJid, parseJid } from '../../jid/jid.ts';
import { BoundedMap } from '../../kit/limits.ts';
import type { Query, Store } from '../../store/store.ts';
import { DEFAULTS, type PreferenceRules, type Preferences, rulesOf } from './preferences.ts';

/** Whoever has an archive: an account, or a room. */
export interface Owner {
  /** Stands for the JID in the other tables; never given twice. */
  readonly token: number;
  readonly jid: BareJid;
  /** What the user wants; undefined where he has said nothing. */
  readonly rules: PreferenceRules | undefined;
  /** For how many days messages are kept, 0 for good; undefined where the host's word holds. */
  readonly keepDays: number | undefined;
  /** The owner was removed: nothing is kept for it any more. */
  readonly isGone: boolean;
}

/** An owner as the sweeper sees it. */
export interface OwnerRow {
  readonly token: number;
  /** Null once it was removed, until its messages are gone too. */
  readonly jid: BareJid | null;
  readonly keepDays: number | null;
}

/** Reads and changes owners. All that is asynchronous may reject with a StoreError. */
export interface Owners {
  /** The owner of a JID; one that is new gets its number now. */
  of(jid: BareJid): MaybePromise<Owner>;
  setPreferences(owner: Owner, preferences: Preferences): Promise<void>;
  /** @param days undefined for what the host says */
  setRetention(owner: Owner, days: number | undefined): Promise<void>;
  /** Parts a JID from its archive; who gets that JID later begins a new one. */
  remove(jid: BareJid): Promise<void>;
  /** Owners with greater numbers than one, in order; only removed ones if so wished. */
  list(after: number, most: number, which: 'all' | 'removed'): Promise<readonly OwnerRow[]>;
  /** Forgets a removed owner of whom nothing is left. */
  forget(token: number): Query;
}

interface Row {
  token: Generated<number>;
  jid: BareJid | null;
  preferences: string | null;
  keep_days: number | null;
}

interface Tables {
  archive_owners: Row;
}

/** The table, for the module's migration. */
export const OWNERS_TABLE = `CREATE TABLE archive_owners (
  token INTEGER PRIMARY KEY AUTOINCREMENT, jid TEXT UNIQUE, preferences TEXT, keep_days INTEGER
)`;

/** Owners that are remembered, with their preferences. */
const CACHED_OWNERS = 20_000;

type Known = { -readonly [Part in keyof Owner]: Owner[Part] };

/** Opens the owners. */
export function createOwners(store: Store): Owners {
  const db = store.tables<Tables>();
  const cache = new BoundedMap<BareJid, Known>(CACHED_OWNERS);
  const loading = new Map<BareJid, Promise<Known>>();

  const load = (jid: BareJid): Promise<Known> => {
    const begun = loading.get(jid);
    if (begun !== undefined) return begun;
    const loaded = readOrMake(store, db, jid);
    loading.set(jid, loaded);
    const settle = (owner?: Known) => {
      if (loading.get(jid) !== loaded) return; // it was removed meanwhile
      loading.delete(jid);
      if (owner !== undefined) cache.set(jid, owner);
    };
    loaded.then(settle, () => settle());
    return loaded;
  };
  const update = async (owner: Owner, values: Partial<Omit<Row, 'token' | 'jid'>>) => {
    await store.write(
      db.updateTable('archive_owners').set(values).where('token', '=', owner.token),
    );
    cache.delete(owner.jid); // what is asked next is read anew
    loading.delete(owner.jid);
  };

  return {
    of: (jid) => cache.get(jid) ?? load(jid),
    setPreferences: (owner, preferences) =>
      update(owner, { preferences: JSON.stringify(preferences) }),
    setRetention: (owner, days) => update(owner, { keep_days: days ?? null }),
    async remove(jid) {
      await store.write(db.updateTable('archive_owners').set({ jid: null }).where('jid', '=', jid));
      const known = cache.get(jid);
      if (known !== undefined) known.isGone = true;
      cache.delete(jid);
      loading.delete(jid); // what was read before is not remembered
    },
    list(after, most, which) {
      const rows = db
        .selectFrom('archive_owners')
        .select(['token', 'jid', 'keep_days as keepDays'])
        .where('token', '>', after)
        .orderBy('token')
        .limit(most);
      return store.read(which === 'all' ? rows : rows.where('jid', 'is', null));
    },
    forget: (token) => db.deleteFrom('archive_owners').where('token', '=', token),
  };
}

async function readOrMake(store: Store, db: Kysely<Tables>, jid: BareJid): Promise<Known> {
  const find = db.selectFrom('archive_owners').selectAll().where('jid', '=', jid);
  const row =
    (await store.first(find)) ??
    (
      await store.write(
        db
          .insertInto('archive_owners')
          .values({ jid, preferences: null, keep_days: null })
          // Two who come first at once get the same one.
          .onConflict((at) => at.column('jid').doUpdateSet({ jid: sql`excluded.jid` }))
          .returningAll(),
      )
    )[0].rows[0];
  if (row === undefined) throw new Error(`no archive could be made for ${jid}`);
  const preferences = row.preferences === null ? undefined : readPreferences(row.preferences);
  return {
    token: row.token,
    jid,
    rules: preferences === undefined ? undefined : rulesOf(preferences),
    keepDays: row.keep_days ?? undefined,
    isGone: false,
  };
}

const jid = z.string().transform((raw, context) => {
  const parsed = parseJid(raw);
  if (parsed.ok) return parsed.value;
  context.addIssue({ code: 'custom', message: parsed.why });
  return z.NEVER;
});
const stored = z.object({
  default: z.enum(DEFAULTS),
  always: z.array(jid),
  never: z.array(jid),
});

function readPreferences(json: string): Preferences {
  return stored.parse(JSON.parse(json));
}

/** The archived messages: the one owner of their table. What is asked for is found by indices alone. */
import { type RawBuilder, type SelectQueryBuilder, type SqlBool, sql } from 'kysely';
import { type Migration, prepare, type Query, type Store } from '../../store/store.ts';
import type { MessageRow, StoredRow } from './ledger.ts';
import { OWNERS_TABLE } from './owners.ts';
import { type SerialState, serialAt } from './serials.ts';

/** The messages of an archive that are meant; all conditions hold together. */
export interface Criteria {
  /** Those with this bare JID, and this resource of it. */
  readonly peer?: string | undefined;
  readonly resource?: string | undefined;
  /** Those that came at this moment or later, and at that one or before; ms since the epoch. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Those that stand after one, and before another. */
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  /** Only some. */
  readonly among?: readonly number[] | undefined;
  /** Only those with a text that can be searched. */
  readonly isSearchable?: true | undefined;
  /** A condition on the column `serial`, such as that of a search. */
  readonly matching?: RawBuilder<SqlBool> | undefined;
}

/** A message of the archive. */
export type Archived = Pick<StoredRow, 'serial' | 'at' | 'stanza' | 'uid'>;

/** Where a message stands, and when it came. */
export type Mark = Pick<StoredRow, 'serial' | 'at' | 'uid'>;

/** The first message of an archive, and the last one. */
export interface Ends {
  readonly first: Mark;
  readonly last: Mark;
}

/** Reads archives, and takes messages out of them. */
export interface Messages {
  /** The first messages, or the last ones: the newest first. */
  page(
    owner: number,
    criteria: Criteria,
    from: 'beginning' | 'end',
    most: number,
  ): Promise<readonly Archived[]>;
  /** How many there are; undefined if they are more than `most`. */
  count(owner: number, criteria: Criteria, most: number): Promise<number | undefined>;
  /** The message at a position, counted from 0. */
  at(owner: number, criteria: Criteria, index: number): Promise<Mark | undefined>;
  /** The text of a message. */
  text(owner: number, serial: number): Promise<string | undefined>;
  /** Puts another text in the place of a message, which is not searched any more. */
  replace(owner: number, serial: number, stanza: string): Promise<void>;
  /** The first one. */
  oldest(owner: number): Promise<Mark | undefined>;
  /** The first and the last one; undefined when there is none. */
  ends(owner: number): Promise<Ends | undefined>;
  /** Whether all of some messages are there. */
  hasAll(owner: number, serials: readonly number[]): Promise<boolean>;
  /** The numbers of messages of other servers, by the UIDs that they had there. */
  serialsOf(owner: number, uids: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** The last number that was given among some; undefined if none was. */
  lastWithin(from: number, to: number): Promise<number | undefined>;
  /** Keeps messages of another server; one whose UID is there already stays as it is. */
  adopt(rows: readonly StoredRow[], drift: number, last: number): Promise<void>;
  /** Remembers how far numbers are ahead of time. */
  noteDrift(drift: number): Query;
  /**
   * Takes out the oldest messages before a number, `most` at a time; answers how many.
   * @param last the last number that was given, which must not be given again
   */
  prune(owner: number, before: number, most: number, last: number): Promise<number>;
}

interface Tables {
  archive_messages: StoredRow;
  archive_state: { last: number; drift: number };
}

/** The migrations of the archive's tables. */
export const archiveMigrations: readonly Migration[] = [
  {
    name: 'archived messages and their owners',
    up: [
      OWNERS_TABLE,
      // Messages of all owners in the order of their coming: what is written stays together.
      `CREATE TABLE archive_messages (
        serial INTEGER PRIMARY KEY, owner INTEGER NOT NULL, at BIGINT NOT NULL, peer TEXT NOT NULL,
        resource TEXT NOT NULL, searchable INTEGER NOT NULL, stanza TEXT NOT NULL
      )`,
      'CREATE INDEX archive_messages_by_owner ON archive_messages (owner, serial)',
      'CREATE INDEX archive_messages_by_peer ON archive_messages (owner, peer, serial)',
      'CREATE TABLE archive_state (last BIGINT NOT NULL, drift BIGINT NOT NULL)',
      'INSERT INTO archive_state (last, drift) VALUES (0, 0)',
    ],
  },
  {
    name: 'UIDs of messages that came from other servers',
    up: [
      'ALTER TABLE archive_messages ADD COLUMN uid TEXT',
      `CREATE UNIQUE INDEX archive_messages_by_uid ON archive_messages (owner, uid)
        WHERE uid IS NOT NULL`,
    ],
  },
];

/**
 * Opens the messages.
 * @param drift by how many ms numbers may be ahead of time
 */
export function createMessages(store: Store, drift: () => number): Messages {
  const db = store.tables<Tables>();
  const all = db.selectFrom('archive_messages');
  const meant = (owner: number, criteria: Criteria) => {
    const bounds = boundsOf(owner, criteria, drift());
    const rows = narrowed(all, bounds, bounds);
    return criteria.matching === undefined ? rows : rows.where(criteria.matching);
  };
  const marking = (which: 'asc' | 'desc') =>
    prepare((is: { owner: number }) =>
      db
        .selectFrom('archive_messages')
        .select(['serial', 'at', 'uid'])
        .where('owner', '=', is.owner)
        .orderBy('serial', which)
        .limit(1),
    );
  const pageOf = (rows: Selection<object>, from: 'beginning' | 'end', most: number) =>
    rows
      .select(['serial', 'at', 'stanza', 'uid'])
      .orderBy('serial', from === 'beginning' ? 'asc' : 'desc')
      .limit(most);
  /** Compiled, by their order and which bounds they have: few, and no stranger can make more. */
  const pages = new Map<string, (values: Bounds & { readonly most: number }) => Query<Archived>>();
  const pageQuery = (asked: Bounds, from: 'beginning' | 'end') => {
    const shape = `${from} ${shapeOf(asked)}`;
    const known = pages.get(shape);
    if (known !== undefined) return known;
    const made = prepare((is: Bounds & { readonly most: number }) =>
      pageOf(narrowed(all, asked, is), from, is.most),
    );
    pages.set(shape, made);
    return made;
  };
  const countAmong = prepare((is: { readonly owner: number; readonly among: string }) =>
    all
      .where('owner', '=', is.owner)
      .where('serial', 'in', sql<number>`(SELECT value FROM json_each(${is.among}))`)
      .select(({ fn }) => fn.countAll<number>().as('count')),
  );
  const oldest = marking('asc');
  const newest = marking('desc');
  return {
    page(owner, criteria, from, most) {
      if (criteria.matching !== undefined)
        return store.read(pageOf(meant(owner, criteria), from, most));
      const bounds = boundsOf(owner, criteria, drift());
      return store.read(pageQuery(bounds, from)({ ...bounds, most }));
    },
    async count(owner, criteria, most) {
      const some = meant(owner, criteria)
        .select('serial')
        .limit(most + 1);
      const counted = await store.first(
        db.selectFrom(some.as('some')).select(({ fn }) => fn.countAll<number>().as('count')),
      );
      const count = Number(counted?.count ?? 0);
      return count > most ? undefined : count;
    },
    at: (owner, criteria, index) =>
      store.first(
        meant(owner, criteria)
          .select(['serial', 'at', 'uid'])
          .orderBy('serial')
          .limit(1)
          .offset(index),
      ),
    async text(owner, serial) {
      const row = await store.first(meant(owner, { among: [serial] }).select('stanza'));
      return row?.stanza;
    },
    async replace(owner, serial, stanza) {
      const update = db.updateTable('archive_messages').set({ stanza, searchable: 0 });
      await store.write(update.where('owner', '=', owner).where('serial', '=', serial));
    },
    oldest: (owner) => store.first(oldest({ owner })),
    async ends(owner) {
      const [first, last] = await Promise.all([
        store.first(oldest({ owner })),
        store.first(newest({ owner })),
      ]);
      return first === undefined || last === undefined ? undefined : { first, last };
    },
    async hasAll(owner, serials) {
      const wanted = new Set(serials);
      const found = await store.first(countAmong({ owner, among: JSON.stringify([...wanted]) }));
      return Number(found?.count ?? 0) === wanted.size;
    },
    async serialsOf(owner, uids) {
      const rows = await store.read(
        db
          .selectFrom('archive_messages')
          .select(['uid', 'serial'])
          .where('owner', '=', owner)
          .where('uid', 'is not', null)
          .where('uid', 'in', sql<string>`(SELECT value FROM json_each(${JSON.stringify(uids)}))`),
      );
      return new Map(rows.map(({ uid, serial }) => [uid ?? '', serial]));
    },
    async lastWithin(from, to) {
      const found = await store.first(
        all
          .select('serial')
          .where('serial', '>=', from)
          .where('serial', '<', to)
          .orderBy('serial', 'desc')
          .limit(1),
      );
      return found?.serial;
    },
    async adopt(rows, known, last) {
      await store.write(
        ...rows.map((row) =>
          db
            .insertInto('archive_messages')
            .values(row)
            .onConflict((conflict) => conflict.doNothing()),
        ),
        db.updateTable('archive_state').set({ drift: known }).where('drift', '<', known),
        db.updateTable('archive_state').set({ last }).where('last', '<', last),
      );
    },
    noteDrift: (known) => db.updateTable('archive_state').set({ drift: known }),
    async prune(owner, before, most, last) {
      const oldest = db
        .selectFrom('archive_messages')
        .select('serial')
        .where('owner', '=', owner)
        .where('serial', '<', before)
        .orderBy('serial')
        .limit(most);
      const [removed] = await store.write(
        db.deleteFrom('archive_messages').where('serial', 'in', oldest),
        db.updateTable('archive_state').set({ last }).where('last', '<', last),
      );
      return removed.changes;
    },
  };
}

/** What the database knows of the numbers that were given so far. */
export async function readState(store: Store): Promise<SerialState> {
  const db = store.tables<Tables>();
  const [newest, kept] = await Promise.all([
    store.first(
      db.selectFrom('archive_messages').select('serial').orderBy('serial', 'desc').limit(1),
    ),
    store.first(db.selectFrom('archive_state').selectAll()),
  ]);
  const { last = 0, drift = 0 } = kept ?? {};
  return { last: Math.max(last, newest?.serial ?? 0), drift };
}

type Selection<O> = SelectQueryBuilder<Tables, 'archive_messages', O>;

/** What conditions compare with; null is what is not asked for. */
interface Bounds {
  readonly owner: number;
  readonly peer: string | null;
  readonly resource: string | null;
  readonly sinceSerial: number | null;
  readonly since: number | null;
  readonly untilSerial: number | null;
  readonly until: number | null;
  readonly after: number | null;
  readonly before: number | null;
  /** Numbers as a JSON array: one parameter, so that the query's text does not depend on how many they are. */
  readonly among: string | null;
  readonly searchable: number | null;
}

function boundsOf(owner: number, criteria: Criteria, drift: number): Bounds {
  const { since, until, among } = criteria;
  return {
    owner,
    peer: criteria.peer ?? null,
    resource: criteria.resource ?? null,
    // A number is never behind its time, and at most `drift` ahead of it: the first condition of each
    // pair is what an index finds, the second what is meant.
    sinceSerial: since === undefined ? null : serialAt(since),
    since: since ?? null,
    untilSerial: until === undefined ? null : serialAt(until + 1 + drift),
    until: until ?? null,
    after: criteria.after ?? null,
    before: criteria.before ?? null,
    among: among === undefined ? null : JSON.stringify(among),
    searchable: criteria.isSearchable === true ? 1 : null,
  };
}

/** Which column a bound is for, and how it compares. */
const COMPARISONS = [
  ['owner', 'owner', '='],
  ['peer', 'peer', '='],
  ['resource', 'resource', '='],
  ['sinceSerial', 'serial', '>='],
  ['since', 'at', '>='],
  ['untilSerial', 'serial', '<'],
  ['until', 'at', '<='],
  ['after', 'serial', '>'],
  ['before', 'serial', '<'],
  ['searchable', 'searchable', '='],
] as const satisfies readonly (readonly [keyof Bounds, keyof MessageRow, string])[];

/** The bounds that are asked for, as a text: queries with the same have the same text. */
const shapeOf = (bounds: Bounds): string =>
  [...COMPARISONS.map(([name]) => name), 'among' as const]
    .filter((name) => bounds[name] !== null)
    .join(' ');

/**
 * Adds what is asked for to a query.
 * @param asked which bounds there are
 * @param is what stands for them
 */
function narrowed<O>(query: Selection<O>, asked: Bounds, is: Bounds): Selection<O> {
  let rows = query;
  for (const [name, column, comparison] of COMPARISONS)
    if (asked[name] !== null)
      rows = rows.where(column, comparison, sql<string | number>`${is[name]}`);
  if (asked.among === null) return rows;
  return rows.where('serial', 'in', sql<number>`(SELECT value FROM json_each(${is.among}))`);
}

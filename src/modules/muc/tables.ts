/** Rooms in the database: what must last of them. */
import { type BareJid, type Domain, domainOf } from '../../jid/jid.ts';
import { BoundedMap } from '../../kit/limits.ts';
import { readStored } from '../../stanza/stored.ts';
import { prepare, type Query, type Store } from '../../store/store.ts';
import { createHatTable } from './hat-table.ts';
import { NO_HATS } from './hats.ts';
import { isLike, literal } from './like.ts';
import { createListTable } from './list-table.ts';
import type { Tables } from './migrations.ts';
import { affiliationNamed } from './privileges.ts';
import { type Affiliate, emptyRoom, type Room, type Said } from './room.ts';
import { type RoomConfig, readRoomConfig } from './room-config.ts';
import { createTombstoneTable } from './tombstone-table.ts';
import type { Outcome, PublishedCard, Tombstone } from './turn.ts';

/** A room in a list. */
export interface ListedRoom {
  readonly jid: BareJid;
  readonly name: string;
  readonly isPublic: boolean;
  readonly isPersistent: boolean;
  readonly created: number;
}

/** A room, and how it is configured. */
export interface TermedRoom {
  readonly jid: BareJid;
  readonly config: RoomConfig;
}

/** Which rooms of a service are listed. */
export interface RoomFilter {
  readonly domain: Domain;
  readonly isPublic?: boolean;
  readonly search?: string | undefined;
  /** How their addresses begin. */
  readonly prefix?: string | undefined;
  readonly after?: string | undefined;
  /** Those before it, nearest first. */
  readonly before?: string | undefined;
  readonly offset?: number;
  readonly most: number;
}

/** What must be written of an event: before anybody hears of it, or while they do. */
export interface Writing {
  readonly first: readonly Query[];
  readonly meanwhile: readonly Query[];
}

/** Public rooms that a search looks at. */
const MOST_SEARCHED = 10_000;
/** Messages of a room that are written before the oldest are taken away. */
const SPARE_HISTORY = 64;
/** Rooms of which it is known how many were; of another the oldest are taken away at once. */
const COUNTED_ROOMS = 10_000;

/** Reads and writes rooms. */
export interface RoomTables {
  /** A room with all that belongs to it; nobody is in it. */
  load(jid: BareJid): Promise<Room | undefined>;
  /** The text of a room's vCard. */
  vcard(jid: BareJid): Promise<string | undefined>;
  tombstone(jid: BareJid): Promise<Tombstone | undefined>;
  list(filter: RoomFilter): Promise<readonly ListedRoom[]>;
  count(filter: Pick<RoomFilter, 'domain' | 'isPublic' | 'search'>): Promise<number>;
  /** How many rooms of a service an account has made, or was given by an admin of the server. */
  madeBy(account: BareJid, domain: Domain): Promise<number>;
  /** Rooms after one, in order, that may have a term of their own for what is said. */
  withTerm(after: string, most: number): Promise<readonly TermedRoom[]>;
  /** The public rooms of a service, by their addresses. */
  publicRooms(domain: Domain): Promise<readonly TermedRoom[]>;
  /** Rooms that are there only for their occupants. */
  temporary(): Promise<readonly BareJid[]>;
  /** Rooms in whose lists an account is, or of which it wears a hat. */
  roomsWith(account: BareJid): Promise<readonly BareJid[]>;
  /** What an event changes. */
  writing(before: Room | undefined, outcome: Outcome): Writing;
  /** Lets a room of that name be made again. */
  unbury(jid: BareJid): Promise<void>;
  /** Takes away what was said in a room before a moment; how much it was. */
  purge(jid: BareJid, before: number): Promise<number>;
}

/** Opens the tables. */
export function createRoomTables(store: Store): RoomTables {
  const db = store.tables<Tables>();
  const hats = createHatTable(store);
  const lists = createListTable(store);
  const tombstones = createTombstoneTable(store);
  const insertSaid = prepare(
    (is: { room: BareJid; at: number; stanza_id: string; account: BareJid; stanza: string }) =>
      db.insertInto('muc_history').values({
        room: is.room,
        at: is.at,
        stanza_id: is.stanza_id,
        account: is.account,
        stanza: is.stanza,
      }),
  );
  const written = new BoundedMap<BareJid, number>(COUNTED_ROOMS);

  const saidQueries = (room: Room, said: Said): Query[] => {
    const { message, at, id, account } = said;
    const insert = insertSaid({
      room: room.jid,
      at,
      stanza_id: id,
      account,
      stanza: message.wire.text,
    });
    const count = written.get(room.jid) ?? 0;
    written.set(room.jid, count + 1);
    return count % SPARE_HISTORY === 0 ? [insert, prune(room)] : [insert];
  };

  /** What the room itself does not remember any more. */
  const prune = ({ jid, history: [oldest] }: Room): Query => {
    const own = db.deleteFrom('muc_history').where('room', '=', jid);
    if (oldest === undefined) return own;
    const first = db
      .selectFrom('muc_history')
      .select(({ fn }) => fn.min('id').as('id'))
      .where('room', '=', jid)
      .where('stanza_id', '=', oldest.id);
    return own.where('id', '<', first);
  };

  const roomQuery = (room: Room): Query => {
    const { jid, config, created, creator = null, subject } = room;
    const values = {
      name: config.name,
      is_public: config.isPublic ? 1 : 0,
      is_persistent: config.isPersistent ? 1 : 0,
      config: JSON.stringify(config),
      subject: subject?.text ?? null,
      subject_nick: subject?.nick ?? null,
      subject_at: subject?.at ?? null,
    };
    return db
      .insertInto('muc_rooms')
      .values({ jid, domain: domainOf(jid), created, creator, ...values })
      .onConflict((at) => at.column('jid').doUpdateSet(values));
  };

  const affiliationQueries = (
    room: BareJid,
    before: Room['affiliates'],
    now: Room['affiliates'],
  ) => {
    const queries: Query[] = [];
    for (const [account, each] of now) {
      if (before.get(account) === each) continue;
      const insert = db.insertInto('muc_affiliations').values({ room, account, ...each });
      queries.push(
        insert.onConflict((at) => at.columns(['room', 'account']).doUpdateSet({ ...each })),
      );
    }
    for (const account of before.keys())
      if (!now.has(account))
        queries.push(
          db.deleteFrom('muc_affiliations').where('room', '=', room).where('account', '=', account),
        );
    return queries;
  };

  const removal = (room: Room, tombstone: Tombstone | undefined): Query[] => [
    db.deleteFrom('muc_rooms').where('jid', '=', room.jid),
    db.deleteFrom('muc_affiliations').where('room', '=', room.jid),
    db.deleteFrom('muc_history').where('room', '=', room.jid),
    db.deleteFrom('muc_vcards').where('room', '=', room.jid),
    ...hats.removal(room.jid),
    lists.removal(room.jid),
    ...(tombstone === undefined ? [] : tombstones.burying(room, tombstone)),
  ];

  const matching = ({ domain, isPublic, search, prefix }: Omit<RoomFilter, 'most'>) => {
    let query = db.selectFrom('muc_rooms').where('domain', '=', domain);
    if (isPublic !== undefined) query = query.where('is_public', '=', isPublic ? 1 : 0);
    if (prefix !== undefined) query = query.where(isLike('jid', `${literal(prefix)}%`));
    if (search !== undefined && search !== '') {
      const pattern = `%${literal(search)}%`;
      query = query.where(({ or }) => or([isLike('jid', pattern), isLike('name', pattern)]));
    }
    return query;
  };

  const readHistory = async (jid: BareJid, most: number): Promise<Said[]> => {
    const rows = await store.read(
      db
        .selectFrom('muc_history')
        .select(['at', 'stanza_id', 'account', 'stanza'])
        .where('room', '=', jid)
        .orderBy('id', 'desc')
        .limit(most),
    );
    return rows.reverse().flatMap(({ at, stanza_id, account, stanza }) => {
      const message = readStored(stanza);
      return message?.kind === 'message'
        ? [{ message, at: Number(at), id: stanza_id, account }]
        : [];
    });
  };

  const picturesOf = async (jid: BareJid): Promise<readonly string[]> => {
    const query = db.selectFrom('muc_vcards').select('pictures').where('room', '=', jid);
    const hashes = (await store.first(query))?.pictures ?? '';
    return hashes === '' ? [] : hashes.split(' ');
  };

  const vcardQuery = (room: BareJid, { xml, pictures }: PublishedCard): Query => {
    if (xml === undefined) return db.deleteFrom('muc_vcards').where('room', '=', room);
    const values = { xml, pictures: pictures.join(' ') };
    return db
      .insertInto('muc_vcards')
      .values({ room, ...values })
      .onConflict((at) => at.column('room').doUpdateSet(values));
  };

  return {
    async load(jid) {
      const row = await store.first(db.selectFrom('muc_rooms').selectAll().where('jid', '=', jid));
      if (row === undefined) return undefined;
      const config = readRoomConfig(row.config);
      const affiliates = await store.read(
        db.selectFrom('muc_affiliations').selectAll().where('room', '=', jid),
      );
      return emptyRoom({
        jid,
        config,
        created: Number(row.created),
        creator: row.creator ?? undefined,
        affiliates: new Map(affiliates.flatMap(affiliateOf)),
        changes: await lists.load(jid),
        subject:
          row.subject === null
            ? undefined
            : { text: row.subject, nick: row.subject_nick ?? '', at: Number(row.subject_at) },
        history: await readHistory(jid, config.historyMost),
        pictures: await picturesOf(jid),
        hats: await hats.load(jid),
      });
    },
    async vcard(jid) {
      const query = db.selectFrom('muc_vcards').select('xml').where('room', '=', jid);
      return (await store.first(query))?.xml;
    },
    tombstone: tombstones.load,
    async list(filter) {
      const { after, before, offset = 0, most } = filter;
      let query = matching(filter).select(['jid', 'name', 'is_public', 'is_persistent', 'created']);
      // The keys are compared as text; what is asked for may be no JID at all.
      if (after !== undefined) query = query.where('jid', '>', after as BareJid);
      if (before !== undefined && before !== '') query = query.where('jid', '<', before as BareJid);
      const isBackward = before !== undefined;
      const rows = await store.read(
        query
          .orderBy('jid', isBackward ? 'desc' : 'asc')
          .offset(offset)
          .limit(most),
      );
      const listed = rows.map(({ jid, name, is_public, is_persistent, created }) => ({
        jid,
        name,
        isPublic: is_public === 1,
        isPersistent: is_persistent === 1,
        created: Number(created),
      }));
      return isBackward ? listed.reverse() : listed;
    },
    async count(filter) {
      const query = matching(filter).select(({ fn }) => fn.countAll<number>().as('rooms'));
      return Number((await store.first(query))?.rooms ?? 0);
    },
    async madeBy(account, domain) {
      const given = db
        .selectFrom('muc_affiliations')
        .select('room')
        .where('account', '=', account)
        .where('affiliation', '=', 'owner');
      const made = db
        .selectFrom('muc_rooms')
        .select(({ fn }) => fn.countAll<number>().as('rooms'))
        .where('domain', '=', domain)
        .where(({ eb, or, and }) =>
          or([
            eb('creator', '=', account),
            and([eb('creator', 'is', null), eb('jid', 'in', given)]),
          ]),
        );
      return Number((await store.first(made))?.rooms ?? 0);
    },
    async withTerm(after, most) {
      const rows = await store.read(
        db
          .selectFrom('muc_rooms')
          .select(['jid', 'config'])
          .where('jid', '>', after as BareJid)
          // Text is compared: there are few such rooms, and what is none is sorted out by its value.
          .where('config', 'like', '%"keepDays":%')
          .where('config', 'not like', '%"keepDays":0,%')
          .orderBy('jid')
          .limit(most),
      );
      return rows.map(({ jid, config }) => ({ jid, config: readRoomConfig(config) }));
    },
    async publicRooms(domain) {
      const rows = await store.read(
        matching({ domain, isPublic: true })
          .select(['jid', 'config'])
          .orderBy('jid')
          .limit(MOST_SEARCHED),
      );
      return rows.map(({ jid, config }) => ({ jid, config: readRoomConfig(config) }));
    },
    async temporary() {
      const query = db.selectFrom('muc_rooms').select('jid').where('is_persistent', '=', 0);
      return (await store.read(query)).map(({ jid }) => jid);
    },
    async roomsWith(account) {
      const listed = db
        .selectFrom('muc_affiliations')
        .select('room')
        .where('account', '=', account);
      const worn = db.selectFrom('muc_worn_hats').select('room').where('account', '=', account);
      return (await store.read(listed.union(worn))).map(({ room }) => room);
    },
    writing(before, { room, tombstone, said, retraction, vcard }) {
      const isKept = before !== undefined && !before.isLocked;
      if (room === undefined)
        return { first: isKept ? removal(before, tombstone) : [], meanwhile: [] };
      if (room.isLocked) return { first: [], meanwhile: [] };
      const known = isKept ? before.affiliates : new Map<BareJid, Affiliate>();
      const isChanged = !isKept || before.config !== room.config || before.subject !== room.subject;
      return {
        first: [
          ...(isChanged ? [roomQuery(room)] : []),
          ...((isKept ? before.hats : NO_HATS) === room.hats
            ? []
            : hats.writing(room.jid, room.hats)),
          ...(vcard === undefined ? [] : [vcardQuery(room.jid, vcard)]),
          ...(known === room.affiliates
            ? []
            : affiliationQueries(room.jid, known, room.affiliates)),
          ...lists.writing(room.jid, isKept ? before.changes : [], room.changes),
        ],
        meanwhile: [
          ...(said === undefined ? [] : saidQueries(room, said)),
          ...(retraction?.text === undefined
            ? []
            : [
                db
                  .updateTable('muc_history')
                  .set({ stanza: retraction.text })
                  .where('room', '=', room.jid)
                  .where('stanza_id', '=', retraction.id),
              ]),
        ],
      };
    },
    unbury: tombstones.unbury,
    async purge(jid, before) {
      const [{ changes }] = await store.write(
        db.deleteFrom('muc_history').where('room', '=', jid).where('at', '<', before),
      );
      return changes;
    },
  };
}

function affiliateOf(row: Tables['muc_affiliations']): [BareJid, Affiliate][] {
  const affiliation = affiliationNamed(row.affiliation);
  if (affiliation === undefined || affiliation === 'none') return [];
  return [[row.account, { affiliation, nick: row.nick, reason: row.reason }]];
}

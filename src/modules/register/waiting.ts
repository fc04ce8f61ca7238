/** Accounts that were registered and wait for the approval of an admin: they are locked until then. */
import type { BareJid, Domain } from '../../jid/jid.ts';
import type { Migration, Store } from '../../store/store.ts';

/** One who waits. */
export interface Waiting {
  readonly jid: BareJid;
  readonly host: Domain;
  /** From where he registered. */
  readonly remote: string;
  /** When, in ms since the epoch. */
  readonly asked: number;
}

interface Tables {
  registrations: Waiting;
}

/** The migrations. */
export const waitingMigrations: readonly Migration[] = [
  {
    name: 'registrations that wait',
    up: [
      `CREATE TABLE registrations (
        jid TEXT PRIMARY KEY, host TEXT NOT NULL, remote TEXT NOT NULL, asked BIGINT NOT NULL
      )`,
      'CREATE INDEX registrations_by_host ON registrations (host, asked)',
    ],
  },
];

/** Reads and changes who waits. */
export interface WaitingTable {
  add(waiting: Waiting): Promise<void>;
  find(jid: BareJid): Promise<Waiting | undefined>;
  count(host: Domain): Promise<number>;
  /** Those of a host, or all, who waited longest first. */
  list(host: Domain | undefined, most: number): Promise<readonly Waiting[]>;
  /** Those of a host who have waited since before a moment. */
  before(host: Domain, asked: number, most: number): Promise<readonly Waiting[]>;
  remove(jid: BareJid): Promise<void>;
}

/** Opens the table. */
export function createWaitingTable(store: Store): WaitingTable {
  const db = store.tables<Tables>();
  const whole = (row: Waiting): Waiting => ({ ...row, asked: Number(row.asked) });
  return {
    async add(waiting) {
      await store.write(db.insertInto('registrations').values(waiting));
    },
    async find(jid) {
      const row = await store.first(
        db.selectFrom('registrations').selectAll().where('jid', '=', jid),
      );
      return row === undefined ? undefined : whole(row);
    },
    async count(host) {
      const row = await store.first(
        db
          .selectFrom('registrations')
          .select((of) => of.fn.countAll<number>().as('count'))
          .where('host', '=', host),
      );
      return Number(row?.count ?? 0);
    },
    async list(host, most) {
      let query = db.selectFrom('registrations').selectAll().orderBy('asked').limit(most);
      if (host !== undefined) query = query.where('host', '=', host);
      return (await store.read(query)).map(whole);
    },
    async before(host, asked, most) {
      const query = db
        .selectFrom('registrations')
        .selectAll()
        .where('host', '=', host)
        .where('asked', '<', asked)
        .limit(most);
      return (await store.read(query)).map(whole);
    },
    async remove(jid) {
      await store.write(db.deleteFrom('registrations').where('jid', '=', jid));
    },
  };
}

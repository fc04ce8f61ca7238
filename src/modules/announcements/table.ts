/** The messages that stand for a host, and who had them. */
import type { BareJid, Domain } from '../../jid/jid.ts';
import type { Migration, Store } from '../../store/store.ts';

/** XEP-0133 §4.24: the message of the day; §4.27: what new users are welcomed with. */
export type StandingKind = 'motd' | 'welcome';

/** A message that is sent once to each user until it is taken away. */
export interface StandingMessage {
  readonly host: Domain;
  readonly kind: StandingKind;
  /** Another one for each message that is set; one that is corrected keeps it. */
  readonly id: string;
  readonly text: string;
  /** When it was set, in ms since the epoch. */
  readonly since: number;
}

/** Reads and writes them. */
export interface StandingTable {
  all(): Promise<readonly StandingMessage[]>;
  set(message: StandingMessage): Promise<void>;
  remove(host: Domain, kind: StandingKind): Promise<void>;
  /** Notes that an account has a message; false if it had it before. */
  note(account: BareJid, message: StandingMessage): Promise<boolean>;
  /** An account is removed. */
  forget(account: BareJid): Promise<void>;
}

interface Tables {
  standing_messages: StandingMessage;
  standing_messages_had: { account: BareJid; kind: StandingKind; id: string };
}

/** The migrations. */
export const announcementMigrations: readonly Migration[] = [
  {
    name: 'standing messages',
    up: [
      `CREATE TABLE standing_messages (
        host TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, text TEXT NOT NULL,
        since BIGINT NOT NULL, PRIMARY KEY (host, kind)
      )`,
      `CREATE TABLE standing_messages_had (
        account TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (account, kind)
      )`,
    ],
  },
];

/** Opens the tables. */
export function createStandingTable(store: Store): StandingTable {
  const db = store.tables<Tables>();
  return {
    async all() {
      const rows = await store.read(db.selectFrom('standing_messages').selectAll());
      return rows.map((row) => ({ ...row, since: Number(row.since) }));
    },
    async set(message) {
      const { id, text, since } = message;
      const insert = db.insertInto('standing_messages').values(message);
      await store.write(
        insert.onConflict((at) => at.columns(['host', 'kind']).doUpdateSet({ id, text, since })),
      );
    },
    async remove(host, kind) {
      const messages = db.deleteFrom('standing_messages');
      await store.write(messages.where('host', '=', host).where('kind', '=', kind));
    },
    async note(account, { kind, id }) {
      const insert = db.insertInto('standing_messages_had').values({ account, kind, id });
      const [{ changes }] = await store.write(
        insert.onConflict((at) =>
          at
            .columns(['account', 'kind'])
            .doUpdateSet({ id })
            .where('standing_messages_had.id', '!=', id),
        ),
      );
      return changes > 0;
    },
    async forget(account) {
      await store.write(db.deleteFrom('standing_messages_had').where('account', '=', account));
    },
  };
}

/** The groups and their members in the database. */
import type { BareJid, Domain } from '../../jid/jid.ts';
import type { Migration, Query, Store } from '../../store/store.ts';

/** A group of a host, named as its members see it. */
export interface GroupKey {
  readonly host: Domain;
  readonly name: string;
}

/** A group as it is stored. */
export interface StoredGroup extends GroupKey {
  /** Whether all accounts of the host are in it, but guests. */
  readonly isEveryone: boolean;
  readonly members: readonly BareJid[];
}

/** Reads and writes them. */
export interface GroupTable {
  all(): Promise<readonly StoredGroup[]>;
  creating(group: GroupKey & Pick<StoredGroup, 'isEveryone'>): Query;
  /** Removes a group with its members. */
  removing(group: GroupKey): readonly Query[];
  adding(group: GroupKey, members: Iterable<BareJid>): readonly Query[];
  /** Takes members out of a group, or of all groups. */
  parting(group: GroupKey | undefined, members: Iterable<BareJid>): readonly Query[];
}

interface Tables {
  shared_groups: { host: Domain; name: string; everyone: number };
  shared_group_members: { host: Domain; name: string; member: BareJid };
}

/** The migrations. */
export const groupMigrations: readonly Migration[] = [
  {
    name: 'shared groups',
    up: [
      `CREATE TABLE shared_groups (
        host TEXT NOT NULL, name TEXT NOT NULL, everyone INTEGER NOT NULL, PRIMARY KEY (host, name)
      )`,
      `CREATE TABLE shared_group_members (
        host TEXT NOT NULL, name TEXT NOT NULL, member TEXT NOT NULL,
        PRIMARY KEY (host, name, member)
      )`,
      'CREATE INDEX shared_groups_of ON shared_group_members (member)',
    ],
  },
];

/** Opens the tables. */
export function createGroupTable(store: Store): GroupTable {
  const db = store.tables<Tables>();
  const members = ({ host, name }: GroupKey) =>
    db.deleteFrom('shared_group_members').where('host', '=', host).where('name', '=', name);
  return {
    async all() {
      const [groups, rows] = await Promise.all([
        store.read(db.selectFrom('shared_groups').selectAll().orderBy('host').orderBy('name')),
        store.read(db.selectFrom('shared_group_members').selectAll().orderBy('member')),
      ]);
      const byGroup = new Map<string, BareJid[]>();
      for (const { host, name, member } of rows) {
        const key = JSON.stringify([host, name]);
        const known = byGroup.get(key);
        if (known === undefined) byGroup.set(key, [member]);
        else known.push(member);
      }
      return groups.map(({ host, name, everyone }) => ({
        host,
        name,
        isEveryone: everyone === 1,
        members: byGroup.get(JSON.stringify([host, name])) ?? [],
      }));
    },
    creating: ({ host, name, isEveryone }) =>
      db.insertInto('shared_groups').values({ host, name, everyone: isEveryone ? 1 : 0 }),
    removing: (group) => [
      members(group),
      db.deleteFrom('shared_groups').where('host', '=', group.host).where('name', '=', group.name),
    ],
    adding: ({ host, name }, added) =>
      [...added].map((member) =>
        db
          .insertInto('shared_group_members')
          .values({ host, name, member })
          .onConflict((conflict) => conflict.doNothing()),
      ),
    parting: (group, parted) =>
      [...parted].map((member) =>
        group === undefined
          ? db.deleteFrom('shared_group_members').where('member', '=', member)
          : members(group).where('member', '=', member),
      ),
  };
}

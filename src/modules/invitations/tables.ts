/**
 * The table of invitations and of links to set a new password. Tokens are not in it, only their
 * hashes: who reads the database, or a backup of it, can use none.
 */
import { createHash } from 'node:crypto';
import type { BareJid, Domain } from '../../jid/jid.ts';
import type { Migration, Query, Store } from '../../store/store.ts';

/** What a link is for: an account, only a contact, or a new password. */
export type LinkKind = 'invitation' | 'contact' | 'reset';

/** An invitation, or a link to set a new password. */
export interface Invitation {
  readonly id: string;
  readonly kind: LinkKind;
  readonly host: Domain;
  /** The account whose name is kept, or that gets a new password; undefined for any name. */
  readonly account: BareJid | undefined;
  /** Who becomes a contact of those who come. */
  readonly inviter: BareJid | undefined;
  readonly uses: number;
  readonly maxUses: number;
  readonly created: number;
  readonly expires: number;
  /** Who made it. */
  readonly maker: string;
  /** What its maker wants to remember. */
  readonly note: string;
}

interface Tables {
  invitations: {
    id: string;
    hash: string;
    kind: LinkKind;
    host: Domain;
    account: BareJid | null;
    inviter: BareJid | null;
    uses: number;
    max_uses: number;
    created: number;
    expires: number;
    maker: string;
    note: string;
  };
}

/** The migrations. */
export const invitationMigrations: readonly Migration[] = [
  {
    name: 'invitations',
    up: [
      `CREATE TABLE invitations (
        id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, host TEXT NOT NULL,
        account TEXT, inviter TEXT, uses INTEGER NOT NULL, max_uses INTEGER NOT NULL,
        created BIGINT NOT NULL, expires BIGINT NOT NULL, maker TEXT NOT NULL, note TEXT NOT NULL
      )`,
      'CREATE INDEX invitations_by_host ON invitations (host, expires)',
      'CREATE INDEX invitations_by_account ON invitations (account)',
      'CREATE INDEX invitations_by_inviter ON invitations (inviter)',
    ],
  },
];

/** Which to list. */
export interface LinkFilter {
  readonly host?: Domain | undefined;
  /** Only those that can be used at this moment. */
  readonly openAt?: number | undefined;
  readonly offset: number;
  readonly limit: number;
}

/** Reads and changes invitations. */
export interface InvitationTable {
  add(invitation: Invitation, token: string): Promise<void>;
  byToken(token: string): Promise<Invitation | undefined>;
  find(id: string): Promise<Invitation | undefined>;
  list(
    filter: LinkFilter,
  ): Promise<{ readonly links: readonly Invitation[]; readonly total: number }>;
  /** How many of a host can be used at a moment. */
  countOpen(host: Domain, at: number): Promise<number>;
  /** How many that a user invites with can be used at a moment. */
  countOpenOf(inviter: BareJid, at: number): Promise<number>;
  /** The invitations that keep a name at a moment. */
  keeping(account: BareJid, at: number): Promise<readonly Invitation[]>;
  countUse(id: string): Promise<void>;
  remove(id: string): Promise<boolean>;
  /** Removes links to set a new password of an account. */
  removeResets(account: BareJid): Promise<void>;
  /** Removes what an account invited with, and links to set its password. */
  removeOf(account: BareJid): Promise<void>;
  /** Removes what has expired before a moment. */
  removeExpired(before: number): Promise<void>;
}

/** Opens the table. */
export function createInvitationTable(store: Store): InvitationTable {
  const db = store.tables<Tables>();
  const invitations = db.selectFrom('invitations');
  const one = async (query: Query<Tables['invitations']>) => {
    const row = await store.first(query);
    return row === undefined ? undefined : invitationOf(row);
  };
  return {
    async add({ account, inviter, maxUses, ...invitation }, token) {
      const row = {
        ...invitation,
        hash: hashOf(token),
        account: account ?? null,
        inviter: inviter ?? null,
        max_uses: maxUses,
      };
      await store.write(db.insertInto('invitations').values(row));
    },
    byToken: (token) => one(invitations.selectAll().where('hash', '=', hashOf(token))),
    find: (id) => one(invitations.selectAll().where('id', '=', id)),
    async list({ host, openAt, offset, limit }) {
      let query = invitations;
      if (host !== undefined) query = query.where('host', '=', host);
      if (openAt !== undefined)
        query = query.where('expires', '>', openAt).whereRef('uses', '<', 'max_uses');
      const [rows, count] = await Promise.all([
        store.read(
          query.selectAll().orderBy('created', 'desc').orderBy('id').limit(limit).offset(offset),
        ),
        store.first(query.select((of) => of.fn.countAll<number>().as('total'))),
      ]);
      return { links: rows.map(invitationOf), total: Number(count?.total ?? 0) };
    },
    countOpen: (host, at) => countAt(invitations.where('host', '=', host), at),
    countOpenOf: (inviter, at) => countAt(invitations.where('inviter', '=', inviter), at),
    async keeping(account, at) {
      const rows = await store.read(
        invitations
          .selectAll()
          .where('account', '=', account)
          .where('kind', '=', 'invitation')
          .where('expires', '>', at)
          .whereRef('uses', '<', 'max_uses'),
      );
      return rows.map(invitationOf);
    },
    async countUse(id) {
      await store.write(
        db
          .updateTable('invitations')
          .set((row) => ({ uses: row('uses', '+', 1) }))
          .where('id', '=', id),
      );
    },
    async remove(id) {
      const [done] = await store.write(db.deleteFrom('invitations').where('id', '=', id));
      return done.changes > 0;
    },
    async removeResets(account) {
      await store.write(
        db.deleteFrom('invitations').where('account', '=', account).where('kind', '=', 'reset'),
      );
    },
    async removeOf(account) {
      await store.write(
        db.deleteFrom('invitations').where('account', '=', account).where('kind', '=', 'reset'),
        db.deleteFrom('invitations').where('inviter', '=', account),
      );
    },
    async removeExpired(before) {
      await store.write(db.deleteFrom('invitations').where('expires', '<', before));
    },
  };

  async function countAt(chosen: typeof invitations, at: number): Promise<number> {
    const row = await store.first(
      chosen
        .select((of) => of.fn.countAll<number>().as('total'))
        .where('expires', '>', at)
        .whereRef('uses', '<', 'max_uses'),
    );
    return Number(row?.total ?? 0);
  }
}

const hashOf = (token: string) => createHash('sha256').update(token).digest('hex');

function invitationOf({
  hash: _,
  max_uses: maxUses,
  account,
  inviter,
  ...row
}: Tables['invitations']): Invitation {
  return {
    ...row,
    account: account ?? undefined,
    inviter: inviter ?? undefined,
    uses: Number(row.uses),
    maxUses: Number(maxUses),
    created: Number(row.created),
    expires: Number(row.expires),
  };
}

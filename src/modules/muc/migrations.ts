/** The tables of rooms. */
import type { BareJid, Domain } from '../../jid/jid.ts';
import type { Migration } from '../../store/store.ts';

/** Their columns. */
export interface Tables {
  muc_rooms: {
    jid: BareJid;
    domain: Domain;
    /** What lists show, and by what they are sorted out. */
    name: string;
    is_public: number;
    is_persistent: number;
    config: string;
    created: number;
    subject: string | null;
    subject_nick: string | null;
    subject_at: number | null;
    /** Null for one that an admin of the server made, or that is older than this column. */
    creator: BareJid | null;
  };
  muc_affiliations: {
    room: BareJid;
    account: BareJid;
    affiliation: string;
    nick: string;
    reason: string;
  };
  muc_history: {
    id?: number;
    room: BareJid;
    at: number;
    stanza_id: string;
    account: BareJid;
    stanza: string;
  };
  muc_tombstones: {
    room: BareJid;
    at: number;
    venue: string | null;
    reason: string;
    /** As that of the room was. */
    creator: BareJid | null;
  };
  muc_hats: { room: BareJid; uri: string; title: string; hue: string };
  muc_worn_hats: { room: BareJid; account: BareJid; uri: string };
  /** XEP-0463: the last changes of a room's lists. */
  muc_list_changes: {
    room: BareJid;
    seq: number;
    version: string;
    account: BareJid;
    before: string;
    now: string;
  };
  muc_vcards: { room: BareJid; xml: string; pictures: string };
}

/** The migrations of rooms. */
export const mucMigrations: readonly Migration[] = [
  {
    name: 'rooms',
    up: [
      `CREATE TABLE muc_rooms (
        jid TEXT PRIMARY KEY, domain TEXT NOT NULL, name TEXT NOT NULL, is_public INTEGER NOT NULL,
        is_persistent INTEGER NOT NULL, config TEXT NOT NULL, created BIGINT NOT NULL,
        subject TEXT, subject_nick TEXT, subject_at BIGINT
      )`,
      'CREATE INDEX muc_rooms_by_domain ON muc_rooms (domain, jid)',
      `CREATE TABLE muc_affiliations (
        room TEXT NOT NULL, account TEXT NOT NULL, affiliation TEXT NOT NULL, nick TEXT NOT NULL,
        reason TEXT NOT NULL, PRIMARY KEY (room, account)
      )`,
      'CREATE INDEX muc_affiliations_by_account ON muc_affiliations (account, affiliation)',
      `CREATE TABLE muc_history (
        id INTEGER PRIMARY KEY, room TEXT NOT NULL, at BIGINT NOT NULL, stanza_id TEXT NOT NULL,
        account TEXT NOT NULL, stanza TEXT NOT NULL
      )`,
      'CREATE INDEX muc_history_by_room ON muc_history (room, id)',
      `CREATE TABLE muc_tombstones (
        room TEXT PRIMARY KEY, at BIGINT NOT NULL, venue TEXT, reason TEXT NOT NULL
      )`,
    ],
  },
  {
    name: 'pictures of rooms',
    up: [
      'CREATE TABLE muc_vcards (room TEXT PRIMARY KEY, xml TEXT NOT NULL, pictures TEXT NOT NULL)',
    ],
  },
  {
    name: 'hats',
    up: [
      `CREATE TABLE muc_hats (
        room TEXT NOT NULL, uri TEXT NOT NULL, title TEXT NOT NULL, hue TEXT NOT NULL,
        PRIMARY KEY (room, uri)
      )`,
      `CREATE TABLE muc_worn_hats (
        room TEXT NOT NULL, account TEXT NOT NULL, uri TEXT NOT NULL,
        PRIMARY KEY (room, account, uri)
      )`,
      'CREATE INDEX muc_worn_hats_by_account ON muc_worn_hats (account)',
    ],
  },
  {
    name: 'versions of affiliations',
    up: [
      `CREATE TABLE muc_list_changes (
        room TEXT NOT NULL, seq INTEGER NOT NULL, version TEXT NOT NULL, account TEXT NOT NULL,
        before TEXT NOT NULL, now TEXT NOT NULL, PRIMARY KEY (room, seq)
      )`,
    ],
  },
  {
    name: 'creators of rooms',
    up: [
      'ALTER TABLE muc_rooms ADD COLUMN creator TEXT',
      'CREATE INDEX muc_rooms_by_creator ON muc_rooms (creator)',
    ],
  },
  {
    name: 'creators of destroyed rooms',
    up: [
      'ALTER TABLE muc_tombstones ADD COLUMN creator TEXT',
      'CREATE INDEX muc_tombstones_by_creator ON muc_tombstones (creator, at)',
    ],
  },
];

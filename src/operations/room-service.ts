/** Rooms, as the operations see them; the module that has them fulfils it. */
import type { BareJid, Domain, Jid } from '../jid/jid.ts';

/** A room in a list. */
export interface RoomLine {
  readonly jid: BareJid;
  readonly name: string;
  readonly isPublic: boolean;
  readonly isPersistent: boolean;
  /** How many are in it now. */
  readonly occupants: number;
  /** In ms since the epoch. */
  readonly created: number;
}

/** Somebody in a room. */
export interface RoomOccupant {
  readonly nick: string;
  readonly account: BareJid;
  readonly role: string;
  readonly affiliation: string;
  /** How many clients he is there with. */
  readonly sessions: number;
}

/** An account in the lists of a room. */
export interface RoomMember {
  readonly jid: BareJid;
  readonly affiliation: string;
  /** '' if no nick is reserved. */
  readonly nick: string;
  readonly reason: string;
}

/** One key of a room's configuration. */
export interface RoomSetting {
  readonly key: string;
  readonly value: string;
  readonly meaning: string;
}

/** A message that was said in a room. */
export interface RoomMessage {
  readonly at: number;
  readonly nick: string;
  readonly account: BareJid;
  readonly text: string;
}

/** A room with all that an admin may want to know of it. */
export interface RoomDetails extends RoomLine {
  readonly subject: string;
  readonly occupantList: readonly RoomOccupant[];
  readonly members: readonly RoomMember[];
  readonly settings: readonly RoomSetting[];
}

/** Why something cannot be done to a room. */
export type RoomRefusal = {
  readonly ok: false;
  readonly why: 'not-found' | 'conflict' | 'invalid-input';
  readonly text: string;
};

/** What an admin can do with rooms. */
export interface RoomService {
  /** The domains at which rooms are. */
  domains(): readonly Domain[];
  list(filter: {
    readonly domain: Domain | undefined;
    /** The host whose services are meant. */
    readonly host: Domain | undefined;
    readonly search: string | undefined;
    readonly offset: number;
    readonly limit: number;
  }): Promise<{ readonly rooms: readonly RoomLine[]; readonly total: number }>;
  show(jid: BareJid): Promise<RoomDetails | undefined>;
  /** Makes a persistent room; a tombstone of that name is taken away. */
  create(parts: {
    readonly jid: BareJid;
    readonly name: string;
    readonly owner: BareJid;
    readonly members: readonly BareJid[];
    readonly isMembersOnly: boolean;
    readonly isPublic: boolean;
    /** The group of the room's host whose members are members of the room, too. */
    readonly group: string | undefined;
  }): Promise<{ readonly ok: true } | RoomRefusal>;
  destroy(
    jid: BareJid,
    farewell: { readonly reason: string; readonly venue: Jid | undefined },
  ): Promise<{ readonly ok: true } | RoomRefusal>;
  /** Sets keys of the configuration; the others stay. */
  configure(
    jid: BareJid,
    changes: Readonly<Record<string, string>>,
  ): Promise<{ readonly ok: true; readonly settings: readonly RoomSetting[] } | RoomRefusal>;
  affiliate(
    jid: BareJid,
    accounts: readonly BareJid[],
    affiliation: string,
    reason: string,
  ): Promise<{ readonly ok: true } | RoomRefusal>;
  kick(jid: BareJid, nick: string, reason: string): Promise<{ readonly ok: true } | RoomRefusal>;
  /** The last messages, oldest first. */
  history(jid: BareJid, most: number): Promise<readonly RoomMessage[] | undefined>;
  /** Forgets what was said before a moment; how many messages that was. */
  purge(jid: BareJid, before: number): Promise<number | undefined>;
}

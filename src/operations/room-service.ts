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
  /** The id that the room gave it (XEP-0359). */
  readonly id: string;
  readonly at: number;
  readonly nick: string;
  /** '' where that is not known any more. */
  readonly account: string;
  readonly kind: 'message' | 'subject' | 'retracted';
  /** Of what was taken back, the reason. */
  readonly text: string;
}

/** A page of what was said, the newest first. */
export interface RoomRecord {
  readonly ok: true;
  readonly messages: readonly RoomMessage[];
  /** The id before which the next page ends; absent on the last page. */
  readonly older?: string;
  /** Whether it can be searched for words. */
  readonly canSearch: boolean;
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
  readonly why: 'not-found' | 'conflict' | 'invalid-input' | 'unavailable';
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
  /** What was said: of the room's archive, or else of what the room shows to newcomers. */
  history(
    jid: BareJid,
    wish: {
      /** Only what was said before the message of that id. */
      readonly before: string | undefined;
      /** Only messages with all of these words. */
      readonly text: string | undefined;
      readonly most: number;
    },
  ): Promise<RoomRecord | RoomRefusal>;
  /** Takes back what somebody said, in the room's name (XEP-0425). */
  moderate(jid: BareJid, id: string, reason: string): Promise<{ readonly ok: true } | RoomRefusal>;
  /** Forgets what was said before a moment; how many messages that was. */
  purge(jid: BareJid, before: number): Promise<number | undefined>;
}

/** The bound sessions of this server, by account and by full JID: their one owner. */
import { type BareJid, bareOf, type Domain, domainOf, type FullJid, type Jid } from '../jid/jid.ts';
import type { Presence, Stanza } from '../stanza/stanza.ts';
import { childOf, textOf } from '../xml/element.ts';
import type { DeviceKind } from './device-tables.ts';
import type { Receipt } from './parcel.ts';
import type { Restraint } from './restraint.ts';

/** Why a session is over. */
export interface SessionEnd {
  /** `closed`: the client said goodbye; `lost`: the connection broke; `ended`: we ended it. */
  readonly kind: 'closed' | 'lost' | 'ended';
  readonly text: string;
}

/** How a session's connection is secured. */
export interface Security {
  /** e.g. `TLSv1.3`; undefined without TLS. */
  readonly protocol: string | undefined;
  readonly cipher: string | undefined;
  /** e.g. `SCRAM-SHA-256-PLUS`. */
  readonly mechanism: string;
}

/** The device that a client runs on, as far as it is known. */
export interface SessionDevice {
  /** Its id among the account's devices. */
  readonly id: string;
  readonly kind: DeviceKind;
  /** The name of the client; '' if it did not say. */
  readonly software: string;
  /** The name of the machine; '' if it did not say. */
  readonly name: string;
}

/** Who is told that a stanza is handled only when all that was promised of it is durable (D1). */
export interface Creditor {
  /** Whether it waits to be told so by now, not only when its stream ends. */
  readonly isWaiting: boolean;
  /** Work that must be done before that may be said. */
  owe(work: Promise<unknown>): void;
  /**
   * Whether it keeps a message itself for so long: of one that nobody else keeps it is owed that a
   * session has it, or that nobody is there who could.
   */
  readonly isKeeper?: boolean;
}

/** A bound session, whatever carries it: TCP, WebSocket or BOSH. */
export interface Session extends Creditor {
  /** The stream's id, which every log line carries. */
  readonly id: string;
  readonly jid: FullJid;
  readonly account: BareJid;
  readonly host: Domain;
  /** Whether the account exists only as long as this session (SASL ANONYMOUS). */
  readonly isAnonymous: boolean;
  /** The client's address. */
  readonly remote: string;
  readonly security: Security;
  /** Undefined for one that would not be known again. */
  readonly device: SessionDevice | undefined;
  /**
   * Whether it was bound by XEP-0386: what it missed it reads from the archive (XEP-0313), so that
   * messages kept for those who are away are not for it (§3.2).
   */
  readonly isBind2: boolean;
  /** When it was bound, in ms since the epoch. */
  readonly since: number;
  /** When it last sent a stanza or whitespace, in ms since the epoch. */
  readonly lastActive: number;
  /** Its last available presence without an address; undefined while unavailable. */
  readonly presence: Presence | undefined;
  /** The priority of that presence, -128..127 (RFC 6121 §4.7.2.3); 0 without presence. */
  readonly priority: number;
  /** Whether a client is connected now; a session without one waits to be resumed (XEP-0198 §5). */
  readonly isAttached: boolean;
  /** Whether the user looks at the client, as far as that has said (XEP-0352); told to nobody else. */
  readonly isActive: boolean;
  /** Whether the client says what it has (XEP-0198); of others it is known when they are heard of. */
  readonly isManaged: boolean;
  /** Whether it may outlive its connection, and a restart of the server (XEP-0198 §5). */
  readonly isResumable: boolean;
  /**
   * Sends a stanza to the client, with another `to` if one is given (serialised once, spliced). The
   * receipt is told what becomes of it.
   */
  send(stanza: Stanza, to?: Jid, receipt?: Receipt): void;
  /**
   * Undefined while more may be sent; otherwise resolves when the client has read enough of what it
   * was sent, or its client is gone. For whoever has much to send.
   */
  room(): Promise<void> | undefined;
  /**
   * The same for whoever holds up what the client sends meanwhile: by what it has read alone, since what it
   * acknowledges (XEP-0198) would come behind the very stanza that waits.
   */
  pace(): Promise<void> | undefined;
  /**
   * Holds back from the client what may wait by these rules; undefined: it is active again, and all
   * that was held goes out.
   */
  restrain(restraint: Restraint | undefined): void;
  /**
   * Ends the stream with a stream error (RFC 6120 §4.9.3 name) and says why in the log. The session may be
   * there until what its client sent is handled; if its stream is over already, it is not.
   */
  end(condition: SessionEndCondition, text: string): void;
}

/** The stream error conditions with which the core may end a session. */
export type SessionEndCondition =
  | 'conflict'
  | 'host-gone'
  | 'not-authorized'
  | 'policy-violation'
  | 'reset'
  | 'resource-constraint'
  | 'system-shutdown';

/** A session as its side registers it: the table writes its presence. */
export interface OwnedSession extends Session {
  presence: Presence | undefined;
  priority: number;
}

/** Reads and changes the table of sessions. */
export interface Sessions {
  /** All sessions of an account, in order of binding; an empty list if none. */
  of(account: BareJid): readonly Session[];
  /** The session with exactly that full JID. */
  at(jid: FullJid): Session | undefined;
  /** All sessions. */
  all(): Iterable<Session>;
  /** How many there are. */
  readonly size: number;
  /** Takes a bound session in; its full JID must be free. */
  add(session: OwnedSession): void;
  /** Takes in a session that there was before the server went down; nobody is told. */
  restore(session: OwnedSession): void;
  /** Takes a session out, tells the modules; resolves when what they keep of it is settled. */
  remove(session: Session, end: SessionEnd): Promise<void>;
  /** Resolves once the modules are done with the end of the session that had this full JID. */
  gone(jid: FullJid): Promise<void>;
  /** Sets or (undefined) clears a session's presence, and tells the modules. */
  setPresence(session: Session, presence: Presence | undefined): Promise<void>;
}

/** What the table tells others; `heart.ts` connects it with the modules' hooks. */
export interface SessionEvents {
  bound(session: Session): void;
  presenceChanged(session: Session, before: Presence | undefined): Promise<void>;
  ended(session: Session, end: SessionEnd): Promise<void>;
  /** For metrics: how many sessions a host has now. */
  counted(host: Domain, count: number): void;
}

const NONE: readonly Session[] = [];

/** Makes an empty table. */
export function createSessions(events: SessionEvents): Sessions {
  const byAccount = new Map<BareJid, OwnedSession[]>();
  const byJid = new Map<FullJid, OwnedSession>();
  const leaving = new Map<FullJid, Promise<void>>();
  const perHost = new Map<Domain, number>();
  const count = (host: Domain, change: number) => {
    const total = (perHost.get(host) ?? 0) + change;
    perHost.set(host, total);
    events.counted(host, total);
  };
  const insert = (session: OwnedSession) => {
    if (byJid.has(session.jid)) throw new Error(`${session.jid} is bound already`);
    byJid.set(session.jid, session);
    // A new array each time: whoever iterates over the old one is not disturbed.
    byAccount.set(session.account, [...(byAccount.get(session.account) ?? []), session]);
    count(session.host, 1);
  };
  return {
    of: (account) => byAccount.get(account) ?? NONE,
    at: (jid) => byJid.get(jid),
    all: () => byJid.values(),
    get size() {
      return byJid.size;
    },
    add(session) {
      insert(session);
      events.bound(session);
    },
    restore: insert,
    async remove(session, end) {
      if (byJid.get(session.jid) !== session) return;
      byJid.delete(session.jid);
      const left = (byAccount.get(session.account) ?? []).filter((each) => each !== session);
      if (left.length === 0) byAccount.delete(session.account);
      else byAccount.set(session.account, left);
      count(session.host, -1);
      const told = events.ended(session, end).finally(() => leaving.delete(session.jid));
      leaving.set(session.jid, told);
      await told;
    },
    gone: (jid) => leaving.get(jid)?.catch(() => {}) ?? Promise.resolve(),
    async setPresence(session, presence) {
      const owned = byJid.get(session.jid);
      if (owned === undefined || owned !== session) return;
      const before = owned.presence;
      owned.presence = presence;
      owned.priority = presence === undefined ? 0 : priorityOf(presence);
      await events.presenceChanged(owned, before);
    },
  };
}

/** The priority that a presence states: an integer of -128..127, otherwise 0 (RFC 6121 §4.7.2.3). */
export function priorityOf(presence: Presence): number {
  const text = priorityText(presence);
  if (!/^[+-]?\d{1,3}$/.test(text)) return 0;
  const value = Number(text);
  return value >= -128 && value <= 127 ? value : 0;
}

function priorityText(presence: Presence): string {
  const stated = childOf(presence.element, 'priority');
  return stated === undefined ? '' : textOf(stated).trim();
}

/** The domain that serves an account. */
export function hostOf(account: BareJid): Domain {
  return domainOf(bareOf(account));
}

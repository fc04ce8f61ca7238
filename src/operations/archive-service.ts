/** Archives as operations see them; the module `archive` has them. */
import type { BareJid } from '../jid/jid.ts';

/** The figures of an archive. Times are in ms since the epoch. */
export interface ArchiveFigures {
  readonly messages: number;
  readonly oldest: number | undefined;
  readonly newest: number | undefined;
  /** For how many days messages are kept, 0 for good; and whether that is this user's own term. */
  readonly keepDays: number;
  readonly isOwnTerm: boolean;
  /** The preferences in force (XEP-0441), and whether the user has set them. */
  readonly default: 'always' | 'roster' | 'never';
  readonly always: number;
  readonly never: number;
  readonly hasPreferences: boolean;
}

/** A message that was found. */
export interface ArchiveFinding {
  /** When it came, in ms since the epoch. */
  readonly at: number;
  readonly from: string;
  readonly to: string;
  /** Its subject and bodies. */
  readonly text: string;
}

/** What admins may do with the archives of accounts on whose host they are switched on. */
export interface ArchiveService {
  /** Whether messages of an account's host are archived. */
  isOn(account: BareJid): boolean;
  figures(account: BareJid): Promise<ArchiveFigures>;
  /** The newest messages with all words of a text, the newest first; undefined where there is no search. */
  search(
    account: BareJid,
    text: string,
    most: number,
  ): Promise<readonly ArchiveFinding[] | undefined>;
  /** Removes messages that came before a moment, or all of them; answers how many. */
  purge(account: BareJid, before: number | undefined): Promise<number>;
  /** @param days 0 for good, undefined for what the host says */
  setRetention(account: BareJid, days: number | undefined): Promise<void>;
}

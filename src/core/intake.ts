/** What modules take in of accounts that come from other servers (XEP-0227). */
import type { BareJid } from '../jid/jid.ts';
import type { Element } from '../xml/element.ts';

/** An account that is being taken in. It is the same object for all that comes of it. */
export interface Newcomer {
  readonly account: BareJid;
  /**
   * Whether the account is made of what comes: that counts then, also if some of it has come before. Else there
   * is somebody here, whose own data stays as it is: what he lacks is added to it.
   */
  readonly isNew: boolean;
  /** Nothing is to be changed: what would be is told. */
  readonly isDry: boolean;
}

/** Elements of an account that follow each other in the file; they are few, and in memory. */
export interface Portion {
  /** The elements around them, the outermost below `<user/>` first, without what is in them. */
  readonly within: readonly Element[];
  /** Each stands alone. There is one at least. */
  readonly elements: readonly Element[];
}

/** What was not taken in, and why, in words for an admin. */
export interface PassedOver {
  /** Such as the address of a contact. */
  readonly what: string;
  readonly why: string;
}

/** What became of a portion. */
export interface Intake {
  /** What it was, in the plural, such as `contacts`. */
  readonly kind: string;
  /** How many were taken in, or were here already, the same. */
  readonly taken: number;
  readonly passed: readonly PassedOver[];
}

/** Taking accounts in, and writing them out, as operations know it; the module `portable` does it. */
import type { BareJid, Domain } from '../jid/jid.ts';

/** What an import is to do. */
export interface ImportWish {
  /** The path of a file, or of a folder of files. */
  readonly file: string;
  /** Nothing is changed: what would be is told. */
  readonly isDry: boolean;
  /** Whether accounts that are here already are given what they lack. */
  readonly intoExisting: boolean;
  /** The only account that is meant. */
  readonly only: BareJid | undefined;
}

/** What an import has done. */
export interface Imported {
  readonly accounts: {
    readonly made: number;
    /** An import of them had been interrupted. */
    readonly completed: number;
    /** They were here, and something was added. */
    readonly addedTo: number;
    /** They were here, or cannot be. */
    readonly passedOver: number;
  };
  readonly kinds: readonly {
    readonly kind: string;
    readonly taken: number;
    readonly passed: number;
  }[];
  /** What was not taken in, and of whom: an account, a host or a file. */
  readonly passed: readonly {
    readonly of: string;
    readonly what: string;
    readonly why: string;
    readonly times: number;
  }[];
  /** How many more there are beyond these. */
  readonly untold: number;
}

/** What an export is to have. */
export interface ExportWish {
  /** The path of a file that is not there yet. */
  readonly file: string;
  /** Of each all accounts, or one. */
  readonly hosts: readonly { readonly domain: Domain; readonly only?: BareJid }[];
  readonly hasCredentials: boolean;
}

/** Imports and exports. */
export interface PortableService {
  /** Undefined when another import is under way. */
  import(wish: ImportWish): Promise<Imported | undefined>;
  /** What was written, or why nothing was: an error of the file system. */
  export(
    wish: ExportWish,
  ): Promise<{ readonly accounts: number; readonly bytes: number } | { readonly code: string }>;
}

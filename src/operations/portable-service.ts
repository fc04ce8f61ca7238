/** Taking accounts in, and writing them out, as operations know it; the module `portable` does it. */
import type { BareJid, Domain } from '../jid/jid.ts';

/** What an import is to do. */
export interface ImportWish {
  /** The path of a file, or of a folder of files; what bytes that come from elsewhere are called. */
  readonly file: string;
  /** Its bytes, where it is no file of this machine. */
  readonly source: AsyncIterable<Buffer> | undefined;
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
  /** Whom something was taken in for: the first of them. */
  readonly people: readonly {
    readonly account: BareJid;
    readonly fate: 'made' | 'completed' | 'addedTo';
    /** What of each kind, by its name. */
    readonly taken: ReadonlyMap<string, number>;
  }[];
}

/** What an export is to have. */
export interface ExportWish {
  /** Of each all accounts, or one. */
  readonly hosts: readonly { readonly domain: Domain; readonly only?: BareJid }[];
  readonly hasCredentials: boolean;
}

/** What was written. */
export interface Exported {
  readonly accounts: number;
  readonly bytes: number;
}

/** Imports and exports. */
export interface PortableService {
  /** Undefined when another import is under way. */
  import(wish: ImportWish): Promise<Imported | undefined>;
  /** What was written, or why nothing was: an error of the file system. */
  export(
    wish: ExportWish & {
      /** The path of a file that is not there yet. */
      readonly file: string;
    },
  ): Promise<Exported | { readonly code: string }>;
  /** The same as pieces of text, as fast as they are read; at last what they were. */
  document(wish: ExportWish): AsyncIterable<string | Exported>;
}

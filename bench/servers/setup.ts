/** What the servers under test have in common: how they are to be, and what is known of one that runs. */
import type { Certificate } from './certificate.ts';
import type { Account, People } from './people.ts';

export type { Account };

/** The address of all servers but those of a relay. */
export const HOST = '127.0.0.1';
/** The domain of all servers but those of a relay. */
export const DOMAIN = 'localhost';

/** What a server is to be like: the same for all that are compared. */
export interface Setup {
  readonly people: People;
  /** Whether messages are archived. */
  readonly isArchiving: boolean;
  /** Where data is kept: as the server comes, or in SQLite, which is what rtcd has anyway. */
  readonly store: 'default' | 'sqlite';
  /** Messages in the archive before it starts, and when the last one came; for rtcd alone. */
  readonly archived?: { readonly rows: number; readonly end: number } | undefined;
  readonly certificate: Certificate;
  /** The core to which all its threads are bound; undefined leaves it to the system. */
  readonly core: number | undefined;
  /** Where it takes other servers, and which there are; undefined: it federates with nobody. */
  readonly relay?: Relay | undefined;
}

/** A server of a relay, and the DNS server by which it finds the others. */
export interface Relay {
  readonly domain: string;
  /** The address at which it takes other servers and clients. */
  readonly host: string;
  readonly serverPort: number;
  /** The DNS server that knows both. */
  readonly dns: { readonly host: string; readonly port: number };
}

/** A server under test. */
export interface RunningServer {
  readonly pid: number;
  readonly host: string;
  readonly domain: string;
  readonly port: number;
  readonly directTlsPort: number;
  /** The one port for all, and that of HTTPS; rtcd alone has them here. */
  readonly edgePort?: number;
  readonly httpsPort?: number;
  /** From the start of its process until it took connections, in seconds. */
  readonly startSeconds: number;
  /** Its data. */
  readonly folder: string;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** Starts a server. Rejects if it is not installed or does not come up. */
export type Start = (setup: Setup) => Promise<RunningServer>;

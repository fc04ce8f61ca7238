/** What the operations work with; `server/assemble.ts` provides it. */
import type { Certificates } from '../certs/types.ts';
import type { Fault } from '../config/document.ts';
import type { Config } from '../config/schema.ts';
import type { Accounts } from '../core/accounts.ts';
import type { Audit } from '../core/audit.ts';
import type { Authority } from '../core/authority.ts';
import type { Devices } from '../core/devices.ts';
import type { Hosts } from '../core/hosts.ts';
import type { Registry } from '../core/registry.ts';
import type { RemoveAccount } from '../core/removal.ts';
import type { Sessions } from '../core/sessions.ts';
import type { StoryQuery, TalePage } from '../core/story-search.ts';
import type { Watch } from '../core/watch.ts';
import type { Domain } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import type { LogRoot } from '../kit/log.ts';
import type { StoreStats } from '../store/store.ts';
import type { ArchiveService } from './archive-service.ts';
import type { Lookup } from './dns-lookup.ts';
import type { FederationRules, FederationService } from './federation-service.ts';
import type { PortProbe } from './port-probe.ts';
import type { PortableService } from './portable-service.ts';
import type { RoomService } from './room-service.ts';

/** The certificates in use, and making and taking new ones; a running server uses those at once. */
export type CertificateService = Pick<
  Certificates,
  'info' | 'list' | 'generateSelfSigned' | 'requestCertificate' | 'importCertificate'
>;

/** The config files and what they say. */
export interface ConfigService {
  /** The config in force. */
  current(): Config;
  /**
   * Reads the files anew and tells what is wrong with them, and what of certificates that they name is
   * missing or cannot be used; takes nothing.
   */
  check(): Promise<{ readonly faults: readonly Fault[]; readonly warnings: readonly Fault[] }>;
  /** The config in force as text, with where each value comes from. */
  show(): string;
  /** The reference of all keys as text. */
  reference(): string;
  /** Takes the files anew, whole or not at all; what was changed, in words, and what is missing as by `check`. */
  reload(): Promise<
    | {
        readonly ok: true;
        readonly changed: readonly string[];
        readonly warnings: readonly Fault[];
      }
    | { readonly ok: false; readonly faults: readonly Fault[] }
  >;
}

/** A socket that the server listens on. */
export interface ListenerInfo {
  /** Its key in the config, such as `c2sTls`. */
  readonly name: string;
  /** The address it is bound to; `*` is all. */
  readonly address: string;
  readonly port: number;
}

/** A component that the config names. */
export interface ComponentInfo {
  readonly domain: Domain;
  /** The host whose component it is. */
  readonly host: Domain;
  /** Its connection, undefined while there is none. Times in ms since the epoch. */
  readonly connection:
    | { readonly remote: string; readonly since: number; readonly lastActive: number }
    | undefined;
}

/** The components. */
export interface ComponentService {
  /** All that the config names. */
  list(): readonly ComponentInfo[];
}

/** A specification of a module, for `about`. */
export interface SpecLine {
  readonly name: string;
  /** Such as `XEP-0030` or `RFC 6121`. */
  readonly spec: string;
  readonly version: string;
  readonly covers: 'complete' | 'partial';
  readonly note: string;
}

/** The process. */
export interface RuntimeService {
  /** Of rtcd, as package.json has it. */
  readonly version: string;
  /** Of Node. */
  readonly node: string;
  readonly pid: number;
  /** When the server was started, in ms since the epoch. */
  readonly since: number;
  /** Whether this is the server, not `rtcctl` on a stopped one. */
  readonly isServing: boolean;
  readonly specs: readonly SpecLine[];
  listeners(): readonly ListenerInfo[];
  /** Resident memory. */
  memoryBytes(): number;
  /** The size of the database's files. */
  storeBytes(): Promise<number>;
  /** How many bytes are free where the data folder is. */
  roomBytes(): Promise<number>;
  /** Writes a whole copy of the database, as of now, into the data folder; answers its path and bytes. */
  backUp(): Promise<{ readonly file: string; readonly bytes: number }>;
  readonly store: StoreStats;
  /** The console's address; undefined while it is off. */
  console(): string | undefined;
}

/** What became of messages. */
export interface StoryService {
  /** Whether it is noted now. */
  isOn(): boolean;
  /** The latest messages that match, with all that was noted so far. */
  find(query: StoryQuery): Promise<TalePage>;
}

/** All that the operations need. */
export interface Services {
  readonly clock: Clock;
  readonly log: LogRoot;
  readonly accounts: Accounts;
  readonly sessions: Sessions;
  readonly devices: Devices;
  readonly hosts: Hosts;
  readonly authority: Authority;
  readonly registry: Pick<Registry, 'enabled'>;
  readonly audit: Pick<Audit, 'list'>;
  readonly watch: Watch;
  readonly stories: StoryService;
  readonly removeAccount: RemoveAccount;
  readonly config: ConfigService;
  readonly certificates: CertificateService;
  /** What others will find wrong with the chain of a host's certificate, in sentences. */
  readonly doubts: (host: Domain) => Promise<readonly string[]>;
  readonly components: ComponentService;
  readonly rooms: RoomService;
  readonly archives: ArchiveService;
  readonly portable: PortableService;
  readonly runtime: RuntimeService;
  /** Asks DNS; other servers than the system's when some are named. */
  readonly lookup: (servers: readonly string[]) => Lookup;
  readonly ports: PortProbe;
  /** The side of other servers; undefined while the server does not run. */
  readonly federation: () => FederationService | undefined;
  readonly federationRules: FederationRules;
}

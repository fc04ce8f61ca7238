/** The side of other servers as operations see it; src/server fulfils it. */
import type { DomainPattern } from '../config/federation.ts';
import type { Domain } from '../jid/jid.ts';

/** A pair of domains on a stream, or one that waits for a stream. Times in ms since the epoch. */
export interface FederationLink {
  /** The stream's name in the log; undefined while there is none. */
  readonly id: string | undefined;
  /** The other domain, and ours. */
  readonly domain: Domain;
  readonly host: Domain;
  readonly direction: 'in' | 'out' | 'both';
  readonly state: 'up' | 'connecting' | 'waiting' | 'idle';
  /** The version of TLS and the cipher, undefined without. */
  readonly protocol: string | undefined;
  readonly cipher: string | undefined;
  readonly authenticatedBy: 'external' | 'certificate' | 'dialback' | undefined;
  readonly since: number | undefined;
  readonly lastActive: number | undefined;
  /** Whether the stream is managed by XEP-0198, and whether it is resumed when it breaks. */
  readonly management: 'none' | 'acks' | 'resumable';
  /** How many stanzas wait, or were sent and are not known to have arrived. */
  readonly queued: number;
  /** How many were sent on the stream, for all of its pairs, and are not known to have arrived. */
  readonly unacknowledged: number;
  readonly remoteAddress: string | undefined;
  /** Why there is no stream, and when the next try comes. */
  readonly failure: string | undefined;
  readonly retryAt: number | undefined;
}

/** Something that happened with a domain, perhaps several times. Times in ms since the epoch. */
export interface FederationEvent {
  /** Our domain. */
  readonly host: Domain;
  readonly direction: 'in' | 'out';
  readonly outcome: 'opened' | 'failed' | 'closed';
  readonly text: string;
  readonly first: number;
  readonly last: number;
  readonly count: number;
}

/** What an admin said of a domain. */
export interface FederationRule {
  /** One of our domains, or `*` for all. */
  readonly host: Domain | '*';
  readonly domain: DomainPattern;
  readonly verdict: 'allow' | 'block';
}

/** What admins said of domains, whether the server runs or not. */
export interface FederationRules {
  list(): readonly FederationRule[];
  /** Says it, keeps it over restarts, and ends what it forbids. */
  set(rule: FederationRule): Promise<void>;
  /** Takes it back; false when nothing was said. */
  unset(rule: Pick<FederationRule, 'host' | 'domain'>): Promise<boolean>;
}

/** A step of an examination; the last one is the `summary`. */
export interface ExaminationStep {
  readonly step: string;
  readonly subject: string;
  readonly verdict: 'ok' | 'warning' | 'error' | 'skipped';
  readonly text: string;
  /** More, in lines; in the summary a text for the other admin. */
  readonly detail?: string;
  readonly cause?: string;
}

/** The side of other servers. */
export interface FederationService {
  /** All links, those of one domain if it is named. */
  list(domain?: Domain): readonly FederationLink[];
  /** What happened with a domain, the latest first. */
  history(domain: Domain): Promise<readonly FederationEvent[]>;
  /** Closes the streams of a domain; what waits is tried again at once. Answers how many. */
  close(domain: Domain): number;
  /** Why two domains may not talk, as a sentence; undefined if they may. */
  refusal(host: Domain, domain: Domain): string | undefined;
  /** Ends what is not allowed any more. */
  enforce(): void;
  /** Examines the way to a domain; ends, also while it waits, when its reader leaves. */
  examine(host: Domain, domain: Domain): AsyncIterable<ExaminationStep>;
}

/** The shape in which DNS answers, whether from the wire or from memory. */
import type { QueryType, RecordData } from './dns-message.ts';

/** Why DNS did not answer. */
export type DnsProblem =
  /** No server answered in time. */
  | 'timeout'
  /** No server could be reached. */
  | 'unreachable'
  /** The servers said that they failed, as they do when validation does. */
  | 'server-failure'
  | 'refused'
  /** The servers answered rubbish, or an alias without an end. */
  | 'malformed'
  /** It is no name for DNS. */
  | 'bad-name'
  /** Too much is being asked at the moment. */
  | 'busy'
  /** The client was closed. */
  | 'closed';

/** What DNS says. `ttl` in seconds; `isValidated` by DNSSEC, by a resolver that is believed. */
export type DnsOutcome<R> =
  | {
      readonly kind: 'records';
      readonly records: readonly R[];
      readonly ttl: number;
      readonly isValidated: boolean;
    }
  | {
      readonly kind: 'none';
      /** Whether the name itself does not exist, or only has no such record. */
      readonly isNameKnown: boolean;
      readonly ttl: number;
      readonly isValidated: boolean;
    }
  | { readonly kind: 'failed'; readonly problem: DnsProblem; readonly text: string };

/** How to ask. */
export interface QueryOptions {
  /** Asks the servers though the answer is remembered. */
  readonly isFresh?: boolean;
}

/** Asks DNS. Never rejects. */
export interface Dns {
  /** @param name A-labels, without the dot of the root, such as `_xmpp-server._tcp.falcot.com` */
  query<T extends QueryType>(
    name: string,
    type: T,
    options?: QueryOptions,
  ): Promise<DnsOutcome<RecordData[T]>>;
  /** Ends what is under way; from then on every question fails with `closed`. */
  close(): void;
}

/** What the config says of DNS. */
export interface DnsSettings {
  /** `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:5353`; none for the system's. */
  readonly servers: readonly string[];
  /** How long one question may take, over all tries and servers. */
  readonly timeoutMs: number;
  /**
   * Whose word that an answer was validated is believed: the AD bit is one bit in a packet that
   * anybody between can set, so by default only that of a resolver on this machine.
   */
  readonly trustValidation?: 'loopback' | 'all' | 'none';
}

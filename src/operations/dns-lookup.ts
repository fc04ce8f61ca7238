/** What the checks ask DNS; src/server fulfils it. "There is none" is told from "nobody answered". */

/** An SRV record (RFC 2782). */
export interface SrvRecord {
  /** The host; empty for "not available here" (a target of `.`). */
  readonly target: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** A TLSA record (RFC 6698 §2.1). */
export interface TlsaRecord {
  readonly usage: number;
  readonly selector: number;
  readonly matching: number;
  /** Hex, lower case. */
  readonly data: string;
}

/** Records, an empty list when there is none, or why nothing is known. */
export type Answer<T> =
  | { readonly ok: true; readonly records: readonly T[] }
  | { readonly ok: false; readonly text: string };

/** Looks names up. Names have A-labels. None of it rejects. */
export interface Lookup {
  /** IPv4 and IPv6 addresses. */
  addresses(name: string): Promise<Answer<string>>;
  /** Those that come first, first. */
  srv(name: string): Promise<Answer<SrvRecord>>;
  tlsa(name: string): Promise<Answer<TlsaRecord>>;
}

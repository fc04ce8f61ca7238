/** What one client of the HTTP server may take of it. */

/** Limits against clients that are greedy or slow. */
export interface HttpLimits {
  /** The most bytes of a request's headers. */
  readonly headerBytes: number;
  /** Within so many ms the headers of a request must be there. */
  readonly headersTimeoutMs: number;
  /** Within so many ms a whole request must be there. */
  readonly requestTimeoutMs: number;
  /** An idle connection is kept open for so many ms. */
  readonly keepAliveMs: number;
  /** The most bytes of a request's body. */
  readonly bodyBytes: number;
  /** The most connections of one listener, WebSockets included. */
  readonly connections: number;
  /** The most connections of one address; proxies and this machine may have more. */
  readonly connectionsPerAddress: number;
}

/** The limits that hold where the maker of the server states none. */
export const DEFAULT_LIMITS: HttpLimits = {
  headerBytes: 16 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveMs: 10_000,
  bodyBytes: 1024 * 1024,
  connections: 10_000,
  connectionsPerAddress: 500,
};

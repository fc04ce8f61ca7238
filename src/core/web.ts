/** What modules serve over HTTP, and how the outside reaches it. */
import type { Hono } from 'hono';
import type { ClientOf, HttpEnv } from '../http/client.ts';
import type { Domain } from '../jid/jid.ts';

/** How the outside reaches what is served over HTTP. */
export interface Web {
  /** The public address of a host's pages: `https://falcot.com:5281`, without a slash at its end. */
  publicUrl(host: Domain): string;
  /** Tells who is at the other end of a request. */
  readonly clientOf: ClientOf;
}

/** What a module serves over HTTP, for all hosts: it looks itself whether it is on for one. */
export interface ModuleWeb {
  /** Mounted at the root. */
  readonly app: Hono<HttpEnv>;
  /** A path below which bodies may be of any size and take any time: the module bounds them itself. */
  readonly ownBodies?: string;
}

/** Whether a request comes from our own pages. */
import type { Context } from 'hono';

/**
 * Where a request says that it comes from. Browsers tell by `Sec-Fetch-Site` (over HTTPS and on
 * localhost) and by `Origin` (on every unsafe method); it is `here` when what is told agrees with
 * this very origin, and `unknown` when nothing is told.
 */
export function originOf(c: Context): 'here' | 'elsewhere' | 'unknown' {
  const site = c.req.header('sec-fetch-site');
  const origin = c.req.header('origin');
  if (site === undefined && origin === undefined) return 'unknown';
  if (site !== undefined && site !== 'same-origin') return 'elsewhere';
  if (origin === undefined) return 'here';
  const host = c.req.header('host') ?? new URL(c.req.url).host;
  return hostOf(origin) === host ? 'here' : 'elsewhere';
}

/** The host and port of an origin. The scheme is left out: a proxy may end TLS before us. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

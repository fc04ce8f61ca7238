/** Answers that browsers keep and ask about. */
import type { Context } from 'hono';
import type { HttpEnv } from '../../http/client.ts';
import { tagOf } from './page.ts';

/** An answer that browsers keep and ask about: they are told when it is still the same. */
export function tagged(c: Context<HttpEnv>, body: string | Buffer, type: string): Response {
  const tag = tagOf(body);
  c.header('ETag', tag);
  // With its type also where it is the same: browsers refuse what other sites load without one.
  c.header('Content-Type', type);
  if (c.req.header('if-none-match') === tag) return c.body(null, 304);
  return c.body(typeof body === 'string' ? body : new Uint8Array(body));
}

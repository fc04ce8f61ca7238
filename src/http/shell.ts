/** What every app that is served wears: security headers, a body limit, pages for 404 and 500. */
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Logger } from '../kit/log.ts';
import type { HttpEnv } from './client.ts';

/** The policy of a response that brings none: nothing may be loaded, framed or sent. */
const CLOSED_POLICY =
  "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Headers that a response gets unless it brings its own. */
const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': CLOSED_POLICY,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=(), interest-cohort=()',
  // Not `no-referrer`: with it browsers send `Origin: null` from our own forms.
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

/** Sets the security headers that a response does not bring itself. */
export const securityHeaders: MiddlewareHandler = async (c, next) => {
  await next();
  for (const [name, value] of Object.entries(HEADERS))
    if (!c.res.headers.has(name)) c.res.headers.set(name, value);
};

/** Makes an empty app with what every app wears. */
export function createShell(options: {
  log: Logger;
  bodyBytes: number;
  /** Whether what is served at a path bounds bodies itself. */
  hasOwnBodies?: (path: string) => boolean;
}): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  app.use(securityHeaders);
  const limited = bodyLimit({
    maxSize: options.bodyBytes,
    onError: (c) => plainPage(c, 413, 'Too large', 'The request is larger than allowed.'),
  });
  app.use((c, next) => (options.hasOwnBodies?.(c.req.path) === true ? next() : limited(c, next)));
  app.notFound((c) => plainPage(c, 404, 'Not found', 'There is nothing at this address.'));
  app.onError((error, c) => {
    if ('code' in error && error.code === 'ECONNRESET') return c.body(null, 400); // it broke off
    options.log.error({ err: error, method: c.req.method, path: c.req.path }, 'a request failed');
    return plainPage(c, 500, 'Server error', 'The server made a mistake; its log says which.');
  });
  return app;
}

/** A short answer for a person or a program, whichever asks. */
export function plainPage(
  c: Context,
  status: 403 | 404 | 413 | 500 | 503,
  title: string,
  text: string,
): Response {
  if (!(c.req.header('accept') ?? '').includes('text/html')) return c.text(`${text}\n`, status);
  const page = `<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>${title}</title>
<h1>${title}</h1><p>${text}</p></html>`;
  return c.html(page, status);
}

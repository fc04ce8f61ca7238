/** Cookies, sessions and form tokens: who a request comes from and whether its form is ours. */
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import type { ClientOf } from '../http/client.ts';
import type { BareJid } from '../jid/jid.ts';
import { randomId } from '../kit/ids.ts';
import { type AdminEnv, type Fields, fieldsOf, isPart } from './desk.tsx';
import { originOf } from './origin.ts';
import { isSame, sealed } from './secrets.ts';
import type { Door } from './sign-in.ts';
import { ABSOLUTE_MS, type WebSession, type WebSessions } from './web-sessions.ts';

/** The gate. */
export interface Gate {
  readonly clientOf: ClientOf;
  /** The session of a request, if it may go on. */
  sessionOf(c: Context): Promise<WebSession | undefined>;
  /** Signs in: a new session, and its cookie. */
  begin(c: Context, who: { account: BareJid; passwordMark: string }): WebSession;
  /** Signs out. */
  end(c: Context): void;
  /** A token for a form of somebody who is not signed in; sets the cookie that it belongs to. */
  formToken(c: Context): string;
  /** Whether a form of somebody who is not signed in comes from our page. */
  isFormOurs(c: Context, fields: Fields): boolean;
  /** Lets only signed-in admins on, and their unsafe requests only with the right token. */
  readonly pages: MiddlewareHandler<AdminEnv>;
  /** The same for forms with large files, whose token is among what is yet to be read: see `isTokenOf`. */
  readonly uploads: MiddlewareHandler<AdminEnv>;
  /** Whether a token is that of the signed-in admin. */
  isTokenOf(c: Context<AdminEnv>, token: string): boolean;
  /** The same for programs: the token comes in the header `X-CSRF-Token`. */
  readonly programs: MiddlewareHandler<AdminEnv>;
}

const SAFE = ['GET', 'HEAD', 'OPTIONS'];
/** What is said of a form that is not ours, or is too old. */
export const STALE =
  'This form was too old or came from elsewhere. Go back, reload the page and try again.';

/** Makes the gate. */
export function createGate(options: {
  sessions: WebSessions;
  door: Door;
  clientOf: ClientOf;
}): Gate {
  const { sessions, door, clientOf } = options;
  const key = randomId(32);

  // A browser keeps __Host- cookies only from TLS, and lets nobody else set them.
  const nameOf = (c: Context, name: string) => (clientOf(c).isSecure ? `__Host-${name}` : name);
  const give = (c: Context, name: string, value: string, maxAge?: number) =>
    setCookie(c, nameOf(c, name), value, {
      path: '/',
      httpOnly: true,
      sameSite: 'Strict',
      secure: clientOf(c).isSecure,
      ...(maxAge === undefined ? {} : { maxAge }),
    });
  const idOf = (c: Context) => getCookie(c, nameOf(c, 'rtcd')) ?? '';

  const sessionOf = async (c: Context) => {
    const id = idOf(c);
    if (id === '') return undefined;
    const session = sessions.find(id, { isUse: !isPart(c) });
    if (session === undefined || (await door.mayStay(session))) return session;
    sessions.close(id);
    return undefined;
  };
  const isTokenRight = (session: WebSession, token: string | undefined) =>
    token !== undefined && isSame(token, session.csrf);

  return {
    clientOf,
    sessionOf,
    begin(c, { account, passwordMark }) {
      sessions.close(idOf(c));
      const { id, session } = sessions.open(account, passwordMark);
      give(c, 'rtcd', id, ABSOLUTE_MS / 1000);
      return session;
    },
    end(c) {
      sessions.close(idOf(c));
      give(c, 'rtcd', '', 0);
    },
    formToken(c) {
      const known = getCookie(c, nameOf(c, 'rtcd-form'));
      const nonce = known ?? randomId(16);
      if (known === undefined) give(c, 'rtcd-form', nonce);
      return sealed(key, nonce);
    },
    isFormOurs(c, fields) {
      const nonce = getCookie(c, nameOf(c, 'rtcd-form'));
      if (originOf(c) !== 'here' || nonce === undefined) return false;
      return isSame(fields['csrf'] ?? '', sealed(key, nonce));
    },
    async pages(c, next) {
      const session = await sessionOf(c);
      const isSafe = SAFE.includes(c.req.method);
      if (session === undefined) {
        const { pathname, search } = new URL(c.req.url);
        const here = `${pathname}${search}`;
        const back = isSafe && here !== '/admin' ? `?next=${encodeURIComponent(here)}` : '';
        return c.redirect(`/admin/sign-in${back}`, 303);
      }
      if (!isSafe) {
        const isOurs = originOf(c) === 'here';
        if (!isOurs || !isTokenRight(session, (await fieldsOf(c))['csrf']))
          return c.text(STALE, 403);
      }
      c.set('session', session);
      c.set('client', clientOf(c));
      return next();
    },
    async uploads(c, next) {
      const session = await sessionOf(c);
      if (session === undefined) return c.redirect('/admin/sign-in', 303);
      if (originOf(c) !== 'here') return c.text(STALE, 403);
      c.set('session', session);
      c.set('client', clientOf(c));
      return next();
    },
    isTokenOf: (c, token) => isTokenRight(c.get('session'), token),
    async programs(c, next) {
      const session = await sessionOf(c);
      const refuse = (text: string, status: 401 | 403) =>
        c.json({ ok: false, why: 'forbidden', text }, status);
      if (session === undefined) return refuse('Sign in first.', 401);
      if (!SAFE.includes(c.req.method)) {
        // No foreign page can send the header; a program need not say where it comes from.
        const isForeign = originOf(c) === 'elsewhere';
        if (isForeign || !isTokenRight(session, c.req.header('x-csrf-token')))
          return refuse('The header X-CSRF-Token is missing or wrong.', 403);
      }
      c.set('session', session);
      c.set('client', clientOf(c));
      return next();
    },
  };
}

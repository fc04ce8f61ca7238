/**
 * XEP-0227: Portable Import/Export Format for XMPP-IM Servers: all that servers keep of accounts, as a document.
 * Admins write and read whole servers; a user gets his own data behind a link that works once and not for long.
 */
import { Hono } from 'hono';
import { defineModule } from '../../core/module.ts';
import type { HttpEnv } from '../../http/client.ts';
import { type BareJid, domainOf } from '../../jid/jid.ts';
import { randomId } from '../../kit/ids.ts';
import { BoundedMap } from '../../kit/limits.ts';
import { ownDocumentOf } from './giving.ts';
import { createService, type PortableService } from './service.ts';
import { createUnfinished, unfinishedMigrations } from './unfinished.ts';

/** What other modules may use. */
export interface PortableApi {
  /** A link to the data of an account; one that it had before is void. */
  link(account: BareJid): string;
  /** Imports and exports for admins. */
  readonly service: PortableService;
}

/** Below it are the links. */
const PATH = '/export/';
/** How long a link works; a person follows it at once. */
export const LINK_MS = 10 * 60_000;
/** Links that may be open. */
const MOST_LINKS = 1000;
const TOKEN_BYTES = 24;

/** The module. */
export const portable = defineModule<undefined, PortableApi>({
  name: 'portable',
  specs: [
    {
      xep: 227,
      version: '1.1',
      covers: 'complete',
      note: 'admins import and export; users export their own data, without credentials',
    },
  ],
  tables: unfinishedMigrations,
  setup(home) {
    const { accounts, clock, isEnabled, web, log } = home;
    const unfinished = createUnfinished(home.store);
    const byAccount = new BoundedMap<BareJid, string>(MOST_LINKS);
    const links = new BoundedMap<string, { readonly account: BareJid; readonly until: number }>(
      MOST_LINKS,
    );
    const revoke = (account: BareJid) => {
      const token = byAccount.get(account);
      if (token !== undefined) links.delete(token);
      byAccount.delete(account);
    };
    const take = (token: string): BareJid | undefined => {
      const found = links.get(token);
      if (found === undefined) return undefined;
      links.delete(token);
      if (byAccount.get(found.account) === token) byAccount.delete(found.account);
      const isValid = clock.monotonic() < found.until && isEnabled(domainOf(found.account));
      return isValid ? found.account : undefined;
    };

    const app = new Hono<HttpEnv>();
    app.get(`${PATH}:token`, async (c) => {
      // A look at the head is not the look.
      if (c.req.method !== 'GET') return c.notFound();
      const account = take(c.req.param('token'));
      const found = account === undefined ? undefined : await accounts.get(account);
      if (account === undefined || found === undefined || found.isLocked) return c.notFound();
      log.info({ account }, 'a user exports his data');
      const name = encodeURIComponent(`${account}.xml`);
      return c.body(streamOf(ownDocumentOf(home, account)), 200, {
        'Content-Type': 'application/xml; charset=utf-8',
        'Content-Disposition': `attachment; filename*=UTF-8''${name}`,
        'Content-Security-Policy': "default-src 'none'; sandbox",
        'X-Content-Type-Options': 'nosniff',
        'Cache-Control': 'no-store',
        'Referrer-Policy': 'no-referrer',
      });
    });

    return {
      api: {
        service: createService({ home, unfinished }),
        link(account) {
          revoke(account);
          const token = randomId(TOKEN_BYTES);
          links.set(token, { account, until: clock.monotonic() + LINK_MS });
          byAccount.set(account, token);
          return `${web.publicUrl(domainOf(account))}${PATH}${token}`;
        },
      },
      web: { app },
      hooks: {
        async accountRemoved(account) {
          revoke(account); // who gets that name next is somebody else
          await unfinished.remove(account);
        },
      },
    };
  },
});

/** As fast as it is read; what ends early ends the reading of the database, too. */
function streamOf(text: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await text.next();
      if (next.done === true) controller.close();
      else controller.enqueue(encoder.encode(next.value));
    },
    async cancel() {
      await text.return(undefined);
    },
  });
}

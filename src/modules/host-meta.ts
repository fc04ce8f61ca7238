/**
 * XEP-0156: Discovering Alternative XMPP Connection Methods, by host-meta (RFC 6415): where a client
 * finds a host's XMPP over WebSocket and BOSH, as the outside reaches it.
 */
import { type Context, Hono } from 'hono';
import { defineModule } from '../core/module.ts';
import type { HttpEnv } from '../http/client.ts';
import { domainOfHeader } from '../http/host.ts';
import { el, serialise } from '../xml/element.ts';

/** Where clients find XMPP over WebSocket (RFC 7395), as other servers have it. */
export const WEBSOCKET_PATH = '/xmpp-websocket';

/** Where clients find BOSH (XEP-0124), as other servers have it. */
export const BOSH_PATH = '/http-bind';

const XRD = 'http://docs.oasis-open.org/ns/xri/xrd-1.0';
const WEBSOCKET = 'urn:xmpp:alt-connections:websocket';
const BOSH = 'urn:xmpp:alt-connections:xbosh';

/** An hour: a client that comes meanwhile by an old address tries again. */
const CACHING = 'public, max-age=3600';

/** The module. */
export const hostMeta = defineModule({
  name: 'hostMeta',
  specs: [{ xep: 156, version: '1.4.0', covers: 'complete', note: 'WebSocket and BOSH' }],
  setup(home) {
    const app = new Hono<HttpEnv>();
    /** The links of the host that a request names; undefined where there is none. */
    const linksFor = (c: Context<HttpEnv>) => {
      const host = domainOfHeader(c.req.header('host'));
      if (host === undefined || home.hosts.get(host) === undefined || !home.isEnabled(host))
        return undefined;
      // §2.2: only https and wss; public addresses are never anything else.
      const at = home.web.publicUrl(host);
      return [
        { rel: WEBSOCKET, href: `${at}${WEBSOCKET_PATH}`.replace(/^https:/, 'wss:') },
        { rel: BOSH, href: `${at}${BOSH_PATH}` },
      ];
    };
    app.get('/.well-known/host-meta', (c) => {
      const links = linksFor(c);
      if (links === undefined) return c.notFound();
      const xrd = el('XRD', { xmlns: XRD }, ...links.map((link) => el('Link', link)));
      const text = `<?xml version='1.0' encoding='utf-8'?>\n${serialise(xrd)}\n`;
      return c.body(text, 200, { ...HEADERS, 'Content-Type': 'application/xrd+xml' });
    });
    app.get('/.well-known/host-meta.json', (c) => {
      const links = linksFor(c);
      return links === undefined ? c.notFound() : c.json({ links }, 200, HEADERS);
    });
    return { web: { app } };
  },
});

/** §3: web pages of other origins may read this, and only this. */
const HEADERS = {
  'Access-Control-Allow-Origin': '*',
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'Cache-Control': CACHING,
} as const;

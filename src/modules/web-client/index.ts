/**
 * The web client: Converse.js, served by us and set up for the host by whose name a browser comes, at
 * `/chat`. It speaks RFC 7395 with the same server, and loads nothing from anywhere else. For guests there is
 * a chat at `/support`, which other web sites show.
 */
import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { type Context, Hono } from 'hono';
import { componentsOf } from '../../config/components.ts';
import type { Host } from '../../core/hosts.ts';
import { defineModule, type Home } from '../../core/module.ts';
import type { HttpEnv } from '../../http/client.ts';
import { domainOfHeader } from '../../http/host.ts';
import { register } from '../register/index.ts';
import { tagged } from './answer.ts';
import { type Conversations, createConversations } from './conversations.ts';
import { type Files, findFiles } from './files.ts';
import { manifestOf, type Page, pageHtml, policyOf } from './page.ts';
import { type WebClientSettings, webClientConfig } from './settings.ts';
import { createSupport } from './support.ts';

/** A year: the address changes when the file does. */
const FOR_GOOD = 'public, max-age=31536000, immutable';
const LOGOS: Readonly<Record<string, string>> = {
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
};

/** The module. */
export const webClient = defineModule<WebClientSettings>({
  name: 'webClient',
  specs: [],
  wants: ['register', 'muc'],
  config: webClientConfig,
  setup(home) {
    const conversations = createConversations(home);
    return {
      web: { app: createApp(home, conversations) },
      async stop() {
        conversations.stop();
      },
    };
  },
});

function createApp(home: Home<WebClientSettings>, conversations: Conversations): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  let files: Promise<Files> | undefined;
  const allFiles = () => {
    files ??= findFiles();
    return files;
  };
  /** What belongs to the host that a request names; undefined where there is no such page. */
  const pageFor = async (c: Context<HttpEnv>): Promise<Page | undefined> => {
    const served = hostsFor(home, c).filter(({ domain }) => home.isEnabled(domain));
    const signedIn = served.filter(({ config }) => !config.anonymous);
    const [host, ...others] = signedIn.length > 0 ? signedIn : served;
    if (host === undefined) return undefined;
    const { domain, config } = host;
    const { name = domain, colour, logo } = home.configOf(domain);
    // Relative: a proxy may serve us below a path of its own.
    const folder = `chat/${(await allFiles()).version}/`;
    return {
      ...{ domain, name: others.length === 0 ? name : 'Chat', colour, files: folder },
      others: others.map((each) => each.domain),
      logo: logo === undefined ? `${folder}mark.svg` : 'chat/logo',
      rooms: componentsOf(config).find((each) => each.config.type === 'muc')?.domain,
      isOpen: home.use(register).isOpen(domain),
    };
  };

  app.get('/chat', async (c) => {
    const page = await pageFor(c);
    if (page === undefined) return c.notFound();
    const urls = [page.domain, ...page.others].map((each) => home.web.publicUrl(each));
    c.header('Content-Security-Policy', policyOf(urls));
    c.header('Cache-Control', 'no-cache');
    return tagged(c, pageHtml(page), 'text/html; charset=utf-8');
  });
  app.get('/chat/manifest.webmanifest', async (c) => {
    const page = await pageFor(c);
    if (page === undefined) return c.notFound();
    c.header('Cache-Control', 'no-cache');
    return tagged(c, JSON.stringify(manifestOf(page)), 'application/manifest+json');
  });
  app.get('/chat/logo', async (c) => {
    const host = hostFor(home, c);
    if (host === undefined || !home.isEnabled(host.domain)) return c.notFound();
    const { logo = '' } = home.configOf(host.domain);
    const type = LOGOS[extname(logo).toLowerCase()];
    const bytes = type === undefined ? undefined : await readFile(logo).catch(() => undefined);
    if (type === undefined || bytes === undefined) return c.notFound();
    c.header('Cache-Control', 'no-cache');
    // Opened by itself, an SVG would be a page.
    c.header('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; sandbox");
    return tagged(c, bytes, type);
  });
  app.get('/chat/:version/:name{.+}', async (c) => {
    const found = await allFiles();
    const mayCompress = /\bgzip\b/.test(c.req.header('accept-encoding') ?? '');
    const file =
      c.req.param('version') === found.version
        ? await found.read(c.req.param('name'), mayCompress)
        : undefined;
    if (file === undefined) return c.notFound();
    return c.body(new Uint8Array(file.bytes), 200, {
      'Content-Type': file.type,
      'Cache-Control': FOR_GOOD,
      Vary: 'Accept-Encoding',
      ...(file.isCompressed ? { 'Content-Encoding': 'gzip' } : {}),
    });
  });
  app.route(
    '/',
    createSupport({ home, conversations, files: allFiles, hostFor: (c) => hostFor(home, c) }),
  );
  return app;
}

/** The host whose name a browser came by; on this machine, by its address too, any of them. */
function hostsFor({ hosts, web }: Home<WebClientSettings>, c: Context<HttpEnv>): readonly Host[] {
  const domain = domainOfHeader(c.req.header('host'));
  const named = domain === undefined ? undefined : hosts.get(domain);
  if (named !== undefined) return [named];
  return web.clientOf(c).isLocal ? hosts.all() : [];
}

/** The same where it must be one: the first. */
const hostFor = (...parts: Parameters<typeof hostsFor>): Host | undefined => hostsFor(...parts)[0];

/**
 * The chat for visitors of a company's web site: a page at `/support` that signs in by ANONYMOUS and is in
 * the room of its visitor's conversation, and the script by which the web site shows it.
 */
import { type Context, Hono } from 'hono';
import type { Host } from '../../core/hosts.ts';
import type { Home } from '../../core/module.ts';
import type { HttpEnv } from '../../http/client.ts';
import { escapeText } from '../../xml/element.ts';
import { tagged } from './answer.ts';
import type { Conversations } from './conversations.ts';
import type { Files } from './files.ts';
import { chatHtml, quoted } from './html.ts';
import { policyOf } from './page.ts';
import type { SupportSettings, WebClientSettings } from './settings.ts';

/** What stands for its settings in widget.js. */
const PLACE = "'SETTINGS'";

/** What the pages work with. */
export interface SupportOptions {
  readonly home: Home<WebClientSettings>;
  readonly conversations: Conversations;
  files(): Promise<Files>;
  /** The host whose name a browser came by. */
  hostFor(c: Context<HttpEnv>): Host | undefined;
}

/** The chat as it is set up for a host. */
interface SupportPage extends Pick<SupportSettings, 'title' | 'greeting'> {
  readonly domain: string;
  /** `#rrggbb`. */
  readonly colour: string;
  /** Where its files are, from the folder that the page is in, with a slash at the end. */
  readonly files: string;
}

/** Makes what is served. */
export function createSupport({
  home,
  conversations,
  files,
  hostFor,
}: SupportOptions): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  /** What a host has set up; undefined where it has no such chat. */
  const found = (c: Context<HttpEnv>) => {
    const host = hostFor(c);
    if (host?.config.anonymous !== true || !home.isEnabled(host.domain)) return undefined;
    const { support, colour } = home.configOf(host.domain);
    return support === undefined ? undefined : { host, domain: host.domain, support, colour };
  };

  app.get('/support', async (c) => {
    const chat = found(c);
    if (chat === undefined) return c.notFound();
    const { domain, support, colour } = chat;
    const { title, greeting, embeddedBy } = support;
    c.header('Content-Security-Policy', policyOf([home.web.publicUrl(domain)], embeddedBy));
    // X-Frame-Options, which knows no list, stays: browsers that know the policy pass over it.
    c.header('Cross-Origin-Resource-Policy', 'cross-origin');
    c.header('Cache-Control', 'no-cache');
    const folder = `chat/${(await files()).version}/`;
    const page = supportHtml({ domain, title, greeting, colour, files: folder });
    return tagged(c, page, 'text/html; charset=utf-8');
  });

  app.post('/support/conversation', async (c) => {
    const chat = found(c);
    return chat === undefined ? c.notFound() : conversations.answer(c, chat.host, chat.support);
  });

  app.get('/support/widget.js', async (c) => {
    const chat = found(c);
    const file = chat === undefined ? undefined : await (await files()).read('widget.js', false);
    if (chat === undefined || file === undefined) return c.notFound();
    const settings = { title: chat.support.title, colour: chat.colour };
    // Text in a text: nothing that the config says is a script.
    const text = JSON.stringify(JSON.stringify(settings));
    c.header('Cross-Origin-Resource-Policy', 'cross-origin');
    c.header('Cache-Control', 'no-cache');
    return tagged(
      c,
      file.bytes.toString().replace(PLACE, () => text),
      file.type,
    );
  });
  return app;
}

/** The page, as HTML. */
const supportHtml = ({ title, greeting, colour, files, domain }: SupportPage): string =>
  chatHtml({
    title,
    colour,
    files,
    styleSheet: 'support.css',
    script: 'support.js',
    settings: { domain, files },
    head: '',
    body: `<p id="greeting">${escapeText(greeting)}</p>
<main id="chat" aria-label=${quoted(title)}><converse-root></converse-root></main>
<noscript>This chat needs JavaScript.</noscript>`,
  });

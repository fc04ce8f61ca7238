/** The page of the web client, and what makes it one that can be installed. */
import { createHash } from 'node:crypto';
import type { Domain } from '../../jid/jid.ts';
import { chatHtml, quoted } from './html.ts';

/** What the page of a host says. */
export interface Page {
  readonly domain: Domain;
  /** Further hosts whose users sign in here: all of them by their whole addresses, and nobody makes an account. */
  readonly others: readonly Domain[];
  readonly name: string;
  /** `#rrggbb`. */
  readonly colour: string;
  /** Where its files are, from the folder that the page is in, with a slash at the end. */
  readonly files: string;
  /** Where its picture is, likewise. */
  readonly logo: string;
  /** The domain of the host's rooms. */
  readonly rooms: string | undefined;
  /** Whether visitors may make accounts. */
  readonly isOpen: boolean;
}

/** What start.js makes of it. */
function settingsOf({ domain, others, name, files, logo, rooms, isOpen }: Page) {
  const ofOne = {
    locked_domain: domain,
    registration_domain: domain,
    ...(rooms === undefined ? {} : { muc_domain: rooms }),
  };
  return {
    ...{ name, files, logo },
    converse: {
      ...(others.length === 0 ? ofOne : {}),
      allow_registration: isOpen && others.length === 0,
      // Or what one types would be sent to a service elsewhere.
      muc_search_service: rooms ?? domain,
    },
  };
}

/** The page, as HTML. */
export function pageHtml(page: Page): string {
  const { name, colour, files, logo } = page;
  return chatHtml({
    title: name,
    colour,
    files,
    styleSheet: 'style.css',
    script: 'start.js',
    settings: settingsOf(page),
    head: `<meta name="theme-color" content=${quoted(colour)}>
<link rel="icon" href=${quoted(logo)}>
<link rel="manifest" href="chat/manifest.webmanifest">
`,
    body: '<noscript>This page needs JavaScript. Any XMPP client will do, too: sign in with your address and password.</noscript>',
  });
}

/**
 * What the page may load and send: what is ours only. Converse.js sets styles of elements itself, and its
 * cryptography is WebAssembly.
 * @param publicUrls the hosts'; files are uploaded there, wherever the page is served
 * @param sites the origins of those that may show it in a page of theirs
 */
export function policyOf(publicUrls: readonly string[], sites: readonly string[] = []): string {
  const all = [...new Set(publicUrls.map((url) => new URL(url).origin))];
  const origins = all.join(' ');
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self' 'unsafe-inline'",
    `img-src 'self' data: blob: ${origins}`,
    `media-src 'self' blob: ${origins}`,
    "font-src 'self' data:",
    `connect-src 'self' ${origins} ${origins.replace(/\bhttp/g, 'ws')}`,
    "worker-src 'self'",
    "manifest-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    `frame-ancestors ${sites.length === 0 ? "'none'" : sites.join(' ')}`,
  ].join('; ');
}

/** The manifest, by which it is installed like a program. */
export function manifestOf({ name, colour, logo }: Page) {
  return {
    name,
    short_name: name.slice(0, 12),
    // From its own address, which is below that of the page.
    start_url: '../chat',
    scope: '../chat',
    display: 'standalone',
    background_color: colour,
    theme_color: colour,
    icons: [{ src: `../${logo}`, sizes: 'any', purpose: 'any' }],
  };
}

/** A short name for what a text says, for caches. */
export const tagOf = (text: string | Buffer) =>
  `"${createHash('sha256').update(text).digest('base64url').slice(0, 16)}"`;

/**
 * Converse.js in Chromium: two windows of one person, and another person, over WebSocket. It is served
 * here by the test, with nothing but the address of the server.
 */
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { extname, join, normalize, resolve } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { loggedIn } from '../support/client.ts';
import { describeWith, findChromium } from '../support/peers.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { BROWSER_ARGS } from './arguments.ts';

const PASSWORD = 'a secret for tests';
const DIST = resolve(import.meta.dirname, '../../node_modules/converse.js/dist');
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};
/** Converse is large, and starts slowly where others work beside it. */
const PATIENCE_MS = 20_000;
/** Where pictures are kept, if they are. */
const FOLDER = process.env['RTCD_SCREENSHOTS'];

describeWith(['chromium'], 'Converse.js in a browser', () => {
  let server: TestServer;
  let pages: Server;
  let browser: Browser;
  let open: Page[] = [];

  beforeAll(async () => {
    server = await startServer({
      accounts: { 'romeo@localhost': PASSWORD, 'juliet@localhost': PASSWORD },
    });
    await befriend(server, 'romeo', 'juliet');
    pages = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
      if (pathname === '/') {
        response.setHeader('Content-Type', 'text/html; charset=utf-8');
        response.end(pageFor(searchParams.get('jid') ?? '', server.ports.http));
        return;
      }
      const file = join(DIST, normalize(pathname));
      readFile(file).then(
        (data) => {
          response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream');
          response.end(data);
        },
        () => {
          response.statusCode = 404;
          response.end();
        },
      );
    });
    await new Promise<void>((listening) => pages.listen(0, '127.0.0.1', listening));
    browser = await chromium.launch({ executablePath: findChromium() ?? '', args: BROWSER_ARGS });
  }, 60_000);
  afterEach(async () => {
    for (const page of open) await page.context().close();
    open = [];
  });
  afterAll(async () => {
    await browser?.close();
    pages?.close();
    await server?.stop();
  });

  /** A window in which somebody is signed in. */
  async function window(jid: string): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1000, height: 700 } });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    open.push(page);
    const address = pages.address();
    const port = typeof address === 'object' ? address?.port : 0;
    await page.goto(`http://127.0.0.1:${port}/?jid=${encodeURIComponent(jid)}`);
    await page.waitForFunction('window.isSignedIn === true');
    return page;
  }

  /** Opens the conversation with a contact. */
  async function chatWith(page: Page, jid: string): Promise<void> {
    await page.locator(`#converse-roster [data-jid="${jid}"]`).first().click();
    await page.locator('.chat-textarea').waitFor();
  }

  async function say(page: Page, text: string): Promise<void> {
    await page.locator('.chat-textarea').fill(text);
    await page.keyboard.press('Enter');
  }

  const shown = (page: Page) => page.locator('.chat-msg__text').allInnerTexts();

  test('two windows of one person show the same history, also one that is opened later', {
    timeout: 180_000,
  }, async () => {
    const first = await window('juliet@localhost');
    const romeo = await window('romeo@localhost');
    await chatWith(romeo, 'juliet@localhost');
    await say(romeo, 'But soft, what light');
    await chatWith(first, 'romeo@localhost');
    await first.locator('.chat-msg__text', { hasText: 'But soft' }).waitFor();
    await say(first, 'O Romeo, Romeo');
    await romeo.locator('.chat-msg__text', { hasText: 'O Romeo' }).waitFor();
    // Opened later: what was said comes from the archive, what is said now as carbons.
    const second = await window('juliet@localhost');
    await chatWith(second, 'romeo@localhost');
    await second.locator('.chat-msg__text', { hasText: 'O Romeo' }).waitFor();
    await say(first, 'Wherefore art thou');
    await second.locator('.chat-msg__text', { hasText: 'Wherefore' }).waitFor();
    const all = ['But soft, what light', 'O Romeo, Romeo', 'Wherefore art thou'];
    for (const page of [first, second, romeo])
      await expect.poll(() => shown(page), { timeout: PATIENCE_MS }).toEqual(all);
    if (FOLDER !== undefined) await second.screenshot({ path: join(FOLDER, 'converse.png') });
  });
});

/** A page with Converse that signs somebody in. */
function pageFor(jid: string, port: number): string {
  const settings = {
    assets_path: '/',
    auto_login: true,
    authentication: 'login',
    jid,
    password: PASSWORD,
    websocket_url: `ws://127.0.0.1:${port}/xmpp-websocket`,
    discover_connection_methods: false,
    allow_non_roster_messaging: true,
    view_mode: 'fullscreen',
    i18n: 'en',
    persistent_store: 'sessionStorage',
    show_controlbox_by_default: true,
    // Its keys take a minute to make, and need PEP to be of use.
    blacklisted_plugins: ['converse-omemo'],
  };
  return `<!doctype html><meta charset="utf-8"><title>Converse</title>
<link rel="stylesheet" href="/converse.min.css">
<body><script type="module">
import converse from "/converse.min.js";
converse.plugins.add('rtcd-test', { initialize() {
  const { api } = this._converse;
  api.listen.on('connected', () => { window.isSignedIn = true; });
} });
converse.initialize({ ...${JSON.stringify(settings)}, whitelisted_plugins: ['rtcd-test'] });
</script></body>`;
}

/** Makes two accounts contacts of each other, both having approved it beforehand (RFC 6121 §3.4). */
async function befriend({ ports }: TestServer, ...names: readonly [string, string]): Promise<void> {
  const clients = await Promise.all(
    names.map((user) => loggedIn({ port: ports.c2s, user, password: PASSWORD })),
  );
  for (const type of ['subscribed', 'subscribe']) {
    for (const [index, client] of clients.entries()) {
      client.send(
        `<presence type='${type}' to='${names[1 - index]}@localhost'/>` +
          `<iq type='get' id='${type}'><query xmlns='jabber:iq:roster'/></iq>`,
      );
      await client.seek(({ attrs }) => attrs.id === type);
    }
  }
  for (const client of clients) client.destroy();
}

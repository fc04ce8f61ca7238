/** The web client in Chromium: two windows of one person, and another person. */
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { loggedIn } from '../support/client.ts';
import { describeWith, findChromium } from '../support/peers.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { BROWSER_ARGS } from './arguments.ts';

const PASSWORD = 'a secret for tests';
/** Converse is large, and starts slowly where others work beside it. */
const PATIENCE_MS = 20_000;
const WIDE = { width: 1100, height: 760 };
/** Where pictures are kept, if they are. */
const FOLDER = process.env['RTCD_SCREENSHOTS'];

describeWith(['chromium'], 'the web client in a browser', () => {
  let server: TestServer;
  let browser: Browser;
  let open: Page[] = [];
  /** What pages asked of anybody else. */
  const strays: string[] = [];

  beforeAll(async () => {
    server = await startServer({
      accounts: { 'romeo@localhost': PASSWORD, 'juliet@localhost': PASSWORD },
    });
    await befriend(server, 'romeo', 'juliet');
    browser = await chromium.launch({ executablePath: findChromium() ?? '', args: BROWSER_ARGS });
  }, 60_000);
  afterEach(async () => {
    for (const page of open) await page.context().close();
    open = [];
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  /** A window in which somebody signs in. */
  async function window(user: string, viewport = WIDE): Promise<Page> {
    const context = await browser.newContext({ viewport });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    page.on('request', (request) => {
      if (new URL(request.url()).hostname !== '127.0.0.1') strays.push(request.url());
    });
    open.push(page);
    await page.goto(`http://127.0.0.1:${server.ports.http}/chat`);
    await page.locator('input[name=jid]').waitFor();
    await page.emulateMedia({ colorScheme: 'dark' });
    await shot(page, 'sign-in-dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await shot(page, 'sign-in');
    await page.locator('input[name=jid]').fill(user);
    await page.locator('input[name=password]').fill(PASSWORD);
    await page.keyboard.press('Enter');
    await page.locator('#converse-roster [data-jid]').first().waitFor();
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

  const shot = async (page: Page, name: string) => {
    if (FOLDER !== undefined) await page.screenshot({ path: join(FOLDER, `client-${name}.png`) });
  };
  const shown = (page: Page) => page.locator('.chat-msg__text').allInnerTexts();

  test('two windows of one person show the same history, also one that is opened later', {
    timeout: 180_000,
  }, async () => {
    const first = await window('juliet');
    const romeo = await window('romeo');
    await chatWith(romeo, 'juliet@localhost');
    await say(romeo, 'But soft, what light');
    await chatWith(first, 'romeo@localhost');
    await first.locator('.chat-msg__text', { hasText: 'But soft' }).waitFor();
    await say(first, 'O Romeo, Romeo');
    await romeo.locator('.chat-msg__text', { hasText: 'O Romeo' }).waitFor();
    // Opened later: what was said comes from the archive, what is said now as carbons.
    const second = await window('juliet');
    await chatWith(second, 'romeo@localhost');
    await second.locator('.chat-msg__text', { hasText: 'O Romeo' }).waitFor();
    await say(first, 'Wherefore art thou');
    await second.locator('.chat-msg__text', { hasText: 'Wherefore' }).waitFor();
    const all = ['But soft, what light', 'O Romeo, Romeo', 'Wherefore art thou'];
    for (const page of [first, second, romeo])
      await expect.poll(() => shown(page), { timeout: PATIENCE_MS }).toEqual(all);
    await shot(second, 'chat');
    await second.emulateMedia({ colorScheme: 'dark' });
    await shot(second, 'chat-dark');
    await second.setViewportSize({ width: 390, height: 780 });
    await shot(second, 'chat-phone');
    expect(strays).toEqual([]);
  });
});

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

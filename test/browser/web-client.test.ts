/** The web client in Chromium, over HTTPS, as people use it. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Client, loggedIn } from '../support/client.ts';
import { describeWith, findChromium } from '../support/peers.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { BROWSER_ARGS } from './arguments.ts';

const PASSWORD = 'a secret for tests';
/** Converse.js is large, and starts slowly where others work beside it. */
const PATIENCE_MS = 45_000;
const SLOWLY = { timeout: PATIENCE_MS, interval: 500 };
const WIDE = { width: 1100, height: 760 };
const PHONE = { width: 390, height: 780 };
/** Where pictures are kept, if they are. */
const FOLDER = process.env['RTCD_SCREENSHOTS'];
const ROOM = 'orchard@conference.localhost';
/** A picture of one pixel. */
const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  'base64',
);

describeWith(['chromium'], 'the web client in a browser', () => {
  let server: TestServer;
  let browser: Browser;
  let open: Page[] = [];
  /** What pages asked of anybody else. */
  let strays: string[] = [];

  beforeAll(async () => {
    server = await startServer({
      accounts: Object.fromEntries(
        ['romeo', 'juliet', 'benvolio', 'rosaline'].map((user) => [`${user}@localhost`, PASSWORD]),
      ),
      config: { admins: ['juliet@localhost'] },
    });
    await befriend(server, 'romeo', 'juliet');
    await befriend(server, 'benvolio', 'rosaline');
    browser = await chromium.launch({ executablePath: findChromium() ?? '', args: BROWSER_ARGS });
  }, 60_000);
  afterEach(async () => {
    for (const page of open) await page.context().close();
    open = [];
    expect(strays).toEqual([]);
    strays = [];
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  const shot = async (page: Page, name: string) => {
    if (FOLDER === undefined) return;
    await mkdir(FOLDER, { recursive: true });
    await page.screenshot({ path: join(FOLDER, `client-${name}.png`) });
  };

  /** A window in which somebody signs in. */
  async function window(user: string): Promise<Page> {
    const context = await browser.newContext({ viewport: WIDE, ignoreHTTPSErrors: true });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    page.on('request', (request) => {
      const { protocol, host } = new URL(request.url());
      const isOwn = host === `localhost:${server.ports.https}`;
      if (!isOwn && protocol !== 'data:' && protocol !== 'blob:') strays.push(request.url());
    });
    open.push(page);
    await page.goto(`https://localhost:${server.ports.https}/chat`);
    expect(await page.evaluate(spoken)).toBe('h2');
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

  async function enter(page: Page): Promise<void> {
    await page.goto(`${page.url().replace(/#.*/, '')}#converse/room?jid=${ROOM}`);
    await page.locator('converse-muc .chat-textarea').waitFor();
  }

  /** Says something; a page that is being drawn anew may swallow it, so it is looked for. */
  async function say(page: Page, text: string): Promise<void> {
    const own = page.locator('.chat-msg__text', { hasText: text });
    for (let tries = 0; tries < 4; tries += 1) {
      await page.locator('.chat-textarea').fill(text);
      await page.keyboard.press('Enter');
      const isSaid = await own
        .first()
        .waitFor({ timeout: 10_000 })
        .then(
          () => true,
          () => false,
        );
      if (isSaid) return;
    }
    throw new Error(`“${text}” could not be said`);
  }

  /** Tries to switch OMEMO on, for which the other side's keys have to be there; answers whether it is. */
  async function lock(page: Page): Promise<boolean> {
    const complaint = page.locator('.modal.show .modal-footer button, .modal.show .btn-close');
    if ((await complaint.count()) > 0) await complaint.first().click();
    const button = page.locator('.toggle-omemo');
    const isOn = async () => !(await button.getAttribute('title'))?.includes('plaintext');
    if (await isOn()) return true;
    await button.click({ timeout: 2000 }).catch(() => {});
    return isOn();
  }

  const said = (page: Page, text: string) =>
    page.locator('.chat-msg__text', { hasText: text }).first().waitFor();
  const shown = (page: Page) => page.locator('.chat-msg__text').allInnerTexts();
  const archived = async (jid: string) =>
    JSON.stringify(await server.run('archive.show', { jid, limit: 100 }));

  test('two windows of one person show the same history, also one that is opened later', {
    timeout: 180_000,
  }, async () => {
    const first = await window('juliet');
    const romeo = await window('romeo');
    await chatWith(romeo, 'juliet@localhost');
    await say(romeo, 'But soft, what light');
    await chatWith(first, 'romeo@localhost');
    await said(first, 'But soft');
    await say(first, 'O Romeo, Romeo');
    await said(romeo, 'O Romeo');
    // Opened later: what was said comes from the archive, what is said now as carbons.
    const second = await window('juliet');
    await chatWith(second, 'romeo@localhost');
    await said(second, 'O Romeo');
    await say(first, 'Wherefore art thou');
    await said(second, 'Wherefore');
    const all = ['But soft, what light', 'O Romeo, Romeo', 'Wherefore art thou'];
    for (const page of [first, second, romeo])
      await expect.poll(() => shown(page), { timeout: PATIENCE_MS }).toEqual(all);
    // Loaded anew, it comes back into its session by itself.
    await second.reload();
    await second.locator('#converse-roster [data-jid]').first().waitFor();
    await said(second, 'Wherefore');
    await shot(second, 'chat');
    await second.emulateMedia({ colorScheme: 'dark' });
    await shot(second, 'chat-dark');
    await second.setViewportSize(PHONE);
    await shot(second, 'chat-phone');
  });

  test('a room, with a file in it', { timeout: 180_000 }, async () => {
    const [juliet, romeo] = [await window('juliet'), await window('romeo')];
    await enter(juliet);
    await enter(romeo);
    await say(romeo, 'Lady, by yonder blessed moon');
    await said(juliet, 'Lady, by yonder');
    await juliet.locator('.fileupload').setInputFiles({
      name: 'moon.png',
      mimeType: 'image/png',
      buffer: PICTURE,
    });
    const picture = romeo.locator('.chat-msg__media img, .chat-msg img.chat-image');
    await picture.first().waitFor();
    await expect
      .poll(() =>
        picture
          .first()
          .evaluate((img) => (img as unknown as { naturalWidth: number }).naturalWidth),
      )
      .toBe(1);
    await shot(romeo, 'room');
  });

  test('a picture of oneself, and a bookmark, are there on every device', {
    timeout: 240_000,
  }, async () => {
    const juliet = await window('juliet');
    await juliet.locator('.show-profile').click();
    await juliet.locator('.modal.show [data-name=profile]').click();
    await juliet.locator('input[name=avatar_image]').setInputFiles({
      name: 'juliet.png',
      mimeType: 'image/png',
      buffer: PICTURE,
    });
    await juliet.locator('#profile-tabpanel [type=submit]').click();
    const other = await loggedIn({ port: server.ports.c2s, user: 'juliet', password: PASSWORD });
    const items = (node: string) =>
      ask(
        other,
        `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='${node}'/></pubsub>`,
      );
    // What it put into the vCard stands in the node of XEP-0084, too (XEP-0398).
    await expect.poll(() => items('urn:xmpp:avatar:metadata'), SLOWLY).toContain('image/png');
    await juliet.locator('.modal.show').waitFor({ state: 'detached' });
    const romeo = await window('romeo');
    const face = romeo.locator('#converse-roster [data-jid="juliet@localhost"] converse-avatar');
    await face.locator('img, svg image').first().waitFor({ state: 'attached' });

    await enter(juliet); // which bookmarks the room
    await expect.poll(() => items('urn:xmpp:bookmarks:1'), SLOWLY).toContain(ROOM);
    other.destroy();
    // Another device of hers enters by itself.
    const later = await window('juliet');
    await later.locator('.open-rooms-list', { hasText: 'orchard' }).waitFor();
    await shot(later, 'bookmark');
  });

  test('a conversation that only the two can read (OMEMO)', { timeout: 240_000 }, async () => {
    const [rosaline, benvolio] = [await window('rosaline'), await window('benvolio')];
    await chatWith(rosaline, 'benvolio@localhost');
    await chatWith(benvolio, 'rosaline@localhost');
    for (const page of [rosaline, benvolio]) await expect.poll(() => lock(page), SLOWLY).toBe(true);
    await say(benvolio, 'I have night’s cloak');
    await said(rosaline, 'night’s cloak');
    await say(rosaline, 'My bounty is as boundless');
    await said(benvolio, 'bounty');
    await shot(rosaline, 'omemo');
    expect(await archived('rosaline@localhost')).not.toMatch(/cloak|bounty/);
  });

  test('an admin carries out a command', { timeout: 180_000 }, async () => {
    const juliet = await window('juliet');
    await juliet.locator('.show-client-info').click();
    await juliet.locator('.modal.show a:has-text("Commands")').click();
    const dialog = juliet.locator('converse-adhoc-commands');
    await dialog.locator('input[type=submit]').first().click();
    await dialog.locator('.list-group-item a', { hasText: /^Add User$/i }).click();
    await dialog.locator('input[name=accountjid]').fill('balthasar@localhost');
    await dialog.locator('input[name=password]').fill(PASSWORD);
    await dialog.locator('input[name=password-verify]').fill(PASSWORD);
    await shot(juliet, 'command');
    await dialog.locator('input.btn-primary, button.btn-primary').last().click();
    await expect
      .poll(async () => JSON.stringify(await server.run('accounts.list')), SLOWLY)
      .toContain('balthasar@localhost');
  });

  test('who is blocked is not heard any more', { timeout: 180_000 }, async () => {
    const juliet = await window('juliet');
    await chatWith(juliet, 'romeo@localhost');
    await juliet.locator('converse-chat-heading .dropdown-toggle').first().click();
    await juliet.locator('.block-user').first().click();
    await juliet.locator('.modal.show button.btn-primary').click();
    const other = await loggedIn({ port: server.ports.c2s, user: 'juliet', password: PASSWORD });
    const ask = "<iq type='get' id='b'><blocklist xmlns='urn:xmpp:blocking'/></iq>";
    await expect
      .poll(async () => String(await other.ask(ask)), SLOWLY)
      .toContain('romeo@localhost');
    other.destroy();
    const romeo = await loggedIn({ port: server.ports.c2s, user: 'romeo', password: PASSWORD });
    const refused = await romeo.ask(
      "<message to='juliet@localhost' type='chat'><body>Alack, alack</body></message>",
    );
    expect(refused.attrs.type).toBe('error');
    romeo.destroy();
    expect(await archived('juliet@localhost')).not.toContain('Alack');
  });
});

/** The protocol by which a page came; runs in the page. */
const spoken = () => {
  const [entry] = performance.getEntries();
  return entry === undefined ? '' : Reflect.get(entry, 'nextHopProtocol');
};

let asked = 0;
/** Asks a question about one's own account; answers what came. */
async function ask(client: Client, payload: string): Promise<string> {
  asked += 1;
  const id = `ask-${asked}`;
  client.send(`<iq type='get' id='${id}'>${payload}</iq>`);
  return String(await client.seek(({ attrs }) => attrs.id === id));
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

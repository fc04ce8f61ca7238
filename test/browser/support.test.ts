/** The chat for visitors in Chromium, on the pages of a web site that is not ours. */
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeInMemory } from '../../src/certs/folder.ts';
import { domainNamed } from '../operations/support.ts';
import { type Client, loggedIn, textIn } from '../support/client.ts';
import { jumpingClock } from '../support/jumping-clock.ts';
import { describeWith, findChromium } from '../support/peers.ts';
import { HOST, startServer, type TestServer } from '../support/server.ts';
import { BROWSER_ARGS } from './arguments.ts';

const PASSWORD = 'a secret for tests';
/** Converse.js is large, and starts slowly where others work beside it. */
const PATIENCE_MS = 60_000;
const WIDE = { width: 1100, height: 760 };
const PHONE = { width: 390, height: 780 };
/** Where pictures are kept, if they are. */
const FOLDER = process.env['RTCD_SCREENSHOTS'];
/** Where colleagues hear who waits. */
const LOBBY = 'support@conference.localhost';
const GUESTS = 'guest.falcot.localhost';
/** The company's site, of one family with the domain for guests. */
const SITE = 'www.falcot.localhost';

describeWith(['chromium'], 'the chat for visitors in a browser', () => {
  let site: Server;
  let siteUrl = '';
  /** The same by another name, which makes the chat one of another site there. */
  let otherUrl = '';
  let server: TestServer;
  let browser: Browser;
  let colleague: Client;

  beforeAll(async () => {
    const domain = domainNamed(SITE);
    const { chainPem, keyPem } = await makeInMemory({
      ...{ folder: '/nowhere', domain, names: [], clock: jumpingClock() },
    });
    site = createServer({ cert: chainPem, key: keyPem }, (request, response) => {
      // As strict as a site may be that takes a script and a frame of ours.
      const ours = `https://${GUESTS}:${server.ports.https}`;
      response.setHeader(
        'Content-Security-Policy',
        `default-src 'none'; script-src ${ours}; frame-src ${ours}`,
      );
      response.setHeader('Content-Type', 'text/html; charset=utf-8');
      response.end(
        `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width">
        <title>Falcot</title><h1>Falcot ${request.url}</h1><a href="/prices">Prices</a>
        <script src="${ours}/support/widget.js" defer></script></html>`,
      );
    }).listen(0, HOST);
    await once(site, 'listening');
    const address = site.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    siteUrl = `https://${SITE}:${port}`;
    otherUrl = `https://${HOST}:${port}`;
    const support = { room: LOBBY, title: 'Ask Falcot', embeddedBy: [siteUrl, otherUrl] };
    server = await startServer({
      accounts: { 'juliet@localhost': PASSWORD },
      hosts: {
        localhost: {},
        [GUESTS]: { anonymous: true, modules: { webClient: { support } } },
      },
    });
    await server.run('rooms.create', {
      ...{ room: LOBBY, owner: 'juliet@localhost', membersOnly: true },
    });
    browser = await chromium.launch({ executablePath: findChromium() ?? '', args: BROWSER_ARGS });
    const { c2s } = server.ports;
    colleague = await loggedIn({ port: c2s, user: 'juliet', password: PASSWORD });
    await enter(LOBBY);
  }, 90_000);
  afterAll(async () => {
    colleague?.destroy();
    await browser?.close();
    site?.close();
    await server?.stop();
  });

  const enter = async (room: string) => {
    colleague.send(
      `<presence to='${room}/Juliet'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
    );
    const at = `${room}/Juliet`;
    await colleague.seek(({ name, attrs }) => name === 'presence' && attrs.from === at);
  };
  /** Waits until the colleague hears of a visitor, and goes to him; answers his room. */
  const attend = async () => {
    const said = await colleague.seek(
      (element) => element.attrs.from === LOBBY && textIn(element).includes('is waiting: '),
    );
    const room = /xmpp:([^?]+)\?join/.exec(textIn(said))?.[1] ?? '';
    await enter(room);
    return room;
  };

  const shot = async (page: Page, name: string) => {
    if (FOLDER === undefined) return;
    await mkdir(FOLDER, { recursive: true });
    await page.screenshot({ path: join(FOLDER, `support-${name}.png`) });
  };
  const chatOf = (page: Page) => page.frameLocator('iframe');
  const shown = (page: Page, text: string) =>
    chatOf(page).locator('.chat-msg__text', { hasText: text }).first().waitFor();
  const write = async (page: Page, text: string) => {
    await chatOf(page).locator('.chat-textarea').fill(text);
    await chatOf(page).locator('.chat-textarea').press('Enter');
  };
  /** Waits until the colleague hears a text in the room; answers who said it. */
  const heard = async (text: string) => {
    const said = await colleague.seek(
      (element) => element.name === 'message' && textIn(element).includes(text),
    );
    return String(said.attrs.from);
  };
  const answer = (room: string, text: string) =>
    colleague.send(`<message to='${room}' type='groupchat'><body>${text}</body></message>`);

  /** What the admin sees of guests. */
  const listed = async () =>
    (await server.run('sessions.list', { host: GUESTS })) as {
      readonly total: number;
      readonly sessions: readonly { readonly jid: string }[];
    };
  /** What the colleague reads in the archive of a room. */
  const archive = async (room: string) => {
    colleague.send(`<iq type='set' to='${room}' id='a'><query xmlns='urn:xmpp:mam:2'/></iq>`);
    const found: string[] = [];
    await colleague.seek((element) => {
      found.push(String(element));
      return element.attrs.id === 'a';
    });
    return found.join();
  };

  test('a visitor asks, a colleague answers, and it is all there on the next page', {
    timeout: 300_000,
  }, async () => {
    const context = await browser.newContext({ viewport: WIDE, ignoreHTTPSErrors: true });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    const faults: string[] = [];
    page.on('console', (line) => {
      if (/Content Security Policy/.test(line.text())) faults.push(line.text());
    });
    await page.goto(`${siteUrl}/`);
    const opener = page.getByRole('button', { name: 'Ask Falcot' });
    await opener.waitFor();
    expect(await page.locator('iframe').count()).toBe(0); // nobody is a guest who has not asked
    await shot(page, 'closed');
    await opener.focus();
    await page.keyboard.press('Enter');
    await chatOf(page).locator('.chat-textarea').waitFor();
    const room = await attend();
    await write(page, 'Where is my parcel?');
    const visitor = await heard('Where is my parcel?');
    expect(visitor).toMatch(/^support-[0-9a-f]+@conference\.localhost\/Visitor \d{4}$/);
    expect(visitor).toContain(`${room}/`);
    answer(room, 'It comes tomorrow');
    await shown(page, 'It comes tomorrow');
    await shot(page, 'wide');
    const [guest] = (await listed()).sessions;
    expect(guest).toMatchObject({ mechanism: 'ANONYMOUS', state: 'connected' });
    const jid = guest?.jid;

    // The next page of the site: the same guest, in the same session, with what was said.
    await page.getByRole('link', { name: 'Prices' }).click();
    await page.getByRole('heading', { name: '/prices' }).waitFor();
    answer(room, 'Or on Monday');
    for (const text of ['Where is my parcel?', 'It comes tomorrow', 'Or on Monday'])
      await shown(page, text);
    await write(page, 'Monday will do');
    expect(await heard('Monday will do')).toBe(visitor);
    expect(await listed()).toMatchObject({ total: 1, sessions: [{ jid }] });
    await page.emulateMedia({ colorScheme: 'dark' });
    await shot(page, 'wide-dark');
    await page.setViewportSize(PHONE);
    await shot(page, 'phone-dark');
    await page.emulateMedia({ colorScheme: 'light' });
    await shot(page, 'phone');
    await page.getByRole('button', { name: 'Close' }).click();
    await opener.waitFor();
    await page.reload();
    await opener.waitFor();
    expect(await page.getByRole('dialog').count()).toBe(0);

    // Another visitor has a conversation of his own.
    const other = await browser.newContext({ viewport: PHONE, ignoreHTTPSErrors: true });
    other.setDefaultTimeout(PATIENCE_MS);
    const stranger = await other.newPage();
    await stranger.goto(`${siteUrl}/`);
    await stranger.getByRole('button', { name: 'Ask Falcot' }).click();
    await chatOf(stranger).locator('.chat-textarea').waitFor();
    const otherRoom = await attend();
    expect(otherRoom).not.toBe(room);
    await write(stranger, 'Anybody there?');
    await heard('Anybody there?');
    await shown(stranger, 'Anybody there?');
    answer(room, 'For one only');
    answer(otherRoom, 'For the other only');
    await shown(stranger, 'For the other only');
    expect(await chatOf(stranger).locator('.chat-msg__text').allInnerTexts()).toEqual([
      'Anybody there?',
      'For the other only',
    ]);
    await shot(stranger, 'stranger');
    // The archive of each room has it, as all that is said there.
    const archived = await archive(room);
    for (const text of ['Where is my parcel?', 'Monday will do']) expect(archived).toContain(text);
    expect(await archive(otherRoom)).toContain('Anybody there?');

    // Whose session is ended, as by a restart of the server, comes in again by himself.
    const { sessions: left } = await listed();
    await server.run('sessions.kick', { jid: left.find((each) => each.jid !== jid)?.jid ?? '' });
    await chatOf(stranger).locator('.chat-msg__text').first().waitFor({ state: 'detached' });
    await chatOf(stranger).locator('.chat-textarea').waitFor();
    await write(stranger, 'Back again');
    const back = await heard('Back again');
    expect(back).toContain(`${otherRoom}/`);

    // Whom a colleague removes does not come back for a while.
    const [, nick] = back.split('/');
    const kick = `<query xmlns='http://jabber.org/protocol/muc#admin'><item nick='${nick}' role='none'/></query>`;
    colleague.send(`<iq type='set' id='k' to='${otherRoom}'>${kick}</iq>`);
    expect((await colleague.seek(({ attrs }) => attrs.id === 'k')).attrs.type).toBe('result');
    await shot(stranger, 'removed');
    await stranger.reload();
    await chatOf(stranger).getByText('closed for you for now').waitFor();
    await shot(stranger, 'closed-for-now');
    expect(faults).toEqual([]);
    await other.close();
    await context.close();
  });

  test('a browser that keeps nothing for pages of other sites offers a window', {
    timeout: 120_000,
  }, async () => {
    const context = await browser.newContext({ viewport: WIDE, ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await page.goto(`${otherUrl}/`);
    await page.getByRole('button', { name: 'Ask Falcot' }).click();
    const link = chatOf(page).getByRole('link', { name: /window of its own/ });
    await link.waitFor({ timeout: PATIENCE_MS });
    expect(await link.getAttribute('href')).toBe(`https://${GUESTS}:${server.ports.https}/support`);
    await shot(page, 'window');
    await context.close();
  });

  test('no site but those of the config may show it', { timeout: 120_000 }, async () => {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    const refused = page.waitForEvent('console', {
      predicate: (line) => line.text().includes('frame-ancestors'),
      timeout: PATIENCE_MS,
    });
    await page.setContent(
      `<iframe src="https://${GUESTS}:${server.ports.https}/support"></iframe>`,
    );
    expect((await refused).text()).toContain(siteUrl);
    await context.close();
  });
});

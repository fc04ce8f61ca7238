/**
 * An invitation opened in Chromium on a phone makes an account that slixmpp then uses; a domain where
 * anyone registers; a new password by a link. RTCD_SCREENSHOTS=folder keeps pictures.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { z } from 'zod';
import { type People, peopleOn } from '../peers/people.ts';
import { describeWith, findChromium } from '../support/peers.ts';
import { DOMAIN, type Program, startProgram } from '../support/program.ts';
import { BROWSER_ARGS } from './arguments.ts';

const WIDE = { width: 1280, height: 860 };
const PHONE = { width: 390, height: 844 };
const NARROW = { width: 360, height: 640 };
const PASSWORD = 'o blessed blessed night';
const ANDROID =
  'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36';
const FOLDER = process.env['RTCD_SCREENSHOTS'];
const PATIENCE_MS = 10_000;

describeWith(['chromium', 'slixmpp'], 'invitations in a browser', () => {
  let program: Program;
  let people: People;
  let browser: Browser;
  let context: BrowserContext | undefined;
  let page: Page;
  let complaints: string[];

  const open = async (options: Parameters<Browser['newContext']>[0] = {}) => {
    await context?.close();
    context = await browser.newContext({
      viewport: WIDE,
      reducedMotion: 'reduce',
      ignoreHTTPSErrors: true, // the certificate is self-signed
      ...options,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    page = await context.newPage();
    complaints = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      const isStatus = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !isStatus) complaints.push(message.text());
    });
    page.on('request', (request) => {
      const { hostname, port } = new URL(request.url());
      const isOurs = hostname === DOMAIN && port === String(program.ports.https);
      if (!isOurs) complaints.push(`it asked for ${request.url()}`);
    });
  };
  /** Makes a link by rtcctl. */
  const link = async (...words: readonly string[]) => {
    const { stdout, stderr } = await program.ctl([...words, '--json']);
    const parsed = z.object({ value: z.object({ url: z.string() }) }).safeParse(parseJson(stdout));
    if (!parsed.success) throw new Error(`${words.join(' ')}: ${stderr}`);
    return parsed.data.value.url;
  };
  const parseJson = (text: string): unknown => (text === '' ? undefined : JSON.parse(text));
  const fill = async (name: string, password: string, again = password) => {
    const field = page.getByLabel('Choose a name');
    if ((await field.count()) > 0) await field.fill(name);
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByLabel('The same password again').fill(again);
  };
  const overflow = () =>
    page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
  /** A picture of the page as it is on a phone and on a wide screen, in both schemes. */
  const picture = async (name: string) => {
    for (const [size, viewport] of Object.entries({ wide: WIDE, phone: PHONE, narrow: NARROW })) {
      await page.setViewportSize(viewport);
      expect(await overflow(), `${name} on ${size}`).toBeLessThanOrEqual(0);
      if (FOLDER === undefined || size === 'narrow') continue;
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        const path = join(FOLDER, `guest-${name}-${size}-${colorScheme}.png`);
        await page.screenshot({ path, fullPage: true });
      }
    }
    await page.setViewportSize(PHONE);
  };

  beforeAll(async () => {
    program = await startProgram();
    const host = join(program.folder, 'conf.d', `${DOMAIN}.yaml`);
    const modules = { register: { allowRegistration: true, approval: true } };
    await writeFile(host, stringify({ virtualHost: DOMAIN, modules }));
    await program.ctl(['reload']);
    people = peopleOn(program);
    const executablePath = findChromium();
    if (executablePath === undefined) throw new Error('Chromium was there a moment ago');
    browser = await chromium.launch({ executablePath, args: BROWSER_ARGS });
  });
  afterAll(async () => {
    await browser?.close();
    await people?.leave();
    await program?.stop();
  });
  afterEach(() => expect(complaints).toEqual([]));

  test('the page of the domain tells how to come in', async () => {
    await open();
    await page.goto(`https://${DOMAIN}:${program.ports.https}/`);
    await page.getByRole('heading', { name: `Chat at ${DOMAIN}` }).waitFor();
    await page.getByText('What apps ask for').click();
    await picture('landing');
    await page.getByRole('link', { name: 'Chat in the browser' }).click();
    await page.locator('input[name=jid]').waitFor();
  });

  test('XEP-0401: on a phone, an invitation makes an account that slixmpp uses', async () => {
    const romeo = await people.person('romeo');
    const url = await link('invite', 'create', DOMAIN, '--inviter', romeo.jid, '--uses', '2');
    await open({ viewport: PHONE, userAgent: ANDROID, isMobile: true, hasTouch: true });
    const response = await page.goto(url);
    expect(response?.headers()).toMatchObject({
      'cache-control': 'no-store',
      'strict-transport-security': 'max-age=15552000',
    });
    await page.getByRole('heading', { name: `${romeo.name} invites you to chat` }).waitFor();
    const app = page.getByRole('link', { name: 'Open in my app' });
    expect(await app.getAttribute('href')).toBe(
      `xmpp:${romeo.jid}?roster;preauth=${url.split('/').at(-1)};ibr=y`,
    );
    await page.getByRole('link', { name: 'Get Conversations' }).waitFor();
    await picture('invite-android');

    await fill('juliet', PASSWORD, 'something else');
    await page.getByRole('button', { name: 'Create my account' }).click();
    await page.getByText('The two passwords are not the same.').waitFor();
    expect(await page.getByLabel('Choose a name').inputValue()).toBe('juliet');
    await fill('juliet', 'short');
    await page.getByRole('button', { name: 'Create my account' }).click();
    await page.getByText('A password has at least 8 characters.').waitFor();
    await fill(romeo.name, PASSWORD);
    await page.getByRole('button', { name: 'Create my account' }).click();
    await page.getByText('That name is taken.').waitFor();
    await picture('invite-fault');
    await fill('juliet', PASSWORD);
    await page.getByRole('button', { name: 'Create my account' }).click();
    await page.getByRole('heading', { name: 'Welcome' }).waitFor();
    await page.getByText(`juliet@${DOMAIN}`).waitFor();
    await picture('welcome');

    const client = people.slixmpp();
    const juliet = { name: 'juliet', jid: `juliet@${DOMAIN}`, password: PASSWORD };
    await client.login(juliet, 'starttls');
    expect(await client.ask('roster')).toMatchObject([{ jid: romeo.jid, subscription: 'both' }]);
    await client.ask('message', { to: romeo.jid, body: 'How camest thou hither?' });
  });

  test('on a desk there is a code to scan, and a name that is kept cannot be changed', async () => {
    const url = await link('invite', 'create', DOMAIN, '--name', 'nurse');
    await open();
    await page.goto(url);
    await page.getByRole('img', { name: /QR code/ }).waitFor();
    expect(await page.getByLabel('Your name').inputValue()).toBe('nurse');
    expect(await page.getByLabel('Your name').isEditable()).toBe(false);
    await picture('invite-name');
    await page.setViewportSize(WIDE);
    await fill('', PASSWORD);
    await page.getByRole('button', { name: 'Create my account' }).click();
    await page.getByText(`nurse@${DOMAIN}`).waitFor();
    expect((await page.goto(url))?.status()).toBe(404);
    await page.getByRole('heading', { name: 'This link does not work' }).waitFor();
    await picture('closed');
  });

  test('XEP-0077 where anyone registers, an admin approves', async () => {
    await open();
    await page.goto(`https://${DOMAIN}:${program.ports.https}/register`);
    await page.getByText('an admin approves it').waitFor();
    await picture('register');
    await fill('peter', PASSWORD);
    await page.getByRole('button', { name: 'Ask for the account' }).click();
    await page.getByText('An admin has to approve your account.').waitFor();
    const peter = { name: 'peter', jid: `peter@${DOMAIN}`, password: PASSWORD };
    await expect(people.slixmpp().login(peter, 'starttls')).rejects.toThrow();
    expect((await program.ctl(['registration', 'list'])).stdout).toContain(peter.jid);
    expect((await program.ctl(['registration', 'approve', peter.jid])).code).toBe(0);
    await people.slixmpp().login(peter, 'starttls');
  });

  test('a new password by a link, once', async () => {
    const mercutio = await people.person('mercutio');
    const url = await link('user', 'reset-link', mercutio.jid);
    await open({ viewport: PHONE });
    await page.goto(url);
    await page.getByText(`For ${mercutio.jid}.`).waitFor();
    await picture('reset');
    await fill('', PASSWORD);
    await page.getByRole('button', { name: 'Set the password' }).click();
    await page.getByRole('heading', { name: 'The password is set' }).waitFor();
    await picture('reset-done');
    await people.slixmpp().login({ ...mercutio, password: PASSWORD }, 'direct TLS');
    await expect(people.slixmpp().login(mercutio, 'starttls')).rejects.toThrow();
    expect((await page.goto(url))?.status()).toBe(404);
  });
});

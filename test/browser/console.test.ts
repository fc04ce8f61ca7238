/**
 * Chromium drives the console of a running server: what an admin does, with and without scripts, on a
 * wide screen and on a phone. RTCD_SCREENSHOTS=folder keeps a picture of every page.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type People, peopleOn } from '../peers/people.ts';
import { loggedIn } from '../support/client.ts';
import { startDns, type TestDns } from '../support/dns.ts';
import { describeWith, findChromium } from '../support/peers.ts';
import { DOMAIN, LOOPBACK, type Program, startProgram } from '../support/program.ts';
import { BROWSER_ARGS } from './arguments.ts';

const ADMIN = { name: 'lucie', jid: `lucie@${DOMAIN}`, password: 'a very good password' };
/** A room that the tests of pages find. */
const ROOM = `lobby@conference.${DOMAIN}`;
const WIDE = { width: 1280, height: 860 };
const PHONE = { width: 390, height: 844 };
/** The narrowest phone that is still sold. */
const NARROW = { width: 360, height: 640 };

/** Where pictures are kept, if they are. */
const FOLDER = process.env['RTCD_SCREENSHOTS'];

/** How long the browser may take for a step; shorter than a test, so that it tells which step. */
const PATIENCE_MS = 10_000;

const PAGES: Readonly<Record<string, string>> = {
  overview: '/admin',
  checks: '/admin/check',
  users: '/admin/users',
  'new-user': '/admin/users/new',
  user: `/admin/users/${encodeURIComponent(ADMIN.jid)}`,
  password: `/admin/users/${encodeURIComponent(ADMIN.jid)}/password`,
  delete: `/admin/users/${encodeURIComponent(ADMIN.jid)}/delete`,
  invitations: '/admin/invitations',
  invite: '/admin/invitations/new',
  'reset-link': `/admin/users/${encodeURIComponent(ADMIN.jid)}/reset-link`,
  files: '/admin/files',
  sessions: '/admin/sessions',
  rooms: '/admin/rooms',
  'new-room': '/admin/rooms/new',
  room: `/admin/rooms/at/${encodeURIComponent(ROOM)}`,
  'room-history': `/admin/rooms/at/${encodeURIComponent(ROOM)}/history`,
  'room-config': `/admin/rooms/at/${encodeURIComponent(ROOM)}/config`,
  'room-destroy': `/admin/rooms/at/${encodeURIComponent(ROOM)}/destroy`,
  portable: '/admin/portable',
  hosts: '/admin/hosts',
  host: `/admin/hosts/${DOMAIN}`,
  dns: `/admin/hosts/${DOMAIN}/dns`,
  request: `/admin/hosts/${DOMAIN}/request`,
  import: `/admin/hosts/${DOMAIN}/import`,
  federation: '/admin/federation',
  partner: '/admin/federation/with/far.example',
  examination: '/admin/federation/test?domain=far.example',
  block: '/admin/federation/block?domain=far.example',
  audit: '/admin/audit',
  trace: `/admin/trace?jid=${encodeURIComponent(ADMIN.jid)}`,
  watch: '/admin/watch',
  log: '/admin/log',
  server: '/admin/server',
};

describeWith(['chromium'], 'the console in a browser', () => {
  let program: Program;
  let names: TestDns;
  let people: People;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  /** What the browser complained of: script errors, and what the policy kept out. */
  let complaints: string[];

  const at = (path: string) => `http://${LOOPBACK}:${program.ports.http}${path}`;

  const open = async (options: Parameters<Browser['newContext']>[0] = {}) => {
    await context?.close();
    context = await browser.newContext({ viewport: WIDE, reducedMotion: 'reduce', ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    page = await context.newPage();
    complaints = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      // Chromium tells of each status of 400 and more; the tests look at those themselves.
      const isStatus = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !isStatus) complaints.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(at('/'))) complaints.push(`it asked for ${request.url()}`);
    });
  };
  const signIn = async (password = ADMIN.password) => {
    await page.goto(at('/admin/sign-in'));
    await page.getByLabel('Address').fill(ADMIN.jid);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
  };
  const isSignedIn = () => page.getByRole('heading', { name: 'Overview' }).waitFor();
  const focused = async () => (await page.locator(':focus').textContent())?.trim();
  const overflow = () =>
    page.evaluate<number>(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
  /** Fills the form for a new user and sends it. */
  const createUser = async (name: string, password: string) => {
    await page.goto(at('/admin/users/new'));
    await page.getByLabel('Name').fill(name);
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByLabel('The same password again').fill(password);
    await page.getByRole('button', { name: 'Create the user' }).click();
    await page.getByText(`${name}@${DOMAIN} was created.`).waitFor();
    return { name, jid: `${name}@${DOMAIN}`, password };
  };

  beforeAll(async () => {
    names = await startDns({
      '_xmpp-server._tcp.far.example': {
        SRV: ['0 5 5269 gone.far.example', '5 5 1 x.far.example'],
      },
      'x.far.example': { A: ['127.0.0.1'] },
    });
    program = await startProgram({ dns: { servers: [names.server] } });
    people = peopleOn(program);
    const executablePath = findChromium();
    if (executablePath === undefined) throw new Error('Chromium was there a moment ago');
    browser = await chromium.launch({ executablePath, args: BROWSER_ARGS });
    await open();
    const link = /http:\/\/\S+\/admin\/setup\?token=\S+/.exec(program.log())?.[0] ?? '';
    await page.goto(link);
    await page.getByLabel('Name').fill(ADMIN.name);
    await page.getByLabel('Password', { exact: true }).fill(ADMIN.password);
    await page.getByLabel('The same password again').fill(ADMIN.password);
    await page.getByRole('button', { name: 'Create the admin' }).click();
    await page.getByText(`${ADMIN.jid} is an admin now.`).waitFor();
    await page.goto(link);
    await page.getByRole('heading', { name: 'This link is closed' }).waitFor();
    await program.ctl(['invite', 'create', DOMAIN, '--note', 'for the new one']);
  });
  afterAll(async () => {
    await browser?.close();
    await people?.leave();
    await program?.stop();
    await names?.stop();
  });
  beforeEach(() => open());
  afterEach(() => expect(complaints).toEqual([]));

  test('an admin signs in and out; a wrong password does not open it', async () => {
    await signIn('a wrong password');
    await page.getByRole('alert').getByText('do not open the console').waitFor();
    await page.getByLabel('Password').fill(ADMIN.password);
    await page.keyboard.press('Enter');
    await isSignedIn();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are signed out.').waitFor();
    await page.goto(at('/admin/users'));
    expect(new URL(page.url()).pathname).toBe('/admin/sign-in');
  });

  test('a user who is created here logs in over XMPP, is seen online, and is kicked', async () => {
    await signIn();
    await isSignedIn();
    const joe = await createUser('joe', 'a password for joe');
    await page.goto(at('/admin/sessions'));
    await page.getByText('Nobody is online.').waitFor();
    const client = people.xmppJs();
    await client.login(joe, 'starttls');
    await client.ask('presence');
    // Without a reload: the list renews itself.
    await page.getByRole('row').filter({ hasText: joe.jid }).getByText('Available').waitFor();
    await page.getByRole('link', { name: 'End' }).click();
    const dialog = page.getByRole('dialog', { name: `End the session of ${joe.jid}?` });
    await dialog.getByLabel('Reason').fill('Time to go home');
    await dialog.getByRole('button', { name: 'End the session' }).click();
    await page.getByText(`1 session of ${joe.jid} ended.`).waitFor();
    await client.sees({ event: 'disconnected' });
    await page.goto(at('/admin/audit'));
    await page.getByText('reason: Time to go home').waitFor();
  });

  test('a push registration is tested, and its failure is told', async () => {
    await signIn();
    await isSignedIn();
    const amy = await createUser('amy', 'a password for amy');
    const phone = await loggedIn({
      port: program.ports.c2sTls,
      tls: {},
      to: DOMAIN,
      user: amy.name,
      password: amy.password,
      resource: 'phone',
    });
    const enable = "<enable xmlns='urn:xmpp:push:0' jid='push.nowhere.example' node='yxs32uqsfl'/>";
    await phone.ask(`<iq type='set' id='push'>${enable}</iq>`);
    await page.goto(at(`/admin/users/${encodeURIComponent(amy.jid)}`));
    const row = page.getByRole('row').filter({ hasText: 'push.nowhere.example' });
    await row.getByText('Connected').waitFor();
    await row.getByRole('link', { name: 'Test' }).click();
    const dialog = page.getByRole('dialog', { name: 'Send a test notification?' });
    await dialog.getByRole('button', { name: 'Send it' }).click();
    await page.getByText('push.nowhere.example did not take the notification').waitFor();
    await row.getByText('remote-server-not-found').waitFor();
    if (FOLDER !== undefined)
      await page.screenshot({ path: join(FOLDER, 'push.png'), fullPage: true });
    await page.setViewportSize(NARROW);
    expect(await overflow()).toBe(0);
    await row.getByRole('link', { name: 'Forget' }).click();
    const question = page.getByRole('dialog', { name: 'Forget this registration?' });
    await question.getByRole('button', { name: 'Forget it' }).click();
    await page.getByText('The registration at push.nowhere.example is forgotten.').waitFor();
    phone.destroy();
    expect(complaints).toEqual([]);
  });

  test('a room is made for people, configured, and destroyed', async () => {
    await signIn();
    await isSignedIn();
    await page.goto(at('/admin/rooms'));
    await page.getByRole('link', { name: 'New room' }).click();
    await page.getByLabel('Address').fill(ROOM);
    await page.getByLabel('Name', { exact: true }).fill('The lobby');
    await page.getByLabel('Members', { exact: true }).fill(`joe@${DOMAIN}\nann@${DOMAIN}`);
    await page.getByLabel('Listed', { exact: true }).check();
    await page.getByRole('button', { name: 'Make the room' }).click();
    await page.getByText(`${ROOM} is there.`).waitFor();
    await page
      .getByRole('row')
      .filter({ hasText: `ann@${DOMAIN}` })
      .waitFor();
    await page.getByRole('link', { name: 'Configure' }).click();
    await page.getByLabel('Description').fill('Where everybody meets');
    await page.getByLabel('Newcomers have no voice').check();
    await page.getByLabel('Messages that newcomers see').fill('many');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('historyMost').first().waitFor();
    await page.getByLabel('Messages that newcomers see').fill('30');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('The configuration is saved.').waitFor();
    await page.getByRole('link', { name: 'Add or change' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Accounts').fill(`eve@${DOMAIN}`);
    await dialog.getByLabel('They are to be').selectOption('outcast');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page
      .getByRole('row')
      .filter({ hasText: `eve@${DOMAIN}` })
      .getByText('Banned')
      .waitFor();
    const owner = await loggedIn({
      port: program.ports.c2sTls,
      tls: {},
      to: DOMAIN,
      user: ADMIN.name,
      password: ADMIN.password,
      resource: 'desk',
    });
    owner.send(
      `<presence to='${ROOM}/lucie'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
    );
    for (const text of ['Welcome to the lobby', 'a rude word'])
      owner.send(`<message to='${ROOM}' type='groupchat'><body>${text}</body></message>`);
    await owner.seek((element) => String(element).includes('a rude word'));
    await page.getByRole('link', { name: 'Messages', exact: true }).click();
    const rude = page.getByRole('row').filter({ hasText: 'a rude word' });
    await rude.getByRole('link', { name: 'Take back' }).click();
    await dialog.getByLabel('Reason').fill('Not here');
    await dialog.getByRole('button', { name: 'Take it back' }).click();
    await page.getByRole('row').filter({ hasText: 'Not here' }).getByText('Taken back').waitFor();
    await page.getByLabel('Words').fill('welcome');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('row').filter({ hasText: 'Welcome to the lobby' }).waitFor();
    expect(await page.getByText('Not here').count()).toBe(0);
    owner.destroy();
    const other = `other@conference.${DOMAIN}`;
    await page.goto(at('/admin/rooms/new'));
    await page.getByLabel('Address').fill(other);
    await page.getByRole('button', { name: 'Make the room' }).click();
    await page.getByRole('link', { name: 'Destroy' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Destroy the room' }).click();
    await page.getByText(`${other} is destroyed.`).waitFor();
  });

  test('accounts are imported from a file after a look at it, and exported, also without scripts', async () => {
    const picture = async (name: string) => {
      if (FOLDER === undefined) return;
      for (const [kind, size] of [
        ['wide', WIDE],
        ['phone', PHONE],
      ] as const)
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          await page.setViewportSize(size);
          expect(await overflow(), name).toBe(0);
          const path = join(FOLDER, `${name}-${kind}-${colorScheme}.png`);
          await page.screenshot({ path, fullPage: true });
        }
      await page.setViewportSize(WIDE);
    };
    // Larger than what other forms may send.
    const comment = `<!--${'x'.repeat(2 << 20)}-->`;
    const fileOf = (users: string) => ({
      name: 'people.xml',
      mimeType: 'text/xml',
      buffer: Buffer.from(
        `<server-data xmlns='urn:xmpp:pie:0'>${comment}<host jid='${DOMAIN}'>${users}</host></server-data>`,
      ),
    });
    const person = (name: string) =>
      `<user name='${name}' password='a password for ${name}'><query xmlns='jabber:iq:roster'><item jid='kim@far.example' subscription='both'/></query></user>`;
    for (const [javaScriptEnabled, name] of [
      [true, 'tim'],
      [false, 'tom'],
    ] as const) {
      await open({ javaScriptEnabled });
      await signIn();
      await isSignedIn();
      await page.goto(at('/admin/portable'));
      await page.getByLabel('File').setInputFiles(fileOf(person(name) + person(ADMIN.name)));
      await page.getByRole('button', { name: 'Upload and look' }).click();
      const seen = page.getByText('Nothing is changed yet.');
      if (!javaScriptEnabled)
        await expect
          .poll(() => page.goto(at('/admin/portable/import')).then(() => seen.count()))
          .toBe(1);
      await seen.waitFor();
      await page.getByText('it exists already, and is left alone').waitFor();
      await page
        .getByRole('row')
        .filter({ hasText: `${name}@${DOMAIN}` })
        .getByText('New')
        .waitFor();
      if (javaScriptEnabled) await picture('import-looked');
      await page.getByRole('button', { name: 'Import', exact: true }).click();
      const done = page.getByText('The import has ended');
      if (!javaScriptEnabled)
        await expect
          .poll(() => page.goto(at('/admin/portable/import')).then(() => done.count()))
          .toBe(1);
      await done.waitFor();
      if (javaScriptEnabled) await picture('import-done');
      await page.getByRole('button', { name: 'Close the report' }).click();
      await page.getByText('The file is no longer on the server.').waitFor();
      await page.getByLabel('Only this account').fill(`${name}@${DOMAIN}`);
      const coming = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Download' }).click();
      const download = await coming;
      expect(download.suggestedFilename()).toMatch(/^t[io]m@localhost-[-\d]+\.xml$/);
      expect(await readFile(await download.path(), 'utf8')).toMatch(
        /<user name="t[io]m">[\s\S]*kim@far\.example[\s\S]*<\/server-data>/,
      );
    }
  }, 60_000);

  test('a watch shows stanzas as they pass, with texts masked', async () => {
    await signIn();
    await isSignedIn();
    const eva = await createUser('eva', 'a password for eva');
    await page.goto(at(`/admin/users/${encodeURIComponent(eva.jid)}`));
    await page.getByRole('link', { name: 'Watch' }).last().click();
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText('Watching.').waitFor();
    expect(await page.getByText('needs JavaScript').isVisible()).toBe(false);
    const client = people.xmppJs();
    await client.login(eva, 'direct TLS');
    await client.ask('presence', { status: 'on the balcony' });
    await client.ask('message', { to: ADMIN.jid, body: 'Nobody shall read this.' });
    await page.getByText('<message').waitFor();
    expect(await page.locator('main').textContent()).not.toContain('Nobody shall read this.');
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('It was stopped.').waitFor();
    await client.kill();
  });

  test('what became of a message is found from the page of a user', async () => {
    await signIn();
    await isSignedIn();
    const ivo = await createUser('ivo', 'a password for ivo');
    const client = people.xmppJs();
    await client.login(ivo, 'direct TLS');
    await client.ask('message', { to: ADMIN.jid, body: 'Nobody shall read this.' });
    await client.ask('message', { to: `nobody@${DOMAIN}`, body: 'Nobody shall read this.' });
    await client.sees({ event: 'message' });
    await page.goto(at(`/admin/users/${encodeURIComponent(ivo.jid)}`));
    await page.getByRole('link', { name: 'Trace messages' }).click();
    await page.getByText(`Waiting for the next login of ${ADMIN.jid}`).waitFor();
    await page.getByText('Came back', { exact: true }).waitFor();
    if (FOLDER !== undefined)
      await page.screenshot({ path: join(FOLDER, 'traced.png'), fullPage: true });
    await page.getByLabel('Only what did not arrive').check();
    await page.getByLabel('And the other side').fill(ADMIN.jid);
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('heading', { name: '1 message' }).waitFor();
    await page.getByText(`Kept until ${ADMIN.jid} is there`).waitFor();
    if (FOLDER !== undefined)
      await page.screenshot({ path: join(FOLDER, 'traced-one.png'), fullPage: true });
    expect(await page.locator('main').textContent()).not.toContain('Nobody shall read this.');
    await client.kill();
  });

  test('another domain is examined, step by step, and blocked', async () => {
    await signIn();
    await isSignedIn();
    await page.goto(at('/admin/federation'));
    await page.getByLabel('Other domain').fill('far.example');
    await page.getByRole('button', { name: 'Examine' }).click();
    await page.getByText(`${DOMAIN} cannot talk with far.example.`).first().waitFor();
    await page.getByText('x.far.example (127.0.0.1) port 1', { exact: true }).waitFor();
    await page.getByText('Hello,').waitFor();
    expect(await page.getByRole('button', { name: 'Stop' }).isVisible()).toBe(false);
    if (FOLDER !== undefined)
      await page.screenshot({ path: join(FOLDER, 'examined-live.png'), fullPage: true });
    await page.getByRole('link', { name: 'Block a domain' }).click();
    const dialog = page.getByRole('dialog', { name: 'Block a domain?' });
    await dialog.getByLabel('Other domain').fill('far.example');
    await dialog.getByRole('button', { name: 'Block it' }).click();
    await page.getByText('far.example is blocked.').waitFor();
    await page.getByRole('link', { name: 'far.example', exact: true }).click();
    await page.getByText('it is blocked here').waitFor();
  });

  test('without scripts a domain is examined, too', async () => {
    await open({ javaScriptEnabled: false });
    await signIn();
    await isSignedIn();
    await page.goto(at('/admin/federation'));
    await page.getByLabel('Other domain').fill('far.example');
    await page.getByRole('button', { name: 'Examine' }).click();
    await page.getByText(`${DOMAIN} cannot talk with far.example.`).first().waitFor();
    await page.getByText('gone.far.example', { exact: true }).waitFor();
  });

  test('a dialog is opened, left and closed by keyboard, and focus comes back', async () => {
    await signIn();
    await isSignedIn();
    await page.goto(at(PAGES['user'] ?? ''));
    const opener = page.getByRole('link', { name: 'Set password' });
    await opener.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await focused()).toBe('Set password');
  });

  test('the first stop of the keyboard leads past the menu, and is seen', async () => {
    await signIn();
    await isSignedIn();
    await page.goto(at('/admin/users'));
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('Skip to the content');
    expect((await page.locator(':focus').boundingBox())?.y).toBeGreaterThanOrEqual(0);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await page.locator('main :focus').count()).toBe(1);
  });

  test('without scripts users are created, locked and deleted', async () => {
    await open({ javaScriptEnabled: false });
    await signIn();
    await isSignedIn();
    const kim = await createUser('kim', 'a password for kim');
    await page.getByRole('link', { name: kim.jid }).click();
    await page.getByRole('link', { name: 'Lock' }).click();
    await page.getByRole('button', { name: 'Lock the account' }).click();
    await page.getByText(`${kim.jid} is locked.`).waitFor();
    await page.getByRole('link', { name: 'Delete' }).click();
    await page.getByRole('button', { name: 'Delete the account' }).click();
    await page.getByText(`${kim.jid} was deleted.`).waitFor();
    await page.getByRole('link', { name: 'Watch' }).click();
    await page.getByText('The live view needs JavaScript.').waitFor();
  });

  test('a generated password is shown once and can be copied', async () => {
    await open({ permissions: ['clipboard-read', 'clipboard-write'] });
    await signIn();
    await isSignedIn();
    await page.goto(at('/admin/users/new'));
    await page.getByLabel('Name').fill('ola');
    await page.getByLabel('Generate a password').check();
    expect(await page.getByLabel('Password', { exact: true }).isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Create the user' }).click();
    const password = (await page.locator('.copyable pre').textContent()) ?? '';
    await page.getByRole('button', { name: 'Copy' }).click();
    await page.getByText('Copied').waitFor();
    expect(await page.evaluate<string>('navigator.clipboard.readText()')).toBe(password);
    const client = people.xmppJs();
    await client.login({ name: 'ola', jid: `ola@${DOMAIN}`, password }, 'starttls');
    await client.kill();
  });

  test('on a phone the whole menu opens, with its end in sight, leads on, and no page is wider than the screen', async () => {
    await open({ viewport: NARROW, hasTouch: true });
    await signIn();
    await isSignedIn();
    await page.getByRole('button', { name: 'Menu' }).click();
    const end = await page.getByRole('button', { name: 'Sign out' }).boundingBox();
    expect((end?.y ?? NARROW.height) + (end?.height ?? 0)).toBeLessThan(NARROW.height);
    await page.getByRole('link', { name: 'Users' }).first().click();
    await page.getByRole('heading', { name: 'Users' }).waitFor();
    for (const [name, path] of Object.entries(PAGES)) {
      await page.goto(at(path));
      expect(await overflow(), name).toBe(0);
    }
  });

  test.each([
    ['wide-light', WIDE, 'light'],
    ['wide-dark', WIDE, 'dark'],
    ['phone-light', PHONE, 'light'],
    ['phone-dark', PHONE, 'dark'],
  ] as const)(
    'every page is drawn: %s',
    async (kind, viewport, colorScheme) => {
      await open({ viewport, colorScheme });
      const look = async (name: string) => {
        expect(await overflow(), name).toBe(0);
        if (FOLDER === undefined) return;
        await page.screenshot({ path: join(FOLDER, `${name}-${kind}.png`), fullPage: true });
      };
      await page.goto(at('/admin/sign-in'));
      await look('sign-in');
      await signIn();
      await isSignedIn();
      for (const [name, path] of Object.entries(PAGES)) {
        const answer = await page.goto(at(path));
        expect(answer?.status(), name).toBe(200);
        if (name === 'overview') await page.locator('#findings :is(ul, .note)').first().waitFor();
        await look(name);
      }
    },
    60_000,
  );
});

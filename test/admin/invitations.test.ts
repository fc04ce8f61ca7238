import type { Hono } from 'hono';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createWelcome } from '../../src/admin/index.tsx';
import { createClientOf, type HttpEnv } from '../../src/http/client.ts';
import { securityHeaders } from '../../src/http/shell.ts';
import { domainOf } from '../../src/jid/jid.ts';
import { commands } from '../../src/modules/commands/index.ts';
import { disco } from '../../src/modules/disco/index.ts';
import { invitations } from '../../src/modules/invitations/index.ts';
import { portable } from '../../src/modules/portable/index.ts';
import { presence } from '../../src/modules/presence/index.ts';
import { register } from '../../src/modules/register/index.ts';
import { roster } from '../../src/modules/roster/index.ts';
import { bare, type ConsoleScene, PASSWORD, startConsole } from './console-scene.ts';
import { type Visitor, visit } from './visitor.ts';

const ADMIN = 'lucie@falcot.com';
const JOE = 'joe@falcot.com';
const LONG = 'a long enough secret';

let console: ConsoleScene;
let admin: Visitor;
let guest: Visitor;
let welcome: Hono<HttpEnv>;
beforeEach(async () => {
  console = await startConsole({
    accounts: [ADMIN, JOE],
    modules: [roster, presence, disco, register, portable, commands, invitations],
    settings: { register: { allowRegistration: true, approval: true } },
  });
  admin = visit(console.app);
  await admin.signIn(ADMIN);
  welcome = await createWelcome({
    invitations: console.scene.registry.apiOf(invitations),
    clientOf: createClientOf(),
    domains: () => console.scene.hosts.all().map(({ domain }) => domain),
    chatAt: (host) => `https://${host}:5281/chat`,
    ways: () => [{ port: 5222, what: 'STARTTLS' }],
    isConsoleOn: () => true,
  });
  welcome.use(securityHeaders);
  guest = visit(welcome, { headers: { host: 'falcot.com:5281' } });
});
afterEach(() => console.stop());

const follow = async (answer: Response) => {
  expect(answer.status).toBe(303);
  return admin.read(answer.headers.get('location') ?? '');
};
/** Makes an invitation in the console; answers the path of its page. */
const invite = async (fields: Record<string, string> = {}) => {
  const page = await follow(
    await admin.submit('/admin/invitations/new', {
      host: 'falcot.com',
      uses: '1',
      days: '7',
      ...fields,
    }),
  );
  const [, path = ''] = /https:\/\/falcot\.com:5281(\/invite\/\w{27})/.exec(page) ?? [];
  return path;
};
const HERE = { headers: { origin: 'https://falcot.com:5281' } };
const join = (path: string, username: string, more: Record<string, string> = {}) =>
  guest.submit(path, { username, password: LONG, again: LONG, ...more }, HERE);

test('an admin of the domain is led to invitations, and to who waits for an account', async () => {
  await console.scene.accounts.setRole(bare(JOE), 'admin');
  const host = domainOf(bare(JOE));
  const who = { username: 'eva', password: LONG, remote: '192.0.2.1' };
  await console.scene.registry.apiOf(invitations).register(host, who);
  const steward = visit(console.app);
  await steward.signIn(JOE);
  expect(await steward.read('/admin/users')).toContain('href="/admin/invitations"');
  expect(await steward.read('/admin/invitations')).toContain('eva@falcot.com');
});

describe('invitations in the console', () => {
  test('a link is made, shown once, listed and revoked', async () => {
    expect(await admin.read('/admin/invitations')).toContain('No link can be used now.');
    const path = await invite({ inviter: JOE, note: '<the new one>' });
    expect(path).not.toBe('');
    const page = await admin.read('/admin/invitations');
    expect(page).not.toContain(path);
    expect(page).toMatch(/anyone, at falcot\.com[\s\S]*&lt;the new one&gt;[\s\S]*0 of 1 used/);
    const [, revoke = ''] = /href="([^"]+\/revoke)"/.exec(page) ?? [];
    expect(await admin.read(revoke)).toContain('Revoke this link?');
    expect(await follow(await admin.submit(revoke, {}))).toContain('nobody can use it any more');
    expect((await guest.get(path)).status).toBe(404);
    expect((await admin.submit(revoke, {})).status).toBe(422);
  });

  test('what is wrong is shown at its field', async () => {
    const answer = await admin.submit('/admin/invitations/new', {
      host: 'falcot.com',
      name: 'a b',
      uses: 'many',
      days: '7',
    });
    expect(answer.status).toBe(422);
    expect(await answer.text()).toContain('uses-fault');
  });

  test('who waits is approved or rejected', async () => {
    for (const name of ['peter', 'paul']) expect((await join('/register', name)).status).toBe(200);
    const page = await admin.read('/admin/invitations');
    expect(page).toMatch(/Waiting for an account[\s\S]*peter@falcot\.com/);
    const at = (jid: string, verdict: string) =>
      `/admin/invitations/waiting/${encodeURIComponent(jid)}/${verdict}`;
    const approve = at('peter@falcot.com', 'approve');
    expect(await follow(await admin.submit(approve, {}))).toContain('has an account now');
    const reject = at('paul@falcot.com', 'reject');
    expect(await follow(await admin.submit(reject, {}))).toContain('is rejected and removed');
    expect(await console.scene.accounts.exists(bare('paul@falcot.com'))).toBe(false);
    expect(await console.scene.accounts.get(bare('peter@falcot.com'))).toMatchObject({
      isLocked: false,
    });
  });

  test('a user gets a link for a new password', async () => {
    const user = `/admin/users/${encodeURIComponent(JOE)}`;
    expect(await admin.read(user)).toContain(`${user}/reset-link`);
    const page = await follow(await admin.submit(`${user}/reset-link`, {}));
    const [, path = ''] = /https:\/\/falcot\.com:5281(\/reset\/\w{27})/.exec(page) ?? [];
    expect(await guest.read(path)).toContain(`For ${JOE}.`);
    const answer = await guest.submit(path, { password: LONG, again: LONG }, HERE);
    expect(await answer.text()).toContain('The password is set');
    expect(await console.scene.accounts.checkPassword(bare(JOE), LONG)).toBe(true);
    expect(await console.scene.accounts.checkPassword(bare(JOE), PASSWORD)).toBe(false);
  });
});

describe('pages for guests', () => {
  test('they load nothing but their style, run nothing, are kept nowhere, and set no cookie', async () => {
    const path = await invite();
    for (const at of [path, '/register', '/invite/x', '/reset/x']) {
      const { headers } = await guest.get(at);
      expect(headers.get('content-security-policy')).toMatch(
        /^default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'/,
      );
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('set-cookie')).toBeNull();
    }
    const page = await guest.read(path);
    expect(page).not.toContain('<script');
    const [, style = ''] = /href="(\/assets\/welcome\.[\w-]+\.css)"/.exec(page) ?? [];
    expect((await guest.get(style)).headers.get('cache-control')).toContain('immutable');
  });

  test('an invitation to become a contact makes no account', async () => {
    const made = await console.scene.registry.apiOf(invitations).invite({
      kind: 'contact',
      host: console.scene.hosts.all()[0]?.domain ?? expect.fail(),
      inviter: bare(JOE),
      maxUses: 1,
      maker: JOE,
      note: '',
    });
    const path = new URL(made?.url ?? '').pathname;
    const page = await guest.read(path);
    expect(page).toContain('joe invites you to chat');
    expect(page).not.toContain('<form');
    expect((await join(path, 'eve')).status).toBe(404);
  });

  test('a form of another site makes no account, nor do two passwords', async () => {
    const path = await invite();
    const foreign = await guest.submit(
      path,
      { username: 'eve', password: LONG, again: LONG },
      { headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' } },
    );
    expect(foreign.status).toBe(422);
    expect((await join(path, 'eve', { again: 'other' })).status).toBe(422);
    expect(await console.scene.accounts.exists(bare('eve@falcot.com'))).toBe(false);
    const entered = await join(path, 'eve');
    expect(await entered.text()).toContain('href="https://falcot.com:5281/chat"');
    expect((await join(path, 'mallory')).status).toBe(404);
  });

  test('what was typed comes back as text', async () => {
    const answer = await join(await invite(), '"><b>x</b>');
    expect(answer.status).toBe(422);
    expect(await answer.text()).not.toContain('<b>x');
  });

  test('nobody registers where it is not open, or at another domain', async () => {
    const other = visit(welcome, { headers: { host: 'elsewhere.example' } });
    expect((await other.get('/register')).status).toBe(404);
    expect((await guest.get('/register')).status).toBe(200);
    for (const path of ['/invite/', '/invite', '/reset', `/invite/${'A'.repeat(4000)}`])
      expect((await guest.get(path)).status).toBe(404);
  });

  test.each([
    ['Mozilla/5.0 (Linux; Android 14) Mobile', 'Get Conversations', false],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 17_0)', 'Get Monal', false],
    ['Mozilla/5.0 (Windows NT 10.0; Win64)', 'Get Gajim', true],
    ['Mozilla/5.0 (X11; Linux x86_64)', 'Get Dino', true],
    ['curl/8', 'Conversations', true],
  ])('%s', async (userAgent, text, hasCodeInSight) => {
    const path = await invite({ inviter: JOE });
    const page = await (await guest.get(path, { 'user-agent': userAgent })).text();
    expect(page).toContain(text);
    expect(page).toContain('joe invites you to chat');
    expect(page).toContain(`xmpp:${JOE}?roster;preauth=${path.split('/').at(-1)};ibr=y`);
    expect(page.includes('Use it on another device')).toBe(!hasCodeInSight);
  });
});

describe('the page of a domain', () => {
  test('leads to the web client, an account, apps, the console, and says what apps ask for', async () => {
    const page = await guest.read('/');
    expect(page).toContain('Chat at falcot.com');
    for (const link of ['https://falcot.com:5281/chat', '/register', '/admin'])
      expect(page).toContain(`href="${link}"`);
    expect(page).toContain('Port 5222');
  });

  test('opens an invitation that is put in, and nothing else', async () => {
    const path = await invite();
    const open = (text: string) => guest.get(`/?invitation=${encodeURIComponent(text)}`);
    for (const text of [` https://falcot.com:5281${path} `, path.split('/').at(-1) ?? '']) {
      const answer = await open(text);
      expect([answer.status, answer.headers.get('location')]).toEqual([303, path]);
    }
    for (const text of ['', '//elsewhere.example', 'javascript:alert(1)', `${path}/../../admin`])
      expect((await open(text)).status).toBe(422);
  });

  test('is not there for a name that is no domain of ours', async () => {
    const other = visit(welcome, { headers: { host: 'elsewhere.example' } });
    expect((await other.get('/')).status).toBe(404);
  });
});

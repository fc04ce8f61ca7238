import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ABSOLUTE_MS, IDLE_MS } from '../../src/admin/web-sessions.ts';
import { bare, type ConsoleScene, PASSWORD, startConsole } from './console-scene.ts';
import { tokenIn, visit } from './visitor.ts';

const ADMIN = 'lucie@falcot.com';
const USER = 'joe@falcot.com';
let console: ConsoleScene;

beforeEach(async () => {
  console = await startConsole({ accounts: [ADMIN, USER], trustedProxies: ['10.0.0.1'] });
});
afterEach(() => console.stop());

const signedIn = async (jid = ADMIN) => {
  const visitor = visit(console.app);
  expect((await visitor.signIn(jid)).headers.get('location')).toBe('/admin');
  return visitor;
};
const isIn = async (visitor: ReturnType<typeof visit>) =>
  (await visitor.get('/admin')).status === 200;

describe('signing in', () => {
  test('lets an admin in with his password', async () => {
    const visitor = await signedIn();
    expect(await visitor.read('/admin')).toContain('Overview');
  });

  test.each([
    ['a wrong password', ADMIN, 'wrong'],
    ['an unknown account', 'nobody@falcot.com', PASSWORD],
    ['somebody who is no admin', USER, PASSWORD],
    ['what is no address', '@@', PASSWORD],
    ['an unknown domain', 'lucie@elsewhere.example', PASSWORD],
    ['a very long password', ADMIN, 'x'.repeat(100_000)],
    ['nothing', '', ''],
  ])('answers %s with the same words and status', async (_what, jid, password) => {
    const visitor = visit(console.app);
    const answer = await visitor.signIn(jid, password);
    expect(answer.status).toBe(401);
    expect(await answer.text()).toContain('That address and password do not open the console.');
    expect(visitor.cookies.has('rtcd')).toBe(false);
  });

  test.each(['multipart/form-data', 'multipart/form-data; boundary=x'])(
    'a form that is malformed is refused, and no mistake of the server: %s',
    async (type) => {
      const headers = { 'content-type': type, host: 'localhost', origin: 'http://localhost' };
      const sent = { method: 'POST', body: 'nonsense', headers };
      expect((await console.app.request('/admin/sign-in', sent)).status).toBe(403);
    },
  );

  test('a locked admin is refused', async () => {
    await console.scene.accounts.setLocked(bare(ADMIN), true);
    expect((await visit(console.app).signIn(ADMIN)).status).toBe(401);
  });

  test('goes on to the page that was asked for, and nowhere else', async () => {
    const visitor = visit(console.app);
    const asked = await visitor.get('/admin/users?search=joe');
    expect(asked.headers.get('location')).toBe(
      '/admin/sign-in?next=%2Fadmin%2Fusers%3Fsearch%3Djoe',
    );
    const submit = (next: string) =>
      visitor.submit('/admin/sign-in', { jid: ADMIN, password: PASSWORD, next });
    expect((await submit('/admin/users?search=joe')).headers.get('location')).toBe(
      '/admin/users?search=joe',
    );
    for (const next of [
      '//evil.example',
      'https://evil.example',
      '/admin\\evil',
      '/administer',
      '/',
    ]) {
      const other = visit(console.app);
      const answer = await other.submit('/admin/sign-in', { jid: ADMIN, password: PASSWORD, next });
      expect(answer.headers.get('location'), next).toBe('/admin');
    }
  });

  test('a form without its token, or from another site, is refused', async () => {
    const visitor = visit(console.app);
    const fields = { jid: ADMIN, password: PASSWORD };
    const tries = [
      visitor.submit('/admin/sign-in', fields, { csrf: '' }),
      visitor.submit('/admin/sign-in', fields, { csrf: 'made up' }),
      visitor.submit('/admin/sign-in', fields, { headers: { origin: 'https://evil.example' } }),
      visitor.submit('/admin/sign-in', fields, { headers: { 'sec-fetch-site': 'cross-site' } }),
      visitor.submit('/admin/sign-in', fields, { headers: { origin: 'null' } }),
    ];
    for (const answer of await Promise.all(tries)) expect(answer.status).toBe(403);
    expect(visitor.cookies.has('rtcd')).toBe(false);
  });
});

describe('throttling', () => {
  test('an address has ten tries, then one in six seconds; others are not hindered', async () => {
    const guess = (name: number, remote: string) =>
      visit(console.app, { remote }).signIn(`user${name}@falcot.com`, 'guess');
    for (let name = 0; name < 10; name += 1)
      expect((await guess(name, '192.0.2.66')).status).toBe(401);
    const refused = await guess(10, '192.0.2.66');
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('60');
    expect((await visit(console.app, { remote: '192.0.2.66' }).signIn(ADMIN)).status).toBe(429);
    expect((await visit(console.app, { remote: '192.0.2.67' }).signIn(ADMIN)).status).toBe(303);
    console.scene.clock.advance(6_000);
    expect((await guess(11, '192.0.2.66')).status).toBe(401);
  });

  test('an account has ten tries from wherever they come, known or not', async () => {
    for (const jid of [ADMIN, 'nobody@falcot.com']) {
      const guess = (number: number) =>
        visit(console.app, { remote: `2001:db8:${number.toString(16)}::1` }).signIn(jid, 'guess');
      for (let number = 0; number < 10; number += 1) expect((await guess(number)).status).toBe(401);
      expect((await guess(99)).status).toBe(429);
    }
  });

  test('an IPv6 customer does not get a try per address', async () => {
    const guess = (number: number) =>
      visit(console.app, { remote: `2001:db8::${number.toString(16)}` }).signIn(
        `u${number}@falcot.com`,
        'x',
      );
    for (let number = 1; number <= 10; number += 1) expect((await guess(number)).status).toBe(401);
    expect((await guess(11)).status).toBe(429);
  });

  test('a success clears what was counted', async () => {
    for (let round = 0; round < 3; round += 1) {
      for (let number = 0; number < 8; number += 1)
        expect((await visit(console.app).signIn(ADMIN, 'typo')).status).toBe(401);
      expect((await visit(console.app).signIn(ADMIN)).status).toBe(303);
    }
  });
});

describe('the session', () => {
  test('its cookie is HttpOnly, SameSite=Strict and for all paths', async () => {
    const answer = await visit(console.app).signIn(ADMIN);
    const [cookie = ''] = answer.headers.getSetCookie();
    expect(cookie).toMatch(/^rtcd=[\w-]{43};/);
    for (const part of ['HttpOnly', 'SameSite=Strict', 'Path=/']) expect(cookie).toContain(part);
    expect(cookie).not.toContain('Secure');
  });

  test('over TLS the cookie is Secure and bound to the host', async () => {
    const headers = { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https' };
    const visitor = visit(console.app, { remote: '10.0.0.1', headers });
    const [cookie = ''] = (await visitor.signIn(ADMIN)).headers.getSetCookie();
    expect(cookie).toMatch(/^__Host-rtcd=/);
    expect(cookie).toContain('Secure');
    expect(await isIn(visitor)).toBe(true);
  });

  test('each sign-in has a new id, and the old one is over', async () => {
    const visitor = visit(console.app);
    const csrf = tokenIn(await visitor.read('/admin/sign-in')); // the form stays open in another tab
    const enter = async () => {
      await visitor.submit('/admin/sign-in', { jid: ADMIN, password: PASSWORD }, { csrf });
      return visitor.cookies.get('rtcd') ?? '';
    };
    const before = await enter();
    expect(await enter()).not.toBe(before);
    expect(await isIn(visitor)).toBe(true);
    visitor.cookies.set('rtcd', before);
    expect(await isIn(visitor)).toBe(false);
  });

  test('an id that somebody else chose is not taken', async () => {
    const visitor = visit(console.app);
    visitor.cookies.set('rtcd', 'A'.repeat(43));
    await visitor.signIn(ADMIN);
    expect(visitor.cookies.get('rtcd')).not.toBe('A'.repeat(43));
  });

  test('ends when it was idle for half an hour', async () => {
    const visitor = await signedIn();
    console.scene.clock.advance(IDLE_MS - 1000);
    expect(await isIn(visitor)).toBe(true);
    console.scene.clock.advance(IDLE_MS - 1000);
    expect(await isIn(visitor)).toBe(true);
    console.scene.clock.advance(IDLE_MS + 1);
    expect(await isIn(visitor)).toBe(false);
  });

  test('is idle also while the script renews the page that nobody looks at', async () => {
    const visitor = await signedIn();
    const renew = async () => (await visitor.get('/admin', { 'x-part': 'yes' })).status;
    console.scene.clock.advance(IDLE_MS - 1000);
    expect(await renew()).toBe(200);
    console.scene.clock.advance(1001);
    expect(await renew()).toBe(303);
    expect(await isIn(visitor)).toBe(false);
  });

  test('ends after twelve hours in any case', async () => {
    const visitor = await signedIn();
    for (let passed = 0; passed < ABSOLUTE_MS; passed += IDLE_MS / 2) {
      expect(await isIn(visitor)).toBe(true);
      console.scene.clock.advance(IDLE_MS / 2);
    }
    console.scene.clock.advance(1);
    expect(await isIn(visitor)).toBe(false);
  });

  test.each([
    ['the role is taken', () => console.scene.accounts.setAdmin(bare(ADMIN), false)],
    ['the account is locked', () => console.scene.accounts.setLocked(bare(ADMIN), true)],
    ['the password changes', () => console.scene.accounts.setPassword(bare(ADMIN), 'another one')],
    [
      'the same password is set anew',
      () => console.scene.accounts.setPassword(bare(ADMIN), PASSWORD),
    ],
    ['the account goes', () => console.scene.accounts.remove(bare(ADMIN))],
  ])('ends when %s', async (_what, change) => {
    const visitor = await signedIn();
    await change();
    expect(await isIn(visitor)).toBe(false);
    expect((await visitor.get('/api/operations')).status).toBe(401);
  });

  test('ends by signing out, which needs the token', async () => {
    const visitor = await signedIn();
    const forged = await visitor.submit('/admin/sign-out', {}, { csrf: 'x' });
    expect(forged.status).toBe(403);
    expect(await isIn(visitor)).toBe(true);
    const cookies = new Map(visitor.cookies);
    const answer = await visitor.submit('/admin/sign-out', {}, { from: '/admin' });
    expect(answer.headers.get('location')).toBe('/admin/sign-in?left=1');
    for (const [name, value] of cookies) visitor.cookies.set(name, value);
    expect(await isIn(visitor)).toBe(false);
  });
});

describe('forms of a signed-in admin', () => {
  const lock = (how: object) => async () => {
    const visitor = await signedIn();
    const path = `/admin/users/${encodeURIComponent(USER)}/lock`;
    const answer = await visitor.submit(path, {}, how);
    const account = await console.scene.accounts.get(bare(USER));
    return { status: answer.status, isLocked: account?.isLocked };
  };

  test('are taken with their token', async () => {
    expect(await lock({})()).toEqual({ status: 303, isLocked: true });
  });

  test.each([
    ['without a token', { csrf: '' }],
    ['with a wrong token', { csrf: 'wrong' }],
    ['from another origin', { headers: { origin: 'https://evil.example' } }],
    ['from another port', { headers: { origin: 'http://localhost:8080' } }],
    ['from a sandboxed page', { headers: { origin: 'null' } }],
    ['from another site', { headers: { 'sec-fetch-site': 'cross-site' } }],
    ['from a sister site', { headers: { 'sec-fetch-site': 'same-site' } }],
  ])('are refused %s', async (_what, how) => {
    expect(await lock(how)()).toEqual({ status: 403, isLocked: false });
  });

  test("are refused with another admin's token", async () => {
    await console.scene.accounts.create(bare('eva@falcot.com'), PASSWORD, { isAdmin: true });
    const eva = await signedIn('eva@falcot.com');
    const token = /name="csrf" content="([^"]+)"/.exec(await eva.read('/admin'))?.[1] ?? '';
    expect(await lock({ csrf: token })()).toEqual({ status: 403, isLocked: false });
  });

  test('are refused when the browser does not say where they come from', async () => {
    const visitor = await signedIn();
    const page = await visitor.read('/admin');
    const csrf = /name="csrf" content="([^"]+)"/.exec(page)?.[1] ?? '';
    const answer = await console.app.request(`/admin/users/${encodeURIComponent(USER)}/lock`, {
      method: 'POST',
      body: new URLSearchParams({ csrf }),
      headers: { cookie: `rtcd=${visitor.cookies.get('rtcd')}` },
    });
    expect(answer.status).toBe(403);
  });
});

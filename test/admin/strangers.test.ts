import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ConsoleScene, startConsole } from './console-scene.ts';
import { type Visitor, visit } from './visitor.ts';

const ADMIN = 'lucie@falcot.com';
const USER = 'joe@falcot.com';
let console: ConsoleScene;
let admin: Visitor;

beforeEach(async () => {
  console = await startConsole({ accounts: [ADMIN, USER] });
  admin = visit(console.app);
  await admin.signIn(ADMIN);
});
afterEach(() => console.stop());

describe('what strangers bring is shown as text', () => {
  const EVIL = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`;

  test.each([
    `/admin/users?search=${encodeURIComponent(EVIL)}`,
    `/admin/sessions?search=${encodeURIComponent(EVIL)}`,
    `/admin/sessions/kick?jid=${encodeURIComponent(EVIL)}`,
    `/admin/users/${encodeURIComponent(EVIL)}`,
    `/admin/users/${encodeURIComponent(EVIL)}/delete`,
    `/admin/hosts/${encodeURIComponent(EVIL)}`,
    `/admin/hosts/${encodeURIComponent(EVIL)}/generate`,
    `/admin/watch?jid=${encodeURIComponent(EVIL)}&seconds=${encodeURIComponent(EVIL)}`,
    `/admin/trace?jid=${encodeURIComponent(EVIL)}&id=${encodeURIComponent(EVIL)}&since=${encodeURIComponent(EVIL)}`,
    `/admin/trace?jid=joe@falcot.com&id=${encodeURIComponent(EVIL)}`,
    `/admin/users/new?admin=${encodeURIComponent(EVIL)}`,
  ])('in the address: %s', async (path) => {
    const page = await admin.read(path);
    expect(page).not.toContain('<script>alert');
    expect(page).not.toContain('<img');
    expect(page).not.toContain(`"'><`);
  });

  test('in forms that are shown again, and in the sign-in', async () => {
    const visitor = visit(console.app);
    const tries = [
      await visitor.submit('/admin/sign-in', { jid: EVIL, password: EVIL, next: EVIL }),
      await admin.submit('/admin/users/new', { name: EVIL, host: EVIL, password: 'a', again: 'b' }),
      await admin.submit('/admin/hosts/falcot.com/generate', { names: EVIL, keyType: EVIL }),
      await admin.submit('/admin/hosts/falcot.com/import', { certificate: EVIL, key: EVIL }),
      await admin.submit('/admin/log', { area: EVIL, level: EVIL }),
      await admin.submit('/admin/sessions/kick', { jid: EVIL, reason: EVIL }, { from: '/admin' }),
    ];
    for (const answer of tries) {
      const page = await answer.text();
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(page).not.toContain('<script>alert');
      expect(page).not.toContain('<img');
    }
  });

  test('in resources, and in the audit log', async () => {
    const resource = `<img src=x onerror=alert(1)>&"'`;
    await console.scene.connect(`${USER}/${resource}`);
    for (const path of ['/admin/sessions', `/admin/users/${encodeURIComponent(USER)}`]) {
      const page = await admin.read(path);
      expect(page).toContain('&lt;img');
      expect(page).not.toContain('<img');
    }
    const actor = await console.scene.connect(`${USER}/${resource}2`);
    const text = '&lt;img src=x onerror=alert(1)&gt;';
    await actor.send(`<message to='nobody@falcot.com' id='${text}'><body>x</body></message>`);
    const traced = await admin.read(`/admin/trace?jid=${encodeURIComponent(USER)}`);
    expect(traced).toContain('id <code>&lt;img');
    expect(traced).not.toContain('<img');
    await admin.submit('/admin/sessions/kick', { jid: USER, reason: EVIL }, { from: '/admin' });
    const log = await admin.read('/admin/audit');
    expect(log).toContain('reason: &lt;script&gt;');
    expect(log).not.toContain('<script>alert');
  });
});

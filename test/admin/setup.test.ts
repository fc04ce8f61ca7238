import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bare, type ConsoleScene, startConsole } from './console-scene.ts';
import { visit } from './visitor.ts';

let console: ConsoleScene;

beforeEach(async () => {
  console = await startConsole({ accounts: ['joe@falcot.com'], isWithoutAdmin: true });
});
afterEach(() => console.stop());

const fields = (changes: Record<string, string> = {}) => ({
  token: new URLSearchParams(console.setup.path.split('?')[1]).get('token') ?? '',
  name: 'lucie',
  host: 'falcot.com',
  password: 'a good password',
  again: 'a good password',
  ...changes,
});
const send = (visitor = visit(console.app), changes: Record<string, string> = {}) =>
  visitor.submit('/admin/setup', fields(changes), { from: console.setup.path });

describe('the first admin', () => {
  test('is made by the one-time link, and is signed in at once', async () => {
    const visitor = visit(console.app);
    expect(await visitor.read('/admin/sign-in')).toContain('There is no admin yet');
    const page = await visitor.read(console.setup.path);
    expect(page).toContain('falcot.com');
    const answer = await send(visitor);
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/admin']);
    expect(await visitor.read('/admin')).toContain('lucie@falcot.com is an admin now.');
    expect(await console.authority.isAdmin(bare('lucie@falcot.com'))).toBe(true);
    expect(await visitor.read('/admin/audit')).toContain('one-time link');
  });

  test('is made once: the link is closed then, also if that admin goes', async () => {
    await send();
    await console.scene.accounts.remove(bare('lucie@falcot.com'));
    const answer = await visit(console.app).get(console.setup.path);
    expect(answer.status).toBe(403);
    expect(await console.setup.isOpen()).toBe(false);
  });

  test('is made once when two come at the same time', async () => {
    const answers = await Promise.all([send(), send(visit(console.app), { name: 'mallory' })]);
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 403]);
    const { total } = await console.scene.accounts.list({});
    expect(total).toBe(2);
  });

  test('is not made with another token, nor once there is an admin', async () => {
    for (const token of ['', 'x'.repeat(43)])
      expect((await send(visit(console.app), { token })).status).toBe(403);
    await console.scene.accounts.setAdmin(bare('joe@falcot.com'), true);
    expect((await send()).status).toBe(403);
    expect((await visit(console.app).get(console.setup.path)).status).toBe(403);
    expect(await console.scene.accounts.exists(bare('lucie@falcot.com'))).toBe(false);
  });

  test('is not made by a form of another site', async () => {
    const visitor = visit(console.app);
    const headers = { origin: 'https://evil.example' };
    const from = console.setup.path;
    expect((await visitor.submit('/admin/setup', fields(), { from, headers })).status).toBe(403);
    expect(await console.setup.isOpen()).toBe(true);
  });

  test.each([
    ['two passwords', { again: 'another' }, 'The two passwords are not the same.'],
    ['an empty password', { password: '', again: '' }, 'must not be empty'],
    ['a name that cannot be', { name: 'a b' }, 'is not an address'],
    ['a name that is taken', { name: 'joe' }, 'or run rtcctl user promote joe@'],
    ['a domain that is not ours', { host: 'elsewhere.example' }, 'elsewhere.example'],
  ])('%s are told beside the form, and the link stays open', async (_what, changes, text) => {
    const answer = await send(visit(console.app), changes);
    expect(answer.status).toBe(422);
    expect(await answer.text()).toContain(text);
    expect(await console.setup.isOpen()).toBe(true);
    expect((await send()).status).toBe(303);
  });
});

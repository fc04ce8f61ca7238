/** The pages on archives. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ConsoleScene, startConsole } from './console-scene.ts';
import { type Visitor, visit } from './visitor.ts';

const DAY = 86_400_000;
const ADMIN = 'lucie@falcot.com';
const USER = 'joe@falcot.com';

describe('the archive of a user', () => {
  let console: ConsoleScene;
  let admin: Visitor;

  beforeEach(async () => {
    console = await startConsole({ accounts: [ADMIN, USER] });
    const joe = await console.scene.connect(`${USER}/desk`);
    for (const body of ['the <lark>', 'the nightingale']) {
      const text = body.replace('<', '&lt;');
      await joe.send(`<message to='ann@far.example' type='chat'><body>${text}</body></message>`);
      console.scene.clock.advance(DAY);
    }
    admin = visit(console.app);
    await admin.signIn(ADMIN);
  });
  afterEach(() => console.stop());

  const path = (action = '') => `/admin/users/${encodeURIComponent(USER)}${action}`;
  const follow = async (answer: Response) => {
    expect(answer.status, await answer.clone().text()).toBe(303);
    return admin.read(answer.headers.get('location') ?? '');
  };

  test('is on his page', async () => {
    const page = await admin.read(path());
    for (const text of ['2 messages', 'for good, as its host has it', 'All messages'])
      expect(page).toContain(text);
  });

  test('is searched, which the audit log tells', async () => {
    const answer = await admin.submit(path('/archive'), { text: 'lark' });
    const page = await answer.text();
    expect(answer.status).toBe(200);
    expect(page).toContain('the &lt;lark&gt;');
    expect(page).toContain('ann@far.example');
    expect(page).not.toContain('nightingale');
    expect(await admin.read('/admin/audit')).toContain('archive.search');
    const none = await admin.submit(path('/archive'), { text: 'raven' });
    expect(await none.text()).toContain('No message has these words.');
  });

  test('messages of it are removed, after it was asked', async () => {
    expect(await admin.read(path('/archive/purge'))).toContain('gone for good');
    const page = await follow(await admin.submit(path('/archive/purge'), { days: '1' }));
    expect(page).toContain(`1 message removed from the archive of ${USER}.`);
    expect(page).toContain('1 message<');
  });

  test('it is said for how long they are kept', async () => {
    const set = (days: string) => admin.submit(path('/archive/keep'), { days });
    expect(await follow(await set('30'))).toContain('for 30 days, set for this account');
    expect(await follow(await set(''))).toContain('for good, as its host has it');
    for (const wrong of ['-1', 'ten', '99999999']) {
      const answer = await set(wrong);
      expect(answer.status).toBe(422);
      expect(await answer.text()).toContain('keep-days-fault');
    }
  });

  test('of nobody is a page that says so', async () => {
    const gone = '/admin/users/nobody%40falcot.com/archive';
    expect((await admin.get(gone)).status).toBe(404);
    expect((await admin.submit(`${gone}/purge`, { days: '0' })).status).toBe(422);
  });
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { blocking } from '../../src/modules/blocking/index.ts';
import { presence } from '../../src/modules/presence/index.ts';
import { roster } from '../../src/modules/roster/index.ts';
import { type ConsoleScene, startConsole } from './console-scene.ts';
import { type Visitor, visit } from './visitor.ts';

const ADMIN = 'lucie@falcot.com';
const USER = 'joe@falcot.com';

describe('reports in the console', () => {
  let console: ConsoleScene;
  let admin: Visitor;
  beforeEach(async () => {
    const modules = [roster, presence, blocking];
    console = await startConsole({ accounts: [ADMIN, USER], modules });
    admin = visit(console.app);
    await admin.signIn(ADMIN);
  });
  afterEach(() => console.stop());

  const report = async (jid: string, text: string) => {
    const user = await console.scene.connect(`${USER}/desk`);
    await user.ask(
      'set',
      `<block xmlns='urn:xmpp:blocking'><item jid='${jid}'><report xmlns='urn:xmpp:reporting:1'
        reason='urn:xmpp:reporting:abuse'><text>${text}</text></report></item></block>`,
    );
  };

  test('nobody was reported', async () => {
    expect(await admin.read('/admin/reports')).toContain('Nobody was reported.');
  });

  test('a report is shown as text, and dismissed', async () => {
    await report('spammer@example.org', '&lt;script&gt;alert(1)&lt;/script&gt;');
    const page = await admin.read('/admin/reports');
    expect(page).toMatch(/spammer@example\.org[\s\S]*abuse[\s\S]*joe@falcot\.com/);
    expect(page).toContain('&lt;script&gt;');
    expect(page).not.toContain('/lock');
    const path = '/admin/reports/1/dismiss';
    expect(await admin.read(path)).toContain('Dismiss this report?');
    const done = await admin.submit(path, {}, { from: path });
    expect(done.status).toBe(303);
    expect(await admin.read('/admin/reports')).toContain('Nobody was reported.');
    expect((await admin.submit(path, {}, { from: path })).status).toBe(422);
  });

  test('an account of this server can be locked from there', async () => {
    await report(ADMIN, '');
    const page = await admin.read('/admin/reports');
    expect(page).toContain(`/admin/users/${encodeURIComponent(ADMIN)}/lock`);
  });
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { announcements } from '../../src/modules/announcements/index.ts';
import { presence } from '../../src/modules/presence/index.ts';
import { roster } from '../../src/modules/roster/index.ts';
import type { Actor } from '../support/scene.ts';
import { bare, type ConsoleScene, startConsole } from './console-scene.ts';
import { type Visitor, visit } from './visitor.ts';

const ADMIN = 'lucie@falcot.com';
const USER = 'joe@falcot.com';
const PAGE = '/admin/announcements';
const OWN = { host: 'falcot.com' };

describe('announcements in the console', () => {
  let console: ConsoleScene;
  let admin: Visitor;
  let joe: Actor;
  beforeEach(async () => {
    const modules = [roster, presence, announcements];
    console = await startConsole({ accounts: [ADMIN, USER], modules });
    admin = visit(console.app);
    await admin.signIn(ADMIN);
    joe = await console.scene.connect(`${USER}/desk`);
    await joe.send('<presence/>');
    joe.inbox.length = 0;
  });
  afterEach(() => console.stop());

  const follow = async (answer: Response) => {
    expect(answer.status, await answer.clone().text()).toBe(303);
    return admin.read(answer.headers.get('location') ?? '');
  };

  test('one is sent, and what is refused is said where it was asked', async () => {
    expect(await admin.read('/admin')).toContain(`href="${PAGE}"`);
    const said = { ...OWN, text: 'Tea & <cake>', subject: 'Now' };
    expect(await follow(await admin.submit(PAGE, said))).toContain('Sent to 1 user.');
    expect(String(joe.inbox.at(-1))).toContain('Tea &amp; &lt;cake&gt;');
    const refused = await admin.submit(PAGE, { ...OWN, text: ' ', subject: 'A party' });
    expect(refused.status).toBe(422);
    expect(await refused.text()).toContain('value="A party"');
  });

  test.each(['motd', 'welcome'])('the %s is set, corrected and deleted', async (kind) => {
    const set = await follow(await admin.submit(`${PAGE}/${kind}`, { ...OWN, text: 'Partie <1>' }));
    expect(set).toContain('Partie &lt;1&gt;');
    const before = joe.inbox.length;
    const more = { ...OWN, stands: 'yes' };
    const path = `${PAGE}/${kind}`;
    await follow(await admin.submit(path, { ...more, text: 'Party' }, { from: PAGE }));
    expect(joe.inbox.length, 'who had it is not told again').toBe(before);
    const gone = await follow(await admin.submit(`${path}/delete`, OWN, { from: PAGE }));
    expect(gone).toContain('deleted');
    expect(gone).not.toContain('Party');
  });

  test('the message of the day is sent again where that is wished', async () => {
    const path = `${PAGE}/motd`;
    await follow(await admin.submit(path, { ...OWN, text: 'One' }, { from: PAGE }));
    const again = { ...OWN, stands: 'yes', again: 'yes', text: 'Two' };
    await follow(await admin.submit(path, again, { from: PAGE }));
    expect(joe.inbox.map(String).join()).toMatch(/One.*Two/);
  });

  test('an admin of the domain has them; a member has no console', async () => {
    await console.scene.accounts.setRole(bare(USER), 'admin');
    const steward = visit(console.app);
    await steward.signIn(USER);
    expect(await steward.read(PAGE)).toContain('To all who are online');
  });
});

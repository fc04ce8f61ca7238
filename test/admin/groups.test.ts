import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { groups } from '../../src/modules/groups/index.ts';
import { presence } from '../../src/modules/presence/index.ts';
import { roster } from '../../src/modules/roster/index.ts';
import { type ConsoleScene, startConsole } from './console-scene.ts';
import { type Visitor, visit } from './visitor.ts';

const ADMIN = 'lucie@falcot.com';
const USER = 'joe@falcot.com';
const LIST = '/admin/groups';
const OWN = { host: 'falcot.com', name: 'Sales & <More>' };

describe('groups in the console', () => {
  let console: ConsoleScene;
  let admin: Visitor;
  beforeEach(async () => {
    const modules = [roster, presence, groups];
    console = await startConsole({ accounts: [ADMIN, USER], modules });
    admin = visit(console.app);
    await admin.signIn(ADMIN);
  });
  afterEach(() => console.stop());

  const follow = async (answer: Response) => {
    expect(answer.status, await answer.clone().text()).toBe(303);
    return admin.read(answer.headers.get('location') ?? '');
  };
  const path = (action = '', more = {}) =>
    `${LIST}/of${action}?${new URLSearchParams({ ...OWN, ...more })}`;

  test('one is made, filled, emptied and deleted', async () => {
    expect(await admin.read(LIST)).toContain('There are no groups yet.');
    expect(await follow(await admin.submit(LIST, OWN))).toContain('Sales &amp; &lt;More&gt;');
    const jids = `${USER}, ${ADMIN}`;
    const filled = await follow(
      await admin.submit(`${LIST}/of`, { ...OWN, jids }, { from: path() }),
    );
    expect(filled).toMatch(/2 accounts added[\s\S]*joe@falcot\.com[\s\S]*lucie@falcot\.com/);
    const remove = path('/remove', { jid: USER });
    expect(await admin.read(remove)).toContain('Take joe@falcot.com out');
    const removal = { ...OWN, jid: USER };
    const emptied = await follow(
      await admin.submit(`${LIST}/of/remove`, removal, { from: remove }),
    );
    expect(emptied).toContain('1 member of falcot.com');
    expect(await admin.read(path('/delete'))).toContain('Delete the group');
    const gone = await admin.submit(`${LIST}/of/delete`, OWN, { from: path('/delete') });
    expect(await follow(gone)).toContain('There are no groups yet.');
  });

  test('what is refused is said where it was asked', async () => {
    await admin.submit(LIST, OWN);
    const twice = await admin.submit(LIST, { ...OWN, everyone: 'yes' });
    expect(twice.status).toBe(422);
    const kept = await twice.text();
    expect(kept).toContain('value="Sales &amp; &lt;More&gt;"');
    expect(kept).toMatch(/name="everyone"[^>]* checked/);
    const add = { ...OWN, jids: `${USER} nobody@falcot.com` };
    const refused = await admin.submit(`${LIST}/of`, add, { from: path() });
    expect(refused.status).toBe(422);
    const page = await refused.text();
    expect(page).toContain('There is no nobody@falcot.com.');
    expect(page).toContain(`${add.jids}</textarea>`);
    expect((await admin.get(`${LIST}/of?host=falcot.com&name=None`)).status).toBe(404);
  });

  test('one of the config is shown as such, with nothing to change it', async () => {
    await console.stop();
    const settings = { groups: { defined: { Sales: [USER, 'nobody@falcot.com'] } } };
    console = await startConsole({
      accounts: [ADMIN, USER],
      modules: [roster, presence, groups],
      settings,
    });
    admin = visit(console.app);
    await admin.signIn(ADMIN);
    expect(await admin.read(LIST)).toMatch(/1 member[\s\S]*From the config/);
    const page = await admin.read(`${LIST}/of?host=falcot.com&name=Sales`);
    expect(page).toContain('modules.groups.defined');
    expect(page).toContain('There are no such accounts: nobody@falcot.com.');
    expect(page).not.toMatch(/Add accounts|Delete|Remove/);
  });

  test('one of everyone is shown as such', async () => {
    await admin.submit(LIST, { ...OWN, everyone: 'yes' });
    expect(await admin.read(LIST)).toMatch(/2 members[\s\S]*Everyone/);
    expect(await admin.read(path())).toContain('Everyone of falcot.com but guests');
  });
});

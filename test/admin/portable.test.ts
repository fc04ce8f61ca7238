import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { KEPT_MS } from '../../src/admin/uploads.ts';
import { roster } from '../../src/modules/roster/index.ts';
import { vcard } from '../../src/modules/vcard.ts';
import { bare, type ConsoleScene, startConsole } from './console-scene.ts';
import { tokenIn, type Visitor, visit } from './visitor.ts';

const ADMIN = 'lucie@falcot.com';
const JOE = 'joe@falcot.com';
const START = '/admin/portable';
const STATE = '/admin/portable/import';

const contact = (jid: string) =>
  `<query xmlns='jabber:iq:roster'><item jid='${jid}' subscription='both'/></query>`;
const person = (name: string, content = '') =>
  `<user name='${name}' password='a good password'>${content}</user>`;
const fileOf = (users: string) =>
  `<server-data xmlns='urn:xmpp:pie:0'><host jid='falcot.com'>${users}</host></server-data>`;

describe('import and export in the console', () => {
  let console: ConsoleScene;
  let admin: Visitor;
  beforeEach(async () => {
    console = await startConsole({ accounts: [ADMIN, JOE], modules: [roster, vcard] });
    admin = visit(console.app);
    await admin.signIn(ADMIN);
  });
  afterEach(() => console.stop());

  /** Sends a file as a browser does. */
  const upload = async (
    text: string,
    how: { csrf?: string; origin?: string; name?: string; who?: Visitor } = {},
  ) => {
    const who = how.who ?? admin;
    const form = new FormData();
    form.set('csrf', how.csrf ?? tokenIn(await who.read(START)));
    form.set('file', new File([text], how.name ?? 'people.xml'));
    return console.app.request('/admin/portable/upload', {
      method: 'POST',
      body: form,
      headers: {
        cookie: `rtcd=${who.cookies.get('rtcd')}`,
        origin: how.origin ?? 'http://localhost',
        host: 'localhost',
      },
    });
  };
  /** The page of the file, when what was begun has ended. */
  const ended = async () => {
    for (;;) {
      const page = await admin.read(STATE);
      if (!page.includes('data-refresh')) return page;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const look = async (text: string) => {
    const answer = await upload(text);
    expect(answer.status, await answer.clone().text()).toBe(303);
    expect(answer.headers.get('location')).toBe(STATE);
    return ended();
  };
  const act = async (fields: Record<string, string>) => {
    const answer = await admin.submit(STATE, fields);
    expect(answer.headers.get('location')).toBe(STATE);
    return ended();
  };
  const exists = async (jid: string) => (await console.scene.accounts.get(bare(jid))) !== undefined;

  test('a file is looked at first, then imported, and the audit log says by whom', async () => {
    const eva = person('eva', contact('joe@falcot.com') + contact('kim@far.example'));
    const page = await look(fileOf(eva + person('joe', contact('kim@far.example'))));
    expect(page).toContain('Import of people.xml');
    expect(page).toMatch(
      /Nothing is changed yet\. The file would bring 1 new account \(1 account passed over\)\./,
    );
    expect(page).toMatch(/eva@falcot\.com[\s\S]*New[\s\S]*contacts: 2/);
    expect(page).toMatch(/joe@falcot\.com[\s\S]*it exists already, and is left alone/);
    expect(await exists('eva@falcot.com')).toBe(false);

    const again = await act({ act: 'look', intoExisting: 'yes' });
    expect(again).toMatch(/1 new account, something for 1 account that is here already/);
    expect(again).toMatch(/id="intoExisting"[^>]*checked/);
    expect(await exists('eva@falcot.com')).toBe(false);

    const done = await act({ act: 'import', intoExisting: 'yes' });
    expect(done).toContain('The import has ended: the file brought 1 new account');
    expect(
      await console.scene.accounts.checkPassword(bare('eva@falcot.com'), 'a good password'),
    ).toBe(true);
    const audit = await admin.read('/admin/audit');
    expect(audit).toMatch(/portable\.import[\s\S]*dryRun/);
    expect(audit).toContain(ADMIN);

    await admin.submit('/admin/portable/discard', {}, { from: STATE });
    expect((await admin.get(STATE)).headers.get('location')).toBe(START);
  });

  test('a file that breaks off, one that is something else, and one that names others', async () => {
    const cut = await look(
      `<server-data xmlns='urn:xmpp:pie:0'><host jid='falcot.com'>${person('eva')}<user`,
    );
    expect(cut).toMatch(/people\.xml[\s\S]*the file[\s\S]*eva@falcot\.com/);
    expect(await look('<html>\n&nbsp;</html>')).toMatch(/people\.xml[\s\S]*line 2: /);
    expect(await look('Dear admin,')).toContain('Passed over');
    const include = "<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='/etc/passwd'/>";
    expect(await look(fileOf(include))).toContain('cannot include others');
    expect(await look(fileOf(person('eva')).replace('falcot.com', 'far.example'))).toContain(
      'it is not served here',
    );
  });

  test('who is meant alone is an address', async () => {
    await look(fileOf(person('eva') + person('kim')));
    const fault = await act({ act: 'look', jid: 'a b' });
    expect(fault).toMatch(/id="jid-fault"[\s\S]*not an address/);
    const page = await act({ act: 'import', jid: 'kim@falcot.com' });
    expect(page).toContain('brought 1 new account');
    expect([await exists('kim@falcot.com'), await exists('eva@falcot.com')]).toEqual([true, false]);
  });

  test('a form that is not ours brings nothing; a file that is empty neither', async () => {
    expect((await upload('<a/>', { csrf: 'x'.repeat(43) })).status).toBe(403);
    expect((await upload('<a/>', { origin: 'https://evil.example' })).status).toBe(403);
    const empty = await upload('', { name: '' });
    expect(empty.status).toBe(422);
    expect(await empty.text()).toContain('Choose a file that is not empty.');
    const stranger = await upload('<a/>', { who: visit(console.app) });
    expect(stranger.headers.get('location')).toBe('/admin/sign-in');
    expect((await admin.get(STATE)).headers.get('location')).toBe(START);
  });

  test('admins of a domain neither import nor export', async () => {
    await console.scene.accounts.setRole(bare(JOE), 'admin');
    const steward = visit(console.app);
    await steward.signIn(JOE);
    expect((await steward.get(START)).status).toBe(403);
    const csrf = tokenIn(await steward.read('/admin/users'));
    expect((await upload(fileOf(person('eva')), { who: steward, csrf })).status).toBe(422);
    const answer = await steward.submit('/admin/portable/export', {}, { from: '/admin/users' });
    expect(answer.status).toBe(403);
    expect(await steward.read('/admin/users')).not.toContain(START);
  });

  test('what nobody goes on with is forgotten', async () => {
    await look(fileOf(person('eva')));
    expect(await admin.read(START)).toContain('Go on with it');
    await console.scene.clock.advance(KEPT_MS);
    expect(await admin.read(START)).not.toContain('Go on with it');
  });

  test('the page of a user leads to the export of his data', async () => {
    const page = await admin.read(`/admin/users/${encodeURIComponent(JOE)}`);
    const [, path = ''] = /href="([^"]*)"[^>]*>\s*Export/.exec(page) ?? [];
    expect(await admin.read(path)).toContain('value="joe@falcot.com"');
  });

  test('an export is a file, of all, a domain or an account, with keys if wanted', async () => {
    const take = (fields: Record<string, string>) =>
      admin.submit('/admin/portable/export', fields, { from: START });
    const all = await take({ host: '', jid: '' });
    expect(all.status).toBe(200);
    expect(all.headers.get('content-type')).toContain('application/xml');
    expect(all.headers.get('content-disposition')).toMatch(
      /^attachment; filename\*=UTF-8''accounts-\d{4}-\d\d-\d\d\.xml$/,
    );
    const text = await all.text();
    expect(text).toMatch(/^<\?xml[\s\S]*<user name="joe">[\s\S]*<\/server-data>\n$/);
    expect(text).not.toContain('scram-credentials');
    const one = await (await take({ jid: JOE, credentials: 'yes' })).text();
    expect(one).toMatch(/<user name="joe">[\s\S]*scram-credentials/);
    expect(one).not.toContain('lucie');
    expect(await admin.read('/admin/audit')).toMatch(/portable\.export[\s\S]*joe@falcot\.com/);
    const fault = await take({ jid: 'nobody@falcot.com' });
    expect(fault.status).toBe(422);
    expect(await fault.text()).toContain('nobody@falcot.com');
  });
});

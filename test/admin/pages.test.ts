import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { generateKey, keyPem, selfSignedCertificate } from '../../src/certs/generate.ts';
import { deviceId, type Sighting } from '../../src/core/devices.ts';
import { domainOf } from '../../src/jid/jid.ts';
import { readStanza } from '../../src/stanza/stanza.ts';
import { parse } from '../support/scene.ts';
import { bare, type ConsoleScene, PASSWORD, startConsole } from './console-scene.ts';
import { type Visitor, visit } from './visitor.ts';

const DAY = 86_400_000;
const ADMIN = 'lucie@falcot.com';
const USER = 'joe@falcot.com';
const PAGES = [
  '/admin',
  '/admin/check',
  '/admin/users',
  '/admin/users/new',
  `/admin/users/${encodeURIComponent(USER)}`,
  `/admin/users/${encodeURIComponent(USER)}/password`,
  `/admin/users/${encodeURIComponent(USER)}/delete`,
  `/admin/users/${encodeURIComponent(USER)}/archive`,
  `/admin/users/${encodeURIComponent(USER)}/archive/purge`,
  `/admin/users/${encodeURIComponent(USER)}/archive/keep`,
  '/admin/sessions',
  `/admin/sessions/kick?jid=${encodeURIComponent(USER)}`,
  '/admin/hosts',
  '/admin/hosts/falcot.com',
  '/admin/hosts/falcot.com/dns',
  '/admin/hosts/falcot.com/generate',
  '/admin/hosts/falcot.com/request',
  '/admin/hosts/falcot.com/import',
  '/admin/portable',
  '/admin/federation',
  '/admin/federation/with/far.example',
  '/admin/federation/close?domain=far.example',
  '/admin/federation/block?domain=far.example',
  '/admin/federation/allow',
  '/admin/federation/reset?domain=far.example',
  '/admin/audit',
  '/admin/trace',
  `/admin/trace?jid=${encodeURIComponent(USER)}`,
  '/admin/watch',
  '/admin/log',
  '/admin/server',
  '/admin/server/reload',
  '/admin/server/backup',
] as const;

let console: ConsoleScene;
let admin: Visitor;

beforeEach(async () => {
  console = await startConsole({ accounts: [ADMIN, USER] });
  admin = visit(console.app);
  await admin.signIn(ADMIN);
});
afterEach(() => console.stop());

const user = (action = '') => `/admin/users/${encodeURIComponent(USER)}${action}`;
/** The page to which a form leads. */
const follow = async (answer: Response) => {
  expect(answer.status, await answer.clone().text()).toBe(303);
  return admin.read(answer.headers.get('location') ?? '');
};
const checkPassword = (jid: string, password: string) =>
  console.scene.accounts.checkPassword(bare(jid), password);

describe('every page', () => {
  test.each(PAGES)('%s needs an admin', async (path) => {
    const answer = await visit(console.app).get(path);
    expect(answer.status).toBe(303);
    expect(answer.headers.get('location')).toMatch(/^\/admin\/sign-in/);
  });

  test.each(PAGES)(
    '%s is shown, is not kept by caches, and loads only our own things',
    async (path) => {
      const answer = await admin.get(path);
      const page = await answer.text();
      expect(answer.status).toBe(200);
      expect(answer.headers.get('cache-control')).toBe('no-store');
      const policy = answer.headers.get('content-security-policy') ?? '';
      for (const part of ["default-src 'none'", "script-src 'self'", "form-action 'self'"])
        expect(policy).toContain(part);
      expect(policy).not.toContain('unsafe');
      expect(page).not.toMatch(/\sstyle=|\son\w+=|<style|javascript:/);
      expect(page).not.toMatch(/(?:src|href|action)="(?:https?:)?\/\//);
      expect(page.match(/<script/g)).toHaveLength(1);
    },
  );

  test.each(PAGES)('%s has one heading, landmarks, labels and tokens', async (path) => {
    const page = await admin.read(path);
    expect(page.match(/<h1/g), 'one h1').toHaveLength(1);
    expect(page).toContain('<html lang="en">');
    expect(page).toContain('href="#main"');
    for (const [, id] of page.matchAll(
      /<(?:input|select|textarea)(?![^>]*type="hidden")[^>]* id="([^"]+)"/g,
    ))
      expect(page, `a label for ${id}`).toContain(`for="${id}"`);
    for (const [form] of page.matchAll(/<form[^>]*method="post"[\s\S]*?<\/form>/g))
      expect(form).toMatch(/name="csrf" value="[\w-]{43}"/);
  });

  test('one that does not exist is a page of the console', async () => {
    const answer = await admin.get('/admin/nothing');
    expect(answer.status).toBe(404);
    expect(await answer.text()).toContain('There is no such page');
  });

  test('assets are for everyone, cached for long under names that follow their content', async () => {
    const page = await visit(console.app).read('/admin/sign-in');
    const paths = [...page.matchAll(/"(\/admin\/assets\/[^"]+)"/g)].map(([, path = '']) => path);
    expect(paths).toHaveLength(3);
    for (const path of paths) {
      expect(path).toMatch(/\.[\w-]{12}\.(?:css|js|svg)$/);
      const answer = await visit(console.app).get(path);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('cache-control')).toContain('immutable');
      expect(await answer.text()).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
    }
  });
});

describe('users', () => {
  const create = (fields: Record<string, string>) =>
    admin.submit('/admin/users/new', {
      name: 'eva',
      host: 'falcot.com',
      password: 'long enough',
      again: 'long enough',
      ...fields,
    });

  test('one is created, and can log in', async () => {
    expect(await follow(await create({}))).toContain('eva@falcot.com was created.');
    expect(await checkPassword('eva@falcot.com', 'long enough')).toBe(true);
    expect(await console.authority.isAdmin(bare('eva@falcot.com'))).toBe(false);
  });

  test('with a generated password, which is shown once', async () => {
    const page = await follow(
      await create({ generate: 'yes', password: '', again: '', admin: 'yes' }),
    );
    const password = /<pre[^>]*>([^<]+)<\/pre>/.exec(page)?.[1] ?? '';
    expect(password).toMatch(/^(?:\w{5}-){3}\w{5}$/);
    expect(await checkPassword('eva@falcot.com', password)).toBe(true);
    expect(await console.authority.isAdmin(bare('eva@falcot.com'))).toBe(true);
    expect(await admin.read('/admin/users')).not.toContain(password);
    expect(await admin.read('/admin/audit')).not.toContain(password);
  });

  test('what is shown once waits for a page that is shown whole', async () => {
    const created = await create({ generate: 'yes', password: '', again: '' });
    // The script of another window renews a part of its own page just now.
    const part = await admin.get('/admin/sessions', { 'x-part': 'yes' });
    expect(await part.text()).not.toContain('eva@falcot.com');
    expect(await follow(created)).toContain('Password, shown only now');
  });

  test('a short password is taken with a warning', async () => {
    const page = await follow(await create({ password: 'short', again: 'short' }));
    expect(page).toContain('shorter than 8 characters');
  });

  test.each<[Record<string, string>, string]>([
    [{ name: 'a b' }, 'name-fault'],
    [{ name: 'joe' }, 'exists already; a new password is set on its own page'],
    [{ again: 'something else' }, 'again-fault'],
    [{ password: '', again: '' }, 'password-fault'],
  ])(
    'a fault is shown beside its field, what was typed stays, passwords do not: %o',
    async (fields, shown) => {
      const answer = await create(fields);
      const page = await answer.text();
      expect(answer.status).toBe(422);
      expect(page).toContain(shown);
      expect(page).toContain(`value="${fields['name'] ?? 'eva'}"`);
      expect(page).not.toContain('long enough');
    },
  );

  test('are searched, filtered and paged', async () => {
    for (let index = 0; index < 60; index += 1) {
      const name = `u${String(index).padStart(2, '0')}@falcot.com`;
      await console.operations.run(
        'accounts.add',
        { jid: name, password: 'long enough' },
        { name: 'root', via: 'socket' },
      );
    }
    const first = await admin.read('/admin/users');
    expect(first).toContain('1 to 50 of 62');
    const next = /rel="next" href="([^"]+)"/.exec(first)?.[1] ?? '';
    expect(await admin.read(next)).toContain('51 to 62 of 62');
    const found = await admin.read('/admin/users?search=u59');
    expect(found).toContain('u59@falcot.com');
    expect(found).not.toContain('u58@falcot.com');
    expect(await admin.read('/admin/users?offset=-1')).toContain('1 to 50 of 62');
    expect(await admin.read('/admin/users?search=nobody')).toContain('Nobody has such an address.');
  });

  test.each([
    ['/lock', 'is locked', async () => (await console.scene.accounts.get(bare(USER)))?.isLocked],
    [
      '/delete',
      'was deleted',
      async () => (await console.scene.accounts.get(bare(USER))) === undefined,
    ],
  ])('%s asks first, then does it', async (action, said, isDone) => {
    expect(await admin.read(user(action))).toContain('<form');
    expect(await isDone()).toBe(false);
    expect(await follow(await admin.submit(user(action), {}))).toContain(said);
    expect(await isDone()).toBe(true);
  });

  test('unlocking undoes it', async () => {
    for (const action of ['/lock', '/unlock']) await follow(await admin.submit(user(action), {}));
    expect((await console.scene.accounts.get(bare(USER)))?.isLocked).toBe(false);
  });

  test('an admin of a domain is shown what is of his domain, and nothing of the server', async () => {
    await console.scene.accounts.setRole(bare(USER), 'admin');
    const visitor = visit(console.app);
    await visitor.signIn(USER);
    expect((await visitor.get('/admin')).headers.get('location')).toBe('/admin/users');
    const users = await visitor.read('/admin/users');
    expect(users).toContain('href="/admin/reports"');
    expect(users).not.toContain('href="/admin/server"');
    expect(await visitor.read(user('/role'))).not.toContain('value="operator"');
    for (const path of ['/admin/server', '/admin/audit', '/admin/hosts'])
      expect((await visitor.get(path)).status, path).toBe(403);
    const operator = `/admin/users/${encodeURIComponent(ADMIN)}`;
    expect((await visitor.get(operator)).status).toBe(403);
    // What only operators may do is not offered.
    expect(await visitor.read(user(''))).not.toMatch(/href="\/admin\/(?:watch|nodes)/);
    expect(await visitor.read('/admin/users/new')).not.toContain('name="admin"');
    expect(await admin.read(user(''))).toMatch(/href="\/admin\/watch[\s\S]*href="\/admin\/nodes\?/);
    expect(await admin.read('/admin/users/new')).toContain('name="admin"');
  });

  test('the domain of who is signed in stands first where one is chosen', async () => {
    await console.stop();
    const eva = 'eva@a.example';
    console = await startConsole({ accounts: [ADMIN, eva] });
    await console.scene.accounts.setAdmin(bare(eva), true);
    const visitor = visit(console.app);
    await visitor.signIn(eva);
    expect(await visitor.read('/admin/users/new')).toMatch(
      /<select[^>]*name="host"[^>]*><option value="a\.example"[\s\S]*<option value="falcot\.com"/,
    );
    expect(await visitor.read('/admin/rooms/new')).toContain('lobby@conference.a.example');
  });

  test('a role is chosen; one that there is not is none', async () => {
    expect(await admin.read(user('/role'))).toContain('<option value="operator"');
    expect(await follow(await admin.submit(user('/role'), { role: 'guest' }))).toMatch(
      /is now: Guest\.[\s\S]*badge quiet/,
    );
    expect((await admin.submit(user('/role'), { role: 'king' })).status).toBe(422);
    expect((await console.scene.accounts.get(bare(USER)))?.role).toBe('guest');
  });

  test('a password is set; ones that differ are not', async () => {
    const set = (again: string) =>
      admin.submit(user('/password'), { password: 'another one', again });
    expect((await set('a different one')).status).toBe(422);
    expect(await follow(await set('another one'))).toContain('has a new password');
    expect(await checkPassword(USER, 'another one')).toBe(true);
  });

  test('whoever changes his own password signs in again', async () => {
    const own = `/admin/users/${encodeURIComponent(ADMIN)}/password`;
    await admin.submit(own, { password: 'another one', again: 'another one' });
    expect((await admin.get('/admin')).status).toBe(303);
    expect((await admin.signIn(ADMIN, PASSWORD)).status).toBe(401);
    expect((await admin.signIn(ADMIN, 'another one')).status).toBe(303);
  });

  test('what is not there is said, with its status', async () => {
    const gone = '/admin/users/nobody%40falcot.com';
    expect((await admin.get(gone)).status).toBe(404);
    expect((await admin.submit(`${gone}/lock`, {})).status).toBe(422);
    expect((await admin.get(user('/explode'))).status).toBe(404);
    expect((await admin.get(user('/constructor'))).status).toBe(404);
    expect((await admin.get('/admin/users/%')).status).toBe(400);
  });
});

describe('devices', () => {
  const sighting = (mark: string, more: Partial<Sighting> = {}): Sighting => ({
    account: bare(USER),
    id: deviceId(bare(USER), 'agent', mark),
    kind: 'agent',
    software: 'AwesomeXMPP',
    name: mark,
    resource: `resource-of-${mark}`,
    mechanism: 'SCRAM-SHA-256-PLUS',
    address: '192.0.2.7',
    at: console.scene.clock.now(),
    password: undefined,
    ...more,
  });
  const askAbout = (mark: string) => `${user('/revoke')}?device=${sighting(mark).id}`;

  test('are on the page of their user, with what they log in by', async () => {
    const { devices, tokens, accounts } = console.scene;
    expect(await admin.read(user())).toContain('No device is known.');
    devices.seen(sighting('<Phone>', { password: accounts.moment }));
    await tokens.issue(sighting('Laptop', { address: '' }), 'HT-SHA-256-NONE');
    const page = await admin.read(user());
    for (const text of ['&lt;Phone&gt;', 'Laptop', 'Password', 'Token', '192.0.2.7', 'Not kept'])
      expect(page).toContain(text);
    const { id, kind, software, name } = sighting('Laptop');
    await console.scene.connect(`${USER}/x`, { device: { id, kind, software, name } });
    expect(await admin.read(user())).toContain('Online');
    expect(await admin.read('/admin/sessions')).toContain('AwesomeXMPP, Laptop');
  });

  test('one is revoked after a question, and the admin hears whether it is out', async () => {
    const { devices, tokens, accounts } = console.scene;
    devices.seen(sighting('Phone', { password: accounts.moment }));
    await tokens.issue(sighting('Laptop'), 'HT-SHA-256-NONE');
    expect(await admin.read(askAbout('Phone'))).toContain('It knows the password');
    expect(await admin.read(askAbout('Laptop'))).not.toContain('It knows the password');
    const revoke = (mark: string) =>
      admin.submit(user('/revoke'), { device: sighting(mark).id }, { from: askAbout(mark) });
    expect(await follow(await revoke('Laptop'))).toContain('can no longer log in');
    expect(await follow(await revoke('Phone'))).toContain('set a new one to keep it out');
    const names = (await devices.list(bare(USER))).map(({ name }) => name);
    expect(names).toEqual(['Phone']);
  });

  test('one that is gone is said', async () => {
    const answer = await admin.get(askAbout('Nothing'));
    expect(answer.status).toBe(404);
    expect(await answer.text()).toContain('has no such device any more');
    const sent = await admin.submit(user('/revoke'), { device: 'x' }, { from: user() });
    expect(sent.status).toBe(422);
    expect(await sent.text()).toContain('has no device x');
  });
});

describe('sessions', () => {
  test('are listed with their presence, searched, and ended', async () => {
    const phone = await console.scene.connect(`${USER}/phone`);
    const away = readStanza(parse('<presence><show>away</show></presence>'), {
      from: phone.jid,
      defaultTo: bare(USER),
    });
    if (away.ok && away.stanza.kind === 'presence')
      await console.scene.sessions.setPresence(phone.session, away.stanza);
    await console.scene.connect(`${ADMIN}/laptop`, { isActive: false });
    const page = await admin.read('/admin/sessions');
    expect(page).toContain('Nobody looks at it');
    for (const text of ['phone', 'Away', 'laptop', 'No presence', 'SCRAM-SHA-256', 'TLSv1.3'])
      expect(page).toContain(text);
    const found = await admin.read('/admin/sessions?search=joe');
    expect(found).toContain('phone');
    expect(found).not.toContain('laptop');
    const kick = `/admin/sessions/kick?jid=${encodeURIComponent(`${USER}/phone`)}`;
    const answer = await admin.submit(
      '/admin/sessions/kick',
      { jid: `${USER}/phone` },
      { from: kick },
    );
    expect(await follow(answer)).toContain(`1 session of ${USER} ended.`);
    expect(phone.endedWith).toBe('policy-violation');
  });

  test('one that is gone already is said', async () => {
    const answer = await admin.submit('/admin/sessions/kick', { jid: USER }, { from: '/admin' });
    expect(answer.status).toBe(422);
    expect(await answer.text()).toContain('has no session');
  });
});

describe('hosts', () => {
  test('show their certificate', async () => {
    const page = await admin.read('/admin/hosts/falcot.com');
    for (const text of ['Self-signed', 'EC P-256', 'SHA-256 fingerprint', 'falcot.com.self-signed'])
      expect(page).toContain(text);
    expect((await admin.get('/admin/hosts/elsewhere.example')).status).toBe(404);
  });

  test('list their components, if they have any', async () => {
    expect(await admin.read('/admin/hosts/falcot.com')).not.toContain('Components');
    const own = domainOf(bare(USER));
    const since = Date.UTC(2026, 0, 1);
    const connection = { remote: '192.0.2.7', since, lastActive: since };
    const named = (raw: string) => domainOf(bare(raw));
    const other = await startConsole({
      accounts: [ADMIN, USER],
      components: [
        { domain: named('irc.falcot.com'), host: own, connection },
        { domain: named('sms.falcot.com'), host: own, connection: undefined },
        { domain: named('irc.b.example'), host: named('b.example'), connection },
      ],
    });
    const visitor = visit(other.app);
    await visitor.signIn(ADMIN);
    const page = await visitor.read('/admin/hosts/falcot.com');
    for (const text of ['irc.falcot.com', 'connected', '192.0.2.7', 'sms.falcot.com', 'away'])
      expect(page).toContain(text);
    expect(page).not.toContain('irc.b.example');
    await other.stop();
  });

  const fingerprint = async () =>
    /(?:[0-9A-F]{2}:){31}[0-9A-F]{2}/.exec(await admin.read('/admin/hosts/falcot.com'))?.[0];

  test('get a new self-signed certificate', async () => {
    const before = await fingerprint();
    const path = '/admin/hosts/falcot.com/generate';
    const page = await follow(
      await admin.submit(path, { names: 'chat.falcot.com', keyType: 'ec' }),
    );
    expect(page).toContain('has a new self-signed certificate');
    expect(page).toContain('chat.falcot.com');
    expect(await fingerprint()).not.toBe(before);
  });

  test('a faulty name is shown beside its field', async () => {
    const path = '/admin/hosts/falcot.com/generate';
    const answer = await admin.submit(path, { names: 'good.example a@b', keyType: 'ec' });
    expect(answer.status).toBe(422);
    expect(await answer.text()).toContain('names-fault');
  });

  test('ask an authority: the request is shown once', async () => {
    const path = '/admin/hosts/falcot.com/request';
    const page = await follow(await admin.submit(path, { names: '', keyType: 'ec' }));
    expect(page).toContain('-----BEGIN CERTIFICATE REQUEST-----');
    expect(await admin.read('/admin/hosts/falcot.com')).not.toContain('BEGIN CERTIFICATE REQUEST');
  });

  test('refuse what is no certificate', async () => {
    const path = '/admin/hosts/falcot.com/import';
    for (const certificate of ['', 'nonsense']) {
      const answer = await admin.submit(path, { certificate, key: '' });
      expect(answer.status).toBe(422);
    }
    const answer = await admin.submit(path, { certificate: 'a typo', key: 'a secret' });
    const page = await answer.text();
    expect(page).toContain('>a typo</textarea>'); // it is not to be pasted again
    expect(page).not.toContain('a secret');
  });

  test('take a certificate from files', async () => {
    const pem = await certificateFiles();
    const page = await admin.read('/admin/hosts/falcot.com/import');
    const form = new FormData();
    form.set('csrf', /name="csrf" value="([^"]+)"/.exec(page)?.[1] ?? '');
    form.set('certificate', '');
    form.set('key', '');
    form.set('certificateFile', new File([pem.certificate], 'cert.pem'));
    form.set('keyFile', new File([pem.key], 'key.pem'));
    const answer = await console.app.request('/admin/hosts/falcot.com/import', {
      method: 'POST',
      body: form,
      headers: {
        cookie: `rtcd=${admin.cookies.get('rtcd')}`,
        origin: 'http://localhost',
        host: 'localhost',
      },
    });
    expect(await follow(answer)).toContain('uses the imported certificate');
  });
});

describe('the rest', () => {
  test('log levels are set', async () => {
    const page = await follow(await admin.submit('/admin/log', { area: 'store', level: 'fatal' }));
    expect(page).toContain('The log of store is at fatal now.');
    expect(console.scene.log.levels()['store']).toBe('fatal');
    await follow(await admin.submit('/admin/log', { area: '*', level: 'silent' }));
    expect(console.scene.log.levels()['*']).toBe('silent');
  });

  test('the audit log names who, from where and what, and pages back', async () => {
    for (let round = 0; round < 30; round += 1) {
      await admin.submit(user('/lock'), {}, { from: '/admin' });
      await admin.submit(user('/unlock'), {}, { from: '/admin' });
    }
    const newest = await admin.read('/admin/audit');
    expect(newest).toContain('accounts.unlock');
    expect(newest).toContain('console, 192.0.2.10');
    const older = /rel="next" href="([^"]+)"/.exec(newest)?.[1] ?? '';
    const page = await admin.read(older);
    expect(page).toContain('accounts.lock');
    expect(page).not.toContain('rel="next"');
  });

  test('a message is shown once', async () => {
    const page = await follow(await admin.submit('/admin/server/reload', {}));
    expect(page).toContain('Nothing had changed.');
    expect(await admin.read('/admin/server')).not.toContain('Nothing had changed.');
  });

  test('a backup says where it is', async () => {
    const page = await follow(await admin.submit('/admin/server/backup', {}));
    expect(page).toContain('2.0 KiB in /data/backups/rtcd.sqlite');
    expect(await admin.read('/admin/audit')).toContain('server.backup');
  });

  test('the live view says what to do without scripts', async () => {
    const page = await admin.read(`/admin/watch?jid=${encodeURIComponent(USER)}`);
    expect(page).toContain('The live view needs JavaScript.');
    expect(page).toContain(`rtcctl watch ${USER}`);
  });

  describe('the story of messages', () => {
    const trace = (query: Record<string, string>) =>
      `/admin/trace?${new URLSearchParams(query).toString()}`;
    /** Messages of the user to himself, and one that comes back. */
    const write = async (count = 1) => {
      const actor = await console.scene.connect(`${USER}/phone`);
      for (let index = 0; index < count; index += 1) {
        console.scene.clock.advance(1000);
        const id = `m${index}`;
        await actor.send(`<message to='${actor.jid}' id='${id}'><body>psst</body></message>`);
      }
      await actor.send(`<message to='nobody@falcot.com' id='lost'><body>psst</body></message>`);
    };

    test('is found from the page of a user', async () => {
      await write();
      const page = await admin.read(user());
      expect(page).toContain(`href="/admin/trace?jid=${encodeURIComponent(USER)}"`);
      const found = await admin.read(trace({ jid: USER }));
      expect(found).toContain('2 messages, the newest first');
      expect(found).toContain('Delivered to phone and acknowledged after 0 ms');
      expect(found).toContain('Came back');
      expect(found).toContain('nobody@falcot.com: service-unavailable');
      expect(found).not.toContain('psst');
    });

    test('is narrowed, and what was asked for stays in the form', async () => {
      await write();
      const failed = await admin.read(trace({ jid: USER, failed: 'yes', since: '2h' }));
      expect(failed).toMatch(/id="messages">1 message</);
      expect(failed).toMatch(/name="failed" value="yes" checked/);
      expect(failed).toMatch(/value="2h" selected/);
      const one = await admin.read(
        trace({ jid: ` ${USER} `, id: 'lost', with: 'nobody@falcot.com' }),
      );
      expect(one).toMatch(/<details open/);
      expect(one).toContain('value="nobody@falcot.com"');
      expect(await admin.read(trace({ jid: USER, id: 'none' }))).toContain(
        'No such message is known',
      );
    });

    test('is turned over in pages', async () => {
      await write(25);
      const first = await admin.read(trace({ jid: USER }));
      expect(first).toContain('19 messages'); // the error is told with its message
      const path = /rel="next" href="([^"]+)"/.exec(first)?.[1]?.replaceAll('&amp;', '&') ?? '';
      const second = await admin.read(path);
      expect(second).toContain('7 messages');
      expect(second).toContain('Newest');
      expect(second).not.toContain('Older');
    });

    test('names the field that is wrong, and the account that was meant', async () => {
      const wrong = await admin.get(trace({ jid: '@', id: 'x' }));
      expect(wrong.status).toBe(422);
      expect(await wrong.text()).toContain('aria-invalid');
      const unknown = await admin.get(trace({ jid: `x${USER}` }));
      expect(unknown.status).toBe(404);
      expect(await unknown.text()).toContain(`did you mean ${USER}?`);
    });

    test('leaves a line in the audit log', async () => {
      await admin.read(trace({ jid: USER }));
      const log = await admin.read('/admin/audit');
      expect(log).toContain('messages.trace');
      expect(log).toContain(`jid: ${USER}`);
    });
  });

  test('checks are shown', async () => {
    expect(await admin.read('/admin/check')).toContain('id="findings"');
  });
});

/** A certificate for falcot.com with its key, as an authority would give it. */
async function certificateFiles() {
  const domain = domainOf(bare(ADMIN));
  const key = await generateKey('ec');
  const now = console.scene.clock.now();
  const certificate = selfSignedCertificate({ key, domain, names: [] }, now - DAY, now + 90 * DAY);
  return { key: keyPem(key), certificate };
}

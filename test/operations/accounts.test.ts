import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createOperations } from '../../src/core/operation.ts';
import { allOperations } from '../../src/operations/index.ts';
import { bare, type Desk, domainNamed, setDesk, stanza } from './support.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await setDesk(['jo@falcot.com', 'anna@falcot.com', 'bob@other.example']);
});
afterEach(() => desk.stop());

describe('accounts.add', () => {
  test('makes an account that can log in with its password', async () => {
    const input = { jid: 'New@FALCOT.com', password: 'correct horse', admin: true };
    expect(await desk.value('accounts.add', input)).toEqual({ jid: 'new@falcot.com' });
    const { accounts } = desk.scene;
    expect(await accounts.checkPassword(bare('new@falcot.com'), 'correct horse')).toBe(true);
    expect((await accounts.get(bare('new@falcot.com')))?.isAdmin).toBe(true);
  });

  test('warns of a short password and takes it', async () => {
    const made = await desk.value('accounts.add', { jid: 'new@falcot.com', password: 'short' });
    expect(made['warning']).toMatch(/shorter than 8/);
  });

  test.each([
    ['', /password: must not be empty$/],
    ['a\u0000b', /password: has characters that a password cannot have/],
    ['x'.repeat(1025), /password: /],
  ])('refuses the password %j', async (password, text) => {
    const said = await desk.refusal('accounts.add', { jid: 'new@falcot.com', password });
    expect(said).toMatch(text);
    expect(await desk.scene.accounts.get(bare('new@falcot.com'))).toBeUndefined();
  });

  test.each([
    ['other.example', /'other.example' is not .*: it needs a name, such as joe@other.example$/],
    ['joe', /'joe' is not the address of an account: it needs a domain, such as joe@falcot.com$/],
    ['a@falcot.com/phone', /resourcepart/],
    ['a@b@falcot.com', /not an address/],
  ])('refuses the address %s', async (jid, text) => {
    expect(await desk.refusal('accounts.add', { jid, password: 'long enough' })).toMatch(text);
  });

  test('refuses a domain that is not served, and names the hosts', async () => {
    const said = await desk.refusal('accounts.add', {
      jid: 'a@far.example',
      password: 'long enough',
    });
    expect(said).toBe(
      'not-found: far.example is not served here; hosts: falcot.com, other.example; ' +
        'enable it with a link in conf.d',
    );
  });

  test('asks whether a similar host is meant', async () => {
    const said = await desk.refusal('accounts.add', {
      jid: 'a@falcto.com',
      password: 'long enough',
    });
    expect(said).toContain('did you mean falcot.com?');
  });

  test('refuses an account that exists', async () => {
    const said = await desk.refusal('accounts.add', {
      jid: 'jo@falcot.com',
      password: 'long enough',
    });
    expect(said).toBe('conflict: jo@falcot.com exists already; rtcctl passwd sets its password.');
  });

  test('is in the audit log without its password', async () => {
    await desk.value('accounts.add', { jid: 'new@falcot.com', password: 'correct horse' });
    const { entries } = await desk.value('audit.list');
    expect(entries).toMatchObject([
      { operation: 'accounts.add', actor: 'root', via: 'socket', outcome: 'done' },
    ]);
    expect(JSON.stringify(entries)).not.toContain('correct horse');
  });
});

describe('accounts.password', () => {
  test("sets the password and ends the account's sessions", async () => {
    const jo = await desk.scene.connect('jo@falcot.com/desk');
    const anna = await desk.scene.connect('anna@falcot.com/desk');
    await desk.value('accounts.password', { jid: 'jo@falcot.com', password: 'another one' });
    expect(jo.endedWith).toBe('reset');
    expect(anna.endedWith).toBeUndefined();
    const { accounts } = desk.scene;
    expect(await accounts.checkPassword(bare('jo@falcot.com'), 'another one')).toBe(true);
  });

  test('asks whether a similar account is meant', async () => {
    const input = { jid: 'joe@falcot.com', password: 'long enough' };
    expect(await desk.refusal('accounts.password', input)).toBe(
      'not-found: There is no joe@falcot.com; did you mean jo@falcot.com?',
    );
  });
});

describe('accounts.remove', () => {
  test('removes the account and ends its sessions', async () => {
    const jo = await desk.scene.connect('jo@falcot.com/desk');
    await desk.value('accounts.remove', { jid: 'jo@falcot.com' });
    expect(jo.endedWith).toBe('not-authorized');
    expect(await desk.scene.accounts.get(bare('jo@falcot.com'))).toBeUndefined();
  });

  test('says that there is no such account', async () => {
    expect(await desk.refusal('accounts.remove', { jid: 'nobody@falcot.com' })).toBe(
      'not-found: There is no nobody@falcot.com.',
    );
  });
});

describe('accounts.list and accounts.show', () => {
  test('lists by host, in pages, with the number of sessions', async () => {
    await desk.scene.connect('jo@falcot.com/desk');
    const page = await desk.value('accounts.list', { host: 'falcot.com', offset: 1, limit: 1 });
    expect(page).toMatchObject({ total: 2, accounts: [{ jid: 'jo@falcot.com', sessions: 1 }] });
  });

  test('searches', async () => {
    const page = await desk.value('accounts.list', { search: 'BOB' });
    expect(page).toMatchObject({ total: 1, accounts: [{ jid: 'bob@other.example' }] });
  });

  test('refuses a host that is not served', async () => {
    expect(await desk.refusal('accounts.list', { host: 'far.example' })).toMatch(/not served here/);
  });

  test('refuses a limit that is out of bounds', async () => {
    expect(await desk.refusal('accounts.list', { limit: 100_000 })).toMatch(
      /^invalid-input: limit/,
    );
  });

  test('shows an account with its sessions and whether the config names it', async () => {
    desk.world.admins = [bare('jo@falcot.com')];
    const jo = await desk.scene.connect('jo@falcot.com/desk');
    const said = stanza('<presence><show>dnd</show><priority>5</priority></presence>', jo.jid);
    if (said.kind !== 'presence') throw new Error('no presence');
    await desk.scene.sessions.setPresence(jo.session, said);
    const shown = await desk.value('accounts.show', { jid: 'jo@falcot.com' });
    expect(shown).toMatchObject({
      jid: 'jo@falcot.com',
      admin: true,
      namedInConfig: true,
      locked: false,
      sessions: [{ jid: 'jo@falcot.com/desk', secure: 'TLSv1.3', presence: 'dnd', priority: 5 }],
    });
  });
});

describe('locking and promoting', () => {
  test('a lock ends the sessions and an unlock takes it back', async () => {
    const jo = await desk.scene.connect('jo@falcot.com/desk');
    const input = { jid: 'jo@falcot.com' };
    expect(await desk.value('accounts.lock', input)).toEqual({ ...input, locked: true });
    expect(jo.endedWith).toBe('not-authorized');
    expect((await desk.scene.accounts.get(bare('jo@falcot.com')))?.isLocked).toBe(true);
    expect(await desk.value('accounts.unlock', input)).toEqual({ ...input, locked: false });
    expect((await desk.scene.accounts.get(bare('jo@falcot.com')))?.isLocked).toBe(false);
  });

  test('promotes and demotes', async () => {
    const input = { jid: 'jo@falcot.com' };
    expect(await desk.value('accounts.promote', input)).toEqual({ ...input, admin: true });
    expect(await desk.value('accounts.demote', input)).toEqual({ ...input, admin: false });
    expect((await desk.scene.accounts.get(bare('jo@falcot.com')))?.isAdmin).toBe(false);
  });

  test('an admin by the config cannot be demoted here', async () => {
    desk.world.admins = [bare('jo@falcot.com')];
    const said = await desk.refusal('accounts.demote', { jid: 'jo@falcot.com' });
    expect(said).toMatch(/^refused: .* admin by the config/);
  });

  test('an admin of its domain by the config is made an operator, and no operator again', async () => {
    const jid = 'jo@falcot.com';
    const host = desk.scene.hosts.get(domainNamed('falcot.com'));
    if (host === undefined) throw new Error('no host');
    desk.scene.hosts.replace([{ ...host, config: { ...host.config, admins: [bare(jid)] } }]);
    const roleNow = async () => (await desk.value('accounts.show', { jid }))['role'];
    await desk.value('accounts.role', { jid, role: 'operator' });
    expect(await roleNow()).toBe('operator');
    await desk.value('accounts.demote', { jid });
    expect(await roleNow()).toBe('admin');
    await desk.value('accounts.promote', { jid });
    await desk.value('accounts.role', { jid, role: 'admin' });
    expect(await roleNow()).toBe('admin');
    expect(await desk.refusal('accounts.role', { jid, role: 'member' })).toMatch(/by the config/);
  });

  test.each(['lock', 'unlock', 'promote', 'demote', 'show'])(
    'accounts.%s of nobody is not found',
    async (verb) => {
      const said = await desk.refusal(`accounts.${verb}`, { jid: 'nobody@falcot.com' });
      expect(said).toMatch(/^not-found: There is no nobody@falcot.com/);
    },
  );
});

describe('roles', () => {
  const runAs = (name: string, operation: string, input: object) => {
    const { authority } = desk.services;
    const operations = createOperations(allOperations(desk.services), {
      audit: desk.audit,
      log: desk.services.log.area('test'),
      mayRun: authority.mayRun,
    });
    return operations.run(operation, input, { name, via: 'rest' });
  };

  test('are given, and shown', async () => {
    await desk.value('accounts.role', { jid: 'jo@falcot.com', role: 'guest' });
    expect(await desk.value('accounts.show', { jid: 'jo@falcot.com' })).toMatchObject({
      role: 'guest',
      admin: false,
    });
    expect(await desk.refusal('accounts.role', { jid: 'jo@falcot.com', role: 'king' })).toMatch(
      /^invalid-input/,
    );
    expect(await desk.refusal('accounts.role', { jid: 'no@falcot.com', role: 'guest' })).toMatch(
      /^not-found/,
    );
  });

  test('an admin of a domain makes admins of it, but no operators, and touches none', async () => {
    await desk.value('accounts.add', { jid: 'boss@falcot.com', password: 'secret12', admin: true });
    await desk.value('accounts.role', { jid: 'jo@falcot.com', role: 'admin' });
    const add = { jid: 'new@falcot.com', password: 'secret12' };
    expect(await runAs('jo@falcot.com', 'accounts.add', add)).toMatchObject({ ok: true });
    for (const [operation, input] of [
      ['accounts.add', { ...add, jid: 'newer@falcot.com', admin: true }],
      ['accounts.role', { jid: 'new@falcot.com', role: 'operator' }],
      ['accounts.role', { jid: 'boss@falcot.com', role: 'guest' }],
      ['accounts.password', { jid: 'boss@falcot.com', password: 'secret123' }],
      ['accounts.remove', { jid: 'boss@falcot.com' }],
      ['accounts.promote', { jid: 'jo@falcot.com' }],
      ['server.status', {}],
      ['audit.list', {}],
      ['archive.search', { jid: 'new@falcot.com', text: 'x' }],
      ['watch.account', { jid: 'new@falcot.com' }],
    ] as const)
      expect([operation, await runAs('jo@falcot.com', operation, input)]).toMatchObject([
        operation,
        { why: 'forbidden' },
      ]);
    const role = { jid: 'new@falcot.com', role: 'admin' };
    expect(await runAs('jo@falcot.com', 'accounts.role', role)).toMatchObject({ ok: true });
  });

  test('an admin of a domain cannot make the account that the config names an operator', async () => {
    desk.world.admins = [bare('chief@falcot.com')];
    await desk.value('accounts.role', { jid: 'jo@falcot.com', role: 'admin' });
    const add = { jid: 'chief@falcot.com', password: 'secret12' };
    expect(await runAs('jo@falcot.com', 'accounts.add', add)).toMatchObject({ why: 'forbidden' });
  });
});

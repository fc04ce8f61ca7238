import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { childrenOf, type Element, serialise } from '../../../src/xml/element.ts';
import { conditionIn, resultIn } from '../../support/answers.ts';
import type { Actor } from '../../support/scene.ts';
import { BARD, bare, type CommandStage, command, JULIET, STEWARD, setStage } from './stage.ts';

const HOST = 'shakespeare.lit';
const NODE = 'http://jabber.org/protocol/commands';
const admin = (name: string) => `http://jabber.org/protocol/admin#${name}`;
const operation = (name: string) => `urn:rtcd:operation:${name}`;

let stage: CommandStage;
let bard: Actor;
let juliet: Actor;
let steward: Actor;
beforeEach(async () => {
  stage = await setStage();
  bard = await stage.scene.connect(`${BARD}/globe`);
  juliet = await stage.scene.connect(`${JULIET}/balcony`);
  steward = await stage.scene.connect(`${STEWARD}/hall`);
});
afterEach(() => stage.scene.stop());

const ask = (actor: Actor, ...said: Parameters<typeof command>) =>
  actor.ask('set', command(...said), HOST);
/** The answered command, which must be a result. */
const answered = (answer: Element) => {
  const [found] = childrenOf(answer);
  if (answer.attrs.type !== 'result' || found === undefined) expect.fail(serialise(answer));
  return found;
};
const specific = (answer: Element) => {
  const error = childrenOf(answer).find(({ name }) => name === 'error');
  return error && childrenOf(error).find(({ attrs }) => attrs['xmlns'] === NODE)?.name;
};
const sessionOf = (answer: Element) => answered(answer).attrs['sessionid'] ?? '';
const items = async (actor: Actor) => {
  const query = `<query xmlns='http://jabber.org/protocol/disco#items' node='${NODE}'/>`;
  const [found] = childrenOf(await actor.ask('get', query, HOST));
  return (found === undefined ? [] : childrenOf(found)).map(({ attrs }) => attrs['node'] ?? '');
};
const info = (actor: Actor, node: string) =>
  actor.ask('get', `<query xmlns='http://jabber.org/protocol/disco#info' node='${node}'/>`, HOST);

describe('XEP-0050: Ad-Hoc Commands', () => {
  test('§2.1 a host announces them', async () => {
    const query = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
    expect(resultIn(await juliet.ask('get', query, HOST))).toContain(`<feature var="${NODE}"/>`);
  });

  test('§2.2 everybody is shown what he may do, and no more', async () => {
    const own = [
      'urn:rtcd:account:password',
      'urn:rtcd:account:devices',
      'urn:rtcd:account:export',
      'urn:rtcd:account:remove',
      'urn:xmpp:invite#invite',
    ];
    expect(await items(juliet)).toEqual(own);
    const all = await items(bard);
    expect(all).toEqual(
      expect.arrayContaining([...own, admin('add-user'), operation('hosts.list')]),
    );
    expect(all).not.toContain(operation('accounts.add'));
    const some = await items(steward);
    expect(some).toEqual(expect.arrayContaining([admin('add-user'), operation('accounts.list')]));
    expect(some).not.toContain(operation('hosts.list'));
    const romeo = await stage.scene.connect('romeo@montague.net/orchard');
    expect(await items(romeo)).toEqual([]);
  });

  test('§2.2 a command is described to who may use it, and forbidden to others', async () => {
    expect(resultIn(await info(bard, admin('add-user')))).toContain(
      '<identity category="automation" type="command-node" name="Add User"/>' +
        `<feature var="${NODE}"/><feature var="jabber:x:data"/>`,
    );
    expect(conditionIn(await info(juliet, admin('add-user')))).toBe('forbidden');
    expect(conditionIn(await info(juliet, operation('hosts.list')))).toBe('forbidden');
    expect(conditionIn(await info(juliet, 'nonsense'))).toBe('item-not-found');
  });

  test('§2.4.1 a command that asks nothing answers at once, with a table', async () => {
    const done = answered(await ask(bard, operation('hosts.list'), { action: 'execute' }));
    expect(done.attrs).toMatchObject({ status: 'completed', node: operation('hosts.list') });
    expect(serialise(done)).toMatch(/<reported><field var="domain"[\s\S]*<value>shakespeare\.lit</);
  });

  test('§2.4.2 a form comes, with what may be done; it is filled in, and the command ends', async () => {
    const asked = await ask(bard, operation('accounts.role'));
    const form = serialise(answered(asked));
    expect(form).toContain('status="executing"');
    expect(form).toContain('<actions execute="complete"><complete/></actions>');
    expect(form).toMatch(/var="role" type="list-single"[\s\S]*<option label="guest"><value>guest</);
    const sessionid = sessionOf(asked);
    const fields = { jid: JULIET, role: 'guest' };
    const done = await ask(bard, operation('accounts.role'), { sessionid }, fields);
    expect(serialise(answered(done))).toContain(
      `status="completed" xml:lang="en"><note type="info">${JULIET} is a guest now.</note>`,
    );
    expect((await stage.scene.accounts.get(bare(JULIET)))?.role).toBe('guest');
    const again = await ask(bard, operation('accounts.role'), { sessionid }, fields);
    expect([conditionIn(again), specific(again)]).toEqual(['not-allowed', 'session-expired']);
  });

  test('§2.4.3 a command is given up', async () => {
    const sessionid = sessionOf(await ask(bard, admin('delete-user')));
    const done = await ask(bard, admin('delete-user'), { sessionid, action: 'cancel' });
    expect(answered(done).attrs).toMatchObject({ status: 'canceled', sessionid });
    const late = await ask(bard, admin('delete-user'), { sessionid }, { accountjids: JULIET });
    expect(specific(late)).toBe('session-expired');
    expect(await stage.scene.accounts.exists(bare(JULIET))).toBe(true);
  });

  test.each([
    ['an action that there is not', { action: 'run' }, 'malformed-action'],
    ['to begin with the end', { action: 'complete' }, 'bad-action'],
  ])('§4.4 %s', async (_, attrs, name) => {
    const answer = await ask(bard, admin('add-user'), attrs);
    expect([conditionIn(answer), specific(answer)]).toEqual(['bad-request', name]);
  });

  test('§4.4 what does not fit to a session', async () => {
    const sessionid = sessionOf(await ask(bard, admin('add-user')));
    const tell = async (
      node: string,
      attrs: Record<string, string>,
      fields?: Record<string, string>,
    ) => specific(await ask(bard, node, { sessionid, ...attrs }, fields));
    expect(await tell(admin('delete-user'), {}, { accountjids: JULIET })).toBe('bad-sessionid');
    expect(await tell(admin('add-user'), { action: 'prev' })).toBe('bad-action');
    expect(await tell(admin('add-user'), { action: 'next' }, {})).toBe('bad-action');
    expect(await tell(admin('add-user'), {})).toBe('bad-payload');
    expect(await tell(admin('add-user'), {}, { accountjid: 'x@y' })).toBe('bad-payload');
    // It is still there for one that is right.
    const right = { accountjid: `new@${HOST}`, password: 'R0m30R0m30' };
    expect(await tell(admin('add-user'), {}, right)).toBeUndefined();
    expect(await stage.scene.accounts.exists(bare(`new@${HOST}`))).toBe(true);
  });

  test('a session belongs to the client that began it', async () => {
    const sessionid = sessionOf(await ask(bard, admin('delete-user')));
    const other = await stage.scene.connect(`${BARD}/theatre`);
    for (const actor of [other, steward]) {
      const stolen = await ask(actor, admin('delete-user'), { sessionid }, { accountjids: JULIET });
      expect(specific(stolen)).toBe('session-expired');
    }
    expect(await stage.scene.accounts.exists(bare(JULIET))).toBe(true);
  });

  test('§3.3 a client has some sessions at a time, and each ends by itself', async () => {
    const begun: string[] = [];
    for (let index = 0; index < 6; index += 1)
      begun.push(sessionOf(await ask(bard, admin('user-stats'))));
    const [first = '', , third = '', , , last = ''] = begun;
    const proceed = (sessionid: string) =>
      ask(bard, admin('user-stats'), { sessionid }, { accountjid: JULIET });
    expect(specific(await proceed(first))).toBe('session-expired');
    expect(answered(await proceed(last)).attrs['status']).toBe('completed');
    await stage.scene.clock.advance(11 * 60_000);
    expect(specific(await proceed(third))).toBe('session-expired');
  });

  test('who is not here runs nothing', async () => {
    const romeo = await stage.scene.connect('romeo@montague.net/orchard');
    expect(conditionIn(await ask(romeo, admin('add-user')))).toBe('forbidden');
    expect(conditionIn(await ask(romeo, 'urn:rtcd:account:remove'))).toBe('item-not-found');
  });

  test('without TLS there are no commands that take passwords', async () => {
    const security = { protocol: undefined, cipher: undefined, mechanism: 'PLAIN' };
    const plain = await stage.scene.connect(`${BARD}/plain`, { security });
    expect(await items(plain)).toEqual(['urn:rtcd:account:devices']);
  });

  test('a right that was taken away ends what it had begun', async () => {
    const sessionid = sessionOf(await ask(steward, admin('delete-user')));
    await stage.scene.accounts.setRole(bare(STEWARD), 'member');
    const late = await ask(steward, admin('delete-user'), { sessionid }, { accountjids: JULIET });
    expect(conditionIn(late)).toBe('forbidden');
    expect(await stage.scene.accounts.exists(bare(JULIET))).toBe(true);
  });

  test('§3.6 a command that fails completes with a note that says so', async () => {
    const sessionid = sessionOf(await ask(bard, operation('accounts.show')));
    const done = await ask(
      bard,
      operation('accounts.show'),
      { sessionid },
      { jid: `julie@${HOST}` },
    );
    expect(serialise(answered(done))).toMatch(
      /<note type="error">There is no julie@[^<]*did you mean/,
    );
  });
});

describe('XEP-0133: Service Administration', () => {
  const run = async (actor: Actor, name: string, fields?: Parameters<typeof command>[2]) => {
    const begun = await ask(actor, admin(name));
    if (fields === undefined || begun.attrs.type === 'error') return begun;
    return ask(actor, admin(name), { sessionid: sessionOf(begun) }, fields);
  };

  test('§4.1 the form of its text, and a user is added', async () => {
    const form = serialise(answered(await ask(bard, admin('add-user'))));
    expect(form).toContain(
      '<field var="FORM_TYPE" type="hidden"><value>http://jabber.org/protocol/admin</value></field>',
    );
    for (const field of ['accountjid" type="jid-single', 'password" type="text-private'])
      expect(form).toContain(`<field var="${field}"`);
    const fields = {
      FORM_TYPE: 'http://jabber.org/protocol/admin',
      accountjid: `nurse@${HOST}`,
      password: 'R0m30',
      'password-verify': 'R0m30',
      email: 'nurse@capulet.com',
    };
    const done = answered(await run(bard, 'add-user', fields));
    expect(done.attrs).toMatchObject({ status: 'completed', node: admin('add-user') });
    expect(await stage.scene.accounts.checkPassword(bare(`nurse@${HOST}`), 'R0m30')).toBe(true);
    const [entry] = await stage.audit.list({ limit: 1 });
    expect(entry).toMatchObject({
      actor: BARD,
      via: 'xmpp',
      operation: 'accounts.add',
      outcome: 'done',
    });
    expect(entry?.input).not.toContain('R0m30');
  });

  test('§5 the errors of its text', async () => {
    const fields = { accountjid: JULIET, password: 'R0m30', 'password-verify': 'R0m30' };
    expect(conditionIn(await run(bard, 'add-user', fields))).toBe('conflict');
    expect(conditionIn(await run(juliet, 'add-user', fields))).toBe('forbidden');
    expect(conditionIn(await run(bard, 'delete-user', { accountjids: `no@${HOST}` }))).toBe(
      'item-not-found',
    );
    expect(specific(await run(bard, 'add-user', { ...fields, 'password-verify': 'x' }))).toBe(
      'bad-payload',
    );
    expect(conditionIn(await run(steward, 'delete-user', { accountjids: BARD }))).toBe('forbidden');
    expect(
      conditionIn(await run(steward, 'disable-user', { accountjids: 'romeo@montague.net' })),
    ).toBe('forbidden');
  });

  test('§4.2 to §4.5, §4.7 users are disabled and enabled, sessions ended, passwords changed', async () => {
    const accounts = { accountjids: JULIET };
    answered(await run(bard, 'end-user-session', accounts));
    expect(juliet.endedWith).toBe('policy-violation');
    answered(await run(bard, 'disable-user', accounts));
    expect((await stage.scene.accounts.get(bare(JULIET)))?.isLocked).toBe(true);
    const locked = serialise(answered(await ask(bard, admin('get-disabled-users-num'))));
    expect(locked).toContain('<field var="disabledusersnum"><value>1</value></field>');
    answered(await run(bard, 'reenable-user', accounts));
    expect((await stage.scene.accounts.get(bare(JULIET)))?.isLocked).toBe(false);
    answered(await run(bard, 'change-user-password', { accountjid: JULIET, password: 'another' }));
    expect(await stage.scene.accounts.checkPassword(bare(JULIET), 'another')).toBe(true);
    answered(await run(bard, 'delete-user', { accountjids: [JULIET, STEWARD] }));
    expect(await stage.scene.accounts.exists(bare(STEWARD))).toBe(false);
  });

  test('§4.10, §4.13 to §4.20 numbers and lists of the host', async () => {
    const number = serialise(answered(await ask(bard, admin('get-registered-users-num'))));
    expect(number).toContain('<field var="registeredusersnum"><value>3</value></field>');
    const list = serialise(
      answered(await run(bard, 'get-registered-users-list', { max_items: '25' })),
    );
    expect(list).toContain(`<field var="registereduserjids"><value>${BARD}</value>`);
    expect(list).not.toContain('montague');
    await stage.scene.connect(`${JULIET}/chamber`);
    const online = serialise(answered(await ask(steward, admin('get-online-users-num'))));
    expect(online).toContain('<field var="onlineusersnum"><value>3</value></field>');
    const who = serialise(
      answered(await run(steward, 'get-online-users-list', { max_items: 'none' })),
    );
    expect(who.match(/juliet@/g)).toHaveLength(1);
    const stats = serialise(answered(await run(bard, 'user-stats', { accountjid: JULIET })));
    expect(stats).toContain('<field var="ipaddresses"><value>127.0.0.1</value></field>');
    expect(stats).toContain(
      '<field var="onlineresources"><value>balcony</value><value>chamber</value></field>',
    );
  });
});

describe('XEP-0133: what is seen of users', () => {
  const run = async (actor: Actor, name: string, fields?: Parameters<typeof command>[2]) => {
    const begun = await ask(actor, admin(name));
    if (fields === undefined || begun.attrs.type === 'error') return begun;
    return ask(actor, admin(name), { sessionid: sessionOf(begun) }, fields);
  };
  const ended = (answer: Element) => serialise(answered(answer));
  const FORM_TYPE =
    '<field var="FORM_TYPE" type="hidden"><value>http://jabber.org/protocol/admin</value></field>';

  test('§4.8 a roster, as RFC 6121 has it', async () => {
    const set = async (jid: string, name: string, ...groups: string[]) =>
      juliet.ask(
        'set',
        `<query xmlns='jabber:iq:roster'><item jid='${jid}' name='${name}'>${groups.map((group) => `<group>${group}</group>`).join('')}</item></query>`,
      );
    await set('romeo@example.net', 'Romeo', 'Friends', 'Lovers');
    await set('benvolio@example.org', 'Benvolio', 'Friends');
    expect(ended(await run(bard, 'get-user-roster', { accountjids: JULIET }))).toContain(
      `<x xmlns="jabber:x:data" type="result">${FORM_TYPE}` +
        `<field var="accountjids"><value>${JULIET}</value></field>` +
        '<query xmlns="jabber:iq:roster">' +
        '<item jid="benvolio@example.org" name="Benvolio" subscription="none"><group>Friends</group></item>' +
        '<item jid="romeo@example.net" name="Romeo" subscription="none"><group>Friends</group><group>Lovers</group></item>' +
        '</query></x>',
    );
    const stats = ended(await run(bard, 'user-stats', { accountjid: JULIET }));
    expect(stats).toContain('<field var="rostersize"><value>2</value></field>');
    const [entry] = await stage.audit.list({ limit: 1 });
    expect(entry, 'who looks leaves his name').toMatchObject({ operation: 'roster.show' });
    const far = await run(steward, 'get-user-roster', { accountjids: 'romeo@montague.net' });
    expect(conditionIn(far)).toBe('forbidden');
  });

  test('§4.9 the last login time', async () => {
    const never = ended(await run(bard, 'get-user-lastlogin', { accountjids: STEWARD }));
    await juliet.disconnect();
    await stage.scene.clock.advance(60_000);
    const past = ended(await run(bard, 'get-user-lastlogin', { accountjids: [JULIET, STEWARD] }));
    const [, login] = /lastlogin"><value>([^<]*)</.exec(never) ?? [];
    expect(login).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(past).toContain(
      `<field var="lastlogin"><value>${login}</value><value>${login}</value></field>`,
    );
    expect(conditionIn(await run(bard, 'get-user-lastlogin', { accountjids: `no@${HOST}` }))).toBe(
      'item-not-found',
    );
  });

  test('§4.16, §4.17, §4.21, §4.22 who is there, and who is only online', async () => {
    await juliet.send('<presence/>');
    await bard.send('<presence><show>xa</show></presence>');
    const number = async (name: string) => ended(await ask(bard, admin(`get-${name}-users-num`)));
    expect(await number('active')).toContain('"activeusersnum"><value>1</value>');
    expect(await number('idle')).toContain('"idleusersnum"><value>2</value>');
    const list = async (name: string) =>
      ended(await run(bard, `get-${name}-users`, { max_items: '25' }));
    expect(await list('active')).toContain(`"activeuserjids"><value>${JULIET}</value></field>`);
    expect(await list('idle')).toContain(
      `"idleuserjids"><value>${BARD}</value><value>${STEWARD}</value></field>`,
    );
  });

  test('§4.11 the blacklist, for operators', async () => {
    const form = ended(await ask(bard, admin('edit-blacklist')));
    expect(form).toContain('<field var="blacklistjids" type="jid-multi"');
    const edit = (...domains: string[]) => run(bard, 'edit-blacklist', { blacklistjids: domains });
    answered(await edit('marlowe.lit', 'denmark.lit'));
    answered(await edit('denmark.lit', 'france.lit'));
    const now = ended(await ask(bard, admin('edit-blacklist')));
    expect(now).toContain('<value>denmark.lit</value><value>france.lit</value></field>');
    answered(await edit('denmark.lit', ' France.Lit'));
    expect(ended(await ask(bard, admin('edit-blacklist')))).toContain('<value>france.lit</value>');
    expect(specific(await edit('denmark.lit', 'not a domain'))).toBe('bad-payload');
    expect(conditionIn(await ask(steward, admin('edit-blacklist')))).toBe('forbidden');
  });

  test('§4.29 the list of admins; to send it back takes nothing from an operator', async () => {
    const form = ended(await ask(steward, admin('edit-admin')));
    expect(form).toContain(
      `var="adminjids" type="jid-multi" label="The admin list"><value>${BARD}</value><value>${STEWARD}</value></field>`,
    );
    const edit = (...jids: string[]) => run(steward, 'edit-admin', { adminjids: jids });
    answered(await edit(BARD, STEWARD, JULIET));
    expect((await stage.scene.accounts.get(bare(JULIET)))?.role).toBe('admin');
    expect((await stage.scene.accounts.get(bare(BARD)))?.role).toBe('operator');
    expect(conditionIn(await edit(STEWARD, JULIET))).toBe('forbidden');
    answered(await edit(BARD, STEWARD));
    expect((await stage.scene.accounts.get(bare(JULIET)))?.role).toBe('member');
  });

  test('§4.23 an announcement to those who are online', async () => {
    await juliet.send('<presence/>');
    juliet.inbox.length = 0;
    const form = ended(await ask(bard, admin('announce')));
    expect(form).toContain('<field var="announcement" type="text-multi" label="Announcement">');
    const announcement = ['Attention! This service will be going down for', 'maintenance.'];
    const done = answered(await run(bard, 'announce', { announcement }));
    expect(done.attrs).toMatchObject({ status: 'completed', node: admin('announce') });
    expect(serialise(await juliet.next())).toContain(announcement.join('\n'));
    expect(specific(await run(bard, 'announce', { announcement: '' }))).toBe('bad-payload');
  });

  test('§4.24 to §4.28 the message of the day and the welcome', async () => {
    const value = async (name: string) =>
      /var="(?:motd|welcome)" type="text-multi"[^>]*><required\/>(.*?)<\/field>/.exec(
        ended(await ask(bard, admin(name))),
      )?.[1];
    for (const [edit, set, field] of [
      ['edit-motd', 'set-motd', 'motd'],
      ['set-welcome', 'set-welcome', 'welcome'],
    ] as const) {
      expect(await value(edit)).toBe('');
      answered(await run(bard, set, { [field]: ['To be', 'or not'] }));
      expect(await value(edit)).toBe('<value>To be</value><value>or not</value>');
      answered(await run(bard, edit, { [field]: 'To be' }));
      expect(await value(edit)).toBe('<value>To be</value>');
      const gone = answered(await ask(bard, admin(`delete-${field}`)));
      expect(gone.attrs['status']).toBe('completed');
      expect(conditionIn(await ask(bard, admin(`delete-${field}`)))).toBe('item-not-found');
    }
  });
});

describe('what users do themselves', () => {
  const proceed = async (node: string, fields: Parameters<typeof command>[2]) => {
    const sessionid = sessionOf(await ask(juliet, node));
    return ask(juliet, node, { sessionid }, fields);
  };

  test('a password is changed, and other devices are signed out', async () => {
    const other = await stage.scene.connect(`${JULIET}/chamber`);
    const node = 'urn:rtcd:account:password';
    const differ = await proceed(node, { password: 'another one', 'password-verify': 'another' });
    expect(specific(differ)).toBe('bad-payload');
    const weak = await proceed(node, { password: 'x', 'password-verify': 'x' });
    expect(conditionIn(weak)).toBe('not-acceptable');
    const both = { password: 'another one', 'password-verify': 'another one' };
    expect(serialise(answered(await proceed(node, both)))).toContain('The password is changed.');
    expect(other.endedWith).toBe('reset');
    expect(juliet.endedWith).toBeUndefined();
    expect(await stage.scene.accounts.checkPassword(bare(JULIET), 'another one')).toBe(true);
  });

  test('devices are listed, and revoked; those of others are not', async () => {
    const device = { id: 'phone1', kind: 'agent', software: 'Dino', name: 'Phone' } as const;
    const seen = { resource: 'phone', mechanism: 'SCRAM-SHA-256', address: '', at: 0, password: 1 };
    stage.scene.devices.seen({ ...device, ...seen, account: bare(JULIET) });
    stage.scene.devices.seen({ ...device, ...seen, id: 'stage1', account: bare(BARD) });
    const phone = await stage.scene.connect(`${JULIET}/phone`, { device });
    const node = 'urn:rtcd:account:devices';
    const form = serialise(answered(await ask(juliet, node)));
    expect(form).toMatch(/<option label="Dino, Phone, phone, [^"]*"><value>phone1</);
    expect(form).not.toContain('stage1');
    expect(specific(await proceed(node, { devices: 'stage1' }))).toBe('bad-payload');
    expect(serialise(answered(await proceed(node, { devices: 'phone1' })))).toContain(
      '1 signed out.',
    );
    expect(phone.endedWith).toBe('not-authorized');
  });

  test('their data is given by a link', async () => {
    const done = answered(await proceed('urn:rtcd:account:export', {}));
    expect(serialise(done)).toMatch(
      /<x xmlns="jabber:x:oob"><url>https:\/\/shakespeare\.lit:5281\/export\/[\w-]{32}<\/url><\/x>/,
    );
  });

  test('an account is deleted by its password only', async () => {
    const node = 'urn:rtcd:account:remove';
    expect(conditionIn(await proceed(node, { password: 'wrong' }))).toBe('forbidden');
    expect(serialise(answered(await proceed(node, { password: 'secret' })))).toContain(
      'is deleted',
    );
    expect(await stage.scene.accounts.exists(bare(JULIET))).toBe(false);
    expect(juliet.endedWith).toBe('not-authorized');
  });

  test('what the config does not allow is not there', async () => {
    await stage.scene.stop();
    stage = await setStage({ register: { allowRemoval: false, allowPasswordChange: false } });
    juliet = await stage.scene.connect(`${JULIET}/balcony`);
    expect(await items(juliet)).toEqual([
      'urn:rtcd:account:devices',
      'urn:rtcd:account:export',
      'urn:xmpp:invite#invite',
    ]);
  });

  test('a module that is off takes its own commands with it, and no others', async () => {
    await stage.scene.stop();
    stage = await setStage({ register: false, portable: false });
    juliet = await stage.scene.connect(`${JULIET}/balcony`);
    bard = await stage.scene.connect(`${BARD}/globe`);
    expect(await items(juliet)).toEqual(['urn:rtcd:account:devices']);
    expect(await items(bard)).toContain(admin('add-user'));
    answered(await ask(bard, admin('get-online-users-num')));
  });

  test('where they are off there is no list of them', async () => {
    await stage.scene.stop();
    stage = await setStage({ commands: false });
    juliet = await stage.scene.connect(`${JULIET}/balcony`);
    expect(conditionIn(await info(juliet, NODE))).toBe('item-not-found');
  });
});

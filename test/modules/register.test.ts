import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HostConfig } from '../../src/config/schema.ts';
import { bareOf, type Domain, parseBare } from '../../src/jid/jid.ts';
import { register } from '../../src/modules/register/index.ts';
import { iqSet } from '../../src/stanza/build.ts';
import { readForm } from '../../src/stanza/form.ts';
import { childrenOf, serialise } from '../../src/xml/element.ts';
import { conditionIn, resultIn } from '../support/answers.ts';
import { type Actor, parse, type Scene, startScene } from '../support/scene.ts';

const BILL = 'bill@shakespeare.lit';
const query = (inner: string) => `<query xmlns='jabber:iq:register'>${inner}</query>`;
const fields = (username: string, password: string) =>
  query(`<username>${username}</username><password>${password}</password>`);
const bare = (raw: string) => {
  const parsed = parseBare(raw);
  return parsed.ok ? parsed.value : expect.fail(parsed.why);
};

let scene: Scene;
let host: Domain;
afterEach(() => scene.stop());
const start = async (settings: Record<string, unknown>, config: Partial<HostConfig> = {}) => {
  scene = await startScene({
    modules: [register],
    accounts: [BILL, 'will@shakespeare.lit', 'kit@marlowe.lit'],
    settings: { register: settings },
    host: config,
  });
  host = bare('shakespeare.lit') as Domain;
};
const login = (account: string, password: string) =>
  scene.accounts.checkPassword(bare(account), password);

describe('XEP-0077 §3.1: registration before authentication', () => {
  /** What a client on a new stream gets: `result …`, or the condition. */
  const early = async (type: 'get' | 'set', xml: string, remote = '192.0.2.1') => {
    const handle = scene.hosts.get(host)?.dispatch.earlyIq.get('jabber:iq:register query');
    const said = await handle?.({ host, type, payload: parse(xml), remote, stream: {} });
    if (said?.kind === 'result')
      return `result ${said.payload === undefined ? '' : serialise(said.payload)}`.trim();
    return said?.failure.condition;
  };
  const features = () =>
    scene.hosts.get(host)?.dispatch.streamFeatures({ host, phase: 'early' }).map(serialise);

  describe('as it is by default', () => {
    beforeEach(() => start({}));

    test('§8 it is not offered', () => expect(features()).toEqual([]));
    test('§3.1 a host that does not do it is unavailable for it', async () => {
      expect(await early('get', query(''))).toBe('service-unavailable');
    });
    test('nobody makes an account', async () => {
      expect(await early('set', fields('juliet', 'R0m30-R0m30'))).toBe('not-allowed');
      expect(await scene.accounts.exists(bare('juliet@shakespeare.lit'))).toBe(false);
    });
  });

  describe('where the config allows it', () => {
    const settings = { allowRegistration: true, attemptsPerHour: 3, instructions: 'Choose.' };
    beforeEach(() => start(settings, { admins: [bare('queen@shakespeare.lit')] }));

    test('§8 it is offered before authentication only', () => {
      expect(features()).toEqual(['<register xmlns="http://jabber.org/features/iq-register"/>']);
      const later = scene.hosts
        .get(host)
        ?.dispatch.streamFeatures({ host, phase: 'authenticated' });
      expect(later).toEqual([]);
    });

    test('§3.1 the fields that are asked for', async () => {
      expect(await early('get', query(''))).toBe(
        'result <query xmlns="jabber:iq:register"><instructions>Choose.</instructions>' +
          '<username/><password/></query>',
      );
    });

    test('§3.1 an account is made, its name prepared, and can log in', async () => {
      expect(await early('set', fields('Juliet', 'R0m30-R0m30'))).toBe('result');
      expect(await login('juliet@shakespeare.lit', 'R0m30-R0m30')).toBe(true);
    });

    test('§3.1 a name that is taken is a conflict, in whatever case, and stays as it was', async () => {
      expect(await early('set', fields('BILL', 'm1cro$oft'))).toBe('conflict');
      expect(await login(BILL, 'secret')).toBe(true);
    });

    test('a name that the config calls an admin cannot be taken by strangers', async () => {
      expect(await early('set', fields('queen', 'R0m30-R0m30'))).toBe('conflict');
      expect(await scene.accounts.exists(bare('queen@shakespeare.lit'))).toBe(false);
    });

    test.each([
      ['no password', query('<username>juliet</username>')],
      ['an empty password', fields('juliet', '')],
      ['no user name', query('<password>R0m30-R0m30</password>')],
      ['an empty user name', fields('', 'R0m30-R0m30')],
      ['a user name that is none', fields('juliet@shakespeare.lit', 'R0m30-R0m30')],
      ['a user name with a space', fields('juliet capulet', 'R0m30-R0m30')],
      ['a short password', fields('juliet', 'seven77')],
      ['a password that cannot be prepared', fields('juliet', 'R0m30\ue000R0m30')],
    ])('§3.1 not acceptable: %s', async (_, xml) => {
      expect(await early('set', xml)).toBe('not-acceptable');
      expect(await scene.accounts.exists(bare('juliet@shakespeare.lit'))).toBe(false);
    });

    test('§3.2 there is nothing to remove before authentication', async () => {
      expect(await early('set', query('<remove/>'))).toBe('unexpected-request');
    });

    test('§3.1.1 one address may not try for ever; others may, and it may later', async () => {
      for (const name of ['a', 'b']) await early('set', fields(name, 'R0m30-R0m30'));
      expect(await early('set', fields('bill', 'R0m30-R0m30'))).toBe('conflict');
      expect(await early('set', fields('c', 'R0m30-R0m30'))).toBe('not-acceptable');
      expect(await early('set', fields('d', 'R0m30-R0m30'), '192.0.2.2')).toBe('result');
      scene.clock.advance(20 * 60_000);
      expect(await early('set', fields('c', 'R0m30-R0m30'))).toBe('result');
    });

    test('§3.1.1 of IPv6, a network is one address', async () => {
      const from = (id: number) => `2001:db8::1:${id}`;
      for (const id of [1, 2, 3]) await early('set', fields(`a${id}`, 'R0m30-R0m30'), from(id));
      expect(await early('set', fields('a4', 'R0m30-R0m30'), from(4))).toBe('not-acceptable');
    });
  });
});

describe('XEP-0077 §3: for those who have an account', () => {
  let globe: Actor;
  let home: Actor;
  const begin = async (settings: Record<string, unknown> = {}) => {
    await start(settings);
    globe = await scene.connect(`${BILL}/globe`);
    home = await scene.connect(`${BILL}/home`);
  };
  const ask = (inner: string, to: string | undefined = 'shakespeare.lit') =>
    globe.ask('set', query(inner), to);
  const exists = () => scene.accounts.exists(bare(BILL));

  describe('§3.1', () => {
    beforeEach(() => begin());

    test.each([undefined, 'shakespeare.lit'])(
      'what is on file is told, not the password (to %s)',
      async (to) => {
        const answer = resultIn(await globe.ask('get', query(''), to));
        expect(answer).toContain('<registered/>');
        expect(answer).toContain('<username>bill</username><password/>');
      },
    );

    test('at another host there is nothing on file', async () => {
      expect(conditionIn(await globe.ask('get', query(''), 'marlowe.lit'))).toBe(
        'service-unavailable',
      );
    });
  });

  describe('§3.3: a new password', () => {
    beforeEach(() => begin());
    const change = (username: string, password: string, to?: string) =>
      globe.ask('set', fields(username, password), to ?? 'shakespeare.lit');

    test.each(['bill', 'Bill', BILL])('is set at once (user name %s)', async (username) => {
      expect(resultIn(await change(username, 'new-password'))).toBe('');
      expect(await login(BILL, 'new-password')).toBe(true);
      expect(await login(BILL, 'secret')).toBe(false);
    });

    test('ends the sessions that know the old one, not the one that changed it', async () => {
      await change('bill', 'new-password');
      expect([globe.endedWith, home.endedWith]).toEqual([undefined, 'reset']);
    });

    test.each([
      ['an empty one', fields('bill', ''), 'bad-request'],
      ['none', query('<username>bill</username>'), 'bad-request'],
      ['no user name', query('<password>new-password</password>'), 'bad-request'],
      ['nothing', query(''), 'bad-request'],
      ['one that is too short', fields('bill', 'short'), 'not-acceptable'],
      ["another's", fields('will', 'new-password'), 'forbidden'],
      ["another's, of another host", fields('kit@marlowe.lit', 'new-password'), 'forbidden'],
    ])('is refused, and the old one stays: %s', async (_, xml, condition) => {
      expect(conditionIn(await globe.ask('set', xml, 'shakespeare.lit'))).toBe(condition);
      for (const account of [BILL, 'will@shakespeare.lit', 'kit@marlowe.lit'])
        expect(await login(account, 'secret')).toBe(true);
      expect(home.endedWith).toBeUndefined();
    });

    test('is not set at another host', async () => {
      expect(conditionIn(await change('bill', 'new-password', 'marlowe.lit'))).toBe('forbidden');
    });

    test('is not set over a stream in the clear', async () => {
      Object.assign(globe.session, {
        security: { ...globe.session.security, protocol: undefined },
      });
      expect(conditionIn(await change('bill', 'new-password'))).toBe('not-authorized');
      expect(await login(BILL, 'secret')).toBe(true);
    });

    test('is not set for someone from elsewhere', async () => {
      const payload = parse(fields('bill', 'new-password'));
      await scene.router.route(iqSet({ from: globe.jid, to: host, payload }));
      expect(conditionIn(await globe.next())).toBe('forbidden');
    });

    test('is not echoed in an error', async () => {
      const answer = await change('will', 'new-password');
      expect(serialise(answer)).not.toContain('new-password');
    });

    test('cannot be set without end', async () => {
      for (let count = 0; count < 10; count += 1) await change('bill', `password-${count}`);
      expect(conditionIn(await change('bill', 'one-too-many'))).toBe('resource-constraint');
    });
  });

  test('§3.3 where the config does not allow it, no password is changed', async () => {
    await begin({ allowPasswordChange: false });
    const answer = await globe.ask('set', fields('bill', 'new-password'), 'shakespeare.lit');
    expect(conditionIn(answer)).toBe('not-allowed');
  });

  describe('§3.2: removal, with its confirmation', () => {
    beforeEach(() => begin());
    const confirm = (username: string, password: string, type = 'submit') =>
      ask(
        `<x xmlns='jabber:x:data' type='${type}'>` +
          "<field type='hidden' var='FORM_TYPE'><value>jabber:iq:register:cancel</value></field>" +
          `<field type='text-single' var='username'><value>${username}</value></field>` +
          `<field type='text-private' var='password'><value>${password}</value></field></x>`,
      );

    test('a form is asked to be filled in, which stands beside the error', async () => {
      const answer = await ask('<remove/>');
      expect(conditionIn(answer)).toBe('not-allowed');
      const [payload, error] = childrenOf(answer);
      expect(error?.name).toBe('error');
      const [form] = payload === undefined ? [] : childrenOf(payload);
      expect(form && readForm(form)).toMatchObject({
        type: 'form',
        formType: 'jabber:iq:register:cancel',
        fields: [
          { name: 'username', type: 'text-single', isRequired: true },
          { name: 'password', type: 'text-private', isRequired: true },
        ],
      });
      expect(await exists()).toBe(true);
    });

    test.each(['bill', BILL])('filled in, it removes the account (user name %s)', async (name) => {
      expect(resultIn(await confirm(name, 'secret'))).toBe('');
      expect(await exists()).toBe(false);
      expect([globe.endedWith, home.endedWith]).toEqual(['not-authorized', 'not-authorized']);
      expect(scene.sessions.of(bareOf(globe.jid))).toEqual([]);
    });

    test.each([
      ['a wrong password', ['bill', 'wrong'], 'forbidden'],
      ["another's name", ['will', 'secret'], 'forbidden'],
      ['a name that is none', ['@', 'secret'], 'forbidden'],
    ] as const)('removes nothing: %s', async (_, [username, password], condition) => {
      expect(conditionIn(await confirm(username, password))).toBe(condition);
      expect(await exists()).toBe(true);
      expect(globe.endedWith).toBeUndefined();
    });

    test.each([
      ['a form that is no answer', 'cancel'],
      ['a form of no type', 'nonsense'],
    ])('removes nothing: %s', async (_, type) => {
      expect(conditionIn(await confirm('bill', 'secret', type))).toBe('bad-request');
      expect(await exists()).toBe(true);
    });

    test('passwords cannot be guessed without end', async () => {
      for (let count = 0; count < 10; count += 1) await confirm('bill', `guess ${count}`);
      expect(conditionIn(await confirm('bill', 'secret'))).toBe('resource-constraint');
      scene.clock.advance(60_000);
      expect(resultIn(await confirm('bill', 'secret'))).toBe('');
    });

    test('a remove that does not stand alone is a bad request', async () => {
      const answer = await ask('<remove/><username>bill</username>');
      expect(conditionIn(answer)).toBe('bad-request');
      expect(await exists()).toBe(true);
    });

    test('who has no account here has none to remove', async () => {
      expect(conditionIn(await ask('<remove/>', 'marlowe.lit'))).toBe('registration-required');
      Object.assign(globe.session, { isAnonymous: true });
      expect(conditionIn(await ask('<remove/>'))).toBe('registration-required');
    });
  });

  describe('§3.2: removal without a confirmation', () => {
    beforeEach(() => begin({ confirmRemoval: false }));

    test.each([undefined, 'shakespeare.lit'])(
      'the result comes before the end (to %s)',
      async (to) => {
        let endedAtResult: string | undefined = 'no result';
        const { send } = globe.session;
        globe.session.send = (stanza, address) => {
          endedAtResult = globe.endedWith;
          send(stanza, address);
        };
        expect(resultIn(await globe.ask('set', query('<remove/>'), to))).toBe('');
        expect(endedAtResult).toBeUndefined();
        expect([globe.endedWith, home.endedWith]).toEqual(['not-authorized', 'not-authorized']);
        expect(await exists()).toBe(false);
        expect(await scene.accounts.exists(bare('will@shakespeare.lit'))).toBe(true);
      },
    );
  });

  test('§3.2 where the config does not allow it, nothing is removed', async () => {
    await begin({ allowRemoval: false });
    expect(conditionIn(await ask('<remove/>'))).toBe('not-allowed');
    expect(await exists()).toBe(true);
  });
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { childrenOf } from '../../src/xml/element.ts';
import {
  BARD,
  bare,
  type CommandStage,
  command,
  JULIET,
  setStage,
} from '../modules/commands/stage.ts';
import { conditionIn } from '../support/answers.ts';
import type { Actor } from '../support/scene.ts';

const HOST = 'shakespeare.lit';
const admin = (name: string) => `http://jabber.org/protocol/admin#${name}`;

describe('commands that are not well meant', () => {
  let stage: CommandStage;
  let bard: Actor;
  let juliet: Actor;
  beforeEach(async () => {
    stage = await setStage();
    bard = await stage.scene.connect(`${BARD}/globe`);
    juliet = await stage.scene.connect(`${JULIET}/balcony`);
  });
  afterEach(() => stage.scene.stop());

  const ask = (actor: Actor, ...said: Parameters<typeof command>) =>
    actor.ask('set', command(...said), HOST);
  const begin = async (actor: Actor, node: string) =>
    childrenOf(await ask(actor, node))[0]?.attrs['sessionid'] ?? '';

  test.each([
    [
      'no form',
      `<command xmlns='http://jabber.org/protocol/commands' node='NODE' sessionid='ID'/>`,
    ],
    [
      'a form that is asked',
      `<command xmlns='http://jabber.org/protocol/commands' node='NODE' sessionid='ID'><x xmlns='jabber:x:data' type='form'/></command>`,
    ],
    [
      'a field twice',
      `<command xmlns='http://jabber.org/protocol/commands' node='NODE' sessionid='ID'><x xmlns='jabber:x:data' type='submit'>
        <field var='accountjids'><value>${JULIET}</value></field><field var='accountjids'><value>${BARD}</value></field></x></command>`,
    ],
    [
      'no address',
      `<command xmlns='http://jabber.org/protocol/commands' node='NODE' sessionid='ID'><x xmlns='jabber:x:data' type='submit'>
        <field var='accountjids'><value>@@@</value></field></x></command>`,
    ],
  ])('%s is a bad request, and nothing is done', async (_, raw) => {
    const node = admin('delete-user');
    const id = await begin(bard, node);
    const answer = await bard.ask('set', raw.replace('NODE', node).replace('ID', id), HOST);
    expect(conditionIn(answer)).toBe('bad-request');
    expect(await stage.scene.accounts.exists(bare(JULIET))).toBe(true);
  });

  test('more accounts than one form may name', async () => {
    const sessionid = await begin(bard, admin('delete-user'));
    const accountjids = Array.from({ length: 101 }, () => JULIET);
    const answer = await ask(bard, admin('delete-user'), { sessionid }, { accountjids });
    expect(conditionIn(answer)).toBe('bad-request');
    expect(await stage.scene.accounts.exists(bare(JULIET))).toBe(true);
  });

  test.each([
    '__proto__',
    'constructor',
    'urn:rtcd:operation:',
    'urn:rtcd:operation:constructor',
    'x'.repeat(10_000),
  ])('a node %# that there is not', async (node) => {
    expect(conditionIn(await ask(bard, node))).toBe('item-not-found');
    expect(conditionIn(await ask(juliet, node))).toBe('item-not-found');
  });

  test('fields that the form has not, such as one that makes an operator', async () => {
    const sessionid = await begin(bard, admin('add-user'));
    const fields = {
      accountjid: `new@${HOST}`,
      password: 'secret12',
      admin: '1',
      role: 'operator',
    };
    await ask(bard, admin('add-user'), { sessionid }, fields);
    expect((await stage.scene.accounts.get(bare(`new@${HOST}`)))?.role).toBe('member');
  });

  test('the same form twice at once is done once', async () => {
    const node = admin('add-user');
    const sessionid = await begin(bard, node);
    const fields = { accountjid: `new@${HOST}`, password: 'secret12' };
    const answers = await Promise.all([1, 2].map(() => ask(bard, node, { sessionid }, fields)));
    const conditions = answers.map(conditionIn).filter((each) => each !== undefined);
    expect(conditions).toHaveLength(1);
    expect(['unexpected-request', 'not-allowed']).toContain(conditions[0]);
  });

  test('a member who guesses sessions and passwords', async () => {
    const node = 'urn:rtcd:account:remove';
    for (let index = 0; index < 12; index += 1) {
      const sessionid = await begin(juliet, node);
      const answer = await ask(juliet, node, { sessionid }, { password: `guess ${index}` });
      expect(['forbidden', 'resource-constraint']).toContain(conditionIn(answer));
    }
    const sessionid = await begin(juliet, node);
    const right = await ask(juliet, node, { sessionid }, { password: 'secret' });
    expect(conditionIn(right)).toBe('resource-constraint');
    const guessed = await ask(juliet, node, { sessionid: 'A'.repeat(16) }, { password: 'secret' });
    expect(conditionIn(guessed)).toBe('not-allowed');
  });
});

describe('blocks that are not well meant', () => {
  test('a list of a thousand with reports, again and again, leaves a few reports', async () => {
    const stage = await setStage();
    const juliet = await stage.scene.connect(`${JULIET}/balcony`);
    const items = Array.from(
      { length: 1000 },
      (_, index) => `<item jid='spam${index}@far.example'><report xmlns='urn:xmpp:reporting:1'
        reason='urn:xmpp:reporting:spam'><text>${'x'.repeat(100)}</text></report></item>`,
    );
    for (let round = 0; round < 3; round += 1) {
      const answer = await juliet.ask(
        'set',
        `<block xmlns='urn:xmpp:blocking'>${items.join('')}</block>`,
      );
      expect(answer.attrs.type).toBe('result');
    }
    const actor = { name: 'root', via: 'socket' } as const;
    const listed = await stage.operations.run('reports.list', {}, actor);
    expect(listed).toMatchObject({ ok: true, value: { total: 20 } });
    await stage.scene.stop();
  });
});

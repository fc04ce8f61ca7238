/** XEP-0317: Hats; the flows in their order. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bareOf } from '../../../src/jid/jid.ts';
import { createRoomTables } from '../../../src/modules/muc/tables.ts';
import { childOf, type Element, serialise } from '../../../src/xml/element.ts';
import { conditionIn, resultIn } from '../../support/answers.ts';
import type { Actor } from '../../support/scene.ts';
import { COVEN, calm, codesIn, enter, type House, join, makeRoom, openHouse } from './house.ts';

const FORM = 'urn:xmpp:hats:commands';
const URI = 'http://tech.example.edu/hats#TeacherAssistant';
const HAG = 'hag66@shakespeare.lit';
const info = "<query xmlns='http://jabber.org/protocol/disco#info'/>";

let house: House;
let crone1: Actor;
let hag66: Actor;
beforeEach(async () => {
  house = await openHouse();
  ({ crone1, hag66 } = house);
  await makeRoom(crone1, 'firstwitch', { persistentroom: '1' });
  await enter(hag66, 'thirdwitch', [crone1]);
});
afterEach(() => house.scene.stop());

const run = (
  node: string,
  fields?: Readonly<Record<string, string>>,
  actor = crone1,
  action = 'execute',
) => {
  const all = Object.entries({ FORM_TYPE: FORM, ...fields }).map(
    ([name, value]) => `<field var='${name}'><value>${value}</value></field>`,
  );
  const form = fields && `<x xmlns='jabber:x:data' type='submit'>${all.join('')}</x>`;
  return actor.ask(
    'set',
    `<command xmlns='http://jabber.org/protocol/commands' action='${action}' node='${FORM}:${node}'>${form ?? ''}</command>`,
    COVEN,
  );
};
const create = (more: Readonly<Record<string, string>> = {}) =>
  run('create', { 'hats#title': 'Assistant', 'hats#uri': URI, 'hats#hue': '327.255249', ...more });
const assign = (jid = HAG) => run('assign', { 'hats#jid': jid, 'hats#uri': URI });
const hatsIn = (presence: Element | undefined) => {
  const hats = presence && childOf(presence, 'hats', 'urn:xmpp:hats:0');
  return hats === undefined ? '' : serialise(hats);
};
const forget = () => {
  for (const each of [crone1, hag66]) each.inbox.length = 0;
};
const HAT = `<hat title="Assistant" uri="${URI}" hue="327.255249"/>`;

describe('XEP-0317', () => {
  test('§2 a room says that it has hats, and a hash of the list once there is one', async () => {
    const before = resultIn(await hag66.ask('get', info, COVEN));
    expect(before).toContain('var="urn:xmpp:hats:0"');
    expect(before).not.toContain('hats#hash');
    await create();
    const [, one] =
      /hats#hash"[^>]*><value>(\w{40})</.exec(resultIn(await hag66.ask('get', info, COVEN))) ?? [];
    await create({ 'hats#title': 'Helper' });
    const [, other] =
      /hats#hash"[^>]*><value>(\w{40})</.exec(resultIn(await hag66.ask('get', info, COVEN))) ?? [];
    expect(one).toBeDefined();
    expect(other).not.toBe(one);
  });

  test('§3.2 a hat is asked for by a form, and all hear that the list is another', async () => {
    const asked = resultIn(await run('create'));
    expect(asked).toContain('status="executing"');
    for (const name of ['hats#title', 'hats#uri', 'hats#hue'])
      expect(asked).toContain(`<field var="${name}" type="text-single"`);
    expect(resultIn(await create())).toContain('status="completed"');
    expect(codesIn(hag66.inbox.at(-1))).toEqual([104]);
  });

  test('§3.5, §3.1 who wears one is seen with it by all, and by who comes later', async () => {
    await create();
    forget();
    expect(resultIn(await assign())).toContain('status="completed"');
    for (const actor of [crone1, hag66])
      expect(hatsIn(actor.inbox.at(-1))).toBe(`<hats xmlns="urn:xmpp:hats:0">${HAT}</hats>`);
    await house.bard.send(join('bard'));
    expect(house.bard.inbox.map(hatsIn).filter((each) => each !== '').length).toBe(1);
    await hag66.send(`<presence to='${COVEN}/thirdwitch' type='unavailable'/>`);
    expect(hatsIn(crone1.inbox.at(-1)), 'not of who goes').toBe('');
    await hag66.send(join('thirdwitch'));
    expect(hatsIn(crone1.inbox.at(-1)), 'it is the account that wears it').toContain('Assistant');
  });

  test('§3.2, §3.3, §3.6 changed, destroyed or removed it is seen otherwise', async () => {
    await create();
    await assign();
    forget();
    await create({ 'hats#title': 'Helper' });
    expect(hatsIn(crone1.inbox.at(-1))).toContain('title="Helper"');
    await run('unassign', { 'hats#jid': HAG, 'hats#uri': URI });
    expect(hatsIn(crone1.inbox.at(-1))).toBe('');
    await assign();
    forget();
    await run('destroy', { 'hats#uri': URI });
    expect(codesIn(crone1.inbox[0])).toEqual([104]);
    expect(hatsIn(crone1.inbox.at(-1))).toBe('');
    expect(resultIn(await run('list-assigned'))).not.toContain('<item>');
  });

  test('§3.4, §3.7 occupants see the list; who wears what is for admins', async () => {
    await create();
    await assign();
    const list = resultIn(await run('list', undefined, hag66));
    expect(list).toContain(
      `<item><field var="hats#title"><value>Assistant</value></field><field var="hats#uri"><value>${URI}</value></field><field var="hats#hue"><value>327.255249</value></field></item>`,
    );
    expect(resultIn(await run('list-assigned'))).toContain(
      `<item><field var="hats#jid"><value>${HAG}</value></field>`,
    );
    for (const node of ['create', 'destroy', 'assign', 'unassign', 'list-assigned'])
      expect(conditionIn(await run(node, undefined, hag66))).toBe('forbidden');
    expect(conditionIn(await run('list', undefined, house.bard))).toBe('forbidden');
    const items =
      "<query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/>";
    expect(resultIn(await crone1.ask('get', items, COVEN)).split('<item ').length).toBe(7);
    expect(resultIn(await hag66.ask('get', items, COVEN)).split('<item ').length).toBe(2);
  });

  test.each([
    ['a hat without a title', 'create', { 'hats#uri': URI }, 'bad-request'],
    ['one whose URI is none', 'create', { 'hats#title': 'x', 'hats#uri': 'x' }, 'bad-request'],
    [
      'a hue that is none',
      'create',
      { 'hats#title': 'x', 'hats#uri': URI, 'hats#hue': '400' },
      'bad-request',
    ],
    ['one that is not there', 'assign', { 'hats#jid': HAG, 'hats#uri': URI }, 'item-not-found'],
    ['nobody', 'assign', { 'hats#jid': 'shakespeare.lit', 'hats#uri': URI }, 'bad-request'],
    ['one that is not worn', 'unassign', { 'hats#jid': HAG, 'hats#uri': URI }, 'item-not-found'],
    ['a command that is none', 'wear', undefined, 'item-not-found'],
  ])('%s is refused', async (_, node, fields, condition) => {
    expect(conditionIn(await run(node, fields as never))).toBe(condition);
  });

  test('XEP-0050 §2.4 a command is given up', async () => {
    expect(resultIn(await run('create', undefined, crone1, 'cancel'))).toContain('"canceled"');
  });

  test('hats last, and go with the account', async () => {
    await create();
    await assign();
    const tables = createRoomTables(house.scene.store);
    const { hats } = (await tables.load(COVEN as never)) ?? {};
    expect([...(hats?.worn ?? [])]).toEqual([[HAG, [URI]]]);
    await house.scene.registry.removeAccount(bareOf(hag66.jid), 'gone');
    await calm(house.scene);
    expect((await tables.load(COVEN as never))?.hats.worn.size).toBe(0);
  });
});

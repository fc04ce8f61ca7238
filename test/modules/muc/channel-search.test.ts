/** XEP-0433: Extended Channel Search; the examples in their order. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { serialise } from '../../../src/xml/element.ts';
import { conditionIn, resultIn } from '../../support/answers.ts';
import { CHAT, type House, join, makeRoom, openHouse } from './house.ts';

const NS = 'urn:xmpp:channel-search:0';
const INFO = "<query xmlns='http://jabber.org/protocol/disco#info'/>";

let house: House;
afterEach(() => house.scene.stop());
const open = async () => {
  house = await openHouse({ search: true, listedSize: 3 });
  const rooms: readonly [string, Readonly<Record<string, string>>][] = [
    ['heath', { roomname: 'The Heath', roomdesc: 'Where witches meet' }],
    ['coven', { roomname: 'A Dark Cave', roomdesc: 'For all good witches', lang: 'en' }],
    ['castle', { roomname: 'Castle', membersonly: '1' }],
    ['secret', { roomname: 'Secret of witches', publicroom: '0' }],
  ];
  for (const [name, fields] of rooms)
    await makeRoom(
      house.crone1,
      'firstwitch',
      { publicroom: '1', persistentroom: '1', ...fields },
      `${name}@${CHAT}`,
    );
  await house.hag66.send(join('thirdwitch', '', `coven@${CHAT}`));
};
const ask = (inner = '') =>
  house.bard.ask('get', `<search xmlns='${NS}:search'>${inner}</search>`, CHAT);
const submit = (fields: Readonly<Record<string, string>>, more = '') => {
  const all = { FORM_TYPE: `${NS}:search-params`, ...fields };
  const xml = Object.entries(all).map(
    ([name, value]) => `<field var='${name}'><value>${value}</value></field>`,
  );
  return ask(`${more}<x xmlns='jabber:x:data' type='submit'>${xml.join('')}</x>`);
};
const page = (inner: string) => `<set xmlns='http://jabber.org/protocol/rsm'>${inner}</set>`;
const addressesIn = (text: string) =>
  [...text.matchAll(/<item address="([^@]+)@/g)].map(([, name]) => name);

describe('XEP-0433', () => {
  beforeEach(open);

  test('§4.1 the service says that it can be searched', async () => {
    expect(resultIn(await house.bard.ask('get', INFO, CHAT))).toContain(`var="${NS}:search"`);
  });

  test('§4.2.1 the form has all fields with what they are by themselves', async () => {
    const form = resultIn(await ask());
    for (const name of ['q', 'all', 'sinname', 'sindescription', 'sinaddress', 'types', 'key'])
      expect(form).toContain(`<field var="${name}"`);
    expect(form).toContain(`<value>${NS}:search-params</value>`);
    expect(form).toContain(`<value>{${NS}:order}nusers</value>`);
  });

  test('§4.2.2.1 words are found in names, descriptions and addresses of public rooms', async () => {
    const found = resultIn(await submit({ q: 'WITCHES' }));
    expect(addressesIn(found)).toEqual(['coven', 'heath']); // by users
    expect(found).toContain(
      `<item address="coven@${CHAT}"><name>A Dark Cave</name><description>For all good witches</description><language>en</language><nusers>2</nusers><service-type>xep-0045</service-type><is-open>true</is-open><anonymity-mode>muc_semianonymous</anonymity-mode></item>`,
    );
    expect(addressesIn(resultIn(await submit({ q: 'good witches' })))).toEqual(['coven']);
    expect(addressesIn(resultIn(await submit({ q: 'castle', sinaddress: 'false' })))).toEqual([
      'castle',
    ]);
    expect(
      addressesIn(resultIn(await submit({ q: 'castle', sinaddress: '0', sinname: '0' }))),
    ).toEqual([]);
    expect(resultIn(await submit({ q: 'castle' }))).not.toContain('is-open');
    expect(addressesIn(resultIn(await submit({ all: 'true', types: 'xep-0369' })))).toEqual([]);
  });

  test.each(['address', 'nusers'])('§4.2.2.1 pages by %s have each room once', async (order) => {
    const fields = { all: 'true', key: `{${NS}:order}${order}` };
    const first = resultIn(await submit(fields, page('<max>2</max>')));
    const last = /<last>([^<]*)<\/last>/.exec(first)?.[1] ?? '';
    const second = resultIn(await submit(fields, page(`<max>2</max><after>${last}</after>`)));
    expect([...addressesIn(first), ...addressesIn(second)].sort()).toEqual([
      'castle',
      'coven',
      'heath',
    ]);
    expect(first).toContain('<count>3</count>');
    const end = resultIn(await submit(fields, page('<max>1</max><before/>')));
    expect(addressesIn(end)).toEqual(addressesIn(second));
  });

  test.each([
    ['§4.2.2.2', { q: 'witches', key: 'size' }, 'feature-not-implemented', 'invalid-sort-key'],
    ['§4.2.2.3', { q: 'x' }, 'bad-request', 'invalid-search-terms'],
    ['§4.2.2.6', { q: 'witches', all: '1' }, 'bad-request', 'conflicting-fields'],
    ['§4.2.2.7', { key: `{${NS}:order}address` }, 'bad-request', 'no-search-conditions'],
  ])('%s what cannot be searched for: %o', async (_, fields, condition, app) => {
    const answer = await submit(fields as never);
    expect(conditionIn(answer)).toBe(condition);
    expect(serialise(answer)).toContain(`<${app} xmlns="${NS}:error"`);
  });

  test('§4.2.2.4 who searches without end waits', async () => {
    for (let count = 0; count < 30; count += 1) await submit({ q: 'witches' });
    const answer = await submit({ q: 'witches' });
    expect(conditionIn(answer)).toBe('resource-constraint');
    expect(serialise(answer)).toContain(`<rate-limit xmlns="${NS}:error" retry-after="60"`);
  });
});

test('XEP-0433 is off unless an admin wants it', async () => {
  house = await openHouse();
  expect(resultIn(await house.bard.ask('get', INFO, CHAT))).not.toContain(NS);
  expect(conditionIn(await ask())).toBe('service-unavailable');
});

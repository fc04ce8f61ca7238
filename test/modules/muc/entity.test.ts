/** XEP-0045 §6: what anybody may ask of a service and its rooms; the examples in their order. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { childrenOf, type Element } from '../../../src/xml/element.ts';
import { conditionIn, resultIn } from '../../support/answers.ts';
import {
  CHAT,
  COVEN,
  configure,
  enter,
  expectLike,
  type House,
  makeRoom,
  openHouse,
} from './house.ts';

const INFO = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
const ITEMS = "<query xmlns='http://jabber.org/protocol/disco#items'/>";

const featuresIn = (answer: Element) =>
  childrenOf(childrenOf(answer)[0] ?? answer)
    .filter(({ name }) => name === 'feature')
    .map(({ attrs }) => attrs['var']);
const itemsIn = (answer: Element) =>
  childrenOf(childrenOf(answer)[0] ?? answer)
    .filter(({ name }) => name === 'item')
    .map(({ attrs }) => attrs['jid']);

describe('XEP-0045 §6', () => {
  let house: House;
  beforeEach(async () => {
    house = await openHouse({ listedSize: 3 });
  });
  afterEach(() => house.scene.stop());

  test('§6.1 the host lists the service', async () => {
    expect(resultIn(await house.hag66.ask('get', ITEMS, 'shakespeare.lit'))).toBe(
      `<query xmlns="http://jabber.org/protocol/disco#items"><item jid="${CHAT}" name="Chatroom Service"/></query>`,
    );
  });

  test('§6.2 the service says what it is', async () => {
    const answer = await house.hag66.ask('get', INFO, CHAT);
    expect(answer.attrs.from).toBe(CHAT);
    expect(resultIn(answer)).toContain(
      '<identity category="conference" type="text" name="Chatroom Service"/>',
    );
    expect(featuresIn(answer)).toEqual(
      expect.arrayContaining([
        'http://jabber.org/protocol/muc',
        'http://jabber.org/protocol/muc#stable_id',
        'urn:xmpp:occupant-id:0',
        'http://jabber.org/protocol/muc#unique',
      ]),
    );
  });

  test('§6.3 the service lists its public rooms only', async () => {
    for (const [name, publicroom] of [
      ['heath', '1'],
      ['coven', '1'],
      ['forres', '0'],
    ] as const)
      await makeRoom(house.crone1, 'first', { publicroom, roomname: name }, `${name}@${CHAT}`);
    expectLike(
      await house.hag66.ask('get', ITEMS, CHAT),
      `<iq type='result' from='${CHAT}' to='hag66@shakespeare.lit/pda' id='x'>${ITEMS.replace(
        '/>',
        `><item jid='heath@${CHAT}' name='heath'/><item jid='coven@${CHAT}' name='coven'/></query>`,
      )}</iq>`,
    );
  });

  test('§6.3 a long list is given in pages, from whichever side', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e'])
      await makeRoom(house.crone1, 'first', { publicroom: '1' }, `${name}@${CHAT}`);
    const whole = await house.hag66.ask('get', ITEMS, CHAT);
    expect(itemsIn(whole)).toEqual([`a@${CHAT}`, `b@${CHAT}`, `c@${CHAT}`]);
    expect(resultIn(whole)).toContain(
      `<set xmlns="http://jabber.org/protocol/rsm"><first index="0">a@${CHAT}</first><last>c@${CHAT}</last><count>5</count></set>`,
    );
    const page = (inner: string) =>
      ITEMS.replace('/>', `><set xmlns='http://jabber.org/protocol/rsm'>${inner}</set></query>`);
    const next = await house.hag66.ask('get', page(`<after>c@${CHAT}</after>`), CHAT);
    expect(itemsIn(next)).toEqual([`d@${CHAT}`, `e@${CHAT}`]);
    const last = await house.hag66.ask('get', page('<max>2</max><before/>'), CHAT);
    expect(itemsIn(last)).toEqual([`d@${CHAT}`, `e@${CHAT}`]);
    const count = await house.hag66.ask('get', page('<max>0</max>'), CHAT);
    expect(resultIn(count)).toContain('<count>5</count>');
    expect(itemsIn(count)).toEqual([]);
    expect(conditionIn(await house.hag66.ask('get', page('<max>many</max>'), CHAT))).toBe(
      'bad-request',
    );
  });

  test('§6.4 a room says what it is', async () => {
    await makeRoom(house.crone1, 'firstwitch', {
      roomname: 'A Dark Cave',
      roomdesc: 'The place for all good witches!',
      passwordprotectedroom: '1',
      roomsecret: 'cauldronburn',
      whois: 'anyone',
      lang: 'en',
    });
    const answer = await house.hag66.ask('get', INFO, COVEN);
    const text = resultIn(answer);
    expect(text).toContain('<identity category="conference" type="text" name="A Dark Cave"/>');
    expect(featuresIn(answer).filter((name) => name?.startsWith('muc_'))).toEqual([
      'muc_hidden',
      'muc_nonanonymous',
      'muc_open',
      'muc_passwordprotected',
      'muc_temporary',
      'muc_unmoderated',
    ]);
    for (const part of [
      '<value>http://jabber.org/protocol/muc#roominfo</value>',
      '<field var="muc#roominfo_description" label="Description"><value>The place for all good witches!</value>',
      '<field var="muc#roominfo_contactjid" label="Contact Addresses"><value>crone1@shakespeare.lit</value>',
      '<field var="muc#roominfo_occupants" label="Number of occupants"><value>1</value>',
      '<field var="muc#roominfo_lang" label="Language of discussion"><value>en</value>',
      '<field var="muc#roomconfig_changesubject"',
      '<field var="muc#maxhistoryfetch"',
    ])
      expect(text).toContain(part);
    expect(text).not.toContain('cauldronburn');
    expect(text).not.toContain('muc#roominfo_subject"');
  });

  test('§6.4 each type of room has its feature', async () => {
    await makeRoom(house.crone1, 'firstwitch');
    const types = async () =>
      featuresIn(await house.hag66.ask('get', INFO, COVEN)).filter((name) =>
        name?.startsWith('muc_'),
      );
    await configure(house.crone1, {
      publicroom: '1',
      persistentroom: '1',
      membersonly: '1',
      moderatedroom: '1',
    });
    expect(await types()).toEqual([
      'muc_membersonly',
      'muc_moderated',
      'muc_persistent',
      'muc_public',
      'muc_semianonymous',
      'muc_unsecured',
    ]);
  });

  test('§6.5 who is in a room is not told', async () => {
    await makeRoom(house.crone1, 'firstwitch');
    expect(resultIn(await house.hag66.ask('get', ITEMS, COVEN))).toBe(
      '<query xmlns="http://jabber.org/protocol/disco#items"/>',
    );
  });

  test('§6.6 an occupant is not asked from outside, and by others through the room', async () => {
    await makeRoom(house.crone1, 'firstwitch');
    const refused = await house.hag66.ask('get', INFO, `${COVEN}/firstwitch`);
    expect(conditionIn(refused)).toBe('bad-request');
    await enter(house.hag66, 'thirdwitch', [house.crone1]);
    const answer = house.hag66.ask('get', INFO, `${COVEN}/firstwitch`);
    const asked = await house.crone1.next();
    expect(asked.attrs).toMatchObject({ from: `${COVEN}/thirdwitch`, to: house.crone1.jid });
    await house.crone1.send(
      `<iq type='result' id='${asked.attrs.id}' to='${COVEN}/thirdwitch'><query xmlns='http://jabber.org/protocol/disco#info'><feature var='x'/></query></iq>`,
    );
    const found = await answer;
    expect(found.attrs).toMatchObject({ from: `${COVEN}/firstwitch`, to: house.hag66.jid });
    expect(featuresIn(found)).toEqual(['x']);
  });

  test('§6.6 an answer that nobody waits for goes nowhere, nor one of somebody else', async () => {
    await makeRoom(house.crone1, 'firstwitch');
    await enter(house.hag66, 'thirdwitch', [house.crone1]);
    const answer = house.hag66.ask('get', INFO, `${COVEN}/firstwitch`);
    const { id } = (await house.crone1.next()).attrs;
    const forged = `<iq type='result' id='${id}' to='${COVEN}/thirdwitch'/>`;
    await house.wiccarocks.send(forged);
    await house.crone1.send(`<iq type='result' id='other' to='${COVEN}/thirdwitch'/>`);
    await house.hag66.nothing();
    await house.crone1.send(
      `<iq type='error' id='${id}' to='${COVEN}/thirdwitch'><error type='cancel' by='crone1@shakespeare.lit'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
    );
    const refused = await answer;
    expect(conditionIn(refused)).toBe('service-unavailable');
    expect(String(refused)).not.toContain('crone1');
  });

  test('XEP-0307 the service thinks of a name', async () => {
    const ask = "<unique xmlns='http://jabber.org/protocol/muc#unique'/>";
    const one = resultIn(await house.hag66.ask('get', ask, CHAT));
    expect(one).toMatch(/<unique xmlns="[^"]+">[a-z0-9_-]{20,}<\/unique>/);
    expect(resultIn(await house.hag66.ask('get', ask, CHAT))).not.toBe(one);
  });

  test('of a room that is not there nothing is to be had', async () => {
    for (const query of [INFO, ITEMS, "<query xmlns='jabber:iq:register'/>"])
      expect(conditionIn(await house.hag66.ask('get', query, COVEN))).toBe('item-not-found');
  });
});

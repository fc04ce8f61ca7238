/** XEP-0045 §8 to §10: moderators, admins and owners; the examples in their order. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { childrenOf, serialise } from '../../../src/xml/element.ts';
import { conditionIn, resultIn } from '../../support/answers.ts';
import type { Actor } from '../../support/scene.ts';
import {
  admin,
  CHAT,
  COVEN,
  codesIn,
  configure,
  enter,
  expectHeard,
  expectLike,
  type House,
  join,
  makeRoom,
  openHouse,
} from './house.ts';

const USER = "xmlns='http://jabber.org/protocol/muc#user'";
const [C, W, H] = [
  'crone1@shakespeare.lit/desktop',
  'wiccarocks@shakespeare.lit/laptop',
  'hag66@shakespeare.lit/pda',
];
const HAG = 'hag66@shakespeare.lit';
const WICCA = 'wiccarocks@shakespeare.lit';

/** A presence of the room. */
const seen = (
  nick: string,
  to: string,
  item: string,
  codes: readonly number[] = [],
  type = '',
  inner = '',
) =>
  `<presence from='${COVEN}/${nick}' to='${to}' ${type === '' ? '' : `type='${type}'`}><x ${USER}><item ${item}>${inner}</item>${codes
    .map((code) => `<status code='${code}'/>`)
    .join('')}</x></presence>`;

let house: House;
let crone1: Actor;
let wiccarocks: Actor;
let hag66: Actor;
/** crone1 owns the room, wiccarocks is an admin, hag66 has no affiliation; all are there. */
async function open(settings: Readonly<Record<string, unknown>> = {}) {
  house = await openHouse(settings);
  ({ crone1, wiccarocks, hag66 } = house);
  await makeRoom(crone1, 'firstwitch', { roomadmins: WICCA });
  await enter(wiccarocks, 'secondwitch');
  await enter(hag66, 'thirdwitch', [crone1, wiccarocks]);
}
const forget = () => {
  for (const each of [crone1, wiccarocks, hag66, house.hecate]) each.inbox.length = 0;
};
/** The answer to a change; what it brought about stays in the inboxes. */
const set = (actor: Actor, inner: string) => actor.ask('set', admin(inner), COVEN);
const get = (actor: Actor, inner: string) => actor.ask('get', admin(inner), COVEN);

describe('XEP-0045 §8: moderators', () => {
  beforeEach(() => open({ subjectSize: '64' }));
  afterEach(() => house.scene.stop());

  test('§8.1 the subject', async () => {
    await wiccarocks.send(
      `<message to='${COVEN}' id='lh2bs617' type='groupchat'><subject>Fire Burn and Cauldron Bubble!</subject></message>`,
    );
    expectHeard(
      crone1,
      `<message from='${COVEN}/secondwitch' to='${C}' type='groupchat'><subject>Fire Burn and Cauldron Bubble!</subject></message>`,
    );
    await wiccarocks.send(
      `<message to='${COVEN}' id='uj3bs61g' type='groupchat'><subject></subject></message>`,
    );
    expectHeard(
      crone1,
      `<message from='${COVEN}/secondwitch' to='${C}' type='groupchat'><subject/></message>`,
    );
  });

  test('§8.1 others may not set it, unless the room lets them', async () => {
    const subject = `<message to='${COVEN}' id='lh2bs617' type='groupchat'><subject>Fire Burn</subject></message>`;
    await hag66.send(subject);
    expectHeard(
      hag66,
      `<message from='${COVEN}' to='${H}' type='error'><subject>Fire Burn</subject><error by='${COVEN}' type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
    );
    await configure(crone1, { changesubject: '1' });
    forget();
    await hag66.send(subject);
    expect(crone1.inbox.length).toBe(1);
    await configure(crone1, { moderatedroom: '1' });
    await set(crone1, "<item nick='thirdwitch' role='visitor'/>");
    forget();
    await hag66.send(subject);
    expect(conditionIn(await hag66.next()), 'who has no voice').toBe('forbidden');
  });

  test('§8.1 a subject with a body or a thread is a message', async () => {
    for (const more of ['<body>x</body>', '<thread>x</thread>'])
      await hag66.send(
        `<message to='${COVEN}' type='groupchat'><subject>x</subject>${more}</message>`,
      );
    expect(crone1.inbox.map(({ attrs }) => attrs.type)).toEqual(['groupchat', 'groupchat']);
    await house.hecate.send(join('hecate'));
    expect(serialise(house.hecate.inbox.at(-1) as never)).toContain('<subject/>');
  });

  test('a subject may not be larger than the service allows', async () => {
    await crone1.send(
      `<message to='${COVEN}' type='groupchat'><subject>${'x'.repeat(65)}</subject></message>`,
    );
    expect(conditionIn(await crone1.next())).toBe('policy-violation');
    await hag66.nothing();
  });

  test('§8.2 a kick: the one who is removed, then the moderator, then all others', async () => {
    await wiccarocks.send(
      `<iq id='kick1' type='set' to='${COVEN}'>${admin("<item nick='thirdwitch' role='none'><reason>Avaunt, you cullion!</reason></item>")}</iq>`,
    );
    expectHeard(
      hag66,
      seen(
        'thirdwitch',
        H,
        `affiliation='none' role='none' jid='${H}'`,
        [110, 307],
        'unavailable',
        "<actor nick='secondwitch'/><reason>Avaunt, you cullion!</reason>",
      ),
    );
    expectHeard(
      wiccarocks,
      `<iq from='${COVEN}' to='${W}' type='result' id='kick1'/>`,
      seen('thirdwitch', W, `affiliation='none' role='none' jid='${H}'`, [307], 'unavailable'),
    );
    expectHeard(
      crone1,
      seen('thirdwitch', C, `affiliation='none' role='none' jid='${H}'`, [307], 'unavailable'),
    );
    await hag66.send(join('thirdwitch'));
    expect(codesIn(hag66.inbox.at(-2))).toEqual([110]);
  });

  test('§8.2 nobody kicks somebody above him, nor himself', async () => {
    await set(crone1, "<item nick='thirdwitch' role='moderator'/>");
    expect(conditionIn(await set(hag66, "<item nick='secondwitch' role='none'/>"))).toBe(
      'not-allowed',
    );
    expect(conditionIn(await set(wiccarocks, "<item nick='firstwitch' role='none'/>"))).toBe(
      'not-allowed',
    );
    expect(conditionIn(await set(wiccarocks, "<item nick='secondwitch' role='none'/>"))).toBe(
      'conflict',
    );
  });

  test.each([
    ["<item nick='thirdwitch' role='none'/>"],
    ["<item nick='thirdwitch' role='visitor'/>"],
    ["<item jid='x@y' affiliation='member'/>"],
  ])('§8, §9 who is no moderator or admin changes nothing: %s', async (item) => {
    expect(conditionIn(await set(hag66, item))).toBe('forbidden');
    expect(conditionIn(await set(house.hecate, item))).toBe('forbidden');
    await crone1.nothing();
  });

  test('§8.3, §8.4 voice is granted and revoked', async () => {
    await configure(crone1, { moderatedroom: '1' });
    await enter(house.hecate, 'visitor', [crone1, wiccarocks, hag66]);
    const reason = '<reason>A worthy witch indeed!</reason>';
    await crone1.send(
      `<iq id='voice1' type='set' to='${COVEN}'>${admin(`<item nick='visitor' role='participant'>${reason}</item>`)}</iq>`,
    );
    const item = (role: string) => `affiliation='none' jid='${house.hecate.jid}' role='${role}'`;
    expectHeard(
      crone1,
      `<iq from='${COVEN}' to='${C}' type='result' id='voice1'/>`,
      seen('visitor', C, item('participant'), [], '', reason),
    );
    expectHeard(
      house.hecate,
      seen('visitor', house.hecate.jid, item('participant'), [110], '', reason),
    );
    await set(crone1, "<item nick='visitor' role='visitor'/>");
    expectHeard(crone1, seen('visitor', C, item('visitor')));
  });

  test('§5.1 who lost his voice, or has it in a moderated room, finds it so when he is back', async () => {
    const comesBack = async () => {
      await hag66.send(`<presence to='${COVEN}/thirdwitch' type='unavailable'/>`);
      forget();
      await hag66.send(join('thirdwitch', "<history maxstanzas='0'/>"));
      const own = hag66.inbox.map(serialise).find((each) => each.includes('code="110"'));
      return /role="(\w+)"/.exec(own ?? '')?.[1];
    };
    await crone1.ask('set', admin("<item nick='thirdwitch' role='visitor'/>"), COVEN);
    expect(await comesBack()).toBe('visitor');
    await configure(crone1, { moderatedroom: '1' });
    expect(await comesBack()).toBe('visitor');
    await crone1.ask('set', admin("<item nick='thirdwitch' role='participant'/>"), COVEN);
    expect(await comesBack()).toBe('participant');
    for (const affiliation of ['member', 'none'])
      await crone1.ask(
        'set',
        admin(`<item jid='hag66@shakespeare.lit' affiliation='${affiliation}'/>`),
        COVEN,
      );
    expect(await comesBack()).toBe('visitor');
  });

  test('§8.4 nobody takes the voice of an admin or owner', async () => {
    for (const [actor, nick] of [
      [crone1, 'secondwitch'],
      [wiccarocks, 'firstwitch'],
      [wiccarocks, 'secondwitch'],
    ] as const)
      expect(conditionIn(await set(actor, `<item nick='${nick}' role='visitor'/>`))).toBe(
        'not-allowed',
      );
  });

  test('§8.5 the list of those with voice, and a change of several', async () => {
    await enter(house.hecate, 'Hecate', [crone1]);
    expectLike(
      await get(wiccarocks, "<item role='participant'/>"),
      `<iq from='${COVEN}' to='${W}' type='result' id='x'>${admin(
        `<item affiliation='none' jid='${H}' nick='thirdwitch' role='participant'/><item affiliation='none' jid='${house.hecate.jid}' nick='Hecate' role='participant'/>`,
      )}</iq>`,
    );
    expect(conditionIn(await get(hag66, "<item role='participant'/>"))).toBe('forbidden');
    forget();
    await set(
      wiccarocks,
      "<item nick='Hecate' role='visitor'/><item nick='thirdwitch' role='visitor'/>",
    );
    expect(crone1.inbox.map(({ attrs }) => attrs['from'])).toEqual([
      `${COVEN}/Hecate`,
      `${COVEN}/thirdwitch`,
    ]);
  });

  test('§8.5 of several changes all are made or none', async () => {
    const answer = await set(
      wiccarocks,
      "<item nick='thirdwitch' role='visitor'/><item nick='firstwitch' role='visitor'/>",
    );
    expect(conditionIn(answer)).toBe('not-allowed');
    await hag66.nothing();
  });

  test.each([
    ["<item nick='thirdwitch' role='participant' affiliation='member'/>", 'bad-request'],
    ["<item nick='thirdwitch'/>", 'bad-request'],
    ["<item role='visitor'/>", 'bad-request'],
    ["<item jid='@' affiliation='member'/>", 'bad-request'],
    ["<item nick='thirdwitch' role='king'/>", 'bad-request'],
    ["<item nick='nobody' role='visitor'/>", 'item-not-found'],
    ['', 'bad-request'],
  ])('§13.4 %s: %s', async (inner, condition) => {
    expect(conditionIn(await set(crone1, inner))).toBe(condition);
  });
});

describe('XEP-0045 §9: admins', () => {
  beforeEach(() => open({ maxAffiliations: 10 }));
  afterEach(() => house.scene.stop());

  test('§9.1 a ban', async () => {
    await wiccarocks.send(
      `<iq id='ban1' type='set' to='${COVEN}'>${admin(`<item affiliation='outcast' jid='${HAG}'><reason>Treason</reason></item>`)}</iq>`,
    );
    const item = `affiliation='outcast' role='none' jid='${H}'`;
    expectHeard(
      hag66,
      seen(
        'thirdwitch',
        H,
        item,
        [110, 301],
        'unavailable',
        "<actor nick='secondwitch'/><reason>Treason</reason>",
      ),
    );
    expectHeard(
      wiccarocks,
      `<iq from='${COVEN}' to='${W}' type='result' id='ban1'/>`,
      seen('thirdwitch', W, item, [301], 'unavailable', '<reason>Treason</reason>'),
    );
    await hag66.send(join('thirdwitch'));
    expect(conditionIn(await hag66.next())).toBe('forbidden');
  });

  test('§9.1 the ban of a domain is about those who are nothing else in the room', async () => {
    await configure(crone1, { moderatedroom: '1' });
    await set(crone1, `<item affiliation='member' jid='${HAG}'/>`);
    await set(crone1, "<item nick='thirdwitch' role='visitor'/>");
    await enter(house.hecate, 'fourthwitch', [crone1, wiccarocks, hag66]);
    forget();
    await set(crone1, "<item affiliation='outcast' jid='shakespeare.lit'/>");
    expect(codesIn(house.hecate.inbox[0])).toEqual([110, 301]);
    const others = hag66.inbox.map(({ attrs }) => attrs.from);
    expect(others, 'of himself, who keeps what he has, he hears nothing').toEqual([
      `${COVEN}/fourthwitch`,
    ]);
  });

  test('§9.1 nobody bans somebody above him, nor himself', async () => {
    const ban = (jid: string) => `<item affiliation='outcast' jid='${jid}'/>`;
    expect(conditionIn(await set(wiccarocks, ban('crone1@shakespeare.lit')))).toBe('not-allowed');
    expect(conditionIn(await set(wiccarocks, ban(WICCA)))).toBe('conflict');
    expect(conditionIn(await set(crone1, ban('crone1@shakespeare.lit')))).toBe('conflict');
  });

  test('§9.2 the ban list', async () => {
    await set(
      wiccarocks,
      `<item affiliation='outcast' jid='${HAG}'><reason>Treason</reason></item>`,
    );
    expectLike(
      await get(wiccarocks, "<item affiliation='outcast'/>"),
      `<iq from='${COVEN}' to='${W}' type='result' id='x'>${admin(
        `<item affiliation='outcast' jid='${HAG}'><reason>Treason</reason></item>`,
      )}</iq>`,
    );
    const lords = ['lordscroop', 'sirthomasgrey'].map(
      (name) => `<item affiliation='outcast' jid='${name}@shakespeare.lit'/>`,
    );
    expect(resultIn(await set(wiccarocks, lords.join('')))).toBe('');
    const prohibited = `<item affiliation='none' jid='${HAG}'/><item affiliation='outcast' jid='${WICCA}'/>`;
    expect(conditionIn(await set(wiccarocks, prohibited))).toBe('conflict');
    const listed = await get(wiccarocks, "<item affiliation='outcast'/>");
    expect(childrenOf(childrenOf(listed)[0] as never).length).toBe(3);
    await set(wiccarocks, `<item affiliation='none' jid='${HAG}'/>`);
    hag66.inbox.length = 0;
    await hag66.send(join('thirdwitch'));
    expect(codesIn(hag66.inbox.at(-2))).toEqual([110]);
  });

  test('§9.3, §9.4 membership is granted and revoked', async () => {
    const reason = '<reason>A worthy witch indeed!</reason>';
    await crone1.send(
      `<iq id='member1' type='set' to='${COVEN}'>${admin(`<item affiliation='member' jid='${HAG}' nick='thirdwitch'>${reason}</item>`)}</iq>`,
    );
    expectHeard(
      crone1,
      `<iq from='${COVEN}' to='${C}' type='result' id='member1'/>`,
      seen(
        'thirdwitch',
        C,
        `affiliation='member' jid='${H}' role='participant'`,
        [],
        '',
        `<actor nick='firstwitch'/>${reason}`,
      ),
    );
    await set(crone1, `<item affiliation='none' jid='${HAG}'/>`);
    expectHeard(
      crone1,
      seen(
        'thirdwitch',
        C,
        `affiliation='none' jid='${H}' role='participant'`,
        [],
        '',
        "<actor nick='firstwitch'/>",
      ),
    );
  });

  test('§9.4 who is no member any more leaves a members-only room', async () => {
    await set(crone1, `<item affiliation='member' jid='${HAG}'/>`);
    await configure(crone1, { membersonly: '1' });
    forget();
    await set(crone1, `<item affiliation='none' jid='${HAG}'/>`);
    expectHeard(
      hag66,
      seen(
        'thirdwitch',
        H,
        `affiliation='none' role='none' jid='${H}'`,
        [110, 321],
        'unavailable',
        "<actor nick='firstwitch'/>",
      ),
    );
    expectHeard(
      crone1,
      seen('thirdwitch', C, `affiliation='none' role='none' jid='${H}'`, [321], 'unavailable'),
    );
  });

  test('§9.5 the member list, and an invitation to new ones of a members-only room', async () => {
    await configure(crone1, {
      membersonly: '1',
      passwordprotectedroom: '1',
      roomsecret: 'cauldronburn',
    });
    await house.hecate.send('<presence/>');
    forget();
    await set(
      crone1,
      `<item affiliation='none' jid='${HAG}'/><item affiliation='member' jid='hecate@shakespeare.lit' nick='Hecate'/>`,
    );
    expectHeard(
      house.hecate,
      `<message from='${COVEN}' to='hecate@shakespeare.lit'><x ${USER}><invite from='crone1@shakespeare.lit'/><password>cauldronburn</password></x></message>`,
    );
    expectLike(
      await get(crone1, "<item affiliation='member'/>"),
      `<iq from='${COVEN}' to='${C}' type='result' id='x'>${admin(
        "<item affiliation='member' jid='hecate@shakespeare.lit' nick='Hecate'/>",
      )}</iq>`,
    );
  });

  test.each([
    ['moderators', 'forbidden', 'forbidden'],
    ['anyone', undefined, undefined],
  ])('§9.5 the member list where JIDs are seen by %s', async (whois, occupant, member) => {
    await configure(crone1, { whois });
    await set(crone1, "<item affiliation='member' jid='hecate@shakespeare.lit'/>");
    const query = "<item affiliation='member'/>";
    expect(conditionIn(await get(hag66, query))).toBe(occupant);
    expect(conditionIn(await get(house.hecate, query))).toBe(member);
    expect(conditionIn(await get(house.bard, query))).toBe('forbidden');
    await configure(crone1, { getmemberlist: ['moderator'] });
    expect(conditionIn(await get(hag66, query))).toBe('forbidden');
  });

  test('§9.6, §9.7 moderators are made and unmade', async () => {
    const item = (role: string) => `affiliation='none' jid='${H}' role='${role}'`;
    await set(wiccarocks, "<item nick='thirdwitch' role='moderator'/>");
    expectHeard(crone1, seen('thirdwitch', C, item('moderator')));
    // He sees JIDs now.
    expect(hag66.inbox.filter((each) => serialise(each).includes(`jid="${C}"`)).length).toBe(1);
    await set(wiccarocks, "<item nick='thirdwitch' role='participant'/>");
    expectHeard(crone1, seen('thirdwitch', C, item('participant')));
    expect(conditionIn(await set(wiccarocks, "<item nick='firstwitch' role='participant'/>"))).toBe(
      'not-allowed',
    );
  });

  test('§9.8 the moderator list', async () => {
    await set(crone1, "<item nick='thirdwitch' role='moderator'/>");
    const list = await get(crone1, "<item role='moderator'/>");
    expect(childrenOf(childrenOf(list)[0] as never).map(({ attrs }) => attrs['nick'])).toEqual([
      'firstwitch',
      'secondwitch',
      'thirdwitch',
    ]);
    expect(conditionIn(await get(hag66, "<item role='moderator'/>"))).toBe('forbidden');
  });

  test('§13.6 a nick that looks like a reserved one is not to be had', async () => {
    await set(wiccarocks, `<item affiliation='member' jid='${HAG}' nick='hag'/>`);
    const other = "affiliation='member' jid='hecate@shakespeare.lit'";
    expect(conditionIn(await set(wiccarocks, `<item ${other} nick='HАG'/>`))).toBe('conflict');
    expect(conditionIn(await set(wiccarocks, `<item ${other} nick='&#x200D;'/>`))).toBe(
      'jid-malformed',
    );
    const twice = `<item ${other} nick='x'/><item affiliation='member' jid='a@b.example' nick='X'/>`;
    expect(conditionIn(await set(wiccarocks, twice))).toBe('conflict');
    await house.hecate.send(join('hаg'));
    expect(conditionIn(await house.hecate.next())).toBe('conflict');
  });

  test('lists have a limit, and a nick is reserved once', async () => {
    const items = Array.from(
      { length: 9 },
      (_, index) => `<item affiliation='member' jid='m${index}@shakespeare.lit'/>`,
    );
    expect(conditionIn(await set(crone1, items.join('')))).toBe('resource-constraint');
    expect(resultIn(await set(crone1, items.slice(1).join('')))).toBe('');
    expect(
      resultIn(
        await set(crone1, "<item affiliation='member' jid='m1@shakespeare.lit' nick='one'/>"),
      ),
    ).toBe('');
    expect(
      conditionIn(
        await set(crone1, "<item affiliation='member' jid='m2@shakespeare.lit' nick='one'/>"),
      ),
    ).toBe('conflict');
  });
});

describe('XEP-0045 §10: owners', () => {
  beforeEach(() => open({ configureTime: '10m' }));
  afterEach(() => house.scene.stop());
  const OWNER = "<query xmlns='http://jabber.org/protocol/muc#owner'/>";
  const form = (type: string) =>
    `<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='${type}'/></query>`;
  const HEATH = `heath@${CHAT}`;

  test('§10.1.1 who makes a room owns it, and is alone until he has configured it', async () => {
    await hag66.send(join('hag', '', HEATH));
    expectLike(
      hag66.inbox[0],
      `<presence from='${HEATH}/hag' to='${H}'><x ${USER}><item affiliation='owner' jid='${H}' role='moderator'/><status code='110'/><status code='201'/></x></presence>`,
    );
    await wiccarocks.send(join('wicca', '', HEATH));
    expect(conditionIn(wiccarocks.inbox.at(-1) as never)).toBe('item-not-found');
  });

  test.each([
    ['admins', 'not-allowed', 'not-allowed'],
    ['local', undefined, 'not-allowed'],
    ['anyone', undefined, undefined],
  ])('§10.1.1 who may make rooms: %s', async (creation, local, remote) => {
    await house.scene.stop();
    house = await openHouse({ creation });
    await house.hag66.send(join('hag', '', HEATH));
    expect(conditionIn(house.hag66.inbox[0] as never)).toBe(local);
    const { router } = house.scene;
    const heard: string[] = [];
    router.useRemote((stanza) => {
      heard.push(conditionIn(stanza.element) ?? stanza.kind);
      return { kind: 'handled' };
    });
    const { stanza } = await import('../../operations/support.ts');
    await router.route(stanza(join('far', '', `far@${CHAT}`), 'a@far.example/x' as never));
    const { calm } = await import('./house.ts');
    await calm(house.scene);
    expect(heard[0]).toBe(remote ?? 'presence');
  });

  test('§10.1.2 an instant room', async () => {
    await hag66.send(join('hag', '', HEATH));
    expect(resultIn(await hag66.ask('set', form('submit'), HEATH))).toBe('');
    wiccarocks.inbox.length = 0;
    await wiccarocks.send(join('wicca', '', HEATH));
    expect(codesIn(wiccarocks.inbox.at(-2))).toEqual([110]);
  });

  test('§10.1.3 the form has every field, with the room as it is', async () => {
    await hag66.send(join('hag', '', HEATH));
    const shown = resultIn(await hag66.ask('get', OWNER, HEATH));
    for (const name of [
      'roomname',
      'roomdesc',
      'lang',
      'enablelogging',
      'changesubject',
      'allowinvites',
      'allowpm',
      'maxusers',
      'presencebroadcast',
      'getmemberlist',
      'publicroom',
      'persistentroom',
      'moderatedroom',
      'membersonly',
      'passwordprotectedroom',
      'roomsecret',
      'whois',
      'pubsub',
      'roomadmins',
      'roomowners',
    ])
      expect(shown).toContain(`var="muc#roomconfig_${name}"`);
    expect(shown).toContain('var="muc#maxhistoryfetch"');
    expect(shown).toContain('<value>hag66@shakespeare.lit</value>');
    await configure(
      hag66,
      {
        roomname: 'A Dark Cave',
        changesubject: '1',
        allowpm: 'participants',
        maxusers: '10',
        presencebroadcast: ['moderator', 'participant'],
        passwordprotectedroom: '1',
        roomsecret: 'cauldronburn',
        whois: 'anyone',
        roomadmins: [WICCA, 'hecate@shakespeare.lit'],
      },
      HEATH,
    );
    const again = resultIn(await hag66.ask('get', OWNER, HEATH));
    for (const part of [
      '<value>A Dark Cave</value>',
      '<value>cauldronburn</value>',
      '<value>participants</value>',
      '<value>10</value>',
      '<value>moderator</value><value>participant</value><option',
      `<value>${WICCA}</value><value>hecate@shakespeare.lit</value>`,
    ])
      expect(again).toContain(part);
  });

  test.each([
    ['a password that is empty', { passwordprotectedroom: '1' }],
    ['a role that is none', { presencebroadcast: ['king'] }],
    ['a number that is none', { 'muc#maxhistoryfetch': 'all' }],
    ['who sees JIDs', { whois: 'nobody' }],
    ['a name that is too long', { roomname: 'x'.repeat(201) }],
    ['an address that is none', { roomadmins: ['@'] }],
  ])('§10.1.3 what cannot be is not acceptable: %s', async (_, fields) => {
    const answer = await configure(crone1, fields);
    expect(conditionIn(answer)).toBe('not-acceptable');
    expect(serialise(answer)).toContain('type="modify"');
    await hag66.nothing();
  });

  test('§10.1.3 who gives up configuring gives up the room', async () => {
    await hag66.send(join('hag', '', HEATH));
    hag66.inbox.length = 0;
    await hag66.ask('set', form('cancel'), HEATH);
    expect(serialise(hag66.inbox[0] as never)).toContain('<destroy/>');
    await wiccarocks.send(join('wicca', '', HEATH));
    expect(codesIn(wiccarocks.inbox[0])).toEqual([110, 201]);
  });

  test('§10.1.3 a room whose owner leaves before, or takes too long, is gone', async () => {
    await hag66.send(join('hag', '', HEATH));
    hag66.inbox.length = 0;
    await hag66.send(`<presence to='${HEATH}/hag' type='unavailable'/>`);
    expect(serialise(hag66.inbox[0] as never)).toContain('<destroy/>');
    hag66.inbox.length = 0;
    await hag66.send(join('hag', '', HEATH));
    expect(codesIn(hag66.inbox[0])).toEqual([110, 201]);
    hag66.inbox.length = 0;
    house.scene.clock.advance(600_000);
    await hag66.send('<presence/>');
    expect(hag66.inbox.some((each) => serialise(each).includes('<destroy>'))).toBe(true);
  });

  test('§10.2 others do not see the form, nor change anything', async () => {
    for (const actor of [wiccarocks, hag66, house.bard]) {
      expect(conditionIn(await actor.ask('get', OWNER, COVEN))).toBe('forbidden');
      expect(conditionIn(await configure(actor, { roomname: 'mine' }))).toBe('forbidden');
    }
    expect(conditionIn(await crone1.ask('set', OWNER, COVEN))).toBe('bad-request');
  });

  test('§10.2 giving up a change changes nothing', async () => {
    expect(resultIn(await crone1.ask('set', form('cancel'), COVEN))).toBe('');
    await hag66.nothing();
  });

  test('§10.2 the lists of the form are whole: who is on none any more loses his status', async () => {
    await configure(crone1, { roomadmins: [HAG] });
    expect(crone1.inbox.map((each) => serialise(each)).join('')).toContain(
      'affiliation="admin" jid="hag66@shakespeare.lit/pda" role="moderator"',
    );
    expect(
      serialise(
        wiccarocks.inbox.find(({ attrs }) => attrs['from'] === `${COVEN}/secondwitch`) as never,
      ),
    ).toContain('affiliation="member" jid="wiccarocks@shakespeare.lit/laptop" role="participant"');
    expect(conditionIn(await configure(crone1, { roomowners: [] }))).toBe('conflict');
    forget();
    await configure(crone1, { roomowners: [WICCA] });
    expect(
      serialise(hag66.inbox.find(({ attrs }) => attrs['from'] === `${COVEN}/secondwitch`) as never),
    ).toContain('affiliation="owner"');
  });

  test('§10.2 an owner whom a form leaves out of both lists keeps order no more', async () => {
    await configure(crone1, { roomowners: ['crone1@shakespeare.lit', HAG], roomadmins: [WICCA] });
    forget();
    await configure(crone1, { roomowners: ['crone1@shakespeare.lit'], roomadmins: [WICCA] });
    expect(
      serialise(crone1.inbox.find(({ attrs }) => attrs['from'] === `${COVEN}/thirdwitch`) as never),
    ).toContain('affiliation="member" jid="hag66@shakespeare.lit/pda" role="participant"');
    await configure(crone1, { roomowners: ['crone1@shakespeare.lit', HAG], roomadmins: [] });
    forget();
    await configure(crone1, { roomowners: ['crone1@shakespeare.lit'], roomadmins: [HAG] });
    expect(
      serialise(crone1.inbox.find(({ attrs }) => attrs['from'] === `${COVEN}/thirdwitch`) as never),
    ).toContain('affiliation="admin" jid="hag66@shakespeare.lit/pda" role="moderator"');
  });

  test('§10.2 a room for members has no place for others', async () => {
    await configure(crone1, { membersonly: '1' });
    const item = `affiliation='none' role='none' jid='${H}'`;
    expectHeard(hag66, seen('thirdwitch', H, item, [110, 322], 'unavailable'));
    expect(codesIn(crone1.inbox[0])).toEqual([322]);
  });

  test.each([
    [{ enablelogging: '1' }, {}, [170]],
    [{ enablelogging: '0' }, { enablelogging: '1' }, [171]],
    [{ whois: 'anyone' }, {}, [172]],
    [{ whois: 'moderators' }, { whois: 'anyone' }, [173]],
    [{ roomname: 'Another' }, {}, [104]],
    [{ roomname: 'Another', whois: 'anyone', enablelogging: '1' }, {}, [170, 172, 104]],
  ] as const)('§10.2.1 %o is told', async (change, before, codes) => {
    await configure(crone1, before);
    forget();
    await configure(crone1, change);
    expectLike(
      hag66.inbox.find(({ name }) => name === 'message'),
      `<message from='${COVEN}' to='${H}' type='groupchat'><x ${USER}>${codes
        .map((code) => `<status code='${code}'/>`)
        .join('')}</x></message>`,
    );
  });

  test('§10.2.1 what stays as it is is not told', async () => {
    await configure(crone1, {});
    await hag66.nothing();
  });

  test('§7.2.2 the presence of roles that are not shown is for themselves', async () => {
    await configure(crone1, { presencebroadcast: ['moderator'] });
    // Those who were seen and are no longer leave for the others.
    expect(
      wiccarocks.inbox.filter(({ attrs }) => attrs['from'] === `${COVEN}/thirdwitch`)[0]?.attrs
        .type,
    ).toBe('unavailable');
    forget();
    await house.hecate.send(join('hecate'));
    expect(
      house.hecate.inbox
        .filter(({ name }) => name === 'presence')
        .map(({ attrs }) => attrs['from']),
    ).toEqual([`${COVEN}/firstwitch`, `${COVEN}/secondwitch`, `${COVEN}/hecate`]);
    await crone1.nothing();
    await hag66.nothing();
    await set(crone1, "<item nick='hecate' role='moderator'/>");
    expect(hag66.inbox[0]?.attrs['from']).toBe(`${COVEN}/hecate`);
    forget();
    // So does one whose role is not shown from now on; where it is shown again, all see him.
    await set(crone1, "<item nick='hecate' role='participant'/>");
    expect(hag66.inbox.map(({ attrs }) => attrs.type)).toEqual(['unavailable']);
    forget();
    await configure(crone1, { presencebroadcast: ['moderator', 'participant', 'visitor'] });
    expect(wiccarocks.inbox.map(({ attrs }) => attrs.from)).toEqual(
      expect.arrayContaining([`${COVEN}/thirdwitch`, `${COVEN}/hecate`]),
    );
  });

  test('§5.1.2 where there is no moderation any more, everyone has voice, and has it from then on', async () => {
    await configure(crone1, { moderatedroom: '1' });
    await set(crone1, "<item nick='thirdwitch' role='visitor'/>");
    forget();
    await configure(crone1, { moderatedroom: '0' });
    const item = `affiliation='none' jid='${H}' role='participant'`;
    const told = crone1.inbox.find(({ name }) => name === 'presence');
    expectLike(told, seen('thirdwitch', C, item));
    await hag66.send(`<presence to='${COVEN}/thirdwitch' type='unavailable'/>`);
    forget();
    await hag66.send(join('thirdwitch'));
    expectLike(crone1.inbox[0], seen('thirdwitch', C, item));
  });

  test('§10.3 to §10.7 owners and admins are made and unmade', async () => {
    const change = (jid: string, affiliation: string) =>
      set(crone1, `<item affiliation='${affiliation}' jid='${jid}/any'/>`);
    for (const [affiliation, role] of [
      ['owner', 'moderator'],
      ['admin', 'moderator'],
      ['none', 'participant'],
      ['admin', 'moderator'],
      ['member', 'participant'],
    ] as const) {
      crone1.inbox.length = 0;
      expect(resultIn(await change(HAG, affiliation))).toBe('');
      expectHeard(
        crone1,
        seen(
          'thirdwitch',
          C,
          `affiliation='${affiliation}' jid='${H}' role='${role}'`,
          [],
          '',
          "<actor nick='firstwitch'/>",
        ),
      );
    }
    expect(conditionIn(await change('crone1@shakespeare.lit', 'admin'))).toBe('conflict');
    await change(HAG, 'owner');
    expect(resultIn(await change('crone1@shakespeare.lit', 'admin'))).toBe('');
  });

  test('§10.3, §10.6 of somebody who is not there the moderators are told', async () => {
    await set(crone1, "<item affiliation='admin' jid='hecate@shakespeare.lit'/>");
    expectHeard(
      wiccarocks,
      `<message from='${COVEN}' to='${W}'><x ${USER}><item affiliation='admin' jid='hecate@shakespeare.lit' role='none'/></x></message>`,
    );
    await hag66.nothing();
  });

  test.each(['owner', 'admin'])('§10.5, §10.8 the %s list', async (affiliation) => {
    const query = `<item affiliation='${affiliation}'/>`;
    const jid = affiliation === 'owner' ? 'crone1@shakespeare.lit' : WICCA;
    expectLike(
      await get(crone1, query),
      `<iq from='${COVEN}' to='${C}' type='result' id='x'>${admin(`<item affiliation='${affiliation}' jid='${jid}'/>`)}</iq>`,
    );
    expect(conditionIn(await get(wiccarocks, query))).toBe('forbidden');
    const change = `<item affiliation='${affiliation}' jid='${HAG}'/>`;
    for (const actor of [wiccarocks, hag66])
      expect(conditionIn(await set(actor, change))).toBe('forbidden');
    await configure(crone1, { whois: 'anyone' });
    expect(conditionIn(await get(wiccarocks, query))).toBeUndefined();
  });

  test('§10.9 the end of a room', async () => {
    const destroy = `<query xmlns='http://jabber.org/protocol/muc#owner'><destroy jid='${HEATH}'><reason>Macbeth doth come.</reason><password>x</password></destroy></query>`;
    for (const actor of [wiccarocks, hag66])
      expect(conditionIn(await actor.ask('set', destroy, COVEN))).toBe('forbidden');
    await crone1.send(`<iq id='begone' type='set' to='${COVEN}'>${destroy}</iq>`);
    const gone = (nick: string, to: string) =>
      `<presence from='${COVEN}/${nick}' to='${to}' type='unavailable'><x ${USER}><item affiliation='none' role='none'/><status code='110'/><destroy jid='${HEATH}'><password>x</password><reason>Macbeth doth come.</reason></destroy></x></presence>`;
    expectHeard(wiccarocks, gone('secondwitch', W));
    expectHeard(hag66, gone('thirdwitch', H));
    expectHeard(
      crone1,
      gone('firstwitch', C),
      `<iq from='${COVEN}' to='${C}' type='result' id='begone'/>`,
    );
    expect(conditionIn(await crone1.ask('get', OWNER, COVEN))).toBe('item-not-found');
  });

  test('§10.9 a persistent room that was destroyed stays dead', async () => {
    await configure(crone1, { persistentroom: '1' });
    await crone1.ask(
      'set',
      `<query xmlns='http://jabber.org/protocol/muc#owner'><destroy jid='${HEATH}'><reason>Macbeth doth come.</reason></destroy></query>`,
      COVEN,
    );
    forget();
    await crone1.send(join('firstwitch'));
    const answer = await crone1.next();
    expect(conditionIn(answer)).toBe('gone');
    expect(serialise(answer)).toContain(`xmpp:${HEATH}?join</gone>`);
    expect(serialise(answer)).toContain('Macbeth doth come.');
  });

  test('XEP-0500 §6 in slow mode all but admins wait between two messages', async () => {
    await configure(crone1, { slow_mode_duration: '30' });
    const shown = resultIn(await crone1.ask('get', OWNER, COVEN));
    expect(shown).toContain('var="muc#roomconfig_slow_mode_duration" type="text-single"');
    expect(shown).toContain('datatype="xs:integer"><range min="0" max="86400"/></validate>');
    const info = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
    expect(resultIn(await hag66.ask('get', info, COVEN))).toContain(
      '<field var="muc#roominfo_slow_mode_duration" label="Slow mode"><value>30</value>',
    );
    await enter(hag66, 'other');
    forget();
    const say = (text: string) =>
      `<message to='${COVEN}' type='groupchat'><body>${text}</body></message>`;
    await hag66.send(say('one'));
    hag66.inbox.length = 0;
    await hag66.send(say('two'));
    const refused = await hag66.next();
    expect(conditionIn(refused)).toBe('policy-violation');
    expect(serialise(refused)).toContain('type="wait"');
    await hag66.send(
      `<message to='${COVEN}' type='groupchat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
    );
    expect(serialise(crone1.inbox.pop() as never)).toContain('<composing');
    await crone1.send(say('a'));
    await crone1.send(say('b'));
    hag66.inbox.length = 0;
    await hag66.send(say('two')); // that others spoke meanwhile does not shorten it
    expect(conditionIn(await hag66.next())).toBe('policy-violation');
    house.scene.clock.advance(30_000);
    await hag66.send(say('three'));
    expect(crone1.inbox.map(({ attrs }) => attrs.type)).toEqual(Array(4).fill('groupchat'));
  });
});

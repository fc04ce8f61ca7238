/** XEP-0045 §7: entering, speaking, leaving; the examples in their order. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { childOf, serialise, textOf } from '../../../src/xml/element.ts';
import { stanza } from '../../operations/support.ts';
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
  patient,
} from './house.ts';

const USER = "xmlns='http://jabber.org/protocol/muc#user'";
const [C, W, H] = [
  'crone1@shakespeare.lit/desktop',
  'wiccarocks@shakespeare.lit/laptop',
  'hag66@shakespeare.lit/pda',
];

/** A presence of the room. */
const seen = (nick: string, to: string, item: string, codes: readonly number[] = [], type = '') =>
  `<presence from='${COVEN}/${nick}' to='${to}' ${type === '' ? '' : `type='${type}'`}><x ${USER}><item ${item}/>${codes
    .map((code) => `<status code='${code}'/>`)
    .join('')}</x></presence>`;
/** The error that a room answers a presence with. */
const denied = (nick: string, to: string, type: string, condition: string) =>
  `<presence from='${COVEN}${nick === '' ? '' : `/${nick}`}' to='${to}' type='error'><x xmlns='http://jabber.org/protocol/muc'/><error by='${COVEN}' type='${type}'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>`;
const noSubject = (to: string) =>
  `<message from='${COVEN}' to='${to}' type='groupchat'><subject/></message>`;
const say = (text: string, id = 'hysf1v37') =>
  `<message to='${COVEN}' id='${id}' type='groupchat'><body>${text}</body></message>`;
const textsIn = (actor: Actor) =>
  actor.inbox
    .filter(({ name }) => name === 'message')
    .flatMap((each) => {
      const body = childOf(each, 'body');
      return body === undefined ? [] : [textOf(body)];
    });

describe('XEP-0045 §7.2: entering', () => {
  let house: House;
  let crone1: Actor;
  let wiccarocks: Actor;
  let hag66: Actor;
  beforeEach(async () => {
    house = await openHouse({
      ...{ maxOccupants: 3, roomsPerUser: 2, nickLength: 20, sessionsPerNick: 2 },
    });
    ({ crone1, wiccarocks, hag66 } = house);
    await makeRoom(crone1, 'firstwitch');
  });
  afterEach(() => house.scene.stop());

  test('§7.2.1 without a nick nobody enters', async () => {
    await hag66.send(`<presence to='${COVEN}' id='273hs51g'/>`);
    expectHeard(hag66, denied('', H, 'modify', 'jid-malformed'));
  });

  test.each([
    ['nothing that can be seen', '\u00a0\u00a0', 'jid-malformed'],
    ['too long', 'w'.repeat(21), 'not-acceptable'],
  ])('§13.1 a nick with %s is none', async (_, nick, condition) => {
    await hag66.send(join(nick));
    expect(conditionIn(await hag66.next())).toBe(condition);
    await crone1.nothing();
  });

  test('§7.2.2 who enters sees the others, then all see him, and he himself last', async () => {
    await configure(crone1, { roomadmins: 'wiccarocks@shakespeare.lit' });
    await enter(wiccarocks, 'secondwitch', [crone1]);
    await hag66.send(join('thirdwitch'));
    const item = "affiliation='none' role='participant'";
    expectHeard(
      hag66,
      seen('firstwitch', H, "affiliation='owner' role='moderator'"),
      seen('secondwitch', H, "affiliation='admin' role='moderator'"),
      seen('thirdwitch', H, `${item} jid='${H}'`, [110]),
      noSubject(H),
    );
    expectHeard(crone1, seen('thirdwitch', C, `${item} jid='${H}'`));
    expectHeard(wiccarocks, seen('thirdwitch', W, `${item} jid='${H}'`));
  });

  test('§7.2.2 his own presence carries the id of his request', async () => {
    await hag66.send(join('thirdwitch'));
    expect(hag66.inbox.find(({ attrs }) => attrs['from'] === `${COVEN}/thirdwitch`)?.attrs.id).toBe(
      'n13mt3l',
    );
  });

  test('§7.2.3 in a non-anonymous room all see the JID, and who enters is warned', async () => {
    await configure(crone1, { whois: 'anyone' });
    await enter(wiccarocks, 'secondwitch', [crone1]);
    await hag66.send(join('thirdwitch'));
    const item = `affiliation='none' jid='${H}' role='participant'`;
    expectHeard(wiccarocks, seen('thirdwitch', W, item));
    expectHeard(
      hag66,
      seen('firstwitch', H, `affiliation='owner' jid='${C}' role='moderator'`),
      seen('secondwitch', H, `affiliation='none' jid='${W}' role='participant'`),
      seen('thirdwitch', H, item, [100, 110]),
      noSubject(H),
    );
  });

  test('§7.2.4 in a semi-anonymous room moderators alone see the JID', async () => {
    await enter(wiccarocks, 'secondwitch', [crone1]);
    await hag66.send(join('thirdwitch'));
    expectHeard(crone1, seen('thirdwitch', C, `affiliation='none' jid='${H}' role='participant'`));
    expectHeard(wiccarocks, seen('thirdwitch', W, "affiliation='none' role='participant'"));
  });

  test('§7.2.5 a password is asked for, and taken', async () => {
    await configure(crone1, { passwordprotectedroom: '1', roomsecret: 'cauldronburn' });
    crone1.inbox.length = 0;
    for (const wrong of ['', '<password>cauldron</password>']) {
      await hag66.send(join('thirdwitch', wrong));
      expectHeard(hag66, denied('thirdwitch', H, 'auth', 'not-authorized'));
    }
    await hag66.send(join('thirdwitch', '<password>cauldronburn</password>'));
    expect(codesIn(hag66.inbox.at(-2))).toEqual([110]);
  });

  test('§7.2.6 members alone enter a members-only room', async () => {
    await configure(crone1, { membersonly: '1' });
    await hag66.send(join('thirdwitch'));
    expectHeard(hag66, denied('thirdwitch', H, 'auth', 'registration-required'));
  });

  test('§7.2.7 who is banned does not enter, nor who is of a banned domain', async () => {
    const ban = (jid: string) =>
      crone1.ask(
        'set',
        `<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='outcast' jid='${jid}'/></query>`,
        COVEN,
      );
    await ban('hag66@shakespeare.lit');
    await hag66.send(join('thirdwitch'));
    expectHeard(hag66, denied('thirdwitch', H, 'auth', 'forbidden'));
    await ban('shakespeare.lit');
    await wiccarocks.send(join('secondwitch'));
    expectHeard(wiccarocks, denied('secondwitch', W, 'auth', 'forbidden'));
  });

  test.each(['firstwitch', 'FirstWitch', 'ｆirstwitch'])(
    '§7.2.8 a nick of somebody else is a conflict: %s',
    async (nick) => {
      await hag66.send(join(nick));
      expect(conditionIn(await hag66.next())).toBe('conflict');
      await hag66.nothing();
    },
  );

  test('§7.2.8 the conflict is told as the example has it', async () => {
    await enter(wiccarocks, 'thirdwitch', [crone1]);
    await hag66.send(join('thirdwitch'));
    expectHeard(hag66, denied('thirdwitch', H, 'cancel', 'conflict'));
  });

  test('§7.2.8 one user is there with several clients under one nick', async () => {
    await enter(wiccarocks, 'secondwitch', [crone1]);
    const phone = await patient(house.scene, 'wiccarocks@shakespeare.lit/phone');
    await phone.send(join('secondwitch'));
    expect(
      codesIn(phone.inbox.find(({ attrs }) => attrs['from'] === `${COVEN}/secondwitch`)),
    ).toEqual([110]);
    for (const each of [phone, wiccarocks, crone1]) each.inbox.length = 0;
    await phone.send(say('from the phone'));
    for (const each of [phone, wiccarocks, crone1])
      expect(textsIn(each)).toEqual(['from the phone']);
    for (const each of [phone, wiccarocks, crone1]) each.inbox.length = 0;
    await crone1.send(`<message to='${COVEN}/secondwitch' type='chat'><body>psst</body></message>`);
    expect([textsIn(phone), textsIn(wiccarocks)]).toEqual([['psst'], ['psst']]);
    for (const each of [phone, wiccarocks, crone1]) each.inbox.length = 0;
    const tablet = await patient(house.scene, 'wiccarocks@shakespeare.lit/tablet');
    await tablet.send(join('secondwitch'));
    expect(conditionIn(await tablet.next())).toBe('resource-constraint');
    await phone.send(`<presence to='${COVEN}/secondwitch'><show>away</show></presence>`);
    await wiccarocks.send(`<presence to='${COVEN}/secondwitch'><show>dnd</show></presence>`);
    for (const each of [phone, wiccarocks, crone1]) each.inbox.length = 0;
    await wiccarocks.send(`<presence to='${COVEN}/secondwitch' type='unavailable'/>`);
    expect(codesIn(wiccarocks.inbox[0])).toEqual([110]);
    // For the others he is still there, and what they see of him is now the other client's.
    expect(crone1.inbox.map(({ attrs }) => attrs.type)).toEqual([undefined]);
    expect(serialise(crone1.inbox[0] as never)).toContain('<show>away</show>');
    expect(codesIn(phone.inbox[0])).toEqual([110]);
    phone.inbox.length = 0;
    await crone1.send(say('still there?'));
    expect(textsIn(phone)).toEqual(['still there?']);
    expect(textsIn(wiccarocks)).toEqual([]);
  });

  test('§7.2.9 a full room has places for its admins only', async () => {
    await enter(wiccarocks, 'secondwitch');
    await enter(house.hecate, 'fourthwitch');
    await hag66.send(join('thirdwitch'));
    expectHeard(hag66, denied('thirdwitch', H, 'wait', 'service-unavailable'));
    await configure(crone1, { roomadmins: 'hag66@shakespeare.lit' });
    await hag66.send(join('thirdwitch'));
    expect(codesIn(hag66.inbox.at(-2))).toEqual([110]);
  });

  test('§7.2.9 a room has no more occupants than its owner wants', async () => {
    await configure(crone1, { maxusers: '1' });
    await hag66.send(join('thirdwitch'));
    expectHeard(hag66, denied('thirdwitch', H, 'wait', 'service-unavailable'));
  });

  test('nobody is in more rooms than he may be', async () => {
    await hag66.send(join('a', '', `one@${CHAT}`));
    await hag66.send(join('a', '', `two@${CHAT}`));
    hag66.inbox.length = 0;
    await hag66.send(join('thirdwitch'));
    expect(conditionIn(await hag66.next())).toBe('resource-constraint');
    await hag66.send(`<presence to='one@${CHAT}/a' type='unavailable'/>`);
    hag66.inbox.length = 0;
    await hag66.send(join('thirdwitch'));
    expect(codesIn(hag66.inbox.at(-2))).toEqual([110]);
  });

  test('§7.2.10 nobody enters a room that is being configured', async () => {
    await wiccarocks.send(join('x', '', `new@${CHAT}`));
    await hag66.send(join('thirdwitch', '', `new@${CHAT}`));
    const answer = await hag66.next();
    expect(conditionIn(answer)).toBe('item-not-found');
    await hag66.send(`<message to='new@${CHAT}' type='groupchat'><body>x</body></message>`);
    expect(conditionIn(await hag66.next())).toBe('item-not-found');
  });

  test('§7.2.12 who enters a room that is logged is warned', async () => {
    await configure(crone1, { enablelogging: '1', whois: 'anyone' });
    await hag66.send(join('thirdwitch'));
    expect(codesIn(hag66.inbox.at(-2))).toEqual([100, 110, 170]);
  });

  describe('§7.2.13 history', () => {
    beforeEach(async () => {
      for (const text of ['one', 'two', 'three']) {
        house.scene.clock.advance(60_000);
        await crone1.send(say(text));
      }
      crone1.inbox.length = 0;
    });

    test('comes after the presences and before the subject, with the time of each', async () => {
      await hag66.send(join('thirdwitch'));
      const kinds = hag66.inbox.map((each) =>
        each.name === 'presence'
          ? 'presence'
          : (childOf(each, 'body') ?? childOf(each, 'subject'))?.name,
      );
      expect(kinds).toEqual(['presence', 'presence', 'body', 'body', 'body', 'subject']);
      const stamp = new Date(house.scene.clock.now() - 120_000).toISOString();
      expectLike(
        hag66.inbox[2],
        `<message from='${COVEN}/firstwitch' to='${H}' type='groupchat'><body>one</body><delay xmlns='urn:xmpp:delay' from='${COVEN}' stamp='${stamp}'/></message>`,
      );
    });

    const length = 500; // more than one of these, less than three
    test.each([
      ["<history maxstanzas='2'/>", ['two', 'three']],
      ["<history maxstanzas='0'/>", []],
      ["<history maxchars='0'/>", []],
      [`<history maxchars='${length}'/>`, ['three']],
      ["<history maxchars='65000'/>", ['one', 'two', 'three']],
      ["<history seconds='90'/>", ['two', 'three']],
      ["<history seconds='0'/>", ['three']],
      ["<history since='1970-01-01T00:00:00Z'/>", ['one', 'two', 'three']],
      ["<history since='2999-01-01T00:00:00Z'/>", []],
      ["<history seconds='90' maxstanzas='1'/>", ['three']],
      ["<history maxstanzas='a few'/>", ['one', 'two', 'three']],
    ])('§7.2.14 %s', async (wish, expected) => {
      await hag66.send(join('thirdwitch', wish));
      expect(textsIn(hag66)).toEqual(expected);
    });

    test('§7.2.14 no more than the room gives', async () => {
      await configure(crone1, { 'muc#maxhistoryfetch': '1' });
      await hag66.send(join('thirdwitch', "<history maxstanzas='20'/>"));
      expect(textsIn(hag66)).toEqual(['three']);
    });

    test('has nothing that is of the moment, or that is not to be kept', async () => {
      await crone1.send(
        `<message to='${COVEN}' type='groupchat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
      );
      await crone1.send(
        `<message to='${COVEN}' type='groupchat'><body>forget it</body><no-store xmlns='urn:xmpp:hints'/></message>`,
      );
      await hag66.send(join('thirdwitch'));
      expect(textsIn(hag66)).toEqual(['one', 'two', 'three']);
    });

    test('§7.9 what an owner brings along keeps its time', async () => {
      const delay = `<delay xmlns='urn:xmpp:delay' from='${C}' stamp='2004-09-29T01:54:37Z'/>`;
      await crone1.send(
        `<message to='${COVEN}' type='groupchat'><body>Thrice the brinded cat hath mew'd.</body>${delay}</message>`,
      );
      await hag66.send(join('thirdwitch', "<history maxstanzas='1'/>"));
      const [said] = hag66.inbox.filter((each) => childOf(each, 'body') !== undefined);
      const delays = said?.children.filter(
        (child) => typeof child !== 'string' && child.name === 'delay',
      );
      expect(delays?.map(String)).toEqual([expect.stringContaining('2004-09-29T01:54:37Z')]);
    });
  });

  test('§7.2.15 the subject comes last, with the time at which it was set', async () => {
    await crone1.send(
      `<message to='${COVEN}' type='groupchat'><subject>Fire Burn</subject></message>`,
    );
    const stamp = new Date(house.scene.clock.now()).toISOString();
    await hag66.send(join('thirdwitch'));
    expectLike(
      hag66.inbox.at(-1),
      `<message from='${COVEN}/firstwitch' to='${H}' type='groupchat'><subject>Fire Burn</subject><delay xmlns='urn:xmpp:delay' from='${COVEN}' stamp='${stamp}'/></message>`,
    );
  });

  test('§7.2.17 presence of somebody who is not there tells him so', async () => {
    const gone = `<presence from='${COVEN}/thirdwitch' to='${H}' type='unavailable'><x ${USER}><item affiliation='none' role='none'><reason>You are not in the room.</reason></item><status code='110'/><status code='307'/><status code='333'/></x></presence>`;
    await hag66.send(`<presence to='${COVEN}/thirdwitch' id='ng91xs69'/>`);
    expectHeard(hag66, gone);
    await hag66.send(`<presence to='nowhere@${CHAT}/thirdwitch'/>`);
    expect(codesIn(await hag66.next())).toEqual([110, 307, 333]);
  });

  test('§7.2.1 who enters again is told all anew, and nobody else anything', async () => {
    await enter(hag66, 'thirdwitch', [crone1]);
    await hag66.send(join('thirdwitch'));
    expectHeard(
      hag66,
      seen('firstwitch', H, "affiliation='owner' role='moderator'"),
      seen('thirdwitch', H, `affiliation='none' role='participant' jid='${H}'`, [110]),
      noSubject(H),
    );
    await crone1.nothing();
  });

  test('§7.2.1, §7.7 unless he enters again with another availability', async () => {
    await enter(hag66, 'thirdwitch', [crone1]);
    await hag66.send(join('thirdwitch').replace('<x', '<show>away</show><x'));
    expect(crone1.inbox.map(String)).toEqual([expect.stringContaining('<show>away</show>')]);
  });

  test('§13.3 what only a room may say is not passed on', async () => {
    await hag66.send(
      `<presence to='${COVEN}/thirdwitch'><show>away</show><x xmlns='http://jabber.org/protocol/muc'/><x ${USER}><item affiliation='owner' role='moderator'/></x><occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/></presence>`,
    );
    const [heard] = crone1.inbox;
    expect(serialise(heard ?? (hag66.inbox[0] as never))).not.toContain('forged');
    expectLike(
      heard,
      `<presence from='${COVEN}/thirdwitch' to='${C}'><show>away</show><x ${USER}><item affiliation='none' jid='${H}' role='participant'/></x></presence>`,
    );
  });

  test.each(['probe', 'subscribe', 'subscribed'])(
    '§13.3 a presence of type %s is neither entry nor exit',
    async (type) => {
      await enter(hag66, 'thirdwitch', [crone1]);
      await hag66.send(`<presence to='${COVEN}/thirdwitch' type='${type}'/>`);
      await crone1.nothing();
    },
  );
});

describe('XEP-0045 §7.4 to §7.14', () => {
  let house: House;
  let crone1: Actor;
  let wiccarocks: Actor;
  let hag66: Actor;
  beforeEach(async () => {
    house = await openHouse({ invitations: 2, invitationsPerHour: 5, subjectSize: '64' });
    ({ crone1, wiccarocks, hag66 } = house);
    await makeRoom(crone1, 'firstwitch');
    await configure(crone1, { roomadmins: 'wiccarocks@shakespeare.lit' });
    await enter(wiccarocks, 'secondwitch');
    await enter(hag66, 'thirdwitch', [crone1, wiccarocks]);
  });
  afterEach(() => house.scene.stop());

  test('§7.4 a message is heard by all, with its id', async () => {
    await hag66.send(say("Harpier cries: 'tis time, 'tis time."));
    for (const [actor, to] of [
      [crone1, C],
      [wiccarocks, W],
      [hag66, H],
    ] as const) {
      expect(actor.inbox[0]?.attrs.id).toBe('hysf1v37');
      expectHeard(
        actor,
        `<message from='${COVEN}/thirdwitch' to='${to}' type='groupchat'><body>Harpier cries: 'tis time, 'tis time.</body></message>`,
      );
    }
  });

  test('§7.4 XEP-0359 each message has an id of the room, and none that is forged', async () => {
    await hag66.send(
      `<message to='${COVEN}' type='groupchat'><body>x</body><stanza-id xmlns='urn:xmpp:sid:0' by='${COVEN}' id='forged'/><stanza-id xmlns='urn:xmpp:sid:0' by='shakespeare.lit' id='theirs'/><occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/><x ${USER}><status code='307'/></x><delay xmlns='urn:xmpp:delay' from='${COVEN}' stamp='2000-01-01T00:00:00Z'/></message>`,
    );
    const [heard] = crone1.inbox;
    const text = heard === undefined ? '' : serialise(heard);
    expect(text).not.toContain('forged');
    expect(text).toContain('theirs'); // XEP-0359 §3: that of another entity is not ours to strip
    expect(text).not.toContain('307');
    expect(text).not.toContain('2000-01-01');
    expect(text).toMatch(
      /<stanza-id xmlns="urn:xmpp:sid:0" by="coven@chat.shakespeare.lit" id="[^"]+"\/>/,
    );
    expect(text.match(/<occupant-id /g)).toHaveLength(1);
  });

  test('§7.4 a visitor has no voice', async () => {
    await configure(crone1, { moderatedroom: '1' });
    await enter(house.hecate, 'fourthwitch');
    await house.hecate.send(say('may I?'));
    expectLike(
      await house.hecate.next(),
      `<message from='${COVEN}' to='${house.hecate.jid}' type='error'><body>may I?</body><error by='${COVEN}' type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
    );
    expect(textsIn(crone1)).toEqual([]);
  });

  test('§7.4 who is not there does not speak', async () => {
    await house.hecate.send(say('let me in'));
    expect(conditionIn(await house.hecate.next())).toBe('not-acceptable');
    await crone1.nothing();
    await house.hecate.send(`<message to='no@${CHAT}' type='groupchat'><body>x</body></message>`);
    expect(conditionIn(await house.hecate.next())).toBe('item-not-found');
  });

  test('§13.2 a message to all that is no groupchat is none', async () => {
    await hag66.send(`<message to='${COVEN}' type='chat'><body>x</body></message>`);
    expect(conditionIn(await hag66.next())).toBe('bad-request');
    await crone1.nothing();
  });

  test('§7.5 a private message', async () => {
    await wiccarocks.send(
      `<message to='${COVEN}/firstwitch' id='hgn27af1' type='chat'><body>I'll give thee a wind.</body><x ${USER}/></message>`,
    );
    expectHeard(
      crone1,
      `<message from='${COVEN}/secondwitch' to='${C}' type='chat'><body>I'll give thee a wind.</body><x ${USER}/></message>`,
    );
    await hag66.nothing();
  });

  test('§7.5 a private message carries the mark, and no invitation that is not one', async () => {
    await wiccarocks.send(
      `<message to='${COVEN}/firstwitch' type='chat'><body>x</body><x ${USER}><invite from='${C}'/></x></message>`,
    );
    expectHeard(
      crone1,
      `<message from='${COVEN}/secondwitch' to='${C}' type='chat'><body>x</body><x ${USER}/></message>`,
    );
  });

  test('§7.5 a private message of type groupchat is refused', async () => {
    await wiccarocks.send(
      `<message to='${COVEN}/firstwitch' id='bx71f29k' type='groupchat'><body>I'll give thee a wind.</body></message>`,
    );
    expectHeard(
      wiccarocks,
      `<message from='${COVEN}/firstwitch' to='${W}' type='error'><body>I'll give thee a wind.</body><error by='${COVEN}' type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
    );
  });

  test('§7.5 a private message to nobody, from nobody', async () => {
    const whisper = (nick: string) =>
      `<message to='${COVEN}/${nick}' type='chat'><body>x</body></message>`;
    await hag66.send(whisper('nobody'));
    expect(conditionIn(await hag66.next())).toBe('item-not-found');
    await house.hecate.send(whisper('firstwitch'));
    expect(conditionIn(await house.hecate.next())).toBe('not-acceptable');
  });

  test.each([
    ['anyone', [true, true, true]],
    ['participants', [false, true, true]],
    ['moderators', [false, false, true]],
    ['none', [false, false, false]],
  ] as const)('§7.5 private messages of %s', async (allowpm, expected) => {
    await configure(crone1, { allowpm, moderatedroom: '1' });
    await enter(house.hecate, 'visitor', [crone1, wiccarocks, hag66]);
    const senders = [house.hecate, hag66, wiccarocks];
    const passed: boolean[] = [];
    for (const sender of senders) {
      await sender.send(`<message to='${COVEN}/firstwitch' type='chat'><body>x</body></message>`);
      passed.push(textsIn(crone1).length > 0);
      crone1.inbox.length = 0;
      sender.inbox.length = 0;
    }
    expect(passed).toEqual(expected);
  });

  test('§7.6 another nick', async () => {
    await hag66.send(`<presence to='${COVEN}/oldhag' id='ifd1c35'/>`);
    const item = `affiliation='none' jid='${H}'`;
    for (const [actor, to, own] of [
      [crone1, C, []],
      [wiccarocks, W, []],
      [hag66, H, [110]],
    ] as const)
      expectHeard(
        actor,
        seen(
          'thirdwitch',
          to,
          `${item} nick='oldhag' role='participant'`,
          [303, ...own],
          'unavailable',
        ),
        seen('oldhag', to, `${item} role='participant'`, own),
      );
    await hag66.send(say('hear the old hag'));
    expect(crone1.inbox[0]?.attrs.from).toBe(`${COVEN}/oldhag`);
  });

  test('§7.6 a nick of somebody else is a conflict', async () => {
    await hag66.send(`<presence to='${COVEN}/firstwitch' id='ifd1c35'/>`);
    expectHeard(hag66, denied('firstwitch', H, 'cancel', 'conflict'));
    await crone1.nothing();
  });

  test('§7.6 where nicks are locked, another one is not acceptable; who enters is led to his own', async () => {
    await configure(crone1, { '{urn:rtcd:muc}lock_nicks': '1' });
    await crone1.ask(
      'set',
      "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='member' jid='hag66@shakespeare.lit' nick='thirdwitch'/></query>",
      COVEN,
    );
    hag66.inbox.length = 0;
    await hag66.send(`<presence to='${COVEN}/oldhag' id='ifd1c35'/>`);
    expectHeard(hag66, denied('oldhag', H, 'cancel', 'not-acceptable'));
    await hag66.send(`<presence to='${COVEN}/thirdwitch' type='unavailable'/>`);
    hag66.inbox.length = 0;
    await hag66.send(join('oldhag'));
    const own = hag66.inbox.find(({ attrs }) => attrs['from'] === `${COVEN}/thirdwitch`);
    expect(codesIn(own)).toEqual([110, 210]);
  });

  test('§7.7 availability', async () => {
    await wiccarocks.send(
      `<presence to='${COVEN}/secondwitch' id='kr7v143h'><show>xa</show><status>gone where the goblins go</status></presence>`,
    );
    expectHeard(
      crone1,
      `<presence from='${COVEN}/secondwitch' to='${C}'><show>xa</show><status>gone where the goblins go</status><x ${USER}><item affiliation='admin' jid='${W}' role='moderator'/></x></presence>`,
    );
    expect(codesIn(wiccarocks.inbox[0])).toEqual([110]);
  });

  describe('§7.8.2 invitations', () => {
    const invite = (...to: readonly string[]) =>
      `<message to='${COVEN}' id='nzd143v8'><x ${USER}>${to
        .map(
          (jid) =>
            `<invite to='${jid}'><reason>Hey Hecate, this is the place for all good witches!</reason></invite>`,
        )
        .join('')}</x></message>`;
    const HECATE = 'hecate@shakespeare.lit';
    beforeEach(() => house.hecate.send('<presence/>').then(() => house.hecate.inbox.splice(0)));

    test('go from the room, with its password', async () => {
      await configure(crone1, {
        passwordprotectedroom: '1',
        roomsecret: 'cauldronburn',
        whois: 'anyone',
      });
      await crone1.send(invite(HECATE));
      expectHeard(
        house.hecate,
        `<message from='${COVEN}' to='${HECATE}'><x ${USER}><invite from='${C}'><reason>Hey Hecate, this is the place for all good witches!</reason></invite><password>cauldronburn</password></x></message>`,
      );
    });

    test('name the inviter by his nick where JIDs are a secret', async () => {
      await hag66.send(invite(HECATE));
      expectHeard(
        house.hecate,
        `<message from='${COVEN}' to='${HECATE}'><x ${USER}><invite from='${COVEN}/thirdwitch'><reason>Hey Hecate, this is the place for all good witches!</reason></invite></x></message>`,
      );
    });

    test('are declined by way of the room', async () => {
      await configure(crone1, { whois: 'anyone' });
      crone1.inbox.length = 0;
      for (const to of ['crone1@shakespeare.lit', `${COVEN}/firstwitch`]) {
        await house.hecate.send(
          `<message to='${COVEN}' id='jk2vs61v'><x ${USER}><decline to='${to}'><reason>Sorry, I'm too busy right now.</reason></decline></x></message>`,
        );
        expectHeard(
          crone1,
          `<message from='${COVEN}' to='${C}'><x ${USER}><decline from='${HECATE}'><reason>Sorry, I'm too busy right now.</reason></decline></x></message>`,
        );
      }
    });

    test('§4.2 are not declined to a JID that is a secret, but to the nick', async () => {
      const decline = (to: string) =>
        `<message to='${COVEN}'><x ${USER}><decline to='${to}'/></x></message>`;
      await house.hecate.send(decline('crone1@shakespeare.lit'));
      const there = await house.hecate.next();
      await house.hecate.send(decline('bard@shakespeare.lit'));
      expect(conditionIn(there)).toBe('item-not-found');
      expect(conditionIn(await house.hecate.next())).toBe('item-not-found');
      await crone1.nothing();
      await house.hecate.send(decline(`${COVEN}/firstwitch`));
      expect(crone1.inbox.length).toBe(1);
    });

    test('are not declined by who is banned, nor without end', async () => {
      const decline = `<message to='${COVEN}'><x ${USER}><decline to='${COVEN}/firstwitch'/></x></message>`;
      for (let count = 0; count < 5; count += 1) await house.hecate.send(decline);
      expect(crone1.inbox.length).toBe(5);
      await house.hecate.send(decline);
      expect(conditionIn(await house.hecate.next())).toBe('policy-violation');
      const ban = "<item affiliation='outcast' jid='bard@shakespeare.lit'/>";
      await crone1.ask('set', admin(ban), COVEN);
      crone1.inbox.length = 0;
      await house.bard.send(decline);
      expect(conditionIn(await house.bard.next())).toBe('forbidden');
      await crone1.nothing();
    });

    test('§9.5 who became a member declines to the admin by whom he was invited', async () => {
      await house.hecate.send('<presence/>');
      await configure(crone1, { membersonly: '1' });
      crone1.inbox.length = 0;
      await crone1.ask(
        'set',
        "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='member' jid='hecate@shakespeare.lit'/></query>",
        COVEN,
      );
      expect(serialise(house.hecate.inbox.at(-1) as never)).toContain(
        '<invite from="crone1@shakespeare.lit"/>',
      );
      crone1.inbox.length = 0;
      await house.hecate.send(
        `<message to='${COVEN}'><x ${USER}><decline to='crone1@shakespeare.lit'/></x></message>`,
      );
      expect(serialise(crone1.inbox[0] as never)).toContain('<decline from=');
      const member = "<item affiliation='member' jid='hag66@shakespeare.lit'/>";
      await crone1.ask('set', admin(member), COVEN);
      await hag66.send(join('thirdwitch'));
      house.hecate.inbox.length = 0;
      await house.hecate.send(
        `<message to='${COVEN}'><x ${USER}><decline to='hag66@shakespeare.lit'/></x></message>`,
      );
      expect(conditionIn(await house.hecate.next()), 'who is no admin').toBe('item-not-found');
    });

    test('are not declined to somebody whom the room does not know', async () => {
      await house.hecate.send(
        `<message to='${COVEN}'><x ${USER}><decline to='bard@shakespeare.lit'/></x></message>`,
      );
      expect(conditionIn(await house.hecate.next())).toBe('item-not-found');
      await house.bard.nothing();
    });

    test('§7.9 continue a conversation, several at once', async () => {
      await crone1.send(
        `<message to='${COVEN}'><x ${USER}><invite to='${HECATE}'><continue thread='e0ffe42b'/></invite><invite to='${house.bard.jid}'><continue/></invite></x></message>`,
      );
      expectHeard(
        house.hecate,
        `<message from='${COVEN}' to='${HECATE}'><x ${USER}><invite from='${COVEN}/firstwitch'><continue thread='e0ffe42b'/></invite></x></message>`,
      );
      expectHeard(
        house.bard,
        `<message from='${COVEN}' to='${house.bard.jid}'><x ${USER}><invite from='${COVEN}/firstwitch'><continue/></invite></x></message>`,
      );
    });

    test('to a non-existent JID are answered with item-not-found, and nobody is invited', async () => {
      await configure(crone1, { membersonly: '1' });
      crone1.inbox.length = 0;
      await crone1.send(invite(HECATE, 'nobody@shakespeare.lit'));
      const answer = await crone1.next();
      expect(conditionIn(answer)).toBe('item-not-found');
      expect(answer.attrs).toMatchObject({ type: 'error', id: 'nzd143v8', from: COVEN, to: C });
      await house.hecate.nothing();
      await crone1.nothing();
    });

    test('to a non-existent JID elsewhere are, once its server says so, and only once', async () => {
      const sent: string[] = [];
      house.scene.router.useRemote((each) => {
        sent.push(serialise(each.element));
        return { kind: 'handled' };
      });
      await crone1.send(invite('nobody@far.example'));
      expect(sent.join('')).toContain('to="nobody@far.example"');
      const bounce = (from: string, condition: string) =>
        house.scene.router.route(
          stanza(
            `<message to='${COVEN}' type='error' id='nzd143v8'><error type='cancel'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
            from as never,
          ),
        );
      await bounce('other@far.example', 'service-unavailable');
      await bounce('nobody@far.example', 'resource-constraint');
      await crone1.nothing();
      await bounce('nobody@far.example', 'service-unavailable');
      expectHeard(
        crone1,
        `<message from='${COVEN}' to='${C}' type='error'><x ${USER}><invite to='nobody@far.example'/></x><error by='${COVEN}' type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>There is nobody at nobody@far.example.</text></error></message>`,
      );
      await bounce('nobody@far.example', 'service-unavailable');
      await crone1.nothing();
    });

    test.each([
      ['too many at once', invite(HECATE, 'a@b', 'c@d'), 'policy-violation'],
      ['no address', invite('@'), 'jid-malformed'],
    ])('%s', async (_, xml, condition) => {
      await crone1.send(xml);
      expect(conditionIn(await crone1.next())).toBe(condition);
      await house.hecate.nothing();
    });

    test('§13.6 nobody invites without end', async () => {
      for (let count = 0; count < 5; count += 1) await crone1.send(invite(HECATE));
      expect(house.hecate.inbox.length).toBe(5);
      await crone1.send(invite(HECATE));
      expect(conditionIn(await crone1.next())).toBe('policy-violation');
      house.scene.clock.advance(3_600_000);
      await crone1.send(invite(HECATE));
      expect(house.hecate.inbox.length).toBe(6);
    });

    test('who is not there does not invite', async () => {
      await house.hecate.send(invite('bard@shakespeare.lit'));
      expect(conditionIn(await house.hecate.next())).toBe('not-acceptable');
    });

    test('§9.5 into a members-only room admins invite, and whom they invite is a member', async () => {
      await configure(crone1, {
        membersonly: '1',
        roomadmins: 'wiccarocks@shakespeare.lit',
      });
      await crone1.ask(
        'set',
        "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='member' jid='hag66@shakespeare.lit'/></query>",
        COVEN,
      );
      await hag66.send(join('thirdwitch'));
      hag66.inbox.length = 0;
      await hag66.send(invite(HECATE));
      expectHeard(
        hag66,
        `<message from='${COVEN}' to='${H}' type='error'><x ${USER}><invite to='${HECATE}'><reason>Hey Hecate, this is the place for all good witches!</reason></invite></x><error by='${COVEN}' type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
      );
      await wiccarocks.send(invite(HECATE));
      house.hecate.inbox.length = 0;
      await house.hecate.send(join('hecate'));
      expect(codesIn(house.hecate.inbox.at(-2))).toEqual([110]);
    });

    test('§9.5 members invite where the room lets them', async () => {
      await configure(crone1, { membersonly: '1', allowinvites: '1' });
      await crone1.ask(
        'set',
        "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='member' jid='hag66@shakespeare.lit'/></query>",
        COVEN,
      );
      await hag66.send(join('thirdwitch'));
      await hag66.send(invite(HECATE));
      expect(house.hecate.inbox.length).toBe(1);
    });
  });

  describe('§7.10 registering', () => {
    const QUERY = "<query xmlns='jabber:iq:register'/>";
    const form = (nick: string) =>
      `<query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#register</value></field><field var='muc#register_roomnick'><value>${nick}</value></field></x></query>`;

    test('with no room', async () => {
      expect(conditionIn(await hag66.ask('get', QUERY, `no@${CHAT}`))).toBe('item-not-found');
    });

    test('where it is not allowed', async () => {
      expect(conditionIn(await hag66.ask('get', QUERY, COVEN))).toBe('not-allowed');
      expect(conditionIn(await hag66.ask('set', form('thirdwitch'), COVEN))).toBe('not-allowed');
    });

    test('into a room for members nobody is invited by himself', async () => {
      await configure(crone1, { '{urn:rtcd:muc}registration': '1', membersonly: '1' });
      const { hecate } = house;
      await hecate.send('<presence/>');
      hecate.inbox.length = 0;
      await hecate.ask('set', form('fourthwitch'), COVEN);
      expect(hecate.inbox.map(String)).toEqual([]);
    });

    test('asks for a nick, makes a member of who registers, and tells all', async () => {
      await configure(crone1, { '{urn:rtcd:muc}registration': '1' });
      crone1.inbox.length = 0;
      const asked = resultIn(await hag66.ask('get', QUERY, COVEN));
      expect(asked).toContain('<value>http://jabber.org/protocol/muc#register</value>');
      expect(asked).toContain(
        '<field var="muc#register_roomnick" type="text-single" label="Desired Nickname"><required/>',
      );
      hag66.inbox.length = 0;
      const answer = await hag66.ask('set', form('thirdwitch'), COVEN);
      expect(resultIn(answer)).toBe('');
      expectHeard(
        crone1,
        seen('thirdwitch', C, `affiliation='member' jid='${H}' role='participant'`),
      );
      expect(resultIn(await hag66.ask('get', QUERY, COVEN))).toBe(
        '<query xmlns="jabber:iq:register"><registered/><username>thirdwitch</username></query>',
      );
      // §7.12: nobody else has that nick now.
      await hag66.send(`<presence to='${COVEN}/thirdwitch' type='unavailable'/>`);
      await house.hecate.send(join('thirdwitch'));
      expect(conditionIn(await house.hecate.next())).toBe('conflict');
      expect(conditionIn(await house.hecate.ask('set', form('ThirdWitch'), COVEN))).toBe(
        'conflict',
      );
      expect(conditionIn(await house.hecate.ask('set', QUERY, COVEN))).toBe('bad-request');
      const remove = "<query xmlns='jabber:iq:register'><remove/></query>";
      expect(resultIn(await hag66.ask('set', remove, COVEN))).toBe('');
      await house.hecate.send(join('thirdwitch'));
      expect(codesIn(house.hecate.inbox.at(-2))).toEqual([110]);
    });

    test('§7.12 the nick that is reserved', async () => {
      const node = "<query xmlns='http://jabber.org/protocol/disco#info' node='x-roomuser-item'/>";
      expect(resultIn(await hag66.ask('get', node, COVEN))).toBe(
        '<query xmlns="http://jabber.org/protocol/disco#info" node="x-roomuser-item"/>',
      );
      await configure(crone1, { '{urn:rtcd:muc}registration': '1' });
      await hag66.ask('set', form('thirdwitch'), COVEN);
      expect(resultIn(await hag66.ask('get', node, COVEN))).toBe(
        '<query xmlns="http://jabber.org/protocol/disco#info" node="x-roomuser-item"><identity category="conference" type="text" name="thirdwitch"/></query>',
      );
    });
  });

  test('§17.1.1 a room keeps nothing back', async () => {
    const node =
      "<query xmlns='http://jabber.org/protocol/disco#info' node='http://jabber.org/protocol/muc#traffic'/>";
    expect(conditionIn(await hag66.ask('get', node, COVEN))).toBe('service-unavailable');
  });

  test('§7.13, §8.6 voice is asked for and granted', async () => {
    await configure(crone1, { moderatedroom: '1' });
    await house.hecate.send(join('visitor'));
    for (const each of [crone1, wiccarocks, hag66, house.hecate]) each.inbox.length = 0;
    const field = (name: string, value: string) =>
      `<field var='${name}'><value>${value}</value></field>`;
    const request = (inner: string) =>
      `<message to='${COVEN}' id='yd53c486'><x xmlns='jabber:x:data' type='submit'>${field('FORM_TYPE', 'http://jabber.org/protocol/muc#request')}${inner}</x></message>`;
    await house.hecate.send(request(field('muc#role', 'participant')));
    await hag66.nothing();
    expect(wiccarocks.inbox.length).toBe(1);
    const asked = serialise(await crone1.next());
    for (const part of [
      '<field var="muc#role" type="list-single" label="Requested role"><value>participant</value>',
      `<field var="muc#jid" type="jid-single" label="User ID"><value>${house.hecate.jid}</value>`,
      '<field var="muc#roomnick" type="text-single" label="Room Nickname"><value>visitor</value>',
      '<field var="muc#request_allow" type="boolean" label="Grant voice to this person?"><value>false</value>',
    ])
      expect(asked).toContain(part);
    const approval = (allow: string) =>
      request(
        field('muc#role', 'participant') +
          field('muc#jid', house.hecate.jid) +
          field('muc#roomnick', 'visitor') +
          field('muc#request_allow', allow),
      );
    await hag66.send(approval('true'));
    expect(conditionIn(await hag66.next())).toBe('forbidden');
    await crone1.send(approval('false'));
    await house.hecate.nothing();
    await crone1.send(approval('true'));
    expectHeard(hag66, seen('visitor', H, "affiliation='none' role='participant'"));
    await house.hecate.send(say('thanks'));
    expect(textsIn(hag66)).toEqual(['thanks']);
    for (const each of [crone1, wiccarocks, hag66, house.hecate]) each.inbox.length = 0;
    // Who has voice asks for nothing, and is not made less by an answer that comes late.
    await house.hecate.send(request(field('muc#role', 'participant')));
    await crone1.nothing();
    await crone1.ask('set', admin("<item nick='visitor' role='moderator'/>"), COVEN);
    hag66.inbox.length = 0;
    await wiccarocks.send(approval('true'));
    await hag66.nothing();
    // Nor has somebody else voice who came under the same nick.
    await house.hecate.send(`<presence to='${COVEN}/visitor' type='unavailable'/>`);
    await house.bard.send(join('visitor'));
    crone1.inbox.length = 0;
    await crone1.send(approval('true'));
    expect(conditionIn(await crone1.next())).toBe('item-not-found');
  });

  test('§7.14 leaving', async () => {
    await hag66.send(`<presence to='${COVEN}/thirdwitch' type='unavailable'/>`);
    const item = `affiliation='none' jid='${H}' role='none'`;
    expectHeard(hag66, seen('thirdwitch', H, item, [110], 'unavailable'));
    expectHeard(crone1, seen('thirdwitch', C, item, [], 'unavailable'));
    expectHeard(wiccarocks, seen('thirdwitch', W, item, [], 'unavailable'));
    await hag66.send(`<presence to='${COVEN}/thirdwitch' type='unavailable'/>`);
    await hag66.nothing();
  });

  test('§7.14 leaving with a word', async () => {
    await wiccarocks.send(
      `<presence to='${COVEN}/secondwitch' type='unavailable'><status>gone where the goblins go</status></presence>`,
    );
    expectHeard(
      crone1,
      `<presence from='${COVEN}/secondwitch' to='${C}' type='unavailable'><status>gone where the goblins go</status><x ${USER}><item affiliation='admin' jid='${W}' role='none'/></x></presence>`,
    );
  });

  test('§7.14 whose connection ends has left', async () => {
    await hag66.disconnect({ kind: 'lost', text: 'gone' });
    expectHeard(
      crone1,
      seen('thirdwitch', C, `affiliation='none' jid='${H}' role='none'`, [], 'unavailable'),
    );
  });

  test('§7.14 a room that is not persistent ends with its last occupant', async () => {
    for (const [actor, nick] of [
      [crone1, 'firstwitch'],
      [wiccarocks, 'secondwitch'],
      [hag66, 'thirdwitch'],
    ] as const)
      await actor.send(`<presence to='${COVEN}/${nick}' type='unavailable'/>`);
    house.hecate.inbox.length = 0;
    await house.hecate.send(join('hecate'));
    expect(codesIn(house.hecate.inbox[0])).toEqual([110, 201]);
  });

  test('XEP-0410 §3.2 who was in a room that is no more is not told that he still is', async () => {
    const ping = "<ping xmlns='urn:xmpp:ping'/>";
    const gone = `no@${CHAT}`;
    const refused = await hag66.ask('get', ping, `${gone}/thirdwitch`);
    expect(conditionIn(refused)).toBe('not-acceptable');
    expect(conditionIn(await hag66.ask('get', ping, gone))).toBe('item-not-found');
  });

  test('XEP-0410 §3.2, §4: an occupant who pings himself is answered by the room', async () => {
    const ping = "<ping xmlns='urn:xmpp:ping'/>";
    expect(resultIn(await hag66.ask('get', ping, `${COVEN}/thirdwitch`))).toBe('');
    // Another request than that is passed on, as to anybody.
    await hag66.send(
      `<iq type='get' id='v' to='${COVEN}/thirdwitch'><query xmlns='jabber:iq:version'/></iq>`,
    );
    expect(serialise(await hag66.next())).toContain('<query xmlns="jabber:iq:version"/>');
    const refused = await house.hecate.ask('get', ping, `${COVEN}/hecate`);
    expect(conditionIn(refused)).toBe('not-acceptable');
    expect(serialise(refused)).toContain(`<error by="${COVEN}" type="cancel">`);
    const info = await hag66.ask(
      'get',
      "<query xmlns='http://jabber.org/protocol/disco#info'/>",
      COVEN,
    );
    expect(resultIn(info)).toContain('http://jabber.org/protocol/muc#self-ping-optimization');
  });

  test('XEP-0421 §4.1: the same id each time, another in each room and for each user', async () => {
    const idOf = (actor: Actor, nick: string, room = COVEN) => {
      const own = actor.inbox.find(({ attrs }) => attrs['from'] === `${room}/${nick}`);
      const id =
        own === undefined ? undefined : childOf(own, 'occupant-id', 'urn:xmpp:occupant-id:0');
      return id?.attrs.id ?? '';
    };
    await hag66.send(`<presence to='${COVEN}/thirdwitch' type='unavailable'/>`);
    hag66.inbox.length = 0;
    await hag66.send(join('one'));
    const first = idOf(hag66, 'one');
    expect(first.length).toBeGreaterThan(20);
    await hag66.send(`<presence to='${COVEN}/two'/>`);
    expect(idOf(hag66, 'two')).toBe(first);
    await hag66.send(join('one', '', `other@${CHAT}`));
    expect(idOf(hag66, 'one', `other@${CHAT}`)).not.toBe(first);
    await house.hecate.send(join('hecate'));
    expect(idOf(house.hecate, 'hecate')).not.toBe(first);
  });
});

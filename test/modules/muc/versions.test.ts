/** XEP-0463: MUC Affiliations Versioning; the flows in their order. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bareOf } from '../../../src/jid/jid.ts';
import { emptyRoom, withAffiliates } from '../../../src/modules/muc/room.ts';
import { createRoomTables } from '../../../src/modules/muc/tables.ts';
import { MAX_CHANGES, versionOf } from '../../../src/modules/muc/versions.ts';
import { childOf, childrenOf, type Element, serialise } from '../../../src/xml/element.ts';
import { bare } from '../../operations/support.ts';
import { resultIn } from '../../support/answers.ts';
import type { Actor } from '../../support/scene.ts';
import {
  admin,
  CHAT,
  COVEN,
  calm,
  configure,
  enter,
  expectHeard,
  type House,
  join,
  MAV,
  makeRoom,
  openHouse,
} from './house.ts';

let house: House;
let crone1: Actor;
let wiccarocks: Actor;
let hag66: Actor;
let hecate: Actor;
/** A room of the company: all see who belongs to it, and nobody else enters. */
beforeEach(async () => {
  house = await openHouse();
  ({ crone1, wiccarocks, hag66, hecate } = house);
  await makeRoom(crone1, 'firstwitch', {
    persistentroom: '1',
    membersonly: '1',
    whois: 'anyone',
    roomadmins: 'wiccarocks@shakespeare.lit',
  });
});
afterEach(() => house.scene.stop());

const ask = (since?: string) =>
  `<mav xmlns='${MAV}'${since === undefined ? '' : ` since='${since}'`}/>`;
const user = (inner: string) => `<x xmlns='http://jabber.org/protocol/muc#user'>${inner}</x>`;
const mavIn = (stanza: Element | undefined) => {
  const x = stanza && childOf(stanza, 'x', 'http://jabber.org/protocol/muc#user');
  return (x && childOf(x, 'mav', MAV))?.attrs ?? {};
};
const affiliate = (account: string, affiliation: string, actor = crone1) =>
  actor.ask('set', admin(`<item affiliation='${affiliation}' jid='${account}'/>`), COVEN);
const leave = (actor: Actor, nick: string) =>
  actor.send(`<presence to='${COVEN}/${nick}' type='unavailable'/>`);
/** The version that somebody is told when he enters; what he hears is forgotten. */
const versionFor = async (actor: Actor, nick: string): Promise<string> => {
  await actor.send(join(nick));
  const self = actor.inbox.find((each) => serialise(each).includes('code="110"'));
  actor.inbox.length = 0;
  return mavIn(self)['until'] ?? '';
};
const forget = () => {
  for (const each of [crone1, wiccarocks, hag66, hecate]) each.inbox.length = 0;
};
const listed = (stanza: Element | undefined): string[] => {
  const x = stanza && childOf(stanza, 'x', 'http://jabber.org/protocol/muc#user');
  return childrenOf(x ?? stanza ?? expect.fail('nothing'))
    .filter(({ name }) => name === 'item')
    .map(({ attrs }) => `${attrs['jid']} ${attrs['affiliation']}`);
};

describe('Discovering Support', () => {
  test('a room says that it can', async () => {
    const info = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
    expect(resultIn(await crone1.ask('get', info, COVEN))).toContain(`<feature var="${MAV}"`);
  });
});

describe('Client request', () => {
  test('a bootstrap request gets the full list, before any presence', async () => {
    await wiccarocks.send(join('secondwitch', ask()));
    const [first, other, self] = wiccarocks.inbox;
    const until = mavIn(self)['until'];
    expect(mavIn(first)).toMatchObject({ until });
    expect(mavIn(first)).not.toHaveProperty('since');
    expect(first?.name).toBe('message');
    expect(other?.attrs['from']).toBe(`${COVEN}/firstwitch`);
    expect(listed(first)).toEqual([
      'crone1@shakespeare.lit owner',
      'wiccarocks@shakespeare.lit admin',
    ]);
  });

  test('nobody else learns that somebody asked', async () => {
    await wiccarocks.send(join('secondwitch', ask('f123')));
    expect(crone1.inbox.length).toBe(1);
    expect(serialise(crone1.inbox[0] ?? expect.fail())).not.toContain(MAV);
  });

  test('who lost track and enters again is answered, too', async () => {
    const since = await versionFor(wiccarocks, 'secondwitch');
    await affiliate('hag66@shakespeare.lit', 'member');
    forget();
    await wiccarocks.send(join('secondwitch', ask(since)));
    expect(listed(wiccarocks.inbox[0])).toEqual(['hag66@shakespeare.lit member']);
    expect(mavIn(wiccarocks.inbox[0])['since']).toBe(since);
  });
});

describe('On Join', () => {
  test('a known version gets what changed since, each account once and as it is now', async () => {
    const since = await versionFor(wiccarocks, 'secondwitch');
    await leave(wiccarocks, 'secondwitch');
    await affiliate('hag66@shakespeare.lit', 'member');
    await affiliate('hecate@shakespeare.lit', 'member');
    await affiliate('hag66@shakespeare.lit', 'owner');
    await affiliate('hecate@shakespeare.lit', 'none');
    forget();
    await wiccarocks.send(join('secondwitch', ask(since)));
    const [first, , self] = wiccarocks.inbox;
    expectHeard(
      { ...wiccarocks, inbox: first === undefined ? [] : [first] },
      `<message from='${COVEN}' to='${wiccarocks.jid}'>${user(
        `<mav xmlns='${MAV}' since='${since}' until='${mavIn(self)['until']}'/>
         <item jid='hag66@shakespeare.lit' affiliation='owner'/>
         <item jid='hecate@shakespeare.lit' affiliation='none'/>`,
      )}</message>`,
    );
  });

  test('the current version gets no message; the presence of oneself names it', async () => {
    const since = await versionFor(wiccarocks, 'secondwitch');
    await leave(wiccarocks, 'secondwitch');
    forget();
    await wiccarocks.send(join('secondwitch', ask(since)));
    expect(wiccarocks.inbox.slice(0, 2).map(({ name }) => name)).toEqual(['presence', 'presence']);
    expect(mavIn(wiccarocks.inbox[1])).toMatchObject({ until: since });
  });

  test.each(['9pacabr2q1', '', 'f', '\u{1F9D9}'])(
    'the unknown version %j gets the full list',
    async (since) => {
      await wiccarocks.send(join('secondwitch', ask(since)));
      expect(mavIn(wiccarocks.inbox[0])).not.toHaveProperty('since');
      expect(listed(wiccarocks.inbox[0]).length).toBe(2);
    },
  );

  test('each presence of oneself names the version', async () => {
    const until = await versionFor(wiccarocks, 'secondwitch');
    await wiccarocks.send(`<presence to='${COVEN}/secondwitch'><show>away</show></presence>`);
    expect(mavIn(wiccarocks.inbox.at(-1))).toMatchObject({ until });
  });

  test('a long list comes in several messages, whose versions meet', async () => {
    const long = 'x'.repeat(1000);
    const items = Array.from(
      { length: 100 },
      (_, index) => `<item affiliation='member' jid='${long}${index}@remote.example'/>`,
    );
    await crone1.ask('set', admin(items.join('')), COVEN);
    await wiccarocks.send(join('secondwitch', ask()));
    const pages = wiccarocks.inbox.filter((each) => listed(each).length > 1);
    expect(pages.length).toBeGreaterThan(2);
    expect(pages.flatMap(listed).length).toBe(102);
    let since: string | undefined;
    for (const page of pages) {
      expect(mavIn(page)['since']).toBe(since);
      since = mavIn(page)['until'];
    }
    const self = wiccarocks.inbox.find((each) => serialise(each).includes('code="110"'));
    expect(mavIn(self)['until']).toBe(since);
  });
});

describe('Affiliation Changes', () => {
  beforeEach(async () => {
    await affiliate('hag66@shakespeare.lit', 'member');
    await enter(wiccarocks, 'secondwitch', [crone1]);
    await enter(hag66, 'thirdwitch', [crone1, wiccarocks]);
  });

  test('all who may get the lists hear of somebody who is not there', async () => {
    const since = await versionFor(hag66, 'thirdwitch');
    forget();
    await affiliate('peter@shakespeare.lit', 'member');
    const until = mavIn(hag66.inbox[0])['until'];
    expect(until).not.toBe(since);
    expectHeard(
      hag66,
      `<message from='${COVEN}' to='${hag66.jid}'>${user(
        `<mav xmlns='${MAV}' since='${since}' until='${until}'/>
         <item jid='peter@shakespeare.lit' affiliation='member' role='none'/>`,
      )}</message>`,
    );
    forget();
    await affiliate('peter@shakespeare.lit', 'none');
    expect(mavIn(hag66.inbox[0])).toMatchObject({ since: until });
    expect(listed(hag66.inbox[0])).toEqual(['peter@shakespeare.lit none']);
  });

  test('of somebody who is there by his presence, which himself hears with it, too', async () => {
    const since = await versionFor(hag66, 'thirdwitch');
    forget();
    await affiliate('wiccarocks@shakespeare.lit', 'member');
    const [heard, ...more] = hag66.inbox;
    expect(more).toEqual([]);
    expect(heard?.attrs['from']).toBe(`${COVEN}/secondwitch`);
    expect(mavIn(heard)['since']).toBe(since);
    // He sees no more than hag66 now, and it is his own version of the lists.
    expect(mavIn(wiccarocks.inbox[0])).toEqual(mavIn(heard));
    expect(mavIn(crone1.inbox[0])['until']).not.toBe(mavIn(heard)['until']);
  });

  test('several changes of one request follow one after the other', async () => {
    const since = await versionFor(hag66, 'thirdwitch');
    forget();
    await crone1.ask(
      'set',
      admin(
        "<item affiliation='member' jid='peter@shakespeare.lit'/><item affiliation='member' jid='wiccarocks@shakespeare.lit'/><item affiliation='owner' jid='hag66@shakespeare.lit'/>",
      ),
      COVEN,
    );
    // He is told of himself last, and of the lists that he may get as an owner.
    const [first, second, third] = hag66.inbox.map(mavIn);
    expect(second?.['since']).toBe(first?.['until']);
    expect(third?.['since']).toBe(second?.['until']);
    expect(first?.['since']).not.toBe(since);
  });

  test('whoever is removed is told last of all without a version, others with one', async () => {
    forget();
    await affiliate('hag66@shakespeare.lit', 'none');
    expect(hag66.inbox.map(mavIn)).toEqual([{}]);
    expect(listed(wiccarocks.inbox[0])).toEqual([`${hag66.jid} none`]);
    expect(mavIn(wiccarocks.inbox[0])).toHaveProperty('since');
  });

  test('of one whose presence is not shown there is a message', async () => {
    await configure(crone1, { presencebroadcast: ['moderator'] });
    forget();
    await affiliate('hag66@shakespeare.lit', 'none');
    expect(wiccarocks.inbox.map(({ name }) => name)).toEqual(['message']);
    expect(listed(wiccarocks.inbox[0])).toEqual(['hag66@shakespeare.lit none']);
  });

  test('who is invited, and an account that is removed, are in it', async () => {
    const since = await versionFor(wiccarocks, 'secondwitch');
    await hecate.send('<presence/>');
    forget();
    await crone1.send(
      `<message to='${COVEN}'>${user("<invite to='hecate@shakespeare.lit'/>")}</message>`,
    );
    expect(listed(wiccarocks.inbox[0])).toEqual(['hecate@shakespeare.lit member']);
    expect(hecate.inbox.length, 'one invitation').toBe(1);
    await house.scene.registry.removeAccount(bareOf(hecate.jid), 'gone');
    await calm(house.scene);
    expect(listed(wiccarocks.inbox[1])).toEqual(['hecate@shakespeare.lit none']);
    forget();
    await wiccarocks.send(join('secondwitch', ask(since)));
    expect(listed(wiccarocks.inbox[0])).toEqual(['hecate@shakespeare.lit none']);
  });

  test('members do not hear of those who are banned, and keep their version', async () => {
    const since = await versionFor(hag66, 'thirdwitch');
    forget();
    await affiliate('peter@shakespeare.lit', 'outcast');
    await affiliate(CHAT, 'outcast');
    expect(hag66.inbox).toEqual([]);
    expect(wiccarocks.inbox.map(listed)).toEqual([
      ['peter@shakespeare.lit outcast'],
      [`${CHAT} outcast`],
    ]);
    await hag66.send(join('thirdwitch', ask(since)));
    expect(hag66.inbox[0]?.name).toBe('presence');
    expect(mavIn(hag66.inbox[2])).toMatchObject({ until: since });
  });
});

describe('Error Cases', () => {
  const forbidden = (to: Actor) =>
    `<message from='${COVEN}' to='${to.jid}' type='error' id='n13mt3l'><error by='${COVEN}' type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`;

  test('who may not get the lists is told so, and enters', async () => {
    await configure(crone1, { membersonly: '0', whois: 'moderators' });
    await hag66.send(join('thirdwitch', ask()));
    const [error, , self] = hag66.inbox;
    expectHeard({ ...hag66, inbox: error === undefined ? [] : [error] }, forbidden(hag66));
    expect(mavIn(self)).toEqual({});
    forget();
    await affiliate('peter@shakespeare.lit', 'admin');
    expect(hag66.inbox).toEqual([]);
  });

  test('§Security Considerations a version of others, from before he belonged to it, is refused', async () => {
    await affiliate('hecate@shakespeare.lit', 'member');
    const since = await versionFor(hecate, 'fourthwitch');
    await affiliate('peter@shakespeare.lit', 'member');
    await affiliate('peter@shakespeare.lit', 'none');
    await affiliate('hag66@shakespeare.lit', 'member');
    forget();
    await hag66.send(join('thirdwitch', ask(since)));
    const [error] = hag66.inbox;
    expectHeard({ ...hag66, inbox: error === undefined ? [] : [error] }, forbidden(hag66));
    expect(
      mavIn(hag66.inbox.find((each) => serialise(each).includes('code="110"'))),
    ).toHaveProperty('until');
  });

  test('who rises is sent the whole: his version was of fewer lists', async () => {
    await affiliate('hag66@shakespeare.lit', 'member');
    const since = await versionFor(hag66, 'thirdwitch');
    await affiliate('peter@shakespeare.lit', 'outcast');
    await affiliate('hag66@shakespeare.lit', 'owner');
    forget();
    await hag66.send(join('thirdwitch', ask(since)));
    expect(mavIn(hag66.inbox[0])).not.toHaveProperty('since');
    expect(listed(hag66.inbox[0])).toContain('peter@shakespeare.lit outcast');
  });
});

describe('what lasts', () => {
  const all = new Set(['owner', 'admin', 'member', 'outcast'] as const);

  test('versions and changes survive a restart, and go with the room', async () => {
    await affiliate('hag66@shakespeare.lit', 'member');
    const tables = createRoomTables(house.scene.store);
    const room = await tables.load(bare(COVEN));
    expect(room?.changes.map(({ seq, account, now }) => [seq, account, now])).toEqual([
      [1, 'wiccarocks@shakespeare.lit', 'admin'],
      [2, 'hag66@shakespeare.lit', 'member'],
    ]);
    expect(room && versionOf(room, all)).toBe(await versionFor(crone1, 'firstwitch'));
    await crone1.ask(
      'set',
      "<query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query>",
      COVEN,
    );
    const db = house.scene.store.tables<Record<string, Record<string, unknown>>>();
    const left = db.selectFrom('muc_list_changes').selectAll();
    expect(await house.scene.store.read(left)).toEqual([]);
  });

  test('no more changes are kept than there may be; older versions get the whole', async () => {
    const since = await versionFor(wiccarocks, 'secondwitch');
    const items = Array.from(
      { length: MAX_CHANGES + 10 },
      (_, index) => `<item affiliation='member' jid='witch${index}@shakespeare.lit'/>`,
    );
    await crone1.ask('set', admin(items.join('')), COVEN);
    const heard = wiccarocks.inbox.map(mavIn);
    expect(heard.length).toBe(items.length);
    expect(heard[0]?.['since']).toBe(since);
    await affiliate('hag66@shakespeare.lit', 'member');
    const room = await createRoomTables(house.scene.store).load(bare(COVEN));
    expect(room?.changes.length).toBe(MAX_CHANGES);
    forget();
    await wiccarocks.send(join('secondwitch', ask(since)));
    expect(mavIn(wiccarocks.inbox[0])).not.toHaveProperty('since');
    forget();
    await wiccarocks.send(join('secondwitch', ask(heard[50]?.['until'])));
    expect(listed(wiccarocks.inbox[0]).length).toBe(items.length - 51 + 1);
  });

  test('the same changes make the same versions, others never do', () => {
    const room = emptyRoom({ jid: bare(COVEN), created: 1 });
    const member = { affiliation: 'member', nick: '', reason: '' } as const;
    const one = withAffiliates(room, [[bare('a@b.example'), member]]);
    const back = withAffiliates(one, [[bare('a@b.example'), undefined]]);
    const versions = [room, one, back].map((each) => versionOf(each, all));
    expect(new Set(versions).size).toBe(3);
    expect(versionOf(withAffiliates(room, [[bare('a@b.example'), member]]), all)).toBe(versions[1]);
    expect(versionOf({ ...room, created: 2 }, all)).not.toBe(versions[0]);
  });
});

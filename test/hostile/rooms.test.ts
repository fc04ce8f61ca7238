/** What strangers may do to rooms: many of them, much of it, and in another's name. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Stanza } from '../../src/stanza/stanza.ts';
import { childOf, serialise } from '../../src/xml/element.ts';
import {
  admin,
  CHAT,
  COVEN,
  calm,
  codesIn,
  configure,
  enter,
  type House,
  join,
  makeRoom,
  openHouse,
} from '../modules/muc/house.ts';
import { stanza } from '../operations/support.ts';
import { conditionIn } from '../support/answers.ts';
import type { Actor } from '../support/scene.ts';

let house: House;
let crone1: Actor;
let hag66: Actor;
/** What was sent to other domains. */
let sent: Stanza[];
const far = (xml: string, from: string) =>
  void house.scene.router.route(stanza(xml, from as never));
const open = async (settings: Readonly<Record<string, unknown>> = {}) => {
  house = await openHouse(settings);
  ({ crone1, hag66 } = house);
  sent = [];
  house.scene.router.useRemote((each) => {
    sent.push(each);
    return { kind: 'handled' };
  });
  await makeRoom(crone1, 'firstwitch', { persistentroom: '1' });
};
afterEach(() => house.scene.stop());

describe('crowds', () => {
  test('§7.2.9 ten thousand want to enter: as many as there are places do', async () => {
    await open({ maxOccupants: 100 });
    for (let count = 0; count < 10_000; count += 1) {
      far(join(`n${count}`), `u${count}@far.example/x`);
      if (count === 200) await calm(house.scene);
    }
    await calm(house.scene);
    const refused = sent.filter(({ element }) => conditionIn(element) === 'service-unavailable');
    expect(refused.length).toBe(10_000 - 99);
    expect(sent.filter(({ element }) => codesIn(element).includes(110)).length).toBe(99);
  });

  test('presence broadcast by role: who enters a large room is sent moderators and himself', async () => {
    await open({ maxOccupants: 1000 });
    await configure(crone1, { presencebroadcast: ['moderator'] });
    for (let count = 0; count < 500; count += 1) far(join(`n${count}`), `u${count}@far.example/x`);
    await calm(house.scene);
    // Each: the moderator, himself, the subject, not the 499 others.
    expect(sent.filter(({ kind }) => kind === 'presence').length).toBe(1000);
    crone1.inbox.length = 0;
    await hag66.send(join('hag'));
    expect(hag66.inbox.map(({ attrs }) => attrs.from)).toEqual([
      `${COVEN}/firstwitch`,
      `${COVEN}/hag`,
      COVEN,
    ]);
    await crone1.nothing();
  });

  test('who comes, goes and changes without end waits, and always gets out', async () => {
    await open({ presencesPerMinute: 10 });
    for (let count = 0; count < 5; count += 1) {
      await hag66.send(join('hag'));
      await hag66.send(`<presence to='${COVEN}/hag' type='unavailable'/>`);
    }
    await hag66.send(join('hag'));
    for (let count = 0; count < 4; count += 1)
      await hag66.send(`<presence to='${COVEN}/hag'><status>${count}</status></presence>`);
    hag66.inbox.length = 0;
    await hag66.send(`<presence to='${COVEN}/witch'/>`);
    const refused = await hag66.next();
    expect(conditionIn(refused)).toBe('policy-violation');
    expect(serialise(refused as never)).toContain('type="wait"');
    await hag66.send(`<presence to='${COVEN}/hag' type='unavailable'/>`);
    expect(codesIn(hag66.inbox.splice(0)[0])).toEqual([110]);
    await enter(house.bard, 'bard'); // others are not held up
    house.scene.clock.advance(60_000);
    await hag66.send(join('hag'));
    expect(codesIn(hag66.inbox.at(-2))).toEqual([110]);
  });
});

describe('what a config or a presence makes of it', () => {
  test('a limit that is changed holds at once', async () => {
    const settings: Record<string, unknown> = { presencesPerMinute: 5 };
    await open(settings);
    const update = () => hag66.send(`<presence to='${COVEN}/hag'><status>x</status></presence>`);
    await hag66.send(join('hag'));
    for (let count = 0; count < 5; count += 1) await update();
    expect(conditionIn(hag66.inbox.at(-1) as never)).toBe('policy-violation');
    settings['presencesPerMinute'] = 50;
    hag66.inbox.length = 0;
    await update();
    expect(hag66.inbox.at(-1)?.attrs.type).toBeUndefined();
  });

  test('a presence is passed on without what is too large in it', async () => {
    await open();
    const [small, large] = ['<show>away</show>', `<big xmlns='urn:x'>${'y'.repeat(20_000)}</big>`];
    const joining = join('hag').replace('</presence>', `${large}${small}</presence>`);
    await hag66.send(joining);
    const text = serialise(crone1.inbox.at(-1) as never);
    expect(text).toContain(small);
    expect(text).not.toContain('<big');
    expect(text.length).toBeLessThan(1000);
  });
});

describe('masses', () => {
  beforeEach(() => open());

  test('lists of five thousand are written at once, and read in one answer', async () => {
    const items = Array.from(
      { length: 4999 },
      (_, index) => `<item affiliation='member' jid='u${index}@far.example' nick='n${index}'/>`,
    );
    expect(conditionIn(await crone1.ask('set', admin(items.join('')), COVEN))).toBeUndefined();
    const list = serialise(await crone1.ask('get', admin("<item affiliation='member'/>"), COVEN));
    expect(list.split('<item ').length).toBe(5000);
    const more = "<item affiliation='outcast' jid='more@far.example'/>";
    expect(conditionIn(await crone1.ask('set', admin(more), COVEN))).toBe('resource-constraint');
    // Their nicks are theirs.
    far(join('N4998'), 'other@far.example/x');
    await calm(house.scene);
    expect(conditionIn(sent.at(-1)?.element as never)).toBe('conflict');
  });

  test.each([['a subject', (text: string) => `<subject>${text}</subject>`]])(
    '%s that is too large is refused, and heard by nobody',
    async (_, inner) => {
      await enter(hag66, 'hag', [crone1]);
      await crone1.send(
        `<message to='${COVEN}' type='groupchat'>${inner('x'.repeat(5000))}</message>`,
      );
      expect(conditionIn(crone1.inbox.splice(0)[0] as never)).toBe('policy-violation');
      await hag66.nothing();
    },
  );

  test('§13.6 invitations are counted by account, whatever the room', async () => {
    const invite = (room: string, count: number) => {
      const each = Array.from({ length: count }, (_, at) => `<invite to='v${at}@far.example'/>`);
      return `<message to='${room}'><x xmlns='http://jabber.org/protocol/muc#user'>${each.join('')}</x></message>`;
    };
    const heath = `heath@${CHAT}`;
    await makeRoom(crone1, 'firstwitch', {}, heath);
    for (const room of [COVEN, heath, COVEN, heath, COVEN, heath])
      await crone1.send(invite(room, 10));
    expect(sent.length).toBe(60);
    await crone1.send(invite(heath, 1));
    expect(conditionIn(crone1.inbox.splice(0)[0] as never)).toBe('policy-violation');
    expect(sent.length).toBe(60);
  });
});

describe('in the name of another', () => {
  beforeEach(async () => {
    await open();
    await enter(hag66, 'hag', [crone1]);
  });
  const body = '<body>I am a witch</body>';

  test('a client speaks only as itself', async () => {
    for (const from of ['crone1@shakespeare.lit/desktop', `${COVEN}/firstwitch`, COVEN]) {
      await hag66.send(`<message from='${from}' to='${COVEN}' type='groupchat'>${body}</message>`);
      const heard = crone1.inbox.splice(0);
      for (const each of heard) expect(each.attrs.from).toBe(`${COVEN}/hag`);
    }
  });

  test('an address in the room is no sender', async () => {
    crone1.inbox.length = 0;
    far(`<message to='${COVEN}' type='groupchat'>${body}</message>`, `${COVEN}/firstwitch`);
    far(`<presence to='${COVEN}/firstwitch' type='unavailable'/>`, `${COVEN}/firstwitch`);
    await calm(house.scene);
    await crone1.nothing();
  });

  test.each([
    `<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='owner' role='moderator'/><status code='110'/></x>`,
    `<occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/>`,
    `<stanza-id xmlns='urn:xmpp:sid:0' by='${COVEN}' id='forged'/>`,
    `<stanza-id xmlns='urn:xmpp:sid:0' by='${COVEN.toUpperCase()}' id='forged'/>`,
    `<delay xmlns='urn:xmpp:delay' from='${COVEN}' stamp='2002-10-13T23:58:37Z'>forged</delay>`,
    `<retract xmlns='urn:xmpp:message-retract:1' id='x'><moderated xmlns='urn:xmpp:message-moderate:1'/></retract>`,
    `<hats xmlns='urn:xmpp:hats:0'><hat title='forged' uri='urn:king'/></hats>`,
  ])('what only the room says is not passed on: %s', async (forged) => {
    await hag66.send(`<message to='${COVEN}' type='groupchat'>${body}${forged}</message>`);
    await hag66.send(`<presence to='${COVEN}/hag'>${forged}</presence>`);
    const [heard, seen] = crone1.inbox.splice(0);
    const name = /^<(\w[\w-]*)/.exec(forged)?.[1] ?? '';
    const ns = /xmlns='([^']+)'/.exec(forged)?.[1] ?? '';
    for (const each of [heard, seen]) {
      expect(serialise(each as never)).not.toContain('forged');
      const found = each && childOf(each, name, ns);
      if (found !== undefined) expect(serialise(found)).not.toContain('owner');
    }
    expect(serialise(heard as never)).toContain('I am a witch');
  });
});

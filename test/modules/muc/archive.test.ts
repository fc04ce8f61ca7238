/** The archive of a room (XEP-0313), and messages that are taken back (XEP-0424, XEP-0425). */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseBare } from '../../../src/jid/jid.ts';
import { muc } from '../../../src/modules/muc/index.ts';
import { childOf, serialise } from '../../../src/xml/element.ts';
import { conditionIn, resultIn } from '../../support/answers.ts';
import type { Actor } from '../../support/scene.ts';
import {
  COVEN,
  calm,
  configure,
  enter,
  expectLike,
  type House,
  join,
  makeRoom,
  openHouse,
} from './house.ts';

const QUERY = "<query xmlns='urn:xmpp:mam:2'/>";
const say = (text: string, more = '') =>
  `<message to='${COVEN}' type='groupchat' id='m'><body>${text}</body>${more}</message>`;

let house: House;
let crone1: Actor;
let hag66: Actor;
beforeEach(async () => {
  house = await openHouse();
  ({ crone1, hag66 } = house);
  await makeRoom(crone1, 'firstwitch');
  await enter(hag66, 'thirdwitch', [crone1]);
});
afterEach(() => house.scene.stop());

/** The id that the room gave to the last message that somebody heard. */
const idIn = (actor: Actor) => {
  const last = actor.inbox.at(-1);
  const id = last === undefined ? undefined : childOf(last, 'stanza-id', 'urn:xmpp:sid:0');
  return id?.attrs.id ?? '';
};
/** What an archive gives out. */
async function read(actor: Actor, query = QUERY): Promise<string[]> {
  actor.inbox.length = 0;
  const answer = await actor.ask('set', query, COVEN);
  expect(conditionIn(answer)).toBeUndefined();
  await calm(house.scene);
  return actor.inbox
    .splice(0)
    .filter((each) => each.name === 'message')
    .map(serialise);
}

describe('XEP-0313 §6.1.2: the archive of a room', () => {
  test('has what was said, as all heard it, under the ids that they were told', async () => {
    await hag66.send(say('one'));
    const id = idIn(crone1);
    await crone1.send(say('two'));
    await hag66.send(
      `<message to='${COVEN}' type='groupchat'><active xmlns='http://jabber.org/protocol/chatstates'/></message>`,
    );
    await hag66.send(`<message to='${COVEN}/firstwitch' type='chat'><body>psst</body></message>`);
    const found = await read(hag66);
    expect(found.length).toBe(2);
    expect(found[0]).toContain(`<result xmlns="urn:xmpp:mam:2" id="${id}"`);
    expect(found[0]).toContain(`from="${COVEN}/thirdwitch"`);
    expect(found[0]).toContain('<body>one</body>');
  });

  test('tells who said something to those who see JIDs, and has the subject', async () => {
    await hag66.send(say('one', "<x xmlns='http://jabber.org/protocol/muc#user'/>"));
    await crone1.send(`<message to='${COVEN}' type='groupchat'><subject>Fire</subject></message>`);
    const told = await read(crone1);
    expect(told[0]).toContain(
      '<item affiliation="none" jid="hag66@shakespeare.lit/pda" role="participant"/></x></message>',
    );
    expect(told[1]).toContain('<subject>Fire</subject>');
    expect(told[1]).toContain('jid="crone1@shakespeare.lit/desktop"');
    const hidden = (await read(hag66)).join('');
    expect(hidden).not.toContain('muc#user');
    expect(hidden).not.toContain('hag66@shakespeare.lit/pda" role');
    expect(hidden).toContain('<body>one</body>');
    await configure(crone1, { whois: 'anyone' });
    expect((await read(hag66))[0]).toContain('jid="hag66@shakespeare.lit/pda"');
  });

  test('XEP-0333, XEP-0334 has what was read, which newcomers are not sent', async () => {
    const marker = "<displayed xmlns='urn:xmpp:chat-markers:0' id='m'/>";
    await hag66.send(`<message to='${COVEN}' type='groupchat'>${marker}</message>`);
    await hag66.send(say('gone', "<no-store xmlns='urn:xmpp:hints'/>"));
    const found = await read(hag66);
    expect(found.length).toBe(1);
    expect(found[0]).toContain('<displayed');
    await house.bard.send(join('bard'));
    expect(house.bard.inbox.map(serialise).join('')).not.toContain('<displayed');
  });

  test('is for those who may enter', async () => {
    await hag66.send(say('one'));
    expect((await read(house.bard)).length).toBe(1);
    await configure(crone1, { membersonly: '1' });
    expect(conditionIn(await house.bard.ask('set', QUERY, COVEN))).toBe('forbidden');
    expect((await read(crone1)).length).toBe(1);
    await configure(crone1, { membersonly: '0' });
    await crone1.ask(
      'set',
      "<query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='outcast' jid='bard@shakespeare.lit'/></query>",
      COVEN,
    );
    expect(conditionIn(await house.bard.ask('set', QUERY, COVEN))).toBe('forbidden');
  });

  test('is announced where it is, and nowhere else', async () => {
    const info = () =>
      hag66
        .ask('get', "<query xmlns='http://jabber.org/protocol/disco#info'/>", COVEN)
        .then(resultIn);
    expect(await info()).toContain('urn:xmpp:mam:2"');
    await configure(crone1, { '{urn:rtcd:muc}archive': '0' });
    expect(await info()).not.toContain('urn:xmpp:mam:2"');
    expect(conditionIn(await hag66.ask('set', QUERY, COVEN))).toBe('service-unavailable');
    expect(conditionIn(await hag66.ask('set', QUERY, `no${COVEN}`))).toBe('item-not-found');
  });

  test('is purged with what newcomers see', async () => {
    await hag66.send(say('one'));
    await hag66.send(say('two'));
    house.scene.clock.advance(1000);
    await hag66.send(say('three'));
    const { purge } = house.scene.registry.apiOf(muc);
    const coven = parseBare(COVEN);
    if (!coven.ok) expect.fail(coven.why);
    expect(await purge(coven.value, house.scene.clock.now())).toBe(2);
    const left = await read(hag66);
    expect(left.length).toBe(1);
    expect(left[0]).toContain('<body>three</body>');
  });

  test('keeps what was said for as long as the room has it', async () => {
    const { configure: set } = house.scene.registry.apiOf(muc);
    const coven = parseBare(COVEN);
    if (!coven.ok) expect.fail(coven.why);
    await set(coven.value, { keepDays: '2' });
    await hag66.send(say('old'));
    house.scene.clock.advance(1.5 * 86_400_000);
    await hag66.send(say('young'));
    house.scene.clock.advance(86_400_000 - 3_600_000);
    await calm(house.scene);
    const rows = () => {
      const db = house.scene.store.tables<{ muc_history: { stanza: string } }>();
      return house.scene.store.read(db.selectFrom('muc_history').select('stanza'));
    };
    await expect.poll(async () => (await rows()).length).toBe(1);
    const left = await read(hag66);
    expect(left.map((each) => /<body>(.*)<\/body>/.exec(each)?.[1])).toEqual(['young']);
    await house.bard.send(join('bard'));
    expect(house.bard.inbox.map(serialise).join('')).not.toContain('<body>old');
    expect(house.bard.inbox.map(serialise).join('')).toContain('<body>young');
  });

  test('goes with the room', async () => {
    await hag66.send(say('one'));
    for (const [actor, nick] of [
      [crone1, 'firstwitch'],
      [hag66, 'thirdwitch'],
    ] as const)
      await actor.send(`<presence to='${COVEN}/${nick}' type='unavailable'/>`);
    await makeRoom(hag66, 'hag');
    expect(await read(hag66)).toEqual([]);
  });
});

describe('XEP-0425: moderation', () => {
  const moderate = (id: string) =>
    `<moderate xmlns='urn:xmpp:message-moderate:1' id='${id}'><retract xmlns='urn:xmpp:message-retract:1'/><reason>This message contains inappropriate content for this forum</reason></moderate>`;
  const REASON = '<reason>This message contains inappropriate content for this forum</reason>';

  test('§3.1 a moderator takes back what somebody said; a tombstone is left of it', async () => {
    await hag66.send(say('DM me for free magic potions!'));
    const id = idIn(crone1);
    crone1.inbox.length = 0;
    expect(resultIn(await crone1.ask('set', moderate(id), COVEN))).toBe('');
    expectLike(
      hag66.inbox.at(-1),
      `<message type='groupchat' from='${COVEN}' to='${hag66.jid}'><retract id='${id}' xmlns='urn:xmpp:message-retract:1'><moderated by='${COVEN}/firstwitch' xmlns='urn:xmpp:message-moderate:1'/>${REASON}</retract></message>`,
    );
    await house.hecate.send(join('hecate'));
    const history = house.hecate.inbox.map(serialise).join('');
    expect(history).not.toContain('magic potions');
    expect(history).toContain('<retracted xmlns="urn:xmpp:message-retract:1" stamp=');
    const archived = (await read(hag66)).join('');
    expect(archived).not.toContain('magic potions');
    expect(archived).toContain('<retracted xmlns="urn:xmpp:message-retract:1" stamp=');
    expect(archived).toContain(`<retract xmlns="urn:xmpp:message-retract:1" id="${id}"`);
  });

  test('§3.2 nor is what nobody said taken back', async () => {
    await hag66.send(say('x'));
    crone1.inbox.length = 0;
    expect(conditionIn(await crone1.ask('set', moderate('m'), COVEN))).toBe('item-not-found');
    expect(conditionIn(await crone1.ask('set', moderate('none'), COVEN))).toBe('item-not-found');
    await crone1.nothing();
  });

  test('§3.1 a moderator takes back what is only in the archive', async () => {
    await configure(crone1, { 'muc#maxhistoryfetch': '1' });
    await hag66.send(say('DM me for free magic potions!'));
    const id = idIn(crone1);
    await hag66.send(say('x'));
    expect(resultIn(await crone1.ask('set', moderate(id), COVEN))).toBe('');
    expect((await read(hag66)).join('')).not.toContain('magic potions');
  });

  test('§3.2 nobody else does', async () => {
    await crone1.send(say('x'));
    const refused = await hag66.ask('set', moderate(idIn(hag66)), COVEN);
    expect(conditionIn(refused)).toBe('forbidden');
    expect(serialise(refused)).toContain('type="modify"');
    expect(conditionIn(await house.bard.ask('set', moderate('x'), COVEN))).toBe('forbidden');
    expect(
      conditionIn(
        await crone1.ask('set', "<moderate xmlns='urn:xmpp:message-moderate:1' id='x'/>", COVEN),
      ),
    ).toBe('bad-request');
  });

  test('§5 nobody pretends that it was done', async () => {
    await hag66.send(
      say(
        'x',
        "<retract xmlns='urn:xmpp:message-retract:1' id='y'><moderated xmlns='urn:xmpp:message-moderate:1'/></retract>",
      ),
    );
    expect(serialise(crone1.inbox.at(-1) as never)).not.toContain('moderated');
  });

  test('XEP-0424 §5 who said something takes it back; others do not', async () => {
    const retract = (id: string) =>
      `<message to='${COVEN}' type='groupchat'><retract xmlns='urn:xmpp:message-retract:1' id='${id}'/></message>`;
    await hag66.send(say('a slip'));
    const id = idIn(crone1);
    await crone1.send(retract(id));
    expect((await read(hag66)).join('')).toContain('a slip');
    await hag66.send(retract(id));
    expect((await read(hag66)).join('')).not.toContain('a slip');
    await house.hecate.send(join('hecate'));
    expect(house.hecate.inbox.map(serialise).join('')).not.toContain('a slip');
  });
});

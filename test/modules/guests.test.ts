/** What guests may send, and what they learn of rooms that many come to. */
import { afterEach, expect, test } from 'vitest';
import { bareOf } from '../../src/jid/jid.ts';
import { guests } from '../../src/modules/guests.ts';
import { presence } from '../../src/modules/presence/index.ts';
import { roster } from '../../src/modules/roster/index.ts';
import { childOf } from '../../src/xml/element.ts';
import { conditionIn, resultIn } from '../support/answers.ts';
import { type Actor, type Scene, startScene } from '../support/scene.ts';
import {
  admin,
  COVEN,
  calm,
  configure,
  enter,
  type House,
  join,
  makeRoom,
  openHouse,
} from './muc/house.ts';

let scene: Scene | undefined;
let house: House | undefined;
afterEach(async () => {
  await scene?.stop();
  await house?.scene.stop();
  scene = undefined;
  house = undefined;
});
const asGuest = (actor: Actor) => Object.assign(actor.session, { isAnonymous: true });

test('XEP-0175 §2: a guest sends so many messages a minute, an account as many as it likes', async () => {
  scene = await startScene({
    modules: [roster, presence, guests],
    accounts: ['juliet@verona.example', 'romeo@verona.example'],
  });
  const juliet = await scene.connect('juliet@verona.example/balcony');
  const romeo = await scene.connect('romeo@verona.example/garden');
  await juliet.send('<presence/>');
  juliet.inbox.length = 0;
  const say = (actor: Actor, to: Actor) =>
    actor.send(`<message to='${to.jid}' type='chat' id='m'><body>O</body></message>`);
  for (let count = 0; count < 30; count += 1) await say(juliet, romeo);
  expect(conditionIn(juliet.inbox[0] ?? (await romeo.next()))).toBeUndefined();
  asGuest(romeo);
  romeo.inbox.length = 0;
  for (let count = 0; count < 20; count += 1) await say(romeo, juliet);
  expect(romeo.inbox).toEqual([]);
  await say(romeo, juliet);
  const refusal = await romeo.next();
  expect(conditionIn(refusal)).toBe('policy-violation');
  expect(childOf(refusal, 'error')?.attrs.type).toBe('wait');
  scene.clock.advance(60_000);
  await say(romeo, juliet);
  expect(romeo.inbox).toEqual([]);
});

async function withVisitor(settings: Readonly<Record<string, unknown>> = {}): Promise<House> {
  house = await openHouse(settings);
  const { crone1, bard, scene: stage } = house;
  await makeRoom(crone1, 'firstwitch');
  const said = `<message to='${COVEN}' type='groupchat'><body>of another visitor</body></message>`;
  await crone1.send(said);
  stage.clock.advance(60_000);
  Object.assign(asGuest(bard), { since: stage.clock.now() });
  await bard.send(join('Visitor', "<history since='1970-01-01T00:00:00Z'/>"));
  await calm(stage);
  return house;
}
const bodies = (actor: Actor) => actor.inbox.filter((each) => childOf(each, 'body') !== undefined);
const QUERY = "<query xmlns='urn:xmpp:mam:2'/>";

test('a guest reads nothing that was said in a room before he came, but what was since', async () => {
  const { bard, crone1 } = await withVisitor();
  expect(bodies(bard)).toEqual([]);
  expect(conditionIn(await bard.ask('set', QUERY, COVEN))).toBe('forbidden');
  await crone1.send(`<message to='${COVEN}' type='groupchat'><body>Welcome</body></message>`);
  await bard.send(`<presence to='${COVEN}/Visitor' type='unavailable'/>`);
  bard.inbox.length = 0;
  await enter(crone1, 'firstwitch');
  await bard.send(join('Visitor'));
  expect(bodies(bard).map(String).join()).toContain('Welcome');
  expect(bodies(bard)).toHaveLength(1);
});

test('unless the config lets him', async () => {
  const { bard } = await withVisitor({ guestsReadHistory: true });
  expect(bodies(bard)).toHaveLength(1);
  expect(conditionIn(await bard.ask('set', QUERY, COVEN))).toBeUndefined();
});

test('a room is no way out of the server for a guest: he invites nobody elsewhere', async () => {
  const { bard, crone1, hecate, scene: stage } = await withVisitor();
  const sent: string[] = [];
  stage.router.useRemote((each) => {
    sent.push(each.to ?? '');
    return { kind: 'handled' };
  });
  const invite = (...jids: readonly string[]) =>
    `<message to='${COVEN}'><x xmlns='http://jabber.org/protocol/muc#user'>${jids.map((jid) => `<invite to='${jid}'/>`).join('')}</x></message>`;
  await stage.accounts.setRole(bareOf(bard.jid), 'guest');
  bard.inbox.length = 0;
  await bard.send(invite(hecate.jid, 'someone@far.example'));
  expect(conditionIn(await bard.next())).toBe('forbidden');
  await hecate.nothing();
  await bard.send(invite(hecate.jid));
  expect(hecate.inbox.length).toBe(1);
  await crone1.send(invite('someone@far.example'));
  expect(sent).toEqual(['someone@far.example']);
});

test('XEP-0045 §7.10 a guest, who is another one each time, takes no place in the lists of a room', async () => {
  const { bard, crone1 } = await withVisitor();
  await configure(crone1, { '{urn:rtcd:muc}registration': '1' });
  const form =
    "<query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#register</value></field><field var='muc#register_roomnick'><value>Visitor</value></field></x></query>";
  expect(conditionIn(await bard.ask('set', form, COVEN))).toBe('not-allowed');
  const query = "<query xmlns='jabber:iq:register'/>";
  expect(conditionIn(await bard.ask('get', query, COVEN))).toBe('not-allowed');
  const list = await crone1.ask('get', admin("<item affiliation='member'/>"), COVEN);
  expect(resultIn(list)).not.toContain('<item');
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bareOf } from '../../src/jid/jid.ts';
import { last } from '../../src/modules/last.ts';
import { roster } from '../../src/modules/roster/index.ts';
import { conditionIn, resultIn } from '../support/answers.ts';
import { befriending } from '../support/befriend.ts';
import { type Actor, type Scene, startScene } from '../support/scene.ts';

const ASK = "<query xmlns='jabber:iq:last'/>";
const JULIET = 'juliet@capulet.com';

describe('XEP-0012: Last Activity', () => {
  const { module, admit } = befriending();
  let scene: Scene;
  let romeo: Actor;
  let juliet: Actor;
  beforeEach(async () => {
    scene = await startScene({
      modules: [roster, module, last],
      accounts: ['romeo@montague.net', JULIET],
    });
    romeo = await scene.connect('romeo@montague.net/orchard');
    juliet = await scene.connect(`${JULIET}/balcony`);
  });
  afterEach(() => scene.stop());

  test('§3 the seconds since the user left, and what he said then', async () => {
    await admit(juliet.jid, romeo.jid);
    await juliet.send("<presence type='unavailable'><status>Heading Home</status></presence>");
    await juliet.disconnect();
    scene.clock.advance(903_999);
    const answer = await romeo.ask('get', ASK, JULIET);
    expect(answer.attrs.from).toBe(JULIET);
    expect(resultIn(answer)).toBe(
      '<query xmlns="jabber:iq:last" seconds="903">Heading Home</query>',
    );
  });

  test('§3 a status counts only if it was the last word, and only the last one to leave', async () => {
    await admit(juliet.jid, romeo.jid);
    await juliet.send("<presence type='unavailable'><status>Heading Home</status></presence>");
    await juliet.send('<presence/>');
    const chamber = await scene.connect(`${JULIET}/chamber`);
    await chamber.disconnect();
    scene.clock.advance(10_000);
    await juliet.disconnect({ kind: 'lost', text: 'the connection broke' });
    scene.clock.advance(2000);
    expect(resultIn(await romeo.ask('get', ASK, JULIET))).toBe(
      '<query xmlns="jabber:iq:last" seconds="2"/>',
    );
  });

  test('§3 who is here was last active now', async () => {
    await admit(juliet.jid, romeo.jid);
    scene.clock.advance(60_000);
    const now = '<query xmlns="jabber:iq:last" seconds="0"/>';
    expect(resultIn(await romeo.ask('get', ASK, JULIET))).toBe(now);
    expect(resultIn(await juliet.ask('get', ASK))).toBe(now);
  });

  test('§3 who leaves at this moment was last active now', async () => {
    await admit(juliet.jid, romeo.jid);
    const leaving = juliet.disconnect();
    expect(resultIn(await romeo.ask('get', ASK, JULIET))).toBe(
      '<query xmlns="jabber:iq:last" seconds="0"/>',
    );
    await leaving;
    scene.clock.advance(1000);
    expect(resultIn(await romeo.ask('get', ASK, JULIET))).toBe(
      '<query xmlns="jabber:iq:last" seconds="1"/>',
    );
  });

  test('§3 when somebody left is on record: of many together, soon after', async () => {
    await admit(juliet.jid, romeo.jid);
    await juliet.disconnect();
    const table = scene.store.tables<{ last_activity: { account: string; at: number } }>();
    const recorded = () => scene.store.read(table.selectFrom('last_activity').select('account'));
    expect(await recorded()).toEqual([]);
    scene.clock.advance(1000);
    await expect.poll(recorded).toEqual([{ account: JULIET }]);
    scene.clock.advance(1000);
    expect(resultIn(await romeo.ask('get', ASK, JULIET))).toBe(
      '<query xmlns="jabber:iq:last" seconds="2"/>',
    );
  });

  test('§3 of a user who was never here nothing is known', async () => {
    await scene.accounts.create(bareOf(juliet.jid), 'secret');
    await admit(juliet.jid, romeo.jid);
    await juliet.disconnect();
    await scene.registry.removeAccount(bareOf(juliet.jid), 'gone');
    await scene.accounts.create(bareOf(juliet.jid), 'secret');
    await admit(juliet.jid, romeo.jid);
    expect(conditionIn(await romeo.ask('get', ASK, JULIET))).toBe('item-not-found');
  });

  test('§3 who may not see the presence is forbidden to ask, online or not', async () => {
    await admit(romeo.jid, juliet.jid);
    expect(conditionIn(await romeo.ask('get', ASK, JULIET))).toBe('forbidden');
    await juliet.disconnect();
    expect(conditionIn(await romeo.ask('get', ASK, JULIET))).toBe('forbidden');
    // Nor whether there is such an account.
    expect(conditionIn(await romeo.ask('get', ASK, 'nobody@capulet.com'))).toBe('forbidden');
  });

  test.each(['balcony', 'nowhere'])(
    '§4 the client is not bothered by those who may not see it: %s',
    async (resource) => {
      const answer = await romeo.ask('get', ASK, `${JULIET}/${resource}`);
      expect(conditionIn(answer)).toBe('forbidden');
      await juliet.nothing();
    },
  );

  test('§4 a client is asked by those who may see it, and by the user himself', async () => {
    await admit(juliet.jid, romeo.jid);
    const chamber = await scene.connect(`${JULIET}/chamber`);
    for (const asker of [romeo, chamber]) {
      const answer = asker.ask('get', ASK, juliet.jid);
      const asked = await juliet.next();
      await juliet.send(
        `<iq type='result' id='${asked.attrs.id}' to='${asker.jid}'>` +
          "<query xmlns='jabber:iq:last' seconds='123'/></iq>",
      );
      expect(resultIn(await answer)).toBe('<query xmlns="jabber:iq:last" seconds="123"/>');
    }
  });

  test('§5 the server tells since when it runs', async () => {
    scene.clock.advance(123_456_789);
    expect(resultIn(await romeo.ask('get', ASK, 'montague.net'))).toBe(
      '<query xmlns="jabber:iq:last" seconds="123456"/>',
    );
  });
});

import { CompiledQuery } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Receipt } from '../../src/core/parcel.ts';
import type { Jid } from '../../src/jid/jid.ts';
import { offline } from '../../src/modules/offline/index.ts';
import { presence } from '../../src/modules/presence/index.ts';
import { roster } from '../../src/modules/roster/index.ts';
import { message as errorMessage } from '../../src/stanza/build.ts';
import { Delay } from '../../src/stanza/delay.ts';
import { childOf, childrenOf, type Element, textOf } from '../../src/xml/element.ts';
import { type Actor, type Scene, startScene } from '../support/scene.ts';

const ROMEO = 'romeo@montague.example';
const JULIET = 'juliet@capulet.example';

const bodyOf = (message: Element) => {
  const body = childOf(message, 'body');
  return body === undefined ? undefined : textOf(body);
};
const bodies = (actor: Actor) =>
  actor.inbox
    .splice(0)
    .filter((each) => each.name === 'message')
    .map(bodyOf);
const errorIn = (element: Element) => {
  const error = childOf(element, 'error');
  return error === undefined ? undefined : childrenOf(error)[0]?.name;
};

describe('XEP-0160: offline messages', () => {
  let scene: Scene;
  let romeo: Actor;

  const begin = async (settings: Record<string, unknown> = {}) => {
    scene = await startScene({
      modules: [roster, presence, offline],
      accounts: [ROMEO, JULIET],
      settings: { offline: settings },
    });
    romeo = await scene.connect(`${ROMEO}/orchard`);
  };
  beforeEach(() => begin());
  afterEach(() => scene.stop());

  const arrive = async (resource = 'balcony', content = '') => {
    const actor = await scene.connect(`${JULIET}/${resource}`);
    await actor.send(`<presence>${content}</presence>`);
    return actor;
  };
  const say = (text: string, attrs = "type='chat'", to = JULIET) =>
    romeo.send(`<message to='${to}' ${attrs}><body>${text}</body></message>`);
  const kept = async () => {
    scene.clock.advance(20); // what was acknowledged is removed in groups
    const db = scene.store.tables<{ offline_messages: { account: string } }>();
    // Writes are committed in their order: that one before this one.
    await scene.store.write(db.deleteFrom('offline_messages').where('account', '=', 'nobody'));
    const rows = await scene.store.read(db.selectFrom('offline_messages').select('account'));
    return rows.length;
  };

  test('§2 a message is kept, and delivered with the time and place of its delay', async () => {
    const sent = scene.clock.now();
    await say('O blessed night', "type='chat' id='m1'", `${JULIET}/gone`);
    await romeo.nothing();
    scene.clock.advance(60_000);
    const juliet = await arrive();
    const message = juliet.inbox.find(({ name }) => name === 'message');
    if (message === undefined) expect.fail('no message');
    expect(message.attrs).toEqual({ type: 'chat', id: 'm1', from: romeo.jid, to: JULIET });
    expect(bodyOf(message)).toBe('O blessed night');
    const delay = childOf(message, 'delay', 'urn:xmpp:delay');
    expect(delay && Delay.decode(delay)).toMatchObject({ from: 'capulet.example', stamp: sent });
    expect(await kept()).toBe(0);
  });

  test('DESIGN D1: what its reader has not proved to have is written soon if its sender waits to hear', async () => {
    for (const [isWaiting, due] of [
      [true, 100],
      [false, 1000],
    ] as const) {
      romeo = await scene.connect(`${ROMEO}/${due}`, { isManaged: isWaiting, isWaiting });
      const juliet = await scene.connect(`${JULIET}/${due}`, { isManaged: false });
      await juliet.send('<presence/>');
      let receipt: Receipt | undefined;
      juliet.session.send = (_stanza, _to, given) => {
        receipt = given;
      };
      const settled = say('It is the east');
      scene.clock.advance(due - 70);
      expect(await kept()).toBe(0);
      scene.clock.advance(100);
      // It is gathered with others for a turn of the loop before it is written.
      await expect.poll(kept).toBe(1);
      receipt?.acknowledged(juliet.session);
      scene.clock.advance(100);
      expect(await kept()).toBe(0);
      await settled;
      await juliet.disconnect();
    }
  });

  test('§2 messages come in their order, however many', async () => {
    const all = Array.from({ length: 250 }, (_, index) => `${index}`);
    for (const text of all) await say(text);
    expect(bodies(await arrive())).toEqual(all);
    expect(await kept()).toBe(0);
  });

  test('§2 a negative priority gets none, until it is no more negative', async () => {
    await say('wait');
    const juliet = await arrive('balcony', '<priority>-1</priority>');
    expect(bodies(juliet)).toEqual([]);
    await say('longer');
    await juliet.send('<presence><priority>0</priority></presence>');
    expect(bodies(juliet)).toEqual(['wait', 'longer']);
    await juliet.send('<presence><priority>1</priority></presence>');
    expect(bodies(juliet)).toEqual([]);
  });

  test('two who arrive at the same moment: one gets all, in order, and nothing is lost', async () => {
    for (const text of ['1', '2', '3']) await say(text);
    const both = await Promise.all([arrive('balcony'), arrive('chamber')]);
    const got = both.map(bodies);
    expect(got.flat()).toEqual(['1', '2', '3']);
    expect(got.some((each) => each.length === 0)).toBe(true);
    expect(await kept()).toBe(0);
  });

  test('what is on its way into the store when somebody arrives reaches him, before what is newer', async () => {
    await say('first');
    const juliet = await scene.connect(`${JULIET}/balcony`);
    const older = [say('second'), say('third')];
    const arriving = juliet.send('<presence/>');
    await Promise.all([...older, arriving, say('fourth')]);
    expect(bodies(juliet)).toEqual(['first', 'second', 'third', 'fourth']);
    expect(await kept()).toBe(0);
  });

  test('who is gone before all is delivered leaves the rest to the next', async () => {
    for (const text of ['1', '2', '3']) await say(text);
    const juliet = await scene.connect(`${JULIET}/balcony`);
    const { send } = juliet.session;
    let count = 0;
    juliet.session.send = (stanza, to, receipt) => {
      send(stanza, to, receipt);
      if (stanza.kind === 'message' && ++count === 2) void juliet.disconnect();
    };
    await juliet.send('<presence/>');
    expect(bodies(juliet)).toEqual(['1', '2']);
    expect(await kept()).toBe(1);
    expect(bodies(await arrive('chamber'))).toEqual(['3']);
  });

  describe('§3 what is kept', () => {
    const CHAT_STATE = "<active xmlns='http://jabber.org/protocol/chatstates'/>";
    const NO_STORE = "<no-store xmlns='urn:xmpp:hints'/>";
    test.each([
      ['a normal message', '', '<body>x</body>', 1, undefined],
      ['one with something else than a body', "type='chat'", "<x xmlns='urn:x'/>", 1, undefined],
      ['a chat state with a body', "type='chat'", `<body>x</body>${CHAT_STATE}`, 1, undefined],
      ['a chat state', "type='chat'", `${CHAT_STATE}<thread>t</thread>`, 0, undefined],
      ['a normal message that is only a chat state', '', CHAT_STATE, 0, undefined],
      [
        'XEP-0334 a message that must not be stored',
        '',
        `<body>x</body>${NO_STORE}`,
        0,
        'service-unavailable',
      ],
      ['groupchat', "type='groupchat'", '<body>x</body>', 0, 'service-unavailable'],
      ['a headline', "type='headline'", '<body>x</body>', 0, undefined],
      ['an error', "type='error'", "<error type='cancel'/>", 0, undefined],
    ])('%s', async (_, attrs, content, count, error) => {
      await romeo.send(`<message to='${JULIET}' ${attrs}>${content}</message>`);
      expect(await kept()).toBe(count);
      expect(romeo.inbox.map(errorIn)).toEqual(error === undefined ? [] : [error]);
    });
  });

  describe('§3 an error that the server owes to an account', () => {
    /** What answers a message that a client of juliet's had sent. */
    const answer = (to: Jid, isOwed = true) => {
      const error = errorMessage({ from: romeo.jid, to, type: 'error', id: 'm1' });
      return scene.router.route({ ...error, isOwed });
    };
    const errors = (actor: Actor) =>
      actor.inbox.splice(0).filter(({ attrs }) => attrs.type === 'error' && attrs.id === 'm1');

    test('is kept when the client is gone that it answers, and given to the next', async () => {
      const juliet = await arrive();
      await juliet.disconnect();
      await answer(juliet.jid);
      expect(await kept()).toBe(1);
      expect(errors(await arrive('chamber'))).toHaveLength(1);
      expect(await kept()).toBe(0);
    });

    test('is for whoever is there', async () => {
      const [balcony, chamber] = [await arrive('balcony'), await arrive('chamber')];
      await balcony.disconnect();
      await answer(balcony.jid);
      expect(errors(chamber)).toHaveLength(1);
      expect(await kept()).toBe(0);
    });

    test('is kept when the session that held it ends', async () => {
      const juliet = await arrive();
      let receipt: Receipt | undefined;
      juliet.session.send = (_stanza, _to, given) => {
        receipt = given;
      };
      await answer(juliet.jid);
      await juliet.disconnect();
      receipt?.returned(juliet.session);
      await expect.poll(kept).toBe(1);
      expect(errors(await arrive('chamber'))).toHaveLength(1);
    });

    test('any other is not', async () => {
      const juliet = await arrive();
      await juliet.disconnect();
      await answer(juliet.jid, false);
      expect(await kept()).toBe(0);
      expect(errors(await arrive('chamber'))).toEqual([]);
    });
  });

  test('XEP-0203 §5 nobody speaks of a delay in the host’s name', async () => {
    const forged =
      "<delay xmlns='urn:xmpp:delay' from='capulet.example' stamp='2002-09-10T23:08:25Z'/>";
    const other =
      "<delay xmlns='urn:xmpp:delay' from='verona.example' stamp='2002-09-10T23:08:25Z'/>";
    await romeo.send(`<message to='${JULIET}'><body>x</body>${forged}${other}</message>`);
    const juliet = await arrive();
    const message = juliet.inbox.find(({ name }) => name === 'message');
    const delays =
      message === undefined ? [] : childrenOf(message).map((each) => Delay.decode(each)?.from);
    expect(delays).toEqual([undefined, 'verona.example', 'capulet.example']);
  });

  describe('§2 a full store', () => {
    test.each([
      ['messages', { maxMessages: 2 }],
      ['bytes', { maxBytes: 700 }],
    ])('of %s refuses more, and has room again after a delivery', async (_, settings) => {
      await scene.stop();
      await begin(settings);
      const text = 'x'.repeat(100);
      await say(text);
      await say(text);
      expect(romeo.inbox).toEqual([]);
      await say(text);
      expect(errorIn(await romeo.next())).toBe('service-unavailable');
      const juliet = await arrive();
      expect(bodies(juliet)).toHaveLength(2);
      await juliet.disconnect();
      await say(text);
      await romeo.nothing();
      expect(await kept()).toBe(1);
    });

    test('has none for what a session was given and had not: its sender hears of it', async () => {
      await scene.stop();
      await begin({ maxMessages: 1 });
      const juliet = await arrive();
      const given: Receipt[] = [];
      juliet.session.send = (_stanza, _to, receipt) => {
        if (receipt !== undefined) given.push(receipt);
      };
      const settled = [say('one', "type='chat' id='1'"), say('two', "type='chat' id='2'")];
      await expect.poll(() => given).toHaveLength(2);
      await juliet.disconnect();
      for (const receipt of given) receipt.returned(juliet.session);
      const error = await romeo.next();
      expect([error.attrs.id, errorIn(error)]).toEqual(['2', 'service-unavailable']);
      await Promise.all(settled);
      expect(await kept()).toBe(1);
    });
  });

  test('new messages wait for kept ones, but not each by itself for a client that takes its time', async () => {
    await say('kept');
    const juliet = await scene.connect(`${JULIET}/balcony`);
    juliet.session.room = () => new Promise(() => {});
    await juliet.send('<presence/>');
    let arrived = 0;
    for (const text of ['one', 'two', 'three'])
      void say(text).then(() => {
        arrived += 1;
      });
    scene.clock.advance(2000);
    await expect.poll(() => arrived).toBe(3);
    await say('four'); // would wait for ever
    expect(bodies(juliet)).toEqual(['one', 'two', 'three', 'four']);
  });

  test('a message that cannot be written is bounced', async () => {
    await say('one');
    await scene.store.write(scene.store.tables().schema.dropTable('offline_messages'));
    await say('two', "type='chat' id='m2'");
    const error = await romeo.next();
    expect(error.attrs).toMatchObject({ type: 'error', id: 'm2', from: JULIET });
    expect(errorIn(error)).toBe('internal-server-error');
  });

  test('where the disk is full, its sender may try again later', async () => {
    await scene.store.write(CompiledQuery.raw('pragma max_page_count = 1')); // no more than there are
    await say('x'.repeat(9000), "type='chat' id='m2'");
    const error = await romeo.next();
    expect(error.attrs).toMatchObject({ type: 'error', id: 'm2', from: JULIET });
    expect(errorIn(error)).toBe('resource-constraint');
  });

  test('a delivery that cannot be read leaves the session as it is', async () => {
    await say('one');
    await scene.store.write(scene.store.tables().schema.dropTable('offline_messages'));
    const juliet = await arrive();
    expect(juliet.endedWith).toBeUndefined();
    await say('two');
    expect(bodies(juliet)).toEqual(['two']);
  });

  test('nothing is kept for an anonymous user who has not sent presence', async () => {
    const guest = await scene.connect('x@capulet.example/x');
    scene.accounts.addTemporary(guest.session.account);
    await say('hello', "type='chat'", guest.session.account);
    expect(errorIn(await romeo.next())).toBe('service-unavailable');
  });

  test('what an anonymous user has not said to have goes with him', async () => {
    const guest = await scene.connect('x@capulet.example/x');
    scene.accounts.addTemporary(guest.session.account);
    let receipt: Receipt | undefined;
    guest.session.send = (_stanza, _to, given) => {
      receipt = given;
    };
    await say('hello', "type='chat'", guest.jid);
    // As c2s does it: out of the table first, then what was not acknowledged goes back.
    const gone = guest.disconnect({ kind: 'lost', text: 'the connection broke' });
    receipt?.returned(guest.session);
    await gone;
    scene.accounts.removeTemporary(guest.session.account);
    expect(errorIn(await romeo.next())).toBe('service-unavailable');
    expect(await kept()).toBe(0);
  });

  test('an account that ends takes its messages along', async () => {
    await say('one');
    const juliet = await scene.connect(`${JULIET}/x`);
    await scene.registry.removeAccount(juliet.session.account, 'gone');
    expect(await kept()).toBe(0);
  });

  test('an account that ends takes along what its clients had not acknowledged', async () => {
    const juliet = await arrive();
    let receipt: Receipt | undefined;
    juliet.session.send = (_stanza, _to, given) => {
      receipt = given;
    };
    const settled = say('hello');
    await scene.registry.removeAccount(juliet.session.account, 'gone');
    // The stream may end later than the account.
    receipt?.returned(juliet.session);
    await settled;
    scene.clock.advance(2000);
    await scene.accounts.create(juliet.session.account, 'secret');
    expect(bodies(await arrive())).toEqual([]);
    expect(await kept()).toBe(0);
  });

  test('§4 it is announced', () => {
    expect(offline.features).toEqual(['msgoffline']);
  });
});

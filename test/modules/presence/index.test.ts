import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verdict } from '../../../src/core/hooks.ts';
import { defineModule } from '../../../src/core/module.ts';
import { deferred } from '../../../src/kit/deferred.ts';
import { presence } from '../../../src/modules/presence/index.ts';
import { roster } from '../../../src/modules/roster/index.ts';
import { presence as makePresence } from '../../../src/stanza/build.ts';
import { childOf, childrenOf, type Element, textOf } from '../../../src/xml/element.ts';
import { type Actor, type Scene, startScene } from '../../support/scene.ts';

const ROMEO = 'romeo@montague.example';
const JULIET = 'juliet@capulet.example';
const NURSE = 'nurse@capulet.example';

/** A presence or roster push in short: type (or the item's subscription) and sender (or contact). */
const short = (element: Element): string => {
  if (element.name === 'presence')
    return `${element.attrs.type ?? 'available'} ${element.attrs.from}`;
  const item = childOf(element, 'query', 'jabber:iq:roster')?.children[0];
  if (item === undefined || typeof item === 'string') return element.name;
  const { subscription, ask, approved, jid } = item.attrs;
  return `push ${[subscription, ask, approved && 'approved'].filter(Boolean).join('+')} ${jid}`;
};
/** What came since this was last asked. */
const heard = (actor: Actor): string[] => actor.inbox.splice(0).map(short);
const errorIn = (element: Element) => {
  const error = childOf(element, 'error');
  return error === undefined ? undefined : childrenOf(error)[0]?.name;
};

let scene: Scene;
let romeo: Actor;
let juliet: Actor;

const begin = async (settings: Record<string, unknown> = {}) => {
  scene = await startScene({
    modules: [roster, presence],
    accounts: [ROMEO, JULIET, NURSE],
    settings: { presence: settings },
  });
  romeo = await scene.connect(`${ROMEO}/orchard`);
  juliet = await scene.connect(`${JULIET}/balcony`);
};
beforeEach(() => begin());
afterEach(() => scene.stop());

const follow = (actor: Actor) => actor.ask('get', "<query xmlns='jabber:iq:roster'/>");
const rosterOf = async (actor: Actor) => {
  const answer = await follow(actor);
  const items = childOf(answer, 'query', 'jabber:iq:roster');
  return items === undefined
    ? []
    : childrenOf(items).map(({ attrs: { jid, subscription, ask } }) => [jid, subscription, ask]);
};
const say = (actor: Actor, type: string, to: string, content = '') =>
  actor.send(`<presence type='${type}' to='${to}'>${content}</presence>`);
const meet = (actor: Actor, to: string, content = '') =>
  actor.send(`<presence to='${to}'>${content}</presence>`);
/** The first sees the second's presence. */
const subscribe = async (watcher: Actor, watched: Actor) => {
  await say(watcher, 'subscribe', watched.session.account);
  await say(watched, 'subscribed', watcher.session.account);
};
const befriend = async (one: Actor, other: Actor) => {
  await subscribe(one, other);
  await subscribe(other, one);
};
const quiet = (...actors: Actor[]) => {
  for (const actor of actors) actor.inbox.length = 0;
};

describe('RFC 6121 §3: subscriptions', () => {
  beforeEach(async () => {
    await Promise.all([follow(romeo), follow(juliet)]);
    await romeo.send('<presence/>');
    await juliet.send('<presence/>');
    quiet(romeo, juliet);
  });

  test('§3.1 a request, its approval, and the presence that follows, in this order', async () => {
    await say(romeo, 'subscribe', JULIET);
    expect(heard(juliet)).toEqual([`subscribe ${ROMEO}`]);
    expect(heard(romeo)).toEqual([`push none+subscribe ${JULIET}`]);
    await say(juliet, 'subscribed', ROMEO);
    expect(heard(juliet)).toEqual([`push from ${ROMEO}`]);
    expect(heard(romeo)).toEqual([
      `subscribed ${JULIET}`,
      `push to ${JULIET}`,
      `available ${juliet.jid}`,
    ]);
  });

  test('§3.1.3 who may see already asks again, having lost that: he is told so, and sees', async () => {
    await subscribe(romeo, juliet);
    // What a crash between two rosters leaves: one knows of it, the other does not.
    await scene.registry
      .apiOf(roster)
      .change(romeo.session.account, juliet.session.account, () => ({
        after: undefined,
      }));
    quiet(romeo, juliet);
    await say(romeo, 'subscribe', JULIET);
    expect(heard(romeo).slice(0, 3)).toEqual([
      `subscribed ${JULIET}`,
      `push to ${JULIET}`,
      `available ${juliet.jid}`,
    ]);
    expect(heard(juliet)).toEqual([]);
  });

  test('§3.1.2 a request travels between bare JIDs with all its content', async () => {
    await say(romeo, 'subscribe', `${JULIET}/balcony`, '<status>It is my lady</status>');
    const request = await juliet.next();
    expect(request.attrs).toEqual({ type: 'subscribe', from: ROMEO, to: JULIET });
    const status = childOf(request, 'status');
    expect(status && textOf(status)).toBe('It is my lady');
  });

  test('§3.1.3 a request puts nobody into a roster and is given to each new resource until answered', async () => {
    const nurse = await scene.connect(`${NURSE}/kitchen`);
    await say(nurse, 'subscribe', JULIET, '<status>Peter, my fan</status>');
    await say(nurse, 'subscribe', JULIET);
    expect(heard(juliet)).toEqual([`subscribe ${NURSE}`]);
    expect(await rosterOf(juliet)).toEqual([]);
    const chamber = await scene.connect(`${JULIET}/chamber`);
    await chamber.send('<presence/>');
    expect(heard(chamber).filter((each) => each.startsWith('subscribe'))).toEqual([
      `subscribe ${NURSE}`,
    ]);
    await chamber.send('<presence><show>away</show></presence>');
    expect(heard(chamber).filter((each) => each.startsWith('subscribe'))).toEqual([]);
    await say(juliet, 'unsubscribed', NURSE);
    const window = await scene.connect(`${JULIET}/window`);
    await window.send('<presence/>');
    expect(heard(window).filter((each) => each.startsWith('subscribe'))).toEqual([]);
  });

  test('§3.1.3 a request to somebody who is away waits for him, whole', async () => {
    await say(romeo, 'subscribe', NURSE, '<status>Commend me</status>');
    const nurse = await scene.connect(`${NURSE}/kitchen`);
    await nurse.nothing();
    await nurse.send('<presence/>');
    const request = nurse.inbox.find((each) => each.attrs.type === 'subscribe');
    const status = request && childOf(request, 'status');
    expect(status && textOf(status)).toBe('Commend me');
  });

  test('§3.1.3 who is subscribed and asks again is answered by the server', async () => {
    await subscribe(romeo, juliet);
    quiet(romeo, juliet);
    await say(romeo, 'subscribe', JULIET);
    await juliet.nothing();
    // Table 8: "To" does not deliver the answer; the presence comes again.
    expect(heard(romeo)).toEqual([`available ${juliet.jid}`]);
  });

  test('§3.1.2 a request to an account that does not exist is an error and no contact', async () => {
    await say(romeo, 'subscribe', 'nobody@capulet.example');
    expect(errorIn(await romeo.next())).toBe('item-not-found');
    expect(await rosterOf(romeo)).toEqual([]);
  });

  describe('§3.1.2 a request to another domain that nobody answers', () => {
    const FAR = 'far@elsewhere.example';
    const HOUR = 3_600_000;
    let sent: string[];
    const listen = () => {
      sent = [];
      scene.router.useRemote((stanza) => {
        if (stanza.kind === 'presence' && stanza.type === 'subscribe')
          sent.push(`${stanza.from} ${stanza.to} ${stanza.id === undefined ? 'no id' : 'id'}`);
        return { kind: 'handled' };
      });
    };
    /** Another resource becomes available. */
    const come = async (resource: string) => {
      const actor = await scene.connect(`${ROMEO}/${resource}`);
      await actor.send('<presence/>');
    };

    test('is sent again when the user comes a day later, and not before', async () => {
      listen();
      await say(romeo, 'subscribe', FAR, '<status>Please</status>');
      await say(romeo, 'subscribe', JULIET);
      expect(sent).toEqual([`${ROMEO} ${FAR} no id`]);
      await romeo.send('<presence/>');
      scene.clock.advance(23 * HOUR);
      await come('phone');
      expect(sent).toHaveLength(1);
      scene.clock.advance(HOUR);
      await come('desk');
      await come('tablet');
      expect(sent.slice(1)).toEqual([`${ROMEO} ${FAR} id`]);
    });

    test('is sent no more when it is answered or taken back', async () => {
      listen();
      await say(romeo, 'subscribe', FAR);
      await say(romeo, 'unsubscribe', FAR);
      scene.clock.advance(25 * HOUR);
      await come('phone');
      expect(sent).toHaveLength(1);
    });

    test('nor where an admin wants none of it, and some at a time at most', async () => {
      await scene.stop();
      await begin({ askAgainAfter: '0' });
      listen();
      await say(romeo, 'subscribe', FAR);
      scene.clock.advance(25 * HOUR);
      await come('phone');
      expect(sent).toHaveLength(1);
      await scene.stop();
      await begin();
      listen();
      for (let index = 0; index < 60; index += 1) await say(romeo, 'subscribe', `${index}${FAR}`);
      scene.clock.advance(25 * HOUR);
      await come('phone');
      expect(sent).toHaveLength(110);
    });
  });

  test('§3.1.2 that another domain cannot be reached is told, and the request stays', async () => {
    await say(romeo, 'subscribe', 'benvolio@verona.example');
    const error = await romeo.next();
    expect(error.attrs).toMatchObject({ type: 'error', from: 'benvolio@verona.example' });
    expect(errorIn(error)).toBe('remote-server-not-found');
    expect(heard(romeo)).toEqual(['push none+subscribe benvolio@verona.example']);
  });

  test('§3.2.2 cancellation: unavailable from each resource, unsubscribed, push', async () => {
    await befriend(romeo, juliet);
    const chamber = await scene.connect(`${JULIET}/chamber`);
    await chamber.send('<presence/>');
    quiet(romeo, juliet);
    await say(juliet, 'unsubscribed', ROMEO);
    expect(heard(romeo)).toEqual([
      `unavailable ${juliet.jid}`,
      `unavailable ${chamber.jid}`,
      `unsubscribed ${JULIET}`,
      `push from ${JULIET}`,
    ]);
    expect(heard(juliet)).toEqual([`push to ${ROMEO}`]);
    await juliet.send('<presence/>');
    await romeo.nothing();
  });

  test('§3.2.2 a request that is denied tells nothing of who is there', async () => {
    await say(romeo, 'subscribe', JULIET);
    quiet(romeo);
    await say(juliet, 'unsubscribed', ROMEO);
    expect(heard(romeo)).toEqual([`unsubscribed ${JULIET}`, `push none ${JULIET}`]);
    expect(await rosterOf(juliet)).toEqual([]);
  });

  test('§3.3 unsubscribing: told to the contact, whose presence ends', async () => {
    await befriend(romeo, juliet);
    quiet(romeo, juliet);
    await say(romeo, 'unsubscribe', JULIET);
    expect(heard(juliet)).toEqual([`unsubscribe ${ROMEO}`, `push to ${ROMEO}`]);
    expect(heard(romeo)).toEqual([`unavailable ${juliet.jid}`, `push from ${JULIET}`]);
  });

  test('§3.4 an approval in advance answers the request at once', async () => {
    await say(juliet, 'subscribed', ROMEO);
    expect(heard(juliet)).toEqual([`push none+approved ${ROMEO}`]);
    await romeo.nothing();
    await say(romeo, 'subscribe', JULIET);
    expect(heard(juliet)).toEqual([`push from+approved ${ROMEO}`]);
    expect(heard(romeo)).toEqual([
      `subscribed ${JULIET}`,
      `push to ${JULIET}`,
      `available ${juliet.jid}`,
      `push to ${JULIET}`,
    ]);
  });

  test('§3.4.2 an approval in advance is taken back without a word to the contact', async () => {
    await say(juliet, 'subscribed', ROMEO);
    await say(juliet, 'unsubscribed', ROMEO);
    expect(heard(juliet)).toEqual([`push none+approved ${ROMEO}`, `push none ${ROMEO}`]);
    await romeo.nothing();
    await say(romeo, 'subscribe', JULIET);
    expect(heard(juliet)).toEqual([`subscribe ${ROMEO}`]);
  });

  test.each(['subscribed', 'unsubscribed', 'unsubscribe'])(
    'a stranger’s %s changes nothing and is not delivered',
    async (type) => {
      await scene.router.route(
        makePresence({
          type: type as 'subscribed',
          from: romeo.session.account,
          to: juliet.session.account,
        }),
      );
      await juliet.nothing();
      expect(await rosterOf(juliet)).toEqual([]);
    },
  );

  test('oneself is no contact', async () => {
    for (const type of ['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed'])
      await say(romeo, type, ROMEO);
    await romeo.nothing();
    expect(await rosterOf(romeo)).toEqual([]);
  });

  test('both ask at the same moment: both requests wait, and nothing hangs', async () => {
    await Promise.all([say(romeo, 'subscribe', JULIET), say(juliet, 'subscribe', ROMEO)]);
    await Promise.all([say(romeo, 'subscribed', JULIET), say(juliet, 'subscribed', ROMEO)]);
    expect(await rosterOf(romeo)).toEqual([[JULIET, 'both', undefined]]);
    expect(await rosterOf(juliet)).toEqual([[ROMEO, 'both', undefined]]);
  });

  test('an anonymous user can neither ask nor be asked', async () => {
    Object.assign(romeo.session, { isAnonymous: true });
    scene.accounts.addTemporary(romeo.session.account);
    await say(romeo, 'subscribe', JULIET);
    expect(errorIn(await romeo.next())).toBe('not-allowed');
    await say(juliet, 'subscribe', ROMEO);
    await romeo.nothing();
    expect(await rosterOf(romeo)).toEqual([]);
  });
});

describe('RFC 6121 §3.1.3: limits of requests', () => {
  beforeEach(async () => {
    await scene.stop();
    await begin({ maxRequests: 1, maxRequestBytes: 100 });
  });
  test('one more than may wait is not kept; a large one is kept without content', async () => {
    await say(juliet, 'subscribe', ROMEO, `<status>${'x'.repeat(200)}</status>`);
    const nurse = await scene.connect(`${NURSE}/kitchen`);
    await say(nurse, 'subscribe', ROMEO);
    await romeo.send('<presence/>');
    const requests = romeo.inbox.filter((each) => each.attrs.type === 'subscribe');
    expect(requests.map((each) => [each.attrs.from, each.children])).toEqual([[JULIET, []]]);
  });
});

describe('RFC 6121 §4: presence', () => {
  let chamber: Actor;
  let nurse: Actor;
  beforeEach(async () => {
    await befriend(romeo, juliet);
    chamber = await scene.connect(`${JULIET}/chamber`);
    nurse = await scene.connect(`${NURSE}/kitchen`);
    await nurse.send('<presence/>');
    quiet(romeo, juliet, nurse);
  });

  test('§4.2.2 initial presence goes to contacts and own resources, and brings theirs', async () => {
    await romeo.send('<presence/>');
    await juliet.send('<presence><show>away</show></presence>');
    expect(heard(juliet)).toEqual([`available ${juliet.jid}`, `available ${romeo.jid}`]);
    expect(heard(romeo)).toEqual([`available ${romeo.jid}`, `available ${juliet.jid}`]);
    await chamber.send('<presence/>');
    expect(heard(chamber)).toEqual([
      `available ${chamber.jid}`,
      `available ${juliet.jid}`,
      `available ${romeo.jid}`,
    ]);
    expect(heard(juliet)).toEqual([`available ${chamber.jid}`]);
    expect(heard(romeo)).toEqual([`available ${chamber.jid}`]);
    await nurse.nothing();
  });

  test('§4.2.2 a broadcast carries everything, addressed to the contact', async () => {
    await romeo.send('<presence/>');
    quiet(romeo);
    await juliet.send(
      "<presence id='p1'><show>dnd</show><priority>5</priority><c xmlns='urn:x' v='&lt;1'/></presence>",
    );
    const seen = await romeo.next();
    expect(seen.attrs).toEqual({ id: 'p1', from: juliet.jid, to: ROMEO });
    expect(childOf(seen, 'c', 'urn:x')?.attrs['v']).toBe('<1');
    expect(juliet.session.priority).toBe(5);
  });

  test('§4.4.2 an update is broadcast, and no more contacts are asked', async () => {
    await romeo.send('<presence/>');
    await juliet.send('<presence/>');
    quiet(romeo, juliet);
    await juliet.send('<presence><show>away</show></presence>');
    expect(heard(romeo)).toEqual([`available ${juliet.jid}`]);
    expect(heard(juliet)).toEqual([`available ${juliet.jid}`]);
  });

  test('§4.4.2 a subscription in one direction shows presence in one direction', async () => {
    await subscribe(nurse, juliet);
    quiet(nurse, juliet);
    await juliet.send('<presence/>');
    expect(heard(nurse)).toEqual([`available ${juliet.jid}`]);
    await nurse.send('<presence><show>away</show></presence>');
    expect(heard(juliet)).toEqual([`available ${juliet.jid}`]);
  });

  test('§4.5.2 unavailable goes to contacts, own resources and oneself, with its content', async () => {
    await romeo.send('<presence/>');
    await juliet.send('<presence/>');
    await chamber.send('<presence/>');
    quiet(romeo, juliet, chamber);
    await juliet.send("<presence type='unavailable'><status>good night</status></presence>");
    const [gone] = romeo.inbox;
    const status = gone && childOf(gone, 'status');
    expect(status && textOf(status)).toBe('good night');
    for (const actor of [romeo, chamber, juliet])
      expect(heard(actor)).toEqual([`unavailable ${juliet.jid}`]);
    await juliet.send("<presence type='unavailable'/>");
    await juliet.disconnect();
    for (const actor of [romeo, chamber, juliet]) expect(heard(actor)).toEqual([]);
  });

  test('§4.5.2 who vanishes is said to be unavailable by the server, once', async () => {
    await romeo.send('<presence/>');
    await juliet.send('<presence/>');
    await chamber.send('<presence/>');
    quiet(romeo, chamber);
    await juliet.disconnect({ kind: 'lost', text: 'no ack' });
    expect(heard(romeo)).toEqual([`unavailable ${juliet.jid}`]);
    expect(heard(chamber)).toEqual([`unavailable ${juliet.jid}`]);
    await nurse.nothing();
  });

  test('§4.5.2 presence after unavailable is initial presence again', async () => {
    await romeo.send('<presence/>');
    await juliet.send('<presence/>');
    await juliet.send("<presence type='unavailable'/>");
    quiet(romeo, juliet);
    await juliet.send('<presence/>');
    expect(heard(juliet)).toEqual([`available ${juliet.jid}`, `available ${romeo.jid}`]);
    expect(heard(romeo)).toEqual([`available ${juliet.jid}`]);
  });

  test('contacts in other domains are probed from the bare JID; that they cannot be is no news', async () => {
    await say(juliet, 'subscribe', 'benvolio@verona.example');
    await scene.router.route(
      makePresence({
        type: 'subscribed',
        from: 'benvolio@verona.example' as typeof juliet.session.account,
        to: juliet.session.account,
      }),
    );
    quiet(juliet);
    await juliet.send('<presence/>');
    expect(heard(juliet)).toEqual([`available ${juliet.jid}`]);
  });

  describe('§4.3 probes', () => {
    const probe = (actor: Actor, to: string) =>
      actor.send(`<presence type='probe' to='${to}' id='p'/>`);

    test('§4.3.2 a subscriber is answered with the last presence of each resource', async () => {
      await juliet.send("<presence id='j'><show>dnd</show></presence>");
      await chamber.send('<presence/>');
      quiet(romeo);
      await probe(romeo, JULIET);
      expect(romeo.inbox[0]?.attrs.id).toBe('j');
      expect(heard(romeo)).toEqual([`available ${juliet.jid}`, `available ${chamber.jid}`]);
    });
    test('§4.3.2 nobody there: unavailable from the bare JID, with the id of the probe', async () => {
      await probe(romeo, JULIET);
      const answer = await romeo.next();
      expect(answer.attrs).toMatchObject({ type: 'unavailable', from: JULIET, id: 'p' });
    });
    test.each([
      ['an account', JULIET],
      ['a resource that is there', `${JULIET}/balcony`],
      ['an account that does not exist', 'nobody@capulet.example'],
    ])('§4.3.2 a stranger learns nothing of %s', async (_, to) => {
      await juliet.send('<presence/>');
      quiet(juliet);
      await probe(nurse, to);
      await nurse.nothing(); // the answer, unsubscribed, ends no subscription of hers
      await juliet.nothing();
    });
    test('§4.3.2 who is subscribed to an account that is no more learns it from the answer', async () => {
      await subscribe(romeo, nurse);
      quiet(romeo);
      await follow(romeo);
      await scene.accounts.remove(nurse.session.account);
      await probe(romeo, nurse.jid);
      expect(heard(romeo)).toEqual([`unsubscribed ${NURSE}`, `push none ${NURSE}`]);
    });
    /** Romeo takes himself for subscribed to the nurse, who knows nothing of it. */
    const seemSubscribed = async () => {
      await follow(romeo);
      await say(romeo, 'subscribe', NURSE);
      await scene.router.route(
        makePresence({
          type: 'subscribed',
          from: nurse.session.account,
          to: romeo.session.account,
        }),
      );
    };
    test('§4.3.2 who lost the subscription learns it from the answer', async () => {
      await seemSubscribed();
      quiet(romeo);
      await probe(romeo, NURSE);
      expect(heard(romeo)).toEqual([`unsubscribed ${NURSE}`, `push none ${NURSE}`]);
    });
    test('§4.3.1 who lost the subscription to one who is there learns it when he comes', async () => {
      await nurse.send('<presence/>');
      await seemSubscribed();
      await romeo.send("<presence type='unavailable'/>");
      quiet(romeo);
      await romeo.send('<presence/>');
      const news = heard(romeo);
      expect(news).toEqual(expect.arrayContaining([`unsubscribed ${NURSE}`, `push none ${NURSE}`]));
      expect(news).not.toContain(`available ${nurse.jid}`);
    });
    test('§4.3.2 a resource is answered for alone, and with nothing but that it is there', async () => {
      await juliet.send('<presence><show>dnd</show></presence>');
      await chamber.send('<presence/>');
      quiet(romeo);
      await probe(romeo, `${JULIET}/balcony`);
      await probe(romeo, `${JULIET}/elsewhere`);
      expect(romeo.inbox[0]?.children).toEqual([]);
      expect(heard(romeo)).toEqual([`available ${juliet.jid}`, `unavailable ${JULIET}/elsewhere`]);
    });
    test('§4.6.6 whom presence was sent to directly may ask for that resource', async () => {
      await meet(juliet, nurse.jid, '<show>dnd</show>');
      await chamber.send('<presence/>');
      quiet(nurse);
      await probe(nurse, juliet.jid);
      await probe(nurse, chamber.jid);
      expect(nurse.inbox[0]?.children).toEqual([]);
      expect(heard(nurse)).toEqual([`available ${juliet.jid}`]);
    });
  });

  describe('§4.6 directed presence', () => {
    test('§4.6.3 reaches a stranger, who hears of the end but not of updates', async () => {
      await juliet.send('<presence/>');
      await meet(juliet, nurse.jid);
      await juliet.send('<presence><show>away</show></presence>');
      await juliet.send("<presence type='unavailable'/>");
      expect(heard(nurse)).toEqual([`available ${juliet.jid}`, `unavailable ${juliet.jid}`]);
    });
    test('§4.6.3 also without initial presence, and when the connection is lost', async () => {
      await meet(juliet, NURSE);
      await juliet.disconnect({ kind: 'lost', text: '' });
      expect(heard(nurse)).toEqual([`available ${juliet.jid}`, `unavailable ${juliet.jid}`]);
      await romeo.nothing();
    });
    test('§4.6.3 what still waits for a module when its session ends does not go out after the end', async () => {
      const looked = deferred<void>();
      const slow = defineModule({
        name: 'slow',
        specs: [],
        setup: () => ({ hooks: { fromAccount: () => looked.promise.then(() => verdict.pass) } }),
      });
      await scene.stop();
      scene = await startScene({ modules: [roster, presence, slow], accounts: [JULIET, NURSE] });
      juliet = await scene.connect(`${JULIET}/balcony`);
      nurse = await scene.connect(`${NURSE}/cell`);
      const sent = meet(juliet, nurse.jid);
      await juliet.disconnect({ kind: 'lost', text: '' });
      looked.resolve();
      await sent;
      expect(heard(nurse)).toEqual([`unavailable ${juliet.jid}`]);
    });
    test('§4.6.1 whoever was told goodbye, or said it, is not told again', async () => {
      await meet(juliet, nurse.jid);
      await say(juliet, 'unavailable', nurse.jid);
      await meet(juliet, `${ROMEO}/orchard`);
      await say(romeo, 'unavailable', juliet.jid);
      quiet(nurse, romeo);
      await juliet.disconnect();
      expect(heard(nurse)).toEqual([]);
      expect(heard(romeo)).toEqual([]);
    });
    test('a contact hears of the end once', async () => {
      await romeo.send('<presence/>');
      await juliet.send('<presence/>');
      await meet(juliet, romeo.jid);
      await meet(juliet, ROMEO);
      quiet(romeo);
      await juliet.disconnect();
      expect(heard(romeo)).toEqual([`unavailable ${juliet.jid}`]);
    });
    test('§8.5.2.1.2 to a bare JID it goes to all available resources, and to no other', async () => {
      await juliet.send('<presence/>');
      quiet(juliet, chamber);
      await meet(nurse, JULIET);
      expect(heard(juliet)).toEqual([`available ${nurse.jid}`]);
      await chamber.nothing();
    });
    test('too many addresses are refused', async () => {
      await scene.stop();
      await begin({ maxDirected: 1 });
      await meet(romeo, `${JULIET}/balcony`);
      await meet(romeo, `${JULIET}/balcony`);
      await meet(romeo, NURSE);
      expect(heard(juliet)).toHaveLength(2);
      expect(errorIn(await romeo.next())).toBe('policy-violation');
    });
  });

  test('presence of other types without an address is for nobody', async () => {
    for (const type of ['subscribe', 'probe', 'error'])
      await romeo.send(`<presence type='${type}'/>`);
    await romeo.nothing();
    await juliet.nothing();
  });
});

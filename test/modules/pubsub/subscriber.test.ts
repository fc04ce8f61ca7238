/** XEP-0060 §5 and §6: entities and subscribers; the examples in their order. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { serialise } from '../../../src/xml/element.ts';
import type { Actor, Scene } from '../../support/scene.ts';
import {
  ask,
  calm,
  create,
  errorOf,
  expectDone,
  expectHeard,
  expectLike,
  heard,
  idsIn,
  openHouse,
  PUBSUB,
  publish,
} from './house.ts';

const NODE = 'princely_musings';
const INFO = (node?: string) =>
  `<query xmlns='http://jabber.org/protocol/disco#info'${node === undefined ? '' : ` node='${node}'`}/>`;
const ITEMS = (node?: string, inner = '') =>
  `<query xmlns='http://jabber.org/protocol/disco#items'${node === undefined ? '' : ` node='${node}'`}>${inner}</query>`;
const entry = (id: string) =>
  `<item id='${id}'><entry xmlns='http://www.w3.org/2005/Atom'><title>${id}</title></entry></item>`;

describe('XEP-0060 §5, §6', () => {
  let scene: Scene;
  let hamlet: Actor;
  let francisco: Actor;
  const subscribe = (actor: Actor, jid: string, node = NODE) =>
    ask(actor, 'set', `<subscribe node='${node}' jid='${jid}'/>`, PUBSUB);
  const unsubscribe = (actor: Actor, jid: string, node = NODE) =>
    ask(actor, 'set', `<unsubscribe node='${node}' jid='${jid}'/>`, PUBSUB);
  const items = (actor: Actor, inner = '', attrs = '', rsm = '') =>
    ask(actor, 'get', `<items node='${NODE}' ${attrs}>${inner}</items>${rsm}`, PUBSUB);
  beforeEach(async () => {
    scene = await openHouse([
      'hamlet@denmark.lit',
      'francisco@denmark.lit',
      'bernardo@denmark.lit',
    ]);
    hamlet = await scene.connect('hamlet@denmark.lit/elsinore');
    francisco = await scene.connect('francisco@denmark.lit/barracks');
    expectDone(await create(hamlet, NODE, { title: 'Princely Musings', description: 'A weblog.' }));
  });
  afterEach(() => scene.stop());

  test('§5.1 the service says what it is', async () => {
    const text = serialise(expectDone(await francisco.ask('get', INFO(), PUBSUB)) ?? hamletIsNot());
    expect(text).toContain('<identity category="pubsub" type="service" name="Nodes"/>');
    for (const feature of ['publish', 'instant-nodes', 'retrieve-items', 'access-open', 'rsm'])
      expect(text).toContain(`"http://jabber.org/protocol/pubsub#${feature}"`);
    for (const feature of ['digest', 'collections', 'last-published', 'get-pending'])
      expect(text).not.toContain(`#${feature}"`);
  });

  test('§5.2 it lists its nodes, by pages if need be', async () => {
    await create(hamlet, 'aaa');
    await create(hamlet, 'zzz', { access_model: 'whitelist' });
    expect(idsIn(await francisco.ask('get', ITEMS(), PUBSUB))).toEqual(['aaa', NODE]);
    expect(idsIn(await hamlet.ask('get', ITEMS(), PUBSUB))).toEqual(['aaa', NODE, 'zzz']);
    const rsm = "<set xmlns='http://jabber.org/protocol/rsm'><max>1</max><after>aaa</after></set>";
    expectLike(
      expectDone(await hamlet.ask('get', ITEMS(undefined, rsm), PUBSUB)),
      `<query xmlns='http://jabber.org/protocol/disco#items'><item jid='${PUBSUB}' node='${NODE}' name='Princely Musings'/>
       <set xmlns='http://jabber.org/protocol/rsm'><first index='1'>${NODE}</first><last>${NODE}</last><count>3</count></set></query>`,
    );
  });

  test('§5.3, §5.4 a node says what it is, with its metadata', async () => {
    const text = serialise(
      expectDone(await francisco.ask('get', INFO(NODE), PUBSUB)) ?? hamletIsNot(),
    );
    expect(text).toContain('<identity category="pubsub" type="leaf" name="Princely Musings"/>');
    expect(text).toMatch(/var="pubsub#owner"[^>]*><value>hamlet@denmark.lit</);
    expect(text).toMatch(/var="pubsub#creator"[^>]*><value>hamlet@denmark.lit</);
    expect(text).toMatch(/var="pubsub#description"[^>]*><value>A weblog\.</);
    expect(text).toMatch(/var="pubsub#num_subscribers"[^>]*><value>0</);
    expect(errorOf(await francisco.ask('get', INFO('none'), PUBSUB))).toBe('cancel item-not-found');
  });

  test('§5.5 the items of a node are listed by their ids', async () => {
    await publish(hamlet, NODE, entry('a'), undefined, PUBSUB);
    await publish(hamlet, NODE, entry('b'), undefined, PUBSUB);
    expectLike(
      expectDone(await francisco.ask('get', ITEMS(NODE), PUBSUB)),
      `<query xmlns='http://jabber.org/protocol/disco#items' node='${NODE}'><item jid='${PUBSUB}' name='a'/><item jid='${PUBSUB}' name='b'/></query>`,
    );
  });

  test('§5.6 subscriptions of all addresses of the asker', async () => {
    expectLike(
      expectDone(await ask(francisco, 'get', '<subscriptions/>', PUBSUB)),
      "<pubsub xmlns='http://jabber.org/protocol/pubsub'><subscriptions/></pubsub>",
    );
    await create(hamlet, 'node2');
    await subscribe(francisco, 'francisco@denmark.lit');
    await subscribe(francisco, 'francisco@denmark.lit/barracks', 'node2');
    expectLike(
      expectDone(await ask(francisco, 'get', '<subscriptions/>', PUBSUB)),
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><subscriptions><subscription node='${NODE}' jid='francisco@denmark.lit' subscription='subscribed'/><subscription node='node2' jid='francisco@denmark.lit/barracks' subscription='subscribed'/></subscriptions></pubsub>`,
    );
    expectLike(
      expectDone(await ask(francisco, 'get', "<subscriptions node='node2'/>", PUBSUB)),
      "<pubsub xmlns='http://jabber.org/protocol/pubsub'><subscriptions node='node2'><subscription node='node2' jid='francisco@denmark.lit/barracks' subscription='subscribed'/></subscriptions></pubsub>",
    );
  });

  test('§5.7 affiliations of the asker', async () => {
    expectLike(
      expectDone(await ask(hamlet, 'get', '<affiliations/>', PUBSUB)),
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><affiliations><affiliation node='${NODE}' affiliation='owner'/></affiliations></pubsub>`,
    );
    expect(
      serialise(
        expectDone(await ask(francisco, 'get', '<affiliations/>', PUBSUB)) ?? hamletIsNot(),
      ),
    ).toContain('<affiliations/>');
  });

  test('§6.1 subscribing, and once more', async () => {
    for (let time = 0; time < 2; time += 1)
      expectLike(
        await subscribe(francisco, 'francisco@denmark.lit'),
        `<iq type='result' from='${PUBSUB}' to='francisco@denmark.lit/barracks'><pubsub xmlns='http://jabber.org/protocol/pubsub'><subscription node='${NODE}' jid='francisco@denmark.lit' subscription='subscribed'/></pubsub></iq>`,
      );
  });

  test.each([
    ['§6.1.3.1 another address', 'bernardo@denmark.lit', {}, 'modify bad-request invalid-jid'],
    [
      '§6.1.3.2',
      '',
      { access_model: 'presence' },
      'auth not-authorized presence-subscription-required',
    ],
    ['§6.1.3.3', '', { access_model: 'roster' }, 'auth not-authorized not-in-roster-group'],
    ['§6.1.3.4', '', { access_model: 'whitelist' }, 'cancel not-allowed closed-node'],
    ['§6.1.3.10', '', { subscribe: '0' }, 'cancel feature-not-implemented unsupported subscribe'],
  ])('%s', async (_title, jid, config, expected) => {
    await create(hamlet, 'other', config);
    const answer = await subscribe(francisco, jid === '' ? 'francisco@denmark.lit' : jid, 'other');
    expect(errorOf(answer)).toBe(expected);
  });

  test('§6.1.3.7, §6.1.4, §8.6 an owner approves', async () => {
    await create(hamlet, 'closed', { access_model: 'authorize' });
    expectLike(
      expectDone(await subscribe(francisco, 'francisco@denmark.lit', 'closed')),
      "<pubsub xmlns='http://jabber.org/protocol/pubsub'><subscription node='closed' jid='francisco@denmark.lit' subscription='pending'/></pubsub>",
    );
    expect(errorOf(await subscribe(francisco, 'francisco@denmark.lit', 'closed'))).toBe(
      'auth not-authorized pending-subscription',
    );
    expect(errorOf(await ask(francisco, 'get', "<items node='closed'/>", PUBSUB))).toBe(
      'auth not-authorized not-subscribed',
    );
  });

  test('§6.1.3.8 an outcast', async () => {
    const to =
      "<affiliations node='princely_musings'><affiliation jid='francisco@denmark.lit' affiliation='outcast'/></affiliations>";
    expectDone(await ask(hamlet, 'set', to, PUBSUB, '#owner'));
    expect(errorOf(await subscribe(francisco, 'francisco@denmark.lit'))).toBe('auth forbidden');
    expect(errorOf(await items(francisco))).toBe('auth forbidden');
  });

  test('§6.1.3.12 no such node, §6.2.3 not subscribed, not yours', async () => {
    expect(errorOf(await subscribe(francisco, 'francisco@denmark.lit', 'none'))).toBe(
      'cancel item-not-found',
    );
    expect(errorOf(await unsubscribe(francisco, 'francisco@denmark.lit'))).toBe(
      'cancel unexpected-request not-subscribed',
    );
    expect(errorOf(await unsubscribe(francisco, 'bernardo@denmark.lit'))).toBe('auth forbidden');
    expect(errorOf(await unsubscribe(francisco, 'francisco@denmark.lit', 'none'))).toBe(
      'cancel item-not-found',
    );
    await subscribe(francisco, 'francisco@denmark.lit');
    expect(expectDone(await unsubscribe(francisco, 'francisco@denmark.lit'))).toBeUndefined();
  });

  test('§6.1.7 the last item comes with a new subscription', async () => {
    await publish(hamlet, NODE, entry('a'), undefined, PUBSUB);
    await francisco.send('<presence/>');
    francisco.inbox.length = 0;
    await subscribe(francisco, 'francisco@denmark.lit');
    await calm(scene);
    expectHeard(
      francisco,
      `<message from='${PUBSUB}' to='francisco@denmark.lit' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='${NODE}'>${entry('a')}</items></event><delay xmlns='urn:xmpp:delay' from='${PUBSUB}' stamp='${new Date(scene.clock.now()).toISOString()}'/></message>`,
    );
  });

  describe('§6.5 items', () => {
    beforeEach(async () => {
      for (const id of ['a', 'b', 'c', 'd'])
        await publish(hamlet, NODE, entry(id), undefined, PUBSUB);
    });

    test('§6.5.3 all of them, in the order of publication', async () => {
      expectLike(
        expectDone(await items(francisco)),
        `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='${NODE}'>${['a', 'b', 'c', 'd'].map(entry).join('')}</items></pubsub>`,
      );
    });

    test('§12.1 an item that is published again is the newest', async () => {
      await publish(hamlet, NODE, entry('a'), undefined, PUBSUB);
      expect(idsIn(await items(francisco))).toEqual(['b', 'c', 'd', 'a']);
    });

    test('§6.5.4 by pages', async () => {
      const page = (inner: string) =>
        items(francisco, '', '', `<set xmlns='http://jabber.org/protocol/rsm'>${inner}</set>`);
      const first = expectDone(await page('<max>2</max>'));
      expect(idsIn(first)).toEqual(['a', 'b']);
      expect(serialise(first ?? hamletIsNot())).toContain(
        '<set xmlns="http://jabber.org/protocol/rsm"><first index="0">a</first><last>b</last><count>4</count></set>',
      );
      expect(idsIn(await page('<max>2</max><after>b</after>'))).toEqual(['c', 'd']);
      expect(idsIn(await page('<max>2</max><before/>'))).toEqual(['c', 'd']);
      expect(idsIn(await page('<max>1</max><before>c</before>'))).toEqual(['b']);
      expect(idsIn(await page('<max>1</max><index>2</index>'))).toEqual(['c']);
      expect(serialise(await page('<max>0</max>'))).toContain('<count>4</count>');
      expect(errorOf(await page('<after>none</after>'))).toBe('cancel item-not-found');
      expect(errorOf(await page('<max>x</max>'))).toBe('modify bad-request');
    });

    test('§6.5.7 the latest, §6.5.8 some by their ids', async () => {
      expect(idsIn(await items(francisco, '', "max_items='2'"))).toEqual(['c', 'd']);
      expect(errorOf(await items(francisco, '', "max_items='two'"))).toBe('modify bad-request');
      expect(idsIn(await items(francisco, "<item id='c'/><item id='a'/>"))).toEqual(['c', 'a']);
    });

    test('§6.5.9.12 no such items are an empty answer', async () => {
      expectLike(
        expectDone(await items(francisco, "<item id='none'/>")),
        `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='${NODE}'/></pubsub>`,
      );
    });

    test('§6.5.9.11 no such node, §7.2.3.3 no node', async () => {
      expect(errorOf(await ask(francisco, 'get', "<items node='none'/>", PUBSUB))).toBe(
        'cancel item-not-found',
      );
      expect(errorOf(await ask(francisco, 'get', '<items/>', PUBSUB))).toBe(
        'modify bad-request nodeid-required',
      );
    });
  });

  test('§6.5.5 a node that keeps nothing has its last item', async () => {
    await create(hamlet, 'fleeting', { persist_items: '0' });
    expect(errorOf(await ask(francisco, 'get', "<items node='fleeting'/>", PUBSUB))).toBe(
      'cancel feature-not-implemented unsupported persistent-items',
    );
    await publish(hamlet, 'fleeting', entry('a'), undefined, PUBSUB);
    await publish(hamlet, 'fleeting', entry('b'), undefined, PUBSUB);
    expect(idsIn(await ask(francisco, 'get', "<items node='fleeting'/>", PUBSUB))).toEqual(['b']);
  });

  test('§12.4 a subscriber who is gone is subscribed no more', async () => {
    await subscribe(francisco, 'francisco@denmark.lit/barracks');
    await publish(hamlet, NODE, entry('a'), undefined, PUBSUB);
    await calm(scene);
    expect(heard(francisco)).toEqual([`${NODE} a`]);
    await francisco.send(
      `<message type='error' to='${PUBSUB}'><error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
    );
    await calm(scene);
    await publish(hamlet, NODE, entry('b'), undefined, PUBSUB);
    await calm(scene);
    expect(heard(francisco)).toEqual([]);
  });
});

function hamletIsNot(): never {
  expect.fail('there is no answer');
}

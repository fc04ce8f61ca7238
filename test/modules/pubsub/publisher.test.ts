/** XEP-0060 §7: publishers; the examples in their order. */
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
const entry = (id: string) =>
  `<item id='${id}'><entry xmlns='http://www.w3.org/2005/Atom'><title>${id}</title></entry></item>`;

describe('XEP-0060 §7', () => {
  let scene: Scene;
  let hamlet: Actor;
  let francisco: Actor;
  const items = (actor: Actor, node = NODE) => ask(actor, 'get', `<items node='${node}'/>`, PUBSUB);
  const say = (item: string, node = NODE, actor = hamlet) =>
    publish(actor, node, item, undefined, PUBSUB);
  const retract = (id: string, notify = '', actor = hamlet, node = NODE) =>
    ask(actor, 'set', `<retract node='${node}' ${notify}><item id='${id}'/></retract>`, PUBSUB);
  beforeEach(async () => {
    scene = await openHouse(['hamlet@denmark.lit', 'francisco@denmark.lit'], {
      maxPayload: '2KiB',
    });
    hamlet = await scene.connect('hamlet@denmark.lit/blogbot');
    francisco = await scene.connect('francisco@denmark.lit/barracks');
    await francisco.send('<presence/>');
    await create(hamlet, NODE, { notify_retract: '0' });
    const subscribe = `<subscribe node='${NODE}' jid='francisco@denmark.lit'/>`;
    await ask(francisco, 'set', subscribe, PUBSUB);
    francisco.inbox.length = 0;
  });
  afterEach(() => scene.stop());

  test('§7.1.2 an item is published and told', async () => {
    expectLike(
      await say(entry('bnd81g37d61f49fgn581')),
      `<iq type='result' from='${PUBSUB}' to='hamlet@denmark.lit/blogbot'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='${NODE}'><item id='bnd81g37d61f49fgn581'/></publish></pubsub></iq>`,
    );
    await calm(scene);
    expectHeard(
      francisco,
      `<message from='${PUBSUB}' to='francisco@denmark.lit' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='${NODE}'>${entry('bnd81g37d61f49fgn581')}</items></event></message>`,
    );
  });

  test('§7.1.2 without an id the service makes one', async () => {
    const answer = await say("<item><entry xmlns='http://www.w3.org/2005/Atom'/></item>");
    const [id = ''] = idsIn(answer);
    expect(id).toMatch(/^[\w-]{16}$/);
    expect(idsIn(await items(francisco))).toEqual([id]);
  });

  test('§7.1.2.2 a node may tell without payloads', async () => {
    await create(hamlet, 'quiet', { deliver_payloads: '0', notification_type: 'normal' });
    await ask(francisco, 'set', "<subscribe node='quiet' jid='francisco@denmark.lit'/>", PUBSUB);
    await say(entry('a'), 'quiet');
    await calm(scene);
    expectHeard(
      francisco,
      `<message from='${PUBSUB}' to='francisco@denmark.lit'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='quiet'><item id='a'/></items></event></message>`,
    );
    expect(serialise(await items(francisco, 'quiet'))).toContain('<title>a</title>');
  });

  test('§7.1.2.3, §12.18 a node may name publishers, whatever an item claims', async () => {
    await create(hamlet, 'signed', { itemreply: 'publisher' });
    await ask(francisco, 'set', "<subscribe node='signed' jid='francisco@denmark.lit'/>", PUBSUB);
    await say(
      "<item id='a' publisher='bard@shakespeare.lit'><entry xmlns='urn:x'/></item>",
      'signed',
    );
    await calm(scene);
    const signed =
      "<item id='a' publisher='hamlet@denmark.lit/blogbot'><entry xmlns='urn:x'/></item>";
    expectHeard(
      francisco,
      `<message from='${PUBSUB}' to='francisco@denmark.lit' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='signed'>${signed}</items></event></message>`,
    );
    expectLike(
      expectDone(await items(francisco, 'signed')),
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='signed'>${signed}</items></pubsub>`,
    );
  });

  test('§7.1.2.6 of a full node the oldest item goes, told or not, or nothing comes', async () => {
    for (const [node, publish_node_full, told] of [
      [
        'retracting',
        'retract-oldest',
        ['retracting a', 'retracting b', 'retracting -a', 'retracting c'],
      ],
      ['discarding', 'discard-oldest', ['discarding a', 'discarding b', 'discarding c']],
      ['rejecting', 'reject', ['rejecting a', 'rejecting b']],
    ] as const) {
      await create(hamlet, node, { max_items: '2', publish_node_full });
      const subscribe = `<subscribe node='${node}' jid='francisco@denmark.lit'/>`;
      await ask(francisco, 'set', subscribe, PUBSUB);
      await say(entry('a'), node);
      await say(entry('b'), node);
      const third = await say(entry('c'), node);
      await calm(scene);
      expect(heard(francisco)).toEqual(told);
      if (publish_node_full === 'reject') expect(errorOf(third)).toBe('cancel conflict node-full');
      else expect(idsIn(await items(francisco, node))).toEqual(['b', 'c']);
    }
    expectDone(await say(entry('a'), 'rejecting')); // §7.1.3: what is there is overwritten
  });

  test.each([
    ['§7.1.3.1', {}, entry('a'), 'auth forbidden', 'francisco'],
    [
      '§7.1.3.5',
      {},
      `<item><x xmlns='urn:x'>${'x'.repeat(2100)}</x></item>`,
      'modify not-acceptable payload-too-big',
    ],
    [
      '§7.1.3.5 of the node',
      { max_payload_size: '64' },
      `<item><x xmlns='urn:x'>${'x'.repeat(64)}</x></item>`,
      'modify not-acceptable payload-too-big',
    ],
    [
      '§7.1.3.6',
      {},
      "<item><x xmlns='urn:x'/><y xmlns='urn:x'/></item>",
      'modify bad-request invalid-payload',
    ],
    ['§7.1.3.7', {}, '', 'modify bad-request item-required'],
    ['§7.1.3.7 no payload', {}, "<item id='a'/>", 'modify bad-request payload-required'],
    [
      '§7.1.3.7 fleeting',
      { persist_items: 'false', deliver_payloads: 'false' },
      "<item id='a'/>",
      'modify bad-request item-forbidden',
    ],
    ['§7.1.1 two items', {}, entry('a') + entry('b'), 'modify bad-request'],
    ['§7.1.1 no id', {}, "<item id=''><x xmlns='urn:x'/></item>", 'modify bad-request'],
  ])('%s', async (_title, config, item, expected, who = 'hamlet') => {
    await create(hamlet, 'other', config);
    const answer = await say(item, 'other', who === 'hamlet' ? hamlet : francisco);
    expect(errorOf(answer)).toBe(expected);
  });

  test('§4.3 an event without an item', async () => {
    await create(hamlet, 'bell', { persist_items: '0', deliver_payloads: '0' });
    await ask(francisco, 'set', "<subscribe node='bell' jid='francisco@denmark.lit'/>", PUBSUB);
    expectDone(await say('', 'bell'));
    await calm(scene);
    expect(heard(francisco)).toEqual(['bell empty']);
  });

  test('§7.1.4 a node is made by publishing to it', async () => {
    expectDone(await say(entry('a'), 'new'));
    expect(idsIn(await items(francisco, 'new'))).toEqual(['a']);
  });

  test('§7.1.5 what a publisher takes for granted', async () => {
    const options = { access_model: 'whitelist', persist_items: 'true', max_items: 'max' };
    expectDone(await publish(hamlet, 'mine', entry('a'), options, PUBSUB));
    expect(errorOf(await items(francisco, 'mine'))).toBe('cancel not-allowed closed-node');
    expectDone(await publish(hamlet, 'mine', entry('b'), { persist_items: '1' }, PUBSUB));
    expect(
      errorOf(await publish(hamlet, 'mine', entry('c'), { access_model: 'open' }, PUBSUB)),
    ).toBe('cancel conflict precondition-not-met');
    expect(idsIn(await items(hamlet, 'mine'))).toEqual(['a', 'b']);
    expect(errorOf(await publish(hamlet, 'mine', entry('c'), { unheard_of: '1' }, PUBSUB))).toBe(
      'modify bad-request invalid-options',
    );
    expect(errorOf(await publish(hamlet, 'x', entry('c'), { max_items: 'all' }, PUBSUB))).toBe(
      'modify not-acceptable',
    );
    expect(errorOf(await items(hamlet, 'x'))).toBe('cancel item-not-found');
    expect(
      errorOf(await publish(francisco, 'mine', entry('c'), { access_model: 'open' }, PUBSUB)),
    ).toBe('auth forbidden');
  });

  test('§7.2.2 an item is deleted, and told if that is wanted', async () => {
    await say(entry('a'));
    await say(entry('b'));
    await calm(scene);
    francisco.inbox.length = 0;
    expectLike(
      await retract('a'),
      `<iq type='result' from='${PUBSUB}' to='hamlet@denmark.lit/blogbot'/>`,
    );
    await calm(scene);
    expect(heard(francisco)).toEqual([]);
    await retract('b', "notify='1'");
    await calm(scene);
    expectHeard(
      francisco,
      `<message from='${PUBSUB}' to='francisco@denmark.lit' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='${NODE}'><retract id='b'/></items></event></message>`,
    );
    expect(idsIn(await items(hamlet))).toEqual([]);
  });

  test('§7.2.3 the errors of deletion', async () => {
    await say(entry('a'));
    await create(hamlet, 'fleeting', { persist_items: '0' });
    expect(errorOf(await retract('a', '', francisco))).toBe('auth forbidden');
    expect(errorOf(await retract('b'))).toBe('cancel item-not-found');
    expect(errorOf(await retract('a', '', hamlet, 'none'))).toBe('cancel item-not-found');
    expect(errorOf(await retract('a', '', hamlet, 'fleeting'))).toBe(
      'cancel feature-not-implemented unsupported persistent-items',
    );
    const raw = (inner: string) => ask(hamlet, 'set', inner, PUBSUB);
    expect(errorOf(await raw("<retract><item id='a'/></retract>"))).toBe(
      'modify bad-request nodeid-required',
    );
    expect(errorOf(await raw(`<retract node='${NODE}'/>`))).toBe(
      'modify bad-request item-required',
    );
    expect(errorOf(await raw(`<retract node='${NODE}'><item/></retract>`))).toBe(
      'modify bad-request item-required',
    );
  });

  test('§4.1 whoever may only publish touches nobody else’s items', async () => {
    await create(hamlet, 'wall', { publish_model: 'open' });
    await say(entry('a'), 'wall');
    expectDone(await say(entry('b'), 'wall', francisco));
    expect(errorOf(await say(entry('a'), 'wall', francisco))).toBe('auth forbidden');
    expect(errorOf(await retract('a', '', francisco, 'wall'))).toBe('auth forbidden');
    expectDone(await retract('b', '', francisco, 'wall'));
    const to =
      "<affiliations node='wall'><affiliation jid='francisco@denmark.lit' affiliation='publish-only'/></affiliations>";
    await ask(hamlet, 'set', to, PUBSUB, '#owner');
    expectDone(await say(entry('c'), 'wall', francisco));
    expect(errorOf(await items(francisco, 'wall'))).toBe('auth forbidden');
  });

  test('§12.1 items go when their time is over', async () => {
    await create(hamlet, 'hourly', { item_expire: '3600' });
    await say(entry('a'), 'hourly');
    await scene.clock.advance(3_000_000);
    await say(entry('b'), 'hourly');
    await scene.clock.advance(1_000_000);
    expect(idsIn(await items(francisco, 'hourly'))).toEqual(['b']);
    await scene.clock.advance(3_600_000);
    await calm(scene);
    expect(idsIn(await items(francisco, 'hourly'))).toEqual([]);
  });
});

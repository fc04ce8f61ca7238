/** XEP-0060 §8: owners; the examples in their order. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BareJid, Domain } from '../../../src/jid/jid.ts';
import { iqSet } from '../../../src/stanza/build.ts';
import { serialise } from '../../../src/xml/element.ts';
import { type Actor, parse, type Scene } from '../../support/scene.ts';
import {
  ask,
  calm,
  create,
  errorOf,
  expectDone,
  expectHeard,
  expectLike,
  fieldIn,
  heard,
  idsIn,
  openHouse,
  optionsForm,
  PUBSUB,
  publish,
} from './house.ts';

const NODE = 'princely_musings';
const OWNER = 'http://jabber.org/protocol/pubsub#owner';
const entry = (id: string) => `<item id='${id}'><entry xmlns='urn:x'>${id}</entry></item>`;

describe('XEP-0060 §8', () => {
  let scene: Scene;
  let hamlet: Actor;
  let francisco: Actor;
  const owner = (actor: Actor, type: 'get' | 'set', inner: string) =>
    ask(actor, type, inner, PUBSUB, '#owner');
  const configure = (
    fields: Record<string, string | readonly string[]>,
    actor = hamlet,
    node = NODE,
  ) =>
    owner(
      actor,
      'set',
      `<configure node='${node}'>${optionsForm(fields, 'node_config')}</configure>`,
    );
  const subscribe = (actor: Actor, jid: string, node = NODE) =>
    ask(actor, 'set', `<subscribe node='${node}' jid='${jid}'/>`, PUBSUB);
  const say = (id: string, node = NODE, actor = hamlet) =>
    publish(actor, node, entry(id), undefined, PUBSUB);
  const affiliate = (inner: string, actor = hamlet) =>
    owner(actor, 'set', `<affiliations node='${NODE}'>${inner}</affiliations>`);
  beforeEach(async () => {
    scene = await openHouse(
      ['hamlet@denmark.lit', 'francisco@denmark.lit', 'polonius@denmark.lit'],
      { nodesPerOwner: 4 },
    );
    hamlet = await scene.connect('hamlet@denmark.lit/elsinore');
    francisco = await scene.connect('francisco@denmark.lit/barracks');
    for (const actor of [hamlet, francisco]) await actor.send('<presence/>');
    expectDone(await create(hamlet, NODE));
    for (const actor of [hamlet, francisco]) actor.inbox.length = 0;
  });
  afterEach(() => scene.stop());

  test('§8.1.1 the errors of creation', async () => {
    expect(errorOf(await create(francisco, NODE))).toBe('cancel conflict');
    const guest = await ask(hamlet, 'set', "<create node=''/>", PUBSUB);
    expect(errorOf(guest)).toBe('modify bad-request nodeid-required');
    expect(errorOf(await create(hamlet, 'a\u0001'.replace('\u0001', '&#x80;')))).toBe(
      'modify not-acceptable',
    );
    for (const name of ['b', 'c', 'd']) expectDone(await create(hamlet, name));
    expect(errorOf(await create(hamlet, 'e'))).toBe('cancel policy-violation max-nodes-exceeded');
  });

  test('§8.1.1 nor does a guest, who would be heard elsewhere by them', async () => {
    await scene.accounts.setRole('francisco@denmark.lit' as BareJid, 'guest');
    expect(errorOf(await create(francisco, 'mine'))).toBe('auth forbidden');
    expectDone(await publish(francisco, 'mine', entry('a')));
  });

  test('§8.1.1 a host makes no nodes, whatever its users have it publish', async () => {
    const payload = parse(
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='mine'>${entry('a')}</publish></pubsub>`,
    );
    const asked = iqSet({ from: 'denmark.lit' as Domain, to: PUBSUB as Domain, payload });
    const answer = await scene.router.ask(asked, 1000);
    expect(answer?.type).toBe('error');
    expectDone(await say('a', 'mine', francisco));
  });

  test('§8.1.1 an instant node', async () => {
    const answer = expectDone(await ask(hamlet, 'set', '<create/>', PUBSUB));
    const [, name = ''] = /<create node="([\w-]{16})"\/>/.exec(serialise(answer ?? never())) ?? [];
    expectDone(await say('a', name));
  });

  test('§8.1.2 an access model that there is not', async () => {
    expect(errorOf(await create(hamlet, 'other', { access_model: 'telepathy' }))).toBe(
      'modify not-acceptable unsupported-access-model',
    );
    expect(errorOf(await ask(hamlet, 'get', "<items node='other'/>", PUBSUB))).toBe(
      'cancel item-not-found',
    );
  });

  test('§8.1.3 created and configured', async () => {
    expectLike(
      await create(hamlet, 'other', { title: 'Other', max_items: '10' }),
      `<iq type='result' from='${PUBSUB}' to='hamlet@denmark.lit/elsinore'/>`,
    );
    const form = await owner(hamlet, 'get', "<configure node='other'/>");
    expect(fieldIn(form, 'pubsub#title')).toEqual(['Other']);
    expect(fieldIn(form, 'pubsub#max_items')).toEqual(['10']);
    const wrong = "<create node='x'/><configure node='x'/>";
    expect(errorOf(await ask(hamlet, 'set', wrong, PUBSUB))).toBe('modify bad-request');
  });

  test('§8.2.1, §8.2.4 the configuration is shown and changed', async () => {
    const shown = await owner(hamlet, 'get', `<configure node='${NODE}'/>`);
    expect(fieldIn(shown, 'pubsub#access_model')).toEqual(['open']);
    expect(fieldIn(shown, 'pubsub#persist_items')).toEqual(['1']);
    expect(fieldIn(shown, 'pubsub#max_items')).toEqual(['max']);
    expectDone(await configure({ title: 'Musings', notify_retract: 'false', max_items: 'max' }));
    const after = await owner(hamlet, 'get', `<configure node='${NODE}'/>`);
    expect(fieldIn(after, 'pubsub#title')).toEqual(['Musings']);
    expect(fieldIn(after, 'pubsub#notify_retract')).toEqual(['0']);
  });

  test('§8.2.3, §8.2.5.2 the errors of configuration', async () => {
    expect(errorOf(await owner(francisco, 'get', `<configure node='${NODE}'/>`))).toBe(
      'auth forbidden',
    );
    expect(errorOf(await configure({ title: 'Mine' }, francisco))).toBe('auth forbidden');
    expect(errorOf(await owner(hamlet, 'get', '<configure/>'))).toBe(
      'modify bad-request nodeid-required',
    );
    expect(errorOf(await owner(hamlet, 'get', "<configure node='none'/>"))).toBe(
      'cancel item-not-found',
    );
    expect(errorOf(await configure({ persist_items: 'perhaps' }))).toBe('modify not-acceptable');
    expect(errorOf(await configure({ max_items: '0' }))).toBe('modify not-acceptable');
    expect(errorOf(await configure({ send_last_published_item: 'on_sub_and_presence' }))).toBe(
      'modify not-acceptable',
    );
    const cancel = `<configure node='${NODE}'><x xmlns='jabber:x:data' type='cancel'/></configure>`;
    expectDone(await owner(hamlet, 'set', cancel));
  });

  test('§8.2.5.3 subscribers hear of a new configuration', async () => {
    await subscribe(francisco, 'francisco@denmark.lit');
    await configure({ notify_config: '1', deliver_payloads: '0' });
    await calm(scene);
    expectHeard(
      francisco,
      `<message from='${PUBSUB}' to='francisco@denmark.lit' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'><configuration node='${NODE}'/></event></message>`,
    );
    await configure({ deliver_payloads: '1' });
    await calm(scene);
    expect(fieldIn(francisco.inbox[0] ?? never(), 'FORM_TYPE')).toEqual([
      'http://jabber.org/protocol/pubsub#node_config',
    ]);
  });

  test('§8.2 fewer items are kept from then on', async () => {
    for (const id of ['a', 'b', 'c']) await say(id);
    await configure({ max_items: '2' });
    expect(idsIn(await ask(hamlet, 'get', `<items node='${NODE}'/>`, PUBSUB))).toEqual(['b', 'c']);
    await say('d');
    expect(idsIn(await ask(hamlet, 'get', `<items node='${NODE}'/>`, PUBSUB))).toEqual(['c', 'd']);
  });

  test('§8.3 the default configuration', async () => {
    const form = await owner(francisco, 'get', '<default/>');
    expect(fieldIn(form, 'FORM_TYPE')).toEqual(['http://jabber.org/protocol/pubsub#node_config']);
    expect(fieldIn(form, 'pubsub#access_model')).toEqual(['open']);
    expect(errorOf(await owner(francisco, 'get', "<default type='collection'/>"))).toBe(
      'cancel feature-not-implemented unsupported collections',
    );
  });

  test('§8.4 a node is deleted, and its subscribers are sent elsewhere', async () => {
    await subscribe(francisco, 'francisco@denmark.lit');
    expect(errorOf(await owner(francisco, 'set', `<delete node='${NODE}'/>`))).toBe(
      'auth forbidden',
    );
    expect(errorOf(await owner(hamlet, 'set', "<delete node='none'/>"))).toBe(
      'cancel item-not-found',
    );
    const redirect = "<redirect uri='xmpp:hamlet@denmark.lit?;node=blog'/>";
    expectLike(
      await owner(hamlet, 'set', `<delete node='${NODE}'>${redirect}</delete>`),
      `<iq type='result' from='${PUBSUB}' to='hamlet@denmark.lit/elsinore'/>`,
    );
    await calm(scene);
    expectHeard(
      francisco,
      `<message from='${PUBSUB}' to='francisco@denmark.lit' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'><delete node='${NODE}'>${redirect}</delete></event></message>`,
    );
    expect(errorOf(await ask(hamlet, 'get', `<items node='${NODE}'/>`, PUBSUB))).toBe(
      'cancel item-not-found',
    );
  });

  test('§8.5 a node is purged', async () => {
    await subscribe(francisco, 'francisco@denmark.lit');
    for (const id of ['a', 'b']) await say(id);
    await calm(scene);
    francisco.inbox.length = 0;
    expect(errorOf(await owner(francisco, 'set', `<purge node='${NODE}'/>`))).toBe(
      'auth forbidden',
    );
    expectDone(await owner(hamlet, 'set', `<purge node='${NODE}'/>`));
    await calm(scene);
    expectHeard(
      francisco,
      `<message from='${PUBSUB}' to='francisco@denmark.lit' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'><purge node='${NODE}'/></event></message>`,
    );
    expect(idsIn(await ask(hamlet, 'get', `<items node='${NODE}'/>`, PUBSUB))).toEqual([]);
    await create(hamlet, 'fleeting', { persist_items: '0' });
    expect(errorOf(await owner(hamlet, 'set', "<purge node='fleeting'/>"))).toBe(
      'cancel feature-not-implemented unsupported persistent-items',
    );
    expect(errorOf(await owner(hamlet, 'set', "<purge node='none'/>"))).toBe(
      'cancel item-not-found',
    );
  });

  describe('§8.6 an owner is asked', () => {
    const answer = (allow: string, id: string, type = 'submit') =>
      `<message to='${PUBSUB}' id='${id}'>${optionsForm({ node: NODE, subscriber_jid: 'francisco@denmark.lit', allow }, 'subscribe_authorization').replace("type='submit'", `type='${type}'`)}</message>`;
    let id: string;
    beforeEach(async () => {
      await configure({ access_model: 'authorize' });
      await subscribe(francisco, 'francisco@denmark.lit');
      await calm(scene);
      const request = hamlet.inbox.shift() ?? never();
      id = request.attrs.id ?? '';
      expect(fieldIn(request, 'FORM_TYPE')).toEqual([
        'http://jabber.org/protocol/pubsub#subscribe_authorization',
      ]);
      expect(fieldIn(request, 'pubsub#node')).toEqual([NODE]);
      expect(fieldIn(request, 'pubsub#subscriber_jid')).toEqual(['francisco@denmark.lit']);
      expect(fieldIn(request, 'pubsub#allow')).toEqual(['0']);
    });

    test('he approves', async () => {
      await hamlet.send(answer('true', id));
      await calm(scene);
      expectHeard(
        francisco,
        `<message from='${PUBSUB}' to='francisco@denmark.lit' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'><subscription node='${NODE}' jid='francisco@denmark.lit' subscription='subscribed'/></event></message>`,
      );
      await say('a');
      await calm(scene);
      expect(heard(francisco)).toEqual([`${NODE} a`]);
      expect(idsIn(await ask(francisco, 'get', `<items node='${NODE}'/>`, PUBSUB))).toEqual(['a']);
    });

    test('he denies', async () => {
      await hamlet.send(answer('0', id));
      await calm(scene);
      expect(heard(francisco)).toEqual([`${NODE} francisco@denmark.lit none`]);
      await say('a');
      await calm(scene);
      expect(heard(francisco)).toEqual([]);
    });

    test('he puts it off, or somebody else answers: it remains pending', async () => {
      await hamlet.send(answer('1', id, 'cancel'));
      await francisco.send(answer('1', id));
      await say('a');
      await calm(scene);
      expect(heard(francisco)).toEqual([]);
      expect(errorOf(await subscribe(francisco, 'francisco@denmark.lit'))).toBe(
        'auth not-authorized pending-subscription',
      );
      const listed = await owner(hamlet, 'get', `<subscriptions node='${NODE}'/>`);
      expectLike(
        expectDone(listed),
        `<pubsub xmlns='${OWNER}'><subscriptions node='${NODE}'/></pubsub>`,
      );
    });
  });

  test('§8.8 subscriptions are listed and changed', async () => {
    await subscribe(francisco, 'francisco@denmark.lit');
    expectLike(
      expectDone(await owner(hamlet, 'get', `<subscriptions node='${NODE}'/>`)),
      `<pubsub xmlns='${OWNER}'><subscriptions node='${NODE}'><subscription jid='francisco@denmark.lit' subscription='subscribed'/></subscriptions></pubsub>`,
    );
    const change = (inner: string, actor = hamlet) =>
      owner(actor, 'set', `<subscriptions node='${NODE}'>${inner}</subscriptions>`);
    const one = "<subscription jid='francisco@denmark.lit' subscription='none'/>";
    expect(errorOf(await change(one, francisco))).toBe('auth forbidden');
    expectDone(await change(one));
    await calm(scene);
    expect(heard(francisco)).toEqual([`${NODE} francisco@denmark.lit none`]);
    expect(errorOf(await change(one + one))).toBe('modify bad-request');
    const failed = await change(
      "<subscription jid='polonius@denmark.lit' subscription='pending'/><subscription jid='francisco@denmark.lit' subscription='subscribed'/>",
    );
    expectLike(
      failed,
      `<iq type='error' from='${PUBSUB}' to='hamlet@denmark.lit/elsinore'><pubsub xmlns='${OWNER}'><subscriptions node='${NODE}'><subscription jid='polonius@denmark.lit' subscription='none'/></subscriptions></pubsub><error type='modify'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
    );
    await calm(scene);
    expect(heard(francisco)).toEqual([`${NODE} francisco@denmark.lit subscribed`]);
  });

  test('§8.9 affiliations are listed and changed, and an owner remains', async () => {
    expectDone(await affiliate("<affiliation jid='polonius@denmark.lit' affiliation='outcast'/>"));
    expectLike(
      expectDone(await owner(hamlet, 'get', `<affiliations node='${NODE}'/>`)),
      `<pubsub xmlns='${OWNER}'><affiliations node='${NODE}'><affiliation jid='hamlet@denmark.lit' affiliation='owner'/><affiliation jid='polonius@denmark.lit' affiliation='outcast'/></affiliations></pubsub>`,
    );
    expect(
      errorOf(
        await affiliate(
          "<affiliation jid='francisco@denmark.lit' affiliation='owner'/>",
          francisco,
        ),
      ),
    ).toBe('auth forbidden');
    const answer = await affiliate(
      "<affiliation jid='hamlet@denmark.lit' affiliation='none'/><affiliation jid='polonius@denmark.lit' affiliation='none'/><affiliation jid='francisco@denmark.lit' affiliation='publisher'/>",
    );
    expectLike(
      answer,
      `<iq type='error' from='${PUBSUB}' to='hamlet@denmark.lit/elsinore'><pubsub xmlns='${OWNER}'><affiliations node='${NODE}'><affiliation jid='hamlet@denmark.lit' affiliation='owner'/></affiliations></pubsub><error type='modify'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`,
    );
    expectDone(await say('a', NODE, francisco));
    expectDone(await affiliate("<affiliation jid='francisco@denmark.lit' affiliation='owner'/>"));
    expectDone(await affiliate("<affiliation jid='hamlet@denmark.lit' affiliation='none'/>"));
    expect(
      errorOf(await affiliate("<affiliation jid='hamlet@denmark.lit' affiliation='owner'/>")),
    ).toBe('auth forbidden');
  });

  test('§8.9.4 who is cast out hears of it, and nothing more', async () => {
    await subscribe(francisco, 'francisco@denmark.lit');
    await affiliate("<affiliation jid='francisco@denmark.lit' affiliation='outcast'/>");
    await calm(scene);
    const notice = francisco.inbox.map((each) => serialise(each)).join('');
    expect(notice).toContain('affiliation="outcast"');
    expect(heard(francisco)).toEqual([`${NODE} francisco@denmark.lit none`]);
    await say('a');
    await calm(scene);
    expect(heard(francisco)).toEqual([]);
  });

  test('pubsub#notify_sub: owners hear who comes and goes', async () => {
    await configure({ notify_sub: '1' });
    await subscribe(francisco, 'francisco@denmark.lit');
    await ask(
      francisco,
      'set',
      `<unsubscribe node='${NODE}' jid='francisco@denmark.lit'/>`,
      PUBSUB,
    );
    await calm(scene);
    expect(heard(hamlet)).toEqual([
      `${NODE} francisco@denmark.lit subscribed`,
      `${NODE} francisco@denmark.lit none`,
    ]);
  });

  test('what is unknown, or addressed to nothing, is refused', async () => {
    expect(errorOf(await ask(hamlet, 'set', '<sell node="x"/>', PUBSUB))).toBe(
      'cancel feature-not-implemented',
    );
    expect(errorOf(await ask(hamlet, 'set', '', PUBSUB))).toBe('modify bad-request');
    expect(errorOf(await ask(hamlet, 'get', "<items node='x'/>", `${PUBSUB}/x`))).toBe(
      'cancel service-unavailable',
    );
    expect(errorOf(await hamlet.ask('set', "<query xmlns='urn:x'/>", PUBSUB))).toBe(
      'cancel service-unavailable',
    );
    expectDone(await hamlet.ask('get', "<ping xmlns='urn:xmpp:ping'/>", PUBSUB));
  });

  test('an account that is removed leaves nothing', async () => {
    await subscribe(francisco, 'francisco@denmark.lit');
    await affiliate("<affiliation jid='francisco@denmark.lit' affiliation='publisher'/>");
    await create(francisco, 'his');
    await publish(francisco, 'urn:x', entry('a'));
    await scene.registry.removeAccount('francisco@denmark.lit' as never, 'gone');
    expect(errorOf(await ask(hamlet, 'get', "<items node='his'/>", PUBSUB))).toBe(
      'cancel item-not-found',
    );
    expectLike(
      expectDone(await owner(hamlet, 'get', `<affiliations node='${NODE}'/>`)),
      `<pubsub xmlns='${OWNER}'><affiliations node='${NODE}'><affiliation jid='hamlet@denmark.lit' affiliation='owner'/></affiliations></pubsub>`,
    );
    expectLike(
      expectDone(await owner(hamlet, 'get', `<subscriptions node='${NODE}'/>`)),
      `<pubsub xmlns='${OWNER}'><subscriptions node='${NODE}'/></pubsub>`,
    );
    const rows = await scene.store.read(
      scene.store
        .tables<{ pubsub_nodes: { service: string; node: string } }>()
        .selectFrom('pubsub_nodes')
        .select('node'),
    );
    expect(rows).toEqual([{ node: NODE }]);
  });
});

function never(): never {
  expect.fail('there is nothing');
}

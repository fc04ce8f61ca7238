/** XEP-0060 §6.3, §6.4, §12.19: what subscribers set of their subscriptions; the examples in their order. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createNodes } from '../../../src/modules/pubsub/nodes.ts';
import { childOf, serialise, textOf } from '../../../src/xml/element.ts';
import { bare } from '../../operations/support.ts';
import type { Actor, Scene } from '../../support/scene.ts';
import {
  ask,
  calm,
  create,
  errorOf,
  expectDone,
  expectLike,
  fieldIn,
  heard,
  openHouse,
  optionsForm,
  PUBSUB,
  publish,
} from './house.ts';

const NODE = 'princely_musings';
const JID = 'francisco@denmark.lit';
const NS = 'http://jabber.org/protocol/pubsub';
const entry = (id: string) =>
  `<item id='${id}'><entry xmlns='http://www.w3.org/2005/Atom'><title>To be ${id}</title></entry></item>`;
type Values = Readonly<Record<string, string | readonly string[]>>;

describe('XEP-0060', () => {
  let scene: Scene;
  let hamlet: Actor;
  let francisco: Actor;
  beforeEach(async () => {
    scene = await openHouse(['hamlet@denmark.lit', JID]);
    hamlet = await scene.connect('hamlet@denmark.lit/elsinore');
    francisco = await scene.connect(`${JID}/barracks`);
    await francisco.send('<presence/>');
    expectDone(await create(hamlet, NODE, { title: 'Musings' }));
    francisco.inbox.length = 0;
  });
  afterEach(() => scene.stop());

  const form = (values: Values) => optionsForm(values, 'subscribe_options');
  const subscribe = (jid = JID, beside = '') =>
    ask(francisco, 'set', `<subscribe node='${NODE}' jid='${jid}'/>${beside}`, PUBSUB);
  const get = (attrs = `node='${NODE}' jid='${JID}'`, actor = francisco) =>
    ask(actor, 'get', `<options ${attrs}/>`, PUBSUB);
  const set = (values: Values, attrs = `node='${NODE}' jid='${JID}'`, actor = francisco) =>
    ask(actor, 'set', `<options ${attrs}>${form(values)}</options>`, PUBSUB);
  const say = async (id: string) => {
    expectDone(await publish(hamlet, NODE, entry(id), undefined, PUBSUB));
    await calm(scene);
  };
  const at = (ms: number) => new Date(scene.clock.now() + ms).toISOString();
  const EXAMPLE = {
    deliver: '1',
    digest: '0',
    include_body: 'false',
    'show-values': ['chat', 'online', 'away'],
  };
  const SHOWN = (type: string, shows: string) =>
    `<x xmlns='jabber:x:data' type='${type}'>
      <field var='FORM_TYPE' type='hidden'><value>${NS}#subscribe_options</value></field>
      <field var='pubsub#deliver' type='boolean' label='Enable delivery?'><value>1</value></field>
      <field var='pubsub#include_body' type='boolean' label='Receive message body in addition to payload?'><value>0</value></field>
      <field var='pubsub#expire' type='text-single' label='When the subscription ends; never if empty'/>
      <field var='pubsub#show-values' type='list-multi' label='Select the presence types which are allowed to receive event notifications'>${shows}
        <option label='Want to Chat'><value>chat</value></option>
        <option label='Available'><value>online</value></option>
        <option label='Away'><value>away</value></option>
        <option label='Extended Away'><value>xa</value></option>
        <option label='Do Not Disturb'><value>dnd</value></option>
      </field></x>`;
  const values = (...shows: string[]) => shows.map((each) => `<value>${each}</value>`).join('');

  test('§6.3.1 services and accounts say that there are such options', async () => {
    const info = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
    for (const to of [PUBSUB, JID]) {
      const text = serialise(await francisco.ask('get', info, to));
      for (const name of ['subscription-options', 'leased-subscription', 'retrieve-default-sub'])
        expect(text).toContain(`"${NS}#${name}"`);
    }
  });

  test('§6.3.2, §6.3.3 the form', async () => {
    await subscribe();
    expectLike(
      expectDone(await get()),
      `<pubsub xmlns='${NS}'><options node='${NODE}' jid='${JID}'>${SHOWN('form', values('chat', 'online', 'away', 'xa', 'dnd'))}</options></pubsub>`,
    );
  });

  test.each([
    ['§6.3.4.1', `node='${NODE}' jid='hamlet@denmark.lit'`, 'auth forbidden'],
    ['§6.3.4.2', `node='${NODE}' jid='${JID}/x'`, 'modify unexpected-request not-subscribed'],
    ['§6.3.4.3', `node='${NODE}'`, 'modify bad-request jid-required'],
    ['§6.3.4 without a node', `jid='${JID}'`, 'modify bad-request nodeid-required'],
    ['§6.3.4.7', `node='none' jid='${JID}'`, 'cancel item-not-found'],
  ])('%s, to get and to set', async (_title, attrs, expected) => {
    await subscribe();
    expect(errorOf(await get(attrs))).toBe(expected);
    expect(errorOf(await set(EXAMPLE, attrs))).toBe(expected);
  });

  test('§6.3.5, §6.3.6.1 the form is submitted', async () => {
    await subscribe();
    expect(expectDone(await set(EXAMPLE))).toBeUndefined();
    expect(fieldIn(await get(), 'pubsub#show-values')).toEqual(['chat', 'online', 'away']);
    // What is left out stays.
    expectDone(await set({ include_body: '1' }));
    expect(fieldIn(await get(), 'pubsub#show-values')).toEqual(['chat', 'online', 'away']);
    expect(fieldIn(await get(), 'pubsub#include_body')).toEqual(['1']);
  });

  test.each([
    ['no boolean', { deliver: 'perhaps' }],
    ['digests', { digest: '1' }],
    ['no presence', { 'show-values': ['chat', 'asleep'] }],
    ['no presence at all', { 'show-values': [] }],
    ['no time', { expire: 'tomorrow' }],
    ['a time that is over', { expire: '2006-02-28T11:59:59Z' }],
    ['as long as he is there', { expire: 'presence' }],
    ['another option', { subscription_depth: 'all' }],
  ])('§6.3.6.2 %s', async (_title, wish) => {
    await subscribe();
    expect(errorOf(await set(wish))).toBe('modify bad-request invalid-options');
    const none = `<options node='${NODE}' jid='${JID}'/>`;
    expect(errorOf(await ask(francisco, 'set', none, PUBSUB))).toContain('invalid-options');
    await say('a');
    expect(heard(francisco), 'it is as it was').toEqual([`${NODE} a`]);
  });

  test('§6.3.7 subscribed and configured at once', async () => {
    const done = expectDone(await subscribe(JID, `<options>${form(EXAMPLE)}</options>`));
    expectLike(
      done,
      `<pubsub xmlns='${NS}'><subscription node='${NODE}' jid='${JID}' subscription='subscribed'/><options>${SHOWN('result', values('chat', 'online', 'away'))}</options></pubsub>`,
    );
    const again = await subscribe(JID, `<options>${form({ deliver: '0' })}</options>`);
    expectDone(again);
    expect(fieldIn(await get(), 'pubsub#deliver')).toEqual(['0']);
  });

  test.each([
    `<options node='${NODE}'>${optionsForm({}, 'subscribe_options')}</options>`,
    `<options jid='${JID}'>${optionsForm({}, 'subscribe_options')}</options>`,
  ])('§6.3.7 %s is a bad request', async (beside) => {
    expect(errorOf(await subscribe(JID, beside))).toBe('modify bad-request');
    const before = `<options>${form({})}</options><subscribe node='${NODE}' jid='${JID}'/>`;
    expect(errorOf(await ask(francisco, 'set', before, PUBSUB))).toContain('bad-request');
    expect(errorOf(await get())).toContain('not-subscribed');
  });

  test('§6.4 the defaults, of a node and of all', async () => {
    const shown = SHOWN('result', values('chat', 'online', 'away', 'xa', 'dnd'));
    expectLike(
      expectDone(await ask(francisco, 'get', `<default node='${NODE}'/>`, PUBSUB)),
      `<pubsub xmlns='${NS}'><default node='${NODE}'>${shown}</default></pubsub>`,
    );
    expectLike(
      expectDone(await ask(francisco, 'get', '<default/>', PUBSUB)),
      `<pubsub xmlns='${NS}'><default>${shown}</default></pubsub>`,
    );
    expect(errorOf(await ask(francisco, 'get', "<default node='none'/>", PUBSUB))).toBe(
      'cancel item-not-found',
    );
  });

  test('pubsub#deliver: nothing comes, not even the last item', async () => {
    await say('a');
    await subscribe(JID, `<options>${form({ deliver: '0' })}</options>`);
    await say('b');
    expect(heard(francisco)).toEqual([]);
    await set({ deliver: '1' });
    await say('c');
    expect(heard(francisco)).toEqual([`${NODE} c`]);
  });

  test('pubsub#include_body: who wants it is told in words, too', async () => {
    await say('a');
    await subscribe(JID, `<options>${form({ include_body: '1' })}</options>`);
    await say('b');
    const bodies = francisco.inbox
      .filter(({ name }) => name === 'message')
      .map((message) => textOf(childOf(message, 'body') ?? expect.fail('no body')));
    expect(bodies).toEqual(['Musings: To be a', 'Musings: To be b']);
    francisco.inbox.length = 0;
    const gone = `<retract node='${NODE}'><item id='b'/></retract>`;
    expectDone(await ask(hamlet, 'set', gone, PUBSUB));
    expect(serialise(francisco.inbox[0] ?? expect.fail())).not.toContain('<body');
  });

  test('§12.3 pubsub#show-values: only while he is as he wishes', async () => {
    await subscribe();
    await set({ 'show-values': ['chat', 'online'] });
    await say('a');
    await francisco.send('<presence><show>away</show></presence>');
    await say('b');
    await francisco.send('<presence><show>chat</show></presence>');
    await say('c');
    await francisco.send("<presence type='unavailable'/>");
    await say('d');
    expect(heard(francisco)).toEqual([`${NODE} a`, `${NODE} c`]);
  });

  test('§12.3 of a client that is subscribed its own presence counts', async () => {
    const own = `${JID}/barracks`;
    await subscribe(own, `<options>${form({ 'show-values': ['online'] })}</options>`);
    const other = await scene.connect(`${JID}/post`);
    await other.send('<presence/>');
    await francisco.send('<presence><show>dnd</show></presence>');
    await say('a');
    expect(heard(francisco)).toEqual([]);
  });

  test('of who is elsewhere it is not known how he is available', async () => {
    const sent: string[] = [];
    scene.router.useRemote((stanza) => {
      sent.push(stanza.wire.text);
      return { kind: 'handled' };
    });
    const remote = async (inner: string, type = 'set') => {
      const { stanza } = await import('../../operations/support.ts');
      const xml = `<iq type='${type}' id='r' to='${PUBSUB}'><pubsub xmlns='${NS}'>${inner}</pubsub></iq>`;
      await scene.router.route(stanza(xml, 'far@remote.example/x' as never));
      await calm(scene);
      return sent.at(-1) ?? '';
    };
    const far = `node='${NODE}' jid='far@remote.example'`;
    await remote(`<subscribe ${far}/>`);
    expect(await remote(`<options ${far}/>`, 'get')).not.toContain('show-values');
    expect(await remote(`<options ${far}>${form(EXAMPLE)}</options>`)).toContain('invalid-options');
    expect(await remote(`<options ${far}>${form({ deliver: '0' })}</options>`)).toContain('result');
  });

  test('§12.19 a lease ends, and can be renewed before', async () => {
    await subscribe();
    await set({ expire: at(90_000) });
    await scene.clock.advance(60_000);
    await set({ expire: at(90_000) });
    await scene.clock.advance(60_000);
    await calm(scene);
    await say('a');
    expect(heard(francisco)).toEqual([`${NODE} a`]);
    await scene.clock.advance(31_000);
    await say('b');
    await calm(scene);
    expect(heard(francisco), 'over at once').toEqual([]);
    await scene.clock.advance(60_000);
    await calm(scene);
    expect(heard(francisco)).toEqual([`${NODE} ${JID} none`]);
    expect(errorOf(await get())).toBe('modify unexpected-request not-subscribed');
  });

  test('an empty pubsub#expire takes the lease away', async () => {
    await subscribe();
    await set({ expire: at(30_000) });
    await set({ expire: '' });
    await scene.clock.advance(120_000);
    await say('a');
    expect(heard(francisco)).toEqual([`${NODE} a`]);
  });

  test('options survive a restart, and go with the subscription', async () => {
    await subscribe();
    await set({ deliver: '0', expire: at(90_000) });
    const fresh = async () => {
      const node = await createNodes(scene.store, scene.clock).find(bare(PUBSUB), NODE);
      return [...(node?.options ?? [])];
    };
    expect(await fresh()).toMatchObject([[JID, { delivers: false, includesBody: false }]]);
    expectDone(await ask(francisco, 'set', `<unsubscribe node='${NODE}' jid='${JID}'/>`, PUBSUB));
    await subscribe();
    expect(await fresh()).toEqual([]);
    await say('a');
    expect(heard(francisco)).toEqual([`${NODE} a`]);
  });
});

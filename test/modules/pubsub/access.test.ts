/** XEP-0060 §4.5, §9 and XEP-0163 §4: who learns what of an account's nodes, by every way there is. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { childrenOf, serialise } from '../../../src/xml/element.ts';
import type { Actor, Scene } from '../../support/scene.ts';
import {
  answering,
  ask,
  befriend,
  calm,
  capsOf,
  connectClient,
  errorOf,
  expectDone,
  heard,
  idsIn,
  infoXml,
  openHouse,
  optionsForm,
  publish,
} from './house.ts';

const JULIET = 'juliet@capulet.lit';
const NODE = 'urn:secret';
const item = (id: string) => `<item id='${id}'><secret xmlns='${NODE}'>${id}</secret></item>`;

const PEOPLE = {
  friend: 'romeo@montague.lit/orchard',
  servant: 'nurse@capulet.lit/chamber',
  stranger: 'paris@capulet.lit/garden',
  member: 'laurence@verona.lit/cell',
  outcast: 'tybalt@capulet.lit/street',
} as const;
type Person = keyof typeof PEOPLE;

/** Who may read, besides the owner. */
const READERS: Readonly<Record<string, readonly Person[]>> = {
  open: ['friend', 'servant', 'stranger', 'member'],
  presence: ['friend', 'servant', 'member'],
  roster: ['friend', 'member'],
  authorize: ['member'],
  whitelist: ['member'],
};

/** The error of each model for whoever may not. */
const REFUSALS: Readonly<Record<string, string>> = {
  presence: 'auth not-authorized presence-subscription-required',
  roster: 'auth not-authorized not-in-roster-group',
  authorize: 'auth not-authorized not-subscribed',
  whitelist: 'cancel not-allowed closed-node',
};

let scene: Scene;
let juliet: Actor;
const say = (id: string) => publish(juliet, NODE, item(id));
const owner = (inner: string) => ask(juliet, 'set', inner, undefined, '#owner');
const configure = (fields: Record<string, string | readonly string[]>) =>
  owner(`<configure node='${NODE}'>${optionsForm(fields, 'node_config')}</configure>`);

beforeEach(async () => {
  scene = await openHouse([JULIET, ...Object.values(PEOPLE).map((jid) => jid.split('/')[0] ?? '')]);
  await befriend(scene, JULIET, 'romeo@montague.lit', 'Friends');
  await befriend(scene, JULIET, 'nurse@capulet.lit', 'Servants');
  await befriend(scene, JULIET, 'tybalt@capulet.lit', 'Friends');
  await befriend(scene, JULIET, 'laurence@verona.lit', 'Friars');
  juliet = await connectClient(scene, `${JULIET}/balcony`, [NODE]);
});
afterEach(() => scene.stop());

async function makeNode(model: string): Promise<void> {
  expectDone(
    await publish(juliet, NODE, item('one'), {
      access_model: model,
      roster_groups_allowed: ['Friends'],
    }),
  );
  expectDone(
    await owner(
      `<affiliations node='${NODE}'><affiliation jid='laurence@verona.lit' affiliation='member'/><affiliation jid='tybalt@capulet.lit' affiliation='outcast'/></affiliations>`,
    ),
  );
}

describe.each(Object.keys(READERS))('access model %s', (model) => {
  test.each(Object.keys(PEOPLE) as Person[])('%s', async (person) => {
    await makeNode(model);
    const mayRead = READERS[model]?.includes(person) === true;
    const refusal = person === 'outcast' ? 'auth forbidden' : REFUSALS[model];
    const actor = await connectClient(scene, PEOPLE[person], [NODE]);
    await calm(scene);

    const listed = serialise(
      await actor.ask('get', "<query xmlns='http://jabber.org/protocol/disco#items'/>", JULIET),
    );
    const info = await actor.ask(
      'get',
      `<query xmlns='http://jabber.org/protocol/disco#info' node='${NODE}'/>`,
      JULIET,
    );
    const ids = await actor.ask(
      'get',
      `<query xmlns='http://jabber.org/protocol/disco#items' node='${NODE}'/>`,
      JULIET,
    );
    const items = await ask(actor, 'get', `<items node='${NODE}'/>`, JULIET);
    const one = await ask(actor, 'get', `<items node='${NODE}'><item id='one'/></items>`, JULIET);
    if (mayRead) {
      expect(idsIn(items)).toEqual(['one']);
      expect(idsIn(one)).toEqual(['one']);
      expect(childrenOf(expectDone(ids) ?? ids).map(({ attrs }) => attrs['name'])).toEqual(['one']);
      expect(listed).toContain(NODE);
      expect(info.attrs.type).toBe('result');
    } else {
      expect(errorOf(items)).toBe(refusal);
      expect(errorOf(one)).toBe(refusal);
      expect(serialise(ids)).not.toContain('"one"');
      // Who could subscribe, with the owner's leave, may know that it is there.
      if (model !== 'authorize' || person === 'outcast') {
        expect(listed).not.toContain(NODE);
        expect(info.attrs.type).toBe('error');
        expect(serialise(info)).not.toContain('pubsub#access_model');
      }
    }
    const isContact = ['friend', 'servant', 'member'].includes(person);
    actor.inbox.length = 0;
    await say('two');
    await calm(scene);
    expect(heard(actor)).toEqual(mayRead && isContact ? [`${NODE} two`] : []);
    // Not even a subscription gives more.
    const bare = PEOPLE[person].split('/')[0];
    const subscribed = await ask(actor, 'set', `<subscribe node='${NODE}' jid='${bare}'/>`, JULIET);
    if (mayRead) expectDone(subscribed);
    else if (model !== 'authorize' || person === 'outcast')
      expect(errorOf(subscribed)).toBe(refusal);
    await calm(scene);
    actor.inbox.length = 0;
    await say('three');
    await calm(scene);
    expect(heard(actor)).toEqual(mayRead ? [`${NODE} three`] : []);
    // Nobody but the owner does what owners do.
    for (const inner of [
      `<delete node='${NODE}'/>`,
      `<purge node='${NODE}'/>`,
      `<affiliations node='${NODE}'><affiliation jid='${bare}' affiliation='owner'/></affiliations>`,
      `<subscriptions node='${NODE}'><subscription jid='${bare}' subscription='subscribed'/></subscriptions>`,
      `<configure node='${NODE}'>${optionsForm({ access_model: 'open' }, 'node_config')}</configure>`,
    ])
      expect(errorOf(await ask(actor, 'set', inner, JULIET, '#owner'))).toBe('auth forbidden');
    for (const kind of ['configure', 'affiliations', 'subscriptions'])
      expect(errorOf(await ask(actor, 'get', `<${kind} node='${NODE}'/>`, JULIET, '#owner'))).toBe(
        'auth forbidden',
      );
    expect(errorOf(await publish(actor, NODE, item('x'), undefined, JULIET))).toBe(
      'auth forbidden',
    );
    expect(
      errorOf(
        await ask(actor, 'set', `<retract node='${NODE}'><item id='three'/></retract>`, JULIET),
      ),
    ).toBe('auth forbidden');
  });
});

describe('what changes who may read', () => {
  test('XEP-0163 §7.1 who is a contact no more is subscribed no more', async () => {
    await makeNode('presence');
    const romeo = await connectClient(scene, PEOPLE.friend, [NODE]);
    expectDone(
      await ask(romeo, 'set', `<subscribe node='${NODE}' jid='romeo@montague.lit'/>`, JULIET),
    );
    await calm(scene);
    romeo.inbox.length = 0;
    await juliet.send("<presence to='romeo@montague.lit' type='unsubscribed'/>");
    await calm(scene);
    expect(heard(romeo)).toEqual([`${NODE} romeo@montague.lit none`]);
    await say('two');
    await calm(scene);
    expect(heard(romeo)).toEqual([]);
    expect(errorOf(await ask(romeo, 'get', `<items node='${NODE}'/>`, JULIET))).toBe(
      REFUSALS['presence'],
    );
  });

  test('XEP-0060 §12.2 who becomes a contact is sent the last item', async () => {
    await makeNode('presence');
    const paris = await connectClient(scene, PEOPLE.stranger, [NODE]);
    await befriend(scene, JULIET, 'paris@capulet.lit');
    await calm(scene);
    expect(heard(paris)).toEqual([`${NODE} one`]);
  });

  test('§12.2 who comes into the right group, too', async () => {
    await makeNode('roster');
    const nurse = await connectClient(scene, PEOPLE.servant, [NODE]);
    expect(heard(nurse)).toEqual([]);
    await befriend(scene, JULIET, 'nurse@capulet.lit', 'Friends');
    await calm(scene);
    expect(heard(nurse)).toEqual([`${NODE} one`]);
  });

  test('§12.2 another access model lets some in, and others out', async () => {
    await makeNode('whitelist');
    const romeo = await connectClient(scene, PEOPLE.friend, [NODE]);
    const friar = await connectClient(scene, PEOPLE.member, [NODE]);
    expect(heard(romeo)).toEqual([]);
    await configure({ access_model: 'presence' });
    await calm(scene);
    expect(heard(romeo)).toEqual([`${NODE} one`]);
    expect(heard(friar)).toEqual([]); // he has it
    expectDone(
      await ask(romeo, 'set', `<subscribe node='${NODE}' jid='romeo@montague.lit'/>`, JULIET),
    );
    await calm(scene);
    romeo.inbox.length = 0;
    await configure({ access_model: 'whitelist' });
    await calm(scene);
    expect(heard(romeo)).toEqual([`${NODE} romeo@montague.lit none`]);
  });
});

describe('clients', () => {
  test('XEP-0163 §4.3.3 whom the user blocks hears nothing, nor does who blocks the user', async () => {
    await makeNode('open');
    const romeo = await connectClient(scene, PEOPLE.friend, [NODE]);
    const nurse = await connectClient(scene, PEOPLE.servant, [NODE]);
    const block = (who: string) => `<block xmlns='urn:xmpp:blocking'><item jid='${who}'/></block>`;
    expectDone(await juliet.ask('set', block('romeo@montague.lit')));
    expectDone(await nurse.ask('set', block(JULIET)));
    await calm(scene);
    for (const actor of [romeo, nurse]) actor.inbox.length = 0;
    await say('two');
    await calm(scene);
    expect(heard(romeo)).toEqual([]);
    expect(heard(nurse)).toEqual([]);
  });

  test('XEP-0163 §4.2 who wants nothing hears nothing', async () => {
    await makeNode('presence');
    const romeo = await connectClient(scene, PEOPLE.friend, ['urn:other']);
    const plain = await scene.connect('romeo@montague.lit/plain');
    await plain.send('<presence/>');
    await say('two');
    await calm(scene);
    expect(heard(romeo)).toEqual([]);
    expect(heard(plain)).toEqual([]);
  });

  test('XEP-0163 §4.3.2 a subscriber hears of it, though his client is still being asked', async () => {
    await makeNode('presence');
    const romeo = await scene.connect(PEOPLE.friend);
    const subscribe = `<subscribe node='${NODE}' jid='romeo@montague.lit'/>`;
    expectDone(await ask(romeo, 'set', subscribe, JULIET));
    await romeo.send(`<presence>${capsOf(['urn:slow'])}</presence>`);
    await calm(scene);
    const question = romeo.inbox.find(({ name }) => name === 'iq');
    await say('two');
    await calm(scene);
    romeo.inbox.length = 0;
    await romeo.send(
      `<iq type='result' id='${question?.attrs.id}' to='${JULIET}'>${infoXml(['urn:slow'])}</iq>`,
    );
    await calm(scene);
    expect(heard(romeo)).toEqual([`${NODE} two`]);
  });

  test('XEP-0115 §5.4 all that claim the same are believed when one of them has proved it', async () => {
    await makeNode('presence');
    const first = await scene.connect('romeo@montague.lit/one');
    const second = await scene.connect('romeo@montague.lit/two');
    const asked = [
      answering(first, [NODE, 'urn:unheard']),
      answering(second, [NODE, 'urn:unheard']),
    ];
    for (const actor of [first, second])
      await actor.send(`<presence>${capsOf([NODE, 'urn:unheard'])}</presence>`);
    await calm(scene);
    expect(asked.map(({ count }) => count).sort()).toEqual([0, 1]);
    await say('two');
    await calm(scene);
    expect(heard(first).at(-1)).toBe(`${NODE} two`);
    expect(heard(second).at(-1)).toBe(`${NODE} two`);
  });

  test('XEP-0115 §8.3 who lies about his hash poisons nobody else', async () => {
    await makeNode('open');
    const liar = await scene.connect('paris@capulet.lit/garden');
    answering(liar, ['urn:nothing']); // claims what others are
    await liar.send(`<presence to='${JULIET}'>${capsOf([NODE, 'urn:new'])}</presence>`);
    await calm(scene);
    const romeo = await connectClient(scene, PEOPLE.friend, [NODE, 'urn:new']);
    await say('two');
    await calm(scene);
    expect(heard(romeo)).toEqual([`${NODE} two`]);
  });

  test('one who does not answer is not asked all the time', async () => {
    await makeNode('presence');
    const mute = await scene.connect('romeo@montague.lit/mute');
    await mute.send(`<presence>${capsOf([NODE, 'urn:mute'])}</presence>`);
    await calm(scene);
    await scene.clock.advance(31_000);
    await calm(scene);
    for (const id of ['a', 'b', 'c']) await say(id);
    await calm(scene);
    const questions = mute.inbox.filter(({ name }) => name === 'iq');
    expect(questions).toHaveLength(1);
    expect(questions[0]?.attrs).toMatchObject({ from: JULIET, to: 'romeo@montague.lit/mute' });
  });

  test('XEP-0060 §9.1.3 who sends presence to an open node’s owner hears of it until he goes', async () => {
    await makeNode('open');
    const paris = await scene.connect('paris@capulet.lit/garden');
    answering(paris, [NODE]);
    await paris.send(`<presence to='${JULIET}'>${capsOf([NODE])}</presence>`);
    await calm(scene);
    expect(heard(paris)).toEqual([`${NODE} one`]);
    await say('two');
    await calm(scene);
    expect(heard(paris)).toEqual([`${NODE} two`]);
    await paris.send(`<presence to='${JULIET}' type='unavailable'/>`);
    await say('three');
    await calm(scene);
    expect(heard(paris)).toEqual([]);
  });

  test('XEP-0163 §4.3.1 strangers are not told from which client it came', async () => {
    await makeNode('open');
    const paris = await scene.connect('paris@capulet.lit/garden');
    await paris.send('<presence/>');
    await ask(paris, 'set', `<subscribe node='${NODE}' jid='paris@capulet.lit'/>`, JULIET);
    await calm(scene);
    paris.inbox.length = 0;
    await say('two');
    await calm(scene);
    const text = paris.inbox.map((each) => serialise(each)).join('');
    expect(text).toContain('"two"');
    expect(text).not.toContain('balcony');
  });
});

describe('limits', () => {
  test('an account has no more nodes than it may', async () => {
    await scene.stop();
    scene = await openHouse([JULIET], { nodesPerAccount: 10 });
    juliet = await connectClient(scene, `${JULIET}/balcony`, []);
    for (let index = 0; index < 10; index += 1)
      expectDone(await publish(juliet, `urn:${index}`, item('a')));
    expect(errorOf(await publish(juliet, 'urn:more', item('a')))).toBe(
      'cancel policy-violation max-nodes-exceeded',
    );
  });

  test('nor more bytes', async () => {
    await scene.stop();
    scene = await openHouse([JULIET], { bytesPerAccount: '1MiB' });
    juliet = await connectClient(scene, `${JULIET}/balcony`, []);
    const big = (id: string) =>
      publish(juliet, NODE, `<item id='${id}'><x xmlns='urn:x'>${'x'.repeat(250_000)}</x></item>`, {
        max_items: 'max',
      });
    for (const id of ['a', 'b', 'c', 'd']) expectDone(await big(id));
    expect(errorOf(await big('e'))).toBe('wait resource-constraint');
    expectDone(await ask(juliet, 'set', `<retract node='${NODE}'><item id='a'/></retract>`));
    expectDone(await big('e'));
  });

  test('a node has no more subscribers or affiliations than it may', async () => {
    await scene.stop();
    scene = await openHouse([JULIET, 'paris@capulet.lit'], {
      maxSubscriptions: 1,
      maxAffiliations: 1,
    });
    juliet = await connectClient(scene, `${JULIET}/balcony`, []);
    await publish(juliet, NODE, item('a'), { access_model: 'open' });
    const paris = await scene.connect('paris@capulet.lit/garden');
    const subscribe = (jid: string) =>
      ask(paris, 'set', `<subscribe node='${NODE}' jid='${jid}'/>`, JULIET);
    expectDone(await subscribe('paris@capulet.lit'));
    expect(errorOf(await subscribe('paris@capulet.lit/garden'))).toBe(
      'wait policy-violation too-many-subscriptions',
    );
    const two = `<affiliations node='${NODE}'><affiliation jid='a@x.lit' affiliation='member'/><affiliation jid='b@x.lit' affiliation='member'/></affiliations>`;
    expect(serialise(await owner(two))).toContain('jid="b@x.lit" affiliation="none"');
  });

  test('§6.1.3.9 one account does not take the places of all', async () => {
    await publish(juliet, NODE, item('a'), { access_model: 'open' });
    const paris = await scene.connect('paris@capulet.lit/garden');
    const subscribe = (resource: string) =>
      ask(paris, 'set', `<subscribe node='${NODE}' jid='paris@capulet.lit/${resource}'/>`, JULIET);
    for (let count = 0; count < 20; count += 1) expectDone(await subscribe(String(count)));
    const refused = 'wait policy-violation too-many-subscriptions';
    expect(errorOf(await subscribe('more'))).toBe(refused);
    expectDone(await subscribe('3'));
  });

  test('§8.6 owners are not asked without end', async () => {
    await publish(juliet, NODE, item('a'), { access_model: 'authorize' });
    juliet.inbox.length = 0;
    const paris = await scene.connect('paris@capulet.lit/garden');
    const attrs = `node='${NODE}' jid='paris@capulet.lit'`;
    const subscribe = () => ask(paris, 'set', `<subscribe ${attrs}/>`, JULIET);
    for (let count = 0; count < 20; count += 1) {
      expectDone(await subscribe());
      expectDone(await ask(paris, 'set', `<unsubscribe ${attrs}/>`, JULIET));
    }
    expect(errorOf(await subscribe())).toBe('wait policy-violation too-many-subscriptions');
    await calm(scene);
    expect(juliet.inbox.length).toBe(20);
    scene.clock.advance(3_600_000);
    expectDone(await subscribe());
  });

  test('huge names, ids and forms are refused', async () => {
    expect(errorOf(await publish(juliet, 'x'.repeat(1024), item('a')))).toBe(
      'modify not-acceptable',
    );
    expect(errorOf(await publish(juliet, 'x', item('x'.repeat(1025))))).toBe('modify bad-request');
    const groups = Array.from({ length: 101 }, (_, index) => `group ${index}`);
    expect(errorOf(await publish(juliet, 'x', item('a'), { roster_groups_allowed: groups }))).toBe(
      'modify not-acceptable',
    );
    expect(errorOf(await publish(juliet, 'x', item('a'), { title: 'x'.repeat(1001) }))).toBe(
      'modify not-acceptable',
    );
    const ids = Array.from({ length: 501 }, (_, index) => `<item id='${index}'/>`).join('');
    await publish(juliet, 'x', item('a'));
    expect(errorOf(await ask(juliet, 'get', `<items node='x'>${ids}</items>`))).toBe(
      'modify bad-request',
    );
  });

  test('of many large items no more is read than one answer holds', async () => {
    for (let index = 0; index < 30; index += 1)
      await publish(
        juliet,
        'urn:log',
        `<item id='i${index}'><x xmlns='urn:x'>${'x'.repeat(200_000)}</x></item>`,
        index === 0 ? { max_items: 'max' } : undefined,
      );
    const read = vi.spyOn(scene.store, 'read');
    const ids = Array.from({ length: 30 }, (_, index) => `<item id='i${index}'/>`).join('');
    const rsm = "<set xmlns='http://jabber.org/protocol/rsm'><max>30</max></set>";
    expect(idsIn(await ask(juliet, 'get', "<items node='urn:log'/>"))).toEqual(['i28', 'i29']);
    expect(idsIn(await ask(juliet, 'get', `<items node='urn:log'/>${rsm}`))).toEqual(['i0', 'i1']);
    expect(idsIn(await ask(juliet, 'get', `<items node='urn:log'>${ids}</items>`))).toEqual([
      'i0',
      'i1',
    ]);
    const rows = (await Promise.all(read.mock.results.map(({ value }) => value))).flat();
    read.mockRestore();
    expect(JSON.stringify(rows).length).toBeLessThan(5_000_000);
  });

  test('thousands of items are read by pages', async () => {
    for (let index = 0; index < 1010; index += 1)
      await publish(
        juliet,
        'urn:log',
        item(`i${index}`),
        index === 0 ? { max_items: 'max' } : undefined,
      );
    const all = expectDone(await ask(juliet, 'get', "<items node='urn:log'/>"));
    expect(idsIn(all)).toHaveLength(1000);
    expect(serialise(all ?? juliet.session.presence?.element ?? expect.fail('nothing'))).toContain(
      '<first index="10">i10</first><last>i1009</last><count>1010</count>',
    );
    const rsm =
      "<set xmlns='http://jabber.org/protocol/rsm'><max>5000</max><before>i10</before></set>";
    expect(idsIn(await ask(juliet, 'get', `<items node='urn:log'/>${rsm}`))).toHaveLength(10);
  });
});

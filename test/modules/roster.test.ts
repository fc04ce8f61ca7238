import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseBare } from '../../src/jid/jid.ts';
import { presence } from '../../src/modules/presence/index.ts';
import { roster } from '../../src/modules/roster/index.ts';
import { childOf, childrenOf, type Element, serialise, textOf } from '../../src/xml/element.ts';
import { type Actor, type Scene, startScene } from '../support/scene.ts';

const NS = 'jabber:iq:roster';
const query = (children = '', ver?: string) =>
  `<query xmlns='${NS}'${ver === undefined ? '' : ` ver='${ver}'`}>${children}</query>`;

const queryIn = (answer: Element) => childOf(answer, 'query', NS);
const verIn = (answer: Element) => queryIn(answer)?.attrs['ver'];
/** The items in a result or push, in short. */
const itemsIn = (answer: Element) => {
  const found = queryIn(answer);
  return (found === undefined ? [] : childrenOf(found)).map((item) => {
    const { jid, ...attrs } = item.attrs;
    return [jid, attrs, childrenOf(item).map(textOf)];
  });
};
const errorIn = (answer: Element) => {
  const error = childOf(answer, 'error');
  return error === undefined ? undefined : childrenOf(error)[0]?.name;
};

describe('RFC 6121 §2: the roster', () => {
  let scene: Scene;
  let romeo: Actor;
  let phone: Actor;
  let limits: Record<string, unknown>;

  const start = async () => {
    scene = await startScene({
      modules: [roster, presence],
      accounts: ['romeo@montague.example', 'juliet@capulet.example'],
      settings: { roster: limits },
    });
    romeo = await scene.connect('romeo@montague.example/orchard');
    phone = await scene.connect('romeo@montague.example/phone');
  };
  beforeEach(async () => {
    limits = { maxItems: 3, maxNameLength: 10, maxGroupLength: 10, maxGroups: 2 };
    await start();
  });
  afterEach(() => scene.stop());

  const get = (actor = romeo, ver?: string) => actor.ask('get', query('', ver));
  const set = (item: string, actor = romeo) => actor.ask('set', query(item));

  test('§2.1.4 an unknown roster is empty and has a version', async () => {
    const answer = await get();
    expect(answer.attrs.type).toBe('result');
    expect(itemsIn(answer)).toEqual([]);
    expect(verIn(answer)).toBe('0');
  });

  test('§2.3.2 an item is added, then pushed to those who asked for the roster, and to no other', async () => {
    await get();
    const answer = await set(
      "<item jid='Nurse@Capulet.example' name='Nurse'><group>Servants</group></item>",
    );
    expect(answer.attrs.type).toBe('result');
    const item = ['nurse@capulet.example', { name: 'Nurse', subscription: 'none' }, ['Servants']];
    const push = await romeo.next();
    expect(push.attrs).toMatchObject({
      type: 'set',
      from: 'romeo@montague.example',
      to: romeo.jid,
    });
    expect(itemsIn(push)).toEqual([item]);
    const later = await get(phone);
    expect(itemsIn(later)).toEqual([item]);
    expect(verIn(later)).toBe(verIn(push));
    await phone.nothing();
    await romeo.nothing();
  });

  test('§2.1.6 a session that outlives a restart of the server has pushes, too', async () => {
    await get();
    const saved = JSON.parse(JSON.stringify(scene.registry.saveMemory(romeo.session)));
    scene.registry.restoreMemory(phone.session, saved);
    await set("<item jid='nurse@capulet.example'/>");
    expect(itemsIn(await phone.next())).toEqual([
      ['nurse@capulet.example', { subscription: 'none' }, []],
    ]);
  });

  test('§2.5.2 removal ends requests that nobody has answered', async () => {
    await romeo.send("<presence type='subscribe' to='juliet@capulet.example'/>");
    await set("<item jid='juliet@capulet.example' subscription='remove'/>");
    const juliet = await scene.connect('juliet@capulet.example/balcony');
    await juliet.send('<presence/>');
    expect(juliet.inbox.filter(({ attrs }) => attrs.type === 'subscribe')).toEqual([]);
  });

  test('§2.1.6 the result comes before the push', async () => {
    await get();
    await romeo.send(`<iq type='set' id='1'>${query("<item jid='nurse@capulet.example'/>")}</iq>`);
    expect((await romeo.next()).attrs).toMatchObject({ type: 'result', id: '1' });
    expect((await romeo.next()).attrs.type).toBe('set');
  });

  test('§2.4 an update replaces name and groups, and nothing else', async () => {
    await romeo.send("<presence type='subscribe' to='juliet@capulet.example'/>");
    await set(
      "<item jid='juliet@capulet.example' name='J'><group>A</group><group>B</group></item>",
    );
    await set("<item jid='juliet@capulet.example' subscription='both' ask='' approved='true'/>");
    expect(itemsIn(await get())).toEqual([
      ['juliet@capulet.example', { subscription: 'none', ask: 'subscribe' }, []],
    ]);
  });

  test('§2.5.2 an item is removed and pushed as removed', async () => {
    await get(phone);
    await set("<item jid='nurse@capulet.example'/>");
    await phone.next();
    expect(
      (await set("<item jid='nurse@capulet.example' subscription='remove'/>")).attrs.type,
    ).toBe('result');
    expect(itemsIn(await phone.next())).toEqual([
      ['nurse@capulet.example', { subscription: 'remove' }, []],
    ]);
    expect(itemsIn(await get())).toEqual([]);
  });

  test.each([
    ['§2.3.3 no item', '', 'bad-request'],
    ['§2.3.3 two items', "<item jid='a@b'/><item jid='c@b'/>", 'bad-request'],
    ['an item without an address', "<item name='x'/>", 'bad-request'],
    ['an address that is none', "<item jid='@b'/>", 'bad-request'],
    [
      '§2.3.3 a group twice',
      "<item jid='a@b'><group>G</group><group>G</group></item>",
      'bad-request',
    ],
    ['§2.3.3 a long name', "<item jid='a@b' name='01234567890'/>", 'not-acceptable'],
    ['§2.3.3 an empty group', "<item jid='a@b'><group/></item>", 'not-acceptable'],
    ['§2.3.3 a long group', "<item jid='a@b'><group>01234567890</group></item>", 'not-acceptable'],
    [
      'many groups',
      "<item jid='a@b'><group>1</group><group>2</group><group>3</group></item>",
      'not-acceptable',
    ],
    ['oneself', "<item jid='romeo@montague.example'/>", 'not-allowed'],
    [
      '§2.5.3 removal of an unknown item',
      "<item jid='a@b' subscription='remove'/>",
      'item-not-found',
    ],
  ])('%s is refused, and nothing is pushed', async (_, item, condition) => {
    await get();
    const answer = await set(item);
    expect(errorIn(answer)).toBe(condition);
    expect(itemsIn(await get())).toEqual([]);
    await romeo.nothing();
  });

  test('a full roster takes updates and no more contacts', async () => {
    for (const name of ['a', 'b', 'c']) await set(`<item jid='${name}@b'/>`);
    expect(errorIn(await set("<item jid='d@b'/>"))).toBe('policy-violation');
    expect((await set("<item jid='a@b' name='A'/>")).attrs.type).toBe('result');
    await romeo.send("<presence type='subscribe' to='juliet@capulet.example'/>");
    expect(errorIn(await romeo.next())).toBe('policy-violation');
  });

  test.each([
    ['of somebody else', 'juliet@capulet.example'],
    ['of nobody', 'nobody@capulet.example'],
  ])('§2.3.3 the roster %s is forbidden', async (_, to) => {
    expect(errorIn(await romeo.ask('get', query(), to))).toBe('forbidden');
    expect(errorIn(await romeo.ask('set', query("<item jid='a@b'/>"), to))).toBe('forbidden');
  });

  test('§2.6.3 who knows the version gets an empty result, then pushes', async () => {
    await set("<item jid='nurse@capulet.example'/>");
    const ver = verIn(await get(romeo, ''));
    const answer = await get(phone, ver);
    expect(answer.attrs.type).toBe('result');
    expect(childrenOf(answer)).toEqual([]);
    await set("<item jid='nurse@capulet.example' name='N'/>");
    const push = await phone.next();
    expect(verIn(push)).not.toBe(ver);
    expect(itemsIn(await get(phone, ver))).toHaveLength(1);
    expect(childrenOf(await get(phone, verIn(push)))).toEqual([]);
  });

  test('§2.6.3 what the user cannot see does not change the version', async () => {
    await set("<item jid='juliet@capulet.example'/>");
    const ver = verIn(await get());
    const juliet = await scene.connect('juliet@capulet.example/balcony');
    await juliet.send("<presence type='subscribe' to='romeo@montague.example'/>");
    expect(verIn(await get())).toBe(ver);
    await romeo.nothing();
  });

  test('changes at the same moment are all made, and the last push is true', async () => {
    await get();
    await Promise.all(
      ['x', 'y', 'z'].map((name) => set(`<item jid='nurse@capulet.example' name='${name}'/>`)),
    );
    const stored = await get(phone);
    expect(itemsIn(romeo.inbox.at(-1) ?? stored)).toEqual(itemsIn(stored));
    expect(romeo.inbox).toHaveLength(3);
    expect(verIn(romeo.inbox[2] ?? stored)).toBe(verIn(stored));
  });

  test('a set and a subscription at the same moment do not undo one another', async () => {
    await romeo.send("<presence type='unsubscribe' to='juliet@capulet.example'/>");
    await Promise.all([
      set("<item jid='juliet@capulet.example' name='J'/>"),
      romeo.send("<presence type='subscribed' to='juliet@capulet.example'/>"),
      romeo.send("<presence type='subscribe' to='juliet@capulet.example'/>"),
    ]);
    expect(itemsIn(await get())).toEqual([
      [
        'juliet@capulet.example',
        { name: 'J', subscription: 'none', ask: 'subscribe', approved: 'true' },
        [],
      ],
    ]);
  });

  test('what was changed is in the store, not only in memory', async () => {
    await set("<item jid='nurse@capulet.example' name='N'><group>G</group></item>");
    const rows = await scene.store.read(
      scene.store
        .tables<{ roster_items: { contact: string; name: string; group_names: string } }>()
        .selectFrom('roster_items')
        .select(['contact', 'name', 'group_names']),
    );
    expect(rows).toEqual([{ contact: 'nurse@capulet.example', name: 'N', group_names: '["G"]' }]);
  });

  test('a change that cannot be stored is refused, and not seen', async () => {
    await get();
    await scene.store.write(scene.store.tables().schema.dropTable('roster_versions'));
    expect(errorIn(await set("<item jid='nurse@capulet.example'/>"))).toBe('internal-server-error');
    expect(itemsIn(await get())).toEqual([]);
    await romeo.nothing();
  });

  test('an anonymous account keeps none', async () => {
    Object.assign(romeo.session, { isAnonymous: true });
    expect(errorIn(await set("<item jid='nurse@capulet.example'/>"))).toBe('not-allowed');
  });

  describe('§2.5.2 with subscriptions', () => {
    let juliet: Actor;
    beforeEach(async () => {
      juliet = await scene.connect('juliet@capulet.example/balcony');
      await juliet.send("<presence type='subscribe' to='romeo@montague.example'/>");
      await romeo.send("<presence type='subscribed' to='juliet@capulet.example'/>");
      await romeo.send("<presence type='subscribe' to='juliet@capulet.example'/>");
      await juliet.send("<presence type='subscribed' to='romeo@montague.example'/>");
      await get(juliet);
      await juliet.send('<presence/>');
      await romeo.send('<presence/>');
      for (const actor of [romeo, juliet]) actor.inbox.length = 0;
    });
    const types = (actor: Actor) =>
      actor.inbox.map((each) => [each.name, each.attrs.type, each.attrs.from]);

    test('removal ends them: unsubscribe, unavailable, unsubscribed', async () => {
      await set("<item jid='juliet@capulet.example' subscription='remove'/>");
      expect(types(juliet)).toEqual([
        ['presence', 'unsubscribe', 'romeo@montague.example'],
        ['iq', 'set', 'juliet@capulet.example'],
        ['presence', 'unavailable', romeo.jid],
        ['presence', 'unsubscribed', 'romeo@montague.example'],
        ['iq', 'set', 'juliet@capulet.example'],
      ]);
      expect(itemsIn(await get(juliet))).toEqual([
        ['romeo@montague.example', { subscription: 'none' }, []],
      ]);
    });

    test('the end of an account ends them too, and leaves no row', async () => {
      const account = parseBare('romeo@montague.example');
      if (!account.ok) expect.fail(account.why);
      expect(await scene.registry.removeAccount(account.value, 'gone')).toBe(true);
      expect(itemsIn(await get(juliet))).toEqual([
        ['romeo@montague.example', { subscription: 'none' }, []],
      ]);
      for (const table of ['roster_items', 'roster_requests', 'roster_versions'] as const) {
        const rows = await scene.store.read(
          scene.store
            .tables<Record<typeof table, { account: string }>>()
            .selectFrom(table)
            .select('account')
            .where('account', '=', account.value),
        );
        expect(rows).toEqual([]);
      }
    });
  });

  test('§2.6.1 the stream announces versioning after authentication only', () => {
    const features = (phase: 'early' | 'authenticated') =>
      scene.hosts
        .all()[0]
        ?.dispatch.streamFeatures({
          host: scene.hosts.all()[0]?.domain ?? romeo.session.host,
          phase,
        })
        .map(serialise);
    expect(features('early')).toEqual([]);
    expect(features('authenticated')).toEqual([
      '<ver xmlns="urn:xmpp:features:rosterver"/>',
      '<sub xmlns="urn:xmpp:features:pre-approval"/>',
    ]);
  });
});

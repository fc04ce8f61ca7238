/** XEP-0402, and the same bookmarks by XEP-0048 in private XML and in a node. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BareJid } from '../../../src/jid/jid.ts';
import { bookmarks } from '../../../src/modules/bookmarks/index.ts';
import { privateXml } from '../../../src/modules/private.ts';
import { PRIVATE_LIST, pubsub } from '../../../src/modules/pubsub/index.ts';
import { childrenOf, type Element, el, serialise } from '../../../src/xml/element.ts';
import type { Actor, Scene } from '../../support/scene.ts';
import {
  ask,
  calm,
  connectClient,
  errorOf,
  expectDone,
  expectHeard,
  expectLike,
  heard,
  idsIn,
  MODULES,
  openHouse,
  publish,
} from '../pubsub/house.ts';

const NODE = 'urn:xmpp:bookmarks:1';
const LEGACY = 'storage:bookmarks';
const PRIVATE = {
  persist_items: 'true',
  max_items: 'max',
  send_last_published_item: 'never',
  access_model: 'whitelist',
};
const THE_PLAY = 'theplay@conference.shakespeare.lit';
const ORCHARD = 'orchard@conference.shakespeare.lit';
const play = (name = 'The Play&apos;s the Thing') =>
  `<item id='${THE_PLAY}'><conference xmlns='${NODE}' name='${name}' autojoin='true'><nick>JC</nick></conference></item>`;
const orchard = `<item id='${ORCHARD}'><conference xmlns='${NODE}' name='The Orchard' autojoin='1'><nick>JC</nick><extensions><state xmlns='http://myclient.example/bookmark/state' minimized='true'/></extensions></conference></item>`;
const legacyPlay = `<conference jid='${THE_PLAY}' name='The Play&apos;s the Thing' autojoin='true'><nick>JC</nick></conference>`;
const legacyOrchard = `<conference jid='${ORCHARD}' name='The Orchard' autojoin='true'><nick>JC</nick></conference>`;
const storage = (inner: string) => `<storage xmlns='${LEGACY}'>${inner}</storage>`;

let scene: Scene;
let juliet: Actor;
const setPrivate = (inner: string) =>
  juliet.ask('set', `<query xmlns='jabber:iq:private'>${storage(inner)}</query>`);
const getPrivate = async (): Promise<Element | undefined> => {
  const answer = await juliet.ask('get', `<query xmlns='jabber:iq:private'>${storage('')}</query>`);
  return childrenOf(expectDone(answer) ?? el('none'))[0];
};
const items = (node = NODE) => ask(juliet, 'get', `<items node='${node}'/>`);
const add = (item: string) => publish(juliet, NODE, item, PRIVATE);

beforeEach(async () => {
  scene = await openHouse(
    ['juliet@capulet.lit'],
    {},
    { modules: [...MODULES, privateXml, bookmarks] },
  );
  juliet = await connectClient(scene, 'juliet@capulet.lit/balcony', [NODE, LEGACY]);
});
afterEach(() => scene.stop());

describe('XEP-0402 §3', () => {
  test('§3.3, §3.2 a bookmark is added, told and retrieved', async () => {
    expect((await add(play())).attrs.type).toBe('result');
    await calm(scene);
    expectHeard(
      juliet,
      `<message from='juliet@capulet.lit' to='juliet@capulet.lit/balcony' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='${NODE}'>${play()}</items></event><addresses xmlns='http://jabber.org/protocol/address'><address type='replyto' jid='juliet@capulet.lit/balcony'/></addresses></message>`,
    );
    await add(orchard);
    expectLike(
      expectDone(await items()),
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='${NODE}'>${play()}${orchard}</items></pubsub>`,
    );
  });

  test('§3.5, §4 one is removed, and told', async () => {
    await add(play());
    await calm(scene);
    juliet.inbox.length = 0;
    expectDone(
      await ask(
        juliet,
        'set',
        `<retract node='${NODE}' notify='true'><item id='${THE_PLAY}'/></retract>`,
      ),
    );
    await calm(scene);
    expectHeard(
      juliet,
      `<message from='juliet@capulet.lit' to='juliet@capulet.lit/balcony' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='${NODE}'><retract id='${THE_PLAY}'/></items></event></message>`,
    );
  });

  test('§3.1 nothing is sent on presence', async () => {
    await add(play());
    const other = await connectClient(scene, 'juliet@capulet.lit/chamber', [NODE]);
    expect(heard(other)).toEqual([]);
  });

  test('§6 disco', async () => {
    const text = serialise(
      await juliet.ask('get', "<query xmlns='http://jabber.org/protocol/disco#info'/>"),
    );
    expect(text).toContain(`"${NODE}#compat"`);
    expect(text).toContain(`"${NODE}#compat-pep"`);
  });
});

describe('XEP-0402 §5.3: private XML (XEP-0049)', () => {
  test('what a new client adds an old one sees', async () => {
    await add(play());
    await add(orchard);
    expectLike(await getPrivate(), storage(legacyPlay + legacyOrchard));
  });

  test('§5.3.2 what an old client stores becomes items; the same again tells nobody', async () => {
    expectDone(
      await setPrivate(
        `${legacyPlay}${legacyOrchard}<url name='A page' url='https://a.example/'/>`,
      ),
    );
    await calm(scene);
    expect(heard(juliet)).toEqual([`${NODE} ${THE_PLAY}`, `${NODE} ${ORCHARD}`]);
    await setPrivate(`${legacyOrchard}${legacyPlay.replace('JC', 'Juliet')}`);
    await calm(scene);
    expect(heard(juliet)).toEqual([`${NODE} ${THE_PLAY}`]);
    await setPrivate(legacyOrchard);
    await calm(scene);
    expect(heard(juliet)).toEqual([`${NODE} -${THE_PLAY}`]);
    expect(idsIn(await items())).toEqual([ORCHARD]);
  });

  test('what cannot be kept as items is refused, and not kept as a list either', async () => {
    const crowded = await openHouse(
      ['juliet@capulet.lit'],
      { maxPayload: '1KiB' },
      { modules: [...MODULES, privateXml, bookmarks] },
    );
    try {
      const other = await connectClient(crowded, 'juliet@capulet.lit/balcony', []);
      const list = (inner: string) => `<query xmlns='jabber:iq:private'>${storage(inner)}</query>`;
      const tooLong = legacyPlay.replace('JC', 'C'.repeat(2000));
      const refused = await other.ask('set', list(tooLong));
      expect(errorOf(refused)).toBe('modify not-acceptable payload-too-big');
      const left = childrenOf(expectDone(await other.ask('get', list(''))) ?? el('none'))[0];
      expectLike(left, storage(''));
    } finally {
      await crowded.stop();
    }
  });

  test('the node that is made is private', async () => {
    await setPrivate(legacyPlay);
    const node = await scene.registry.apiOf(pubsub).node('juliet@capulet.lit' as BareJid, NODE);
    expect(node?.config).toMatchObject(PRIVATE_LIST);
  });

  test('§3.4 extensions are kept, whoever edits', async () => {
    await add(orchard);
    await setPrivate(legacyOrchard.replace('The Orchard', 'Orchard'));
    const text = serialise(await items());
    expect(text).toContain('name="Orchard"');
    expect(text).toContain('minimized="true"');
  });

  test('pages that are bookmarked stay in the old list', async () => {
    const page = "<url name='A page' url='https://a.example/'/>";
    await setPrivate(legacyPlay + page);
    await add(orchard);
    expectLike(await getPrivate(), storage(legacyPlay + legacyOrchard + page));
  });

  test('what was stored before there were nodes is found by new clients', async () => {
    await scene.stop();
    scene = await openHouse(
      ['juliet@capulet.lit'],
      {},
      { modules: [...MODULES, privateXml, bookmarks] },
    );
    await scene.registry
      .apiOf(privateXml)
      .keep(
        'juliet@capulet.lit' as BareJid,
        el('storage', { xmlns: LEGACY }, el('conference', { jid: THE_PLAY, name: 'Old' })),
      );
    juliet = await connectClient(scene, 'juliet@capulet.lit/balcony', [NODE]);
    expect(idsIn(await items())).toEqual([THE_PLAY]);
  });

  test('nor are they lost when the server itself adds one, or a new client the first', async () => {
    const account = 'juliet@capulet.lit' as BareJid;
    await scene.registry
      .apiOf(privateXml)
      .keep(
        account,
        el('storage', { xmlns: LEGACY }, el('conference', { jid: THE_PLAY, name: 'Old' })),
      );
    await scene.registry
      .apiOf(pubsub)
      .publish(
        account,
        NODE,
        { id: ORCHARD, payload: el('conference', { xmlns: NODE }) },
        { config: PRIVATE_LIST },
      );
    expect(idsIn(await items())).toEqual([THE_PLAY, ORCHARD]);
  });

  test('a node that others may read gets nothing of them', async () => {
    await publish(juliet, NODE, orchard, { access_model: 'open', max_items: 'max' });
    await setPrivate(legacyPlay);
    expect(idsIn(await items())).toEqual([ORCHARD]);
    expectLike(await getPrivate(), storage(legacyPlay));
  });

  test('a room that is no address is left out, and a room named twice counts once', async () => {
    await setPrivate(`<conference jid='@@'/><conference/>${legacyPlay}${legacyPlay}`);
    expect(idsIn(await items())).toEqual([THE_PLAY]);
  });
});

describe('XEP-0402 §5.3: the node of XEP-0048', () => {
  const setNode = (inner: string) =>
    publish(juliet, LEGACY, `<item id='current'>${storage(inner)}</item>`, {
      persist_items: 'true',
      access_model: 'whitelist',
    });

  test('what an old client publishes becomes items', async () => {
    expectDone(await setNode(legacyPlay + legacyOrchard));
    expect(idsIn(await items())).toEqual([THE_PLAY, ORCHARD]);
    expectDone(await setNode(legacyOrchard));
    expect(idsIn(await items())).toEqual([ORCHARD]);
    expectLike(await getPrivate(), storage(legacyOrchard));
  });

  test('what a new client adds is in the old node, which is told', async () => {
    await add(play());
    expectLike(
      expectDone(await items(LEGACY)),
      `<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='${LEGACY}'><item id='current'>${storage(legacyPlay)}</item></items></pubsub>`,
    );
    await calm(scene);
    juliet.inbox.length = 0;
    await add(orchard);
    await calm(scene);
    expect(heard(juliet)).toEqual([`${NODE} ${ORCHARD}`, `${LEGACY} current`]);
    expect(serialise(await items(LEGACY))).toContain('The Orchard');
  });

  test('who has no bookmarks has no such node', async () => {
    expect(errorOf(await items(LEGACY))).toBe('cancel item-not-found');
    expect(errorOf(await items())).toBe('cancel item-not-found');
  });

  test('a node that is deleted takes them along', async () => {
    await setPrivate(legacyPlay);
    await items(LEGACY);
    expectDone(await ask(juliet, 'set', `<delete node='${NODE}'/>`, undefined, '#owner'));
    expectLike(await getPrivate(), storage(''));
    expect(errorOf(await items())).toBe('cancel item-not-found');
  });
});

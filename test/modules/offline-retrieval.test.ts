import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { disco } from '../../src/modules/disco/index.ts';
import { offline } from '../../src/modules/offline/index.ts';
import { offlineRetrieval } from '../../src/modules/offline-retrieval.ts';
import { presence } from '../../src/modules/presence/index.ts';
import { roster } from '../../src/modules/roster/index.ts';
import { childOf, type Element, serialise, textOf } from '../../src/xml/element.ts';
import { conditionIn, resultIn } from '../support/answers.ts';
import { type Actor, type Scene, startScene } from '../support/scene.ts';

const NS = 'http://jabber.org/protocol/offline';
const ROMEO = 'romeo@montague.net';
const MERCUTIO = 'mercutio@shakespeare.lit';
const INFO = `<query xmlns='http://jabber.org/protocol/disco#info' node='${NS}'/>`;
const ITEMS = `<query xmlns='http://jabber.org/protocol/disco#items' node='${NS}'/>`;
const offlineWith = (inner: string) => `<offline xmlns='${NS}'>${inner}</offline>`;
const FETCH = offlineWith('<fetch/>');
const PURGE = offlineWith('<purge/>');

describe('XEP-0013: Flexible Offline Message Retrieval', () => {
  let scene: Scene;
  let mercutio: Actor;
  beforeEach(async () => {
    scene = await startScene({
      modules: [roster, presence, offline, disco, offlineRetrieval],
      accounts: [ROMEO, MERCUTIO],
    });
    mercutio = await scene.connect(`${MERCUTIO}/pda`);
    for (const text of ['one', 'two', 'three']) await say(text);
  });
  afterEach(() => scene.stop());

  const say = (text: string) =>
    mercutio.send(`<message to='${ROMEO}' type='chat'><body>${text}</body></message>`);
  const romeoAt = (resource = 'orchard') => scene.connect(`${ROMEO}/${resource}`);
  const bodyOf = (message: Element) => textOf(childOf(message, 'body') ?? message);
  /** The texts of the messages that came, with the nodes that they name. */
  const messagesTo = (actor: Actor) =>
    actor.inbox
      .splice(0)
      .filter(({ name }) => name === 'message')
      .map((message) => {
        const item = childOf(message, 'offline', NS)?.children[0];
        const node = typeof item === 'string' ? undefined : item?.attrs['node'];
        return node === undefined ? bodyOf(message) : `${bodyOf(message)} ${node}`;
      });
  const count = async (actor: Actor) =>
    Number(/<value>(\d+)<\/value><\/field><\/x>/.exec(resultIn(await actor.ask('get', INFO)))?.[1]);
  const nodes = async (actor: Actor) =>
    [...resultIn(await actor.ask('get', ITEMS)).matchAll(/node="(\d+)"/g)].map(
      ([, node = '']) => node,
    );
  const item = (action: string, node: string) => `<item action='${action}' node='${node}'/>`;

  test('§2.1 the server announces it', async () => {
    const romeo = await romeoAt();
    const info = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
    expect(resultIn(await romeo.ask('get', info, 'montague.net'))).toContain(
      `<feature var="${NS}"/>`,
    );
  });

  test('§2.2 the number of messages', async () => {
    const romeo = await romeoAt();
    expect(resultIn(await romeo.ask('get', INFO))).toBe(
      `<query xmlns="http://jabber.org/protocol/disco#info" node="${NS}">` +
        '<identity category="automation" type="message-list"/>' +
        `<feature var="${NS}"/>` +
        '<x xmlns="jabber:x:data" type="result">' +
        `<field var="FORM_TYPE" type="hidden"><value>${NS}</value></field>` +
        '<field var="number_of_messages"><value>3</value></field></x></query>',
    );
  });

  test.each([
    ['the number', INFO],
    ['the headers', ITEMS],
    ['all messages (§2.6)', FETCH],
  ])('§2.2 who asked for %s gets no flood; what comes then comes', async (_, question) => {
    const romeo = await romeoAt();
    await romeo.ask('get', question);
    romeo.inbox.length = 0;
    await romeo.send('<presence/>');
    const other = await romeoAt('chamber');
    await other.send('<presence/>');
    expect(messagesTo(romeo)).toEqual([]);
    expect(messagesTo(other)).toEqual([]);
    await say('four');
    expect(messagesTo(romeo)).toEqual(['four']);
    expect(messagesTo(other)).toEqual(['four']);
    expect(await count(romeo)).toBe(3);
  });

  test('§2.2 others get what is left when he is gone', async () => {
    const romeo = await romeoAt();
    const [first = ''] = await nodes(romeo);
    await romeo.ask('set', offlineWith(item('remove', first)));
    const other = await romeoAt('chamber');
    await other.send('<presence/>');
    await romeo.disconnect();
    for (const text of ['two', 'three']) {
      const message = await other.next();
      expect(message.name === 'message' ? bodyOf(message) : await other.next().then(bodyOf)).toBe(
        text,
      );
    }
  });

  test('§2.3 the headers, in the order of the nodes', async () => {
    const romeo = await romeoAt();
    const found = await nodes(romeo);
    expect([...found].sort()).toEqual(found);
    expect(resultIn(await romeo.ask('get', ITEMS))).toBe(
      `<query xmlns="http://jabber.org/protocol/disco#items" node="${NS}">` +
        found
          .map((node) => `<item jid="${ROMEO}" node="${node}" name="${MERCUTIO}/pda"/>`)
          .join('') +
        '</query>',
    );
  });

  test('§2.3 without messages the list is empty', async () => {
    expect(resultIn(await mercutio.ask('get', ITEMS))).toBe(
      `<query xmlns="http://jabber.org/protocol/disco#items" node="${NS}"/>`,
    );
  });

  test('§2.4 some messages, with their nodes and the time; they stay', async () => {
    const romeo = await romeoAt();
    const [first = '', , third = ''] = await nodes(romeo);
    const view = offlineWith(item('view', third) + item('view', first));
    expect(resultIn(await romeo.ask('get', view))).toBe('');
    const [message] = romeo.inbox;
    expect(message?.attrs).toMatchObject({ from: `${MERCUTIO}/pda`, to: ROMEO });
    expect(message && serialise(message)).toContain('urn:xmpp:delay');
    expect(messagesTo(romeo)).toEqual([`three ${third}`, `one ${first}`]);
    expect(await count(romeo)).toBe(3);
  });

  test('§2.5 some are removed', async () => {
    const romeo = await romeoAt();
    const [first = '', second = '', third = ''] = await nodes(romeo);
    const remove = offlineWith(item('remove', first) + item('remove', second));
    expect(resultIn(await romeo.ask('set', remove))).toBe('');
    expect(await nodes(romeo)).toEqual([third]);
    await romeo.disconnect();
    const again = await romeoAt();
    await again.send('<presence/>');
    expect(messagesTo(again)).toEqual(['three']);
  });

  test('§2.6 all messages; they stay', async () => {
    const romeo = await romeoAt();
    const answer = await romeo.ask('get', FETCH);
    expect(resultIn(answer)).toBe('');
    const [first, second, third] = await nodes(romeo);
    expect(messagesTo(romeo)).toEqual([`one ${first}`, `two ${second}`, `three ${third}`]);
    expect(await count(romeo)).toBe(3);
  });

  test('§2.6 all messages, though they are asked for by a set', async () => {
    const romeo = await romeoAt();
    expect(resultIn(await romeo.ask('set', FETCH))).toBe('');
    expect(messagesTo(romeo)).toHaveLength(3);
  });

  test('§2.6 more than a page of them, in their order', async () => {
    for (let index = 0; index < 250; index += 1) await say(`m${index}`);
    const romeo = await romeoAt();
    await romeo.ask('get', FETCH);
    const texts = messagesTo(romeo).map((text) => text.split(' ')[0]);
    expect(texts.slice(3)).toEqual(Array.from({ length: 250 }, (_, index) => `m${index}`));
  });

  test('§2.7 all are removed; there is room for others', async () => {
    const romeo = await romeoAt();
    expect(resultIn(await romeo.ask('set', PURGE))).toBe('');
    expect(await count(romeo)).toBe(0);
    expect(resultIn(await romeo.ask('set', PURGE))).toBe('');
    await say('four');
    expect(await count(romeo)).toBe(1);
  });

  test.each([
    ['the number', 'get', INFO],
    ['the headers', 'get', ITEMS],
    ['some messages', 'get', offlineWith(item('view', '1'))],
    ['all messages', 'get', FETCH],
    ['removing some', 'set', offlineWith(item('remove', '1'))],
    ['removing all', 'set', PURGE],
  ] as const)('§2.3 to §2.7 another user is forbidden to ask: %s', async (_, type, payload) => {
    expect(conditionIn(await mercutio.ask(type, payload, ROMEO))).toBe('forbidden');
    // Nor does he learn who has an account.
    expect(conditionIn(await mercutio.ask(type, payload, 'nobody@montague.net'))).toBe('forbidden');
    expect(await count(await romeoAt())).toBe(3);
  });

  test('§2.4, §2.5 a node that is not there: nothing is done', async () => {
    const romeo = await romeoAt();
    const [first = ''] = await nodes(romeo);
    const wrong = item('view', first) + item('view', '12');
    expect(conditionIn(await romeo.ask('get', offlineWith(wrong)))).toBe('item-not-found');
    const remove = offlineWith(wrong.replaceAll('view', 'remove'));
    expect(conditionIn(await romeo.ask('set', remove))).toBe('item-not-found');
    expect(messagesTo(romeo)).toEqual([]);
    expect(await count(romeo)).toBe(3);
  });

  test.each([
    ['get', offlineWith('')],
    ['get', PURGE],
    ['get', offlineWith("<fetch/><item action='view' node='1'/>")],
    ['get', offlineWith("<item action='remove' node='1'/>")],
    ['get', offlineWith("<item action='view'/>")],
    ['get', offlineWith("<item action='eat' node='1'/>")],
    ['set', offlineWith('')],
    ['set', offlineWith('<fetch/><purge/>')],
    ['set', offlineWith("<purge/><item action='remove' node='1'/>")],
    ['set', offlineWith("<item action='view' node='1'/>")],
  ] as const)('what is no request is refused: %s %s', async (type, payload) => {
    const romeo = await romeoAt();
    expect(conditionIn(await romeo.ask(type, payload))).toBe('bad-request');
    expect(await count(romeo)).toBe(3);
  });
});

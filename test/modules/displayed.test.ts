/** XEP-0490: what one device has displayed, the others know. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { archive } from '../../src/modules/archive/index.ts';
import { carbons } from '../../src/modules/carbons/index.ts';
import { displayed } from '../../src/modules/displayed.ts';
import { serialise } from '../../src/xml/element.ts';
import type { Actor, Scene } from '../support/scene.ts';
import {
  ask,
  calm,
  connectClient,
  expectHeard,
  expectLike,
  fieldIn,
  MODULES,
  openHouse,
  publish,
} from './pubsub/house.ts';

const NODE = 'urn:xmpp:mds:displayed:0';
const marker = (id: string, by = 'juliet@capulet.lit') =>
  `<displayed xmlns='${NODE}'><stanza-id xmlns='urn:xmpp:sid:0' by='${by}' id='${id}'/></displayed>`;
const CHAT_MARKER = "<displayed xmlns='urn:xmpp:chat-markers:0' id='the-msg-1'/>";
const PRIVATE = {
  persist_items: 'true',
  max_items: 'max',
  send_last_published_item: 'never',
  access_model: 'whitelist',
};

describe('XEP-0490', () => {
  let scene: Scene;
  let juliet: Actor;
  let chamber: Actor;
  let romeo: Actor;
  beforeEach(async () => {
    scene = await openHouse(
      ['juliet@capulet.lit', 'romeo@montegue.lit'],
      {},
      { modules: [...MODULES, displayed, archive, carbons] },
    );
    juliet = await connectClient(scene, 'juliet@capulet.lit/balcony', [NODE]);
    chamber = await connectClient(scene, 'juliet@capulet.lit/chamber', [NODE]);
    romeo = await connectClient(scene, 'romeo@montegue.lit/orchard', []);
    await chamber.ask('set', "<enable xmlns='urn:xmpp:carbons:2'/>");
    for (const actor of [juliet, chamber]) actor.inbox.length = 0;
  });
  afterEach(() => scene.stop());
  const items = () => ask(chamber, 'get', `<items node='${NODE}'/>`);

  test('§4.2, §4.4 a chat is flagged, and caught up with', async () => {
    const item = (chat: string, id: string, by?: string) =>
      `<item id='${chat}'>${marker(id, by)}</item>`;
    await publish(juliet, NODE, item('romeo@montegue.lit', '0f710f2b'), PRIVATE);
    const room = item(
      'example@conference.shakespeare.lit',
      'ca21deaf',
      'example@conference.shakespeare.lit',
    );
    await publish(juliet, NODE, room, PRIVATE);
    expectLike(
      await items(),
      `<iq type='result' from='juliet@capulet.lit' to='juliet@capulet.lit/chamber'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='${NODE}'>${item('romeo@montegue.lit', '0f710f2b')}${room}</items></pubsub></iq>`,
    );
  });

  test('§4.5 the server takes the flag out of a message, before it is archived or copied', async () => {
    const text = await juliet.ask('get', "<query xmlns='http://jabber.org/protocol/disco#info'/>");
    expect(serialise(text)).toContain('"urn:xmpp:mds:server-assist:0"');
    await juliet.send(
      `<message to='romeo@montegue.lit' type='chat'><body>Hi</body>${CHAT_MARKER}${marker('0423e3a9')}</message>`,
    );
    await calm(scene);
    const got = romeo.inbox.map((each) => serialise(each)).join('');
    expect(got).toContain('urn:xmpp:chat-markers:0');
    expect(got).not.toContain(NODE);
    const copies = chamber.inbox.filter((each) => serialise(each).includes('carbons'));
    expect(copies).toHaveLength(1);
    expect(copies.map((each) => serialise(each)).join('')).not.toContain(NODE);
    chamber.inbox.splice(
      0,
      chamber.inbox.length,
      ...chamber.inbox.filter((each) => !copies.includes(each)),
    );
    expectHeard(
      chamber,
      `<message from='juliet@capulet.lit' to='juliet@capulet.lit/chamber' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='${NODE}'><item id='romeo@montegue.lit'>${marker('0423e3a9')}</item></items></event></message>`,
    );
    const form = await ask(juliet, 'get', `<configure node='${NODE}'/>`, undefined, '#owner');
    expect(fieldIn(form, 'pubsub#access_model')).toEqual(['whitelist']);
    expect(fieldIn(form, 'pubsub#send_last_published_item')).toEqual(['never']);
    await romeo.ask('get', "<query xmlns='urn:xmpp:mam:2'/>");
    expect(romeo.inbox.map((each) => serialise(each)).join('')).not.toContain(NODE);
  });

  test('§7 a node that others may read gets nothing, and they learn nothing', async () => {
    await publish(juliet, NODE, `<item id='x'>${marker('x')}</item>`, {
      access_model: 'open',
      max_items: 'max',
    });
    await juliet.send(
      `<message to='romeo@montegue.lit'>${CHAT_MARKER}${marker('secret')}</message>`,
    );
    await calm(scene);
    expect(serialise(await items())).not.toContain('secret');
    expect(romeo.inbox.map((each) => serialise(each)).join('')).not.toContain('secret');
  });
});

/** XEP-0163 §4: contacts of other servers, and what outlives a restart. */
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verdict } from '../../../src/core/hooks.ts';
import type { BareJid, Domain } from '../../../src/jid/jid.ts';
import { hashInput } from '../../../src/modules/caps/verification.ts';
import { createNodes } from '../../../src/modules/pubsub/nodes.ts';
import { iqResult } from '../../../src/stanza/build.ts';
import type { Iq, Stanza } from '../../../src/stanza/stanza.ts';
import { readStored } from '../../../src/stanza/stored.ts';
import type { Actor, Scene } from '../../support/scene.ts';
import {
  ask,
  befriend,
  calm,
  capsOf,
  connectClient,
  expectDone,
  idsIn,
  infoXml,
  openHouse,
  parse,
  publish,
} from './house.ts';

const JULIET = 'juliet@capulet.lit';
const NODE = 'urn:tune';
const ROMEO = 'romeo@montague.example';
const item = (id: string) => `<item id='${id}'><tune xmlns='${NODE}'/></item>`;

describe('contacts of other servers', () => {
  let scene: Scene;
  let juliet: Actor;
  let sent: Stanza[];
  let isMute: boolean;
  let wants: readonly string[];
  beforeEach(async () => {
    sent = [];
    isMute = false;
    wants = [NODE];
    scene = await openHouse([JULIET], { watchedPerAccount: 10 });
    scene.router.useRemote((stanza) => {
      sent.push(stanza);
      if (stanza.kind === 'iq' && stanza.type === 'get' && !isMute)
        void scene.router.route(iqResult(stanza, parse(infoXml(wants))));
      return verdict.handled;
    });
    await befriend(scene, JULIET, ROMEO);
    juliet = await connectClient(scene, `${JULIET}/balcony`, []);
    await publish(juliet, NODE, item('one'));
    sent.length = 0;
  });
  afterEach(() => scene.stop());
  const arrive = async (from: string, inner: string, type = '') => {
    const text = `<presence from='${from}' to='${JULIET}' ${type}>${inner}</presence>`;
    await scene.router.route(readStored(text) ?? expect.fail(text));
    await calm(scene);
  };
  const messages = () =>
    sent
      .splice(0)
      .flatMap((stanza) =>
        stanza.kind === 'message' ? [`${stanza.to} ${idsIn(stanza.element).join()}`] : [],
      );

  test('§4.3.4 one who comes is asked in the account’s name, and sent the last item', async () => {
    await arrive(`${ROMEO}/orchard`, capsOf(wants));
    const [question] = sent.filter((stanza): stanza is Iq => stanza.kind === 'iq');
    expect(question).toMatchObject({ from: JULIET, to: `${ROMEO}/orchard` });
    expect(messages()).toEqual([`${ROMEO}/orchard one`]);
    await publish(juliet, NODE, item('two'));
    await calm(scene);
    expect(messages()).toEqual([`${ROMEO}/orchard two`]);
    await arrive(`${ROMEO}/orchard`, capsOf(wants));
    expect(messages()).toEqual([]); // he has it
  });

  test('XEP-0390 by its hashes, too', async () => {
    const input = hashInput(parse(infoXml(wants))) ?? '';
    const hash = createHash('sha256').update(input).digest('base64');
    await arrive(
      `${ROMEO}/orchard`,
      `<c xmlns='urn:xmpp:caps'><hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>${hash}</hash></c>`,
    );
    expect(messages()).toEqual([`${ROMEO}/orchard one`]);
    await arrive(
      `${ROMEO}/tomb`,
      `<c xmlns='urn:xmpp:caps'><hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>${hash}</hash></c>`,
    );
    expect(sent.filter(({ kind }) => kind === 'iq')).toEqual([]); // known by now
    expect(messages()).toEqual([`${ROMEO}/tomb one`]);
  });

  test('§4.3.2 of whom no presence is known nothing is sent, unless he has subscribed', async () => {
    await publish(juliet, NODE, item('two'));
    expect(messages()).toEqual([]);
    const text = `<iq type='set' id='1' from='${ROMEO}/x' to='${JULIET}'><pubsub xmlns='http://jabber.org/protocol/pubsub'><subscribe node='${NODE}' jid='${ROMEO}'/></pubsub></iq>`;
    await scene.router.route(readStored(text) ?? expect.fail(text));
    await calm(scene);
    expect(messages()).toEqual([`${ROMEO} two`]); // §4.3.4: the last one
    await publish(juliet, NODE, item('three'));
    await calm(scene);
    expect(messages()).toEqual([`${ROMEO} three`]);
    // Once his clients are known they have it at their own addresses.
    await arrive(`${ROMEO}/orchard`, capsOf(wants));
    sent.length = 0;
    await publish(juliet, NODE, item('four'));
    await calm(scene);
    expect(messages()).toEqual([`${ROMEO}/orchard four`]);
  });

  test('who goes, or whose server is gone, hears no more', async () => {
    await arrive(`${ROMEO}/orchard`, capsOf(wants));
    await arrive(`${ROMEO}/tomb`, capsOf(wants));
    await arrive(`${ROMEO}/tomb`, '', "type='unavailable'");
    sent.length = 0;
    await publish(juliet, NODE, item('two'));
    await calm(scene);
    expect(messages()).toEqual([`${ROMEO}/orchard two`]);
    const host = scene.hosts.get('capulet.lit' as Domain);
    for (const hook of host?.dispatch.domainChanged ?? [])
      await hook('montague.example' as Domain, 'gone', 'capulet.lit' as Domain);
    sent.length = 0;
    await publish(juliet, NODE, item('three'));
    await calm(scene);
    expect(messages()).toEqual([]);
  });

  test('one who says nothing of himself gets nothing, and holds up nobody', async () => {
    isMute = true;
    await arrive(`${ROMEO}/orchard`, capsOf([NODE, 'urn:mute']));
    expectDone(await publish(juliet, NODE, item('two')));
    expect(messages()).toEqual([]);
    await scene.clock.advance(31_000);
    await calm(scene);
    expect(messages()).toEqual([]);
  });

  test('what is answered late is sent late', async () => {
    isMute = true;
    await arrive(`${ROMEO}/orchard`, capsOf([NODE, 'urn:slow']));
    const question = sent.find((stanza): stanza is Iq => stanza.kind === 'iq');
    await publish(juliet, NODE, item('two'));
    sent.length = 0;
    await scene.router.route(
      iqResult(question ?? expect.fail('not asked'), parse(infoXml([NODE, 'urn:slow']))),
    );
    await calm(scene);
    expect([...new Set(messages())]).toEqual([`${ROMEO}/orchard two`]);
  });

  test('no stranger fills the memory of an account', async () => {
    for (let index = 0; index < 30; index += 1)
      await arrive(`s${index}@far.example/x`, capsOf(wants));
    await ask(
      juliet,
      'set',
      `<configure node='${NODE}'><x xmlns='jabber:x:data' type='submit'><field var='pubsub#access_model'><value>open</value></field></x></configure>`,
      undefined,
      '#owner',
    );
    sent.length = 0;
    await publish(juliet, NODE, item('two'));
    await calm(scene);
    expect(messages()).toHaveLength(10);
  });
});

test('what was published is there after a restart', async () => {
  const scene = await openHouse([JULIET]);
  const juliet = await connectClient(scene, `${JULIET}/balcony`, []);
  await publish(juliet, NODE, item('one'), { max_items: '5', access_model: 'open' });
  await publish(juliet, NODE, item('two'));
  const account = JULIET as BareJid;
  await ask(juliet, 'set', `<subscribe node='${NODE}' jid='${JULIET}'/>`);
  await ask(
    juliet,
    'set',
    `<affiliations node='${NODE}'><affiliation jid='a@b.lit' affiliation='member'/></affiliations>`,
    undefined,
    '#owner',
  );
  const anew = createNodes(scene.store, scene.clock);
  const node = (await anew.find(account, NODE)) ?? expect.fail('it is gone');
  expect(node).toMatchObject({
    count: 2,
    creator: JULIET,
    config: { maxItems: 5, accessModel: 'open' },
  });
  expect([...node.affiliations]).toEqual([['a@b.lit', 'member']]);
  expect([...node.subscriptions]).toEqual([[JULIET, 'subscribed']]);
  expect(await anew.last(node)).toMatchObject({ id: 'two', publisher: `${JULIET}/balcony` });
  expect(await anew.usage(account)).toBe(node.bytes);
  await anew.alone(account, NODE, async (same) => {
    if (same !== undefined)
      await anew.put(same, { id: 'three', publisher: account, at: 1, xml: '<x/>' }, 5);
  });
  expect(await anew.ids(node, 10)).toEqual(['one', 'two', 'three']);
  await scene.stop();
});

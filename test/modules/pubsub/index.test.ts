/** Nodes of accounts (XEP-0163), and what other modules may do with them. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BareJid } from '../../../src/jid/jid.ts';
import { type Change, pubsub } from '../../../src/modules/pubsub/index.ts';
import { childrenOf, el, serialise } from '../../../src/xml/element.ts';
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
  openHouse,
  publish,
} from './house.ts';

const JULIET = 'juliet@capulet.lit';
const TUNE = 'http://jabber.org/protocol/tune';
const tune = (id: string, title: string) =>
  `<item id='${id}'><tune xmlns='${TUNE}'><title>${title}</title></tune></item>`;

describe('XEP-0163: Personal Eventing Protocol', () => {
  let scene: Scene;
  let juliet: Actor;
  beforeEach(async () => {
    scene = await openHouse([
      JULIET,
      'nurse@capulet.lit',
      'romeo@montague.lit',
      'benvolio@montague.lit',
    ]);
    await befriend(scene, JULIET, 'nurse@capulet.lit', 'Servants');
    await befriend(scene, JULIET, 'romeo@montague.lit', 'Friends');
    juliet = await connectClient(scene, `${JULIET}/balcony`, [TUNE]);
  });
  afterEach(() => scene.stop());

  test('§1.2 who is interested hears of an event, and nobody else', async () => {
    const chamber = await connectClient(scene, `${JULIET}/chamber`, [TUNE]);
    const romeo = await connectClient(scene, 'romeo@montague.lit/orchard', [TUNE]);
    const nurse = await connectClient(scene, 'nurse@capulet.lit/chamber', ['urn:other']);
    const benvolio = await connectClient(scene, 'benvolio@montague.lit/pda', [TUNE]);
    juliet.inbox.length = 0;
    expectDone(await publish(juliet, TUNE, tune('a', 'Heroes')));
    await calm(scene);
    expect(serialise(romeo.inbox[0] ?? el('nothing'))).toMatch(
      /^<message type="headline" id="[\w-]{16}" from="juliet@capulet.lit" to="romeo@montague.lit\/orchard"><event xmlns="http:\/\/jabber.org\/protocol\/pubsub#event"><items node="http:\/\/jabber.org\/protocol\/tune"><item id="a"><tune xmlns="http:\/\/jabber.org\/protocol\/tune"><title>Heroes<\/title><\/tune><\/item><\/items><\/event><addresses xmlns="http:\/\/jabber.org\/protocol\/address"><address type="replyto" jid="juliet@capulet.lit\/balcony"\/><\/addresses><\/message>$/,
    );
    expect(heard(romeo)).toEqual([`${TUNE} a`]);
    expect(heard(juliet)).toEqual([`${TUNE} a`]);
    expect(heard(chamber)).toEqual([`${TUNE} a`]);
    expect(heard(nurse)).toEqual([]);
    expect(heard(benvolio)).toEqual([]);
  });

  test('§4.3.4 the last item comes with the presence of who is interested, once', async () => {
    await publish(juliet, TUNE, tune('a', 'Heroes'));
    const romeo = await scene.connect('romeo@montague.lit/orchard');
    answering(romeo, [TUNE]);
    const here = (more = '') => romeo.send(`<presence>${more}${capsOf([TUNE])}</presence>`);
    await here();
    await calm(scene);
    const last = romeo.inbox.find(({ name }) => name === 'message');
    expect(last?.attrs).toMatchObject({ from: JULIET, to: 'romeo@montague.lit/orchard' });
    expect(childrenOf(last ?? el('none')).map(({ name }) => name)).toEqual(['event', 'delay']);
    expect(heard(romeo)).toEqual([`${TUNE} a`]);
    await here('<show>away</show>');
    await calm(scene);
    expect(heard(romeo)).toEqual([]);
    await romeo.send("<presence type='unavailable'/>");
    await here();
    await calm(scene);
    expect(heard(romeo)).toEqual([`${TUNE} a`]);
  });

  test('§3.1 other modules publish for users, hear of changes, and read', async () => {
    const api = scene.registry.apiOf(pubsub);
    const account = JULIET as BareJid;
    const changes: Change[] = [];
    api.onChange((change) => void changes.push(change));
    const payload = el('tune', { xmlns: TUNE });
    const publishing = api.publish(
      account,
      TUNE,
      { id: 'x', payload },
      { config: { accessModel: 'whitelist', maxItems: 'max' }, origin: 'test' },
    );
    expect(await publishing).toBeUndefined();
    expect(await api.items(account, TUNE)).toMatchObject([{ id: 'x', publisher: JULIET }]);
    expect(await api.retract(account, TUNE, 'x')).toBe(true);
    expect(await api.retract(account, TUNE, 'x')).toBe(false);
    expect(await api.items(account, TUNE)).toEqual([]);
    expect(await api.items(account, 'urn:none')).toBeUndefined();
    expect(changes).toMatchObject([
      { kind: 'published', service: JULIET, node: TUNE, item: { id: 'x' }, origin: 'test' },
      { kind: 'retracted', ids: ['x'], origin: undefined },
    ]);
    await calm(scene);
    expect(heard(juliet)).toEqual([`${TUNE} x`, `${TUNE} -x`]);
  });

  test('§6.1 disco says that accounts have nodes', async () => {
    const info = await juliet.ask('get', "<query xmlns='http://jabber.org/protocol/disco#info'/>");
    const query = expectDone(info);
    const text = serialise(query ?? el('none'));
    expect(text).toContain('<identity category="pubsub" type="pep"/>');
    for (const feature of ['filtered-notifications', 'auto-subscribe', 'publish-options'])
      expect(text).toContain(`<feature var="http://jabber.org/protocol/pubsub#${feature}"/>`);
  });

  test('§6.5.9.11 of another account nobody learns whether it exists', async () => {
    const romeo = await scene.connect('romeo@montague.lit/orchard');
    for (const account of ['benvolio@montague.lit', 'nobody@montague.lit']) {
      const items = await ask(romeo, 'get', `<items node='${TUNE}'/>`, account);
      expect(errorOf(items)).toBe('cancel item-not-found');
      const published = await publish(romeo, TUNE, tune('a', 'b'), undefined, account);
      expect(errorOf(published)).toBe('cancel item-not-found');
    }
  });

  test('§6.5.2 the owner reads what he has published', async () => {
    await publish(juliet, TUNE, tune('a', 'Heroes'));
    await publish(juliet, TUNE, tune('b', 'Changes'));
    const items = await ask(juliet, 'get', `<items node='${TUNE}'/>`);
    expect(idsIn(expectDone(items))).toEqual(['b']);
  });
});

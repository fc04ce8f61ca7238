import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bareOf } from '../../src/jid/jid.ts';
import { vcard } from '../../src/modules/vcard.ts';
import { conditionIn, resultIn } from '../support/answers.ts';
import { type Actor, type Scene, startScene } from '../support/scene.ts';

const ASK = "<vCard xmlns='vcard-temp'/>";
const CARD =
  '<vCard xmlns="vcard-temp"><FN>JeremieMiller</FN><N><GIVEN>Jeremie</GIVEN>' +
  '<FAMILY>Miller</FAMILY><MIDDLE/></N><NICKNAME>jer</NICKNAME><EMAIL><INTERNET/><PREF/>' +
  '<USERID>jeremie@jabber.org</USERID></EMAIL><JABBERID>jer@jabber.org</JABBERID></vCard>';

describe('XEP-0054: vcard-temp', () => {
  let scene: Scene;
  let jer: Actor;
  let stpeter: Actor;
  beforeEach(async () => {
    scene = await startScene({
      modules: [vcard],
      accounts: ['jer@jabber.org', 'stpeter@jabber.org'],
      settings: { vcard: { maxSize: '1000' } },
    });
    jer = await scene.connect('jer@jabber.org/home');
    stpeter = await scene.connect('stpeter@jabber.org/roundabout');
  });
  afterEach(() => scene.stop());

  test('§3.1 without a vCard the own one is not found', async () => {
    expect(conditionIn(await jer.ask('get', ASK))).toBe('item-not-found');
  });

  test('§3.2 a vCard that was set comes back as it was', async () => {
    expect(resultIn(await jer.ask('set', CARD))).toBe('');
    expect(resultIn(await jer.ask('get', ASK))).toBe(CARD);
    expect(resultIn(await jer.ask('get', ASK, 'jer@jabber.org'))).toBe(CARD);
  });

  test('§3.2 a set replaces the whole vCard', async () => {
    await jer.ask('set', CARD);
    await jer.ask('set', "<vCard xmlns='vcard-temp'><FN>J.</FN></vCard>");
    expect(resultIn(await jer.ask('get', ASK))).toBe(
      '<vCard xmlns="vcard-temp"><FN>J.</FN></vCard>',
    );
  });

  test('an empty vCard is none', async () => {
    await jer.ask('set', CARD);
    expect(resultIn(await jer.ask('set', ASK))).toBe('');
    expect(conditionIn(await jer.ask('get', ASK))).toBe('item-not-found');
  });

  test('§3.2 nobody sets the vCard of another', async () => {
    expect(conditionIn(await stpeter.ask('set', CARD, 'jer@jabber.org'))).toBe('forbidden');
    expect(conditionIn(await jer.ask('get', ASK))).toBe('item-not-found');
  });

  test('§3.2 by a set nobody learns whether there is an account', async () => {
    const another = await stpeter.ask('set', CARD, 'jer@jabber.org');
    const nobody = await stpeter.ask('set', CARD, 'nobody@jabber.org');
    expect(String(nobody.children)).toBe(String(another.children));
  });

  test('a guest, who is another one the next time, has none', async () => {
    Object.assign(jer.session, { isAnonymous: true });
    expect(conditionIn(await jer.ask('set', CARD))).toBe('not-allowed');
    expect(conditionIn(await jer.ask('get', ASK))).toBe('item-not-found');
  });

  test('§3.3 the server answers for the account, whether it is there or not', async () => {
    await jer.ask('set', CARD);
    expect(resultIn(await stpeter.ask('get', ASK, 'jer@jabber.org'))).toBe(CARD);
    await jer.nothing();
    await jer.disconnect();
    const answer = await stpeter.ask('get', ASK, 'jer@jabber.org');
    expect(answer.attrs.from).toBe('jer@jabber.org');
    expect(resultIn(answer)).toBe(CARD);
  });

  test('§3.3 an account without a vCard and none at all look the same', async () => {
    const without = await stpeter.ask('get', ASK, 'jer@jabber.org');
    const nobody = await stpeter.ask('get', ASK, 'nobody@jabber.org');
    expect(conditionIn(without)).toBe('service-unavailable');
    expect(String(without.children)).toBe(String(nobody.children));
  });

  test('a vCard that is too large is refused, and the old one stays', async () => {
    await jer.ask('set', CARD);
    const large = `<vCard xmlns='vcard-temp'><DESC>${'x'.repeat(1000)}</DESC></vCard>`;
    expect(conditionIn(await jer.ask('set', large))).toBe('policy-violation');
    expect(resultIn(await jer.ask('get', ASK))).toBe(CARD);
  });

  test('a removed account leaves nothing to the next one of its name', async () => {
    await jer.ask('set', CARD);
    await scene.registry.removeAccount(bareOf(jer.jid), 'gone');
    await scene.accounts.create(bareOf(jer.jid), 'secret');
    expect(conditionIn(await stpeter.ask('get', ASK, 'jer@jabber.org'))).toBe(
      'service-unavailable',
    );
  });
});

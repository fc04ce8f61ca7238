import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bareOf } from '../../src/jid/jid.ts';
import { privateXml } from '../../src/modules/private.ts';
import { conditionIn, resultIn } from '../support/answers.ts';
import { type Actor, type Scene, startScene } from '../support/scene.ts';

const query = (inner: string) => `<query xmlns='jabber:iq:private'>${inner}</query>`;
const PREFS = "<exodus xmlns='exodus:prefs'><defaultnick>Hamlet</defaultnick></exodus>";
const ASK = query("<exodus xmlns='exodus:prefs'/>");

describe('XEP-0049: Private XML Storage', () => {
  let scene: Scene;
  let hamlet: Actor;
  let macbeth: Actor;
  beforeEach(async () => {
    scene = await startScene({
      modules: [privateXml],
      accounts: ['hamlet@shakespeare.lit', 'macbeth@shakespeare.lit'],
      settings: { private: { maxSize: '500', maxElements: 3 } },
    });
    hamlet = await scene.connect('hamlet@shakespeare.lit/denmark');
    macbeth = await scene.connect('macbeth@shakespeare.lit/scotland');
  });
  afterEach(() => scene.stop());
  const set = (inner: string, to?: string) => hamlet.ask('set', query(inner), to);
  const get = async (inner: string) => resultIn(await hamlet.ask('get', query(inner)));

  test('§2.3 what was stored comes back', async () => {
    expect(resultIn(await set(PREFS))).toBe('');
    expect(resultIn(await hamlet.ask('get', ASK))).toBe(
      '<query xmlns="jabber:iq:private"><exodus xmlns="exodus:prefs">' +
        '<defaultnick>Hamlet</defaultnick></exodus></query>',
    );
  });

  test('§2.3 what was never stored comes back empty', async () => {
    expect(resultIn(await hamlet.ask('get', ASK))).toBe(
      '<query xmlns="jabber:iq:private"><exodus xmlns="exodus:prefs"/></query>',
    );
  });

  test('a later set replaces all of an earlier one; an empty element clears it', async () => {
    await set(PREFS);
    await set("<exodus xmlns='exodus:prefs'><other/></exodus>");
    expect(await get("<exodus xmlns='exodus:prefs'/>")).toContain('<other/></exodus>');
    expect(await get("<exodus xmlns='exodus:prefs'/>")).not.toContain('Hamlet');
    await set("<exodus xmlns='exodus:prefs'/>");
    expect(await get("<exodus xmlns='exodus:prefs'/>")).toContain('<exodus xmlns="exodus:prefs"/>');
  });

  test('§2.3 a set may hold several elements of one namespace, which come back together', async () => {
    await set("<a xmlns='n'>1</a><a xmlns='n'>2</a><b xmlns='n'>3</b>");
    expect(await get("<a xmlns='n'/><b xmlns='n'/>")).toBe(
      '<query xmlns="jabber:iq:private"><a xmlns="n">1</a><a xmlns="n">2</a><b xmlns="n">3</b></query>',
    );
  });

  test('elements of one name in two namespaces are two', async () => {
    await set("<a xmlns='n'>1</a><a xmlns='m'>2</a>");
    expect(await get("<a xmlns='m'/>")).toContain('<a xmlns="m">2</a>');
  });

  test.each(['get', 'set'] as const)('§2.3 a %s to another account is forbidden', async (type) => {
    const answer = await macbeth.ask(type, query(PREFS), 'hamlet@shakespeare.lit');
    expect(conditionIn(answer)).toBe('forbidden');
    // The same where there is no such account.
    const nobody = await macbeth.ask(type, ASK, 'nobody@shakespeare.lit');
    expect(String(nobody.children)).toBe(String(answer.children));
  });

  test('for a guest, who is another one the next time, nothing is stored', async () => {
    Object.assign(hamlet.session, { isAnonymous: true });
    expect(conditionIn(await set(PREFS))).toBe('not-allowed');
    expect(await get("<exodus xmlns='exodus:prefs'/>")).not.toContain('Hamlet');
  });

  test('one account never sees what another stores', async () => {
    await set(PREFS);
    expect(resultIn(await macbeth.ask('get', ASK))).not.toContain('Hamlet');
  });

  test('§3 a get without a child is a bad request', async () => {
    expect(conditionIn(await hamlet.ask('get', query('')))).toBe('bad-request');
  });

  test('§2.3 a get of two namespaces is a bad request', async () => {
    const answer = await hamlet.ask('get', query("<a xmlns='n'/><a xmlns='m'/>"));
    expect(conditionIn(answer)).toBe('bad-request');
  });

  test.each([
    ['no element', ''],
    ['an element without a namespace of its own', '<exodus/>'],
    ['an element in no namespace', "<exodus xmlns=''/>"],
    ['§3 a reserved namespace', "<vCard xmlns='vcard-temp'><FN>Hamlet</FN></vCard>"],
    ['§3 a namespace of jabber:', "<query xmlns='jabber:iq:roster'/>"],
    ['§3 a namespace of jabber.org', "<x xmlns='http://jabber.org/protocol/muc'/>"],
  ])('§2.3 a set of %s is not acceptable', async (_, inner) => {
    expect(conditionIn(await set(inner))).toBe('not-acceptable');
  });

  test('an element that is too large is refused, and what was there stays', async () => {
    await set(PREFS);
    const large = `<exodus xmlns='exodus:prefs'>${'x'.repeat(500)}</exodus>`;
    expect(conditionIn(await set(large))).toBe('policy-violation');
    expect(resultIn(await hamlet.ask('get', ASK))).toContain('Hamlet');
  });

  test('there is a limit to the number of elements, not to changes of those that are there', async () => {
    await set("<a xmlns='n'>1</a><b xmlns='n'>1</b><c xmlns='n'>1</c>");
    expect(conditionIn(await set("<d xmlns='n'>1</d>"))).toBe('resource-constraint');
    expect(resultIn(await set("<c xmlns='n'>2</c>"))).toBe('');
    expect(resultIn(await set("<c xmlns='n'/><d xmlns='n'>1</d>"))).toBe('');
    const many = ['a', 'b', 'c', 'd'].map((name) => `<${name} xmlns='n'/>`).join('');
    expect(conditionIn(await hamlet.ask('get', query(many)))).toBe('bad-request');
  });

  test('a removed account leaves nothing to the next one of its name', async () => {
    await set(PREFS);
    await scene.registry.removeAccount(bareOf(hamlet.jid), 'gone');
    await scene.accounts.create(bareOf(hamlet.jid), 'secret');
    hamlet = await scene.connect('hamlet@shakespeare.lit/denmark');
    expect(resultIn(await hamlet.ask('get', ASK))).not.toContain('Hamlet');
  });
});

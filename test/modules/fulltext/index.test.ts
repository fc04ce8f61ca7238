/** XEP-0431: Full Text Search in MAM. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseBare } from '../../../src/jid/jid.ts';
import { archive } from '../../../src/modules/archive/index.ts';
import { childOf, childrenOf } from '../../../src/xml/element.ts';
import type { Actor, Scene } from '../../support/scene.ts';
import { archiveScene, askArchive, JULIET, MAM, NURSE, ROMEO } from '../archive/support.ts';

const FIELD = '{urn:xmpp:fulltext:0}fulltext';
const DAY = 86_400_000;

describe('XEP-0431: search', () => {
  let scene: Scene;
  let romeo: Actor;
  let juliet: Actor;

  const begin = async (settings: Record<string, unknown> = {}) => {
    scene = await archiveScene(settings);
    romeo = await scene.connect(`${ROMEO}/orchard`);
    juliet = await scene.connect(`${JULIET}/balcony`);
  };
  beforeEach(() => begin());
  afterEach(() => scene.stop());

  const say = (body: string, to = ROMEO, more = '', actor = juliet) =>
    actor.send(`<message to='${to}' type='chat'><body>${body}</body>${more}</message>`);
  const search = (text: string, more: object = {}, actor = juliet) =>
    askArchive(actor, { fields: { [FIELD]: text }, ...more });
  const found = async (text: string) => (await search(text)).bodies;
  const indexed = async () => {
    const db = scene.store.tables<{ archive_texts: { rowid: number } }>();
    const rows = await scene.store.read(db.selectFrom('archive_texts').select('rowid'));
    return rows.length;
  };
  /** Lets time pass until so many texts are in the index. */
  const passUntilIndexed = async (count: number) => {
    for (let tries = 0; tries < 400 && (await indexed()) !== count; tries += 1)
      scene.clock.advance(50);
    expect(await indexed()).toBe(count);
  };

  test('§3.1 messages with all the words, in the order of the archive', async () => {
    for (const body of ['It was the nightingale', 'and not the lark', 'It was the lark'])
      await say(body);
    expect(await found('lark')).toEqual(['and not the lark', 'It was the lark']);
    expect(await found('LARK was')).toEqual(['It was the lark']);
    expect(await found('"the lark"')).toEqual(['and not the lark', 'It was the lark']);
    expect(await found('"lark the"')).toEqual([]);
    expect(await found('night')).toEqual(['It was the nightingale']);
    expect(await found('gale')).toEqual([]);
    expect(await search('raven')).toMatchObject({ bodies: [], isComplete: true, isStable: true });
  });

  test('§2.2 a field that is left empty asks for all; one without words finds nothing', async () => {
    await say('x');
    expect(await found('')).toEqual(['x']);
    expect(await search('?!')).toMatchObject({ bodies: [], isComplete: true, count: 0 });
  });

  test('§3.2 in any script, with and without accents', async () => {
    await say('Où est le café ☾');
    await say('Ο σκύλος');
    expect(await found('cafe ou')).toEqual(['Où est le café ☾']);
    expect(await found('ΣΚΎΛΟΣ')).toEqual(['Ο σκύλος']);
  });

  test('together with other conditions, and in pages', async () => {
    for (const [index, to] of [ROMEO, NURSE, ROMEO, ROMEO].entries())
      await say(`word ${index}`, to);
    const fields = { [FIELD]: 'word', with: ROMEO };
    const first = await askArchive(juliet, { fields, set: { max: 2 } });
    expect(first).toMatchObject({ bodies: ['word 0', 'word 2'], isComplete: false });
    const next = await askArchive(juliet, { fields, set: { max: 2, after: first.last ?? '' } });
    expect(next).toMatchObject({ bodies: ['word 3'], isComplete: true });
    expect((await askArchive(juliet, { fields, set: { max: 0 } })).count).toBe(3);
  });

  test('what came since the last search is found', async () => {
    await say('lark 1');
    expect(await found('lark')).toEqual(['lark 1']);
    await say('lark 2');
    expect(await found('lark')).toEqual(['lark 1', 'lark 2']);
  });

  test('nobody finds what is in the archives of others', async () => {
    await say('secret', NURSE);
    await say('known');
    expect((await search('known', {}, romeo)).bodies).toEqual(['known']);
    expect((await search('secret', {}, romeo)).bodies).toEqual([]);
    // The numbers of owners are words of the index; they are none of the search.
    for (const text of ['1', '2', 'owner:1', '1 known', ') OR owner:(1'])
      expect((await search(text, {}, romeo)).bodies).toEqual([]);
  });

  test('what only the recipient can read is not in the index', async () => {
    await say(
      'I sent you an encrypted message',
      ROMEO,
      "<encryption xmlns='urn:xmpp:eme:0' namespace='x'/>",
    );
    await say('plain');
    expect(await found('encrypted')).toEqual([]);
    expect(await found('plain')).toEqual(['plain']);
    expect(await indexed()).toBe(1);
  });

  test('archives in which nobody searches are not indexed', async () => {
    await say('x', NURSE);
    scene.clock.advance(DAY);
    expect(await found('')).toEqual(['x']);
    expect(await indexed()).toBe(0);
    await found('x');
    expect(await indexed()).toBe(1);
  });

  test('an archive that is searched is caught up in the background', async () => {
    await found('x');
    await say('one');
    await say('two');
    expect(await indexed()).toBe(0);
    scene.clock.advance(10_000);
    await passUntilIndexed(2);
  });

  test('XEP-0313 §4.3.2 a long archive: the newest first, and it is said that there may be more', async () => {
    for (let count = 0; count < 2100; count += 1) void say(`word ${count}`, NURSE);
    await say('word last', NURSE);
    const set = { max: 1, before: '' };
    const first = await search('word', { set });
    expect(first).toMatchObject({ bodies: ['word last'], isStable: false });
    expect(await indexed()).toBe(2000);
    await passUntilIndexed(2101);
    expect(await search('0', { set: { max: 1 } })).toMatchObject({
      bodies: ['word 0'],
      isStable: true,
    });
  });

  test('what goes out of the archive goes out of the index', async () => {
    await scene.stop();
    await begin({ archive: { keep: '1d' } });
    await say('old');
    await found('old');
    scene.clock.advance(2 * DAY);
    await passUntilIndexed(0);
    const jid = parseBare(JULIET);
    await say('new');
    expect(await found('new')).toEqual(['new']);
    if (jid.ok) await scene.registry.removeAccount(jid.value, 'gone');
    await passUntilIndexed(0);
  });

  test('what is replaced, such as by a tombstone, is not found any more (XEP-0424 §4)', async () => {
    await say('retracted');
    await say('stays');
    expect(await found('retracted')).toEqual(['retracted']);
    const [id = ''] = (await askArchive(juliet)).ids;
    const jid = parseBare(JULIET);
    const { replace } = scene.registry.apiOf(archive);
    if (jid.ok) expect(await replace(jid.value, id, () => '<message/>')).toBe(true);
    expect(await found('retracted')).toEqual([]);
    expect(await indexed()).toBe(1);
    expect(await found('stays')).toEqual(['stays']);
  });

  test('§2.1 where it is switched off, it is not announced, and the field is unknown', async () => {
    await scene.stop();
    await begin({ fulltext: false });
    await say('x');
    const info = await juliet.ask(
      'get',
      "<query xmlns='http://jabber.org/protocol/disco#info'/>",
      JULIET,
    );
    const query = childOf(info, 'query', 'http://jabber.org/protocol/disco#info');
    const features = (query === undefined ? [] : childrenOf(query)).map(
      (each) => each.attrs['var'],
    );
    expect(features).toContain(MAM);
    expect(features).not.toContain('urn:xmpp:fulltext:0');
    expect((await search('x')).error).toBe('feature-not-implemented');
    const form = await juliet.ask('get', `<query xmlns='${MAM}'/>`);
    expect(form.toString()).not.toContain('fulltext');
  });
});

/** XEP-0313 §4 and §5, by the examples of the text. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bareOf } from '../../../src/jid/jid.ts';
import { archive } from '../../../src/modules/archive/index.ts';
import { childOf, childrenOf, el, serialise } from '../../../src/xml/element.ts';
import type { Actor, Scene } from '../../support/scene.ts';
import {
  archiveScene,
  askArchive,
  errorIn,
  FRIAR,
  JULIET,
  MAM,
  NURSE,
  queryElement,
  ROMEO,
} from './support.ts';

const MINUTE = 60_000;
const WITCH = 'witch@shakespeare.example';

describe('XEP-0313 §4: querying an archive', () => {
  let scene: Scene;
  let juliet: Actor;
  let begun: number;
  /** The ids of the messages in the archive, by their bodies. */
  let ids: Map<string, string>;

  /** One message a minute, beginning with 1: of Romeo's two clients, the Nurse, and to a witch. */
  const SAID = ['1', '2', '3', '4', '5', '6'] as const;

  beforeEach(async () => {
    scene = await archiveScene();
    const orchard = await scene.connect(`${ROMEO}/orchard`);
    const phone = await scene.connect(`${ROMEO}/phone`);
    const nurse = await scene.connect(`${NURSE}/chamber`);
    juliet = await scene.connect(`${JULIET}/balcony`);
    begun = scene.clock.now();
    const say = async (actor: Actor, to: string, body: string) => {
      scene.clock.advance(MINUTE);
      await actor.send(`<message to='${to}' type='chat'><body>${body}</body></message>`);
    };
    await say(orchard, JULIET, '1');
    await say(nurse, JULIET, '2');
    await say(phone, JULIET, '3');
    await say(juliet, ROMEO, '4');
    await say(juliet, WITCH, '5');
    await say(juliet, `${ROMEO}/phone`, '6');
    juliet.inbox.splice(0);
    const all = await askArchive(juliet);
    ids = new Map(all.results.map(({ body = '', id }) => [body, id]));
  });
  afterEach(() => scene.stop());

  const idOf = (body: string) => ids.get(body) ?? expect.fail(`no ${body}`);
  const minute = (count: number) => new Date(begun + count * MINUTE).toISOString();
  const found = async (fields: Record<string, string | string[]>) =>
    (await askArchive(juliet, { fields })).bodies;

  test('Examples 2–4: all messages in their order, then the end, with the ids of first and last', async () => {
    await juliet.send(el('iq', { type: 'set', id: 'juliet1' }, queryElement({ queryid: 'f27' })));
    const stanzas = juliet.inbox.splice(0);
    const end = stanzas.pop();
    expect(end?.attrs).toMatchObject({ type: 'result', id: 'juliet1', from: JULIET });
    expect(stanzas).toHaveLength(SAID.length);
    for (const [index, stanza] of stanzas.entries()) {
      expect(stanza.attrs).toMatchObject({ from: JULIET, to: juliet.jid });
      const result = childOf(stanza, 'result', MAM);
      expect(result?.attrs).toMatchObject({ queryid: 'f27', id: idOf(SAID[index] ?? '') });
    }
    const [first, last] = [idOf('1'), idOf('6')];
    expect(end && serialise(childrenOf(end)[0] ?? end)).toBe(
      `<fin xmlns="${MAM}" complete="true"><set xmlns="http://jabber.org/protocol/rsm">` +
        `<first index="0">${first}</first><last>${last}</last><count>6</count></set></fin>`,
    );
  });

  test('§4.2 a result holds the message as it was, and when it came', async () => {
    const { results } = await askArchive(juliet);
    expect(results.map(({ queryid }) => queryid)).toEqual(SAID.map(() => undefined));
    expect(results.map(({ at }) => at)).toEqual(
      SAID.map((_, index) => begun + (index + 1) * MINUTE),
    );
    expect(results[3]?.message.attrs).toMatchObject({ from: juliet.jid, to: ROMEO, type: 'chat' });
  });

  describe('§4.1.1 with', () => {
    test.each([
      ['Example 6: a bare JID, with all of its resources', ROMEO, ['1', '3', '4', '6']],
      ['a resource', `${ROMEO}/phone`, ['3', '6']],
      ['somebody else', WITCH, ['5']],
      ['an address in another form', 'Witch@Shakespeare.example', ['5']],
      ['a stranger', 'nobody@shakespeare.example', []],
      ['oneself: only what one sent to oneself', JULIET, []],
    ])('%s', async (_, jid, expected) => {
      expect(await found({ with: jid })).toEqual(expected);
    });

    test('oneself: the notes', async () => {
      await juliet.send(`<message to='${JULIET}'><body>note</body></message>`);
      expect(await found({ with: JULIET })).toEqual(['note']);
      expect(await found({ with: ROMEO })).toEqual(['1', '3', '4', '6']);
    });
  });

  describe('§4.1.2 start and end', () => {
    test.each([
      ['Example 7: a span, both ends included', 2, 4, ['2', '3', '4']],
      ['Example 8: from a moment on', 5, undefined, ['5', '6']],
      ['until a moment', undefined, 2, ['1', '2']],
      ['a moment', 3, 3, ['3']],
      ['between two messages', 2.5, 3.5, ['3']],
      ['a span without messages', 7, 9, []],
      ['an end before its start', 4, 2, []],
    ])('%s', async (_, start, end, expected) => {
      const fields = {
        ...(start === undefined ? {} : { start: minute(start) }),
        ...(end === undefined ? {} : { end: minute(end) }),
      };
      expect(await found(fields)).toEqual(expected);
    });

    test('XEP-0082 §3.2 in any time zone', async () => {
      const inIndia = new Date(begun + 5 * MINUTE + 5.5 * 60 * MINUTE).toISOString();
      expect(await found({ start: inIndia.replace('Z', '+05:30') })).toEqual(['5', '6']);
    });

    test('though the clock was set back: each message by its own time', async () => {
      const { now } = scene.clock;
      scene.clock.now = () => now() - 10 * MINUTE;
      await juliet.send(`<message to='${WITCH}'><body>late</body></message>`);
      expect((await askArchive(juliet)).bodies).toEqual([...SAID, 'late']);
      expect(await found({ start: minute(-5), end: minute(-3) })).toEqual(['late']);
      expect(await found({ start: minute(1), end: minute(2) })).toEqual(['1', '2']);
    });
  });

  describe('§4.1.3 ids', () => {
    test.each([
      ['Example 9: after one', { 'after-id': '4' }, ['5', '6']],
      ['before one', { 'before-id': '3' }, ['1', '2']],
      ['Example 10: between two', { 'after-id': '1', 'before-id': '4' }, ['2', '3']],
      ['between neighbours', { 'after-id': '1', 'before-id': '2' }, []],
      ['Example 11: one', { ids: ['3'] }, ['3']],
      ['some, in the order of the archive', { ids: ['6', '2', '4'] }, ['2', '4', '6']],
      ['one that is named twice', { ids: ['2', '2'] }, ['2']],
    ])('%s', async (_, named, expected) => {
      const fields = Object.fromEntries(
        Object.entries(named).map(([name, bodies]) => [name, [bodies].flat().map(idOf)]),
      );
      expect(await found(fields)).toEqual(expected);
    });

    test('together with other conditions: all hold', async () => {
      const others = { with: ROMEO, start: minute(2), 'before-id': idOf('6') };
      expect(await found(others)).toEqual(['3', '4']);
      expect(await found({ ...others, ids: ['1', '3', '5'].map(idOf) })).toEqual(['3']);
    });

    test.each([
      ['after-id', 'nonsense'],
      ['before-id', '28482-98726-73623'],
      ['ids', 'AAAAAAAAAAAAAAAAAAAAAA'],
    ])('§4.1.3 an id that is not in the archive is item-not-found: %s', async (name, id) => {
      expect((await askArchive(juliet, { fields: { [name]: id } })).error).toBe('item-not-found');
    });

    test('one of several that is not there', async () => {
      const answer = await askArchive(juliet, { fields: { ids: [idOf('1'), 'nonsense'] } });
      expect(answer).toMatchObject({ error: 'item-not-found', bodies: [] });
    });

    test('an empty one', async () => {
      expect((await askArchive(juliet, { fields: { ids: ['', idOf('1')] } })).error).toBe(
        'item-not-found',
      );
    });
  });

  test('§4.1.4 Examples 12, 13: groupchat is understood, and there is none', async () => {
    for (const value of ['true', 'false', '1', '0'])
      expect(await found({ 'include-groupchat': value })).toEqual(SAID);
    expect((await askArchive(juliet, { fields: { 'include-groupchat': 'x' } })).error).toBe(
      'bad-request',
    );
  });

  test('§4.1.5 Examples 14, 15: the form of the fields', async () => {
    const answer = await juliet.ask('get', `<query xmlns='${MAM}'/>`);
    const form = childrenOf(childOf(answer, 'query', MAM) ?? answer)[0];
    expect(form && serialise(form)).toBe(
      '<x xmlns="jabber:x:data" type="form">' +
        `<field var="FORM_TYPE" type="hidden"><value>${MAM}</value></field>` +
        '<field var="with" type="jid-single"/><field var="start" type="text-single"/>' +
        '<field var="end" type="text-single"/><field var="before-id" type="text-single"/>' +
        '<field var="after-id" type="text-single"/><field var="ids" type="list-multi">' +
        '<validate xmlns="http://jabber.org/protocol/xdata-validate" datatype="xs:string"><open/>' +
        '</validate></field><field var="include-groupchat" type="boolean"/>' +
        '<field var="{urn:xmpp:fulltext:0}fulltext" type="text-single"/></x>',
    );
  });

  test('§4.1.5 Example 16: an unknown field is feature-not-implemented', async () => {
    const fields = {
      '{http://example.com/}stanza-content': '{http://jabber.org/protocol/mood}mood',
    };
    expect((await askArchive(juliet, { fields })).error).toBe('feature-not-implemented');
  });

  test('§4.1 a form without any field, and fields that are empty, ask for all', async () => {
    expect(await found({})).toEqual(SAID);
    expect(await found({ with: '', start: '', 'after-id': '' })).toEqual(SAID);
  });

  test('§4.1 an archive without any message answers with none', async () => {
    const friar = await scene.connect(`${FRIAR}/cell`);
    const nothing = { bodies: [], isComplete: true, count: 0, first: undefined };
    expect(await askArchive(friar)).toMatchObject(nothing);
    expect(await askArchive(friar, { set: { max: 5, before: '' } })).toMatchObject(nothing);
    expect(await askArchive(juliet, { fields: { start: minute(10) } })).toMatchObject(nothing);
  });

  describe('§4.3 pages', () => {
    const page = (set: Record<string, string | number>, more: object = {}) =>
      askArchive(juliet, { set, ...more });

    test('Examples 18–20: the first page, and the next ones to the end', async () => {
      const first = await page({ max: 4 });
      expect(first).toMatchObject({
        bodies: ['1', '2', '3', '4'],
        isComplete: false,
        index: 0,
        first: idOf('1'),
        last: idOf('4'),
      });
      const second = await page({ max: 4, after: idOf('4') });
      expect(second).toMatchObject({ bodies: ['5', '6'], isComplete: true, last: idOf('6') });
      expect(await page({ max: 4, after: idOf('6') })).toMatchObject({
        bodies: [],
        isComplete: true,
        first: undefined,
      });
    });

    test('§4.3.2 a page that ends with the last message is complete', async () => {
      expect((await page({ max: 6 })).isComplete).toBe(true);
      expect((await page({ max: 5 })).isComplete).toBe(false);
      expect((await page({ max: 2, after: idOf('4') })).isComplete).toBe(true);
    });

    test('§4.3.3 Example 24: the last page, in its order, and those before it', async () => {
      const last = await page({ max: 4, before: '' });
      expect(last).toMatchObject({
        bodies: ['3', '4', '5', '6'],
        isComplete: false,
        first: idOf('3'),
        last: idOf('6'),
        index: undefined,
      });
      expect(await page({ max: 4, before: idOf('3') })).toMatchObject({
        bodies: ['1', '2'],
        isComplete: true,
      });
    });

    test.each(['after', 'before'])(
      'Example 22: an id that is not in the archive is item-not-found: %s',
      async (which) => {
        expect((await page({ max: 10, [which]: '09af3-cc343-b409f' })).error).toBe(
          'item-not-found',
        );
      },
    );

    test('§4.3.2 the id of a message that does not match is one of the archive all the same', async () => {
      const fields = { with: WITCH };
      expect((await page({ max: 1, after: idOf('2') }, { fields })).bodies).toEqual(['5']);
      expect((await page({ max: 1, before: idOf('6') }, { fields })).bodies).toEqual(['5']);
    });

    test('§4.3.4 Example 25: a flipped page has the same messages, the newest first', async () => {
      const set = { max: 3, after: idOf('2') };
      const usual = await page(set);
      const flipped = await page(set, { flip: true });
      expect(flipped.bodies).toEqual(['5', '4', '3']);
      expect({ ...flipped, results: [], bodies: [], ids: [] }).toEqual({
        ...usual,
        results: [],
        bodies: [],
        ids: [],
      });
      expect((await page({ max: 2, before: '' }, { flip: true })).bodies).toEqual(['6', '5']);
    });

    test('§4.3.2 both after and before: what is between them', async () => {
      expect(await page({ max: 5, after: idOf('1'), before: idOf('5') })).toMatchObject({
        bodies: ['2', '3', '4'],
        isComplete: true,
      });
    });

    test('XEP-0059 §2.7 Example 15: the count alone', async () => {
      expect(await page({ max: 0 })).toMatchObject({ bodies: [], count: 6, isComplete: false });
      const fields = { with: ROMEO };
      expect(await page({ max: 0 }, { fields })).toMatchObject({ bodies: [], count: 4 });
      const none = { with: 'nobody@shakespeare.example' };
      expect(await page({ max: 0 }, { fields: none })).toMatchObject({
        count: 0,
        isComplete: true,
      });
    });

    test('XEP-0059 §2.6 Examples 12–14: a page by its index', async () => {
      expect(await page({ max: 2, index: 3 })).toMatchObject({ bodies: ['4', '5'], index: 3 });
      expect(await page({ max: 2, index: 0 })).toMatchObject({ bodies: ['1', '2'], index: 0 });
      const fields = { with: ROMEO };
      expect(await page({ max: 2, index: 1 }, { fields })).toMatchObject({
        bodies: ['3', '4'],
        index: 1,
      });
      expect(await page({ max: 2, index: 6 })).toMatchObject({ bodies: [], first: undefined });
      expect((await page({ max: 2, index: 999_999 })).error).toBe('feature-not-implemented');
    });
  });

  describe('§5 metadata', () => {
    const metadata = async (actor = juliet) => {
      const answer = await actor.ask('get', `<metadata xmlns='${MAM}'/>`);
      return serialise(childrenOf(answer)[0] ?? answer);
    };

    test('Examples 26, 27: the first and the last message', async () => {
      expect(await metadata()).toBe(
        `<metadata xmlns="${MAM}"><start id="${idOf('1')}" timestamp="${minute(1)}"/>` +
          `<end id="${idOf('6')}" timestamp="${minute(6)}"/></metadata>`,
      );
    });

    test('… also when another one has come, or some have gone', async () => {
      const ends = async () =>
        [...(await metadata()).matchAll(/id="([^"]+)"/g)].map(([, id]) => id);
      expect(await ends()).toEqual([idOf('1'), idOf('6')]);
      await juliet.send(`<message to='${WITCH}'><body>another</body></message>`);
      const { results } = await askArchive(juliet);
      expect(await ends()).toEqual([idOf('1'), results.at(-1)?.id]);
      expect(results).toHaveLength(7);
      const { service } = scene.registry.apiOf(archive);
      await service.purge(bareOf(juliet.jid), begun + 2.5 * MINUTE);
      expect(await ends()).toEqual([idOf('3'), results.at(-1)?.id]);
    });

    test('of an empty archive, and of a guest', async () => {
      const friar = await scene.connect(`${FRIAR}/cell`);
      expect(await metadata(friar)).toBe(`<metadata xmlns="${MAM}"/>`);
      Object.assign(juliet.session, { isAnonymous: true });
      expect(await metadata()).toBe(`<metadata xmlns="${MAM}"/>`);
    });
  });

  describe('what is no query', () => {
    const form = (content: string, attrs = "type='submit'") =>
      `<query xmlns='${MAM}'><x xmlns='jabber:x:data' ${attrs}>${content}</x></query>`;
    const type = `<field var='FORM_TYPE' type='hidden'><value>${MAM}</value></field>`;
    const field = (name: string, ...values: string[]) =>
      `<field var='${name}'>${values.map((each) => `<value>${each}</value>`).join('')}</field>`;
    test.each([
      ['a form that is not submitted', form(type, "type='form'"), 'bad-request'],
      ['§4.1 a form without its type', form(field('with', ROMEO)), 'bad-request'],
      ['§4.1 a form of another type', form(type.replace('mam:2', 'mam:1')), 'bad-request'],
      [
        'two forms',
        form(type).replace('</query>', `<x xmlns='jabber:x:data' type='submit'/></query>`),
        'bad-request',
      ],
      ['a field twice', form(type + field('with', ROMEO) + field('with', WITCH)), 'bad-request'],
      ['a field with two values', form(type + field('with', ROMEO, WITCH)), 'bad-request'],
      ['ids without any', form(type + field('ids')), 'bad-request'],
      ['§4.1.1 an address that is none', form(type + field('with', '@')), 'jid-malformed'],
      ['§4.1.2 a moment that is none', form(type + field('start', 'yesterday')), 'bad-request'],
      ['§4.1.2 a day', form(type + field('end', '2010-07-07')), 'bad-request'],
      [
        'a page that is none',
        `<query xmlns='${MAM}'><set xmlns='http://jabber.org/protocol/rsm'><max>x</max></set></query>`,
        'bad-request',
      ],
      ['§6.1.3 a node', `<query xmlns='${MAM}' node='urn:x'/>`, 'feature-not-implemented'],
      ['an id without end', `<query xmlns='${MAM}' queryid='${'x'.repeat(257)}'/>`, 'bad-request'],
      [
        'more ids than a page has',
        form(type + field('ids', ...Array.from({ length: 251 }, () => 'x'))),
        'policy-violation',
      ],
    ])('%s', async (_, query, condition) => {
      const answer = await juliet.ask('set', query);
      expect(errorIn(answer)).toBe(condition);
      expect(juliet.inbox).toEqual([]);
    });
  });

  describe('§8.1 nobody asks the archive of somebody else', () => {
    test.each([JULIET, 'nobody@capulet.example'])('%s', async (to) => {
      const stranger = await scene.connect(`${NURSE}/x`);
      const asked = [
        ['set', `<query xmlns='${MAM}'/>`],
        ['get', `<query xmlns='${MAM}'/>`],
        ['get', `<metadata xmlns='${MAM}'/>`],
        ['get', `<prefs xmlns='${MAM}'/>`],
        ['set', `<prefs xmlns='${MAM}' default='never'/>`],
      ] as const;
      for (const [type, payload] of asked)
        expect(errorIn(await stranger.ask(type, payload, to))).toBe('forbidden');
      expect(stranger.inbox).toEqual([]);
    });

    test('but each client that of its account, also by its address', async () => {
      const phone = await scene.connect(`${JULIET}/phone`);
      expect((await askArchive(phone, {}, JULIET)).bodies).toEqual(SAID);
    });
  });
});

describe('the limits of a page', () => {
  let scene: Scene;
  let juliet: Actor;

  const begin = async (settings: Record<string, unknown>) => {
    scene = await archiveScene({ archive: settings });
    juliet = await scene.connect(`${JULIET}/balcony`);
  };
  afterEach(() => scene.stop());
  const say = (body: string) =>
    juliet.send(`<message to='${WITCH}' type='chat'><body>${body}</body></message>`);

  test('by number: the usual one, and the most', async () => {
    await begin({ page: 2, maxPage: 3 });
    for (const body of ['1', '2', '3', '4']) await say(body);
    juliet.inbox.splice(0);
    expect((await askArchive(juliet)).bodies).toEqual(['1', '2']);
    expect(await askArchive(juliet, { set: { max: 100 } })).toMatchObject({
      bodies: ['1', '2', '3'],
      isComplete: false,
    });
    expect((await askArchive(juliet, { set: { max: 100, before: '' } })).bodies).toEqual([
      '2',
      '3',
      '4',
    ]);
  });

  test('more than are read at a time', async () => {
    await begin({});
    const all = Array.from({ length: 160 }, (_, index) => String(index));
    for (const body of all) await say(body);
    juliet.inbox.splice(0);
    expect((await askArchive(juliet, { set: { max: 155 } })).bodies).toEqual(all.slice(0, 155));
    expect((await askArchive(juliet, { set: { max: 155, before: '' } })).bodies).toEqual(
      all.slice(-155),
    );
    expect(await askArchive(juliet, { set: { max: 999 } })).toMatchObject({
      bodies: all,
      isComplete: true,
      count: 160,
    });
  });

  test('by bytes: a page ends before it is too large, and the next goes on', async () => {
    await begin({});
    const large = 'x'.repeat(200_000);
    for (const start of ['1', '2', '3', '4', '5', '6', '7']) await say(start + large);
    juliet.inbox.splice(0);
    const starts = (answer: { bodies: readonly (string | undefined)[] }) =>
      answer.bodies.map((body) => body?.slice(0, 1));
    const first = await askArchive(juliet);
    expect(starts(first)).toEqual(['1', '2', '3', '4', '5']);
    expect(first.isComplete).toBe(false);
    const second = await askArchive(juliet, { set: { after: first.last ?? '' } });
    expect(starts(second)).toEqual(['6', '7']);
    expect(second.isComplete).toBe(true);
    expect(starts(await askArchive(juliet, { set: { before: '' } }))).toEqual([
      '3',
      '4',
      '5',
      '6',
      '7',
    ]);
  });
});

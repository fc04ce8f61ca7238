/** Whatever is asked of an archive, it is answered, once, and by what the texts foresee. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { childOf, el, serialise } from '../../../src/xml/element.ts';
import type { Actor, Scene } from '../../support/scene.ts';
import { archiveScene, askArchive, errorIn, JULIET, MAM, ROMEO, RSM } from './support.ts';

const CONDITIONS = [
  'bad-request',
  'feature-not-implemented',
  'item-not-found',
  'jid-malformed',
  'policy-violation',
];

describe('hostile queries', () => {
  let scene: Scene;
  let juliet: Actor;
  let id: string;

  beforeAll(async () => {
    scene = await archiveScene();
    juliet = await scene.connect(`${JULIET}/balcony`);
    for (const body of ['one', 'two'])
      await juliet.send(`<message to='${ROMEO}' type='chat'><body>${body}</body></message>`);
    juliet.inbox.splice(0);
    [id = ''] = (await askArchive(juliet)).ids;
  });
  afterAll(() => scene.stop());

  /** Texts that XML can carry: nothing else comes through the parser. */
  const text = fc
    .string({ unit: 'binary', maxLength: 30 })
    .map((raw) => raw.replace(/[^\t\n -\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, ''));
  const value = fc.oneof(
    text,
    fc.integer().map(String),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    fc.constantFrom(
      '',
      ROMEO,
      '@',
      'true',
      '-1',
      '99999999999999999999',
      '2010-07-07',
      `"' OR 1=1`,
    ),
    fc.constantFrom('ids').map(() => id),
  );
  const name = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.constantFrom('with', 'start', 'end', 'before-id', 'after-id', 'ids'),
    },
    fc.constantFrom('include-groupchat', '{urn:xmpp:fulltext:0}fulltext', 'FORM_TYPE', '__proto__'),
    text,
  );
  const field = fc
    .tuple(name, fc.array(value, { maxLength: 3 }))
    .map(([each, values]) =>
      el('field', { var: each }, ...values.map((one) => el('value', undefined, one))),
    );
  const form = fc
    .tuple(
      fc.constantFrom('submit', 'submit', 'submit', 'form', 'x'),
      fc.array(field, { maxLength: 4 }),
    )
    .map(([type, fields]) =>
      el(
        'x',
        { xmlns: 'jabber:x:data', type },
        el('field', { var: 'FORM_TYPE', type: 'hidden' }, el('value', undefined, MAM)),
        ...fields,
      ),
    );
  const part = fc.constantFrom('max', 'after', 'before', 'index', 'first', 'count', 'x');
  const page = fc
    .array(fc.tuple(part, value), { maxLength: 3 })
    .map((parts) =>
      el('set', { xmlns: RSM }, ...parts.map(([each, one]) => el(each, undefined, one))),
    );
  const query = fc
    .tuple(
      fc.option(text, { nil: undefined }),
      fc.array(form, { maxLength: 2 }),
      fc.array(page, { maxLength: 2 }),
      fc.boolean(),
    )
    .map(([queryid, forms, pages, isFlipped]) =>
      el('query', { xmlns: MAM, queryid }, ...forms, ...pages, isFlipped && el('flip-page')),
    );

  test('are answered with a page, or the condition that fits', async () => {
    await fc.assert(
      fc.asyncProperty(query, async (asked) => {
        const answer = await juliet.ask('set', asked);
        const results = juliet.inbox.splice(0);
        const condition = errorIn(answer);
        if (condition !== undefined) {
          expect(CONDITIONS, serialise(asked)).toContain(condition);
          expect(results).toEqual([]);
          return;
        }
        expect(childOf(answer, 'fin', MAM)).toBeDefined();
        for (const result of results) expect(childOf(result, 'result', MAM)).toBeDefined();
        expect(results.length).toBeLessThanOrEqual(2);
      }),
      { numRuns: 400 },
    );
  });

  test('preferences are, too', async () => {
    const list = fc
      .constantFrom('always', 'never')
      .chain((which) =>
        fc
          .array(value, { maxLength: 3 })
          .map((jids) => el(which, undefined, ...jids.map((jid) => el('jid', undefined, jid)))),
      );
    const prefs = fc
      .tuple(
        fc.constantFrom('always', 'roster', 'never', 'x', undefined),
        fc.array(list, { maxLength: 3 }),
      )
      .map(([behaviour, lists]) => el('prefs', { xmlns: MAM, default: behaviour }, ...lists));
    await fc.assert(
      fc.asyncProperty(prefs, async (asked) => {
        const answer = await juliet.ask('set', asked);
        const condition = errorIn(answer);
        if (condition === undefined) expect(childOf(answer, 'prefs', MAM)).toBeDefined();
        else expect(CONDITIONS, serialise(asked)).toContain(condition);
      }),
      { numRuns: 100 },
    );
  });
});

test('§4 pages that are asked for one upon the other wait until the client has read what it was sent', async () => {
  const scene = await archiveScene();
  const juliet = await scene.connect(`${JULIET}/balcony`);
  await juliet.send(`<message to='${ROMEO}' type='chat'><body>one</body></message>`);
  let read = () => {};
  const isRead = new Promise<void>((resolve) => {
    read = resolve;
  });
  juliet.inbox.splice(0);
  juliet.session.pace = () => isRead;
  const answered: string[] = [];
  const note = (who: string) => () => answered.push(who);
  const asked = askArchive(juliet).then(note('balcony'));
  const phone = await scene.connect(`${JULIET}/phone`);
  await askArchive(phone).then(note('phone'));
  read();
  await asked;
  expect(answered).toEqual(['phone', 'balcony']);
  await scene.stop();
});

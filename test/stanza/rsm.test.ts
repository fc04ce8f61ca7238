import { describe, expect, test } from 'vitest';
import { FIRST_PAGE, pageReport, RSM, readPageRequest } from '../../src/stanza/rsm.ts';
import { serialise } from '../../src/xml/element.ts';
import { parseElement } from '../../src/xml/parse.ts';

/** What a query with these children asks for. */
function requestOf(children: string) {
  const parsed = parseElement(`<query xmlns='jabber:iq:search'>${children}</query>`);
  if (!parsed.ok) throw new Error(parsed.fault.text);
  return readPageRequest(parsed.element);
}
const set = (children: string) => `<set xmlns='${RSM}'>${children}</set>`;

describe('XEP-0059: what is asked for', () => {
  test.each([
    ['no set', '<nick>Pete</nick>', {}],
    ['another set', "<set xmlns='urn:x'><max>1</max></set>", {}],
    ['§2.1 Example 1: a limit', `<nick>Pete</nick>${set('<max>10</max>')}`, { max: 10 }],
    [
      '§2.2 Example 5: the next page',
      set('<max>10</max><after>peterpan@neverland.lit</after>'),
      { max: 10, after: 'peterpan@neverland.lit' },
    ],
    [
      '§2.3 Example 8: the page before',
      set('<max>10</max><before>peter@pixyland.org</before>'),
      { max: 10, before: 'peter@pixyland.org' },
    ],
    ['§2.5 Example 11: the last page', set('<max>10</max><before/>'), { max: 10, before: '' }],
    [
      '§2.6 Example 12: a page by its index',
      set('<max>10</max><index>371</index>'),
      { max: 10, index: 371 },
    ],
    ['§2.7 Example 15: the count alone', set('<max>0</max>'), { max: 0 }],
    ['§2.2 an empty after is the beginning', set('<after/>'), {}],
    ['numbers with space around them', set('<max>\n 7\n</max>'), { max: 7 }],
    ['UIDs as they stand', set('<after> a </after>'), { after: ' a ' }],
    ['what it does not know', set("<max>5</max><far xmlns='urn:x'/>"), { max: 5 }],
  ])('%s', (_, children, expected) => {
    expect(requestOf(children)).toEqual({ ...FIRST_PAGE, ...expected });
  });

  test.each([
    ['a number that is none', set('<max>ten</max>')],
    ['no number at all', set('<max/>')],
    ['a negative number', set('<max>-1</max>')],
    ['a fraction', set('<index>1.5</index>')],
    ['a number beyond any set', set('<index>99999999999999999999</index>')],
    ['a part twice', set('<max>1</max><max>2</max>')],
    ['two sets', set('<max>1</max>') + set('<max>2</max>')],
  ])('%s is no request', (_, children) => {
    expect(requestOf(children)).toBeUndefined();
  });
});

describe('XEP-0059: what is said of a page', () => {
  test.each([
    [
      '§2.2 Example 4: the first page',
      {
        ends: { first: 'stpeter@jabber.org', last: 'peterpan@neverland.lit' },
        index: 0,
        count: 800,
      },
      '<first index="0">stpeter@jabber.org</first><last>peterpan@neverland.lit</last><count>800</count>',
    ],
    [
      '§2.2 a position and a count that are not known',
      { ends: { first: 'a', last: 'b' } },
      '<first>a</first><last>b</last>',
    ],
    ['§2.2 Example 7: an empty page', { count: 790 }, '<count>790</count>'],
  ])('%s', (_, report, children) => {
    expect(serialise(pageReport(report))).toBe(`<set xmlns="${RSM}">${children}</set>`);
  });
});

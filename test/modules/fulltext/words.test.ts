import Database from 'better-sqlite3';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expressionOf } from '../../../src/modules/fulltext/words.ts';

describe('XEP-0431 §3.2: what is typed', () => {
  test.each([
    ['a word, also as the beginning of others', 'lark', '"lark"*'],
    ['words that all occur', 'lark  nightingale', '"lark"* AND "nightingale"*'],
    ['words in that order', '"the lark" not', '"the lark" AND "not"*'],
    ['a short word as it is', 'am I', '"am" AND "I"'],
    ['a phrase that is not closed', '"the lark', '"the"* AND "lark"*'],
    [
      'what has a meaning elsewhere',
      'NOT (owner: 1) * OR -x',
      '"NOT"* AND "(owner:"* AND "1)" AND "OR" AND "-x"',
    ],
    ['signs between words', 'lark !! ??', '"lark"*'],
    ['another script', 'σκύλος', '"σκύλος"*'],
  ])('%s', (_, typed, expression) => {
    expect(expressionOf(typed)).toBe(expression);
  });

  test.each(['', ' ', '!!', '""', '"', '*'])('no word at all: %j', (typed) => {
    expect(expressionOf(typed)).toBeUndefined();
  });

  test('is bounded in words', () => {
    expect(expressionOf(Array(100).fill('word').join(' '))?.split(' AND ')).toHaveLength(16);
  });

  test('whatever it is, it is an expression', () => {
    const db = new Database(':memory:');
    db.exec('CREATE VIRTUAL TABLE t USING fts5(owner, text)');
    const find = db.prepare('SELECT rowid FROM t WHERE t MATCH ?');
    const signs = fc.array(
      fc.constantFrom(
        '"',
        '(',
        ')',
        '*',
        '^',
        ':',
        '-',
        '+',
        ' ',
        'a',
        'NEAR',
        'AND',
        '\\',
        "'",
        '{',
        ',',
      ),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string({ unit: 'binary' }),
          signs.map((each) => each.join('')),
        ),
        (typed) => {
          const expression = expressionOf(typed);
          if (expression !== undefined) find.all(`owner:"1" AND text:(${expression})`);
        },
      ),
      { numRuns: 2000 },
    );
    db.close();
  });
});

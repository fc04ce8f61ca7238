import { describe, expect, test } from 'vitest';
import {
  childOf,
  childrenOf,
  clone,
  el,
  escapeAttribute,
  escapeText,
  isNamed,
  nsOf,
  serialise,
  textOf,
} from '../../src/xml/element.ts';

describe('building', () => {
  test('undefined attributes and absent children are left out', () => {
    const element = el('a', { b: undefined, c: 1, d: 'x' }, undefined, false, '', 'text', el('e'));
    expect(serialise(element)).toBe('<a c="1" d="x">text<e/></a>');
  });

  test('a child of another tree is copied with its namespace, and stays where it was', () => {
    const child = el('item');
    const query = el('query', { xmlns: 'urn:q' }, child);
    const other = el('other', { xmlns: 'urn:o' }, child);
    expect(child.parent).toBe(query);
    expect(nsOf(child)).toBe('urn:q');
    expect(serialise(other)).toBe('<other xmlns="urn:o"><item xmlns="urn:q"/></other>');
  });
});

describe('reading', () => {
  const iq = el('iq', {}, 'a', el('q', { xmlns: 'urn:q' }, 'x', el('i', {}, 'no'), 'y'), el('q'));

  test('a namespace is inherited, and content has none', () => {
    const q = childOf(iq, 'q', 'urn:q');
    expect(q && nsOf(q)).toBe('urn:q');
    expect(q && childrenOf(q).map(nsOf)).toEqual(['urn:q']);
    expect(nsOf(iq)).toBe('');
    expect(childOf(iq, 'q')).toBe(iq.children[2]);
    expect(q && childOf(q, 'i')).toBeUndefined();
    expect(isNamed(iq, 'iq', '')).toBe(true);
    expect(isNamed(iq, 'iq', 'jabber:client')).toBe(false);
  });

  test("text is the element's own", () => {
    const q = childOf(iq, 'q', 'urn:q');
    expect(q && textOf(q)).toBe('xy');
  });
});

describe('writing', () => {
  test('a branch names the namespace that it inherited', () => {
    const query = el('query', { xmlns: 'urn:q' }, el('item', {}, el('deep')));
    const [item] = childrenOf(query);
    expect(item && serialise(item)).toBe('<item xmlns="urn:q"><deep/></item>');
    expect(item && serialise(clone(item))).toBe('<item xmlns="urn:q"><deep/></item>');
  });

  test('the clone is independent', () => {
    const original = el('a', { b: '1' }, el('c'));
    const copy = clone(original);
    copy.attrs['b'] = '2';
    expect(serialise(original)).toBe('<a b="1"><c/></a>');
    expect(copy.children[0]).not.toBe(original.children[0]);
  });

  test.each([
    ['markup', `<>&"'`, `&lt;&gt;&amp;"'`, '&lt;&gt;&amp;&quot;&apos;'],
    ['XML 1.0 §2.11 line ends', 'a\r\nb\tc', 'a&#13;\nb\tc', 'a&#13;&#10;b&#9;c'],
    [
      'XML 1.0 §2.2 control characters',
      'a\0\x0b\x1fb',
      'a\ufffd\ufffd\ufffdb',
      'a\ufffd\ufffd\ufffdb',
    ],
    ['noncharacters', 'a\ufffe\uffff', 'a\ufffd\ufffd', 'a\ufffd\ufffd'],
    ['lone surrogates', 'a\ud83db\ude00', 'a\ufffdb\ufffd', 'a\ufffdb\ufffd'],
    ['pairs of surrogates', '😀é', '😀é', '😀é'],
    ['the end of CDATA', ']]>', ']]&gt;', ']]&gt;'],
  ])('%s', (_, raw, inText, inAttribute) => {
    expect(escapeText(raw)).toBe(inText);
    expect(escapeAttribute(raw)).toBe(inAttribute);
  });
});

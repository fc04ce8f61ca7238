import { describe, expect, test } from 'vitest';
import { type Jid, parseJid } from '../../src/jid/jid.ts';
import { contentOf, readContent } from '../../src/stanza/content.ts';
import { withChildren } from '../../src/stanza/stanza.ts';
import { readKept, readStored, writtenMessage } from '../../src/stanza/stored.ts';
import { childOf, textOf } from '../../src/xml/element.ts';

function jid(raw: string): Jid {
  const parsed = parseJid(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
}

describe('a message around text that was written before', () => {
  const parts = { from: jid('a@b'), to: jid("c@d/'x'"), id: 'i&', content: '<body>x</body>' };
  const message = writtenMessage(parts);

  test('has that text in it, and its addresses escaped', () => {
    expect(message.wire.text).toBe(
      '<message from="a@b" id="i&amp;" to="c@d/&apos;x&apos;"><body>x</body></message>',
    );
    expect(message.wire.textTo(jid('e@f'))).toBe(
      '<message from="a@b" id="i&amp;" to="e@f"><body>x</body></message>',
    );
  });

  test('has a tree for whoever looks at it', () => {
    const body = childOf(message.element, 'body');
    expect(body && textOf(body)).toBe('x');
    expect(message.element).toBe(message.element);
    expect(readStored(message.wire.text)).toMatchObject({ kind: 'message', type: 'normal' });
  });

  test('text that is damaged is a message without content', () => {
    const { element } = writtenMessage({ ...parts, content: '<body>' });
    expect(element.attrs).toEqual({ from: 'a@b', id: 'i&', to: "c@d/'x'" });
    expect(element.children).toEqual([]);
  });
});

describe('a stanza that is read back', () => {
  const body = '<body>x &amp; y</body></message>';

  test('is the text that was stored, to whomever it goes', () => {
    const text = `<message from="a@b" type="chat" to="c@d">${body}`;
    const read = readStored(text, 7);
    expect(read).toMatchObject({ kind: 'message', type: 'chat', from: 'a@b', serial: 7 });
    expect(read?.wire.text).toBe(text);
    expect(read?.wire.textTo(jid('e@f'))).toBe(`<message from="a@b" type="chat" to="e@f">${body}`);
  });

  test.each([
    ['in a namespace', `<message xmlns="jabber:client" from="a@b" to="c@d">${body}`],
    [
      'with a reference that nobody writes',
      `<message from="a@b" to="c@d">${body.replace('x', '&#120;')}`,
    ],
    ['with an address as nobody writes it now', `<message from="A@b" to="c@d">${body}`],
  ])('is written anew where it was stored %s', (_, text) => {
    expect(readStored(text)?.wire.text).toBe(`<message from="a@b" to="c@d">${body}`);
  });

  test('is none where it is damaged', () => {
    expect(readStored('<message from="a@b" to="c@d"><body>x</message>')).toBeUndefined();
    expect(readStored('')).toBeUndefined();
  });
});

describe('a message that was kept, of which is known what it carries', () => {
  const content = readContent('body') ?? expect.fail('it is no content');
  const tag = '<message from="a@b/x" id="i" type="chat" xml:lang="en" to="c@d">';
  const body = '<body>x &amp; y</body></message>';
  const keptAs = (stanza: string) => readKept({ stanza, serial: 7, content }, jid('c@d'));

  test('is told by its first tag, and is the text that was kept', () => {
    const read = keptAs(tag + body) ?? expect.fail('it is none');
    const { kind, type, id, from, to, serial } = read;
    expect({ kind, type, id, from, to, serial }).toEqual({
      ...{ kind: 'message', type: 'chat', id: 'i', from: 'a@b/x', to: 'c@d', serial: 7 },
    });
    expect(contentOf(read)).toBe(content);
    expect(read.wire.text).toBe(tag + body);
    expect(read.wire.textTo(jid('e@f'))).toBe(tag.replace('c@d', 'e@f') + body);
  });

  test('has the tree that is read from its text, and so has a copy with other children', () => {
    const read = keptAs(tag + body) ?? expect.fail('it is none');
    expect(read.element).toEqual(readStored(tag + body)?.element);
    const copy = withChildren(read, []);
    expect(contentOf(copy).size).toBe(0);
    expect(copy.wire.text).toBe(
      '<message from="a@b/x" id="i" type="chat" xml:lang="en" to="c@d"/>',
    );
  });

  test.each([
    ['in a namespace', '<message xmlns="jabber:client" from="a@b" to="c@d">'],
    ['with a reference in its tag', '<message from="a@b/&quot;" id="&lt;" to="c@d">'],
    ['with an address as nobody writes it now', '<message from="A@b" to="c@d">'],
    ['for another address', '<message from="a@b" to="C@d">'],
    ['in quotation marks of another kind', "<message from='a@b' to='c@d'>"],
  ])('is read like any other %s', (_, other) => {
    const [read, plain] = [keptAs(other + body), readStored(other + body)];
    if (plain?.kind !== 'message') expect.fail('it is none');
    expect({ ...read, wire: read?.wire.text }).toEqual({
      ...{ ...plain, serial: 7, wire: plain.wire.text },
    });
  });

  test('is none where it is damaged', () => {
    for (const text of ['', '<message', tag, '<messages from="a@b" to="c@d"/>'])
      expect(keptAs(text)).toBeUndefined();
  });
});

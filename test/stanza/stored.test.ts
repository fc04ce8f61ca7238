import { describe, expect, test } from 'vitest';
import { type Jid, parseJid } from '../../src/jid/jid.ts';
import { readStored, writtenMessage } from '../../src/stanza/stored.ts';
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

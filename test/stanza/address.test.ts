import { describe, expect, test } from 'vitest';
import { parseJid } from '../../src/jid/jid.ts';
import { addressedTo } from '../../src/stanza/address.ts';
import { presence } from '../../src/stanza/build.ts';
import { readStored } from '../../src/stanza/stored.ts';
import { childOf, el, serialise, textOf } from '../../src/xml/element.ts';

const jid = (raw: string) => {
  const parsed = parseJid(raw);
  if (!parsed.ok) expect.fail(parsed.why);
  return parsed.value;
};
const romeo = jid('romeo@montague.example/orchard');
const juliet = jid('juliet@capulet.example');
const caps = el('c', { xmlns: 'http://jabber.org/protocol/caps', ver: 'x' });
const original = presence({ from: romeo, children: [el('show', undefined, 'away'), caps] });

describe('a presence to many', () => {
  test('is the same but for its address, in tree and text', () => {
    const copy = addressedTo(original, juliet);
    expect(copy.to).toBe(juliet);
    expect(copy.element.attrs.to).toBe(juliet);
    const shown = childOf(copy.element, 'show');
    expect(shown && textOf(shown)).toBe('away');
    expect(childOf(copy.element, 'c', 'http://jabber.org/protocol/caps')).toBeDefined();
    expect(readStored(copy.wire.text)?.to).toBe(juliet);
    expect(readStored(copy.wire.textTo(romeo))?.to).toBe(romeo);
  });
  test('leaves the original alone', () => {
    const before = serialise(original.element);
    addressedTo(original, juliet);
    expect(serialise(original.element)).toBe(before);
    expect(original.wire.text).not.toContain('juliet');
  });
});

describe('a stored stanza', () => {
  test.each([
    ['nothing', ''],
    ['half of it', '<presence from="a@b"'],
    ['no sender', '<presence to="a@b"/>'],
    ['something else', '<iq from="a@b" to="c@d"/>'],
  ])('that is damaged is none: %s', (_, text) => {
    expect(readStored(text)).toBeUndefined();
  });
});

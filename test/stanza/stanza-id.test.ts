import { describe, expect, test } from 'vitest';
import { type BareJid, parseBare, parseJid } from '../../src/jid/jid.ts';
import { readStanza } from '../../src/stanza/stanza.ts';
import {
  STANZA_IDS,
  stanzaIdOf,
  withoutStanzaIds,
  withStanzaId,
} from '../../src/stanza/stanza-id.ts';
import { parseElement } from '../../src/xml/parse.ts';

function bare(raw: string): BareJid {
  const parsed = parseBare(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
}

const juliet = bare('juliet@capulet.example');
const room = bare('room@muc.example.com');

function messageOf(children: string) {
  const parsed = parseElement(`<message to='${juliet}'>${children}</message>`);
  const from = parseJid('romeo@montague.example/orchard');
  if (!parsed.ok || !from.ok) throw new Error('no message');
  const read = readStanza(parsed.element, { from: from.value, defaultTo: undefined });
  if (!read.ok || read.stanza.kind !== 'message') throw new Error('no message');
  return read.stanza;
}
const id = (by: string, value = '1') =>
  `<stanza-id xmlns='${STANZA_IDS}' by='${by}' id='${value}'/>`;
const textOf = (children: string) => messageOf(children).wire.text;

describe('XEP-0359 §3: ids that are only pretended', () => {
  test('rule 2: are deleted where they are by the same address, however it is written', () => {
    const spoofed = `<body>x</body>${id(juliet)}${id('Juliet@Capulet.example', '2')}`;
    expect(withoutStanzaIds(messageOf(spoofed), juliet).wire.text).toBe(textOf('<body>x</body>'));
  });

  test('rule 2: also without an id', () => {
    const message = messageOf(`<stanza-id xmlns='${STANZA_IDS}' by='${juliet}'/><body>x</body>`);
    expect(withoutStanzaIds(message, juliet).wire.text).toBe(textOf('<body>x</body>'));
  });

  test.each([
    ['rule 3: those by others', id(room)],
    ['those by a resource', id(`${juliet}/balcony`)],
    ['what is no address', id('@')],
    ['what has no by', `<stanza-id xmlns='${STANZA_IDS}' id='1'/>`],
    ['§2.2 the id of the origin', `<origin-id xmlns='${STANZA_IDS}' id='1'/>`],
    ['another namespace', `<stanza-id xmlns='urn:x' by='${juliet}' id='1'/>`],
    ['what is deeper inside', `<forwarded xmlns='urn:xmpp:forward:0'>${id(juliet)}</forwarded>`],
  ])('%s stay, and the message is the same one', (_, children) => {
    const message = messageOf(`<body>x</body>${children}`);
    expect(withoutStanzaIds(message, juliet)).toBe(message);
  });
});

describe('XEP-0359 §2.1: an id that is given', () => {
  test('stands at the end, with the address that gave it', () => {
    const message = messageOf(`<body>Typical body text</body>${id(room)}`);
    const stamped = withStanzaId(message, juliet, 'de305d54');
    expect(stamped.wire.text).toBe(
      textOf(`<body>Typical body text</body>${id(room)}${id(juliet, 'de305d54')}`),
    );
    expect(stanzaIdOf(stamped, juliet)).toBe('de305d54');
    expect(stanzaIdOf(stamped, room)).toBe('1');
    expect(stanzaIdOf(message, juliet)).toBeUndefined();
  });

  test('its tree and its texts say the same, to whomever', () => {
    const stamped = withStanzaId(
      messageOf("<body>&lt;/message></body><x xmlns='urn:x'/>"),
      juliet,
      'i',
    );
    const parsed = parseElement(stamped.wire.text);
    expect(parsed.ok && stanzaIdOf({ ...stamped, element: parsed.element }, juliet)).toBe('i');
    const other = bare('nurse@capulet.example');
    expect(stamped.wire.textTo(other)).toBe(
      stamped.wire.text.replace(/to="[^"]*"/, `to="${other}"`),
    );
    expect(stamped.wire.text).toBe(stamped.wire.text);
  });

  test('an empty message can have one, too', () => {
    const stamped = withStanzaId(messageOf(''), juliet, 'i');
    expect(stamped.wire.text).toBe(textOf(id(juliet, 'i')));
  });
});

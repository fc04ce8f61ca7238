import { describe, expect, test } from 'vitest';
import { type Jid, parseJid } from '../../src/jid/jid.ts';
import { iqGet, iqResult, iqSet, message, presence } from '../../src/stanza/build.ts';
import {
  isStanza,
  MESSAGE_TYPES,
  PRESENCE_TYPES,
  readStanza,
  type StanzaOutcome,
} from '../../src/stanza/stanza.ts';
import { childOf, el } from '../../src/xml/element.ts';
import { parseElement } from '../../src/xml/parse.ts';

function jid(raw: string): Jid {
  const parsed = parseJid(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
}

const romeo = jid('romeo@example.net/orchard');
const account = jid('romeo@example.net');
const juliet = jid('juliet@example.com');

function elementOf(xml: string) {
  const parsed = parseElement(xml);
  if (!parsed.ok) throw new Error(parsed.fault.text);
  return parsed.element;
}

const read = (xml: string, defaultTo: Jid | undefined = account): StanzaOutcome =>
  readStanza(elementOf(xml), { from: romeo, defaultTo });

const conditionOf = (outcome: StanzaOutcome) => !outcome.ok && outcome.condition;

describe('readStanza', () => {
  test('RFC 6120 §8.1.2.1 from is stamped, whatever was sent', () => {
    const outcome = read("<message from='tybalt@example.net' to='juliet@example.com'/>");
    expect(outcome.ok && outcome.stanza).toMatchObject({
      kind: 'message',
      from: romeo,
      to: juliet,
    });
    expect(outcome.ok && outcome.stanza.wire.text).toBe(
      `<message from="${romeo}" to="${juliet}"/>`,
    );
  });

  test('to is prepared', () => {
    const outcome = read("<message to='JULIET@Example.COM'/>");
    expect(outcome.ok && outcome.stanza.to).toBe(juliet);
    expect(outcome.ok && outcome.stanza.element.attrs.to).toBe(juliet);
  });

  test.each(['message', 'presence', 'iq'])('RFC 6120 §8.3.3.8 a malformed to of a %s', (name) => {
    const outcome = read(`<${name} type='get' id='1' to='@example.com'><a/></${name}>`);
    expect(conditionOf(outcome)).toBe('jid-malformed');
  });

  test('RFC 6120 §10.3 without to, messages and iqs are for the account, presence for nobody', () => {
    const to = (xml: string) => {
      const outcome = read(xml);
      return outcome.ok ? outcome.stanza.to : 'refused';
    };
    expect(to('<message/>')).toBe(account);
    expect(to("<iq type='get' id='1'><a/></iq>")).toBe(account);
    expect(to('<presence/>')).toBeUndefined();
    const sender = { from: romeo, defaultTo: undefined };
    const required = readStanza(elementOf('<message/>'), sender);
    expect(conditionOf(required)).toBe('bad-request');
    expect(readStanza(elementOf('<presence/>'), sender).ok).toBe(true);
  });

  test.each(MESSAGE_TYPES)('RFC 6121 §5.2.2 message type %s', (type) => {
    const outcome = read(`<message type='${type}'/>`);
    expect(outcome.ok && outcome.stanza.type).toBe(type);
  });

  test.each(['', " type='shout'", " type=''", " type='Chat'"])(
    'RFC 6121 §5.2.2 a message with%s is normal',
    (attribute) => {
      const outcome = read(`<message${attribute}/>`);
      expect(outcome.ok && outcome.stanza.type).toBe('normal');
    },
  );

  test('RFC 6121 §4.7.1 presence types', () => {
    const available = read('<presence/>');
    expect(available.ok && available.stanza.type).toBe('available');
    for (const type of PRESENCE_TYPES.filter((type) => type !== 'available')) {
      const outcome = read(`<presence type='${type}'/>`);
      expect(outcome.ok && outcome.stanza.type).toBe(type);
    }
    for (const type of ['available', 'away', '']) {
      expect(conditionOf(read(`<presence type='${type}'/>`))).toBe('bad-request');
    }
  });

  test.each([
    ['get', "<iq type='get' id='1'><q xmlns='urn:q'/></iq>", 'q'],
    ['get with whitespace', "<iq type='get' id='1'> <q/> </iq>", 'q'],
    ['set', "<iq type='set' id='1'><q/></iq>", 'q'],
    ['result with a payload', "<iq type='result' id='1'><q/></iq>", 'q'],
    ['result', "<iq type='result' id='1'/>", undefined],
    ['error', "<iq type='error' id='1'><q/><error/></iq>", undefined],
  ])('RFC 6120 §8.2.3 an iq %s', (_, xml, name) => {
    const outcome = read(xml);
    const stanza = outcome.ok ? outcome.stanza : undefined;
    expect(stanza?.kind === 'iq' && stanza.payload?.name).toBe(name);
    expect(stanza?.id).toBe('1');
  });

  test.each([
    ['no type', "<iq id='1'><q/></iq>"],
    ['another type', "<iq type='put' id='1'><q/></iq>"],
    ['no id', "<iq type='get'><q/></iq>"],
    ['a get without payload', "<iq type='get' id='1'/>"],
    ['a set with text only', "<iq type='set' id='1'>text</iq>"],
    ['a get with two payloads', "<iq type='get' id='1'><q/><q/></iq>"],
    ['a result with two payloads', "<iq type='result' id='1'><q/><q/></iq>"],
  ])('RFC 6120 §8.2.3 an iq with %s is a bad request', (_, xml) => {
    expect(conditionOf(read(xml))).toBe('bad-request');
  });

  test('only three elements of the content namespace are stanzas', () => {
    expect(['message', 'presence', 'iq', 'open'].map((name) => isStanza(el(name)))).toEqual([
      ...[true, true, true, false],
    ]);
    expect(isStanza(el('message', { xmlns: 'urn:x' }))).toBe(false);
    expect(isStanza(el('message', { xmlns: '' }))).toBe(false);
    expect(conditionOf(read('<open/>'))).toBe('bad-request');
  });
});

describe('wire', () => {
  test('only `to` changes from one recipient to the next', () => {
    const said = message({
      from: romeo,
      to: juliet,
      type: 'chat',
      id: 'a',
      children: [el('body', {}, '<3')],
    });
    const body = '><body>&lt;3</body></message>';
    const head = `<message type="chat" id="a" from="${romeo}"`;
    expect(said.wire.text).toBe(`${head} to="${juliet}"${body}`);
    expect(said.wire.textTo(account)).toBe(`${head} to="${account}"${body}`);
    expect(said.wire.text).toBe(`${head} to="${juliet}"${body}`);
  });

  test('without `to` and without children', () => {
    const here = presence({ from: romeo });
    expect(here.wire.textTo(juliet)).toBe(`<presence from="${romeo}" to="${juliet}"/>`);
    expect(here.wire.text).toBe(`<presence from="${romeo}"/>`);
  });

  test('an address is escaped', () => {
    const to = jid("juliet@example.com/<&'>");
    expect(presence({ from: romeo, to }).wire.text).toContain(
      'to="juliet@example.com/&lt;&amp;&apos;&gt;"',
    );
  });
});

describe('makers', () => {
  test('what they make reads as the same', () => {
    const stanzas = [
      message({ from: romeo, to: juliet, id: 'x' }),
      message({ from: romeo, to: juliet, type: 'headline', attrs: { 'xml:lang': 'en' } }),
      presence({ from: romeo }),
      presence({ from: romeo, to: juliet, type: 'subscribe' }),
      iqGet({ from: romeo, to: juliet, payload: el('ping', { xmlns: 'urn:xmpp:ping' }) }),
      iqSet({ from: romeo, to: juliet, id: 'z', payload: el('q', { xmlns: 'urn:q' }) }),
    ];
    for (const stanza of stanzas) {
      const outcome = read(stanza.wire.text);
      const { element: _, wire: __, ...rest } = stanza;
      // Read again, a message is another one.
      const said = { ...rest, ...('serial' in rest ? { serial: expect.any(Number) } : {}) };
      expect(outcome.ok && outcome.stanza).toMatchObject(
        'payload' in said ? { ...said, payload: { name: said.payload?.name } } : said,
      );
    }
  });

  test('a result goes back under the same id', () => {
    const request = iqGet({ from: romeo, to: juliet, payload: el('q', { xmlns: 'urn:q' }) });
    expect(request.id).not.toBe('');
    const result = iqResult(request, el('q', { xmlns: 'urn:q' }));
    expect(result.wire.text).toBe(
      `<iq type="result" id="${request.id}" from="${juliet}" to="${romeo}"><q xmlns="urn:q"/></iq>`,
    );
    expect(result.payload).toBe(childOf(result.element, 'q', 'urn:q'));
    expect(iqResult(request).payload).toBeUndefined();
  });
});

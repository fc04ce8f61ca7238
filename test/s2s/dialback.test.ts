import { describe, expect, test } from 'vitest';
import { type Domain, parseDomain } from '../../src/jid/jid.ts';
import {
  dialbackKey,
  isDialbackKey,
  readDialback,
  resultAnswer,
  resultQuestion,
  verifyAnswer,
  verifyQuestion,
} from '../../src/s2s/dialback.ts';
import type { Element } from '../../src/xml/element.ts';
import { XmlParser } from '../../src/xml/parser.ts';

const domain = (raw: string): Domain => {
  const parsed = parseDomain(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
};

const parties = { from: domain('capulet.example'), to: domain('montague.example') };

/** The element that a text is on a server's stream. */
function onStream(xml: string): Element {
  const found: Element[] = [];
  const parser = new XmlParser(
    {
      open() {},
      element: (element) => void found.push(element),
      close() {},
      fault: (fault) => expect.fail(fault.text),
    },
    { maxBytes: 1e5, maxDepth: 10, maxAttributes: 10, maxElements: 100 },
  );
  parser.write(
    Buffer.from(
      "<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback'" +
        ` xmlns:stream='http://etherx.jabber.org/streams'>${xml}<presence/>`,
    ),
  );
  const [element] = found;
  if (element === undefined) expect.fail('nothing was read');
  return element;
}

describe('keys', () => {
  // XEP-0185 §3 and XEP-0220 §2.1.1
  test.each([
    [
      's3cr3tf0rd14lb4ck',
      'xmpp.example.com',
      'example.org',
      'D60000229F',
      '37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643',
    ],
    [
      's3cr3tf0rd14lb4ck',
      'montague.example',
      'capulet.example',
      'D60000229F',
      'b4835385f37fe2895af6c196b59097b16862406db80559900d96bf6fa7d23df3',
    ],
  ])('XEP-0185 §3: %s, %s, %s, %s', (secret, receiving, originating, streamId, key) => {
    const parts = { receiving: domain(receiving), originating: domain(originating), streamId };
    expect(dialbackKey(secret, parts)).toBe(key);
    expect(isDialbackKey(secret, parts, key)).toBe(true);
    expect(isDialbackKey('another secret', parts, key)).toBe(false);
    expect(isDialbackKey(secret, { ...parts, streamId: 'D60000229E' }, key)).toBe(false);
    expect(isDialbackKey(secret, parts, key.slice(1))).toBe(false);
    expect(isDialbackKey(secret, parts, '')).toBe(false);
  });
});

describe('elements', () => {
  test('a question and its answers are read as they were written', () => {
    expect(readDialback(onStream(resultQuestion(parties, 'k3y')))).toEqual({
      kind: 'result',
      ...parties,
      id: '',
      key: 'k3y',
      answer: undefined,
    });
    expect(readDialback(onStream(verifyQuestion(parties, "<'id&", 'k3y')))).toMatchObject({
      kind: 'verify',
      id: "<'id&",
      key: 'k3y',
    });
    for (const type of ['valid', 'invalid'] as const) {
      expect(readDialback(onStream(resultAnswer(parties, { type })))?.answer).toEqual({ type });
      expect(readDialback(onStream(verifyAnswer(parties, '7', { type })))).toMatchObject({
        id: '7',
        answer: { type },
      });
    }
  });

  test.each(['item-not-found', 'remote-connection-failed'])('§2.5: the error %s', (condition) => {
    const error = { type: 'error', condition, text: 'Why & how' } as const;
    expect(readDialback(onStream(resultAnswer(parties, error)))?.answer).toEqual(error);
    expect(readDialback(onStream(verifyAnswer(parties, '7', error)))?.answer).toEqual(error);
  });

  test('an answer of an unknown type is no yes', () => {
    const xml = "<db:result from='a.example' to='b.example' type='VALID'/>";
    expect(readDialback(onStream(xml))?.answer).toEqual({
      type: 'error',
      condition: 'undefined-condition',
      text: '',
    });
  });

  test.each([
    "<db:result to='b.example'>key</db:result>",
    "<db:result from='a.example'>key</db:result>",
    "<db:result from='user@a.example' to='b.example'>key</db:result>",
    "<db:verify from='a.example' to='b.example'>key</db:verify>",
    "<db:other from='a.example' to='b.example'>key</db:other>",
  ])('what is not in order is not read: %s', (xml) => {
    expect(readDialback(onStream(xml))).toBeUndefined();
  });
});

import { expect, test } from 'vitest';
import { parseJid } from '../../src/jid/jid.ts';
import { Delay, delayText } from '../../src/stanza/delay.ts';
import { serialise } from '../../src/xml/element.ts';
import { parseElement } from '../../src/xml/parse.ts';

const stamp = Date.UTC(2002, 8, 10, 23, 8, 25);

test('XEP-0203 §4 says who, when and why', () => {
  const from = parseJid('capulet.com');
  if (!from.ok) throw new Error(from.why);
  const xml = serialise(Delay.encode({ from: from.value, stamp, reason: 'Offline Storage' }));
  expect(xml).toBe(
    '<delay xmlns="urn:xmpp:delay" from="capulet.com" stamp="2002-09-10T23:08:25.000Z">' +
      'Offline Storage</delay>',
  );
  expect(delayText({ from: from.value, stamp, reason: 'Offline Storage' })).toBe(xml);
  const parsed = parseElement(xml);
  expect(parsed.ok && Delay.decode(parsed.element)).toEqual({
    from: 'capulet.com',
    stamp,
    reason: 'Offline Storage',
  });
});

test('XEP-0203 §4 who and why may be missing, when may not', () => {
  const decode = (xml: string) => {
    const parsed = parseElement(xml);
    return parsed.ok ? Delay.decode(parsed.element) : undefined;
  };
  expect(decode("<delay xmlns='urn:xmpp:delay' stamp='2002-09-10T23:08:25Z'/>")).toEqual({
    from: undefined,
    stamp,
    reason: '',
  });
  expect(decode("<delay xmlns='urn:xmpp:delay'/>")).toBeUndefined();
});

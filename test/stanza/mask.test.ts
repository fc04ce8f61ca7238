/** What an admin who looks at an account's stanzas is shown. */
import { expect, test } from 'vitest';
import { maskedText } from '../../src/stanza/mask.ts';
import { parse } from '../support/scene.ts';

const shown = (xml: string, withBodies = true) => maskedText(parse(xml), { withBodies });

test('texts are shown to whoever asks for them, and only to him', () => {
  const xml = '<message to="a@b"><body>meet me</body><active xmlns="urn:x"/></message>';
  expect(shown(xml)).toBe(xml);
  expect(shown(xml, false)).toBe(xml.replace('meet me', '[…]'));
});

test.each([
  ['XEP-0077', '<iq><query xmlns="jabber:iq:register"><password>S</password></query></iq>'],
  [
    'XEP-0048',
    '<iq><conference xmlns="storage:bookmarks" jid="r@m"><password>S</password></conference></iq>',
  ],
  ['XEP-0249', '<message><x xmlns="jabber:x:conference" jid="r@m" password="S"/></message>'],
  [
    'XEP-0215',
    '<iq><service xmlns="urn:xmpp:extdisco:2" host="h" username="u" password="S"/></iq>',
  ],
  ['XEP-0484', '<iq><token xmlns="urn:xmpp:fast:0" expiry="2026" token="S"/></iq>'],
  ['XEP-0045', '<iq><field var="muc#roomconfig_roomsecret"><value>S</value></field></iq>'],
  ['XEP-0004 §3.3', '<iq><field type="text-private" var="pin"><value>S</value></field></iq>'],
])('%s what is secret is shown to nobody', (_, xml) => {
  expect(shown(xml)).not.toContain('S');
  expect(shown(xml)).toBe(xml.replace(/<value>S<\/value>/, '[…]').replace('S', '[…]'));
});

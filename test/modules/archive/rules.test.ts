import { describe, expect, test } from 'vitest';
import { parseJid } from '../../../src/jid/jid.ts';
import { worthOf } from '../../../src/modules/archive/rules.ts';
import { readStanza } from '../../../src/stanza/stanza.ts';
import { parse } from '../../support/scene.ts';

function worth(content: string, type = 'chat') {
  const from = parseJid('romeo@montague.example/orchard');
  if (!from.ok) throw new Error(from.why);
  const element = parse(`<message to='juliet@capulet.example' type='${type}'>${content}</message>`);
  const read = readStanza(element, { from: from.value, defaultTo: undefined });
  if (!read.ok || read.stanza.kind !== 'message') throw new Error('no message');
  return worthOf(read.stanza);
}

const BODY = '<body>x</body>';
const hint = (name: string) => `<${name} xmlns='urn:xmpp:hints'/>`;
const element = (name: string, ns: string, content = '') =>
  `<${name} xmlns='${ns}'>${content}</${name}>`;

describe('XEP-0313 §6.1.1: what is worth keeping', () => {
  test.each([
    ['a chat message', BODY, 'chat', 'searchable'],
    ['a normal message', BODY, 'normal', 'searchable'],
    ['a message of a type that is none, which is normal', BODY, 'x', 'searchable'],
    ['an empty body, too', '<body/>', 'chat', 'searchable'],
    ['a subject alone', '<subject>x</subject>', 'normal', 'kept'],
    ['groupchat: that is the room’s', BODY, 'groupchat', 'none'],
    ['a headline', BODY, 'headline', 'none'],
    ['an error, whatever it echoes', BODY + element('error', ''), 'error', 'none'],
    ['XEP-0334 §5 an error with a hint', BODY + hint('store'), 'error', 'none'],
    ['nothing', '', 'chat', 'none'],
    ['a thread alone', '<thread>t</thread>', 'chat', 'none'],
    [
      'a body of another namespace',
      element('body', 'http://www.w3.org/1999/xhtml', 'x'),
      'chat',
      'none',
    ],
    [
      'a body inside something',
      element('x', 'urn:x', element('body', 'jabber:client', 'x')),
      'chat',
      'none',
    ],
    ['something unknown', element('x', 'urn:x'), 'chat', 'none'],
    [
      'a notification of pubsub',
      element('event', 'http://jabber.org/protocol/pubsub#event'),
      'normal',
      'none',
    ],
    ['a result of another archive', element('result', 'urn:xmpp:mam:2'), 'normal', 'none'],
  ])('%s', (_, content, type, expected) => {
    expect(worth(content, type)).toBe(expected);
  });

  test.each([
    [
      'XEP-0085 a chat state',
      element('composing', 'http://jabber.org/protocol/chatstates'),
      'none',
    ],
    ['XEP-0184 a receipt', element('received', 'urn:xmpp:receipts'), 'kept'],
    ['XEP-0184 the wish for a receipt alone', element('request', 'urn:xmpp:receipts'), 'none'],
    ['XEP-0333 a marker', element('displayed', 'urn:xmpp:chat-markers:0'), 'kept'],
    [
      'XEP-0333 the wish for a marker alone',
      element('markable', 'urn:xmpp:chat-markers:0'),
      'none',
    ],
    [
      'XEP-0308 a correction',
      BODY + element('replace', 'urn:xmpp:message-correct:0'),
      'searchable',
    ],
    ['XEP-0424 §6 a retraction', element('retract', 'urn:xmpp:message-retract:1'), 'kept'],
    ['XEP-0444 reactions', element('reactions', 'urn:xmpp:reactions:0'), 'kept'],
    ['XEP-0461 a reply', BODY + element('reply', 'urn:xmpp:reply:0'), 'searchable'],
    ['XEP-0249 an invitation', element('x', 'jabber:x:conference'), 'kept'],
    [
      'XEP-0045 §7.8.2 an invitation by the room',
      element('x', 'http://jabber.org/protocol/muc#user', '<invite/>'),
      'kept',
    ],
    ['XEP-0045 what else a room says', element('x', 'http://jabber.org/protocol/muc#user'), 'none'],
    ['XEP-0353 a call', element('propose', 'urn:xmpp:jingle-message:0'), 'kept'],
  ])('%s', (_, content, expected) => {
    expect(worth(content)).toBe(expected);
  });

  test.each([
    ['XEP-0380', element('encryption', 'urn:xmpp:eme:0')],
    ['XEP-0384 0.3', element('encrypted', 'eu.siacs.conversations.axolotl')],
    ['XEP-0384', element('encrypted', 'urn:xmpp:omemo:2')],
    ['XEP-0373', element('openpgp', 'urn:xmpp:openpgp:0')],
    ['XEP-0027', element('x', 'jabber:x:encrypted')],
  ])('what only the recipient can read is kept, and not searched: %s', (_, content) => {
    expect(worth(content)).toBe('kept');
    expect(worth(`<body>I sent you an encrypted message.</body>${content}`)).toBe('kept');
    expect(worth(`${content}<body>I sent you an encrypted message.</body>`)).toBe('kept');
  });
});

describe('XEP-0334 §4: hints', () => {
  test.each([
    ['§4.1 no-permanent-store', BODY + hint('no-permanent-store'), 'none'],
    ['§4.2 no-store', hint('no-store') + BODY, 'none'],
    ['§4.3 no-copy says nothing of it', BODY + hint('no-copy'), 'searchable'],
    ['§4.4 store', element('x', 'urn:x') + hint('store'), 'kept'],
    [
      '§4.4 store of a chat state',
      element('active', 'http://jabber.org/protocol/chatstates') + hint('store'),
      'kept',
    ],
    ['two that contradict each other', hint('store') + BODY + hint('no-store'), 'none'],
    ['another namespace', `${BODY}<no-store xmlns='urn:x'/>`, 'searchable'],
  ])('%s', (_, content, expected) => {
    expect(worth(content)).toBe(expected);
  });

  test('§4.4 store is heeded but in groupchat, which is the room’s, and in errors', () => {
    expect(worth(BODY + hint('store'), 'headline')).toBe('searchable');
    expect(worth(hint('store'), 'headline')).toBe('kept');
    expect(worth(BODY + hint('store'), 'groupchat')).toBe('none');
    expect(worth(BODY + hint('store'), 'error')).toBe('none');
  });
});

import { describe, expect, test } from 'vitest';
import {
  carriesAny,
  carriesOnly,
  contentOf,
  readContent,
  type Trait,
  writeContent,
} from '../../src/stanza/content.ts';
import { readStored } from '../../src/stanza/stored.ts';

const ADDRESSES = "from='romeo@montague.example/orchard' to='juliet@capulet.example'";

function contentIn(children: string, type = 'chat') {
  const stanza = readStored(`<message ${ADDRESSES} type='${type}'>${children}</message>`);
  if (stanza?.kind !== 'message') expect.fail(`not a message: ${children}`);
  return contentOf(stanza);
}

describe('what a message carries', () => {
  test.each<readonly [what: string, children: string, traits: readonly Trait[]]>([
    ['nothing', '', []],
    ['only whitespace', ' \n ', []],
    ['RFC 6121 §5.2.3 a body', '<body>Art thou not Romeo?</body>', ['body']],
    ['an empty body', '<body/>', ['body']],
    [
      'subject and thread',
      '<subject>s</subject><thread>t</thread><body>b</body>',
      ['subject', 'thread', 'body'],
    ],
    ['a body in another namespace', "<body xmlns='urn:x'>b</body>", ['other']],
    ['an element without a namespace', "<body xmlns=''>b</body>", ['other']],
    [
      'XEP-0085 §2 a standalone notification',
      "<composing xmlns='http://jabber.org/protocol/chatstates'/>",
      ['chat-state'],
    ],
    [
      'XEP-0085 §2 a content message',
      "<body>b</body><active xmlns='http://jabber.org/protocol/chatstates'/>",
      ['body', 'chat-state'],
    ],
    [
      'XEP-0184 §7 a request',
      "<body>b</body><request xmlns='urn:xmpp:receipts'/>",
      ['body', 'receipt-request'],
    ],
    ['XEP-0184 §7 a receipt', "<received xmlns='urn:xmpp:receipts' id='m1'/>", ['receipt']],
    [
      'XEP-0333 §4.1 a markable message',
      "<body>b</body><markable xmlns='urn:xmpp:chat-markers:0'/>",
      ['body', 'markable'],
    ],
    ['XEP-0333 §4.2 a marker', "<displayed xmlns='urn:xmpp:chat-markers:0' id='m1'/>", ['marker']],
    [
      'XEP-0333 §11 a marker of earlier versions',
      "<received xmlns='urn:xmpp:chat-markers:0' id='m1'/>",
      ['marker'],
    ],
    [
      'XEP-0308 §3 a correction',
      "<body>b</body><replace id='bad1' xmlns='urn:xmpp:message-correct:0'/>",
      ['body', 'correction'],
    ],
    [
      'XEP-0424 §3 a retraction, with what old clients show',
      "<retract id='m1' xmlns='urn:xmpp:message-retract:1'/><body>/me retracted</body>" +
        "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:message-retract:1'/>" +
        "<store xmlns='urn:xmpp:hints'/>",
      ['retraction', 'body', 'store'],
    ],
    [
      'XEP-0444 §3.1 reactions',
      "<reactions id='m1' xmlns='urn:xmpp:reactions:0'><reaction>👋</reaction></reactions>" +
        "<store xmlns='urn:xmpp:hints'/>",
      ['reactions', 'store'],
    ],
    [
      'XEP-0461 §3 a reply',
      "<body>b</body><reply to='anna@example.com/tablet' id='m1' xmlns='urn:xmpp:reply:0'/>",
      ['body', 'reply'],
    ],
    [
      'XEP-0066 where a file is',
      "<body>u</body><x xmlns='jabber:x:oob'><url>u</url></x>",
      ['body', 'file'],
    ],
    ['XEP-0447 a file', "<file-sharing xmlns='urn:xmpp:sfs:0'/>", ['file']],
    [
      'XEP-0353 a call',
      "<propose xmlns='urn:xmpp:jingle-message:0' id='c1'/><store xmlns='urn:xmpp:hints'/>",
      ['call', 'store'],
    ],
    ['XEP-0482 a call', "<invite xmlns='urn:xmpp:call-invites:0'/>", ['call']],
    [
      'XEP-0249 a direct invitation',
      "<x xmlns='jabber:x:conference' jid='coven@chat.example'/>",
      ['invitation'],
    ],
    [
      'XEP-0045 §7.8.2 a mediated invitation',
      "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='crone1@x.example'/></x>",
      ['invitation'],
    ],
    [
      'XEP-0045 §7.8.2 a declined invitation',
      "<x xmlns='http://jabber.org/protocol/muc#user'><decline to='crone1@x.example'/></x>",
      ['invitation'],
    ],
    [
      'XEP-0045 §7.5 a private message in a room',
      "<body>b</body><x xmlns='http://jabber.org/protocol/muc#user'/>",
      ['body', 'room'],
    ],
    [
      'an invitation in another namespace than the room’s',
      "<x xmlns='http://jabber.org/protocol/muc#user'><invite xmlns='urn:x'/></x>",
      ['room'],
    ],
    [
      'XEP-0060 a notification',
      "<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='n'/></event>",
      ['event'],
    ],
    ['XEP-0313 a result', "<result xmlns='urn:xmpp:mam:2' queryid='q' id='1'/>", ['result']],
    [
      'XEP-0280 §7 a copy, or what looks like one',
      "<sent xmlns='urn:xmpp:carbons:2'/>",
      ['carbon'],
    ],
    [
      'XEP-0280 §9 a private message',
      "<body>b</body><private xmlns='urn:xmpp:carbons:2'/><no-copy xmlns='urn:xmpp:hints'/>",
      ['body', 'private', 'no-copy'],
    ],
    [
      'XEP-0334 §4 hints',
      "<no-store xmlns='urn:xmpp:hints'/><no-permanent-store xmlns='urn:xmpp:hints'/>",
      ['no-store', 'no-permanent-store'],
    ],
    ['a hint that is not defined', "<maybe xmlns='urn:xmpp:hints'/>", []],
    [
      'XEP-0384 §5.5 OMEMO',
      "<encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/><payload>x</payload></encrypted>" +
        "<encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:omemo:2'/><body>b</body>",
      ['encrypted', 'body'],
    ],
    [
      'OMEMO as it was before',
      "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/><payload>x</payload>" +
        '</encrypted>',
      ['encrypted'],
    ],
    [
      'XEP-0384 §5.5 an empty OMEMO message',
      "<encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/></encrypted>" +
        "<store xmlns='urn:xmpp:hints'/>",
      ['key-exchange', 'store'],
    ],
    [
      'an empty OMEMO message that says how it is encrypted',
      "<encryption xmlns='urn:xmpp:eme:0' namespace='eu.siacs.conversations.axolotl'/>" +
        "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/></encrypted>",
      ['key-exchange'],
    ],
    [
      'XEP-0380 §3.1 OTR, in the body',
      "<body>?OTR?v23?</body><encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:otr:0'/>",
      ['body', 'encrypted'],
    ],
    ['XEP-0373 OpenPGP', "<openpgp xmlns='urn:xmpp:openpgp:0'>x</openpgp>", ['encrypted']],
    ['XEP-0027 OpenPGP', "<x xmlns='jabber:x:encrypted'>x</x>", ['encrypted']],
    [
      'XEP-0226 §4.8 metadata',
      "<delay xmlns='urn:xmpp:delay' stamp='2002-09-10T23:08:25Z'/>" +
        "<origin-id xmlns='urn:xmpp:sid:0' id='o1'/>" +
        "<stanza-id xmlns='urn:xmpp:sid:0' by='juliet@capulet.example' id='s1'/>" +
        "<addresses xmlns='http://jabber.org/protocol/address'/>",
      [],
    ],
    ['something else', "<data xmlns='http://jabber.org/protocol/ibb' sid='s'/>", ['other']],
    ['a name from Object.prototype', '<constructor/>', ['other']],
  ])('%s', (_, children, traits) => {
    expect([...contentIn(children)].sort()).toEqual([...traits].sort());
  });

  test('XEP-0334 §5 hints in an error are none', () => {
    const echo =
      "<body>b</body><no-copy xmlns='urn:xmpp:hints'/><store xmlns='urn:xmpp:hints'/>" +
      "<no-store xmlns='urn:xmpp:hints'/><no-permanent-store xmlns='urn:xmpp:hints'/>" +
      "<error type='cancel'/>";
    expect([...contentIn(echo, 'error')]).toEqual(['body', 'error']);
  });
});

test('a message carries any of some things, or none but them', () => {
  const state = contentIn(
    "<thread>t</thread><gone xmlns='http://jabber.org/protocol/chatstates'/>",
  );
  expect(carriesAny(state, ['body', 'chat-state'])).toBe(true);
  expect(carriesAny(state, ['body', 'encrypted'])).toBe(false);
  expect(carriesOnly(state, new Set<Trait>(['chat-state', 'thread']))).toBe(true);
  expect(carriesOnly(state, new Set<Trait>(['chat-state']))).toBe(false);
  expect(carriesOnly(contentIn(''), new Set())).toBe(true);
});

test('what a message carries is read back from its text, unless a later version wrote it', () => {
  for (const children of [
    '',
    '<body>b</body>',
    "<body>b</body><request xmlns='urn:xmpp:receipts'/>",
  ]) {
    const content = contentIn(children);
    expect(readContent(writeContent(content))).toBe(content);
  }
  expect(writeContent(contentIn('<subject>s</subject><body>b</body>'))).toBe('body subject');
  expect(readContent('body smell')).toBeUndefined();
});

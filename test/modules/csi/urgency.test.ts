import { describe, expect, test } from 'vitest';
import type { Turn } from '../../../src/core/restraint.ts';
import { bareOf, parseJid } from '../../../src/jid/jid.ts';
import { HOLDABLE, type Holdable, turnOf } from '../../../src/modules/csi/urgency.ts';
import { readStored } from '../../../src/stanza/stored.ts';

const ACCOUNT = 'juliet@capulet.example';
const PHONE = `${ACCOUNT}/phone`;
const ROMEO = 'romeo@montague.example/orchard';
const ROOM = 'coven@chat.example';

const account = () => {
  const parsed = parseJid(ACCOUNT);
  if (!parsed.ok) expect.fail(parsed.why);
  return bareOf(parsed.value);
};
const judge = (xml: string, held: readonly Holdable[] = HOLDABLE): Turn => {
  const stanza = readStored(xml);
  if (stanza === undefined) expect.fail(xml);
  return turnOf(stanza, account(), new Set(held));
};
const message = (children: string, attrs = "type='chat'", from = ROMEO) =>
  `<message from='${from}' to='${PHONE}' ${attrs}>${children}</message>`;
const presence = (attrs = '', children = '', from = ROMEO) =>
  `<presence from='${from}' to='${PHONE}' ${attrs}>${children}</presence>`;
const copy = (direction: string, children: string, from = ACCOUNT, attrs = '') => {
  const [sender, recipient] =
    direction === 'sent' ? [`${ACCOUNT}/laptop`, ROMEO] : [ROMEO, ACCOUNT];
  return message(
    `<${direction} xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>` +
      `<message xmlns='jabber:client' from='${sender}' to='${recipient}' ${attrs}>${children}` +
      `</message></forwarded></${direction}>`,
    "type='chat'",
    from,
  );
};

const BODY = '<body>b</body>';
const COMPOSING = "<composing xmlns='http://jabber.org/protocol/chatstates'/>";
const RECEIPT = "<received xmlns='urn:xmpp:receipts' id='m'/>";
const MARKER = "<displayed xmlns='urn:xmpp:chat-markers:0' id='m'/>";
const NO_STORE = "<no-store xmlns='urn:xmpp:hints'/>";
const EVENT = "<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='n'/></event>";
const OMEMO =
  "<encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/><payload>x</payload></encrypted>";
const CALL = "<propose xmlns='urn:xmpp:jingle-message:0' id='c'/>";
const status = (code: string) =>
  `<x xmlns='http://jabber.org/protocol/muc#user'><item role='none'/><status code='${code}'/></x>`;

describe('XEP-0352 §3.2: for what an inactive client is woken', () => {
  test.each([
    ['a message with a body', message(BODY)],
    ['one with a body and a chat state', message(BODY + COMPOSING)],
    [
      'one with a body that asks for a receipt',
      message(`${BODY}<request xmlns='urn:xmpp:receipts'/>`),
    ],
    ['a normal one', message(BODY, '')],
    ['a headline', message(BODY, "type='headline'")],
    ['what is said in a room', message(BODY, "type='groupchat'", `${ROOM}/crone`)],
    ['an encrypted one', message(OMEMO)],
    ['a call', message(CALL)],
    ['a direct invitation', message(`<x xmlns='jabber:x:conference' jid='${ROOM}'/>`, '')],
    [
      'a reaction',
      message("<reactions id='m' xmlns='urn:xmpp:reactions:0'><reaction>👋</reaction></reactions>"),
    ],
    ['a retraction', message("<retract id='m' xmlns='urn:xmpp:message-retract:1'/>")],
    ['what is not known', message("<data xmlns='http://jabber.org/protocol/ibb' sid='s'/>")],
    ['a result of the archive', message("<result xmlns='urn:xmpp:mam:2' id='1'/>", '', ACCOUNT)],
    ['an error', message(`${COMPOSING}<error type='cancel'/>`, "type='error'")],
    ['a copy of what came elsewhere', copy('received', BODY)],
    ['a call that is taken elsewhere', copy('sent', CALL)],
    ['a request', `<iq from='${ROMEO}' to='${PHONE}' type='get' id='1'><q xmlns='urn:x'/></iq>`],
    ['an answer', `<iq from='${ROMEO}' to='${PHONE}' type='result' id='1'/>`],
    ['a request for a subscription', presence("type='subscribe'")],
    ['the answer to one', presence("type='subscribed'")],
    ['an error that answers presence', presence("type='error'", "<error type='cancel'/>")],
    ['XEP-0045 §7.2.2 that the client is in a room', presence('', status('110'), `${ROOM}/me`)],
    ['that it is not any more', presence("type='unavailable'", status('110'), `${ROOM}/me`)],
  ])('%s', (_, xml) => {
    expect(judge(xml)).toEqual({ kind: 'now' });
  });

  test.each([
    ['presence', presence('', '<show>away</show>'), `presence ${ROMEO}`, 'presence'],
    ['its end', presence("type='unavailable'"), `presence ${ROMEO}`, 'presence'],
    [
      'that of an occupant',
      presence('', status('104'), `${ROOM}/crone`),
      `presence ${ROOM}/crone`,
      'presence',
    ],
    ['a chat state', message(COMPOSING), `state ${ROMEO}`, 'chat-states'],
    [
      'a chat state with hints',
      message(`<thread>t</thread>${COMPOSING}${NO_STORE}`),
      `state ${ROMEO}`,
      'chat-states',
    ],
    ['one in a room', message(COMPOSING, "type='groupchat'"), `state ${ROMEO}`, 'chat-states'],
    ['a copy of one', copy('received', COMPOSING), `state ${ROMEO}`, 'chat-states'],
    ['a receipt', message(RECEIPT, ''), undefined, 'receipts'],
    ['a marker', message(MARKER + NO_STORE), undefined, 'receipts'],
    ['a marker with a chat state', message(MARKER + COMPOSING), undefined, 'receipts'],
    ['a copy of a receipt', copy('received', RECEIPT), undefined, 'receipts'],
    ['nothing at all', message(''), undefined, 'receipts'],
    ['a notification', message(EVENT, "type='headline'", ACCOUNT), undefined, 'events'],
    ['what the user says elsewhere', copy('sent', BODY), undefined, 'copies'],
    ['what he has seen elsewhere', copy('sent', MARKER), undefined, 'copies'],
    ['that he is typing elsewhere', copy('sent', COMPOSING), `own state ${ROMEO}`, 'copies'],
  ] as const)('but not for %s', (_, xml, key, kind) => {
    expect(judge(xml)).toEqual(key === undefined ? { kind: 'later' } : { kind: 'later', key });
    expect(judge(xml, [kind])).toMatchObject({ kind: 'later' });
    expect(
      judge(
        xml,
        HOLDABLE.filter((each) => each !== kind),
      ),
    ).toEqual({ kind: 'now' });
  });

  test('XEP-0280 §11 what others call a copy is none', () => {
    expect(judge(copy('sent', BODY, ROMEO))).toEqual({ kind: 'now' });
    expect(judge(copy('received', COMPOSING, `${ACCOUNT}/laptop`))).toEqual({ kind: 'now' });
  });
});

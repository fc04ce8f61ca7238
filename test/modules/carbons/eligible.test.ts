import { describe, expect, test } from 'vitest';
import { isEligible } from '../../../src/modules/carbons/eligible.ts';
import { readStored } from '../../../src/stanza/stored.ts';

const BODY = '<body>b</body>';
const ROOM = "<x xmlns='http://jabber.org/protocol/muc#user'/>";
const INVITATION =
  "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='a@b.example'/></x>";
const DIRECT = "<x xmlns='jabber:x:conference' jid='coven@chat.example'/>";
const PRIVATE = "<private xmlns='urn:xmpp:carbons:2'/>";
const NO_COPY = "<no-copy xmlns='urn:xmpp:hints'/>";
const COMPOSING = "<composing xmlns='http://jabber.org/protocol/chatstates'/>";
const RECEIPT = "<received xmlns='urn:xmpp:receipts' id='m'/>";
const REQUEST = "<request xmlns='urn:xmpp:receipts'/>";
const MARKER = "<displayed xmlns='urn:xmpp:chat-markers:0' id='m'/>";
const OTHER = "<data xmlns='urn:x'/>";

const messageOf = (type: string, children: string, from: string, to: string) => {
  const stanza = readStored(
    `<message from='${from}' to='${to}' type='${type}'>${children}</message>`,
  );
  if (stanza?.kind !== 'message') expect.fail(children);
  return stanza;
};

describe('XEP-0280 §6.1 the recommended rules', () => {
  test.each([
    ['of type chat, whatever it contains', 'chat', BODY, true],
    ['of type chat without a body', 'chat', OTHER, true],
    ['of type chat without anything', 'chat', '', true],
    ['of type normal with a body', 'normal', BODY, true],
    ['of type normal without a body', 'normal', OTHER, false],
    ['of no defined type, and so normal', 'x', BODY, true],
    ['of type normal: a receipt', 'normal', RECEIPT, true],
    ['of type normal: a chat state', 'normal', COMPOSING, true],
    ['of type normal: a marker', 'normal', MARKER, true],
    ['of type headline', 'headline', BODY, false],
    ['of type headline that asks for a receipt', 'headline', BODY + REQUEST, true],
    ['of type groupchat', 'groupchat', BODY, false],
    ['of type groupchat with what is used in messaging', 'groupchat', BODY + REQUEST, false],
    ['of type groupchat with an invitation', 'groupchat', DIRECT, false],
    ['an error, whatever it echoes', 'error', BODY + RECEIPT, false],
    ['XEP-0249 a direct invitation', 'normal', DIRECT, true],
    ['XEP-0045 §7.8.2 a mediated invitation', 'normal', INVITATION, true],
    ['§9 private', 'chat', BODY + PRIVATE + NO_COPY, false],
    ['§9 private, without the hint', 'chat', BODY + PRIVATE, false],
    ['XEP-0334 §4.3 not to be copied', 'chat', BODY + NO_COPY, false],
    ['§9 a private invitation', 'normal', DIRECT + PRIVATE, false],
    ['private in another namespace', 'chat', "<private xmlns='urn:x'/>", true],
    ['what has the look of a copy', 'chat', "<received xmlns='urn:xmpp:carbons:2'/>", false],
  ])('%s', (_, type, children, isCopied) => {
    const message = messageOf(type, children, 'a@b.example/r', 'c@d.example/s');
    expect(isEligible(message, 'sent')).toBe(isCopied);
    expect(isEligible(message, 'received')).toBe(isCopied);
  });

  const OCCUPANT = 'coven@chat.example/crone';
  const ROOM_JID = 'coven@chat.example';
  const USER = 'hag66@shakespeare.example/pda';
  test.each([
    ['a private message to an occupant', 'chat', BODY + ROOM, 'sent', USER, OCCUPANT, true],
    ['one of type normal without a body', 'normal', ROOM, 'sent', USER, OCCUPANT, true],
    ['a private message from an occupant', 'chat', BODY + ROOM, 'received', OCCUPANT, USER, false],
    ['one of type normal', 'normal', BODY + ROOM, 'received', OCCUPANT, USER, false],
    ['one that asks for a receipt', 'chat', REQUEST + ROOM, 'received', OCCUPANT, USER, false],
    ['what a room itself says', 'normal', BODY + ROOM, 'received', ROOM_JID, USER, true],
    ['its status only', 'normal', ROOM, 'received', ROOM_JID, USER, false],
    ['an invitation from a full JID', 'normal', INVITATION, 'received', OCCUPANT, USER, true],
    ['a private message to be kept private', 'chat', PRIVATE + ROOM, 'sent', USER, OCCUPANT, false],
  ] as const)('rooms: %s', (_, type, children, direction, from, to, isCopied) => {
    expect(isEligible(messageOf(type, children, from, to), direction)).toBe(isCopied);
  });
});

/** XEP-0390 §4: the hashes of its examples. XEP-0115's are in index.test.ts. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { markOf } from '../../../src/modules/caps/marks.ts';
import { hashInput, readInfo, verificationString } from '../../../src/modules/caps/verification.ts';
import { readStored } from '../../../src/stanza/stored.ts';
import { parse } from '../../support/scene.ts';

const SIMPLE = `<query xmlns="http://jabber.org/protocol/disco#info"><identity category="client" name="BombusMod" type="mobile"/><feature var="http://jabber.org/protocol/si"/><feature var="http://jabber.org/protocol/bytestreams"/><feature var="http://jabber.org/protocol/chatstates"/><feature var="http://jabber.org/protocol/disco#info"/><feature var="http://jabber.org/protocol/disco#items"/><feature var="urn:xmpp:ping"/><feature var="jabber:iq:time"/><feature var="jabber:iq:privacy"/><feature var="jabber:iq:version"/><feature var="http://jabber.org/protocol/rosterx"/><feature var="urn:xmpp:time"/><feature var="jabber:x:oob"/><feature var="http://jabber.org/protocol/ibb"/><feature var="http://jabber.org/protocol/si/profile/file-transfer"/><feature var="urn:xmpp:receipts"/><feature var="jabber:iq:roster"/><feature var="jabber:iq:last"/></query>`;
const COMPLEX = `<query xmlns="http://jabber.org/protocol/disco#info"><identity category="client" name="Tkabber" type="pc" xml:lang="en"/><identity category="client" name="Ткаббер" type="pc" xml:lang="ru"/><feature var="games:board"/><feature var="http://jabber.org/protocol/activity"/><feature var="http://jabber.org/protocol/activity+notify"/><feature var="http://jabber.org/protocol/bytestreams"/><feature var="http://jabber.org/protocol/chatstates"/><feature var="http://jabber.org/protocol/commands"/><feature var="http://jabber.org/protocol/disco#info"/><feature var="http://jabber.org/protocol/disco#items"/><feature var="http://jabber.org/protocol/evil"/><feature var="http://jabber.org/protocol/feature-neg"/><feature var="http://jabber.org/protocol/geoloc"/><feature var="http://jabber.org/protocol/geoloc+notify"/><feature var="http://jabber.org/protocol/ibb"/><feature var="http://jabber.org/protocol/iqibb"/><feature var="http://jabber.org/protocol/mood"/><feature var="http://jabber.org/protocol/mood+notify"/><feature var="http://jabber.org/protocol/rosterx"/><feature var="http://jabber.org/protocol/si"/><feature var="http://jabber.org/protocol/si/profile/file-transfer"/><feature var="http://jabber.org/protocol/tune"/><feature var="http://www.facebook.com/xmpp/messages"/><feature var="http://www.xmpp.org/extensions/xep-0084.html#ns-metadata+notify"/><feature var="jabber:iq:avatar"/><feature var="jabber:iq:browse"/><feature var="jabber:iq:dtcp"/><feature var="jabber:iq:filexfer"/><feature var="jabber:iq:ibb"/><feature var="jabber:iq:inband"/><feature var="jabber:iq:jidlink"/><feature var="jabber:iq:last"/><feature var="jabber:iq:oob"/><feature var="jabber:iq:privacy"/><feature var="jabber:iq:roster"/><feature var="jabber:iq:time"/><feature var="jabber:iq:version"/><feature var="jabber:x:data"/><feature var="jabber:x:event"/><feature var="jabber:x:oob"/><feature var="urn:xmpp:avatar:metadata+notify"/><feature var="urn:xmpp:ping"/><feature var="urn:xmpp:receipts"/><feature var="urn:xmpp:time"/><x xmlns="jabber:x:data" type="result"><field type="hidden" var="FORM_TYPE"><value>urn:xmpp:dataforms:softwareinfo</value></field><field var="software"><value>Tkabber</value></field><field var="software_version"><value>0.11.1-svn-20111216-mod (Tcl/Tk 8.6b2)</value></field><field var="os"><value>Windows</value></field><field var="os_version"><value>XP</value></field></x></query>`;

describe('XEP-0390 §4', () => {
  test.each([
    ['§4.5.1', SIMPLE, 'sha256', 'kzBZbkqJ3ADrj7v08reD1qcWUwNGHaidNUgD7nHpiw8='],
    ['§4.5.1', SIMPLE, 'sha3-256', '79mdYAfU9rEdTOcWDO7UEAt6E56SUzk/g6TnqUeuD9Q='],
    ['§4.5.2', COMPLEX, 'sha256', 'u79ZroNJbdSWhdSp311mddz44oHHPsEBntQ5b1jqBSY='],
    ['§4.5.2', COMPLEX, 'sha3-256', 'XpUJzLAc93258sMECZ3FJpebkzuyNXDzRNwQog8eycg='],
  ])('%s its example by its hash', (_clause, xml, hash, expected) => {
    const input = hashInput(parse(xml)) ?? expect.fail('no input');
    expect(createHash(hash).update(input).digest('base64')).toBe(expected);
  });

  test.each([
    [
      'another element',
      "<query xmlns='http://jabber.org/protocol/disco#info'><x xmlns='urn:x'/></query>",
    ],
    [
      'a form without FORM_TYPE',
      "<query xmlns='http://jabber.org/protocol/disco#info'><x xmlns='jabber:x:data' type='result'/></query>",
    ],
    [
      'a form with items',
      "<query xmlns='http://jabber.org/protocol/disco#info'><x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE'><value>x</value></field><item/></x></query>",
    ],
  ])('§4.1 %s is an error', (_title, xml) => {
    expect(hashInput(parse(xml))).toBeUndefined();
  });
});

describe('XEP-0115 §5.4: what is ill-formed', () => {
  const info = (inner: string) =>
    readInfo(parse(`<query xmlns='http://jabber.org/protocol/disco#info'>${inner}</query>`));
  const identity = "<identity category='client' type='pc' name='x'/>";
  const form = (type: string) =>
    `<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='${type}'><value>urn:x</value></field></x>`;
  test('an identity, a feature or a form that is there twice', () => {
    expect(info(identity + identity)).toBeUndefined();
    expect(info("<feature var='a'/><feature var='a'/>")).toBeUndefined();
    expect(info(form('hidden') + form('hidden'))).toBeUndefined();
    expect(info(identity + form('hidden'))?.forms).toHaveLength(1);
  });
  test('a form whose FORM_TYPE has several values', () => {
    const twice = form('hidden').replace('</value>', '</value><value>urn:y</value>');
    expect(info(twice)).toBeUndefined();
  });
  test('a form whose FORM_TYPE is not hidden is ignored', () => {
    expect(info(form('text-single'))?.forms).toEqual([]);
  });
});

describe('XEP-0115 §9: one string of two answers', () => {
  const answer = (inner: string) =>
    parse(`<query xmlns='http://jabber.org/protocol/disco#info'>${inner}</query>`);
  const identity = (name: string) => `<identity category='client' type='pc' name='${name}'/>`;
  const [first, second] = ['d/e/f/g+notify', 'h+notify'].map((name) => `<feature var='${name}'/>`);
  const honest = `${identity('x')}${first}${second}`;
  const form =
    "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>" +
    '<value>h+notify</value></field></x>';
  test.each([
    ['the sign between parts', `${identity('x&lt;d/e/f/g+notify')}${second}`],
    [
      'an identity',
      `${identity('x')}<identity category='d' type='e' xml:lang='f' name='g+notify'/>${second}`,
    ],
    ['a form', `${identity('x')}${first}${form}`],
  ])('%s that says what was a feature is believed of nobody else', (_, inner) => {
    const ver = verificationString(readInfo(answer(honest)) ?? expect.fail('ill-formed'));
    const stanza = readStored(
      `<presence from='a@b/c' to='d@e'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='${ver}'/></presence>`,
    );
    const mark = stanza?.kind === 'presence' ? markOf(stanza) : undefined;
    expect(mark?.verify?.(answer(honest))).toBe(true);
    expect(mark?.verify?.(answer(inner))).toBe(false);
  });
});

describe('the mark of a presence', () => {
  const mark = (inner: string) => {
    const stanza = readStored(`<presence from='a@b/c' to='d@e'>${inner}</presence>`);
    if (stanza?.kind !== 'presence') expect.fail('no presence');
    return markOf(stanza);
  };
  const hash = (algo: string, value = 'abc=') =>
    `<c xmlns='urn:xmpp:caps'><hash xmlns='urn:xmpp:hashes:2' algo='${algo}'>${value}</hash></c>`;
  const c = (hashes = "hash='sha-1'") =>
    `<c xmlns='http://jabber.org/protocol/caps' ${hashes} node='urn:n' ver='v='/>`;

  test('XEP-0390 goes before XEP-0115, and names its node', () => {
    expect(mark(c() + hash('sha-256'))).toMatchObject({ node: 'urn:xmpp:caps#sha-256.abc=' });
    expect(mark(c())).toMatchObject({ key: 'sha-1 v=', node: 'urn:n#v=' });
  });
  test('hashes that are broken, or not known, are passed over', () => {
    expect(mark(c() + hash('sha-1'))).toMatchObject({ node: 'urn:n#v=' });
    expect(mark(hash('md5'))).toBeUndefined();
    expect(mark(c("hash='constructor'"))?.verify).toBeUndefined();
    expect(mark(c(''))).toMatchObject({ key: '? urn:n#v=', node: 'urn:n#v=' });
    expect(mark(hash('sha-256', 'x'.repeat(2000)))).toBeUndefined();
    expect(mark('')).toBeUndefined();
  });
});

/** What clients keep at accounts, as the XEPs of these nodes ask it of a server; their own examples. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { childrenOf, type Element, serialise } from '../../../src/xml/element.ts';
import type { Actor, Scene } from '../../support/scene.ts';
import {
  ask,
  befriend,
  calm,
  connectClient,
  errorOf,
  expectDone,
  expectHeard,
  heard,
  idsIn,
  openHouse,
  publish,
} from './house.ts';

const JULIET = 'juliet@capulet.lit';
const ROMEO = 'romeo@montague.lit';
const STRANGER = 'benvolio@montague.lit';

const MOOD = 'http://jabber.org/protocol/mood';
const TUNE = 'http://jabber.org/protocol/tune';
const NICK = 'http://jabber.org/protocol/nick';
const VCARD = 'urn:xmpp:vcard4';
const CONTACTS = 'urn:xmpp:contacts';
const BLOG = 'urn:xmpp:microblog:0';
const POST = '1cb57d9c-1c46-11dd-838c-001143d5d5db';

const vcard = (name: string) =>
  `<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'><fn><text>${name}</text></fn><n><surname>Saint-Andre</surname><given>Peter</given><additional/></n><adr><parameters><type><text>work</text></type><pref><integer>1</integer></pref></parameters><ext>Suite 600</ext></adr></vcard>`;
const post = (title: string) =>
  `<entry xmlns='http://www.w3.org/2005/Atom'><title type='text'>${title}</title><id>tag:montague.lit,2008-05-08:posts-${POST}</id><published>2008-05-08T18:30:02Z</published><updated>2008-05-08T18:30:02Z</updated></entry>`;
const rich = `<entry xmlns='http://www.w3.org/2005/Atom'><title type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>hanging out at the <strong>Caf\u{e9} Napolitano</strong></p></div></title><generator uri='https://capu.chat' version='42'>CapuChat</generator></entry>`;
const feed = `<feed xmlns='http://www.w3.org/2005/Atom'><title>Romeo's Microblog</title><id>tag:montague.lit,2008:home</id><author><name>Romeo Montague</name><uri>xmpp:romeo@montague.lit</uri></author></feed>`;

let scene: Scene;
let juliet: Actor;
let romeo: Actor;
let stranger: Actor;
const nodes = [MOOD, TUNE, NICK, VCARD, CONTACTS, BLOG];
beforeEach(async () => {
  scene = await openHouse([JULIET, ROMEO, STRANGER]);
  await befriend(scene, JULIET, ROMEO);
  juliet = await connectClient(scene, `${JULIET}/balcony`, nodes);
  romeo = await connectClient(scene, `${ROMEO}/orchard`, nodes);
  stranger = await connectClient(scene, `${STRANGER}/pda`, nodes);
  juliet.inbox.length = 0;
});
afterEach(() => scene.stop());

type Options = Parameters<typeof publish>[3];
/** Publishes as the owner, and answers the id that the item has. */
const put = async (node: string, payload: string, id = '', options?: Options) => {
  const item = `<item${id === '' ? '' : ` id='${id}'`}>${payload}</item>`;
  const done = expectDone(await publish(juliet, node, item, options));
  await calm(scene);
  return idsIn(done)[0] ?? '';
};
const read = (actor: Actor, node: string) => ask(actor, 'get', `<items node='${node}'/>`, JULIET);
const notice = (to: Actor, node: string, item: string) =>
  `<message from='${JULIET}' to='${to.jid}' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'><items node='${node}'>${item}</items></event><addresses xmlns='http://jabber.org/protocol/address'><address type='replyto' jid='${juliet.jid}'/></addresses></message>`;
const payloadIn = (answer: Element) => {
  const [pubsub] = childrenOf(answer);
  const [items] = childrenOf(pubsub ?? answer);
  const [item] = childrenOf(items ?? answer);
  return serialise(childrenOf(item ?? answer)[0] ?? expect.fail(serialise(answer)));
};

describe.each([
  [
    'XEP-0107 §2.2 a mood',
    MOOD,
    `<mood xmlns='${MOOD}'><annoyed/><text>curse my nurse!</text></mood>`,
    `<mood xmlns='${MOOD}'/>`,
  ],
  [
    'XEP-0118 §2.2 a tune',
    TUNE,
    `<tune xmlns='${TUNE}'><artist>Yes</artist><length>686</length><rating>8</rating><source>Yessongs</source><title>Heart of the Sunrise</title><track>3</track><uri>http://www.yesworld.com/lyrics/Fragile.html#9</uri></tune>`,
    `<tune xmlns='${TUNE}'/>`,
  ],
  [
    'XEP-0172 §4.3 a nick',
    NICK,
    `<nick xmlns='${NICK}'>CallMeIshmael</nick>`,
    `<nick xmlns='${NICK}'/>`,
  ],
])('%s', (_title, node, payload, none) => {
  test('is told to contacts and the user’s own clients as it is, then that there is none', async () => {
    for (const said of [payload, none]) {
      const id = await put(node, said);
      expect(id).not.toBe('');
      const item = `<item id='${id}'>${said}</item>`;
      expectHeard(romeo, notice(romeo, node, item));
      expectHeard(juliet, notice(juliet, node, item));
      expectHeard(stranger);
    }
  });

  test('only the last one is kept, and sent to contacts who come', async () => {
    await put(node, none);
    const id = await put(node, payload);
    expect(idsIn(await read(juliet, node))).toEqual([id]);
    expect(errorOf(await read(stranger, node))).toContain('presence-subscription-required');
    const late = await connectClient(scene, `${ROMEO}/late`, []);
    const { capsOf, answering } = await import('./house.ts');
    answering(late, [node]);
    await late.send(`<presence>${capsOf([node])}</presence>`);
    await calm(scene);
    expect(heard(late)).toEqual([`${node} ${id}`]);
  });
});

describe('XEP-0292: vCard4', () => {
  const open = { persist_items: 'true', access_model: 'open' };

  test('§4.1 one is published with all that is in it, and anybody reads it', async () => {
    const id = await put(VCARD, vcard('Peter Saint-Andre'), '', open);
    expect(id).not.toBe('');
    const answer = await read(stranger, VCARD);
    expect(idsIn(answer)).toEqual([id]);
    expect(payloadIn(answer)).toBe(vcard('Peter Saint-Andre').replaceAll("'", '"'));
    expect(heard(romeo)).toEqual([`${VCARD} ${id}`]);
    const next = await put(VCARD, vcard('Peter'), '', open);
    expect(idsIn(await read(stranger, VCARD)), 'it is replaced as a whole').toEqual([next]);
  });

  test('§4.2 it is told without payload where the node wants that', async () => {
    const id = await put(VCARD, vcard('Peter'), '', { ...open, deliver_payloads: '0' });
    expectHeard(romeo, notice(romeo, VCARD, `<item id='${id}'/>`));
  });

  test('§5.2 cards of contacts are for the user alone, each by its address', async () => {
    const own = { persist_items: 'true', access_model: 'whitelist', max_items: 'max' };
    const phone = await connectClient(scene, `${JULIET}/phone`, nodes);
    juliet.inbox.length = 0;
    await put(CONTACTS, vcard('Samantha Mizzi'), 'samizzi@cisco.com', own);
    await put(CONTACTS, vcard('Peter'), 'stpeter@jabber.org', own);
    const told = [`${CONTACTS} samizzi@cisco.com`, `${CONTACTS} stpeter@jabber.org`];
    expect(heard(juliet)).toEqual(told);
    expect(heard(phone)).toEqual(told);
    expect(heard(romeo)).toEqual([]);
    expect(errorOf(await read(romeo, CONTACTS))).toContain('closed-node');
    expect(idsIn(await read(phone, CONTACTS))).toEqual(['samizzi@cisco.com', 'stpeter@jabber.org']);
  });
});

describe('XEP-0277: Microblogging', () => {
  const config = {
    access_model: 'open',
    notify_retract: '1',
    max_items: '20',
    send_last_published_item: 'never',
  };

  test('§2.3, §2.4 posts are told as they are, rich ones too', async () => {
    await put(BLOG, post('hanging out at the Caf\u{e9} Napolitano'), POST, config);
    const item = `<item id='${POST}'>${post('hanging out at the Caf\u{e9} Napolitano')}</item>`;
    expectHeard(romeo, notice(romeo, BLOG, item));
    await put(BLOG, rich, 'rich', config);
    expectHeard(romeo, notice(romeo, BLOG, `<item id='rich'>${rich}</item>`));
    expectHeard(stranger);
  });

  test('§4, §5 many are kept, with the item about the blog; anybody may read an open one', async () => {
    await put(BLOG, feed, '0', config);
    for (const id of ['a', 'b', 'c']) await put(BLOG, post(id), id, config);
    expect(idsIn(await read(stranger, BLOG))).toEqual(['0', 'a', 'b', 'c']);
    const some = `<items node='${BLOG}' max_items='2'/>`;
    expect(idsIn(await ask(stranger, 'get', some, JULIET))).toEqual(['b', 'c']);
    const late = await connectClient(scene, `${ROMEO}/late`, nodes);
    await calm(scene);
    expect(heard(late), 'nothing old is sent unasked').toEqual([]);
  });

  test('§4.1 who follows hears of a post that is taken back', async () => {
    await put(BLOG, post('a'), 'a', config);
    expectDone(await ask(stranger, 'set', `<subscribe node='${BLOG}' jid='${STRANGER}'/>`, JULIET));
    romeo.inbox.length = 0;
    expectDone(await ask(juliet, 'set', `<retract node='${BLOG}'><item id='a'/></retract>`));
    await calm(scene);
    for (const actor of [romeo, stranger]) expect(heard(actor)).toEqual([`${BLOG} -a`]);
  });
});

/**
 * What clients say to each other by XEPs that ask little of a server: to pass it on as it is, to copy
 * it (XEP-0280 §6.1), and to keep it for later or not. One line for each clause.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { carbons } from '../../src/modules/carbons/index.ts';
import { disco } from '../../src/modules/disco/index.ts';
import { modules } from '../../src/modules/index.ts';
import { offline } from '../../src/modules/offline/index.ts';
import { presence } from '../../src/modules/presence/index.ts';
import { roster } from '../../src/modules/roster/index.ts';
import { type Element, el } from '../../src/xml/element.ts';
import { conditionIn, resultIn } from '../support/answers.ts';
import { canonical } from '../support/canonical.ts';
import { type Actor, type Scene, startScene } from '../support/scene.ts';

const ROMEO = 'romeo@montague.example';
const JULIET = 'juliet@capulet.example';

const CHAT_STATES = 'http://jabber.org/protocol/chatstates';
const STORE = "<store xmlns='urn:xmpp:hints'/>";
const NO_STORE = "<no-store xmlns='urn:xmpp:hints'/>";
const ENCRYPTED =
  "<encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/><payload>x</payload></encrypted>";

/** What becomes of a message to who is away: `kept` for him, `forgotten`, or `refused`. */
type Later = 'kept' | 'forgotten' | 'refused';

const CASES: readonly (readonly [
  clause: string,
  attrs: string,
  children: string,
  isCopied: boolean,
  later: Later,
])[] = [
  // XEP-0085
  [
    'XEP-0085 §2 a content message with a chat state',
    "type='chat'",
    `<body>Who's there?</body><active xmlns='${CHAT_STATES}'/>`,
    true,
    'kept',
  ],
  [
    'XEP-0085 §5.8 a standalone notification is not kept',
    "type='chat'",
    `<composing xmlns='${CHAT_STATES}'/>`,
    true,
    'forgotten',
  ],
  [
    'XEP-0085 §5.6 one with a thread neither',
    "type='chat'",
    `<thread>act2scene2chat1</thread><gone xmlns='${CHAT_STATES}'/>`,
    true,
    'forgotten',
  ],
  [
    'XEP-0085 §5.4 nor one of a type that it should not have',
    '',
    `<paused xmlns='${CHAT_STATES}'/>`,
    true,
    'forgotten',
  ],
  [
    'XEP-0085 §5.8, XEP-0334 §4.2 nor is it refused for the hint that it is not to be kept',
    "type='chat'",
    `<inactive xmlns='${CHAT_STATES}'/>${NO_STORE}`,
    true,
    'forgotten',
  ],
  // XEP-0184
  [
    'XEP-0184 §7 a content message that asks for a receipt',
    "id='richard2-4.1.247'",
    "<body>My lord, dispatch; read o'er these articles.</body><request xmlns='urn:xmpp:receipts'/>",
    true,
    'kept',
  ],
  [
    'XEP-0184 §7 a receipt reaches who is away later, for it is of the sender’s message',
    "id='bi29sg183b4v'",
    "<received xmlns='urn:xmpp:receipts' id='richard2-4.1.247'/>",
    true,
    'kept',
  ],
  [
    'XEP-0184 §7 a receipt of another type than its message',
    "type='chat' id='bi29sg183b4v'",
    "<received xmlns='urn:xmpp:receipts' id='richard2-4.1.247'/>",
    true,
    'kept',
  ],
  // XEP-0333
  [
    'XEP-0333 §4.1 a message that may be marked',
    "id='the-msg-1'",
    "<body>Hi. How are you?</body><markable xmlns='urn:xmpp:chat-markers:0'/>" +
      "<request xmlns='urn:xmpp:receipts'/>",
    true,
    'kept',
  ],
  [
    'XEP-0333 §2 a marker is there whether anybody is online or not',
    '',
    "<displayed xmlns='urn:xmpp:chat-markers:0' id='the-msg-1'/>",
    true,
    'kept',
  ],
  // XEP-0308
  [
    'XEP-0308 §3 a correction is a message of its own, with its own id',
    "id='good1'",
    '<body>But soft, what light through yonder window breaks?</body>' +
      "<replace id='bad1' xmlns='urn:xmpp:message-correct:0'/>",
    true,
    'kept',
  ],
  // XEP-0424
  [
    'XEP-0424 §3 a retraction',
    "type='chat' id='retract-message-1'",
    "<retract id='wrong-recipient-1' xmlns='urn:xmpp:message-retract:1'/>" +
      "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:message-retract:1'/>" +
      `<body>/me retracted a previous message.</body>${STORE}`,
    true,
    'kept',
  ],
  [
    'XEP-0424 §5 who was offline hears of it, though it says nothing else',
    "type='chat' id='retract-message-1'",
    "<retract id='wrong-recipient-1' xmlns='urn:xmpp:message-retract:1'/>",
    true,
    'kept',
  ],
  // XEP-0444
  [
    'XEP-0444 §3.1 a reaction',
    "type='chat' id='7fdd29fa-a57a-11e9-b04a-4889e7820c76'",
    "<reactions id='744f6e18' xmlns='urn:xmpp:reactions:0'><reaction>👋</reaction></reactions>" +
      STORE,
    true,
    'kept',
  ],
  [
    'XEP-0444 §3.2 one that takes all back',
    "type='chat' id='973c9d2e-a57a-11e9-af82-4889e7820c76'",
    `<reactions id='744f6e18' xmlns='urn:xmpp:reactions:0'/>${STORE}`,
    true,
    'kept',
  ],
  [
    'XEP-0444 §4 one to a message that is not to be kept bears no hint, or the same',
    "type='chat' id='973c9d2e'",
    `<reactions id='744f6e18' xmlns='urn:xmpp:reactions:0'/>${NO_STORE}`,
    true,
    'refused',
  ],
  // XEP-0461
  [
    'XEP-0461 §3 a reply',
    "type='chat' id='message-id2'",
    '<body>Great idea!</body>' +
      "<reply to='anna@example.com/tablet' id='message-id1' xmlns='urn:xmpp:reply:0'/>",
    true,
    'kept',
  ],
  [
    'XEP-0461 §3.1 a reply with what it answers for clients that do not know of it',
    "type='chat' id='message-id3'",
    '<body>&gt; Anna wrote:\n&gt; We should bake a cake\nGreat idea!</body>' +
      "<reply to='anna@example.com/laptop' id='message-id1' xmlns='urn:xmpp:reply:0'/>" +
      "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='38'/>" +
      '</fallback>',
    true,
    'kept',
  ],
  // XEP-0490
  [
    'XEP-0490 §4.5 where server assist is off, what would ask for it is passed on',
    '',
    "<displayed xmlns='urn:xmpp:chat-markers:0' id='the-msg-1'/>" +
      "<displayed xmlns='urn:xmpp:mds:displayed:0'>" +
      `<stanza-id xmlns='urn:xmpp:sid:0' by='${ROMEO}' id='0423e3a9'/></displayed>`,
    true,
    'kept',
  ],
  // XEP-0334
  [
    'XEP-0334 §4.1 not to be kept for good: kept until it is delivered',
    "type='chat'",
    "<body>b</body><no-permanent-store xmlns='urn:xmpp:hints'/>",
    true,
    'kept',
  ],
  [
    'XEP-0334 §4.2 not to be kept at all',
    "type='chat'",
    `<body>b</body>${NO_STORE}`,
    true,
    'refused',
  ],
  [
    'XEP-0334 §4.3 not to be copied',
    "type='chat'",
    "<body>b</body><no-copy xmlns='urn:xmpp:hints'/>",
    false,
    'kept',
  ],
  [
    'XEP-0334 §3.1 neither nor',
    '',
    `<body>V unir</body><no-copy xmlns='urn:xmpp:hints'/>${NO_STORE}`,
    false,
    'refused',
  ],
  [
    'XEP-0334 §4.4 to be kept, whatever it is',
    "type='chat'",
    `<composing xmlns='${CHAT_STATES}'/>${STORE}`,
    true,
    'kept',
  ],
  [
    'XEP-0334 §4.2 of two hints that contradict each other, the careful one',
    "type='chat'",
    `<body>b</body>${STORE}${NO_STORE}`,
    true,
    'refused',
  ],
  // Encryption
  ['XEP-0384 §5.5 OMEMO without a body', "type='chat'", ENCRYPTED + STORE, true, 'kept'],
  [
    'XEP-0384 §5.5 an empty OMEMO message, which serves its session',
    "type='chat'",
    "<encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/></encrypted>",
    true,
    'kept',
  ],
  [
    'XEP-0380 §3.1 OTR',
    "id='secret1'",
    "<body>?OTR?v23?</body><encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:otr:0'/>",
    true,
    'kept',
  ],
  // Calls
  [
    'XEP-0353 §3.1 a call',
    "type='chat' id='ca3cf894-5325-482f-a412-a6e9f832298d'",
    "<propose xmlns='urn:xmpp:jingle-message:0' id='ca3cf894'><description " +
      `xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose>${STORE}`,
    true,
    'kept',
  ],
];

describe('what clients say to each other', () => {
  let scene: Scene;
  let romeo: Actor;
  const messages = (actor: Actor) => actor.inbox.splice(0).filter(({ name }) => name === 'message');
  const arrive = async (jid: string) => {
    const actor = await scene.connect(jid);
    const enable = "<enable xmlns='urn:xmpp:carbons:2'/>";
    expect(resultIn(await actor.ask('set', enable))).toBe('');
    await actor.send('<presence/>');
    return actor;
  };
  const isCopy = ({ children }: Element) =>
    children.some((child) => typeof child !== 'string' && child.name === 'received');

  beforeEach(async () => {
    scene = await startScene({
      modules: [roster, presence, carbons, offline, disco],
      accounts: [ROMEO, JULIET],
    });
    romeo = await arrive(`${ROMEO}/orchard`);
  });
  afterEach(() => scene.stop());

  test.each(CASES)('%s', async (_, attrs, children, isCopied, later) => {
    const send = (to: string) => romeo.send(`<message to='${to}' ${attrs}>${children}</message>`);
    const asIs = (to: string) =>
      canonical(`<message from='${ROMEO}/orchard' to='${to}' ${attrs}>${children}</message>`);

    const [balcony, chamber] = [
      await arrive(`${JULIET}/balcony`),
      await arrive(`${JULIET}/chamber`),
    ];
    messages(balcony);
    await send(`${JULIET}/balcony`);
    expect(messages(balcony).map(canonical)).toEqual([asIs(`${JULIET}/balcony`)]);
    expect(messages(chamber).map(isCopy)).toEqual(isCopied ? [true] : []);
    await send(JULIET);
    for (const actor of [balcony, chamber])
      expect(messages(actor).map(canonical)).toEqual([asIs(JULIET)]);
    expect(messages(romeo)).toEqual([]);

    await balcony.disconnect();
    await chamber.disconnect();
    await send(JULIET);
    expect(messages(romeo).map(conditionIn)).toEqual(
      later === 'refused' ? ['service-unavailable'] : [],
    );
    const back = await arrive(`${JULIET}/balcony`);
    const late = messages(back).map((message) => {
      const undelayed = message.children.filter(
        (child) => typeof child === 'string' || child.name !== 'delay',
      );
      return canonical(el('message', message.attrs, ...undelayed));
    });
    expect(late).toEqual(later === 'kept' ? [asIs(JULIET)] : []);
  });

  test('XEP-0085 §5.8 the server makes no chat states: who goes says so by presence only', async () => {
    const balcony = await arrive(`${JULIET}/balcony`);
    await romeo.send(`<message to='${JULIET}' type='chat'><body>b</body></message>`);
    messages(balcony);
    await romeo.disconnect();
    expect(messages(balcony)).toEqual([]);
  });

  test('XEP-0184 §7, XEP-0333 §4.2 nor receipts, nor markers', async () => {
    const balcony = await arrive(`${JULIET}/balcony`);
    await romeo.send(
      `<message to='${JULIET}' id='m1'><body>b</body><request xmlns='urn:xmpp:receipts'/>` +
        "<markable xmlns='urn:xmpp:chat-markers:0'/></message>",
    );
    expect(messages(balcony)).toHaveLength(1);
    expect(messages(romeo)).toEqual([]);
  });
});

test.each([
  ['XEP-0085 §4', 'http://jabber.org/protocol/chatstates'],
  ['XEP-0184 §6', 'urn:xmpp:receipts'],
  ['XEP-0333 §3', 'urn:xmpp:chat-markers:0'],
  ['XEP-0308 §2', 'urn:xmpp:message-correct:0'],
  ['XEP-0444 §2.1', 'urn:xmpp:reactions:0'],
  ['XEP-0461 §2', 'urn:xmpp:reply:0'],
])('%s is a feature of clients (%s), which the server does not pretend to have', (_, feature) => {
  const all = modules.flatMap(({ features, accountFeatures }) => [...features, ...accountFeatures]);
  expect(all).not.toContain(feature);
});

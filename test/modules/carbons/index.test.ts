import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AnyModule, defineModule } from '../../../src/core/module.ts';
import type { Receipt } from '../../../src/core/parcel.ts';
import { bareOf, parseJid } from '../../../src/jid/jid.ts';
import { archive } from '../../../src/modules/archive/index.ts';
import { carbons } from '../../../src/modules/carbons/index.ts';
import { disco } from '../../../src/modules/disco/index.ts';
import { offline } from '../../../src/modules/offline/index.ts';
import { presence } from '../../../src/modules/presence/index.ts';
import { roster } from '../../../src/modules/roster/index.ts';
import { message } from '../../../src/stanza/build.ts';
import { messageForwardedIn } from '../../../src/stanza/forward.ts';
import { withChildren } from '../../../src/stanza/stanza.ts';
import { childOf, childrenOf, type Element, el, textOf } from '../../../src/xml/element.ts';
import { conditionIn, resultIn } from '../../support/answers.ts';
import { canonical } from '../../support/canonical.ts';
import { type Actor, type Scene, startScene } from '../../support/scene.ts';

const ROMEO = 'romeo@montague.example';
const JULIET = 'juliet@capulet.example';
const TYBALT = 'tybalt@capulet.example';
const COVEN = 'coven@capulet.example';
const ENABLE = "<enable xmlns='urn:xmpp:carbons:2'/>";
const DISABLE = "<disable xmlns='urn:xmpp:carbons:2'/>";
const NS = 'urn:xmpp:carbons:2';

/** What a message is for its recipient: its body, or of which direction a copy with which body. */
const told = (message: Element): string => {
  for (const direction of ['sent', 'received']) {
    const copy = childOf(message, direction, NS);
    const forwarded = copy && childOf(copy, 'forwarded', 'urn:xmpp:forward:0');
    const original = forwarded && childOf(forwarded, 'message', 'jabber:client');
    if (original !== undefined)
      return `${direction} ${textOf(childOf(original, 'body', 'jabber:client') ?? original)}`;
  }
  const body = childOf(message, 'body');
  return body === undefined ? (conditionIn(message) ?? 'nothing') : textOf(body);
};
const messages = (actor: Actor) => actor.inbox.splice(0).filter(({ name }) => name === 'message');
const heard = (actor: Actor) => messages(actor).map(told);
/** The one message that came. */
const heardOnly = (actor: Actor): Element => {
  const [first, ...more] = messages(actor);
  if (first === undefined || more.length > 0) expect.fail(`${1 + more.length} messages or none`);
  return first;
};

/** Sees what is to be kept until somebody has it: by whom it is held then. Gives an id, as an archive. */
let keeping: string[] = [];
const keeper = defineModule({
  name: 'keeper',
  specs: [],
  setup: () => ({
    hooks: {
      asSent(message) {
        if (message.id !== 'archived') return message;
        const id = el('stanza-id', { xmlns: 'urn:xmpp:sid:0', by: 'sender', id: 'a1' });
        return withChildren(message, [...message.element.children, id]);
      },
      handing({ holders }) {
        keeping.push(holders.map(({ jid }) => jid).join(' '));
        return undefined;
      },
    },
  }),
});

let scene: Scene;
let romeo: { garden: Actor; home: Actor };
let juliet: Actor;

const begin = async (others: readonly AnyModule[] = []) => {
  keeping = [];
  scene = await startScene({
    modules: [roster, presence, ...others, carbons, offline, disco, keeper],
    accounts: [ROMEO, JULIET],
  });
  juliet = await arrive(`${JULIET}/balcony`);
  romeo = { garden: await arrive(`${ROMEO}/garden`), home: await arrive(`${ROMEO}/home`) };
};
const create = async (account: string) => {
  const parsed = parseJid(account);
  if (parsed.ok) await scene.accounts.create(bareOf(parsed.value), 'secret');
};
const arrive = async (jid: string, content = '') => {
  const actor = await scene.connect(jid);
  await actor.send(`<presence>${content}</presence>`);
  return actor;
};
const answer = (actor: Actor): Element => {
  const iq = actor.inbox.splice(0).find(({ name }) => name === 'iq');
  return iq ?? expect.fail('no answer');
};
const enable = async (...actors: Actor[]) => {
  for (const actor of actors) expect(resultIn(await actor.ask('set', ENABLE))).toBe('');
};
const say = (from: Actor, to: string, text: string, attrs = "type='chat'", more = '') =>
  from.send(`<message to='${to}' ${attrs}><body>${text}</body>${more}</message>`);
const away = '<priority>-1</priority>';

beforeEach(() => begin());
afterEach(() => scene.stop());

describe('XEP-0280 §3: Discovering Support', () => {
  test('example 2: the server names it, and the set of rules', async () => {
    const query = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
    const [info] = childrenOf(await romeo.garden.ask('get', query, 'montague.example'));
    const features = (info === undefined ? [] : childrenOf(info)).map(({ attrs }) => attrs['var']);
    expect(features).toEqual(
      expect.arrayContaining(['urn:xmpp:carbons:2', 'urn:xmpp:carbons:rules:0']),
    );
  });
});

describe('XEP-0280 §4, §5, §10.1: enabling and disabling', () => {
  test('examples 3 and 4: enabling is answered from the bare JID', async () => {
    await romeo.garden.send(`<iq id='enable1' type='set'>${ENABLE}</iq>`);
    expect(canonical(answer(romeo.garden))).toBe(
      canonical(`<iq from='${ROMEO}' id='enable1' to='${ROMEO}/garden' type='result'/>`),
    );
  });

  test('examples 6 and 7: disabling, after which nothing is copied', async () => {
    await enable(romeo.garden);
    await romeo.garden.send(`<iq id='disable1' type='set'>${DISABLE}</iq>`);
    expect(canonical(answer(romeo.garden))).toBe(
      canonical(`<iq from='${ROMEO}' id='disable1' to='${ROMEO}/garden' type='result'/>`),
    );
    await say(romeo.home, JULIET, 'x');
    await say(juliet, `${ROMEO}/home`, 'y');
    expect(heard(romeo.garden)).toEqual([]);
  });

  test('§10.1 as often as the client likes, each time or several times in a row', async () => {
    const { garden, home } = romeo;
    for (const [payload, copied] of [
      [DISABLE, []],
      [ENABLE, ['sent x']],
      [ENABLE, ['sent x']],
      [DISABLE, []],
      [DISABLE, []],
      [ENABLE, ['sent x']],
    ] as const) {
      expect(resultIn(await garden.ask('set', payload, ROMEO))).toBe('');
      await say(home, JULIET, 'x');
      expect(heard(garden)).toEqual(copied);
    }
  });

  test.each([
    ['§4.1', ENABLE],
    ['§5.1, example 8:', DISABLE],
  ])('%s not for another account, nor does it tell whether there is one', async (_, payload) => {
    await enable(romeo.garden);
    for (const to of [ROMEO, 'nobody@montague.example', 'montague.example'])
      expect(conditionIn(await juliet.ask('set', payload, to))).toBe('not-allowed');
    await say(romeo.home, JULIET, 'x');
    expect(heard(romeo.garden)).toEqual(['sent x']);
  });

  test('a session that outlives a restart of the server takes part as it did', async () => {
    const { garden, home } = romeo;
    await enable(garden);
    const { registry } = scene;
    const saved = JSON.parse(JSON.stringify(registry.saveMemory(garden.session)));
    expect(registry.saveMemory(home.session)).not.toHaveProperty('carbons');
    await enable(home);
    expect(resultIn(await garden.ask('set', DISABLE))).toBe('');
    registry.restoreMemory(garden.session, saved);
    registry.restoreMemory(juliet.session, { carbons: 'yes' });
    await say(home, JULIET, 'x');
    expect(heard(garden)).toEqual(['sent x']);
    expect(registry.saveMemory(juliet.session)).not.toHaveProperty('carbons');
  });

  test('asking for it with a get is not served', async () => {
    expect(conditionIn(await juliet.ask('get', ENABLE))).toBe('service-unavailable');
  });
});

describe('XEP-0280 §7: Receiving Messages', () => {
  test('examples 9 and 10: a message to one resource is copied to the others', async () => {
    const original = (attrs: string) => `<message ${attrs} type='chat'>
        <body>What man art thou that, thus bescreen'd in night, so stumblest on my counsel?</body>
        <thread>0e3141cd80894871a68e6fe6b1ec56fa</thread>
      </message>`;
    await enable(romeo.garden, romeo.home);
    await juliet.send(original(`to='${ROMEO}/garden'`));
    const addresses = `from='${JULIET}/balcony' to='${ROMEO}/garden'`;
    expect(canonical(heardOnly(romeo.garden))).toBe(canonical(original(addresses)));
    expect(canonical(heardOnly(romeo.home))).toBe(
      canonical(`<message from='${ROMEO}' to='${ROMEO}/home' type='chat'>
        <received xmlns='urn:xmpp:carbons:2'>
          <forwarded xmlns='urn:xmpp:forward:0'>
            ${original(`xmlns='jabber:client' ${addresses}`)}
          </forwarded>
        </received>
      </message>`),
    );
    expect(heard(romeo.garden)).toEqual([]);
    expect(heard(romeo.home)).toEqual([]);
  });

  test('example 11: what pretends to be a copy comes from who sent it, and is not copied', async () => {
    const forged = `<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>
        <message xmlns='jabber:client' from='${JULIET}/balcony' to='${ROMEO}/garden' type='chat'>
          <body>Thou shall meet me tonite, at our house's hall!</body>
        </message></forwarded></received>`;
    await create(TYBALT);
    const tybalt = await arrive(`${TYBALT}/home`);
    await enable(romeo.garden, romeo.home);
    await tybalt.send(`<message to='${ROMEO}/garden' type='chat'>${forged}</message>`);
    expect(heardOnly(romeo.garden).attrs.from).toBe(tybalt.jid);
    // §11: the account itself is the only one from whom copies are taken, and nobody speaks for it.
    await romeo.home.send(
      `<message from='${ROMEO}' to='${ROMEO}/garden' type='chat'>${forged}</message>`,
    );
    expect(heardOnly(romeo.garden).attrs.from).toBe(romeo.home.jid);
    expect(heard(romeo.home)).toEqual([]);
    expect(heard(romeo.garden)).toEqual([]);
  });

  test('a message to the bare JID goes to all, each once, and to none as a copy', async () => {
    await enable(romeo.garden, romeo.home);
    await say(juliet, ROMEO, 'x');
    expect([heard(romeo.garden), heard(romeo.home)]).toEqual([['x'], ['x']]);
  });

  test('who is there with a negative priority, or without presence, has a copy', async () => {
    const attic = await arrive(`${ROMEO}/attic`, away);
    const cellar = await scene.connect(`${ROMEO}/cellar`);
    const crypt = await arrive(`${ROMEO}/crypt`, away);
    await enable(romeo.garden, attic, cellar);
    await say(juliet, ROMEO, 'x');
    expect([romeo.garden, romeo.home, attic, cellar, crypt].map(heard)).toEqual([
      ['x'],
      ['x'],
      ['received x'],
      ['received x'],
      [],
    ]);
  });

  test('a chat message to a resource that is gone: the same as to the bare JID', async () => {
    const attic = await arrive(`${ROMEO}/attic`, away);
    await enable(romeo.garden, attic);
    await say(juliet, `${ROMEO}/gone`, 'x');
    expect([heard(romeo.garden), heard(romeo.home), heard(attic)]).toEqual([
      ['x'],
      ['x'],
      ['received x'],
    ]);
  });

  test('a message that is refused is not copied', async () => {
    await enable(romeo.garden);
    await say(juliet, `${ROMEO}/gone`, 'x', "type='normal'");
    expect(heard(juliet)).toEqual(['service-unavailable']);
    expect(heard(romeo.garden)).toEqual([]);
  });

  test('the type is that of the original', async () => {
    await enable(romeo.garden);
    await say(juliet, `${ROMEO}/home`, 'x', "id='n1'");
    const copy = heardOnly(romeo.garden);
    expect(copy.attrs).toEqual({ from: ROMEO, to: `${ROMEO}/garden` });
    expect(told(copy)).toBe('received x');
  });
});

describe('XEP-0280 §8: Sending Messages', () => {
  test('examples 12 and 13: the others have a copy, whether the sender takes part or not', async () => {
    const original = (attrs: string) => `<message ${attrs} type='chat'>
        <body>Neither, fair saint, if either thee dislike.</body>
        <thread>0e3141cd80894871a68e6fe6b1ec56fa</thread>
      </message>`;
    await enable(romeo.garden);
    await romeo.home.send(original(`to='${JULIET}/balcony'`));
    const addresses = `from='${ROMEO}/home' to='${JULIET}/balcony'`;
    expect(canonical(heardOnly(juliet))).toBe(canonical(original(addresses)));
    expect(canonical(heardOnly(romeo.garden))).toBe(
      canonical(`<message from='${ROMEO}' to='${ROMEO}/garden' type='chat'>
        <sent xmlns='urn:xmpp:carbons:2'>
          <forwarded xmlns='urn:xmpp:forward:0'>
            ${original(`xmlns='jabber:client' ${addresses}`)}
          </forwarded>
        </sent>
      </message>`),
    );
    expect(heard(romeo.home)).toEqual([]);
  });

  test('XEP-0313 §3.5 the copies have the id that the account’s archive gave, the message not', async () => {
    await enable(romeo.garden);
    await say(romeo.home, JULIET, 'x', "type='chat' id='archived'");
    expect(String(heardOnly(romeo.garden))).toContain("by='sender' id='a1'".replaceAll("'", '"'));
    expect(String(heardOnly(juliet))).not.toContain('stanza-id');
  });

  test('both sides of a conversation are on each device, in its order', async () => {
    const attic = await arrive(`${ROMEO}/attic`, away);
    await enable(romeo.garden, romeo.home, attic);
    await enable(juliet);
    await say(romeo.home, JULIET, '1');
    await say(juliet, `${ROMEO}/home`, '2');
    await say(romeo.garden, JULIET, '3');
    await say(juliet, ROMEO, '4');
    expect(heard(romeo.home)).toEqual(['2', 'sent 3', '4']);
    expect(heard(romeo.garden)).toEqual(['sent 1', 'received 2', '4']);
    expect(heard(attic)).toEqual(['sent 1', 'received 2', 'sent 3', 'received 4']);
    expect(heard(juliet)).toEqual(['1', '3']);
  });

  test('to oneself: one copy for who would get none, and never one for the sender', async () => {
    const attic = await arrive(`${ROMEO}/attic`, away);
    await enable(romeo.garden, romeo.home, attic);
    await say(romeo.home, ROMEO, 'note');
    expect([romeo.home, romeo.garden, attic].map(heard)).toEqual([
      ['note'],
      ['note'],
      ['received note'],
    ]);
    await say(romeo.home, `${ROMEO}/garden`, 'here');
    expect([romeo.home, romeo.garden, attic].map(heard)).toEqual([[], ['here'], ['received here']]);
    await say(attic, ROMEO, 'up');
    expect([romeo.home, romeo.garden, attic].map(heard)).toEqual([['up'], ['up'], []]);
  });
});

describe('XEP-0280 §9: Avoiding Carbons for a single message', () => {
  test('examples 14 and 15: nobody has a copy; the message is as it was', async () => {
    const marks = "<private xmlns='urn:xmpp:carbons:2'/><no-copy xmlns='urn:xmpp:hints'/>";
    const second = await arrive(`${JULIET}/chamber`);
    await enable(romeo.garden, second);
    await say(romeo.home, `${JULIET}/balcony`, 'Neither', "type='chat'", marks);
    expect(canonical(heardOnly(juliet))).toBe(
      canonical(
        `<message from='${ROMEO}/home' to='${JULIET}/balcony' type='chat'>` +
          `<body>Neither</body>${marks}</message>`,
      ),
    );
    expect(heard(romeo.garden)).toEqual([]);
    expect(heard(second)).toEqual([]);
  });

  test('to a bare JID it is delivered to each resource all the same', async () => {
    await say(juliet, ROMEO, 'x', "type='chat'", "<private xmlns='urn:xmpp:carbons:2'/>");
    expect([heard(romeo.garden), heard(romeo.home)]).toEqual([['x'], ['x']]);
  });
});

describe('XEP-0280 §6.1: private messages in rooms', () => {
  const MARK = "<x xmlns='http://jabber.org/protocol/muc#user'/>";
  const JOIN = "<x xmlns='http://jabber.org/protocol/muc'/>";
  const occupant = `${COVEN}/crone`;
  beforeEach(() => create(COVEN)); // an account that plays a room

  test('are copied to who has the same nick in the room', async () => {
    const attic = await arrive(`${ROMEO}/attic`);
    const cellar = await arrive(`${ROMEO}/cellar`);
    const { garden, home } = romeo;
    await enable(garden, home, attic, cellar);
    for (const [actor, nick] of [
      [home, 'romeo'],
      [garden, 'romeo'],
      [attic, 'montague'],
    ] as const)
      await actor.send(`<presence to='${COVEN}/${nick}'>${JOIN}</presence>`);
    await say(home, occupant, 'x', "type='chat'", MARK);
    expect([garden, attic, cellar].map(heard)).toEqual([['sent x'], [], []]);
    await garden.send(`<presence to='${COVEN}/romeo' type='unavailable'/>`);
    await say(home, occupant, 'y', "type='chat'", MARK);
    expect([garden, attic, cellar].map(heard)).toEqual([[], [], []]);
  });

  test('are copied to all if the server does not know of the sender’s being there', async () => {
    await enable(romeo.garden);
    await say(romeo.home, occupant, 'x', "type='chat'", MARK);
    expect(heard(romeo.garden)).toEqual(['sent x']);
  });

  test('what one says to all in a room is not copied', async () => {
    await enable(romeo.garden);
    await say(romeo.home, COVEN, 'x', "type='groupchat'");
    expect(heard(romeo.garden)).toEqual([]);
  });
});

describe('XEP-0280 §6.1: errors', () => {
  const error = (to: string, id: string, echo = '') =>
    `<message to='${to}' type='error' id='${id}'>${echo}<error type='cancel'>` +
    "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>";
  const conditions = (actor: Actor) =>
    messages(actor).map((message) => {
      const copy = childOf(message, 'received', NS) ?? childOf(message, 'sent', NS);
      const forwarded = copy && childOf(copy, 'forwarded', 'urn:xmpp:forward:0');
      const [original] = forwarded === undefined ? [] : childrenOf(forwarded);
      return `${message.attrs.type} ${copy?.name ?? 'itself'} ${original?.attrs.type ?? ''}`.trim();
    });

  test('what answers a message that was copied is copied, to the sender’s others too', async () => {
    await enable(romeo.garden, romeo.home);
    await say(romeo.home, JULIET, 'x', "type='chat' id='m1'");
    expect(heard(romeo.garden)).toEqual(['sent x']);
    await juliet.send(error(`${ROMEO}/home`, 'm1'));
    expect(conditions(romeo.home)).toEqual(['error itself']);
    expect(conditions(romeo.garden)).toEqual(['error received error']);
  });

  test('the server’s own error is copied, too', async () => {
    await enable(romeo.garden);
    await say(romeo.home, 'nobody@capulet.example', 'x', "type='chat' id='m1'");
    expect(heard(romeo.home)).toEqual(['service-unavailable']);
    expect(conditions(romeo.garden)).toEqual(['chat sent chat', 'error received error']);
  });

  test('an error that comes when the sender is gone reaches his others', async () => {
    await enable(romeo.garden);
    await say(romeo.home, JULIET, 'x', "type='chat' id='m1'");
    await romeo.home.disconnect();
    messages(romeo.garden);
    await juliet.send(error(`${ROMEO}/home`, 'm1'));
    expect(conditions(romeo.garden)).toEqual(['error received error']);
  });

  test('one that the server owes reaches them itself, and once', async () => {
    await enable(romeo.garden);
    await say(romeo.home, JULIET, 'x', "type='chat' id='m1'");
    await romeo.home.disconnect();
    messages(romeo.garden);
    const answer = message({ from: juliet.jid, to: romeo.home.jid, type: 'error', id: 'm1' });
    await scene.router.route({ ...answer, isOwed: true });
    expect(conditions(romeo.garden)).toEqual(['error itself']);
  });

  test('an error that a client sends to a message that was copied is copied', async () => {
    await enable(romeo.garden);
    await say(juliet, `${ROMEO}/home`, 'x', "type='chat' id='m1'");
    expect(heard(romeo.garden)).toEqual(['received x']);
    await romeo.home.send(error(`${JULIET}/balcony`, 'm1'));
    expect(conditions(juliet)).toEqual(['error itself']);
    expect(conditions(romeo.garden)).toEqual(['error sent error']);
  });

  test.each([
    ['to nothing', "type='chat' id='m2'", '', JULIET],
    ['to a message without an id', "type='chat'", '', JULIET],
    [
      'to a private message',
      "type='chat' id='m1'",
      "<private xmlns='urn:xmpp:carbons:2'/>",
      JULIET,
    ],
    ['to one of another person', "type='chat' id='m1'", '', TYBALT],
  ])('an error %s is not copied, whatever it contains', async (_, attrs, mark, to) => {
    if (to === TYBALT) await create(TYBALT);
    await enable(romeo.garden);
    await say(romeo.home, to, 'x', attrs, mark);
    messages(romeo.garden);
    await juliet.send(error(`${ROMEO}/home`, 'm1', '<body>x</body>'));
    expect(heard(romeo.garden)).toEqual([]);
  });

  test('an id of any length is no burden', async () => {
    const id = 'm'.repeat(5000);
    await enable(romeo.garden);
    await say(romeo.home, JULIET, 'x', `type='chat' id='${id}'`);
    messages(romeo.garden);
    await juliet.send(error(`${ROMEO}/home`, id));
    expect(heard(romeo.garden)).toEqual([]);
  });

  test('§10.3 an error that answers a copy goes to nobody', async () => {
    await enable(romeo.garden, romeo.home);
    await say(juliet, `${ROMEO}/home`, 'x', "type='chat' id='m1'");
    messages(romeo.home);
    messages(romeo.garden);
    messages(juliet);
    await romeo.garden.send(error(ROMEO, 'm1'));
    expect(heard(juliet)).toEqual([]);
    expect(heard(romeo.home)).toEqual([]);
    expect(heard(romeo.garden)).toEqual([]);
  });
});

describe('copies and what is kept for later (DESIGN D1)', () => {
  const kept = async () => {
    const db = scene.store.tables<{ offline_messages: { account: string } }>();
    return (await scene.store.read(db.selectFrom('offline_messages').select('account'))).length;
  };
  /** From now on, what becomes of what is sent to an actor is told by the test. */
  const holding = (actor: Actor) => {
    const receipts: Receipt[] = [];
    const { send } = actor.session;
    actor.session.send = (stanza, to, receipt) => {
      send(stanza, to);
      if (receipt !== undefined) receipts.push(receipt);
    };
    return receipts;
  };
  /** A message of which nobody says soon that he has it: its sender waits until it is written down. */
  const sayToHolder = async () => {
    const said = say(juliet, ROMEO, 'x');
    while (keeping.length === 0) await new Promise((resolve) => setImmediate(resolve));
    scene.clock.advance(1000);
    await said;
  };
  beforeEach(async () => {
    await romeo.garden.disconnect();
    await romeo.home.disconnect();
  });

  test('who has a copy has the message: it is not kept, nor does it come twice', async () => {
    const attic = await scene.connect(`${ROMEO}/attic`);
    await enable(attic);
    await say(juliet, ROMEO, 'x');
    expect(await kept()).toBe(0);
    await attic.send('<presence/>');
    expect(heard(attic)).toEqual(['received x']);
    expect(heard(juliet)).toEqual([]);
  });

  test('a copy that nobody is known to have yet is kept like the message itself', async () => {
    const attic = await scene.connect(`${ROMEO}/attic`);
    await enable(attic);
    const receipts = holding(attic);
    await sayToHolder();
    expect(keeping).toEqual([attic.jid]);
    receipts[0]?.acknowledged(attic.session);
    expect(heard(await arrive(`${ROMEO}/garden`))).toEqual([]);
  });

  test('who has a copy and becomes available before he says so has it once', async () => {
    const attic = await scene.connect(`${ROMEO}/attic`);
    await enable(attic);
    const receipts = holding(attic);
    await sayToHolder();
    await attic.send('<presence/>');
    receipts[0]?.acknowledged(attic.session);
    expect(heard(attic)).toEqual(['received x']);
  });

  test('a copy whose taker ends without having had it is kept', async () => {
    const attic = await scene.connect(`${ROMEO}/attic`);
    await enable(attic);
    const receipts = holding(attic);
    await sayToHolder();
    expect(receipts).toHaveLength(1);
    await attic.disconnect({ kind: 'lost', text: 'the connection broke' });
    receipts[0]?.returned(attic.session);
    expect(heard(juliet)).toEqual([]);
    expect(heard(await arrive(`${ROMEO}/garden`))).toEqual(['x']);
  });

  test('a copy whose taker ends goes as the message itself to who is there by now', async () => {
    const attic = await scene.connect(`${ROMEO}/attic`);
    await enable(attic);
    const receipts = holding(attic);
    await sayToHolder();
    const garden = await arrive(`${ROMEO}/garden`);
    await attic.disconnect({ kind: 'lost', text: 'the connection broke' });
    receipts[0]?.returned(attic.session);
    expect(heard(garden)).toEqual(['x']);
  });

  test('a message that may not be kept, and that a copy has delivered, is no error', async () => {
    const attic = await scene.connect(`${ROMEO}/attic`);
    await enable(attic);
    await say(juliet, ROMEO, 'x', "type='chat'", "<no-store xmlns='urn:xmpp:hints'/>");
    expect(heard(juliet)).toEqual([]);
    expect(heard(attic)).toEqual(['received x']);
  });
});

describe('copies and the archive (XEP-0313 §3.5)', () => {
  const stanzaId = (message: Element | undefined, by: string) => {
    const child = message?.children.find(
      (each) => typeof each !== 'string' && each.name === 'stanza-id' && each.attrs['by'] === by,
    );
    return typeof child === 'string' ? undefined : child?.attrs['id'];
  };
  const originalIn = (copy: Element) => {
    const [direction] = childrenOf(copy);
    return direction && messageForwardedIn(direction);
  };

  test('both sides have the id in the account’s own archive; the recipient has his', async () => {
    await scene.stop();
    await begin([archive]);
    await enable(romeo.garden);
    await say(romeo.home, JULIET, 'sent');
    await say(juliet, `${ROMEO}/home`, 'received');
    const copies = messages(romeo.garden).map(originalIn);
    const [original] = messages(juliet);
    await romeo.home.ask('set', "<query xmlns='urn:xmpp:mam:2'/>");
    const ids = messages(romeo.home).flatMap(
      (message) => childOf(message, 'result', 'urn:xmpp:mam:2')?.attrs['id'] ?? [],
    );
    expect(ids).toHaveLength(2);
    expect(copies.map((copy) => stanzaId(copy, ROMEO))).toEqual(ids);
    expect(stanzaId(original, ROMEO)).toBeUndefined();
    expect(stanzaId(original, JULIET)).toBeDefined();
  });
});

/** What is noted on the ways that a message can take, each to its end. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verdict } from '../../src/core/hooks.ts';
import { defineModule } from '../../src/core/module.ts';
import type { Step } from '../../src/core/story-steps.ts';
import { bareOf, type Jid, parseJid } from '../../src/jid/jid.ts';
import { carbons } from '../../src/modules/carbons/index.ts';
import { offline } from '../../src/modules/offline/index.ts';
import { presence } from '../../src/modules/presence/index.ts';
import { roster } from '../../src/modules/roster/index.ts';
import { message } from '../../src/stanza/build.ts';
import { el } from '../../src/xml/element.ts';
import { type Actor, type Scene, startScene } from '../support/scene.ts';

const ROMEO = 'romeo@montague.example';
const JULIET = 'juliet@montague.example';

function jid(raw: string): Jid {
  const parsed = parseJid(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
}

/** A module that has something against some messages, and passes the others in another form. */
const censor = defineModule({
  name: 'censor',
  specs: [],
  setup: () => ({
    hooks: {
      fromAccount: ({ element }) =>
        String(element).includes('plague') ? verdict.drop('no curses') : verdict.pass,
      toAccount(stanza) {
        const text = String(stanza.element);
        if (text.includes('slow'))
          return Promise.resolve(verdict.bounce({ condition: 'conflict' }));
        if (text.includes('poison'))
          return verdict.bounce({ condition: 'not-acceptable', text: 'Not here.' });
        return verdict.passAs({ ...stanza });
      },
    },
  }),
});

describe('what is noted of a message', () => {
  let scene: Scene;
  let romeo: Actor;

  beforeEach(async () => {
    scene = await startScene({
      modules: [roster, presence, offline, carbons, censor],
      accounts: [ROMEO, JULIET],
      settings: { offline: { maxMessages: 1 } },
    });
    romeo = await scene.connect(`${ROMEO}/orchard`);
  });
  afterEach(() => scene.stop());

  const arrive = async (resource: string) => {
    const actor = await scene.connect(`${JULIET}/${resource}`);
    await actor.send('<presence/>');
    return actor;
  };
  const say = (text: string, to = JULIET, type = 'chat') =>
    romeo.send(`<message to='${to}' type='${type}' id='m'><body>${text}</body></message>`);
  /** A step in a few words. */
  const brief = (step: Step) =>
    Object.entries(step)
      .filter(([key]) => !['stream', 'remote', 'account'].includes(key))
      .map(([, value]) => String(value).replace(`${JULIET}/`, '').replace(`${ROMEO}/`, ''))
      .join(' ');
  /** The steps of all messages, errors included, the earliest first. */
  const steps = async () => {
    const { tales } = await scene.tales({ jid: bareOf(romeo.jid) });
    return tales.map((tale) => tale.steps.map(({ step }) => brief(step)));
  };

  test('a client has it', async () => {
    await arrive('balcony');
    await say('hi');
    expect(await steps()).toEqual([['received orchard', 'handed balcony', 'acknowledged balcony']]);
  });

  test('several clients have it', async () => {
    await arrive('balcony');
    await arrive('chamber');
    await say('hi');
    expect(await steps()).toEqual([
      [
        'received orchard',
        'handed balcony',
        'handed chamber',
        'acknowledged balcony',
        'acknowledged chamber',
      ],
    ]);
  });

  test('XEP-0280: copies go to other clients of both', async () => {
    const copied = async (actor: Actor) =>
      actor.ask('set', '<enable xmlns="urn:xmpp:carbons:2"/>', bareOf(actor.jid));
    await copied(await scene.connect(`${ROMEO}/street`));
    const balcony = await arrive('balcony');
    await copied(await scene.connect(`${JULIET}/chamber`));
    await say('hi', balcony.jid);
    expect(await steps()).toEqual([
      [
        'received orchard',
        'copied street',
        'handed balcony',
        'handed chamber',
        'acknowledged chamber',
        'acknowledged balcony',
      ],
    ]);
  });

  test('nobody is there: it is kept, and handed to who comes', async () => {
    await say('hi');
    await arrive('balcony');
    expect(await steps()).toEqual([
      ['received orchard', 'kept', 'handed balcony', 'acknowledged balcony'],
    ]);
  });

  test('as many are kept as may be', async () => {
    await say('one');
    await say('two');
    expect(await steps()).toEqual([
      ['received orchard', 'kept'],
      [
        'received orchard',
        'bounced offline service-unavailable No more messages are kept for this account.',
      ],
      ['handed orchard', 'acknowledged orchard'],
    ]);
  });

  test('a client goes without having said that it has it: it is kept, or goes to another one', async () => {
    const balcony = await arrive('balcony');
    balcony.session.send = (_, __, receipt) => {
      void balcony.disconnect().then(() => receipt?.returned(balcony.session));
    };
    await say('hi');
    scene.clock.advance(20);
    await expect
      .poll(steps)
      .toEqual([['received orchard', 'handed balcony', 'returned balcony', 'kept']]);
    const chamber = await arrive('chamber');
    await chamber.next();
    expect(await steps()).toEqual([
      [
        'received orchard',
        'handed balcony',
        'returned balcony',
        'kept',
        'handed chamber',
        'acknowledged chamber',
      ],
    ]);
  });

  test('a client sleeps', async () => {
    const balcony = await arrive('balcony');
    Object.assign(balcony.session, { isAttached: false, send: () => {} });
    await say('hi');
    expect(await steps()).toEqual([['received orchard', 'hibernated balcony']]);
  });

  test.each([
    [
      'there is no such account',
      'tybalt@montague.example',
      'chat',
      'bounced no such account, RFC 6121 §8.5.1 service-unavailable undefined',
    ],
    [
      'it is for the server itself',
      'montague.example',
      'chat',
      'bounced to the server itself, RFC 6120 §10.5 service-unavailable undefined',
    ],
    [
      'an account is no room',
      JULIET,
      'groupchat',
      'bounced groupchat to an account, RFC 6121 §8.5 service-unavailable undefined',
    ],
    [
      'there is no such resource',
      `${JULIET}/gone`,
      'normal',
      'bounced no such resource, RFC 6121 §8.5 service-unavailable undefined',
    ],
    [
      'there is no way to another domain',
      'nurse@elsewhere.example',
      'chat',
      'bounced other domains remote-server-not-found undefined',
    ],
  ])('%s: the sender is told', async (_, to, type, bounced) => {
    await say('hi', to, type);
    expect(await steps()).toEqual([
      ['received orchard', bounced.replace(' undefined', '')],
      ['handed orchard', 'acknowledged orchard'],
    ]);
  });

  test('a module drops it, or turns it away, at once or later', async () => {
    await say('a plague on both');
    await say('poison');
    await say('slow');
    expect(await steps()).toEqual([
      ['received orchard', 'dropped censor no curses'],
      ['received orchard', 'bounced censor not-acceptable Not here.'],
      ['handed orchard', 'acknowledged orchard'],
      ['received orchard', 'bounced censor conflict'],
      ['handed orchard', 'acknowledged orchard'],
    ]);
  });

  test('an error is never answered (RFC 6120 §8.3.1)', async () => {
    const from = jid('nurse@elsewhere.example');
    const error = el('error', { type: 'cancel' });
    const parts = { from, type: 'error', children: [error] } as const;
    await scene.router.route(message({ ...parts, to: romeo.jid }));
    await scene.router.route(message({ ...parts, to: jid(`${ROMEO}/gone`) }));
    await scene.router.route(message({ ...parts, to: bareOf(romeo.jid) }));
    await romeo.send(`<message to='tybalt@montague.example' type='error' id='e'/>`);
    expect(await steps()).toEqual([
      ['handed orchard', 'acknowledged orchard'],
      ['dropped RFC 6121 §8.5 no such resource'],
      ['dropped RFC 6121 §8.5 an error to a bare JID'],
      [
        'received orchard',
        'dropped no such account, RFC 6121 §8.5.1 service-unavailable, and an error is not answered',
      ],
    ]);
  });

  test('it could not be kept: the sender is told', async () => {
    const failed = Promise.reject(new Error('the disk is full'));
    failed.catch(() => {});
    scene.router.useRemote(() => verdict.settling(failed));
    await say('hi', 'nurse@elsewhere.example');
    expect(await steps()).toEqual([
      ['received orchard', 'bounced the store internal-server-error'],
      ['handed orchard', 'acknowledged orchard'],
    ]);
  });

  test('presence, requests and headlines leave nothing', async () => {
    await arrive('balcony');
    await romeo.send('<presence/>');
    await romeo.ask('get', '<query xmlns="jabber:iq:roster"/>');
    await say('the news', JULIET, 'headline');
    expect(await steps()).toEqual([]);
  });
});

/** RFC 6121 §8.5: the delivery tables, complete, as vectors. */
import { afterEach, describe, expect, test } from 'vitest';
import { presence } from '../../src/stanza/build.ts';
import { el } from '../../src/xml/element.ts';
import { type Actor, type Scene, startScene } from '../support/scene.ts';

/**
 * What becomes of a stanza: how many resources get it, whether the sender is told
 * service-unavailable, or `silence`. Without a module that keeps messages, "store offline" is the
 * refusal that RFC 6121 §8.5.2.2.1 names as the alternative.
 */
type Outcome = `delivered to ${string}` | 'error' | 'silence';

/** The addressee's resources: a priority each, or undefined for one that sent no presence. */
type Situation = 'no account' | readonly (number | undefined)[];

const TYPES = ['normal', 'chat', 'groupchat', 'headline', 'error'] as const;

/** Of Table 1 of §8.5.4, with its S ("ignore or error") as decided in core/delivery.ts. */
const MESSAGES: readonly (readonly [
  situation: Situation,
  to: 'bare' | 'match' | 'no match',
  outcomes: readonly [Outcome, Outcome, Outcome, Outcome, Outcome],
])[] = [
  // §8.5.1 the account does not exist
  ['no account', 'bare', ['error', 'error', 'error', 'error', 'silence']],
  ['no account', 'no match', ['error', 'error', 'error', 'error', 'silence']],
  // §8.5.2.2 no active resources
  [[], 'bare', ['error', 'error', 'error', 'silence', 'silence']],
  [[], 'no match', ['error', 'error', 'error', 'silence', 'silence']],
  // connected, but without presence: as if there were none, but for its full JID
  [[undefined], 'bare', ['error', 'error', 'error', 'silence', 'silence']],
  [
    [undefined],
    'match',
    ['delivered to 0', 'delivered to 0', 'delivered to 0', 'delivered to 0', 'delivered to 0'],
  ],
  // only negative priorities
  [[-1], 'bare', ['error', 'error', 'error', 'silence', 'silence']],
  [
    [-1],
    'match',
    ['delivered to 0', 'delivered to 0', 'delivered to 0', 'delivered to 0', 'delivered to 0'],
  ],
  [[-1], 'no match', ['error', 'error', 'error', 'silence', 'silence']],
  // one non-negative resource
  [[0], 'bare', ['delivered to 0', 'delivered to 0', 'error', 'delivered to 0', 'silence']],
  [
    [0],
    'match',
    ['delivered to 0', 'delivered to 0', 'delivered to 0', 'delivered to 0', 'delivered to 0'],
  ],
  [[0], 'no match', ['error', 'delivered to 0', 'error', 'silence', 'silence']],
  // several, one of them negative
  [
    [0, 5, -1],
    'bare',
    ['delivered to 0 1', 'delivered to 0 1', 'error', 'delivered to 0 1', 'silence'],
  ],
  [
    [0, 5, -1],
    'match',
    ['delivered to 0', 'delivered to 0', 'delivered to 0', 'delivered to 0', 'delivered to 0'],
  ],
  [[0, 5, -1], 'no match', ['error', 'delivered to 0 1', 'error', 'silence', 'silence']],
];

describe('RFC 6121 §8.5 delivery', () => {
  let scene: Scene;
  afterEach(() => scene.stop());

  const setUp = async (situation: Situation) => {
    const isKnown = situation !== 'no account';
    scene = await startScene({
      modules: [],
      accounts: ['romeo@example.net', ...(isKnown ? ['juliet@example.net'] : [])],
    });
    const romeo = await scene.connect('romeo@example.net/orchard');
    const resources: Actor[] = [];
    for (const [index, priority] of (isKnown ? situation : []).entries()) {
      const actor = await scene.connect(`juliet@example.net/${index}`);
      if (priority !== undefined) await becomeAvailable(actor, priority);
      resources.push(actor);
    }
    return { romeo, resources };
  };

  /** As the presence module does it: the session's presence is what delivery looks at. */
  const becomeAvailable = async (actor: Actor, priority: number) => {
    const children = [el('priority', undefined, String(priority))];
    await scene.sessions.setPresence(actor.session, presence({ from: actor.jid, children }));
  };

  const addressOf = (to: 'bare' | 'match' | 'no match') =>
    ({
      bare: 'juliet@example.net',
      match: 'juliet@example.net/0',
      'no match': 'juliet@example.net/x',
    })[to];

  const outcomeOf = async (romeo: Actor, resources: readonly Actor[]): Promise<Outcome> => {
    const got = resources.flatMap((actor, index) => (actor.inbox.length > 0 ? [index] : []));
    const [answer] = romeo.inbox;
    if (answer !== undefined) {
      expect(got, 'nobody gets what was refused').toEqual([]);
      expect(String(answer)).toContain('service-unavailable');
      return 'error';
    }
    return got.length === 0 ? 'silence' : `delivered to ${got.join(' ')}`;
  };

  const rows = MESSAGES.flatMap(([situation, to, outcomes]) =>
    TYPES.map((type, index) => ({
      situation,
      to,
      type,
      outcome: outcomes[index],
      title: `${type} to ${to}, resources ${JSON.stringify(situation)}`,
    })),
  );
  test.each(rows)('§8.5.4 message $title: $outcome', async ({ situation, to, type, outcome }) => {
    const { romeo, resources } = await setUp(situation);
    await romeo.send(el('message', { type, to: addressOf(to) }, el('body', undefined, 'hi')));
    expect(await outcomeOf(romeo, resources)).toBe(outcome);
  });

  const iqs: readonly (readonly [Situation, 'bare' | 'match' | 'no match', Outcome])[] = [
    ['no account', 'bare', 'error'], // §8.5.1
    ['no account', 'no match', 'error'],
    [[], 'bare', 'error'], // §8.5.2.1.3: the server answers for the account
    [[], 'no match', 'error'], // §8.5.3.2.3
    [[0], 'bare', 'error'],
    [[0], 'match', 'delivered to 0'], // §8.5.3.1
    [[-1], 'match', 'delivered to 0'],
    [[undefined], 'match', 'delivered to 0'],
    [[0], 'no match', 'error'],
  ];
  test.each(iqs)('IQ get, resources %j, to %s: %s', async (situation, to, outcome) => {
    const { romeo, resources } = await setUp(situation);
    const query = el('query', { xmlns: 'urn:unknown' });
    await romeo.send(el('iq', { type: 'get', id: '1', to: addressOf(to) }, query));
    expect(await outcomeOf(romeo, resources)).toBe(outcome);
  });

  const presences: readonly (readonly [Situation, 'bare' | 'match' | 'no match', Outcome])[] = [
    ['no account', 'bare', 'silence'], // §8.5.1
    ['no account', 'no match', 'silence'],
    [[], 'bare', 'silence'], // §8.5.2.2.2
    [[0, undefined, -1], 'bare', 'delivered to 0 2'], // §8.5.2.1.2: all available resources
    [[0], 'match', 'delivered to 0'], // §8.5.3.1
    [[0], 'no match', 'silence'], // §8.5.3.2.2
  ];
  test.each(presences)('presence, resources %j, to %s: %s', async (situation, to, outcome) => {
    const { romeo, resources } = await setUp(situation);
    await romeo.send(el('presence', { to: addressOf(to) }));
    expect(await outcomeOf(romeo, resources)).toBe(outcome);
  });
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Tale } from '../../src/core/story-search.ts';
import type { Step } from '../../src/core/story-steps.ts';
import type { ToldStory } from '../../src/operations/story.ts';
import { lasting, stepsOf, verdictOf } from '../../src/operations/story-text.ts';
import type { Message } from '../../src/stanza/stanza.ts';
import type { Actor } from '../support/scene.ts';
import { type Desk, setDesk, stanza } from './support.ts';

const PHONE = 'ann@falcot.com/phone';
const LAPTOP = 'ann@falcot.com/laptop';
const ANN = 'ann@falcot.com';

const received: Step = {
  kind: 'received',
  from: 'joe@falcot.com/desk',
  stream: 'abc',
  remote: '192.0.2.1:5000',
};

/** A message of joe's to ann, with steps so many ms after its beginning. */
function tale(steps: readonly (readonly [after: number, step: Step])[], changes = {}): Tale {
  return {
    serial: 1,
    from: 'joe@falcot.com/desk',
    to: ANN,
    type: 'chat',
    nature: 'text',
    ids: ['a'],
    steps: steps.map(([after, step]) => ({ at: 1000 + after, step })),
    ...changes,
  };
}

describe('what became of a message', () => {
  test.each<[string, readonly (readonly [number, Step])[], string]>([
    ['nothing is known', [[0, received]], 'unknown: nothing more is known'],
    [
      'a client has it',
      [
        [0, received],
        [1, { kind: 'handed', to: PHONE }],
        [41, { kind: 'acknowledged', by: PHONE }],
      ],
      'delivered: delivered to phone and acknowledged after 41 ms',
    ],
    [
      'one of several clients has it',
      [
        [0, received],
        [1, { kind: 'handed', to: PHONE }],
        [1, { kind: 'handed', to: LAPTOP }],
        [2500, { kind: 'acknowledged', by: LAPTOP }],
      ],
      'delivered: delivered to laptop and acknowledged after 2.5 s; handed to phone',
    ],
    [
      'a client was given it',
      [
        [0, received],
        [1, { kind: 'handed', to: PHONE }],
      ],
      'sent: handed to phone, not acknowledged yet',
    ],
    [
      'a client sleeps',
      [
        [0, received],
        [7, { kind: 'hibernated', to: PHONE }],
        [8, { kind: 'pushed', service: 'push.example.org', answer: 'ok' }],
      ],
      'waiting: waiting for phone to come back; push.example.org was told (ok) since 7',
    ],
    [
      'a client came back',
      [
        [0, received],
        [1, { kind: 'handed', to: PHONE }],
        [7, { kind: 'hibernated', to: PHONE }],
        [9, { kind: 'resent', to: PHONE }],
        [100, { kind: 'acknowledged', by: PHONE }],
      ],
      'delivered: delivered to phone and acknowledged after 100 ms',
    ],
    [
      'a client did not come back',
      [
        [0, received],
        [1, { kind: 'handed', to: PHONE }],
        [7, { kind: 'returned', by: PHONE }],
      ],
      'unknown: perhaps lost: the client was gone, and nobody kept it',
    ],
    [
      'a client did not come back, and it is kept',
      [
        [0, received],
        [1, { kind: 'handed', to: PHONE }],
        [7, { kind: 'returned', by: PHONE }],
        [8, { kind: 'kept', account: ANN }],
      ],
      'waiting: waiting for the next login of ann@falcot.com since 8',
    ],
    [
      'a client is not looked at',
      [
        [0, received],
        [3, { kind: 'held', to: PHONE }],
      ],
      'waiting: held back until phone is active since 3',
    ],
    [
      'nobody is there',
      [
        [0, received],
        [3, { kind: 'kept', account: ANN }],
      ],
      'waiting: waiting for the next login of ann@falcot.com since 3',
    ],
    [
      'somebody came',
      [
        [0, received],
        [3, { kind: 'kept', account: ANN }],
        [11_520_000, { kind: 'fetched', account: ANN }],
        [11_520_001, { kind: 'handed', to: PHONE }],
        [11_520_040, { kind: 'acknowledged', by: PHONE }],
      ],
      'delivered: delivered to phone and acknowledged after 3 h 12 min',
    ],
    [
      'somebody read the archive',
      [
        [0, received],
        [3, { kind: 'kept', account: ANN }],
        [60_000, { kind: 'read', by: PHONE }],
      ],
      'delivered: read from the archive by phone after 1 min',
    ],
    [
      'only the archive has it',
      [
        [0, received],
        [3, { kind: 'archived', account: 'joe@falcot.com', id: '1' }],
        [3, { kind: 'archived', account: ANN, id: '2' }],
      ],
      'waiting: in the archive of ann@falcot.com, no device was there since 3',
    ],
    [
      'there is no way to another domain yet',
      [
        [0, received],
        [2, { kind: 'queued', domain: 'example.org' }],
      ],
      'waiting: waiting for a stream to example.org since 2',
    ],
    [
      'another domain was sent it',
      [
        [2, { kind: 'queued', domain: 'example.org' }],
        [2, { kind: 'sent', domain: 'example.org', stream: 's', remote: 'r' }],
      ],
      'sent: sent to example.org after 0 ms',
    ],
    [
      'another domain has it',
      [
        [0, { kind: 'sent', domain: 'example.org', stream: 's', remote: 'r' }],
        [99, { kind: 'accepted', domain: 'example.org' }],
      ],
      'delivered: accepted by example.org after 99 ms',
    ],
    [
      'the stream to another domain broke before it was accepted',
      [
        [0, { kind: 'sent', domain: 'example.org', stream: 's', remote: 'r' }],
        [0, { kind: 'queued', domain: 'example.org' }],
      ],
      'waiting: waiting for a stream to example.org since 0',
    ],
    [
      'a room took it',
      [
        [0, received],
        [4, { kind: 'taken', by: 'rooms.falcot.com' }],
      ],
      'delivered: taken by rooms.falcot.com after 4 ms',
    ],
    [
      'a rule turned it away',
      [
        [0, received],
        [
          1,
          { kind: 'bounced', by: 'blocking', condition: 'not-acceptable', text: 'You block ann.' },
        ],
      ],
      'bounced: bounced: ann@falcot.com: not-acceptable: You block ann.',
    ],
    [
      'a rule dropped it',
      [
        [0, received],
        [1, { kind: 'dropped', by: 'offline', why: 'nothing that is worth keeping' }],
      ],
      'dropped: dropped: nothing that is worth keeping (offline)',
    ],
  ])('%s', (_, steps, expected) => {
    const { outcome, text, since } = verdictOf({ tale: tale(steps), answer: undefined });
    const waits = since === undefined ? '' : ` since ${since - 1000}`;
    expect(`${outcome}: ${text}${waits}`).toBe(expected);
  });

  test('another domain answered with an error', () => {
    const sent = tale([
      [0, received],
      [5, { kind: 'sent', domain: 'example.org', stream: 's', remote: 'r' }],
    ]);
    const answer = tale(
      [
        [80, { ...received, from: 'example.org' }],
        [81, { kind: 'handed', to: 'joe@falcot.com/desk' }],
      ],
      {
        from: 'eve@example.org',
        to: 'joe@falcot.com/desk',
        type: 'error',
        error: { condition: 'service-unavailable', text: 'Nobody here.' },
      },
    );
    const story = { tale: sent, answer };
    expect(verdictOf(story)).toEqual({
      outcome: 'bounced',
      text: 'bounced by example.org after 80 ms: service-unavailable: Nobody here.',
    });
    expect(stepsOf(story).map(({ text }) => text)).toEqual([
      'received on stream abc from 192.0.2.1:5000',
      'sent to example.org on stream s, r',
      'the error of eve@example.org (service-unavailable: Nobody here.): received on stream abc of example.org from 192.0.2.1:5000',
      'the error: handed to joe@falcot.com/desk',
    ]);
  });

  test.each([
    [0, '0 ms'],
    [41.4, '41 ms'],
    [999, '999 ms'],
    [1250, '1.3 s'],
    [12_000, '12 s'],
    [185_000, '3 min 5 s'],
    [3_600_000, '1 h'],
    [200_000_000, '2 d 7 h'],
  ])('%d ms are %s', (ms, text) => expect(lasting(ms)).toBe(text));
});

describe('messages.trace', () => {
  let desk: Desk;
  let joe: Actor;

  beforeEach(async () => {
    desk = await setDesk(['joe@falcot.com', ANN]);
    joe = await desk.scene.connect('joe@falcot.com/desk');
  });
  afterEach(() => desk.stop());

  /** A message that joe's desk sends. */
  const write = (id: string, to = ANN): Message => {
    const xml = `<message to="${to}" id="${id}" type="chat"><body>psst</body></message>`;
    const sent = stanza(xml, joe.jid);
    if (sent.kind !== 'message') throw new Error('no message');
    return sent;
  };
  const note = (message: Message, ...steps: readonly Step[]) => {
    for (const step of steps) {
      desk.scene.clock.advance(10);
      desk.scene.story.note(message, step);
    }
  };
  const trace = async (input: object) =>
    (await desk.value('messages.trace', { jid: 'joe@falcot.com', ...input })) as {
      messages: ToldStory[];
      next?: number;
    };
  const idsOf = async (input: object = {}) =>
    (await trace(input)).messages.map(({ ids }) => ids[0]);

  test('tells each message with its verdict and its steps, the newest last', async () => {
    note(write('a'), received, { kind: 'handed', to: PHONE }, { kind: 'acknowledged', by: PHONE });
    note(write('b'), received, { kind: 'kept', account: ANN });
    const { messages } = await trace({});
    expect(messages.map(({ ids, outcome }) => [ids, outcome])).toEqual([
      [['a'], 'delivered'],
      [['b'], 'waiting'],
    ]);
    expect(messages[0]).toMatchObject({
      from: 'joe@falcot.com/desk',
      to: ANN,
      verdict: 'delivered to phone and acknowledged after 20 ms',
      steps: [{ step: { kind: 'received' } }, {}, { text: `acknowledged by ${PHONE}` }],
    });
    expect(messages[1]?.since).toBe(desk.scene.clock.now());
    expect(JSON.stringify(messages)).not.toContain('psst');
  });

  test('is read by a person, too', async () => {
    note(write('a'), received, { kind: 'kept', account: ANN });
    const chosen = desk.operations.find('messages.trace');
    const value = await desk.value('messages.trace', { jid: ANN });
    const text = chosen?.present?.(value as never) ?? '';
    expect(text.split('\n')).toEqual([
      expect.stringMatching(
        /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} {2}joe@falcot\.com\/desk → ann@falcot\.com {2}\(chat, text, id a\)$/,
      ),
      expect.stringMatching(/^ {2}waiting for the next login of ann@falcot\.com, since \d{4}-/),
      '    +0 ms   received on stream abc from 192.0.2.1:5000',
      '    +10 ms  kept until ann@falcot.com is there',
    ]);
    const none = await desk.value('messages.trace', { jid: ANN, id: 'x' });
    expect(chosen?.present?.(none as never)).toBe('No such message is known.');
  });

  test('is narrowed by the other side, the id, and the time', async () => {
    note(write('a'), received);
    desk.scene.clock.advance(3_600_000);
    note(write('b', 'eve@example.org'), received);
    note(write('c'), received);
    expect(await idsOf({ with: 'eve@example.org' })).toEqual(['b']);
    expect(await idsOf({ id: 'a' })).toEqual(['a']);
    expect(await idsOf({ since: '10m' })).toEqual(['b', 'c']);
    const iso = new Date(desk.scene.clock.now() - 15).toISOString();
    expect(await idsOf({ since: iso })).toEqual(['b', 'c']);
    expect(await idsOf({ since: '2026-06-01' })).toEqual([]);
    expect(await idsOf({ jid: 'eve@example.org' })).toEqual(['b']);
    expect(await desk.refusal('messages.trace', { jid: ANN, since: 'yesterday' })).toMatch(
      /^invalid-input: since: is neither a duration/,
    );
  });

  test('an error is told with the message that it answers', async () => {
    const sent = write('a', 'eve@example.org');
    note(sent, received, { kind: 'sent', domain: 'example.org', stream: 's', remote: 'r' });
    const error = stanza(
      `<message to="${sent.from}" id="a" type="error"><error type="cancel">` +
        '<item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error></message>',
      'eve@example.org' as never,
    );
    if (error.kind !== 'message') throw new Error('no message');
    note(error, { ...received, from: 'example.org' }, { kind: 'handed', to: sent.from });
    const { messages } = await trace({});
    expect(messages).toHaveLength(1);
    expect(messages[0]).toMatchObject({
      outcome: 'bounced',
      verdict: 'bounced by example.org after 20 ms: item-not-found',
    });
    expect(messages[0]?.steps).toHaveLength(4);
  });

  test('those that failed are found among many others', async () => {
    note(write('bad'), received, { kind: 'bounced', by: 'x', condition: 'gone' });
    for (let index = 0; index < 30; index += 1)
      note(write(`ok${index}`), { kind: 'handed', to: PHONE });
    note(write('late'), received, { kind: 'kept', account: ANN });
    expect(await idsOf({ failed: true, limit: 5 })).toEqual(['bad', 'late']);
    expect((await idsOf({ limit: 5 })).at(-1)).toBe('late');
  });

  test('pages lead to what is older', async () => {
    for (let index = 0; index < 7; index += 1) note(write(`m${index}`), received);
    const { messages, next } = await trace({ limit: 4 });
    expect(messages.map(({ ids }) => ids[0])).toEqual(['m3', 'm4', 'm5', 'm6']);
    expect(await idsOf({ limit: 4, before: next })).toEqual(['m0', 'm1', 'm2']);
  });

  test('an account that is not there is helped with; an address elsewhere is not', async () => {
    expect(await desk.refusal('messages.trace', { jid: 'joo@falcot.com' })).toMatch(
      /^not-found: There is no joo@falcot.com; did you mean joe@falcot.com/,
    );
    expect(await idsOf({ jid: 'eve@example.org' })).toEqual([]);
    expect(await idsOf({ jid: 'example.org' })).toEqual([]);
  });

  test('who looked at whose story is written to the audit log', async () => {
    await trace({ since: '1h' });
    expect(await desk.audit.list({ limit: 1 })).toMatchObject([
      {
        actor: 'root',
        operation: 'messages.trace',
        input: expect.stringContaining('"jid":"joe@falcot.com","since":"1h"'),
      },
    ]);
  });
});

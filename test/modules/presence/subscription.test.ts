/** The tables of RFC 6121 Appendix A, row by row. */
import { describe, expect, test } from 'vitest';
import {
  inbound,
  outbound,
  type SubscriptionType,
} from '../../../src/modules/presence/subscription.ts';
import { STRANGERS, type Standing } from '../../../src/modules/roster/index.ts';

const STATES = {
  None: {},
  'None + Pending Out': { pendingOut: true },
  'None + Pending In': { pendingIn: true },
  'None + Pending Out+In': { pendingOut: true, pendingIn: true },
  To: { to: true },
  'To + Pending In': { to: true, pendingIn: true },
  From: { from: true },
  'From + Pending Out': { from: true, pendingOut: true },
  Both: { to: true, from: true },
} as const satisfies Record<string, Partial<Standing>>;
type State = keyof typeof STATES;

const standing = (state: State, approved = false): Standing => ({
  ...STRANGERS,
  ...STATES[state],
  approved,
});

type Outbound = readonly [State, routed: boolean, next: State | 'pre-approval' | 'same'];
type Inbound = readonly [
  State,
  delivered: boolean,
  next: State | 'same',
  reply?: 'subscribed' | 'unsubscribed',
];

const OUTBOUND: Record<SubscriptionType, readonly Outbound[]> = {
  // Table 2
  subscribe: [
    ['None', true, 'None + Pending Out'],
    ['None + Pending Out', true, 'same'],
    ['None + Pending In', true, 'None + Pending Out+In'],
    ['None + Pending Out+In', true, 'same'],
    ['To', true, 'same'],
    ['To + Pending In', true, 'same'],
    ['From', true, 'From + Pending Out'],
    ['From + Pending Out', true, 'same'],
    ['Both', true, 'same'],
  ],
  // Table 3
  unsubscribe: [
    ['None', true, 'same'],
    ['None + Pending Out', true, 'None'],
    ['None + Pending In', true, 'same'],
    ['None + Pending Out+In', true, 'None + Pending In'],
    ['To', true, 'None'],
    ['To + Pending In', true, 'None + Pending In'],
    ['From', true, 'same'],
    ['From + Pending Out', true, 'From'],
    ['Both', true, 'From'],
  ],
  // Table 4
  subscribed: [
    ['None', false, 'pre-approval'],
    ['None + Pending Out', false, 'pre-approval'],
    ['None + Pending In', true, 'From'],
    ['None + Pending Out+In', true, 'From + Pending Out'],
    ['To', false, 'pre-approval'],
    ['To + Pending In', true, 'Both'],
    ['From', false, 'same'],
    ['From + Pending Out', false, 'same'],
    ['Both', false, 'same'],
  ],
  // Table 5
  unsubscribed: [
    ['None', false, 'same'],
    ['None + Pending Out', false, 'same'],
    ['None + Pending In', true, 'None'],
    ['None + Pending Out+In', true, 'None + Pending Out'],
    ['To', false, 'same'],
    ['To + Pending In', true, 'To'],
    ['From', true, 'None'],
    ['From + Pending Out', true, 'None + Pending Out'],
    ['Both', true, 'To'],
  ],
};

const INBOUND: Record<SubscriptionType, readonly Inbound[]> = {
  // Table 6
  subscribe: [
    ['None', true, 'None + Pending In'],
    ['None + Pending Out', true, 'None + Pending Out+In'],
    ['None + Pending In', false, 'same'],
    ['None + Pending Out+In', false, 'same'],
    ['To', true, 'To + Pending In'],
    ['To + Pending In', false, 'same'],
    ['From', false, 'same', 'subscribed'],
    ['From + Pending Out', false, 'same', 'subscribed'],
    ['Both', false, 'same', 'subscribed'],
  ],
  // Table 7
  unsubscribe: [
    ['None', false, 'same'],
    ['None + Pending Out', false, 'same'],
    ['None + Pending In', true, 'None', 'unsubscribed'],
    ['None + Pending Out+In', true, 'None + Pending Out', 'unsubscribed'],
    ['To', false, 'same'],
    ['To + Pending In', true, 'To', 'unsubscribed'],
    ['From', true, 'None', 'unsubscribed'],
    ['From + Pending Out', true, 'None + Pending Out', 'unsubscribed'],
    ['Both', true, 'To', 'unsubscribed'],
  ],
  // Table 8
  subscribed: [
    ['None', false, 'same'],
    ['None + Pending Out', true, 'To'],
    ['None + Pending In', false, 'same'],
    ['None + Pending Out+In', true, 'To + Pending In'],
    ['To', false, 'same'],
    ['To + Pending In', false, 'same'],
    ['From', false, 'same'],
    ['From + Pending Out', true, 'Both'],
    ['Both', false, 'same'],
  ],
  // Table 9
  unsubscribed: [
    ['None', false, 'same'],
    ['None + Pending Out', true, 'None'],
    ['None + Pending In', false, 'same'],
    ['None + Pending Out+In', true, 'None + Pending In'],
    ['To', true, 'None'],
    ['To + Pending In', true, 'None + Pending In'],
    ['From', false, 'same'],
    ['From + Pending Out', true, 'From'],
    ['Both', true, 'From'],
  ],
};

const TYPES = ['subscribe', 'unsubscribe', 'subscribed', 'unsubscribed'] as const;

describe.each(TYPES)('RFC 6121 Appendix A.2: outbound %s', (type) => {
  test('has a row for each state', () => {
    expect(OUTBOUND[type].map(([state]) => state)).toEqual(Object.keys(STATES));
  });
  for (const [state, isRouted, next] of OUTBOUND[type]) {
    test(`in ${state}: ${isRouted ? '' : 'not '}routed, then ${next}`, () => {
      const before = standing(state);
      const step = outbound(before, type);
      expect(step.isRouted).toBe(isRouted);
      if (next === 'same') expect(step.next).toBe(before);
      else if (next === 'pre-approval') expect(step.next).toEqual(standing(state, true));
      else expect(step.next).toEqual(standing(next));
    });
  }
});

describe.each(TYPES)('RFC 6121 Appendix A.3: inbound %s', (type) => {
  test('has a row for each state', () => {
    expect(INBOUND[type].map(([state]) => state)).toEqual(Object.keys(STATES));
  });
  for (const [state, isDelivered, next, reply] of INBOUND[type]) {
    test(`in ${state}: ${isDelivered ? '' : 'not '}delivered, then ${next}`, () => {
      const before = standing(state);
      const step = inbound(before, type);
      expect(step.isDelivered).toBe(isDelivered);
      expect(step.reply).toBe(reply);
      if (next === 'same') expect(step.next).toBe(before);
      else expect(step.next).toEqual(standing(next));
    });
  }
});

describe('RFC 6121 §3.4: pre-approval', () => {
  test.each([
    ['None', 'From'],
    ['None + Pending Out', 'From + Pending Out'],
    ['To', 'Both'],
  ] as const)('A.3.1 [1] a request in %s is approved at once: %s', (state, next) => {
    expect(inbound(standing(state, true), 'subscribe')).toEqual({
      next: standing(next, true),
      isDelivered: false,
      reply: 'subscribed',
    });
  });
  test.each(['None', 'None + Pending Out', 'To'] as const)(
    'A.2.4 [1] unsubscribed in %s cancels it, and the contact hears nothing',
    (state) => {
      expect(outbound(standing(state, true), 'unsubscribed')).toEqual({
        next: standing(state),
        isRouted: false,
      });
    },
  );
  test('§3.2.2 unsubscribed ends it with the subscription', () => {
    expect(outbound(standing('Both', true), 'unsubscribed')).toEqual({
      next: standing('To'),
      isRouted: true,
    });
  });
  test('§3.4.2 it outlives what the contact does', () => {
    for (const type of TYPES)
      expect(inbound(standing('Both', true), type).next.approved).toBe(true);
  });
});

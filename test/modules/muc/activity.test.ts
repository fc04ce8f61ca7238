import { describe, expect, test } from 'vitest';
import {
  type Activity,
  isCounted,
  messagesPerHour,
  withMessage,
} from '../../../src/modules/muc/activity.ts';
import { DEFAULT_CONFIG } from '../../../src/modules/muc/room-config.ts';
import type { Message } from '../../../src/stanza/stanza.ts';
import { stanza } from '../../operations/support.ts';

const HOUR = 3_600_000;
const config = { ...DEFAULT_CONFIG, isPublic: true, isPersistent: true };

describe('XEP-0502: MUC Activity Indicator', () => {
  const said = (...at: readonly number[]) =>
    at.reduce<Activity | undefined>((before, each) => withMessage(before, each), undefined);

  test('§6 the whole hours of the last day count, not the one that is under way', () => {
    const activity = said(HOUR / 2, HOUR / 2, 1.5 * HOUR);
    expect(messagesPerHour({ config, activity: said(HOUR / 2) }, HOUR - 1)).toBeUndefined();
    expect(messagesPerHour({ config, activity }, 1.9 * HOUR)).toBe(2);
    expect(messagesPerHour({ config, activity }, 2.1 * HOUR)).toBe(1.5);
    expect(messagesPerHour({ config, activity }, 24 * HOUR)).toBe(3 / 24);
    expect(messagesPerHour({ config, activity }, 25 * HOUR)).toBe(1 / 24);
    expect(messagesPerHour({ config, activity }, 26 * HOUR)).toBe(0);
  });

  test.each([
    { isPublic: false },
    { isPersistent: false },
    { isMembersOnly: true },
    { password: 'secret' },
  ])('§3.1, §8 of a room with %o nothing is told', (more) => {
    const room = { config: { ...config, ...more }, activity: said(0) };
    expect(messagesPerHour(room, 2 * HOUR)).toBeUndefined();
  });

  test('§3.1 nothing is told of a room of which nothing is known', () => {
    expect(messagesPerHour({ config, activity: undefined }, 2 * HOUR)).toBeUndefined();
  });

  test.each([
    ['<body>x</body>', true],
    ["<composing xmlns='http://jabber.org/protocol/chatstates'/>", false],
    ["<body>x</body><replace xmlns='urn:xmpp:message-correct:0' id='1'/>", false],
    ["<body>x</body><retract xmlns='urn:xmpp:message-retract:1' id='1'/>", false],
  ])('§4 %s: %s', (inner, expected) => {
    const message = stanza(
      `<message to='a@b' type='groupchat'>${inner}</message>`,
      'c@d/e' as never,
    );
    expect(isCounted(message as Message)).toBe(expected);
  });
});

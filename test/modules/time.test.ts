import { afterEach, describe, expect, test } from 'vitest';
import { Time, time, writeOffset } from '../../src/modules/time.ts';
import { childrenOf } from '../../src/xml/element.ts';
import { type Scene, startScene } from '../support/scene.ts';

describe('XEP-0202: Entity Time', () => {
  let scene: Scene;
  afterEach(() => scene.stop());

  test('§3 the server tells its time', async () => {
    scene = await startScene({ modules: [time], accounts: ['juliet@capulet.com'] });
    const juliet = await scene.connect('juliet@capulet.com/balcony');
    scene.clock.advance(61_000);
    const answer = await juliet.ask('get', "<time xmlns='urn:xmpp:time'/>", 'capulet.com');
    const [told] = childrenOf(answer).map((child) => Time.decode(child));
    expect(told?.utc).toBe('2026-01-01T00:01:01.000Z');
    expect(told?.tzo).toMatch(/^[+-]\d\d:\d\d$/);
  });
});

describe('XEP-0082 §3.2: time zones', () => {
  test.each([
    [0, '+00:00'],
    [-360, '-06:00'], // XEP-0202 §3
    [330, '+05:30'],
    [-570, '-09:30'],
    [840, '+14:00'],
  ])('%i minutes are %s', (minutes, written) => {
    expect(writeOffset(minutes)).toBe(written);
  });
});

import { afterEach, describe, expect, test } from 'vitest';
import { limits, StreamLimits } from '../../src/modules/limits.ts';
import { serialise } from '../../src/xml/element.ts';
import { type Scene, startScene } from '../support/scene.ts';

describe('XEP-0478: Stream Limits Advertisement', () => {
  let scene: Scene;
  afterEach(() => scene.stop());

  test.each([
    // by the defaults of `limits` in the config
    ['early', 10_000, 30],
    ['authenticated', 262_144, 300],
  ] as const)('§3.1, §4 the limits of the phase: %s', async (phase, bytes, seconds) => {
    scene = await startScene({ modules: [limits], accounts: ['juliet@capulet.lit'] });
    const [host] = scene.hosts.all();
    const offered = host?.dispatch.streamFeatures({ host: host.domain, phase }) ?? [];
    expect(offered.map(serialise)).toEqual([
      `<limits xmlns="urn:xmpp:stream-limits:0"><max-bytes>${bytes}</max-bytes>` +
        `<idle-seconds>${seconds}</idle-seconds></limits>`,
    ]);
    const [first] = offered;
    expect(first && StreamLimits.decode(first)).toBeDefined();
  });
});

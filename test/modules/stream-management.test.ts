import { describe, expect, test } from 'vitest';
import { streamManagement } from '../../src/modules/stream-management.ts';
import { serialise } from '../../src/xml/element.ts';
import { startScene } from '../support/scene.ts';

// What it does is tested between real sockets: test/wire/stream-management.test.ts.
describe('XEP-0198: stream management is offered', () => {
  test.each([
    ['early', []],
    ['authenticated', ['<sm xmlns="urn:xmpp:sm:3"/>']],
  ] as const)('§2 in the phase %s', async (phase, features) => {
    const scene = await startScene({
      modules: [streamManagement],
      accounts: ['juliet@capulet.example'],
    });
    const [host] = scene.hosts.all();
    if (host === undefined) expect.fail('no host');
    const offered = host.dispatch.streamFeatures({ host: host.domain, phase });
    expect(offered.map(serialise)).toEqual(features);
    await scene.stop();
  });
});

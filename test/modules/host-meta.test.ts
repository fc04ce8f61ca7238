/** XEP-0156 as a module; over HTTPS it is tested in test/wire/https.test.ts. */
import { afterEach, describe, expect, test } from 'vitest';
import { hostMeta } from '../../src/modules/host-meta.ts';
import { type Scene, startScene } from '../support/scene.ts';

let scene: Scene | undefined;
afterEach(() => scene?.stop());

describe('XEP-0156', () => {
  test.each([
    [{}, 200],
    [{ hostMeta: false }, 404],
  ])('§2 is there where the module is on: %j', async (settings, status) => {
    scene = await startScene({ modules: [hostMeta], accounts: ['juliet@example.com'], settings });
    const [web] = scene.registry.web;
    for (const path of ['/.well-known/host-meta', '/.well-known/host-meta.json']) {
      const answer = await web?.app.request(path, { headers: { host: 'example.com:443' } });
      expect(answer?.status).toBe(status);
    }
  });
});

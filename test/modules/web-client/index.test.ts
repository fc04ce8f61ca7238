/** The web client over HTTP; in a browser it is tested in test/browser/converse.test.ts. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Domain } from '../../../src/jid/jid.ts';
import { archive } from '../../../src/modules/archive/index.ts';
import { disco } from '../../../src/modules/disco/index.ts';
import { muc } from '../../../src/modules/muc/index.ts';
import { offline } from '../../../src/modules/offline/index.ts';
import { presence } from '../../../src/modules/presence/index.ts';
import { register } from '../../../src/modules/register/index.ts';
import { roster } from '../../../src/modules/roster/index.ts';
import { webClient } from '../../../src/modules/web-client/index.ts';
import { type Scene, startScene } from '../../support/scene.ts';

const HOST = 'verona.example';
let scene: Scene;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rtcd-client-'));
});
afterEach(() => scene.stop());
afterAll(() => rm(folder, { recursive: true }));

async function open(settings: Readonly<Record<string, unknown>> = {}) {
  scene = await startScene({
    modules: [roster, archive, disco, muc, register, webClient],
    accounts: [`juliet@${HOST}`],
    settings: { webClient: settings },
  });
}
const ask = async (path: string, headers: Readonly<Record<string, string>> = {}) => {
  const [web] = scene.registry.web;
  const answer = await web?.app.request(path, { headers: { host: HOST, ...headers } });
  if (answer === undefined) throw new Error('nothing is served');
  return answer;
};
/** The addresses of the files that the page names. */
const filesOf = (page: string) =>
  [...page.matchAll(/(?:src|href)="(chat\/[^"]+)"/g)].map(([, path]) => `/${path}`);

describe('the page', () => {
  test('is set up for the host, and all that it names is there', async () => {
    await open({ name: 'Montague & Sons </script>', colour: '#aa3311' });
    const answer = await ask('/chat');
    expect(answer.status).toBe(200);
    const page = await answer.text();
    expect(page).toContain('<title>Montague &amp; Sons &lt;/script&gt;</title>');
    expect(page.match(/<\/script>/g)).toHaveLength(3);
    expect(page).toContain('--host-colour:#aa3311');
    const data = /id="settings">(.*)<\/script>/.exec(page)?.[1] ?? '';
    expect(JSON.parse(data)).toMatchObject({
      name: 'Montague & Sons </script>',
      converse: { locked_domain: HOST, allow_registration: false },
    });
    const files = filesOf(page);
    expect(files.length).toBeGreaterThan(4);
    for (const path of files) expect([path, (await ask(path)).status]).toEqual([path, 200]);
  });

  test('may load what is ours, run no script of its own, and be framed by nobody', async () => {
    await open();
    const policy = (await ask('/chat')).headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/https?:[ ;]|\*/);
  });

  test('is sent anew only when it changed', async () => {
    await open();
    const tag = (await ask('/chat')).headers.get('etag') ?? '';
    expect((await ask('/chat', { 'if-none-match': tag })).status).toBe(304);
    expect((await ask('/chat', { 'if-none-match': '"other"' })).status).toBe(200);
  });

  test('is not there for a host that is none, or where the module is off', async () => {
    await open();
    expect((await ask('/chat', { host: 'mantua.example' })).status).toBe(404);
    await scene.stop();
    scene = await startScene({
      modules: [roster, archive, disco, muc, register, webClient],
      accounts: [`juliet@${HOST}`],
      settings: { webClient: false },
    });
    for (const path of ['/chat', '/chat/manifest.webmanifest', '/chat/logo'])
      expect((await ask(path)).status).toBe(404);
  });

  test('takes whole addresses where it is asked for by no name of a host, and there are several', async () => {
    scene = await startScene({
      modules: [roster, archive, disco, muc, register, webClient],
      accounts: [`juliet@${HOST}`, 'eva@capulet.example'],
      isLocal: true,
    });
    const page = await ask('/chat', { host: '127.0.0.1:5280' });
    const text = await page.text();
    const { name, converse } = JSON.parse(/id="settings">(.*)<\/script>/.exec(text)?.[1] ?? '');
    expect([name, converse.locked_domain, converse.allow_registration]).toEqual([
      'Chat',
      undefined,
      false,
    ]);
    expect(page.headers.get('content-security-policy')).toContain('wss://capulet.example:5281');
  });

  test('knows the rooms of its host', async () => {
    scene = await startScene({
      modules: [roster, presence, archive, offline, disco, muc, register, webClient],
      accounts: [`juliet@${HOST}`],
      host: { components: { [`conference.${HOST}` as Domain]: { type: 'muc', name: 'Rooms' } } },
    });
    const page = await (await ask('/chat')).text();
    expect(page).toContain(`"muc_domain":"conference.${HOST}"`);
  });
});

describe('its files', () => {
  test('are compressed for who takes that, and kept by browsers for good', async () => {
    await open();
    const path =
      filesOf(await (await ask('/chat')).text()).find((each) => each.endsWith('.min.css')) ?? '';
    const [plain, packed] = [await ask(path), await ask(path, { 'accept-encoding': 'br, gzip' })];
    expect(plain.headers.get('cache-control')).toContain('immutable');
    expect(packed.headers.get('content-encoding')).toBe('gzip');
    const whole = Buffer.from(await plain.arrayBuffer());
    expect(gunzipSync(Buffer.from(await packed.arrayBuffer())).equals(whole)).toBe(true);
  });

  test.each([
    'start.js/../../index.js',
    '..%2f..%2fpackage.json',
    'converse.min.js.map',
    'converse.js',
    'nothing.js',
    '%00',
  ])('nothing else is: %s', async (name) => {
    await open();
    const path = filesOf(await (await ask('/chat')).text()).find((each) => each.endsWith('.js'));
    const below = path?.slice(0, path.lastIndexOf('/'));
    expect((await ask(`${below}/${name}`)).status).toBe(404);
    expect((await ask('/chat/000000000000/start.js')).status).toBe(404);
  });
});

describe('the logo', () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';

  test('is the one of the config; what is in it cannot run', async () => {
    const logo = join(folder, 'logo.svg');
    await writeFile(logo, svg);
    await open({ logo });
    expect(await (await ask('/chat')).text()).toContain('"logo":"chat/logo"');
    const answer = await ask('/chat/logo');
    expect(answer.headers.get('content-type')).toBe('image/svg+xml');
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await answer.text()).toBe(svg);
  });

  test('that is no picture, or not there, is not served', async () => {
    const logo = join(folder, 'secret.txt');
    await writeFile(logo, 'secret');
    await open({ logo });
    expect((await ask('/chat/logo')).status).toBe(404);
    await scene.stop();
    await open({ logo: join(folder, 'none.png') });
    expect((await ask('/chat/logo')).status).toBe(404);
  });
});

test('it can be installed like a program', async () => {
  await open({ name: 'Montague' });
  const answer = await ask('/chat/manifest.webmanifest');
  expect(answer.headers.get('content-type')).toBe('application/manifest+json');
  expect(await answer.json()).toMatchObject({ name: 'Montague', display: 'standalone' });
});

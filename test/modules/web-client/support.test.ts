/** The chat for visitors over HTTP; in a browser it is tested in test/browser/support.test.ts. */
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, test } from 'vitest';
import { archive } from '../../../src/modules/archive/index.ts';
import { disco } from '../../../src/modules/disco/index.ts';
import { muc } from '../../../src/modules/muc/index.ts';
import { register } from '../../../src/modules/register/index.ts';
import { roster } from '../../../src/modules/roster/index.ts';
import { webClient } from '../../../src/modules/web-client/index.ts';
import { webClientConfig } from '../../../src/modules/web-client/settings.ts';
import { type Scene, startScene } from '../../support/scene.ts';

const HOST = 'guest.verona.example';
const ROOM = 'support@conference.verona.example';
const SITES = ['https://www.verona.example', 'https://shop.verona.example:8443'];
let scene: Scene;
afterEach(() => scene?.stop());

async function open(support: object | undefined, anonymous = true) {
  scene = await startScene({
    modules: [roster, archive, disco, muc, register, webClient],
    accounts: [`porter@${HOST}`],
    host: { anonymous },
    settings: { webClient: support === undefined ? {} : { support } },
  });
}
const ask = async (path: string, headers: Readonly<Record<string, string>> = {}) => {
  const [web] = scene.registry.web;
  const answer = await web?.app.request(path, { headers: { host: HOST, ...headers } });
  if (answer === undefined) throw new Error('nothing is served');
  return answer;
};
const policyIn = (answer: Response) => answer.headers.get('content-security-policy') ?? '';

describe('the page', () => {
  test('may be shown by the sites that the config names, and by no other', async () => {
    await open({ room: ROOM, embeddedBy: SITES });
    const policy = policyIn(await ask('/support'));
    expect(policy).toContain(`frame-ancestors ${SITES.join(' ')}`);
    expect(policy.split('; ').filter((each) => each.startsWith('frame-ancestors'))).toHaveLength(1);
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';");
    // What is framed is this page alone.
    expect(policyIn(await ask('/chat'))).toContain("frame-ancestors 'none'");
  });

  test('is shown by none where the config names none', async () => {
    await open({ room: ROOM });
    expect(policyIn(await ask('/support'))).toContain("frame-ancestors 'none'");
  });

  test('says what the config says, as text, and all that it names is there', async () => {
    const title = 'Montague & Sons </title><script>alert(1)</script>';
    await open({ room: ROOM, title, greeting: '<b>Good morrow</b>' });
    const page = await (await ask('/support')).text();
    expect(page).toContain('<title>Montague &amp; Sons &lt;/title&gt;');
    expect(page).toContain('&lt;b&gt;Good morrow&lt;/b&gt;');
    expect(page).not.toContain('alert(1)</script>');
    const data = /id="settings">(.*)<\/script>/.exec(page)?.[1] ?? '';
    const settings = JSON.parse(data);
    expect(settings).toMatchObject({ domain: HOST });
    expect(page).not.toContain(ROOM); // which is for colleagues
    const files = [...page.matchAll(/(?:src|href)="(chat\/[^"]+)"/g)].map(([, path]) => `/${path}`);
    expect(files.length).toBeGreaterThan(3);
    for (const path of files) expect([path, (await ask(path)).status]).toEqual([path, 200]);
  });

  test.each([
    ['no chat is set up', undefined, true, {}],
    ['the domain has no guests', { room: ROOM }, false, {}],
    ['there is no such domain', { room: ROOM }, true, { host: 'mantua.example' }],
  ] as const)('is not there where %s', async (_, support, anonymous, headers) => {
    await open(support, anonymous);
    for (const path of ['/support', '/support/widget.js'])
      expect((await ask(path, headers)).status).toBe(404);
  });
});

describe('the script', () => {
  test('is one that other sites may load, and is sent anew only when it changed', async () => {
    await open({ room: ROOM });
    const answer = await ask('/support/widget.js');
    expect(answer.headers.get('content-type')).toContain('text/javascript');
    expect(answer.headers.get('cross-origin-resource-policy')).toBe('cross-origin');
    const tag = answer.headers.get('etag') ?? '';
    const same = await ask('/support/widget.js', { 'if-none-match': tag });
    expect(same.status).toBe(304);
    // Chromium blocks a script of another origin whose type it is not told (ORB).
    expect(same.headers.get('content-type')).toContain('text/javascript');
    expect(same.headers.get('cross-origin-resource-policy')).toBe('cross-origin');
  });

  test('takes what the config says for a text', async () => {
    await open({ room: ROOM, title: "'); alert($& $1) //\u2028</script>" });
    const text = await (await ask('/support/widget.js')).text();
    let alerts = 0;
    const document = { currentScript: null };
    runInNewContext(text, { document, alert: () => (alerts += 1) });
    expect(alerts).toBe(0);
    expect(text).not.toContain("'SETTINGS'");
  });
});

describe('the config', () => {
  const faultsOf = (embeddedBy: readonly string[]) =>
    webClientConfig.safeParse({ support: { room: ROOM, embeddedBy } }).success;

  test.each(['https://www.falcot.com', 'https://a.b:8443', 'http://localhost:3000'])(
    'takes the site %s',
    (site) => expect(faultsOf([site])).toBe(true),
  );

  test.each([
    '*',
    'https://*',
    'https://*.falcot.com',
    'https://falcot.com/',
    'https://falcot.com; script-src *',
    "https://falcot.com 'self'",
    'http://falcot.com',
    'https://',
    'falcot.com',
    'https://falcot.com\nx',
  ])('takes nothing that says more: %j', (site) => expect(faultsOf([site])).toBe(false));

  test('needs a room', () => {
    expect(webClientConfig.safeParse({ support: {} }).success).toBe(false);
    expect(webClientConfig.safeParse({ support: { room: 'falcot.com' } }).success).toBe(false);
  });
});

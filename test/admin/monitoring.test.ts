import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ConsoleScene, startConsole } from './console-scene.ts';
import { type Visitor, visit } from './visitor.ts';

const ADMIN = 'lucie@falcot.com';

let console: ConsoleScene;
let admin: Visitor;

beforeEach(async () => {
  console = await startConsole({ accounts: [ADMIN], metricsFrom: ['198.51.100.0/24'] });
  admin = visit(console.app);
  await admin.signIn(ADMIN);
});
afterEach(() => console.stop());

describe('monitoring', () => {
  test('/healthz is open, and says when the server stops', async () => {
    expect((await visit(console.app).get('/healthz')).status).toBe(200);
    console.closing.abort();
    expect((await visit(console.app).get('/healthz')).status).toBe(503);
  });

  test.each([
    ['127.0.0.1', {}, 200],
    ['::1', {}, 200],
    ['198.51.100.7', {}, 200],
    ['192.0.2.10', {}, 403],
    ['', {}, 403],
    ['127.0.0.1', { 'x-forwarded-for': '203.0.113.1' }, 403],
    ['192.0.2.10', { 'x-forwarded-for': '127.0.0.1' }, 403],
  ])('/metrics for %s with %o is %i', async (remote, headers, status) => {
    expect((await visit(console.app, { remote }).get('/metrics', headers)).status).toBe(status);
  });

  test('/metrics is for a signed-in admin, and is the text of Prometheus', async () => {
    const answer = await admin.get('/metrics');
    expect(answer.headers.get('content-type')).toContain('text/plain');
    expect(await answer.text()).toContain('# TYPE rtcd_sessions gauge');
  });

  test('/ leads to the console', async () => {
    expect((await visit(console.app).get('/')).headers.get('location')).toBe('/admin');
  });

  test('without the console there are only the probes', async () => {
    const off = await startConsole({ accounts: [ADMIN], isConsoleOn: () => false });
    const visitor = visit(off.app, { remote: '127.0.0.1' });
    for (const path of [
      '/admin',
      '/admin/sign-in',
      '/admin/setup',
      '/admin/users',
      '/api/operations',
    ])
      expect((await visitor.get(path)).status, path).toBe(404);
    for (const path of ['/', '/healthz', '/metrics'])
      expect((await visitor.get(path)).status).toBe(200);
    await off.stop();
  });
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { offline } from '../../src/modules/offline/index.ts';
import { presence } from '../../src/modules/presence/index.ts';
import { push } from '../../src/modules/push/index.ts';
import { roster } from '../../src/modules/roster/index.ts';
import { type AppServer, openAppServer } from '../modules/push/app-server.ts';
import { type ConsoleScene, startConsole } from './console-scene.ts';
import { type Visitor, visit } from './visitor.ts';

const ADMIN = 'lucie@falcot.com';
const USER = 'joe@falcot.com';
const NODE = "yxs32<&'";

describe('push notifications in the console', () => {
  let console: ConsoleScene;
  let admin: Visitor;
  let app: AppServer;
  beforeEach(async () => {
    console = await startConsole({
      accounts: [ADMIN, USER],
      modules: [roster, presence, offline, push],
    });
    app = openAppServer(console.scene);
    admin = visit(console.app);
    await admin.signIn(ADMIN);
  });
  afterEach(() => console.stop());

  const page = (action = '') =>
    `/admin/users/${encodeURIComponent(USER)}${action === '' ? '' : `/push/${action}`}`;
  const fields = { service: 'push-5.client.example', node: NODE };
  const enable = async () => {
    const phone = await console.scene.connect(`${USER}/phone`);
    const node = 'yxs32&lt;&amp;&apos;';
    await phone.ask(
      'set',
      `<enable xmlns='urn:xmpp:push:0' jid='push-5.client.example' node='${node}'/>`,
    );
    return phone;
  };
  const follow = (answer: Response) => {
    expect(answer.status).toBe(303);
    return admin.read(answer.headers.get('location') ?? '');
  };
  /** The page behind a button of the user's page. */
  const behind = async (action: string) => {
    const [, path = ''] =
      new RegExp(`href="([^"]*/push/${action}[^"]*)"`).exec(await admin.read(page())) ?? [];
    return path.replaceAll('&amp;', '&');
  };

  test('a user without registrations has no such section', async () => {
    expect(await admin.read(page())).not.toContain('Push notifications');
  });

  test('a registration is shown with what the app server said', async () => {
    const phone = await enable();
    expect(await admin.read(page())).toMatch(/push-5\.client\.example[\s\S]*Connected[\s\S]*never/);
    await phone.disconnect();
    app.answers = 'wait resource-constraint';
    const juliet = await console.scene.connect(`${ADMIN}/x`);
    await juliet.send(`<message to='${USER}' type='chat'><body>x</body></message>`);
    await app.next();
    await app.nothing();
    expect(await admin.read(page())).toMatch(/Away[\s\S]*phone[\s\S]*resource-constraint/);
  });

  test('a test asks first, and shows the answer', async () => {
    await enable();
    const path = await behind('test');
    expect(await admin.read(path)).toContain('Send a test notification?');
    await app.nothing();
    const taken = await admin.submit(page('test'), fields, { from: path });
    expect(await follow(taken)).toContain('took the notification.');
    expect(await app.told()).toBe('message-count=1');
    app.answers = 'cancel item-not-found';
    const refused = await admin.submit(page('test'), fields, { from: path });
    expect(await follow(refused)).toMatch(
      /did not take the notification: item-not-found\.[\s\S]*Ended/,
    );
    const gone = await admin.submit(page('test'), fields, { from: path });
    expect(gone.status).toBe(422);
  });

  test('a registration is forgotten', async () => {
    await enable();
    const path = await behind('forget');
    expect(await admin.read(path)).toContain('Forget this registration?');
    const done = await admin.submit(page('forget'), fields, { from: path });
    expect(await follow(done)).toContain('is forgotten.');
    expect(await admin.read(page())).not.toContain('Push notifications');
  });
});

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MODULES, publish } from '../modules/pubsub/house.ts';
import { type ConsoleScene, startConsole } from './console-scene.ts';
import { type Visitor, visit } from './visitor.ts';

const ADMIN = 'lucie@falcot.com';
const USER = 'joe@falcot.com';
const NODE = 'http://jabber.org/protocol/tune#<&\'">';
const at = (page: string, query: Record<string, string>) =>
  `/admin/nodes${page}?${new URLSearchParams(query)}`;

describe('nodes in the console', () => {
  let console: ConsoleScene;
  let admin: Visitor;
  beforeEach(async () => {
    console = await startConsole({ accounts: [ADMIN, USER], modules: MODULES });
    admin = visit(console.app);
    await admin.signIn(ADMIN);
    const joe = await console.scene.connect(`${USER}/x`);
    await publish(joe, 'urn:quiet', "<item id='x'><x xmlns='urn:x'/></item>", {
      access_model: 'whitelist',
    });
    const name = NODE.replace('&', '&amp;').replace('<', '&lt;').replace("'", '&apos;');
    await publish(joe, name, "<item id='tune &lt;1>'><tune xmlns='urn:x'>secret</tune></item>");
  });
  afterEach(() => console.stop());

  test('without a service of its own the page asks for an account', async () => {
    const page = await admin.read('/admin/nodes');
    expect(page).toContain('No domain has a service of its own.');
    expect(page).toContain('name="jid"');
  });

  test('the nodes of a user are listed and searched', async () => {
    expect(await admin.read(`/admin/users/${encodeURIComponent(USER)}`)).toContain(
      '/admin/nodes?jid=joe%40falcot.com',
    );
    const page = await admin.read(at('', { jid: USER }));
    expect(page).toMatch(
      /2 nodes[\s\S]*tune#&lt;&amp;[\s\S]*Contacts[\s\S]*urn:quiet[\s\S]*Who is named/,
    );
    expect(await admin.read(at('', { jid: USER, search: 'quiet' }))).not.toContain('tune');
    expect(await admin.read(at('', { jid: 'nobody@falcot.com' }))).toContain('There is no account');
  });

  test('a node is shown without what is in it, and deleted after a question', async () => {
    const page = await admin.read(at('/show', { jid: USER, node: NODE }));
    expect(page).toContain('tune &lt;1&gt;');
    expect(page).not.toContain('secret');
    const one = { jid: USER, node: NODE, item: 'tune <1>' };
    expect(await admin.read(at('/delete', one))).toContain('Delete this item?');
    const first = await admin.submit('/admin/nodes/delete', one, { from: at('/delete', one) });
    expect(await admin.read(first.headers.get('location') ?? '')).toContain('It keeps none.');
    const all = { jid: USER, node: NODE, item: '' };
    expect(await admin.read(at('/delete', all))).toContain('Delete this node?');
    const second = await admin.submit('/admin/nodes/delete', all, { from: at('/delete', all) });
    const list = await admin.read(second.headers.get('location') ?? '');
    expect(list).toContain('1 node');
    const again = await admin.submit('/admin/nodes/delete', all, { from: at('/delete', all) });
    expect(again.status).toBe(422);
    expect(await again.text()).toContain('has no node');
  });
});

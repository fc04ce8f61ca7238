/** What an admin does with nodes. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAudit } from '../../../src/core/audit.ts';
import { createOperations, type Operations } from '../../../src/core/operation.ts';
import type { Actor, Scene } from '../../support/scene.ts';
import { ask, calm, connectClient, create, heard, openHouse, PUBSUB, publish } from './house.ts';

const HAMLET = 'hamlet@denmark.lit';
const NODE = 'urn:xmpp:avatar:metadata';
const item = (id: string) => `<item id='${id}'><x xmlns='urn:x'>secret</x></item>`;

describe('the operations of nodes', () => {
  let scene: Scene;
  let operations: Operations;
  let hamlet: Actor;
  beforeEach(async () => {
    scene = await openHouse([HAMLET]);
    operations = createOperations(scene.registry.operations, {
      audit: createAudit(scene.store, scene.clock),
      log: scene.log.area('operations'),
      mayRun: () => true,
    });
    hamlet = await connectClient(scene, `${HAMLET}/elsinore`, [NODE]);
  });
  afterEach(() => scene.stop());
  const run = async (name: string, input: object) => {
    const outcome = await operations.run(name, input, { name: 'root', via: 'socket' });
    await calm(scene);
    if (!outcome.ok) return `${outcome.why}: ${outcome.text}`;
    return operations.find(name)?.output.parse(outcome.value) as Record<string, unknown>;
  };

  test('pubsub.nodes lists those of accounts and services', async () => {
    expect(await run('pubsub.nodes', { jid: HAMLET })).toEqual({ nodes: [], total: 0 });
    await publish(hamlet, NODE, item('a'));
    await publish(hamlet, 'urn:other', item('a'), { access_model: 'whitelist', title: 'Other' });
    expect(await run('pubsub.nodes', { jid: HAMLET, search: 'AVATAR' })).toEqual({
      nodes: [
        {
          node: NODE,
          title: '',
          access: 'presence',
          items: 1,
          bytes: 27,
          subscribers: 0,
          created: scene.clock.now(),
        },
      ],
      total: 1,
    });
    expect(await run('pubsub.nodes', { jid: HAMLET, offset: 1, limit: 1 })).toMatchObject({
      nodes: [{ node: 'urn:xmpp:avatar:metadata' }],
      total: 2,
    });
    await create(hamlet, 'musings');
    expect(await run('pubsub.nodes', { jid: PUBSUB })).toMatchObject({ total: 1 });
    expect(await run('pubsub.services', {})).toMatchObject({
      services: expect.arrayContaining([{ service: PUBSUB, nodes: 1 }]),
    });
  });

  test('who is not there has none', async () => {
    expect(await run('pubsub.nodes', { jid: 'nobody@denmark.lit' })).toBe(
      'not-found: There is no account nobody@denmark.lit.',
    );
    expect(await run('pubsub.nodes', { jid: 'pubsub.example' })).toMatch(
      /^not-found: There are no nodes at pubsub\.example; they are at pubsub\.shakespeare\.lit/,
    );
    expect(await run('pubsub.show', { jid: HAMLET, node: 'x' })).toMatch(
      /^not-found: .* no node x/,
    );
  });

  test('pubsub.show tells all but what is in items', async () => {
    await publish(hamlet, NODE, item('a'), { max_items: '5' });
    const subscribe = `<subscribe node='${NODE}' jid='${HAMLET}'/>`;
    await ask(hamlet, 'set', subscribe);
    const shown = await run('pubsub.show', { jid: HAMLET, node: NODE });
    expect(shown).toMatchObject({
      creator: HAMLET,
      ids: ['a'],
      subscriptions: [{ jid: HAMLET, subscription: 'subscribed' }],
      settings: expect.arrayContaining([expect.objectContaining({ key: 'maxItems', value: '5' })]),
    });
    expect(JSON.stringify(shown)).not.toContain('secret');
    expect(operations.find('pubsub.show')?.isAudited).toBe(true);
  });

  test('pubsub.delete removes an item or a node, and tells', async () => {
    await publish(hamlet, NODE, item('a'), { max_items: '5' });
    await calm(scene);
    hamlet.inbox.length = 0;
    expect(await run('pubsub.delete', { jid: HAMLET, node: NODE, item: 'b' })).toMatch(
      /^not-found/,
    );
    await run('pubsub.delete', { jid: HAMLET, node: NODE, item: 'a' });
    await run('pubsub.delete', { jid: HAMLET, node: NODE });
    expect(heard(hamlet)).toEqual([`${NODE} -a`, `${NODE} delete`]);
    expect(await run('pubsub.delete', { jid: HAMLET, node: NODE })).toMatch(/^not-found/);
    await create(hamlet, 'musings');
    await publish(hamlet, 'musings', item('a'), undefined, PUBSUB);
    await run('pubsub.delete', { jid: PUBSUB, node: 'musings', item: 'a' });
    await run('pubsub.delete', { jid: PUBSUB, node: 'musings' });
    expect(await run('pubsub.nodes', { jid: PUBSUB })).toEqual({ nodes: [], total: 0 });
  });
});

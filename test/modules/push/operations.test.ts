import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAudit } from '../../../src/core/audit.ts';
import { createOperations, type Operations } from '../../../src/core/operation.ts';
import { openAppServer } from './app-server.ts';
import { enabling, JULIET, ROMEO, type Stage, setAttached, setStage } from './stage.ts';

const SERVICE = 'push-5.client.example';

describe('the operations of push notifications', () => {
  let stage: Stage;
  let operations: Operations;
  beforeEach(async () => {
    stage = await setStage();
    const { registry, store, clock, log } = stage.scene;
    operations = createOperations(registry.operations, {
      audit: createAudit(store, clock),
      log: log.area('operations'),
      mayRun: () => true,
    });
  });
  afterEach(() => stage.scene.stop());

  const run = async (name: string, input: object) => {
    const outcome = await operations.run(name, input, { name: 'root', via: 'socket' });
    if (!outcome.ok) return `${outcome.why}: ${outcome.text}`;
    return operations.find(name)?.output.parse(outcome.value) as Record<string, unknown>;
  };

  test('push.list tells how each registration fares', async () => {
    const now = stage.scene.clock.now();
    await stage.device('laptop');
    setAttached(stage, await stage.device('tablet'), false);
    await (await stage.device('phone')).disconnect();
    await stage.say();
    for (let count = 0; count < 2; count += 1) await stage.app.next();
    await stage.app.nothing();
    const usual = {
      jid: ROMEO,
      service: SERVICE,
      unseen: 1,
      enabled: now,
      tried: now,
      result: 'published',
      succeeded: now,
      failures: 0,
      nextTry: null,
    };
    const untried = { ...usual, unseen: 0, tried: null, result: '', succeeded: null };
    expect(await run('push.list', { jid: ROMEO })).toEqual({
      registrations: [
        { ...untried, node: 'laptop', device: 'laptop', state: 'connected' },
        { ...usual, node: 'phone', device: 'phone', state: 'away' },
        { ...usual, node: 'tablet', device: 'tablet', state: 'asleep' },
      ],
      total: 3,
    });
  });

  test('push.list shows those of all accounts, or only the failing ones', async () => {
    await stage.juliet.ask('set', enabling('balcony'));
    await (await stage.device('phone')).disconnect();
    await (await stage.device('old')).disconnect();
    expect(await run('push.list', { limit: 1, offset: 2 })).toMatchObject({
      registrations: [{ jid: ROMEO, node: 'phone' }],
      total: 3,
    });
    stage.app.answers = 'silence';
    await stage.say();
    await stage.app.reply(await stage.app.next(), 'cancel item-not-found');
    await stage.app.reply(await stage.app.next(), 'wait resource-constraint');
    const failing = (await run('push.list', { failing: true })) as {
      registrations: { state: string; result: string; nextTry: number | null }[];
    };
    expect(failing.registrations).toMatchObject([{ failures: 1 }, { failures: 1 }]);
    const results = failing.registrations.map(({ state, result, nextTry }) => [
      state,
      result,
      nextTry === null ? nextTry : nextTry - stage.scene.clock.now(),
    ]);
    expect(results.sort()).toEqual([
      ['away', 'resource-constraint', 30_000],
      ['ended', 'item-not-found', null],
    ]);
    expect(await run('push.list', { jid: JULIET, failing: true })).toMatchObject({ total: 0 });
  });

  test('push.test sends at once, and shows what the app server answers', async () => {
    await stage.device('phone');
    const other = openAppServer(stage.scene, 'push.other.example');
    other.answers = 'cancel item-not-found';
    await stage.juliet.ask('set', enabling('balcony'));
    const tablet = await stage.device('tablet');
    await tablet.ask('set', enabling('n', other.domain));
    expect(await run('push.test', { jid: ROMEO })).toEqual({
      answers: [
        { level: 'ok', service: SERVICE, node: 'phone', answer: 'published' },
        { level: 'ok', service: SERVICE, node: 'tablet', answer: 'published' },
        { level: 'error', service: other.domain, node: 'n', answer: 'item-not-found' },
      ],
    });
    expect(await stage.app.told()).toBe('message-count=1');
    await stage.app.next();
    await stage.app.nothing();
    // It was refused, so it is over.
    expect(await run('push.test', { jid: ROMEO, service: other.domain })).toMatch(/^not-found: /);
    expect(await run('push.test', { jid: ROMEO, node: 'phone' })).toMatchObject({
      answers: [{ node: 'phone' }],
    });
  });

  test('push.test does not wait for the next try, nor for ever', async () => {
    await (await stage.device('phone')).disconnect();
    stage.app.answers = 'wait resource-constraint';
    await stage.say();
    await stage.app.next();
    await stage.app.nothing();
    expect(await run('push.test', { jid: ROMEO })).toMatchObject({
      answers: [{ level: 'warning', answer: 'resource-constraint' }],
    });
    expect(await stage.app.told()).toBe('message-count=1');
    await stage.app.nothing();
    stage.app.answers = 'silence';
    const testing = run('push.test', { jid: ROMEO });
    await stage.app.next();
    stage.scene.clock.advance(20_000);
    expect(await testing).toMatchObject({
      answers: [{ level: 'warning', answer: expect.stringContaining('within 20 seconds') }],
    });
  });

  test('push.forget ends what is meant', async () => {
    await stage.device('phone');
    await (await stage.device('tablet')).disconnect();
    expect(await run('push.forget', { jid: ROMEO, node: 'tablet' })).toEqual({ forgotten: 1 });
    expect(await run('push.forget', { jid: ROMEO, node: 'tablet' })).toBe(
      `not-found: ${ROMEO} has no such push registration; rtcctl push list ${ROMEO} shows all.`,
    );
    await stage.say();
    await stage.app.nothing();
    expect(await run('push.forget', { jid: ROMEO })).toEqual({ forgotten: 1 });
    expect(await stage.rows()).toEqual([]);
  });

  test('no secret of an app is shown or kept in the audit log', async () => {
    const phone = await stage.device('phone');
    await phone.ask(
      'set',
      enabling('phone').replace(
        '/>',
        "><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>" +
          '<value>http://jabber.org/protocol/pubsub#publish-options</value></field>' +
          "<field var='secret'><value>eruio234vzxc2kla-91</value></field></x></enable>",
      ),
    );
    const shown = JSON.stringify(await run('push.list', {}));
    expect(shown).toContain('phone');
    expect(shown).not.toContain('eruio234vzxc2kla-91');
  });
});

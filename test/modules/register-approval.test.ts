/** Registrations that wait for an admin. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAudit } from '../../src/core/audit.ts';
import { createOperations } from '../../src/core/operation.ts';
import { domainOf, parseBare } from '../../src/jid/jid.ts';
import { register } from '../../src/modules/register/index.ts';
import { type Scene, startScene } from '../support/scene.ts';

const JULIET = 'juliet@example.com';
const PASSWORD = 'a long enough secret';

let scene: Scene;
beforeEach(async () => {
  scene = await startScene({
    modules: [register],
    accounts: ['romeo@example.com'],
    settings: {
      register: { allowRegistration: true, approval: true, maxWaiting: 2, waitFor: '2h' },
    },
  });
});
afterEach(() => scene.stop());

const bare = (raw: string) => {
  const parsed = parseBare(raw);
  return parsed.ok ? parsed.value : expect.fail(parsed.why);
};
const signUp = async (username: string) => {
  const done = await scene.registry.apiOf(register).signUp({
    host: domainOf(bare(JULIET)),
    username,
    password: PASSWORD,
    remote: '192.0.2.1',
  });
  return done.kind === 'refused' ? done.condition : done.kind;
};
async function run(name: string, input: object = {}) {
  const operations = createOperations(scene.registry.operations, {
    audit: createAudit(scene.store, scene.clock),
    log: scene.log.area('operations'),
    mayRun: () => true,
  });
  const outcome = await operations.run(name, input, { name: 'root', via: 'socket' });
  return outcome.ok ? operations.find(name)?.output.parse(outcome.value) : outcome.why;
}

describe('registrations that wait', () => {
  test('the account is there, and locked until it is approved', async () => {
    expect(await signUp('juliet')).toBe('waiting');
    expect(await scene.accounts.get(bare(JULIET))).toMatchObject({ isLocked: true });
    expect(await run('registrations.list')).toEqual({
      registrations: [{ jid: JULIET, remote: '192.0.2.1', asked: scene.clock.now() }],
    });
    expect(await run('registrations.approve', { jid: JULIET })).toEqual({ jid: JULIET });
    expect(await scene.accounts.get(bare(JULIET))).toMatchObject({ isLocked: false });
    expect(await run('registrations.list', { host: 'example.com' })).toEqual({ registrations: [] });
    for (const name of ['approve', 'reject'])
      expect(await run(`registrations.${name}`, { jid: JULIET })).toBe('not-found');
  });

  test('who is rejected is removed; nobody else can be', async () => {
    await signUp('juliet');
    expect(await run('registrations.reject', { jid: JULIET })).toEqual({ jid: JULIET });
    expect(await scene.accounts.exists(bare(JULIET))).toBe(false);
    expect(await run('registrations.reject', { jid: 'romeo@example.com' })).toBe('not-found');
    expect(await scene.accounts.exists(bare('romeo@example.com'))).toBe(true);
  });

  test('no more wait than may, and nobody for ever, but for who was unlocked by hand', async () => {
    expect([await signUp('juliet'), await signUp('nurse'), await signUp('peter')]).toEqual([
      'waiting',
      'waiting',
      'resource-constraint',
    ]);
    await scene.accounts.setLocked(bare(JULIET), false);
    scene.clock.advance(3 * 3_600_000);
    await expect.poll(() => run('registrations.list')).toEqual({ registrations: [] });
    expect(await scene.accounts.exists(bare(JULIET))).toBe(true);
    expect(await scene.accounts.exists(bare('nurse@example.com'))).toBe(false);
  });

  test('who was unlocked by hand waits no more: locked again one day, he stays', async () => {
    await signUp('juliet');
    await scene.accounts.setLocked(bare(JULIET), false);
    await expect.poll(() => run('registrations.list')).toEqual({ registrations: [] });
    expect(await run('registrations.reject', { jid: JULIET })).toBe('not-found');
    await signUp('nurse');
    await scene.accounts.setLocked(bare(JULIET), true);
    scene.clock.advance(3 * 3_600_000);
    await expect.poll(() => scene.accounts.exists(bare('nurse@example.com'))).toBe(false);
    expect(await scene.accounts.exists(bare(JULIET))).toBe(true);
  });
});

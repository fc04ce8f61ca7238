/** What admins say to all users of a host, as these hear it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createOperations, type Operations } from '../../../src/core/operation.ts';
import { modules } from '../../../src/modules/index.ts';
import { childOf, type Element, textOf } from '../../../src/xml/element.ts';
import { bare } from '../../operations/support.ts';
import { type Actor, type Scene, startScene } from '../../support/scene.ts';

const LUCIE = 'lucie@falcot.com';
const JOE = 'joe@falcot.com';
const EVA = 'eva@other.example';
const NEW = 'new@falcot.com';

let scene: Scene;
let operations: Operations;
beforeEach(() => begin());
afterEach(() => scene.stop());

async function begin(settings: Record<string, unknown> = {}) {
  scene = await startScene({ modules, accounts: [LUCIE, JOE, EVA], settings });
  operations = createOperations(scene.registry.operations, {
    audit: { record: async () => {} },
    log: scene.log.area('test'),
    mayRun: scene.authority.mayRun,
  });
}
const run = (name: string, input: object, as = 'root') =>
  operations.run(name, input, { name: as, via: as === 'root' ? 'socket' : 'rest' });
const done = async (name: string, input: object) => {
  const outcome = await run(name, input);
  return outcome.ok ? outcome.value : expect.fail(outcome.text);
};
const FALCOT = { host: 'falcot.com' };
/** A client that is available. */
const come = async (jid: string, presence = '<presence/>'): Promise<Actor> => {
  const actor = await scene.connect(jid);
  await actor.send(presence);
  return actor;
};
/** What somebody was told by a host, once all is written that is being written. */
const told = async ({ inbox }: Actor): Promise<string[]> => {
  for (let still = 0; still < 4; still += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    const { queued, reading } = scene.store.stats();
    if (queued + reading > 0) still = 0;
  }
  return inbox.filter(({ name }) => name === 'message').map(bodyIn);
};
const bodyIn = (message: Element) => {
  const body = childOf(message, 'body');
  return body === undefined ? '' : textOf(body);
};

describe('XEP-0133 §4.23 an announcement', () => {
  test('reaches each user who is online, once at each of his clients', async () => {
    const desk = await come(`${LUCIE}/desk`);
    const phone = await come(`${LUCIE}/phone`);
    const eva = await come(`${EVA}/desk`);
    const silent = await scene.connect(`${JOE}/silent`);
    const hidden = await come(`${JOE}/low`, '<presence><priority>-1</priority></presence>');
    expect(await done('announcements.send', { text: 'Down\nat noon', subject: 'Soon' })).toEqual({
      sent: 2,
    });
    for (const actor of [desk, phone, eva]) expect(await told(actor)).toEqual(['Down\nat noon']);
    expect(await told(silent)).toEqual([]);
    expect(await told(hidden)).toEqual([]);
    const [message] = desk.inbox.filter(({ name }) => name === 'message');
    expect(message?.attrs).toMatchObject({ from: 'falcot.com', type: 'headline' });
    expect(textOf(childOf(message ?? expect.fail(), 'subject') ?? expect.fail())).toBe('Soon');
  });

  test('can be for one domain; an admin of one makes none for others', async () => {
    const lucie = await come(`${LUCIE}/desk`);
    const eva = await come(`${EVA}/desk`);
    expect(await done('announcements.send', { text: 'Hi', ...FALCOT })).toEqual({ sent: 1 });
    expect(await told(eva)).toEqual([]);
    await scene.accounts.setRole(bare(JOE), 'admin');
    const other = { text: 'Ho', host: 'other.example' };
    expect(await run('announcements.send', other, JOE)).toMatchObject({ why: 'forbidden' });
    expect(await run('announcements.send', { text: 'Ho' }, JOE)).toMatchObject({
      value: { sent: 1 },
    });
    expect(await told(lucie)).toEqual(['Hi', 'Ho']);
    expect(await run('announcements.send', { text: 'Ha' }, LUCIE)).toMatchObject({
      why: 'forbidden',
    });
  });

  test.each([
    [{ text: '' }, 'invalid-input'],
    [{ text: 'x'.repeat(5001) }, 'invalid-input'],
    [{ text: 'x', host: 'far.example' }, 'not-found'],
  ])('%j is refused', async (input, why) => {
    expect(await run('announcements.send', input)).toMatchObject({ ok: false, why });
  });

  test('who blocked the host hears none; a host that has it switched off makes none', async () => {
    const lucie = await come(`${LUCIE}/desk`);
    await lucie.ask('set', "<block xmlns='urn:xmpp:blocking'><item jid='falcot.com'/></block>");
    await done('announcements.send', { text: 'Hi' });
    expect(await told(lucie)).toEqual([]);
    await scene.stop();
    await begin({ announcements: false });
    for (const name of ['announcements.send', 'motd.set', 'welcome.set'])
      expect(await run(name, { text: 'x', ...FALCOT })).toMatchObject({ why: 'not-found' });
  });
});

describe('XEP-0133 §4.24 the message of the day', () => {
  test('is sent to who is online, and to others when they come, once to each user', async () => {
    const lucie = await come(`${LUCIE}/desk`);
    expect(await done('motd.set', { text: 'Party', ...FALCOT })).toEqual({ ...FALCOT, sent: 1 });
    expect(await told(lucie)).toEqual(['Party']);
    const [joe, other] = await Promise.all([come(`${JOE}/desk`), come(`${JOE}/phone`)]);
    const heard = [...(await told(joe)), ...(await told(other))];
    expect(new Set(heard)).toEqual(new Set(['Party']));
    await joe.disconnect();
    const again = await come(`${JOE}/desk`);
    await lucie.send('<presence><show>away</show></presence>');
    expect(await told(again)).toEqual([]);
    expect(await told(lucie)).toEqual(['Party']);
    const eva = await come(`${EVA}/desk`);
    expect(await told(eva)).toEqual([]);
  });

  test('waits until a client can show it', async () => {
    await done('motd.set', { text: 'Party', ...FALCOT });
    const joe = await come(`${JOE}/desk`, '<presence><priority>-1</priority></presence>');
    expect(await told(joe)).toEqual([]);
    await joe.send('<presence/>');
    expect(await told(joe)).toEqual(['Party']);
  });

  test('§4.25 is corrected for those who have not had it', async () => {
    const lucie = await come(`${LUCIE}/desk`);
    await done('motd.set', { text: 'Partie', ...FALCOT });
    await done('motd.edit', { text: 'Party', ...FALCOT });
    expect(await told(lucie)).toEqual(['Partie']);
    expect(await told(await come(`${JOE}/desk`))).toEqual(['Party']);
    expect(await done('motd.show', FALCOT)).toEqual({
      ...FALCOT,
      text: 'Party',
      since: scene.clock.now(),
    });
    await done('motd.set', { text: 'Another', ...FALCOT });
    expect(await told(lucie)).toEqual(['Partie', 'Another']);
  });

  test('§4.26 is deleted, and there is none to correct then', async () => {
    await done('motd.set', { text: 'Party', ...FALCOT });
    await done('motd.delete', FALCOT);
    expect(await told(await come(`${JOE}/desk`))).toEqual([]);
    expect(await run('motd.delete', FALCOT)).toMatchObject({ why: 'not-found' });
    expect(await run('motd.edit', { text: 'x', ...FALCOT })).toMatchObject({ why: 'not-found' });
    expect(await done('motd.show', FALCOT)).toEqual({ ...FALCOT, text: '', since: null });
  });

  test('the next account of a name hears it, too', async () => {
    await done('motd.set', { text: 'Party', ...FALCOT });
    expect(await told(await come(`${JOE}/desk`))).toEqual(['Party']);
    await scene.registry.removeAccount(bare(JOE), 'gone');
    await scene.accounts.create(bare(JOE), 'secret');
    expect(await told(await come(`${JOE}/desk`))).toEqual(['Party']);
  });
});

describe('XEP-0133 §4.27 the welcome', () => {
  test('is sent to new users when they first come, and to nobody else', async () => {
    await scene.clock.advance(1000);
    await done('welcome.set', { text: 'Welcome', ...FALCOT });
    await scene.clock.advance(1000);
    expect(await told(await come(`${LUCIE}/desk`))).toEqual([]);
    await scene.accounts.create(bare(NEW), 'secret');
    const first = await come(`${NEW}/desk`);
    expect(await told(first)).toEqual(['Welcome']);
    const [message] = first.inbox.filter(({ name }) => name === 'message');
    expect(message?.attrs, 'it is kept as a message of people is').not.toHaveProperty('type');
    await first.disconnect();
    await done('welcome.edit', { text: 'Welcome!', ...FALCOT });
    expect(await told(await come(`${NEW}/desk`))).toEqual([]);
  });

  test('§4.28 is deleted', async () => {
    await done('welcome.set', { text: 'Welcome', ...FALCOT });
    await done('welcome.delete', FALCOT);
    await scene.accounts.create(bare(NEW), 'secret');
    expect(await told(await come(`${NEW}/desk`))).toEqual([]);
  });
});

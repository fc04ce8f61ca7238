import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createOperations, type Operations } from '../../../src/core/operation.ts';
import { bareOf, parseBare, parseDomain } from '../../../src/jid/jid.ts';
import { type GroupChange, groups } from '../../../src/modules/groups/index.ts';
import { modules } from '../../../src/modules/index.ts';
import { childrenOf, type Element, serialise } from '../../../src/xml/element.ts';
import { conditionIn, resultIn } from '../../support/answers.ts';
import { type Actor, type Scene, startScene } from '../../support/scene.ts';

const LUCIE = 'lucie@falcot.com';
const JOE = 'joe@falcot.com';
const EVA = 'eva@falcot.com';
const query = (inner = '', ver?: string) =>
  `<query xmlns='jabber:iq:roster'${ver === undefined ? '' : ` ver='${ver}'`}>${inner}</query>`;

let scene: Scene;
let operations: Operations;
let config: Record<string, unknown>;
let lucie: Actor;
let joe: Actor;
let eva: Actor;
beforeEach(() => begin());
afterEach(() => scene.stop());

async function begin(settings: Record<string, unknown> = {}) {
  config = { maxMembers: 3, maxGroups: 3, ...settings };
  scene = await startScene({
    modules,
    accounts: [LUCIE, JOE, EVA],
    settings: { groups: config },
  });
  operations = createOperations(scene.registry.operations, {
    audit: { record: async () => {} },
    log: scene.log.area('test'),
    mayRun: scene.authority.mayRun,
  });
  lucie = await scene.connect(`${LUCIE}/desk`);
  joe = await scene.connect(`${JOE}/desk`);
  eva = await scene.connect(`${EVA}/desk`);
}
const run = (name: string, input: object, as = 'root') =>
  operations.run(name, input, { name: as, via: as === 'root' ? 'socket' : 'rest' });
const done = async (name: string, input: object) =>
  expect(await run(name, input)).toMatchObject({ ok: true });
async function create(...members: string[]): Promise<void> {
  await done('groups.create', { name: 'Sales' });
  if (members.length > 0) await done('groups.add', { name: 'Sales', jids: members });
}
const clear = (...actors: Actor[]) => {
  for (const actor of actors) actor.inbox.length = 0;
};
const bare = (raw: string) => {
  const parsed = parseBare(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
};
const textIn = (item: Element) => serialise(item).replace(' xmlns="jabber:iq:roster"', '');
const roster = async (actor: Actor) => {
  const [found] = childrenOf(await actor.ask('get', query()));
  return found === undefined ? [] : childrenOf(found).map(textIn);
};
const pushes = (actor: Actor) =>
  actor.inbox
    .filter(({ name, attrs }) => name === 'iq' && attrs.type === 'set')
    .flatMap((push) => childrenOf(push).flatMap(childrenOf))
    .map(textIn);
const presences = (actor: Actor) =>
  actor.inbox
    .filter(({ name }) => name === 'presence')
    .map(({ attrs }) => `${attrs.from} ${attrs.type ?? 'available'}`);

describe('the members of a group', () => {
  test('have each other in their rosters, as if subscribed, and nobody else', async () => {
    await create(LUCIE, JOE);
    expect(await roster(lucie)).toEqual([
      `<item jid="${JOE}" subscription="both"><group>Sales</group></item>`,
    ]);
    expect(await roster(joe)).toEqual([
      `<item jid="${LUCIE}" subscription="both"><group>Sales</group></item>`,
    ]);
    expect(await roster(eva)).toEqual([]);
  });

  test('see each other when they come, and go', async () => {
    await create(LUCIE, JOE);
    await lucie.send('<presence/>');
    await joe.send('<presence><show>away</show></presence>');
    expect(presences(lucie)).toContain(`${joe.jid} available`);
    expect(presences(joe)).toContain(`${lucie.jid} available`);
    await eva.send('<presence/>');
    expect(presences(eva)).toEqual([`${eva.jid} available`]);
    clear(joe);
    await lucie.disconnect();
    expect(presences(joe)).toEqual([`${lucie.jid} unavailable`]);
  });

  test('who are here when one comes in are told, see him, and he sees them; and the other way', async () => {
    await create(LUCIE, JOE);
    for (const actor of [lucie, joe, eva]) {
      await roster(actor);
      await actor.send('<presence/>');
    }
    clear(lucie, joe, eva);
    await done('groups.add', { name: 'Sales', jids: [EVA] });
    expect(pushes(lucie)).toEqual([
      `<item jid="${EVA}" subscription="both"><group>Sales</group></item>`,
    ]);
    expect(pushes(eva).join()).toContain(LUCIE);
    expect(presences(eva).sort()).toEqual([`${joe.jid} available`, `${lucie.jid} available`]);
    expect(presences(lucie)).toEqual([`${eva.jid} available`]);
    clear(lucie, joe, eva);
    await done('groups.remove', { name: 'Sales', jids: [EVA] });
    expect(pushes(lucie)).toEqual([`<item jid="${EVA}" subscription="remove"/>`]);
    expect(presences(lucie)).toEqual([`${eva.jid} unavailable`]);
    expect(presences(eva).sort()).toEqual([`${joe.jid} unavailable`, `${lucie.jid} unavailable`]);
    expect(await roster(eva)).toEqual([]);
  });

  test('RFC 6121 §2.5.3 cannot remove each other', async () => {
    await create(LUCIE, JOE);
    const remove = query(`<item jid='${JOE}' subscription='remove'/>`);
    expect(conditionIn(await lucie.ask('set', remove))).toBe('not-allowed');
    expect(await roster(lucie)).toHaveLength(1);
    await lucie.send(`<presence to='${JOE}' type='unsubscribed' id='u'/>`);
    expect(conditionIn(await lucie.next())).toBe('not-allowed');
    await lucie.send(`<presence to='${JOE}' type='subscribe' id='s'/>`);
    await joe.nothing();
  });

  test('give each other names of their own, which outlive the group; its name does not', async () => {
    await create(LUCIE, JOE);
    const named = `<item jid='${JOE}' name='Joey'><group>Sales</group><group>Friends</group></item>`;
    expect(resultIn(await lucie.ask('set', query(named)))).toBe('');
    expect(await roster(lucie)).toEqual([
      `<item jid="${JOE}" name="Joey" subscription="both"><group>Friends</group><group>Sales</group></item>`,
    ]);
    await done('groups.delete', { name: 'Sales' });
    expect(await roster(lucie)).toEqual([
      `<item jid="${JOE}" name="Joey" subscription="none"><group>Friends</group></item>`,
    ]);
    expect(await roster(joe)).toEqual([]);
  });

  test('what a client sends back unchanged is not made an item of the user', async () => {
    await create(LUCIE, JOE);
    const same = `<item jid='${JOE}'><group>Sales</group></item>`;
    expect(resultIn(await lucie.ask('set', query(same)))).toBe('');
    await done('groups.delete', { name: 'Sales' });
    expect(await roster(lucie)).toEqual([]);
  });

  test('who had subscribed to each other before stay so after', async () => {
    await lucie.send('<presence/>');
    await joe.send('<presence/>');
    await lucie.send(`<presence to='${JOE}' type='subscribe'/>`);
    await joe.send(`<presence to='${LUCIE}' type='subscribed'/>`);
    await create(LUCIE, JOE);
    clear(lucie, joe);
    await done('groups.delete', { name: 'Sales' });
    expect(presences(lucie)).toEqual([]);
    expect(presences(joe)).toEqual([`${lucie.jid} unavailable`]);
    expect(await roster(lucie)).toEqual([`<item jid="${JOE}" subscription="to"/>`]);
  });

  test('RFC 6121 §2.6 a version holds until a group changes, and is that of what is in it', async () => {
    await create(LUCIE, JOE);
    const version = async () => childrenOf(await lucie.ask('get', query()))[0]?.attrs['ver'] ?? '';
    const first = await version();
    expect(resultIn(await lucie.ask('get', query('', first)))).toBe('');
    await done('groups.create', { name: 'Other' });
    expect(await version()).toBe(first);
    await done('groups.add', { name: 'Sales', jids: [EVA] });
    expect(await version()).not.toBe(first);
    await done('groups.remove', { name: 'Sales', jids: [EVA] });
    expect(await version()).toBe(first);
  });

  test('are told apart by blocking, as all are', async () => {
    await create(LUCIE, JOE);
    await lucie.send('<presence/>');
    await joe.send('<presence/>');
    clear(lucie, joe);
    await lucie.ask('set', `<block xmlns='urn:xmpp:blocking'><item jid='${JOE}'/></block>`);
    expect(presences(joe)).toEqual([`${lucie.jid} unavailable`]);
  });

  test('a removed account is in no group, and the next one of its name is not', async () => {
    await create(LUCIE, JOE);
    await roster(lucie);
    await scene.registry.removeAccount(bare(JOE), 'gone');
    expect(pushes(lucie)).toEqual([`<item jid="${JOE}" subscription="remove"/>`]);
    await scene.accounts.create(bare(JOE), 'secret');
    expect(await roster(lucie)).toEqual([]);
  });
});

describe('a group of everyone', () => {
  test('has all of the domain but guests, and those who come later', async () => {
    await scene.accounts.setRole(bare(EVA), 'guest');
    await done('groups.create', { name: 'Falcot', everyone: true });
    expect((await roster(lucie)).join()).toContain(JOE);
    expect(await roster(eva)).toEqual([]);
    clear(lucie);
    await scene.accounts.setRole(bare(EVA), 'member');
    await expect.poll(() => pushes(lucie).join()).toContain(EVA);
    expect(await roster(eva)).toHaveLength(2);
    expect(await run('groups.remove', { name: 'Falcot', jids: [EVA] })).toMatchObject({
      why: 'refused',
    });
  });
});

describe('a group of the config', () => {
  /** Another config is taken. */
  const reload = async (defined: Record<string, readonly string[]>) => {
    config['defined'] = defined;
    scene.registry.configured();
    await expect
      .poll(async () => {
        const found = await run('groups.list', {});
        return found.ok && (found.value as { groups: { name: string }[] }).groups.map(nameOf);
      })
      .toEqual(expect.arrayContaining(Object.keys(defined)));
  };
  const nameOf = ({ name }: { name: string }) => name;
  beforeEach(async () => {
    await scene.stop();
    await begin({ defined: { Sales: [LUCIE, JOE, 'new@falcot.com'] } });
  });

  test('is there from the start, as any other', async () => {
    expect(await roster(lucie)).toEqual([
      `<item jid="${JOE}" subscription="both"><group>Sales</group></item>`,
    ]);
    expect(await run('groups.list', {})).toMatchObject({
      value: { groups: [{ name: 'Sales', members: 2, defined: true, everyone: false }] },
    });
    expect(await run('groups.show', { name: 'Sales' })).toMatchObject({
      value: { defined: true, missing: [{ jid: 'new@falcot.com' }] },
    });
  });

  test('has an account as soon as it is made, and again when it is made anew', async () => {
    await roster(lucie);
    await scene.accounts.create(bare('new@falcot.com'), 'secret');
    await expect.poll(() => pushes(lucie).join()).toContain('new@falcot.com');
    await scene.registry.removeAccount(bare(JOE), 'gone');
    expect((await roster(lucie)).join()).not.toContain(JOE);
    await scene.accounts.create(bare(JOE), 'secret');
    await expect.poll(async () => (await roster(lucie)).join()).toContain(JOE);
  });

  test.each([
    ['groups.create', { name: 'Sales' }],
    ['groups.add', { name: 'Sales', jids: [EVA] }],
    ['groups.remove', { name: 'Sales', jids: [JOE] }],
    ['groups.delete', { name: 'Sales' }],
  ])('is changed only there: %s', async (name, input) => {
    const refused = await run(name, input);
    expect(refused).toMatchObject({ ok: false, why: 'refused' });
    expect(JSON.stringify(refused)).toContain('modules.groups.defined');
  });

  test('follows the config when it is taken anew, and those who are here are told', async () => {
    for (const actor of [lucie, joe, eva]) {
      await roster(actor);
      await actor.send('<presence/>');
    }
    clear(lucie, joe, eva);
    await reload({ Sales: [LUCIE, EVA], All: ['everyone'] });
    await expect
      .poll(() => roster(lucie))
      .toEqual([
        `<item jid="${EVA}" subscription="both"><group>All</group><group>Sales</group></item>`,
        `<item jid="${JOE}" subscription="both"><group>All</group></item>`,
      ]);
    expect(pushes(lucie).join()).toContain(EVA);
    expect(presences(eva)).toContain(`${lucie.jid} available`);
    await reload({});
    await expect.poll(() => roster(lucie)).toEqual([]);
  });

  test('stands before one that admins made, which comes back when it is taken out', async () => {
    await done('groups.create', { name: 'Other' });
    await done('groups.add', { name: 'Other', jids: [EVA] });
    const others = async () => {
      const found = await run('groups.show', { name: 'Other' });
      return found.ok ? (found.value as { members: unknown }).members : undefined;
    };
    await reload({ Other: [LUCIE, JOE] });
    await expect.poll(others).toEqual([{ jid: JOE }, { jid: LUCIE }]);
    config['defined'] = {};
    scene.registry.configured();
    await expect.poll(others).toEqual([{ jid: EVA }]);
    await done('groups.delete', { name: 'Other' });
  });
});

describe('groups as admins see them', () => {
  test('are listed and shown', async () => {
    await create(JOE, LUCIE);
    expect(await run('groups.list', {})).toMatchObject({
      value: { groups: [{ name: 'Sales', host: 'falcot.com', everyone: false, members: 2 }] },
    });
    expect(await run('groups.show', { name: 'Sales' })).toMatchObject({
      value: { members: [{ jid: JOE }, { jid: LUCIE }] },
    });
  });

  test.each([
    ['groups.create', { name: 'Sales' }, 'conflict'],
    ['groups.create', { name: '' }, 'invalid-input'],
    ['groups.create', { name: 'x', host: 'other.example' }, 'not-found'],
    ['groups.delete', { name: 'None' }, 'not-found'],
    ['groups.show', { name: 'None' }, 'not-found'],
    ['groups.add', { name: 'None', jids: [JOE] }, 'not-found'],
    ['groups.add', { name: 'Sales', jids: ['no@falcot.com'] }, 'not-found'],
    ['groups.add', { name: 'Sales', jids: ['joe@far.example'] }, 'not-found'],
    ['groups.remove', { name: 'Sales', jids: [JOE] }, 'not-found'],
  ])('%s of %j is refused: %s', async (name, input, why) => {
    await create();
    expect(await run(name, input)).toMatchObject({ ok: false, why });
  });

  test('have limits', async () => {
    await scene.stop();
    await begin({ maxMembers: 2 });
    await create(JOE, LUCIE);
    expect(await run('groups.add', { name: 'Sales', jids: [EVA] })).toMatchObject({
      why: 'refused',
    });
    for (const name of ['A', 'B']) await done('groups.create', { name });
    expect(await run('groups.create', { name: 'C' })).toMatchObject({ why: 'refused' });
  });

  test('are for admins of their domain, and none else', async () => {
    await scene.accounts.setRole(bare(JOE), 'admin');
    expect(await run('groups.create', { name: 'Own' }, JOE)).toMatchObject({ ok: true });
    expect(await run('groups.list', {}, EVA)).toMatchObject({ why: 'forbidden' });
  });

  test('are known to other modules, which are told of changes', async () => {
    const api = scene.registry.apiOf(groups);
    const changes: GroupChange[] = [];
    api.onChange((change) => void changes.push(change));
    await create(JOE, LUCIE);
    await done('groups.remove', { name: 'Sales', jids: [JOE] });
    const host = parseDomain('falcot.com');
    if (!host.ok) expect.fail(host.why);
    const key = { host: host.value, name: 'Sales' };
    expect([...((await api.members(key)) ?? [])]).toEqual([LUCIE]);
    expect(await api.names(host.value)).toEqual(['Sales']);
    expect(await api.of(bareOf(lucie.jid))).toMatchObject([key]);
    await done('groups.delete', { name: 'Sales' });
    expect(await api.members(key)).toBeUndefined();
    expect(changes.map(({ added, removed, isGone }) => [added, removed, isGone])).toEqual([
      [[], [], false],
      [[JOE, LUCIE], [], false],
      [[], [JOE], false],
      [[], [LUCIE], true],
    ]);
  });
});

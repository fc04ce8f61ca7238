import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createAuthority } from '../../src/core/authority.ts';
import { createOperations, operation, success } from '../../src/core/operation.ts';
import { type BareJid, parseBare } from '../../src/jid/jid.ts';
import { modules } from '../../src/modules/index.ts';
import { conditionIn } from '../support/answers.ts';
import { otherServer } from '../support/elsewhere.ts';
import { type Scene, startScene } from '../support/scene.ts';

const OPERATOR = 'lucie@falcot.com';
const ADMIN = 'joe@falcot.com';
const MEMBER = 'eva@falcot.com';
const ELSEWHERE = 'eva@guest.example';

const bare = (raw: string): BareJid => {
  const parsed = parseBare(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
};

let scene: Scene;
beforeEach(async () => {
  scene = await startScene({ modules, accounts: [OPERATOR, ADMIN, MEMBER, ELSEWHERE] });
  await scene.accounts.setRole(bare(OPERATOR), 'operator');
  await scene.accounts.setRole(bare(ADMIN), 'admin');
});
afterEach(() => scene.stop());

describe('who may run what', () => {
  const done: unknown[] = [];
  const runAs = async (name: string, chosen: string, input: object) => {
    const jid = z.string().transform(bare);
    const onAccount = operation({
      name: 'about',
      command: ['about'],
      summary: 'Touches an account.',
      effect: 'change',
      about: ({ jid: account }) => account,
      input: z.object({ jid }),
      output: z.unknown(),
      run: ({ jid: account }) => success(done.push(account)),
    });
    const onHost = operation({
      name: 'list',
      command: ['list'],
      summary: 'Lists what a host has.',
      effect: 'read',
      about: ({ host }) => host,
      input: z.object({ host: jid.optional() }),
      output: z.unknown(),
      run: ({ host }) => success(host),
    });
    const onServer = operation({
      name: 'server',
      command: ['server'],
      summary: 'Is about the whole server.',
      effect: 'read',
      input: z.object({}),
      output: z.unknown(),
      run: () => success('all'),
    });
    const operations = createOperations([onAccount, onHost, onServer], {
      audit: { record: async () => {} },
      log: scene.log.area('test'),
      mayRun: scene.authority.mayRun,
    });
    const outcome = await operations.run(chosen, input, { name, via: 'rest' });
    return outcome.ok ? 'done' : outcome.why;
  };

  test.each([
    [OPERATOR, 'about', { jid: ELSEWHERE }, 'done'],
    [OPERATOR, 'list', {}, 'done'],
    [OPERATOR, 'server', {}, 'done'],
    [ADMIN, 'about', { jid: MEMBER }, 'done'],
    [ADMIN, 'about', { jid: ADMIN }, 'done'],
    [ADMIN, 'about', { jid: OPERATOR }, 'forbidden'],
    [ADMIN, 'about', { jid: ELSEWHERE }, 'forbidden'],
    [ADMIN, 'about', { jid: 'falcot.com.example' }, 'forbidden'],
    [ADMIN, 'list', {}, 'done'],
    [ADMIN, 'list', { host: 'guest.example' }, 'forbidden'],
    [ADMIN, 'server', {}, 'forbidden'],
    [MEMBER, 'about', { jid: MEMBER }, 'forbidden'],
    [MEMBER, 'list', {}, 'forbidden'],
    ['nobody@falcot.com', 'list', {}, 'forbidden'],
    ['root', 'list', {}, 'forbidden'],
    ['', 'server', {}, 'forbidden'],
  ])('%s runs %s with %j: %s', async (name, chosen, input, outcome) => {
    expect(await runAs(name, chosen, input)).toBe(outcome);
  });

  test('a locked account has lost its role', async () => {
    await scene.accounts.setLocked(bare(ADMIN), true);
    expect(await runAs(ADMIN, 'about', { jid: MEMBER })).toBe('forbidden');
    expect(await scene.authority.isAdmin(bare(ADMIN))).toBe(false);
  });

  test('a host’s file names its admins, who need not exist yet to be one', async () => {
    const [host] = scene.hosts.all();
    if (host === undefined) expect.fail('no host');
    const named = bare('raphael@falcot.com');
    const config = { ...host.config, admins: [named, bare(ELSEWHERE)] };
    scene.hosts.replace([{ ...host, config }]);
    expect(await scene.authority.roleOf(named)).toBe('admin');
    expect(await scene.authority.roleOf(bare(ELSEWHERE))).toBe('member');
    expect(await scene.authority.isAdmin(named)).toBe(false);
  });

  test('an operator of rtcd.yaml is an admin once there is his account: none has to be made then', async () => {
    const { accounts, hosts } = scene;
    await accounts.setRole(bare(OPERATOR), 'member');
    await accounts.setRole(bare(ADMIN), 'member');
    const named = bare('raphael@falcot.com');
    const authority = createAuthority({ accounts, hosts, operators: () => [named] });
    expect(await authority.hasAdmin()).toBe(false);
    await accounts.create(named, 'a secret for tests');
    expect(await authority.hasAdmin()).toBe(true);
    expect(await authority.isAdmin(named)).toBe(true);
  });
});

describe('guests', () => {
  beforeEach(() => scene.accounts.setRole(bare(MEMBER), 'guest'));

  test('talk to people and rooms of this server', async () => {
    const guest = await scene.connect(`${MEMBER}/x`);
    const other = await scene.connect(`${ELSEWHERE}/x`);
    await guest.send(`<message to='${ELSEWHERE}/x' type='chat'><body>Hi</body></message>`);
    expect((await other.next()).name).toBe('message');
    await other.send(`<message to='${MEMBER}/x' type='chat'><body>Hi</body></message>`);
    expect((await guest.next()).attrs['type']).toBe('chat');
  });

  test('do not reach other domains, and are told so', async () => {
    const elsewhere = otherServer(scene);
    const guest = await scene.connect(`${MEMBER}/x`);
    for (const stanza of [
      "<message to='joe@far.example' id='a'><body>Hi</body></message>",
      "<presence to='joe@far.example' type='subscribe' id='a'/>",
      "<iq to='far.example' type='get' id='a'><ping xmlns='urn:xmpp:ping'/></iq>",
    ]) {
      await guest.send(stanza);
      expect(conditionIn(await guest.next())).toBe('forbidden');
    }
    expect(elsewhere.taken).toEqual([]);
  });

  test('are not to be found from there', async () => {
    const elsewhere = otherServer(scene);
    const guest = await scene.connect(`${MEMBER}/x`);
    await guest.send('<presence/>');
    guest.inbox.length = 0;
    await elsewhere.send(
      `<message from='joe@far.example/y' to='${MEMBER}'><body>Hi</body></message>`,
    );
    await elsewhere.send(`<presence from='joe@far.example' to='${MEMBER}' type='subscribe'/>`);
    await elsewhere.send(
      `<iq from='joe@far.example/y' to='${MEMBER}' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>`,
    );
    await guest.nothing();
    expect(elsewhere.taken.map((stanza) => conditionIn(stanza.element))).toEqual([
      'service-unavailable',
      'service-unavailable',
    ]);
  });

  test('with contacts elsewhere from better days send them no presence', async () => {
    const elsewhere = otherServer(scene);
    await scene.accounts.setRole(bare(MEMBER), 'member');
    const eva = await scene.connect(`${MEMBER}/x`);
    await elsewhere.send(`<presence from='joe@far.example' to='${MEMBER}' type='subscribe'/>`);
    await eva.send("<presence to='joe@far.example' type='subscribed'/>");
    elsewhere.taken.length = 0;
    await scene.accounts.setRole(bare(MEMBER), 'guest');
    await eva.send('<presence/>');
    expect(elsewhere.taken).toEqual([]);
  });

  test('who is signed in without an account is one', async () => {
    scene.accounts.addTemporary(bare('x1@falcot.com'));
    expect(await scene.authority.roleOf(bare('x1@falcot.com'))).toBe('guest');
  });
});

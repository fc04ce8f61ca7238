/** XEP-0401, XEP-0445 and XEP-0379: who is invited comes in, and has his contact. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAudit } from '../../../src/core/audit.ts';
import { createOperations } from '../../../src/core/operation.ts';
import { domainOf, parseBare } from '../../../src/jid/jid.ts';
import { commands } from '../../../src/modules/commands/index.ts';
import { disco } from '../../../src/modules/disco/index.ts';
import { invitations } from '../../../src/modules/invitations/index.ts';
import { portable } from '../../../src/modules/portable/index.ts';
import { presence } from '../../../src/modules/presence/index.ts';
import { register } from '../../../src/modules/register/index.ts';
import { roster } from '../../../src/modules/roster/index.ts';
import { errorElement } from '../../../src/stanza/error.ts';
import { serialise } from '../../../src/xml/element.ts';
import { parse, type Scene, startScene } from '../../support/scene.ts';

const HOST = 'example.com';
const ROMEO = 'romeo@example.com';
const JULIET = 'juliet@example.com';
const PASSWORD = 'a long enough secret';
const DAY_MS = 86_400_000;

let scene: Scene;
const start = async (settings: Record<string, unknown> = {}) => {
  scene = await startScene({
    modules: [roster, presence, disco, register, portable, commands, invitations],
    accounts: ['tybalt@capulet.example', ROMEO],
    settings: { register: { attemptsPerHour: 2 }, ...settings },
  });
};
beforeEach(() => start());
afterEach(() => scene.stop());

const bare = (raw: string) => {
  const parsed = parseBare(raw);
  return parsed.ok ? parsed.value : expect.fail(parsed.why);
};
const service = () => scene.registry.apiOf(invitations);

/** Runs an operation; answers its value, or why not. */
async function run(name: string, input: object = {}) {
  const operations = createOperations(scene.registry.operations, {
    audit: createAudit(scene.store, scene.clock),
    log: scene.log.area('operations'),
    mayRun: () => true,
  });
  const outcome = await operations.run(name, input, { name: 'root', via: 'socket' });
  return outcome.ok
    ? (operations.find(name)?.output.parse(outcome.value) as Record<string, string>)
    : outcome.why;
}
/** Makes an invitation; answers its token. */
async function invite(input: object = {}): Promise<string> {
  const made = await run('invitations.create', { host: HOST, ...input });
  if (typeof made === 'string') expect.fail(made);
  return made['url']?.split('/').at(-1) ?? '';
}
/** What a client on a stream that has not logged in gets: the answer's text. */
function stream(host = HOST) {
  const self = {};
  return async (type: 'get' | 'set', xml: string, remote = '192.0.2.1') => {
    const payload = parse(xml);
    const domain = domainOf(bare(`a@${host}`));
    const key = `${payload.attrs.xmlns} ${payload.name}`;
    const handle = scene.hosts.get(domain)?.dispatch.earlyIq.get(key);
    const said = await handle?.({ host: domain, type, payload, remote, stream: self });
    if (said === undefined) return 'nothing';
    if (said.kind === 'refuse') return serialise(errorElement(said.failure));
    return said.payload === undefined ? 'result' : serialise(said.payload);
  };
}
const preauth = (token: string) => `<preauth xmlns='urn:xmpp:pars:0' token='${token}'/>`;
const fields = (name: string, password = PASSWORD) =>
  `<query xmlns='jabber:iq:register'><username>${name}</username><password>${password}</password></query>`;
const join = async (token: string, username: string, remote = '192.0.2.1') => {
  const open = await service().open(token);
  if (open === undefined) return 'closed';
  const done = await service().join(open, { username, password: PASSWORD, remote });
  return done.kind === 'refused' ? done.condition : done.kind;
};

describe('XEP-0401 links', () => {
  test('§5.1 with a contact, §5.4 for a name, and for any name', async () => {
    expect(await run('invitations.create', { host: HOST, inviter: ROMEO })).toEqual({
      id: expect.stringMatching(/^[\w-]{8}$/),
      url: expect.stringMatching(/^https:\/\/example\.com:5281\/invite\/[A-Za-z0-9]{27}$/),
      uri: expect.stringMatching(/^xmpp:romeo@example\.com\?roster;preauth=[A-Za-z0-9]{27};ibr=y$/),
      expires: scene.clock.now() + 7 * DAY_MS,
    });
    expect(await run('invitations.create', { host: HOST, name: 'Juliet' })).toMatchObject({
      uri: expect.stringMatching(/^xmpp:juliet@example\.com\?register;preauth=/),
    });
    expect(await run('invitations.create', { host: HOST, days: 1 })).toMatchObject({
      uri: expect.stringMatching(/^xmpp:example\.com\?register;preauth=/),
      expires: scene.clock.now() + DAY_MS,
    });
  });

  test.each([
    [{ host: 'nowhere.example' }, 'not-found'],
    [{ name: 'a b' }, 'invalid-input'],
    [{ name: 'romeo' }, 'conflict'],
    [{ name: 'juliet', uses: 2 }, 'refused'],
    [{ inviter: 'nobody@example.com' }, 'not-found'],
    [{ inviter: 'tybalt@capulet.example' }, 'refused'],
  ])('§5.4 none for %j', async (input, why) => {
    expect(await run('invitations.create', { host: HOST, ...input })).toBe(why);
  });

  test('no more are open than the config lets, and none where the module is off', async () => {
    await scene.stop();
    await start({ invitations: { maxOpen: 1 } });
    await invite();
    expect(await run('invitations.create', { host: HOST })).toBe('refused');
    await scene.stop();
    await start({ invitations: false });
    expect(await run('invitations.create', { host: HOST })).toBe('unavailable');
    expect(await run('accounts.resetLink', { jid: ROMEO })).toBe('unavailable');
  });

  test('they are listed without their tokens, and revoked', async () => {
    const token = await invite({ name: 'juliet', note: 'of the balcony' });
    const listed = await run('invitations.list');
    expect(listed).toMatchObject({
      total: 1,
      invitations: [
        { kind: 'invitation', for: JULIET, state: 'open', uses: 0, maxUses: 1, maker: 'root' },
      ],
    });
    expect(JSON.stringify(listed)).not.toContain(token);
    const [{ id = '' } = {}] = (listed as unknown as { invitations: { id: string }[] }).invitations;
    expect(await run('invitations.revoke', { id })).toEqual({ id });
    expect(await run('invitations.revoke', { id })).toBe('not-found');
    expect(await join(token, 'juliet')).toBe('closed');
  });

  test('one that cannot be used any more is listed for a month when all are asked for', async () => {
    const token = await invite();
    scene.clock.advance(7 * DAY_MS);
    expect(await join(token, 'juliet')).toBe('closed');
    expect(await run('invitations.list')).toMatchObject({ total: 0 });
    expect(await run('invitations.list', { all: true })).toMatchObject({
      invitations: [{ state: 'expired' }],
    });
    scene.clock.advance(31 * DAY_MS);
    await expect.poll(() => run('invitations.list', { all: true })).toMatchObject({ total: 0 });
  });
});

describe('XEP-0445 pre-authenticated registration', () => {
  test('§3 the stream feature, beside that of XEP-0077', () => {
    const offered = (host: string) =>
      scene.hosts
        .get(domainOf(bare(`a@${host}`)))
        ?.dispatch.streamFeatures({ host: domainOf(bare(`a@${host}`)), phase: 'early' })
        .map(serialise);
    expect(offered(HOST)).toEqual([
      '<register xmlns="urn:xmpp:ibr-token:0"/>',
      '<register xmlns="http://jabber.org/features/iq-register"/>',
    ]);
  });

  test('§4 a token lets its stream register, and no other one', async () => {
    const token = await invite();
    const [first, second] = [stream(), stream()];
    expect(await first('set', preauth(token))).toBe('result');
    expect(await first('get', "<query xmlns='jabber:iq:register'/>")).toContain('<username/>');
    expect(await second('get', "<query xmlns='jabber:iq:register'/>")).toContain(
      'service-unavailable',
    );
    expect(await second('set', fields('juliet'))).toContain('not-allowed');
    expect(await first('set', fields('juliet'))).toBe('result');
    expect(await scene.accounts.checkPassword(bare(JULIET), PASSWORD)).toBe(true);
    expect(await first('set', fields('nurse'))).toContain('not-allowed');
  });

  test('§4 a token that is unknown, of another host, expired or used', async () => {
    const refused =
      '<error type="cancel"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/><text xmlns="urn:ietf:params:xml:ns:xmpp-stanzas" xml:lang="en">The provided token is invalid or expired</text></error>';
    for (const token of ['TOKEN', '', 'x'.repeat(5000), 'A'.repeat(27)])
      expect(await stream()('set', preauth(token))).toBe(refused);
    const token = await invite();
    expect(await stream('capulet.example')('set', preauth(token))).toBe(refused);
    scene.clock.advance(8 * DAY_MS);
    expect(await stream()('set', preauth(token))).toBe(refused);
    expect(await stream()('get', preauth(token))).toContain('bad-request');
    expect(await stream()('set', "<preauth xmlns='urn:xmpp:pars:0'/>")).toContain('bad-request');
  });

  test('§4 a token is not used until the registration has succeeded, and may expire meanwhile', async () => {
    const token = await invite();
    const client = stream();
    expect(await client('set', preauth(token))).toBe('result');
    expect(await client('set', fields('romeo'))).toContain('conflict');
    expect(await client('set', fields('juliet', 'short'))).toContain('not-acceptable');
    scene.clock.advance(8 * DAY_MS);
    expect(await client('set', fields('juliet'))).toBe('result');
  });

  test('§5 a name is kept for who is invited by it, until then', async () => {
    const token = await invite({ name: 'juliet' });
    const other = await invite();
    expect(await join(other, 'juliet')).toBe('conflict');
    expect(await join(token, 'nurse')).toBe('not-acceptable');
    const client = stream();
    await client('set', preauth(token));
    expect(await client('get', "<query xmlns='jabber:iq:register'/>")).toContain(
      '<username>juliet</username>',
    );
    scene.clock.advance(8 * DAY_MS);
    const late = await invite();
    expect(await join(late, 'juliet')).toBe('made');
    expect(await client('set', fields('juliet'))).toContain('conflict');
  });

  test('as many as may come in, also at once', async () => {
    const token = await invite({ uses: 2 });
    const done = await Promise.all(['a', 'b', 'c', 'd'].map((name) => join(token, name)));
    expect(done.sort()).toEqual(['made', 'made', 'not-allowed', 'not-allowed']);
    expect(await run('invitations.list', { all: true })).toMatchObject({
      invitations: [{ state: 'used', uses: 2 }],
    });
  });

  test('the limits of strangers do not hold for the invited, but others do', async () => {
    const token = await invite({ uses: 1000 });
    const done: string[] = [];
    for (let count = 0; count < 61; count += 1) done.push(await join(token, `user${count}`));
    expect(done.filter((kind) => kind === 'made')).toHaveLength(60);
    expect(done.at(-1)).toBe('not-acceptable');
    expect(await join(token, 'elsewhere', '198.51.100.7')).toBe('made');
  }, 60_000);
});

describe('XEP-0401 §5.5 contacts', () => {
  test('both have each other, the inviter hears it, and sees no request', async () => {
    const romeo = await scene.connect(`${ROMEO}/orchard`);
    await romeo.ask('get', "<query xmlns='jabber:iq:roster'/>");
    await romeo.send('<presence/>');
    romeo.inbox.length = 0;
    const token = await invite({ inviter: ROMEO });
    expect(await join(token, 'juliet')).toBe('made');
    const heard = romeo.inbox.map(serialise).join('\n');
    expect(heard).toMatch(/<item jid="juliet@example\.com" subscription="both"/);
    expect(heard).not.toContain('type="subscribe"');
    const juliet = await scene.connect(`${JULIET}/balcony`);
    const list = await juliet.ask('get', "<query xmlns='jabber:iq:roster'/>");
    expect(serialise(list)).toMatch(/<item jid="romeo@example\.com" subscription="both"/);
  });

  test('an inviter who is gone takes his invitations along', async () => {
    const token = await invite({ inviter: ROMEO });
    await scene.registry.removeAccount(bare(ROMEO), 'gone');
    expect(await join(token, 'juliet')).toBe('closed');
  });
});

describe('XEP-0379 requests with a token', () => {
  const request = (token: string) =>
    `<presence to='${ROMEO}' type='subscribe'><preauth xmlns='urn:xmpp:pars:0' token='${token}'/></presence>`;

  test('§3.5 one is accepted and answered with another, once', async () => {
    const romeo = await scene.connect(`${ROMEO}/orchard`);
    await romeo.ask('get', "<query xmlns='jabber:iq:roster'/>");
    const tybalt = await scene.connect('tybalt@capulet.example/street');
    await tybalt.ask('get', "<query xmlns='jabber:iq:roster'/>");
    await tybalt.send(`<presence to='${ROMEO}' type='subscribed'/>`); // §3.4: pre-approval
    const token = await invite({ inviter: ROMEO });
    await tybalt.send(request(token));
    await expect
      .poll(async () => serialise(await tybalt.ask('get', "<query xmlns='jabber:iq:roster'/>")))
      .toMatch(/<item jid="romeo@example\.com" subscription="both"/);
    expect(await join(token, 'juliet')).toBe('closed');
  });

  test('§4.1 without a valid one it waits for an answer, as any other', async () => {
    const tybalt = await scene.connect('tybalt@capulet.example/street');
    const other = await invite({ host: 'capulet.example', inviter: 'tybalt@capulet.example' });
    for (const token of ['TOKEN', other]) await tybalt.send(request(token));
    // What a token leads to comes after the request; by then it would be there.
    for (let turn = 0; turn < 5; turn += 1) await run('invitations.list');
    const list = serialise(await tybalt.ask('get', "<query xmlns='jabber:iq:roster'/>"));
    expect(list).toMatch(/ask="subscribe"/);
    expect(await service().open(other)).toBeDefined();
  });
});

describe('XEP-0401 ad-hoc commands', () => {
  const NS = 'http://jabber.org/protocol/commands';
  const command = (node: string, inner = '', attrs = '') =>
    `<command xmlns='${NS}' node='urn:xmpp:invite#${node}'${attrs}>${inner}</command>`;
  const secure = { protocol: 'TLSv1.3', cipher: 'x', mechanism: 'SCRAM-SHA-256' };
  const enter = (jid: string) => scene.connect(jid, { security: secure });
  const nodes = async (jid: string) => {
    const actor = await enter(jid);
    const query = `<query xmlns='http://jabber.org/protocol/disco#items' node='${NS}'/>`;
    const list = serialise(await actor.ask('get', query, HOST));
    return list.match(/urn:xmpp:invite#[\w-]+/g) ?? [];
  };
  const value = (text: string, name: string) =>
    new RegExp(`var="${name}"[^>]*><value>([^<]*)</value>`).exec(text)?.[1];

  test('§4 users may invite, admins make accounts, and others neither', async () => {
    expect(await nodes(`${ROMEO}/a`)).toEqual(['urn:xmpp:invite#invite']);
    await scene.accounts.setRole(bare(ROMEO), 'admin');
    expect(await nodes(`${ROMEO}/b`)).toEqual([
      'urn:xmpp:invite#invite',
      'urn:xmpp:invite#create-account',
    ]);
    expect(await nodes('tybalt@capulet.example/a')).toEqual([]);
    await scene.stop();
    await start({ invitations: { users: 'nobody' } });
    expect(await nodes(`${ROMEO}/a`)).toEqual([]);
    const romeo = await enter(`${ROMEO}/b`);
    const answer = serialise(await romeo.ask('set', command('invite'), HOST));
    expect(answer).toContain('<forbidden');
  });

  test('§5.1 a user gets a link at once, by which one becomes his contact', async () => {
    const romeo = await enter(`${ROMEO}/orchard`);
    const answer = serialise(await romeo.ask('set', command('invite'), HOST));
    expect(answer).toContain('status="completed"');
    expect(value(answer, 'FORM_TYPE')).toBe('urn:xmpp:invite#invitation');
    expect(value(answer, 'uri')).toMatch(/^xmpp:romeo@example\.com\?roster;preauth=\w{27}$/);
    expect(value(answer, 'expire')).toBe('2026-01-08T00:00:00.000Z');
    const token = value(answer, 'landing-url')?.split('/').at(-1) ?? '';
    expect(await service().open(token)).toMatchObject({ kind: 'contact', inviter: ROMEO });
    expect(await join(token, 'juliet')).toBe('not-allowed');
    expect(await stream()('set', preauth(token))).toContain('item-not-found');
  });

  test('§5.1 or by which one makes an account, where the config has it so; not without end', async () => {
    await scene.stop();
    await start({ invitations: { users: 'accounts', maxOpenOfUser: 1 } });
    const romeo = await enter(`${ROMEO}/orchard`);
    const answer = serialise(await romeo.ask('set', command('invite'), HOST));
    expect(value(answer, 'uri')).toMatch(/;ibr=y$/);
    const again = serialise(await romeo.ask('set', command('invite'), HOST));
    expect(again).toContain('<not-allowed');
    expect(await join(value(answer, 'landing-url')?.split('/').at(-1) ?? '', 'juliet')).toBe(
      'made',
    );
  });

  test('§5.4 an admin makes an account for a name, with himself as a contact', async () => {
    await scene.accounts.setRole(bare(ROMEO), 'admin');
    const romeo = await enter(`${ROMEO}/orchard`);
    const fill = async (name: string, isContact: string) => {
      const form = serialise(await romeo.ask('set', command('create-account'), HOST));
      expect(form).toMatch(/<actions execute="complete"><complete\/>|<complete\/>/);
      const [, id = ''] = / sessionid="([^"]+)"/.exec(form) ?? [];
      const fields = `<x xmlns='jabber:x:data' type='submit'><field var='username'><value>${name}</value></field><field var='roster-subscription'><value>${isContact}</value></field></x>`;
      const sent = command('create-account', fields, ` sessionid='${id}' action='complete'`);
      return serialise(await romeo.ask('set', sent, HOST));
    };
    const named = await fill('Juliet', '1');
    expect(value(named, 'uri')).toMatch(/^xmpp:juliet@example\.com\?register;preauth=\w{27}$/);
    const token = value(named, 'landing-url')?.split('/').at(-1) ?? '';
    expect(await service().open(token)).toMatchObject({ account: JULIET, inviter: ROMEO });
    expect(value(await fill('', '0'), 'uri')).toMatch(/^xmpp:example\.com\?register;preauth=/);
    expect(await fill('romeo', '0')).toContain('<conflict');
    expect(await fill('a b', '0')).toContain('<bad-payload');
  });
});

describe('links to set a new password', () => {
  const link = async (input: object = {}) => {
    const made = await run('accounts.resetLink', { jid: ROMEO, ...input });
    if (typeof made === 'string') expect.fail(made);
    expect(made['url']).toMatch(/^https:\/\/example\.com:5281\/reset\/[A-Za-z0-9]{27}$/);
    return made['url']?.split('/').at(-1) ?? '';
  };

  test('one works once, ends what is signed in, and is no invitation', async () => {
    const romeo = await scene.connect(`${ROMEO}/orchard`);
    const token = await link();
    expect(await service().open(token)).toBeUndefined();
    expect(await service().setPassword(token, 'short')).toMatchObject({ kind: 'weak' });
    expect(await service().setPassword(token, PASSWORD)).toEqual({
      kind: 'changed',
      account: ROMEO,
    });
    expect(romeo.endedWith).toBe('reset');
    expect(await scene.accounts.checkPassword(bare(ROMEO), PASSWORD)).toBe(true);
    expect(await service().setPassword(token, `${PASSWORD}!`)).toEqual({ kind: 'closed' });
  });

  test('a newer one voids it, time ends it, and an invitation sets no password', async () => {
    const [first, second] = [await link(), await link({ hours: 1 })];
    expect(await service().openReset(first)).toBeUndefined();
    expect(await service().openReset(await invite())).toBeUndefined();
    scene.clock.advance(3_600_000);
    expect(await service().setPassword(second, PASSWORD)).toEqual({ kind: 'closed' });
    expect(await run('accounts.resetLink', { jid: JULIET })).toBe('not-found');
  });

  test('one is worth no more than who made it: he lost his role, or the user has a higher one', async () => {
    const [romeo, juliet] = [bare(ROMEO), bare(JULIET)];
    await scene.accounts.create(juliet, PASSWORD, { role: 'admin' });
    const { url } = await service().reset(romeo, domainOf(romeo), undefined, JULIET);
    const token = url.split('/').at(-1) ?? '';
    expect(await service().openReset(token)).toMatchObject({ account: ROMEO });
    await scene.accounts.setRole(romeo, 'operator');
    expect(await service().openReset(token)).toBeUndefined();
    expect(await service().setPassword(token, PASSWORD)).toEqual({ kind: 'closed' });
    await scene.accounts.setRole(romeo, 'member');
    expect(await service().openReset(token)).toMatchObject({ account: ROMEO });
    await scene.accounts.setRole(juliet, 'member');
    expect(await service().setPassword(token, PASSWORD)).toEqual({ kind: 'closed' });
  });
});

/** XEP-0494: a user sees what has access, and takes it away. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { deviceId, type Sighting } from '../../src/core/devices.ts';
import type { SessionDevice } from '../../src/core/sessions.ts';
import { type BareJid, parseBare } from '../../src/jid/jid.ts';
import { clients } from '../../src/modules/clients.ts';
import { childOf, childrenOf, type Element, serialise } from '../../src/xml/element.ts';
import { conditionIn, resultIn } from '../support/answers.ts';
import { type Scene, startScene } from '../support/scene.ts';

const CAM = 'urn:xmpp:cam:0';
const LIST = `<list xmlns='${CAM}'/>`;

const parsed = parseBare('juliet@capulet.example');
if (!parsed.ok) throw new Error(parsed.why);
const JULIET: BareJid = parsed.value;

let scene: Scene;
beforeEach(async () => {
  scene = await startScene({
    modules: [clients],
    accounts: [JULIET, 'romeo@capulet.example'],
  });
});
afterEach(() => scene.stop());

const device = (mark: string): SessionDevice => ({
  id: deviceId(JULIET, 'agent', mark),
  kind: 'agent',
  software: 'Gajim',
  name: "Juliet's laptop",
});
const seen = (mark: string, more: Partial<Sighting> = {}): Sighting => ({
  ...device(mark),
  account: JULIET,
  resource: 'balcony',
  mechanism: 'SCRAM-SHA-256',
  address: '192.0.2.7',
  at: scene.clock.now(),
  password: undefined,
  ...more,
});
const login = (mark: string) => scene.connect(`${JULIET}/${mark}`, { device: device(mark) });
const revoke = (id: string) => `<revoke xmlns='${CAM}' id='${id}'/>`;
const clientsIn = (answer: Element) => {
  const list = childOf(answer, 'clients', CAM);
  return list === undefined ? [] : childrenOf(list);
};

describe('§3.1 listing', () => {
  test('a client with a session that knows the password', async () => {
    scene.devices.seen(seen('a', { password: scene.accounts.moment }));
    const juliet = await login('a');
    expect(resultIn(await juliet.ask('get', LIST))).toBe(
      `<clients xmlns="${CAM}"><client connected="true" id="${device('a').id}" type="session">` +
        '<first-seen>2026-01-01T00:00:00.000Z</first-seen>' +
        '<last-seen>2026-01-01T00:00:00.000Z</last-seen>' +
        '<auth><password/></auth><permission status="unrestricted"/>' +
        "<user-agent><software>Gajim</software><device>Juliet's laptop</device></user-agent>" +
        '</client></clients>',
    );
  });

  test('one that was away since, and has a token; one that never had a session', async () => {
    await scene.tokens.issue(seen('b'), 'HT-SHA-256-NONE');
    scene.clock.advance(60_000);
    await scene.tokens.issue(seen('c', { resource: '' }), 'HT-SHA-256-NONE');
    const juliet = await login('a');
    const others = clientsIn(await juliet.ask('get', LIST)).filter(
      ({ attrs }) => attrs['connected'] === 'false',
    );
    expect(others.map(({ attrs }) => [attrs.id, attrs.type])).toEqual([
      [device('c').id, 'access'],
      [device('b').id, 'session'],
    ]);
    for (const other of others) expect(serialise(other)).toContain('<auth><fast/></auth>');
    expect(serialise(others[1] as Element)).toContain('<last-seen>2026-01-01T00:00:00.000Z<');
  });

  test('a session that would not be known again is listed while it is there', async () => {
    const juliet = await scene.connect(`${JULIET}/made-up`);
    const [only, ...more] = clientsIn(await juliet.ask('get', LIST));
    expect(more).toEqual([]);
    expect(only?.attrs).toMatchObject({ connected: 'true', type: 'session' });
    expect(serialise(only as Element)).toContain('<auth><password/></auth>');
    expect(serialise(only as Element)).not.toContain('user-agent');
    await juliet.disconnect();
    const next = await login('a');
    expect(clientsIn(await next.ask('get', LIST)).map(({ attrs }) => attrs.id)).toEqual([
      device('a').id,
    ]);
  });

  test('what has no access any more is not listed', async () => {
    scene.devices.seen(seen('b', { password: scene.accounts.moment }));
    await scene.tokens.issue(seen('c'), 'HT-SHA-256-NONE');
    await scene.accounts.setPassword(JULIET, 'another');
    const juliet = await login('a');
    expect(clientsIn(await juliet.ask('get', LIST)).map(({ attrs }) => attrs.id)).toEqual([
      device('a').id,
    ]);
  });

  test('nobody else is told', async () => {
    await login('a');
    const romeo = await scene.connect('romeo@capulet.example/orchard');
    for (const to of [JULIET, 'capulet.example'])
      expect(conditionIn(await romeo.ask('get', LIST, to))).toBe('service-unavailable');
  });
});

describe('§3.2 revoking', () => {
  test('a client with a token: it has no access afterwards, and its session ends', async () => {
    await scene.tokens.issue(seen('b'), 'HT-SHA-256-NONE');
    const [juliet, other] = [await login('a'), await login('b')];
    expect(resultIn(await juliet.ask('set', revoke(device('b').id)))).toBe('');
    expect(other.endedWith).toBe('not-authorized');
    expect(await scene.tokens.of(seen('b'), 'HT-SHA-256-NONE')).toEqual([]);
    expect(clientsIn(await juliet.ask('get', LIST))).toHaveLength(1);
    expect(juliet.endedWith).toBeUndefined();
  });

  test('itself: the answer comes first', async () => {
    await scene.tokens.issue(seen('a'), 'HT-SHA-256-NONE');
    const juliet = await login('a');
    expect(resultIn(await juliet.ask('set', revoke(device('a').id)))).toBe('');
    expect(juliet.endedWith).toBe('not-authorized');
  });

  test('one that knows the password needs a new password, and nothing is done to it', async () => {
    scene.devices.seen(seen('b', { password: scene.accounts.moment }));
    await scene.tokens.issue(seen('b'), 'HT-SHA-256-NONE');
    const [juliet, other] = [await login('a'), await login('b')];
    const answer = await juliet.ask('set', revoke(device('b').id));
    expect(conditionIn(answer)).toBe('service-unavailable');
    expect(serialise(answer)).toContain('<error type="cancel">');
    expect(serialise(answer)).toContain(`<password-reset-required xmlns="${CAM}"/>`);
    expect(other.endedWith).toBeUndefined();
    expect(await scene.tokens.of(seen('b'), 'HT-SHA-256-NONE')).toHaveLength(1);
  });

  test.each([
    ['an id that is none', revoke('x'), 'item-not-found'],
    ['no id', `<revoke xmlns='${CAM}'/>`, 'bad-request'],
  ])('%s', async (_, payload, condition) => {
    const juliet = await login('a');
    expect(conditionIn(await juliet.ask('set', payload))).toBe(condition);
  });

  test('a client of somebody else is as unknown as none', async () => {
    await scene.tokens.issue(seen('b'), 'HT-SHA-256-NONE');
    const romeo = await scene.connect('romeo@capulet.example/orchard');
    expect(conditionIn(await romeo.ask('set', revoke(device('b').id)))).toBe('item-not-found');
    expect(await scene.tokens.of(seen('b'), 'HT-SHA-256-NONE')).toHaveLength(1);
  });
});

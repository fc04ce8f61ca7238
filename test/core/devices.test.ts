/** Devices and their tokens: what is remembered, for how long, and what takes it away. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { serverShape } from '../../src/config/schema.ts';
import type { DeviceTables } from '../../src/core/device-tables.ts';
import { createDevices, deviceId, type Sighting } from '../../src/core/devices.ts';
import { createTokens } from '../../src/core/tokens.ts';
import { type BareJid, parseBare } from '../../src/jid/jid.ts';
import { type Scene, startScene } from '../support/scene.ts';

const bare = (raw: string): BareJid => {
  const parsed = parseBare(raw);
  if (!parsed.ok) throw new Error(parsed.why);
  return parsed.value;
};
const JULIET = bare('juliet@capulet.example');
const ROMEO = bare('romeo@capulet.example');
const DAY = 86_400_000;
/** Pruning goes on beside the test. */
const SOON = { timeout: 15_000 };

let scene: Scene;
let settings = serverShape.devices.parse(undefined);
let revoked: string[] = [];
let present: { account: BareJid; id: string }[] = [];
let devices: ReturnType<typeof createDevices>;
let tokens: ReturnType<typeof createTokens>;
const open = (key = 'a key') => {
  const { store, clock, accounts, log } = scene;
  const one = createDevices({
    store,
    clock,
    accounts,
    log: log.area('devices'),
    settings: () => settings,
    present: () => present,
    revoked: async ({ id }) => void revoked.push(id),
  });
  const key32 = Buffer.from(key);
  return {
    devices: one,
    tokens: createTokens({ store, clock, devices: one, key: key32, settings: () => settings }),
  };
};
beforeEach(async () => {
  settings = serverShape.devices.parse(undefined);
  present = [];
  revoked = [];
  scene = await startScene({ modules: [], accounts: [JULIET, ROMEO] });
  ({ devices, tokens } = open());
});
afterEach(async () => {
  await devices.stop();
  await scene.stop();
});

const sighting = (mark: string, more: Partial<Sighting> = {}): Sighting => ({
  account: JULIET,
  id: deviceId(JULIET, more.kind ?? 'agent', mark),
  kind: 'agent',
  software: 'AwesomeXMPP',
  name: mark,
  resource: 'balcony',
  mechanism: 'SCRAM-SHA-256-PLUS',
  address: '192.0.2.7',
  at: scene.clock.now(),
  password: undefined,
  ...more,
});
const names = async (account = JULIET) => (await devices.list(account)).map(({ name }) => name);

describe('devices', () => {
  test('one that was seen is listed, though it is not written yet', async () => {
    devices.seen(sighting('phone'));
    expect(await devices.list(JULIET)).toEqual([
      {
        id: deviceId(JULIET, 'agent', 'phone'),
        kind: 'agent',
        software: 'AwesomeXMPP',
        name: 'phone',
        resource: 'balcony',
        mechanism: 'SCRAM-SHA-256-PLUS',
        address: '192.0.2.7',
        firstSeen: scene.clock.now(),
        lastSeen: scene.clock.now(),
        knowsPassword: false,
        hasToken: false,
      },
    ]);
    expect(await devices.list(ROMEO)).toEqual([]);
  });

  test('seen again, it keeps when it came first, its resource, and that it knows the password', async () => {
    const first = scene.clock.now();
    devices.seen(sighting('phone', { password: scene.accounts.moment }));
    await devices.list(JULIET);
    scene.clock.advance(DAY);
    devices.seen(sighting('phone', { mechanism: 'HT-SHA-256-EXPR', resource: '' }));
    expect(await devices.list(JULIET)).toMatchObject([
      {
        firstSeen: first,
        lastSeen: first + DAY,
        mechanism: 'HT-SHA-256-EXPR',
        resource: 'balcony',
        knowsPassword: true,
      },
    ]);
  });

  test('one that left is seen at that time; one that is not known stays so', async () => {
    devices.seen(sighting('phone'));
    await devices.list(JULIET);
    scene.clock.advance(5000);
    devices.left(sighting('phone'));
    devices.left(sighting('laptop'));
    expect(await devices.list(JULIET)).toMatchObject([
      { name: 'phone', lastSeen: scene.clock.now() },
    ]);
  });

  test('the id does not tell the mark, and differs between accounts and kinds', () => {
    const ids = [
      deviceId(JULIET, 'agent', 'x'),
      deviceId(ROMEO, 'agent', 'x'),
      deviceId(JULIET, 'resource', 'x'),
      deviceId(JULIET, 'agent', 'y'),
    ];
    expect(new Set(ids).size).toBe(4);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{12}$/);
  });

  test('beyond the bound those known by a resource go first, then those not seen for long', async () => {
    settings = { ...settings, perAccount: 3 };
    for (const mark of ['a', 'b', 'c', 'd']) {
      devices.seen(sighting(mark, { kind: mark === 'd' ? 'resource' : 'agent' }));
      scene.clock.advance(1000);
      await devices.list(JULIET);
    }
    expect(await names()).toEqual(['c', 'b', 'a']);
    devices.seen(sighting('e'));
    expect(await names()).toEqual(['e', 'c', 'b']);
  });

  test('an address is kept only if the config wants it', async () => {
    settings = { ...settings, addresses: false };
    devices.seen(sighting('phone'));
    expect(await devices.list(JULIET)).toMatchObject([{ address: '' }]);
  });

  test('one that was away for long is forgotten, one that is there is not', async () => {
    settings = { ...settings, forgetAfter: DAY };
    devices.seen(sighting('old'));
    devices.seen(sighting('here'));
    await devices.list(JULIET);
    present = [{ account: JULIET, id: deviceId(JULIET, 'agent', 'here') }];
    scene.clock.advance(2 * DAY);
    await expect.poll(() => names(), SOON).toEqual(['here']);
  });

  test('those of an account that is removed are gone, also if they are seen afterwards', async () => {
    devices.seen(sighting('phone'));
    await devices.list(JULIET);
    devices.seen(sighting('laptop'));
    await scene.accounts.remove(JULIET);
    expect(await devices.list(JULIET)).toEqual([]);
  });

  test('a new password is not known to whoever proved the old one, even a moment ago', async () => {
    devices.seen(sighting('phone', { password: scene.accounts.moment }));
    await devices.list(JULIET);
    devices.seen(sighting('laptop', { password: scene.accounts.moment }));
    await scene.accounts.setPassword(JULIET, 'another');
    devices.seen(sighting('tablet', { password: scene.accounts.moment }));
    const known = (await devices.list(JULIET)).map(({ name, knowsPassword }) => [
      name,
      knowsPassword,
    ]);
    expect(Object.fromEntries(known)).toEqual({ phone: false, laptop: false, tablet: true });
  });

  test('a flood of sightings is written, not gathered', async () => {
    for (let index = 0; index < 1000; index += 1) devices.seen(sighting(String(index)));
    expect((await devices.list(JULIET)).length).toBe(50);
  });
});

describe('tokens', () => {
  const NONE = 'HT-SHA-256-NONE';
  const of = (mark: string, mechanism = NONE) => tokens.of(sighting(mark), mechanism);

  test('XEP-0484: what the database holds does not log in', async () => {
    const { secret } = await tokens.issue(sighting('phone'), NONE);
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(await of('phone')).toMatchObject([{ secret, slot: 'new' }]);
    const db = scene.store.tables<DeviceTables>();
    const stored = await scene.store.read(db.selectFrom('fast_tokens').selectAll());
    const text = JSON.stringify(stored.map((row) => ({ ...row, nonce: Buffer.from(row.nonce) })));
    expect(text).not.toContain(secret);
    // With another key the same rows are other tokens.
    const thief = open('another key');
    const [stolen] = await thief.tokens.of(sighting('phone'), NONE);
    expect(stolen?.secret).not.toBe(secret);
    await thief.devices.stop();
  });

  test('a row that was moved to another account or mechanism is another token', async () => {
    const { secret } = await tokens.issue(sighting('phone'), NONE);
    await tokens.issue(sighting('phone', { account: ROMEO }), NONE);
    const db = scene.store.tables<DeviceTables>();
    const [row] = await scene.store.read(
      db.selectFrom('fast_tokens').select('nonce').where('account', '=', JULIET),
    );
    const nonce = row?.nonce ?? new Uint8Array();
    await scene.store.write(
      db.updateTable('fast_tokens').set({ nonce }).where('account', '=', ROMEO),
    );
    const [moved] = await tokens.of(sighting('phone', { account: ROMEO }), NONE);
    expect(moved?.secret).not.toBe(secret);
    expect(await of('phone', 'HT-SHA-256-ENDP')).toEqual([]);
  });

  test('a device that revokes its own is forgotten; one that knows the password is not', async () => {
    await tokens.issue(sighting('phone'), NONE);
    await tokens.issue(sighting('laptop', { password: scene.accounts.moment }), NONE);
    for (const mark of ['phone', 'laptop']) {
      const before = scene.accounts.moment;
      await devices.revoke(sighting(mark));
      expect(await of(mark)).toEqual([]);
      const { id } = sighting(mark);
      expect(scene.accounts.isWithdrawn(JULIET, before, id)).toBe(true);
      expect(scene.accounts.isWithdrawn(JULIET, before, 'another')).toBe(false);
    }
    expect(await names()).toEqual(['laptop']);
    // Whoever keeps something of them hears of both.
    expect(revoked).toEqual([sighting('phone').id, sighting('laptop').id]);
  });

  test('one that was revoked while it was proved is not taken', async () => {
    await tokens.issue(sighting('phone'), NONE);
    const [token] = await of('phone');
    if (token === undefined) throw new Error('no token');
    await devices.revoke(sighting('phone'));
    expect(await tokens.use(token, { count: undefined, isLast: false })).toBe(false);
    expect(await tokens.use(token, { count: undefined, isLast: true })).toBe(false);
  });

  test('a count that came before is refused also where it is the last use', async () => {
    await tokens.issue(sighting('phone'), NONE);
    const [token] = await of('phone');
    if (token === undefined) throw new Error('no token');
    expect(await tokens.use(token, { count: 5, isLast: false })).toBe(true);
    const [used] = await of('phone');
    if (used === undefined) throw new Error('no token');
    expect(await tokens.use(used, { count: 5, isLast: true })).toBe(false);
    expect(await of('phone')).toHaveLength(1);
  });

  test('of two uses with the same count at the same moment one is taken', async () => {
    await tokens.issue(sighting('phone'), NONE);
    const [token] = await of('phone');
    if (token === undefined) throw new Error('no token');
    const use = () => tokens.use(token, { count: 1, isLast: false });
    expect((await Promise.all([use(), use()])).sort()).toEqual([false, true]);
  });

  test('two uses of a new one at the same moment do not lose it', async () => {
    await tokens.issue(sighting('phone'), NONE);
    const [first] = await of('phone');
    if (first === undefined) throw new Error('no token');
    await tokens.use(first, { count: undefined, isLast: false });
    await tokens.issue(sighting('phone'), NONE);
    const newer = (await of('phone')).find(({ slot }) => slot === 'new');
    if (newer === undefined) throw new Error('no newer token');
    const use = () => tokens.use(newer, { count: undefined, isLast: false });
    expect(await Promise.all([use(), use()])).toEqual([true, true]);
    expect(await of('phone')).toMatchObject([{ slot: 'current', secret: newer.secret }]);
  });

  test('an expired one stays for a while, so that its device hears why', async () => {
    settings = { ...settings, tokenLifetime: 3_600_000 };
    await tokens.issue(sighting('phone'), NONE);
    scene.clock.advance(3_600_000);
    expect(await of('phone')).toMatchObject([{ isExpired: true }]);
    expect(await devices.list(JULIET)).toMatchObject([{ hasToken: false }]);
    scene.clock.advance(8 * DAY);
    await expect.poll(() => of('phone'), SOON).toEqual([]);
  });
});

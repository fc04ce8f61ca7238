import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { deviceId, type Sighting } from '../../src/core/devices.ts';
import type { SessionDevice } from '../../src/core/sessions.ts';
import { bare, type Desk, setDesk } from './support.ts';

const JO = bare('jo@falcot.com');

let desk: Desk;
beforeEach(async () => {
  desk = await setDesk([JO, 'anna@falcot.com']);
});
afterEach(() => desk.stop());

const device = (mark: string): SessionDevice => ({
  id: deviceId(JO, 'agent', mark),
  kind: 'agent',
  software: 'AwesomeXMPP',
  name: mark,
});
const seen = (mark: string, more: Partial<Sighting> = {}): Sighting => ({
  ...device(mark),
  account: JO,
  resource: `res-${mark}`,
  mechanism: 'SCRAM-SHA-256',
  address: '192.0.2.7',
  at: desk.scene.clock.now(),
  password: undefined,
  ...more,
});
const listed = async () =>
  (await desk.value('accounts.devices', { jid: JO }))['devices'] as Record<string, unknown>[];

describe('accounts.devices', () => {
  test('lists what is known, the last seen first, and who is there now', async () => {
    const { scene } = desk;
    scene.devices.seen(seen('phone', { password: scene.accounts.moment }));
    await listed();
    scene.clock.advance(1000);
    await scene.tokens.issue(seen('laptop'), 'HT-SHA-256-NONE');
    await scene.connect(`${JO}/res-phone`, { device: device('phone') });
    expect(await listed()).toMatchObject([
      {
        id: device('laptop').id,
        software: 'AwesomeXMPP',
        name: 'laptop',
        resource: 'res-laptop',
        online: false,
        access: 'token',
        address: '192.0.2.7',
      },
      { name: 'phone', online: true, access: 'password', lastSeen: scene.clock.now() },
    ]);
    await scene.tokens.issue(seen('phone'), 'HT-SHA-256-NONE');
    await scene.accounts.setPassword(JO, 'another');
    expect((await listed()).map(({ access }) => access)).toEqual(['none', 'none']);
  });

  test('an account that does not exist', async () => {
    expect(await desk.refusal('accounts.devices', { jid: 'joe@falcot.com' })).toBe(
      'not-found: There is no joe@falcot.com; did you mean jo@falcot.com?',
    );
  });
});

describe('accounts.revoke', () => {
  test('ends the sessions of the device, sleeping ones too, and voids its tokens', async () => {
    const { scene } = desk;
    await scene.tokens.issue(seen('phone'), 'HT-SHA-256-NONE');
    const phone = await scene.connect(`${JO}/a`, { device: device('phone') });
    const laptop = await scene.connect(`${JO}/b`, { device: device('laptop') });
    const input = { jid: JO, device: device('phone').id };
    expect(await desk.value('accounts.revoke', input)).toEqual({
      ...input,
      ended: 1,
      knowsPassword: false,
    });
    expect(phone.endedWith).toBe('not-authorized');
    expect(laptop.endedWith).toBeUndefined();
    expect(await listed()).toEqual([]);
    expect(await scene.tokens.of(seen('phone'), 'HT-SHA-256-NONE')).toEqual([]);
  });

  test('one that knows the password stays known, and the admin is told', async () => {
    const { scene, operations } = desk;
    scene.devices.seen(seen('phone', { password: scene.accounts.moment }));
    const value = await desk.value('accounts.revoke', { jid: JO, device: device('phone').id });
    expect(value).toMatchObject({ ended: 0, knowsPassword: true });
    expect(operations.find('accounts.revoke')?.present?.(value)).toContain(`rtcctl passwd ${JO}`);
    expect(await listed()).toMatchObject([{ access: 'password' }]);
  });

  test('a device that is not known', async () => {
    expect(await desk.refusal('accounts.revoke', { jid: JO, device: 'x' })).toBe(
      `not-found: ${JO} has no device x; rtcctl user devices ${JO} lists them.`,
    );
    expect(await desk.refusal('accounts.revoke', { jid: 'no@falcot.com', device: 'x' })).toContain(
      'There is no no@falcot.com',
    );
  });

  test('is audited', async () => {
    desk.scene.devices.seen(seen('phone'));
    await desk.value('accounts.revoke', { jid: JO, device: device('phone').id });
    const [entry] = await desk.audit.list({ limit: 1 });
    expect(entry).toMatchObject({ operation: 'accounts.revoke', outcome: 'done', actor: 'root' });
    expect(entry?.input).toContain(device('phone').id);
  });
});

test('sessions tell the device', async () => {
  await desk.scene.connect(`${JO}/a`, { device: device('phone') });
  await desk.scene.connect(`${JO}/b`);
  const { sessions } = (await desk.value('sessions.list')) as { sessions: { device: string }[] };
  expect(sessions.map((each) => each.device)).toEqual(['AwesomeXMPP, phone', '']);
});

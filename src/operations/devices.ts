/** Operations on the devices of an account. */
import { z } from 'zod';
import type { Device } from '../core/devices.ts';
import { type AnyOperation, failure, operation, success } from '../core/operation.ts';
import type { BareJid } from '../jid/jid.ts';
import { accountJid, confirmed, hidden, time } from './fields.ts';
import { noSuchAccount } from './refusals.ts';
import type { Services } from './services.ts';

type Needs = Pick<Services, 'accounts' | 'devices' | 'sessions' | 'hosts'>;

const REVOKED = 'The device was revoked.';

/** The schema of a device. */
const deviceInfo = z.object({
  id: z.string().describe('By which it is revoked.'),
  software: z.string().describe('What the client calls itself; empty if it does not say.'),
  name: z.string().describe('What the client calls its machine; empty if it does not say.'),
  resource: z.string().describe('The resource that it bound last.'),
  online: z.boolean().describe('Whether it has a session now.'),
  access: z
    .enum(['password', 'token', 'password, token', 'none'])
    .describe('By what it can log in, as far as is known.'),
  mechanism: hidden(z.string().describe('By which it logged in last.')),
  address: z.string().describe('Where it came from last; empty if that is not kept.'),
  firstSeen: hidden(time),
  lastSeen: time,
});

/** All operations on devices. */
export function deviceOperations(services: Needs): AnyOperation[] {
  return [list(services), revoke(services)];
}

function list(services: Needs): AnyOperation {
  const { accounts, devices } = services;
  return operation({
    name: 'accounts.devices',
    command: ['user', 'devices'],
    summary: 'List the devices of an account, the last seen first.',
    effect: 'read',
    about: ({ jid }) => jid,
    offline: true,
    positional: ['jid'],
    input: z.object({ jid: accountJid }),
    output: z.object({ devices: z.array(deviceInfo) }),
    async run({ jid }) {
      if ((await accounts.get(jid)) === undefined) return noSuchAccount(services, jid);
      const known = await devices.list(jid);
      return success({ devices: known.map((device) => deviceInfoOf(device, jid, services)) });
    },
  });
}

function revoke(services: Needs): AnyOperation {
  const { accounts, devices, sessions } = services;
  return operation({
    name: 'accounts.revoke',
    command: ['user', 'revoke'],
    summary: 'Take the tokens of a device away, and end its sessions.',
    effect: 'change',
    about: ({ jid }) => jid,
    offline: true,
    positional: ['jid', 'device'],
    input: confirmed(
      z.object({
        jid: accountJid,
        device: z.string().max(100).describe('Its id, as rtcctl user devices tells it.'),
      }),
      'Revoke the device {device} of {jid}?',
    ),
    output: z.object({
      jid: z.string(),
      device: z.string(),
      ended: z.int().describe('How many sessions ended.'),
      knowsPassword: z.boolean().describe('Whether it can log in again by the password.'),
    }),
    present: ({ jid, knowsPassword }) =>
      knowsPassword
        ? `Its tokens are void and its sessions ended, but it knows the password: rtcctl passwd ${jid} keeps it out.`
        : 'The device can no longer log in.',
    async run({ jid, device: id }) {
      if ((await accounts.get(jid)) === undefined) return noSuchAccount(services, jid);
      const device = (await devices.list(jid)).find((each) => each.id === id);
      if (device === undefined)
        return failure(
          'not-found',
          `${jid} has no device ${id}; rtcctl user devices ${jid} lists them.`,
        );
      await devices.revoke({ account: jid, id });
      const own = sessions.of(jid).filter((session) => session.device?.id === id);
      for (const session of own) session.end('not-authorized', REVOKED);
      const { knowsPassword } = device;
      return success({ jid, device: id, ended: own.length, knowsPassword });
    },
  });
}

function deviceInfoOf(
  device: Device,
  account: BareJid,
  { sessions }: Needs,
): z.output<typeof deviceInfo> {
  const session = sessions.of(account).find((each) => each.device?.id === device.id);
  return {
    id: device.id,
    software: device.software,
    name: device.name,
    resource: device.resource,
    online: session !== undefined,
    access: accessOf(device),
    mechanism: device.mechanism,
    address: device.address,
    firstSeen: device.firstSeen,
    lastSeen: Math.max(device.lastSeen, session?.lastActive ?? 0),
  };
}

function accessOf({ knowsPassword, hasToken }: Device): z.output<typeof deviceInfo>['access'] {
  if (knowsPassword) return hasToken ? 'password, token' : 'password';
  return hasToken ? 'token' : 'none';
}

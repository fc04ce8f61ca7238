/** What pages read of accounts, their sessions and devices. */
import { z } from 'zod';
import { count, maybeText, text } from './values.ts';

const role = z.enum(['operator', 'admin', 'member', 'guest']);

/** The role of an account. */
export type RoleView = z.output<typeof role>;

/** A bound session. */
export const sessionView = z.object({
  id: text,
  jid: text,
  host: text,
  remote: text,
  device: text,
  secure: text,
  cipher: text,
  mechanism: text,
  since: count,
  lastActive: count,
  state: z.enum(['connected', 'inactive', 'asleep']),
  presence: text,
  priority: count,
  extras: text,
});

/** A session as pages read it. */
export type SessionView = z.output<typeof sessionView>;

/** `sessions.list` */
export const sessionsView = z.object({ sessions: z.array(sessionView), total: count });

/** `accounts.list` */
export const accountsView = z.object({
  accounts: z.array(
    z.object({
      jid: text,
      created: count,
      locked: z.boolean(),
      role,
      sessions: count,
    }),
  ),
  total: count,
});

/** `accounts.show` */
export const accountView = z.object({
  jid: text,
  created: count,
  locked: z.boolean(),
  role,
  namedInConfig: z.boolean(),
  sessions: z.array(sessionView),
});

/** An account with its sessions as pages read it. */
export type AccountView = z.output<typeof accountView>;

/** What a change of a password may answer. */
export const warningView = z.object({ warning: maybeText });

/** `accounts.devices` */
export const devicesView = z.object({
  devices: z.array(
    z.object({
      id: text,
      software: text,
      name: text,
      resource: text,
      online: z.boolean(),
      access: z.enum(['password', 'token', 'password, token', 'none']),
      mechanism: text,
      address: text,
      firstSeen: count,
      lastSeen: count,
    }),
  ),
});

/** A device as pages read it. */
export type DeviceView = z.output<typeof devicesView>['devices'][number];

/** `accounts.revoke` */
export const revokedView = z.object({ knowsPassword: z.boolean() });

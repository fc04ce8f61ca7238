/** The tables of devices and their tokens, and what a change of the account does to them. */
import type { BareJid } from '../jid/jid.ts';
import type { Migration, Query, Store } from '../store/store.ts';

/**
 * How a device is known again: by the `agent` that it names (XEP-0388 §2.3), or, where it names none,
 * by the `resource` that it asks for.
 */
export type DeviceKind = 'agent' | 'resource';

/** Which of a device's tokens: the one in use, or one that was given out and not used yet. */
export type TokenSlot = 'current' | 'new';

/** The rows. Times in ms since the epoch; flags are 0 or 1; texts are '' where nothing is known. */
export interface DeviceTables {
  devices: {
    account: BareJid;
    id: string;
    kind: DeviceKind;
    software: string;
    name: string;
    resource: string;
    mechanism: string;
    address: string;
    first_seen: number;
    last_seen: number;
    knows_password: number;
  };
  fast_tokens: {
    account: BareJid;
    device: string;
    slot: TokenSlot;
    mechanism: string;
    nonce: Uint8Array;
    issued: number;
    expires: number;
    /** The highest `count` that came with it; -1 before there was one. */
    uses: number;
  };
}

/** The migrations of these tables; the accounts' come before. */
export const deviceMigrations: readonly Migration[] = [
  {
    name: 'devices and FAST tokens',
    up: [
      `CREATE TABLE devices (
        account TEXT NOT NULL REFERENCES accounts (jid) ON DELETE CASCADE, id TEXT NOT NULL,
        kind TEXT NOT NULL, software TEXT NOT NULL, name TEXT NOT NULL, resource TEXT NOT NULL,
        mechanism TEXT NOT NULL, address TEXT NOT NULL, first_seen BIGINT NOT NULL,
        last_seen BIGINT NOT NULL, knows_password INTEGER NOT NULL, PRIMARY KEY (account, id)
      )`,
      'CREATE INDEX devices_by_last_seen ON devices (last_seen)',
      `CREATE TABLE fast_tokens (
        account TEXT NOT NULL, device TEXT NOT NULL, slot TEXT NOT NULL, mechanism TEXT NOT NULL,
        nonce BLOB NOT NULL, issued BIGINT NOT NULL, expires BIGINT NOT NULL, uses BIGINT NOT NULL,
        PRIMARY KEY (account, device, slot),
        FOREIGN KEY (account, device) REFERENCES devices (account, id) ON DELETE CASCADE
      )`,
      'CREATE INDEX fast_tokens_by_expires ON fast_tokens (expires)',
    ],
  },
];

/** Part of whatever takes an account's log-ins away: all of its tokens are void. */
export function withoutTokens(store: Store, account: BareJid): readonly Query[] {
  const db = store.tables<DeviceTables>();
  return [db.deleteFrom('fast_tokens').where('account', '=', account)];
}

/** Part of a change of the password: tokens are void, and no device knows the new one yet. */
export function withoutAccess(store: Store, account: BareJid): readonly Query[] {
  const db = store.tables<DeviceTables>();
  return [
    ...withoutTokens(store, account),
    db.updateTable('devices').set({ knows_password: 0 }).where('account', '=', account),
  ];
}

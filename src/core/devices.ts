/**
 * The devices of accounts: which were there, when last, and by what they log in (XEP-0388 §2.3). What
 * is seen is written in groups; a list is always up to date.
 */
import { createHash } from 'node:crypto';
import type { ServerConfig } from '../config/schema.ts';
import type { BareJid } from '../jid/jid.ts';
import type { Clock, Timer } from '../kit/clock.ts';
import type { Logger } from '../kit/log.ts';
import { type Query, type Store, StoreError } from '../store/store.ts';
import type { Accounts } from './accounts.ts';
import type { DeviceKind, DeviceTables } from './device-tables.ts';

/** A device as those may see it who manage the account. */
export interface Device {
  /** By which it is named in lists; not what the client says of itself, which stays with us. */
  readonly id: string;
  readonly kind: DeviceKind;
  /** The name of the client; '' if it did not say. */
  readonly software: string;
  /** The name of the machine; '' if it did not say. */
  readonly name: string;
  /** The resource that it bound last; '' before it bound one. */
  readonly resource: string;
  /** The SASL mechanism by which it logged in last. */
  readonly mechanism: string;
  /** The address that it came from last; '' where that is not kept. */
  readonly address: string;
  /** In ms since the epoch. */
  readonly firstSeen: number;
  /** When it last logged in or left, in ms since the epoch. */
  readonly lastSeen: number;
  /** Whether it logged in with the password that is in force. */
  readonly knowsPassword: boolean;
  /** Whether it has a token that it can log in with (XEP-0484). */
  readonly hasToken: boolean;
}

/** A device that logged in. */
export interface Sighting
  extends Omit<Device, 'firstSeen' | 'lastSeen' | 'knowsPassword' | 'hasToken'> {
  readonly account: BareJid;
  /** In ms since the epoch. */
  readonly at: number;
  /** When its login began, as `Accounts.moment` has it; undefined if it proved no password. */
  readonly password: number | undefined;
}

/** A device that is known. */
export type DeviceKey = Pick<Sighting, 'account' | 'id'>;

/** Reads and changes devices. */
export interface Devices {
  /** Notes that a device logged in, to be written soon. */
  seen(sighting: Sighting): void;
  /** Notes that a known device was there, to be written soon. */
  left(device: DeviceKey): void;
  /** The queries that write a sighting at once, for who depends on it. */
  recording(sighting: Sighting): readonly Query[];
  /** All devices of an account, the last seen first. */
  list(account: BareJid): Promise<readonly Device[]>;
  /** Voids a device's tokens; unless it knows the password, it is forgotten too. */
  revoke(device: DeviceKey): Promise<void>;
  /** Writes what was noted, and ends. */
  stop(): Promise<void>;
}

/** The id of a device that names itself, or of one that is known by its resource. */
export function deviceId(account: BareJid, kind: DeviceKind, mark: string): string {
  const digest = createHash('sha256').update(`${account}\0${kind}\0${mark}`).digest();
  return digest.toString('base64url', 0, ID_BYTES);
}

/** 12 characters: nobody finds another mark by trying, and a person can copy it. */
const ID_BYTES = 9;
const FLUSH_MS = 10_000;
/** Notes that may wait to be written. */
const MOST_PENDING = 1000;
/** More than an account may have. */
const MOST_DEVICES = 100_000;
const PRUNE_MS = 6 * 3_600_000;
/** Devices that are forgotten in one step. */
const PRUNE_STEP = 200;
/** How long a token stays after it expired, so that its device is told why it is not taken. */
const EXPIRED_MS = 7 * 86_400_000;

/** What devices are kept with. */
export interface DevicesOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly accounts: Pick<Accounts, 'isWithdrawn' | 'withdraw'>;
  /** The config as it stands. */
  settings(): ServerConfig['devices'];
  /** Those that are there now, which are not forgotten. */
  present(): Iterable<DeviceKey>;
  /** A device is revoked: whatever else there is of it goes. */
  revoked(device: DeviceKey): Promise<void>;
}

/** Opens the devices. */
export function createDevices(options: DevicesOptions): Devices {
  const { store, clock, log, accounts, settings } = options;
  const db = store.tables<DeviceTables>();
  const arrived = new Map<string, Sighting>();
  const departed = new Map<string, DeviceKey & { readonly at: number }>();
  const keyOf = ({ account, id }: DeviceKey) => `${account} ${id}`;
  const rowsOf = ({ account, id }: DeviceKey) =>
    db.deleteFrom('devices').where('account', '=', account).where('id', '=', id);

  const recording = (sighting: Sighting): readonly Query[] => {
    const row = rowOf(sighting, accounts, settings().addresses);
    const { account, id, first_seen, resource, knows_password, ...seen } = row;
    const update = {
      ...seen,
      ...(resource === '' ? {} : { resource }),
      ...(knows_password === 0 ? {} : { knows_password }),
    };
    const upsert = db
      .insertInto('devices')
      .values(row)
      .onConflict((conflict) => conflict.columns(['account', 'id']).doUpdateSet(update));
    return [upsert, surplus(account)];
  };
  /** The devices beyond the bound: those known by a resource go first, then those not seen for long. */
  const surplus = (account: BareJid) =>
    db
      .deleteFrom('devices')
      .where('account', '=', account)
      .where('id', 'in', (of) =>
        of
          .selectFrom('devices')
          .select('id')
          .where('account', '=', account)
          .orderBy('kind')
          .orderBy('last_seen', 'desc')
          .limit(MOST_DEVICES)
          .offset(settings().perAccount),
      );
  const leaving = ({ account, id, at }: DeviceKey & { readonly at: number }) =>
    db
      .updateTable('devices')
      .set({ last_seen: at })
      .where('account', '=', account)
      .where('id', '=', id);

  let flushing: Timer | undefined;
  const flush = async () => {
    flushing?.cancel();
    flushing = undefined;
    const writes = [
      ...[...arrived.values()].map((sighting) => recording(sighting)),
      ...[...departed.values()].map((device) => [leaving(device)]),
    ];
    arrived.clear();
    departed.clear();
    await Promise.all(
      writes.map(async (queries) => {
        try {
          await store.write(...queries);
        } catch (error) {
          // The account was removed meanwhile.
          if (error instanceof StoreError && error.kind === 'constraint') return;
          log.error({ err: error }, 'a device could not be noted');
        }
      }),
    );
  };
  const flushSoon = () => {
    if (arrived.size + departed.size >= MOST_PENDING) void flush();
    else flushing ??= clock.after(FLUSH_MS, () => void flush());
  };
  const left = (device: DeviceKey) => {
    const key = keyOf(device);
    const arrival = arrived.get(key);
    const at = clock.now();
    if (arrival !== undefined) arrived.set(key, { ...arrival, at });
    else departed.set(key, { ...device, at });
    flushSoon();
  };
  const prune = async () => {
    for (const device of options.present()) left(device);
    await flush();
    const now = clock.now();
    await store.write(db.deleteFrom('fast_tokens').where('expires', '<', now - EXPIRED_MS));
    for (;;) {
      const stale = await store.read(
        db
          .selectFrom('devices')
          .select(['account', 'id'])
          .where('last_seen', '<', now - settings().forgetAfter)
          .limit(PRUNE_STEP),
      );
      if (stale.length > 0) await store.write(...stale.map(rowsOf));
      if (stale.length < PRUNE_STEP) return;
    }
  };
  const pruning = clock.every(PRUNE_MS, () => {
    prune().catch((error: unknown) => log.error({ err: error }, 'devices could not be pruned'));
  });

  return {
    seen(sighting) {
      const before = arrived.get(keyOf(sighting));
      const password = sighting.password ?? before?.password;
      arrived.set(keyOf(sighting), { ...sighting, password });
      flushSoon();
    },
    left,
    recording,
    async list(account) {
      await flush();
      const [rows, tokens] = await Promise.all([
        store.read(
          db
            .selectFrom('devices')
            .selectAll()
            .where('account', '=', account)
            .orderBy('last_seen', 'desc')
            .orderBy('id'),
        ),
        store.read(
          db
            .selectFrom('fast_tokens')
            .select('device')
            .where('account', '=', account)
            .where('expires', '>', clock.now()),
        ),
      ]);
      const holders = new Set(tokens.map(({ device }) => device));
      return rows.map((row) => deviceOf(row, holders.has(row.id)));
    },
    async revoke(device) {
      const { account, id } = device;
      await flush();
      accounts.withdraw(account, id);
      await store.write(
        db.deleteFrom('fast_tokens').where('account', '=', account).where('device', '=', id),
        rowsOf(device).where('knows_password', '=', 0),
      );
      await options.revoked(device);
    },
    async stop() {
      pruning.cancel();
      await flush();
    },
  };
}

function rowOf(
  sighting: Sighting,
  { isWithdrawn }: DevicesOptions['accounts'],
  areAddressesKept: boolean,
): DeviceTables['devices'] {
  const { account, id, kind, software, name, resource, mechanism, at, password } = sighting;
  const knows = password !== undefined && !isWithdrawn(account, password);
  return {
    ...{ account, id, kind, software, name, resource, mechanism },
    address: areAddressesKept ? sighting.address : '',
    first_seen: at,
    last_seen: at,
    knows_password: knows ? 1 : 0,
  };
}

function deviceOf(row: DeviceTables['devices'], hasToken: boolean): Device {
  const { id, kind, software, name, resource, mechanism, address } = row;
  return {
    ...{ id, kind, software, name, resource, mechanism, address },
    firstSeen: Number(row.first_seen),
    lastSeen: Number(row.last_seen),
    knowsPassword: row.knows_password === 1,
    hasToken,
  };
}

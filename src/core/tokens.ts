/**
 * Tokens by which a device logs in without its password (XEP-0484): two for each at most, the one in
 * use and one that was given out and not used yet (§5.1).
 *
 * The server must know a token to check an HMAC made with it, so that no one-way hash of it will do. It
 * is not stored, though: it is derived from a nonce in the database and a key in a file beside it.
 * Whoever reads the database, or a backup of it, cannot log in.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { ServerConfig } from '../config/schema.ts';
import type { BareJid } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import type { HashedToken } from '../sasl/index.ts';
import { prepare, type Store } from '../store/store.ts';
import type { DeviceTables, TokenSlot } from './device-tables.ts';
import type { DeviceKey, Devices, Sighting } from './devices.ts';

/** A token that a device has. */
export interface DeviceToken extends HashedToken {
  readonly device: DeviceKey;
  readonly slot: TokenSlot;
  readonly mechanism: string;
  readonly nonce: Buffer;
  /** In ms since the epoch. */
  readonly issued: number;
  /** The highest `count` that came with it; -1 before there was one. */
  readonly uses: number;
}

/** A token for its device. */
export interface IssuedToken {
  readonly secret: string;
  /** In ms since the epoch. */
  readonly expires: number;
}

/** How a token is used (§3.4, §3.6). */
export interface TokenUse {
  /** How often the client says that it has used it. */
  readonly count: number | undefined;
  /** Whether it is not to be used again. */
  readonly isLast: boolean;
}

/** Gives out and takes tokens. */
export interface Tokens {
  /** Whether tokens are given out and taken. */
  readonly areOn: boolean;
  /** Those that a device has for a mechanism. */
  of(device: DeviceKey, mechanism: string): Promise<readonly DeviceToken[]>;
  /**
   * Notes that a token was proved: it is the one in use from now on, or void if it was the last time.
   * False when it was revoked meanwhile, or its count came before (§3.4).
   */
  use(token: DeviceToken, use: TokenUse): Promise<boolean>;
  /** Whether a token in use should be replaced by a newer one (§3.5). */
  isDue(token: DeviceToken): boolean;
  /** Gives a device a new token for a mechanism; one that it was given and did not use is void. */
  issue(device: Sighting, mechanism: string): Promise<IssuedToken>;
}

const NONCE_BYTES = 16;

/** What tokens are made with. */
export interface TokensOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly devices: Pick<Devices, 'recording'>;
  /** The key that is not in the database. */
  readonly key: Buffer;
  /** The config as it stands. */
  settings(): ServerConfig['devices'];
}

/** Opens the tokens. */
export function createTokens({ store, clock, devices, key, settings }: TokensOptions): Tokens {
  const db = store.tables<DeviceTables>();
  const rowsOf = ({ account, id }: DeviceKey) =>
    db.deleteFrom('fast_tokens').where('account', '=', account).where('device', '=', id);
  const changing = ({ account, id }: DeviceKey, nonce: Buffer) =>
    db
      .updateTable('fast_tokens')
      .where('account', '=', account)
      .where('device', '=', id)
      .where('nonce', '=', nonce);

  const find = prepare((is: DeviceKey & { readonly mechanism: string }) =>
    db
      .selectFrom('fast_tokens')
      .selectAll()
      .where('account', '=', is.account)
      .where('device', '=', is.id)
      .where('mechanism', '=', is.mechanism),
  );

  /** A token is good for its account, device and mechanism only, whatever the database says. */
  const secretOf = (account: BareJid, device: string, mechanism: string, nonce: Buffer): string =>
    createHmac('sha256', key)
      .update(['FAST', account, device, mechanism, nonce.toString('hex')].join('\0'))
      .digest('base64url');

  return {
    get areOn() {
      return settings().tokens;
    },
    async of(device, mechanism) {
      const { account, id } = device;
      const rows = await store.glance(find({ account, id, mechanism }));
      return rows.map((row) => {
        const nonce = Buffer.from(row.nonce);
        return {
          device,
          slot: row.slot,
          mechanism,
          nonce,
          secret: secretOf(device.account, device.id, mechanism, nonce),
          issued: Number(row.issued),
          isExpired: Number(row.expires) <= clock.now(),
          uses: Number(row.uses),
        };
      });
    },
    async use({ device, slot, nonce, uses }, { count, isLast }) {
      if (count !== undefined && count <= uses) return false;
      if (isLast) {
        const [used] = await store.write(rowsOf(device).where('nonce', '=', nonce), rowsOf(device));
        return used.changes > 0;
      }
      if (slot === 'current' && count === undefined) return true;
      // Another connection may have moved it already: it must not go with what was before it.
      const isThere = db
        .selectFrom('fast_tokens')
        .select('device')
        .where('account', '=', device.account)
        .where('device', '=', device.id)
        .where('nonce', '=', nonce)
        .where('uses', '<', count ?? Number.MAX_SAFE_INTEGER);
      const [, moved] = await store.write(
        rowsOf(device)
          .where('slot', '=', 'current')
          .where('nonce', '!=', nonce)
          .where(({ exists }) => exists(isThere)),
        changing(device, nonce)
          .set({ slot: 'current', uses: count ?? uses })
          .where('uses', '<', count ?? Number.MAX_SAFE_INTEGER),
      );
      return moved.changes > 0;
    },
    isDue: ({ issued }) => clock.now() - issued >= settings().tokenRotation,
    async issue(device, mechanism) {
      const { account, id } = device;
      const nonce = randomBytes(NONCE_BYTES);
      const now = clock.now();
      const expires = now + settings().tokenLifetime;
      const row = { account, device: id, mechanism, nonce, issued: now, expires, uses: -1 };
      await store.write(
        ...devices.recording(device),
        rowsOf(device).where('slot', '=', 'new'),
        db.insertInto('fast_tokens').values({ ...row, slot: 'new' }),
      );
      return { secret: secretOf(account, id, mechanism, nonce), expires };
    },
  };
}

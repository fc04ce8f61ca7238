/**
 * The SCRAM keys of accounts (DESIGN D9): the one owner of their table, and of the question which
 * mechanisms an account can use.
 */
import { createHmac } from 'node:crypto';
import type { BareJid, Domain } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import { BoundedMap } from '../kit/limits.ts';
import { SCRAM_HASHES, type ScramHash, type ScramKeys } from '../sasl/index.ts';
import { prepare, type Query, type Store } from '../store/store.ts';
import type { MaybePromise } from './hooks.ts';

/** Reads and changes SCRAM keys. */
export interface Credentials {
  /** An account's keys for a hash. */
  find(account: BareJid, hash: ScramHash): Promise<ScramKeys | undefined>;
  /** The hashes for which an account has keys, strongest first. */
  hashesOf(account: BareJid): Promise<readonly ScramHash[]>;
  /** All keys of an account, strongest first. */
  all(account: BareJid): Promise<readonly ScramKeys[]>;
  /** The queries after which an account has these keys and no others. */
  replacing(account: BareJid, keys: readonly ScramKeys[]): readonly Query[];
  /** Gives an account keys for a hash; false, and nothing happens, when it has some already. */
  add(account: BareJid, keys: ScramKeys): Promise<boolean>;
  /**
   * The hashes to offer to whoever says that he is an account of a host, strongest first; to somebody
   * who does not say it, those that every account there has keys for (XEP-0388 §2.1). An account that
   * does not exist is offered what one of those that exist could be.
   */
  offeredTo(host: Domain, account: BareJid | undefined): MaybePromise<readonly ScramHash[]>;
  /** An account of a host was given keys that are not for all hashes. */
  forget(host: Domain): void;
}

interface Tables {
  accounts: { jid: BareJid; domain: Domain };
  scram_keys: {
    account: BareJid;
    hash: ScramHash;
    iterations: number;
    salt: Uint8Array;
    stored_key: Uint8Array;
    server_key: Uint8Array;
  };
}

/** Which part of a host's accounts has no keys for a hash, from 0 to 1. */
type Gaps = ReadonlyMap<ScramHash, number>;

/** How long that is believed. Where nobody lacks anything it stays so, until {@link Credentials.forget}. */
const GAPS_MS = 60_000;

/** Hosts of which is remembered what their accounts lack. */
const CACHED_HOSTS = 1000;
const MOST_DRAWN = 2 ** 32;

/**
 * Opens the keys.
 * @param seed a secret that lasts, by which accounts that do not exist look like those that do
 */
export function createCredentials(store: Store, clock: Clock, seed: Buffer): Credentials {
  const db = store.tables<Tables>();
  const gaps = new BoundedMap<Domain, { readonly found: MaybePromise<Gaps>; readonly at: number }>(
    CACHED_HOSTS,
  );

  const keysOf = prepare((is: { account: BareJid; hash: ScramHash }) =>
    db
      .selectFrom('scram_keys')
      .selectAll()
      .where('account', '=', is.account)
      .where('hash', '=', is.hash),
  );

  const readGaps = async (host: Domain): Promise<Gaps> => {
    const [having, all] = await Promise.all([
      store.read(
        db
          .selectFrom('scram_keys')
          .innerJoin('accounts', 'jid', 'account')
          .where('domain', '=', host)
          .groupBy('hash')
          .select(({ fn }) => ['hash', fn.countAll<number>().as('accounts')]),
      ),
      store.first(
        db
          .selectFrom('scram_keys')
          .innerJoin('accounts', 'jid', 'account')
          .where('domain', '=', host)
          // One that nobody can log in to lacks nothing.
          .select(({ fn }) => fn.count<number>('account').distinct().as('accounts')),
      ),
    ]);
    const total = Number(all?.accounts ?? 0);
    return new Map(
      SCRAM_HASHES.map((hash) => {
        const has = Number(having.find((row) => row.hash === hash)?.accounts ?? 0);
        return [hash, total === 0 ? 0 : Math.max(0, 1 - has / total)] as const;
      }),
    );
  };
  const gapsOf = (host: Domain): MaybePromise<Gaps> => {
    const at = clock.monotonic();
    const known = gaps.get(host);
    if (known !== undefined && (isNone(known.found) || at - known.at < GAPS_MS)) return known.found;
    const found = readGaps(host);
    gaps.set(host, { found, at });
    const isCurrent = () => gaps.get(host)?.found === found;
    found.then(
      (read) => isCurrent() && gaps.set(host, { found: read, at }),
      () => isCurrent() && gaps.delete(host),
    );
    return found;
  };
  const hashesOf = async (account: BareJid): Promise<readonly ScramHash[]> => {
    const rows = await store.read(
      db.selectFrom('scram_keys').select('hash').where('account', '=', account),
    );
    return SCRAM_HASHES.filter((hash) => rows.some((row) => row.hash === hash));
  };
  const choose = (
    found: Gaps,
    account: BareJid | undefined,
  ): MaybePromise<readonly ScramHash[]> => {
    const gapOf = (hash: ScramHash) => found.get(hash) ?? 0;
    if (isNone(found)) return SCRAM_HASHES;
    if (account === undefined) return orAll(SCRAM_HASHES.filter((hash) => gapOf(hash) === 0));
    const drawn = draw(seed, account);
    return hashesOf(account).then((hashes) =>
      hashes.length > 0 ? hashes : orAll(SCRAM_HASHES.filter((hash) => drawn >= gapOf(hash))),
    );
  };

  return {
    async find(account, hash) {
      const [row] = await store.glance(keysOf({ account, hash }));
      return row === undefined ? undefined : keysIn(row);
    },
    hashesOf,
    async all(account) {
      const rows = await store.read(
        db.selectFrom('scram_keys').selectAll().where('account', '=', account),
      );
      return SCRAM_HASHES.flatMap((hash) =>
        rows.filter((row) => row.hash === hash).map((row) => keysIn(row)),
      );
    },
    replacing: (account, keys) => [
      db.deleteFrom('scram_keys').where('account', '=', account),
      ...(keys.length === 0
        ? []
        : [db.insertInto('scram_keys').values(keys.map((key) => rowOf(account, key)))]),
    ],
    async add(account, keys) {
      const [result] = await store.write(
        db
          .insertInto('scram_keys')
          .values(rowOf(account, keys))
          .onConflict((conflict) => conflict.doNothing()),
      );
      return (result?.changes ?? 0) > 0;
    },
    forget: (host) => void gaps.delete(host),
    offeredTo(host, account) {
      const found = gapsOf(host);
      return found instanceof Promise
        ? found.then((read) => choose(read, account))
        : choose(found, account);
    },
  };
}

const isNone = (found: MaybePromise<Gaps>) =>
  !(found instanceof Promise) && [...found.values()].every((gap) => gap === 0);

const orAll = (hashes: readonly ScramHash[]) => (hashes.length > 0 ? hashes : SCRAM_HASHES);

/** A number from 0 to below 1 that a name has always, and nobody can tell from the name. */
function draw(seed: Buffer, account: BareJid): number {
  const digest = createHmac('sha256', seed).update(`mechanisms\0${account}`).digest();
  return digest.readUInt32BE(0) / MOST_DRAWN;
}

const rowOf = (account: BareJid, key: ScramKeys): Tables['scram_keys'] => ({
  account,
  hash: key.hash,
  iterations: key.iterations,
  salt: key.salt,
  stored_key: key.storedKey,
  server_key: key.serverKey,
});

const keysIn = (row: Tables['scram_keys']): ScramKeys => ({
  hash: row.hash,
  iterations: row.iterations,
  salt: Buffer.from(row.salt),
  storedKey: Buffer.from(row.stored_key),
  serverKey: Buffer.from(row.server_key),
});

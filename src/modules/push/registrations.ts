/** What accounts have registered for push notifications: the one owner of its table. */
import type { MaybePromise } from '../../core/hooks.ts';
import type { Session } from '../../core/sessions.ts';
import { type BareJid, type Jid, resourceOf } from '../../jid/jid.ts';
import { createExclusive } from '../../kit/exclusive.ts';
import { BoundedMap } from '../../kit/limits.ts';
import type { Migration, Query, Store } from '../../store/store.ts';

/** Which registration: an account has one for each node of a service (§5). */
export interface Address {
  readonly account: BareJid;
  /** The app server. */
  readonly service: Jid;
  /** '' where the client named none. */
  readonly node: string;
}

/** What a client registers. */
export interface Wanted extends Address {
  /** Publish options as text, '' for none. */
  readonly options: string;
  /** The device that enabled it last and that it wakes, '' if it is not known. */
  readonly device: string;
  /** The resource that it had. */
  readonly resource: string;
}

/** A registration. Times in ms since the epoch; undefined for what has not been. */
export interface Registration extends Wanted {
  /** When a client last enabled it. */
  readonly enabled: number;
  /** How many messages the app server was told of since the device was last here. */
  readonly unseen: number;
  /** When something was last published, and what came of it. */
  readonly tried: number | undefined;
  readonly result: string;
  /** When the app server last took something. */
  readonly succeeded: number | undefined;
  /** Failures since then. */
  readonly failures: number;
  /** When it ended by the fault of the app server; it is kept to be looked at. */
  readonly ended: number | undefined;
}

/** What changes in the life of a registration. */
export type Change = Partial<
  Pick<Registration, 'unseen' | 'tried' | 'result' | 'succeeded' | 'failures' | 'ended'>
>;

/** Which registrations to list; sorted by account. */
export interface Filter {
  readonly account: BareJid | undefined;
  /** Only those that ended or whose last notification failed. */
  readonly isFailing: boolean;
  readonly offset: number;
  readonly limit: number;
}

/** Reads and changes registrations. All that is asynchronous may reject with a StoreError. */
export interface Registrations {
  /** All of an account, ended ones included, the oldest first. */
  of(account: BareJid): MaybePromise<readonly Registration[]>;
  /**
   * Takes a registration, in place of the one with the same address (§5). Where `most` live already,
   * the one that was not enabled for longest makes room, but none that another device uses now.
   */
  enable(
    wanted: Wanted,
    terms: { readonly most: number; readonly now: number; isInUse(each: Registration): boolean },
  ): Promise<'enabled' | 'full'>;
  /** Removes those of an account that are meant; answers which. */
  remove(
    account: BareJid,
    isMeant: (registration: Registration) => boolean,
  ): Promise<readonly Registration[]>;
  /**
   * Notes what became of a registration as it was known, unless it is gone, has ended or was enabled
   * anew since.
   */
  change(known: Registration, change: Change): Promise<void>;
  list(filter: Filter): Promise<{ readonly page: readonly Registration[]; readonly total: number }>;
}

interface Row {
  account: BareJid;
  service: Jid;
  node: string;
  options: string;
  device: string;
  resource: string;
  enabled: number;
  unseen: number;
  tried: number | null;
  result: string;
  succeeded: number | null;
  failures: number;
  ended: number | null;
}

interface Tables {
  push_registrations: Row;
}

/** The migrations of the table. */
export const registrationMigrations: readonly Migration[] = [
  {
    name: 'push registrations',
    up: [
      `CREATE TABLE push_registrations (
        account TEXT NOT NULL, service TEXT NOT NULL, node TEXT NOT NULL, options TEXT NOT NULL,
        device TEXT NOT NULL, resource TEXT NOT NULL, enabled BIGINT NOT NULL, unseen INTEGER NOT NULL, tried BIGINT,
        result TEXT NOT NULL, succeeded BIGINT, failures INTEGER NOT NULL, ended BIGINT,
        PRIMARY KEY (account, service, node)
      )`,
    ],
  },
];

/** Accounts whose registrations are remembered; most have none. */
const CACHED_ACCOUNTS = 20_000;
/** Ended registrations that are kept of an account. */
const KEPT_ENDED = 5;

/** Opens the registrations. */
export function createRegistrations(store: Store): Registrations {
  const db = store.tables<Tables>();
  const cache = new BoundedMap<BareJid, readonly Registration[]>(CACHED_ACCOUNTS);
  const exclusive = createExclusive<BareJid>();

  const load = async (account: BareJid): Promise<readonly Registration[]> => {
    const known = cache.get(account);
    if (known !== undefined) return known;
    const rows = await store.read(
      db
        .selectFrom('push_registrations')
        .selectAll()
        .where('account', '=', account)
        .orderBy('enabled'),
    );
    const found = rows.map(registrationOf);
    cache.set(account, found);
    return found;
  };
  const insert = (registration: Registration): Query => {
    const { account: _account, service: _service, node: _node, ...rest } = rowOf(registration);
    return db
      .insertInto('push_registrations')
      .values(rowOf(registration))
      .onConflict((at) => at.columns(['account', 'service', 'node']).doUpdateSet(rest));
  };
  const remove = ({ account, service, node }: Address): Query =>
    db
      .deleteFrom('push_registrations')
      .where('account', '=', account)
      .where('service', '=', service)
      .where('node', '=', node);
  /** Replaces what an account has: on the disk, then in memory. */
  const replace = async (
    account: BareJid,
    next: readonly Registration[],
    queries: readonly Query[],
  ) => {
    const [first, ...others] = queries;
    if (first !== undefined) await store.write(first, ...others);
    cache.set(account, next);
  };

  return {
    of: (account) => cache.get(account) ?? exclusive(account, () => load(account)),
    enable: (wanted, { most, now, isInUse }) =>
      exclusive(wanted.account, async () => {
        const { account } = wanted;
        const known = await load(account);
        const before = known.find((each) => isSame(each, wanted));
        const others = known.filter((each) => each !== before);
        const mayGo = (each: Registration) => isSameDevice(each, wanted) || !isInUse(each);
        const live = others.filter(({ ended }) => ended === undefined);
        const idle = live.length < most ? undefined : live.find(mayGo);
        if (live.length >= most && idle === undefined) return 'full';
        const next = { ...BLANK, ...before, ...wanted, enabled: now, unseen: 0, ...REVIVED };
        const left = others.filter((each) => each !== idle);
        await replace(
          account,
          [...left, next],
          [insert(next), ...(idle === undefined ? [] : [remove(idle)])],
        );
        return 'enabled';
      }),
    remove: (account, isMeant) =>
      exclusive(account, async () => {
        const known = await load(account);
        const meant = known.filter(isMeant);
        const left = known.filter((each) => !meant.includes(each));
        await replace(account, left, meant.map(remove));
        return meant;
      }),
    change: (known, change) =>
      exclusive(known.account, async () => {
        const all = await load(known.account);
        const before = all.find((each) => isSame(each, known));
        if (before?.enabled !== known.enabled || before.ended !== undefined) return;
        const after: Registration = { ...before, ...change };
        const next = all.map((each) => (each === before ? after : each));
        const outlived = next
          .filter(({ ended }) => ended !== undefined)
          .sort((one, other) => (other.ended ?? 0) - (one.ended ?? 0))
          .slice(KEPT_ENDED);
        const left = next.filter((each) => !outlived.includes(each));
        await replace(known.account, left, [insert(after), ...outlived.map(remove)]);
      }),
    async list({ account, isFailing, offset, limit }) {
      let query = db.selectFrom('push_registrations');
      if (account !== undefined) query = query.where('account', '=', account);
      if (isFailing)
        query = query.where((of) => of.or([of('failures', '>', 0), of('ended', 'is not', null)]));
      const order = query.selectAll().orderBy('account').orderBy('service').orderBy('node');
      const [rows, count] = await Promise.all([
        store.read(order.limit(limit).offset(offset)),
        store.first(query.select((of) => of.fn.countAll<number>().as('total'))),
      ]);
      return { page: rows.map(registrationOf), total: Number(count?.total ?? 0) };
    },
  };
}

const BLANK = {
  tried: undefined,
  result: '',
  succeeded: undefined,
} as const;
/** One that ended begins anew when the client enables it again. */
const REVIVED = { failures: 0, ended: undefined } as const;

/** Whether two addresses are the same. */
export function isSame(one: Address, other: Address): boolean {
  return one.node === other.node && one.service === other.service && one.account === other.account;
}

/** The device of a session. */
export function deviceOf({ device, jid }: Session): Pick<Registration, 'device' | 'resource'> {
  return { device: device?.id ?? '', resource: resourceOf(jid) };
}

/** Whether two are of the same device: by its id, or as long as nobody knows that, by its resource. */
export function isSameDevice(
  one: Pick<Registration, 'device' | 'resource'>,
  other: Pick<Registration, 'device' | 'resource'>,
): boolean {
  if (one.device !== '' && other.device !== '') return one.device === other.device;
  return one.resource === other.resource;
}

const rowOf = ({ tried, succeeded, ended, ...same }: Registration): Row => ({
  ...same,
  tried: tried ?? null,
  succeeded: succeeded ?? null,
  ended: ended ?? null,
});

const registrationOf = ({ tried, succeeded, ended, enabled, ...same }: Row): Registration => ({
  ...same,
  enabled: Number(enabled),
  tried: timeOf(tried),
  succeeded: timeOf(succeeded),
  ended: timeOf(ended),
});

const timeOf = (value: number | null) => (value === null ? undefined : Number(value));

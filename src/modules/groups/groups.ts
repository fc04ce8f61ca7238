/**
 * The groups of the company: the one owner of their tables. A change is on the disk first; then those
 * whom it concerns and who are here see each other, or do not any more.
 */
import type { MaybePromise } from '../../core/hooks.ts';
import type { Home } from '../../core/module.ts';
import { type BareJid, type Domain, domainOf } from '../../jid/jid.ts';
import { createExclusive } from '../../kit/exclusive.ts';
import type { Query } from '../../store/store.ts';
import type { SharedContacts } from '../roster/index.ts';
import { type Book, createBook, type Group, isOf, keyOf } from './book.ts';
import { EVERYONE, type GroupSettings } from './settings.ts';
import { createGroupTable, type GroupKey } from './table.ts';

/** What became of a group. */
export interface GroupChange extends GroupKey {
  readonly added: readonly BareJid[];
  readonly removed: readonly BareJid[];
  /** Whether the group itself is gone. */
  readonly isGone: boolean;
}

/** Why something cannot be done with a group. */
export type GroupRefusal = 'not-found' | 'conflict' | 'too-many' | 'everyone' | 'defined';

/** The groups. All that is asynchronous may reject with a StoreError. */
export interface Groups {
  list(host: Domain | undefined): Promise<readonly Group[]>;
  find(key: GroupKey): Promise<Group | undefined>;
  /** The groups in which an account is. */
  of(account: BareJid): Promise<readonly Group[]>;
  sharedBy(account: BareJid): MaybePromise<SharedContacts | undefined>;
  create(key: GroupKey, isEveryone: boolean): Promise<GroupRefusal | undefined>;
  remove(key: GroupKey): Promise<GroupRefusal | undefined>;
  add(key: GroupKey, members: readonly BareJid[]): Promise<GroupRefusal | undefined>;
  part(key: GroupKey, members: readonly BareJid[]): Promise<GroupRefusal | undefined>;
  /** An account was made, removed, or has another role. */
  refresh(account: BareJid): Promise<void>;
  /** Another config is in force. */
  reconfigure(): Promise<void>;
  /** An account is being removed. */
  forget(account: BareJid): Promise<void>;
}

/** Is told of changes, once they are on the disk and those concerned are asked to see each other. */
export type GroupListener = (change: GroupChange) => void;

/** What is done when two share a group, or do not any more. */
export interface Meeting {
  /** What an account shares changed; both states, as they were and are. */
  changed(
    account: BareJid,
    before: SharedContacts | undefined,
    after: SharedContacts | undefined,
  ): Promise<void>;
}

/** Accounts that are read at a time. */
const PAGE = 1000;

/** Opens the groups; they are read when first asked for. */
export function createGroups(
  home: Home<GroupSettings>,
  meeting: Meeting,
  tell: GroupListener,
): Groups {
  const table = createGroupTable(home.store);
  const exclusive = createExclusive<'groups'>();
  let ready: Book | undefined;
  let loading: Promise<Book> | undefined;

  const everyoneOf = async (host: Domain): Promise<Set<BareJid>> => {
    const most = home.configOf(host).maxMembers;
    const all = new Set<BareJid>();
    for (let offset = 0; all.size < most; offset += PAGE) {
      const { accounts, total } = await home.accounts.list({ host, offset, limit: PAGE });
      for (const { jid, role } of accounts) if (role !== 'guest' && all.size < most) all.add(jid);
      if (offset + PAGE >= total) break;
    }
    return all;
  };
  const accountsAmong = async (named: readonly BareJid[]): Promise<Set<BareJid>> => {
    const found = new Set<BareJid>();
    for (const jid of named) if ((await home.accounts.get(jid)) !== undefined) found.add(jid);
    return found;
  };
  /** All groups as they should be now; one that the config defines stands before one of its name. */
  const groupsNow = async (): Promise<readonly Group[]> => {
    const all: Group[] = [];
    for (const { domain: host } of home.hosts.all()) {
      if (!home.isEnabled(host)) continue;
      for (const [name, named] of Object.entries(home.configOf(host).defined)) {
        const defined = named.filter((each): each is BareJid => each !== EVERYONE);
        const isEveryone = defined.length < named.length;
        const members = isEveryone ? await everyoneOf(host) : await accountsAmong(defined);
        all.push({ host, name, isEveryone, members, defined });
      }
    }
    const isDefined = ({ host, name }: GroupKey) =>
      all.some((each) => each.defined !== undefined && each.host === host && each.name === name);
    for (const { members, ...group } of await table.all()) {
      if (isDefined(group)) continue;
      const now = group.isEveryone ? await everyoneOf(group.host) : new Set(members);
      all.push({ ...group, members: now, defined: undefined });
    }
    return all;
  };
  const load = async (): Promise<Book> => {
    const book = createBook();
    for (const group of await groupsNow()) book.put(group);
    ready = book;
    return book;
  };
  const loaded = (): MaybePromise<Book> => {
    if (ready !== undefined) return ready;
    loading ??= load().finally(() => {
      loading = undefined;
    });
    return loading;
  };

  /** Changes the groups, alone with them; `write` says what is written before they change. */
  const change = <T>(task: (book: Book) => Promise<T>) =>
    exclusive('groups', async () => task(await loaded()));

  /** Puts a group in the place of another one, and has those concerned see it. */
  const replace = async (
    book: Book,
    key: GroupKey,
    next: Group | undefined,
    writes: readonly Query[],
  ): Promise<void> => {
    const before = book.find(key)?.members ?? new Set<BareJid>();
    const after = next?.members ?? new Set<BareJid>();
    // Who is not here will be told when he comes, by his roster and by whom he sees.
    const present = [...new Set([...before, ...after])].filter(
      (account) => home.sessions.of(account).length > 0,
    );
    const saw = present.map((account) => [account, book.sharedBy(account)] as const);
    if (writes.length > 0) await home.store.write(...writes);
    if (next === undefined) book.remove(key);
    else book.put(next);
    for (const [account, shared] of saw)
      await meeting.changed(account, shared, book.sharedBy(account));
    tell({
      host: key.host,
      name: key.name,
      added: [...after].filter((member) => !before.has(member)),
      removed: [...before].filter((member) => !after.has(member)),
      isGone: next === undefined,
    });
  };

  return {
    list: async (host) => (await loaded()).all().filter(isOf(host)),
    find: async (key) => (await loaded()).find(key),
    of: async (account) => (await loaded()).of(account),
    sharedBy(account) {
      const book = loaded();
      if (book instanceof Promise) return book.then((late) => late.sharedBy(account));
      return book.sharedBy(account);
    },
    create: ({ host, name }, isEveryone) =>
      change(async (book) => {
        const known = book.find({ host, name });
        if (known !== undefined) return known.defined === undefined ? 'conflict' : 'defined';
        if (book.all().filter(isOf(host)).length >= home.configOf(host).maxGroups)
          return 'too-many';
        const members = isEveryone ? await everyoneOf(host) : new Set<BareJid>();
        const group = { host, name, isEveryone };
        const next = { ...group, members, defined: undefined };
        await replace(book, group, next, [table.creating(group)]);
        return undefined;
      }),
    remove: (key) =>
      change(async (book) => {
        const group = book.find(key);
        if (group === undefined) return 'not-found';
        if (group.defined !== undefined) return 'defined';
        await replace(book, key, undefined, table.removing(key));
        return undefined;
      }),
    add: (key, added) =>
      change(async (book) => {
        const group = book.find(key);
        if (group === undefined) return 'not-found';
        if (group.defined !== undefined) return 'defined';
        if (group.isEveryone) return 'everyone';
        const members = new Set([...group.members, ...added]);
        if (members.size > home.configOf(key.host).maxMembers) return 'too-many';
        await replace(book, key, { ...group, members }, table.adding(key, added));
        return undefined;
      }),
    part: (key, parted) =>
      change(async (book) => {
        const group = book.find(key);
        if (group === undefined) return 'not-found';
        if (group.defined !== undefined) return 'defined';
        if (group.isEveryone) return 'everyone';
        const gone = new Set(parted);
        const members = new Set([...group.members].filter((member) => !gone.has(member)));
        if (members.size > group.members.size - gone.size) return 'not-found';
        await replace(book, key, { ...group, members }, table.parting(key, parted));
        return undefined;
      }),
    refresh: async (account) => {
      // What is not read yet will be read as it is then.
      if (ready === undefined && loading === undefined) return;
      await change(async (book) => {
        const host = domainOf(account);
        const concerned = book
          .all()
          .filter((group) =>
            group.isEveryone ? group.host === host : group.defined?.includes(account),
          );
        if (concerned.length === 0) return;
        const found = await home.accounts.get(account);
        for (const group of concerned) {
          const isIn = found !== undefined && !(group.isEveryone && found.role === 'guest');
          if (group.members.has(account) === isIn) continue;
          const members = new Set(group.members);
          if (!isIn) members.delete(account);
          else if (members.size < home.configOf(group.host).maxMembers) members.add(account);
          else continue;
          await replace(book, group, { ...group, members }, []);
        }
      });
    },
    reconfigure: async () => {
      if (ready === undefined && loading === undefined) return;
      await change(async (book) => {
        const now = await groupsNow();
        const isLeft = new Set(now.map(keyOf));
        for (const group of book.all())
          if (!isLeft.has(keyOf(group))) await replace(book, group, undefined, []);
        for (const group of now) {
          const before = book.find(group);
          if (before === undefined || isOther(before, group)) await replace(book, group, group, []);
        }
      });
    },
    forget: (account) =>
      change(async (book) => {
        for (const group of book.of(account)) {
          const members = new Set(group.members);
          members.delete(account);
          await replace(book, group, { ...group, members }, []);
        }
        await home.store.write(...table.parting(undefined, [account]));
      }),
  };
}

/** Whether a group differs from what it was. */
const isOther = (before: Group, now: Group) =>
  before.isEveryone !== now.isEveryone ||
  String(before.defined) !== String(now.defined) ||
  before.members.size !== now.members.size ||
  [...now.members].some((member) => !before.members.has(member));

/**
 * XEP-0402: PEP Native Bookmarks, and the same bookmarks for clients that know XEP-0048 only, in private
 * XML (XEP-0049) or in a node of their own. The truth are the items of XEP-0402; the others are made of
 * them, and what is written there is compared with them.
 */
import { defineModule } from '../../core/module.ts';
import { type BareJid, domainOf } from '../../jid/jid.ts';
import { createExclusive } from '../../kit/exclusive.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import type { Element } from '../../xml/element.ts';
import { privateXml } from '../private.ts';
import { type Change, PRIVATE_LIST, pubsub } from '../pubsub/index.ts';
import {
  BOOKMARKS,
  type Bookmark,
  bookmarkElement,
  isSameBookmark,
  LEGACY,
  legacyElement,
  readBookmark,
  readLegacy,
} from './convert.ts';

/** How our own changes are known among those of users. */
const ORIGIN = 'bookmarks';
/** The id of the one item of the older node. */
const CURRENT = 'current';

/** What other modules may do with bookmarks. */
export interface BookmarksApi {
  /** Has the clients of an account enter a room; a bookmark that it has already stays as it is. */
  add(account: BareJid, room: { readonly room: BareJid; readonly name: string }): Promise<void>;
  /** Takes the bookmark of a room away. */
  remove(account: BareJid, room: BareJid): Promise<void>;
}

/** The module. */
export const bookmarks = defineModule<undefined, BookmarksApi>({
  name: 'bookmarks',
  specs: [
    { xep: 48, version: '1.2', covers: 'complete', note: 'the same as those of XEP-0402' },
    { xep: 402, version: '1.2.0', covers: 'complete', note: '#compat, #compat-pep' },
  ],
  needs: ['pubsub', 'private'],
  accountFeatures: [`${BOOKMARKS}#compat`, `${BOOKMARKS}#compat-pep`],
  setup(home) {
    const nodes = home.use(pubsub);
    const store = home.use(privateXml);
    const exclusive = createExclusive<BareJid>();

    /** The bookmarks of an account; undefined where it has no node, or one that others may read. */
    const read = async (account: BareJid): Promise<Map<string, Bookmark> | undefined> => {
      const node = await nodes.node(account, BOOKMARKS);
      if (node?.config.accessModel !== 'whitelist') return undefined;
      const found = new Map<string, Bookmark>();
      for (const { id, payload } of (await nodes.items(account, BOOKMARKS)) ?? []) {
        const bookmark = readBookmark(id, payload);
        if (bookmark !== undefined) found.set(id, bookmark);
      }
      return found;
    };

    /** Whether bookmarks may be written to a node: nobody else would read them. */
    const isPrivate = async (account: BareJid, name: string) => {
      const node = await nodes.node(account, name);
      return node === undefined || node.config.accessModel === 'whitelist';
    };

    // All that follows is done alone with an account, and whoever fills a node waits for that: nothing
    // here may wait for him.
    const own = { origin: ORIGIN, isFilling: true } as const;
    const publish = (account: BareJid, bookmark: Bookmark) =>
      nodes.publish(
        account,
        BOOKMARKS,
        { id: bookmark.room, payload: bookmarkElement(bookmark) },
        { config: PRIVATE_LIST, ...own },
      );

    /**
     * §5.3.2: a list replaces all; what is the same stays, and nobody is told of it. Answers why the rest of
     * it was not taken, if it was not.
     */
    const take = async (
      account: BareJid,
      list: ReadonlyMap<string, Bookmark>,
    ): Promise<StanzaFailure | undefined> => {
      if (!(await isPrivate(account, BOOKMARKS))) return undefined;
      const before = (await read(account)) ?? new Map<string, Bookmark>();
      // What goes leaves room for what comes.
      for (const room of before.keys())
        if (!list.has(room)) await nodes.retract(account, BOOKMARKS, room, { origin: ORIGIN });
      for (const [room, bookmark] of list) {
        const old = before.get(room);
        if (old !== undefined && isSameBookmark(old, bookmark)) continue;
        const refused = await publish(account, { ...bookmark, extensions: old?.extensions });
        if (refused !== undefined) return refused;
      }
      return undefined;
    };

    /** §5.3.1: the older node is made anew; what else was in it stays. */
    const refreshNode = async (account: BareJid) => {
      if (!(await isPrivate(account, LEGACY))) return;
      const current = (await read(account)) ?? new Map<string, Bookmark>();
      const older = (await nodes.last(account, LEGACY))?.payload;
      const item = { id: CURRENT, payload: legacyElement(current.values(), older) };
      const config = { ...PRIVATE_LIST, maxItems: 1 };
      await nodes.publish(account, LEGACY, item, { config, ...own });
    };

    /** The same for what is in private XML: it would be there if this module were switched off. */
    const refreshStored = async (account: BareJid) => {
      const [stored] = await store.of(account, LEGACY, 'storage');
      if (stored === undefined || stored.children.length === 0) return;
      const current = (await read(account)) ?? new Map<string, Bookmark>();
      await store.keep(account, legacyElement(current.values(), stored));
    };

    const hasLegacyNode = async (account: BareJid) =>
      (await nodes.node(account, LEGACY)) !== undefined;

    /** What older clients have kept, where there is no node of XEP-0402 yet. */
    const fill = async (account: BareJid) => {
      if ((await nodes.node(account, BOOKMARKS)) !== undefined) return;
      const node = (await nodes.last(account, LEGACY))?.payload;
      const [stored] = await store.of(account, LEGACY, 'storage');
      const older = node ?? stored;
      const list = older === undefined ? undefined : readLegacy(older);
      for (const bookmark of list?.values() ?? []) await publish(account, bookmark);
    };

    nodes.fillMissing(BOOKMARKS, (account) => exclusive(account, () => fill(account)));
    nodes.fillMissing(LEGACY, (account) =>
      exclusive(account, async () => {
        await fill(account);
        if ((await nodes.node(account, BOOKMARKS)) !== undefined) await refreshNode(account);
      }),
    );

    const isOn = (account: BareJid) => home.isEnabled(domainOf(account));
    nodes.onChange((change: Change) => {
      const { service, node, kind, origin } = change;
      if (origin === ORIGIN || kind === 'configured' || !isOn(service)) return undefined;
      if (node === BOOKMARKS)
        return exclusive(service, async () => {
          if (await hasLegacyNode(service)) await refreshNode(service);
          await refreshStored(service);
        });
      if (node !== LEGACY || kind !== 'published') return undefined;
      return exclusive(service, async () => {
        const payload = (await nodes.item(service, LEGACY, change.item.id))?.payload;
        const list = payload === undefined ? undefined : readLegacy(payload);
        if (list === undefined) return;
        await take(service, list);
        await refreshStored(service);
      });
    });

    store.useView(LEGACY, 'storage', {
      isOn: home.isEnabled,
      async show(account, stored) {
        const current = await read(account);
        return current === undefined ? stored : [legacyElement(current.values(), stored[0])];
      },
      store: (account, elements: readonly Element[]) =>
        exclusive(account, async () => {
          const list = elements[0] === undefined ? undefined : readLegacy(elements[0]);
          if (list === undefined) return undefined;
          const refused = await take(account, list);
          if (await hasLegacyNode(account)) await refreshNode(account);
          return refused;
        }),
    });
    // What is written here is no change of the user's own: older clients are told by the listener.
    return {
      api: {
        async add(account, { room, name }) {
          if (!(await isPrivate(account, BOOKMARKS))) return;
          if ((await nodes.item(account, BOOKMARKS, room)) !== undefined) return;
          const known = { nick: undefined, password: undefined, extensions: undefined };
          const payload = bookmarkElement({ room, name, autojoin: true, ...known });
          await nodes.publish(account, BOOKMARKS, { id: room, payload }, { config: PRIVATE_LIST });
        },
        async remove(account, room) {
          await nodes.retract(account, BOOKMARKS, room);
        },
      },
    };
  },
});

/** Bookmarks of XEP-0402 and of XEP-0048, each made of the other. */
import { parseJid } from '../../jid/jid.ts';
import { childOf, childrenOf, type Element, el, isNamed, textOf } from '../../xml/element.ts';

/** XEP-0402: the namespace, and the node. */
export const BOOKMARKS = 'urn:xmpp:bookmarks:1';
/** XEP-0048: the namespace, and the node. */
export const LEGACY = 'storage:bookmarks';

/** A bookmark, as both specifications have it. */
export interface Bookmark {
  /** The room; the id of the item. */
  readonly room: string;
  readonly name: string | undefined;
  readonly autojoin: boolean;
  readonly nick: string | undefined;
  readonly password: string | undefined;
  /** What only XEP-0402 has, and nobody may lose (§3). */
  readonly extensions: Element | undefined;
}

const isTrue = (raw: string | undefined): boolean => raw === 'true' || raw === '1';

function textIn(element: Element, name: string, ns: string): string | undefined {
  const child = childOf(element, name, ns);
  return child === undefined ? undefined : textOf(child);
}

const partsOf = (conference: Element, ns: string): Omit<Bookmark, 'room'> => ({
  name: conference.attrs['name'],
  autojoin: isTrue(conference.attrs['autojoin']),
  nick: textIn(conference, 'nick', ns),
  password: textIn(conference, 'password', ns),
  extensions: childOf(conference, 'extensions', BOOKMARKS),
});

/** The bookmark of an item; undefined if it is none. */
export function readBookmark(room: string, conference: Element): Bookmark | undefined {
  if (!isNamed(conference, 'conference', BOOKMARKS)) return undefined;
  return { room, ...partsOf(conference, BOOKMARKS) };
}

/** The bookmarks in a `<storage/>`, one for each room; undefined if it is another element. */
export function readLegacy(storage: Element): ReadonlyMap<string, Bookmark> | undefined {
  if (!isNamed(storage, 'storage', LEGACY)) return undefined;
  const found = new Map<string, Bookmark>();
  for (const child of childrenOf(storage)) {
    if (!isNamed(child, 'conference', LEGACY)) continue;
    const room = parseJid(child.attrs['jid'] ?? '');
    if (room.ok && !found.has(room.value))
      found.set(room.value, { room: room.value, ...partsOf(child, LEGACY) });
  }
  return found;
}

const contentOf = ({ nick, password }: Bookmark): Element[] => [
  ...(nick === undefined ? [] : [el('nick', undefined, nick)]),
  ...(password === undefined ? [] : [el('password', undefined, password)]),
];

/** The payload of an item. */
export const bookmarkElement = (bookmark: Bookmark): Element =>
  el(
    'conference',
    {
      xmlns: BOOKMARKS,
      name: bookmark.name,
      autojoin: bookmark.autojoin ? 'true' : undefined,
    },
    ...contentOf(bookmark),
    bookmark.extensions,
  );

/** A `<storage/>` of bookmarks, with what else was in an older one, such as addresses of pages. */
export function legacyElement(bookmarks: Iterable<Bookmark>, older: Element | undefined): Element {
  const others =
    older === undefined
      ? []
      : childrenOf(older).filter((child) => !isNamed(child, 'conference', LEGACY));
  return el(
    'storage',
    { xmlns: LEGACY },
    ...[...bookmarks].map((bookmark) =>
      el(
        'conference',
        {
          jid: bookmark.room,
          name: bookmark.name,
          autojoin: bookmark.autojoin ? 'true' : undefined,
        },
        ...contentOf(bookmark),
      ),
    ),
    ...others,
  );
}

/** Whether two bookmarks are the same, as far as XEP-0048 tells. */
export const isSameBookmark = (one: Bookmark, other: Bookmark): boolean =>
  one.name === other.name &&
  one.autojoin === other.autojoin &&
  one.nick === other.nick &&
  one.password === other.password;

/** What the archive offers to other modules. */
import type { MaybePromise } from '../../core/hooks.ts';
import type { Reply } from '../../core/iq.ts';
import type { Home } from '../../core/module.ts';
import { type BareJid, type Domain, domainOf, type Jid } from '../../jid/jid.ts';
import type { Message } from '../../stanza/stanza.ts';
import type { Element } from '../../xml/element.ts';
import { answerQuery, fieldsFor, type PageLimits } from './answer.ts';
import { type Archives, createArchives, type Entry, type Reserved } from './archives.ts';
import { type BrowsePage, type BrowseWish, browse } from './browsing.ts';
import type { Owner } from './owners.ts';
import { metadataElement, queryForm } from './payloads.ts';
import type { Search } from './search.ts';
import { type ArchiveService, createArchiveService } from './service.ts';
import type { ArchiveSettings } from './settings.ts';
import { readArchived } from './text.ts';

/** What other modules may do with archives: those of accounts, and of rooms of their own. */
export interface ArchiveApi {
  /** Takes a place in the archive of an account or a room, for a message that comes now. */
  reserve(owner: BareJid): MaybePromise<Reserved>;
  /** Keeps a message in its place; resolves when it is on the disk. */
  keep(place: Reserved, entry: Entry): Promise<unknown>;
  /**
   * Answers a `<query/>` of somebody who may read an archive: hands out the results, then gives the
   * `<fin/>` (XEP-0313 §4). `shown` gives what of a stanza's text he may see.
   */
  answer(
    owner: BareJid,
    query: Element,
    to: Jid,
    send: (message: Message) => void,
    shown?: (stanza: string) => string,
  ): Promise<Reply>;
  /**
   * Puts something else in the place of a message, such as a tombstone (XEP-0424 §4); false when the
   * archive has no message of that UID.
   */
  replace(owner: BareJid, uid: string, change: (stanza: string) => string): Promise<boolean>;
  /** Looks through an archive; whoever asks may see all of it. */
  browse<T>(owner: BareJid, wish: BrowseWish<T>): Promise<BrowsePage<T>>;
  /** Whether an archive can be searched for words. */
  canSearch(owner: BareJid): boolean;
  /** The stanza of a UID as it is kept; undefined when the archive has none. */
  stanza(owner: BareJid, uid: string): Promise<string | undefined>;
  /** The `<query/>` with the form of the fields that can be asked for in an archive (§4.1.5). */
  form(owner: BareJid): Element;
  /** The `<metadata/>` of an archive as it is now (§5), also for XEP-0386 §3.2. */
  metadata(owner: BareJid): Promise<Element>;
  /** Parts a room or account from its archive, which is then taken away in small steps. */
  remove(owner: BareJid): Promise<void>;
  /** Takes what searches in texts; there is one at most. */
  useSearch(search: Search): void;
  /**
   * The texts of messages that can be searched and stand after a number, or else before one: those
   * that are nearest to it, from there on.
   */
  texts(
    owner: Owner,
    span: { readonly after: number } | { readonly before: number },
    most: number,
  ): Promise<readonly SearchableText[]>;
  readonly service: ArchiveService;
}

/** The text of a message, with the number that it has. */
export interface SearchableText {
  readonly serial: number;
  readonly text: string;
}

/** The archives, and what else the module itself needs of them. */
export interface ArchiveParts {
  readonly api: ArchiveApi;
  readonly archives: Archives;
  /** How long messages of an owner are kept that has no term of its own, in ms; 0 is for good. */
  keepMs(owner: BareJid): number;
}

/** A page is no more than this, nor half of what may wait to be sent to a client. */
const PAGE_BYTES = 1 << 20;

/** Opens the archives of a server. */
export function createArchiveParts(home: Home<ArchiveSettings>): ArchiveParts {
  let search: Search | undefined;
  const archives = createArchives({
    store: home.store,
    clock: home.clock,
    kept: (owner) => search?.kept(owner),
    adopted: async (owner) => search?.adopted(owner),
  });
  /** A room belongs to the host whose component its domain is. */
  const hostOf = (owner: BareJid): Domain =>
    home.hosts.ownerOf(domainOf(owner))?.domain ?? domainOf(owner);
  const searchOf = (owner: BareJid) => (search?.isOn(hostOf(owner)) === true ? search : undefined);
  const limitsOf = (owner: BareJid): PageLimits => {
    const { page, maxPage } = home.configOf(hostOf(owner));
    const bytes = Math.min(PAGE_BYTES, home.server().limits.sendQueueBytes / 2);
    return { usual: Math.min(page, maxPage), most: maxPage, bytes };
  };
  const find = async (jid: BareJid, uid: string) => {
    const owner = await archives.of(jid);
    await archives.flushed();
    const serial = (await archives.readUids(owner, [uid])).get(uid);
    if (serial === undefined) return undefined;
    const stanza = await archives.messages.text(owner.token, serial);
    return stanza === undefined ? undefined : { owner, serial, stanza };
  };
  return {
    api: {
      reserve(jid) {
        const owner = archives.of(jid);
        return owner instanceof Promise ? owner.then(archives.reserve) : archives.reserve(owner);
      },
      keep: archives.keep,
      async answer(jid, query, to, send, shown) {
        const owner = await archives.of(jid);
        const asked = { owner, to, search: searchOf(jid), limits: limitsOf(jid), send, shown };
        return answerQuery(archives, query, asked);
      },
      async replace(jid, uid, change) {
        const found = await find(jid, uid);
        if (found === undefined) return false;
        await archives.messages.replace(found.owner.token, found.serial, change(found.stanza));
        return true;
      },
      browse: async (jid, wish) => browse(archives, await archives.of(jid), searchOf(jid), wish),
      canSearch: (jid) => searchOf(jid) !== undefined,
      stanza: async (jid, uid) => (await find(jid, uid))?.stanza,
      form: (owner) => queryForm(fieldsFor(searchOf(owner))),
      async metadata(jid) {
        const owner = await archives.of(jid);
        return metadataElement(await archives.ends(owner), (mark) => archives.uidOf(owner, mark));
      },
      remove: archives.owners.remove,
      useSearch(brought) {
        if (search !== undefined) throw new Error('there is a search already');
        search = brought;
      },
      async texts({ token }, span, most) {
        await archives.flushed();
        const from = 'after' in span ? 'beginning' : 'end';
        const rows = await archives.messages.page(
          token,
          { ...span, isSearchable: true },
          from,
          most,
        );
        return rows.map(({ serial, stanza }) => ({ serial, text: readArchived(stanza).text }));
      },
      service: createArchiveService(home, archives, searchOf),
    },
    archives,
    keepMs(owner) {
      const host = hostOf(owner);
      return home.hosts.get(host) !== undefined && home.isEnabled(host)
        ? home.configOf(host).keep
        : 0; // what was kept before the archive was switched off stays
    },
  };
}

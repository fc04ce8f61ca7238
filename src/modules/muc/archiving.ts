/** The archive of a room: who may read it, and what it is asked (XEP-0313 §6.1.2). */
import type { MaybePromise } from '../../core/hooks.ts';
import type { Home } from '../../core/module.ts';
import { type BareJid, bareOf, type Domain, domainOf } from '../../jid/jid.ts';
import { iqResult } from '../../stanza/build.ts';
import { errorReply } from '../../stanza/error.ts';
import { type Iq, type Message, type Stanza, withChildren } from '../../stanza/stanza.ts';
import { readStored } from '../../stanza/stored.ts';
import { nsOf } from '../../xml/element.ts';
import { type ArchiveApi, archive, type BrowsePage, type Reserved } from '../archive/index.ts';
import { hearsSince } from './guests.ts';
import { MUC_USER } from './names.ts';
import { seesJids, userElement } from './presence.ts';
import { isAtLeast } from './privileges.ts';
import { type RecordedSaying, readRecord } from './record.ts';
import { affiliationOf, occupantAt, type Room } from './room.ts';
import type { MucSettings } from './settings.ts';
import type { Outcome, Reflected } from './turn.ts';

/** The namespace of archives. */
export const MAM = 'urn:xmpp:mam:2';
/** The features of a room that has an archive. */
export const ARCHIVE_FEATURES = [MAM, `${MAM}#extended`, 'http://jabber.org/protocol/rsm'] as const;

/** Which page of what was said is meant. */
export interface RecordWish {
  /** The id of the message before which the page ends; undefined for the newest page. */
  readonly before: string | undefined;
  /** Words that all occur; undefined for everything. */
  readonly text: string | undefined;
  readonly most: number;
}

/** The archives of rooms. */
export interface RoomArchives {
  /** Whether what is said in a room is archived. */
  isOn(room: Room, host: Domain): boolean;
  reserve(room: BareJid): MaybePromise<Reserved>;
  /** Keeps what became of an event; undefined when there is nothing to keep. */
  keep(room: Room, outcome: Outcome, place: Reserved | undefined): Promise<unknown> | undefined;
  /** Answers a request, sending all that belongs to the answer. */
  answer(room: Room, iq: Iq, send: (stanza: Stanza) => void): Promise<void>;
  /** Looks through what was said, the newest first. */
  browse(room: BareJid, wish: RecordWish): Promise<BrowsePage<RecordedSaying>>;
  canSearch(room: BareJid): boolean;
  /** Whether the archive has a message. */
  has(room: BareJid, id: string): Promise<boolean>;
  /** What was said under an id; undefined when the archive has no such message. */
  recorded(room: BareJid, id: string): Promise<RecordedSaying | undefined>;
  remove(room: BareJid): Promise<void>;
  /** Keeps what is said for so many days; 0 is as the host has it. */
  setTerm(room: BareJid, days: number): Promise<void>;
}

/** Opens them. */
export function createRoomArchives(home: Home<MucSettings>): RoomArchives {
  const api: ArchiveApi = home.use(archive);

  const reply = async (room: Room, iq: Iq, send: (stanza: Stanza) => void) => {
    const { payload, type } = iq;
    const host = home.hosts.ownerOf(domainOf(room.jid))?.domain ?? domainOf(room.jid);
    const isBarred = hearsSince(home, iq.from, host) !== undefined;
    if (payload === undefined || isBarred || !mayRead(room, iq))
      return errorReply(iq, { condition: 'forbidden', text: 'You may not read this archive.' });
    if (type === 'set' && payload.name === 'query') {
      const shown = mayKnow(room, iq) ? undefined : withoutPublisher;
      const said = await api.answer(room.jid, payload, iq.from, send, shown);
      return said.kind === 'refuse' ? errorReply(iq, said.failure) : iqResult(iq, said.payload);
    }
    if (type === 'get' && payload.name === 'query') return iqResult(iq, api.form(room.jid));
    if (type === 'get' && payload.name === 'metadata')
      return iqResult(iq, await api.metadata(room.jid));
    return errorReply(iq, { condition: 'service-unavailable' });
  };

  return {
    isOn: ({ config, isLocked }, host) => config.isArchived && !isLocked && home.has(archive, host),
    reserve: api.reserve,
    keep(room, { said, reflected, retraction }, place) {
      const works: MaybePromise<unknown>[] = [];
      if (place !== undefined && reflected !== undefined)
        works.push(
          api.keep(place, {
            peer: reflected.message.from,
            text: withPublisher(room, reflected).wire.text,
            isSearchable: said !== undefined,
          }),
        );
      if (retraction !== undefined)
        works.push(
          api.replace(room.jid, retraction.id, (stanza) => {
            const old = readStored(stanza);
            return old?.kind === 'message' ? retraction.tombstone(old).wire.text : stanza;
          }),
        );
      return works.length === 0 ? undefined : Promise.all(works);
    },
    async answer(room, iq, send) {
      const answer = await reply(room, iq, send);
      if (answer !== undefined) send(answer);
    },
    browse: (room, wish) => api.browse(room, { ...wish, shown: readRecord }),
    canSearch: api.canSearch,
    has: async (room, id) => (await api.stanza(room, id)) !== undefined,
    async recorded(room, id) {
      const stanza = await api.stanza(room, id);
      return stanza === undefined ? undefined : readRecord(stanza);
    },
    remove: api.remove,
    setTerm: (room, days) => api.service.setRetention(room, days === 0 ? undefined : days),
  };
}

/** The message with who said it (XEP-0313 §6.1.2), which not all who read it are told. */
function withPublisher(room: Room, { message, publisher, session }: Reflected): Message {
  if (publisher === undefined || session === undefined) return message;
  const affiliation = affiliationOf(room, publisher.account);
  const x = userElement({ affiliation, jid: session, role: publisher.role });
  return withChildren(message, [...message.element.children, x]);
}

/** Whether somebody sees real JIDs: who moderates, or may do so. */
function mayKnow(room: Room, { from }: Iq): boolean {
  const role = occupantAt(room, from)?.role ?? 'none';
  return seesJids(room, role) || isAtLeast(affiliationOf(room, bareOf(from)), 'admin');
}

/** How the element with who said it begins, which stands last; others' are not let through. */
const PUBLISHER = `<x xmlns="${MUC_USER}">`;
const END = '</x></message>';

/** The text of an archived stanza without who said it. */
function withoutPublisher(stanza: string): string {
  const at = stanza.endsWith(END) ? stanza.lastIndexOf(PUBLISHER) : -1;
  return at < 0 ? stanza : `${stanza.slice(0, at)}</message>`;
}

/** Whether a request is one for an archive. */
export const isArchiveRequest = ({ type, payload }: Iq): boolean =>
  (type === 'get' || type === 'set') && payload !== undefined && nsOf(payload) === MAM;

/** Occupants, members, and, where anyone may enter, anyone who is not banned (XEP-0313 §8.2). */
function mayRead(room: Room, { from }: Iq): boolean {
  const affiliation = affiliationOf(room, bareOf(from));
  if (affiliation === 'outcast') return false;
  if (occupantAt(room, from) !== undefined || isAtLeast(affiliation, 'member')) return true;
  return !room.config.isMembersOnly && room.config.password === '';
}

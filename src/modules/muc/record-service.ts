/** What an admin of the server does with what was said in rooms: reads it, and takes it back. */
import type { BareJid } from '../../jid/jid.ts';
import type { RecordWish } from './archiving.ts';
import { takeBack } from './moderating.ts';
import { type RecordedSaying, sayingIn } from './record.ts';
import type { Room, Said } from './room.ts';
import type { Rooms } from './service.ts';

const refuse = (why: 'not-found' | 'conflict' | 'unavailable', text: string) =>
  ({ ok: false, why, text }) as const;
const nowhere = (jid: BareJid) => refuse('not-found', `There is no room ${jid}.`);
const unsaid = (jid: BareJid, id: string) =>
  refuse('not-found', `${jid} has no message with the id ${id}.`);

/** Makes it. */
export function createRecord(rooms: Rooms) {
  return {
    /** A page, the newest first: of the archive, or else of what the room shows to newcomers. */
    async history(jid: BareJid, wish: RecordWish) {
      const room = await rooms.find(jid);
      if (room === undefined) return nowhere(jid);
      const archives = rooms.archiveOf(room);
      if (archives === undefined) return remembered(room, wish);
      const canSearch = archives.canSearch(jid);
      const page = await archives.browse(jid, wish);
      if (!page.ok)
        return page.why === 'no-search'
          ? refuse('unavailable', `What was said in ${jid} cannot be searched.`)
          : unsaid(jid, wish.before ?? '');
      const messages = page.messages.map(({ uid, at, value }) => ({ id: uid, at, ...value }));
      const older = page.older === undefined ? {} : { older: page.older };
      return { ok: true, messages, ...older, canSearch } as const;
    },
    /** XEP-0425 in the room's name. */
    async moderate(jid: BareJid, id: string, reason: string) {
      const room = await rooms.find(jid);
      if (room === undefined) return nowhere(jid);
      const archives = rooms.archiveOf(room);
      const said = archives === undefined ? inMemory(room, id) : await archives.recorded(jid, id);
      if (said === undefined) return unsaid(jid, id);
      if (said.kind === 'retracted') return refuse('conflict', `${id} was taken back already.`);
      const done = await rooms.say(jid, (turn) => {
        takeBack(turn, { id, by: jid, occupantId: undefined, reason });
        return { ok: true } as const;
      });
      return done ?? nowhere(jid);
    },
  };
}

/** What a room without an archive remembers; nothing there can be searched. */
function remembered(room: Room, { before, text, most }: RecordWish) {
  if (text !== undefined)
    return refuse('unavailable', `What is said in ${room.jid} is not archived, nor searched.`);
  const at = before === undefined ? room.history.length : placeOf(room, before);
  if (at < 0) return unsaid(room.jid, before ?? '');
  const first = Math.max(0, at - most);
  const page = room.history.slice(first, at).reverse();
  const oldest = page.at(-1);
  const messages = page.flatMap((said) => {
    const saying = sayingOf(said);
    return saying === undefined ? [] : [{ id: said.id, at: said.at, ...saying }];
  });
  const older = first === 0 || oldest === undefined ? {} : { older: oldest.id };
  return { ok: true, messages, ...older, canSearch: false } as const;
}

const placeOf = ({ history }: Room, id: string) => history.findIndex((said) => said.id === id);

function inMemory(room: Room, id: string): RecordedSaying | undefined {
  const said = room.history.find((each) => each.id === id);
  return said === undefined ? undefined : sayingOf(said);
}

/** A room knows of what it remembers who said it. */
const sayingOf = ({ message, account }: Said): RecordedSaying | undefined => {
  const saying = sayingIn(message.element);
  return saying && { ...saying, account };
};

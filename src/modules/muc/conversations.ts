/**
 * Conversations: for a visitor a room of his own is opened, whose address nobody can guess, for the people
 * of another room, the lobby. Those who are in the lobby hear of it, and are invited.
 */
import { randomBytes } from 'node:crypto';
import type { Home } from '../../core/module.ts';
import { type BareJid, domainOf, localOf } from '../../jid/jid.ts';
import { message } from '../../stanza/build.ts';
import { el } from '../../xml/element.ts';
import { invitation } from './affiliating.ts';
import { remembered, withSaid } from './history.ts';
import { STANZA_ID } from './names.ts';
import { type Affiliate, affiliationOf, emptyRoom, everyone, type Room } from './room.ts';
import { DEFAULT_CONFIG } from './room-config.ts';
import type { Rooms } from './service.ts';
import type { MucSettings } from './settings.ts';
import type { ListedRoom, RoomTables } from './tables.ts';
import type { Turn } from './turn.ts';

/** Why there is no conversation: the lobby is not there, is open to everybody, or too many are open. */
export type NoConversation = 'no-lobby' | 'open-lobby' | 'full';

/** Opens and ends conversations. */
export interface Conversations {
  /** Opens one, and has the lobby hear of it. */
  open(
    lobby: BareJid,
    parts: { readonly visitor: string; readonly most: number },
  ): Promise<
    { readonly ok: true; readonly jid: BareJid } | { readonly ok: false; why: NoConversation }
  >;
  /** Whether a room is a conversation of a lobby; one in which nobody of the lobby is. */
  state(jid: BareJid, lobby: BareJid): Promise<'none' | 'alone' | 'attended'>;
  /** Tells the lobby again of one in which a visitor waits. */
  call(lobby: BareJid, jid: BareJid): Promise<void>;
  /** Ends those that nobody is in, and that were opened before a time, in ms since the epoch. */
  sweep(lobby: BareJid, before: number): Promise<number>;
}

const RANDOM_BYTES = 16;
/** By this a conversation is told from a room that somebody has named like one, such as support-team. */
const RANDOM = /^[0-9a-f]{32}$/;
const PAGE = 200;

/** Makes what opens them. */
export function createConversations(
  home: Pick<Home<MucSettings>, 'clock'>,
  rooms: Rooms,
  tables: Pick<RoomTables, 'list'>,
): Conversations {
  const prefixOf = (lobby: BareJid) => `${localOf(lobby)}-`;
  const isOf = (jid: BareJid, lobby: BareJid) =>
    domainOf(jid) === domainOf(lobby) &&
    jid.startsWith(prefixOf(lobby)) &&
    RANDOM.test(localOf(jid).slice(prefixOf(lobby).length));

  /** All conversations of a lobby. */
  const allOf = async (lobby: BareJid): Promise<readonly ListedRoom[]> => {
    const wanted = { domain: domainOf(lobby), prefix: prefixOf(lobby), most: PAGE };
    const found: ListedRoom[] = [];
    let after: string | undefined;
    do {
      const page = await tables.list({ ...wanted, after });
      found.push(...page.filter(({ jid }) => isOf(jid, lobby)));
      after = page.length < PAGE ? undefined : page.at(-1)?.jid;
    } while (after !== undefined);
    return found;
  };

  const call: Conversations['call'] = async (lobby, jid) => {
    const room = await rooms.find(jid);
    if (room === undefined) return;
    const text = `${room.config.name} is waiting: xmpp:${jid}?join`;
    const here = await rooms.say(lobby, (turn) => {
      announce(turn, text);
      return new Set([...turn.room.occupants.values()].map(({ account }) => account));
    });
    await rooms.change(jid, (turn) => {
      const reason = `${room.config.name} is waiting.`;
      for (const to of here ?? []) turn.send(invitation(turn, { from: lobby, to, reason }));
    });
  };

  return {
    call,
    async open(lobby, { visitor, most }) {
      const found = await rooms.find(lobby);
      if (found === undefined) return { ok: false, why: 'no-lobby' };
      if (!found.config.isMembersOnly) return { ok: false, why: 'open-lobby' };
      if ((await allOf(lobby)).length >= most) return { ok: false, why: 'full' };
      const name = `${prefixOf(lobby)}${randomBytes(RANDOM_BYTES).toString('hex')}`;
      const jid = `${name}@${domainOf(lobby)}` as BareJid; // the lobby's was prepared
      const room = emptyRoom({
        jid,
        config: { ...DEFAULT_CONFIG, name: visitor, isPersistent: true },
        created: home.clock.now(),
        affiliates: keepersOf(found),
      });
      await rooms.create(room);
      await call(lobby, jid);
      return { ok: true, jid };
    },
    async state(jid, lobby) {
      const room = isOf(jid, lobby) ? await rooms.find(jid) : undefined;
      if (room === undefined) return 'none';
      const isAttended = [...room.occupants.values()].some(
        ({ account }) => affiliationOf(room, account) !== 'none',
      );
      return isAttended ? 'attended' : 'alone';
    },
    async sweep(lobby, before) {
      const old = (await allOf(lobby)).filter(
        ({ jid, created }) => created < before && rooms.occupancy(jid) === 0,
      );
      for (const { jid } of old)
        await rooms.change(jid, (turn) => {
          if (turn.room.occupants.size === 0) turn.isOver = true;
        });
      return old.length;
    },
  };
}

/** Who is somebody in the lobby keeps order in the conversation. */
function keepersOf({ affiliates }: Room): Map<BareJid, Affiliate> {
  const keepers = new Map<BareJid, Affiliate>();
  for (const [account, { affiliation, reason }] of affiliates) {
    const isColleague = affiliation === 'member' || affiliation === 'admin';
    keepers.set(account, { affiliation: isColleague ? 'admin' : affiliation, nick: '', reason });
  }
  return keepers;
}

/** The room itself says something, which is remembered as what others say. */
function announce(turn: Turn, text: string): void {
  const { room, terms } = turn;
  const id = terms.saidId ?? terms.newId();
  const said = message({
    type: 'groupchat',
    id,
    from: room.jid,
    to: room.jid,
    children: [
      el('body', undefined, text),
      el('stanza-id', { xmlns: STANZA_ID, by: room.jid, id }),
    ],
  });
  turn.sendAll(said, everyone(room));
  turn.reflected = { message: said, publisher: undefined, session: undefined };
  const kept = remembered(said, { room, at: terms.now, isOwner: false });
  const entry = { message: kept, at: terms.now, id, account: room.jid };
  turn.said = entry;
  const limits = { most: room.config.historyMost, bytes: terms.settings.historySize };
  turn.room = { ...room, history: withSaid(room.history, entry, limits) };
}

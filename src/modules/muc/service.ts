/**
 * Rooms as they live: one event of a room after the other, what must last written before anybody hears
 * of it, messages written while they are on their way.
 */
import { createHmac } from 'node:crypto';
import { type MaybePromise, type Verdict, verdict } from '../../core/hooks.ts';
import type { Home, SessionMemory } from '../../core/module.ts';
import {
  type BareJid,
  bareOf,
  type Domain,
  domainOf,
  type FullJid,
  isFull,
  type Jid,
} from '../../jid/jid.ts';
import { randomId } from '../../kit/ids.ts';
import { createPending } from '../../kit/pending.ts';
import { iqResult } from '../../stanza/build.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import type { Iq, Message } from '../../stanza/stanza.ts';
import { parseElement } from '../../xml/parse.ts';
import type { Reserved } from '../archive/index.ts';
import { createAllowances } from './allowances.ts';
import { createRoomArchives, isArchiveRequest, type RoomArchives } from './archiving.ts';
import { type Cell, createCells } from './cells.ts';
import { createGate } from './creating.ts';
import { entryMark } from './entering.ts';
import { createGhosts } from './ghosts.ts';
import { hearsSince } from './guests.ts';
import { createHandover, handOver } from './handover.ts';
import { within } from './history.ts';
import { createInvitees, type Uninvited } from './invitees.ts';
import { createLanes } from './lanes.ts';
import { destroy, drop, vacate } from './leaving.ts';
import { idToLookFor } from './moderating.ts';
import { isVCardRequest } from './picture.ts';
import { type Addressed, receive } from './receive.ts';
import { createRelays } from './relays.ts';
import type { Room } from './room.ts';
import type { MucSettings } from './settings.ts';
import type { ShutOut } from './shut-out.ts';
import type { RoomTables } from './tables.ts';
import { type Outcome, refusal, type Sending, type Terms, Turn } from './turn.ts';

/** How long the goodbyes of a server that goes down may take. */
const GOODBYE_MS = 2000;

/** The rooms of all services. */
export interface Rooms {
  /** A stanza to a room or an address in it. */
  receive(stanza: Addressed, host: Domain): MaybePromise<Verdict>;
  /** A room as it is; undefined when there is none. */
  find(jid: BareJid): Promise<Room | undefined>;
  /** Does something to a room that is there; undefined when there is none. */
  change<T>(jid: BareJid, act: (turn: Turn) => T): Promise<T | undefined>;
  /** The same where the room may say something by it, for which the archive has a place. */
  say<T>(jid: BareJid, act: (turn: Turn) => T): Promise<T | undefined>;
  /** The archive of a room; undefined where what is said in it is not archived. */
  archiveOf(room: Room): RoomArchives | undefined;
  /** Makes a room as it is given, if there is none; false when there is one. */
  create(room: Room): Promise<boolean>;
  /** The rooms that have occupants. */
  lively(): Iterable<Room>;
  /** How many are in a room now. */
  occupancy(jid: BareJid): number;
  /** All sessions in rooms of a service that a test is true of are out of reach. */
  dropAll(service: Domain, isGone: (session: FullJid) => boolean): Promise<void>;
  /** Tells all occupants that the service goes down (§11.2), but those who outlive it. */
  shutDown(): Promise<void>;
  /** A service is no more, while the server goes on: all occupants are told so, and are gone. */
  close(service: Domain): Promise<void>;
  /** What is remembered of these. */
  readonly memory: SessionMemory;
  /** Adds one who is told of rooms that are no more. */
  onEnd(listener: (room: BareJid) => void): void;
  /** Resolves when what follows from changes is written and sent. */
  stop(): Promise<void>;
}

/** What rooms work with. */
export interface RoomsOptions {
  readonly home: Home<MucSettings>;
  readonly tables: RoomTables;
  /** XEP-0421: the secret from which occupant ids are made. */
  readonly secret: () => MaybePromise<Buffer>;
  readonly shutOut: ShutOut;
}

/** Opens the rooms. */
export function createRooms({ home, tables, secret, shutOut }: RoomsOptions): Rooms {
  const { clock, log } = home;
  let key: Buffer | undefined;
  const cells = createCells(async (jid) => {
    key ??= await secret();
    const room = await tables.load(jid);
    if (room === undefined) return undefined;
    const bounds = { most: room.config.historyMost, bytes: home.configOf(hostOf(jid)).historySize };
    return { ...room, history: within(room.history, bounds) };
  });
  const { inTurn } = cells;
  const counts = new Map<BareJid, number>();
  const relays = createRelays();
  const pending = createPending();
  const invitees = createInvitees(home);
  const listeners: ((room: BareJid) => void)[] = [];
  const allowances = createAllowances(clock, home.configOf);
  const lanes = createLanes({
    clock,
    route: home.route,
    overflow: (to) => dropSession(to),
    failed: (error) => log.error({ err: error }, 'a stanza of a room could not be sent'),
  });

  const hostOf = (jid: BareJid): Domain =>
    home.hosts.ownerOf(domainOf(jid))?.domain ?? domainOf(jid);
  const archives = createRoomArchives(home);
  const termsFor = (
    room: BareJid,
    more: {
      readonly creation?: StanzaFailure | undefined;
      readonly place?: Reserved;
      readonly uninvited?: Uninvited | undefined;
      readonly isRecorded?: boolean;
    } = {},
  ): Terms => ({
    now: clock.now(),
    settings: home.configOf(hostOf(room)),
    newId: randomId,
    occupantId,
    creation: more.creation,
    uninvited: more.uninvited,
    isRecorded: more.isRecorded === true,
    hasArchive: hasArchive(room),
    saidId: more.place?.uid,
    isGuest: shutOut.isGuest,
    isShutOut: (session) => shutOut.isOut(session, domainOf(room)),
    hearsSince: (session) => hearsSince(home, session, hostOf(room)),
    roomsOf: (account) => counts.get(account) ?? 0,
  });
  const hasArchive = (jid: BareJid): boolean => {
    const room = cells.peek(jid);
    return room !== undefined && archives.isOn(room, hostOf(jid));
  };
  const occupantId = (room: BareJid, account: BareJid) =>
    createHmac('sha256', key ?? '')
      .update(`${room}\0${account}`)
      .digest('base64url');

  /** Takes what became of an event: written first where it must last, then told. */
  const take = (cell: Cell, outcome: Outcome, place?: Reserved): MaybePromise<Verdict> => {
    if (cell.room !== undefined && outcome.room === undefined && !cell.room.isLocked)
      pending.add(archives.remove(cell.room.jid).catch(archiveFailed));
    const term = outcome.room?.config.keepDays ?? 0;
    if (outcome.room !== undefined && term !== (cell.room?.config.keepDays ?? 0))
      pending.add(archives.setTerm(outcome.room.jid, term).catch(archiveFailed));
    const { first, meanwhile } = tables.writing(cell.room, outcome);
    const archived = (): Verdict => {
      accept(cell, outcome);
      const { room } = outcome;
      const kept = room === undefined ? undefined : archives.keep(room, outcome, place);
      return kept === undefined ? verdict.handled : verdict.settling(kept);
    };
    if (first.length > 0) return home.store.write(...first, ...meanwhile).then(archived);
    const told = archived();
    if (meanwhile.length === 0 || told.kind !== 'handled') return told;
    return verdict.settling(Promise.all([home.store.write(...meanwhile), told.settled]));
  };

  const accept = (cell: Cell, { room, sends, relay, invitations, removed }: Outcome) => {
    for (const session of removed)
      if (cell.room !== undefined) shutOut.removed(session, domainOf(cell.room.jid));
    recount(cell.room, room);
    if (room === undefined && cell.room?.isLocked === false)
      for (const listener of listeners) listener(cell.room.jid);
    watchLock(cell, room);
    cell.room = room;
    if (room !== undefined) for (const each of invitations) invitees.sent(room.jid, each);
    for (const each of sends) deliver(each);
    if (relay !== undefined) lanes.send(relays.forward(relay));
  };

  const deliver = ({ stanza, to }: Sending) => {
    if (to === undefined || stanza.kind === 'iq') lanes.send(stanza);
    else lanes.sendAll(stanza, to);
  };

  /** In how many rooms each account is. */
  const recount = (before: Room | undefined, now: Room | undefined) => {
    if (before?.occupants === now?.occupants) return;
    const add = (account: BareJid, change: number) => {
      const count = (counts.get(account) ?? 0) + change;
      if (count > 0) counts.set(account, count);
      else counts.delete(account);
    };
    for (const [nick, { account }] of now?.occupants ?? [])
      if (before?.occupants.get(nick)?.account !== account) add(account, 1);
    for (const [nick, { account }] of before?.occupants ?? [])
      if (now?.occupants.get(nick)?.account !== account) add(account, -1);
  };

  /** §13.6: a room that nobody configures does not stay. */
  const watchLock = (cell: Cell, room: Room | undefined) => {
    if (room?.isLocked !== true) {
      cell.timer?.cancel();
      cell.timer = undefined;
    } else if (cell.timer === undefined) {
      const { jid } = room;
      cell.timer = clock.after(home.configOf(hostOf(jid)).configureTime, () => {
        change(jid, (turn) => {
          const reason = 'The room was not configured in time.';
          if (turn.room.isLocked) destroy(turn, { venue: undefined, password: '', reason });
        }).catch(changeFailed);
      });
    }
  };

  const act = async <T>(jid: BareJid, isSaid: boolean, does: (turn: Turn) => T) => {
    const done = await inTurn(jid, async (cell) => {
      if (cell.room === undefined) return undefined;
      const place = isSaid && hasArchive(jid) ? await archives.reserve(jid) : undefined;
      const turn = new Turn(cell.room, termsFor(jid, place === undefined ? {} : { place }));
      const result = does(turn);
      const said = await take(cell, turn.outcome, place);
      return { result, kept: said.kind === 'handled' ? said.settled : undefined };
    });
    // Whoever looks next sees it. The room itself goes on meanwhile.
    await done?.kept?.catch(archiveFailed);
    return done?.result;
  };
  const change: Rooms['change'] = (jid, does) => act(jid, false, does);

  const ghosts = createGhosts({
    clock,
    pingTime: (room) => home.configOf(hostOf(room)).pingTime,
    isRemote: (jid) => home.hosts.ownerOf(domainOf(jid)) === undefined,
    lively: () => lively(),
    send: lanes.send,
    drop: (session) => dropSession(session),
  });

  function* lively() {
    for (const [, { room }] of cells.all())
      if (room !== undefined && room.occupants.size > 0) yield room;
  }

  const dropSession = (session: Jid) => {
    for (const [jid, { room }] of [...cells.all()])
      if (room?.places.has(session as FullJid) === true)
        change(jid, (turn) => drop(turn, session)).catch(changeFailed);
  };

  /** Who reads slowly what rooms send him is himself read slowly; a bounce is part of his own way. */
  const paced = ({ from, type }: Addressed, said: Verdict): MaybePromise<Verdict> => {
    if (type === 'error') return said;
    const wait = lanes.busy(from) ?? home.sessions.at(from as FullJid)?.pace();
    return wait === undefined ? said : wait.then(() => said);
  };

  const archiveFailed = (error: unknown) =>
    log.error({ err: error }, 'the archive of a room could not be changed');
  /** Where nobody waits for it. */
  const changeFailed = (error: unknown) => log.error({ err: error }, 'a room could not be changed');

  /** A room handles a stanza; what may be archived has its place before. */
  const handle = (cell: Cell, stanza: Addressed, jid: BareJid): MaybePromise<Verdict> => {
    const isSaid =
      (stanza.kind === 'message' && stanza.type === 'groupchat') ||
      (stanza.kind === 'iq' && stanza.payload?.name === 'moderate');
    if (!isSaid || !hasArchive(jid)) return take(cell, receive(cell.room, stanza, termsFor(jid)));
    const reserved = archives.reserve(jid);
    const id = cell.room && stanza.kind === 'iq' ? idToLookFor(cell.room, stanza) : undefined;
    const go = (place: Reserved, isRecorded = false) =>
      take(cell, receive(cell.room, stanza, termsFor(jid, { place, isRecorded })), place);
    if (id !== undefined)
      return Promise.all([reserved, archives.has(jid, id)]).then((found) => go(...found));
    return reserved instanceof Promise ? reserved.then((place) => go(place)) : go(reserved);
  };

  /** A message, by which somebody may invite others: who cannot be is looked for before. */
  const hear = (cell: Cell, stanza: Addressed<Message>, host: Domain): MaybePromise<Verdict> => {
    const jid = bareOf(stanza.to);
    const looked = invitees.uninvited(stanza, home.configOf(host).invitations);
    if (looked === undefined) return handle(cell, stanza, jid);
    return looked.then((uninvited) =>
      take(cell, receive(cell.room, stanza, termsFor(jid, { uninvited }))),
    );
  };

  /** Somebody asks for what was said; the room does not wait for the answer. */
  const readArchive = async (iq: Iq, jid: BareJid): Promise<Verdict> => {
    const room = await inTurn(jid, (cell) => cell.room);
    if (room === undefined || !archives.isOn(room, hostOf(jid)))
      return verdict.bounce({
        condition: room === undefined ? 'item-not-found' : 'service-unavailable',
      });
    await archives.answer(room, iq, lanes.send);
    return verdict.handled;
  };

  /** Anyone may see the picture of a room, in it or not (XEP-0486 §4.4). */
  const readVCard = async (iq: Iq, jid: BareJid): Promise<Verdict> => {
    const room = await inTurn(jid, (cell) => cell.room);
    const xml = room === undefined || room.isLocked ? undefined : await tables.vcard(jid);
    const card = xml === undefined ? undefined : parseElement(xml);
    if (card?.ok !== true) return verdict.bounce({ condition: 'item-not-found' });
    lanes.send(iqResult(iq, card.element));
    return verdict.handled;
  };

  const refusalToCreate = createGate(home, tables, () =>
    [...cells.all()].flatMap(([, { room }]) => (room?.isLocked === true ? [room] : [])),
  );

  return {
    receive(stanza, host) {
      const { type, from } = stanza;
      if (stanza.kind === 'iq' && (type === 'result' || type === 'error')) {
        const back = relays.back(stanza);
        if (back !== undefined) lanes.send(back);
        else ghosts.hear(stanza);
        return verdict.handled;
      }
      // A client of ours that is connected is no ghost, whatever it refuses.
      if (type === 'error' && home.sessions.at(from as FullJid) !== undefined)
        return verdict.drop('an error of a client that is there');
      const jid = bareOf(stanza.to);
      const undelivered =
        stanza.kind === 'message' && type === 'error' ? invitees.returned(stanza) : undefined;
      if (undelivered !== undefined) {
        lanes.send(undelivered);
        return verdict.handled;
      }
      ghosts.heard(from);
      const failure = allowances.refusal(stanza, host);
      const answer = failure && refusal(stanza, failure, jid);
      if (answer !== undefined) {
        lanes.send(answer);
        return verdict.handled;
      }
      if (stanza.kind === 'iq' && !isFull(stanza.to) && isArchiveRequest(stanza))
        return readArchive(stanza, jid).then((said) => paced(stanza, said));
      if (stanza.kind === 'iq' && !isFull(stanza.to) && isVCardRequest(stanza))
        return readVCard(stanza, jid);
      const done = inTurn(jid, (cell) => {
        const isCreating =
          cell.room === undefined &&
          stanza.kind === 'presence' &&
          type === 'available' &&
          entryMark(stanza) !== undefined;
        if (stanza.kind === 'message') return hear(cell, stanza, host);
        if (!isCreating) return handle(cell, stanza, jid);
        return refusalToCreate(jid, from, home.configOf(host)).then((refused) =>
          take(cell, receive(undefined, stanza, termsFor(jid, { creation: refused }))),
        );
      });
      return done instanceof Promise
        ? done.then((said) => paced(stanza, said))
        : paced(stanza, done);
    },
    find: async (jid) => inTurn(jid, (cell) => cell.room),
    change,
    say: (jid, does) => act(jid, true, does),
    archiveOf: (room) => (archives.isOn(room, hostOf(room.jid)) ? archives : undefined),
    create: async (room) =>
      inTurn(room.jid, async (cell) => {
        if (cell.room !== undefined) return false;
        const { outcome } = new Turn(room, termsFor(room.jid));
        await tables.unbury(room.jid);
        await take(cell, outcome);
        return true;
      }),
    lively,
    onEnd: (listener) => void listeners.push(listener),
    memory: createHandover({
      clock,
      lively,
      change,
      failed: (error) => log.error({ err: error }, 'an occupant could not be taken up again'),
    }),
    occupancy: (jid) => cells.peek(jid)?.occupants.size ?? 0,
    async dropAll(service, isGone) {
      await Promise.all(
        [...cells.all()].flatMap(([jid, { room }]) => {
          if (domainOf(jid) !== service) return [];
          const gone = [...(room?.places.keys() ?? [])].filter(isGone);
          if (gone.length === 0) return [];
          return [change(jid, (turn) => gone.forEach((session) => void drop(turn, session)))];
        }),
      );
    },
    async shutDown() {
      for (const [, cell] of [...cells.all()]) {
        if (cell.room === undefined) continue;
        const turn = new Turn(cell.room, termsFor(cell.room.jid));
        handOver(turn, (session) => home.sessions.at(session)?.isResumable === true);
        accept(cell, { ...turn.outcome, room: turn.room });
      }
      await lanes.drained(GOODBYE_MS);
    },
    async close(service) {
      const ours = [...cells.all()].filter(([jid]) => domainOf(jid) === service);
      await Promise.all(ours.map(([jid]) => change(jid, vacate)));
      await lanes.drained(GOODBYE_MS);
    },
    async stop() {
      ghosts.stop();
      for (const [, { timer }] of cells.all()) timer?.cancel();
      await pending.settled();
      await lanes.drained(GOODBYE_MS);
    },
  };
}

/**
 * Rooms as they live: one event of a room after the other, what must last written before anybody hears
 * of it, messages written while they are on their way.
 */
import { createHmac } from 'node:crypto';
import { type MaybePromise, type Verdict, verdict } from '../../core/hooks.ts';
import type { Home } from '../../core/module.ts';
import {
  type BareJid,
  bareOf,
  type Domain,
  domainOf,
  type FullJid,
  isFull,
  type Jid,
} from '../../jid/jid.ts';
import type { Timer } from '../../kit/clock.ts';
import { randomId } from '../../kit/ids.ts';
import { BoundedMap, RateLimit } from '../../kit/limits.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import type { Iq, Stanza } from '../../stanza/stanza.ts';
import type { Reserved } from '../archive/index.ts';
import { createRoomArchives, isArchiveRequest } from './archiving.ts';
import { entryMark } from './entering.ts';
import { createGhosts } from './ghosts.ts';
import { invitedBy, mediation } from './inviting.ts';
import { createLanes } from './lanes.ts';
import { destroy, drop, shutDown } from './leaving.ts';
import { type Addressed, receive } from './receive.ts';
import { createRelays } from './relays.ts';
import type { Room } from './room.ts';
import type { MucSettings } from './settings.ts';
import type { RoomTables } from './tables.ts';
import { type Outcome, type Sending, type Terms, Turn } from './turn.ts';

/** Rooms without occupants that are kept in memory. */
const IDLE_ROOMS = 1000;

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
  /** Makes a room as it is given, if there is none; false when there is one. */
  create(room: Room): Promise<boolean>;
  /** The rooms that have occupants. */
  lively(): Iterable<Room>;
  /** How many are in a room now. */
  occupancy(jid: BareJid): number;
  /** All sessions in rooms of a service that a test is true of are out of reach. */
  dropAll(service: Domain, isGone: (session: FullJid) => boolean): Promise<void>;
  /** Tells all occupants that the service goes down (§11.2). */
  shutDown(): Promise<void>;
  stop(): void;
}

/** What rooms work with. */
export interface RoomsOptions {
  readonly home: Home<MucSettings>;
  readonly tables: RoomTables;
  /** XEP-0421: the secret from which occupant ids are made. */
  readonly secret: () => MaybePromise<Buffer>;
}

/** A room's place in memory. */
interface Cell {
  room: Room | undefined;
  isLoaded: boolean;
  /** What is being done, if something takes long. */
  tail: Promise<unknown> | undefined;
  /** Ends a room that is not configured in time. */
  timer: Timer | undefined;
}

/** Opens the rooms. */
export function createRooms({ home, tables, secret }: RoomsOptions): Rooms {
  const { clock, log } = home;
  const cells = new Map<BareJid, Cell>();
  const idle = new BoundedMap<BareJid, Room>(IDLE_ROOMS);
  const counts = new Map<BareJid, number>();
  const relays = createRelays();
  const invitations = new Map<Domain, RateLimit<BareJid>>();
  let key: Buffer | undefined;
  const lanes = createLanes({
    route: home.route,
    overflow: (to) => void dropSession(to),
    failed: (error) => log.error({ err: error }, 'a stanza of a room could not be sent'),
  });

  const hostOf = (jid: BareJid): Domain =>
    home.hosts.ownerOf(domainOf(jid))?.domain ?? domainOf(jid);
  const archives = createRoomArchives(home);
  const termsFor = (
    room: BareJid,
    more: { readonly creation?: StanzaFailure | undefined; readonly place?: Reserved } = {},
  ): Terms => ({
    now: clock.now(),
    settings: home.configOf(hostOf(room)),
    newId: randomId,
    occupantId,
    creation: more.creation,
    hasArchive: hasArchive(room),
    saidId: more.place?.uid,
    roomsOf: (account) => counts.get(account) ?? 0,
  });
  const hasArchive = (jid: BareJid): boolean => {
    const room = cells.get(jid)?.room;
    return room !== undefined && archives.isOn(room, hostOf(jid));
  };
  const occupantId = (room: BareJid, account: BareJid) =>
    createHmac('sha256', key ?? '')
      .update(`${room}\0${account}`)
      .digest('base64url');

  const cellOf = (jid: BareJid): Cell => {
    const known = cells.get(jid);
    if (known !== undefined) return known;
    const room = idle.get(jid);
    const cell = { room, isLoaded: room !== undefined, tail: undefined, timer: undefined };
    cells.set(jid, cell);
    return cell;
  };

  /** Does something when all that was begun before is done. */
  const inTurn = <T>(jid: BareJid, task: (cell: Cell) => MaybePromise<T>): MaybePromise<T> => {
    const cell = cellOf(jid);
    if (cell.tail === undefined && cell.isLoaded && key !== undefined) {
      const done = task(cell);
      if (!(done instanceof Promise)) {
        settle(jid, cell);
        return done;
      }
      return hold(jid, cell, done);
    }
    const before = cell.tail ?? Promise.resolve();
    return hold(
      jid,
      cell,
      before.then(async () => {
        key ??= await secret();
        if (!cell.isLoaded) {
          cell.room = await tables.load(jid);
          cell.isLoaded = true;
        }
        return task(cell);
      }),
    );
  };

  const hold = <T>(jid: BareJid, cell: Cell, work: Promise<T>): Promise<T> => {
    const over = work.then(
      () => undefined,
      () => undefined,
    );
    cell.tail = over;
    void over.then(() => {
      if (cell.tail !== over) return;
      cell.tail = undefined;
      settle(jid, cell);
    });
    return work;
  };

  /** A room without occupants makes place for others in memory. */
  const settle = (jid: BareJid, cell: Cell) => {
    if (cell.room !== undefined && cell.room.occupants.size > 0) return;
    cells.delete(jid);
    if (cell.room === undefined) idle.delete(jid);
    else idle.set(jid, cell.room);
  };

  /** Takes what became of an event: written first where it must last, then told. */
  const take = (cell: Cell, outcome: Outcome, place?: Reserved): MaybePromise<Verdict> => {
    if (cell.room !== undefined && outcome.room === undefined && !cell.room.isLocked)
      archives.remove(cell.room.jid).catch(archiveFailed);
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
    const written = home.store.write(...meanwhile);
    return verdict.settling(Promise.all([written, told.settled]));
  };

  const accept = (cell: Cell, { room, sends, relay }: Outcome) => {
    recount(cell.room, room);
    watchLock(cell, room);
    cell.room = room;
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
        void change(jid, (turn) => {
          const reason = 'The room was not configured in time.';
          if (turn.room.isLocked) destroy(turn, { venue: undefined, password: '', reason });
        });
      });
    }
  };

  const change = async <T>(jid: BareJid, act: (turn: Turn) => T): Promise<T | undefined> =>
    inTurn(jid, async (cell) => {
      if (cell.room === undefined) return undefined;
      const turn = new Turn(cell.room, termsFor(jid));
      const result = act(turn);
      await take(cell, turn.outcome);
      return result;
    });

  const ghosts = createGhosts({
    clock,
    pingTime: (room) => home.configOf(hostOf(room)).pingTime,
    isRemote: (jid) => home.hosts.ownerOf(domainOf(jid)) === undefined,
    lively: () => lively(),
    send: lanes.send,
    drop: (session) => void dropSession(session),
  });

  function* lively() {
    for (const { room } of cells.values())
      if (room !== undefined && room.occupants.size > 0) yield room;
  }

  const dropSession = (session: Jid) =>
    Promise.all(
      [...cells.entries()]
        .filter(([, { room }]) => room?.places.has(session as FullJid) === true)
        .map(([jid]) => change(jid, (turn) => drop(turn, session))),
    );

  /** Who reads slowly what rooms send him is himself read slowly. */
  const paced = (sender: Jid, said: Verdict): MaybePromise<Verdict> => {
    const wait = lanes.busy(sender) ?? home.sessions.at(sender as FullJid)?.room();
    return wait === undefined ? said : wait.then(() => said);
  };

  const archiveFailed = (error: unknown) =>
    log.error({ err: error }, 'the archive of a room could not be removed');

  /** A room handles a stanza; what may be archived has its place before. */
  const handle = (cell: Cell, stanza: Addressed, jid: BareJid): MaybePromise<Verdict> => {
    const isSaid =
      (stanza.kind === 'message' && stanza.type === 'groupchat') ||
      (stanza.kind === 'iq' && stanza.payload?.name === 'moderate');
    if (!isSaid || !hasArchive(jid)) return take(cell, receive(cell.room, stanza, termsFor(jid)));
    const reserved = archives.reserve(jid);
    const go = (place: Reserved) =>
      take(cell, receive(cell.room, stanza, termsFor(jid, { place })), place);
    return reserved instanceof Promise ? reserved.then(go) : go(reserved);
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

  /** Why a room may not be made; undefined when it may. */
  const refusalToCreate = async (
    stanza: Addressed,
    settings: MucSettings,
  ): Promise<StanzaFailure | undefined> => {
    const jid = bareOf(stanza.to);
    const account = bareOf(stanza.from);
    const buried = await tables.tombstone(jid);
    if (buried !== undefined)
      return {
        condition: 'gone',
        text: buried.reason === '' ? 'The room was destroyed.' : buried.reason,
        uri: buried.venue === undefined ? undefined : `xmpp:${buried.venue}?join`,
      };
    if (!(await mayCreate(account, settings)))
      return { condition: 'not-allowed', text: 'You may not create rooms here.' };
    const domain = domainOf(jid);
    const mine = [...cells.values()].filter(
      ({ room }) => room?.isLocked === true && room.affiliates.has(account),
    ).length;
    if ((await tables.ownedBy(account, domain)) + mine >= settings.roomsPerOwner)
      return { condition: 'resource-constraint', text: 'You own too many rooms.' };
    if ((await tables.count({ domain })) >= settings.maxRooms)
      return { condition: 'resource-constraint', text: 'The service has no place for more rooms.' };
    return undefined;
  };

  const mayCreate = async (account: BareJid, { creation }: MucSettings): Promise<boolean> => {
    if (creation === 'anyone') return true;
    const host = home.hosts.get(domainOf(account));
    if (host === undefined) return false;
    if (creation === 'local') return true;
    if (home.server().admins.includes(account) || host.config.admins.includes(account)) return true;
    return (await home.accounts.get(account))?.isAdmin === true;
  };

  /** Whether somebody invites more than he may (§13.6). */
  const isFlood = (stanza: Stanza, host: Domain): boolean => {
    if (stanza.kind !== 'message' || stanza.type === 'error') return false;
    const x = mediation(stanza);
    const count = x === undefined ? 0 : invitedBy(x);
    if (count === 0) return false;
    const most = home.configOf(host).invitationsPerHour;
    const known = invitations.get(host);
    const limit = known ?? new RateLimit<BareJid>(clock, { burst: most, perSecond: most / 3600 });
    if (known === undefined) invitations.set(host, limit);
    return !limit.take(bareOf(stanza.from), count);
  };

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
      if (isFlood(stanza, host))
        return verdict.bounce({ condition: 'policy-violation', text: 'You invite too many.' });
      const jid = bareOf(stanza.to);
      ghosts.heard(from);
      if (stanza.kind === 'iq' && !isFull(stanza.to) && isArchiveRequest(stanza))
        return readArchive(stanza, jid);
      const done = inTurn(jid, (cell) => {
        const isCreating =
          cell.room === undefined &&
          stanza.kind === 'presence' &&
          type === 'available' &&
          entryMark(stanza) !== undefined;
        if (!isCreating) return handle(cell, stanza, jid);
        return refusalToCreate(stanza, home.configOf(host)).then((refused) =>
          take(cell, receive(undefined, stanza, termsFor(jid, { creation: refused }))),
        );
      });
      return done instanceof Promise ? done.then((said) => paced(from, said)) : paced(from, done);
    },
    find: async (jid) => inTurn(jid, (cell) => cell.room),
    change,
    create: async (room) =>
      inTurn(room.jid, async (cell) => {
        if (cell.room !== undefined) return false;
        const { outcome } = new Turn(room, termsFor(room.jid));
        await tables.unbury(room.jid);
        await take(cell, outcome);
        return true;
      }),
    lively,
    occupancy: (jid) => cells.get(jid)?.room?.occupants.size ?? 0,
    async dropAll(service, isGone) {
      await Promise.all(
        [...cells.entries()].flatMap(([jid, { room }]) => {
          if (domainOf(jid) !== service) return [];
          const gone = [...(room?.places.keys() ?? [])].filter(isGone);
          if (gone.length === 0) return [];
          return [change(jid, (turn) => gone.forEach((session) => void drop(turn, session)))];
        }),
      );
    },
    async shutDown() {
      for (const [, cell] of [...cells]) {
        if (cell.room === undefined) continue;
        const turn = new Turn(cell.room, termsFor(cell.room.jid));
        shutDown(turn);
        for (const each of turn.sends) deliver(each);
      }
      await Promise.race([
        lanes.drained(),
        new Promise<void>((resolve) => clock.after(GOODBYE_MS, resolve)),
      ]);
    },
    stop() {
      ghosts.stop();
      for (const { timer } of cells.values()) timer?.cancel();
    },
  };
}

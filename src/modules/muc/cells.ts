/**
 * Rooms in memory: those with occupants, and the last ones without. Each does one thing after the
 * other, in the order in which it was asked.
 */
import type { MaybePromise } from '../../core/hooks.ts';
import type { BareJid } from '../../jid/jid.ts';
import type { Timer } from '../../kit/clock.ts';
import { BoundedMap } from '../../kit/limits.ts';
import type { Room } from './room.ts';

/** Rooms without occupants that are kept in memory. */
const IDLE_ROOMS = 1000;

/** A room's place in memory. */
export interface Cell {
  room: Room | undefined;
  isLoaded: boolean;
  /** What is being done, if something takes long. */
  tail: Promise<unknown> | undefined;
  /** Ends a room that is not configured in time. */
  timer: Timer | undefined;
}

/** The places. */
export interface Cells {
  /** Does something with a room when all that was begun before is done. */
  inTurn<T>(jid: BareJid, task: (cell: Cell) => MaybePromise<T>): MaybePromise<T>;
  /** A room that is in memory, as it is now. */
  peek(jid: BareJid): Room | undefined;
  /** The rooms that have occupants, or are being seen to. */
  all(): Iterable<readonly [jid: BareJid, cell: Cell]>;
}

/** Makes them. `load` reads a room; it is called before the first thing is done with it. */
export function createCells(load: (jid: BareJid) => Promise<Room | undefined>): Cells {
  const cells = new Map<BareJid, Cell>();
  const idle = new BoundedMap<BareJid, Room>(IDLE_ROOMS);

  const cellOf = (jid: BareJid): Cell => {
    const known = cells.get(jid);
    if (known !== undefined) return known;
    const room = idle.get(jid);
    const cell = { room, isLoaded: room !== undefined, tail: undefined, timer: undefined };
    cells.set(jid, cell);
    return cell;
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

  return {
    inTurn(jid, task) {
      const cell = cellOf(jid);
      if (cell.tail === undefined && cell.isLoaded) {
        const done = task(cell);
        if (done instanceof Promise) return hold(jid, cell, done);
        settle(jid, cell);
        return done;
      }
      const before = cell.tail ?? Promise.resolve();
      const work = before.then(async () => {
        if (!cell.isLoaded) {
          cell.room = await load(jid);
          cell.isLoaded = true;
        }
        return task(cell);
      });
      return hold(jid, cell, work);
    },
    peek: (jid) => cells.get(jid)?.room,
    all: () => cells,
  };
}

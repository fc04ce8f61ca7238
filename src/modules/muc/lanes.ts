/**
 * The ways from rooms to recipients. What is sent to one address arrives in order, and one that takes
 * long holds up nobody else: neither a room nor its other occupants.
 */
import type { MaybePromise } from '../../core/hooks.ts';
import type { FullJid, Jid } from '../../jid/jid.ts';
import type { Clock } from '../../kit/clock.ts';
import { deferred } from '../../kit/deferred.ts';
import { addressedTo } from '../../stanza/address.ts';
import type { Message, Presence, Stanza } from '../../stanza/stanza.ts';

/** How many stanzas may wait for one recipient. */
const MAX_WAITING = 2000;

/** What the ways work with. */
export interface LaneOptions {
  readonly clock: Clock;
  route(stanza: Stanza): MaybePromise<void>;
  /** A recipient for whom too much waits; told when what a room is doing now is done. */
  overflow(to: Jid): void;
  /** A bug of ours. */
  failed(error: unknown): void;
}

/** The ways. */
export interface Lanes {
  send(stanza: Stanza): void;
  /** The same to many; its text is made once. */
  sendAll(stanza: Message | Presence, to: readonly FullJid[]): void;
  /** Resolves when what is on its way to a recipient is there; undefined when nothing is. */
  busy(to: Jid): Promise<void> | undefined;
  /** Resolves when all that is on its way is there, or after so many ms. */
  drained(most: number): Promise<void>;
}

interface Lane {
  waiting: number;
  tail: Promise<void>;
}

/** Makes them. */
export function createLanes({ clock, route, overflow, failed }: LaneOptions): Lanes {
  const lanes = new Map<Jid, Lane>();
  const overflowing = new Set<Jid>();

  const tellOverflow = (to: Jid) => {
    if (overflowing.has(to)) return;
    overflowing.add(to);
    queueMicrotask(() => {
      overflowing.delete(to);
      overflow(to);
    });
  };

  const follow = (to: Jid, lane: Lane, work: Promise<void>) => {
    lane.waiting += 1;
    const tail = work.catch(failed).finally(() => {
      lane.waiting -= 1;
      if (lane.waiting === 0) lanes.delete(to);
    });
    lane.tail = tail;
  };

  const send = (stanza: Stanza) => {
    const { to } = stanza;
    if (to === undefined) return;
    const lane = lanes.get(to);
    try {
      if (lane === undefined) {
        const routed = route(stanza);
        if (!(routed instanceof Promise)) return;
        const opened = { waiting: 0, tail: routed };
        lanes.set(to, opened);
        follow(to, opened, routed);
      } else if (lane.waiting >= MAX_WAITING) {
        tellOverflow(to);
      } else {
        follow(
          to,
          lane,
          lane.tail.then(() => route(stanza)),
        );
      }
    } catch (error) {
      failed(error);
    }
  };

  return {
    busy: (to) => lanes.get(to)?.tail,
    async drained(most) {
      const late = deferred<unknown>();
      const timer = clock.after(most, () => late.resolve(undefined));
      await Promise.race([Promise.all([...lanes.values()].map(({ tail }) => tail)), late.promise]);
      timer.cancel();
    },
    send,
    sendAll(stanza, to) {
      for (const jid of to) send(addressedTo(stanza, jid));
    },
  };
}

/** Takes out what was said in rooms that keep it for a time of their own (`keepDays`), hour by hour. */
import type { BareJid } from '../../jid/jid.ts';
import type { Clock, Timer } from '../../kit/clock.ts';
import type { Logger } from '../../kit/log.ts';
import { keptSince } from './history.ts';
import type { TermedRoom } from './tables.ts';

const ROUND_MS = 3_600_000;
/** After the start, users come first. */
const FIRST_ROUND_MS = 120_000;
/** Rooms that are read at a time. */
const PAGE = 100;

/** What it takes. */
export interface ExpiryOptions {
  readonly clock: Clock;
  readonly log: Logger;
  list(after: string, most: number): Promise<readonly TermedRoom[]>;
  /** Takes out what was said before a moment. */
  purge(room: BareJid, before: number): Promise<unknown>;
}

/** Begins; what is returned ends it. */
export function startExpiry(options: ExpiryOptions): () => void {
  const { clock, log } = options;
  let isOver = false;
  let isBusy = false;

  const round = async () => {
    let after = '';
    while (!isOver) {
      const rooms = await options.list(after, PAGE);
      for (const { jid, config } of rooms) {
        const since = keptSince({ config }, clock.now());
        if (since !== undefined && !isOver) await options.purge(jid, since);
      }
      after = rooms.at(-1)?.jid ?? '';
      if (rooms.length < PAGE) return;
    }
  };
  const begin = () => {
    if (isBusy) return;
    isBusy = true;
    round()
      .catch((error: unknown) =>
        log.error({ err: error }, 'old messages of rooms were not removed'),
      )
      .finally(() => {
        isBusy = false;
      });
  };
  const timers: readonly Timer[] = [
    clock.after(FIRST_ROUND_MS, begin),
    clock.every(ROUND_MS, begin),
  ];
  return () => {
    isOver = true;
    for (const timer of timers) timer.cancel();
  };
}

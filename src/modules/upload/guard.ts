/** Ends a transfer at which nothing happens, or that takes too long. */
import type { Clock, Timer } from '../../kit/clock.ts';

/** A guard over one transfer. */
export interface Guard {
  /** Something moved. */
  touch(): void;
  /** The transfer is over. */
  end(): void;
}

/** How long a transfer may be. */
export interface Patience {
  /** Without a byte. */
  readonly stallMs: number;
  /** All in all. */
  readonly wholeMs?: number;
}

/** Starts a guard; `expire` is called at most once. */
export function watchTransfer(
  clock: Clock,
  { stallMs, wholeMs }: Patience,
  expire: () => void,
): Guard {
  let stalled: Timer;
  const end = () => {
    stalled.cancel();
    whole?.cancel();
  };
  const fire = () => {
    end();
    expire();
  };
  const arm = () => {
    stalled = clock.after(stallMs, fire);
  };
  stalled = clock.after(stallMs, fire);
  const whole = wholeMs === undefined ? undefined : clock.after(wholeMs, fire);
  return {
    touch() {
      stalled.cancel();
      arm();
    },
    end,
  };
}

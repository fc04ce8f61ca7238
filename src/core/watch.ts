/**
 * A look at one account's stanzas while it runs: bounded in time and number, bodies and secrets
 * masked unless asked for.
 */
import type { BareJid } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import { maskedText } from '../stanza/mask.ts';
import type { Stanza } from '../stanza/stanza.ts';

/** One stanza that was seen. */
export interface WatchEntry {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly direction: 'in' | 'out';
  /** The stream that carried it. */
  readonly stream: string;
  readonly xml: string;
}

/** How a look is limited. */
export interface WatchOptions {
  readonly account: BareJid;
  /** At the latest after so many ms it ends by itself. */
  readonly forMs: number;
  /** Show bodies and other text too. Passwords stay masked. */
  readonly withBodies: boolean;
  /** Ends it earlier. */
  readonly signal?: AbortSignal;
}

/** Looks at accounts that run. */
export interface Watch {
  /** Whether any account is looked at: the hot path asks only this. */
  readonly isActive: boolean;
  /** Records a stanza of an account's stream, if that account is looked at. */
  record(account: BareJid, direction: 'in' | 'out', stream: string, stanza: Stanza): void;
  /** Starts a look; the iterable ends with its time. Undefined when too many run. */
  start(options: WatchOptions): AsyncIterable<WatchEntry> | undefined;
}

const MAX_LOOKS = 8;
/** Entries that wait for a slow reader; older ones are forgotten. */
const MAX_WAITING = 1000;

interface Running {
  readonly options: WatchOptions;
  readonly waiting: WatchEntry[];
  wake: () => void;
  isOver: boolean;
  /** Ends it; harmless when it has ended. */
  readonly finish: () => void;
}

/** Makes it; nobody is looked at yet. */
export function createWatch(clock: Clock): Watch {
  const running = new Set<Running>();

  async function* entries(look: Running): AsyncGenerator<WatchEntry> {
    try {
      while (!look.isOver || look.waiting.length > 0) {
        const next = look.waiting.shift();
        if (next !== undefined) yield next;
        else
          await new Promise<void>((resolve) => {
            look.wake = resolve;
          });
      }
    } finally {
      look.finish();
    }
  }

  return {
    get isActive() {
      return running.size > 0;
    },
    record(account, direction, stream, stanza) {
      for (const look of running) {
        if (look.options.account !== account || look.isOver) continue;
        const xml = maskedText(stanza.element, { withBodies: look.options.withBodies });
        look.waiting.push({ at: clock.now(), direction, stream, xml });
        if (look.waiting.length > MAX_WAITING) look.waiting.shift();
        look.wake();
      }
    },
    start(options) {
      if (running.size >= MAX_LOOKS) return undefined;
      // Its time runs from now on, whether anyone reads it or not.
      const timer = clock.after(options.forMs, () => look.finish());
      const look: Running = {
        options,
        waiting: [],
        wake: () => {},
        isOver: false,
        finish() {
          look.isOver = true;
          running.delete(look);
          timer.cancel();
          options.signal?.removeEventListener('abort', look.finish);
          look.wake();
        },
      };
      running.add(look);
      options.signal?.addEventListener('abort', look.finish, { once: true });
      if (options.signal?.aborted === true) look.finish();
      return entries(look);
    },
  };
}

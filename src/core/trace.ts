/**
 * A look at one account's stanzas while it runs: bounded in time and number, bodies and secrets
 * masked unless asked for.
 */
import type { BareJid } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import { maskedText } from '../stanza/mask.ts';
import type { Stanza } from '../stanza/stanza.ts';

/** One traced stanza. */
export interface TraceEntry {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly direction: 'in' | 'out';
  /** The stream that carried it. */
  readonly stream: string;
  readonly xml: string;
}

/** How a trace is limited. */
export interface TraceOptions {
  readonly account: BareJid;
  /** At the latest after so many ms it ends by itself. */
  readonly forMs: number;
  /** Show bodies and other text too. Passwords stay masked. */
  readonly withBodies: boolean;
  /** Ends it earlier. */
  readonly signal?: AbortSignal;
}

/** Traces that run. */
export interface Trace {
  /** Whether any account is traced: the hot path asks only this. */
  readonly isActive: boolean;
  /** Records a stanza of an account's stream, if that account is traced. */
  record(account: BareJid, direction: 'in' | 'out', stream: string, stanza: Stanza): void;
  /** Starts a trace; the iterable ends with its time. Undefined when too many run. */
  start(options: TraceOptions): AsyncIterable<TraceEntry> | undefined;
}

const MAX_TRACES = 8;
/** Entries that wait for a slow reader; older ones are forgotten. */
const MAX_WAITING = 1000;

interface Running {
  readonly options: TraceOptions;
  readonly waiting: TraceEntry[];
  wake: () => void;
  isOver: boolean;
  /** Ends it; harmless when it has ended. */
  readonly finish: () => void;
}

/** Makes the tracer. */
export function createTrace(clock: Clock): Trace {
  const running = new Set<Running>();

  async function* entries(trace: Running): AsyncGenerator<TraceEntry> {
    try {
      while (!trace.isOver || trace.waiting.length > 0) {
        const next = trace.waiting.shift();
        if (next !== undefined) yield next;
        else
          await new Promise<void>((resolve) => {
            trace.wake = resolve;
          });
      }
    } finally {
      trace.finish();
    }
  }

  return {
    get isActive() {
      return running.size > 0;
    },
    record(account, direction, stream, stanza) {
      for (const trace of running) {
        if (trace.options.account !== account || trace.isOver) continue;
        const xml = maskedText(stanza.element, { withBodies: trace.options.withBodies });
        trace.waiting.push({ at: clock.now(), direction, stream, xml });
        if (trace.waiting.length > MAX_WAITING) trace.waiting.shift();
        trace.wake();
      }
    },
    start(options) {
      if (running.size >= MAX_TRACES) return undefined;
      // Its time runs from now on, whether anyone reads it or not.
      const timer = clock.after(options.forMs, () => trace.finish());
      const trace: Running = {
        options,
        waiting: [],
        wake: () => {},
        isOver: false,
        finish() {
          trace.isOver = true;
          running.delete(trace);
          timer.cancel();
          options.signal?.removeEventListener('abort', trace.finish);
          trace.wake();
        },
      };
      running.add(trace);
      options.signal?.addEventListener('abort', trace.finish, { once: true });
      if (options.signal?.aborted === true) trace.finish();
      return entries(trace);
    },
  };
}

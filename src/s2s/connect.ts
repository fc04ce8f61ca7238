/**
 * Makes the TCP connection to one of a domain's servers: targets in their order, the addresses of
 * each in a race with a head start (RFC 8305, "happy eyeballs"), and every attempt on record.
 */
import { connect as connectSocket, type Socket } from 'node:net';
import type { Clock, Timer } from '../kit/clock.ts';
import type { Resolver, Target } from './resolver.ts';

/** What became of an attempt. */
export type AttemptOutcome =
  | 'connected'
  /** Nobody listens there (a RST). */
  | 'refused'
  /** There is no way to that address from here. */
  | 'unreachable'
  | 'timed-out'
  /** Another address was faster. */
  | 'overtaken'
  | 'cancelled'
  /** The host's addresses could not be found; `address` is empty. */
  | 'no-address'
  | 'dns-failure'
  | 'failed';

/** One attempt, as the history and the federation doctor show it. */
export interface Attempt {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly isDirectTls: boolean;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly outcome: AttemptOutcome;
  /** The outcome in words. */
  readonly text: string;
  /** How long it took. */
  readonly ms: number;
}

/** A connection; or why there is none. */
export type Connected =
  | {
      readonly ok: true;
      /** Nothing was read yet. It has an `error` listener that does nothing; add your own. */
      readonly socket: Socket;
      readonly target: Target;
      readonly address: string;
      /** Whether the target and its addresses were validated by DNSSEC: TLSA may be asked for. */
      readonly isSecure: boolean;
      /** The targets after this one, to go on with where TLS fails (XEP-0368 §4). */
      readonly remaining: readonly Target[];
      readonly attempts: readonly Attempt[];
    }
  | {
      readonly ok: false;
      /**
       * `not-found`: no host has an address; `dns-failure`: nobody could tell whether one has;
       * `timed-out`: the time is over; else all refused.
       */
      readonly why: 'not-found' | 'dns-failure' | 'timed-out' | 'unreachable' | 'cancelled';
      readonly text: string;
      readonly attempts: readonly Attempt[];
    };

/** How to connect. Times in milliseconds. */
export interface ConnectOptions {
  readonly resolver: Pick<Resolver, 'addresses'>;
  readonly clock: Clock;
  /** For all of it, names included. */
  readonly deadlineMs: number;
  /** For one address. */
  readonly attemptMs?: number;
  /** The head start of one address before the next (RFC 8305 §5). */
  readonly staggerMs?: number;
  readonly signal?: AbortSignal;
  /** Whether addresses that are remembered are asked for again. */
  readonly isFresh?: boolean;
  /** Makes the socket of an attempt, such as one bound to a certain address of this machine. */
  readonly dial?: (address: string, port: number) => Socket;
  /** Is told of each attempt as it ends. */
  readonly onAttempt?: (attempt: Attempt) => void;
}

const ATTEMPT_MS = 10_000;
const STAGGER_MS = 250;

const dialPlainly = (host: string, port: number): Socket =>
  connectSocket({ host, port, noDelay: true });

/** Why everything ends before it is done. */
type Ending = 'timed-out' | 'cancelled';

/** Connects to the first target that takes a connection. Never rejects. */
export async function connect(
  targets: readonly Target[],
  options: ConnectOptions,
): Promise<Connected> {
  const { resolver, clock, deadlineMs, signal } = options;
  const ended = new AbortController();
  const end = (why: Ending) => ended.abort(why);
  const cancel = () => end('cancelled');
  const deadline = clock.after(deadlineMs, () => end('timed-out'));
  signal?.addEventListener('abort', cancel);
  if (signal?.aborted === true) cancel();
  const attempts: Attempt[] = [];
  const note = (attempt: Attempt) => {
    attempts.push(attempt);
    options.onAttempt?.(attempt);
  };
  try {
    for (const [index, target] of targets.entries()) {
      if (ended.signal.aborted) break;
      const began = { at: clock.now(), from: clock.monotonic() };
      const found = await orEnd(
        resolver.addresses(target.host, { isFresh: options.isFresh === true }),
        ended.signal,
      );
      if (found === undefined || !found.ok) {
        const outcome = found === undefined ? endingOf(ended.signal) : dnsOutcome(found.why);
        const text = found?.text ?? `${target.host} was being looked up`;
        note(attemptOf({ target, address: '', clock, ...began }, outcome, text));
        continue;
      }
      const won = await race(target, found.addresses, { ...options, note, ended: ended.signal });
      if (won === undefined) continue;
      return {
        ok: true,
        ...won,
        target,
        isSecure: target.isSecure && found.isSecure,
        remaining: targets.slice(index + 1),
        attempts,
      };
    }
    return failure(attempts, ended.signal);
  } finally {
    deadline.cancel();
    signal?.removeEventListener('abort', cancel);
  }
}

interface RaceOptions extends ConnectOptions {
  readonly ended: AbortSignal;
  readonly note: (attempt: Attempt) => void;
}

/** Races the addresses of one target; undefined when none took the connection. */
function race(
  target: Target,
  addresses: readonly string[],
  options: RaceOptions,
): Promise<{ socket: Socket; address: string } | undefined> {
  const { clock, ended, note, attemptMs = ATTEMPT_MS, staggerMs = STAGGER_MS } = options;
  const { dial = dialPlainly } = options;
  return new Promise((resolve) => {
    const waiting = [...addresses];
    const running = new Set<(outcome: AttemptOutcome, text: string) => void>();
    let stagger: Timer | undefined;

    const stop = () => finish(undefined, endingOf(ended), 'the whole took too long or was ended');
    ended.addEventListener('abort', stop);
    next();

    function finish(
      won: { socket: Socket; address: string } | undefined,
      others: AttemptOutcome,
      text: string,
    ): void {
      stagger?.cancel();
      ended.removeEventListener('abort', stop);
      waiting.length = 0;
      for (const give of [...running]) give(others, text);
      resolve(won);
    }

    function next(): void {
      stagger?.cancel();
      const address = waiting.shift();
      if (address === undefined) {
        if (running.size === 0) finish(undefined, 'failed', '');
        return;
      }
      attempt(address);
      if (waiting.length > 0) stagger = clock.after(staggerMs, next);
    }

    function attempt(address: string): void {
      const about = { target, address, clock, at: clock.now(), from: clock.monotonic() };
      const socket = dial(address, target.port);
      const giveUp = (outcome: AttemptOutcome, text: string) => {
        if (!running.delete(giveUp)) return;
        patience.cancel();
        socket.destroy();
        note(attemptOf(about, outcome, text));
      };
      running.add(giveUp);
      const patience = clock.after(attemptMs, () => {
        giveUp('timed-out', 'no answer');
        next();
      });
      socket.on('error', (error: NodeJS.ErrnoException) => {
        if (!running.has(giveUp)) return;
        giveUp(...errorOutcome(error.code));
        next();
      });
      socket.once('connect', () => {
        if (!running.delete(giveUp)) return;
        patience.cancel();
        note(attemptOf(about, 'connected', 'connected'));
        finish({ socket, address }, 'overtaken', `${address} was faster`);
      });
    }
  });
}

/** What a promise brings; undefined when the end comes first. */
function orEnd<T>(promise: Promise<T>, ended: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve) => {
    const stop = () => resolve(undefined);
    if (ended.aborted) return stop();
    ended.addEventListener('abort', stop);
    promise.then(resolve, stop).finally(() => ended.removeEventListener('abort', stop));
  });
}

interface About {
  readonly target: Target;
  readonly address: string;
  readonly clock: Clock;
  readonly at: number;
  readonly from: number;
}

function attemptOf(
  { target, address, clock, at, from }: About,
  outcome: AttemptOutcome,
  text: string,
): Attempt {
  const { host, port, isDirectTls } = target;
  const ms = Math.round(clock.monotonic() - from);
  return { host, address, port, isDirectTls, at, outcome, text, ms };
}

function errorOutcome(code: string | undefined): [AttemptOutcome, string] {
  switch (code) {
    case 'ECONNREFUSED':
      return ['refused', 'nobody listens on this port'];
    case 'ETIMEDOUT':
      return ['timed-out', 'no answer'];
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
    case 'EADDRNOTAVAIL':
      return ['unreachable', `there is no way to this address from here (${code})`];
    default:
      return ['failed', `the connection failed (${code ?? 'unknown'})`];
  }
}

const endingOf = (ended: AbortSignal): Ending =>
  ended.reason === 'cancelled' ? 'cancelled' : 'timed-out';

const dnsOutcome = (why: string): AttemptOutcome =>
  why === 'no-address' || why === 'no-such-domain' ? 'no-address' : 'dns-failure';

const IN_WORDS: Partial<Record<AttemptOutcome, string>> = {
  refused: 'refused',
  unreachable: 'unreachable',
  'timed-out': 'no answer',
};

function failure(attempts: readonly Attempt[], ended: AbortSignal): Connected {
  const tried = attempts.filter(({ address }) => address !== '');
  const list = attempts
    .slice(0, 8)
    .map(({ host, address, port, outcome, text }) =>
      address === '' ? text : `${host} (${address}) port ${port}: ${IN_WORDS[outcome] ?? text}`,
    );
  const text = list.length === 0 ? 'no server was tried' : list.join('; ');
  if (ended.aborted) return { ok: false, why: endingOf(ended), text, attempts };
  if (tried.length === 0) {
    const isUnknown = attempts.some(({ outcome }) => outcome === 'dns-failure');
    return { ok: false, why: isUnknown ? 'dns-failure' : 'not-found', text, attempts };
  }
  const isSilent = tried.every(({ outcome }) => outcome === 'timed-out');
  return { ok: false, why: isSilent ? 'timed-out' : 'unreachable', text, attempts };
}

/** The way from one of our domains to another one, as a record; links.ts moves it. */
import type { Domain } from '../jid/jid.ts';
import type { Clock, Timer } from '../kit/clock.ts';
import { networkOf } from '../kit/remote.ts';
import type { ServerStream } from './connection.ts';
import type { LinkFailure } from './failure.ts';
import type { Parties } from './pairs.ts';
import { Queue } from './queue.ts';

/** The longest time between two tries. */
export const MAX_BACK_OFF_MS = 300_000;

/** Where a link is. */
export type LinkState = 'idle' | 'connecting' | 'up' | 'waiting';

/** The way from one of our domains to another one. */
export interface Link {
  readonly local: Domain;
  readonly remote: Domain;
  readonly queue: Queue;
  state: LinkState;
  stream: ServerStream | undefined;
  /** When it came up, in ms of the monotonic clock, as are all times here. */
  upSince: number;
  /** Failed tries in a row, since there was a stream. */
  failures: number;
  /** Streams in a row that did not live long. */
  shortLives: number;
  failure: LinkFailure | undefined;
  /** When the next try comes; of meaning while waiting. */
  retryAt: number;
  retry: Timer | undefined;
  /** Who has to resume the stream that broke, before it is known what has arrived (XEP-0198 §5). */
  awaits: 'ours' | 'theirs' | undefined;
  /** Since when a stream is missed that broke; undefined while none is. */
  brokenSince: number | undefined;
  /** Behind which network the domain is that is looked for, though nobody writes to it. */
  soughtBehind: string | undefined;
  /** Whether it was told that the other domain is out of reach. */
  isGone: boolean;
}

/** A link, as an admin sees it. */
export interface LinkStatus {
  readonly local: Domain;
  readonly remote: Domain;
  readonly state: LinkState;
  readonly stream: ServerStream | undefined;
  /** How many stanzas wait, or were sent and are not known to have arrived. */
  readonly queued: number;
  readonly failure: LinkFailure | undefined;
  /** When the next try comes, in ms since the epoch, if it waits for that. */
  readonly retryAt: number | undefined;
}

/** A link on which nothing has happened yet. */
export const newLink = ({ local, remote }: Parties): Link => ({
  local,
  remote,
  queue: new Queue(),
  state: 'idle',
  stream: undefined,
  upSince: 0,
  failures: 0,
  shortLives: 0,
  failure: undefined,
  retryAt: Number.NEGATIVE_INFINITY,
  retry: undefined,
  awaits: undefined,
  brokenSince: undefined,
  soughtBehind: undefined,
  isGone: false,
});

/** Tells of a link. */
export const statusOf = (link: Link, clock: Clock): LinkStatus => ({
  local: link.local,
  remote: link.remote,
  state: link.state,
  stream: link.stream,
  queued: link.queue.length,
  failure: link.failure,
  retryAt: link.state === 'waiting' ? clock.now() + link.retryAt - clock.monotonic() : undefined,
});

/** The network in which the other side of a stream is. Where we connected to it, its port is told, too. */
export const networkBehind = ({ remoteAddress, direction }: ServerStream): string =>
  networkOf(direction === 'in' ? remoteAddress : remoteAddress.replace(/^\[?(.*?)\]?:\d+$/, '$1'));

/** The time before the next try, with some chance in it, so that not all come at once. */
export function backOff(first: number, failures: number, most = MAX_BACK_OFF_MS): number {
  const ms = Math.min(most, first * 2 ** Math.min(failures - 1, 20));
  return ms * (0.75 + Math.random() / 2);
}

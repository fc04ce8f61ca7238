/** A request of a BOSH session that has no answer yet. */
import type { Timer } from '../kit/clock.ts';
import type { BoshBody, BoshReply } from './bosh-body.ts';
import { type BoshTerms, POLLING_S } from './bosh-terms.ts';

/** A request whose answer is owed. */
export interface Exchange {
  answer(reply: BoshReply): void;
  /** Calls when the client has given the request up. */
  onGone(task: () => void): void;
}

/** A request, and what became of it. */
export interface Slot {
  readonly body: BoshBody;
  readonly at: number;
  /** Up to which rid there were answers when it came. */
  readonly answered: number;
  /** Undefined once the client has given it up. */
  exchange: Exchange | undefined;
  timer: Timer | undefined;
  isAnswered: boolean;
  repeats: number;
}

/** A request that has come; whoever waits for the answer is attached to it. */
export const slotFor = (body: BoshBody, at: number, answered: number): Slot => ({
  body,
  at,
  answered,
  exchange: undefined,
  timer: undefined,
  isAnswered: false,
  repeats: 0,
});

/** §11: whether a request may be one more than those that a client may have at a time. */
export const isExtra = ({ pause, isTerminate }: BoshBody): boolean =>
  pause !== undefined || isTerminate;

/** Whether somebody waits for the answer. */
export const isLive = ({ exchange }: Slot): boolean => exchange !== undefined;

/** Whether a request that has its turn asks for more too often, by the rules of §11 and §12. */
export function asksTooOften(
  { body, at }: Slot,
  before: Slot | undefined,
  now: {
    readonly terms: BoshTerms;
    /** Those before it that are not answered. */
    readonly held: readonly Slot[];
    /** Whether the last answer had no payloads. */
    readonly wasToldNothing: boolean;
  },
): boolean {
  if (!isEmpty(body) || before === undefined || at - before.at >= POLLING_S * 1000) return false;
  const { terms, held, wasToldNothing } = now;
  if (terms.hold === 0) return wasToldNothing && isEmpty(before.body);
  return held.some(isLive) && held.length + 1 >= terms.requests;
}

function isEmpty({ payloads, isRestart, isTerminate, pause }: BoshBody): boolean {
  return payloads === '' && !isRestart && !isTerminate && pause === undefined;
}

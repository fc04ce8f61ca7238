/** What rtcd is to reach, and whether it does. */
import { betterOf, OURS, shareOf } from './ratios.ts';
import { type Summaries, summaryAt } from './summary.ts';

/** One target. */
export interface Target {
  readonly trial: string;
  readonly figure: string;
  readonly what: string;
  /** What ours is divided by; `better` is the better one of the others. */
  readonly over: 'better' | 'nothing' | { readonly betterIn: string };
  readonly bound: 'at most' | 'at least';
  readonly value: number;
}

const share = (trial: string, figure: string, value: number, what: string): Target => ({
  ...{ trial, figure, what, value },
  ...{ over: 'better', bound: 'at most' },
});

/** The targets, as shares of what the better one of the others needs in the same run. */
export const TARGETS: readonly Target[] = [
  share('pairs', 'server CPU per message', 0.35, 'chat over TLS, no archive'),
  share('pairs-held', 'server CPU per message', 0.35, 'chat over TCP beside 2,000 idle sessions'),
  share('pairs-held', 'end-to-end latency p99', 0.35, 'the same, p99'),
  share('pairs-paced', 'server CPU per message', 0.4, 'chat at 1,000 a second'),
  share('pairs-paced', 'end-to-end latency p99', 1, 'the same, p99'),
  share('pairs-archive', 'server CPU per message', 0.2, 'chat with archive, default store'),
  share('room-200', 'server CPU per delivery', 0.4, 'room of 200, one speaker'),
  share('offline', 'server CPU per message kept', 0.35, 'offline: a message kept'),
  share('offline', 'server CPU per message drained', 0.4, 'offline: a message drained'),
  share('logins', 'server CPU per login', 0.6, 'login, STARTTLS and SCRAM-SHA-1'),
  {
    ...{ trial: 'resume', figure: 'server CPU per login', over: { betterIn: 'logins' } },
    ...{ what: 'the same user again: SASL2, FAST, Bind 2, resumed TLS, against their login' },
    ...{ bound: 'at most', value: 0.35 },
  },
  share('roster-100', 'server CPU per login', 0.3, 'login with 100 online contacts'),
  {
    ...{ trial: 'archive-sqlite', figure: 'pages', over: 'better', bound: 'at least', value: 3 },
    what: 'archive pages of 50 a second, SQLite',
  },
  share('idle-10000', 'memory per idle session', 0.8, 'an idle session of 10,000, TLS'),
  {
    ...{
      trial: 'start',
      figure: 'start to listening',
      over: 'nothing',
      bound: 'at most',
      value: 1,
    },
    what: 'start to listening, seconds',
  },
  {
    ...{ trial: 'aged', figure: 'CPU, fresh to aged', over: 'nothing', bound: 'at least' },
    ...{ value: 0.9, what: 'after 900 logins, beside 2,000 idle sessions, against fresh' },
  },
];

/** A target beside what was reached. */
export interface Reached {
  readonly target: Target;
  readonly reached: number;
  readonly isMet: boolean;
}

/** The targets for which there are figures. */
export function reachedTargets(summaries: Summaries, targets = TARGETS): Reached[] {
  return targets.flatMap((target) => {
    const reached = reachedOf(summaries, target);
    if (reached === undefined) return [];
    const isMet = target.bound === 'at most' ? reached <= target.value : reached >= target.value;
    return [{ target, reached, isMet }];
  });
}

function reachedOf(summaries: Summaries, target: Target): number | undefined {
  const { trial, figure, over } = target;
  const ours = summaryAt(summaries, trial, figure, OURS);
  if (ours === undefined) return undefined;
  if (over === 'nothing') return ours.median;
  const theirs = summaries.get(over === 'better' ? trial : over.betterIn)?.get(figure) ?? new Map();
  const others = [...theirs].flatMap(([name, one]) => (name.startsWith(OURS) ? [] : [one]));
  const better = betterOf(others);
  return better === undefined ? undefined : shareOf(ours, better);
}

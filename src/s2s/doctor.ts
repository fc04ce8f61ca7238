/**
 * The federation doctor: goes the whole way to another domain as a stream of ours would, tells each
 * step with a plain verdict, goes on where a stream would give up, and says in the end what is wrong.
 */
import type { Domain } from '../jid/jid.ts';
import { lookUp } from './doctor/names.ts';
import { createFollower } from './doctor/redirected.ts';
import type { DoctorServices, Examination, Pinged } from './doctor/services.ts';
import { passing, quoted, type Step, stepsOn } from './doctor/step.ts';
import { summaryOf } from './doctor/summary.ts';
import { type Visit, visit } from './doctor/visit.ts';

export type { DoctorServices, Pinged } from './doctor/services.ts';
export type { Cause, Step, StepName, Verdict } from './doctor/step.ts';

/** How long all of it may take. */
const WHOLE_MS = 90_000;

/** Who is to be examined. */
export interface Patient {
  /** Our domain. */
  readonly local: Domain;
  readonly remote: Domain;
  /** Ends the examination early. */
  readonly signal?: AbortSignal;
}

/**
 * Examines the way to another domain. The last step is the summary: what is wrong and what to do
 * here, and as its `detail` a text for the other admin, if he can mend it. Ends, and closes its connections, when its reader leaves.
 * Never throws for what a stranger says.
 */
export function examine(
  { local, remote, signal }: Patient,
  services: DoctorServices,
): AsyncIterable<Step> {
  return {
    [Symbol.asyncIterator]() {
      const ending = new AbortController();
      const end = () => ending.abort('cancelled');
      const deadline = services.clock.after(WHOLE_MS, () => ending.abort('too-long'));
      signal?.addEventListener('abort', end);
      if (signal?.aborted === true) end();
      const steps = walk({ local, remote, services, signal: ending.signal });
      const settle = () => {
        deadline.cancel();
        signal?.removeEventListener('abort', end);
      };
      return {
        async next() {
          const next = await steps.next();
          if (next.done === true) settle();
          return next;
        },
        async return() {
          end(); // so that a step under way does not keep its reader
          settle();
          await steps.return(undefined);
          return { done: true, value: undefined };
        },
      };
    },
  };
}

/** All steps. */
async function* walk(examination: Examination): AsyncGenerator<Step, undefined> {
  const { remote, services, signal } = examination;
  if (services.isServed(remote)) {
    const text = `${remote} is served by this server: nothing goes over the network.`;
    yield stepsOn('summary', remote).ok(text);
    return undefined;
  }
  const steps: Step[] = [];
  const told = (step: Step) => {
    steps.push(step);
    return step;
  };
  yield told(showPolicy(examination));
  const found = yield* passing(lookUp(examination), told);
  const visits: Visit[] = [];
  const follower = createFollower(examination);
  const places = [...found.destinations];
  for (let place = places.shift(); place !== undefined && !signal.aborted; place = places.shift()) {
    const visited = yield* passing(visit(place, examination), told);
    visits.push(visited);
    places.unshift(...(yield* passing(follower.next(visited, place), told)));
  }
  if (visits.some(({ isThrough }) => isThrough)) yield told(await pinged(examination));
  if (signal.reason === 'cancelled') return undefined;
  const { isFallback } = found;
  const isTooLong = signal.aborted;
  yield summaryOf({ steps, visits, isFallback, isTooLong }, examination);
  return undefined;
}

function showPolicy({ local, remote, services: { policy } }: Examination): Step {
  const say = stepsOn('policy', remote);
  const refusal = policy.refusal(local, remote);
  if (refusal !== undefined) return say.error('blocked', refusal);
  const { secureAuth, requireTls } = policy.terms(local);
  const terms = [
    requireTls ? 'TLS is required' : 'TLS is not required',
    secureAuth ? 'a certificate has to prove it' : 'dialback is enough as a proof',
  ];
  return say.ok(`${local} may talk with it: ${terms.join(', ')}.`);
}

async function pinged({ local, remote, services, signal }: Examination): Promise<Step> {
  const say = stepsOn('ping', remote);
  if (services.ping === undefined)
    return say.skipped('It is not tried: the server does not run, so answers would find nobody.');
  const outcome = await Promise.race([services.ping(local, remote), aborted(signal)]);
  return outcome.ok
    ? say.ok(`It answers to a ping (${Math.round(outcome.ms)} ms).`)
    : say.error('no-answer', `It does not answer to a ping: ${quoted(outcome.text)}.`);
}

function aborted(signal: AbortSignal): Promise<Pinged> {
  const outcome = { ok: false, text: 'the examination was ended' } as const;
  return new Promise((resolve) => {
    if (signal.aborted) resolve(outcome);
    else signal.addEventListener('abort', () => resolve(outcome), { once: true });
  });
}

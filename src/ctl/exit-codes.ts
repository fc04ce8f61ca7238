/** The exit codes of rtcctl, for scripts. */
import type { OperationProblem } from '../core/operation.ts';

/** What each exit code says. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  notRunning: 3,
  notFound: 4,
  conflict: 5,
  forbidden: 6,
  timeout: 7,
  interrupted: 130,
} as const;

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const BY_PROBLEM: Readonly<Record<OperationProblem, ExitCode>> = {
  'unknown-operation': EXIT.usage,
  'invalid-input': EXIT.usage,
  forbidden: EXIT.forbidden,
  'not-found': EXIT.notFound,
  conflict: EXIT.conflict,
  refused: EXIT.failed,
  unavailable: EXIT.failed,
  internal: EXIT.failed,
};

/** The exit code for a problem. */
export const exitCodeFor = (why: OperationProblem): ExitCode => BY_PROBLEM[why];

/** Each exit code with its meaning, in order. */
export const EXIT_MEANINGS: readonly (readonly [ExitCode, string])[] = [
  [EXIT.done, 'It was done.'],
  [EXIT.failed, 'It was refused or failed; or a check found an error.'],
  [EXIT.usage, 'The command, an argument or an option is wrong.'],
  [EXIT.notRunning, 'rtcd is not running, and the command needs it.'],
  [EXIT.notFound, 'There is no such account, session, host or the like.'],
  [EXIT.conflict, 'It exists already.'],
  [EXIT.forbidden, 'This user may not do it.'],
  [EXIT.timeout, 'rtcd did not answer in time.'],
  [EXIT.interrupted, 'It was interrupted (Ctrl-C).'],
];

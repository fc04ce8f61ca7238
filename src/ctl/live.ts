/** The commands that there are: rtcctl's own, and those of modules, which the server tells. */
import type { OperationOutcome } from '../core/operation.ts';
import { DESCRIBE_ALL, type OperationDescription } from '../core/operation-description.ts';
import { type Reached, reach } from './client.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { runOffline } from './offline.ts';
import { harmless } from './style.ts';

/** How long to wait for a server that is asked only for what further commands it has. */
const GLANCE_MS = 1500;

/** Why a server that is there did not answer. */
export type Hindered = Extract<Reached, { readonly kind: 'forbidden' | 'timeout' | 'broken' }>;

const isHindered = (reached: Reached): reached is Hindered =>
  ['forbidden', 'timeout', 'broken'].includes(reached.kind);

/** Why there is no answer of the server, and how rtcctl ends by that. */
export interface Hindrance {
  readonly exit: ExitCode;
  readonly text: string;
}

/** What hindered a request to a server that is there. */
export function hindranceOf(reached: Hindered, socket: string): Hindrance {
  switch (reached.kind) {
    case 'forbidden':
      return {
        exit: EXIT.forbidden,
        text: `You may not open ${socket}; run rtcctl as the user of the server, or as root.`,
      };
    case 'timeout':
      return {
        exit: EXIT.timeout,
        text: `rtcd did not answer in time at ${socket}; --timeout waits longer.`,
      };
    case 'broken':
      return { exit: EXIT.failed, text: reached.text };
  }
}

/**
 * Our own operations and those that modules bring, as the server tells, or else its program; what
 * hindered it from telling, where the command may be one of them.
 */
export async function withLive(
  own: readonly OperationDescription[],
  place: {
    readonly socket: string;
    readonly config: string | undefined;
    readonly timeoutMs: number | undefined;
    readonly words: readonly string[];
    readonly around: {
      readonly env: Readonly<Record<string, string | undefined>>;
      readonly cwd: string;
      readonly stderr: { write(text: string): unknown };
      readonly serverProgram: string;
      readonly signal: AbortSignal;
    };
  },
): Promise<readonly OperationDescription[] | Hindrance> {
  const { socket, around, timeoutMs = GLANCE_MS } = place;
  const isGlance = isForHelp(own, place.words);
  const line = { socket, timeoutMs: isGlance ? GLANCE_MS : timeoutMs, signal: around.signal };
  const reached = await reach(line, { method: 'GET', path: '/api/operations' });
  if (!isGlance && isHindered(reached)) return hindranceOf(reached, socket);
  const told = reached.kind === 'absent' ? await toldByProgram(own, place) : outcomeIn(reached);
  if (told?.ok !== true) return own;
  const { value } = told;
  // The server describes its operations by the type that is used here.
  const live = Array.isArray(value) ? (value as OperationDescription[]) : [];
  const isOwn = (name: string) => own.some((each) => each.name === name);
  return [...own, ...live.filter(({ name }) => !isOwn(name))];
}

/** Whether the words are the beginning of a command only, or rtcctl's own. */
function isForHelp(own: readonly OperationDescription[], words: readonly string[]): boolean {
  const isBegun = own.some(({ command }) => words.every((word, index) => command[index] === word));
  return isBegun || OF_RTCCTL.includes(words[0] ?? '');
}

const outcomeIn = (reached: Reached) => (reached.kind === 'answered' ? reached.outcome : undefined);

/** Words of commands that nobody but rtcctl itself has. */
const OF_RTCCTL = ['help', 'completion'];

/** What the program of a stopped server tells of its operations, where a command may be one of them. */
async function toldByProgram(
  own: readonly OperationDescription[],
  { config, words, around }: Parameters<typeof withLive>[1],
): Promise<OperationOutcome<unknown> | undefined> {
  if (isForHelp(own, words)) return undefined;
  const { serverProgram: file, cwd, env, stderr, signal } = around;
  const request = { name: DESCRIBE_ALL, input: {} };
  const told = await runOffline({ file, cwd, env, config }, request, signal);
  if (!told.ok)
    stderr.write(`rtcctl: The commands of modules are not known: ${harmless(told.text, true)}\n`);
  return told;
}

/** One command on its way. */

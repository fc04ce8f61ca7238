/** Runs an operation on a stopped server, by the server's own program: the database is its alone. */
import { spawn } from 'node:child_process';
import type { OperationOutcome } from '../core/operation.ts';
import { failure } from '../core/operation.ts';
import { asOutcome } from './client.ts';

/** How the server's program is run. */
export interface OfflineProgram {
  /** The program's file. */
  readonly file: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The config file that was named; the program looks for one otherwise. */
  readonly config: string | undefined;
}

/** Runs `rtcd operate`. The input goes by standard input: arguments are seen by every user. */
export function runOffline(
  { file, cwd, env, config }: OfflineProgram,
  request: { readonly name: string; readonly input: unknown; readonly words?: boolean },
  signal: AbortSignal,
): Promise<OperationOutcome<unknown>> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [file, 'operate'], {
      cwd,
      env: config === undefined ? env : { ...env, RTCD_CONFIG: config },
      stdio: ['pipe', 'pipe', 'pipe'],
      signal,
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
    child.on('error', ({ message }) =>
      resolve(failure('internal', `The server's program could not be run: ${message}`)),
    );
    child.on('close', (code) => resolve(outcomeOf(out) ?? broken(code, err)));
    // A program that ends before it has read all is told of by its exit, not by this pipe.
    child.stdin.on('error', () => {});
    child.stdin.end(JSON.stringify(request));
  });
}

/** The outcome is the last line: what a library prints before it does no harm. */
function outcomeOf(out: string): OperationOutcome<unknown> | undefined {
  const last = out.trimEnd().split('\n').at(-1) ?? '';
  try {
    return asOutcome(JSON.parse(last));
  } catch {
    return undefined;
  }
}

/** The most that is told of what the program wrote when it failed. */
const MOST_LINES = 5;

function broken(code: number | null, err: string) {
  const lines = err.trim().split('\n');
  const reason = lines.find((line) => /^\w*Error\b/.test(line));
  const said = reason ?? lines.slice(-MOST_LINES).join('\n');
  const end = code === null ? 'was stopped' : `ended with status ${code}`;
  return failure('internal', `The server's program ${end}${said === '' ? '.' : `: ${said}`}`);
}

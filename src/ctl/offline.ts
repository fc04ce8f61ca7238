/** Runs an operation on a stopped server, by the server's own program: the database is its alone. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
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

/** What is asked of it. */
export interface OfflineRequest {
  readonly name: string;
  readonly input: unknown;
  readonly words?: boolean;
  /** Bytes that belong to the input. */
  readonly source?: Readable | undefined;
  /** Is told each value where the outcome is many. */
  onValue?(value: unknown): void | Promise<void>;
}

/** Runs `rtcd operate`. The input goes by standard input: arguments are seen by every user. */
export function runOffline(
  { file, cwd, env, config }: OfflineProgram,
  { source, onValue, ...request }: OfflineRequest,
  signal: AbortSignal,
): Promise<OperationOutcome<unknown>> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [file, 'operate'], {
      cwd,
      env: config === undefined ? env : { ...env, RTCD_CONFIG: config },
      stdio: ['pipe', 'pipe', 'pipe'],
      signal,
    });
    const reading = readLines(child.stdout, onValue);
    let err = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
    child.on('error', ({ message }) =>
      resolve(failure('internal', `The server's program could not be run: ${message}`)),
    );
    child.on('close', (code) => {
      void reading.then((outcome) => resolve(outcome ?? broken(code, err)));
    });
    // A program that ends before it has read all is told of by its exit, not by this pipe.
    child.stdin.on('error', () => {});
    child.stdin.write(`${JSON.stringify(request)}\n`);
    if (source === undefined) child.stdin.end();
    else source.pipe(child.stdin);
  });
}

/** Tells values, and answers the outcome, which is the last line: what a library prints does no harm. */
async function readLines(
  out: Readable,
  onValue: OfflineRequest['onValue'],
): Promise<OperationOutcome<unknown> | undefined> {
  let outcome: OperationOutcome<unknown> | undefined;
  for await (const line of createInterface({ input: out, crlfDelay: Number.POSITIVE_INFINITY })) {
    const said = parse(line);
    outcome = asOutcome(said);
    if (typeof said === 'object' && said !== null && 'told' in said) await onValue?.(said.told);
  }
  return outcome;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
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

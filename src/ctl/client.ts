/** Talks to the running server: the operations' HTTP API on its unix socket. */
import { type IncomingMessage, request } from 'node:http';
import type { Readable } from 'node:stream';
import type { OperationOutcome } from '../core/operation.ts';

/** What became of a request. */
export type Reached =
  | { readonly kind: 'answered'; readonly outcome: OperationOutcome<unknown> }
  /** A watch has ended; its values were told. */
  | { readonly kind: 'ended' }
  /** Nobody listens there. */
  | { readonly kind: 'absent' }
  /** This user may not open the socket. */
  | { readonly kind: 'forbidden' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'broken'; readonly text: string };

/** How to reach the server. */
export interface Line {
  readonly socket: string;
  /** How long to wait for the answer to begin. */
  readonly timeoutMs: number;
  /** Ends a request early. */
  readonly signal: AbortSignal;
}

/** A request of the API. */
export interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: unknown;
  /** Is sent as the body. */
  readonly source?: Readable | undefined;
  /** Is told each value of a watch; the next one is not asked for before it has ended. */
  onValue?(value: unknown): void | Promise<void>;
}

/** What is asked of an operation. */
export interface Asking {
  readonly name: string;
  readonly input: unknown;
  /** Whether the outcome is wanted in the operation's own words, too. */
  readonly words?: boolean;
  /** Bytes that belong to the input. */
  readonly source?: Readable | undefined;
  /** Is told each value of a watch. */
  onValue?(value: unknown): void | Promise<void>;
}

/** Runs an operation on the server. */
export function callOperation(
  line: Line,
  { name, input, words = false, source, onValue }: Asking,
): Promise<Reached> {
  const method = 'POST' as const;
  const operation = encodeURIComponent(name);
  const call =
    source === undefined
      ? { method, path: `/api/operations/${operation}${words ? '?words' : ''}`, body: input }
      : {
          method,
          path: `/api/sources/${operation}?input=${encodeURIComponent(JSON.stringify(input))}${words ? '&words' : ''}`,
          source,
        };
  return reach(line, onValue === undefined ? call : { ...call, onValue });
}

/** Sends a request and reads its answer. Never rejects. */
export function reach({ socket, timeoutMs, signal }: Line, call: Call): Promise<Reached> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve({ kind: 'interrupted' });
    const body = call.body === undefined ? '' : JSON.stringify(call.body);
    const sent = request({
      socketPath: socket,
      method: call.method,
      path: call.path,
      signal,
      agent: false, // an idle connection would keep this process alive
      headers: {
        Host: 'localhost',
        ...(call.source === undefined ? { 'Content-Length': Buffer.byteLength(body) } : {}),
        ...(body === '' ? {} : { 'Content-Type': 'application/json' }),
      },
    });
    const timer = setTimeout(() => {
      resolve({ kind: 'timeout' });
      sent.destroy();
    }, timeoutMs);
    const conclude = (reached: Reached) => {
      clearTimeout(timer);
      resolve(reached);
      if (!sent.writableFinished) sent.destroy(); // it was answered before all was sent
    };
    sent.on('error', (error: NodeJS.ErrnoException) => conclude(problemOf(error)));
    sent.on('response', (response) => {
      const isWatch = (response.headers['content-type'] ?? '').includes('ndjson');
      if (isWatch) clearTimeout(timer);
      const reading = isWatch ? readValues(response, call) : readOutcome(response);
      reading.then(conclude, (error: NodeJS.ErrnoException) => conclude(problemOf(error)));
    });
    if (call.source === undefined) sent.end(body);
    else {
      const { source } = call;
      // Not before there is somebody: what is read of it is gone, and the server's program may want it instead.
      sent.once('socket', (socket) => {
        if (socket.connecting) socket.once('connect', () => source.pipe(sent));
        else source.pipe(sent);
      });
    }
  });
}

function problemOf(error: NodeJS.ErrnoException): Reached {
  switch (error.code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
    case 'ENOTDIR':
      return { kind: 'absent' };
    case 'EACCES':
    case 'EPERM':
      return { kind: 'forbidden' };
    case 'ABORT_ERR':
      return { kind: 'interrupted' };
    case 'ECONNRESET':
      return { kind: 'broken', text: 'rtcd broke the connection off; its log may say why.' };
    default:
      return { kind: 'broken', text: `rtcd could not be asked: ${error.message}` };
  }
}

async function readOutcome(response: IncomingMessage): Promise<Reached> {
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += String(chunk);
  const outcome = asOutcome(parse(text));
  if (outcome !== undefined) return { kind: 'answered', outcome };
  const status = response.statusCode ?? 0;
  return { kind: 'broken', text: `The answer is not one of rtcd's (HTTP status ${status}).` };
}

/** Tells each line's value; a line may come in several pieces. */
async function readValues(response: IncomingMessage, { onValue }: Call): Promise<Reached> {
  response.setEncoding('utf8');
  let rest = '';
  for await (const chunk of response) {
    const lines = `${rest}${String(chunk)}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const value = parse(line);
      if (value !== undefined) await onValue?.(value);
    }
  }
  return { kind: 'ended' };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A parsed outcome; undefined for anything else. */
export function asOutcome(value: unknown): OperationOutcome<unknown> | undefined {
  if (typeof value !== 'object' || value === null || !('ok' in value)) return undefined;
  const isSuccess = value.ok === true && 'value' in value;
  const isFailure =
    value.ok === false &&
    'why' in value &&
    typeof value.why === 'string' &&
    'text' in value &&
    typeof value.text === 'string';
  // Exactly the two shapes that were just seen.
  return isSuccess || isFailure ? (value as OperationOutcome<unknown>) : undefined;
}

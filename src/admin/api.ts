/**
 * The operations as an HTTP API: the same for `rtcctl` on the admin socket and for a signed-in admin
 * (DESIGN D6). Who asks is told by a function, so that the API itself knows neither.
 */
import { type Context, Hono } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type {
  Actor,
  OperationFailure,
  OperationProblem,
  Operations,
  Source,
} from '../core/operation.ts';
import { failure, inWords } from '../core/operation.ts';
import { describeOperation } from '../core/operation-description.ts';
import type { HttpEnv } from '../http/client.ts';
import type { Logger } from '../kit/log.ts';
import { openApi } from './openapi.ts';

/** What {@link createApi} needs. */
export interface ApiOptions<E extends HttpEnv> {
  readonly operations: Operations;
  readonly log: Logger;
  /** The version of the server, for the OpenAPI document. */
  readonly version: string;
  /** Who asks; undefined is answered with 401. */
  actorOf(c: Context<E>): Actor | undefined | Promise<Actor | undefined>;
  /** Whether who asked may still be told the next value of a watch; he always may if absent. */
  mayGoOn?(c: Context<E>): Promise<boolean>;
  /** Whether bytes of any length may come with an input, below {@link SOURCES_PATH}; they may not if absent. */
  readonly takesSources?: boolean;
  /** Ends watches when the server stops. */
  readonly closing?: AbortSignal | undefined;
}

/** Below it, inputs come in the query, and what belongs to them in the body: whoever serves it bounds that. */
export const SOURCES_PATH = '/api/sources/';

const STATUS: Readonly<Record<OperationProblem, ContentfulStatusCode>> = {
  'unknown-operation': 404,
  'invalid-input': 400,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  refused: 422,
  unavailable: 503,
  internal: 500,
};

/** The HTTP status that fits a problem. */
export function statusOf(why: OperationProblem): ContentfulStatusCode {
  return STATUS[why];
}

const refuse = (c: Context, problem: OperationFailure, status = statusOf(problem.why)) =>
  c.json(problem, status);

/**
 * Makes the API: `GET /api/operations`, `POST /api/operations/<name>` with the input as JSON, which
 * answers an outcome (with `?words` also in words, where the operation has some) or, for a watch, one
 * JSON value a line; `GET /api/openapi.json`. Where it takes sources, `POST /api/sources/<name>?input=<JSON>` runs
 * an operation with the body as its source.
 */
export function createApi<E extends HttpEnv = HttpEnv>(options: ApiOptions<E>): Hono<E> {
  const { operations, log } = options;
  const api = new Hono<E>();
  const withActor =
    (answer: (c: Context<E>, actor: Actor) => Response | Promise<Response>) =>
    async (c: Context<E>) => {
      const actor = await options.actorOf(c);
      c.header('Cache-Control', 'no-store');
      if (actor === undefined) return refuse(c, failure('forbidden', 'Sign in first.'), 401);
      return answer(c, actor);
    };

  api.get(
    '/api/operations',
    withActor((c) => c.json({ ok: true, value: operations.list.map(describeOperation) })),
  );
  api.get(
    '/api/openapi.json',
    withActor((c) => c.json(openApi(operations.list, options.version))),
  );
  const run = async (c: Context<E>, actor: Actor, input: Input, source?: Source) => {
    const name = c.req.param('name') ?? '';
    if (!input.ok) return refuse(c, input);
    const outcome = await operations.run(name, input.value, actor, source);
    if (!outcome.ok) return refuse(c, outcome);
    if (!isAsyncIterable(outcome.value)) {
      const isWorded = c.req.query('words') !== undefined;
      return c.json(isWorded ? inWords(operations.find(name), outcome) : outcome);
    }
    const mayGoOn = async () => (await options.mayGoOn?.(c)) ?? true;
    return c.body(lines(outcome.value, { log, name, mayGoOn, closing: options.closing }), 200, {
      'Content-Type': 'application/x-ndjson',
      'X-Accel-Buffering': 'no', // a proxy must not hold lines back
    });
  };
  api.post(
    '/api/operations/:name',
    withActor(async (c, actor) => run(c, actor, await readInput(c))),
  );
  if (options.takesSources === true)
    api.post(
      `${SOURCES_PATH}:name`,
      withActor((c, actor) => run(c, actor, parseInput(c.req.query('input') ?? '{}'), bodyOf(c))),
    );
  api.all('/api/*', (c) => refuse(c, failure('unknown-operation', 'There is nothing here.')));
  return api;
}

/** The body, as it comes. */
async function* bodyOf(c: Context): AsyncGenerator<Buffer> {
  const { body } = c.req.raw;
  if (body === null) return;
  for await (const chunk of body as AsyncIterable<Uint8Array>)
    yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

type Input = { readonly ok: true; readonly value: unknown } | OperationFailure;

/** The JSON body; an absent one is an empty input. Only JSON is taken, as no form can send that. */
async function readInput(c: Context): Promise<Input> {
  const text = await c.req.text();
  if (text === '') return { ok: true, value: {} };
  const type = (c.req.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json')
    return failure('invalid-input', 'The input must be application/json.');
  return parseInput(text);
}

function parseInput(text: string): Input {
  try {
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch {
    return failure('invalid-input', 'The input is not JSON.');
  }
}

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

/**
 * Values as lines of JSON. The next value is asked for only when the reader has taken the last one;
 * a reader that goes away or may not go on, or a server that stops, ends the iteration.
 */
function lines(
  values: AsyncIterable<unknown>,
  {
    log,
    name,
    mayGoOn,
    closing,
  }: {
    log: Logger;
    name: string;
    mayGoOn: () => Promise<boolean>;
    closing: AbortSignal | undefined;
  },
): ReadableStream<Uint8Array> {
  const iterator = values[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  let isLeft = false;
  const leave = () => {
    isLeft = true;
    // A generator that waits for its next value answers this only later: nobody waits for it.
    iterator
      .return?.()
      .catch((error: unknown) => log.warn({ err: error, name }, 'a watch ended badly'));
  };
  let onClosing = () => {};
  const over = () => closing?.removeEventListener('abort', onClosing);
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        onClosing = () => {
          leave();
          controller.close();
        };
        if (closing?.aborted === true) onClosing();
        else closing?.addEventListener('abort', onClosing, { once: true });
      },
      async pull(controller) {
        try {
          const next = await iterator.next();
          const isToldOn = next.done !== true && (await mayGoOn());
          if (isLeft) return; // the stream is closed already
          if (isToldOn) {
            controller.enqueue(encoder.encode(`${JSON.stringify(next.value)}\n`));
            return;
          }
          if (next.done !== true) leave();
          controller.close();
        } catch (error) {
          log.error({ err: error, name }, 'a watch failed unexpectedly');
          controller.error(error);
        }
        over();
      },
      cancel() {
        over();
        leave();
      },
    },
    { highWaterMark: 0 },
  );
}

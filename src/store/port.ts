/** Both ends of the way to an engine: a worker thread, or a channel within this thread (tests). */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { createEngine } from './engine.ts';
import { failureOf, StoreError } from './errors.ts';
import type { Engine, Operations, Reply, Request } from './protocol.ts';

/** Answers calls that arrive at a port with an engine, until it is told to close. */
export function serve(port: MessagePort, engine: Engine): void {
  port.on('message', (request: Request) => {
    port.postMessage(answer(engine, request));
    if (request.op === 'close') port.close();
  });
}

function answer<Op extends keyof Operations>(engine: Engine, request: Request<Op>): Reply {
  try {
    return { id: request.id, result: engine[request.op](request.argument) };
  } catch (error) {
    return { id: request.id, failure: failureOf(error) };
  }
}

/** The asynchronous side of an engine. */
export interface EngineClient {
  /** Calls the engine; calls are answered in order. Rejects with a {@link StoreError}. */
  call<Op extends keyof Operations>(
    op: Op,
    argument: Operations[Op]['argument'],
  ): Promise<Operations[Op]['result']>;
  /** Closes the engine and its thread, after all earlier calls were answered. */
  close(): Promise<void>;
}

/**
 * Starts an engine.
 * @param isThread false keeps it in this thread, where it blocks; the messages are the same
 * @param onFailure is told when the thread dies; all calls under way are rejected then
 */
export function startEngine(
  isThread: boolean,
  onFailure: (error: StoreError) => void,
): EngineClient {
  const waiting = new Map<number, Waiting>();
  let nextId = 0;
  let ended: StoreError | undefined;
  let isClosing = false;
  const settle = (reply: Reply) => {
    const call = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('failure' in reply) call?.reject(StoreError.of(reply.failure));
    else call?.resolve(reply.result);
  };
  const fail = (error: StoreError) => {
    if (ended !== undefined) return;
    ended = error;
    for (const call of waiting.values()) call.reject(error);
    waiting.clear();
    // A thread that was told to close may be gone before its answer was looked at.
    if (!isClosing) onFailure(error);
  };
  const line = isThread ? threadLine(settle, fail) : channelLine(settle);
  const call: EngineClient['call'] = (op, argument) => {
    if (ended !== undefined) return Promise.reject(ended);
    return new Promise((resolve, reject) => {
      const id = nextId++;
      // The engine answers an operation with the result that Operations gives it.
      waiting.set(id, { resolve: resolve as Waiting['resolve'], reject });
      line.post({ id, op, argument } as Request);
    });
  };
  return {
    call,
    async close() {
      if (ended !== undefined) return;
      const closed = call('close', null);
      isClosing = true;
      await closed;
      ended = new StoreError('closed', 'the database is closed');
      await line.end();
    },
  };
}

interface Waiting {
  resolve(result: Operations[keyof Operations]['result']): void;
  reject(error: StoreError): void;
}

interface Line {
  post(request: Request): void;
  end(): Promise<void>;
}

function threadLine(settle: (reply: Reply) => void, fail: (error: StoreError) => void): Line {
  const worker = new Worker(new URL('./worker.js', import.meta.url), { name: 'store' });
  worker.on('message', settle);
  worker.on('error', (error) => fail(new StoreError('io', `database thread: ${error}`)));
  worker.on('exit', () => fail(new StoreError('io', 'the database thread ended')));
  return {
    post: (request) => worker.postMessage(request),
    async end() {
      await worker.terminate();
    },
  };
}

function channelLine(settle: (reply: Reply) => void): Line {
  const { port1, port2 } = new MessageChannel();
  serve(port2, createEngine());
  port1.on('message', settle);
  return {
    post: (request) => port1.postMessage(request),
    async end() {
      port1.close();
    },
  };
}

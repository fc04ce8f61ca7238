/**
 * `rtcd operate`: one operation on a stopped server, for `rtcctl`. The request comes as JSON on
 * the first line of standard input, so that no password is seen in a list of processes, and bytes that belong to
 * it may follow; the outcome goes as JSON to standard output, after its values, a line each, where it is many.
 */
import { access } from 'node:fs/promises';
import { z } from 'zod';
import { loadConfig } from '../config/load.ts';
import {
  type AnyOperation,
  createOperations,
  failure,
  inWords,
  type OperationOutcome,
  type Source,
  success,
} from '../core/operation.ts';
import { DESCRIBE_ALL, describeOperation } from '../core/operation-description.ts';
import { createLog } from '../kit/log.ts';
import { configOperations } from '../operations/config.ts';
import { type AssembleOptions, assemble, loadOptions } from './assemble.ts';
import { checkLoaded } from './config-service.ts';
import { StartError } from './start-error.ts';

const Request = z.object({
  name: z.string(),
  input: z.unknown(),
  /** Whether the outcome is wanted in words, too. */
  words: z.boolean().default(false),
});

const ACTOR = { name: 'root', via: 'offline' } as const;

/** Reads the request, runs it, prints the outcome. Exit status 0, whatever the outcome says. */
export async function operate(options: Omit<AssembleOptions, 'isServing'>): Promise<void> {
  const print = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);
  const { line, rest } = await firstLine(process.stdin);
  const outcome = await answer(
    line,
    { ...options, isServing: false },
    { source: rest, tell: (value) => print({ told: value }) },
  );
  print(outcome);
  process.stdin.destroy(); // what nobody wanted to read
}

/** The first line of bytes, and what follows it. */
async function firstLine(bytes: AsyncIterable<Buffer>): Promise<{ line: string; rest: Source }> {
  const iterator = bytes[Symbol.asyncIterator]();
  let read = Buffer.alloc(0);
  let end = -1;
  while (end < 0) {
    const next = await iterator.next();
    if (next.done === true) break;
    read = Buffer.concat([read, next.value]);
    end = read.indexOf('\n');
  }
  const line = end < 0 ? read : read.subarray(0, end);
  const rest = async function* () {
    if (end < 0) return;
    yield read.subarray(end + 1);
    for (;;) {
      const next = await iterator.next();
      if (next.done === true) return;
      yield next.value;
    }
  };
  return { line: line.toString('utf8'), rest: rest() };
}

/** What may come with a request, and how the values of an outcome that is many are told. */
export interface Streams {
  readonly source: Source;
  tell(value: unknown): void;
}

/** Why a command that works on a running server only is refused. */
const needsServer = ({ command }: AnyOperation) =>
  `rtcd is not running, and rtcctl ${command.join(' ')} needs it.`;

/** Carries out one request, which is JSON of what {@link Request} says. */
export async function answer(
  request: string,
  options: AssembleOptions,
  streams?: Streams,
): Promise<OperationOutcome<unknown>> {
  const read = Request.safeParse(parseJson(request));
  if (!read.success) return failure('invalid-input', 'The request is no JSON of {name, input}.');
  const { name, input, words } = read.data;
  if (name === 'config.check') return checkOnly(name, input, options);
  if (name === DESCRIBE_ALL && !(await hasData(options))) return success([]);
  try {
    const assembled = await assemble(options);
    try {
      if (name === DESCRIBE_ALL) return success(assembled.operations.list.map(describeOperation));
      const known = assembled.operations.find(name);
      if (known !== undefined && !known.offline) return failure('unavailable', needsServer(known));
      const outcome = await assembled.operations.run(name, input, ACTOR, streams?.source);
      if (outcome.ok && isAsyncIterable(outcome.value)) {
        for await (const value of outcome.value) streams?.tell(value);
        return success(null);
      }
      return words ? inWords(known, outcome) : outcome;
    } finally {
      await assembled.close();
    }
  } catch (error) {
    if (error instanceof StartError) return failure('refused', error.message);
    throw error;
  }
}

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

/** Whether there is a data folder: a command that is mistyped somewhere makes none. */
async function hasData(options: AssembleOptions): Promise<boolean> {
  const loaded = await loadConfig(loadOptions(options));
  if (!loaded.ok) return true; // `assemble` tells what is wrong
  return access(loaded.config.server.data).then(
    () => true,
    () => false,
  );
}

function parseJson(raw: string): unknown {
  try {
    return JSON.parse(raw);
  } catch {
    return undefined;
  }
}

/** The config can be checked when it is too faulty to build anything by it. */
async function checkOnly(name: string, input: unknown, options: AssembleOptions) {
  const check = async () => checkLoaded(await loadConfig(loadOptions(options)));
  const none = () => {
    throw new Error('there is no config in force');
  };
  const config = { current: none, check, show: none, reference: none, reload: none };
  const operations = createOperations(configOperations({ config }), {
    audit: { record: async () => {} },
    log: createLog({ level: 'silent' }).area('operations'),
    mayRun: () => true,
  });
  return operations.run(name, input, ACTOR);
}

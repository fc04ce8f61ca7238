/**
 * A client in a process of its own, steered by lines of JSON: requests `{id, do, …}` go to its
 * standard input; from its standard output come answers `{id, ok, value | error}` and what it sees
 * meanwhile, `{event, …}`. The programs are in test/peers, those in Python in test/peers/python.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { PYTHON } from './peers.ts';
import { endProcess } from './program.ts';

/** How long anything may take, if nothing else is said. */
const DEADLINE_MS = 15_000;

const Answer = z.object({
  id: z.int(),
  ok: z.boolean(),
  value: z.unknown().optional(),
  error: z.string().optional(),
});
const Event = z.looseObject({ event: z.string() });

/** What a client saw. */
export type ClientEvent = z.infer<typeof Event>;

/** Fields that an event has. */
export interface Expected {
  readonly event: string;
  readonly [field: string]: unknown;
}

/** A client under way. */
export interface ClientProgram {
  /** Has the client do something; answers what came of it. Throws if the client could not. */
  ask(what: string, fields?: object): Promise<unknown>;
  /** The first event, from now or from before, that has these fields; it is taken. */
  sees(expected: Expected): Promise<ClientEvent>;
  /** What was seen and not taken, of a kind. */
  pending(event: string): readonly ClientEvent[];
  /** Ends the process, with no farewell to the server. */
  kill(): Promise<void>;
}

type Env = Readonly<Record<string, string>>;

interface Waiting {
  readonly matches: (event: ClientEvent) => boolean;
  readonly take: (event: ClientEvent) => void;
}

/** Starts one of the programs in test/peers/python. */
export function startPython(name: string, env: Env = {}, deadlineMs = DEADLINE_MS): ClientProgram {
  const script = join(import.meta.dirname, '../peers/python', name);
  return startClient(PYTHON, ['-B', script], env, deadlineMs); // with nothing written beside it
}

/**
 * Starts a client's program.
 * @param env variables of its environment besides ours
 * @param deadlineMs how long anything may take that it is asked for, or that is waited for
 */
export function startClient(
  command: string,
  words: readonly string[],
  env: Env = {},
  deadlineMs = DEADLINE_MS,
): ClientProgram {
  const child = spawn(command, words, {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const events: ClientEvent[] = [];
  const answers = new Map<number, (answer: z.infer<typeof Answer>) => void>();
  let waiting: readonly Waiting[] = [];
  let errors = '';
  let asked = 0;

  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk;
  });
  child.stdin.on('error', () => {}); // told by its exit
  createInterface({ input: child.stdout }).on('line', (line) => {
    const json: unknown = JSON.parse(line);
    const answer = Answer.safeParse(json);
    if (answer.success) return answers.get(answer.data.id)?.(answer.data);
    const event = Event.parse(json);
    const first = waiting.find(({ matches }) => matches(event));
    if (first === undefined) return void events.push(event);
    waiting = waiting.filter((each) => each !== first);
    first.take(event);
  });

  const state = () =>
    [
      ...events.map((event) => `  seen: ${JSON.stringify(event)}`),
      ...(child.exitCode === null ? [] : [`  it ended with status ${child.exitCode}`]),
      ...errors.split('\n').filter((line) => line !== ''),
    ].join('\n');
  const within = <T>(what: string, start: (settle: (value: T) => void) => void): Promise<T> =>
    new Promise((settle, fail) => {
      const complain = () => fail(new Error(`${what}: nothing came in time\n${state()}`));
      const timer = setTimeout(complain, deadlineMs);
      start((value) => {
        clearTimeout(timer);
        settle(value);
      });
    });

  return {
    async ask(what, fields = {}) {
      asked += 1;
      const id = asked;
      const answer = await within<z.infer<typeof Answer>>(what, (settle) => {
        answers.set(id, settle);
        child.stdin.write(`${JSON.stringify({ id, do: what, ...fields })}\n`);
      });
      answers.delete(id);
      if (!answer.ok) throw new Error(answer.error ?? 'refused');
      return answer.value;
    },
    async sees(expected) {
      const matches = (event: ClientEvent) =>
        Object.entries(expected).every(([field, value]) => event[field] === value);
      const index = events.findIndex(matches);
      const [found] = index < 0 ? [] : events.splice(index, 1);
      if (found !== undefined) return found;
      return within(`waiting for ${JSON.stringify(expected)}`, (take) => {
        waiting = [...waiting, { matches, take }];
      });
    },
    pending: (wanted) => events.filter(({ event }) => event === wanted),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const closed = once(child, 'close');
      await endProcess(child);
      await closed;
    },
  };
}

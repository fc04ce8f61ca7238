/** One run of rtcctl, from its arguments to its exit code. */
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { CommanderError } from 'commander';
import { z } from 'zod';
import type { AnyOperation, OperationOutcome, OperationProblem } from '../core/operation.ts';
import {
  describeOperation,
  type OperationDescription,
  type ValueKind,
} from '../core/operation-description.ts';
import { declaredOperations } from '../operations/index.ts';
import { type Asking, callOperation, type Line, type Reached } from './client.ts';
import { completionScript } from './completion.ts';
import { EXIT, type ExitCode, exitCodeFor } from './exit-codes.ts';
import { gatherInput } from './input.ts';
import { hindranceOf, withLive } from './live.ts';
import { findSocket, type SocketPlace } from './locate.ts';
import { runOffline } from './offline.ts';
import { faultsText } from './parameters.ts';
import { buildProgram, type Chosen, type Shell } from './program.ts';
import { askYes, type Keyboard, type Terminal } from './prompt.ts';
import { renderLine, renderValue } from './render.ts';
import { harmless, type Style, styleFor } from './style.ts';

/** Where text goes. */
export type Output = Writable & { readonly isTTY?: boolean };

/** All that a run touches. */
export interface Surroundings {
  /** The arguments, without the program. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: Keyboard;
  readonly stdout: Output;
  readonly stderr: Output;
  /** The file of the server's program, for operations on a stopped server. */
  readonly serverProgram: string;
  readonly version: string;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** How long to wait for an answer. */
const TIMEOUT_SECONDS = 30;
/** Node's timers count no further, and one that is longer fires at once. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** Runs rtcctl; answers the exit code. */
export async function run(around: Surroundings): Promise<ExitCode> {
  const operations = declaredOperations();
  const early = readEarly(around.argv);
  const place = await findSocket({ ...early, env: around.env, cwd: around.cwd });
  const socket = place.path;
  const own = operations.map(describeOperation);
  const descriptions = names(own, early.words)
    ? own
    : await withLive(own, { ...early, socket, around });
  if ('exit' in descriptions) {
    around.stderr.write(`rtcctl: ${descriptions.text}\n`);
    return descriptions.exit;
  }
  let exit: ExitCode = EXIT.done;
  const program = buildProgram({
    descriptions,
    version: around.version,
    out: (text) => void around.stdout.write(text),
    err: (text) => void around.stderr.write(text),
    complete: (shell: Shell) => void around.stdout.write(completionScript(shell, descriptions)),
    async act(chosen) {
      exit = await new Errand(around, operations, place, chosen).run();
    },
  });
  try {
    await program.parseAsync([...around.argv], { from: 'user' });
    return exit;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
}

/** What must be known before the commands are: options of the place, and the plain words. */
export function readEarly(argv: readonly string[]) {
  const words: string[] = [];
  const found: Record<string, string | undefined> = {};
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    const [, name, value] = /^--(socket|config|timeout)(?:=(.*))?$/s.exec(word) ?? [];
    if (name === undefined) {
      if (!word.startsWith('-')) words.push(word);
    } else if (value === undefined) {
      index += 1;
      found[name] = argv[index];
    } else found[name] = value;
  }
  return {
    socket: found['socket'],
    config: found['config'],
    timeoutMs: msOf(found['timeout']),
    words,
  };
}

/** Whether the words begin with one of the commands. */
function names(descriptions: readonly OperationDescription[], words: readonly string[]): boolean {
  return descriptions.some(({ command }) => command.every((word, index) => words[index] === word));
}

/** The time of `--timeout` in ms; undefined if it is none. */
function msOf(timeout: unknown): number | undefined {
  const seconds = Number(timeout ?? TIMEOUT_SECONDS);
  const isGood = Number.isFinite(seconds) && seconds > 0;
  return isGood ? Math.min(Math.ceil(seconds * 1000), LONGEST_TIMEOUT_MS) : undefined;
}

type OperationSuccess = Extract<OperationOutcome<unknown>, { readonly ok: true }>;

class Errand {
  readonly #around: Surroundings;
  readonly #operation: AnyOperation | undefined;
  readonly #description: OperationDescription;
  readonly #chosen: Chosen;
  readonly #place: SocketPlace;
  readonly #socket: string;
  readonly #isJson: boolean;
  readonly #style: Style;
  /** Whether a value of a watch said that something is wrong. */
  #isIll = false;
  /** Whether the answer is a document, to which standard output belongs then. */
  #isDocument = false;
  /** What a document was, which is told after it. */
  #written: unknown;

  constructor(
    around: Surroundings,
    operations: readonly AnyOperation[],
    place: SocketPlace,
    chosen: Chosen,
  ) {
    this.#around = around;
    this.#chosen = chosen;
    this.#description = chosen.description;
    this.#operation = operations.find(({ name }) => name === chosen.description.name);
    this.#place = place;
    this.#socket = place.path;
    this.#isJson = chosen.given.options['json'] === true;
    this.#style = styleFor(around.stdout, around.env);
  }

  async run(): Promise<ExitCode> {
    const timeoutMs = this.#patienceMs();
    if (timeoutMs === undefined) return this.#fail(EXIT.usage, '--timeout: give seconds, above 0');
    const { parameters, given } = this.#chosen;
    const { cwd, stdin: keyboard } = this.#around;
    const gathered = await gatherInput(parameters, given, {
      cwd,
      keyboard,
      terminal: this.#terminal(),
    });
    if (!gathered.ok)
      return this.#fail(gathered.isInterrupted ? EXIT.interrupted : EXIT.usage, gathered.text);
    const { input, generated } = gathered;
    const isStreamed = (kind: ValueKind) =>
      parameters.some((each) => each.kind === kind && input[each.field] === '-');
    this.#isDocument = isStreamed('target');
    if (!(await this.#isMeant(input))) return this.#fail(EXIT.interrupted, 'Nothing was changed.');
    const line = { socket: this.#socket, timeoutMs, signal: this.#around.signal };
    const asking = {
      ...{ name: this.#description.name, input, ...this.#wish() },
      source: isStreamed('source') ? keyboard : undefined,
    };
    return this.#conclude(await this.#send(line, asking), asking, generated);
  }

  /** How long to wait for an answer; undefined if what was given is none. */
  #patienceMs(): number | undefined {
    const given = this.#chosen.given.options['timeout'];
    return given === undefined && this.#description.isSlow ? LONGEST_TIMEOUT_MS : msOf(given);
  }

  #terminal(): Terminal | undefined {
    const { stdin, stderr } = this.#around;
    return stdin.isTTY === true ? { keyboard: stdin, screen: stderr } : undefined;
  }

  /** Whether a question that the operation wants asked was answered with yes. */
  async #isMeant(input: Readonly<Record<string, unknown>>): Promise<boolean> {
    const question = this.#description.input['x-confirm'];
    const terminal = this.#terminal();
    if (question === undefined || terminal === undefined) return true;
    if (this.#chosen.given.options['yes'] === true) return true;
    const asked = question.replace(/\{(\w+)\}/g, (_, field: string) => String(input[field] ?? ''));
    return askYes(harmless(asked), terminal);
  }

  /** Asks the server for the words, where it alone knows them: those of a module's operation. */
  #wish(): { readonly words?: true } {
    return this.#isJson || this.#operation !== undefined ? {} : { words: true };
  }

  #send(line: Line, asking: Asking): Promise<Reached> {
    const { effect, output } = this.#description;
    if (this.#isDocument)
      return callOperation(line, { ...asking, onValue: (value) => this.#write(value) });
    if (effect !== 'watch') return callOperation(line, asking);
    if (this.#terminal() !== undefined) this.#around.stderr.write('Watching; Ctrl-C ends it.\n');
    const onValue = (value: unknown) => {
      this.#isIll ||= isIll(value);
      this.#print(this.#isJson ? JSON.stringify(value) : renderLine(value, output, this.#style));
    };
    return callOperation(line, { ...asking, words: false, onValue });
  }

  /** A piece of a document, or what it was. */
  async #write(value: unknown): Promise<void> {
    const { stdout } = this.#around;
    if (typeof value !== 'string') {
      this.#written = value;
      return;
    }
    const isRoom = stdout.write(stdout.isTTY === true ? harmless(value, true) : value);
    if (!isRoom) await once(stdout, 'drain');
  }

  /** A document has ended, or what there is of it. */
  #concludeDocument(): ExitCode {
    const value = this.#written;
    if (value === undefined)
      return this.#fail(EXIT.failed, 'rtcd broke it off: what was written is not whole.');
    return this.#show({ ok: true, value }, undefined);
  }

  async #conclude(
    reached: Reached,
    asking: Asking,
    generated: string | undefined,
  ): Promise<ExitCode> {
    const socket = this.#socket;
    switch (reached.kind) {
      case 'answered':
        return this.#show(reached.outcome, generated);
      case 'ended':
        if (this.#isDocument) return this.#concludeDocument();
        return this.#isIll ? EXIT.failed : EXIT.done;
      case 'absent':
        return this.#withoutServer(asking, generated);
      case 'interrupted':
        return this.#description.effect === 'watch' ? EXIT.done : EXIT.interrupted;
      default: {
        const { exit, text } = hindranceOf(reached, socket);
        return this.#fail(exit, text);
      }
    }
  }

  /** Nobody listens: the server's program does it on the data folder, if that makes sense. */
  async #withoutServer(asking: Asking, generated: string | undefined): Promise<ExitCode> {
    const { command, offline } = this.#description;
    if (!offline && (await this.#isMisled()))
      return this.#fail(
        EXIT.usage,
        `--config: ${this.#chosen.given.options['config']}: there is no such file`,
      );
    if (!offline)
      return this.#fail(
        EXIT.notRunning,
        `rtcd is not running (no socket at ${this.#socket}), and rtcctl ${command.join(' ')} needs it; start it with npm start${this.#place.isConfigured ? MOVED : ''}`,
      );
    const { serverProgram: file, cwd, env, signal } = this.#around;
    const config = this.#chosen.given.options['config'];
    const program = { file, cwd, env, config: typeof config === 'string' ? config : undefined };
    const request = this.#isDocument
      ? { ...asking, onValue: (value: unknown) => this.#write(value) }
      : asking;
    const outcome = await runOffline(program, request, signal);
    if (outcome.ok && this.#isDocument) return this.#concludeDocument();
    return signal.aborted && !outcome.ok ? EXIT.interrupted : this.#show(outcome, generated);
  }

  /** Whether the config file that was named is none. */
  async #isMisled(): Promise<boolean> {
    const { config } = this.#chosen.given.options;
    if (typeof config !== 'string') return false;
    return access(resolve(this.#around.cwd, config)).then(
      () => false,
      (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
    );
  }

  #show(outcome: OperationOutcome<unknown>, generated: string | undefined): ExitCode {
    const exit = this.#exitFor(outcome);
    const secret = outcome.ok ? generated : undefined;
    if (this.#isJson) {
      const whole = secret === undefined ? outcome : { ...outcome, generated: secret };
      this.#print(JSON.stringify(whole, undefined, 2));
      return exit;
    }
    if (!outcome.ok)
      return this.#fail(exit, faultsText(outcome, this.#chosen.parameters) ?? outcome.text);
    this.#print(this.#present(outcome));
    if (secret !== undefined) this.#print(`Password: ${secret}`);
    return exit;
  }

  /** A check that found an error is answered, yet not well. */
  #exitFor(outcome: OperationOutcome<unknown>): ExitCode {
    if (!outcome.ok) return exitCodeFor(outcome.why);
    return isIll(outcome.value) ? EXIT.failed : EXIT.done;
  }

  /** By the operation's own words if it has some and the value is as they expect, else by schema. */
  #present({ value, text }: OperationSuccess): string {
    if (text !== undefined) return harmless(text, true);
    const operation = this.#operation;
    if (operation?.present !== undefined) {
      const parsed = z.safeParse(operation.output, value);
      if (parsed.success) return harmless(operation.present(parsed.data), true);
    }
    return renderValue(value, this.#description.output, this.#style);
  }

  #print(text: string): void {
    const { stdout, stderr } = this.#around;
    (this.#isDocument ? stderr : stdout).write(`${text}\n`);
  }

  #fail(exit: ExitCode, text: string): ExitCode {
    if (this.#isJson) {
      const why = PROBLEM_OF[exit] ?? 'internal';
      this.#print(JSON.stringify({ ok: false, why, text }, undefined, 2));
      return exit;
    }
    const { stderr, env } = this.#around;
    stderr.write(`${styleFor(stderr, env).bad('rtcctl:')} ${harmless(text, true)}\n`);
    return exit;
  }
}

/** Whether a value says that what was looked at is not well. */
const isIll = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'healthy' in value && value.healthy === false;

const MOVED =
  '. If data or adminSocket of the config is another one since it was started, --socket names the one before';

/** What rtcctl itself finds wrong, in the terms of an outcome. */
const PROBLEM_OF: { readonly [exit in ExitCode]?: OperationProblem } = {
  [EXIT.usage]: 'invalid-input',
  [EXIT.notRunning]: 'unavailable',
  [EXIT.timeout]: 'unavailable',
  [EXIT.forbidden]: 'forbidden',
  [EXIT.interrupted]: 'refused',
};

/** Structured logs (pino): JSON for machines, readable lines on a terminal, a level per area. */
import { createRequire } from 'node:module';
import { Writable } from 'node:stream';
import { type DestinationStream, type Level, type Logger as PinoLogger, pino } from 'pino';
import { openLogOutput } from './log-output.ts';

/** A logger of one area; `child({ stream, account })` binds what each of its lines carries. */
export type Logger = PinoLogger;

/** The levels an area can be set to, most talkative first. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** One of {@link LOG_LEVELS}. */
export type LogLevel = Level | 'silent';

/** How the log is written. */
export interface LogOptions {
  readonly level: LogLevel;
  /** Levels of single areas (`c2s`, `store` …) that differ from `level`. */
  readonly areas?: Readonly<Record<string, LogLevel>>;
  /** `auto` is `pretty` on a terminal and `json` elsewhere. */
  readonly format?: 'auto' | 'json' | 'pretty';
  /** Where lines go; standard output if absent. */
  readonly destination?: DestinationStream;
}

/** All areas' loggers and their levels, which can be changed while the server runs. */
export interface LogRoot {
  /** The logger of an area; the same one for the same name. */
  area(name: string): Logger;
  /** Sets one area's level, or, without an area, the level of all that have none of their own. */
  setLevel(level: LogLevel, area?: string): void;
  /** Takes the levels of a config, in place of all that was set before. */
  reset(levels: Pick<LogOptions, 'level' | 'areas'>): void;
  /** The level of each area known so far, and the default under `*`. */
  levels(): Record<string, LogLevel>;
}

/** Only terminals need it, and loading it takes a while. */
function loadPretty() {
  const load = createRequire(import.meta.url);
  return load('pino-pretty') as typeof import('pino-pretty');
}

const STDOUT = 1;

/** A stream that never fails, as pino-pretty needs it. */
function streamTo(output: DestinationStream): Writable {
  return new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      output.write(text);
      done();
    },
  });
}

/** Opens the log. */
export function createLog(options: LogOptions): LogRoot {
  const format = options.format ?? 'auto';
  const isPretty = format === 'pretty' || (format === 'auto' && process.stdout.isTTY === true);
  const sink =
    options.destination ??
    (isPretty
      ? loadPretty()({
          colorize: process.stdout.isTTY === true,
          singleLine: true,
          messageFormat: '{area}: {msg}',
          ignore: 'pid,hostname,area',
          destination: streamTo(openLogOutput(STDOUT, true)),
        })
      : openLogOutput(STDOUT, false));
  const root = pino({ level: 'trace', base: null }, sink);
  let fallback = options.level;
  const own = new Map<string, LogLevel>(Object.entries(options.areas ?? {}));
  const areas = new Map<string, Logger>();
  const apply = () => {
    for (const [name, logger] of areas) logger.level = own.get(name) ?? fallback;
  };
  return {
    area(name) {
      const known = areas.get(name);
      if (known !== undefined) return known;
      const logger = root.child({ area: name }, { level: own.get(name) ?? fallback });
      areas.set(name, logger);
      return logger;
    },
    setLevel(level, area) {
      if (area === undefined) fallback = level;
      else own.set(area, level);
      apply();
    },
    reset({ level, areas: next = {} }) {
      fallback = level;
      own.clear();
      for (const [area, each] of Object.entries(next)) own.set(area, each);
      apply();
    },
    levels() {
      const names = new Set([...areas.keys(), ...own.keys()]);
      const each = [...names].sort().map((name) => [name, own.get(name) ?? fallback] as const);
      return { '*': fallback, ...Object.fromEntries(each) };
    },
  };
}

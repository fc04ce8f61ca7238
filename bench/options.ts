/** The command line. */
import { Command, InvalidArgumentError } from 'commander';
import { KEYS, type KeyKind } from './servers/certificate.ts';

/** Servers that we can start. */
export const SERVERS = ['rtcd', 'rtcd-no-story', 'prosody', 'ejabberd'] as const;
export type ServerName = (typeof SERVERS)[number];

/** The settings of a benchmark. */
export interface Options {
  readonly server: readonly ServerName[];
  readonly scenario: readonly string[];
  /** What is to grow; if given, no scenario runs. */
  readonly growth?: readonly string[];
  readonly mostRows: number;
  readonly repeat: number;
  readonly key: KeyKind;
  readonly pin: boolean;
  readonly keyCache: boolean;
  readonly json: boolean;
  readonly report?: string;
  readonly redraw: boolean;
  readonly profile?: string;
  readonly timeout: number;

  readonly rest: number;
  readonly settle: number;
  readonly logins: number;
  readonly concurrency: number;
  readonly loginAccounts: number;
  readonly agingLogins: number;
  readonly warmLogins: number;

  readonly subscribers: number;
  readonly pairs: number;
  readonly held: number;
  readonly window: number;
  readonly rate: number;
  readonly seconds: number;
  readonly warmup: number;
  readonly body: number;

  readonly archived: number;
  readonly page: number;
  readonly kept: number;
  readonly absent: number;
}

/** What the command line says, before what depends on several of its words. */
type Raw = Omit<Options, 'key' | 'repeat'> & {
  readonly vs?: readonly ServerName[];
  readonly key?: KeyKind;
  readonly repeat?: number;
};

/** How often each server is measured where servers are compared. */
const REPEAT_TO_COMPARE = 5;

/** Reads a whole number within bounds: a mistyped one must not fill the machine or run for hours. */
const whole = (least: number, most: number) => (text: string) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`);
  return value;
};

const oneOf =
  <Name extends string>(allowed: readonly Name[]) =>
  (text: string): Name => {
    const found = allowed.find((each) => each === text);
    if (found === undefined) throw new InvalidArgumentError(`Known are ${allowed.join(', ')}.`);
    return found;
  };

/** Reads a list of names, divided by commas; `pairs*` stands for all that begin so, and a set for its names. */
const listOf =
  <Name extends string>(
    allowed: readonly Name[],
    sets: Readonly<Record<string, readonly Name[]>> = {},
  ) =>
  (text: string): Name[] =>
    text.split(',').flatMap((name) => {
      const set = sets[name];
      if (set !== undefined) return [...set];
      if (!name.endsWith('*')) return [oneOf(allowed)(name)];
      return allowed.filter((each) => each.startsWith(name.slice(0, -1)));
    });

/** What can be asked for by name. */
export interface Names {
  readonly trials: readonly string[];
  /** The trials that targets are about. */
  readonly targets: readonly string[];
  readonly growing: readonly string[];
}

/** Reads the command line; ends the process with a message when it is wrong. */
export function readOptions(argv: readonly string[], names: Names): Options {
  const { trials, targets, growing } = names;
  const command = new Command('npm run bench --')
    .description('Puts load on XMPP servers on this machine and measures them.')
    .option('--vs <names>', 'compare rtcd with others: prosody,ejabberd', listOf(SERVERS))
    .option('--server <names>', 'the servers, all of them', listOf(SERVERS), ['rtcd'])
    .option(
      '--scenario <names>',
      'what to run: trials, * at the end for several, or targets',
      listOf(trials, { targets }),
      [...trials],
    )
    .option('--growth <names>', 'how costs grow, in place of scenarios; * for all', listOf(growing))
    .option('--most-rows <n>', 'growth: of the archive', whole(10_000, 10_000_000), 1_000_000)
    .option('--repeat <n>', 'how often (5 with --vs)', whole(1, 50))
    .option('--key <kind>', 'of the certificate (rsa with --vs)', oneOf(KEYS))
    .option('--no-pin', 'leave it to the system on which cores server and generator run')
    .option('--no-key-cache', 'derive the keys of a password anew at each login')
    .option('--json', 'print JSON', false)
    .option('--report <folder>', 'write figures and plots there, and into <folder>.md')
    .option('--redraw', 'measure nothing: draw the report anew from its figures', false)
    .option('--profile <folder>', "write V8's CPU profiles of rtcd")
    .option('--timeout <ms>', 'how long one login may take', whole(100, 600_000), 30_000)
    .option(
      '--rest <s>',
      'idle: how long the server rests before memory is read',
      whole(0, 600),
      120,
    )
    .option('--settle <s>', 'growth: the same, of sessions', whole(0, 600), 3)
    .option('--logins <n>', 'logins, roster: how many', whole(1, 1_000_000), 1000)
    .option('--concurrency <n>', 'logins: under way at a time', whole(1, 1000), 16)
    .option('--login-accounts <n>', 'logins: accounts they are spread over', whole(1, 10_000), 100)
    .option('--warm-logins <n>', 'logins-warm, resume-warm: before', whole(1, 100_000), 4000)
    .option('--aging-logins <n>', 'aged: logins before', whole(1, 100_000), 900)
    .option('--pairs <n>', 'pairs, aged: how many', whole(1, 5000), 50)
    .option('--held <n>', 'pairs-held, aged: idle sessions beside', whole(1, 10_000), 2000)
    .option('--subscribers <n>', 'nodes: how many are subscribed', whole(1, 5000), 500)
    .option('--window <n>', 'messages of a sender that are under way', whole(1, 10_000), 10)
    .option('--rate <n>', 'pairs-paced: messages a second', whole(1, 1_000_000), 1000)
    .option('--seconds <s>', 'how long is measured', whole(1, 600), 8)
    .option('--warmup <s>', 'how long they chat before', whole(0, 600), 4)
    .option('--body <bytes>', 'the length of a text', whole(24, 100_000), 100)
    .option('--archived <n>', 'archive: messages in it', whole(1, 10_000_000), 10_000)
    .option('--page <n>', 'archive: messages of a page', whole(1, 1000), 50)
    .option('--kept <n>', 'offline: messages for each one who is away', whole(1, 100_000), 1000)
    .option('--absent <n>', 'offline: how many are away', whole(1, 1000), 10)
    .allowExcessArguments(false)
    .parse([...argv], { from: 'user' });
  const raw = command.opts<Raw>();
  if (raw.loginAccounts < raw.concurrency)
    command.error('error: --login-accounts must not be less than --concurrency');
  const server = raw.vs === undefined ? raw.server : [...new Set([...raw.server, ...raw.vs])];
  const isComparison = raw.vs !== undefined;
  return {
    ...raw,
    server,
    key: raw.key ?? (isComparison ? 'rsa' : 'ecdsa'),
    repeat: raw.repeat ?? (isComparison ? REPEAT_TO_COMPARE : 1),
  };
}

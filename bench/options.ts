/** The command line. */
import { isIP } from 'node:net';
import { Command, InvalidArgumentError, Option } from 'commander';

/** Servers that we can start. */
export const SERVERS = ['rtcd', 'rtcd-no-story', 'rtcd-no-archive', 'prosody'] as const;
export type ServerName = (typeof SERVERS)[number];

/** Scenarios, in the order in which they run: memory first, while the server is fresh. */
export const SCENARIOS = [
  'idle',
  'logins',
  'pairs',
  'archive',
  'offline',
  'room',
  'nodes',
] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

/** The settings of a benchmark. */
export interface Options {
  readonly server: readonly ServerName[];
  readonly scenario: readonly ScenarioName[];
  readonly repeat: number;
  readonly directTls: boolean;
  readonly keyCache: boolean;
  readonly json: boolean;
  readonly profile?: string;
  readonly timeout: number;

  readonly sessions: number;
  readonly settle: number;

  readonly logins: number;
  readonly concurrency: number;
  readonly loginAccounts: number;

  readonly occupants: number;
  readonly subscribers: number;
  readonly pairs: number;
  readonly window: number;
  readonly rate?: number;
  readonly seconds: number;
  readonly warmup: number;
  readonly body: number;

  readonly archived: number;
  readonly page: number;

  readonly kept: number;
  readonly absent: number;

  readonly port?: number;
  readonly host: string;
  readonly domain: string;
  readonly pid?: number;
  readonly userPrefix: string;
  readonly password: string;
  readonly adminSocket?: string;
}

/** Reads a whole number within bounds: a mistyped one must not fill the machine or run for hours. */
const whole = (least: number, most: number) => (text: string) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`);
  return value;
};

/** Reads a list of names, divided by commas. */
const listOf =
  <Name extends string>(allowed: readonly Name[]) =>
  (text: string): Name[] =>
    text.split(',').map((name) => {
      const found = allowed.find((each) => each === name);
      if (found === undefined) throw new InvalidArgumentError(`Known are ${allowed.join(', ')}.`);
      return found;
    });

/** Reads an address of this machine: load goes nowhere else. */
function loopback(text: string): string {
  const isOurs = text === '::1' || (isIP(text) === 4 && text.startsWith('127.'));
  if (!isOurs) throw new InvalidArgumentError('Load is sent to loopback addresses only.');
  return text;
}

/** Reads the command line; ends the process with a message when it is wrong. */
export function readOptions(argv: readonly string[]): Options {
  const command = new Command('npm run bench --')
    .description('Puts load on an XMPP server on this machine and measures it.')
    .option('--server <names>', 'servers to start, one after the other', listOf(SERVERS), ['rtcd'])
    .option('--scenario <names>', 'what to run', listOf(SCENARIOS), [...SCENARIOS])
    .option('--repeat <n>', 'how often, with a new server each time', whole(1, 50), 1)
    .option('--direct-tls', 'TLS from the first byte, not by STARTTLS', false)
    .option('--no-key-cache', 'derive the keys of a password anew at each login')
    .option('--json', 'print JSON', false)
    .option('--profile <folder>', "write V8's CPU profiles of rtcd")
    .option('--timeout <ms>', 'how long one login may take', whole(100, 600_000), 30_000)
    .option('--sessions <n>', 'idle: sessions', whole(1, 10_000), 500)
    .option('--settle <s>', 'idle: rest before memory is read', whole(0, 600), 3)
    .option('--logins <n>', 'logins: how many', whole(1, 1_000_000), 2000)
    .option('--concurrency <n>', 'logins: under way at a time', whole(1, 1000), 16)
    .option('--login-accounts <n>', 'logins: accounts they are spread over', whole(1, 10_000), 100)
    .option('--pairs <n>', 'pairs: how many', whole(1, 5000), 50)
    .option('--occupants <n>', 'room: how many are in it', whole(2, 2000), 500)
    .option('--subscribers <n>', 'nodes: how many are subscribed', whole(1, 5000), 500)
    .option(
      '--window <n>',
      'pairs, room, nodes: messages of a sender that are under way',
      whole(1, 10_000),
      1,
    )
    .option('--rate <n>', 'pairs: messages a second in all (no window)', whole(1, 1_000_000))
    .option('--seconds <s>', 'pairs, room, nodes: how long is measured', whole(1, 600), 10)
    .option('--warmup <s>', 'pairs, room, nodes: how long they chat before', whole(0, 600), 3)
    .option(
      '--body <bytes>',
      'pairs, archive, offline, room, nodes: the length of a text',
      whole(24, 100_000),
      100,
    )
    .option('--archived <n>', 'archive: messages in it', whole(1, 10_000_000), 100_000)
    .option('--page <n>', 'archive: messages of a page', whole(1, 1000), 50)
    .option('--kept <n>', 'offline: messages for each one who is away', whole(1, 100_000), 1000)
    .option('--absent <n>', 'offline: how many are away', whole(1, 1000), 10)
    .option('--port <n>', 'a server that runs already: its port', whole(1, 65_535))
    .option('--host <address>', '… its address', loopback, '127.0.0.1')
    .option('--domain <name>', '… its domain', 'localhost')
    .option('--pid <n>', '… its process', whole(1, 2 ** 22))
    .option('--user-prefix <name>', '… accounts are <name>0, <name>1 …', 'bench')
    .option('--password <text>', '… the password of all of them', 'bench password')
    .addOption(new Option('--admin-socket <path>', "… rtcd's admin socket, to make the accounts"))
    .allowExcessArguments(false)
    .parse([...argv], { from: 'user' });
  const options = command.opts<Options>();
  if (options.port !== undefined && options.pid === undefined)
    command.error('error: --port needs --pid, as the server itself is measured');
  if (options.port !== undefined && options.repeat > 1)
    command.error('error: --repeat starts servers anew, which --port does not');
  if (options.loginAccounts < options.concurrency)
    command.error('error: --login-accounts must not be less than --concurrency');
  return options;
}

/** Accounts of the archive's own, in whose archives nothing is yet. */
export const ARCHIVE_ACCOUNTS = 2;

/** How many accounts the scenarios need. */
export function accountsNeeded(options: Options): number {
  const needs = {
    idle: options.sessions,
    logins: options.loginAccounts,
    pairs: 2 * options.pairs,
    room: options.occupants,
    nodes: options.subscribers,
    offline: 1 + options.absent,
    archive: 0,
  };
  const shared = Math.max(...options.scenario.map((name) => needs[name]));
  return shared + (options.scenario.includes('archive') ? ARCHIVE_ACCOUNTS : 0);
}

/** The command line of rtcctl: commands, arguments, options and help, from the operations. */
import { Argument, Command, Option } from 'commander';
import type { OperationDescription } from '../core/operation-description.ts';
import { EXIT_MEANINGS } from './exit-codes.ts';
import type { Given } from './input.ts';
import { argumentOf, type Parameter, parametersOf } from './parameters.ts';

/** A command that was recognised, with what was given. */
export interface Chosen {
  readonly description: OperationDescription;
  readonly parameters: readonly Parameter[];
  readonly given: Given;
}

/** What {@link buildProgram} takes. */
export interface ProgramOptions {
  readonly descriptions: readonly OperationDescription[];
  readonly version: string;
  out(text: string): void;
  err(text: string): void;
  /** Carries a command out. */
  act(chosen: Chosen): Promise<void>;
  /** Prints the completion script for a shell. */
  complete(shell: Shell): void;
}

/** The shells that there is a completion for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
/** One of {@link SHELLS}. */
export type Shell = (typeof SHELLS)[number];

/** What each group of commands is about. */
const GROUP_SUMMARIES: Readonly<Record<string, string>> = {
  user: 'Accounts.',
  group: 'Groups whose members have each other in their rosters.',
  report: 'Reports of spam and abuse.',
  session: 'Sessions of clients.',
  archive: 'What is archived of an account.',
  host: 'Virtual hosts.',
  component: 'Programs that serve a domain of ours.',
  room: 'Chat rooms.',
  config: 'The config files.',
  cert: 'Certificates.',
  dns: 'The DNS records of our domains.',
  s2s: 'Other servers.',
  log: 'The log.',
  audit: 'What admins did.',
  pubsub: 'Nodes to publish to.',
  motd: 'The message of the day.',
  welcome: 'What new users are welcomed with.',
  push: 'Push notifications.',
  registration: 'Accounts that wait for approval.',
  invite: 'Links by which accounts are made.',
  file: 'Uploaded files.',
};

/** The options that every command has, with their descriptions. */
export const GENERAL_OPTIONS = [
  ['--json', 'Print the outcome as JSON.'],
  ['--socket <path>', 'The admin socket of the server ($RTCD_SOCKET).'],
  ['--config <file>', 'The config file of the server ($RTCD_CONFIG).'],
  ['--timeout <seconds>', 'How long to wait for the server (30).'],
] as const;

/** The options that a command has besides those of its parameters. */
export function furtherOptions(
  description: OperationDescription,
): readonly (readonly [flags: string, summary: string])[] {
  const secrets = parametersOf(description).filter(({ form }) => form === 'secret');
  return [
    ...secrets.map(
      ({ field, option }) =>
        [`--${option}-stdin`, `Read the ${field} from standard input.`] as const,
    ),
    ...secrets
      .filter(({ kind }) => kind === 'new-password')
      .map(({ field }) => ['--generate', `Make a ${field} and print it once.`] as const),
    ...(description.input['x-confirm'] === undefined
      ? []
      : [['-y, --yes', 'Do not ask whether it is meant.'] as const]),
  ];
}

/** A parameter as an option of the command line: `--key-type <key-type>`. */
export function flagsOf({ option, form, placeholder, kind }: Parameter): string {
  if (form === 'flag') return `--${option}`;
  const hasCommas = form === 'list' && kind !== 'text';
  return `--${option} <${placeholder}${hasCommas ? ',…' : ''}>`;
}

/** Builds the program. Errors and help are thrown as commander's errors, never an exit. */
export function buildProgram(options: ProgramOptions): Command {
  const program = finish(new Command('rtcctl'), options)
    .description('Administers the rtcd server on this machine.')
    .version(options.version, '-V, --version', 'Print the version.');
  addGeneral(program).addHelpText('after', '\nExit codes: rtcctl help exit-codes');
  const groups = new Set<Command>();
  for (const description of options.descriptions) {
    const parent = description.command
      .slice(0, -1)
      .reduce((above, word) => groupIn(above, word, groups, options), program);
    addCommand(parent, description.command.at(-1) ?? description.name, description, options);
  }
  addHelp(program, options);
  addGeneral(finish(program.command('completion'), options))
    .summary('Print a completion script.')
    .description(`Print a completion script: ${SHELLS.join(', ')}.`)
    .addArgument(new Argument('<shell>', 'The shell.').choices(SHELLS))
    .action((shell: Shell) => options.complete(shell));
  return program;
}

/** Settings that commander does not inherit to commands that exist already. */
function finish(command: Command, { out, err }: ProgramOptions): Command {
  return command
    .exitOverride()
    .helpCommand(false)
    .configureOutput({
      writeOut: out,
      writeErr: err,
      outputError: (text, write) => write(text.replace(/^error:/, 'rtcctl:')),
    })
    .configureHelp({ subcommandTerm: termOf })
    .showSuggestionAfterError()
    .showHelpAfterError(false);
}

/** A command in a list: its name and arguments. */
function termOf(command: Command): string {
  const words = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...words].join(' ');
}

const GENERAL = 'General options:';

/** The options of every command, below its own. */
function addGeneral(command: Command): Command {
  for (const [flags, summary] of GENERAL_OPTIONS)
    command.addOption(new Option(flags, summary).helpGroup(GENERAL));
  return command.addHelpOption(new Option('-h, --help', 'Show help.').helpGroup(GENERAL));
}

/** The command that gathers others under a word. */
function groupIn(
  above: Command,
  word: string,
  groups: Set<Command>,
  options: ProgramOptions,
): Command {
  const known = above.commands.find((each) => each.name() === word && groups.has(each));
  if (known !== undefined) return known;
  const summary = GROUP_SUMMARIES[word] ?? '';
  const group = addGeneral(finish(above.command(word), options))
    .summary(summary)
    .description(summary);
  groups.add(group);
  return group;
}

function addCommand(
  parent: Command,
  name: string,
  description: OperationDescription,
  options: ProgramOptions,
): void {
  const parameters = parametersOf(description);
  const command = finish(parent.command(name), options)
    .summary(description.summary)
    .description(description.summary)
    .allowExcessArguments(false);
  const positional = parameters.filter(({ isPositional }) => isPositional);
  for (const parameter of positional) {
    command.addArgument(new Argument(argumentOf(parameter), describe(parameter)));
  }
  for (const parameter of parameters)
    if (!parameter.isPositional && parameter.form !== 'secret')
      command.addOption(optionOf(parameter));
  for (const [flags, summary] of furtherOptions(description)) command.option(flags, summary);
  addGeneral(command);
  command.action(async () => {
    const words = Object.fromEntries(
      positional.map(({ field, form }, index) => {
        const rest = command.args.slice(index);
        // A list is the last one, and takes all that is left.
        return [field, form !== 'list' ? rest[0] : rest.length === 0 ? undefined : rest];
      }),
    );
    const given = { words, options: command.optsWithGlobals() };
    await options.act({ description, parameters, given });
  });
}

/** A parameter's description with its choices and its default. */
export function describe({ description, choices, fallback, form, kind }: Parameter): string {
  const isPlain = typeof fallback === 'number' || typeof fallback === 'string';
  return [
    description,
    ...(form === 'list' && kind === 'text' ? ['It may be given several times.'] : []),
    ...(choices.length === 0 ? [] : [`One of ${choices.join(', ')}.`]),
    ...(isPlain && form !== 'flag' ? [`Default: ${fallback}.`] : []),
  ].join(' ');
}

function optionOf(parameter: Parameter): Option {
  const option = new Option(flagsOf(parameter), describe(parameter));
  const { form, isRequired } = parameter;
  if (form === 'list')
    option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
  // Commander gives a `--no-x` the default true by itself: the field is then as the schema has it.
  return isRequired ? option.makeOptionMandatory() : option;
}

/** `rtcctl help [command…]`, with the exit codes as a topic. */
function addHelp(program: Command, options: ProgramOptions): void {
  addGeneral(finish(program.command('help'), options))
    .summary('Show help for a command, or exit-codes.')
    .description('Show help for a command, or exit-codes.')
    .argument('[command...]', 'A command, or exit-codes.')
    .action((words: readonly string[]) => {
      if (words[0] === 'exit-codes') return options.out(`${exitCodeText()}\n`);
      let command: Command = program;
      for (const word of words) {
        const next = command.commands.find((each) => each.name() === word);
        if (next === undefined) return program.error(`error: unknown command '${word}'`);
        command = next;
      }
      command.outputHelp();
    });
}

/** The exit codes as lines. */
export function exitCodeText(): string {
  return EXIT_MEANINGS.map(([code, meaning]) => `${String(code).padStart(3)}  ${meaning}`).join(
    '\n',
  );
}

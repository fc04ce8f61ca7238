/** The command reference, docs/rtcctl.md, from the operations. */
import type { OperationDescription } from '../core/operation-description.ts';
import { EXIT_MEANINGS } from './exit-codes.ts';
import { argumentOf, parametersOf } from './parameters.ts';
import { describe, flagsOf, furtherOptions, GENERAL_OPTIONS } from './program.ts';

/** A text within a cell of a table. */
const cell = (text: string) => text.replaceAll('|', '\\|');

/** The whole reference as Markdown. */
export function commandReference(descriptions: readonly OperationDescription[]): string {
  return `# rtcctl

\`rtcctl\` administers the server on its own machine, through its admin socket: whoever may open that
socket may do everything. Commands marked *also on a stopped server* work on the data folder when
rtcd is not running. This page is derived from the operations; \`UPDATE_DOCS=1 npx vitest run test/ctl\`
writes it anew.

## Finding the server

The socket is the one of \`--socket\`, of \`$RTCD_SOCKET\`, or of the config file: \`--config\`,
\`$RTCD_CONFIG\`, \`./rtcd.yaml\`, \`/etc/rtcd/rtcd.yaml\`, and without one \`./data/rtcctl.sock\`.

## General options

${optionTable(GENERAL_OPTIONS)}

Colours are used on a terminal, unless \`NO_COLOR\` is set. \`rtcctl completion bash\`, \`zsh\` or
\`fish\` prints a completion script.

## Commands

${descriptions.map(commandSection).join('\n\n')}

## Exit codes

| code | meaning |
| --- | --- |
${EXIT_MEANINGS.map(([code, meaning]) => `| ${code} | ${meaning} |`).join('\n')}
`;
}

const optionTable = (options: readonly (readonly [string, string])[]) =>
  [
    '| option | meaning |',
    '| --- | --- |',
    ...options.map(([flags, meaning]) => `| \`${cell(flags)}\` | ${cell(meaning)} |`),
  ].join('\n');

function commandSection(description: OperationDescription): string {
  const { command, summary, offline, name } = description;
  const parameters = parametersOf(description);
  const positional = parameters.filter(({ isPositional }) => isPositional);
  const words = positional.map(argumentOf);
  const options = [
    ...positional.map((parameter) => [parameter.placeholder, describe(parameter)] as const),
    ...parameters
      .filter(({ isPositional, form }) => !isPositional && form !== 'secret')
      .map((parameter) => [flagsOf(parameter), describe(parameter)] as const),
    ...furtherOptions(description),
  ];
  return [
    `### rtcctl ${[...command, ...words].join(' ').replaceAll('<', '\\<')}`,
    `${summary}${offline ? ' *Also on a stopped server.*' : ''}`,
    ...(options.length === 0 ? [] : [optionTable(options)]),
    `In the HTTP API: \`${name}\`.`,
  ].join('\n\n');
}

/** Completion scripts for shells. They hold all words, so that completing asks nobody. */
import type { OperationDescription } from '../core/operation-description.ts';
import { type CommandTree, commandTree, type OptionValue, type Place } from './command-tree.ts';
import type { Shell } from './program.ts';

/** The script for a shell. */
export function completionScript(
  shell: Shell,
  descriptions: readonly OperationDescription[],
): string {
  const tree = commandTree(descriptions);
  switch (shell) {
    case 'bash':
      return bashScript(tree);
    case 'zsh':
      return zshScript(tree);
    case 'fish':
      return fishScript(tree);
  }
}

/** A text within single quotes of a POSIX-like shell. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
/** A pattern of `case` for a place: a command is also followed by its arguments. */
const patternOf = ({ at, isCommand }: Place) =>
  isCommand ? `${quoted(at.join(' '))}|${quoted(`${at.join(' ')} `)}*` : quoted(at.join(' '));
const wordsOf = ({ words }: Place) => words.map(({ word }) => word).join(' ');

const WITH_VALUES = '--config|--socket|--timeout';

function bashScript({ places, values }: CommandTree): string {
  const value = (of: OptionValue) =>
    of.kind === 'file' ? 'compgen -f' : `compgen -W ${quoted(of.choices.join(' '))}`;
  return `# Completion of rtcctl for bash. Load it with: source <(rtcctl completion bash)
_rtcctl() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} at='' word='' last=''
  COMPREPLY=()
  case "$before" in
${[...values].map(([option, of]) => `    ${option}) mapfile -t COMPREPLY < <(${value(of)} -- "$current"); return ;;`).join('\n')}
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$last" in ${WITH_VALUES}) last=$word; continue ;; esac
    last=$word
    case "$word" in -*) ;; *) at="\${at:+$at }$word" ;; esac
  done
  case "$at" in
${places.map((place) => `    ${patternOf(place)}) word=${quoted(wordsOf(place))} ;;`).join('\n')}
    *) return ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$word" -- "$current")
}
complete -F _rtcctl rtcctl
`;
}

function zshScript({ places, values }: CommandTree): string {
  const described = ({ words }: Place) =>
    words.map(({ word, summary }) => quoted(`${word.replaceAll(':', '\\:')}:${summary}`)).join(' ');
  const value = (of: OptionValue) =>
    of.kind === 'file' ? '_files' : `compadd -- ${of.choices.map(quoted).join(' ')}`;
  return `#compdef rtcctl
# Completion of rtcctl for zsh. Load it with: source <(rtcctl completion zsh)
_rtcctl() {
  local at='' word='' last=''
  local -a found
  case "\${words[CURRENT-1]}" in
${[...values].map(([option, of]) => `    ${option}) ${value(of)}; return ;;`).join('\n')}
  esac
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$last" in ${WITH_VALUES}) last=$word; continue ;; esac
    last=$word
    case "$word" in -*) ;; *) at="\${at:+$at }$word" ;; esac
  done
  case "$at" in
${places.map((place) => `    ${patternOf(place)}) found=(${described(place)}) ;;`).join('\n')}
    *) return ;;
  esac
  _describe 'rtcctl' found
}
compdef _rtcctl rtcctl
`;
}

function fishScript({ places, values }: CommandTree): string {
  const fishQuoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const optionValue = (word: string) => {
    const value = values.get(word);
    if (value === undefined) return '';
    return value.kind === 'file' ? ' -rF' : ` -xa ${fishQuoted(value.choices.join(' '))}`;
  };
  const lines = places.flatMap(({ at, isCommand, words }) => {
    const condition = fishQuoted(`__rtcctl_${isCommand ? 'in' : 'at'} ${at.join(' ')}`);
    return words.map(({ word, summary }) => {
      const what = word.startsWith('--') ? `-l ${word.slice(2)}${optionValue(word)}` : `-a ${word}`;
      return `complete -c rtcctl -n ${condition} ${what} -d ${fishQuoted(summary)}`;
    });
  });
  return `# Completion of rtcctl for fish. Load it with: rtcctl completion fish | source
function __rtcctl_words
  set -l words (commandline -opc)
  string match -v -- '-*' $words[2..-1]
end
function __rtcctl_at
  test (string join ' ' -- (__rtcctl_words)) = (string join ' ' -- $argv)
end
function __rtcctl_in
  string match -q -- (string join ' ' -- $argv)' *' (string join ' ' -- (__rtcctl_words))' '
end
complete -c rtcctl -f
${lines.join('\n')}
`;
}

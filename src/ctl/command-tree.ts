/** What can be written where on the command line: for completion. */
import type { OperationDescription } from '../core/operation-description.ts';
import { parametersOf } from './parameters.ts';
import { flagsOf, furtherOptions, GENERAL_OPTIONS, SHELLS } from './program.ts';

/** A word that can be written, and what it means. */
export interface Word {
  readonly word: string;
  readonly summary: string;
}

/** An option's value: its only values, or a file's name. */
export type OptionValue =
  | { readonly kind: 'choices'; readonly choices: readonly string[] }
  | { readonly kind: 'file' };

/** A place on the command line: the words before it, and what may come next. */
export interface Place {
  /** The words of the command so far, such as `user`. */
  readonly at: readonly string[];
  /** Whether further words are arguments, so that the place stays the same. */
  readonly isCommand: boolean;
  readonly words: readonly Word[];
}

/** All places, and the values of options by their name. */
export interface CommandTree {
  readonly places: readonly Place[];
  readonly values: ReadonlyMap<string, OptionValue>;
}

const nameOf = (flags: string) => /--[a-z-]+/.exec(flags)?.[0] ?? flags;
const optionWords = (options: readonly (readonly [string, string])[]): Word[] =>
  options.map(([flags, summary]) => ({ word: nameOf(flags), summary }));

/** Derives the tree from the operations. */
export function commandTree(descriptions: readonly OperationDescription[]): CommandTree {
  const values = new Map<string, OptionValue>([
    ['--config', { kind: 'file' }],
    ['--socket', { kind: 'file' }],
  ]);
  const places = new Map<string, { at: readonly string[]; isCommand: boolean; words: Word[] }>();
  const placeAt = (at: readonly string[], isCommand: boolean) => {
    const key = at.join(' ');
    const place = places.get(key) ?? { at, isCommand, words: [] };
    places.set(key, place);
    return place;
  };
  const addWord = (at: readonly string[], word: string, summary: string) => {
    const { words } = placeAt(at, false);
    if (!words.some((each) => each.word === word)) words.push({ word, summary });
  };
  for (const description of descriptions) {
    const { command, summary } = description;
    command.forEach((word, index) => {
      const isLast = index === command.length - 1;
      addWord(command.slice(0, index), word, isLast ? summary : '');
    });
    placeAt(command, true).words.push(...wordsOf(description, values));
  }
  addWord([], 'help', 'Show help for a command, or exit-codes.');
  addWord([], 'completion', 'Print a completion script.');
  placeAt(['completion'], true).words.push(
    ...SHELLS.map((word) => ({ word, summary: `For ${word}.` })),
  );
  return { places: [...places.values()], values };
}

/** The options of a command and the values of its first argument, if there are only some. */
function wordsOf(description: OperationDescription, values: Map<string, OptionValue>): Word[] {
  const words: Word[] = [];
  for (const parameter of parametersOf(description)) {
    const { choices, form, isPositional, option } = parameter;
    if (isPositional) {
      words.push(...choices.map((word) => ({ word, summary: parameter.description })));
    } else if (form !== 'secret') {
      words.push({ word: nameOf(flagsOf(parameter)), summary: parameter.description });
      if (form === 'file') values.set(`--${option}`, { kind: 'file' });
      else if (choices.length > 0) values.set(`--${option}`, { kind: 'choices', choices });
    }
  }
  return [...words, ...optionWords(furtherOptions(description)), ...optionWords(GENERAL_OPTIONS)];
}

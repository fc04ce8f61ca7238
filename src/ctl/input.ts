/** Gathers the input of an operation: from arguments, options, files, and the person. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Parameter, readValue } from './parameters.ts';
import { askHidden, generatePassword, type Keyboard, readAll, type Terminal } from './prompt.ts';

/** What was given on the command line. */
export interface Given {
  /** Positional arguments, by field; a list takes all that are left. */
  readonly words: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Options by their name without dashes, in camelCase as commander has them. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** What values may come from. */
export interface Sources {
  readonly cwd: string;
  readonly keyboard: Keyboard;
  /** A person who can be asked; undefined without a terminal. */
  readonly terminal: Terminal | undefined;
}

/** An input; `generated` is a password that was made and must be shown. */
export type Gathered =
  | {
      readonly ok: true;
      readonly input: Readonly<Record<string, unknown>>;
      readonly generated: string | undefined;
    }
  | { readonly ok: false; readonly text: string; readonly isInterrupted?: true };

/** Makes the input of an operation. Secrets are asked for last, when all else is right. */
export async function gatherInput(
  parameters: readonly Parameter[],
  given: Given,
  sources: Sources,
): Promise<Gathered> {
  const input: Record<string, unknown> = {};
  let generated: string | undefined;
  const last = (parameter: Parameter) => (parameter.form === 'secret' ? 1 : 0);
  for (const parameter of parameters.toSorted((a, b) => last(a) - last(b))) {
    if (parameter.form === 'secret') {
      const secret = await gatherSecret(parameter, given, sources);
      if (!secret.ok) return secret;
      if (secret.value !== undefined) input[parameter.field] = secret.value;
      if (secret.isGenerated) generated = secret.value;
      continue;
    }
    const read = await gatherPlain(parameter, given, sources.cwd);
    if (!read.ok) return read;
    if (read.value !== undefined) input[parameter.field] = read.value;
  }
  return { ok: true, input, generated };
}

async function gatherPlain(parameter: Parameter, { words, options }: Given, cwd: string) {
  const { field, form, isPositional } = parameter;
  const raw = isPositional ? words[field] : options[field];
  if (raw === undefined) return { ok: true, value: undefined } as const;
  if (form === 'flag') return { ok: true, value: raw === true } as const;
  if (form === 'file') return readText(String(raw), cwd);
  const isPath = parameter.kind === 'source' || parameter.kind === 'target';
  if (isPath && typeof raw === 'string')
    return { ok: true, value: raw === '-' ? raw : resolve(cwd, raw) } as const;
  return readValue(parameter, Array.isArray(raw) ? raw.map(String) : String(raw));
}

async function readText(file: string, cwd: string) {
  try {
    return { ok: true, value: await readFile(resolve(cwd, file), 'utf8') } as const;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return { ok: false, text: `${file} cannot be read (${code})` } as const;
  }
}

type Secret =
  | { readonly ok: true; readonly value: string | undefined; readonly isGenerated?: boolean }
  | { readonly ok: false; readonly text: string; readonly isInterrupted?: true };

async function gatherSecret(
  { field, option, kind, isRequired }: Parameter,
  { options }: Given,
  { keyboard, terminal }: Sources,
): Promise<Secret> {
  const isNew = kind === 'new-password';
  const isGenerated = isNew && options['generate'] === true;
  if (isGenerated && options[`${field}Stdin`] === true)
    return { ok: false, text: `Give --generate or --${option}-stdin, not both` };
  if (isGenerated) return { ok: true, value: generatePassword(), isGenerated };
  if (options[`${field}Stdin`] === true) return { ok: true, value: await readAll(keyboard) };
  if (!isRequired) return { ok: true, value: undefined };
  if (terminal === undefined) {
    const other = isNew ? ' or --generate' : '';
    return {
      ok: false,
      text: `No terminal to ask for the ${field} on: give --${option}-stdin${other}`,
    };
  }
  return isNew ? askTwice(field, terminal) : ask(`${capital(field)}: `, terminal);
}

const capital = (word: string) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`;

async function ask(question: string, terminal: Terminal): Promise<Secret> {
  const value = await askHidden(question, terminal);
  if (value !== undefined) return { ok: true, value };
  return { ok: false, text: 'Nothing was changed.', isInterrupted: true };
}

const TRIES = 3;

async function askTwice(field: string, terminal: Terminal): Promise<Secret> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const first = await ask(`${capital(field)}: `, terminal);
    if (!first.ok) return first;
    if (first.value === '') {
      terminal.screen.write(`The ${field} must not be empty.\n`);
      continue;
    }
    const second = await ask(`${capital(field)} again: `, terminal);
    if (!second.ok || second.value === first.value) return second;
    terminal.screen.write('They differ. Once more:\n');
  }
  return { ok: false, text: 'Nothing was changed.' };
}

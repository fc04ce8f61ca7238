/** Asks a person on a terminal. Questions go to standard error, so that output stays clean. */
import { randomInt } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/** Standard input as far as it is used. */
export type Keyboard = Readable & {
  readonly isTTY?: boolean;
  setRawMode?(isRaw: boolean): unknown;
};

/** A person at a terminal. */
export interface Terminal {
  readonly keyboard: Keyboard;
  readonly screen: Writable;
}

const ENTER = ['\r', '\n'];
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const CTRL_U = '\u0015';
const ERASE = ['\u007f', '\b'];
const ESCAPE = '\u001b';

/** Reads a line without showing it; undefined when the person gave up (Ctrl-C, Ctrl-D). */
export function askHidden(question: string, terminal: Terminal): Promise<string | undefined> {
  return readLine(question, terminal, false);
}

/** Asks for yes or no; only a clear yes is one. */
export async function askYes(question: string, terminal: Terminal): Promise<boolean> {
  const answer = await readLine(`${question} [y/N] `, terminal, true);
  return /^y(?:es)?$/i.test(answer?.trim() ?? '');
}

function readLine(
  question: string,
  { keyboard, screen }: Terminal,
  isShown: boolean,
): Promise<string | undefined> {
  const decoder = new StringDecoder('utf8');
  let line: string[] = [];
  keyboard.setRawMode?.(true); // before anyone can begin to type
  screen.write(question);
  return new Promise((resolve) => {
    const finish = (answer: string | undefined, rest = '') => {
      keyboard.off('data', onData);
      keyboard.off('end', onEnd);
      keyboard.pause();
      keyboard.setRawMode?.(false);
      screen.write('\n');
      if (rest !== '') keyboard.unshift(Buffer.from(rest));
      resolve(answer);
    };
    const onEnd = () => finish(undefined);
    const onData = (chunk: Buffer) => {
      const text = decoder.write(chunk);
      if (text.startsWith(ESCAPE)) return; // arrows and other keys that write nothing
      const keys = [...text];
      for (const [index, key] of keys.entries()) {
        if (ENTER.includes(key)) return finish(line.join(''), keys.slice(index + 1).join(''));
        if (key === CTRL_C || (key === CTRL_D && line.length === 0)) return finish(undefined);
        if (key === CTRL_U) line = [];
        else if (ERASE.includes(key)) {
          if (line.pop() !== undefined && isShown) screen.write('\b \b');
        } else if (key >= ' ') {
          line.push(key);
          if (isShown) screen.write(key);
        }
      }
    };
    keyboard.on('data', onData);
    keyboard.once('end', onEnd);
    keyboard.resume();
  });
}

/** All of standard input, without the newline at its end. */
export async function readAll(keyboard: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of keyboard) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
}

/** Letters and digits that are not taken for one another. */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';
const GROUPS = 4;
const GROUP_LENGTH = 5;

/** A password of 100 random bits that can be read out: `k7m2p-…`. */
export function generatePassword(): string {
  const letter = () => ALPHABET[randomInt(ALPHABET.length)] ?? '';
  const group = () => Array.from({ length: GROUP_LENGTH }, letter).join('');
  return Array.from({ length: GROUPS }, group).join('-');
}

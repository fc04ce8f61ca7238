/** A key in a file of the data folder, for what must not be in the database. */
import { randomBytes } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { StartError } from './start-error.ts';

const KEY_BYTES = 32;

/**
 * Reads the key of a file; makes both when there is none yet, for its owner only.
 * @throws StartError if the file is there and holds no key, or cannot be read or made
 */
export async function loadKey(file: string): Promise<Buffer> {
  try {
    return await readKey(file);
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw unusable(file, error);
  }
  try {
    const handle = await open(file, 'wx', 0o600);
    const key = randomBytes(KEY_BYTES);
    try {
      await handle.writeFile(`${key.toString('base64')}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    return key;
  } catch (error) {
    throw unusable(file, error);
  }
}

async function readKey(file: string): Promise<Buffer> {
  const key = Buffer.from((await readFile(file, 'utf8')).trim(), 'base64');
  if (key.length === KEY_BYTES) return key;
  throw new Error('it holds no key; remove it, and one is made');
}

function unusable(file: string, error: unknown): StartError {
  const why = error instanceof Error ? error.message : String(error);
  return new StartError(`The key file ${file} cannot be used: ${why}.`);
}

const isCode = (error: unknown, code: string) =>
  error instanceof Error && 'code' in error && error.code === code;

/** The configs of other servers: files in bench/peers/ with places for what only the run knows. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

/** The folder of the files, beside the sources; this is compiled into dist/bench/servers/. */
export const PEERS = resolve(import.meta.dirname, '../../../bench/peers');

/** Reads a file and puts values in the places of their names, which stand as `$name$`;
 * a comment sign before it is none, so that YAML with such places is YAML. */
export async function fillIn(
  file: string,
  values: Readonly<Record<string, string | number | boolean>>,
): Promise<string> {
  return filled(await readFile(join(PEERS, file), 'utf8'), values);
}

/** Puts values in the places of their names; throws if there is none for one. */
export const filled = (
  template: string,
  values: Readonly<Record<string, string | number | boolean>>,
): string =>
  template.replace(/#?\$(\w+)\$/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`nothing is known for $${name}$`);
    return `${value}`;
  });

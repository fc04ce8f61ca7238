/** Imports and exports in a scene. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { AnyOperation } from '../../../src/core/operation.ts';
import { portable } from '../../../src/modules/portable/index.ts';
import { portableOperations } from '../../../src/operations/portable.ts';
import type { Scene } from '../../support/scene.ts';

/** What an import answers, as far as tests look at it. */
export interface Outcome {
  readonly accounts: Readonly<Record<'made' | 'completed' | 'addedTo' | 'passedOver', number>>;
  readonly kinds: readonly {
    readonly kind: string;
    readonly taken: number;
    readonly passed: number;
  }[];
  readonly passed: readonly { readonly of: string; readonly what: string; readonly why: string }[];
  readonly healthy: boolean;
}

/** Runs an operation of the module. */
export async function run(
  scene: Scene,
  name: string,
  input: object,
  via = 'socket',
): Promise<unknown> {
  const { service } = scene.registry.apiOf(portable);
  const { accounts, hosts } = scene;
  const found = portableOperations({ accounts, hosts, portable: service }).find(
    (each) => each.name === name,
  );
  if (found === undefined) expect.fail(`there is no ${name}`);
  const { input: schema, run: act } = found as AnyOperation & {
    run(input: unknown, actor: object): Promise<unknown>;
  };
  return act(schema.parse(input) as never, { name: 'root', via });
}

/** Imports a file, or a text that is written into one. */
export async function take(
  scene: Scene,
  folder: string,
  text: string,
  input: object = {},
): Promise<Outcome> {
  const file = join(folder, 'import.xml');
  await writeFile(file, text);
  return takeFile(scene, file, input);
}

/** Imports a file. */
export async function takeFile(scene: Scene, file: string, input: object = {}): Promise<Outcome> {
  const outcome = await run(scene, 'portable.import', { file, ...input });
  expect(outcome).toMatchObject({ ok: true });
  return (outcome as { readonly value: Outcome }).value;
}

let exports = 0;

/** Exports, and gives the text. */
export async function give(scene: Scene, folder: string, input: object = {}): Promise<string> {
  exports += 1;
  const file = join(folder, `export-${exports}.xml`);
  expect(await run(scene, 'portable.export', { file, ...input })).toMatchObject({ ok: true });
  return readFile(file, 'utf8');
}

/** A document with one host. */
export const hostWith = (content: string, host = 'capulet.com'): string =>
  `<?xml version='1.0' encoding='UTF-8'?><server-data xmlns='urn:xmpp:pie:0'><host jid='${host}'>${content}</host></server-data>`;

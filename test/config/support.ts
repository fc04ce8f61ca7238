/** A folder with config files, and sections as modules would bring them. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { formatFault } from '../../src/config/check.ts';
import { duration, path, secret } from '../../src/config/fields.ts';
import { type Loaded, loadConfig } from '../../src/config/load.ts';
import type { ConfigSections } from '../../src/config/schema.ts';

/** Sections of invented modules. */
export const sections: ConfigSections = {
  server: { turn: z.object({ key: secret().optional() }).prefault({}).describe('The relay.') },
  modules: [
    {
      name: 'register',
      isOnByDefault: true,
      config: z.object({
        allowRegistration: z.boolean().default(false).describe('Whether anyone may register.'),
        every: duration('1h').describe('How often.'),
        texts: z
          .object({ welcome: z.string().default(''), bye: z.string().default('') })
          .prefault({}),
        words: z.array(z.string()).default([]),
        file: path().optional(),
      }),
    },
    { name: 'version', isOnByDefault: true, config: undefined },
    {
      name: 'extra',
      isOnByDefault: false,
      config: z.object({ level: z.int().min(1).max(9).default(3) }),
    },
  ],
};

/** Writes files (a value `→ target` is a link) into a fresh folder, which goes with the test. */
export async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rtcd-config-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    const file = join(folder, name);
    await mkdir(dirname(file), { recursive: true });
    await (text.startsWith('→') ? symlink(text.slice(1).trim(), file) : writeFile(file, text));
  }
  return folder;
}

/** Loads what stands in a folder. */
export function load(cwd: string, more: { file?: string; env?: Record<string, string> } = {}) {
  return loadConfig({ env: {}, cwd, sections, ...more });
}

/** Loads files that must be right. */
export async function loaded(files: Readonly<Record<string, string>>): Promise<Loaded> {
  const outcome = await load(await folderWith(files));
  if (!outcome.ok) throw new Error(outcome.faults.map(formatFault).join('\n'));
  return outcome;
}

/** The faults of files, as text with paths relative to their folder. */
export async function faultsOf(files: Readonly<Record<string, string>>): Promise<string[]> {
  const folder = await folderWith(files);
  const outcome = await load(folder);
  if (outcome.ok) throw new Error('the config was taken');
  return outcome.faults.map((fault) => formatFault(fault).replaceAll(`${folder}/`, ''));
}

/** A host that is right. */
export const host = 'virtualHost: falcot.com\n';

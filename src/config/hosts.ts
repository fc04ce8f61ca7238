/** The files of the virtual hosts: `conf.d`, one file per domain. */
import { readdir, readlink, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseDomain } from '../jid/jid.ts';
import { check, faultAt } from './check.ts';
import {
  type ConfigFile,
  type Fault,
  type Place,
  parseConfig,
  readConfigFile,
  readProblem,
  unusable,
} from './document.ts';
import { hostModules, type ResolvedModules } from './modules.ts';
import { type HostConfig, hostShape, type ModuleSection } from './schema.ts';
import { isMap } from './shape.ts';

/** The host that is there without any file, and the name its place is given in faults. */
const DEVELOPMENT_HOST = { name: '(development default)', text: 'virtualHost: localhost\n' };

/** A host and the file it came from. */
export interface HostEntry {
  readonly host: HostConfig;
  readonly file: ConfigFile;
}

/** The schema of a host's file; `modules` is checked apart, with what the server says of them. */
export const hostSchema = z.object({
  ...hostShape,
  modules: z.record(z.string(), z.unknown()).default({}),
});

/** What the files of a folder hold. */
export interface HostFiles {
  readonly files: readonly ConfigFile[];
  readonly faults: readonly Fault[];
}

/**
 * Reads the `*.yaml` of a folder in the order of their names.
 * @param isRequired whether the folder's absence is a fault
 */
export async function readHostFiles(folder: string, isRequired: boolean): Promise<HostFiles> {
  let names: string[];
  try {
    names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort();
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (isAbsent && !isRequired) return { files: [], faults: [] };
    const message = isAbsent ? 'there is no such folder' : readProblem(error);
    return { files: [], faults: unusable(folder, message).faults };
  }
  const files = await Promise.all(
    names.filter((name) => /\.ya?ml$/.test(name)).map((name) => readHostFile(join(folder, name))),
  );
  return { files, faults: files.flatMap((file) => file.faults) };
}

async function readHostFile(file: string): Promise<ConfigFile> {
  if (file.endsWith('.yml')) return unusable(file, 'is not read: rename it to end in .yaml');
  try {
    await stat(file);
  } catch (error) {
    const target = await readlink(file).catch(() => undefined);
    const problem = readProblem(error);
    return unusable(file, target === undefined ? problem : `is a link to ${target}: ${problem}`);
  }
  return readConfigFile(file);
}

/** `localhost`, unless a file defines it. */
export function withDevelopmentHost(files: readonly ConfigFile[]): readonly ConfigFile[] {
  if (files.some((file) => file.value['virtualHost'] === 'localhost')) return files;
  return [parseConfig(DEVELOPMENT_HOST.name, DEVELOPMENT_HOST.text), ...files];
}

/** Checks the hosts' files; those with a fault are left out of the entries. */
export function checkHosts(
  files: readonly ConfigFile[],
  serverFile: ConfigFile,
  sections: readonly ModuleSection[],
  known: ResolvedModules,
): { entries: HostEntry[]; faults: Fault[] } {
  const entries: HostEntry[] = [];
  const faults: Fault[] = [];
  for (const file of files) {
    if (Object.keys(file.value).length === 0 && file.faults.length > 0) continue; // told already
    const checked = check(hostSchema, file.value, file);
    const modules = hostModules(sections, serverFile, file, known.faults);
    faults.push(...checked.faults, ...modules.faults);
    if (checked.value === undefined) continue;
    // Checked: exactly what the schema says, with the modules' values in place.
    entries.push({ host: { ...checked.value, modules: modules.values } as HostConfig, file });
  }
  return { entries, faults: [...faults, ...duplicates(files)] };
}

/** A domain that is defined twice, as a host or a component, is a fault that names both places. */
function duplicates(files: readonly ConfigFile[]): Fault[] {
  const first = new Map<string, Place>();
  return files.flatMap(definitions).flatMap(({ domain, file, path }) => {
    const other = first.get(domain);
    if (other === undefined) {
      first.set(domain, file.placeOf(path));
      return [];
    }
    const message = `${domain} is defined in ${other.file}:${other.line} already; keep one`;
    return [faultAt(file, path, message)];
  });
}

/** The domains that a file defines, and where; those that are none are told of elsewhere. */
function definitions(file: ConfigFile) {
  const { virtualHost, components } = file.value;
  const named = [
    ...(typeof virtualHost === 'string' ? [{ raw: virtualHost, path: ['virtualHost'] }] : []),
    ...(isMap(components) ? Object.keys(components) : []).map((raw) => ({
      raw,
      path: ['components', raw],
    })),
  ];
  return named.flatMap(({ raw, path }) => {
    const parsed = parseDomain(raw);
    return parsed.ok ? [{ domain: parsed.value, file, path }] : [];
  });
}

/** The paths that files were opened by and, where those are links, what they lead to. */
export async function withTargets(paths: readonly string[]): Promise<string[]> {
  const targets = await Promise.all(paths.map((path) => realpath(path).catch(() => path)));
  return [...new Set([...paths, ...targets])];
}

/** The paths of the files that are on disk. */
export function pathsOf(files: readonly ConfigFile[]): string[] {
  return files.map(({ file }) => file).filter((file) => file !== DEVELOPMENT_HOST.name);
}

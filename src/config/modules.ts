/** The value of each module: what a host says over what the server says over the defaults. */
import { z } from 'zod';
import { check, faultAt, unknownKey } from './check.ts';
import type { ConfigFile, Fault } from './document.ts';
import type { ModuleSection } from './schema.ts';
import { isMap } from './shape.ts';

/** The modules' values, or false for those that are off, and what is wrong with them. */
export interface ResolvedModules {
  readonly values: Readonly<Record<string, unknown>>;
  readonly faults: readonly Fault[];
}

/** What one file says of a module. */
type Entry = boolean | Record<string, unknown> | undefined;

/** The schema of a module, with an empty one for a module that has nothing to configure. */
export function moduleSchema(section: ModuleSection): z.ZodType {
  return section.config ?? z.object({});
}

/** The entry of a module in a file; undefined also when it is neither a map nor true or false. */
function entryOf(file: ConfigFile, name: string): Entry {
  const modules = file.value['modules'];
  const entry = isMap(modules) ? modules[name] : undefined;
  if (entry === null) return {}; // `ping:` with nothing under it
  return isMap(entry) || typeof entry === 'boolean' ? entry : undefined;
}

/** Joins maps key by key; lists and single values replace. */
function merge(under: Record<string, unknown>, over: Record<string, unknown>) {
  const merged = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isMap(below) && isMap(value) ? merge(below, value) : value;
  }
  return merged;
}

/** Resolves all modules server-wide. */
export function serverModules(sections: readonly ModuleSection[], file: ConfigFile) {
  return resolve(sections, [file], file);
}

/**
 * Resolves all modules for a host; faults that the server's file has already are not repeated.
 * @param known the faults of {@link serverModules}
 */
export function hostModules(
  sections: readonly ModuleSection[],
  serverFile: ConfigFile,
  hostFile: ConfigFile,
  known: readonly Fault[],
): ResolvedModules {
  const { values, faults } = resolve(sections, [serverFile, hostFile], hostFile);
  const isKnown = (fault: Fault) =>
    known.some((other) => other.key === fault.key && other.message === fault.message);
  return { values, faults: faults.filter((fault) => !isKnown(fault)) };
}

function resolve(
  sections: readonly ModuleSection[],
  layers: readonly ConfigFile[],
  file: ConfigFile,
): ResolvedModules {
  const faults = shapeFaults(sections, file);
  const values: Record<string, unknown> = {};
  for (const section of sections) {
    let isOn = section.isOnByDefault;
    let raw: Record<string, unknown> = {};
    for (const entry of layers.map((layer) => entryOf(layer, section.name))) {
      if (entry === undefined) continue;
      isOn = entry !== false;
      if (isMap(entry)) raw = merge(raw, entry);
    }
    const checked = check(moduleSchema(section), raw, file, ['modules', section.name]);
    faults.push(...checked.faults);
    values[section.name] = isOn ? checked.value : false;
  }
  return { values, faults };
}

/** Faults of a file's `modules` map itself: unknown names, entries of a wrong kind. */
function shapeFaults(sections: readonly ModuleSection[], file: ConfigFile): Fault[] {
  const modules = file.value['modules'];
  if (!isMap(modules)) return []; // the file's own schema has told if it is something else
  const names = sections.map(({ name }) => name);
  return Object.entries(modules).flatMap(([name, entry]) => {
    const path = ['modules', name];
    if (!names.includes(name)) return [faultAt(file, path, unknownKey(name, names))];
    if (entry === null || typeof entry === 'boolean' || isMap(entry)) return [];
    return [
      faultAt(file, path, 'must be a map of the keys of the module, or true, or false for off'),
    ];
  });
}

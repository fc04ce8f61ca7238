/** Finds, reads, checks and joins the config files (DESIGN D7). */
import { access } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { z } from 'zod';
import type { Domain } from '../jid/jid.ts';
import { check, faultAt } from './check.ts';
import { withOwnComponents } from './components.ts';
import {
  type ConfigFile,
  type Fault,
  type Place,
  parseConfig,
  readConfigFile,
} from './document.ts';
import {
  checkHosts,
  type HostEntry,
  hostSchema,
  pathsOf,
  readHostFiles,
  withDevelopmentHost,
  withTargets,
} from './hosts.ts';
import { moduleSchema, serverModules } from './modules.ts';
import {
  ALL_INTERFACES,
  type Config,
  type ConfigSections,
  type HostConfig,
  type ListenerConfig,
  LOOPBACK,
  type ModuleSection,
  type ServerConfig,
  serverShape,
} from './schema.ts';
import { mapLeaves, type Path } from './shape.ts';

/** Where to look, and by which schemas to check. */
export interface LoadOptions {
  /** What `--config` names; must exist. */
  readonly file?: string | undefined;
  /** The environment, for `RTCD_CONFIG` and `HOME`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder that `./rtcd.yaml` is looked for in. */
  readonly cwd: string;
  readonly sections: ConfigSections;
}

/** A config that was taken whole. */
export interface Loaded {
  readonly ok: true;
  readonly config: Config;
  /** The files it was read from, and what those lead to that are links. */
  readonly files: readonly string[];
  /** Where a server-wide key, or one of a host, is set; undefined for a default. */
  placeOf(path: Path, host?: Domain): Place | undefined;
  /** The same as `file:line`. */
  sourceOf(path: Path, host?: Domain): string | undefined;
}

/** What loading ends with: the config, or every fault there is, file by file. */
export type LoadOutcome = Loaded | { readonly ok: false; readonly faults: readonly Fault[] };

/** The config file where packages put it. */
const SYSTEM_FILE = '/etc/rtcd/rtcd.yaml';

/** The longest path of a unix socket that every system takes (sun_path), in bytes. */
const MAX_SOCKET_PATH = 103;

/** The schema of rtcd.yaml; `modules` is checked apart. */
export function serverSchema(sections: ConfigSections) {
  return z.object({
    ...serverShape,
    ...sections.server,
    modules: z.record(z.string(), z.unknown()).default({}),
  });
}

/** Loads the config; all faults are reported, and nothing is taken if there is one. */
export async function loadConfig(options: LoadOptions): Promise<LoadOutcome> {
  const { sections, cwd } = options;
  const file = await findConfigFile(options);
  const isDevelopment = file === undefined;
  const folder = isDevelopment ? cwd : dirname(file);
  const home = options.env['HOME'] ?? homedir();
  const toPath = (raw: string) => resolve(folder, raw.replace(/^~(?=\/|$)/, home));

  const serverFile = isDevelopment
    ? parseConfig(join(cwd, 'rtcd.yaml'), '')
    : await readConfigFile(file);
  const schema = serverSchema(sections);
  const checked = check(schema, serverFile.value, serverFile);
  const all = checked.value && absolute(schema, checked.value, toPath);
  const server = all && completeServer(all, isDevelopment);
  const modules = serverModules(sections.modules, serverFile);

  const include = serverFile.value['include'];
  const hostFolder = toPath(typeof include === 'string' ? include : 'conf.d');
  const found = await readHostFiles(hostFolder, typeof include === 'string');
  const hostFiles = isDevelopment ? withDevelopmentHost(found.files) : found.files;
  const hosts = checkHosts(hostFiles, serverFile, sections.modules, modules);

  const faults = [
    ...serverFile.faults,
    ...checked.faults,
    ...modules.faults,
    ...(server === undefined ? [] : crossCheck(server, serverFile)),
    ...found.faults,
    ...hosts.faults,
  ];
  if (faults.length === 0 && !hosts.entries.some(({ host }) => host.enabled))
    faults.push(faultAt(serverFile, ['include'], noHosts(hostFolder)));
  if (server === undefined || faults.length > 0) return { ok: false, faults: inOrder(faults) };

  const config: Config = {
    file,
    folder,
    server,
    sections: pick<Record<string, unknown>, string>(all ?? {}, Object.keys(sections.server)),
    modules: absoluteModules(sections.modules, modules.values, toPath),
    hosts: withOwnComponents(
      hosts.entries
        .map(({ host }) => absoluteHost(host, sections.modules, toPath))
        .filter((host) => host.enabled),
      sections.modules,
    ),
    disabled: hosts.entries.filter(({ host }) => !host.enabled).map(({ host }) => host.virtualHost),
  };
  return {
    ok: true,
    config: freeze(config),
    files: await withTargets([...(isDevelopment ? [] : [file]), ...pathsOf(hostFiles)]),
    ...places(serverFile, hosts.entries),
  };
}

/** Faults file by file, as the files were first met, and in each from top to bottom. */
function inOrder(faults: readonly Fault[]): Fault[] {
  const files = [...new Set(faults.map(({ file }) => file))];
  const place = ({ file, line, column }: Fault) => [files.indexOf(file), line, column];
  return faults.toSorted((a, b) => {
    const other = place(b);
    const steps = place(a).map((step, index) => step - (other[index] ?? 0));
    return steps.find((step) => step !== 0) ?? 0;
  });
}

/** The file to read, absolute: `--config`, `$RTCD_CONFIG`, `./rtcd.yaml`, the system's, or none. */
export async function findConfigFile({
  file,
  env,
  cwd,
}: Pick<LoadOptions, 'file' | 'env' | 'cwd'>): Promise<string | undefined> {
  const named = file ?? (env['RTCD_CONFIG'] || undefined);
  if (named !== undefined) return resolve(cwd, named);
  for (const candidate of [join(cwd, 'rtcd.yaml'), SYSTEM_FILE]) {
    const problem = await access(candidate).catch((error: NodeJS.ErrnoException) => error.code);
    // A file that is there but may not be read is not passed over: reading it tells why.
    if (problem !== 'ENOENT' && problem !== 'ENOTDIR') return candidate;
  }
  return undefined;
}

function noHosts(folder: string): string {
  return `no virtual host is enabled: link a file of conf.avail into ${folder}`;
}

/** A checked value with its paths made absolute. */
function absolute<T>(schema: z.ZodType, value: T, toPath: (raw: string) => string): T {
  // Leaves keep their types: a path is a string before and after.
  return mapLeaves(schema, value, (leaf, meta) =>
    meta.syntax === 'path' && typeof leaf === 'string' ? toPath(leaf) : leaf,
  ) as T;
}

function absoluteModules(
  sections: readonly ModuleSection[],
  values: Readonly<Record<string, unknown>>,
  toPath: (raw: string) => string,
): Record<string, unknown> {
  return Object.fromEntries(
    sections.map((section) => [
      section.name,
      absolute(moduleSchema(section), values[section.name], toPath),
    ]),
  );
}

function absoluteHost(
  host: HostConfig,
  sections: readonly ModuleSection[],
  toPath: (raw: string) => string,
): HostConfig {
  return {
    ...absolute(hostSchema, host, toPath),
    modules: absoluteModules(sections, host.modules, toPath),
  };
}

/** Fills in the defaults that depend on other keys or on whether there is a config file. */
function completeServer(
  value: z.output<z.ZodObject<typeof serverShape>>,
  isDevelopment: boolean,
): ServerConfig {
  const everywhere = isDevelopment ? LOOPBACK : [ALL_INTERFACES];
  const { c2s, c2sTls, s2s, s2sTls, component, http, https, edge } = value.listeners;
  const bound = (
    listener: Omit<ListenerConfig, 'interfaces'> & { interfaces?: string[] | undefined },
    interfaces: readonly string[],
  ): ListenerConfig => ({ ...listener, interfaces: listener.interfaces ?? interfaces });
  return {
    ...pick(value, Object.keys(serverShape) as (keyof typeof serverShape)[]),
    listeners: {
      c2s: bound(c2s, everywhere),
      c2sTls: bound(c2sTls, everywhere),
      s2s: bound(s2s, everywhere),
      s2sTls: bound(s2sTls, everywhere),
      component: bound(component, LOOPBACK),
      http: bound(http, LOOPBACK),
      https: bound(https, everywhere),
      edge: bound(edge, everywhere),
    },
    adminSocket: value.adminSocket ?? join(value.data, 'rtcctl.sock'),
  };
}

/** Faults that lie between keys. */
function crossCheck(server: ServerConfig, file: ConfigFile): Fault[] {
  const faults: Fault[] = [];
  const taken: { name: string; port: number; interfaces: readonly string[] }[] = [];
  for (const [name, { enabled, port, interfaces }] of Object.entries(server.listeners)) {
    if (!enabled || port === 0) continue;
    const other = taken.find((each) => each.port === port && overlap(each.interfaces, interfaces));
    if (other !== undefined) {
      const message = `${port} is the port of listeners.${other.name} too; give each its own`;
      faults.push(faultAt(file, ['listeners', name, 'port'], message));
    }
    taken.push({ name, port, interfaces });
  }
  const { ciphers } = server.tls;
  if (ciphers !== undefined && !isCipherList(ciphers)) {
    const message = `'${ciphers}' is no list of ciphers that OpenSSL knows`;
    faults.push(faultAt(file, ['tls', 'ciphers'], message));
  }
  const length = Buffer.byteLength(server.adminSocket);
  if (length > MAX_SOCKET_PATH) {
    const message = `${server.adminSocket} has ${length} bytes; a unix socket's path has at most ${MAX_SOCKET_PATH}`;
    faults.push(faultAt(file, ['adminSocket'], message));
  }
  return faults;
}

function isCipherList(ciphers: string): boolean {
  try {
    createSecureContext({ ciphers });
    return true;
  } catch {
    return false;
  }
}

/** Whether two listeners on one port would be in each other's way. */
function overlap(a: readonly string[], b: readonly string[]): boolean {
  const isWild = (address: string) => [ALL_INTERFACES, '::', '0.0.0.0'].includes(address);
  return a.some((one) => b.some((other) => one === other || isWild(one) || isWild(other)));
}

function places(
  serverFile: ConfigFile,
  entries: readonly HostEntry[],
): Pick<Loaded, 'placeOf' | 'sourceOf'> {
  const byHost = new Map(entries.map(({ host, file }) => [host.virtualHost, file]));
  const placeOf: Loaded['placeOf'] = (path, host) => {
    const holder = host === undefined ? serverFile : byHost.get(host);
    return holder?.has(path) === true ? holder.placeOf(path) : undefined;
  };
  return {
    placeOf,
    sourceOf(path, host) {
      const place = placeOf(path, host);
      return place && `${place.file}:${place.line}`;
    },
  };
}

function pick<T extends object, K extends keyof T>(value: T, keys: readonly K[]): Pick<T, K> {
  // Built from exactly these keys.
  return Object.fromEntries(keys.map((key) => [key, value[key]])) as Pick<T, K>;
}

/** Freezes a value and all that it holds. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) freeze(inner);
  return value;
}

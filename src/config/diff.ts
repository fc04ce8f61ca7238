/** What differs between two configs, so that a reload touches only whom it concerns. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Domain } from '../jid/jid.ts';
import { type Config, type HostConfig, serverShape } from './schema.ts';
import { childOf, unwrap } from './shape.ts';

/** What differs between two configs. */
export interface ConfigDiff {
  /** Server-wide keys whose value changed, dotted to the second level: `limits.depth`, `admins`. */
  readonly server: readonly string[];
  /** Those of them that take effect only when the server is started again. */
  readonly needsRestart: readonly string[];
  readonly added: readonly Domain[];
  readonly removed: readonly Domain[];
  /** Hosts that stay, with the keys that changed: `ssl`, `modules.register`. */
  readonly changed: readonly { readonly domain: Domain; readonly keys: readonly string[] }[];
}

/** Compares two configs. */
export function diffConfig(before: Config, after: Config): ConfigDiff {
  const server = differences(
    { ...before.server, ...before.sections, modules: before.modules },
    { ...after.server, ...after.sections, modules: after.modules },
  );
  const old = new Map(before.hosts.map((host) => [host.virtualHost, host]));
  const now = new Set(after.hosts.map((host) => host.virtualHost));
  return {
    server,
    needsRestart: server.filter(needsRestart),
    added: [...now].filter((domain) => !old.has(domain)),
    removed: [...old.keys()].filter((domain) => !now.has(domain)),
    changed: after.hosts.flatMap((host) => {
      const was = old.get(host.virtualHost);
      const keys = was === undefined ? [] : differences<HostConfig>(was, host);
      return keys.length === 0 ? [] : [{ domain: host.virtualHost, keys }];
    }),
  };
}

/** A new config as far as it can be taken while the server runs: what needs a new start stays as it was. */
export function untilRestart(before: Config, after: Config): Config {
  // The same keys of the same shape.
  return { ...after, server: { ...after.server, ...standingOf(before.server, after.server) } };
}

/** What needs a new start, as it was; of maps that hold some of it, the rest as it is now. */
function standingOf(before: object, after: object, above = ''): object {
  const now = new Map<string, unknown>(Object.entries(after));
  return Object.fromEntries(
    Object.entries(before).flatMap(([name, was]: [string, unknown]) => {
      const is = now.get(name);
      if (needsRestart(`${above}${name}`)) return [[name, was]];
      if (above !== '' || !isPlainMap(was) || !isPlainMap(is)) return [];
      const standing = standingOf(was, is, `${name}.`);
      return Object.keys(standing).length === 0 ? [] : [[name, { ...is, ...standing }]];
    }),
  );
}

/** The keys that differ; within a map, the keys of that map. */
function differences<T extends object>(before: T, after: T, isInner = false): string[] {
  const entries = new Map<string, unknown>(Object.entries(before));
  const names = new Set([...entries.keys(), ...Object.keys(after)]);
  const later = new Map<string, unknown>(Object.entries(after));
  return [...names].flatMap((name) => {
    const [was, is] = [entries.get(name), later.get(name)];
    if (isDeepStrictEqual(was, is)) return [];
    if (isInner || !isPlainMap(was) || !isPlainMap(is)) return [name];
    return differences(was, is, true).map((inner) => `${name}.${inner}`);
  });
}

function isPlainMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const serverSchema = z.object(serverShape);

/** Whether a key, or the map it is in, says that it needs a new start. */
function needsRestart(key: string): boolean {
  const [outer = '', inner = ''] = key.split('.');
  const field = childOf(serverSchema, outer);
  if (field === undefined) return false;
  const within = childOf(field, inner);
  return [field, within].some((each) => each !== undefined && unwrap(each).meta.restart === true);
}

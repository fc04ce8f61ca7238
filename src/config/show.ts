/** The config as it is in force, as YAML with the source of each value: `rtcctl config show`. */
import { Document, isScalar, isMap as isYamlMap, type YAMLMap } from 'yaml';
import { z } from 'zod';
import type { Domain } from '../jid/jid.ts';
import type { Loaded } from './load.ts';
import { moduleSchema } from './modules.ts';
import { type ConfigSections, hostShape, serverShape } from './schema.ts';
import { mapLeaves, type Path, written } from './shape.ts';

/**
 * Renders the config, secrets masked. What a file sets is followed by the file and line; the rest
 * are defaults.
 */
export function showConfig(loaded: Loaded, sections: ConfigSections): string {
  const { config, sourceOf } = loaded;
  const modules = z.object(
    Object.fromEntries(sections.modules.map((each) => [each.name, moduleSchema(each)])),
  );
  const serverSchema = z.object({ ...serverShape, ...sections.server, modules });
  const hostSchema = z.object({ ...hostShape, modules });
  const server = { ...config.server, ...config.sections, modules: config.modules };
  const head =
    config.file === undefined ? 'development defaults: there is no rtcd.yaml' : config.file;
  const parts = [
    render(serverSchema, server, ` ${head}`, (path) => sourceOf(path)),
    ...config.hosts.map((host) => {
      const overlaid = { ...host, modules: differing(host.modules, config.modules) };
      const source = (path: Path) => sourceOf(path, host.virtualHost);
      return render(hostSchema, overlaid, titleOf(loaded, host.virtualHost), source);
    }),
    ...config.disabled.map((domain) => `# ${domain} is disabled\n`),
  ];
  return parts.join('---\n');
}

function titleOf({ sourceOf }: Loaded, domain: Domain): string {
  return ` ${sourceOf(['virtualHost'], domain)?.replace(/:\d+$/, '') ?? domain}`;
}

/** The modules whose value for a host is not the server-wide one. */
function differing(
  own: Readonly<Record<string, unknown>>,
  common: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(own).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(common[name]),
    ),
  );
}

function render(
  schema: z.ZodType,
  value: unknown,
  title: string,
  sourceOf: (path: Path) => string | undefined,
): string {
  const document = new Document(mapLeaves(schema, value, written));
  document.commentBefore = title;
  if (isYamlMap(document.contents)) annotate(document.contents, [], sourceOf);
  return document.toString({ lineWidth: 0 });
}

/** Puts the source behind each value that a file sets. */
function annotate(map: YAMLMap, path: Path, sourceOf: (path: Path) => string | undefined): void {
  for (const { key, value } of map.items) {
    const name = isScalar(key) ? String(key.value) : String(key);
    const source = sourceOf([...path, name]);
    if (isYamlMap(value) && value.items.length > 0) annotate(value, [...path, name], sourceOf);
    else if (source !== undefined && isScalar(value)) value.comment = ` ${source}`;
    else if (source !== undefined && isScalar(key)) key.commentBefore = ` ${source}`;
  }
}

/** The reference of all config keys, derived from the schemas: `rtcctl config reference`. */
import type { z } from 'zod';
import { moduleSchema } from './modules.ts';
import { type ConfigSections, hostShape, serverShape } from './schema.ts';
import { childOf, isMap, typeText, unwrap } from './shape.ts';

/** Renders the reference as Markdown: the keys of rtcd.yaml, of a host's file, and of each module. */
export function configReference(sections: ConfigSections): string {
  const server = Object.entries({ ...serverShape, ...sections.server });
  return `${[
    '# Configuration reference',
    'Derived from the schemas in the code. A duration is written `30s`, `5m`, `1h30m`; a size `256KiB`, `4MiB` or in bytes. A path is relative to the folder of `rtcd.yaml`. Keys with ↻ take effect when the server is started again, all others on `rtcctl reload`; what one stream may use, such as `limits.stanzaBytes`, holds for those that begin after it.',
    '## rtcd.yaml: the whole server',
    table(server),
    '## conf.d/*.yaml: one file per domain',
    table(Object.entries(hostShape)),
    '## modules',
    'Server-wide in `rtcd.yaml` and for one domain in its file, where the domain’s file wins. `modules: { <name>: false }` switches a module off, `true` on.',
    ...[...sections.modules]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((section) => {
        const rows = Object.entries(fieldsOf(moduleSchema(section)));
        const state = section.isOnByDefault ? '' : ' (off by default)';
        const keys = rows.length === 0 ? 'No keys but `true` and `false`.' : table(rows);
        return `### modules.${section.name}${state}\n\n${keys}`;
      }),
  ].join('\n\n')}\n`;
}

type Row = readonly [key: string, schema: z.core.$ZodType];

function fieldsOf(schema: z.core.$ZodType): Readonly<Record<string, z.core.$ZodType>> {
  const def = unwrap(schema).core._zod.def;
  if (def.type === 'object') return def.shape;
  if (def.type === 'union') {
    const names = def.options.flatMap((option) => Object.keys(fieldsOf(option)));
    return Object.fromEntries(
      names.flatMap((name) => {
        const child = childOf(schema, name);
        return child === undefined ? [] : [[name, child]];
      }),
    );
  }
  const isMapOfMaps = def.type === 'record' && Object.keys(fieldsOf(def.valueType)).length > 0;
  return isMapOfMaps ? { '*': def.valueType } : {};
}

function table(rows: readonly Row[]): string {
  return [
    '| key | value | default | meaning |',
    '|---|---|---|---|',
    ...rows.flatMap(([key, schema]) => lines(key, schema, false)),
  ].join('\n');
}

/** The line of a key and, for a map, those of the keys in it. */
function lines(key: string, schema: z.core.$ZodType, isWithinRestart: boolean): string[] {
  const { meta } = unwrap(schema);
  const inner = Object.entries(fieldsOf(schema));
  const restart = isWithinRestart || meta.restart === true;
  const fallback = inner.length > 0 ? '' : defaultText(schema);
  const cells = [
    `\`${key}\`${restart ? ' ↻' : ''}`,
    typeText(schema),
    fallback,
    meta.description ?? '',
  ];
  return [
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`,
    ...inner.flatMap(([name, child]) => lines(`${key}.${name}`, child, restart)),
  ];
}

/** A default as one would write it. */
function defaultText(schema: z.core.$ZodType): string {
  const { meta, fallback, isOptional } = unwrap(schema);
  if (meta.defaultText !== undefined) return meta.defaultText;
  if (fallback === undefined) return isOptional ? '' : 'none: it must be given';
  if (Array.isArray(fallback)) return fallback.length === 0 ? 'none' : `\`${fallback.join(', ')}\``;
  if (isMap(fallback))
    return Object.keys(fallback).length === 0 ? 'none' : `\`${JSON.stringify(fallback)}\``;
  return `\`${String(fallback)}\``;
}

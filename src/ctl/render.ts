/** Whole values for a person: tables, records and lines, by their schema alone. */
import type { JsonSchema } from '../core/operation-description.ts';
import type { Style } from './style.ts';
import { clockText, type Entry, kindOf, labelOf, valueText, visibleEntries } from './values.ts';

const isMap = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const PAINT = /\p{Cc}\[\d+m/gu;
const widthOf = (text: string) => [...text.replace(PAINT, '')].length;
const fill = (text: string, width: number) => ' '.repeat(Math.max(0, width - widthOf(text)));

/** Renders a value as text without a newline at its end. */
export function renderValue(value: unknown, schema: JsonSchema, style: Style): string {
  if (!isMap(value)) return valueText(value, schema, style);
  const entries = visibleEntries(value, schema);
  const lists = entries.filter(isTable);
  const others = entries.filter((entry) => !isTable(entry));
  const [only] = lists;
  if (only !== undefined && lists.length === 1 && others.every(([field]) => field === 'total'))
    return renderList(only, totalOf(others), style);
  const parts = [renderRecord(others, style)];
  for (const list of lists) {
    const [field, value, of] = list;
    const title = isEmpty(value) ? '' : `${style.bold(labelOf(field, of))}\n`;
    parts.push(`${title}${renderList(list, undefined, style)}`);
  }
  return parts.filter((part) => part !== '').join('\n\n');
}

const totalOf = (entries: readonly Entry[]) => {
  const total = entries.find(([field]) => field === 'total')?.[1];
  return typeof total === 'number' ? total : undefined;
};

const isEmpty = (value: unknown) => Array.isArray(value) && value.length === 0;

/** Whether a field is a list of maps. */
function isTable([, value, schema]: Entry): boolean {
  if (!Array.isArray(value)) return false;
  return schema?.items?.properties !== undefined || value.some(isMap);
}

function renderList([field, value, schema]: Entry, total: number | undefined, style: Style) {
  const rows = Array.isArray(value) ? value.filter(isMap) : [];
  if (rows.length === 0)
    return total === undefined || total === 0
      ? `No ${labelOf(field, schema)}.`
      : `No more ${labelOf(field, schema)}; there are ${total}.`;
  const table = renderTable(rows, schema?.items, style);
  if (total === undefined || total <= rows.length) return table;
  return `${table}\n${style.dim(`${rows.length} of ${total}; --offset and --limit show others`)}`;
}

/** How many values of a list one cell of a table shows; a row that is longer than a screen is no row. */
const MOST_IN_CELL = 4;

function cellText(value: unknown, schema: JsonSchema | undefined, style: Style): string {
  if (!Array.isArray(value) || value.length <= MOST_IN_CELL + 1)
    return valueText(value, schema, style);
  const shown = valueText(value.slice(0, MOST_IN_CELL), schema, style);
  return `${shown} ${style.dim(`and ${value.length - MOST_IN_CELL} more`)}`;
}

/** Rows with aligned columns; numbers stand to the right. */
export function renderTable(
  rows: readonly object[],
  schema: JsonSchema | undefined,
  style: Style,
): string {
  const cells = rows.map((row) => visibleEntries(row, schema));
  const columns = cells[0] ?? [];
  const heads = columns.map(([field, , of]) => style.bold(labelOf(field, of)));
  const lines = [
    heads,
    ...cells.map((row) => row.map(([, value, of]) => cellText(value, of, style))),
  ];
  const isRight = columns.map(
    ([, value, of]) => typeof value === 'number' && kindOf(of) === undefined,
  );
  const widths = columns.map((_, column) =>
    Math.max(...lines.map((line) => widthOf(line[column] ?? ''))),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) => {
          const gap = fill(cell, widths[column] ?? 0);
          return isRight[column] === true ? `${gap}${cell}` : `${cell}${gap}`;
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** One map as `label  value` lines; the whole text alone if that is all there is. */
function renderRecord(entries: readonly Entry[], style: Style): string {
  const [only] = entries;
  if (only !== undefined && entries.length === 1 && kindOf(only[2]) === 'text')
    return valueText(only[1], only[2], style).trimEnd();
  const labels = entries.map(([field, , schema]) => labelOf(field, schema));
  const width = Math.max(0, ...labels.map(widthOf));
  return entries
    .map(([, value, schema], index) => {
      const label = labels[index] ?? '';
      return `${style.bold(label)}${fill(label, width)}  ${valueText(value, schema, style)}`;
    })
    .join('\n');
}

/** The width of the longest level, so that lines of a watch stand below each other. */
const LEVEL_WIDTH = 'warning'.length;

/** One value of a watch as a line; whole texts stand below it. */
export function renderLine(value: unknown, schema: JsonSchema, style: Style): string {
  if (!isMap(value)) return valueText(value, schema, style);
  const entries = visibleEntries(value, schema);
  const isBelow = ([, , of]: Entry) => kindOf(of) === 'text';
  const line = entries
    .filter((entry) => !isBelow(entry))
    .map(([, inner, of]) => partOfLine(inner, of, style))
    .join('  ');
  const below = entries
    .filter((entry) => isBelow(entry) && typeof entry[1] === 'string')
    .flatMap(([, inner, of]) => valueText(inner, of, style).split('\n'));
  return [line, ...below.map((each) => `  ${each}`.trimEnd())].join('\n');
}

function partOfLine(value: unknown, schema: JsonSchema | undefined, style: Style): string {
  const kind = kindOf(schema);
  if (kind === 'time' && typeof value === 'number') return style.dim(clockText(value));
  const text = valueText(value, schema, style);
  return kind === 'level' ? `${text}${fill(text, LEVEL_WIDTH)}` : text;
}

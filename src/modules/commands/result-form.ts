/** The value of an operation as a form of type result (XEP-0004 §3.4), and as notes. */
import type { JsonSchema, ValueKind } from '../../core/operation-description.ts';
import { DATA_FORMS } from '../../stanza/form.ts';
import { writeDateTime } from '../../xml/date-time.ts';
import { type Element, el } from '../../xml/element.ts';

/** Rows that a client is shown; who wants more asks page by page. */
const MOST_ROWS = 500;
/** The longest text of one value. */
const MOST_TEXT = 10_000;

type Row = Readonly<Record<string, unknown>>;

const isRow = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A form with what a value says; undefined where there is nothing to show. */
export function resultForm(title: string, value: unknown, schema: JsonSchema): Element | undefined {
  if (!isRow(value)) return undefined;
  const properties = schema.properties ?? {};
  const table = Object.entries(value).find(
    ([key, inner]) => Array.isArray(inner) && properties[key]?.items?.properties !== undefined,
  );
  const rest = Object.entries(value).filter(([key]) => key !== table?.[0]);
  const fields = rest.flatMap(([key, inner]) => {
    const own = properties[key];
    if (own?.['x-hidden'] === true) return [];
    const values = Array.isArray(inner)
      ? inner.map((each) => textOf(each, own))
      : [textOf(inner, own)];
    return [fieldElement(key, labelOf(key, own), values.slice(0, MOST_ROWS))];
  });
  const parts = [...fields, ...(table === undefined ? [] : tableOf(table, properties))];
  if (parts.length === 0) return undefined;
  return el('x', { xmlns: DATA_FORMS, type: 'result' }, el('title', undefined, title), ...parts);
}

function tableOf(
  [key, value]: [string, unknown],
  properties: NonNullable<JsonSchema['properties']>,
) {
  const columns = Object.entries(properties[key]?.items?.properties ?? {}).filter(
    ([, schema]) => schema['x-hidden'] !== true,
  );
  const rows = (Array.isArray(value) ? value : []).filter(isRow).slice(0, MOST_ROWS);
  return [
    el(
      'reported',
      undefined,
      ...columns.map(([name, schema]) =>
        el('field', { var: name, label: labelOf(name, schema), type: 'text-single' }),
      ),
    ),
    ...rows.map((row) =>
      el(
        'item',
        undefined,
        ...columns.map(([name, schema]) =>
          fieldElement(name, undefined, [textOf(row[name], schema)]),
        ),
      ),
    ),
  ];
}

function fieldElement(name: string, label: string | undefined, values: readonly string[]): Element {
  const type = values.length === 1 ? undefined : 'text-multi';
  const shown = values.flatMap((value) => (type === undefined ? [value] : value.split('\n')));
  return el(
    'field',
    { var: name, label, type },
    ...shown.map((value) => el('value', undefined, value)),
  );
}

const labelOf = (name: string, schema: JsonSchema | undefined) =>
  schema?.description?.replace(/\.$/, '') ?? name;

function textOf(value: unknown, schema: JsonSchema | undefined): string {
  if (value === null || value === undefined) return '';
  const kind = schema?.['x-kind'] ?? schema?.anyOf?.find((each) => each['x-kind'])?.['x-kind'];
  if (typeof value === 'number') return numberText(value, kind);
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text.slice(0, MOST_TEXT);
}

const numberText = (value: number, kind: ValueKind | undefined) =>
  kind === 'time' ? writeDateTime(value) : String(value);

/** How the table of stories has what became of one message: in lines of JSON. */
import type { Nature, StoryHead } from './story.ts';
import type { PackedStep } from './story-steps.ts';

/**
 * What the first line of a message in a block says: when the first of its steps there was, in ms since the
 * epoch, its serial, its nature, from, to, type, ids, what an error says, and steps.
 */
export type Line = readonly [...Head, steps: readonly PackedStep[]];

/** What a further line of it says: when the first of its steps was, the serial, and steps. */
export type LaterLine = readonly [at: number, serial: number, steps: readonly PackedStep[]];

type Head = readonly [
  at: number,
  serial: number,
  nature: Nature,
  from: string,
  to: string,
  type: string,
  ids: readonly string[],
  error: StoryHead['error'] | null,
];

/** The beginning of a {@link Line}: packed steps follow, with a comma between each two, and {@link LINE_END}. */
export function packHead(at: number, head: StoryHead): string {
  const { serial, from, to, type, nature, ids, error } = head;
  const [id] = ids;
  const named = id === undefined ? '' : ids.length === 1 ? quoted(id) : ids.map(quoted).join();
  const failed = error === undefined ? 'null' : JSON.stringify(error);
  return `[${at},${serial},"${nature}",${quoted(from)},${quoted(to)},"${type}",[${named}],${failed},[`;
}

/**
 * A text in JSON. Most texts have nothing to be escaped, and JSON.stringify takes up to twice as long to find
 * that out; a message has a dozen of them (bench, `pairs`).
 */
export const quoted = (text: string): string =>
  ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`;

/** What may have to be escaped: quotation marks, backslashes, controls, surrogates. */
const ESCAPED = /[^ !#-[\]-\ud7ff\ue000-\uffff]/;

/** The same of a {@link LaterLine}. */
export const laterLine = (at: number, serial: number): string => `[${at},${serial},[`;

/** What ends a line. */
export const LINE_END = ']]';

/** The serial in a line. */
export function serialIn(line: string): string {
  const start = line.indexOf(',') + 1;
  return line.slice(start, line.indexOf(',', start));
}

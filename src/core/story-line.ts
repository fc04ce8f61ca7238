/** How the table of stories has what became of one message: in lines of JSON. */
import type { Nature, StoryHead } from './story.ts';
import type { JsonBytes } from './story-json.ts';
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

/** Writes the beginning of a {@link Line}: packed steps follow, with a comma between each two, and {@link LINE_END}. */
export function writeHead(json: JsonBytes, at: number, head: StoryHead): void {
  writeStart(json, at, head.serial);
  json.raw('"');
  json.raw(head.nature);
  json.raw('",');
  json.string(head.from);
  json.raw(',');
  json.string(head.to);
  json.raw(',"');
  json.raw(head.type);
  json.raw('",[');
  head.ids.forEach((id, index) => {
    if (index > 0) json.raw(',');
    json.string(id);
  });
  json.raw('],');
  if (head.error === undefined) json.raw('null');
  else json.value(head.error);
  json.raw(',[');
}

/** The same of a {@link LaterLine}. */
export function writeLaterHead(json: JsonBytes, at: number, serial: number): void {
  writeStart(json, at, serial);
  json.raw('[');
}

function writeStart(json: JsonBytes, at: number, serial: number): void {
  json.raw('[');
  json.integer(at);
  json.raw(',');
  json.integer(serial);
  json.raw(',');
}

/** What ends a line. */
export const LINE_END = ']]';

/** The serial in a line. */
export function serialIn(line: string): string {
  const start = line.indexOf(',') + 1;
  return line.slice(start, line.indexOf(',', start));
}

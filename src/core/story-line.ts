/** How the table of stories has what became of one message: a line of JSON. */
import type { Nature, StoryHead } from './story.ts';
import type { PackedStep } from './story-steps.ts';

/**
 * What a block says of one message: when the first of its steps here was, in ms since the epoch, its
 * serial, its nature, from, to, type, ids, what an error says, and its steps.
 */
export type Line = readonly [...Head, steps: readonly PackedStep[]];

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

/** What a line says besides its steps, for {@link packed}. */
export function packHead(at: number, head: StoryHead): string {
  const { serial, from, to, type, nature, ids, error } = head;
  const values: Head = [at, serial, nature, from, to, type, ids, error ?? null];
  return JSON.stringify(values);
}

/** A {@link Line}, from its head and its packed steps, with a comma between each two. */
export function packed(head: string, steps: string): string {
  return `${head.slice(0, -1)},[${steps}]]`;
}

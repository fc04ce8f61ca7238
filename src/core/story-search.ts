/** Looking for messages in the table of stories, and putting their lines together. */
import { z } from 'zod';
import type { BareJid } from '../jid/jid.ts';
import { MESSAGE_TYPES } from '../stanza/stanza.ts';
import type { Store } from '../store/store.ts';
import { MOST_ID, NATURES, type StoryHead } from './story.ts';
import { serialIn } from './story-line.ts';
import type { Tables } from './story-log.ts';
import { type PackedStep, type Step, unpackStep } from './story-steps.ts';

/** Which messages are looked for. */
export interface StoryQuery {
  /** Its sender or recipient. */
  readonly jid: BareJid;
  /** The other one. */
  readonly with?: BareJid | undefined;
  /** One of its ids: its own, its origin-id, or that of an archive. */
  readonly id?: string | undefined;
  /** The earliest, in ms since the epoch. */
  readonly since?: number | undefined;
  /** Messages that are only a signal to a program, too. */
  readonly signals: boolean;
  /** Only messages that came before the one with this serial. */
  readonly before?: number | undefined;
  readonly limit: number;
}

/** What became of one message. */
export interface Tale extends Pick<StoryHead, 'serial' | 'type' | 'nature' | 'ids'> {
  readonly from: string;
  readonly to: string;
  /** What an error says. */
  readonly error?: { readonly condition: string; readonly text?: string | undefined } | undefined;
  /** In the order in which they happened; times in ms since the epoch. */
  readonly steps: readonly TaleStep[];
}

/** A step and when it happened, in ms since the epoch. */
export interface TaleStep {
  readonly at: number;
  readonly step: Step;
}

/** Some of the messages that were found. */
export interface TalePage {
  /** The earliest first. */
  readonly tales: readonly Tale[];
  /** Whether there are earlier ones. */
  readonly hasMore: boolean;
}

/** Blocks that are looked through at a time: some milliseconds. */
const CHUNK_BLOCKS = 8;
/** Lines that are read of one message; one that was sent again and again has more. */
const MOST_LINES = 50;

/**
 * The latest messages that match. Rejects with a StoreError.
 *
 * Lines come in the order of time, and so do the serials of messages, but for lines that tell of a
 * message later on. So all is known of a message as soon as a part of the table was looked through
 * that has only smaller serials.
 */
export async function findTales(store: Store, query: StoryQuery): Promise<TalePage> {
  const { limit, before = Number.POSITIVE_INFINITY, since = 0, id } = query;
  /** The lines of each message, the latest first. */
  const found = new Map<number, Told[]>();
  const serials = () => [...found.keys()].sort((a, b) => b - a);
  for await (const { lines, greatest, latest } of looked(store, matcherOf(query))) {
    for (const line of lines) {
      const known = found.get(line.serial);
      if (known !== undefined) add(known, line);
      else if (line.serial < before && line.at >= since) found.set(line.serial, [line]);
    }
    const open = serials().filter((serial) => serial <= greatest).length;
    if (found.size - open > limit || (latest < since && open === 0)) break;
  }
  const all = serials();
  const wanted = all.slice(0, limit);
  const hasMore = all.length > limit;
  if (id === undefined || wanted.length === 0)
    return { tales: talesOf(linesOfAll(found, wanted)), hasMore };
  // Not each line of a message has all of its ids.
  const whole = new Map<number, Told[]>(wanted.map((serial) => [serial, []]));
  const isWanted: Matcher = { needles: [], has: ({ serial }) => whole.has(serial) };
  for await (const { lines, greatest } of looked(store, isWanted)) {
    for (const line of lines) add(whole.get(line.serial) ?? [], line);
    if (wanted.every((serial) => serial > greatest)) break;
  }
  const tales = talesOf(linesOfAll(whole, wanted));
  return { tales: tales.filter(({ ids }) => ids.includes(id.slice(0, MOST_ID))), hasMore };
}

/** Adds an earlier line to those of a message; of very many the earliest is among those that stay. */
function add(lines: Told[], line: Told): void {
  if (lines.length === MOST_LINES) lines.pop();
  lines.push(line);
}

/** The lines of messages, the earliest first. */
const linesOfAll = (found: ReadonlyMap<number, readonly Told[]>, wanted: readonly number[]) =>
  wanted.toReversed().flatMap((serial) => (found.get(serial) ?? []).toReversed());

/** What makes a line one that is looked for. */
interface Matcher {
  /** Texts that stand in each such line: what has none of them need not be read. */
  readonly needles: readonly string[];
  has(line: Told): boolean;
}

function matcherOf({ jid, with: other, signals, id }: StoryQuery): Matcher {
  const shortId = id?.slice(0, MOST_ID);
  const isOf = (line: Told, one: 'from' | 'to', far: 'from' | 'to') =>
    isAt(line[one], jid) && (other === undefined || isAt(line[far], other));
  const needles = [jid, other].flatMap((text) => (text === undefined ? [] : [inJson(text)]));
  // As one of the texts in it; which one it is will be seen.
  if (shortId !== undefined) needles.push(JSON.stringify(shortId));
  return {
    needles,
    has: (line) =>
      (isOf(line, 'from', 'to') || isOf(line, 'to', 'from')) &&
      (signals || line.nature !== 'signal'),
  };
}

/** Whether a JID is that bare one, or one of its resources. */
const isAt = (jid: string, bare: BareJid) => jid === bare || jid.startsWith(`${bare}/`);

/** A text as it stands within a longer one in JSON. */
const inJson = (text: string) => JSON.stringify(text).slice(1, -1);

/** A part of the table: the lines that were looked for, the latest first, and what all of it is like. */
interface Looked {
  readonly lines: readonly Told[];
  readonly greatest: number;
  readonly latest: number;
}

/** Looks through the table from its end. */
async function* looked(store: Store, matcher: Matcher): AsyncGenerator<Looked> {
  const all = store
    .tables<Tables>()
    .selectFrom('story_blocks')
    .select(['id', 'greatest', 'latest', 'told'])
    .orderBy('id', 'desc')
    .limit(CHUNK_BLOCKS);
  for (let before = Number.MAX_SAFE_INTEGER; ; ) {
    const blocks = await store.read(all.where('id', '<', before));
    const [first] = blocks;
    if (first === undefined) return;
    yield {
      lines: blocks.flatMap(({ told }) => linesIn(told, matcher)),
      greatest: Math.max(...blocks.map(({ greatest }) => Number(greatest))),
      latest: Math.max(...blocks.map(({ latest }) => Number(latest))),
    };
    before = Number(blocks.at(-1)?.id);
  }
}

/** What a block says of the messages that are looked for, the latest first. */
function linesIn(told: string, { needles, has }: Matcher): Told[] {
  const isIn = (text: string) => needles.every((needle) => text.includes(needle));
  if (!isIn(told)) return [];
  const messages = new Map<string, string[]>();
  for (const line of told.split('\n')) {
    const serial = serialIn(line);
    const known = messages.get(serial);
    if (known === undefined) messages.set(serial, [line]);
    else known.push(line);
  }
  return [...messages.values()]
    .filter((lines) => isIn(lines.join('\n')))
    .flatMap((lines) => {
      const line = toldOf(lines);
      return line !== undefined && has(line) ? [line] : [];
    })
    .reverse();
}

/** What the lines of a message in one block tell. */
interface Told extends Omit<Tale, 'steps' | 'error'> {
  readonly at: number;
  readonly error: Tale['error'] | null;
  readonly steps: readonly PackedStep[];
}

const stepsSchema = z.array(z.array(z.union([z.string(), z.number(), z.null()])));

/** A `Line` of story-line.ts. */
const lineSchema = z
  .tuple([
    z.number(),
    z.number(),
    z.enum(NATURES).catch('other'),
    z.string(),
    z.string(),
    z.enum(MESSAGE_TYPES),
    z.array(z.string()),
    z.object({ condition: z.string(), text: z.string().optional() }).nullable(),
    stepsSchema,
  ])
  .transform(
    ([at, serial, nature, from, to, type, ids, error, steps]): Told => ({
      ...{ at, serial, nature, from, to, type, ids, error, steps },
    }),
  );

/** A `LaterLine` of it. */
const laterSchema = z.tuple([z.number(), z.number(), stepsSchema]);

/** What the lines of a message tell, the first of which has its outside. */
function toldOf([first = '', ...others]: readonly string[]): Told | undefined {
  const told = lineSchema.safeParse(JSON.parse(first)).data;
  if (told === undefined || others.length === 0) return told;
  const later = others.flatMap((text) => {
    const [at = 0, , steps = []] = laterSchema.safeParse(JSON.parse(text)).data ?? [];
    return steps.map(([after, ...rest]) => [at - told.at + Number(after), ...rest]);
  });
  return { ...told, steps: [...told.steps, ...later] };
}

/** The tales of lines, which come in the order in which they were written. */
function talesOf(lines: readonly Told[]): readonly Tale[] {
  const tales = new Map<number, Tale & { ids: string[]; steps: TaleStep[] }>();
  for (const { at, ids, error, steps, ...outside } of lines) {
    const tale = tales.get(outside.serial) ?? {
      ...outside,
      error: error ?? undefined,
      ids: [],
      steps: [],
    };
    tales.set(outside.serial, tale);
    const allIds = [...ids];
    for (const packed of steps) {
      const step = unpackStep(packed);
      if (step === undefined) continue;
      tale.steps.push({ at: at + Number(packed[0]), step });
      if (step.kind === 'archived') allIds.push(step.id);
    }
    tale.ids.push(...allIds.filter((each) => !tale.ids.includes(each)));
  }
  const sorted = [...tales.values()].map((tale) => ({
    ...tale,
    steps: tale.steps.toSorted((a, b) => a.at - b.at),
  }));
  return sorted.toSorted((a, b) => (a.steps[0]?.at ?? 0) - (b.steps[0]?.at ?? 0));
}

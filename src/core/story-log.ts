/**
 * The table of stories: bounded in rows and in age. A row is what became of one message within the
 * few seconds between two writes, which is mostly all; the rows of a message are put together when
 * they are read.
 */
import type { Generated } from 'kysely';
import { z } from 'zod';
import { type BareJid, bareOf } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import { MESSAGE_TYPES } from '../stanza/stanza.ts';
import { type Migration, prepare, type Store } from '../store/store.ts';
import { MOST_ID, NATURES, type StoryEvent, type StoryHead } from './story.ts';
import { type Step, stepSchema } from './story-steps.ts';

/** What is kept. */
export interface StoryBounds {
  /** How long, in ms. */
  readonly keepFor: number;
  readonly maxRows: number;
}

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
  /** Only what was noted before a place that a page told. */
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
  /** Where the next page begins, with what is older; undefined when there is none. */
  readonly next: number | undefined;
}

/** Reads and writes the table. All rejects with a StoreError. */
export interface StoryLog {
  /** Adds what was noted, and removes as much of what is too old or too much. */
  write(events: readonly StoryEvent[]): Promise<void>;
  /** Removes what is too old or too much, in small steps. */
  prune(): Promise<void>;
  /** The latest messages that match. */
  find(query: StoryQuery): Promise<TalePage>;
}

interface Tables {
  story: {
    id: Generated<number>;
    at: number;
    serial: number;
    sender: BareJid;
    recipient: BareJid;
    nature: string;
    /** A JSON list of all ids of the message. */
    ids: string;
    /** JSON, see {@link headSchema}. */
    head: string;
    /** A JSON list of pairs: ms since `at`, step. */
    steps: string;
  };
}

/** The migrations of the table. */
export const storyMigrations: readonly Migration[] = [
  {
    name: 'stories of messages',
    up: [
      `CREATE TABLE story (
        id INTEGER PRIMARY KEY, at BIGINT NOT NULL, serial BIGINT NOT NULL, sender TEXT NOT NULL,
        recipient TEXT NOT NULL, nature TEXT NOT NULL, ids TEXT NOT NULL, head TEXT NOT NULL,
        steps TEXT NOT NULL
      )`,
      'CREATE INDEX story_by_sender ON story (sender, id)',
      'CREATE INDEX story_by_recipient ON story (recipient, id)',
      'CREATE INDEX story_by_serial ON story (serial)',
    ],
  },
];

/** Rows that are removed at once. */
const PRUNE_ROWS = 1000;
/** Steps of one row; further ones are left out. A message to all devices of two people has fewer. */
const MOST_STEPS = 150;
/** Longer texts of steps are cut: they come from strangers. */
const MOST_TEXT = 500;

/** Opens the table; the bounds are asked for each time. */
export function createStoryLog(store: Store, clock: Clock, bounds: () => StoryBounds): StoryLog {
  const db = store.tables<Tables>();
  const insert = prepare((is: Row) =>
    db.insertInto('story').values({
      at: is.at,
      serial: is.serial,
      sender: is.sender,
      recipient: is.recipient,
      nature: is.nature,
      ids: is.ids,
      head: is.head,
      steps: is.steps,
    }),
  );
  /** Removes what is too old or too much among the oldest rows, which have the smallest ids. */
  const remove = (most: number) => {
    const { keepFor, maxRows } = bounds();
    const oldest = db.selectFrom('story').select(['id', 'at']).orderBy('id').limit(most);
    const newest = db.selectFrom('story').select(({ fn }) => fn.max('id').as('id'));
    const doomed = db
      .selectFrom(oldest.as('oldest'))
      .select('id')
      .where((is) =>
        is.or([is('at', '<', clock.now() - keepFor), is(is('id', '+', maxRows), '<=', newest)]),
      );
    return db.deleteFrom('story').where('id', 'in', doomed);
  };
  return {
    async write(events) {
      const rows = rowsOf(events);
      // Twice as many as come: it catches up if it ever was behind.
      await store.write(...rows.map(insert), remove(2 * rows.length));
    },
    async prune() {
      for (;;) {
        const [removed] = await store.write(remove(PRUNE_ROWS));
        if ((removed?.changes ?? 0) < PRUNE_ROWS) return;
      }
    },
    find: (query) => find(store, query),
  };
}

/** What is written of a row. */
type Row = Omit<Tables['story'], 'id'>;

/** One row for each message. */
function rowsOf(events: readonly StoryEvent[]): Row[] {
  const messages = new Map<number, { at: number; head: StoryHead; steps: [number, Step][] }>();
  for (const { at, head, step } of events) {
    const known = messages.get(head.serial);
    if (known === undefined) messages.set(head.serial, { at, head, steps: [[0, cut(step)]] });
    else if (known.steps.length < MOST_STEPS) known.steps.push([at - known.at, cut(step)]);
  }
  return [...messages.values()].map(({ at, head, steps }) => {
    const { serial, from, to, type, nature, ids, error } = head;
    const archived = steps.flatMap(([, step]) => (step.kind === 'archived' ? [step.id] : []));
    return {
      at,
      serial,
      sender: bareOf(from),
      recipient: bareOf(to),
      nature,
      ids: JSON.stringify([...ids, ...archived]),
      head: JSON.stringify({ from, to, type, error }),
      steps: JSON.stringify(steps),
    };
  });
}

function cut(step: Step): Step {
  if (step.kind === 'bounced') return { ...step, text: step.text?.slice(0, MOST_TEXT) };
  if (step.kind === 'dropped') return { ...step, why: step.why.slice(0, MOST_TEXT) };
  return step;
}

/** Rows that are looked at for each message that is wanted: most messages have one. */
const ROWS_PER_TALE = 4;
/** Rows that are read of each message on average; one that was sent again and again has many. */
const MOST_ROWS_PER_TALE = 20;

async function find(store: Store, query: StoryQuery): Promise<TalePage> {
  const db = store.tables<Tables>();
  const half = (own: 'sender' | 'recipient', other: 'sender' | 'recipient') => {
    let rows = db.selectFrom('story').select(['id', 'serial']).where(own, '=', query.jid);
    if (query.with !== undefined) rows = rows.where(other, '=', query.with);
    if (query.since !== undefined) rows = rows.where('at', '>=', query.since);
    if (query.before !== undefined) rows = rows.where('id', '<', query.before);
    if (!query.signals) rows = rows.where('nature', '!=', 'signal');
    if (query.id === undefined) return rows;
    const quoted = JSON.stringify(query.id.slice(0, MOST_ID));
    return rows.where((is) => is(is.fn<number>('instr', ['ids', is.val(quoted)]), '>', 0));
  };
  const most = query.limit * ROWS_PER_TALE;
  const rows = await store.read(
    half('sender', 'recipient')
      .unionAll(half('recipient', 'sender'))
      .orderBy('id', 'desc')
      .limit(most),
  );
  const { serials, next } = firstOf(rows, query.limit, rows.length === most);
  if (serials.size === 0) return { tales: [], next };
  const whole = await store.read(
    db
      .selectFrom('story')
      .selectAll()
      .where('serial', 'in', [...serials])
      .orderBy('id')
      .limit(query.limit * MOST_ROWS_PER_TALE),
  );
  const { before = Number.POSITIVE_INFINITY } = query;
  const shown = new Set(whole.filter(({ id }) => Number(id) >= before).map(({ serial }) => serial));
  return { tales: talesOf(whole.filter(({ serial }) => !shown.has(serial))), next };
}

/** The messages of the first rows, and where the next page begins. */
function firstOf(
  rows: readonly { readonly id: number; readonly serial: number }[],
  most: number,
  isCut: boolean,
): { readonly serials: ReadonlySet<number>; readonly next: number | undefined } {
  const serials = new Set<number>();
  let last: number | undefined;
  for (const { id, serial } of rows) {
    if (serials.size === most && !serials.has(serial)) return { serials, next: last };
    serials.add(serial);
    last = Number(id);
  }
  return { serials, next: isCut ? last : undefined };
}

const headSchema = z.object({
  from: z.string(),
  to: z.string(),
  type: z.enum(MESSAGE_TYPES),
  error: z.object({ condition: z.string(), text: z.string().optional() }).optional(),
});

/** The tales of rows, which come in the order in which they were written. */
function talesOf(rows: readonly (Row & { readonly id: number })[]): readonly Tale[] {
  const tales = new Map<number, Tale & { ids: string[]; steps: TaleStep[] }>();
  for (const row of rows) {
    const head = headSchema.safeParse(JSON.parse(row.head));
    if (!head.success) continue;
    const serial = Number(row.serial);
    const nature = natureSchema.catch('other').parse(row.nature);
    const tale = tales.get(serial) ?? { ...head.data, serial, nature, ids: [], steps: [] };
    tales.set(serial, tale);
    const ids = z.array(z.string()).parse(JSON.parse(row.ids));
    tale.ids.push(...ids.filter((id) => !tale.ids.includes(id)));
    tale.steps.push(...stepsOf(row));
  }
  const sorted = [...tales.values()].map((tale) => ({
    ...tale,
    steps: tale.steps.toSorted((a, b) => a.at - b.at),
  }));
  return sorted.toSorted((a, b) => (a.steps[0]?.at ?? 0) - (b.steps[0]?.at ?? 0));
}

const natureSchema = z.enum(NATURES);
const pairsSchema = z.array(z.tuple([z.number(), z.unknown()]));

/** The steps of a row that this version of the program knows. */
function stepsOf({ at, steps }: Row): readonly TaleStep[] {
  return pairsSchema.parse(JSON.parse(steps)).flatMap(([after, raw]) => {
    const step = stepSchema.safeParse(raw);
    return step.success ? [{ at: Number(at) + after, step: step.data }] : [];
  });
}

/**
 * The table of stories: bounded in rows and in age. A row is what became of one message within the
 * few seconds between two writes, which is mostly all; the rows of a message are put together when
 * they are read.
 *
 * Rows are written all the time and read when somebody asks. So there is no index, which would cost
 * four times what the row itself does; who asks looks through the table from its end, some thousand
 * rows at a time, so that nobody else's reading waits for his.
 */
import type { Generated } from 'kysely';
import { type BareJid, bareOf } from '../jid/jid.ts';
import type { Clock } from '../kit/clock.ts';
import { type Migration, prepare, type Store } from '../store/store.ts';
import type { StoryEvent, StoryHead } from './story.ts';
import { type PackedStep, packStep, type Step } from './story-steps.ts';

/** What is kept. */
export interface StoryBounds {
  /** How long, in ms. */
  readonly keepFor: number;
  readonly maxRows: number;
}

/** Writes the table. All rejects with a StoreError. */
export interface StoryLog {
  /** Adds what was noted, and removes as much of what is too old or too much. */
  write(events: readonly StoryEvent[]): Promise<void>;
  /** Removes what is too old or too much, in small steps. */
  prune(): Promise<void>;
}

/** The table. */
export interface Tables {
  story: {
    id: Generated<number>;
    at: number;
    serial: number;
    sender: BareJid;
    recipient: BareJid;
    nature: string;
    /** JSON, see toldSchema of story-search.ts. */
    told: string;
  };
}

/** The migrations of the table. */
export const storyMigrations: readonly Migration[] = [
  {
    name: 'stories of messages',
    up: [
      `CREATE TABLE story (
        id INTEGER PRIMARY KEY, at BIGINT NOT NULL, serial BIGINT NOT NULL, sender TEXT NOT NULL,
        recipient TEXT NOT NULL, nature TEXT NOT NULL, told TEXT NOT NULL
      )`,
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
      told: is.told,
    }),
  );
  /** Removes what is too old or too much among the oldest rows, which have the smallest ids. */
  const removeOldest = prepare((is: { before: number; maxRows: number; most: number }) => {
    const oldest = db.selectFrom('story').select(['id', 'at']).orderBy('id').limit(is.most);
    const newest = db.selectFrom('story').select(({ fn }) => fn.max('id').as('id'));
    const doomed = db
      .selectFrom(oldest.as('oldest'))
      .select('id')
      .where((of) =>
        of.or([of('at', '<', is.before), of(of('id', '+', is.maxRows), '<=', newest)]),
      );
    return db.deleteFrom('story').where('id', 'in', doomed);
  });
  const remove = (most: number) => {
    const { keepFor, maxRows } = bounds();
    return removeOldest({ before: clock.now() - keepFor, maxRows, most });
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
  };
}

/** What is written of a row. */
export type Row = Omit<Tables['story'], 'id'>;

/** One row for each message. */
function rowsOf(events: readonly StoryEvent[]): Row[] {
  const messages = new Map<number, { at: number; head: StoryHead; steps: PackedStep[] }>();
  for (const { at, head, step } of events) {
    const known = messages.get(head.serial);
    if (known === undefined)
      messages.set(head.serial, { at, head, steps: [packStep(0, cut(step))] });
    else if (known.steps.length < MOST_STEPS) known.steps.push(packStep(at - known.at, cut(step)));
  }
  return [...messages.values()].map(({ at, head, steps }) => {
    const { serial, from, to, type, nature, ids, error } = head;
    const told = [from, to, type, ids, error ?? null, steps];
    return {
      at,
      serial,
      sender: bareOf(from),
      recipient: bareOf(to),
      nature,
      told: JSON.stringify(told),
    };
  });
}

function cut(step: Step): Step {
  if (step.kind === 'bounced') return { ...step, text: step.text?.slice(0, MOST_TEXT) };
  if (step.kind === 'dropped') return { ...step, why: step.why.slice(0, MOST_TEXT) };
  return step;
}

/**
 * The table of stories: bounded in messages and in age. What was noted within the few seconds between
 * two writes is a row or some, each a block of lines (story-line.ts): one with the outside of each message,
 * and further ones of what became of it later on. They are put together when they are read.
 *
 * Blocks are written all the time and read when somebody asks. A row for each message would cost the
 * thread of the database as much as its archiving does (bench/story.bench.ts), and an index four times
 * that; who asks looks through the blocks from the last one on, some at a time, so that nobody else's
 * reading waits for his.
 */
import type { Clock } from '../kit/clock.ts';
import { type Migration, prepare, type Store } from '../store/store.ts';
import type { StoryBlock } from './story-block.ts';

/** What is kept. */
export interface StoryBounds {
  /** How long, in ms. */
  readonly keepFor: number;
  /** How many messages. */
  readonly maxRows: number;
}

/** Writes the table. All rejects with a StoreError. */
export interface StoryLog {
  /** Adds what was noted, and removes as much of what is too old or too much. */
  write(blocks: readonly StoryBlock[]): Promise<void>;
  /** Removes what is too old or too much, in small steps. */
  prune(): Promise<void>;
}

/** The table. */
export interface Tables {
  story_blocks: {
    /** The number of its last message, of all that there ever were. */
    id: number;
    /** That of its first one. */
    first: number;
    /** The greatest serial of its messages. */
    greatest: number;
    /** When the last of its lines began, in ms since the epoch. */
    latest: number;
    /** Lines of JSON: see story-line.ts. */
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
  {
    name: 'stories of messages in blocks',
    up: [
      'DROP TABLE story', // what it told is of some days, and nothing depends on it
      `CREATE TABLE story_blocks (
        id INTEGER PRIMARY KEY, first BIGINT NOT NULL, greatest BIGINT NOT NULL,
        latest BIGINT NOT NULL, told TEXT NOT NULL
      )`,
    ],
  },
];

/** Blocks that are removed at once. */
const PRUNE_BLOCKS = 20;
/** Opens the table; the bounds are asked for each time. */
export function createStoryLog(store: Store, clock: Clock, bounds: () => StoryBounds): StoryLog {
  const db = store.tables<Tables>();
  const insert = prepare((is: Tables['story_blocks']) =>
    db.insertInto('story_blocks').values({
      id: is.id,
      first: is.first,
      greatest: is.greatest,
      latest: is.latest,
      told: is.told,
    }),
  );
  /** Removes what is too old or too much among the oldest blocks, which have the smallest ids. */
  const removeOldest = prepare((is: { before: number; maxRows: number; most: number }) => {
    const blocks = db.selectFrom('story_blocks');
    const oldest = blocks.select(['id', 'first', 'latest']).orderBy('id').limit(is.most);
    const newest = blocks.select(({ fn }) => fn.max('id').as('id'));
    const doomed = db
      .selectFrom(oldest.as('oldest'))
      .select('id')
      .where((of) =>
        of.or([of('latest', '<', is.before), of(of('first', '+', is.maxRows), '<=', newest)]),
      );
    return db.deleteFrom('story_blocks').where('id', 'in', doomed);
  });
  const remove = (most: number) => {
    const { keepFor, maxRows } = bounds();
    return removeOldest({ before: clock.now() - keepFor, maxRows, most });
  };
  let last: Promise<number> | undefined;
  const readLast = async () => {
    const found = await store.first(
      db.selectFrom('story_blocks').select(({ fn }) => fn.max('id').as('id')),
    );
    return Number(found?.id ?? 0);
  };
  return {
    async write(blocks) {
      let id = await (last ?? readLast());
      const inserts = blocks.map(({ messages, greatest, latest, text }) => {
        const first = id + 1;
        id += messages;
        return insert({ id, first, greatest, latest, told: text });
      });
      last = Promise.resolve(id);
      // Two for each that comes: it catches up if it ever was behind.
      await store.write(...inserts, remove(2 * blocks.length));
    },
    async prune() {
      for (;;) {
        const [removed] = await store.write(remove(PRUNE_BLOCKS));
        if ((removed?.changes ?? 0) < PRUNE_BLOCKS) return;
      }
    },
  };
}

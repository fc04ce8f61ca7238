/** The story of each message: its notes, their table, and the time that it takes care of both. */
import type { ServerConfig } from '../config/schema.ts';
import { createStory, type Story } from '../core/story.ts';
import { createStoryLog } from '../core/story-log.ts';
import { findTales } from '../core/story-search.ts';
import type { Clock } from '../kit/clock.ts';
import type { LogRoot } from '../kit/log.ts';
import type { Metrics } from '../kit/metrics.ts';
import type { StoryService } from '../operations/services.ts';
import type { Store } from '../store/store.ts';

/** How often what is too old is removed while nothing is written; each write removes some, too. */
const PRUNE_MS = 60_000;

/** What the stories need. */
export interface StoriesOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: LogRoot;
  readonly metrics: Metrics;
  /** Whether messages come; without a server stories are only read. */
  readonly isServing: boolean;
  settings(): ServerConfig['story'];
}

/** The stories. */
export interface Stories {
  readonly story: Story;
  readonly service: StoryService;
  /** Takes the settings as they are now. */
  apply(): void;
  /** Writes what was noted. */
  close(): Promise<void>;
}

/** Opens the stories. */
export function openStories(options: StoriesOptions): Stories {
  const { store, clock, metrics, isServing, settings } = options;
  const log = options.log.area('story');
  const table = createStoryLog(store, clock, settings);
  const story = createStory({
    clock,
    log,
    write: table.write,
    lost: (count) => metrics.storyLost.inc(count),
  });
  const apply = () => {
    story.isOn = isServing && settings().enabled;
  };
  apply();
  const prune = () =>
    table.prune().catch((error: unknown) => log.warn({ err: error }, 'old stories stay'));
  const timer = isServing ? clock.every(PRUNE_MS, () => void prune()) : undefined;
  return {
    story,
    service: {
      isOn: () => settings().enabled,
      async find(query) {
        await story.flush();
        return findTales(store, query);
      },
    },
    apply,
    async close() {
      timer?.cancel();
      story.isOn = false;
      await story.flush();
    },
  };
}

/**
 * What the story of a message costs the thread that routes: a message to two clients who acknowledge
 * it, with the story off and on, its rows made and sent to the database's thread included.
 *
 *     npx vitest bench --run bench/story.bench.ts
 */
import { serialize } from 'node:v8';
import { bench, describe } from 'vitest';
import { createStory, type StoryKeeper } from '../src/core/story.ts';
import { createStoryLog } from '../src/core/story-log.ts';
import { bareOf } from '../src/jid/jid.ts';
import { systemClock } from '../src/kit/clock.ts';
import { createLog } from '../src/kit/log.ts';
import { offline } from '../src/modules/offline/index.ts';
import { presence } from '../src/modules/presence/index.ts';
import { roster } from '../src/modules/roster/index.ts';
import { type Message, readStanza } from '../src/stanza/stanza.ts';
import { buildersFor, type Query, statementOf } from '../src/store/query.ts';
import type { Store } from '../src/store/store.ts';
import { clone } from '../src/xml/element.ts';
import { type Actor, parse, type Scene, startScene } from '../test/support/scene.ts';

const BODY = 'What light through yonder window breaks? It is the east, and Juliet is the sun.';

/** A store that does what this thread does for a write, and has nobody on the other side. */
const store = {
  tables: () => buildersFor(),
  async write(...queries: readonly Query[]) {
    serialize(queries.map(statementOf));
    return queries.map(() => ({ changes: 0, rows: [] }));
  },
} as unknown as Store;

interface Stage {
  readonly scene: Scene;
  readonly romeo: Actor;
  readonly story: StoryKeeper;
}

async function stage(isOn: boolean): Promise<Stage> {
  const bounds = { keepFor: 1, maxRows: 1 };
  const table = createStoryLog(store, systemClock, () => bounds);
  const log = createLog({ level: 'silent' }).area('story');
  const story = createStory({ clock: systemClock, log, write: table.write, lost: () => {} });
  story.isOn = isOn;
  const scene = await startScene({
    modules: [roster, presence, offline],
    accounts: ['romeo@montague.example', 'juliet@montague.example'],
    story,
  });
  for (const resource of ['balcony', 'chamber']) {
    const juliet = await scene.connect(`juliet@montague.example/${resource}`);
    await juliet.send('<presence/>');
    juliet.session.send = (stanza, _, receipt) => {
      void stanza.wire.text;
      receipt?.acknowledged(juliet.session);
    };
  }
  return { scene, romeo: await scene.connect('romeo@montague.example/orchard'), story };
}

/** Messages of one run; then the thread does what waits. */
const AT_ONCE = 100;

async function chat({ scene, romeo }: Stage): Promise<void> {
  for (let count = 0; count < AT_ONCE; count += 1) {
    const read = readStanza(clone(element), { from: romeo.jid, defaultTo: bareOf(romeo.jid) });
    if (read.ok) await scene.router.fromSession(read.stanza as Message, romeo.session);
  }
  await new Promise((resolve) => setImmediate(resolve));
}

const element = parse(
  `<message to='juliet@montague.example' type='chat' id='a1b2c3d4'><body>${BODY}</body>` +
    "<active xmlns='http://jabber.org/protocol/chatstates'/></message>",
);

describe(`${AT_ONCE} messages to two clients`, async () => {
  const [off, on] = await Promise.all([stage(false), stage(true)]);
  const options = { time: 3000, warmupTime: 1000 };
  bench('the story is off', () => chat(off), options);
  bench('the story is on', () => chat(on), options);
});

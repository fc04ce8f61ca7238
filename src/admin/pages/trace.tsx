/** What became of messages: a search, and the story of each message that it finds. */
import type { Hono } from 'hono';
import type { OperationFailure } from '../../core/operation.ts';
import { lasting } from '../../operations/story-text.ts';
import { type AdminEnv, type Ask, type Desk, filled, link } from '../desk.tsx';
import { plural } from '../text.ts';
import {
  Badge,
  Choice,
  Empty,
  Field,
  Note,
  PageHeading,
  Problem,
  Submit,
  Tick,
  Time,
  type Tone,
} from '../ui/parts.tsx';
import { type StoryView, storiesView } from '../views/stories.ts';

const PATH = '/admin/trace';
const PAGE = 20;

const SPANS = [
  ['', 'As long as it is kept'],
  ['15m', 'The last 15 minutes'],
  ['2h', 'The last two hours'],
  ['1d', 'The last day'],
] as const;

const OUTCOMES: Readonly<Record<StoryView['outcome'], readonly [Tone, string]>> = {
  delivered: ['ok', 'Delivered'],
  sent: ['info', 'Sent'],
  waiting: ['warning', 'Waiting'],
  bounced: ['error', 'Came back'],
  dropped: ['error', 'Dropped'],
  unknown: ['quiet', 'Unknown'],
};

const NATURES: Readonly<Record<string, string>> = {
  text: 'text',
  encrypted: 'encrypted',
  signal: 'signal for programs',
  other: 'no text',
};

/** What the search is for; an empty field is not given. */
interface Wanted {
  readonly jid: string;
  readonly with: string;
  readonly id: string;
  readonly since: string;
  readonly failed: string;
  readonly signals: string;
}

/** Adds this page. */
export function addTracePage(app: Hono<AdminEnv>, desk: Desk): void {
  app.get(PATH, (c) => {
    const {
      jid = '',
      with: other = '',
      id = '',
      since = '',
      failed = '',
      signals = '',
    } = c.req.query();
    const wanted = { jid: jid.trim(), with: other.trim(), id: id.trim(), since, failed, signals };
    return wanted.jid === '' ? show(c, desk, wanted) : search(c, desk, wanted);
  });
}

const HEAD = { title: 'Trace', area: 'trace' } as const;

function show(c: Ask, desk: Desk, wanted: Wanted, problem?: OperationFailure) {
  return desk.page(
    c,
    HEAD,
    <>
      <Heading />
      <SearchForm wanted={wanted} problem={problem} />
    </>,
    problem === undefined ? 200 : problem.fields === undefined ? 404 : 422,
  );
}

async function search(c: Ask, desk: Desk, wanted: Wanted) {
  const { failed, signals, ...texts } = wanted;
  const before = c.req.query('before') ?? '';
  const input = {
    ...filled({ ...texts, before }),
    failed: failed === 'yes',
    signals: signals === 'yes',
    limit: PAGE,
  };
  const outcome = await desk.ask(c, 'messages.trace', input, storiesView);
  if (!outcome.ok) return show(c, desk, wanted, outcome);
  const { messages, next, note } = outcome.value;
  const newestFirst = messages.toReversed();
  return desk.page(
    c,
    HEAD,
    <>
      <Heading />
      <SearchForm wanted={wanted} />
      {note === undefined ? null : (
        <Note tone="warning">
          <p>{note}</p>
        </Note>
      )}
      <section aria-labelledby="messages">
        <h2 id="messages">
          {plural(messages.length, 'message')}
          {messages.length > 1 ? ', the newest first' : ''}
        </h2>
        {messages.length === 0 ? (
          <Empty>{EMPTY}</Empty>
        ) : (
          <ol class="stories">
            {newestFirst.map((story) => (
              <Story story={story} isOpen={messages.length === 1} />
            ))}
          </ol>
        )}
        <nav class="pager" aria-label="Pages">
          {before === '' ? null : (
            <a class="button" href={link(PATH, { ...wanted })}>
              Newest
            </a>
          )}
          {next === undefined ? null : (
            <a class="button" rel="next" href={link(PATH, { ...wanted, before: next })}>
              Older
            </a>
          )}
        </nav>
      </section>
    </>,
  );
}

const EMPTY =
  'No such message is known. Nothing was sent, it is forgotten by now, or it never came here.';

const Heading = () => (
  <PageHeading
    title="Trace"
    lead="What became of a message: when it came, who was given it, who has it, or why not. What people write is not kept. The audit log notes whose messages you look at."
  />
);

const SearchForm = ({
  wanted,
  problem,
}: {
  wanted: Wanted;
  problem?: OperationFailure | undefined;
}) => (
  <form class="card" method="get" action={PATH}>
    <Problem problem={problem} />
    <div class="columns">
      <Field
        name="jid"
        label="From or to"
        value={wanted.jid}
        hint="Such as joe@example.com, here or elsewhere."
        fault={problem?.fields?.['jid']}
        required
      />
      <Field
        name="with"
        label="And the other side"
        value={wanted.with}
        fault={problem?.fields?.['with']}
      />
      <Field
        name="id"
        label="Id of the message"
        value={wanted.id}
        hint="Its id, origin-id or stanza-id."
        fault={problem?.fields?.['id']}
      />
      <Choice
        name="since"
        label="When"
        value={wanted.since}
        options={SPANS}
        fault={problem?.fields?.['since']}
      />
    </div>
    <div class="columns">
      <Tick
        name="failed"
        label="Only what did not arrive"
        hint="It came back, was dropped, or still waits."
        checked={wanted.failed === 'yes'}
      />
      <Tick
        name="signals"
        label="Signals, too"
        hint="Chat states, receipts and markers."
        checked={wanted.signals === 'yes'}
      />
    </div>
    <Submit>Search</Submit>
  </form>
);

const Story = ({ story, isOpen }: { story: StoryView; isOpen: boolean }) => {
  const [tone, word] = OUTCOMES[story.outcome];
  const id = story.ids[0];
  return (
    <li class="card story">
      <div class="card-head">
        <h3 class="wrap">
          {story.from} <span aria-hidden="true">→</span>
          <span class="unseen">to</span> {story.to}
        </h3>
        <Badge tone={tone}>{word}</Badge>
      </div>
      <p class="wrap">
        {sentence(story.verdict)}
        {story.since === undefined ? null : (
          <>
            , since <Time at={story.since} isExact />
          </>
        )}
      </p>
      <p class="second wrap">
        <Time at={story.at} isExact /> · {story.type} · {NATURES[story.nature] ?? story.nature}
        {id === undefined ? null : (
          <>
            {' '}
            · id <code>{id}</code>
          </>
        )}
      </p>
      <details open={isOpen}>
        <summary>{plural(story.steps.length, 'step')}</summary>
        <ol class="timeline">
          {story.steps.map(({ at, text }) => (
            <li>
              <span class="lapse">+{lasting(at - story.at)}</span>
              <span class="wrap">{sentence(text)}</span>
            </li>
          ))}
        </ol>
      </details>
    </li>
  );
};

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

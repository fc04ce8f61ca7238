/** What was said in a room: read page by page, searched, and taken back. */
import type { Hono } from 'hono';
import type { OperationOutcome } from '../../core/operation.ts';
import { type AdminEnv, type Ask, type Desk, fieldsOf, filled, link } from '../desk.tsx';
import {
  Badge,
  Empty,
  Field,
  PageHeading,
  Problem,
  Submit,
  Table,
  Time,
  Token,
} from '../ui/parts.tsx';
import { type RoomHistoryView, roomHistoryView } from '../views/rooms.ts';
import { ROOMS, roomPath } from './room-paths.ts';

const PAGE = 50;

/** Which page is asked for; '' for the newest one, and for all messages. */
interface Wish {
  readonly before: string;
  readonly search: string;
}

/** Adds this page. */
export function addRoomHistoryPage(app: Hono<AdminEnv>, desk: Desk): void {
  app.get(`${ROOMS}/at/:room/history`, (c) =>
    show(c, desk, c.req.param('room'), { before: c.req.query('before') ?? '', search: '' }),
  );
  app.post(`${ROOMS}/at/:room/history`, async (c) => {
    // A form that is sent: what was looked for is in the audit log, and in no history of a browser.
    const { search = '', before = '' } = await fieldsOf(c);
    return show(c, desk, c.req.param('room'), { before, search: search.trim() });
  });
}

async function show(c: Ask, desk: Desk, room: string, wish: Wish) {
  const head = { title: `Messages in ${room}`, area: 'rooms' } as const;
  const input = { room, limit: PAGE, ...filled({ ...wish }) };
  const outcome = await desk.ask(c, 'rooms.history', input, roomHistoryView);
  if (!outcome.ok && wish.search === '') return desk.problem(c, head, outcome);
  const { csrf } = c.get('session');
  return desk.page(
    c,
    head,
    <>
      <PageHeading
        title="Messages"
        lead={`What people said in ${room}. The audit log tells that you looked.`}
      >
        <a class="button" href={roomPath(room)}>
          Back to the room
        </a>
      </PageHeading>
      {!outcome.ok || outcome.value.canSearch ? (
        <form class="card form" method="post" action={roomPath(room, 'history')}>
          <Token csrf={csrf} />
          <Field
            name="search"
            label="Words"
            value={wish.search}
            hint="All of them must occur. The audit log says what was looked for."
            required
          />
          <Submit>Search</Submit>
        </form>
      ) : null}
      <Messages room={room} wish={wish} outcome={outcome} />
      <Pages room={room} wish={wish} outcome={outcome} csrf={csrf} />
    </>,
    outcome.ok ? 200 : 422,
  );
}

interface Shown {
  readonly room: string;
  readonly wish: Wish;
  readonly outcome: OperationOutcome<RoomHistoryView>;
}

const Messages = ({ room, wish, outcome }: Shown) => {
  if (!outcome.ok) return <Problem problem={outcome} />;
  const { messages } = outcome.value;
  if (messages.length === 0) return <Empty>{nothing(wish)}</Empty>;
  return (
    <Table
      caption="Messages, newest first"
      heads={['Time', 'Who', 'Text', '']}
      rows={messages.map(({ id, at, nick, account, kind, text }) => [
        <Time at={at} />,
        <>
          <span class="wrap">{nick === '' ? 'The room' : nick}</span>
          <span class="second wrap">{account}</span>
        </>,
        <Said kind={kind} text={text} />,
        kind === 'message' ? (
          <a class="button small" href={link(roomPath(room, 'moderate'), { id, nick })} data-dialog>
            Take back <span class="unseen">what {nick} said</span>
          </a>
        ) : (
          ''
        ),
      ])}
    />
  );
};

const Said = ({ kind, text }: Pick<RoomHistoryView['messages'][number], 'kind' | 'text'>) => {
  if (kind === 'message') return <span class="wrap">{text}</span>;
  return (
    <>
      <Badge tone={kind === 'retracted' ? 'warning' : 'quiet'}>
        {kind === 'retracted' ? 'Taken back' : 'Subject'}
      </Badge>{' '}
      <span class="wrap">{text}</span>
    </>
  );
};

function nothing({ search, before }: Wish): string {
  if (search !== '') return 'No message has these words.';
  return before === '' ? 'Nothing is kept of what was said.' : 'There are no older messages.';
}

/** Leads to the newest page and to an older one; a search goes on by a form, like itself. */
const Pages = ({ room, wish, outcome, csrf }: Shown & { csrf: string }) => {
  const older = outcome.ok ? outcome.value.older : undefined;
  const path = roomPath(room, 'history');
  return (
    <nav class="pager" aria-label="Pages">
      {wish.before === '' && wish.search === '' ? null : (
        <a class="button" href={path}>
          Newest
        </a>
      )}
      {older === undefined ? null : wish.search === '' ? (
        <a class="button" rel="next" href={link(path, { before: older })}>
          Older
        </a>
      ) : (
        <form method="post" action={path}>
          <Token csrf={csrf} />
          <input type="hidden" name="search" value={wish.search} />
          <input type="hidden" name="before" value={older} />
          <button class="button" type="submit">
            Older
          </button>
        </form>
      )}
    </nav>
  );
};

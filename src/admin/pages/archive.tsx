/** The archive of a user: how much there is, for how long, and what can be done with it. */
import type { Hono } from 'hono';
import type { OperationFailure, OperationOutcome } from '../../core/operation.ts';
import {
  type AdminEnv,
  type Ask,
  type Desk,
  type Fields,
  fieldsOf,
  filled,
  userPath,
} from '../desk.tsx';
import { plural } from '../text.ts';
import {
  Confirm,
  Empty,
  Facts,
  Field,
  PageHeading,
  Problem,
  Submit,
  Table,
  Time,
  Token,
} from '../ui/parts.tsx';
import {
  type ArchiveView,
  archiveView,
  type FoundView,
  foundView,
  keptView,
  purgedView,
} from '../views/archive.ts';

const PREFERENCES: Readonly<Record<ArchiveView['default'], string>> = {
  always: 'All messages',
  roster: 'Messages with contacts',
  never: 'No messages',
};

/** Adds these pages; they stand before those of a user, which take any other action. */
export function addArchivePages(app: Hono<AdminEnv>, desk: Desk): void {
  app.get('/admin/users/:jid/archive', (c) => showArchive(c, desk, c.req.param('jid')));
  app.post('/admin/users/:jid/archive', async (c) => {
    // A form that is sent: what was looked for is in the audit log, and in no history of a browser.
    const { text = '' } = await fieldsOf(c);
    return showArchive(c, desk, c.req.param('jid'), text);
  });
  app.get('/admin/users/:jid/archive/purge', (c) => askPurge(c, desk, c.req.param('jid')));
  app.post('/admin/users/:jid/archive/purge', (c) => purge(c, desk, c.req.param('jid')));
  app.get('/admin/users/:jid/archive/keep', (c) => askKeep(c, desk, c.req.param('jid')));
  app.post('/admin/users/:jid/archive/keep', (c) => keep(c, desk, c.req.param('jid')));
}

/** What the page of a user says of his archive. */
export async function archiveSection(c: Ask, desk: Desk, jid: string) {
  const outcome = await desk.ask(c, 'archive.show', { jid }, archiveView);
  return (
    <section aria-labelledby="archive">
      <h2 id="archive">Archive</h2>
      {outcome.ok ? (
        <div class="card">
          <ArchiveFacts archive={outcome.value} />
          <div class="actions">
            <a class="button" href={userPath(jid, 'archive')}>
              Search
            </a>
            <a class="button" href={userPath(jid, 'archive/keep')} data-dialog>
              Set retention
            </a>
            <a class="button danger" href={userPath(jid, 'archive/purge')} data-dialog>
              Remove messages
            </a>
          </div>
        </div>
      ) : (
        <Empty>{outcome.text}</Empty>
      )}
    </section>
  );
}

const ArchiveFacts = ({ archive }: { archive: ArchiveView }) => {
  const { messages, oldest, newest, kept } = archive;
  const lists = [
    archive.always === 0 ? '' : `${plural(archive.always, 'address')} always`,
    archive.never === 0 ? '' : `${plural(archive.never, 'address')} never`,
  ].filter((text) => text !== '');
  const wanted = [PREFERENCES[archive.default], ...lists].join(', ');
  return (
    <Facts
      facts={[
        ['Messages', plural(messages, 'message')],
        ['Oldest', oldest === undefined ? '–' : <Time at={oldest} />],
        ['Newest', newest === undefined ? '–' : <Time at={newest} />],
        ['Kept', kept],
        ['Archived', archive.ownPreferences ? `${wanted}, as the user wants` : wanted],
      ]}
    />
  );
};

async function showArchive(c: Ask, desk: Desk, jid: string, text = '') {
  const head = { title: `Archive of ${jid}`, area: 'users' } as const;
  const shown = await desk.ask(c, 'archive.show', { jid }, archiveView);
  if (!shown.ok) return desk.problem(c, head, shown);
  const found =
    text === ''
      ? undefined
      : await desk.ask(c, 'archive.search', { jid, text, limit: 50 }, foundView);
  return desk.page(
    c,
    head,
    <>
      <PageHeading title={head.title} lead="What people wrote. Ask the user before you look.">
        <a class="button" href={userPath(jid)}>
          Back to the user
        </a>
      </PageHeading>
      <form class="card form" method="post" action={userPath(jid, 'archive')}>
        <Token csrf={c.get('session').csrf} />
        <Field
          name="text"
          label="Words"
          value={text}
          hint="All of them must occur. The audit log says what was looked for."
          required
        />
        <Submit>Search</Submit>
      </form>
      {found === undefined ? null : <Found outcome={found} />}
    </>,
    found === undefined || found.ok ? 200 : 422,
  );
}

const Found = ({ outcome }: { outcome: OperationOutcome<FoundView> }) => {
  if (!outcome.ok) return <Problem problem={outcome} />;
  const { messages } = outcome.value;
  if (messages.length === 0) return <Empty>No message has these words.</Empty>;
  return (
    <Table
      caption="Messages that were found, newest first"
      heads={['Time', 'From', 'To', 'Text']}
      rows={messages.map(({ at, from, to, text }) => [
        <Time at={at} />,
        <span class="wrap">{from}</span>,
        <span class="wrap">{to}</span>,
        <span class="wrap">{text}</span>,
      ])}
    />
  );
};

function askPurge(
  c: Ask,
  desk: Desk,
  jid: string,
  fields: Fields = {},
  problem?: OperationFailure,
) {
  return desk.form(
    c,
    { title: `Remove messages of ${jid}`, area: 'users' },
    <Confirm
      title={`Remove messages from the archive of ${jid}?`}
      action={userPath(jid, 'archive/purge')}
      csrf={c.get('session').csrf}
      button="Remove the messages"
      back={userPath(jid)}
      isDangerous
      problem={problem}
    >
      <p>They are gone for good, but for what the user’s own devices have of them.</p>
      <Field
        name="days"
        id="purge-days"
        type="number"
        label="Older than how many days"
        value={fields['days'] ?? '0'}
        hint="0 removes all messages."
        fault={problem?.fields?.['days']}
        required
      />
    </Confirm>,
    problem,
  );
}

async function purge(c: Ask, desk: Desk, jid: string) {
  const fields = await fieldsOf(c);
  const outcome = await desk.ask(c, 'archive.purge', { jid, ...daysIn(fields) }, purgedView);
  if (!outcome.ok) return askPurge(c, desk, jid, fields, outcome);
  const { removed } = outcome.value;
  return desk.done(
    c,
    userPath(jid),
    `${plural(removed, 'message')} removed from the archive of ${jid}.`,
  );
}

function askKeep(c: Ask, desk: Desk, jid: string, fields: Fields = {}, problem?: OperationFailure) {
  return desk.form(
    c,
    { title: `Retention of ${jid}`, area: 'users' },
    <Confirm
      title={`For how long are messages of ${jid} kept?`}
      action={userPath(jid, 'archive/keep')}
      csrf={c.get('session').csrf}
      button="Set the retention"
      back={userPath(jid)}
      problem={problem}
    >
      <Field
        name="days"
        id="keep-days"
        type="number"
        label="Days"
        value={fields['days'] ?? ''}
        hint="0 is for good. Left empty, it is as the config of the host has it."
        fault={problem?.fields?.['days']}
      />
    </Confirm>,
    problem,
  );
}

async function keep(c: Ask, desk: Desk, jid: string) {
  const fields = await fieldsOf(c);
  const outcome = await desk.ask(c, 'archive.retention', { jid, ...daysIn(fields) }, keptView);
  if (!outcome.ok) return askKeep(c, desk, jid, fields, outcome);
  return desk.done(c, userPath(jid), `Messages of ${jid} are kept ${outcome.value.kept}.`);
}

/** The days of a form; what is no number is left as it is, for the operation to refuse. */
function daysIn(fields: Fields): { readonly days?: number | string } {
  const { days } = filled({ days: fields['days'] ?? '' });
  if (days === undefined) return {};
  return { days: /^\d{1,6}$/.test(days) ? Number(days) : days };
}

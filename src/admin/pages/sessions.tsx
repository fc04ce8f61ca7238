/** Who is online now, and ending sessions. */
import type { Hono } from 'hono';
import { z } from 'zod';
import type { OperationFailure } from '../../core/operation.ts';
import {
  type AdminEnv,
  type Ask,
  type Desk,
  fieldsOf,
  filled,
  link,
  userPath,
  whole,
} from '../desk.tsx';
import { plural } from '../text.ts';
import {
  Ago,
  Badge,
  Confirm,
  Empty,
  Field,
  PageHeading,
  Pager,
  Search,
  Table,
  type Tone,
} from '../ui/parts.tsx';
import { type SessionView, sessionsView } from '../views/accounts.ts';
import { DomainFilter } from './users.tsx';

const PAGE = 100;
const LIST = '/admin/sessions';

const PRESENCES: Readonly<Record<string, readonly [Tone, string]>> = {
  available: ['ok', 'Available'],
  chat: ['ok', 'Free to chat'],
  away: ['warning', 'Away'],
  xa: ['warning', 'Away for long'],
  dnd: ['error', 'Do not disturb'],
  unavailable: ['quiet', 'No presence'],
};

const STATES: Readonly<Record<SessionView['state'], string>> = {
  connected: '',
  inactive: 'Nobody looks at it',
  asleep: 'Waits for its client',
};

const bareOf = (jid: string) => jid.split('/')[0] ?? jid;
const resourceOf = (jid: string) => jid.slice(bareOf(jid).length + 1);

/** A table of sessions. */
export const SessionTable = ({
  sessions,
  now,
}: {
  sessions: readonly SessionView[];
  now: number;
}) => (
  <Table
    caption="Sessions"
    isWide
    heads={['Session', 'Presence', 'From', 'Secured by', 'Since', 'Active', '']}
    rows={sessions.map((session) => {
      const [tone, word] = PRESENCES[session.presence] ?? (['quiet', session.presence] as const);
      return [
        <>
          <a class="wrap" href={userPath(bareOf(session.jid))}>
            {bareOf(session.jid)}
          </a>
          <span class="second wrap">{resourceOf(session.jid)}</span>
        </>,
        <>
          <Badge tone={tone} icon={tone === 'error' || tone === 'warning' ? 'info' : undefined}>
            {word}
          </Badge>
          <span class="second">
            {[STATES[session.state], session.extras].filter(Boolean).join(', ')}
          </span>
        </>,
        <>
          <span class="mono">{session.remote}</span>
          <span class="second wrap">{session.device}</span>
        </>,
        <>
          {session.secure === '' ? <Badge tone="warning">Not encrypted</Badge> : session.secure}
          <span class="second mono">{session.mechanism}</span>
        </>,
        <Ago at={session.since} now={now} />,
        <Ago at={session.lastActive} now={now} />,
        <a class="button small" href={link(`${LIST}/kick`, { jid: session.jid })} data-dialog>
          End <span class="unseen">the session {session.jid}</span>
        </a>,
      ];
    })}
  />
);

/** Adds these pages. */
export function addSessionPages(app: Hono<AdminEnv>, desk: Desk): void {
  app.get(LIST, (c) => listSessions(c, desk));
  app.get(`${LIST}/kick`, (c) => confirmKick(c, desk, c.req.query('jid') ?? ''));
  app.post(`${LIST}/kick`, async (c) => {
    const { jid = '', reason = '' } = await fieldsOf(c);
    const outcome = await desk.ask(c, 'sessions.kick', { jid, ...filled({ reason }) }, endedView);
    if (!outcome.ok) return confirmKick(c, desk, jid, reason, outcome);
    return desk.done(c, LIST, `${plural(outcome.value.ended, 'session')} of ${bareOf(jid)} ended.`);
  });
}

const endedView = z.object({ ended: z.number() });

async function listSessions(c: Ask, desk: Desk) {
  const head = { title: 'Sessions', area: 'sessions' } as const;
  const { search = '', host = '' } = c.req.query();
  const offset = whole(c.req.query('offset'), 0);
  const input = { ...filled({ search, host }), offset, limit: PAGE };
  const outcome = await desk.ask(c, 'sessions.list', input, sessionsView);
  if (!outcome.ok) return desk.problem(c, head, outcome);
  const { sessions, total } = outcome.value;
  return desk.page(
    c,
    head,
    <>
      <PageHeading title="Sessions" lead="Clients that are logged in now." />
      <Search action={LIST} value={search} label="Search users and addresses">
        <DomainFilter domains={desk.domains(c)} value={host} />
      </Search>
      <div id="live" data-refresh="5">
        <p class="quiet">{plural(total, 'session')}</p>
        {sessions.length === 0 ? (
          <Empty>{search === '' ? 'Nobody is online.' : 'No session matches.'}</Empty>
        ) : (
          <SessionTable sessions={sessions} now={desk.clock.now()} />
        )}
        <Pager
          offset={offset}
          limit={PAGE}
          total={total}
          at={(from) => link(LIST, { search, host, offset: from })}
        />
      </div>
    </>,
  );
}

function confirmKick(c: Ask, desk: Desk, jid: string, reason?: string, problem?: OperationFailure) {
  return desk.form(
    c,
    { title: 'End a session', area: 'sessions' },
    <Confirm
      title={`End the session of ${bareOf(jid)}?`}
      action={`${LIST}/kick`}
      csrf={c.get('session').csrf}
      button="End the session"
      back={LIST}
      isDangerous
      problem={problem}
    >
      <input type="hidden" name="jid" value={jid} />
      <p class="wrap">{jid}</p>
      <p>
        The client is disconnected. Most clients log in again by themselves; lock the user to
        prevent that.
      </p>
      <Field
        name="reason"
        label="Reason"
        value={reason}
        hint="The client is told. May be left empty."
        fault={problem?.fields?.['reason']}
      />
    </Confirm>,
    problem,
  );
}

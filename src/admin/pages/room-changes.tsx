/** What an admin does with a room: pages that ask, and do it. */
import type { Hono } from 'hono';
import type { Child } from 'hono/jsx';
import type { OperationFailure } from '../../core/operation.ts';
import { type AdminEnv, type Ask, type Desk, type Fields, fieldsOf, filled } from '../desk.tsx';
import { Choice, Confirm, Field } from '../ui/parts.tsx';
import { ROOMS, roomPath } from './room-paths.ts';

/** Adds these pages. */
export function addRoomChanges(app: Hono<AdminEnv>, desk: Desk): void {
  addChange(app, desk, {
    action: 'destroy',
    operation: 'rooms.destroy',
    title: (room) => `Destroy ${room}?`,
    button: 'Destroy the room',
    done: (room) => `${room} is destroyed.`,
    isGoing: true,
    body: (problem, { reason, venue }) => (
      <>
        <p>
          Everybody in it is removed, and what was said is deleted. Users cannot make a room of this
          address again; you can.
        </p>
        <Field
          name="reason"
          label="Reason"
          value={reason}
          hint="Those in the room are told."
          fault={problem?.fields?.['reason']}
        />
        <Field
          name="venue"
          label="Where people meet instead"
          value={venue}
          hint="The address of another room. May be left empty."
          fault={problem?.fields?.['venue']}
        />
      </>
    ),
  });
  addChange(app, desk, {
    action: 'purge',
    operation: 'rooms.purge',
    title: (room) => `Forget what was said in ${room}?`,
    button: 'Delete the messages',
    done: (room) => `What was said in ${room} is deleted.`,
    body: (problem, { days = '0' }) => (
      <>
        <p>The messages are deleted here. Clients keep what they have read.</p>
        <Field
          name="days"
          label="Keep the last days"
          value={days}
          type="number"
          hint="0 keeps nothing."
          fault={problem?.fields?.['days']}
          required
        />
      </>
    ),
  });
  addChange(app, desk, {
    action: 'moderate',
    operation: 'rooms.moderate',
    title: (room) => `Take back a message in ${room}?`,
    button: 'Take it back',
    done: (room) => `The message is taken back in ${room}.`,
    next: 'history',
    body: (problem, { id = '', nick = '', reason }) => (
      <>
        <input type="hidden" name="id" value={id} />
        <p>
          What <strong class="wrap">{nick === '' ? 'somebody' : nick}</strong> said is deleted here,
          and clients are asked to hide it. Some may go on showing it.
        </p>
        <Field
          name="reason"
          label="Reason"
          value={reason}
          hint="Those in the room are told."
          fault={problem?.fields?.['reason']}
        />
      </>
    ),
  });
  addChange(app, desk, {
    action: 'kick',
    operation: 'rooms.kick',
    title: (room) => `Remove somebody from ${room}?`,
    button: 'Remove',
    done: (room, { nick = '' }) => `${nick} was removed from ${room}.`,
    body: (problem, { nick = '', reason }) => (
      <>
        <input type="hidden" name="nick" value={nick} />
        <p>
          <strong class="wrap">{nick}</strong> is removed and may come back. Ban the account to keep
          it out.
        </p>
        <Field name="reason" label="Reason" value={reason} fault={problem?.fields?.['reason']} />
      </>
    ),
  });
  addChange(app, desk, {
    action: 'affiliation',
    operation: 'rooms.affiliation',
    title: (room) => `Who belongs to ${room}`,
    button: 'Save',
    done: (room) => `The lists of ${room} are changed.`,
    isSafe: true,
    body: (problem, { accounts = '', affiliation = 'member', reason }) => (
      <>
        <Field
          name="accounts"
          label="Accounts"
          rows={4}
          value={accounts}
          hint="One on each line, such as joe@falcot.com."
          fault={problem?.fields?.['accounts'] ?? problem?.text}
        />
        <Choice
          name="affiliation"
          label="They are to be"
          value={affiliation}
          options={[
            ['owner', 'Owners: they configure the room'],
            ['admin', 'Admins: they decide who belongs to it'],
            ['member', 'Members'],
            ['outcast', 'Banned'],
            ['none', 'Nothing of these'],
          ]}
        />
        <Field name="reason" label="Reason" value={reason} fault={problem?.fields?.['reason']} />
      </>
    ),
  });
}

/** The accounts that somebody wrote, one on each line or between commas. */
export const listed = (text: string): string[] =>
  text.split(/[\s,]+/).filter((each) => each !== '');

/** A number as it was typed; what is none is left as it is, for the operation to refuse. */
const numberIn = (typed: string): number | string =>
  /^\d{1,9}$/.test(typed) ? Number(typed) : typed;

interface Change {
  readonly action: string;
  readonly operation: string;
  title(room: string): string;
  readonly button: string;
  done(room: string, fields: Fields): string;
  /** Whether the room is gone afterwards. */
  readonly isGoing?: boolean;
  readonly isSafe?: boolean;
  /** The page of the room from which one comes, and to which one goes back; its own if left out. */
  readonly next?: string;
  body(problem: OperationFailure | undefined, fields: Fields): Child;
}

/** A page that asks, and does it. */
function addChange(app: Hono<AdminEnv>, desk: Desk, change: Change): void {
  const form = (c: Ask, room: string, fields: Fields, problem?: OperationFailure) =>
    desk.form(
      c,
      { title: change.title(room), area: 'rooms' },
      <Confirm
        title={change.title(room)}
        action={roomPath(room, change.action)}
        csrf={c.get('session').csrf}
        button={change.button}
        back={roomPath(room, change.next)}
        isDangerous={change.isSafe !== true}
        problem={problem}
      >
        {change.body(problem, fields)}
      </Confirm>,
      problem,
    );
  const path = `${ROOMS}/at/:room/${change.action}` as const;
  app.get(path, (c) => form(c, c.req.param('room') ?? '', c.req.query()));
  app.post(path, async (c) => {
    const room = c.req.param('room') ?? '';
    const { csrf: _, ...sent } = await fieldsOf(c);
    const { accounts, days, ...fields } = sent;
    const outcome = await desk.run(c, change.operation, {
      room,
      ...filled(fields),
      ...(accounts === undefined ? {} : { accounts: listed(accounts) }),
      ...(days === undefined ? {} : { days: numberIn(days) }),
    });
    if (!outcome.ok) return form(c, room, sent, outcome);
    return desk.done(
      c,
      change.isGoing === true ? ROOMS : roomPath(room, change.next),
      change.done(room, fields),
    );
  });
}

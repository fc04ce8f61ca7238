/** Chat rooms: which there are, who is in them, and what an admin does with them. */
import type { Hono } from 'hono';
import type { Child } from 'hono/jsx';
import type { OperationFailure } from '../../core/operation.ts';
import {
  type AdminEnv,
  type Ask,
  type Desk,
  type Fields,
  fieldsOf,
  filled,
  link,
  userPath,
  whole,
} from '../desk.tsx';
import { plural } from '../text.ts';
import {
  Badge,
  Choice,
  Confirm,
  Empty,
  Facts,
  Field,
  PageHeading,
  Pager,
  Problem,
  Search,
  Table,
  Tick,
  Time,
  Token,
} from '../ui/parts.tsx';
import { type RoomView, roomMembersView, roomsView, roomView } from '../views.ts';
import { addRoomConfigPages } from './room-config.tsx';

const LIST = '/admin/rooms';
const PAGE = 100;

/** The address of a room's page, or of something that can be done with it. */
export function roomPath(jid: string, action = ''): string {
  return `${LIST}/at/${encodeURIComponent(jid)}${action === '' ? '' : `/${action}`}`;
}

/** Adds these pages. */
export function addRoomPages(app: Hono<AdminEnv>, desk: Desk): void {
  app.get(LIST, (c) => listRooms(c, desk));
  app.get(`${LIST}/new`, (c) => createForm(c, desk, {}));
  app.post(`${LIST}/new`, async (c) => {
    const fields = await fieldsOf(c);
    const { room = '', owner = '', name = '', members = '' } = fields;
    const input = {
      room,
      owner,
      name,
      members: listed(members),
      membersOnly: fields['membersOnly'] === 'yes',
      public: fields['public'] === 'yes',
    };
    const outcome = await desk.run(c, 'rooms.create', input);
    if (!outcome.ok) return createForm(c, desk, fields, outcome);
    return desk.done(c, roomPath(room), `${room} is there.`);
  });
  app.get(`${LIST}/at/:room`, (c) => showRoom(c, desk, c.req.param('room')));
  addRoomConfigPages(app, desk, roomPath);
  addChange(app, desk, {
    action: 'destroy',
    operation: 'rooms.destroy',
    title: (room) => `Destroy ${room}?`,
    button: 'Destroy the room',
    done: (room) => `${room} is destroyed.`,
    isGoing: true,
    body: (problem) => (
      <>
        <p>
          Everybody in it is removed, and what was said is deleted. Users cannot make a room of this
          address again; you can.
        </p>
        <Field
          name="reason"
          label="Reason"
          hint="Those in the room are told."
          fault={problem?.fields?.['reason']}
        />
        <Field
          name="venue"
          label="Where people meet instead"
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
    body: (problem) => (
      <>
        <p>The messages are deleted here. Clients keep what they have read.</p>
        <Field
          name="days"
          label="Keep the last days"
          value="0"
          type="number"
          hint="0 keeps nothing."
          fault={problem?.fields?.['days']}
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
    body: (problem, { nick = '' }) => (
      <>
        <input type="hidden" name="nick" value={nick} />
        <p>
          <strong class="wrap">{nick}</strong> is removed and may come back. Ban the account to keep
          it out.
        </p>
        <Field name="reason" label="Reason" fault={problem?.fields?.['reason']} />
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
    body: (problem, { accounts = '', affiliation = 'member' }) => (
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
        <Field name="reason" label="Reason" fault={problem?.fields?.['reason']} />
      </>
    ),
  });
}

const listed = (text: string) => text.split(/[\s,]+/).filter((each) => each !== '');

interface Change {
  readonly action: string;
  readonly operation: string;
  title(room: string): string;
  readonly button: string;
  done(room: string, fields: Fields): string;
  /** Whether the room is gone afterwards. */
  readonly isGoing?: boolean;
  readonly isSafe?: boolean;
  body(problem: OperationFailure | undefined, fields: Fields): Child;
}

/** A page that asks, and does it. */
function addChange(app: Hono<AdminEnv>, desk: Desk, change: Change): void {
  const form = (c: Ask, room: string, fields: Fields, problem?: OperationFailure) =>
    desk.page(
      c,
      { title: change.title(room), area: 'rooms' },
      <Confirm
        title={change.title(room)}
        action={roomPath(room, change.action)}
        csrf={c.get('session').csrf}
        button={change.button}
        back={roomPath(room)}
        isDangerous={change.isSafe !== true}
        problem={problem}
      >
        {change.body(problem, fields)}
      </Confirm>,
      problem === undefined ? 200 : 422,
    );
  const path = `${LIST}/at/:room/${change.action}` as const;
  app.get(path, (c) => form(c, c.req.param('room') ?? '', c.req.query()));
  app.post(path, async (c) => {
    const room = c.req.param('room') ?? '';
    const { csrf: _, accounts, days, ...fields } = await fieldsOf(c);
    const outcome = await desk.run(c, change.operation, {
      room,
      ...filled(fields),
      ...(accounts === undefined ? {} : { accounts: listed(accounts) }),
      ...(days === undefined ? {} : { days: whole(days, 0) }),
    });
    const again = accounts === undefined ? fields : { ...fields, accounts };
    if (!outcome.ok) return form(c, room, again, outcome);
    return desk.done(c, change.isGoing === true ? LIST : roomPath(room), change.done(room, fields));
  });
}

async function listRooms(c: Ask, desk: Desk) {
  const head = { title: 'Rooms', area: 'rooms' } as const;
  const { search = '' } = c.req.query();
  const offset = whole(c.req.query('offset'), 0);
  const input = { ...filled({ search }), offset, limit: PAGE };
  const outcome = await desk.ask(c, 'rooms.list', input, roomsView);
  if (!outcome.ok) return desk.problem(c, head, outcome);
  const { rooms, total } = outcome.value;
  return desk.page(
    c,
    head,
    <>
      <PageHeading title="Rooms" lead="Where several people talk with each other.">
        <a class="button primary" href={`${LIST}/new`}>
          New room
        </a>
      </PageHeading>
      <Search action={LIST} value={search} label="Search addresses and names" />
      <div id="live" data-refresh="5">
        <p class="quiet">{plural(total, 'room')}</p>
        {rooms.length === 0 ? (
          <Empty>
            {search === ''
              ? 'There is no room yet. Users make rooms from their clients; or make one here.'
              : 'No room matches.'}
          </Empty>
        ) : (
          <Table
            caption="Rooms"
            heads={['Room', 'In it', 'Kind', 'Made']}
            rows={rooms.map((room) => [
              <>
                <a class="wrap" href={roomPath(room.jid)}>
                  {room.name === '' ? room.jid : room.name}
                </a>
                <span class="second wrap">{room.name === '' ? '' : room.jid}</span>
              </>,
              peopleText(room.occupants),
              <>
                <Badge tone={room.public ? 'info' : 'quiet'}>
                  {room.public ? 'Listed' : 'Hidden'}
                </Badge>
                <span class="second">{room.persistent ? '' : 'Goes with the last who leaves'}</span>
              </>,
              <Time at={room.created} />,
            ])}
          />
        )}
        <Pager
          offset={offset}
          limit={PAGE}
          total={total}
          at={(from) => link(LIST, { search, offset: from })}
        />
      </div>
    </>,
  );
}

async function showRoom(c: Ask, desk: Desk, jid: string) {
  const head = { title: jid, area: 'rooms' } as const;
  const [found, members] = await Promise.all([
    desk.ask(c, 'rooms.show', { room: jid }, roomView),
    desk.ask(c, 'rooms.members', { room: jid }, roomMembersView),
  ]);
  if (!found.ok) return desk.problem(c, head, found);
  const room = found.value;
  return desk.page(
    c,
    { ...head, title: room.name === '' ? jid : room.name },
    <>
      <PageHeading title={room.name === '' ? jid : room.name} lead={jid}>
        <a class="button" href={roomPath(jid, 'config')}>
          Configure
        </a>
        <a class="button" href={roomPath(jid, 'purge')} data-dialog>
          Delete messages
        </a>
        <a class="button danger" href={roomPath(jid, 'destroy')} data-dialog>
          Destroy
        </a>
      </PageHeading>
      <section class="card" aria-labelledby="about">
        <h2 id="about">About</h2>
        <Facts
          facts={[
            ['Subject', room.subject === '' ? 'None' : <span class="wrap">{room.subject}</span>],
            ['Made', <Time at={room.created} />],
            ['Listed', room.public ? 'Yes' : 'No'],
            ['Stays when empty', room.persistent ? 'Yes' : 'No'],
          ]}
        />
      </section>
      <section class="card" aria-labelledby="occupants">
        <h2 id="occupants">In the room</h2>
        <div id="live" data-refresh="5">
          <Occupants room={room} />
        </div>
      </section>
      <section class="card" aria-labelledby="members">
        <div class="card-head">
          <h2 id="members">Who belongs to it</h2>
          <a class="button" href={roomPath(jid, 'affiliation')} data-dialog>
            Add or change
          </a>
        </div>
        {members.ok ? (
          <Table
            caption="Who belongs to it"
            heads={['Account', 'Is', 'Nick', '']}
            rows={members.value.members.map((each) => [
              <span class="wrap">{each.jid}</span>,
              <>
                {WORDS[each.affiliation] ?? each.affiliation}
                <span class="second wrap">{each.reason}</span>
              </>,
              each.nick === '' ? 'Any' : <span class="wrap">{each.nick}</span>,
              <a
                class="button small"
                href={link(roomPath(jid, 'affiliation'), {
                  accounts: each.jid,
                  affiliation: each.affiliation,
                })}
                data-dialog
              >
                Change <span class="unseen">what {each.jid} is</span>
              </a>,
            ])}
          />
        ) : (
          <Problem problem={members} />
        )}
      </section>
    </>,
  );
}

const peopleText = (count: number): string =>
  count === 0 ? 'Nobody' : count === 1 ? 'One person' : `${count} people`;

/** Affiliations and roles in words. */
const WORDS: Readonly<Record<string, string>> = {
  owner: 'Owner',
  admin: 'Admin',
  member: 'Member',
  outcast: 'Banned',
  none: 'Guest',
  moderator: 'Moderator',
  participant: 'Participant',
  visitor: 'Visitor, without voice',
};

const Occupants = ({ room }: { room: RoomView }) =>
  room.occupantList.length === 0 ? (
    <Empty>Nobody is in it now.</Empty>
  ) : (
    <Table
      caption="In the room"
      heads={['Nick', 'Account', 'Role', '']}
      rows={room.occupantList.map(({ nick, account, role, affiliation, sessions }) => [
        <span class="wrap">{nick}</span>,
        <>
          <a class="wrap" href={userPath(account)}>
            {account}
          </a>
          <span class="second">{sessions > 1 ? plural(sessions, 'client') : ''}</span>
        </>,
        <>
          {WORDS[role] ?? role}
          <span class="second">{WORDS[affiliation] ?? affiliation}</span>
        </>,
        <a class="button small" href={link(roomPath(room.jid, 'kick'), { nick })} data-dialog>
          Remove <span class="unseen">{nick}</span>
        </a>,
      ])}
    />
  );

function createForm(c: Ask, desk: Desk, fields: Fields, problem?: OperationFailure) {
  const faults = problem?.fields ?? {};
  const [domain = 'falcot.com'] = desk.domains();
  return desk.page(
    c,
    { title: 'New room', area: 'rooms' },
    <>
      <PageHeading title="New room" lead="It stays, whether anybody is in it or not." />
      <form class="card form" method="post" action={`${LIST}/new`}>
        <Problem problem={problem} />
        <Token csrf={c.get('session').csrf} />
        <Field
          name="room"
          label="Address"
          value={fields['room']}
          hint={`Such as lobby@conference.${domain}.`}
          fault={faults['room']}
          required
        />
        <Field
          name="name"
          label="Name"
          value={fields['name']}
          hint="As people read it. May be left empty."
          fault={faults['name']}
        />
        <Field
          name="owner"
          label="Owner"
          value={fields['owner'] ?? c.get('session').account}
          hint="The account that may configure it from its client."
          fault={faults['owner']}
          required
        />
        <Field
          name="members"
          label="Members"
          rows={4}
          value={fields['members']}
          hint="Accounts, one on each line. May be left empty."
          fault={Object.entries(faults).find(([key]) => key.startsWith('members'))?.[1]}
        />
        <Tick
          name="membersOnly"
          label="Only members enter"
          checked={fields['membersOnly'] === 'yes'}
        />
        <Tick
          name="public"
          label="Listed"
          hint="Anyone who looks for rooms finds it."
          checked={fields['public'] === 'yes'}
        />
        <div class="actions">
          <button class="button primary" type="submit">
            Make the room
          </button>
          <a class="button" href={LIST}>
            Cancel
          </a>
        </div>
      </form>
    </>,
    problem === undefined ? 200 : 422,
  );
}

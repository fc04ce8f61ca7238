/** Chat rooms: which there are, and new ones. */
import type { Hono } from 'hono';
import type { OperationFailure } from '../../core/operation.ts';
import {
  type AdminEnv,
  type Ask,
  type Desk,
  type Fields,
  fieldsOf,
  filled,
  link,
  whole,
} from '../desk.tsx';
import { plural } from '../text.ts';
import {
  Badge,
  Empty,
  Field,
  PageHeading,
  Pager,
  Problem,
  Search,
  Submit,
  Table,
  Tick,
  Time,
  Token,
} from '../ui/parts.tsx';
import { roomsView } from '../views/rooms.ts';
import { showRoom } from './room.tsx';
import { addRoomChanges, listed } from './room-changes.tsx';
import { addRoomConfigPages } from './room-config.tsx';
import { addRoomHistoryPage } from './room-history.tsx';
import { ROOMS, roomPath } from './room-paths.ts';

const PAGE = 100;

/** Adds these pages. */
export function addRoomPages(app: Hono<AdminEnv>, desk: Desk): void {
  app.get(ROOMS, (c) => listRooms(c, desk));
  app.get(`${ROOMS}/new`, (c) => createForm(c, desk, {}));
  app.post(`${ROOMS}/new`, async (c) => {
    const fields = await fieldsOf(c);
    const { room = '', owner = '', name = '', members = '' } = fields;
    const input = {
      room,
      owner,
      name,
      members: listed(members),
      membersOnly: fields['membersOnly'] === 'yes',
      public: fields['public'] === 'yes',
      ...filled({ group: fields['group'] ?? '' }),
    };
    const outcome = await desk.run(c, 'rooms.create', input);
    if (!outcome.ok) return createForm(c, desk, fields, outcome);
    return desk.done(c, roomPath(room), `${room} is there.`);
  });
  app.get(`${ROOMS}/at/:room`, (c) => showRoom(c, desk, c.req.param('room')));
  addRoomConfigPages(app, desk);
  addRoomHistoryPage(app, desk);
  addRoomChanges(app, desk);
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
        <a class="button primary" href={`${ROOMS}/new`}>
          New room
        </a>
      </PageHeading>
      <Search action={ROOMS} value={search} label="Search addresses and names" />
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
          at={(from) => link(ROOMS, { search, offset: from })}
        />
      </div>
    </>,
  );
}

const peopleText = (count: number): string =>
  count === 0 ? 'Nobody' : count === 1 ? 'One person' : `${count} people`;

function createForm(c: Ask, desk: Desk, fields: Fields, problem?: OperationFailure) {
  const faults = problem?.fields ?? {};
  const [domain = 'falcot.com'] = desk.domains(c);
  return desk.form(
    c,
    { title: 'New room', area: 'rooms' },
    <>
      <PageHeading title="New room" lead="It stays, whether anybody is in it or not." />
      <form class="card form" method="post" action={`${ROOMS}/new`}>
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
        <Field
          name="group"
          label="Group"
          value={fields['group']}
          hint="Those in it are members, and their clients enter the room. May be left empty."
          fault={faults['group']}
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
        <Submit back={ROOMS}>Make the room</Submit>
      </form>
    </>,
    problem,
  );
}

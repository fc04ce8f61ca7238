/** One chat room: what it is, who is in it, and who belongs to it. */
import { type Ask, type Desk, link, userPath } from '../desk.tsx';
import { plural } from '../text.ts';
import { Empty, Facts, PageHeading, Problem, Table, Time } from '../ui/parts.tsx';
import { type RoomMembersView, type RoomView, roomMembersView, roomView } from '../views/rooms.ts';
import { roomPath } from './room-paths.ts';

/** The page of a room. */
export async function showRoom(c: Ask, desk: Desk, jid: string) {
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
        <a class="button" href={roomPath(jid, 'history')}>
          Messages
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
          <Members room={jid} members={members.value.members} />
        ) : (
          <Problem problem={members} />
        )}
      </section>
    </>,
  );
}

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

const Members = (props: { room: string; members: RoomMembersView['members'] }) => (
  <Table
    caption="Who belongs to it"
    heads={['Account', 'Is', 'Nick', '']}
    rows={props.members.map(({ jid, affiliation, nick, reason }) => [
      <span class="wrap">{jid}</span>,
      <>
        {WORDS[affiliation] ?? affiliation}
        <span class="second wrap">{reason}</span>
      </>,
      nick === '' ? 'Any' : <span class="wrap">{nick}</span>,
      <a
        class="button small"
        href={link(roomPath(props.room, 'affiliation'), { accounts: jid, affiliation })}
        data-dialog
      >
        Change <span class="unseen">what {jid} is</span>
      </a>,
    ])}
  />
);

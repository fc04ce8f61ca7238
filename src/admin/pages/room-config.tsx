/** The configuration of a room, as a form. */
import type { Hono } from 'hono';
import type { OperationFailure } from '../../core/operation.ts';
import { type AdminEnv, type Ask, type Desk, type Fields, fieldsOf } from '../desk.tsx';
import { Choice, Field, PageHeading, Problem, Submit, Tick, Token } from '../ui/parts.tsx';
import { roomView } from '../views/rooms.ts';
import { ROOMS, roomPath } from './room-paths.ts';

/** What each key is called, in the order of the form. */
const LABELS: Readonly<Record<string, string>> = {
  name: 'Name',
  description: 'Description',
  language: 'Language',
  isPublic: 'Listed',
  isPersistent: 'Stays when nobody is in it',
  isMembersOnly: 'Only members enter',
  canInvite: 'Members invite',
  canRegister: 'Anyone may register as a member',
  password: 'Password',
  isModerated: 'Newcomers have no voice',
  canChangeSubject: 'Participants set the subject',
  whois: 'Who sees real addresses',
  privateMessages: 'Who sends private messages',
  areNicksLocked: 'Members use their registered nick only',
  maxOccupants: 'How many may be in it',
  pause: 'Seconds between two messages',
  historyMost: 'Messages that newcomers see',
  keepDays: 'Days for which messages are kept (0: as the host has it)',
  presenceOf: 'Roles whose presence is seen',
  memberListFor: 'Roles that may see the members',
  isArchived: 'Archived',
  isLogged: 'Tell people that it is logged',
  pubsub: 'Address of a node that belongs to it',
};

const CHOICES: Readonly<Record<string, readonly (readonly [value: string, text: string])[]>> = {
  whois: [
    ['moderators', 'Moderators'],
    ['anyone', 'Everybody in the room'],
  ],
  privateMessages: [
    ['anyone', 'Everybody in the room'],
    ['participants', 'Those with voice'],
    ['moderators', 'Moderators'],
    ['none', 'Nobody'],
  ],
};

/** What stands for a password that is not shown. */
const MASKED = '********';

/** Adds the page. */
export function addRoomConfigPages(app: Hono<AdminEnv>, desk: Desk): void {
  const path = `${ROOMS}/at/:room/config` as const;
  const settingsOf = async (c: Ask, room: string) => {
    const found = await desk.ask(c, 'rooms.show', { room }, roomView);
    return found.ok
      ? Object.fromEntries(found.value.settings.map((each) => [each.key, each]))
      : found;
  };
  const show = async (c: Ask, room: string, fields: Fields, problem?: OperationFailure) => {
    const head = { title: `Configuration of ${room}`, area: 'rooms' } as const;
    const settings = await settingsOf(c, room);
    if ('ok' in settings && settings.ok === false)
      return desk.problem(c, head, settings as OperationFailure);
    const known = settings as Readonly<Record<string, Setting>>;
    return desk.form(
      c,
      head,
      <>
        <PageHeading title="Configuration" lead={room} />
        <form class="card form" method="post" action={roomPath(room, 'config')}>
          <Problem problem={problem} />
          <Token csrf={c.get('session').csrf} />
          {Object.entries(LABELS).map(([key, label]) => (
            <Input name={key} label={label} setting={known[key]} value={fields[key]} />
          ))}
          <Submit back={roomPath(room)}>Save</Submit>
        </form>
      </>,
      problem,
    );
  };
  app.get(path, (c) => show(c, c.req.param('room'), {}));
  app.post(path, async (c) => {
    const room = c.req.param('room');
    const fields = await fieldsOf(c);
    const settings = await settingsOf(c, room);
    const known = settings as Readonly<Record<string, Setting>>;
    const set = Object.keys(LABELS).flatMap((key) => {
      const before = known[key]?.value;
      const now = isFlag(before) ? String(fields[key] === 'yes') : (fields[key] ?? '');
      const isSame = now === before || (key === 'password' && now === MASKED);
      return isSame ? [] : [`${key}=${now}`];
    });
    const outcome = await desk.run(c, 'rooms.config', { room, set });
    if (!outcome.ok) return show(c, room, fields, outcome);
    return desk.done(c, roomPath(room), 'The configuration is saved.');
  });
}

interface Setting {
  readonly key: string;
  readonly value: string;
  readonly meaning: string;
}

const isFlag = (value: string | undefined) => value === 'true' || value === 'false';

const Input = (props: {
  name: string;
  label: string;
  setting: Setting | undefined;
  value: string | undefined;
}) => {
  const { name, label, setting, value } = props;
  if (setting === undefined) return null;
  const options = CHOICES[name];
  if (isFlag(setting.value))
    return (
      <Tick
        name={name}
        label={label}
        hint={setting.meaning}
        checked={value === undefined ? setting.value === 'true' : value === 'yes'}
      />
    );
  if (options !== undefined)
    return <Choice name={name} label={label} value={value ?? setting.value} options={options} />;
  return <Field name={name} label={label} value={value ?? setting.value} hint={setting.meaning} />;
};

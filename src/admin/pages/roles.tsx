/** The roles of users: as badges, in words, and to be chosen. */
import type { Hono } from 'hono';
import { failure, type OperationFailure } from '../../core/operation.ts';
import { type AdminEnv, type Ask, type Desk, fieldsOf, userPath } from '../desk.tsx';
import { Badge, Choice, Confirm } from '../ui/parts.tsx';
import { accountView, type RoleView } from '../views/accounts.ts';

/** The roles with what they may, the highest first. */
const ROLES: readonly (readonly [role: RoleView, word: string, text: string])[] = [
  ['operator', 'Operator', 'may change everything on this server'],
  ['admin', 'Admin', 'may administer the users and rooms of the domain'],
  ['member', 'Member', 'may talk to everybody'],
  ['guest', 'Guest', 'may only talk to people and rooms of this server'],
];

/** A role in a word. */
export const roleWord = (role: RoleView) => ROLES.find(([each]) => each === role)?.[1] ?? role;

/** The states of an account, in words. */
export const UserBadges = (props: { role: RoleView; isLocked: boolean; isNamed?: boolean }) => (
  <span class="badges">
    {props.role === 'member' ? null : (
      <Badge
        tone={props.role === 'guest' ? 'quiet' : 'info'}
        icon={props.role === 'guest' ? undefined : 'star'}
      >
        {props.isNamed === true ? `${roleWord(props.role)} by config` : roleWord(props.role)}
      </Badge>
    )}
    {props.isLocked ? (
      <Badge tone="warning" icon="lock">
        Locked
      </Badge>
    ) : null}
  </span>
);

/** Adds the page on which a role is chosen. */
export function addRolePages(app: Hono<AdminEnv>, desk: Desk): void {
  const path = '/admin/users/:jid/role';
  app.get(path, (c) => choose(c, desk, c.req.param('jid')));
  app.post(path, async (c) => {
    const jid = c.req.param('jid');
    const { role = '' } = await fieldsOf(c);
    const chosen = ROLES.find(([each]) => each === role);
    if (chosen === undefined)
      return choose(c, desk, jid, failure('invalid-input', 'There is no such role.'));
    const outcome = await desk.run(c, 'accounts.role', { jid, role });
    if (!outcome.ok) return choose(c, desk, jid, outcome);
    return desk.done(c, userPath(jid), `${jid} is now: ${chosen[1]}.`);
  });
}

async function choose(c: Ask, desk: Desk, jid: string, problem?: OperationFailure) {
  const title = `Role of ${jid}`;
  const outcome = await desk.ask(c, 'accounts.show', { jid }, accountView);
  if (!outcome.ok) return desk.problem(c, { title, area: 'users' }, outcome);
  const mayAll = (await desk.roleOf(c)) === 'operator';
  const options = ROLES.filter(([role]) => mayAll || role !== 'operator');
  return desk.form(
    c,
    { title, area: 'users' },
    <Confirm
      title={title}
      action={userPath(jid, 'role')}
      csrf={c.get('session').csrf}
      button="Give the role"
      back={userPath(jid)}
      problem={problem}
    >
      <Choice
        name="role"
        label="Role"
        value={outcome.value.role}
        options={options.map(([role, word, text]) => [role, `${word}: ${text}`] as const)}
      />
      {c.get('session').account === jid ? (
        <p>
          <strong>This is your own account: with a lesser role you may be signed out.</strong>
        </p>
      ) : null}
    </Confirm>,
    problem,
  );
}

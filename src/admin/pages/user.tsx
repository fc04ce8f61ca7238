/** One user: what he is, and what can be done with him. */
import type { Hono } from 'hono';
import { failure, type OperationFailure } from '../../core/operation.ts';
import { type AdminEnv, type Ask, type Desk, fieldsOf, link, userPath } from '../desk.tsx';
import { generatePassword } from '../secrets.ts';
import {
  Confirm,
  Empty,
  Facts,
  PageHeading,
  Problem,
  Submit,
  Tick,
  Time,
  Token,
} from '../ui/parts.tsx';
import { type AccountView, accountView, warningView } from '../views/accounts.ts';
import { archiveSection } from './archive.tsx';
import { deviceSection } from './devices.tsx';
import { PasswordFields, readNewAccount } from './entry.tsx';
import { nodesPath } from './nodes.tsx';
import { pushSection } from './push.tsx';
import { roleWord, UserBadges } from './roles.tsx';
import { SessionTable } from './sessions.tsx';

/** What can be done with an account, each behind a page that asks first. */
const ACTIONS = {
  lock: {
    operation: 'accounts.lock',
    title: (jid: string) => `Lock ${jid}?`,
    text: 'The account keeps its data and receives messages, but nobody can log in to it. Its sessions end now.',
    button: 'Lock the account',
    done: (jid: string) => `${jid} is locked.`,
    isDangerous: false,
  },
  unlock: {
    operation: 'accounts.unlock',
    title: (jid: string) => `Unlock ${jid}?`,
    text: 'The account can be logged in to again.',
    button: 'Unlock the account',
    done: (jid: string) => `${jid} is unlocked.`,
    isDangerous: false,
  },
  delete: {
    operation: 'accounts.remove',
    title: (jid: string) => `Delete ${jid}?`,
    text: 'The account goes with its contacts and its messages, for good. Its sessions end now.',
    button: 'Delete the account',
    done: (jid: string) => `${jid} was deleted.`,
    isDangerous: true,
  },
} as const;

type Action = keyof typeof ACTIONS;
const isAction = (name: string): name is Action => Object.hasOwn(ACTIONS, name);

/** Adds these pages. */
export function addUserPages(app: Hono<AdminEnv>, desk: Desk): void {
  app.get('/admin/users/:jid', async (c) => showUser(c, desk, c.req.param('jid')));
  app.get('/admin/users/:jid/password', (c) => passwordForm(c, desk, c.req.param('jid')));
  app.post('/admin/users/:jid/password', (c) => setPassword(c, desk, c.req.param('jid')));
  app.get('/admin/users/:jid/:action', (c) => {
    const { jid, action } = c.req.param();
    return isAction(action) ? confirm(c, desk, jid, action) : unknownAction(c, desk, jid);
  });
  app.post('/admin/users/:jid/:action', async (c) => {
    const { jid, action } = c.req.param();
    if (!isAction(action)) return unknownAction(c, desk, jid);
    const { operation, done } = ACTIONS[action];
    const outcome = await desk.run(c, operation, { jid });
    if (!outcome.ok) return confirm(c, desk, jid, action, outcome);
    return desk.done(c, action === 'delete' ? '/admin/users' : userPath(jid), done(jid));
  });
}

const unknownAction = (c: Ask, desk: Desk, jid: string) =>
  desk.problem(c, { title: jid, area: 'users' }, failure('not-found', 'There is no such action.'));

async function showUser(c: Ask, desk: Desk, jid: string) {
  const outcome = await desk.ask(c, 'accounts.show', { jid }, accountView);
  if (!outcome.ok) return desk.problem(c, { title: jid, area: 'users' }, outcome);
  const account = outcome.value;
  const devices = await deviceSection(c, desk, jid);
  const archive = await archiveSection(c, desk, account.jid);
  const isOperator = (await desk.roleOf(c)) === 'operator';
  return desk.page(
    c,
    { title: account.jid, area: 'users' },
    <>
      <PageHeading
        title={account.jid}
        lead={
          account.role !== 'member' || account.locked ? (
            <UserBadges
              role={account.role}
              isLocked={account.locked}
              isNamed={account.namedInConfig}
            />
          ) : undefined
        }
      >
        <a class="button" href={userPath(account.jid, 'password')} data-dialog>
          Set password
        </a>
        <a class="button" href={userPath(account.jid, 'reset-link')} data-dialog>
          Reset link
        </a>
        <Switches account={account} />
        <a class="button" href={link('/admin/trace', { jid: account.jid })}>
          Trace messages
        </a>
        {isOperator ? (
          <>
            <a class="button" href={link('/admin/watch', { jid: account.jid })}>
              Watch
            </a>
            <a class="button" href={nodesPath(account.jid)}>
              Nodes
            </a>
            <a class="button" href={link('/admin/portable', { jid: account.jid })}>
              Export
            </a>
          </>
        ) : null}
        <a class="button danger" href={userPath(account.jid, 'delete')} data-dialog>
          Delete
        </a>
      </PageHeading>
      <section class="card">
        <Facts
          facts={[
            ['Created', <Time at={account.created} />],
            ['Role', roleText(account)],
            ['Log-in', account.locked ? 'Locked' : 'Allowed'],
          ]}
        />
      </section>
      <section aria-labelledby="sessions">
        <h2 id="sessions">Sessions</h2>
        {account.sessions.length === 0 ? (
          <Empty>This user is not online.</Empty>
        ) : (
          <SessionTable sessions={account.sessions} now={desk.clock.now()} />
        )}
      </section>
      {devices}
      {await pushSection(c, desk, account.jid)}
      {archive}
    </>,
  );
}

const roleText = ({ role, namedInConfig }: AccountView) =>
  namedInConfig ? `${roleWord(role)}, named in the config` : roleWord(role);

/** Locking, as the opposite of what is, and the role. */
const Switches = ({ account: { jid, locked, namedInConfig } }: { account: AccountView }) => (
  <>
    <a class="button" href={userPath(jid, locked ? 'unlock' : 'lock')} data-dialog>
      {locked ? 'Unlock' : 'Lock'}
    </a>
    {namedInConfig ? null : (
      <a class="button" href={userPath(jid, 'role')} data-dialog>
        Role
      </a>
    )}
  </>
);

function confirm(c: Ask, desk: Desk, jid: string, name: Action, problem?: OperationFailure) {
  const action = ACTIONS[name];
  const session = c.get('session');
  const isSelf = session.account === jid && name !== 'unlock';
  return desk.form(
    c,
    { title: action.title(jid), area: 'users' },
    <Confirm
      title={action.title(jid)}
      action={userPath(jid, name)}
      csrf={session.csrf}
      button={action.button}
      back={userPath(jid)}
      isDangerous={action.isDangerous}
      problem={problem}
    >
      <p>{action.text}</p>
      {isSelf ? (
        <p>
          <strong>This is your own account: you will be signed out.</strong>
        </p>
      ) : null}
    </Confirm>,
    problem,
  );
}

function passwordForm(c: Ask, desk: Desk, jid: string, problem?: OperationFailure) {
  const session = c.get('session');
  return desk.form(
    c,
    { title: `Password of ${jid}`, area: 'users' },
    <div class="confirm card" data-dialog-content>
      <h1 class="wrap">Set the password of {jid}</h1>
      <form method="post" action={userPath(jid, 'password')}>
        <Problem problem={problem} />
        <p>
          {session.account === jid
            ? 'Afterwards you sign in again with the new password.'
            : 'The sessions of the account end; its devices need the new password.'}
        </p>
        <Token csrf={session.csrf} />
        {session.account === jid ? null : (
          <Tick
            name="generate"
            label="Generate a password"
            hint="It is shown once, for you to hand on. Leave the two fields below empty."
          />
        )}
        <div data-unless="generate">
          <PasswordFields faults={problem?.fields ?? {}} isOptional />
        </div>
        <Submit back={userPath(jid)}>Set the password</Submit>
      </form>
    </div>,
    problem,
  );
}

async function setPassword(c: Ask, desk: Desk, jid: string) {
  const fields = await fieldsOf(c);
  const isGenerated = fields['generate'] === 'yes' && c.get('session').account !== jid;
  const password = isGenerated ? generatePassword() : (fields['password'] ?? '');
  const read = readNewAccount(isGenerated ? { password, again: password } : fields);
  if (!read.ok) return passwordForm(c, desk, jid, read);
  const outcome = await desk.ask(c, 'accounts.password', { jid, password }, warningView);
  if (!outcome.ok) return passwordForm(c, desk, jid, outcome);
  const { warning = '' } = outcome.value;
  return desk.done(c, userPath(jid), {
    tone: 'done',
    text: `${jid} has a new password. ${warning}`.trim(),
    ...(isGenerated ? { detail: { label: 'Password, shown only now', text: password } } : {}),
  });
}

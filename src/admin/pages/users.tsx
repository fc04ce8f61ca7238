/** The list of users, and making a new one. */
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
  userPath,
  whole,
} from '../desk.tsx';
import { generatePassword } from '../secrets.ts';
import { plural } from '../text.ts';
import { Icon } from '../ui/icons.tsx';
import {
  Badge,
  Choice,
  Empty,
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
import { accountsView, warningView } from '../views/accounts.ts';
import { AddressFields, nameFaults, PasswordFields, readNewAccount } from './entry.tsx';
import { UserBadges } from './roles.tsx';

const PAGE = 50;
const LIST = '/admin/users';

/** A choice among the domains, where there is one to make. */
export const DomainFilter = ({ domains, value }: { domains: readonly string[]; value: string }) =>
  domains.length < 2 ? null : (
    <Choice
      name="host"
      label="Domain"
      isLabelHidden
      value={value}
      options={[['', 'All domains'] as const, ...domains.map((each) => [each, each] as const)]}
    />
  );

/** Adds these pages. */
export function addUsersPages(app: Hono<AdminEnv>, desk: Desk): void {
  app.get(LIST, (c) => listUsers(c, desk));
  app.get(`${LIST}/new`, (c) => newUser(c, desk, { admin: c.req.query('admin') ?? '' }));
  app.post(`${LIST}/new`, async (c) => {
    const fields = await fieldsOf(c);
    const isGenerated = fields['generate'] === 'yes';
    const password = isGenerated ? generatePassword() : (fields['password'] ?? '');
    const read = readNewAccount(isGenerated ? { ...fields, password, again: password } : fields);
    if (!read.ok) return newUser(c, desk, fields, read);
    const { jid } = read.value;
    const input = { jid, password, admin: fields['admin'] === 'yes' };
    const outcome = await desk.ask(c, 'accounts.add', input, warningView);
    if (!outcome.ok) return newUser(c, desk, fields, nameFaults(outcome));
    const { warning = '' } = outcome.value;
    return desk.done(c, LIST, {
      tone: 'done',
      text: `${jid} was created. ${warning}`.trim(),
      ...(isGenerated ? { detail: { label: 'Password, shown only now', text: password } } : {}),
    });
  });
}

async function listUsers(c: Ask, desk: Desk) {
  const head = { title: 'Users', area: 'users' } as const;
  const { search = '', host = '' } = c.req.query();
  const offset = whole(c.req.query('offset'), 0);
  const input = { ...filled({ search, host }), offset, limit: PAGE };
  const outcome = await desk.ask(c, 'accounts.list', input, accountsView);
  if (!outcome.ok) return desk.problem(c, head, outcome);
  const { accounts, total } = outcome.value;
  return desk.page(
    c,
    head,
    <>
      <PageHeading
        title="Users"
        lead={`${plural(total, 'account')}${search === '' ? '' : ' found'}`}
      >
        <a class="button primary" href={`${LIST}/new`}>
          <Icon name="plus" />
          New user
        </a>
      </PageHeading>
      <Search action={LIST} value={search} label="Search addresses">
        <DomainFilter domains={desk.domains(c)} value={host} />
      </Search>
      {accounts.length === 0 ? (
        <Empty>{search === '' ? 'There are no users yet.' : 'Nobody has such an address.'}</Empty>
      ) : (
        <Table
          caption="Users"
          heads={['Address', 'State', 'Online', 'Created']}
          rows={accounts.map((account) => [
            <a class="wrap" href={userPath(account.jid)}>
              {account.jid}
            </a>,
            account.role !== 'member' || account.locked ? (
              <UserBadges role={account.role} isLocked={account.locked} />
            ) : (
              <span class="quiet">Member</span>
            ),
            account.sessions === 0 ? (
              <span class="quiet">No</span>
            ) : (
              <Badge tone="ok">{plural(account.sessions, 'session')}</Badge>
            ),
            <Time at={account.created} />,
          ])}
        />
      )}
      <Pager
        offset={offset}
        limit={PAGE}
        total={total}
        at={(from) => link(LIST, { search, host, offset: from })}
      />
    </>,
  );
}

async function newUser(c: Ask, desk: Desk, fields: Fields, problem?: OperationFailure) {
  const faults = problem?.fields ?? {};
  const isOperator = (await desk.roleOf(c)) === 'operator';
  return desk.form(
    c,
    { title: 'New user', area: 'users' },
    <>
      <PageHeading title="New user" />
      <form class="card form" method="post" action={`${LIST}/new`}>
        <Problem problem={problem} />
        <Token csrf={c.get('session').csrf} />
        <AddressFields domains={desk.domains(c)} fields={fields} faults={faults} />
        <Tick
          name="generate"
          label="Generate a password"
          hint="It is shown once, for you to hand on. Leave the two fields below empty."
          checked={fields['generate'] === 'yes'}
        />
        <div data-unless="generate">
          <PasswordFields faults={faults} isOptional />
        </div>
        {isOperator ? (
          <Tick
            name="admin"
            label="Make it an operator"
            hint="An operator can sign in here and change everything."
            checked={fields['admin'] === 'yes'}
          />
        ) : null}
        <Submit back={LIST}>Create the user</Submit>
      </form>
    </>,
    problem,
  );
}

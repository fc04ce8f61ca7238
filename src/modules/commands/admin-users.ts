/** XEP-0133: Service Administration: users, their sessions, and lists of them (§4.1 to §4.22). */
import { type Form, type FormField, firstValueOf } from '../../stanza/form.ts';
import { writeDateTime } from '../../xml/date-time.ts';
import { type Element, el } from '../../xml/element.ts';
import {
  ACCOUNTS,
  type Administering,
  accountsIn,
  bad,
  refuse,
  resultOf,
  rowsIn,
  textIn,
  valueIn,
} from './administering.ts';
import type { Asker, HostCommand, Stage } from './command.ts';

/** What a list may be asked for (§4.18). */
const SIZES = ['25', '50', '75', '100', '150', '200', 'none'] as const;
/** What `none` means. */
const MOST_LISTED = 1000;

/** Operations for which there is a node here. */
export const USER_OPERATIONS: readonly string[] = [
  'accounts.add',
  'accounts.remove',
  'accounts.lock',
  'accounts.unlock',
  'accounts.password',
  'accounts.last',
];

const ACCOUNT: FormField = {
  name: 'accountjid',
  type: 'jid-single',
  label: 'The Jabber ID of the account',
  isRequired: true,
  values: [],
};
const password = (name: string, label: string): FormField => ({
  name,
  type: 'text-private',
  label,
  isRequired: true,
  values: [],
});
const SIZE: FormField = {
  name: 'max_items',
  type: 'list-single',
  label: 'Maximum number of items to show',
  values: ['100'],
  options: SIZES.map((value) => ({ label: value, value })),
};

/** Makes them. */
export function userCommands(administering: Administering): readonly HostCommand[] {
  return [...changes(administering), ...reads(administering), ...lists(administering)];
}

function changes({ run, asking, ended }: Administering): readonly HostCommand[] {
  /** Something that is done with each of some accounts, in turn, until it fails. */
  const onEach = (name: string, title: string, operation: string) =>
    asking(name, title, [ACCOUNTS], async (form, asker) => {
      const jids = accountsIn(form);
      if ('kind' in jids) return jids;
      for (const jid of jids) {
        const outcome = await run(asker, operation, { jid });
        if (!outcome.ok) return refuse(outcome);
      }
      return { kind: 'end' };
    });
  const passwordOf = (form: Form) => firstValueOf(form, 'password') ?? '';
  const accountIn = (form: Form) => firstValueOf(form, ACCOUNT.name) ?? '';
  const addUser = asking(
    'add-user',
    'Add User',
    [
      ACCOUNT,
      password('password', 'The password for this account'),
      password('password-verify', 'Retype password'),
    ],
    async (form, asker) => {
      const secret = passwordOf(form);
      if (secret !== (firstValueOf(form, 'password-verify') ?? secret))
        return bad('The two passwords differ.');
      return ended(await run(asker, 'accounts.add', { jid: accountIn(form), password: secret }));
    },
  );
  const changePassword = asking(
    'change-user-password',
    'Change User Password',
    [ACCOUNT, password('password', 'The password for this account')],
    async (form, asker) => {
      const input = { jid: accountIn(form), password: passwordOf(form) };
      return ended(await run(asker, 'accounts.password', input));
    },
  );
  return [
    addUser,
    onEach('delete-user', 'Delete User', 'accounts.remove'),
    onEach('disable-user', 'Disable User', 'accounts.lock'),
    onEach('reenable-user', 'Re-Enable User', 'accounts.unlock'),
    onEach('end-user-session', 'End User Session', 'sessions.kick'),
    changePassword,
  ];
}

function reads({ run, asking }: Administering): readonly HostCommand[] {
  const roster = asking('get-user-roster', 'Get User Roster', [ACCOUNTS], async (form, asker) => {
    const jids = accountsIn(form);
    if ('kind' in jids) return jids;
    const found: Element[] = [];
    for (const jid of jids) {
      const outcome = await run(asker, 'roster.show', { jid });
      if (!outcome.ok) return refuse(outcome);
      found.push(rosterElement(outcome.value));
    }
    return { kind: 'end', form: resultOf([['accountjids', jids]], ...found) };
  });
  const lastLogin = asking(
    'get-user-lastlogin',
    'Get User Last Login Time',
    [ACCOUNTS],
    async (form, asker) => {
      const jids = accountsIn(form);
      if ('kind' in jids) return jids;
      const times: string[] = [];
      for (const jid of jids) {
        const outcome = await run(asker, 'accounts.last', { jid });
        if (!outcome.ok) return refuse(outcome);
        const login = valueIn(outcome.value, 'login');
        times.push(typeof login === 'number' ? writeDateTime(login) : 'never');
      }
      const fields = [
        ['accountjids', jids],
        ['lastlogin', times],
      ] as const;
      return { kind: 'end', form: resultOf(fields) };
    },
  );
  const statistics = asking('user-stats', 'Get User Statistics', [ACCOUNT], async (form, asker) => {
    const jid = firstValueOf(form, ACCOUNT.name) ?? '';
    const outcome = await run(asker, 'accounts.show', { jid });
    if (!outcome.ok) return refuse(outcome);
    const contacts = await run(asker, 'roster.show', { jid });
    const size = contacts.ok ? rowsIn(contacts.value, 'contacts').length : undefined;
    const sessions = rowsIn(outcome.value, 'sessions');
    const full = sessions.map((each) => textIn(each, 'jid'));
    return {
      kind: 'end',
      form: resultOf([
        ['ipaddresses', [...new Set(sessions.map((each) => textIn(each, 'remote')))]],
        ...(size === undefined ? [] : [['rostersize', [String(size)]] as const]),
        ['onlineresources', full.map((each) => each.slice(each.indexOf('/') + 1))],
      ]),
    };
  });
  return [roster, lastLogin, statistics];
}

/** An operation that lists, and under which names its rows and their number stand. */
interface Question {
  readonly operation: string;
  readonly input: object;
  readonly rows: string;
  readonly total: string;
}

const REGISTERED: Question = {
  operation: 'accounts.list',
  input: {},
  rows: 'accounts',
  total: 'total',
};
const ONLINE: Question = {
  operation: 'sessions.list',
  input: {},
  rows: 'sessions',
  total: 'accounts',
};
const GROUPS = {
  registered: REGISTERED,
  disabled: { ...REGISTERED, input: { locked: true } },
  online: ONLINE,
  active: { ...ONLINE, input: { users: 'active' } },
  idle: { ...ONLINE, input: { users: 'idle' } },
} as const satisfies Readonly<Record<string, Question>>;

/** §4.13 to §4.22: how many there are, and who they are. */
function lists({ run, asking, telling }: Administering): readonly HostCommand[] {
  const ask = (asker: Asker, { operation, input }: Question, limit: number) =>
    run(asker, operation, { ...input, host: asker.host, limit });
  return Object.entries(GROUPS).flatMap(([group, question]) => {
    const title = `${group[0]?.toUpperCase()}${group.slice(1)} Users`;
    const counting = telling(
      `get-${group}-users-num`,
      `Get Number of ${title}`,
      async (asker): Promise<Stage> => {
        const outcome = await ask(asker, question, 1);
        if (!outcome.ok) return refuse(outcome);
        const total = String(valueIn(outcome.value, question.total) ?? 0);
        return { kind: 'end', form: resultOf([[`${group}usersnum`, [total]]]) };
      },
    );
    // §4.21, §4.22: these two nodes are called otherwise.
    const node = group === 'active' || group === 'idle' ? 'users' : 'users-list';
    const listing = asking(
      `get-${group}-${node}`,
      `Get List of ${title}`,
      [SIZE],
      async (form, asker): Promise<Stage> => {
        const size = SIZES.find((each) => each === firstValueOf(form, 'max_items')) ?? '100';
        const outcome = await ask(asker, question, size === 'none' ? MOST_LISTED : Number(size));
        if (!outcome.ok) return refuse(outcome);
        const rows = rowsIn(outcome.value, question.rows).map((row) => textIn(row, 'jid'));
        const jids = new Set(rows.map((jid) => jid.split('/', 1)[0] ?? jid));
        return { kind: 'end', form: resultOf([[`${group}userjids`, [...jids]]]) };
      },
    );
    return [counting, listing];
  });
}

/** §4.8: contacts as RFC 6121 §2.1.2 writes them. */
function rosterElement(value: unknown): Element {
  const items = rowsIn(value, 'contacts').map((row) => {
    const groups = valueIn(row, 'groups');
    const name = textIn(row, 'name');
    return el(
      'item',
      {
        jid: textIn(row, 'jid'),
        name: name === '' ? undefined : name,
        subscription: textIn(row, 'subscription'),
      },
      ...(Array.isArray(groups) ? groups : []).map((group) =>
        el('group', undefined, String(group)),
      ),
    );
  });
  return el('query', { xmlns: 'jabber:iq:roster' }, ...items);
}

/** XEP-0133: Service Administration: its nodes and fields, as the operations of this server do them. */
import type { Authority } from '../../core/authority.ts';
import type { OperationFailure, Operations } from '../../core/operation.ts';
import {
  DATA_FORMS,
  type Form,
  type FormField,
  firstValueOf,
  valuesOf,
} from '../../stanza/form.ts';
import { type Element, el } from '../../xml/element.ts';
import type { Asker, CommandSource, HostCommand, Stage } from './command.ts';
import { actorOf, failureFor, runAs } from './operating.ts';
import { commandFailure } from './payloads.ts';

/** The namespace of the fields (§8.2). */
export const ADMIN = 'http://jabber.org/protocol/admin';

/** Accounts that one form may name. */
const MOST_ACCOUNTS = 100;
/** What a list may be asked for (§4.18). */
const SIZES = ['25', '50', '75', '100', '150', '200', 'none'] as const;
/** What `none` means. */
const MOST_LISTED = 1000;

/** Operations for which there is a node here. */
export const COVERED: ReadonlySet<string> = new Set([
  'accounts.add',
  'accounts.remove',
  'accounts.lock',
  'accounts.unlock',
  'accounts.password',
]);

const ACCOUNT: FormField = {
  name: 'accountjid',
  type: 'jid-single',
  label: 'The Jabber ID of the account',
  isRequired: true,
  values: [],
};
const ACCOUNTS: FormField = {
  name: 'accountjids',
  type: 'jid-multi',
  label: 'The Jabber ID(s) of the accounts',
  isRequired: true,
  values: [],
};
const password = (name: string, label: string, isRequired: boolean): FormField => ({
  name,
  type: 'text-private',
  label,
  isRequired,
  values: [],
});
const SIZE: FormField = {
  name: 'max_items',
  type: 'list-single',
  label: 'Maximum number of items to show',
  values: ['100'],
  options: SIZES.map((value) => ({ label: value, value })),
};

/** Makes the source. Who may run nothing has no such command; each run is judged anyway. */
export function createAdminCommands(
  operations: Operations,
  authority: Pick<Authority, 'mayRun'>,
): CommandSource {
  const run = (asker: Asker, name: string, input: object) => runAs(operations, asker, name, input);
  const refuse = (failure: OperationFailure): Stage => ({
    kind: 'refuse',
    failure: failureFor(failure),
  });
  const bad = (text: string): Stage => ({
    kind: 'refuse',
    failure: commandFailure('bad-payload', text),
  });
  const asking = (
    name: string,
    title: string,
    fields: readonly FormField[],
    next: (form: Form, asker: Asker) => Promise<Stage>,
  ): HostCommand => ({
    node: `${ADMIN}#${name}`,
    name: title,
    begin: (asker) => ({
      kind: 'form',
      isLast: true,
      form: { formType: ADMIN, title, instructions: ['Fill out this form.'], fields },
      next: (form) => next(form, asker),
    }),
  });

  /** Something that is done with each of some accounts, in turn, until it fails. */
  const onEach = (name: string, title: string, operation: string) =>
    asking(name, title, [ACCOUNTS], async (form, asker) => {
      const jids = (valuesOf(form, 'accountjids') ?? []).filter((jid) => jid !== '');
      if (jids.length === 0 || jids.length > MOST_ACCOUNTS)
        return bad(`From 1 to ${MOST_ACCOUNTS} accounts are to be named.`);
      for (const jid of jids) {
        const outcome = await run(asker, operation, { jid });
        if (!outcome.ok) return refuse(outcome);
      }
      return { kind: 'end' };
    });

  const addUser = asking(
    'add-user',
    'Add User',
    [
      ACCOUNT,
      password('password', 'The password for this account', true),
      password('password-verify', 'Retype password', true),
    ],
    async (form, asker) => {
      const secret = firstValueOf(form, 'password') ?? '';
      if (secret !== (firstValueOf(form, 'password-verify') ?? secret))
        return bad('The two passwords differ.');
      const jid = firstValueOf(form, 'accountjid') ?? '';
      const outcome = await run(asker, 'accounts.add', { jid, password: secret });
      return outcome.ok ? { kind: 'end' } : refuse(outcome);
    },
  );
  const changePassword = asking(
    'change-user-password',
    'Change User Password',
    [ACCOUNT, password('password', 'The password for this account', true)],
    async (form, asker) => {
      const jid = firstValueOf(form, 'accountjid') ?? '';
      const secret = firstValueOf(form, 'password') ?? '';
      const outcome = await run(asker, 'accounts.password', { jid, password: secret });
      return outcome.ok ? { kind: 'end' } : refuse(outcome);
    },
  );
  const statistics = asking('user-stats', 'Get User Statistics', [ACCOUNT], async (form, asker) => {
    const jid = firstValueOf(form, 'accountjid') ?? '';
    const outcome = await run(asker, 'accounts.show', { jid });
    if (!outcome.ok) return refuse(outcome);
    const sessions = rowsIn(outcome.value, 'sessions');
    const resources = sessions.map(({ jid: full }) => full.slice(full.indexOf('/') + 1));
    return {
      kind: 'end',
      form: resultOf([
        ['ipaddresses', [...new Set(sessions.map(({ remote }) => remote))]],
        ['onlineresources', resources],
      ]),
    };
  });

  /** §4.14 to §4.16: how many there are. */
  const counting = (name: string, title: string, field: string, ask: Question): HostCommand => ({
    node: `${ADMIN}#${name}`,
    name: title,
    async begin(asker) {
      const outcome = await run(asker, ask.operation, { ...ask.input, host: asker.host, limit: 1 });
      if (!outcome.ok) return refuse(outcome);
      const total = numberIn(outcome.value, ask.total);
      return { kind: 'end', form: resultOf([[field, [String(total)]]]) };
    },
  });
  /** §4.18 to §4.20: who they are. */
  const listing = (name: string, title: string, field: string, ask: Question): HostCommand =>
    asking(name, title, [SIZE], async (form, asker) => {
      const size = SIZES.find((each) => each === firstValueOf(form, 'max_items')) ?? '100';
      const limit = size === 'none' ? MOST_LISTED : Number(size);
      const input = { ...ask.input, host: asker.host, limit };
      const outcome = await run(asker, ask.operation, input);
      if (!outcome.ok) return refuse(outcome);
      const jids = rowsIn(outcome.value, ask.rows).map(({ jid }) => jid.split('/', 1)[0] ?? jid);
      return { kind: 'end', form: resultOf([[field, [...new Set(jids)]]]) };
    });

  const registered: Question = {
    operation: 'accounts.list',
    input: {},
    rows: 'accounts',
    total: 'total',
  };
  const disabled: Question = { ...registered, input: { locked: true } };
  const online: Question = {
    operation: 'sessions.list',
    input: {},
    rows: 'sessions',
    total: 'accounts',
  };
  const commands: readonly HostCommand[] = [
    addUser,
    onEach('delete-user', 'Delete User', 'accounts.remove'),
    onEach('disable-user', 'Disable User', 'accounts.lock'),
    onEach('reenable-user', 'Re-Enable User', 'accounts.unlock'),
    onEach('end-user-session', 'End User Session', 'sessions.kick'),
    changePassword,
    statistics,
    counting(
      'get-registered-users-num',
      'Get Number of Registered Users',
      'registeredusersnum',
      registered,
    ),
    counting(
      'get-disabled-users-num',
      'Get Number of Disabled Users',
      'disabledusersnum',
      disabled,
    ),
    counting('get-online-users-num', 'Get Number of Online Users', 'onlineusersnum', online),
    listing(
      'get-registered-users-list',
      'Get List of Registered Users',
      'registereduserjids',
      registered,
    ),
    listing('get-disabled-users-list', 'Get List of Disabled Users', 'disableduserjids', disabled),
    listing('get-online-users-list', 'Get List of Online Users', 'onlineuserjids', online),
  ];
  return async (asker) => ((await authority.mayRun(actorOf(asker))) === false ? [] : commands);
}

/** An operation that lists, and under which names its rows and their number stand. */
interface Question {
  readonly operation: string;
  readonly input: object;
  readonly rows: string;
  readonly total: string;
}

interface Row {
  readonly jid: string;
  readonly remote: string;
}

/** The rows of a list, as far as they are asked for here. */
function rowsIn(value: unknown, name: string): readonly Row[] {
  const rows: unknown = isMap(value) ? value[name] : undefined;
  if (!Array.isArray(rows)) return [];
  return rows.filter(isMap).map((row) => ({
    jid: String(row['jid'] ?? ''),
    remote: String(row['remote'] ?? ''),
  }));
}

const numberIn = (value: unknown, name: string) => (isMap(value) ? Number(value[name] ?? 0) : 0);

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

function resultOf(
  fields: readonly (readonly [name: string, values: readonly string[]])[],
): Element {
  const field = (name: string, values: readonly string[], type?: string) =>
    el('field', { var: name, type }, ...values.map((value) => el('value', undefined, value)));
  return el(
    'x',
    { xmlns: DATA_FORMS, type: 'result' },
    field('FORM_TYPE', [ADMIN], 'hidden'),
    ...fields.map(([name, values]) => field(name, values)),
  );
}

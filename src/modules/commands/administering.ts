/** What the commands of XEP-0133 have in common: its forms, and operations run by them. */
import type { OperationFailure, OperationOutcome, Operations } from '../../core/operation.ts';
import { DATA_FORMS, type Form, type FormField, valuesOf } from '../../stanza/form.ts';
import { type Child, type Element, el } from '../../xml/element.ts';
import type { Asker, HostCommand, Stage } from './command.ts';
import { failureFor, runAs } from './operating.ts';
import { commandFailure } from './payloads.ts';

/** The namespace of the fields (§8.2). */
export const ADMIN = 'http://jabber.org/protocol/admin';

/** Accounts that one form may name. */
const MOST_ACCOUNTS = 100;

/** The field of several accounts. */
export const ACCOUNTS: FormField = {
  name: 'accountjids',
  type: 'jid-multi',
  label: 'The Jabber ID(s) of the accounts',
  isRequired: true,
  values: [],
};

/** How a command is made of operations. */
export interface Administering {
  run(asker: Asker, name: string, input: object): Promise<OperationOutcome<unknown>>;
  /** A command of one form; its fields may depend on how things are. */
  asking(
    name: string,
    title: string,
    fields: readonly FormField[] | ((asker: Asker) => Promise<readonly FormField[] | Stage>),
    next: (form: Form, asker: Asker) => Promise<Stage>,
  ): HostCommand;
  /** A command that asks nothing. */
  telling(name: string, title: string, begin: (asker: Asker) => Promise<Stage>): HostCommand;
  /** The end, or the refusal of an operation that failed. */
  ended(outcome: OperationOutcome<unknown>): Stage;
}

/** Makes it. */
export function createAdministering(operations: Operations): Administering {
  return {
    run: (asker, name, input) => runAs(operations, asker, name, input),
    asking: (name, title, fields, next) => ({
      node: `${ADMIN}#${name}`,
      name: title,
      async begin(asker) {
        const asked = typeof fields === 'function' ? await fields(asker) : fields;
        if ('kind' in asked) return asked;
        return {
          kind: 'form',
          isLast: true,
          form: {
            formType: ADMIN,
            title,
            instructions: ['Fill out this form.'],
            fields: asked,
          },
          next: (form) => next(form, asker),
        };
      },
    }),
    telling: (name, title, begin) => ({ node: `${ADMIN}#${name}`, name: title, begin }),
    ended: (outcome) => (outcome.ok ? { kind: 'end' } : refuse(outcome)),
  };
}

/** An operation failed. */
export const refuse = (failure: OperationFailure): Stage => ({
  kind: 'refuse',
  failure: failureFor(failure),
});

/** A form says what cannot be. */
export const bad = (text: string): Stage => ({
  kind: 'refuse',
  failure: commandFailure('bad-payload', text),
});

/** The values of a field that are not empty. */
export const filled = (form: Form, name: string): readonly string[] =>
  (valuesOf(form, name) ?? []).filter((value) => value !== '');

/** The accounts that a form names; a stage where they are none or too many. */
export function accountsIn(form: Form): readonly string[] | Stage {
  const jids = filled(form, ACCOUNTS.name);
  if (jids.length > 0 && jids.length <= MOST_ACCOUNTS) return jids;
  return bad(`From 1 to ${MOST_ACCOUNTS} accounts are to be named.`);
}

/** A form of type result; more than fields may stand in it (§4.8). */
export function resultOf(
  fields: readonly (readonly [name: string, values: readonly string[]])[],
  ...more: Child[]
): Element {
  const field = (name: string, values: readonly string[], type?: string) =>
    el('field', { var: name, type }, ...values.map((value) => el('value', undefined, value)));
  return el(
    'x',
    { xmlns: DATA_FORMS, type: 'result' },
    field('FORM_TYPE', [ADMIN], 'hidden'),
    ...fields.map(([name, values]) => field(name, values)),
    ...more,
  );
}

type Row = Readonly<Record<string, unknown>>;

const isRow = (value: unknown): value is Row => typeof value === 'object' && value !== null;

/** A value that an operation gave; undefined if it has none of that name. */
export const valueIn = (value: unknown, name: string): unknown =>
  isRow(value) ? value[name] : undefined;

/** A text of a row, '' if there is none. */
export const textIn = (row: unknown, name: string): string => {
  const found = valueIn(row, name);
  return typeof found === 'string' ? found : '';
};

/** The rows of a list that an operation gave. */
export function rowsIn(value: unknown, name: string): readonly Row[] {
  const rows = valueIn(value, name);
  return Array.isArray(rows) ? rows.filter(isRow) : [];
}

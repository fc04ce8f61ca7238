/** The pages before the door: signing in, and the first admin. */
import { type Context, Hono } from 'hono';
import { html } from 'hono/html';
import type { Child } from 'hono/jsx';
import { failure, type OperationFailure, type Operations } from '../../core/operation.ts';
import type { HttpEnv } from '../../http/client.ts';
import { parseBare } from '../../jid/jid.ts';
import type { AssetPaths } from '../assets.ts';
import { type Fields, fieldsOf } from '../desk.tsx';
import type { Gate } from '../gate.ts';
import type { Setup } from '../setup.ts';
import type { Door } from '../sign-in.ts';
import { Welcome } from '../ui/layout.tsx';
import { Choice, Field, Note, Problem, Token } from '../ui/parts.tsx';

/** What the entry needs. */
export interface EntryOptions {
  readonly gate: Gate;
  readonly door: Door;
  readonly setup: Setup;
  readonly operations: Operations;
  readonly paths: AssetPaths;
  domains(): readonly string[];
}

const REFUSED = 'That address and password do not open the console.';
const THROTTLED = 'Too many tries. Please wait a minute, then try again.';
const STALE = 'The form was too old. Please try again.';
const CLOSED =
  'This link does not work: it was used, there is an admin already, or the server was restarted.';

/** Makes the app of these pages. */
export function createEntry(options: EntryOptions): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>();
  addSignIn(app, options);
  addSetup(app, options);
  return app;
}

const SignInForm = (props: { csrf: string; jid: string | undefined; next: string }) => {
  const { csrf, jid, next } = props;
  return (
    <form method="post" action="/admin/sign-in">
      <Token csrf={csrf} />
      <input type="hidden" name="next" value={next} />
      <Field
        name="jid"
        label="Address"
        value={jid}
        autocomplete="username"
        hint="The address of an admin, such as joe@example.com."
        required
        autofocus={jid === undefined}
      />
      <Field
        name="password"
        label="Password"
        type="password"
        autocomplete="current-password"
        autofocus={jid !== undefined}
        required
      />
      <button class="button primary broad" type="submit">
        Sign in
      </button>
    </form>
  );
};

function addSignIn(app: Hono<HttpEnv>, { gate, door, setup, paths }: EntryOptions): void {
  const show = async (
    c: Context<HttpEnv>,
    status: 200 | 401 | 403 | 429,
    said: { jid?: string; fault?: string; next: string },
  ) => {
    const isFirst = await setup.isOpen();
    const body = (
      <>
        <h1>Sign in</h1>
        {c.req.query('left') === undefined ? null : (
          <Note tone="ok" role="status">
            <p>You are signed out.</p>
          </Note>
        )}
        {said.fault === undefined ? null : (
          <Note tone="error" role="alert">
            <p>{said.fault}</p>
          </Note>
        )}
        {isFirst ? (
          <Note tone="info">
            <p>
              There is no admin yet. Open the one-time link that the server printed when it started,
              or run <code>rtcctl adduser --admin</code>.
            </p>
          </Note>
        ) : null}
        <SignInForm csrf={gate.formToken(c)} jid={said.jid} next={said.next} />
      </>
    );
    return welcome(c, 'Sign in', paths, body, status);
  };

  app.get('/admin/sign-in', async (c) => {
    const next = safeNext(c.req.query('next'));
    if ((await gate.sessionOf(c)) !== undefined) return c.redirect(next, 303);
    return show(c, 200, { next });
  });
  app.post('/admin/sign-in', async (c) => {
    const fields = await fieldsOf(c);
    const { jid = '', password = '' } = fields;
    const next = safeNext(fields['next']);
    if (!gate.isFormOurs(c, fields)) return show(c, 403, { jid, next, fault: STALE });
    const result = await door.signIn(jid, password, gate.clientOf(c).address);
    switch (result.kind) {
      case 'welcome':
        gate.begin(c, result);
        return c.redirect(next, 303);
      case 'refused':
        return show(c, 401, { jid, next, fault: REFUSED });
      case 'throttled':
        c.header('Retry-After', '60');
        return show(c, 429, { jid, next, fault: THROTTLED });
    }
  });
}

function addSetup(app: Hono<HttpEnv>, options: EntryOptions): void {
  const { gate, door, setup, operations, paths, domains } = options;
  const show = (
    c: Context<HttpEnv>,
    token: string,
    fields: Fields,
    problem?: OperationFailure,
    status: 200 | 403 | 422 = problem === undefined ? 200 : 422,
  ) => {
    const faults = problem?.fields ?? {};
    const body = (
      <>
        <h1>Welcome</h1>
        <p class="lead">Make the account with which you will look after this server.</p>
        <Problem problem={problem} />
        <form method="post" action="/admin/setup">
          <Token csrf={gate.formToken(c)} />
          <input type="hidden" name="token" value={token} />
          <AddressFields domains={domains()} fields={fields} faults={faults} isFirst />
          <PasswordFields faults={faults} />
          <button class="button primary broad" type="submit">
            Create the admin
          </button>
        </form>
      </>
    );
    return welcome(c, 'Welcome', paths, body, status);
  };
  const closed = (c: Context<HttpEnv>) =>
    welcome(
      c,
      'Welcome',
      paths,
      <>
        <h1>This link is closed</h1>
        <p>{CLOSED}</p>
        <p>
          <a class="button primary" href="/admin/sign-in">
            Sign in
          </a>
        </p>
      </>,
      403,
    );

  app.get('/admin/setup', async (c) => {
    const token = c.req.query('token') ?? '';
    return (await setup.accepts(token)) ? show(c, token, {}) : closed(c);
  });
  app.post('/admin/setup', async (c) => {
    const fields = await fieldsOf(c);
    const token = fields['token'] ?? '';
    if (!(await setup.accepts(token))) return closed(c);
    if (!gate.isFormOurs(c, fields))
      return show(c, token, fields, failure('forbidden', STALE), 403);
    const read = readNewAccount(fields);
    if (!read.ok) return show(c, token, fields, read);
    const { jid, password } = read.value;
    // Whoever has the link could read it where the server wrote it, as root can.
    const actor = { name: 'root', via: 'setup', remote: gate.clientOf(c).address } as const;
    let problem: OperationFailure | undefined;
    const wasRun = await setup.use(token, async () => {
      const outcome = await operations.run('accounts.add', { jid, password, admin: true }, actor);
      if (!outcome.ok) problem = nameFaults(outcome);
      return outcome.ok;
    });
    if (!wasRun) return closed(c);
    if (problem !== undefined) return show(c, token, fields, problem);
    const account = parseBare(jid);
    const entered = account.ok ? await door.welcome(account.value) : undefined;
    if (entered?.kind === 'welcome')
      gate.begin(c, entered).flash({ tone: 'done', text: `Welcome. ${jid} is an admin now.` });
    return c.redirect('/admin', 303);
  });
}

/** Only addresses of the console itself; anything else could lead away after signing in. */
export function safeNext(raw: string | undefined): string {
  return raw !== undefined && /^\/admin(?:[/?][\w\-.~%!$&'()*+,;=:@/?]*)?$/.test(raw)
    ? raw
    : '/admin';
}

function welcome(
  c: Context,
  title: string,
  paths: AssetPaths,
  body: Child,
  status: 200 | 401 | 403 | 422 | 429,
) {
  return c.html(
    html`<!doctype html>${(
      <Welcome title={title} paths={paths}>
        {body}
      </Welcome>
    )}`,
    status,
  );
}

/** The new account's address, in two fields. */
export const AddressFields = (props: {
  domains: readonly string[];
  fields: Fields;
  faults: Readonly<Record<string, string>>;
  isFirst?: boolean;
}) => (
  <div class="address">
    <Field
      name="name"
      label="Name"
      value={props.fields['name']}
      fault={props.faults['name']}
      autofocus={props.isFirst === true}
      required
    />
    <span class="at" aria-hidden="true">
      @
    </span>
    <Choice
      name="host"
      label="Domain"
      value={props.fields['host']}
      options={props.domains.map((domain) => [domain, domain] as const)}
    />
  </div>
);

/** A new password, twice. */
export const PasswordFields = (props: {
  faults: Readonly<Record<string, string>>;
  isOptional?: boolean;
}) => (
  <>
    <Field
      name="password"
      label="Password"
      type="password"
      autocomplete="new-password"
      fault={props.faults['password']}
      hint="Eight characters or more. A few words are easier to keep than riddles."
      required={props.isOptional !== true}
    />
    <Field
      name="again"
      label="The same password again"
      type="password"
      autocomplete="new-password"
      fault={props.faults['again']}
      required={props.isOptional !== true}
    />
  </>
);

/** Reads the fields of {@link AddressFields} and {@link PasswordFields}. */
export function readNewAccount(
  fields: Fields,
): { ok: true; value: { jid: string; password: string } } | OperationFailure {
  const { name = '', host = '', password = '', again = '' } = fields;
  if (password !== again) {
    const text = 'The two passwords are not the same.';
    return { ...failure('invalid-input', text), fields: { again: text } };
  }
  return { ok: true, value: { jid: `${name.trim()}@${host}`, password } };
}

/** A fault of the address, shown at its first part. */
export function nameFaults(problem: OperationFailure): OperationFailure {
  const { jid, ...others } = problem.fields ?? {};
  return jid === undefined ? problem : { ...problem, fields: { ...others, name: jid } };
}

/** The pages by which users come in: invitations, registration, new passwords. They need no script. */
import { type Context, Hono } from 'hono';
import { html } from 'hono/html';
import type { Child } from 'hono/jsx';
import type { ClientOf, HttpEnv } from '../../http/client.ts';
import { domainOfHeader } from '../../http/host.ts';
import type { BareJid, Domain } from '../../jid/jid.ts';
import {
  INVITE_PATH,
  type Invitation,
  type InvitationService,
  RESET_PATH,
} from '../../modules/invitations/index.ts';
import type { SignUpOutcome } from '../../modules/register/index.ts';
import { type Fields, fieldsOf } from '../desk.tsx';
import { originOf } from '../origin.ts';
import { platformOf } from './apps.ts';
import { loadWelcomeAssets, type WelcomeAssets } from './assets.ts';
import { ContactPage, InvitePage, RegisterPage, type Typed, WelcomePage } from './join.tsx';
import { LandingPage, type Way } from './landing.tsx';
import type { Faults } from './parts.tsx';
import { ClosedPage, DonePage, ResetPage } from './reset.tsx';

/** What {@link createWelcome} needs. */
export interface WelcomeOptions {
  readonly invitations: InvitationService;
  readonly clientOf: ClientOf;
  /** The domains that are served now. */
  domains(): readonly Domain[];
  /** The ports by which apps connect. */
  ways(): readonly Way[];
  /** Whether the console is served. */
  isConsoleOn(): boolean;
  /** Where users of a domain chat in the browser; undefined where they do not. */
  chatAt(host: Domain): string | undefined;
}

/** What pages may load and send: our own style, and forms to us. */
const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const REGISTER_PATH = '/register';
const FOREIGN = 'The form came from elsewhere. Please try again.';
const DIFFERENT = 'The two passwords are not the same.';

interface Terms extends WelcomeOptions {
  readonly assets: WelcomeAssets;
}

/** Makes the app. Rejects when an asset is missing. */
export async function createWelcome(options: WelcomeOptions): Promise<Hono<HttpEnv>> {
  const assets = await loadWelcomeAssets();
  const app = new Hono<HttpEnv>();
  for (const path of [`${INVITE_PATH}*`, `${RESET_PATH}*`, REGISTER_PATH])
    app.use(path, async (c, next) => {
      c.header('Content-Security-Policy', POLICY);
      c.header('Cache-Control', 'no-store');
      return next();
    });
  app.route('/', assets.app);
  const terms = { ...options, assets };
  addLanding(app, terms);
  addInvitations(app, terms);
  addRegistration(app, terms);
  addResets(app, terms);
  return app;
}

/** An invitation's link, or what stands at its end. */
const TOKEN = /^(?:\S*\/invite\/)?([\w-]{8,100})$/;

function addLanding(app: Hono<HttpEnv>, terms: Terms): void {
  const { invitations, clientOf, domains } = terms;
  app.get('/', async (c, next) => {
    const host = hostOf(c, terms) ?? (clientOf(c).isLocal ? domains()[0] : undefined);
    if (host === undefined) return next();
    c.header('Content-Security-Policy', POLICY);
    const put = c.req.query('invitation')?.trim();
    const [, token] = TOKEN.exec(put ?? '') ?? [];
    if (token !== undefined) return c.redirect(`${INVITE_PATH}${token}`, 303);
    return page(
      c,
      <LandingPage
        {...lookOf(c, host, terms)}
        url={invitations.publicUrl(host)}
        chat={terms.chatAt(host)}
        register={invitations.openHost(host) === undefined ? undefined : REGISTER_PATH}
        console={terms.isConsoleOn() ? '/admin' : undefined}
        ways={terms.ways()}
        fault={put === undefined ? undefined : 'That is no link of an invitation.'}
      />,
      put === undefined ? 200 : 422,
    );
  });
}

function addInvitations(app: Hono<HttpEnv>, terms: Terms): void {
  const { invitations, clientOf } = terms;
  const show = (c: Context, invitation: Invitation, token: string, typed: Typed = NOTHING) => {
    const uri = invitations.uriOf(invitation, token);
    const about = { ...lookOf(c, invitation.host, terms), invitation, uri };
    if (invitation.kind === 'contact') return page(c, <ContactPage {...about} />, 200);
    const action = `${INVITE_PATH}${token}`;
    const form = <InvitePage {...about} action={action} typed={typed} />;
    return page(c, form, statusOf(typed.faults));
  };
  app.get(`${INVITE_PATH}:token`, async (c) => {
    const token = c.req.param('token');
    const invitation = await invitations.open(token);
    return invitation === undefined ? closed(c, terms) : show(c, invitation, token);
  });
  app.post(`${INVITE_PATH}:token`, async (c) => {
    const token = c.req.param('token');
    const invitation = await invitations.open(token);
    if (invitation?.kind !== 'invitation') return closed(c, terms);
    const read = await readForm(c);
    if (!read.ok) return show(c, invitation, token, read.typed);
    const { username, password } = read;
    const remote = clientOf(c).address;
    const done = await invitations.join(invitation, { username, password, remote });
    if (done.kind === 'refused')
      return show(c, invitation, token, { username, faults: faultsOf(done) });
    return welcome(c, terms, invitation.host, done, invitation.inviter);
  });
}

function addRegistration(app: Hono<HttpEnv>, terms: Terms): void {
  const { invitations, clientOf } = terms;
  const openAt = (c: Context) => {
    const host = hostOf(c, terms);
    const found = host === undefined ? undefined : invitations.openHost(host);
    return host === undefined || found === undefined ? undefined : { host, ...found };
  };
  const show = (
    c: Context,
    { host, needsApproval }: { host: Domain; needsApproval: boolean },
    typed: Typed = NOTHING,
  ) =>
    page(
      c,
      <RegisterPage {...lookOf(c, host, terms)} needsApproval={needsApproval} typed={typed} />,
      statusOf(typed.faults),
    );
  app.get(REGISTER_PATH, (c) => {
    const open = openAt(c);
    return open === undefined ? c.notFound() : show(c, open);
  });
  app.post(REGISTER_PATH, async (c) => {
    const open = openAt(c);
    if (open === undefined) return c.notFound();
    const read = await readForm(c);
    if (!read.ok) return show(c, open, read.typed);
    const { username, password } = read;
    const remote = clientOf(c).address;
    const done = await invitations.register(open.host, { username, password, remote });
    if (done.kind === 'refused') return show(c, open, { username, faults: faultsOf(done) });
    return welcome(c, terms, open.host, done, undefined);
  });
}

function addResets(app: Hono<HttpEnv>, terms: Terms): void {
  const { invitations } = terms;
  /** What can be used has an account; one without is none of ours. */
  const openReset = async (token: string) => {
    const found = await invitations.openReset(token);
    if (found?.account === undefined) return undefined;
    return { host: found.host, account: found.account };
  };
  const show = (
    c: Context,
    { host, account }: { readonly host: Domain; readonly account: BareJid },
    token: string,
    faults: Faults,
  ) =>
    page(
      c,
      <ResetPage
        {...lookOf(c, host, terms)}
        account={account}
        action={`${RESET_PATH}${token}`}
        faults={faults}
      />,
      statusOf(faults),
    );
  app.get(`${RESET_PATH}:token`, async (c) => {
    const token = c.req.param('token');
    const found = await openReset(token);
    return found === undefined ? closed(c, terms) : show(c, found, token, {});
  });
  app.post(`${RESET_PATH}:token`, async (c) => {
    const token = c.req.param('token');
    const found = await openReset(token);
    if (found === undefined) return closed(c, terms);
    const read = await readForm(c);
    if (!read.ok) return show(c, found, token, read.typed.faults);
    const done = await invitations.setPassword(token, read.password);
    switch (done.kind) {
      case 'weak':
        return show(c, found, token, { password: done.text });
      case 'closed':
        return closed(c, terms);
      case 'changed':
        return page(c, <DonePage {...lookOf(c, found.host, terms)} account={done.account} />, 200);
    }
  });
}

const NOTHING: Typed = { username: '', faults: {} };

function lookOf(c: Context, domain: string, { assets }: Terms) {
  return { domain, assets, platform: platformOf(c.req.header('user-agent') ?? '') };
}

/** The host that an address of a request is of: by its name, or its public address. */
function hostOf(c: Context, { invitations, domains }: Terms): Domain | undefined {
  const named = domainOfHeader(c.req.header('host'));
  const isPublic = (host: Domain) =>
    domainOfHeader(new URL(invitations.publicUrl(host)).host) === named;
  return domains().find((host) => host === named) ?? domains().find(isPublic);
}

const statusOf = (faults: Faults) => (Object.keys(faults).length === 0 ? 200 : 422);

function page(c: Context, body: Child, status: 200 | 404 | 422) {
  return c.html(html`<!doctype html>${body}`, status);
}

function closed(c: Context, terms: Terms) {
  const domain = hostOf(c, terms) ?? c.req.header('host') ?? '';
  return page(c, <ClosedPage {...lookOf(c, domain, terms)} />, 404);
}

function welcome(
  c: Context,
  terms: Terms,
  host: Domain,
  done: Exclude<SignUpOutcome, { kind: 'refused' }>,
  inviter: string | undefined,
) {
  return page(
    c,
    <WelcomePage
      {...lookOf(c, host, terms)}
      account={done.account}
      inviter={inviter}
      isWaiting={done.kind === 'waiting'}
      chat={done.kind === 'waiting' ? undefined : terms.chatAt(host)}
    />,
    200,
  );
}

type Read =
  | { readonly ok: true; readonly username: string; readonly password: string }
  | { readonly ok: false; readonly typed: Typed };

/** What was typed; a form of another site, or with two passwords, is not taken. */
async function readForm(c: Context): Promise<Read> {
  const fields: Fields = await fieldsOf(c);
  const { username = '', password = '', again = '' } = fields;
  const refuse = (faults: Faults): Read => ({ ok: false, typed: { username, faults } });
  if (originOf(c) === 'elsewhere') return refuse({ form: FOREIGN });
  if (password !== again) return refuse({ again: DIFFERENT });
  return { ok: true, username: username.trim(), password };
}

/** A refusal, at the field that it is about. */
function faultsOf(refusal: Extract<SignUpOutcome, { kind: 'refused' }>): Faults {
  const { field = 'form', text = 'The account could not be made.' } = refusal;
  return { [field]: text };
}

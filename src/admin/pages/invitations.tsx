/** Invitations, links to set a new password, and who waits for an account. */
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
import { plural } from '../text.ts';
import {
  Ago,
  Badge,
  Choice,
  Confirm,
  Empty,
  Field,
  PageHeading,
  Pager,
  Problem,
  Submit,
  Table,
  Time,
  Token,
} from '../ui/parts.tsx';
import {
  type InvitationView,
  invitationsView,
  madeLinkView,
  registrationsView,
} from '../views/invitations.ts';

const PAGE = 50;
const LIST = '/admin/invitations';
const AREA = 'invitations';
const DAYS = [
  ['1', 'a day'],
  ['7', 'a week'],
  ['30', 'a month'],
  ['365', 'a year'],
] as const;

const KINDS = { invitation: 'An account', contact: 'A contact', reset: 'A new password' } as const;
const STATES = {
  open: ['ok', 'Open'],
  used: ['quiet', 'Used'],
  expired: ['warning', 'Expired'],
} as const;

/** Adds the pages. */
export function addInvitationPages(app: Hono<AdminEnv>, desk: Desk): void {
  app.get(LIST, (c) => list(c, desk));
  app.get(`${LIST}/new`, (c) => form(c, desk, {}));
  app.post(`${LIST}/new`, (c) => create(c, desk));
  app.get(`${LIST}/:id/revoke`, (c) => confirmRevoke(c, desk));
  app.post(`${LIST}/:id/revoke`, async (c) => {
    const outcome = await desk.run(c, 'invitations.revoke', { id: c.req.param('id') });
    if (!outcome.ok) return confirmRevoke(c, desk, outcome);
    return desk.done(c, LIST, 'The link is revoked: nobody can use it any more.');
  });
  for (const verdict of ['approve', 'reject'] as const) {
    app.get(`${LIST}/waiting/:jid/${verdict}`, (c) => confirmVerdict(c, desk, verdict));
    app.post(`${LIST}/waiting/:jid/${verdict}`, async (c) => {
      const jid = c.req.param('jid');
      const outcome = await desk.run(c, `registrations.${verdict}`, { jid });
      if (!outcome.ok) return confirmVerdict(c, desk, verdict, outcome);
      const done = verdict === 'approve' ? 'has an account now' : 'is rejected and removed';
      return desk.done(c, LIST, `${jid} ${done}.`);
    });
  }
  const reset = '/admin/users/:jid/reset-link';
  app.get(reset, (c) => confirmReset(c, desk));
  app.post(reset, async (c) => {
    const jid = c.req.param('jid');
    const outcome = await desk.ask(c, 'accounts.resetLink', { jid }, madeLinkView);
    if (!outcome.ok) return confirmReset(c, desk, outcome);
    return desk.done(c, userPath(jid), {
      tone: 'done',
      text: `Send this link to ${jid}. It is shown only now, and works once.`,
      detail: { label: 'Link to set a new password', text: outcome.value.url },
    });
  });
}

async function list(c: Ask, desk: Desk) {
  const head = { title: 'Invitations', area: AREA } as const;
  const offset = whole(c.req.query('offset'), 0);
  const all = c.req.query('all') === 'yes';
  const [outcome, waiting] = await Promise.all([
    desk.ask(c, 'invitations.list', { all, offset, limit: PAGE }, invitationsView),
    desk.ask(c, 'registrations.list', {}, registrationsView),
  ]);
  if (!outcome.ok) return desk.problem(c, head, outcome);
  const { invitations, total } = outcome.value;
  const now = desk.clock.now();
  return desk.page(
    c,
    head,
    <>
      <PageHeading
        title="Invitations"
        lead="Links by which people make their account, and set a new password. A link is shown when it is made, and never again."
      >
        <a class="button primary" href={`${LIST}/new`}>
          Invite somebody
        </a>
      </PageHeading>
      {waiting.ok && waiting.value.registrations.length > 0 ? (
        <Waiting rows={waiting.value.registrations} now={now} />
      ) : null}
      <section aria-labelledby="links">
        <div class="card-head">
          <h2 id="links">{all ? 'All links' : 'Links that can be used'}</h2>
          <a class="button small" href={link(LIST, { all: all ? '' : 'yes' })}>
            {all ? 'Only those that can be used' : 'Show all'}
          </a>
        </div>
        {invitations.length === 0 ? (
          <Empty>{all ? 'Nobody was invited yet.' : 'No link can be used now.'}</Empty>
        ) : (
          <>
            <p class="quiet">{plural(total, 'link')}</p>
            <LinkTable links={invitations} now={now} />
          </>
        )}
        <Pager
          offset={offset}
          limit={PAGE}
          total={total}
          at={(from) => link(LIST, { all: all ? 'yes' : '', offset: from })}
        />
      </section>
    </>,
  );
}

const LinkTable = ({ links, now }: { links: readonly InvitationView[]; now: number }) => (
  <Table
    caption="Links"
    isWide
    heads={['For', 'State', 'Contact', 'Made', 'Until', '']}
    rows={links.map((each) => [
      <>
        <span class="wrap">{each.for === '' ? `anyone, at ${each.host}` : each.for}</span>
        <span class="second wrap">{each.note || KINDS[each.kind]}</span>
      </>,
      <>
        <Badge tone={STATES[each.state][0]}>{STATES[each.state][1]}</Badge>
        <span class="second">{`${each.uses} of ${each.maxUses} used`}</span>
      </>,
      each.inviter === '' ? 'none' : <span class="wrap">{each.inviter}</span>,
      <>
        <Ago at={each.created} now={now} />
        <span class="second wrap">{`by ${each.maker}`}</span>
      </>,
      <Time at={each.expires} />,
      each.state === 'open' ? (
        <a class="button small" href={`${LIST}/${each.id}/revoke`} data-dialog>
          Revoke <span class="unseen">{`the link ${each.id}`}</span>
        </a>
      ) : (
        ''
      ),
    ])}
  />
);

const Waiting = (props: {
  rows: readonly { readonly jid: string; readonly remote: string; readonly asked: number }[];
  now: number;
}) => (
  <section aria-labelledby="waiting">
    <h2 id="waiting">Waiting for an account</h2>
    <Table
      caption="Registrations"
      heads={['Address', 'From', 'Asked', '']}
      rows={props.rows.map(({ jid, remote, asked }) => {
        const at = (verdict: string) => `${LIST}/waiting/${encodeURIComponent(jid)}/${verdict}`;
        return [
          <span class="wrap">{jid}</span>,
          <span class="mono">{remote}</span>,
          <Ago at={asked} now={props.now} />,
          <div class="actions">
            <a class="button small" href={at('approve')} data-dialog>
              Approve <span class="unseen">{jid}</span>
            </a>
            <a class="button small" href={at('reject')} data-dialog>
              Reject <span class="unseen">{jid}</span>
            </a>
          </div>,
        ];
      })}
    />
  </section>
);

function form(c: Ask, desk: Desk, fields: Fields, problem?: OperationFailure) {
  const faults = problem?.fields ?? {};
  return desk.form(
    c,
    { title: 'Invite somebody', area: AREA },
    <>
      <PageHeading
        title="Invite somebody"
        lead="You get a link to send. Whoever opens it chooses a password, and has an account."
      />
      <Problem problem={problem} />
      <form class="form" method="post" action={`${LIST}/new`}>
        <Token csrf={c.get('session').csrf} />
        <Choice
          name="host"
          label="Domain"
          value={fields['host']}
          options={desk.domains(c).map((domain) => [domain, domain] as const)}
        />
        <Field
          name="name"
          label="Name"
          value={fields['name']}
          fault={faults['name']}
          hint="Kept for who is invited. Left empty, he chooses it himself."
        />
        <Field
          name="inviter"
          label="First contact"
          value={fields['inviter']}
          fault={faults['inviter']}
          hint="The address of a user here: they are in each other's contacts from the start. May be left empty."
        />
        <Field
          name="uses"
          label="How many may use it"
          type="number"
          value={fields['uses'] ?? '1'}
          fault={faults['uses']}
        />
        <Choice name="days" label="For how long" value={fields['days'] ?? '7'} options={DAYS} />
        <Field
          name="note"
          label="Note"
          value={fields['note']}
          fault={faults['note']}
          hint="For you, to know the link in the list. May be left empty."
        />
        <Submit back={LIST}>Make the link</Submit>
      </form>
    </>,
    problem,
  );
}

async function create(c: Ask, desk: Desk) {
  const { csrf: _, ...fields } = await fieldsOf(c);
  const { uses = '', days = '', ...texts } = fields;
  const numbers = { ...count('uses', uses), ...count('days', days) };
  const input = { ...filled(texts), ...numbers };
  const outcome = await desk.ask(c, 'invitations.create', input, madeLinkView);
  if (!outcome.ok) return form(c, desk, fields, outcome);
  return desk.done(c, LIST, {
    tone: 'done',
    text: 'Send this link to whom you invite. It is shown only now.',
    detail: { label: 'Invitation', text: outcome.value.url },
  });
}

/** A number as it was typed; what is none is refused by the operation. */
const count = (name: string, typed: string): Readonly<Record<string, number>> =>
  typed === '' ? {} : { [name]: Number(typed) };

function confirmRevoke(c: Ask, desk: Desk, problem?: OperationFailure) {
  return desk.form(
    c,
    { title: 'Revoke a link', area: AREA },
    <Confirm
      title="Revoke this link?"
      action={`${LIST}/${encodeURIComponent(c.req.param('id') ?? '')}/revoke`}
      csrf={c.get('session').csrf}
      button="Revoke it"
      back={LIST}
      isDangerous
      problem={problem}
    >
      <p>Nobody can use it any more. Accounts that were made with it stay.</p>
    </Confirm>,
    problem,
  );
}

const VERDICTS = {
  approve: {
    title: 'Approve this registration?',
    text: 'The account can be used from now on.',
    button: 'Approve it',
  },
  reject: {
    title: 'Reject this registration?',
    text: 'The account is removed. Whoever wanted it may ask again.',
    button: 'Reject it',
  },
} as const;

function confirmVerdict(
  c: Ask,
  desk: Desk,
  verdict: keyof typeof VERDICTS,
  problem?: OperationFailure,
) {
  const { title, text, button } = VERDICTS[verdict];
  const jid = c.req.param('jid') ?? '';
  return desk.form(
    c,
    { title, area: AREA },
    <Confirm
      title={title}
      action={`${LIST}/waiting/${encodeURIComponent(jid)}/${verdict}`}
      csrf={c.get('session').csrf}
      button={button}
      back={LIST}
      isDangerous={verdict === 'reject'}
      problem={problem}
    >
      <p class="wrap">{jid}</p>
      <p>{text}</p>
    </Confirm>,
    problem,
  );
}

function confirmReset(c: Ask, desk: Desk, problem?: OperationFailure) {
  const jid = c.req.param('jid') ?? '';
  return desk.form(
    c,
    { title: 'A link for a new password', area: 'users' },
    <Confirm
      title="Make a link for a new password?"
      action={userPath(jid, 'reset-link')}
      csrf={c.get('session').csrf}
      button="Make the link"
      back={userPath(jid)}
      problem={problem}
    >
      <p class="wrap">{jid}</p>
      <p>
        Whoever has the link can set a new password, once and within a day. Until then the old one
        holds. Earlier links are void.
      </p>
    </Confirm>,
    problem,
  );
}

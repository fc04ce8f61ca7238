/** The groups whose members have each other in their rosters. */
import type { Hono } from 'hono';
import { z } from 'zod';
import type { OperationFailure } from '../../core/operation.ts';
import {
  type AdminEnv,
  type Ask,
  type Desk,
  type Fields,
  fieldsOf,
  link,
  userPath,
} from '../desk.tsx';
import { plural } from '../text.ts';
import {
  Badge,
  Choice,
  Confirm,
  Empty,
  Field,
  Note,
  PageHeading,
  Problem,
  Submit,
  Table,
  Tick,
  Token,
} from '../ui/parts.tsx';

const LIST = '/admin/groups';

/** `groups.list` */
const groupsView = z.object({
  groups: z.array(
    z.object({
      name: z.string(),
      host: z.string(),
      everyone: z.boolean(),
      members: z.number(),
      defined: z.boolean(),
    }),
  ),
});

/** `groups.show` */
const groupView = z.object({
  name: z.string(),
  host: z.string(),
  everyone: z.boolean(),
  defined: z.boolean(),
  members: z.array(z.object({ jid: z.string() })),
  missing: z.array(z.object({ jid: z.string() })),
});

/** Which group a page is about. */
interface Which {
  readonly host: string;
  readonly name: string;
}

const pathOf = ({ host, name }: Which, action = '') =>
  link(`${LIST}/of${action === '' ? '' : `/${action}`}`, { host, name });
const whichOf = ({ host = '', name = '' }: Readonly<Record<string, string>>): Which => ({
  host,
  name,
});

/** Adds these pages. */
export function addGroupPages(app: Hono<AdminEnv>, desk: Desk): void {
  app.get(LIST, (c) => listGroups(c, desk));
  app.post(LIST, async (c) => {
    const fields = await fieldsOf(c);
    const which = whichOf(fields);
    const everyone = fields['everyone'] === 'yes';
    const outcome = await desk.run(c, 'groups.create', { ...which, everyone });
    if (!outcome.ok) return listGroups(c, desk, fields, outcome);
    return desk.done(c, pathOf(which), `The group ${which.name} was created.`);
  });
  app.get(`${LIST}/of`, (c) => showGroup(c, desk, whichOf(c.req.query())));
  app.post(`${LIST}/of`, async (c) => {
    const fields = await fieldsOf(c);
    const which = whichOf(fields);
    const jids = (fields['jids'] ?? '').split(/[\s,;]+/).filter(Boolean);
    const outcome = await desk.run(c, 'groups.add', { ...which, jids });
    if (!outcome.ok) return showGroup(c, desk, which, fields, outcome);
    return desk.done(c, pathOf(which), `${plural(jids.length, 'account')} added.`);
  });
  app.get(`${LIST}/of/remove`, (c) => {
    const query = c.req.query();
    return confirmRemoval(c, desk, whichOf(query), query['jid'] ?? '');
  });
  app.post(`${LIST}/of/remove`, async (c) => {
    const fields = await fieldsOf(c);
    const [which, jid = ''] = [whichOf(fields), fields['jid']];
    const outcome = await desk.run(c, 'groups.remove', { ...which, jids: [jid] });
    if (!outcome.ok) return confirmRemoval(c, desk, which, jid, outcome);
    return desk.done(c, pathOf(which), `${jid} is no longer in the group.`);
  });
  app.get(`${LIST}/of/delete`, (c) => confirmDeletion(c, desk, whichOf(c.req.query())));
  app.post(`${LIST}/of/delete`, async (c) => {
    const which = whichOf(await fieldsOf(c));
    const outcome = await desk.run(c, 'groups.delete', which);
    if (!outcome.ok) return confirmDeletion(c, desk, which, outcome);
    return desk.done(c, LIST, `The group ${which.name} was deleted.`);
  });
}

async function listGroups(c: Ask, desk: Desk, typed: Fields = {}, problem?: OperationFailure) {
  const head = { title: 'Groups', area: 'groups' } as const;
  const outcome = await desk.ask(c, 'groups.list', {}, groupsView);
  if (!outcome.ok) return desk.problem(c, head, outcome);
  const { groups } = outcome.value;
  const domains = desk.domains(c);
  return desk.form(
    c,
    head,
    <>
      <PageHeading
        title="Groups"
        lead="Members of a group have each other in their contact lists, and see who is online."
      />
      {groups.length === 0 ? (
        <Empty>There are no groups yet.</Empty>
      ) : (
        <Table
          caption="Groups"
          heads={['Name', 'Domain', 'Members']}
          rows={groups.map((group) => [
            <a class="wrap" href={pathOf(group)}>
              {group.name}
            </a>,
            group.host,
            <>
              {plural(group.members, 'member')}{' '}
              {group.everyone ? <Badge tone="info">Everyone</Badge> : null}{' '}
              {group.defined ? <Badge tone="info">From the config</Badge> : null}
            </>,
          ])}
        />
      )}
      <section class="card" aria-labelledby="new">
        <h2 id="new">New group</h2>
        <form method="post" action={LIST}>
          <Problem problem={problem} />
          <Token csrf={c.get('session').csrf} />
          <Field
            name="name"
            label="Name"
            value={typed['name']}
            required
            fault={problem?.fields?.['name']}
          />
          <Choice
            name="host"
            label="Domain"
            value={typed['host']}
            options={domains.map((domain) => [domain, domain] as const)}
          />
          <Tick
            name="everyone"
            label="Everyone"
            hint="All accounts of the domain but guests, and those to come."
            checked={typed['everyone'] === 'yes'}
          />
          <Submit>Create the group</Submit>
        </form>
      </section>
    </>,
    problem,
  );
}

async function showGroup(
  c: Ask,
  desk: Desk,
  which: Which,
  typed: Fields = {},
  problem?: OperationFailure,
) {
  const outcome = await desk.ask(c, 'groups.show', which, groupView);
  const head = { title: which.name, area: 'groups' } as const;
  if (!outcome.ok) return desk.problem(c, head, outcome);
  const { everyone, defined, members, missing } = outcome.value;
  const isFixed = everyone || defined;
  return desk.form(
    c,
    head,
    <>
      <PageHeading
        title={which.name}
        lead={
          everyone
            ? `Everyone of ${which.host} but guests`
            : `${plural(members.length, 'member')} of ${which.host}`
        }
      >
        {defined ? null : (
          <a class="button danger" href={pathOf(which, 'delete')} data-dialog>
            Delete
          </a>
        )}
      </PageHeading>
      {defined ? (
        <Note tone="info">
          The config of {which.host} defines this group, in <code>modules.groups.defined</code>. It
          is changed there, and taken over with <code>rtcctl reload</code>.
        </Note>
      ) : null}
      {missing.length === 0 ? null : (
        <Note tone="warning">
          There are no such accounts: {missing.map(({ jid }) => jid).join(', ')}.
        </Note>
      )}
      {isFixed ? null : (
        <Adding which={which} typed={typed} problem={problem} csrf={c.get('session').csrf} />
      )}
      {members.length === 0 ? (
        <Empty>Nobody is in this group.</Empty>
      ) : (
        <Members which={which} jids={members.map(({ jid }) => jid)} isFixed={isFixed} />
      )}
    </>,
    problem,
  );
}

const Adding = (props: {
  which: Which;
  typed: Fields;
  problem: OperationFailure | undefined;
  csrf: string;
}) => (
  <form class="card" method="post" action={`${LIST}/of`}>
    <Problem problem={props.problem} />
    <Token csrf={props.csrf} />
    <input type="hidden" name="host" value={props.which.host} />
    <input type="hidden" name="name" value={props.which.name} />
    <Field
      name="jids"
      label="Add accounts"
      hint="Their addresses, one or more."
      rows={3}
      value={props.typed['jids']}
      required
      fault={props.problem?.fields === undefined ? undefined : props.problem.text}
    />
    <Submit>Add</Submit>
  </form>
);

/** Who is in a group; of one that is fixed nobody can be taken out. */
const Members = (props: { which: Which; jids: readonly string[]; isFixed: boolean }) => {
  const remove = (jid: string) => (
    <div class="actions">
      <a class="button small" href={link(`${LIST}/of/remove`, { ...props.which, jid })} data-dialog>
        Remove <span class="unseen">{jid}</span>
      </a>
    </div>
  );
  return (
    <Table
      caption="Members"
      heads={props.isFixed ? ['Address'] : ['Address', '']}
      rows={props.jids.map((jid) => [
        <a class="wrap" href={userPath(jid)}>
          {jid}
        </a>,
        ...(props.isFixed ? [] : [remove(jid)]),
      ])}
    />
  );
};

function confirmRemoval(c: Ask, desk: Desk, which: Which, jid: string, problem?: OperationFailure) {
  const title = `Take ${jid} out of ${which.name}?`;
  return desk.form(
    c,
    { title, area: 'groups' },
    <Confirm
      title={title}
      action={`${LIST}/of/remove`}
      csrf={c.get('session').csrf}
      button="Take out"
      back={pathOf(which)}
      problem={problem}
    >
      <input type="hidden" name="host" value={which.host} />
      <input type="hidden" name="name" value={which.name} />
      <input type="hidden" name="jid" value={jid} />
      <p>The others no longer have this contact by this group.</p>
    </Confirm>,
    problem,
  );
}

function confirmDeletion(c: Ask, desk: Desk, which: Which, problem?: OperationFailure) {
  const title = `Delete the group ${which.name}?`;
  return desk.form(
    c,
    { title, area: 'groups' },
    <Confirm
      title={title}
      action={`${LIST}/of/delete`}
      csrf={c.get('session').csrf}
      button="Delete the group"
      back={pathOf(which)}
      isDangerous
      problem={problem}
    >
      <input type="hidden" name="host" value={which.host} />
      <input type="hidden" name="name" value={which.name} />
      <p>Its members do not have each other by this group any more. Their accounts stay.</p>
    </Confirm>,
    problem,
  );
}

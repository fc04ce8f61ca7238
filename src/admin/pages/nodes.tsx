/** Nodes of services and accounts: which there are, whose they are, and deleting them. */
import type { Hono } from 'hono';
import type { Child } from 'hono/jsx';
import { z } from 'zod';
import type { OperationFailure } from '../../core/operation.ts';
import { type AdminEnv, type Ask, type Desk, fieldsOf, filled, link, whole } from '../desk.tsx';
import { plural, sizeText } from '../text.ts';
import {
  Badge,
  Confirm,
  Empty,
  Facts,
  Field,
  PageHeading,
  Pager,
  Search,
  Table,
  Time,
  type Tone,
} from '../ui/parts.tsx';

const LIST = '/admin/nodes';
const PAGE = 100;

const lineView = z.object({
  node: z.string(),
  title: z.string(),
  access: z.string(),
  items: z.number(),
  bytes: z.number(),
  subscribers: z.number(),
  created: z.number(),
});
type LineView = z.output<typeof lineView>;

/** `pubsub.services` */
const servicesView = z.object({
  services: z.array(z.object({ service: z.string(), nodes: z.number() })),
});
/** `pubsub.nodes` */
const nodesView = z.object({ nodes: z.array(lineView), total: z.number() });
/** `pubsub.show` */
const nodeView = lineView.extend({
  creator: z.string(),
  settings: z.array(z.object({ key: z.string(), value: z.string(), meaning: z.string() })),
  affiliations: z.array(z.object({ jid: z.string(), affiliation: z.string() })),
  subscriptions: z.array(z.object({ jid: z.string(), subscription: z.string() })),
  ids: z.array(z.string()),
});

/** Who may read, by access model: the word, and how freely. */
const ACCESS: Readonly<Record<string, readonly [Tone, string]>> = {
  open: ['info', 'Everybody'],
  presence: ['ok', 'Contacts'],
  roster: ['ok', 'Some contacts'],
  authorize: ['ok', 'Who is approved'],
  whitelist: ['quiet', 'Who is named'],
};

/** The page of all nodes of an account or a service. */
export const nodesPath = (jid: string): string => link(LIST, { jid });
const nodePath = (jid: string, node: string) => link(`${LIST}/show`, { jid, node });

/** Adds these pages. */
export function addNodePages(app: Hono<AdminEnv>, desk: Desk): void {
  app.get(LIST, (c) => {
    const { jid = '' } = c.req.query();
    return jid === '' ? listServices(c, desk) : listNodes(c, desk, jid);
  });
  app.get(`${LIST}/show`, (c) => showNode(c, desk, whichOf(c.req.query())));
  app.get(`${LIST}/delete`, (c) => confirm(c, desk, whichOf(c.req.query())));
  app.post(`${LIST}/delete`, async (c) => {
    const which = whichOf(await fieldsOf(c));
    const { jid, node, item } = which;
    const outcome = await desk.run(c, 'pubsub.delete', { jid, node, ...filled({ item }) });
    if (!outcome.ok) return confirm(c, desk, which, outcome);
    return item === ''
      ? desk.done(c, nodesPath(jid), `${node} is deleted.`)
      : desk.done(c, nodePath(jid, node), `${item} is deleted.`);
  });
}

interface Which {
  readonly jid: string;
  readonly node: string;
  /** '' if all of the node is meant. */
  readonly item: string;
}

const whichOf = ({ jid = '', node = '', item = '' }: Readonly<Record<string, string>>): Which => ({
  jid,
  node,
  item,
});

async function listServices(c: Ask, desk: Desk) {
  const head = { title: 'Nodes', area: 'nodes' } as const;
  const outcome = await desk.ask(c, 'pubsub.services', {}, servicesView);
  if (!outcome.ok) return desk.problem(c, head, outcome);
  const { services } = outcome.value;
  const [domain = 'falcot.com'] = desk.domains(c);
  return desk.page(
    c,
    head,
    <>
      <PageHeading
        title="Nodes"
        lead="What programs and clients publish, for those who want to hear of it."
      />
      {services.length === 0 ? (
        <Empty>No domain has a service of its own. Accounts have nodes all the same.</Empty>
      ) : (
        <Table
          caption="Services"
          heads={['Service', 'Nodes']}
          rows={services.map(({ service, nodes }) => [
            <a class="wrap" href={nodesPath(service)}>
              {service}
            </a>,
            plural(nodes, 'node'),
          ])}
        />
      )}
      <form class="card form" method="get" action={LIST}>
        <Field
          name="jid"
          label="Nodes of an account"
          hint={`Such as joe@${domain}: pictures, keys, bookmarks.`}
          required
        />
        <div class="actions">
          <button class="button" type="submit">
            Show
          </button>
        </div>
      </form>
    </>,
  );
}

async function listNodes(c: Ask, desk: Desk, jid: string) {
  const head = { title: `Nodes of ${jid}`, area: 'nodes' } as const;
  const { search = '' } = c.req.query();
  const offset = whole(c.req.query('offset'), 0);
  const input = { jid, ...filled({ search }), offset, limit: PAGE };
  const outcome = await desk.ask(c, 'pubsub.nodes', input, nodesView);
  if (!outcome.ok) return desk.problem(c, head, outcome);
  const { nodes, total } = outcome.value;
  return desk.page(
    c,
    head,
    <>
      <PageHeading title={`Nodes of ${jid}`} lead={plural(total, 'node')} />
      <Search action={LIST} value={search} label="Search names">
        <input type="hidden" name="jid" value={jid} />
      </Search>
      {nodes.length === 0 ? (
        <Empty>{search === '' ? 'Nothing was published yet.' : 'No node matches.'}</Empty>
      ) : (
        <Table
          caption="Nodes"
          isWide
          heads={['Node', 'For', 'Items', 'Subscribers', 'Made']}
          rows={nodes.map((node) => rowOf(jid, node))}
        />
      )}
      <Pager
        offset={offset}
        limit={PAGE}
        total={total}
        at={(from) => link(LIST, { jid, search, offset: from })}
      />
    </>,
  );
}

function rowOf(jid: string, line: LineView): readonly Child[] {
  const { node, title, items, bytes, subscribers, created } = line;
  return [
    <>
      <a class="wrap" href={nodePath(jid, node)}>
        {title === '' ? node : title}
      </a>
      <span class="second wrap">{title === '' ? '' : node}</span>
    </>,
    <Access of={line} />,
    <>
      {String(items)}
      <span class="second">{sizeText(bytes)}</span>
    </>,
    String(subscribers),
    <Time at={created} />,
  ];
}

const Access = ({ of: { access } }: { of: Pick<LineView, 'access'> }) => {
  const [tone, word] = ACCESS[access] ?? (['quiet', access] as const);
  return <Badge tone={tone}>{word}</Badge>;
};

async function showNode(c: Ask, desk: Desk, { jid, node: name }: Which) {
  const head = { title: name, area: 'nodes' } as const;
  const outcome = await desk.ask(c, 'pubsub.show', { jid, node: name }, nodeView);
  if (!outcome.ok) return desk.problem(c, head, outcome);
  const node = outcome.value;
  const remove = (item = '') => link(`${LIST}/delete`, filled({ jid, node: name, item }));
  return desk.page(
    c,
    head,
    <>
      <PageHeading title={node.title === '' ? name : node.title} lead={name}>
        <a class="button danger" href={remove()} data-dialog>
          Delete
        </a>
      </PageHeading>
      <section class="card" aria-labelledby="about">
        <h2 id="about">About</h2>
        <Facts
          facts={[
            [
              'At',
              <a class="wrap" href={nodesPath(jid)}>
                {jid}
              </a>,
            ],
            ['For', <Access of={node} />],
            ['Made by', <span class="wrap">{node.creator}</span>],
            ['Made', <Time at={node.created} />],
            ['Items', `${node.items}, ${sizeText(node.bytes)}`],
          ]}
        />
      </section>
      <section aria-labelledby="people">
        <h2 id="people">Who has to do with it</h2>
        {node.affiliations.length + node.subscriptions.length === 0 ? (
          <Empty>Nobody but its owner, and those who may read it by themselves.</Empty>
        ) : (
          <Table
            caption="Who has to do with it"
            heads={['Address', 'Is']}
            rows={[
              ...node.affiliations.map((each) => [each.jid, each.affiliation]),
              ...node.subscriptions.map((each) => [each.jid, each.subscription]),
            ].map(([address = '', word = '']) => [<span class="wrap">{address}</span>, word])}
          />
        )}
      </section>
      <section aria-labelledby="items">
        <h2 id="items">Items</h2>
        {node.ids.length === 0 ? (
          <Empty>It keeps none.</Empty>
        ) : (
          <Table
            caption="Items, the latest last"
            heads={['Id', '']}
            rows={node.ids.map((id) => [
              <span class="wrap mono">{id}</span>,
              <a class="button small" href={remove(id)} data-dialog>
                Delete <span class="unseen">{id}</span>
              </a>,
            ])}
          />
        )}
      </section>
      <section aria-labelledby="settings">
        <h2 id="settings">Configuration</h2>
        <Table
          caption="Configuration"
          heads={['Key', 'Value']}
          rows={node.settings.map(({ key, value, meaning }) => [
            <>
              {key}
              <span class="second">{meaning}</span>
            </>,
            <span class="wrap">{value}</span>,
          ])}
        />
      </section>
    </>,
  );
}

function confirm(c: Ask, desk: Desk, which: Which, problem?: OperationFailure) {
  const { jid, node, item } = which;
  const title = item === '' ? 'Delete this node?' : 'Delete this item?';
  return desk.form(
    c,
    { title, area: 'nodes' },
    <Confirm
      title={title}
      action={`${LIST}/delete`}
      csrf={c.get('session').csrf}
      button="Delete it"
      back={nodePath(jid, node)}
      isDangerous
      problem={problem}
    >
      <Hidden which={which} />
      <p class="wrap">
        {jid}, {node}
        {item === '' ? '' : `, ${item}`}
      </p>
      <p>
        {item === ''
          ? 'All its items are gone, and its subscribers are told.'
          : 'Those who have it are told.'}
      </p>
    </Confirm>,
    problem,
  );
}

const Hidden = ({ which }: { which: Which }) => (
  <>
    {Object.entries(which).map(([name, value]) => (
      <input type="hidden" name={name} value={value} />
    ))}
  </>
);

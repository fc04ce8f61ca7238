/** What an admin can see of nodes, and do about them. What is in items stays the users' own. */
import { z } from 'zod';
import { componentsOf } from '../../config/components.ts';
import {
  type AnyOperation,
  failure,
  type OperationFailure,
  operation,
  success,
} from '../../core/operation.ts';
import { bytes, confirmed, kind, limit, offset, time } from '../../core/operation-fields.ts';
import { type BareJid, domainOf, parseBare } from '../../jid/jid.ts';
import type { Context } from './context.ts';
import { isAccount, type Node } from './node.ts';
import { type NodeConfig, nodeConfig } from './node-config.ts';
import { takeAway } from './owning.ts';
import { retract } from './publishing.ts';

const jid = z
  .string()
  .max(3071)
  .transform((raw, context): BareJid => {
    const parsed = parseBare(raw.trim());
    if (parsed.ok) return parsed.value;
    context.addIssue({ code: 'custom', message: `'${raw}' is not an address: ${parsed.why}` });
    return z.NEVER;
  })
  .meta({
    ...kind('jid'),
    description: 'The account, such as joe@falcot.com, or the service, such as pubsub.falcot.com.',
  });
const name = z.string().min(1).max(1023).describe('The name of the node.');
const nodeLine = z.object({
  node: z.string(),
  title: z.string(),
  access: z.string().describe('Who may subscribe and read.'),
  items: z.int(),
  bytes: bytes,
  subscribers: z.int(),
  created: time,
});

/** The most ids of items that are shown. */
const MAX_IDS = 200;

/** The operations. */
export function pubsubOperations(context: Context): AnyOperation[] {
  return [services(context), list(context), show(context), remove(context)];
}

/** The domains at which there are services. */
function servicesOf({ home }: Context): BareJid[] {
  return home.hosts
    .all()
    .filter(({ domain }) => home.isEnabled(domain))
    .flatMap(({ config }) => componentsOf(config))
    .filter(({ config }) => config.type === 'pubsub')
    .map(({ domain }) => domain);
}

/** The nodes of an account or a service; undefined if it is neither. */
async function nodesOf(
  context: Context,
  service: BareJid,
): Promise<ReadonlyMap<string, Node> | undefined> {
  const { home, nodes } = context;
  const isThere = isAccount(service)
    ? home.hosts.get(domainOf(service)) !== undefined && (await home.accounts.exists(service))
    : servicesOf(context).includes(service);
  return isThere ? nodes.of(service) : undefined;
}

const nobody = (context: Context, service: BareJid): OperationFailure =>
  failure(
    'not-found',
    isAccount(service)
      ? `There is no account ${service}.`
      : `There are no nodes at ${service}; they are at ${servicesOf(context).join(', ') || 'no domain'}, and at accounts.`,
  );

const noSuchNode = (service: BareJid, node: string): OperationFailure =>
  failure('not-found', `${service} has no node ${node}; rtcctl pubsub nodes ${service} shows all.`);

function lineOf({ name: node, config, count, bytes, subscriptions, created }: Node) {
  return {
    node,
    title: config.title,
    access: config.accessModel,
    items: count,
    bytes,
    subscribers: subscriptions.size,
    created,
  };
}

function services(context: Context): AnyOperation {
  return operation({
    name: 'pubsub.services',
    command: ['pubsub', 'services'],
    summary: 'List the services that have nodes of their own.',
    effect: 'read',
    offline: true,
    input: z.object({}),
    output: z.object({ services: z.array(z.object({ service: z.string(), nodes: z.int() })) }),
    async run() {
      const found = servicesOf(context).map(async (service) => ({
        service,
        nodes: (await context.nodes.of(service)).size,
      }));
      return success({ services: await Promise.all(found) });
    },
  });
}

function list(context: Context): AnyOperation {
  return operation({
    name: 'pubsub.nodes',
    command: ['pubsub', 'nodes'],
    summary: 'List the nodes of an account or a service.',
    effect: 'read',
    offline: true,
    positional: ['jid'],
    input: z.object({
      jid,
      search: z.string().max(200).optional().describe('A part of the name or the title.'),
      offset,
      limit: limit(100),
    }),
    output: z.object({ nodes: z.array(nodeLine), total: z.int() }),
    async run({ jid: service, search = '', offset, limit }) {
      const nodes = await nodesOf(context, service);
      if (nodes === undefined) return nobody(context, service);
      const wanted = search.toLowerCase();
      const found = [...nodes.values()]
        .filter((node) => `${node.name}\n${node.config.title}`.toLowerCase().includes(wanted))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
      const page = found.slice(offset, offset + limit).map(lineOf);
      return success({ nodes: page, total: found.length });
    },
  });
}

function show(context: Context): AnyOperation {
  return operation({
    name: 'pubsub.show',
    command: ['pubsub', 'show'],
    summary: 'Show a node: how it is configured, whose it is, and who is subscribed.',
    effect: 'read',
    offline: true,
    isAudited: true,
    positional: ['jid', 'node'],
    input: z.object({ jid, node: name }),
    output: nodeLine.extend({
      creator: z.string(),
      settings: z.array(z.object({ key: z.string(), value: z.string(), meaning: z.string() })),
      affiliations: z.array(z.object({ jid: z.string(), affiliation: z.string() })),
      subscriptions: z.array(z.object({ jid: z.string(), subscription: z.string() })),
      ids: z.array(z.string()).describe(`The ids of the latest ${MAX_IDS} items.`),
    }),
    async run({ jid: service, node: wanted }) {
      const node = (await nodesOf(context, service))?.get(wanted);
      if (node === undefined) return noSuchNode(service, wanted);
      return success({
        ...lineOf(node),
        creator: node.creator,
        settings: settingsOf(node.config),
        affiliations: [...node.affiliations].map(([each, affiliation]) => ({
          jid: each,
          affiliation,
        })),
        subscriptions: [...node.subscriptions].map(([each, subscription]) => ({
          jid: each,
          subscription,
        })),
        ids: [...(await context.nodes.ids(node, MAX_IDS))],
      });
    },
  });
}

function remove(context: Context): AnyOperation {
  return operation({
    name: 'pubsub.delete',
    command: ['pubsub', 'delete'],
    summary:
      'Delete a node with all that it has, or one of its items; while the server runs, subscribers are told.',
    effect: 'change',
    offline: true,
    positional: ['jid', 'node'],
    input: confirmed(
      z.object({
        jid,
        node: name,
        item: z.string().max(1024).optional().describe('Only the item of this id.'),
      }),
      'Delete {node} of {jid}?',
    ),
    output: z.object({ jid: z.string(), node: z.string() }),
    present: ({ jid: service, node }) => `${node} of ${service}: deleted.`,
    async run({ jid: service, node: wanted, item }) {
      const node = (await nodesOf(context, service))?.get(wanted);
      if (node === undefined) return noSuchNode(service, wanted);
      if (item === undefined) {
        const gone = await context.nodes.alone(service, wanted, async (there) =>
          there === undefined ? undefined : takeAway(context, there),
        );
        await gone?.told;
      } else {
        const asked = { service, node: wanted, from: service, id: item, notify: true, isOwn: true };
        const outcome = await retract(context, asked);
        if (!outcome.ok) return failure('not-found', `${wanted} has no item ${item}.`);
        await outcome.settled;
      }
      return success({ jid: service, node: wanted });
    },
  });
}

/** The configuration as keys, values and what they mean. */
function settingsOf(config: NodeConfig) {
  return Object.entries(nodeConfig.shape).map(([key, schema]) => {
    const value = config[key as keyof NodeConfig];
    const text = Array.isArray(value) ? value.join(', ') : String(value);
    return { key, value: text, meaning: schema.description ?? '' };
  });
}

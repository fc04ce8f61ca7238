/**
 * XEP-0060: Publish-Subscribe, one engine for the accounts of a host (XEP-0163) and for a service at a
 * domain of its own. A node is a value in memory, its items are in the database (nodes.ts); who may do
 * what is access.ts, whom it concerns audience.ts.
 */
import { onIq, reply } from '../../core/iq.ts';
import { defineModule } from '../../core/module.ts';
import { type BareJid, domainOf } from '../../jid/jid.ts';
import { payload } from '../../xml/codec.ts';
import { blocking } from '../blocking/index.ts';
import { caps } from '../caps/index.ts';
import { type DiscoIdentity, disco } from '../disco/index.ts';
import { roster } from '../roster/index.ts';
import { createApi, type PubSubApi } from './api.ts';
import { type Context, createContext } from './context.ts';
import { handle } from './desk.ts';
import { findVisible, itemIds, nodeInfo, nodeItem, visibleNodes } from './discovery.ts';
import { exportedNodes } from './exporting.ts';
import { importedNodes } from './importing.ts';
import { pubsubMigrations } from './migrations.ts';
import { ACCOUNT_FEATURES, PUBSUB, PUBSUB_OWNER } from './names.ts';
import { affiliationOf, isAccount, ownersOf, subscriptionsOf } from './node.ts';
import { createNodes } from './nodes.ts';
import { pubsubOperations } from './operations.ts';
import { takeAway } from './owning.ts';
import { detached, receive, rosterChanged, sessionChanged } from './presence.ts';
import { createService } from './service.ts';
import { type PubSubSettings, pubsubSettings } from './settings.ts';
import { endLeases } from './subscribing.ts';
import { createWatched } from './watched.ts';

export type { PublishOptions, PubSubApi, StoredPayload } from './api.ts';
export type { Change, ChangeListener } from './context.ts';
export type { Node } from './node.ts';
export { type NodeConfig, PRIVATE_LIST } from './node-config.ts';

/** `<pubsub/>`, whose content each request reads for itself. */
export const PubSub = payload('pubsub', PUBSUB, {});
/** The same for owners. */
export const PubSubOwner = payload('pubsub', PUBSUB_OWNER, {});

/** How often items whose time is over are removed. */
const SWEEP_MS = 3_600_000;
/** How often it is looked for leases that are over; nobody is notified after that anyway. */
const LEASE_MS = 60_000;

const PEP: DiscoIdentity = { category: 'pubsub', type: 'pep' };

/** The module. */
export const pubsub = defineModule<PubSubSettings, PubSubApi>({
  name: 'pubsub',
  specs: [
    {
      xep: 60,
      version: '1.30.0',
      covers: 'partial',
      note: 'all that is announced; no collections, no digests',
    },
    { xep: 107, version: '1.2.2', covers: 'complete', note: 'kept and told, by XEP-0163' },
    { xep: 118, version: '1.3.0', covers: 'complete', note: 'kept and told, by XEP-0163' },
    { xep: 163, version: '1.2.2', covers: 'complete' },
    { xep: 172, version: '1.1', covers: 'complete', note: 'kept and told, by XEP-0163' },
    { xep: 222, version: '1.0', covers: 'complete' },
    { xep: 223, version: '1.1.1', covers: 'complete' },
    { xep: 277, version: '0.6.5', covers: 'partial', note: 'posts are told as they were made' },
    {
      xep: 292,
      version: '0.12.0',
      covers: 'partial',
      note: 'by XEP-0163; what is in it is not made of XEP-0054, nor that of it',
    },
  ],
  needs: ['roster', 'disco', 'caps'],
  wants: ['blocking'],
  features: [`${PUBSUB}#publish-options`],
  accountFeatures: ACCOUNT_FEATURES,
  config: pubsubSettings,
  component: { type: 'pubsub', label: 'pubsub' },
  tables: pubsubMigrations,
  setup(home) {
    const rosters = home.use(roster);
    const context = createContext(home, {
      nodes: createNodes(home.store, home.clock),
      rosters,
      clients: home.use(caps).clients,
      watched: createWatched(),
      isBlocked: (account, jid) =>
        isAccount(account) &&
        home.has(blocking, domainOf(account)) &&
        home.use(blocking).blocks(account, jid),
    });
    announce(context);
    rosters.onChange((account, contact, change) =>
      detached(context, rosterChanged(context, account, contact, change)),
    );
    const sweep = home.clock.every(SWEEP_MS, () => detached(context, context.nodes.expire()));
    const leases = home.clock.every(LEASE_MS, () => detached(context, endLeases(context)));
    const answer = (type: 'get' | 'set') =>
      [PubSub, PubSubOwner].map((codec) =>
        onIq(type, ['self', 'account', 'nobody'], codec, ({ iq, account, from, session }) => {
          if (iq.payload === undefined) return reply.refuse('bad-request');
          // An account that ends with its session keeps nothing.
          const isGuest = session?.isAnonymous === true && session.account === account;
          if (type === 'set' && isGuest) return reply.refuse('forbidden');
          return handle(context, { service: account, from, type, pubsub: iq.payload });
        }),
      );
    return {
      api: createApi(context),
      iq: [...answer('get'), ...answer('set')],
      receive: createService(context),
      operations: pubsubOperations(context),
      hooks: {
        toAccount: (stanza, account) => receive(context, stanza, account),
        presenceChanged: (session, before) => sessionChanged(context, session, before),
        domainChanged(domain, now, host) {
          if (now === 'gone') context.watched.forgetDomain(domain, host);
        },
        exported: (account) => exportedNodes(context, account),
        imported: (newcomer, portion) => importedNodes(context, newcomer, portion),
        accountRemoved: (account) => removeAccount(context, account),
      },
      async stop() {
        sweep.cancel();
        leases.cancel();
      },
    };
  },
});

/** What disco tells of accounts with nodes (XEP-0163 §6; XEP-0223 §6 wants it of the server, too). */
function announce(context: Context): void {
  const { home } = context;
  home.use(disco).addAccountService({
    isOn: home.isEnabled,
    identities: [PEP],
    items: async (account, asker) => (await visibleNodes(context, account, asker)).map(nodeItem),
    async node(account, asker, name) {
      const node = await findVisible(context, account, name, asker);
      if (node === undefined) return undefined;
      return { info: () => nodeInfo(context, node), items: () => itemIds(context, node, asker) };
    },
  });
}

/** All that an account has goes: its nodes, and what it was to the nodes of others. */
async function removeAccount(context: Context, account: BareJid): Promise<void> {
  const { nodes, watched } = context;
  watched.forgetAll(account);
  await nodes.dropAll(account);
  for (const { service, node: name } of await nodes.nodesWith(account))
    await nodes.alone(service, name, async (node) => {
      if (node === undefined) return;
      const isLastOwner =
        affiliationOf(node, account) === 'owner' && ownersOf(node).every((jid) => jid === account);
      if (isLastOwner) {
        await takeAway(context, node);
        return;
      }
      const subscriptions = subscriptionsOf(node, account).map(
        ([jid]) => [jid, undefined] as const,
      );
      await nodes.affiliate(node, new Map([[account, 'none']]), new Map(subscriptions));
    });
}

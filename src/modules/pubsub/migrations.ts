/** The tables of nodes. */
import type { Generated } from 'kysely';
import type { BareJid, Jid } from '../../jid/jid.ts';
import type { Migration } from '../../store/store.ts';
import type { Affiliation, SubscriptionState } from './node.ts';

/** Their columns. */
export interface Tables {
  pubsub_nodes: {
    token: Generated<number>;
    service: BareJid;
    node: string;
    /** JSON of a node-config. */
    config: string;
    /** The seconds after which items go; null for never. */
    expire: number | null;
    created: number;
    creator: BareJid;
  };
  pubsub_items: {
    node: number;
    id: string;
    /** Rises from each publication to the next. */
    serial: number;
    publisher: Jid;
    at: number;
    bytes: number;
    xml: string;
  };
  pubsub_affiliations: { node: number; jid: BareJid; affiliation: Affiliation };
  pubsub_subscriptions: {
    node: number;
    jid: Jid;
    state: SubscriptionState;
    /** JSON of subscription-options; null for those of who has set none. */
    options: string | null;
    /** When the lease ends, in ms since the epoch. */
    expire: number | null;
  };
}

/** The migrations. */
export const pubsubMigrations: readonly Migration[] = [
  {
    name: 'nodes, items, affiliations and subscriptions',
    up: [
      `CREATE TABLE pubsub_nodes (
        token INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT NOT NULL, node TEXT NOT NULL,
        config TEXT NOT NULL, expire INTEGER, created BIGINT NOT NULL, creator TEXT NOT NULL,
        UNIQUE (service, node)
      )`,
      `CREATE TABLE pubsub_items (
        node INTEGER NOT NULL, id TEXT NOT NULL, serial BIGINT NOT NULL, publisher TEXT NOT NULL,
        at BIGINT NOT NULL, bytes INTEGER NOT NULL, xml TEXT NOT NULL, PRIMARY KEY (node, id)
      )`,
      'CREATE INDEX pubsub_items_order ON pubsub_items (node, serial, bytes)',
      `CREATE TABLE pubsub_affiliations (
        node INTEGER NOT NULL, jid TEXT NOT NULL, affiliation TEXT NOT NULL,
        PRIMARY KEY (node, jid)
      )`,
      'CREATE INDEX pubsub_affiliations_jid ON pubsub_affiliations (jid)',
      `CREATE TABLE pubsub_subscriptions (
        node INTEGER NOT NULL, jid TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (node, jid)
      )`,
      'CREATE INDEX pubsub_subscriptions_jid ON pubsub_subscriptions (jid)',
    ],
  },
  {
    name: 'options of subscriptions',
    up: [
      'ALTER TABLE pubsub_subscriptions ADD COLUMN options TEXT',
      'ALTER TABLE pubsub_subscriptions ADD COLUMN expire BIGINT',
      `CREATE INDEX pubsub_subscriptions_expire ON pubsub_subscriptions (expire)
        WHERE expire IS NOT NULL`,
    ],
  },
];

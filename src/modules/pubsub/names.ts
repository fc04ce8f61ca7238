/** The namespaces, forms and features of XEP-0060. */

/** Requests of everybody. */
export const PUBSUB = 'http://jabber.org/protocol/pubsub';
/** Requests of owners. */
export const PUBSUB_OWNER = `${PUBSUB}#owner`;
/** Notifications. */
export const PUBSUB_EVENT = `${PUBSUB}#event`;
/** Conditions of its own in errors (§11). */
export const PUBSUB_ERRORS = `${PUBSUB}#errors`;

/** §16.4.4: the form of a node's configuration. */
export const NODE_CONFIG = `${PUBSUB}#node_config`;
/** §7.1.5: the form of what a publisher takes for granted. */
export const PUBLISH_OPTIONS = `${PUBSUB}#publish-options`;
/** §16.4.3: what disco#info says of a node. */
export const META_DATA = `${PUBSUB}#meta-data`;
/** §16.4.1: the form by which an owner approves a subscription. */
export const SUBSCRIBE_AUTHORIZATION = `${PUBSUB}#subscribe_authorization`;

/** §16.4.2: the form of what a subscriber sets. */
export const SUBSCRIBE_OPTIONS = `${PUBSUB}#subscribe_options`;

/** XEP-0033. */
export const ADDRESSES = 'http://jabber.org/protocol/address';

/** What accounts and services have in common. */
const COMMON = [
  'auto-create',
  'config-node',
  'config-node-max',
  'create-and-configure',
  'create-nodes',
  'delete-items',
  'delete-nodes',
  'instant-nodes',
  'item-ids',
  'leased-subscription',
  'manage-subscriptions',
  'member-affiliation',
  'meta-data',
  'modify-affiliations',
  'multi-items',
  'outcast-affiliation',
  'persistent-items',
  'publish',
  'publish-node-full',
  'publish-only-affiliation',
  'publish-options',
  'publisher-affiliation',
  'purge-nodes',
  'retract-items',
  'retrieve-affiliations',
  'retrieve-default',
  'retrieve-default-sub',
  'retrieve-items',
  'retrieve-subscriptions',
  'rsm',
  'subscribe',
  'subscription-notifications',
  'subscription-options',
] as const;

const featuresOf = (names: readonly string[]): readonly string[] => [
  PUBSUB,
  ...names.map((name) => `${PUBSUB}#${name}`),
];

/** §10: the features of a service at a domain of its own. */
export const SERVICE_FEATURES = featuresOf([...COMMON, 'access-open']);

/** The features of an account (§9, XEP-0163 §5). */
export const ACCOUNT_FEATURES = featuresOf([
  ...COMMON,
  'access-presence',
  'auto-subscribe',
  'filtered-notifications',
  'last-published',
  'presence-notifications',
  'presence-subscribe',
  'pubsub-on-a-jid',
]);

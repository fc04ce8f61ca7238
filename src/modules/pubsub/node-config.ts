/** How a node is configured: XEP-0060 §16.4.4. */
import { z } from 'zod';

/** §4.5: who may subscribe and retrieve items. */
export const ACCESS_MODELS = ['open', 'presence', 'roster', 'authorize', 'whitelist'] as const;
/** One of {@link ACCESS_MODELS}. */
export type AccessModel = (typeof ACCESS_MODELS)[number];

/** Who may publish. */
export const PUBLISH_MODELS = ['publishers', 'subscribers', 'open'] as const;

/** §7.1.2.6: what happens when a node is full. */
export const WHEN_FULL = ['retract-oldest', 'discard-oldest', 'reject'] as const;

/** When the last item is sent without being asked for. */
export const SEND_LAST = ['never', 'on_sub', 'on_sub_and_presence'] as const;

/** As which type of message notifications go out. */
export const NOTIFICATION_TYPES = ['normal', 'headline'] as const;

/** §12.18: whether an item says who published it. */
export const ITEM_REPLY = ['none', 'publisher'] as const;

const text = z.string().max(1000);
const limit = z.union([z.literal('max'), z.int().min(1)]);

/** The schema of what is stored: a key that a later version brings has a default. */
export const nodeConfig = z.object({
  title: text.default('').describe('The name of the node.'),
  description: text.default('').describe('What the node is about.'),
  language: z.string().max(64).default('').describe('The language of the items.'),
  contact: z.array(z.string()).max(20).default([]).describe('Whom to ask about the node.'),
  type: text.default('').describe('The namespace of the payloads.'),
  deliversNotifications: z.boolean().default(true).describe('Whether anybody is notified.'),
  deliversPayloads: z.boolean().default(true).describe('Whether notifications carry the payload.'),
  notifiesConfig: z.boolean().default(false).describe('Notify when the configuration changes.'),
  notifiesDelete: z.boolean().default(true).describe('Notify when the node is deleted.'),
  notifiesRetract: z.boolean().default(true).describe('Notify when items are removed.'),
  notifiesSubscribers: z.boolean().default(false).describe('Tell owners of new subscribers.'),
  isPersistent: z.boolean().default(true).describe('Whether items are kept.'),
  maxItems: limit.default('max').describe('How many items are kept; max: as many as may be.'),
  itemExpire: limit.default('max').describe('After how many seconds an item is removed.'),
  allowsSubscriptions: z.boolean().default(true).describe('Whether anybody may subscribe.'),
  accessModel: z.enum(ACCESS_MODELS).default('open').describe('Who may subscribe and read.'),
  rosterGroups: z
    .array(z.string().max(1024))
    .max(100)
    .default([])
    .describe('The groups of contacts who may, with the model roster.'),
  publishModel: z.enum(PUBLISH_MODELS).default('publishers').describe('Who may publish.'),
  whenFull: z.enum(WHEN_FULL).default('retract-oldest').describe('What happens when it is full.'),
  maxPayload: limit.default('max').describe('The largest payload, in bytes.'),
  sendLast: z.enum(SEND_LAST).default('on_sub').describe('When the last item is sent unasked.'),
  notificationType: z.enum(NOTIFICATION_TYPES).default('headline').describe('The message type.'),
  itemReply: z.enum(ITEM_REPLY).default('none').describe('Whether items name the publisher.'),
});

/** The configuration of a node. */
export type NodeConfig = Readonly<z.output<typeof nodeConfig>>;

/** The configuration of a new node at a service (§4.5: open). */
export const SERVICE_DEFAULTS: NodeConfig = nodeConfig.parse({});

/** The configuration of a new node of an account (XEP-0163 §5). */
export const ACCOUNT_DEFAULTS: NodeConfig = nodeConfig.parse({
  accessModel: 'presence',
  sendLast: 'on_sub_and_presence',
  maxItems: 1,
});

/** XEP-0223 §3: what keeps a node of an account private, with as many items as may be. */
export const PRIVATE_LIST = {
  isPersistent: true,
  accessModel: 'whitelist',
  maxItems: 'max',
  sendLast: 'never',
} as const satisfies Partial<NodeConfig>;

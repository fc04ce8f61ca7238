/** What nodes offer to other modules: publishing in the name of accounts, and hearing of changes. */
import type { BareJid, Jid } from '../../jid/jid.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import type { Element } from '../../xml/element.ts';
import { refusalToRead } from './access.ts';
import type { ConfigChanges } from './config-form.ts';
import type { ChangeListener, Context } from './context.ts';
import { payloadOf } from './events.ts';
import type { Node } from './node.ts';
import { fill, publish, retract } from './publishing.ts';

/** An item, as other modules see it. */
export interface StoredPayload {
  readonly id: string;
  readonly payload: Element;
  /** Who published it. */
  readonly publisher: Jid;
  /** In ms since the epoch. */
  readonly at: number;
}

/** How something is published by the server itself. */
export interface PublishOptions {
  /** How the node is configured if it is not there yet; one that is stays as it is. */
  readonly config?: ConfigChanges;
  /** A word that comes back in the change that others are told. */
  readonly origin?: string;
  /** Of whoever fills a node that is missing ({@link PubSubApi.fillMissing}), and only of him. */
  readonly isFilling?: boolean;
}

/** What other modules may do with nodes. All that is asynchronous may reject with a StoreError. */
export interface PubSubApi {
  /**
   * Publishes an item in the name of the account or service that a node is at, and tells all whom that
   * concerns. Makes the node if it is not there. Why it was refused, if it was: a limit is reached.
   */
  publish(
    service: BareJid,
    node: string,
    item: { readonly id?: string; readonly payload: Element },
    options?: PublishOptions,
  ): Promise<StanzaFailure | undefined>;
  /** Removes an item, and tells all whom that concerns; false if there is none. */
  retract(
    service: BareJid,
    node: string,
    id: string,
    options?: Pick<PublishOptions, 'origin'>,
  ): Promise<boolean>;
  /** The items of a node, oldest first; undefined if there is no such node. */
  items(service: BareJid, node: string): Promise<readonly StoredPayload[] | undefined>;
  /** One item. */
  item(service: BareJid, node: string, id: string): Promise<StoredPayload | undefined>;
  /** The item that was published last. */
  last(service: BareJid, node: string): Promise<StoredPayload | undefined>;
  /** A node without its items; undefined if there is none. */
  node(service: BareJid, node: string): Promise<Node | undefined>;
  /** Whether somebody may read a node, if there is one. */
  isReadable(service: BareJid, node: string, asker: Jid): Promise<boolean>;
  /** Adds one who is told of all changes, once they are on the disk. */
  onChange(listener: ChangeListener): void;
  /**
   * Takes what fills a node of accounts that is not there yet, when it is asked for by its owner, or
   * published to. It publishes, or leaves it.
   */
  fillMissing(node: string, fill: (account: BareJid) => Promise<void>): void;
}

/** The most items that {@link PubSubApi.items} gives. */
const MAX_ITEMS = 100_000;

/** Makes the api. */
export function createApi(context: Context): PubSubApi {
  const { nodes } = context;
  const read = (item: { id: string; publisher: Jid; at: number; xml: string }): StoredPayload[] => {
    const payload = payloadOf(item);
    const { id, publisher, at } = item;
    return payload === undefined ? [] : [{ id, publisher, at, payload }];
  };
  return {
    async publish(service, node, { id, payload }, { config = {}, origin, isFilling } = {}) {
      if (isFilling !== true) await fill(context, service, node);
      const item = { id, payload };
      const outcome = await publish(context, {
        service,
        node,
        from: service,
        item,
        expected: config,
        isOwn: true,
        origin,
      });
      if (!outcome.ok) return outcome.failure;
      await outcome.settled;
      return undefined;
    },
    async retract(service, node, id, { origin } = {}) {
      const asked = { service, node, from: service, id, notify: true, isOwn: true, origin };
      const outcome = await retract(context, asked);
      if (outcome.ok) await outcome.settled;
      return outcome.ok;
    },
    async items(service, name) {
      const node = await nodes.find(service, name);
      if (node === undefined) return undefined;
      const items = await nodes.items(node, { from: 'oldest', most: MAX_ITEMS });
      return items.flatMap(read);
    },
    async item(service, name, id) {
      const node = await nodes.find(service, name);
      return node === undefined ? undefined : (await nodes.byIds(node, [id])).flatMap(read)[0];
    },
    async last(service, name) {
      const node = await nodes.find(service, name);
      const item = node === undefined ? undefined : await nodes.last(node);
      return item === undefined ? undefined : read(item)[0];
    },
    node: async (service, name) => nodes.find(service, name),
    async isReadable(service, name, asker) {
      const node = await nodes.find(service, name);
      return node !== undefined && (await refusalToRead(context, node, asker)) === undefined;
    },
    onChange: (listener) => void context.listeners.push(listener),
    fillMissing: (node, fill) => void context.fillers.set(node, fill),
  };
}

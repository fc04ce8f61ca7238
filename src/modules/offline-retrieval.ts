/** XEP-0013: Flexible Offline Message Retrieval, for clients that read what waits piece by piece. */
import { type IqRequest, onIq, type Reply, reply } from '../core/iq.ts';
import { defineModule, type Home } from '../core/module.ts';
import type { Session } from '../core/sessions.ts';
import type { BareJid } from '../jid/jid.ts';
import { formElement } from '../stanza/form.ts';
import { withChildren } from '../stanza/stanza.ts';
import { readStored } from '../stanza/stored.ts';
import { attr, each, flag, oneOfAttr, optional, payload, struct } from '../xml/codec.ts';
import { el } from '../xml/element.ts';
import { type DiscoItem, disco } from './disco/index.ts';
import { type OfflineApi, offline } from './offline/index.ts';

const NS = 'http://jabber.org/protocol/offline';

/** `<offline/>` (§2.4 to §2.7): some messages, or all of them. */
export const Offline = payload('offline', NS, {
  fetch: flag('fetch'),
  purge: flag('purge'),
  items: each(
    'item',
    struct({ action: optional(oneOfAttr('action', 'view', 'remove')), node: attr('node') }),
  ),
});

type Request = IqRequest<NonNullable<ReturnType<typeof Offline.decode>>>;
type Row = { readonly id: number; readonly bytes: number };
type Message = Row & { readonly stanza: string };

/** The module. */
export const offlineRetrieval = defineModule({
  name: 'offline-retrieval',
  specs: [{ xep: 13, version: '1.3', covers: 'complete' }],
  needs: ['disco', 'offline'],
  features: [NS],
  setup(home) {
    const mailbox = home.use(offline);
    home.use(disco).addAccountNode(({ host, account, session }, node) => {
      if (node !== NS || !home.isEnabled(host)) return undefined;
      return {
        async info() {
          leaveTo(mailbox, session);
          let count = 0;
          for await (const _ of mailbox.waiting(account)) count += 1;
          return infoOf(count);
        },
        async items() {
          leaveTo(mailbox, session);
          return headers(mailbox, account);
        },
      };
    });
    const requests = createRequests(home, mailbox);
    return {
      iq: [
        onIq('get', ['self'], Offline, requests.read),
        onIq('set', ['self'], Offline, requests.remove),
        // §2.4: whoever is not the user.
        onIq('get', ['account', 'nobody'], Offline, () => reply.refuse('forbidden')),
        onIq('set', ['account', 'nobody'], Offline, () => reply.refuse('forbidden')),
      ],
    };
  },
});

/** §2.2: whoever asks is not flooded when he sends presence, nor are others while he is there. */
function leaveTo(mailbox: OfflineApi, session: Session | undefined): void {
  if (session !== undefined) mailbox.leaveTo(session);
}

/** §2.2 */
function infoOf(count: number) {
  const form = formElement({
    type: 'result',
    formType: NS,
    fields: [{ name: 'number_of_messages', values: [String(count)] }],
  });
  const identity = { category: 'automation', type: 'message-list' };
  return { identities: [identity], features: [NS], forms: [form] };
}

/** §2.3 */
async function headers(mailbox: OfflineApi, account: BareJid): Promise<DiscoItem[]> {
  const items: DiscoItem[] = [];
  for await (const { id, stanza } of mailbox.waiting(account)) {
    const from = readStored(stanza)?.from;
    if (from !== undefined) items.push({ jid: account, node: nodeOf(id), name: from });
  }
  return items;
}

const NODE_LENGTH = 16;

/** §2.3: nodes are in the order of the messages, character by character. */
const nodeOf = (id: number) => String(id).padStart(NODE_LENGTH, '0');

function createRequests(home: Home<undefined>, mailbox: OfflineApi) {
  /** Those that are waiting of some nodes, in the order of the nodes; undefined if one is not there. */
  const find = async (
    account: BareJid,
    nodes: readonly string[],
  ): Promise<readonly Message[] | undefined> => {
    const wanted = new Map<string, Message | undefined>(nodes.map((node) => [node, undefined]));
    for await (const message of mailbox.waiting(account))
      if (wanted.has(nodeOf(message.id))) wanted.set(nodeOf(message.id), message);
    const found = [...wanted.values()].filter((message) => message !== undefined);
    return found.length === wanted.size ? found : undefined;
  };
  const all = async (account: BareJid): Promise<readonly Row[]> => {
    const found: Row[] = [];
    for await (const { id, bytes } of mailbox.waiting(account)) found.push({ id, bytes });
    return found;
  };
  /** Sends messages as fast as the client reads. */
  const send = async (messages: Iterable<Message> | AsyncIterable<Message>, session: Session) => {
    for await (const { id, stanza } of messages) {
      await session.pace();
      if (home.sessions.at(session.jid) !== session) return;
      const message = readStored(stanza);
      if (message?.kind !== 'message') continue;
      // §2.4: each contains the value of its node.
      const marked = el('offline', { xmlns: NS }, el('item', { node: nodeOf(id) }));
      session.send(withChildren(message, [...message.element.children, marked]));
    }
  };

  /** §2.4, §2.6 */
  const read = async ({ payload: { fetch, purge, items }, account, session }: Request) => {
    if (session === undefined || purge || fetch === items.length > 0)
      return reply.refuse('bad-request');
    if (fetch) {
      mailbox.leaveTo(session); // §2.6
      await send(mailbox.waiting(account), session);
      return reply.result();
    }
    if (items.some(({ action }) => action === 'remove')) return reply.refuse('bad-request');
    const found = await find(account, nodesOf(items));
    if (found === undefined) return reply.refuse('item-not-found');
    await send(found, session);
    return reply.result();
  };

  return {
    read,
    /** §2.5, §2.7 */
    async remove(request: Request): Promise<Reply> {
      const { fetch, purge, items } = request.payload;
      const { account } = request;
      if (fetch && !purge) return read(request); // as slixmpp asks
      if (fetch || purge === items.length > 0) return reply.refuse('bad-request');
      if (items.some(({ action }) => action === 'view')) return reply.refuse('bad-request');
      const found = purge ? await all(account) : await find(account, nodesOf(items));
      if (found === undefined) return reply.refuse('item-not-found');
      if (found.length > 0) await mailbox.discard(account, found);
      return reply.result();
    },
  };
}

const nodesOf = (items: readonly { readonly node: string }[]) => items.map(({ node }) => node);

/** A service at a domain of its own: what is addressed to it. */
import { type MaybePromise, type Verdict, verdict } from '../../core/hooks.ts';
import type { Domain, Jid } from '../../jid/jid.ts';
import { iqResult } from '../../stanza/build.ts';
import { readPageRequest } from '../../stanza/rsm.ts';
import type { Iq, Stanza } from '../../stanza/stanza.ts';
import { append, type Element, isNamed, nsOf } from '../../xml/element.ts';
import { DISCO_INFO, DISCO_ITEMS, infoElement, itemsElement } from '../disco/index.ts';
import type { Context } from './context.ts';
import { handle } from './desk.ts';
import {
  findVisible,
  itemIds,
  nodeInfo,
  pageOfNodes,
  serviceInfo,
  visibleNodes,
} from './discovery.ts';
import { PUBSUB, PUBSUB_OWNER } from './names.ts';
import { detached, isGone, takeAnswer } from './presence.ts';
import { dropSubscriber } from './subscribing.ts';

const UNAVAILABLE = verdict.bounce({ condition: 'service-unavailable' });
const NOT_FOUND = verdict.bounce({ condition: 'item-not-found' });

/** Makes the door of services. */
export function createService(context: Context) {
  const { home } = context;

  const answer = async (iq: Iq, payload?: Element): Promise<Verdict> => {
    await home.route(iqResult(iq, payload));
    return verdict.handled;
  };

  const info = async (iq: Iq, domain: Domain, host: Domain, node: string | undefined) => {
    if (node === undefined) {
      const config = home.hosts.get(host)?.config.components[domain];
      return answer(
        iq,
        infoElement(serviceInfo(config?.type === 'pubsub' ? config.name : undefined)),
      );
    }
    const found = await findVisible(context, domain, node, iq.from);
    return found === undefined
      ? NOT_FOUND
      : answer(iq, infoElement(nodeInfo(context, found), node));
  };

  const items = async (iq: Iq, query: Element, domain: Domain, node: string | undefined) => {
    if (node !== undefined) {
      const found = await findVisible(context, domain, node, iq.from);
      if (found === undefined) return NOT_FOUND;
      const listed = await itemIds(context, found, iq.from);
      return 'condition' in listed
        ? verdict.bounce(listed)
        : answer(iq, itemsElement(listed, node));
    }
    const asked = readPageRequest(query);
    if (asked === undefined) return verdict.bounce({ condition: 'bad-request' });
    const page = pageOfNodes(await visibleNodes(context, domain, iq.from), asked);
    if (page === undefined) return NOT_FOUND;
    const list = itemsElement(page.items);
    if (page.set !== undefined) append(list, page.set);
    return answer(iq, list);
  };

  const receiveIq = async (iq: Iq, domain: Domain, host: Domain): Promise<Verdict> => {
    const { type, payload } = iq;
    if (type === 'result' || type === 'error') return verdict.handled; // nothing was asked
    if (payload === undefined) return verdict.bounce({ condition: 'bad-request' });
    const ns = nsOf(payload);
    if (payload.name === 'pubsub' && (ns === PUBSUB || ns === PUBSUB_OWNER)) {
      const asked = { service: domain, from: iq.from, type, pubsub: payload };
      const said = await handle(context, asked);
      return said.kind === 'refuse' ? verdict.bounce(said.failure) : answer(iq, said.payload);
    }
    if (type === 'set') return UNAVAILABLE;
    const { node } = payload.attrs as { readonly node?: string };
    if (isNamed(payload, 'query', DISCO_INFO)) return info(iq, domain, host, node);
    if (isNamed(payload, 'query', DISCO_ITEMS)) return items(iq, payload, domain, node);
    return isNamed(payload, 'ping', 'urn:xmpp:ping') ? answer(iq) : UNAVAILABLE;
  };

  return (
    stanza: Stanza & { readonly to: Jid },
    domain: Domain,
    host: Domain,
  ): MaybePromise<Verdict> => {
    if (stanza.kind === 'presence') return verdict.handled; // a service has none of its own
    if (stanza.to !== domain) return UNAVAILABLE;
    if (stanza.kind === 'iq')
      return receiveIq(stanza, domain, host).catch((error: unknown) => {
        home.metrics.errors.inc({ area: 'iq' });
        home.log.error(
          { err: error, from: stanza.from },
          'a request to a node failed unexpectedly',
        );
        return verdict.bounce({ condition: 'internal-server-error' });
      });
    if (stanza.type === 'error') {
      if (isGone(stanza)) detached(context, dropSubscriber(context, domain, stanza.from));
      return verdict.handled;
    }
    return takeAnswer(context, stanza, domain) ?? UNAVAILABLE;
  };
}

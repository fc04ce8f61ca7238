/** IQs on a stream that is not authenticated yet: modules (XEP-0077) answer them, nobody routes them. */

import type { Hosts } from '../core/hosts.ts';
import type { Reply } from '../core/iq.ts';
import type { Domain } from '../jid/jid.ts';
import { errorElement } from '../stanza/error.ts';
import { childrenOf, type Element, el, nsOf, serialise } from '../xml/element.ts';

/** The key by which a module answers a payload. */
export const earlyKey = (payload: Element): string => `${nsOf(payload)} ${payload.name}`;

/** The text of the answer to an IQ that a client sent before it logged in. */
export async function answerEarlyIq(
  iq: Element,
  host: Domain,
  remote: string,
  hosts: Hosts,
  stream: object,
): Promise<string> {
  const { id, type } = iq.attrs;
  const [payload] = childrenOf(iq);
  const reply = await ask();
  const child = reply.kind === 'result' ? reply.payload : errorElement(reply.failure);
  const attrs = { type: reply.kind === 'result' ? 'result' : 'error', from: host, id };
  return serialise(el('iq', attrs, child));

  async function ask(): Promise<Reply> {
    if (payload === undefined || id === undefined || (type !== 'get' && type !== 'set'))
      return { kind: 'refuse', failure: { condition: 'bad-request' } };
    const handle = hosts.get(host)?.dispatch.earlyIq.get(earlyKey(payload));
    if (handle === undefined) return { kind: 'refuse', failure: { condition: 'not-authorized' } };
    return handle({ host, type, payload, remote, stream });
  }
}

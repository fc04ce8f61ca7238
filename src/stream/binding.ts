/** Resource binding as RFC 6120 §7 has it, and what may come in its place (XEP-0198 §5). */
import { domainOf, type FullJid, parseJid } from '../jid/jid.ts';
import { childOf, childrenOf, type Element, el, textOf } from '../xml/element.ts';
import { failed, readResume, resumed, SM_NS } from './acks.ts';
import { BIND_NS } from './features.ts';
import { end, type Negotiation, type Step, send } from './negotiation-state.ts';

/** Takes an element of an authenticated client: until a resource is bound, nothing else is done. */
export function beforeBinding(state: Negotiation, element: Element, ns: string): Step {
  const id = element.attrs.id;
  if (ns === SM_NS) return onManagement(state, element);
  const isStanza = ns === '' && ['iq', 'message', 'presence'].includes(element.name);
  if (!isStanza) return end(state, 'unsupported-stanza-type', `<${element.name}/> is unknown.`);
  const request = childOf(element, 'bind', BIND_NS);
  if (element.name === 'iq' && request !== undefined) {
    if (element.attrs.type !== 'set' || id === undefined || childrenOf(element).length !== 1)
      return [state, [send(refusal(id, 'bad-request'))]];
    const wanted = childOf(request, 'resource', BIND_NS);
    const resource = wanted === undefined ? undefined : textOf(wanted);
    return [state, [{ do: 'bind', resource: resource === '' ? undefined : resource, id }]];
  }
  // §7.1: what is for others is not looked at, and ends the stream; to what is for the server or the
  // account itself the answer is a stanza error, but for errors and results, which get none.
  if (isForOthers(state, element)) return end(state, 'not-authorized', 'Bind a resource first.');
  if (element.attrs.type === 'error' || element.attrs.type === 'result') return [state, []];
  return [state, [send(refusal(id, 'not-authorized', element.name))]];
}

/** A resource is bound. */
export function onBound(state: Negotiation, jid: FullJid, id: string): Step {
  const bound = el('bind', { xmlns: BIND_NS }, el('jid', undefined, jid));
  return [inSession(state), [send(el('iq', { type: 'result', id }, bound))]];
}

/** No resource could be bound; the client may try another one. */
export function onBindRefused(
  state: Negotiation,
  id: string,
  condition: keyof typeof REFUSAL_TYPES,
): Step {
  return [{ ...state, phase: 'bind' }, [send(refusal(id, condition))]];
}

/** XEP-0198 §5: a session may be resumed instead of binding a resource; nothing else comes before. */
function onManagement(state: Negotiation, element: Element): Step {
  if (element.name !== 'resume') return [state, [send(failed('unexpected-request'))]];
  const wanted = readResume(element);
  if (wanted === undefined) return [state, [send(failed('bad-request'))]];
  return [state, [{ do: 'resume', ...wanted }]];
}

/** A session is resumed. */
export function onResumed(state: Negotiation, previd: string, h: number): Step {
  return [inSession(state), [send(resumed(previd, h))]];
}

/** Negotiated: what was offered matters no more, and a session may be there for days. */
export const inSession = (state: Negotiation): Negotiation => ({
  ...state,
  phase: 'bound',
  offer: undefined,
});

/** There is no such session; the client may bind a resource. */
export function onResumeFailed(state: Negotiation, handled: number | undefined): Step {
  return [{ ...state, phase: 'bind' }, [send(failed('item-not-found', handled))]];
}

function isForOthers({ account }: Negotiation, { attrs }: Element): boolean {
  if (attrs.to === undefined || account === undefined) return false;
  const to = parseJid(attrs.to);
  return !to.ok || (to.value !== account && to.value !== domainOf(account));
}

const REFUSAL_TYPES = {
  'bad-request': 'modify',
  conflict: 'cancel',
  'not-authorized': 'auth',
  'resource-constraint': 'wait',
} as const;

/** A stanza error on a stream whose client has no address yet. */
function refusal(
  id: string | undefined,
  condition: keyof typeof REFUSAL_TYPES,
  name = 'iq',
): Element {
  const named = el(condition, { xmlns: 'urn:ietf:params:xml:ns:xmpp-stanzas' });
  const error = el('error', { type: REFUSAL_TYPES[condition] }, named);
  return el(name, { type: 'error', id }, error);
}

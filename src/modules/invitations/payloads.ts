/** The elements of XEP-0379 and XEP-0445. */
import { attr, payload } from '../../xml/codec.ts';
import { childOf, type Element, el } from '../../xml/element.ts';

/** The namespace of tokens. */
const PARS = 'urn:xmpp:pars:0';
/** The namespace of the stream feature (XEP-0445 §3). */
const IBR_TOKEN = 'urn:xmpp:ibr-token:0';

/** A token that is shown: before a registration, or with a subscription request. */
export const Preauth = payload('preauth', PARS, { token: attr('token') });

/** The stream feature of hosts to which one can be invited. */
export const ibrTokenFeature = (): Element => el('register', { xmlns: IBR_TOKEN });

/** The token of a subscription request (XEP-0379 §3.4); undefined where there is none. */
export function tokenIn(request: Element): string | undefined {
  const shown = childOf(request, 'preauth', PARS);
  return shown === undefined ? undefined : Preauth.decode(shown)?.token;
}

/** What the service says at its address: disco, and slots (XEP-0363 §3, §4). */
import { type MaybePromise, type Verdict, verdict } from '../../core/hooks.ts';
import { bareOf, type Domain, domainOf, type Jid } from '../../jid/jid.ts';
import { createExclusive } from '../../kit/exclusive.ts';
import { iqResult } from '../../stanza/build.ts';
import { formElement } from '../../stanza/form.ts';
import type { Iq, Stanza } from '../../stanza/stanza.ts';
import { type Element, isNamed } from '../../xml/element.ts';
import { DISCO_INFO, DISCO_ITEMS, infoElement, itemsElement } from '../disco/index.ts';
import { encodeSegment, safeName } from './names.ts';
import { isSlotRequest, PURPOSES, readSlotRequest, slotElement, UPLOAD } from './payloads.ts';
import type { UploadSettings } from './settings.ts';
import { mostOf, refusalOf, type TermsOptions } from './terms.ts';

/** Where files are put and got, below the public address of a host. */
export const UPLOAD_PATH = '/upload/';

/** What the service can do, on a host. */
function featuresOf({ permanent }: UploadSettings): string[] {
  const purposes = ['message', 'profile', 'ephemeral', ...(permanent ? ['permanent'] : [])];
  return [
    DISCO_INFO,
    DISCO_ITEMS,
    UPLOAD,
    'urn:xmpp:ping',
    ...purposes.map((purpose) => `${PURPOSES}#${purpose}`),
  ].sort();
}

/** Answers what is addressed to the service. */
export function createDesk(options: TermsOptions) {
  const { home, slots } = options;
  const inTurn = createExclusive<Domain>();

  const answer = async (iq: Iq, payload?: Element): Promise<Verdict> => {
    await home.route(iqResult(iq, payload));
    return verdict.handled;
  };

  /** §3 */
  const info = (domain: Domain, host: Domain): Element => {
    const settings = home.configOf(host);
    const own = home.hosts.get(host)?.config.components[domain];
    const name = own?.type === 'upload' ? own.name : undefined;
    const form = formElement({
      type: 'result',
      formType: UPLOAD,
      fields: [{ name: 'max-file-size', values: [String(mostOf(settings, 'message'))] }],
    });
    return infoElement({
      identities: [{ category: 'store', type: 'file', name }],
      features: featuresOf(settings),
      forms: [form],
    });
  };

  /** §4 */
  const grant = async (iq: Iq, payload: Element, host: Domain): Promise<Verdict> => {
    const account = bareOf(iq.from);
    const isOurs = domainOf(account) === host && (await home.accounts.get(account)) !== undefined;
    if (!isOurs)
      return verdict.bounce({
        condition: 'forbidden',
        text: `Only those who have an account at ${host} may upload files.`,
        payload,
      });
    const request = readSlotRequest(payload);
    if (request === undefined) return verdict.bounce({ condition: 'bad-request', payload });
    // Two requests at once must not both find the same room, of their account or of the host.
    return inTurn(host, async () => {
      const refusal = await refusalOf(options, account, host, request);
      if (refusal !== undefined) {
        home.metrics.uploads.inc({ outcome: 'denied' });
        return verdict.bounce({ ...refusal, payload });
      }
      const slot = slots.open({ ...request, account, host, name: safeName(request.name) });
      if (slot === undefined) return verdict.bounce({ condition: 'resource-constraint', payload });
      const base = `${home.web.publicUrl(host)}${UPLOAD_PATH}`;
      const name = encodeSegment(slot.name);
      return answer(iq, slotElement(`${base}${slot.token}/${name}`, `${base}${slot.id}/${name}`));
    });
  };

  return (stanza: Stanza & { to: Jid }, domain: Domain, host: Domain): MaybePromise<Verdict> => {
    if (stanza.kind === 'presence') return verdict.handled; // a service has none of its own
    if (stanza.kind === 'message' || stanza.payload === undefined || stanza.type !== 'get')
      return verdict.bounce({ condition: 'service-unavailable' });
    const { payload } = stanza;
    const hasNode = payload.attrs['node'] !== undefined;
    if (isSlotRequest(payload)) return grant(stanza, payload, host);
    if (isNamed(payload, 'query', DISCO_INFO))
      return hasNode
        ? verdict.bounce({ condition: 'item-not-found' })
        : answer(stanza, info(domain, host));
    if (isNamed(payload, 'query', DISCO_ITEMS))
      return hasNode
        ? verdict.bounce({ condition: 'item-not-found' })
        : answer(stanza, itemsElement([]));
    if (isNamed(payload, 'ping', 'urn:xmpp:ping')) return answer(stanza);
    return verdict.bounce({ condition: 'service-unavailable' });
  };
}

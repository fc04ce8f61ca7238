/** What a client can have in the step in which it logs in (XEP-0388 §2.1, XEP-0386 §3.1). */
import type { BindFeature } from '../core/bind-feature.ts';
import type { Host } from '../core/hosts.ts';
import { SM_NS } from '../stream/acks.ts';
import { BIND2_NS } from '../stream/login-request.ts';
import { type Element, el } from '../xml/element.ts';
import type { C2sServices } from './services.ts';
import { ClientSession } from './session.ts';

/** Stream management, which is the session's own (XEP-0198 §9.1). */
const MANAGEMENT: BindFeature = {
  announced: SM_NS,
  ns: SM_NS,
  bind: (session, request) =>
    session instanceof ClientSession && request?.name === 'enable'
      ? session.enable(request)
      : undefined,
};

const isManaged = ({ domain }: Host, { registry }: Pick<C2sServices, 'registry'>) =>
  registry.enabled(domain).has('stream-management');

/** What can be done for a session of a host while it is bound. */
export function bindFeaturesOf(
  host: Host,
  services: Pick<C2sServices, 'registry'>,
): readonly BindFeature[] {
  const { bindFeatures } = host.dispatch;
  return isManaged(host, services) ? [MANAGEMENT, ...bindFeatures] : bindFeatures;
}

/** What `<inline/>` offers, but for tokens: to resume a session, and to bind one with its features. */
export function inlineOffer(host: Host, services: Pick<C2sServices, 'registry'>): Element[] {
  const names = bindFeaturesOf(host, services).flatMap(({ announced }) => announced ?? []);
  const features = names.map((name) => el('feature', { var: name }));
  const inline = features.length > 0 && el('inline', undefined, ...features);
  const bind = el('bind', { xmlns: BIND2_NS }, inline);
  return isManaged(host, services) ? [el('sm', { xmlns: SM_NS }), bind] : [bind];
}

/** By what modules offer: the same with stream management. */
const withManagement = new WeakMap<readonly Element[], readonly Element[]>();

/**
 * What a session that was bound while logging in can still have: what modules offer, and stream management
 * if it has not enabled that. The list is the same one for all sessions of a kind.
 */
export function laterOffer(
  host: Host,
  offered: readonly Element[],
  session: ClientSession | undefined,
  services: Pick<C2sServices, 'registry'>,
): readonly Element[] {
  if (session?.isManaged !== false || !isManaged(host, services)) return offered;
  let more = withManagement.get(offered);
  if (more === undefined) {
    more = [...offered, el('sm', { xmlns: SM_NS })];
    withManagement.set(offered, more);
  }
  return more;
}

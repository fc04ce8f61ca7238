/** The requests of owners: XEP-0060 §8.2 to §8.9. */
import { type Reply, reply } from '../../core/iq.ts';
import { bareOf, type Jid, parseJid } from '../../jid/jid.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import { childOf, childrenOf, type Element, el, isNamed } from '../../xml/element.ts';
import { configForm, readConfigForm } from './config-form.ts';
import { type Context, defaultsOf } from './context.ts';
import { BAD_REQUEST, NODE_REQUIRED, unsupported } from './errors.ts';
import { PUBSUB_OWNER } from './names.ts';
import { AFFILIATIONS, type Affiliation } from './node.ts';
import type { Outcome } from './outcome.ts';
import { type AffiliationChange, affiliate, configOf, configure, remove } from './owning.ts';
import { purge } from './publishing.ts';
import { answered, formIn, type Handler, type Request, refuse, termsFor } from './request.ts';
import { manageSubscriptions, type SubscriptionChange } from './subscribing.ts';

/** Answers a request of an owner. */
export async function handleOwner(context: Context, request: Request): Promise<Reply> {
  const { type, verb, node } = request;
  const verbs: Readonly<Record<string, Handler>> = type === 'get' ? GETS : SETS;
  const handler = Object.hasOwn(verbs, verb.name) ? verbs[verb.name] : undefined;
  if (handler === undefined) return reply.refuse('feature-not-implemented');
  if (node === '' && verb.name !== 'default') return refuse(NODE_REQUIRED); // §8.2.3.3
  return handler(context, request);
}

const GETS: Readonly<Record<string, Handler>> = {
  async configure(context, request) {
    const { service, from, node } = request;
    const terms = await termsFor(context, service, from);
    return answered(await configOf(context, request), ({ config }) =>
      owner(el('configure', { node }, configForm(config, terms))),
    );
  },
  async default(context, { service, from, verb }) {
    if ((verb.attrs.type ?? 'leaf') !== 'leaf') return refuse(unsupported('collections'));
    const terms = await termsFor(context, service, from);
    return reply.result(owner(el('default', undefined, configForm(defaultsOf(service), terms))));
  },
  subscriptions: async (context, request) =>
    answered(await configOf(context, request), ({ subscriptions }) =>
      // §8.8.1.2: those that are pending are not listed.
      list(
        'subscriptions',
        request,
        [...subscriptions].filter(([, state]) => state === 'subscribed'),
      ),
    ),
  affiliations: async (context, request) =>
    answered(await configOf(context, request), ({ affiliations, service }) => {
      const own: (readonly [Jid, Affiliation])[] = [...affiliations];
      if (service.includes('@')) own.unshift([service, 'owner']);
      return list('affiliations', request, own);
    }),
};

const SETS: Readonly<Record<string, Handler>> = {
  async configure(context, request) {
    const { service, from, node, verb } = request;
    const form = formIn(verb);
    if (form === undefined) return refuse(BAD_REQUEST);
    if (form.type === 'cancel') return answered(await configOf(context, request), () => undefined);
    // Whoever may not configure it learns nothing of the form.
    const allowed = await configOf(context, request);
    if (!allowed.ok) return refuse(allowed.failure);
    const read = readConfigForm(form, await termsFor(context, service, from));
    if (!read.ok) return refuse(read.failure);
    const outcome = await configure(context, { service, node, from, changes: read.changes });
    return answered(outcome, () => undefined);
  },
  async delete(context, { service, node, from, verb }) {
    const redirect = childOf(verb, 'redirect', PUBSUB_OWNER)?.attrs['uri'];
    const outcome = await remove(context, { service, node, from, redirect });
    return answered(outcome, () => undefined);
  },
  purge: async (context, { service, node, from }) =>
    answered(await purge(context, { service, node, from }), () => undefined),
  async subscriptions(context, request) {
    const { service, node, from } = request;
    const changes = subscriptionsIn(request.verb);
    if ('condition' in changes) return refuse(changes);
    const outcome = await manageSubscriptions(context, { service, node, from, changes });
    return partly(outcome, 'subscriptions', request);
  },
  async affiliations(context, request) {
    const { service, node, from } = request;
    const changes = affiliationsIn(request.verb);
    if ('condition' in changes) return refuse(changes);
    const outcome = await affiliate(context, { service, node, from, changes });
    return partly(outcome, 'affiliations', request);
  },
};

const owner = (child: Element): Element => el('pubsub', { xmlns: PUBSUB_OWNER }, child);

type Kind = 'subscriptions' | 'affiliations';

function list(kind: Kind, { node }: Request, entries: Iterable<readonly [Jid, string]>): Element {
  const name = kind === 'subscriptions' ? 'subscription' : 'affiliation';
  const elements = [...entries].map(([jid, state]) => el(name, { jid, [name]: state }));
  return owner(el(kind, { node }, ...elements));
}

/** §8.8.2.4, §8.9.2.4: what could not be changed comes back as it is, in an error. */
async function partly(
  outcome: Outcome<readonly { readonly jid: Jid; readonly to: string | undefined }[]>,
  kind: Kind,
  request: Request,
): Promise<Reply> {
  if (!outcome.ok || outcome.value.length === 0) return answered(outcome, () => undefined);
  await outcome.settled;
  const failed = outcome.value.map(({ jid, to }) => [jid, to ?? 'none'] as const);
  const payload = list(kind, request, failed);
  return refuse({ condition: 'not-acceptable', payload });
}

function subscriptionsIn(verb: Element): readonly SubscriptionChange[] | StanzaFailure {
  return changesIn(verb, 'subscription', ['none', 'pending', 'subscribed'] as const);
}

function affiliationsIn(verb: Element): readonly AffiliationChange[] | StanzaFailure {
  const changes = changesIn(verb, 'affiliation', AFFILIATIONS);
  // §4.1: affiliations are those of accounts.
  return 'condition' in changes
    ? changes
    : changes.map(({ jid, to }) => ({ jid: bareOf(jid), to }));
}

/** The changes of a list: each for an address of its own, each to a state that there is. */
function changesIn<T extends string>(
  verb: Element,
  name: string,
  states: readonly T[],
): readonly { readonly jid: Jid; readonly to: T | undefined }[] | StanzaFailure {
  const changes = new Map<Jid, T | undefined>();
  for (const child of childrenOf(verb)) {
    if (!isNamed(child, name, PUBSUB_OWNER)) continue;
    const jid = parseJid(child.attrs['jid'] ?? '');
    const raw = child.attrs[name];
    const to = states.find((state) => state === raw);
    if (!jid.ok || (raw !== undefined && to === undefined)) return BAD_REQUEST;
    if (changes.has(jid.value)) return BAD_REQUEST;
    changes.set(jid.value, to);
  }
  if (changes.size === 0) return BAD_REQUEST;
  return [...changes].map(([jid, to]) => ({ jid, to }));
}

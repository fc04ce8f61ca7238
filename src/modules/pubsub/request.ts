/** What requests to nodes have in common, whoever makes them. */
import { type Reply, reply } from '../../core/iq.ts';
import { type BareJid, bareOf, type Jid } from '../../jid/jid.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import { DATA_FORMS, type Form, readForm } from '../../stanza/form.ts';
import { childOf, type Element } from '../../xml/element.ts';
import type { FormTerms } from './config-form.ts';
import type { Context } from './context.ts';
import type { Outcome } from './outcome.ts';

/** A request to an account or a service. */
export interface Asked {
  readonly service: BareJid;
  readonly from: Jid;
  readonly type: 'get' | 'set';
  /** `<pubsub/>` of either namespace. */
  readonly pubsub: Element;
}

/** A request with what its first element says. */
export interface Request extends Asked {
  readonly verb: Element;
  /** '' if it names none. */
  readonly node: string;
  /** All elements of `<pubsub/>` in its namespace. */
  readonly children: readonly Element[];
}

/** Answers requests of one kind. */
export type Handler = (context: Context, request: Request) => Promise<Reply>;

/** Refuses for a reason. */
export const refuse = (failure: StanzaFailure): Reply => ({ kind: 'refuse', failure });

/** The answer to what was done; who asked for much waits until all are told. */
export async function answered<T>(
  outcome: Outcome<T>,
  payloadOf: (value: T) => Element | undefined,
): Promise<Reply> {
  if (!outcome.ok) return refuse(outcome.failure);
  await outcome.settled;
  return reply.result(payloadOf(outcome.value));
}

/** What the forms of a service depend on; with groups for the account itself. */
export async function termsFor(context: Context, service: BareJid, from: Jid): Promise<FormTerms> {
  const settings = context.settingsOf(service);
  if (bareOf(from) !== service) return { service, settings };
  const groups = new Set<string>();
  for (const item of (await context.rosters.of(service)).items.values())
    for (const group of item.groups) groups.add(group);
  return { service, settings, groups: [...groups].sort() };
}

/** The form in an element; undefined if there is none, or it is damaged. */
export function formIn(element: Element): Form | undefined {
  const x = childOf(element, 'x', DATA_FORMS);
  return x === undefined ? undefined : readForm(x);
}

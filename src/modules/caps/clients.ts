/**
 * Of which nodes clients want to be notified: XEP-0060 §9.2, by what their presence says of their
 * capabilities. A client is asked when it matters, and once for all that claim the same.
 */
import type { MaybePromise } from '../../core/hooks.ts';
import type { Home } from '../../core/module.ts';
import type { BareJid, FullJid } from '../../jid/jid.ts';
import { BoundedMap } from '../../kit/limits.ts';
import { originalOf } from '../../stanza/address.ts';
import { iqGet } from '../../stanza/build.ts';
import type { Presence } from '../../stanza/stanza.ts';
import { childrenOf, type Element, el, isNamed } from '../../xml/element.ts';
import { DISCO_INFO } from '../disco/index.ts';
import { type CapsMark, markOf, NOTIFY } from './marks.ts';

/** The names of the nodes that a client wants. */
export type Wanted = ReadonlySet<string>;

/** What is known of clients. */
export interface Clients {
  /** What a presence claims. */
  markOf(presence: Presence): CapsMark | undefined;
  /**
   * The nodes that a client wants, by the mark of its presence. It is asked in the name of an account
   * if nobody who claims the same was; who waits for the promise must not hold up the client.
   */
  wanted(mark: CapsMark, client: FullJid, asker: BareJid): MaybePromise<Wanted>;
}

/** Marks of which the truth is known. */
const MAX_MARKS = 5000;
/** Clients of which what they said themselves is known, or that they say nothing. */
const MAX_CLIENTS = 20_000;
/** Nodes that one client may want. */
const MAX_WANTED = 500;
/** Questions at a time. */
const MAX_QUESTIONS = 400;
const ANSWER_MS = 30_000;
/** After which time one who did not answer is asked again. */
const SILENCE_MS = 300_000;

const NOTHING: Wanted = new Set();

/** Begins to learn of clients. */
export function createClients({ ask, clock }: Pick<Home<unknown>, 'ask' | 'clock'>): Clients {
  const verified = new BoundedMap<string, Wanted>(MAX_MARKS);
  const single = new BoundedMap<string, { readonly wanted: Wanted; readonly until: number }>(
    MAX_CLIENTS,
  );
  const asking = new Map<string, Promise<unknown>>();
  const marks = new WeakMap<Presence, CapsMark | null>();

  const recall = (mark: CapsMark, client: FullJid): Wanted | undefined => {
    const known = verified.get(mark.key);
    if (known !== undefined) return known;
    const own = single.get(`${client} ${mark.key}`);
    return own !== undefined && clock.now() < own.until ? own.wanted : undefined;
  };

  const question = async (mark: CapsMark, client: FullJid, asker: BareJid): Promise<Wanted> => {
    const payload = el('query', { xmlns: DISCO_INFO, node: mark.node });
    const answer = await ask(iqGet({ from: asker, to: client, payload }), ANSWER_MS);
    const query = answer?.type === 'result' ? answer.payload : undefined;
    const isInfo = query !== undefined && isNamed(query, 'query', DISCO_INFO);
    const wanted = isInfo ? wantedIn(query) : NOTHING;
    if (isInfo && mark.verify?.(query) === true) {
      verified.set(mark.key, wanted);
      return wanted;
    }
    // What cannot be verified is true of nobody else (XEP-0115 §5.4).
    const until = isInfo ? Number.POSITIVE_INFINITY : clock.now() + SILENCE_MS;
    single.set(`${client} ${mark.key}`, { wanted, until });
    return wanted;
  };

  const begin = (key: string, work: Promise<Wanted>): Promise<Wanted> => {
    asking.set(key, work);
    const end = () => void asking.delete(key);
    work.then(end, end);
    return work;
  };

  return {
    markOf(presence) {
      const original = originalOf(presence);
      const known = marks.get(original);
      if (known !== undefined) return known ?? undefined;
      const mark = markOf(original);
      marks.set(original, mark ?? null);
      return mark;
    },
    wanted(mark, client, asker) {
      const known = recall(mark, client);
      if (known !== undefined) return known;
      const own = `${client} ${mark.key}`;
      const begun = asking.get(own);
      if (begun !== undefined) return begun.then(() => recall(mark, client) ?? NOTHING);
      if (asking.size >= MAX_QUESTIONS) return NOTHING;
      const another = asking.get(mark.key);
      if (another === undefined) return begin(own, begin(mark.key, question(mark, client, asker)));
      // Somebody is asked who claims the same; if he lied, this one is asked himself.
      return begin(
        own,
        another.then(() => recall(mark, client) ?? question(mark, client, asker)),
      );
    },
  };
}

function wantedIn(query: Element): Wanted {
  const wanted = new Set<string>();
  for (const child of childrenOf(query)) {
    const { var: name = '' } = child.attrs as { readonly var?: string };
    if (!isNamed(child, 'feature', DISCO_INFO) || !name.endsWith(NOTIFY)) continue;
    if (wanted.size < MAX_WANTED) wanted.add(name.slice(0, -NOTIFY.length));
  }
  return wanted;
}

/** What is published: XEP-0485 §4. */
import type { Domain } from '../../jid/jid.ts';
import { type Element, el } from '../../xml/element.ts';

/** The namespace, which is the feature, too. */
export const SERVER_INFO = 'urn:xmpp:serverinfo:0';

/** A pair of a domain of ours and another one, on a stream or waiting for one. */
export interface FederatedPair {
  /** The stream's name; undefined while there is none. */
  readonly id: string | undefined;
  /** The other domain, and ours: a host, or a component of one. */
  readonly domain: Domain;
  readonly host: Domain;
  /** Which way stanzas go, as we see it. */
  readonly direction: 'in' | 'out' | 'both';
  /** Only those that are `up` are told of. */
  readonly state: string;
}

/** The directionality of a connection. */
export type Direction = 'incoming' | 'outgoing' | 'bidi';

/** Another domain, with the directions of its connections, sorted. */
export interface Remote {
  readonly domain: Domain;
  readonly connections: readonly Direction[];
}

/** How many other domains, and connections of each, are told of. */
const MOST = { domains: 500, connections: 10 };

const DIRECTIONS = { in: 'incoming', out: 'outgoing', both: 'bidi' } as const;

/** The other domains of some pairs. A stream that carries several pairs is one connection. */
export function remotesOf(pairs: readonly FederatedPair[]): readonly Remote[] {
  const streams = new Map<Domain, Map<string, Direction>>();
  for (const { id, domain, direction, state } of pairs) {
    if (state !== 'up' || id === undefined) continue;
    const own = streams.get(domain) ?? new Map<string, Direction>();
    const known = own.get(id);
    const said = DIRECTIONS[direction];
    own.set(id, known === undefined || known === said ? said : 'bidi');
    streams.set(domain, own);
  }
  return [...streams].slice(0, MOST.domains).map(([domain, own]) => ({
    domain,
    connections: [...own.values()].sort().slice(0, MOST.connections),
  }));
}

/**
 * The document about a host. Of the other domains only those are `named` that may be (§7); the others stand
 * behind them, in an order that does not tell theirs. `more` is further data, in namespaces of its own.
 */
export function serverInfoElement(
  host: Domain,
  remotes: readonly Remote[],
  named: ReadonlySet<Domain>,
  ...more: readonly Element[]
): Element {
  const told = remotes.map(({ domain, connections }) => ({
    name: named.has(domain) ? domain : undefined,
    connections,
  }));
  const lines = told.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
  const federation = el(
    'federation',
    undefined,
    ...lines.map(({ name, connections }) =>
      el('remote-domain', { name }, ...connections.map((type) => el('connection', { type }))),
    ),
  );
  const domain = el('domain', { name: host }, lines.length > 0 && federation);
  return el('serverinfo', { xmlns: SERVER_INFO }, domain, ...more);
}

/** By which the lines are sorted: those with a name first, the others by their connections alone. */
function keyOf(line: { readonly name: string | undefined } & Pick<Remote, 'connections'>): string {
  return line.name === undefined ? `1 ${line.connections.join()}` : `0 ${line.name}`;
}

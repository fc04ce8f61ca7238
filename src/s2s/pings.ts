/**
 * Pings (XEP-0199) in place of acknowledgements, for servers without XEP-0198: a server takes what
 * comes on a stream in order, so its answer to a ping says that it has what was sent before.
 */
import { type Domain, domainOf } from '../jid/jid.ts';
import { randomId } from '../kit/ids.ts';
import { BoundedMap } from '../kit/limits.ts';
import { iqGet } from '../stanza/build.ts';
import type { Stanza } from '../stanza/stanza.ts';
import { el } from '../xml/element.ts';

/** How many may be open at a time; each stream has one at most. */
const MAX_OPEN = 10_000;
/** Domains of which is remembered that they answer. */
const REMEMBERED = 10_000;

interface Open {
  readonly local: Domain;
  readonly remote: Domain;
  answered(): void;
}

/** A ping that waits for its answer. */
export interface Ping {
  /** The request to send. */
  readonly text: string;
  /** Forgets it. */
  cancel(): void;
}

/** The open pings of all streams: an answer comes by another stream where one way is no two. */
export class Pings {
  readonly #open = new Map<string, Open>();
  readonly #answering = new BoundedMap<Domain, true>(REMEMBERED);

  /** Whether a domain is known to answer. */
  isAnswering(remote: Domain): boolean {
    return this.#answering.get(remote) === true;
  }

  /** Makes a ping from one of our domains to another one; undefined when too many are open. */
  make(local: Domain, remote: Domain, answered: () => void): Ping | undefined {
    if (this.#open.size >= MAX_OPEN) return undefined;
    const id = `p${randomId()}`;
    this.#open.set(id, { local, remote, answered });
    const payload = el('ping', { xmlns: 'urn:xmpp:ping' });
    return {
      text: iqGet({ from: local, to: remote, id, payload }).wire.text,
      cancel: () => void this.#open.delete(id),
    };
  }

  /**
   * Takes a stanza of another server that is an answer, a result or an error, from whom was asked;
   * false for anything else.
   */
  take(stanza: Stanza): boolean {
    if (stanza.kind !== 'iq' || (stanza.type !== 'result' && stanza.type !== 'error')) return false;
    const open = this.#open.get(stanza.id);
    if (open === undefined || stanza.from !== open.remote || domainOf(stanza.to) !== open.local)
      return false;
    this.#open.delete(stanza.id);
    this.#answering.set(open.remote, true);
    open.answered();
    return true;
  }
}

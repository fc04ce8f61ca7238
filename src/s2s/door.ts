/** The door for stanzas of other servers: who may send what to whom (RFC 6120 §8.1). */
import { type Domain, domainOf, parseJid } from '../jid/jid.ts';
import { errorFor } from '../stanza/error.ts';
import { isStanza, readStanza, type Stanza } from '../stanza/stanza.ts';
import type { StreamFailure } from '../stream/error.ts';
import type { Element } from '../xml/element.ts';
import type { Pairs } from './pairs.ts';

/** What is known of the stream that a stanza comes by. */
export interface DoorTerms {
  /** The pairs that were proved on it. */
  readonly accepts: Pairs;
  isServed(domain: Domain): boolean;
  /** The stream's language, for stanzas that state none (§8.1.5). */
  readonly language: string | undefined;
}

/** What is to be done with an element: route a stanza, or end the stream. */
export type DoorOutcome =
  | {
      readonly ok: true;
      /** The stanza, or the error that answers it; undefined where there must be none. */
      readonly stanza: Stanza | undefined;
    }
  | { readonly ok: false; readonly failure: StreamFailure };

/** Checks an element that came by a stream between servers. */
export function enter(element: Element, terms: DoorTerms): DoorOutcome {
  if (!isStanza(element))
    return refuse('unsupported-stanza-type', `<${element.name.slice(0, 100)}/> is not known here.`);
  if (terms.accepts.size === 0)
    return refuse('not-authorized', 'No domain has proved itself on this stream.');
  const from = parseJid(element.attrs.from ?? '');
  const to = parseJid(element.attrs.to ?? '');
  if (!from.ok || !to.ok)
    return refuse('improper-addressing', "A stanza has a valid 'from' and a valid 'to'."); // §8.1.1.2
  const [remote, local] = [domainOf(from.value), domainOf(to.value)];
  if (!terms.accepts.has(remote, local)) {
    if (!terms.accepts.hasSender(remote))
      return refuse('invalid-from', `This stream does not speak for ${remote}.`); // §8.1.2.2
    if (!terms.isServed(local)) return refuse('host-unknown', `${local} is not served here.`);
    return refuse('improper-addressing', `${remote} was not proved to ${local} on this stream.`);
  }
  const { language } = terms;
  if (language !== undefined && element.attrs['xml:lang'] === undefined)
    element.attrs['xml:lang'] = language;
  const read = readStanza(element, { from: from.value, defaultTo: undefined });
  if (read.ok) return { ok: true, stanza: read.stanza };
  return { ok: true, stanza: errorFor(element, read, { from: to.value, to: from.value }) };
}

const refuse = (condition: StreamFailure['condition'], text: string): DoorOutcome => ({
  ok: false,
  failure: { condition, text },
});

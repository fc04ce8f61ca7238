/** The door for the stanzas of components: in whose name each may send (XEP-0114 §3). */
import { type Domain, domainOf, type Jid, parseJid } from '../jid/jid.ts';
import { errorFor } from '../stanza/error.ts';
import { isStanza, readStanza, type Stanza } from '../stanza/stanza.ts';
import type { StreamFailure } from '../stream/error.ts';
import type { Element } from '../xml/element.ts';

/** How much of a wrong name or address is quoted. */
const QUOTED = 100;

/** What is known of the stream that an element comes by. */
export interface DoorTerms {
  /** The component's domain, and the host whose component it is. */
  readonly domain: Domain;
  readonly host: Domain;
  /** The stream's language, for stanzas that state none (RFC 6120 §8.1.5). */
  readonly language: string | undefined;
}

/** What is to be done with an element: route a stanza, answer it, or end the stream. */
export type DoorOutcome =
  | { readonly kind: 'route'; readonly stanza: Stanza }
  /** `answer` is undefined where there must be none (RFC 6120 §8.3.1). */
  | { readonly kind: 'refuse'; readonly answer: Stanza | undefined }
  | { readonly kind: 'end'; readonly failure: StreamFailure };

/** Checks an element that a component sent. */
export function enter(element: Element, { domain, host, language }: DoorTerms): DoorOutcome {
  if (!isStanza(element))
    return end('unsupported-stanza-type', `<${quoted(element.name)}/> is not known here.`);
  const from = senderOf(element, domain);
  if (from === undefined)
    return end('invalid-from', `${domain} may not send as ${quoted(element.attrs.from ?? '')}.`);
  if (language !== undefined && element.attrs['xml:lang'] === undefined)
    element.attrs['xml:lang'] = language;
  const read = readStanza(element, { from, defaultTo: undefined });
  if (read.ok && read.stanza.to !== undefined) return { kind: 'route', stanza: read.stanza };
  const failure = read.ok ? ({ condition: 'bad-request', text: NO_TO } as const) : read;
  const to = parseJid(element.attrs.to ?? '');
  const answer = errorFor(element, failure, { from: to.ok ? to.value : host, to: from });
  return { kind: 'refuse', answer };
}

const NO_TO = "A component's stanza must have a 'to' address.";

/**
 * The sender: the component's domain or any address at it; undefined for any other. Without a `from`,
 * which should be there, it is the domain: much software relies on that, and nobody is impersonated.
 */
function senderOf({ attrs }: Element, domain: Domain): Jid | undefined {
  if (attrs.from === undefined) return domain;
  const parsed = parseJid(attrs.from);
  return parsed.ok && domainOf(parsed.value) === domain ? parsed.value : undefined;
}

const quoted = (text: string) => text.slice(0, QUOTED);

const end = (condition: StreamFailure['condition'], text: string): DoorOutcome => ({
  kind: 'end',
  failure: { condition, text },
});

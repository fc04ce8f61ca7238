/** Stream headers (RFC 6120 §4.7): what the client says, and what we answer. */
import { type Domain, parseDomain } from '../jid/jid.ts';
import { escapeAttribute } from '../xml/element.ts';
import type { StreamHeader } from '../xml/parser.ts';
import { STREAM_NS, type StreamFailure } from './error.ts';

/** A header that is in order. */
export interface ClientHeader {
  /** The domain the client wants, prepared; whether it is served is not checked here. */
  readonly to: Domain;
  /** The client's own address if it gave one; it is only ever echoed (§4.7.1). */
  readonly from: string | undefined;
}

/** Checks a client's stream header. */
export function readHeader(
  header: StreamHeader,
): { readonly ok: true; readonly value: ClientHeader } | ({ readonly ok: false } & StreamFailure) {
  const wrong = (condition: StreamFailure['condition'], text: string) =>
    ({ ok: false, condition, text }) as const;
  if (header.ns !== STREAM_NS) return wrong('invalid-namespace', 'This is no XMPP stream.'); // §4.9.3.10
  if (header.name !== 'stream') return wrong('bad-format', 'The root element must be <stream/>.');
  if (header.contentNs !== 'jabber:client')
    return wrong('invalid-namespace', 'The content namespace here is jabber:client.'); // §4.8.3
  const { to, version, from } = header.attrs;
  if (!/^[1-9]\d*\.\d+$/.test(version ?? ''))
    return wrong('unsupported-version', 'This server speaks XMPP 1.0.'); // §4.9.3.25
  if (to === undefined) return wrong('improper-addressing', "The header lacks a 'to' address."); // §4.7.2
  const domain = parseDomain(to);
  if (!domain.ok) return wrong('host-unknown', `'to' is not a domain: ${domain.why}`); // §4.9.3.6
  return { ok: true, value: { to: domain.value, from } };
}

/** What our answering header says. */
export interface HeaderReply {
  readonly id: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** Our stream header (§4.7): always version 1.0, in English. */
export function headerText({ id, from, to }: HeaderReply): string {
  const address = (name: string, value: string | undefined) =>
    value === undefined ? '' : ` ${name}='${escapeAttribute(value)}'`;
  return (
    `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='${STREAM_NS}'` +
    ` id='${id}'${address('from', from)}${address('to', to)} version='1.0' xml:lang='en'>`
  );
}

/** Stream headers (RFC 6120 §4.7): what the other side says, and what we say. */
import { type Domain, parseDomain } from '../jid/jid.ts';
import { escapeAttribute } from '../xml/element.ts';
import type { StreamHeader } from '../xml/parser.ts';
import { STREAM_NS, type StreamFailure } from './error.ts';

/** The namespace of Server Dialback, which a server's header declares (XEP-0220 §2.4.1). */
export const DIALBACK_NS = 'jabber:server:dialback';

/** The content namespaces (§4.8.2): of a client's, a server's and a component's stream (XEP-0114). */
export type ContentNs = 'jabber:client' | 'jabber:server' | 'jabber:component:accept';

/** A client's header that is in order. */
export interface ClientHeader {
  /** The domain the client wants, prepared; whether it is served is not checked here. */
  readonly to: Domain;
  /** The client's own address if it gave one; it is only ever echoed (§4.7.1). */
  readonly from: string | undefined;
}

/** Another server's header that is in order. */
export interface ServerHeader {
  readonly to: Domain | undefined;
  readonly from: Domain | undefined;
  /** The stream's identifier, if the other side is the one that was connected to. */
  readonly id: string | undefined;
  /** Whether stream features follow: false for software from before XMPP 1.0 (§4.7.5). */
  readonly hasFeatures: boolean;
  readonly knowsDialback: boolean;
}

type Read<T> = { readonly ok: true; readonly value: T } | ({ readonly ok: false } & StreamFailure);

const wrong = (condition: StreamFailure['condition'], text: string) =>
  ({ ok: false, condition, text }) as const;

/** Checks a client's stream header. */
export function readHeader(header: StreamHeader): Read<ClientHeader> {
  const fault = faultOf(header, 'jabber:client');
  if (fault !== undefined) return fault;
  const { to, version, from } = header.attrs;
  if (!isVersionKnown(version)) return wrong('unsupported-version', 'This server speaks XMPP 1.0.'); // §4.9.3.25
  if (to === undefined) return wrong('improper-addressing', "The header lacks a 'to' address."); // §4.7.2
  const domain = parseDomain(to);
  if (!domain.ok) return wrong('host-unknown', `'to' is not a domain: ${domain.why}`); // §4.9.3.6
  return { ok: true, value: { to: domain.value, from } };
}

/** Checks another server's stream header, of whichever side. */
export function readServerHeader(header: StreamHeader): Read<ServerHeader> {
  const fault = faultOf(header, 'jabber:server');
  if (fault !== undefined) return fault;
  const { to, from, version, id } = header.attrs;
  const target = to === undefined ? undefined : parseDomain(to);
  if (target?.ok === false) return wrong('host-unknown', `'to' is not a domain: ${target.why}`);
  const sender = from === undefined ? undefined : parseDomain(from);
  if (sender?.ok === false) return wrong('invalid-from', `'from' is not a domain: ${sender.why}`);
  return {
    ok: true,
    value: {
      to: target?.value,
      from: sender?.value,
      id,
      hasFeatures: isVersionKnown(version),
      knowsDialback: header.declared?.includes(DIALBACK_NS) ?? false,
    },
  };
}

/** Checks a component's stream header, which has no version (XEP-0114 §3); answers its `to`. */
export function readComponentHeader(header: StreamHeader): Read<Domain> {
  const fault = faultOf(header, 'jabber:component:accept');
  if (fault !== undefined) return fault;
  const { to } = header.attrs;
  if (to === undefined) return wrong('improper-addressing', "The header lacks a 'to' address."); // §4.7.2
  const domain = parseDomain(to);
  if (!domain.ok) return wrong('host-unknown', `'to' is not a domain: ${domain.why}`);
  return domain;
}

function faultOf(header: StreamHeader, contentNs: ContentNs) {
  if (header.ns !== STREAM_NS) return wrong('invalid-namespace', 'This is no XMPP stream.'); // §4.9.3.10
  if (header.name !== 'stream') return wrong('bad-format', 'The root element must be <stream/>.');
  if (header.contentNs !== contentNs)
    return wrong('invalid-namespace', `The content namespace here is ${contentNs}.`); // §4.8.3
  return undefined;
}

/** 1.0 or later; zeros in front count for nothing (§4.7.5). */
const isVersionKnown = (version: string | undefined) => /^0*[1-9]\d*\.\d+$/.test(version ?? '');

/** What our header says. */
export interface HeaderReply {
  /** Absent in the header of the one who connects. */
  readonly id: string | undefined;
  readonly from: string | undefined;
  readonly to: string | undefined;
}

/** Our stream header (§4.7): in English, and of version 1.0 but for a component (XEP-0114 §3). */
export function headerText(reply: HeaderReply, contentNs: ContentNs = 'jabber:client'): string {
  const attribute = (name: string, value: string | undefined) =>
    value === undefined ? '' : ` ${name}='${escapeAttribute(value)}'`;
  const dialback = contentNs === 'jabber:server' ? ` xmlns:db='${DIALBACK_NS}'` : '';
  const version = contentNs === 'jabber:component:accept' ? undefined : '1.0';
  return (
    `<?xml version='1.0'?><stream:stream xmlns='${contentNs}' xmlns:stream='${STREAM_NS}'${dialback}` +
    `${attribute('id', reply.id)}${attribute('from', reply.from)}${attribute('to', reply.to)}` +
    `${attribute('version', version)} xml:lang='en'>`
  );
}

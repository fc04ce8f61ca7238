/**
 * The negotiation of a stream between servers (RFC 6120 §4.3, XEP-0178 §3, XEP-0220, XEP-0288) is a
 * pure function from a state and an event to the next state and the actions that the connection
 * carries out: one for who was connected to, one for who connects. Here is what they share.
 */
import type { Domain } from '../jid/jid.ts';
import type { StreamFailure } from '../stream/error.ts';
import { childrenOf, type Element, serialise, textOf } from '../xml/element.ts';
import type { StreamHeader } from '../xml/parser.ts';
import { SEE_OTHER_HOST } from './redirect.ts';

/** The feature of XEP-0288. */
export const BIDI_FEATURE_NS = 'urn:xmpp:features:bidi';
/** The request of XEP-0288. */
export const BIDI_NS = 'urn:xmpp:bidi';

/** What happened. */
export type StreamEvent =
  | { readonly kind: 'header'; readonly header: StreamHeader }
  | { readonly kind: 'element'; readonly element: Element }
  /** TLS is set up, and the certificate was judged. */
  | { readonly kind: 'secured' };

/** What the connection has to do, in order. */
export type StreamAction =
  /** Send our stream header; as the one who was connected to, with a new identifier. */
  | { readonly do: 'open'; readonly from: Domain | undefined; readonly to: Domain | undefined }
  | { readonly do: 'send'; readonly text: string }
  | { readonly do: 'secure' }
  /** Expect a new stream header (§4.3.3). */
  | { readonly do: 'restart' }
  /** The other side proved by EXTERNAL that it is its domain, and its new stream is open. */
  | { readonly do: 'authenticated' }
  /** As the one who connected: what could be negotiated is. */
  | { readonly do: 'ready' }
  | { readonly do: 'dialback'; readonly element: Element }
  | { readonly do: 'stanza'; readonly element: Element }
  /** An element of stream management (XEP-0198). */
  | { readonly do: 'manage'; readonly element: Element }
  /** Close the stream without an error: the other side reported one. */
  | { readonly do: 'close'; readonly why: string; readonly condition: string }
  | ({ readonly do: 'end' } & StreamFailure)
  /** As the one who connected: this cannot succeed. */
  | { readonly do: 'give-up'; readonly why: GiveUp; readonly text: string };

/** Why a stream that we opened leads nowhere. */
export type GiveUp =
  | 'no-xmpp'
  | 'no-tls'
  | 'untrusted'
  | 'no-authentication'
  /** The connection was closed, or nothing came in time. */
  | 'closed'
  /** The other side ended the stream with this error; `otherHost` is where it sends us on. */
  | { readonly reported: string; readonly otherHost?: string };

/** The action that sends an element. */
export const send = (element: Element): StreamAction => ({ do: 'send', text: serialise(element) });

/** What a stream error or a failure of SASL that the other side reports says (§4.9.2, §6.4.5), in a sentence. */
export function reportedError(error: Element): {
  readonly condition: string;
  readonly text: string;
  /** Where it sends us on to (§4.9.3.19), as it says it. */
  readonly otherHost?: string;
} {
  const parts = childrenOf(error);
  const named = parts.find(({ name }) => name !== 'text');
  const sentence = parts.find(({ name }) => name === 'text');
  const words = sentence === undefined ? '' : textOf(sentence).slice(0, MAX_TEXT);
  const condition = (named?.name ?? 'undefined-condition').slice(0, MAX_NAME);
  const text = `it says ${condition}${words === '' ? '' : `: ${words}`}`;
  if (named === undefined || condition !== SEE_OTHER_HOST) return { condition, text };
  return { condition, text, otherHost: textOf(named).slice(0, MAX_TEXT) };
}

/** How much of a stranger's words is kept. */
const MAX_TEXT = 500;
const MAX_NAME = 100;

/** Makers of the stanzas that the server itself sends. */
import type { Jid } from '../jid/jid.ts';
import { nextSerial, randomId } from '../kit/ids.ts';
import { type AttributeValues, type Child, type Element, el } from '../xml/element.ts';
import type { Iq, IqType, Message, MessageType, Presence, PresenceType } from './stanza.ts';
import { wireOf } from './wire.ts';

/** What a message is made of. */
export interface MessageParts {
  readonly from: Jid;
  readonly to: Jid;
  /** `normal` when left out. */
  readonly type?: MessageType | undefined;
  readonly id?: string | undefined;
  /** Further attributes, such as `xml:lang`. */
  readonly attrs?: AttributeValues | undefined;
  readonly children?: readonly Child[] | undefined;
}

/** A message. */
export function message(parts: MessageParts): Message {
  const { from, to, type = 'normal', id, children = [] } = parts;
  const attrs = { ...parts.attrs, type: type === 'normal' ? undefined : type, id, from, to };
  const element = el('message', attrs, ...children);
  const serial = nextSerial();
  return { kind: 'message', type, id, from, to, serial, element, wire: wireOf(element) };
}

/** What a presence is made of. */
export interface PresenceParts {
  readonly from: Jid;
  readonly to?: Jid | undefined;
  /** `available` when left out. */
  readonly type?: PresenceType | undefined;
  readonly id?: string | undefined;
  /** Further attributes, such as `xml:lang`. */
  readonly attrs?: AttributeValues | undefined;
  readonly children?: readonly Child[] | undefined;
}

/** A presence. */
export function presence(parts: PresenceParts): Presence {
  const { from, to, type = 'available', id, children = [] } = parts;
  const attrs = { ...parts.attrs, type: type === 'available' ? undefined : type, id, from, to };
  const element = el('presence', attrs, ...children);
  return { kind: 'presence', type, id, from, to, element, wire: wireOf(element) };
}

/** What a request is made of. */
export interface RequestParts {
  readonly from: Jid;
  readonly to: Jid;
  /** A random one when left out. */
  readonly id?: string | undefined;
  readonly payload: Element;
}

/** A request for information. */
export function iqGet(parts: RequestParts): Iq {
  return iq('get', parts.from, parts.to, parts.id ?? randomId(), [parts.payload]);
}

/** A request that changes something. */
export function iqSet(parts: RequestParts): Iq {
  return iq('set', parts.from, parts.to, parts.id ?? randomId(), [parts.payload]);
}

/** The answer to a request, from whom it was addressed to (RFC 6120 §8.2.3). */
export function iqResult(request: Iq, payload?: Element): Iq {
  return iq('result', request.to, request.from, request.id, [payload]);
}

/** An iq of any type. An error's children are no payload. */
export function iq(type: IqType, from: Jid, to: Jid, id: string, children: readonly Child[]): Iq {
  const element = el('iq', { type, id, from, to }, ...children);
  const first = element.children[0];
  const payload = type === 'error' || typeof first === 'string' ? undefined : first;
  return { kind: 'iq', type, id, from, to, payload, element, wire: wireOf(element) };
}

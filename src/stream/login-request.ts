/** `<authenticate/>`: what a client asks for in one step by SASL2 (XEP-0388 §2.3). */
import { readBase64, type SaslCondition } from '../sasl/index.ts';
import { childOf, childrenOf, type Element, isNamed, nsOf, textOf } from '../xml/element.ts';
import { isTrue, SM_NS } from './acks.ts';

/** The namespace of SASL2. */
export const SASL2_NS = 'urn:xmpp:sasl:2';
/** The namespace of Bind 2 (XEP-0386). */
export const BIND2_NS = 'urn:xmpp:bind:0';
/** The namespace of FAST (XEP-0484). */
export const FAST_NS = 'urn:xmpp:fast:0';
/** The namespace of upgrades (XEP-0480). */
export const UPGRADE_NS = 'urn:xmpp:sasl:upgrade:0';

/** What a client says of itself. */
export interface UserAgent {
  /** Its UUID in lower case, which stays the same; undefined if it does not say. */
  readonly uuid: string | undefined;
  /** The name of the client, and of the machine; '' if it does not say. */
  readonly software: string;
  readonly device: string;
}

/** How a token is used (XEP-0484 §3.4, §3.6). */
export interface FastRequest {
  readonly count: number | undefined;
  /** Whether the token is not to be used again. */
  readonly isLast: boolean;
}

/** What a client asks for. */
export interface LoginRequest {
  readonly mechanism: string;
  /** The initial response; empty if there is none. */
  readonly data: Buffer;
  readonly agent: UserAgent | undefined;
  /** `<bind/>` of XEP-0386. */
  readonly bind: Element | undefined;
  /** `<resume/>` of XEP-0198. */
  readonly resume: Element | undefined;
  /** The upgrade tasks that the client would do. */
  readonly upgrades: readonly string[];
  /** The mechanism for which a token is wanted. */
  readonly tokenFor: string | undefined;
  /** Set if a token is what the client logs in with. */
  readonly fast: FastRequest | undefined;
}

/** A request, or why it is none. */
export type LoginRequestOutcome =
  | { readonly ok: true; readonly value: LoginRequest }
  | { readonly ok: false; readonly condition: SaslCondition; readonly text: string };

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;
/** What people can tell apart; more of a name is not kept. */
const NAME_CHARS = 100;
/** As many as there are to be had, and some that we do not know. */
const MOST_UPGRADES = 10;

const wrong = (condition: SaslCondition, text: string) => ({ ok: false, condition, text }) as const;

/** Reads `<authenticate/>`; what it does not know is passed over. */
export function readLoginRequest(element: Element): LoginRequestOutcome {
  const mechanism = element.attrs['mechanism'];
  if (mechanism === undefined) return wrong('invalid-mechanism', 'A mechanism has to be named.');
  const response = childOf(element, 'initial-response', SASL2_NS);
  const data = response === undefined ? Buffer.alloc(0) : readBase64(textOf(response));
  if (data === undefined) return wrong('incorrect-encoding', 'The initial response is not base64.');
  const agent = readAgent(childOf(element, 'user-agent', SASL2_NS));
  if (agent === 'bad')
    return wrong('malformed-request', "The id of 'user-agent' must be a UUID of version 4.");
  const fast = readFast(childOf(element, 'fast', FAST_NS));
  if (fast === 'bad')
    return wrong('malformed-request', "The count of 'fast' must be a positive integer.");
  return {
    ok: true,
    value: {
      mechanism,
      data,
      agent,
      bind: childOf(element, 'bind', BIND2_NS),
      resume: childOf(element, 'resume', SM_NS),
      upgrades: upgradesIn(element),
      tokenFor: childOf(element, 'request-token', FAST_NS)?.attrs['mechanism'],
      fast,
    },
  };
}

/** §2.3: the id, if present, must be a UUID v4. */
function readAgent(element: Element | undefined): UserAgent | 'bad' | undefined {
  if (element === undefined) return undefined;
  const { id } = element.attrs;
  if (id !== undefined && !UUID_V4.test(id)) return 'bad';
  const named = (name: string) => {
    const child = childOf(element, name, SASL2_NS);
    return child === undefined ? '' : nameIn(textOf(child));
  };
  return { uuid: id?.toLowerCase(), software: named('software'), device: named('device') };
}

/** A name for people to read, on a terminal too: one line, without characters that steer. */
function nameIn(text: string): string {
  const line = text
    .replace(/[\p{C}\p{Z}\s]+/gu, ' ')
    .trim()
    .normalize('NFC');
  return [...line].slice(0, NAME_CHARS).join('').trim();
}

/** XEP-0484 §3.4 */
function readFast(element: Element | undefined): FastRequest | 'bad' | undefined {
  if (element === undefined) return undefined;
  const { count, invalidate } = element.attrs;
  if (count !== undefined && !/^0*[1-9]\d{0,9}$/.test(count)) return 'bad';
  return {
    count: count === undefined ? undefined : Number(count),
    isLast: isTrue(invalidate),
  };
}

/** XEP-0480 §2.2 */
function upgradesIn(element: Element): readonly string[] {
  const named = childrenOf(element)
    .filter((child) => isNamed(child, 'upgrade', UPGRADE_NS))
    .slice(0, MOST_UPGRADES)
    .map((child) => textOf(child).trim());
  return [...new Set(named)];
}

/** The children of `<bind/>` by their namespace, its own left out: what is asked for (XEP-0386 §3.2). */
export function bindRequestsIn(bind: Element): ReadonlyMap<string, Element> {
  const requests = new Map<string, Element>();
  for (const child of childrenOf(bind)) {
    const ns = nsOf(child);
    if (ns !== BIND2_NS && !requests.has(ns)) requests.set(ns, child);
  }
  return requests;
}

/** The `<tag/>` of `<bind/>`; undefined if there is none. */
export function bindTagIn(bind: Element): string | undefined {
  const tag = childOf(bind, 'tag', BIND2_NS);
  const text = tag === undefined ? '' : textOf(tag);
  return text === '' ? undefined : text;
}

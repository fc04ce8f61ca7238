/** The `<body/>` wrapper of BOSH (XEP-0124 §6, XEP-0206 §2): what a client's says, and how ours are written. */
import { STREAM_NS } from '../stream/error.ts';
import {
  type AttributeValues,
  type Element,
  escapeAttribute,
  isNamed,
  nsOf,
  serialise,
  withAttributes,
} from '../xml/element.ts';
import { parseElement } from '../xml/parse.ts';
import type { XmlLimits } from '../xml/parser.ts';

const BOSH_NS = 'http://jabber.org/protocol/httpbind';
const XBOSH_NS = 'urn:xmpp:xbosh';

/** The version of BOSH that is spoken here (§7.2). */
const VERSION = [1, 11] as const;

/** The conditions by which a session ends (§17.2). */
export type BoshCondition =
  | 'bad-request'
  | 'host-gone'
  | 'host-unknown'
  | 'improper-addressing'
  | 'internal-server-error'
  | 'item-not-found'
  | 'other-request'
  | 'policy-violation'
  | 'remote-connection-failed'
  | 'remote-stream-error'
  | 'system-shutdown';

/** What a client's `<body/>` says. */
export interface BoshBody {
  readonly rid: number;
  /** Undefined in a request for a session. */
  readonly sid: string | undefined;
  /** The payloads as a stream has them; '' if there are none. */
  readonly payloads: string;
  /** Up to which rid the client has all answers (§9.2). */
  readonly ack: number | undefined;
  /** For how many seconds it will be silent (§10). */
  readonly pause: number | undefined;
  readonly isTerminate: boolean;
  /** Whether it begins the stream anew (XEP-0206 §5). */
  readonly isRestart: boolean;
  readonly key: string | undefined;
  readonly newkey: string | undefined;
  readonly to: string | undefined;
  readonly from: string | undefined;
  readonly lang: string | undefined;
}

/** What a request for a session says besides (§7.1). */
export interface BoshOpening {
  /** Seconds. */
  readonly wait: number | undefined;
  readonly hold: number | undefined;
  /** The version of BOSH that both sides speak; undefined for a client that is older than versions. */
  readonly ver: string | undefined;
  /** The version of the stream (XEP-0206 §3). */
  readonly version: string;
  /** The Content-Type of all answers. */
  readonly content: string;
}

const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+(?:; ?charset=utf-8)?$/i;
const DEFAULT_MEDIA_TYPE = 'text/xml; charset=utf-8';

/** Reads a client's `<body/>`; undefined is what §17.2 calls bad-request. */
export function readBody(
  source: Buffer,
  limits: XmlLimits,
): { readonly body: BoshBody; readonly opening: BoshOpening | undefined } | undefined {
  const parsed = parseElement(source, limits);
  if (!parsed.ok || !isNamed(parsed.element, 'body', BOSH_NS)) return undefined;
  const { element } = parsed;
  const { attrs } = element;
  const payloads = payloadsOf(element);
  const [rid, ack, pause] = [attrs['rid'], attrs['ack'], attrs['pause']].map(numberOf);
  if (payloads === undefined || rid === undefined || rid === 0) return undefined;
  if (ack === 'bad' || pause === 'bad' || rid === 'bad') return undefined;
  const { sid, key, newkey, to, from, type } = attrs;
  const isRestart = isTrue(extension(element, 'restart'));
  const body: BoshBody = {
    ...{ rid, sid, payloads, ack, pause, key, newkey, to, from, isRestart },
    isTerminate: type === 'terminate',
    lang: attrs['xml:lang'],
  };
  const opening = sid === undefined ? openingOf(element) : undefined;
  return opening === 'bad' ? undefined : { body, opening };
}

/**
 * The same for a `<body/>` of which there is only the beginning, as if it had no payloads. Undefined where its
 * tag is not whole.
 */
export function readBodyTag(beginning: Buffer, limits: XmlLimits): ReturnType<typeof readBody> {
  const [tag] = TAG.exec(beginning.toString()) ?? [];
  return tag === undefined ? undefined : readBody(Buffer.from(`${tag}/>`), limits);
}

/** A first tag without its end, whose values may have all but their own quotes in them. */
const TAG = /^\s*<body(?:[^<>"'/]|"[^"]*"|'[^']*')*(?=\/?>)/;

function openingOf(element: Element): BoshOpening | 'bad' {
  const { wait, hold, ver, content = DEFAULT_MEDIA_TYPE } = element.attrs;
  const seconds = numberOf(wait);
  const held = numberOf(hold);
  const spoken = versionOf(ver);
  if (seconds === 'bad' || held === 'bad' || spoken === 'bad') return 'bad';
  if (!MEDIA_TYPE.test(content)) return 'bad';
  // XEP-0206 §11: its default is 1.0.
  const version = extension(element, 'version') ?? '1.0';
  return { wait: seconds, hold: held, ver: spoken, version, content };
}

/** The lower one of two versions, whose parts are integers (§7.1). */
function versionOf(raw: string | undefined): string | 'bad' | undefined {
  if (raw === undefined) return undefined;
  const [, major, minor] = /^(\d{1,6})\.(\d{1,6})$/.exec(raw) ?? [];
  if (major === undefined || minor === undefined) return 'bad';
  const theirs = [Number(major), Number(minor)] as const;
  const isLower = theirs[0] < VERSION[0] || (theirs[0] === VERSION[0] && theirs[1] < VERSION[1]);
  return (isLower ? theirs : VERSION).join('.');
}

/** §6: whole elements, and no text beside them. */
function payloadsOf(body: Element): string | undefined {
  let text = '';
  for (const child of body.children) {
    if (typeof child !== 'string') text += payloadText(child);
    else if (child.trim() !== '') return undefined;
  }
  return text;
}

/** XEP-0206 §2: clients that name no namespace mean jabber:client. */
function payloadText(child: Element): string {
  return serialise(nsOf(child) === BOSH_NS ? withAttributes(child, bare(child)) : child);
}

function bare({ attrs }: Element): Element['attrs'] {
  const { xmlns: _, ...rest } = attrs;
  return rest;
}

/** An attribute of XEP-0206, whatever its prefix. */
function extension({ attrs }: Element, local: string): string | undefined {
  for (const name in attrs) {
    const [prefix, after] = name.split(':');
    if (after === local && attrs[`xmlns:${prefix}`] === XBOSH_NS) return attrs[name];
  }
  return undefined;
}

const isTrue = (value: string | undefined) => value === 'true' || value === '1';

/** A number that is not negative and that all languages can hold (§14.1). */
function numberOf(raw: string | undefined): number | 'bad' | undefined {
  if (raw === undefined) return undefined;
  const value = /^\d{1,16}$/.test(raw) ? Number(raw) : Number.NaN;
  return Number.isSafeInteger(value) ? value : 'bad';
}

/** Our `<body/>`, with the namespaces that its attributes and payloads need. */
export function bodyText(attrs: AttributeValues = {}, payloads = ''): string {
  let head = '';
  let needsXbosh = false;
  for (const name in attrs) {
    const value = attrs[name];
    if (value === undefined) continue;
    head += ` ${name}='${escapeAttribute(String(value))}'`;
    needsXbosh ||= name.startsWith('xmpp:');
  }
  if (needsXbosh) head += ` xmlns:xmpp='${XBOSH_NS}'`;
  if (payloads.includes('<stream:')) head += ` xmlns:stream='${STREAM_NS}'`;
  head += ` xmlns='${BOSH_NS}'`;
  return payloads === '' ? `<body${head}/>` : `<body${head}>${payloads}</body>`;
}

/** An answer by HTTP. */
export interface BoshReply {
  readonly status: 200 | 400 | 403 | 404;
  readonly text: string;
}

/** §17.1: how clients without a version are told. */
const LEGACY = { 'bad-request': 400, 'policy-violation': 403, 'item-not-found': 404 } as const;

/** The answer that a session is over (§17.2). */
export function terminal(condition: BoshCondition, isLegacy = false): BoshReply {
  const status = isLegacy && condition in LEGACY ? LEGACY[condition as keyof typeof LEGACY] : 200;
  return { status, text: bodyText({ type: 'terminate', condition }) };
}

/** The answer that the client is to send all again that has none (§17.3). */
export const RECOVERABLE: BoshReply = { status: 200, text: bodyText({ type: 'error' }) };

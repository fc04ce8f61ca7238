/** The doctor's visit to one address: TCP, TLS, certificate, features, and who proves himself how. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { domainToAscii } from '../../jid/jid.ts';
import { TLS_NS } from '../../stream/features.ts';
import { childOf, type Element, el, nsOf, serialise } from '../../xml/element.ts';
import { connect } from '../connect.ts';
import { placeOf } from '../names.ts';
import { authenticate } from './authenticate.ts';
import { examineCertificate } from './certificate.ts';
import { Dialogue } from './dialogue.ts';
import type { Destination } from './names.ts';
import { type Opened, openStream } from './open.ts';
import type { Examination } from './services.ts';
import { type Cause, passing, quoted, type Step, sentence, stepsOn } from './step.ts';

/** How long a connection, TLS and each answer may take. */
const CONNECT_MS = 7000;
const ANSWER_MS = 10_000;

/** What a visit came to. */
export interface Visit {
  /** The server and its port. */
  readonly where: string;
  readonly steps: readonly Step[];
  /** Whether stanzas could be sent. */
  readonly isThrough: boolean;
  /** Where we are sent on to, as it says it. */
  readonly otherHost?: string;
}

/** A server and its port, as people write it. */
function whereOf({ target: { host, port }, address }: Destination): string {
  return host === address ? `${address} port ${port}` : `${host} (${address}) port ${port}`;
}

/** Visits one address. */
export async function* visit(
  destination: Destination,
  examination: Examination,
): AsyncGenerator<Step, Visit> {
  const where = whereOf(destination);
  const steps: Step[] = [];
  const keep = (step: Step) => void steps.push(step);
  const socket = yield* passing(reach(destination, where, examination), keep);
  if (socket === undefined) return { where, steps, isThrough: false };
  const { target } = destination;
  const { services, signal } = examination;
  const dialogue = new Dialogue(socket, {
    clock: services.clock,
    isTlsFirst: target.isDirectTls,
    signal,
  });
  try {
    const talk = converse(dialogue, destination, where, examination);
    const isThrough = yield* passing(talk, keep);
    const { otherHost } = dialogue;
    return { where, steps, isThrough, ...(otherHost === undefined ? {} : { otherHost }) };
  } finally {
    dialogue.close();
  }
}

async function* reach(
  { target, address }: Destination,
  where: string,
  { services: { clock }, signal }: Examination,
): AsyncGenerator<Step, Socket | undefined> {
  const say = stepsOn('tcp', where);
  const addresses = { ok: true, addresses: [address], ttl: 0, isSecure: false } as const;
  const connected = await connect([target], {
    resolver: { addresses: async () => addresses },
    clock,
    deadlineMs: CONNECT_MS,
    signal,
  });
  const [attempt] = connected.attempts;
  if (connected.ok) {
    // Nobody else holds it while the step is being told.
    signal.addEventListener('abort', () => connected.socket.destroy(), { once: true });
    yield say.ok(`It takes connections (${attempt?.ms ?? 0} ms).`);
    return connected.socket;
  }
  switch (attempt?.outcome) {
    case 'refused':
      yield say.error('closed-port', 'Nobody listens there: the connection is refused.');
      break;
    case 'unreachable':
      yield say.error('unreachable', sentence(attempt.text));
      break;
    case 'timed-out':
      yield say.error('timeout', 'Nothing answers, as behind a firewall that drops packets.');
      break;
    default:
      yield say.error('unreachable', sentence(attempt?.text ?? connected.text));
  }
  return undefined;
}

/** All that is said on one connection; answers whether stanzas could be sent in the end. */
async function* converse(
  dialogue: Dialogue,
  destination: Destination,
  where: string,
  examination: Examination,
): AsyncGenerator<Step, boolean> {
  const { local, services } = examination;
  const terms = services.policy.terms(local);
  let opened: Opened | undefined;
  if (!destination.target.isDirectTls) {
    opened = yield* openStream(dialogue, where, examination);
    if (opened === undefined) return false;
    const isOffered = yield* askForTls(dialogue, opened, where, terms.requireTls);
    if (isOffered === 'failed') return false;
    if (isOffered === 'none') {
      if (terms.requireTls) return false;
      return yield* authenticate(dialogue, opened, where, examination);
    }
  }
  const tls = yield* secure(dialogue, destination, where, examination);
  if (tls === undefined) return false;
  const isTrusted = yield* examineCertificate(tls, destination, where, examination);
  opened = yield* openStream(dialogue, where, examination);
  if (opened === undefined) return false;
  const isAllowed = yield* authenticate(dialogue, opened, where, examination);
  return isAllowed && (isTrusted || !terms.secureAuth);
}

/** RFC 6120 §5.4.2: STARTTLS, up to the point where TLS begins. */
async function* askForTls(
  dialogue: Dialogue,
  { features }: Opened,
  where: string,
  isRequired: boolean,
): AsyncGenerator<Step, 'begun' | 'none' | 'failed'> {
  const say = stepsOn('tls', where);
  if (features === undefined || childOf(features, 'starttls', TLS_NS) === undefined) {
    const text = 'It offers no encryption (STARTTLS)';
    yield isRequired
      ? say.error('no-tls', `${text}, which is required here.`)
      : say.warning('no-tls', `${text}: everything passes in clear.`);
    return 'none';
  }
  dialogue.send(serialise(el('starttls', { xmlns: TLS_NS })));
  const heard = await dialogue.next(ANSWER_MS);
  const isProceeding =
    heard.kind === 'element' && nsOf(heard.element) === TLS_NS && heard.element.name === 'proceed';
  if (isProceeding) return 'begun';
  const instead = heard.kind === 'element' ? `<${nameOf(heard.element)}/>` : 'nothing';
  yield say.error('no-tls', `It offers STARTTLS, but answers ${instead} when it is to begin.`);
  return 'failed';
}

async function* secure(
  dialogue: Dialogue,
  { target }: Destination,
  where: string,
  { local, remote, services: { certificates } }: Examination,
): AsyncGenerator<Step, TLSSocket | undefined> {
  const holder = certificates.contextFor(local);
  dialogue.beginTls({
    ...(holder === undefined ? {} : { secureContext: holder.context }),
    ...(placeOf(remote).kind === 'address' ? {} : { servername: domainToAscii(remote) }),
    ...(target.isDirectTls ? { ALPNProtocols: ['xmpp-server'] } : {}),
    rejectUnauthorized: false, // judged, not refused
    checkServerIdentity: () => undefined,
  });
  const heard = await dialogue.next(ANSWER_MS);
  const { tls } = dialogue;
  const say = stepsOn('tls', where);
  if (heard.kind === 'secured' && tls !== undefined) {
    yield say.ok(`${tls.getProtocol() ?? 'TLS'} with ${tls.getCipher().name}.`);
    return tls;
  }
  yield heard.kind === 'silence'
    ? say.error('timeout', 'It takes the connection, but does not go on with TLS.')
    : say.error(...tlsFault(heard.kind === 'end' ? heard.text : '', target.isDirectTls));
  return undefined;
}

/** What OpenSSL says, in words that help. */
function tlsFault(said: string, isDirectTls: boolean): [Cause, string, string] {
  const words: readonly (readonly [RegExp, string])[] = [
    [
      /wrong version number|packet length too long|record layer failure/i,
      isDirectTls
        ? 'What answers there speaks no TLS, though the record is for direct TLS (_xmpps-server).'
        : 'What it sends after STARTTLS is no TLS.',
    ],
    [
      /protocol version|unsupported protocol|version too low/i,
      'It has no version of TLS that is allowed here (1.2 or later).',
    ],
    [/no shared cipher|handshake failure/i, 'The two sides agree on no cipher.'],
    [/no application protocol/i, 'It does not take "xmpp-server" for the protocol (ALPN).'],
    [/unrecognized.name/i, 'It has no certificate for this name.'],
    [/closed|reset|EPIPE/i, 'It breaks the connection off during the TLS handshake.'],
  ];
  const known = words.find(([pattern]) => pattern.test(said));
  return ['tls-failed', known?.[1] ?? 'TLS could not be set up.', quoted(said)];
}

const nameOf = ({ name }: Element) => quoted(name, 60);

/**
 * What a login by SASL2 asks for besides being authenticated, done in order (XEP-0388 §2.6.1): the
 * session is bound with its features (XEP-0386), the device gets its token (XEP-0484).
 */
import { deviceId, type Sighting } from '../core/devices.ts';
import type { SessionDevice } from '../core/sessions.ts';
import { type BareJid, domainOf, type FullJid, resourceOf } from '../jid/jid.ts';
import { failed, type Resumption, readResume, resumed } from '../stream/acks.ts';
import {
  BIND2_NS,
  bindRequestsIn,
  bindTagIn,
  FAST_NS,
  type LoginRequest,
  type UserAgent,
} from '../stream/login-request.ts';
import type { Admission, NegotiationEvent } from '../stream/negotiation.ts';
import { writeDateTime } from '../xml/date-time.ts';
import { type Element, el } from '../xml/element.ts';
import { bindDevice } from './bind.ts';
import { bindFeaturesOf } from './inline.ts';
import type { Login } from './login.ts';
import type { C2sServices } from './services.ts';
import type { ClientSession } from './session.ts';

/** How often another connection may take the same resource at the same moment. */
const BIND_TRIES = 3;

/** That a session cannot be resumed, and how much of what its client sent was handled, if known. */
export interface Gone {
  readonly handled: number | undefined;
}

/** What to report of a session that is being resumed, before anything is sent to it. */
export type Resumed = (session: ClientSession, handled: number) => NegotiationEvent;

/** A client that has proved who it is. */
export interface Newcomer {
  readonly account: BareJid;
  readonly request: LoginRequest;
  readonly login: Login;
  readonly mechanism: string;
  /** The mechanisms for which a token can be had on this connection. */
  readonly tokenMechanisms: readonly string[];
  readonly remote: string;
  /** Whether the connection is over. */
  isGone(): boolean;
  /** Opens the session; undefined if the full JID was taken meanwhile. */
  open(jid: FullJid, device: SessionDevice | undefined): ClientSession | undefined;
  /** Resumes a session; undefined when that was reported. */
  resume(wanted: Resumption, told: Resumed): Promise<Gone | undefined>;
  /** Tells of what could not be done, for the log. */
  fault(error: unknown, text: string): void;
}

/** The device that a client says to be; undefined if it would not be known again. */
export function deviceOf(
  account: BareJid,
  agent: UserAgent | undefined,
): SessionDevice | undefined {
  if (agent?.uuid === undefined) return undefined;
  const { uuid, software, device } = agent;
  return { id: deviceId(account, 'agent', uuid), kind: 'agent', software, name: device };
}

const REFUSED: Admission = { kind: 'refused', condition: 'not-authorized' };

/**
 * Does what the newcomer asks for; undefined when a session was resumed, which is reported in the
 * midst of it. Rejects only where a bug is.
 */
export async function admit(
  newcomer: Newcomer,
  services: C2sServices,
): Promise<Admission | undefined> {
  const { account, request, login } = newcomer;
  const isAnonymous = newcomer.mechanism === 'ANONYMOUS';
  const device = isAnonymous ? undefined : deviceOf(account, request.agent);
  // A change of the password, or a revocation, passes over those who are logging in.
  const isWithdrawn = () => services.accounts.isWithdrawn(account, login.since, device?.id);
  const refused = await useToken(newcomer, services);
  if (refused !== undefined) return refused;
  const sighting = sightingOf(newcomer, device, services);
  const token = sighting === undefined ? undefined : await giveToken(newcomer, sighting, services);
  if (isWithdrawn()) return REFUSED;
  if (sighting !== undefined) services.devices.seen(sighting);

  const resumed = await resume(newcomer, token);
  if (resumed === 'told') return undefined;
  if (request.bind === undefined) return { kind: 'authenticated', parts: present(resumed, token) };
  const bound = await bind(newcomer, request.bind, device, services);
  if (bound === undefined) return { kind: 'authenticated', parts: present(resumed, token) };
  const { jid } = bound.session;
  if (isWithdrawn()) {
    bound.session.end('not-authorized', 'What you logged in with is no longer valid.');
    return REFUSED;
  }
  if (sighting !== undefined) services.devices.seen({ ...sighting, resource: resourceOf(jid) });
  return { kind: 'bound', jid, parts: present(resumed, bound.element, token) };
}

const present = (...parts: readonly (Element | undefined)[]) =>
  parts.filter((part) => part !== undefined);

/** XEP-0198 §9.2: comes before binding, which is left out when it succeeds; or why it does not. */
async function resume(
  { request, resume: wake }: Newcomer,
  token: Element | undefined,
): Promise<'told' | Element | undefined> {
  if (request.resume === undefined) return undefined;
  const wanted = readResume(request.resume);
  if (wanted === undefined) return failed('bad-request');
  const gone = await wake(wanted, ({ jid }, handled) => ({
    kind: 'admitted',
    admission: { kind: 'resumed', jid, parts: present(resumed(wanted.id, handled), token) },
  }));
  return gone === undefined ? 'told' : failed('item-not-found', gone.handled);
}

/** XEP-0484 §3.4: the token is taken, once. */
async function useToken(
  { request, login, fault }: Newcomer,
  { tokens }: C2sServices,
): Promise<Admission | undefined> {
  if (login.token === undefined) return undefined;
  const { count, isLast = false } = request.fast ?? {};
  try {
    const isGood = await tokens.use(login.token, { count, isLast });
    return isGood ? undefined : { kind: 'refused', condition: 'not-authorized' };
  } catch (error) {
    fault(error, 'a token could not be used');
    return { kind: 'refused', condition: 'temporary-auth-failure' };
  }
}

interface BoundSession {
  readonly session: ClientSession;
  /** `<bound/>` */
  readonly element: Element;
}

/** XEP-0386 §3.2; undefined when no resource can be had, so that the client may bind one by itself. */
async function bind(
  newcomer: Newcomer,
  request: Element,
  device: SessionDevice | undefined,
  services: C2sServices,
): Promise<BoundSession | undefined> {
  const { account } = newcomer;
  const binder = { account, device, tag: bindTagIn(request) };
  for (let tries = 0; tries < BIND_TRIES; tries += 1) {
    const found = await bindDevice(binder, services);
    if (!found.ok || newcomer.isGone()) return undefined;
    const session = newcomer.open(found.jid, device);
    if (session === undefined) continue;
    const results = await beginFeatures(session, request, newcomer, services);
    return { session, element: el('bound', { xmlns: BIND2_NS }, ...results) };
  }
  return undefined;
}

/** Begins all in the turn in which the session was opened; answers what came of them, in order. */
async function beginFeatures(
  session: ClientSession,
  request: Element,
  { account, fault }: Newcomer,
  services: C2sServices,
): Promise<Element[]> {
  const host = services.hosts.get(domainOf(account));
  const features = host === undefined ? [] : bindFeaturesOf(host, services);
  const requests = bindRequestsIn(request);
  const begun = features.map(async (feature) => feature.bind(session, requests.get(feature.ns)));
  const results: Element[] = [];
  for (const outcome of await Promise.allSettled(begun)) {
    if (outcome.status === 'rejected')
      fault(outcome.reason, 'a feature could not be had while binding');
    else if (outcome.value !== undefined) results.push(outcome.value);
  }
  return results;
}

function sightingOf(
  { account, mechanism, remote, login }: Newcomer,
  device: SessionDevice | undefined,
  { clock }: C2sServices,
): Sighting | undefined {
  if (device === undefined) return undefined;
  return {
    ...device,
    account,
    resource: '',
    mechanism,
    address: remote,
    at: clock.now(),
    password: login.isByPassword ? login.since : undefined,
  };
}

/** XEP-0484 §3.3, §3.5: a token that was asked for, or that replaces the one in use. */
async function giveToken(
  { request, login, tokenMechanisms, fault }: Newcomer,
  sighting: Sighting,
  { tokens }: C2sServices,
): Promise<Element | undefined> {
  const wanted = tokenMechanisms.find((mechanism) => mechanism === request.tokenFor);
  const isDue =
    login.token !== undefined && request.fast?.isLast !== true && tokens.isDue(login.token);
  const mechanism = wanted ?? (isDue ? login.token?.mechanism : undefined);
  if (mechanism === undefined) return undefined;
  try {
    const { secret, expires } = await tokens.issue(sighting, mechanism);
    return el('token', { xmlns: FAST_NS, expiry: writeDateTime(expires), token: secret });
  } catch (error) {
    fault(error, 'a token could not be given out');
    return undefined;
  }
}

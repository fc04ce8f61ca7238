/**
 * How a client of a connection comes in: what is offered to it, and the mechanisms, tasks and requests
 * that the negotiation has carried out, until a resource is bound.
 */
import { deviceId } from '../core/devices.ts';
import type { MaybePromise } from '../core/hooks.ts';
import type { Host } from '../core/hosts.ts';
import type { SessionDevice } from '../core/sessions.ts';
import {
  type BareJid,
  type Domain,
  domainOf,
  type FullJid,
  parseDomain,
  resourceOf,
} from '../jid/jid.ts';
import {
  beginUpgrade,
  hashOfUpgrade,
  SCRAM_HASHES,
  type ScramHash,
  type Upgrade,
} from '../sasl/index.ts';
import type { Resumption } from '../stream/acks.ts';
import type { StreamFailure } from '../stream/error.ts';
import type { UserAgent } from '../stream/login-request.ts';
import {
  claimedIn,
  type HostTerms,
  type Negotiation,
  type NegotiationAction,
  type NegotiationEvent,
  type Offer,
} from '../stream/negotiation.ts';
import type { StreamHeader } from '../xml/parser.ts';
import { admit, deviceOf, type Gone, type Resumed } from './admission.ts';
import { bindResource } from './bind.ts';
import { type Bindable, bindingData, bindingTypes } from './channel-binding.ts';
import { earlyKey } from './early-iq.ts';
import { laterOffer } from './inline.ts';
import { beginLogin, type Login } from './login.ts';
import { offerFor } from './offers.ts';
import type { C2sServices } from './services.ts';
import type { ClientSession } from './session.ts';

const TOO_MANY_FAILURES = 'Too many logins from your address have failed; try again later.';

/** The connection, as its authentication uses it. */
export interface Applicant {
  readonly remote: string;
  /** The TLS of the connection, and the certificate in it. */
  readonly tls: Bindable | undefined;
  readonly state: Negotiation;
  readonly isOver: boolean;
  /** The session, once a resource is bound. */
  readonly session: ClientSession | undefined;
  /** Reports what happened; nothing comes of it once the stream is over. */
  step(event: NegotiationEvent): void;
  end(failure: StreamFailure): void;
  /** Whether there is room for the client, which only guests are asked for. */
  hasRoom(): boolean;
  /** Opens a session for a resource that the client has bound by a request of this id, and tells it. */
  bind(jid: FullJid, device: SessionDevice | undefined, id: string): ClientSession;
  /** Opens a session; undefined if the full JID was taken meanwhile. */
  openSession(jid: FullJid, device: SessionDevice | undefined): ClientSession | undefined;
  /** Lets the session send what it kept back until the client knew of it. */
  tell(): void;
  /** Resumes a session; undefined when that was reported. */
  resume(wanted: Resumption, told: Resumed): Promise<Gone | undefined>;
  note(level: 'error', facts: object, text: string): void;
}

/** What the negotiation has done of a login. */
export type LoginAction = Extract<
  NegotiationAction,
  { do: 'begin-sasl' | 'continue-sasl' | 'begin-upgrade' | 'upgrade' | 'admit' | 'bind' }
>;

/** The logins of one connection. */
export class Authentication {
  readonly #applicant: Applicant;
  readonly #services: C2sServices;
  /** The hashes for which the client, if it is who it says to be, has keys. */
  #hashes: readonly ScramHash[] = SCRAM_HASHES;
  #isNamed = false;
  #login: Login | undefined;
  /** What the client says of itself. */
  #agent: UserAgent | undefined;
  #upgrade: Upgrade | undefined;

  constructor(applicant: Applicant, services: C2sServices) {
    this.#applicant = applicant;
    this.#services = services;
  }

  /** Looks up what can be offered, which depends on who the client says to be (XEP-0388 §2.1). */
  prepare({ attrs: { to, from } }: StreamHeader): MaybePromise<void> {
    const { hosts, accounts } = this.#services;
    const { isSecure, account } = this.#applicant.state;
    const host = to === undefined ? undefined : parseDomain(to);
    if (host?.ok !== true || hosts.get(host.value) === undefined) return;
    if (!isSecure || account !== undefined) return;
    const claimed = claimedIn(from);
    const found = accounts.hashesOffered(host.value, claimed);
    const take = (hashes: readonly ScramHash[]) => {
      this.#hashes = hashes;
      this.#isNamed = claimed !== undefined;
    };
    return found instanceof Promise ? found.then(take) : take(found);
  }

  /** What holds for the clients of a host; undefined if it is not served. */
  termsOf(domain: Domain): HostTerms | undefined {
    const { hosts, tlsPolicy } = this.#services;
    const host = hosts.get(domain);
    if (host === undefined) return undefined;
    const features = host.dispatch.streamFeatures;
    const { session } = this.#applicant;
    // Each is made when it is asked for: a step needs one of them, and making them all is much of a login.
    return {
      offer: () => this.#offer(host),
      isTlsRequired: tlsPolicy().required,
      earlyFeatures: () => features({ host: domain, phase: 'early' }),
      authenticatedFeatures: () => features({ host: domain, phase: 'authenticated' }),
      boundFeatures: () =>
        laterOffer(host, features({ host: domain, phase: 'bound' }), session, this.#services),
      answersEarly: (payload) => host.dispatch.earlyIq.has(earlyKey(payload)),
    };
  }

  /** Carries out what the negotiation says, and reports to it. */
  async perform(action: LoginAction): Promise<void> {
    switch (action.do) {
      case 'begin-sasl':
        return this.#begin(action);
      case 'continue-sasl':
        return this.#continue(action.data);
      case 'begin-upgrade':
        return this.#beginUpgrade(action.task);
      case 'upgrade':
        return this.#takeUpgrade(action.salted);
      case 'admit':
        return this.#admit(action);
      case 'bind':
        return this.#bind(action);
    }
  }

  /** What is offered on the connection as it is now. */
  #offer(host: Host): Offer {
    const { isSecure } = this.#applicant.state;
    const { tls } = this.#applicant;
    const kind = {
      isSecure,
      channelBindings: tls === undefined || !isSecure ? [] : bindingTypes(tls),
      hashes: this.#hashes,
      isNamed: this.#isNamed,
      hasTokens: this.#hasTokens(tls?.socket),
    };
    return offerFor(host, kind, this.#services);
  }

  /**
   * No tokens where one connection cannot be told from another (draft-schmaus-kitten-sasl-ht-09 §6); TLS
   * that a proxy speaks is none of ours, and bound to nothing.
   */
  #hasTokens(socket: Bindable['socket'] | undefined): boolean {
    const isUnique = socket?.getProtocol() !== 'TLSv1.2' || !socket.isSessionReused();
    return this.#services.tokens.areOn && isUnique;
  }

  #step(event: NegotiationEvent): void {
    this.#applicant.step(event);
  }

  async #begin(action: LoginAction & { readonly do: 'begin-sasl' }): Promise<void> {
    const { state, tls, remote } = this.#applicant;
    const { accounts, hosts, tokens, mayTryLogin } = this.#services;
    if (state.host === undefined) return;
    this.#agent = action.request?.agent;
    if (!mayTryLogin(remote)) {
      const condition = 'temporary-auth-failure';
      const step = { kind: 'failure', condition, text: TOO_MANY_FAILURES } as const;
      this.#step({ kind: 'sasl', step });
      return;
    }
    this.#login = beginLogin(action.mechanism, {
      host: state.host,
      accounts,
      tokens,
      isAnonymousAllowed: hosts.get(state.host)?.config.anonymous ?? false,
      offered: {
        mechanisms: action.offered,
        channelBindings: state.offer?.channelBindings ?? [],
        tls: tls?.socket.getProtocol() ?? undefined,
      },
      request: action.request,
      onFault: (error) => this.#fault(error, 'a login could not be checked'),
      binding: (type) => (tls === undefined ? undefined : bindingData(tls, type)),
    });
    await this.#continue(action.data);
  }

  async #continue(data: Buffer): Promise<void> {
    if (this.#login !== undefined) this.#step({ kind: 'sasl', ...(await this.#login.step(data)) });
  }

  #beginUpgrade(task: string): void {
    const hash = hashOfUpgrade(task);
    if (hash === undefined) {
      this.#step({ kind: 'upgrade-failed', condition: 'malformed-request' });
      return;
    }
    this.#upgrade = beginUpgrade(hash);
    const { salt, iterations } = this.#upgrade;
    this.#step({ kind: 'upgrade-begun', salt, iterations });
  }

  /** XEP-0480 §3: what the account has by now is not replaced. */
  async #takeUpgrade(salted: Buffer): Promise<void> {
    const keys = this.#upgrade?.keysOf(salted);
    const account = this.#applicant.state.login?.account;
    this.#upgrade = undefined;
    if (keys === undefined || account === undefined) {
      this.#step({ kind: 'upgrade-failed', condition: 'malformed-request' });
      return;
    }
    try {
      await this.#services.accounts.addKeys(account, keys);
      this.#step({ kind: 'upgraded' });
    } catch (error) {
      this.#fault(error, 'keys could not be added');
      this.#step({ kind: 'upgrade-failed', condition: 'temporary-auth-failure' });
    }
  }

  async #admit({ request }: LoginAction & { readonly do: 'admit' }): Promise<void> {
    const applicant = this.#applicant;
    const { account, mechanism = '', offer } = applicant.state;
    const login = this.#login;
    if (account === undefined || login === undefined) return;
    const admission = await admit(
      {
        account,
        request,
        login,
        mechanism,
        tokenMechanisms: offer?.sasl2?.tokenMechanisms ?? [],
        remote: applicant.remote,
        isGone: () => applicant.state.phase === 'ended',
        open: (jid, device) => applicant.openSession(jid, device),
        resume: (wanted, told) => applicant.resume(wanted, told),
        fault: (error, text) => this.#fault(error, text),
      },
      this.#services,
    );
    if (admission === undefined) return;
    this.#step({ kind: 'admitted', admission });
    applicant.tell();
  }

  /** RFC 6120 §7: the client binds a resource by itself. */
  async #bind(action: LoginAction & { readonly do: 'bind' }): Promise<void> {
    const { resource, id } = action;
    const applicant = this.#applicant;
    const { hosts, sessions } = this.#services;
    const { account } = applicant.state;
    if (account === undefined || applicant.isOver) return;
    const device = this.#deviceOf(account, resource);
    const bound = await bindResource(account, resource, this.#services);
    if (applicant.state.phase === 'ended') return;
    const host = domainOf(account);
    if (hosts.get(host) === undefined) {
      applicant.end({ condition: 'host-gone', text: `${host} is no longer served.` }); // §4.9.3.5
      return;
    }
    if (!bound.ok) {
      this.#step({ kind: 'bind-refused', id, condition: bound.condition });
      return;
    }
    if (!applicant.hasRoom()) {
      this.#step({ kind: 'bind-refused', id, condition: 'resource-constraint' }); // §7.6.2.1
      return;
    }
    if (this.#isWithdrawn(account, device)) {
      const text = 'What you logged in with is no longer valid.';
      applicant.end({ condition: 'not-authorized', text });
      return;
    }
    // Another connection took it since it was found to be free.
    if (sessions.at(bound.jid) !== undefined) return this.#bind(action);
    this.#noteDevice(applicant.bind(bound.jid, device, id));
  }

  /** The device of a client that binds a resource by itself; undefined if it would not be known again. */
  #deviceOf(account: BareJid, resource: string | undefined): SessionDevice | undefined {
    if (this.#applicant.state.mechanism === 'ANONYMOUS') return undefined;
    const named = deviceOf(account, this.#agent);
    if (named !== undefined || resource === undefined) return named;
    const id = deviceId(account, 'resource', resource);
    return { id, kind: 'resource', software: '', name: '' };
  }

  /** Whether what the client has logged in with was withdrawn while it did. */
  #isWithdrawn(account: BareJid, device: SessionDevice | undefined): boolean {
    const { accounts } = this.#services;
    return (
      this.#login !== undefined && accounts.isWithdrawn(account, this.#login.since, device?.id)
    );
  }

  /** Notes that the device of a session is there. All that a login needed is let go. */
  #noteDevice({ account, device, jid, remote, security, since }: ClientSession): void {
    const login = this.#login;
    this.#login = undefined;
    if (device === undefined || login === undefined) return;
    this.#services.devices.seen({
      ...device,
      account,
      resource: resourceOf(jid),
      mechanism: security.mechanism,
      address: remote,
      at: since,
      password: login.isByPassword ? login.since : undefined,
    });
  }

  #fault(error: unknown, text: string): void {
    this.#applicant.note('error', { err: error }, text);
  }
}

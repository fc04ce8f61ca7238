/** Decides which devices are woken: those that cannot show now what has come for their account. */
import type { Home } from '../../core/module.ts';
import type { Parcel } from '../../core/parcel.ts';
import type { Session } from '../../core/sessions.ts';
import { type BareJid, bareOf, domainOf, type Jid, localOf } from '../../jid/jid.ts';
import type { Message } from '../../stanza/stanza.ts';
import { type Occasion, occasionOf, requestFrom } from './occasion.ts';
import type { Publisher } from './publisher.ts';
import { deviceOf, isSameDevice, type Registration, type Registrations } from './registrations.ts';
import type { PushSettings } from './settings.ts';
import { createVigil } from './vigil.ts';

/** Sees what comes for accounts, and who comes and goes. */
export interface Waking {
  /** A message was handed to sessions. */
  handed(parcel: Parcel): void;
  /** A message that no session took is kept. */
  kept(message: Message, account: BareJid): void;
  /** Somebody asks for a subscription. */
  requested(account: BareJid, contact: BareJid): void;
  /** A session has a client (again): what waits is there for it to take. */
  came(session: Session): void;
  /** A session has no client any more, for now or for good. */
  left(session: Session): void;
  /** The session of the device that a registration wakes. */
  sessionOf(registration: Registration): Session | undefined;
  stop(): void;
}

/** What it works with. */
export interface WakingOptions {
  readonly home: Home<PushSettings>;
  readonly registrations: Registrations;
  readonly publisher: Publisher;
}

/** A message that has come, and who was given it, if anybody was. */
interface Event {
  readonly message: Message;
  readonly occasion: Occasion;
  readonly parcel: Parcel | undefined;
}

/** Begins to see. */
export function createWaking({ home, registrations, publisher }: WakingOptions): Waking {
  const { story } = home;
  const vigil = createVigil(home.clock);
  // A message that came back is handed out anew; once is enough.
  const considered = new WeakSet<Message>();

  const failed = (account: BareJid) => (error: unknown) => {
    home.metrics.errors.inc({ area: 'push' });
    home.log.error({ err: error, account }, 'push registrations could not be read or changed');
  };
  /** Does something with the live registrations of an account, at once if they are known. */
  const withLive = (account: BareJid, task: (live: readonly Registration[]) => void) => {
    const run = (all: readonly Registration[]) => {
      const live = all.length === 0 ? all : all.filter(({ ended }) => ended === undefined);
      if (live.length > 0) task(live);
    };
    const found = registrations.of(account);
    if (!(found instanceof Promise)) return run(found);
    found.then(run).catch(failed(account));
  };
  // A device is known, or keeps its resource when it comes back, or enables anew.
  const sessionOf = (registration: Registration) =>
    home.sessions
      .of(registration.account)
      .find((session) => isSameDevice(registration, deviceOf(session)));

  /** How long a client may leave a message unacknowledged. */
  const patienceWith = ({ isManaged, isActive, host }: Session) => {
    const { patience, inactivePatience } = home.configOf(host);
    if (!isActive) return inactivePatience;
    if (isManaged) return patience;
    // Without XEP-0198 it is heard of when it is asked for a sign of life, or it is gone.
    const { idlePing, idleTimeout } = home.server().limits;
    return idlePing + idleTimeout;
  };

  /** A device that was handed the message in vain, or has no session, is woken. */
  const consider = (registration: Registration, event: Event) => {
    const { message, occasion, parcel } = event;
    const session = sessionOf(registration);
    const isHolder = session !== undefined && parcel?.holders.includes(session) === true;
    // A room sends to each resource; what is not kept is only for those who were given it.
    if (message.type === 'groupchat' && message.to !== session?.jid) return;
    if (occasion.isFleeting && !isHolder) return;
    const notify = () =>
      publisher.notify(registration, occasion, story.isOn ? story.about(message) : undefined);
    if (session === undefined || !session.isAttached) notify();
    else if (isHolder && parcel !== undefined)
      vigil.watch(session, parcel, patienceWith(session), (has) => {
        if (has) isHere(session);
        else notify();
      });
  };
  /** A message has come for an account; most have no registration, which is found out first. */
  const arrived = (message: Message, account: BareJid, parcel: Parcel | undefined) =>
    withLive(account, (live) => {
      if (considered.has(message)) return;
      const occasion = occasionOf(message, account);
      if (occasion === undefined) return;
      considered.add(message);
      // Who answers each notification with a message would never come to an end.
      if (live.some(({ service }) => isFrom(service, message.from))) return;
      for (const registration of live) consider(registration, { message, occasion, parcel });
    });
  /** A device has what it was to be woken for. */
  const isHere = (session: Session) => {
    const { account } = session;
    withLive(account, (live) => {
      for (const registration of live) {
        if (!isSameDevice(registration, deviceOf(session))) continue;
        publisher.drop(registration);
        if (registration.unseen > 0)
          registrations.change(registration, SEEN).catch(failed(account));
      }
    });
  };

  return {
    sessionOf,
    handed(parcel) {
      // To nobody yet: it may be kept, or go back to its sender.
      if (parcel.given.length === 0) return;
      arrived(parcel.message, parcel.account, parcel);
    },
    kept: (message, account) => arrived(message, account, undefined),
    requested(account, contact) {
      withLive(account, (live) => {
        for (const registration of live)
          if (sessionOf(registration)?.isAttached !== true)
            publisher.notify(registration, requestFrom(contact));
      });
    },
    came(session) {
      if (!session.isAnonymous) isHere(session);
    },
    left: (session) => vigil.end(session),
    stop: () => vigil.stop(),
  };
}

const SEEN = { unseen: 0 } as const;

/** Whether an address is the app server, or one of its domain where that is all of its address. */
function isFrom(service: Jid, sender: Jid): boolean {
  if (localOf(service) === '') return domainOf(service) === domainOf(sender);
  return bareOf(service) === bareOf(sender);
}

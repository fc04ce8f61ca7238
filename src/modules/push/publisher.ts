/**
 * Publishes notifications to app servers (XEP-0357 §7): for each registration one at a time, what comes
 * meanwhile gathered into the next, no faster than is allowed, and again after a failure that may pass.
 */
import type { Home } from '../../core/module.ts';
import type { TellStep } from '../../core/story.ts';
import { type BareJid, domainOf } from '../../jid/jid.ts';
import type { Timer } from '../../kit/clock.ts';
import { iqSet } from '../../stanza/build.ts';
import { createLanes } from './lanes.ts';
import type { Occasion } from './occasion.ts';
import { outcomeOf, type PushOutcome } from './outcome.ts';
import { createPace } from './pace.ts';
import { publishPayload, type Summary } from './payloads.ts';
import { type Address, isSame, type Registration, type Registrations } from './registrations.ts';
import type { PushSettings } from './settings.ts';

/** Tells app servers. */
export interface Publisher {
  /** A device is to be woken; whoever wants to know what comes of it is told. */
  notify(address: Address, occasion: Occasion, tell?: TellStep): void;
  /** What waits to be told need not be any more: the device is here, or the registration is over. */
  drop(address: Address): void;
  /** Sends a notification at once, whatever happened before. */
  test(address: Address): Promise<PushOutcome>;
  /** When something is tried again, in ms since the epoch; undefined when nothing waits. */
  nextTry(address: Address): number | undefined;
  /** Ends all that waits. */
  stop(): void;
}

/** What the publisher works with. */
export interface PublisherOptions {
  readonly home: Home<PushSettings>;
  readonly registrations: Registrations;
  /** How many requests for subscription wait for an account. */
  requests(account: BareJid): Promise<number>;
}

/** How long an app server may take. Another server has to be found and connected to in that time. */
const ANSWER_MS = 60_000;
/** The first pause after a failure; each further one is twice as long, up to the last. */
const FIRST_PAUSE_MS = 30_000;
const LAST_PAUSE_MS = 4 * 3_600_000;
/** Calls have a pace of their own: they do not wait for messages. */
const CALLS_PER_MINUTE = 6;
/** Messages of one notification whose stories tell of it. */
const MOST_TELLERS = 20;
/** Notifications on their way at a time, to one app server and in all. */
const IN_FLIGHT = { perLane: 32, total: 256 };

/** What is to be told about one registration. */
interface Backlog {
  readonly address: Address;
  /** Messages since the last notification. */
  messages: number;
  /** Of the last of them. */
  last: Occasion | undefined;
  /** Of the last messages, for their stories. */
  tellers: TellStep[];
  /** Whether there is anything to be told. */
  isDue: boolean;
  isUrgent: boolean;
  /** Whether a notification is on its way, or waits for room. */
  isBusy: boolean;
  /** Whether the device came while it was. */
  isStale: boolean;
  pause: { readonly timer: Timer; readonly until: number; readonly isPace: boolean } | undefined;
  /** Whoever waits for the outcome of the next notification. */
  readonly testers: ((outcome: PushOutcome) => void)[];
}

/** What one notification tells. */
type Told = Pick<Backlog, 'messages' | 'last' | 'tellers'> & {
  readonly testers: Backlog['testers'];
};

const NOT_SENT: PushOutcome = { kind: 'failed', text: 'not sent: the registration is over' };

/** Makes the publisher. */
export function createPublisher(options: PublisherOptions): Publisher {
  const { home, registrations } = options;
  const { clock, log, metrics } = home;
  const backlogs = new Map<string, Backlog>();
  const pace = createPace(clock);
  const lanes = createLanes(IN_FLIGHT);
  const keyOf = ({ account, service, node }: Address) => JSON.stringify([account, service, node]);
  const settingsOf = ({ account }: Address) => home.configOf(domainOf(account));

  return {
    notify(address, occasion, tell) {
      const backlog = backlogOf(address);
      if (tell !== undefined) backlog.tellers = [...backlog.tellers, tell].slice(-MOST_TELLERS);
      if (occasion.kind !== 'request') {
        backlog.messages += 1;
        backlog.last = occasion;
      }
      if (occasion.kind === 'call') backlog.isUrgent = true;
      backlog.isDue = true;
      advance(backlog);
    },
    drop(address) {
      const backlog = backlogs.get(keyOf(address));
      if (backlog !== undefined) clear(backlog);
    },
    test: (address) =>
      new Promise((resolve) => {
        const backlog = backlogOf(address);
        backlog.testers.push(resolve);
        backlog.isDue = true;
        advance(backlog);
      }),
    nextTry: (address) => backlogs.get(keyOf(address))?.pause?.until,
    stop() {
      for (const backlog of backlogs.values()) clear(backlog);
    },
  };

  function backlogOf({ account, service, node }: Address): Backlog {
    const address = { account, service, node };
    const key = keyOf(address);
    const known = backlogs.get(key);
    if (known !== undefined) return known;
    const made: Backlog = {
      address,
      messages: 0,
      last: undefined,
      tellers: [],
      isDue: false,
      isUrgent: false,
      isBusy: false,
      isStale: false,
      pause: undefined,
      testers: [],
    };
    backlogs.set(key, made);
    return made;
  }

  /** Forgets what is to be told; the backlog itself stays while a notification is on its way. */
  function clear(backlog: Backlog): void {
    backlog.messages = 0;
    backlog.last = undefined;
    backlog.tellers = [];
    backlog.isDue = false;
    backlog.isUrgent = false;
    backlog.isStale = backlog.isBusy;
    backlog.pause?.timer.cancel();
    backlog.pause = undefined;
    for (const tell of backlog.testers.splice(0)) tell(NOT_SENT);
    rest(backlog);
  }

  /** A backlog with nothing to tell and nothing on its way is not remembered. */
  function rest(backlog: Backlog): void {
    if (!backlog.isBusy && !backlog.isDue) backlogs.delete(keyOf(backlog.address));
  }

  /** Goes on with what is to be told, if it may. */
  function advance(backlog: Backlog): void {
    if (backlog.isBusy || !backlog.isDue) {
      rest(backlog);
      return;
    }
    const isTest = backlog.testers.length > 0;
    if (backlog.pause !== undefined) {
      // A test does not wait, a call only while the app server fails.
      if (!isTest && !(backlog.isUrgent && backlog.pause.isPace)) return;
      backlog.pause.timer.cancel();
      backlog.pause = undefined;
    }
    const delay = isTest ? 0 : delayOf(backlog);
    if (delay > 0) {
      pause(backlog, delay, true);
      return;
    }
    backlog.isBusy = true;
    lanes.run(domainOf(backlog.address.service), () => publish(backlog));
  }

  function delayOf({ address, isUrgent }: Backlog): number {
    const key = keyOf(address);
    return isUrgent
      ? pace.delay(`call ${key}`, CALLS_PER_MINUTE)
      : pace.delay(key, settingsOf(address).perMinute);
  }

  function pause(backlog: Backlog, ms: number, isPace: boolean): void {
    const timer = clock.after(ms, () => {
      backlog.pause = undefined;
      advance(backlog);
    });
    backlog.pause = { timer, until: clock.now() + ms, isPace };
  }

  async function publish(backlog: Backlog): Promise<void> {
    try {
      const registration = await current(backlog.address);
      if (registration === undefined) clear(backlog);
      else if (backlog.isDue) await tell(backlog, registration);
    } catch (error) {
      metrics.errors.inc({ area: 'push' });
      const { account, service } = backlog.address;
      log.error({ err: error, account, service }, 'a notification could not be published');
      clear(backlog);
    } finally {
      backlog.isBusy = false;
      advance(backlog);
    }
  }

  /** The registration as it is now, if it may be used (§6: one that is not enabled MUST NOT be). */
  async function current(address: Address): Promise<Registration | undefined> {
    if (!home.isEnabled(domainOf(address.account))) return undefined;
    const known = await registrations.of(address.account);
    return known.find((each) => isSame(each, address) && each.ended === undefined);
  }

  async function tell(backlog: Backlog, registration: Registration): Promise<void> {
    const told: Told = {
      messages: backlog.messages,
      last: backlog.last,
      tellers: backlog.tellers,
      testers: backlog.testers.splice(0),
    };
    backlog.messages = 0;
    backlog.last = undefined;
    backlog.tellers = [];
    backlog.isDue = false;
    backlog.isUrgent = false;
    backlog.isStale = false;
    const summary = await summaryOf(told, registration);
    const outcome = await send(registration, summary);
    metrics.pushes.inc({ outcome: outcome.kind });
    for (const tester of told.testers) tester(outcome);
    for (const tell of told.tellers)
      tell({ kind: 'pushed', service: registration.service, answer: outcome.text });
    await conclude(backlog, registration, told, outcome, summary.messages);
  }

  async function summaryOf(
    { messages, last, testers }: Told,
    { account, unseen }: Registration,
  ): Promise<Summary> {
    const { sender, body } = home.configOf(domainOf(account));
    const notice =
      last === undefined ? undefined : last.kind === 'call' ? 'Incoming call' : 'New message';
    return {
      // A test counts as a message where there is none: some app servers drop what announces nothing.
      messages: Math.max(unseen + messages, testers.length > 0 ? 1 : 0),
      requests: await options.requests(account),
      sender: sender ? last?.sender : undefined,
      body: body === 'none' ? undefined : body === 'text' ? (last?.text ?? notice) : notice,
    };
  }

  async function send(registration: Registration, summary: Summary): Promise<PushOutcome> {
    const { account, service } = registration;
    const payload = publishPayload(registration, summary);
    // §7: in the server's own name.
    return outcomeOf(
      await home.ask(iqSet({ from: domainOf(account), to: service, payload }), ANSWER_MS),
    );
  }

  /** §7.1 */
  async function conclude(
    backlog: Backlog,
    registration: Registration,
    told: Told,
    { kind, text }: PushOutcome,
    messages: number,
  ): Promise<void> {
    const now = clock.now();
    const seen = { tried: now, result: text };
    if (kind === 'published') {
      const unseen = backlog.isStale ? 0 : messages;
      const change = { ...seen, succeeded: now, failures: 0, unseen };
      await registrations.change(registration, change);
      return;
    }
    const failures = registration.failures + 1;
    const isOver = kind === 'refused' || failures >= settingsOf(registration).maxFailures;
    await registrations.change(registration, {
      ...seen,
      failures,
      ...(isOver ? { ended: now } : {}),
    });
    if (isOver) {
      const { account, service } = registration;
      log.info({ account, service, why: text }, 'a push registration ended');
      return clear(backlog);
    }
    if (backlog.isStale) return;
    putBack(backlog, told);
    pause(backlog, Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LAST_PAUSE_MS), false);
  }

  function putBack(backlog: Backlog, { messages, last, tellers }: Told): void {
    backlog.messages += messages;
    backlog.tellers = [...tellers, ...backlog.tellers].slice(-MOST_TELLERS);
    backlog.last ??= last;
    backlog.isDue = true;
  }
}

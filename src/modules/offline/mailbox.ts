/**
 * Messages until one of the account's clients has them (DESIGN D1): those that sessions hold, which
 * touch the disk only if they are not acknowledged soon, and those that wait for somebody to come.
 */
import { z } from 'zod';
import { isReady } from '../../core/delivery.ts';
import { type MaybePromise, type Verdict, verdict } from '../../core/hooks.ts';
import type { Home } from '../../core/module.ts';
import { Parcel, type ParcelEnd, type Receipt } from '../../core/parcel.ts';
import type { Session } from '../../core/sessions.ts';
import { type BareJid, domainOf, type Jid } from '../../jid/jid.ts';
import type { Timer } from '../../kit/clock.ts';
import type { StanzaFailure } from '../../stanza/condition.ts';
import type { Message } from '../../stanza/stanza.ts';
import { readKept } from '../../stanza/stored.ts';
import type { ArchiveReading } from './archive-reading.ts';
import { Departures, isOver } from './departures.ts';
import { Entering } from './entering.ts';
import { Held } from './held.ts';
import { keptForm, worthOf } from './keeping.ts';
import { Patience } from './patience.ts';
import type { Added, Row, Spool, SpoolLimits, Waiting } from './spool.ts';
import { type Queue, Turns } from './turns.ts';
import { Young } from './young.ts';

/** Messages that are read and delivered at a time. */
const PAGE = 250;
/**
 * How long a message that clients without XEP-0198 were sent may wait until these are heard of, if its
 * sender is told nothing before: whoever chats is heard of within that, and nothing is written.
 */
const UNASKED_MS = 1000;

/** What is said of a message whose sender was blocked after it had been kept. */
const BLOCKED = 'the sender was blocked since';

/** XEP-0160 §2. */
const FULL: StanzaFailure = {
  condition: 'service-unavailable',
  text: 'No more messages are kept for this account.',
};

/** What the module's hooks do. */
export interface Mailbox {
  /** Follows a message that sessions are given. */
  follow(parcel: Parcel): Promise<unknown> | undefined;
  /** Keeps a message that no session took. */
  keep(message: Message, account: BareJid): MaybePromise<Verdict>;
  /** Passes when nothing older is on its way to the account, or it takes too long. */
  turn(account: BareJid): MaybePromise<Verdict>;
  /** Hands what waits to a session; resolves when it has all, or when that takes the client's time. */
  deliver(session: Session): Promise<void>;
  /** A session lost its client: what it holds goes to another one that is there, too. */
  asleep(session: Session): void;
  /** Its client is back: it is given what it was not given before that. */
  awake(session: Session): void;
  /** Whether a session that sleeps was not given all. */
  isCutOff(session: Session): boolean;
  /** Notes that it was not. */
  cutOff(session: Session): void;
  /** Follows a message again that a session held when the server went down. */
  rehand(place: unknown, message: Message, session: Session): Receipt | undefined;
  /** What waits, oldest first, but for what clients are being given (XEP-0013). */
  waiting(account: BareJid): AsyncIterable<Waiting>;
  /**
   * A session reads what waits by itself: it is not given it, nor are others while it is there.
   */
  leaveTo(session: Session): void;
  isReader(session: Session): boolean;
  /** A session is over: what it held is written, and others are given what it did not read. */
  left(session: Session): void;
  /** Removes what was read. */
  discard(account: BareJid, rows: readonly Row[]): Promise<void>;
  /** An account is being removed: nothing of what waits for it, or is held for it, is kept. */
  removeAll(account: BareJid): Promise<void>;
  /** Removes what waits from some addresses. */
  discardFrom(account: BareJid, isMeant: (from: Jid) => boolean): Promise<void>;
  /** Writes what is not written. */
  stop(): Promise<void>;
}

/** Makes the mailbox of all accounts. */
export function createMailbox(
  home: Home<SpoolLimits>,
  spool: Spool,
  archived: Pick<ArchiveReading, 'has' | 'holds'>,
): Mailbox {
  const { story, accounts } = home;
  const entering = new Entering();
  const turns = new Turns(home.clock);
  /** Rows that sessions hold; nobody else is given them while one of these has a client. */
  const held = new Map<number, Held>();
  /** Sessions that read what waits by themselves. */
  const readers = new WeakSet<Session>();
  /** Sessions that fell asleep while they were given what waits. */
  const unfinished = new WeakSet<Session>();
  const young = new Young<Held>();
  const departures = new Departures(spool);
  const patience = new Patience();
  let timer: Timer | undefined;

  return {
    follow(parcel) {
      if (worthOf(parcel.message) !== 'keep' || accounts.isTemporary(parcel.account))
        return undefined;
      parcel.isKept = true;
      return new Promise((resolve) => {
        const one = new Held(parcel, undefined, resolve);
        parcel.tell((end) => {
          if (end === 'acknowledged') patience.note(home.clock.now() - parcel.since);
          ended(one, end);
        });
        young.add(one);
        // A client that is away will not acknowledge it soon.
        if (parcel.holders.some(({ isAttached }) => isAttached)) soon();
        else writeAll(young.take(parcel.account));
      });
    },
    keep(message, account) {
      const worth = worthOf(message);
      if (worth === 'forget') return verdict.drop('nothing that is worth keeping');
      // A temporary account does not come back.
      if (worth === 'refuse' || accounts.isTemporary(account)) return verdict.pass;
      writeAll(young.take(account)); // what came before stands before it
      const added = add(message, account, home.clock.now());
      if (!(added instanceof Promise)) {
        if (added !== undefined) entering.add(account, added.written);
        return kept(message, account, added);
      }
      entering.add(
        account,
        added.then((entry) => entry?.written),
      );
      return added.then((entry) => kept(message, account, entry));
    },
    turn: (account) => turns.pass(account),
    deliver,
    asleep({ account }) {
      writeAll(young.take(account));
      offer(account);
    },
    awake(session) {
      if (unfinished.delete(session) && isReady(session)) void deliver(session);
    },
    isCutOff: (session) => unfinished.has(session),
    cutOff: (session) => void unfinished.add(session),
    rehand(place, message, session) {
      const row = rowSchema.safeParse(place);
      if (!row.success) return undefined;
      const known = held.get(row.data.id);
      const parcel = known?.parcel ?? reopened(message, session.account, row.data);
      parcel.hand([session]);
      return parcel;
    },
    waiting,
    leaveTo: (session) => void readers.add(session),
    isReader: (session) => readers.has(session),
    left(session) {
      // Others may hold it who sleep, and are written down when the server goes down: by its row.
      writeAll(young.take(session.account));
      if (readers.has(session)) offer(session.account);
    },
    discard,
    async removeAll(account) {
      for (const one of young.take(account)) {
        one.state = 'done';
        one.settle();
      }
      await entering.settled(account);
      for (const [id, one] of held) if (one.account === account) disown(id);
      await spool.removeAll(account);
    },
    async discardFrom(account, isMeant) {
      const rows: Row[] = [];
      for await (const each of waiting(account)) {
        const message = readKept(each, account);
        if (message === undefined || !isMeant(message.from)) continue;
        if (story.isOn) story.note(message, { kind: 'dropped', by: 'blocking', why: BLOCKED });
        rows.push(each);
      }
      await discard(account, rows);
    },
    async stop() {
      flush();
      await entering.allSettled();
      await departures.settled();
    },
  };

  async function* waiting(account: BareJid): AsyncIterable<Waiting> {
    await entering.settled(account);
    for (let after = 0; ; ) {
      const page = await spool.next(account, after, PAGE);
      for (const each of page) {
        after = each.id;
        const isGiven = held.get(each.id)?.parcel.holders.some(({ isAttached }) => isAttached);
        if (isGiven !== true && !departures.has(each.id)) yield each;
      }
      if (page.length < PAGE) return;
    }
  }

  async function discard(account: BareJid, rows: readonly Row[]): Promise<void> {
    const meant = rows.filter(({ id }) => !departures.has(id));
    for (const row of meant) disown(row.id);
    await departures.remove(account, meant);
  }

  function add(message: Message, account: BareJid, since: number) {
    const host = domainOf(account);
    const kept = keptForm(message, account, host, since);
    return spool.add(account, kept, home.configOf(host));
  }

  function kept(message: Message, account: BareJid, entry: Added | undefined): Verdict {
    // What the archive has, for as long as it is kept there, is not lost (XEP-0313 §6.1).
    if (entry === undefined)
      return archived.holds(account, message) ? verdict.handled : verdict.bounce(FULL);
    if (story.isOn) story.note(message, { kind: 'kept', account });
    return verdict.settling(entry.written);
  }

  function soon(): void {
    timer ??= home.clock.after(patience.ms / 2, tick);
  }

  /** Writes what waited for its acknowledgement long enough: for half of the patience, or up to all. */
  function tick(): void {
    timer = undefined;
    const now = home.clock.now();
    const soonest = now - patience.ms / 2;
    writeAll(
      young.takeDue(
        ({ parcel }) => parcel.since <= (isUrgent(parcel) ? soonest : now - UNASKED_MS),
      ),
    );
    departures.flush();
    if (!young.isEmpty) soon();
  }

  /** Writes and removes all at once. */
  function flush(): void {
    timer?.cancel();
    timer = undefined;
    writeAll(young.takeAll());
    departures.flush();
  }

  /** Writes what was not acknowledged, in the order in which it came. */
  function writeAll(old: readonly Held[]): void {
    for (const one of old) write(one);
  }

  function write(one: Held): void {
    const { message, account, since } = one.parcel;
    one.state = 'entering';
    const written = Promise.resolve(add(message, account, since)).then(async (entry) => {
      if (entry === undefined) return refused(one);
      await entry.written;
      wrote(one, entry.row);
    });
    entering.add(account, written);
    one.parcel.place = written.then(
      () => one.row,
      () => undefined,
    );
    one.settle(written);
  }

  function wrote(one: Held, row: Row): void {
    one.row = row;
    one.state = 'written';
    const { end } = one.parcel;
    if (end === undefined) held.set(row.id, one);
    else ended(one, end);
  }

  /** There is no room: it is not kept any more than one to nobody would be. */
  function refused({ parcel }: Held): void {
    parcel.release();
  }

  function ended(one: Held, end: ParcelEnd): void {
    if (end === 'acknowledged') {
      if (one.state === 'young') one.settle();
      if (one.row !== undefined) forget(one.parcel.account, one.row);
      if (one.state !== 'entering') one.state = 'done';
      return;
    }
    if (one.state === 'young') writeAll(young.take(one.account));
    // Afterwards, since the router may know others that it is for.
    queueMicrotask(() => {
      if (one.parcel.end !== 'returned' || one.row === undefined) return;
      const { message, account } = one.parcel;
      if (story.isOn) story.note(message, { kind: 'kept', account });
      held.delete(one.row.id);
      offer(account);
    });
  }

  /** Sessions may still hold it, but nobody asks what becomes of it. */
  function disown(id: number): void {
    const one = held.get(id);
    held.delete(id);
    if (one === undefined) return;
    one.row = undefined;
    one.state = 'done';
  }

  function forget(account: BareJid, row: Row): void {
    held.delete(row.id);
    departures.add(account, row);
    soon();
  }

  /** Gives what waits to a session that is there already. */
  function offer(account: BareJid): void {
    const session = home.sessions.of(account).find((each) => each.isAttached && isReady(each));
    if (session !== undefined) void deliver(session);
  }

  function deliver(session: Session): Promise<void> {
    const { account } = session;
    if (home.sessions.of(account).some((each) => readers.has(each))) return Promise.resolve();
    return turns.take(account, (queue) =>
      drain(session, queue)
        .catch((error: unknown) =>
          home.log.error({ err: error, account }, 'kept messages could not be delivered'),
        )
        .finally(() => departures.end(account)),
    );
  }

  async function drain(session: Session, queue: Queue): Promise<void> {
    const { account } = session;
    await entering.settled(account);
    if (!departures.isEmpty) flush();
    await departures.settled(); // or what is being removed would still be read
    for (let after = 0; ; ) {
      const page = departures.begin(account);
      const waiting = await spool.next(account, after, PAGE);
      // What was read may have been written since, and whoever holds it is known only then.
      await entering.settled(account);
      page.last = waiting.at(-1)?.id ?? 0;
      for (const each of waiting) {
        const room = session.room();
        if (room !== undefined) await queue.pause(room);
        if (home.sessions.at(session.jid) !== session) return; // it is gone: the rest stays
        if (!session.isAttached) {
          unfinished.add(session); // others may have the rest before it comes back
          return;
        }
        if (!isOver(page, each.id)) give(each, session);
        after = each.id;
      }
      if (waiting.length < PAGE) return;
    }
  }

  function give(waiting: Waiting, session: Session): void {
    const { account } = session;
    const { id, bytes } = waiting;
    const known = held.get(id);
    if (known !== undefined) {
      const { holders } = known.parcel;
      if (holders.some((each) => each.isAttached || each === session)) return;
    }
    const message = readKept(waiting, account);
    if (message === undefined) {
      home.log.error({ account, id }, 'a kept message is unreadable');
      forget(account, { id, bytes });
      return;
    }
    if (archived.has(session, message)) {
      if (story.isOn) story.note(message, { kind: 'read', by: session.jid });
      disown(id);
      forget(account, { id, bytes });
      return;
    }
    const parcel = known?.parcel ?? reopened(message, account, { id, bytes });
    parcel.hand([session]);
    session.send(message, undefined, parcel);
  }

  /** A message that waited: sessions hold it again. */
  function reopened(message: Message, account: BareJid, row: Row): Parcel {
    const parcel = new Parcel(message, account, home.clock.now(), story, NOBODY);
    parcel.isKept = true;
    parcel.place = row;
    const one = new Held(parcel, row);
    parcel.tell((end) => ended(one, end));
    held.set(row.id, one);
    return parcel;
  }
}

/** Who is told of a parcel that came back: it stays where it is. */
const NOBODY = () => {};

/**
 * Whether a message must be written soon: its sender waits to hear that it is safe, or one who holds it
 * would have said by now that it has it.
 */
const isUrgent = (parcel: Parcel): boolean =>
  parcel.isAwaited || parcel.holders.some(({ isAttached, isManaged }) => isManaged || !isAttached);

const rowSchema = z.object({ id: z.int(), bytes: z.int() });

/**
 * The story of each message (DESIGN D11): what became of it, noted step by step where it happens, and
 * kept for a while. Only what is on its outside: addresses, ids, times, outcomes; never what people
 * write. Whoever does something with a message says so in one call:
 *
 *     if (story.isOn) story.note(message, { kind: 'kept', account });
 *
 * While it is off, that is one look at a boolean. While it is on, a step is put into a list in memory;
 * the list is written to the table a few seconds later, many steps at once. A crash forgets those
 * seconds: the story tells what happened, and nothing depends on it.
 *
 * A message is known by its `serial`, which stays the same when a hook passes it on in another form.
 * What is for somebody else is another message with its own story. Headlines have none: they are of
 * the moment (RFC 6121 §5.2.2), and a busy server is full of them. Nor has what a room says to each of
 * its occupants: what its sender wrote to the room has.
 */
import { isFull, type Jid } from '../jid/jid.ts';
import type { Clock, Timer } from '../kit/clock.ts';
import type { Logger } from '../kit/log.ts';
import type { StanzaFailure } from '../stanza/condition.ts';
import { carriesOnly, contentOf, type Trait } from '../stanza/content.ts';
import { conditionOf, errorTextOf } from '../stanza/error.ts';
import type { Message, MessageType, Stanza } from '../stanza/stanza.ts';
import { childOf } from '../xml/element.ts';
import { packed, packHead } from './story-line.ts';
import { packStep, type Step } from './story-steps.ts';

/**
 * What kind of thing a message says: `text`; something `encrypted`; a `signal`, which is of interest
 * only to programs (a chat state, a receipt, a marker); or something `other`.
 */
export const NATURES = ['text', 'encrypted', 'signal', 'other'] as const;
/** One of {@link NATURES}. */
export type Nature = (typeof NATURES)[number];

/** The outside of a message. */
export interface StoryHead {
  readonly serial: number;
  readonly from: Jid;
  readonly to: Jid;
  readonly type: MessageType;
  readonly nature: Nature;
  /** Its `id`, and its origin-id if that is another one (XEP-0359). */
  readonly ids: readonly string[];
  /** What an error says. */
  readonly error: Pick<StanzaFailure, 'condition' | 'text'> | undefined;
}

/** What was noted of one message since the last writing. */
export interface StoryLine {
  /** When the first of its steps was, in milliseconds since the epoch. */
  readonly at: number;
  readonly serial: number;
  /** How many steps. */
  readonly steps: number;
  /** All of it, as the table has it (story-line.ts). */
  readonly text: string;
}

/** Takes notes. */
export interface Story {
  /** Whether anybody wants them: ask it first, so that no step is made in vain. */
  readonly isOn: boolean;
  /** Notes a step of a message; of stanzas that have no story, nothing is noted. */
  note(stanza: Stanza, step: Step): void;
  /** For steps that come much later: notes them without keeping the stanza until then. */
  about(stanza: Stanza): TellStep;
}

/** Notes a step of a certain message. */
export type TellStep = (step: Step) => void;

/** The story with what only its owner may do. */
export interface StoryKeeper extends Story {
  isOn: boolean;
  /** Writes what was noted; resolves when it can be read. Never rejects. */
  flush(): Promise<void>;
}

/** What the keeper of the story needs. */
export interface StoryOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Writes lines to where they are kept, each of another message. */
  write(lines: readonly StoryLine[]): Promise<unknown>;
  /** Is told how many steps were forgotten since there were too many of them. */
  lost(count: number): void;
}

/** How long a step waits for others. */
const FLUSH_MS = 2000;
/** So many steps are written at once; nobody notices the time it takes. */
const GROUP = 1000;
/** Lines that are written at once, when many wait since the database was slow. */
const GROUP_LINES = 500;
/** Steps of one line; further ones are left out. A message to all devices of two people has fewer. */
const MOST_STEPS = 150;
/** Steps that wait; if the database cannot keep up, further ones are forgotten. */
const MOST_WAITING = 20_000;
/** Longer ids are cut: they are strangers' texts. */
export const MOST_ID = 200;
/** The same for what an error says. */
const MOST_TEXT = 500;

/** Makes the story; it is off. */
export function createStory({ clock, log, write, lost }: StoryOptions): StoryKeeper {
  /** What was noted, by the messages' serials. */
  let open = new Map<number, OpenLine>();
  /** How many steps that is. */
  let waiting = 0;
  let forgotten = 0;
  let timer: Timer | undefined;
  let turn: Promise<void> = Promise.resolve();
  /** Whether a turn is to come that will take what waits now. */
  let isDue = false;
  /** Steps of one message mostly follow each other. */
  let last: OpenLine | undefined;

  const writeWaiting = async () => {
    isDue = false;
    timer?.cancel();
    timer = undefined;
    // What is noted meanwhile waits for the next turn: it shall not be written in dribs and drabs.
    const taken = [...open.values()];
    open = new Map();
    waiting = 0;
    last = undefined;
    for (let from = 0; from < taken.length; from += GROUP_LINES) {
      const group = taken.slice(from, from + GROUP_LINES);
      try {
        await write(group);
      } catch (error) {
        const steps = group.reduce((sum, line) => sum + line.steps, 0);
        log.warn({ err: error, steps }, 'stories of messages could not be written');
        forgotten += steps;
      }
    }
    if (forgotten > 0) lost(forgotten);
    forgotten = 0;
  };
  const flush = (): Promise<void> => {
    if (!isDue) turn = turn.then(writeWaiting);
    isDue = true;
    return turn;
  };

  const add = (serial: number, head: () => StoryHead, step: Step) => {
    if (waiting >= MOST_WAITING) {
      forgotten += 1;
      return;
    }
    const now = clock.now();
    if (last?.serial !== serial) last = open.get(serial);
    if (last === undefined) {
      last = new OpenLine(now, head());
      open.set(serial, last);
    } else if (last.steps >= MOST_STEPS) return;
    last.add(now, step);
    waiting += 1;
    if (waiting >= GROUP) void flush();
    else timer ??= clock.after(FLUSH_MS, () => void flush());
  };

  return {
    isOn: false,
    note(stanza, step) {
      if (!hasStory(stanza)) return;
      add(stanza.serial, () => headOf(stanza), step);
    },
    about(stanza) {
      if (!hasStory(stanza)) return () => {};
      const head = headOf(stanza);
      return (step) => add(head.serial, () => head, step);
    },
    flush,
  };
}

/**
 * A line to which is added. Thousands wait when the database is busy: as texts they need a tenth of what
 * lists of lists need, which the garbage collector would have to move about (`bench/story.bench.ts`).
 */
class OpenLine implements StoryLine {
  readonly at: number;
  readonly serial: number;
  steps = 0;
  readonly #head: string;
  #told = '';

  constructor(at: number, head: StoryHead) {
    this.at = at;
    this.serial = head.serial;
    this.#head = packHead(at, head);
  }

  add(at: number, step: Step): void {
    const text = packStep(at - this.at, step);
    this.#told = this.steps === 0 ? text : `${this.#told},${text}`;
    this.steps += 1;
  }

  get text(): string {
    return packed(this.#head, this.#told);
  }
}

/** Whether a stanza has a story: messages have, but for headlines, and those of a room to one. */
const hasStory = (stanza: Stanza): stanza is Message =>
  stanza.kind === 'message' &&
  stanza.type !== 'headline' &&
  (stanza.type !== 'groupchat' || !isFull(stanza.to));

function headOf(message: Message): StoryHead {
  const { serial, from, to, type } = message;
  const error = type === 'error' ? errorOf(message) : undefined;
  return { serial, from, to, type, nature: natureOf(message), ids: idsOf(message), error };
}

function errorOf(message: Message): StoryHead['error'] {
  const text = errorTextOf(message)?.slice(0, MOST_TEXT);
  return { condition: conditionOf(message) ?? 'undefined-condition', text };
}

function idsOf({ id, element }: Message): readonly string[] {
  const origin = childOf(element, 'origin-id', SID)?.attrs.id;
  const ids: string[] = [];
  if (id !== undefined) ids.push(id.slice(0, MOST_ID));
  if (origin !== undefined && origin !== id) ids.push(origin.slice(0, MOST_ID));
  return ids;
}

const SID = 'urn:xmpp:sid:0';
/** What is of interest only to programs. */
const SIGNALS: ReadonlySet<Trait> = new Set([
  'thread',
  'key-exchange',
  'chat-state',
  'receipt',
  'receipt-request',
  'marker',
  'markable',
  'private',
  'no-copy',
  'no-store',
  'no-permanent-store',
  'store',
]);

function natureOf(message: Message): Nature {
  const content = contentOf(message);
  if (content.has('encrypted')) return 'encrypted';
  if (content.has('body')) return 'text';
  return carriesOnly(content, SIGNALS) ? 'signal' : 'other';
}

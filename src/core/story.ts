/**
 * The story of each message (DESIGN D11): what became of it, noted step by step where it happens, and
 * kept for a while. Only what is on its outside: addresses, ids, times, outcomes; never what people
 * write. Whoever does something with a message says so in one call:
 *
 *     if (story.isOn) story.note(message, { kind: 'kept', account });
 *
 * While it is off, that is one look at a boolean. While it is on, a step is put into a block in memory,
 * which is written to the table a few seconds later, with many steps at once. A crash forgets those
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
import { originIdOf } from '../stanza/stanza-id.ts';
import { StoryBlock } from './story-block.ts';
import type { Step } from './story-steps.ts';

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
  /** Writes some blocks to where they are kept; when it resolves or rejects they are used again. */
  write(blocks: readonly StoryBlock[]): Promise<unknown>;
  /** Is told how many steps were forgotten since there were too many of them. */
  lost(count: number): void;
}

/** How long a step waits for others. */
const FLUSH_MS = 2000;
/** Blocks that are written at once, when many wait since the database was slow. */
const GROUP = 4;
/** Empty blocks that are kept for what comes. */
const MOST_SPARE = 4;
/** Steps that wait; if the database cannot keep up, further ones are forgotten. */
const MOST_WAITING = 20_000;
/** Longer ids are cut: they are strangers' texts. */
export const MOST_ID = 200;
/** The same for what an error says. */
const MOST_TEXT = 500;

/** Makes the story; it is off. */
export function createStory({ clock, log, write, lost }: StoryOptions): StoryKeeper {
  const spare: StoryBlock[] = [];
  /** What was noted: blocks that are full, and the one to which is added. */
  let full: StoryBlock[] = [];
  let block = new StoryBlock();
  /** How many steps the full ones have. */
  let waiting = 0;
  let forgotten = 0;
  let timer: Timer | undefined;
  let turn: Promise<void> = Promise.resolve();
  /** Whether a turn is to come that will take what waits now. */
  let isDue = false;

  const close = () => {
    full.push(block);
    waiting += block.steps;
    block = spare.pop() ?? new StoryBlock();
  };
  const writeWaiting = async () => {
    isDue = false;
    timer?.cancel();
    timer = undefined;
    // What is noted meanwhile waits for the next turn: it shall not be written in dribs and drabs.
    if (block.steps > 0) close();
    const taken = full;
    full = [];
    waiting = 0;
    for (let from = 0; from < taken.length; from += GROUP) {
      const group = taken.slice(from, from + GROUP);
      try {
        await write(group);
      } catch (error) {
        const steps = group.reduce((sum, each) => sum + each.steps, 0);
        log.warn({ err: error, steps }, 'stories of messages could not be written');
        forgotten += steps;
      }
      for (const each of group) {
        each.clear();
        if (spare.length < MOST_SPARE) spare.push(each);
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

  /** Takes a note into the block, with what is on the outside of the message if it is new there. */
  const add = <T>(serial: number, of: T, outsideOf: (of: T) => StoryHead, step: Step) => {
    if (waiting + block.steps >= MOST_WAITING) {
      forgotten += 1;
      return;
    }
    if (block.has(serial)) block.add(clock.now(), serial, step);
    else block.begin(clock.now(), outsideOf(of), step);
    if (block.isFull) {
      close();
      void flush();
    } else timer ??= clock.after(FLUSH_MS, () => void flush());
  };

  return {
    isOn: false,
    note(stanza, step) {
      if (hasStory(stanza)) add(stanza.serial, stanza, headOf, step);
    },
    about(stanza) {
      if (!hasStory(stanza)) return () => {};
      const head = headOf(stanza);
      return (step) => add(head.serial, head, asItIs, step);
    },
    flush,
  };
}

/** Whether a stanza has a story: messages have, but for headlines, and those of a room to one. */
const hasStory = (stanza: Stanza): stanza is Message =>
  stanza.kind === 'message' &&
  stanza.type !== 'headline' &&
  (stanza.type !== 'groupchat' || !isFull(stanza.to));

const asItIs = (head: StoryHead): StoryHead => head;

function headOf(message: Message): StoryHead {
  const { serial, from, to, type } = message;
  const error = type === 'error' ? errorOf(message) : undefined;
  return { serial, from, to, type, nature: natureOf(message), ids: idsOf(message), error };
}

function errorOf(message: Message): StoryHead['error'] {
  const text = errorTextOf(message)?.slice(0, MOST_TEXT);
  return { condition: conditionOf(message) ?? 'undefined-condition', text };
}

function idsOf(message: Message): readonly string[] {
  const { id } = message;
  const origin = message.content === undefined ? originIdOf(message) : undefined;
  const ids: string[] = [];
  if (id !== undefined) ids.push(id.slice(0, MOST_ID));
  if (origin !== undefined && origin !== id) ids.push(origin.slice(0, MOST_ID));
  return ids;
}

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

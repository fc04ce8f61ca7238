/**
 * What was noted of some hundreds of messages, as the table has it: lines of JSON, in a buffer. They wait
 * while the database is busy. As objects they would be most of what V8's collector copies about
 * under load; bytes in a buffer it leaves alone (bench, `pairs`).
 */
import type { StoryHead } from './story.ts';
import { JsonBytes } from './story-json.ts';
import { LINE_END, writeHead, writeLaterHead } from './story-line.ts';
import { type Step, writeStep } from './story-steps.ts';

/** Steps of one message; further ones are left out. A message to all devices of two people has fewer. */
const MOST_STEPS = 150;
/** So much is written at once; nobody notices the time it takes. */
const FULL_STEPS = 1000;
const FULL_MESSAGES = 500;
/** What {@link FULL_STEPS} of ordinary messages need. */
const FIRST_BYTES = 192 * 1024;

/** Notes, in the order in which they came. */
export class StoryBlock {
  /** How many steps. */
  steps = 0;
  /** The greatest serial of its messages. */
  greatest = 0;
  /** When the last of its lines began, in ms since the epoch. */
  latest = 0;
  /** The steps of each message. */
  readonly #counts = new Counts();
  readonly #json = new JsonBytes(FIRST_BYTES);
  /** The message of the line that is not ended yet, and when that began. */
  #open: number | undefined;
  #begun = 0;

  /** How many messages. */
  get messages(): number {
    return this.#counts.size;
  }

  /** Whether nothing more should be added. */
  get isFull(): boolean {
    return this.steps >= FULL_STEPS || this.messages >= FULL_MESSAGES;
  }

  /** Its lines, with a newline between each two. */
  get text(): string {
    return this.#json.toString() + (this.#open === undefined ? '' : LINE_END);
  }

  /** Whether it has steps of a message. */
  has(serial: number): boolean {
    return serial === this.#open || this.#counts.of(serial) > 0;
  }

  /** Adds the first step here of a message. */
  begin(at: number, head: StoryHead, step: Step): void {
    this.#counts.add(head.serial);
    this.#beginLine(at, head.serial);
    writeHead(this.#json, at, head);
    this.#write(0, step);
  }

  /** Adds a further step of a message that it {@link has}. */
  add(at: number, serial: number, step: Step): void {
    if (this.#counts.of(serial) >= MOST_STEPS) return;
    this.#counts.add(serial);
    // Steps of one message mostly follow each other.
    if (serial === this.#open) this.#json.raw(',');
    else {
      this.#beginLine(at, serial);
      writeLaterHead(this.#json, at, serial);
    }
    this.#write(at - this.#begun, step);
  }

  /** Begins anew, with the room that it has. */
  clear(): void {
    this.steps = 0;
    this.greatest = 0;
    this.latest = 0;
    this.#counts.clear();
    this.#json.clear();
    this.#open = undefined;
  }

  #beginLine(at: number, serial: number): void {
    if (this.#open !== undefined) this.#json.raw(`${LINE_END}\n`);
    this.#open = serial;
    this.#begun = at;
    this.latest = Math.max(this.latest, at);
    this.greatest = Math.max(this.greatest, serial);
  }

  #write(after: number, step: Step): void {
    this.steps += 1;
    writeStep(this.#json, after, step);
  }
}

/** More than a block has messages, so that there is always a free one near. */
const SLOTS = 2 * FULL_MESSAGES;

/**
 * How often each serial was added: a hash table of fixed size, as a Map that is filled again and again makes
 * garbage, much of it old (bench, `pairs-held`). Serials follow each other, so each mostly has its own slot.
 */
class Counts {
  /** How many serials. */
  size = 0;
  readonly #serials = new Float64Array(SLOTS);
  readonly #counts = new Uint8Array(SLOTS);

  of(serial: number): number {
    return this.#counts[this.#slotOf(serial)] ?? 0;
  }

  /** Counts it once more: at most 255 times, and at most {@link FULL_MESSAGES} serials. */
  add(serial: number): void {
    const slot = this.#slotOf(serial);
    const before = this.#counts[slot] ?? 0;
    if (before === 0) {
      this.#serials[slot] = serial;
      this.size += 1;
    }
    this.#counts[slot] = before + 1;
  }

  clear(): void {
    this.#counts.fill(0);
    this.size = 0;
  }

  /** Where it is, or would be. */
  #slotOf(serial: number): number {
    let slot = serial % SLOTS;
    while (this.#counts[slot] !== 0 && this.#serials[slot] !== serial) slot = (slot + 1) % SLOTS;
    return slot;
  }
}

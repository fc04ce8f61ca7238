/**
 * What was noted of some hundreds of messages, as the table has it: lines of JSON, in a buffer. They wait
 * while the database is busy. As objects they would be most of what V8's collector copies about
 * under load; bytes in a buffer it leaves alone (bench, `pairs`).
 */
import type { StoryHead } from './story.ts';
import { LINE_END, laterLine, packHead } from './story-line.ts';
import { packStep, type Step } from './story-steps.ts';

/** Steps of one message; further ones are left out. A message to all devices of two people has fewer. */
const MOST_STEPS = 150;
/** So much is written at once; nobody notices the time it takes. */
const FULL_STEPS = 1000;
const FULL_MESSAGES = 500;
/** What {@link FULL_STEPS} of ordinary messages need. */
const FIRST_BYTES = 96 * 1024;
/** The most bytes of UTF-8 for a unit of UTF-16. */
const MOST_BYTES = 3;

/** Notes, in the order in which they came. */
export class StoryBlock {
  /** How many steps. */
  steps = 0;
  /** The greatest serial of its messages. */
  greatest = 0;
  /** When the last of its lines began, in ms since the epoch. */
  latest = 0;
  /** The steps of each message, by its serial. */
  #counts = new Map<number, number>();
  /** The message of the line that is not ended yet, when that began, and what it says so far. */
  #open: number | undefined;
  #begun = 0;
  #line = '';
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #length = 0;

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
    return (
      this.#bytes.toString('utf8', 0, this.#length) +
      (this.#open === undefined ? '' : this.#line + LINE_END)
    );
  }

  /** Adds a step of a message; its head is asked for when it is the first one here. */
  add(at: number, serial: number, head: () => StoryHead, step: Step): void {
    const before = this.#counts.get(serial) ?? 0;
    if (before >= MOST_STEPS) return;
    this.#counts.set(serial, before + 1);
    this.steps += 1;
    // Steps of one message mostly follow each other.
    if (serial === this.#open) {
      this.#line += `,${packStep(at - this.#begun, step)}`;
      return;
    }
    if (this.#open !== undefined) this.#write(`${this.#line}${LINE_END}\n`);
    const beginning = before === 0 ? packHead(at, head()) : laterLine(at, serial);
    this.#line = beginning + packStep(0, step);
    this.#open = serial;
    this.#begun = at;
    this.latest = Math.max(this.latest, at);
    this.greatest = Math.max(this.greatest, serial);
  }

  /** Begins anew, with the room that it has. */
  clear(): void {
    this.steps = 0;
    this.greatest = 0;
    this.latest = 0;
    this.#counts = new Map(); // one that is cleared, or grows, when it is old makes garbage that is old, too
    this.#open = undefined;
    this.#line = '';
    this.#length = 0;
    if (this.#bytes.length > FIRST_BYTES) this.#bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  #write(text: string): void {
    const needed = this.#length + text.length * MOST_BYTES;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#length += this.#bytes.write(text, this.#length, 'utf8');
  }
}

/**
 * JSON as bytes, written by hand. As strings the notes of a message were a fifth of what it costs, and a third of
 * what V8's collector copies: a text is made of twenty others, and V8 remembers the text of each number
 * (bench, `pairs-held`). Here nothing is made but bytes, in room that is used again.
 */

/** The most bytes of UTF-8 for a unit of UTF-16. */
const MOST_BYTES = 3;
/** What comes before must be escaped. */
const FIRST_PRINTABLE = 0x20;
const QUOTATION_MARK = 0x22;
const BACKSLASH = 0x5c;
/** From here on a character is more than one byte. */
const FIRST_OF_MORE = 0x80;
const ZERO = 0x30;
/** What is below fits V8's small numbers, so that its digits are found without making others. */
const SMALL = 1e9;
const SMALL_DIGITS = 9;

/** JSON in a buffer, which grows by doubling. */
export class JsonBytes {
  readonly #firstSize: number;
  #bytes: Buffer;
  #length = 0;

  /** With room for so many bytes, which it has again when it is cleared. */
  constructor(size: number) {
    this.#firstSize = size;
    this.#bytes = Buffer.allocUnsafeSlow(size);
  }

  /** Adds JSON of ASCII as it is. */
  raw(json: string): void {
    const bytes = this.#room(json.length);
    let end = this.#length;
    for (let index = 0; index < json.length; index += 1) {
      bytes[end] = json.charCodeAt(index);
      end += 1;
    }
    this.#length = end;
  }

  /** Adds a string, as JSON.stringify does. */
  string(text: string): void {
    const bytes = this.#room(text.length + 2);
    let end = this.#length;
    bytes[end] = QUOTATION_MARK;
    end += 1;
    for (let index = 0; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (isSpecial(code)) {
        this.value(text); // few have something like that
        return;
      }
      bytes[end] = code;
      end += 1;
    }
    bytes[end] = QUOTATION_MARK;
    this.#length = end + 1;
  }

  /** Adds a safe integer. */
  integer(value: number): void {
    if (value < 0) this.value(value);
    else if (value < SMALL) this.#digits(value, lengthOf(value));
    else {
      const high = Math.floor(value / SMALL);
      this.#digits(high, lengthOf(high));
      this.#digits(value - high * SMALL, SMALL_DIGITS);
    }
  }

  /** Adds a value of any other kind; slower. */
  value(value: object | string | number): void {
    const json = JSON.stringify(value);
    const bytes = this.#room(json.length * MOST_BYTES);
    this.#length += bytes.write(json, this.#length, 'utf8');
  }

  /** All of it. */
  toString(): string {
    return this.#bytes.toString('utf8', 0, this.#length);
  }

  /** Begins anew. */
  clear(): void {
    this.#length = 0;
    if (this.#bytes.length > this.#firstSize) this.#bytes = Buffer.allocUnsafeSlow(this.#firstSize);
  }

  /** A number below {@link SMALL} with so many digits. */
  #digits(value: number, count: number): void {
    const bytes = this.#room(count);
    let rest = value;
    for (let index = this.#length + count - 1; index >= this.#length; index -= 1) {
      const tens = Math.floor(rest / 10);
      bytes[index] = ZERO + rest - tens * 10;
      rest = tens;
    }
    this.#length += count;
  }

  /** The buffer, with room for so many bytes more. */
  #room(more: number): Buffer {
    const needed = this.#length + more;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    return this.#bytes;
  }
}

const isSpecial = (code: number): boolean =>
  code < FIRST_PRINTABLE || code >= FIRST_OF_MORE || code === QUOTATION_MARK || code === BACKSLASH;

/** How many digits a number below {@link SMALL} has. */
function lengthOf(value: number): number {
  let length = 1;
  for (let limit = 10; value >= limit; limit *= 10) length += 1;
  return length;
}

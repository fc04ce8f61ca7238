/**
 * Cuts a stream into its stanzas by counting tags, without building trees: the generator must cost
 * less than the server. It trusts its server to send XMPP's subset of XML (no comment, no CDATA) and
 * to escape `>` in attribute values, as all servers that we know do.
 */

const SLASH = 0x2f;
const QUESTION_MARK = 0x3f;

/** What a {@link Splitter} finds. */
export interface SplitterEvents {
  /** A whole child of the stream, as text. */
  stanza(text: string): void;
  /** The stream's closing tag. */
  end(): void;
}

/** Cuts the text of one connection, in whatever pieces it comes. */
export class Splitter {
  readonly #events: SplitterEvents;
  /** What is not yet part of a whole stanza. */
  #rest = '';
  /** How far into `#rest` tags have been counted. */
  #scanned = 0;
  /** Open elements; 1 is inside the stream, between stanzas. */
  #depth = 0;
  /** Where the current stanza starts, when `#depth` is above 1. */
  #start = 0;

  constructor(events: SplitterEvents) {
    this.#events = events;
  }

  /** Begins a new stream (after STARTTLS and after SASL). */
  restart(): void {
    this.#rest = '';
    this.#scanned = 0;
    this.#depth = 0;
  }

  /** Takes the next piece of the stream. */
  write(piece: string): void {
    const text = this.#rest === '' ? piece : this.#rest + piece;
    let at = this.#scanned;
    for (;;) {
      const open = text.indexOf('<', at);
      if (open < 0) {
        at = text.length;
        break;
      }
      const close = text.indexOf('>', open + 1);
      if (close < 0) {
        at = open;
        break;
      }
      at = close + 1;
      this.#count(text, open, close);
    }
    const kept = this.#depth > 1 ? this.#start : at;
    this.#rest = text.slice(kept);
    this.#scanned = at - kept;
    this.#start = 0;
  }

  #count(text: string, open: number, close: number): void {
    const first = text.charCodeAt(open + 1);
    if (first === QUESTION_MARK) return;
    if (first === SLASH) {
      this.#depth -= 1;
      if (this.#depth === 1) this.#events.stanza(text.slice(this.#start, close + 1));
      else if (this.#depth === 0) this.#events.end();
      return;
    }
    if (this.#depth === 1) this.#start = open;
    if (text.charCodeAt(close - 1) !== SLASH) this.#depth += 1;
    else if (this.#depth === 1) this.#events.stanza(text.slice(open, close + 1));
  }
}

/** The value of an attribute of a stanza's first tag, still escaped; undefined if it has none. */
export function attributeOf(stanza: string, name: string): string | undefined {
  const tag = stanza.slice(0, stanza.indexOf('>') + 1);
  for (const quote of ['"', "'"]) {
    const start = tag.indexOf(` ${name}=${quote}`);
    if (start < 0) continue;
    const from = start + name.length + 3;
    return tag.slice(from, tag.indexOf(quote, from));
  }
  return undefined;
}

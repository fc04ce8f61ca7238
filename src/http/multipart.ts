/**
 * Forms with files (`multipart/form-data`, RFC 7578) as they come: a file is never in memory as a whole. Files
 * that fit there are read by `parseBody` of Hono.
 */

/** What a form tells. A part's bytes follow it; without an `end` it broke off, or is none. */
export type FormEvent =
  | { readonly kind: 'part'; readonly name: string; readonly filename: string | undefined }
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'end' };

/** The most bytes of a part's headers. */
const MOST_HEADERS = 4096;
/** The longest boundary (RFC 2046 §5.1.1). */
const MOST_BOUNDARY = 70;
const LINE = Buffer.from('\r\n');
const BLANK = Buffer.from('\r\n\r\n');

/** The boundary that a `Content-Type` names; undefined where the body is no such form. */
export function boundaryOf(contentType: string | undefined): string | undefined {
  const [, quoted, plain] =
    /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(
      contentType ?? '',
    ) ?? [];
  const boundary = quoted ?? plain;
  return boundary === undefined || boundary.length > MOST_BOUNDARY ? undefined : boundary;
}

/** Reads a form. Throws only where the source does. */
export async function* readForm(
  source: AsyncIterable<Uint8Array>,
  boundary: string,
): AsyncGenerator<FormEvent> {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  // The first delimiter stands at the begin of a line without one before it.
  const input = new Input(source, LINE);
  if ((await input.upTo(delimiter, MOST_HEADERS)) === undefined) return;
  for (;;) {
    const after = await input.take(2);
    if (after?.toString('latin1') === '--') return yield { kind: 'end' };
    if (after === undefined || !after.equals(LINE)) return;
    const head = await input.upTo(BLANK, MOST_HEADERS);
    const part = head === undefined ? undefined : partOf(head.toString('utf8'));
    if (part === undefined) return;
    yield part;
    for (;;) {
      const found = await input.piece(delimiter);
      if (found === undefined) return;
      if (found.bytes.length > 0) yield { kind: 'bytes', bytes: found.bytes };
      if (found.isLast) break;
    }
  }
}

function partOf(head: string): FormEvent | undefined {
  const [, said = ''] = /^content-disposition:\s*form-data(.*)$/im.exec(head) ?? [];
  const name = parameterOf(said, 'name');
  if (name === undefined) return undefined;
  return { kind: 'part', name, filename: parameterOf(said, 'filename') };
}

/** A parameter as browsers write it: `"` and line breaks are in percents. */
function parameterOf(said: string, name: string): string | undefined {
  const [, value] = new RegExp(`;\\s*${name}="([^"]*)"`, 'i').exec(said) ?? [];
  return value
    ?.replaceAll('%22', '"')
    .replaceAll('%0D', '\r')
    .replaceAll('%0A', '\n')
    .replaceAll(/[\r\n]+/g, ' ');
}

/** Bytes of which some are read ahead. */
class Input {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #ahead: Buffer;

  constructor(source: AsyncIterable<Uint8Array>, ahead: Buffer) {
    this.#chunks = source[Symbol.asyncIterator]();
    this.#ahead = ahead;
  }

  async #more(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done === true) return false;
    this.#ahead = Buffer.concat([this.#ahead, next.value]);
    return true;
  }

  /** Takes so many bytes; undefined if there are not so many. */
  async take(count: number): Promise<Buffer | undefined> {
    while (this.#ahead.length < count) if (!(await this.#more())) return undefined;
    const taken = this.#ahead.subarray(0, count);
    this.#ahead = this.#ahead.subarray(count);
    return taken;
  }

  /** Takes what stands before a mark, and the mark; undefined if it does not come within so many bytes. */
  async upTo(mark: Buffer, most: number): Promise<Buffer | undefined> {
    for (;;) {
      const at = this.#ahead.indexOf(mark);
      if (at >= 0) {
        const taken = this.#ahead.subarray(0, at);
        this.#ahead = this.#ahead.subarray(at + mark.length);
        return taken;
      }
      if (this.#ahead.length > most || !(await this.#more())) return undefined;
    }
  }

  /** Takes what is there before a mark, and the mark where it is there; undefined if it never comes. */
  async piece(mark: Buffer): Promise<{ bytes: Buffer; isLast: boolean } | undefined> {
    for (;;) {
      const at = this.#ahead.indexOf(mark);
      // The end of what is there may be the begin of the mark.
      const sure = at >= 0 ? at : this.#ahead.length - mark.length + 1;
      if (at < 0 && sure <= 0) {
        if (!(await this.#more())) return undefined;
        continue;
      }
      const bytes = this.#ahead.subarray(0, sure);
      this.#ahead = this.#ahead.subarray(at >= 0 ? at + mark.length : sure);
      return { bytes, isLast: at >= 0 };
    }
  }
}

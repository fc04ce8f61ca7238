/**
 * The stream's bytes as elements: XMPP's subset of XML (RFC 6120 §11), with limits on all that a
 * stranger could make grow. `saxes` reads the XML; this file decides what of it is allowed.
 */
import type { SaxesTagNS } from 'saxes';
import { Utf8 } from '../kit/utf8.ts';
import { append, type Element } from './element.ts';
import {
  type StreamHeader,
  tell,
  type XmlEvent,
  type XmlHandlers,
  type XmlLimits,
} from './events.ts';
import { type Declaring, headerOf, readHeader } from './header.ts';
import { plainEnd, readPlain, TEXT_END } from './plain.ts';
import { NOT_UTF8, type XmlFault } from './sax.ts';
import { endWithoutWhitespace, skipWhitespace } from './space.ts';
import { StreamSax } from './stream-sax.ts';
import { elementOf, namespaceInTree } from './tag.ts';

export type { StreamHeader, XmlHandlers, XmlLimits } from './events.ts';
export type { XmlFault } from './sax.ts';

/** Chunks are read in pieces of this size, so that limits, pauses and stops take effect soon. */
const PIECE_BYTES = 16_384;

/** So many plain elements after each other let saxes go: to make another takes as long as to read two. */
const RELEASED_AFTER = 2;

/** Thrown through saxes, which cannot be stopped otherwise, and caught in this file. */
const HALT = Symbol('halt');

/** Reads one stream, or, by {@link XmlParser.restart}, several that follow each other. */
export class XmlParser {
  /** New limits hold from the next tag on. */
  limits: XmlLimits;

  readonly #handlers: XmlHandlers;
  #sax: StreamSax;
  /** How many elements it had nothing to do with since it last had. */
  #plainElements = 0;
  /**
   * The plain beginning of an element in which a piece ended: nobody has read it yet. It waits once, so that
   * one which comes in many pieces is not read from its beginning for each.
   */
  #begun = '';
  #isBegunAscii = true;
  #utf8 = new Utf8();

  #contentNs = '';
  /** The local name of the stream's own tag. */
  #root = '';
  /** The namespaces of the open tags, the stream's own first: as many as the depth is. */
  #namespaces: string[] = [];
  /** The innermost open element below the stream. */
  #current: Element | undefined;
  /** How many elements the top-level element has so far. */
  #elements = 0;

  /** What saxes reads now; positions in it are counted in UTF-16 units. */
  #piece = '';
  #isPieceAscii = true;
  /** How many units saxes had read before this piece. */
  #pieceStart = 0;
  /** Where in the piece the present top-level element, or what is before it, begins. */
  #boundary = 0;
  /** Bytes of the present top-level element in earlier pieces. */
  #carriedBytes = 0;
  /** Whether the last piece ended between two top-level elements. */
  #isBetween = false;
  #keepalives = 0;
  /**
   * What the last end tag completed. It waits for whatever comes next, since saxes tells of an end
   * tag of the wrong name only after it has ended the element.
   */
  #ended: XmlEvent | undefined;

  readonly #chunks: Buffer[] = [];
  readonly #events: XmlEvent[] = [];
  #isPaused = false;
  #isPumping = false;
  /** False after close, fault or stop: no byte is looked at any more. */
  #isReading = true;
  /** True once nothing is delivered any more. */
  #isStopped = false;

  constructor(handlers: XmlHandlers, limits: XmlLimits) {
    this.#handlers = handlers;
    this.limits = limits;
    this.#sax = this.#newSax();
  }

  /** Whether events are held back. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Whether what was read ended between two top-level elements, and may go on with a new one. */
  get isBetween(): boolean {
    return this.#isBetween && this.#begun === '' && this.#isReading;
  }

  /** How many whitespace characters stood between top-level elements (RFC 6120 §4.6.1). */
  get keepalives(): number {
    return this.#keepalives;
  }

  /** Reads a chunk; handlers are called before it returns, unless the parser is paused. */
  write(chunk: Buffer): void {
    if (!this.#isReading) return;
    this.#chunks.push(chunk);
    this.#pump();
  }

  /**
   * Holds all events back. Chunks are then only queued: whoever pauses stops reading the socket.
   */
  pause(): void {
    this.#isPaused = true;
  }

  /** Goes on where {@link pause} stopped, in order. */
  resume(): void {
    this.#isPaused = false;
    this.#pump();
  }

  /** Expects a new stream; whatever was written before this call is discarded. */
  restart(): void {
    if (this.#isStopped) return;
    this.#sax = this.#newSax();
    this.#plainElements = 0;
    this.#begun = '';
    this.#utf8 = new Utf8();
    this.#contentNs = '';
    this.#namespaces = [];
    this.#current = undefined;
    this.#pieceStart = 0;
    this.#carriedBytes = 0;
    this.#isBetween = false;
    this.#chunks.length = 0;
    this.#events.length = 0;
    this.#ended = undefined;
    this.#isReading = true;
  }

  /** Ends it: nothing is read or delivered any more. */
  stop(): void {
    this.#isStopped = true;
    this.#isReading = false;
    this.#chunks.length = 0;
    this.#events.length = 0;
    this.#ended = undefined;
  }

  /** Delivers and reads until all is done, the parser is paused or has stopped. */
  #pump(): void {
    if (this.#isPumping) return; // a handler called: the loop below goes on after it
    this.#isPumping = true;
    try {
      while (!this.#isPaused) {
        const event = this.#events.shift();
        if (event !== undefined) {
          this.#deliver(event);
        } else {
          const piece = this.#nextPiece();
          if (piece === undefined) return;
          this.#read(piece);
        }
      }
    } finally {
      this.#isPumping = false;
    }
  }

  #nextPiece(): Buffer | undefined {
    const chunk = this.#chunks.shift();
    if (chunk === undefined || chunk.length <= PIECE_BYTES) return chunk;
    this.#chunks.unshift(chunk.subarray(PIECE_BYTES));
    return chunk.subarray(0, PIECE_BYTES);
  }

  #deliver(event: XmlEvent): void {
    if (event.kind === 'close' || event.kind === 'fault') this.stop();
    try {
      tell(this.#handlers, event);
    } catch (error) {
      this.stop(); // a bug in the handler: what it missed cannot be made up
      throw error;
    }
  }

  #emit(event: XmlEvent): void {
    if (this.#isPaused || this.#events.length > 0) this.#events.push(event);
    else this.#deliver(event);
  }

  /** Emits while saxes is at work, which goes on only if no handler stopped or restarted this. */
  #emitOrHalt(event: XmlEvent): void {
    const sax = this.#sax;
    this.#emit(event);
    if (!this.#isReading || this.#sax !== sax) throw HALT;
  }

  /** Emits the last event of a stream, and leaves saxes. */
  #endWith(event: XmlEvent): never {
    this.#isReading = false;
    this.#chunks.length = 0;
    this.#emit(event);
    throw HALT;
  }

  #fault(condition: XmlFault['condition'], text: string): never {
    this.#endWith({ kind: 'fault', fault: { condition, text } });
  }

  #read(bytes: Buffer): void {
    const piece = this.#utf8.decode(bytes);
    try {
      if (piece === undefined) this.#fault(NOT_UTF8.condition, NOT_UTF8.text);
      this.#parse(piece.text, piece.isAscii);
    } catch (error) {
      if (error === HALT) return;
      if (this.#isStopped) throw error; // it came out of a handler
      // saxes has tripped over something: that ends the stream, not the server.
      this.#isReading = false;
      this.#emit({ kind: 'fault', fault: UNREADABLE });
    }
  }

  #parse(decoded: string, isDecodedAscii: boolean): void {
    const text = this.#begun + decoded + TEXT_END;
    const length = text.length - TEXT_END.length;
    const isPieceAscii = this.#begun === '' ? isDecodedAscii : this.#isBegunAscii && isDecodedAscii;
    const waited = this.#begun.length;
    this.#begun = '';
    const header = this.#isAtStart ? this.#readHeader(text) : 0;
    const start = this.#isBetween ? this.#readPlain(text, header, isPieceAscii) : 0;
    if (start === length || this.#leaveBegun(text, start, waited, isPieceAscii)) {
      if (this.#plainElements >= RELEASED_AFTER) this.#sax.release();
      return;
    }
    this.#plainElements = 0;
    const piece = text.slice(start, length);
    const end = endWithoutWhitespace(piece);
    this.#piece = piece;
    this.#isPieceAscii = isPieceAscii;
    this.#boundary = 0;

    if (end > 0) this.#feed(end === piece.length ? piece : piece.slice(0, end));
    const isInStream = this.#namespaces.length === 1;
    this.#isBetween = isInStream && this.#boundary === end && this.#carriedBytes === 0;
    if (this.#isBetween) {
      this.#keepalives += piece.length - end;
      this.#pieceStart += end;
      return;
    }
    if (end < piece.length) this.#feed(piece.slice(end));
    // saxes reports text only when a tag follows it; no tag can make this right.
    const isTag = this.#carriedBytes > 0 || piece[this.#boundary] === '<';
    if (isInStream && !isTag) this.#fault('bad-format', TEXT_IN_STREAM);
    this.#carriedBytes += this.#bytesUpTo(piece.length);
    this.#pieceStart += piece.length;
    this.#checkBytes(this.#carriedBytes);
  }

  /** Whether nothing of a stream was read yet. */
  get #isAtStart(): boolean {
    return this.#namespaces.length === 0 && this.#carriedBytes === 0 && this.#pieceStart === 0;
  }

  /** Reads a plain header; answers where it ends, or 0 if saxes has to look. */
  #readHeader(text: string): number {
    const { maxAttributes, maxBytes } = this.limits;
    const found = readHeader(text, maxAttributes);
    if (found === undefined || found.end > maxBytes) return 0;
    this.#isBetween = true;
    this.#begin(found.header, found);
    return found.end;
  }

  /**
   * Reads what saxes need not see: whitespace between top-level elements, which it would collect for ever,
   * and plain elements.
   * @param text with {@link TEXT_END}
   * @returns where saxes has to go on
   */
  #readPlain(text: string, from: number, isAscii: boolean): number {
    const length = text.length - TEXT_END.length;
    for (let at = from; ; ) {
      const { limits } = this; // a handler may have set others
      const start = skipWhitespace(text, at);
      this.#keepalives += start - at;
      if (start === length) return start;
      const scope = { contentNs: this.#contentNs, root: this.#root, limits };
      const element = readPlain(text, start, scope);
      if (element === undefined) return start;
      at = plainEnd();
      const bytes = isAscii ? at - start : Buffer.byteLength(text.slice(start, at));
      if (bytes > limits.maxBytes) return start;
      this.#plainElements += 1;
      this.#emitOrHalt({ kind: 'element', element });
    }
  }

  /** Lets wait what has only begun where a text ends, if it has not waited before, nor is too much. */
  #leaveBegun(text: string, start: number, waited: number, isAscii: boolean): boolean {
    if (!this.#isBetween || (start === 0 && waited > 0)) return false;
    const length = text.length - TEXT_END.length;
    if (plainEnd() < length) return false; // what is there is not plain, or is too large
    const begun = text.slice(start, length);
    if ((isAscii ? begun.length : Buffer.byteLength(begun)) > this.limits.maxBytes) return false;
    this.#begun = begun;
    this.#isBegunAscii = isAscii;
    return true;
  }

  #feed(text: string): void {
    this.#sax.write(text);
    this.#deliverEnded();
  }

  /** The bytes from the boundary to a position in the piece. */
  #bytesUpTo(position: number): number {
    if (this.#isPieceAscii) return position - this.#boundary;
    return Buffer.byteLength(this.#piece.slice(this.#boundary, position));
  }

  #checkBytes(bytes: number): void {
    const { maxBytes } = this.limits;
    if (bytes <= maxBytes) return;
    const what = this.#namespaces.length === 0 ? 'The stream header' : 'An element';
    this.#fault('policy-violation', `${what} may have at most ${maxBytes} bytes.`);
  }

  /** Ends the header or a top-level element where saxes is now: the next begins here. */
  #endUnit(): void {
    const position = this.#sax.position - this.#pieceStart;
    this.#checkBytes(this.#carriedBytes + this.#bytesUpTo(position));
    this.#carriedBytes = 0;
    this.#boundary = position;
  }

  #newSax(): StreamSax {
    return new StreamSax(() => ({
      openTag: (tag) => this.#openTag(tag),
      closeTag: () => this.#closeTag(),
      text: (text) => this.#text(text),
      cdata: (text) => this.#cdata(text),
      fault: (fault, isAboutEndTag) => {
        if (isAboutEndTag) this.#ended = undefined;
        else this.#deliverEnded();
        this.#fault(fault.condition, fault.text);
      },
    }));
  }

  #openTag(tag: SaxesTagNS): void {
    this.#deliverEnded();
    if (this.#namespaces.length === 0) this.#openStream(tag);
    else this.#openElement(tag);
  }

  #openElement(tag: SaxesTagNS): void {
    const depth = this.#namespaces.length;
    const { maxDepth, maxElements, maxAttributes } = this.limits;
    if (depth > maxDepth) {
      this.#fault('policy-violation', `An element may have at most ${maxDepth} levels.`);
    }
    this.#elements = depth === 1 ? 1 : this.#elements + 1;
    if (this.#elements > maxElements) {
      this.#fault('policy-violation', `An element may have at most ${maxElements} elements in it.`);
    }
    if (depth === 1 && tag.local === this.#root && tag.uri === this.#namespaces[0]) {
      this.#fault('bad-format', 'A stream has one header only.'); // it would never be closed
    }
    const parentNs = depth === 1 ? '' : (this.#namespaces[depth - 1] ?? '');
    const ns = namespaceInTree(tag.uri, this.#contentNs, parentNs);
    const element = elementOf(tag, ns, parentNs, maxAttributes);
    if (element === undefined) this.#tooManyAttributes();
    if (this.#current !== undefined) append(this.#current, element);
    this.#current = element;
    this.#namespaces.push(ns);
  }

  #tooManyAttributes(): never {
    const { maxAttributes } = this.limits;
    this.#fault('policy-violation', `An element may have at most ${maxAttributes} attributes.`);
  }

  #openStream(tag: SaxesTagNS): void {
    if (Object.keys(tag.attributes).length > this.limits.maxAttributes) this.#tooManyAttributes();
    this.#endUnit();
    this.#begin(
      headerOf(tag, (name) => tag.attributes[name]?.value),
      tag,
    );
  }

  #begin(header: StreamHeader, tag: Declaring): void {
    this.#contentNs = header.contentNs;
    this.#namespaces.push(header.ns);
    this.#root = header.name;
    this.#sax.begin(tag);
    this.#emitOrHalt({ kind: 'open', header });
  }

  #closeTag(): void {
    this.#deliverEnded();
    this.#namespaces.pop();
    const element = this.#current;
    this.#current = element?.parent ?? undefined;
    if (this.#current !== undefined) return;
    this.#endUnit();
    this.#ended = element === undefined ? { kind: 'close' } : { kind: 'element', element };
  }

  /** Emits what an end tag completed. */
  #deliverEnded(): void {
    const event = this.#ended;
    if (event === undefined) return;
    this.#ended = undefined;
    if (event.kind === 'close') this.#endWith(event);
    this.#emitOrHalt(event);
  }

  #text(text: string): void {
    const element = this.#current;
    if (element !== undefined) {
      appendText(element, text);
      return;
    }
    this.#deliverEnded();
    if (this.#namespaces.length === 0) return; // saxes lets nothing but whitespace through
    if (skipWhitespace(text, 0) < text.length) this.#fault('bad-format', TEXT_IN_STREAM);
    this.#keepalives += text.length;
    this.#boundary = this.#sax.position - this.#pieceStart - 1; // at the < that follows
  }

  #cdata(text: string): void {
    if (this.#current === undefined) {
      this.#deliverEnded();
      this.#fault('bad-format', TEXT_IN_STREAM);
    }
    appendText(this.#current, text);
  }
}

const UNREADABLE: XmlFault = {
  condition: 'not-well-formed',
  text: 'The XML is not well-formed.',
};

const TEXT_IN_STREAM = 'Between the elements of a stream there may only be whitespace.';

/** Adds text so that one run of it is one child, however it was written (CDATA, references). */
function appendText(element: Element, text: string): void {
  const { children } = element;
  const last = children.length - 1;
  const before = children[last];
  if (typeof before === 'string') children[last] = before + text;
  else if (text !== '') children.push(text);
}

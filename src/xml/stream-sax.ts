/**
 * saxes for one stream. It is made when something comes that is not plain, and let go while only plain elements
 * come, for it is most of what reading a stream keeps in memory, and a server has thousands that are idle; when
 * it is needed again, another one begins where it was.
 */
import { escapeAttribute } from './element.ts';
import type { Declaring } from './header.ts';
import { openSax, type RestrictedSax, type SaxHandlers } from './sax.ts';

/** A saxes that was told more to begin with is kept: making it anew would cost more than its stream's bytes do. */
const LONGEST_DECLARING = 512;

/** Reads what is written to it, one document. */
export class StreamSax {
  readonly #handlersOf: () => SaxHandlers;
  #sax: RestrictedSax | undefined;
  /** How many units were written. */
  #written = 0;
  /** How many of them were before the present saxes, less what that was told to begin with. */
  #before = 0;
  /** A start tag that declares what the stream's own does. */
  #declaring = '';
  #isReopening = false;

  /** @param handlersOf makes handlers for saxes, which are let go with it */
  constructor(handlersOf: () => SaxHandlers) {
    this.#handlersOf = handlersOf;
  }

  /** How many UTF-16 units were read, for a handler. */
  get position(): number {
    return this.#before + (this.#sax?.position ?? 0);
  }

  /** Reads on; handlers are called before it returns, and may throw through it. */
  write(text: string): void {
    this.#sax ??= this.#declaring === '' ? this.#open() : this.#reopen();
    this.#written += text.length;
    this.#sax.write(text);
  }

  /** Notes the stream's own tag. */
  begin({ name, ns }: Declaring): void {
    let tag = `<${name}`;
    for (const prefix in ns)
      tag += ` xmlns${prefix === '' ? '' : ':'}${prefix}="${escapeAttribute(ns[prefix] ?? '')}"`;
    tag += '>';
    if (tag !== declaredLast) declaredLast = tag;
    this.#declaring = declaredLast;
  }

  /** Lets saxes go, which is between two top-level elements, if another one is cheap. */
  release(): void {
    if (this.#declaring.length <= LONGEST_DECLARING) this.#sax = undefined;
  }

  #open(): RestrictedSax {
    const handlers = this.#handlersOf();
    return openSax({
      ...handlers,
      openTag: (tag) => {
        if (!this.#isReopening) handlers.openTag(tag);
      },
    });
  }

  #reopen(): RestrictedSax {
    const sax = this.#open();
    this.#isReopening = true;
    sax.write(this.#declaring);
    this.#isReopening = false;
    this.#before = this.#written - this.#declaring.length;
    return sax;
  }
}

/** Streams of one kind declare the same: one text for them all. */
let declaredLast = '';

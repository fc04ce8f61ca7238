/** One stanza for many: only the address differs (a presence broadcast, a message in a room). */
import type { Jid } from '../jid/jid.ts';
import { nextSerial } from '../kit/ids.ts';
import { withAttributes } from '../xml/element.ts';
import type { Message, Presence } from './stanza.ts';
import type { Wire } from './wire.ts';

/**
 * The same presence or message to somebody else, for whom it is one of its own. Tree and text of what
 * it carries are shared with the original, so that however many receive it, it is written once.
 */
export function addressedTo<S extends Message | Presence>(stanza: S, to: Jid): S {
  const element = withAttributes(stanza.element, { ...stanza.element.attrs, to });
  const wire = new WireTo(stanza.wire, to);
  // bench/room.bench.ts: made for each delivery, so nothing is copied twice.
  return stanza.kind === 'message'
    ? { ...stanza, serial: nextSerial(), to, element, wire }
    : { ...stanza, to, element, wire };
}

/** The text of a stanza to one of those who receive it. */
class WireTo implements Wire {
  readonly #wire: Wire;
  readonly #to: Jid;
  #text: string | undefined;

  constructor(wire: Wire, to: Jid) {
    this.#wire = wire;
    this.#to = to;
  }

  get text(): string {
    this.#text ??= this.#wire.textTo(this.#to);
    return this.#text;
  }

  textTo(to: Jid): string {
    return this.#wire.textTo(to);
  }
}

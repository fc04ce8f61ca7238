/** One stanza for many: only the address differs (a presence broadcast, a message in a room). */
import type { Jid } from '../jid/jid.ts';
import { nextSerial } from '../kit/ids.ts';
import { type Element, withAttributes } from '../xml/element.ts';
import type { Message, Presence } from './stanza.ts';
import type { Wire } from './wire.ts';

/**
 * The same presence or message to somebody else, for whom it is one of its own. Tree and text of what
 * it carries are shared with the original, so that however many receive it, it is written once.
 */
export function addressedTo<S extends Message | Presence>(stanza: S, to: Jid): S;
export function addressedTo(stanza: Message | Presence, to: Jid): Message | Presence {
  if (stanza.kind === 'presence') return new PresenceTo(stanza, to);
  // bench/room.bench.ts: made for each delivery, so nothing is copied twice.
  const element = withAttributes(stanza.element, { ...stanza.element.attrs, to });
  const wire = new WireTo(stanza.wire, to);
  return { ...stanza, serial: nextSerial(), to, element, wire };
}

/** The presence of which one is to somebody, for what is the same for all who see it. */
export const originalOf = (presence: Presence): Presence =>
  presence instanceof PresenceTo ? presence.original : presence;

/** A presence to one of those who see it; hardly any of them needs the tree (bench, `roster-100`). */
class PresenceTo implements Presence {
  readonly kind = 'presence';
  readonly type: Presence['type'];
  readonly id: string | undefined;
  readonly from: Jid;
  readonly to: Jid;
  readonly wire: Wire;
  readonly original: Presence;
  #element: Element | undefined;

  constructor(original: Presence, to: Jid) {
    this.type = original.type;
    this.id = original.id;
    this.from = original.from;
    this.to = to;
    this.wire = new WireTo(original.wire, to);
    this.original = originalOf(original);
  }

  get element(): Element {
    const { element } = this.original;
    this.#element ??= withAttributes(element, { ...element.attrs, to: this.to });
    return this.#element;
  }
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

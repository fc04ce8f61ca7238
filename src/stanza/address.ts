/** One stanza for many: only the address differs (a presence broadcast, a message in a room). */
import type { Jid } from '../jid/jid.ts';
import { nextSerial } from '../kit/ids.ts';
import { el } from '../xml/element.ts';
import type { Message, Presence } from './stanza.ts';
import type { Wire } from './wire.ts';

/**
 * The same presence or message to somebody else, for whom it is one of its own. Tree and text of what
 * it carries are shared with the original, so that however many receive it, it is written once.
 */
export function addressedTo<S extends Message | Presence>(stanza: S, to: Jid): S {
  const { element, wire } = stanza;
  const copy = el(element.name, { ...element.attrs, to });
  // The children keep their parent, which is in the same namespace.
  copy.children.push(...element.children);
  const own = stanza.kind === 'message' ? { serial: nextSerial() } : {};
  return { ...stanza, ...own, to, element: copy, wire: wireTo(wire, to) };
}

function wireTo(wire: Wire, to: Jid): Wire {
  let text: string | undefined;
  return {
    get text() {
      text ??= wire.textTo(to);
      return text;
    },
    textTo: (other) => wire.textTo(other),
  };
}
